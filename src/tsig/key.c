/* SPDX-License-Identifier: Apache-2.0
 * Keys and keyrings. A keyring is an array in canonical order of the names. */
#include "tsig/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"

struct keyring {
    struct mac_provider *provider;
    unsigned count, cap;
    struct tsig_key **keys;
};

/* --- keys --- */

struct name tsig_key_name(const struct tsig_key *key)
{
    return name_of(&key->name);
}

const char *tsig_key_algorithm(const struct tsig_key *key)
{
    return key->algorithm_text;
}

int64_t tsig_key_last_used_us(const struct tsig_key *key)
{
    return key->last_used_us;
}

unsigned tsig_key_secrets(const struct tsig_key *key, int64_t until_us[TSIG_SECRETS_MAX])
{
    for (unsigned i = 0; i < key->secret_count; i++)
        until_us[i] = key->secret[i].until_us;
    return key->secret_count;
}

static void secret_mark(const struct tsig_key *key, unsigned i, uint8_t mac[TSIG_MAC_MAX])
{
    static const char text[] = "any text: equal secrets give it equal MACs";
    mac_start(key->secret[i].mac);
    mac_add(key->secret[i].mac, text, sizeof(text));
    mac_end(key->secret[i].mac, mac, key->algorithm->mac_len);
}

bool tsig_key_is_same(const struct tsig_key *a, const struct tsig_key *b)
{
    uint8_t macs[2][TSIG_MAC_MAX];
    bool is_same = a->algorithm == b->algorithm && a->mac_min == b->mac_min &&
                   a->secret_count == b->secret_count;
    for (unsigned i = 0; is_same && i < a->secret_count; i++) {
        secret_mark(a, i, macs[0]);
        secret_mark(b, i, macs[1]);
        is_same = a->secret[i].until_us == b->secret[i].until_us &&
                  memcmp(macs[0], macs[1], a->algorithm->mac_len) == 0;
    }
    return is_same;
}

struct tsig_key *tsig_key_hold(struct tsig_key *key)
{
    ASSERT(key->references > 0);
    key->references++;
    return key;
}

struct tsig_key *tsig_key_copy(const struct tsig_key *key)
{
    struct tsig_key *copy = mem_alloc(sizeof(*copy));
    *copy = *key;
    copy->references = 1;
    for (unsigned i = 0; i < copy->secret_count; i++)
        copy->secret[i].mac = mac_copy(key->secret[i].mac);
    return copy;
}

void tsig_key_release(struct tsig_key *key)
{
    if (!key)
        return;
    ASSERT(key->references > 0);
    if (--key->references > 0)
        return;
    for (unsigned i = 0; i < key->secret_count; i++)
        mac_free(key->secret[i].mac);
    free(key);
}

/* --- keyrings --- */

struct keyring *keyring_new(void)
{
    struct keyring *ring = mem_alloc_zero(sizeof(*ring));
    ring->provider = mac_provider_new();
    return ring;
}

void keyring_free(struct keyring *ring)
{
    if (!ring)
        return;
    for (unsigned i = 0; i < ring->count; i++)
        tsig_key_release(ring->keys[i]);
    mac_provider_free(ring->provider);
    free(ring->keys);
    free(ring);
}

/* Where the name stands or would stand. */
static unsigned place_of(const struct keyring *ring, struct name name, bool *is_there)
{
    unsigned low = 0, high = ring->count;
    *is_there = false;
    while (low < high && !*is_there) {
        unsigned middle = low + (high - low) / 2;
        int order = name_compare(tsig_key_name(ring->keys[middle]), name);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        if (order == 0) {
            low = middle;
            *is_there = true;
        }
    }
    return low;
}

struct tsig_key *keyring_find(const struct keyring *ring, struct name name)
{
    bool is_there = false;
    unsigned i = ring ? place_of(ring, name, &is_there) : 0;
    return is_there ? ring->keys[i] : NULL;
}

uint64_t keyring_fingerprint(const struct keyring *ring, struct name name)
{
    const struct tsig_key *key = name.len ? keyring_find(ring, name) : NULL;
    return key ? key->fingerprint : 0;
}

struct tsig_key *keyring_at(const struct keyring *ring, unsigned i)
{
    return i < ring->count ? ring->keys[i] : NULL;
}

bool keyring_remove(struct keyring *ring, struct name name)
{
    bool is_there;
    unsigned at = place_of(ring, name, &is_there);
    if (!is_there)
        return false;
    tsig_key_release(ring->keys[at]);
    ring->count--;
    memmove(ring->keys + at, ring->keys + at + 1, (ring->count - at) * sizeof(void *));
    return true;
}

void keyring_inherit(struct keyring *ring, const struct keyring *old)
{
    for (unsigned i = 0; old && i < ring->count; i++) {
        const struct tsig_key *before = keyring_find(old, tsig_key_name(ring->keys[i]));
        if (before && before->last_used_us > ring->keys[i]->last_used_us)
            ring->keys[i]->last_used_us = before->last_used_us;
    }
}

/* --- adding --- */

static void show_algorithm(struct tsig_key *key)
{
    struct text t;
    text_init(&t, key->algorithm_text, sizeof(key->algorithm_text));
    text_add(&t, key->algorithm->text);
    if (key->mac_min != tsig_algorithm_floor(key->algorithm))
        text_fmt(&t, "-%u", 8u * key->mac_min);
    ASSERT(!t.bad);
}

static struct tsig_key *key_new(struct name name, const struct tsig_algorithm *algorithm,
                                uint8_t mac_min)
{
    struct tsig_key *key = mem_alloc_zero(sizeof(*key));
    key->references = 1;
    key->algorithm = algorithm;
    key->mac_min = mac_min;
    key->name.len = name.len;
    name_lower(name, key->name.wire);
    show_algorithm(key);
    return key;
}

static enum err add_secrets(const struct keyring *ring, struct tsig_key *key,
                            const struct tsig_secret *secrets, unsigned count, struct diag *diag)
{
    if (count == 0 || count > TSIG_SECRETS_MAX)
        return err_say(diag, ERR_INVALID, "a key has one secret, or two during a rotation");
    for (unsigned i = 0; i < count; i++) {
        const struct tsig_secret *s = &secrets[i];
        if (s->len == 0)
            return err_say(diag, ERR_INVALID, "the secret is empty");
        if (s->len > TSIG_SECRET_LEN_MAX)
            return err_say(diag, ERR_INVALID, "the secret is longer than %d bytes",
                           TSIG_SECRET_LEN_MAX);
        struct mac *mac = ring->provider
                              ? mac_new(ring->provider, key->algorithm->digest, s->bytes, s->len)
                              : NULL;
        if (!mac)
            return err_say(diag, ERR_SYSTEM, "the cryptographic library does not offer %s here",
                           key->algorithm->text);
        key->secret[i].mac = mac;
        key->secret[i].until_us = s->until_us;
        key->secret_count++;
    }
    return OK;
}

static uint64_t fingerprint(const struct tsig_key *key)
{
    static const struct hash_key plain = {0};
    uint8_t marks[1 + TSIG_SECRETS_MAX * TSIG_MAC_MAX] = {key->mac_min};
    for (unsigned i = 0; i < key->secret_count; i++)
        secret_mark(key, i, marks + 1 + i * TSIG_MAC_MAX);
    uint64_t sum = hash_bytes(&plain, marks, sizeof(marks));
    return sum ? sum : 1;
}

static void insert(struct keyring *ring, unsigned at, struct tsig_key *key)
{
    if (ring->count == ring->cap) {
        ring->cap = ring->cap ? 2 * ring->cap : 8;
        ring->keys = mem_grow(ring->keys, ring->cap * sizeof(void *));
    }
    memmove(ring->keys + at + 1, ring->keys + at, (ring->count - at) * sizeof(void *));
    ring->keys[at] = key;
    ring->count++;
}

enum err keyring_add(struct keyring *ring, struct name name, const char *algorithm,
                     const struct tsig_secret *secrets, unsigned count, struct diag *diag)
{
    bool is_there;
    uint8_t mac_min;
    const struct tsig_algorithm *a = tsig_algorithm_scan(algorithm, strlen(algorithm), &mac_min);
    if (!a)
        return err_say(diag, ERR_INVALID, "unknown algorithm \"%.64s\"", algorithm);
    unsigned at = place_of(ring, name, &is_there);
    if (is_there)
        return err_say(diag, ERR_EXISTS, "there is a key of that name");
    struct tsig_key *key = key_new(name, a, mac_min);
    enum err e = add_secrets(ring, key, secrets, count, diag);
    if (e != OK) {
        tsig_key_release(key);
        return e;
    }
    key->fingerprint = fingerprint(key);
    insert(ring, at, key);
    return OK;
}

/* SPDX-License-Identifier: Apache-2.0
 * Counts by client: open addressing with linear probing, at most half full; removal moves
 * later entries back, so that there are no tombstones to collect. */
#include "request/limit.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define CAP_FIRST 64

static struct limit_slot key_of(const union address *client)
{
    struct limit_slot key = {.family = client->any.sa_family};
    if (key.family == AF_INET)
        key.prefix = client->v4.sin_addr.s_addr;
    else
        memcpy(&key.prefix, &client->v6.sin6_addr, sizeof(key.prefix));
    return key;
}

static size_t home_of(const struct limit *l, const struct limit_slot *key)
{
    return hash_bytes(&l->key, key, offsetof(struct limit_slot, count)) & (l->cap - 1);
}

/* The client's slot, or the free one where it belongs. */
static struct limit_slot *slot_of(const struct limit *l, const struct limit_slot *key)
{
    for (size_t i = home_of(l, key);; i = (i + 1) & (l->cap - 1)) {
        struct limit_slot *s = &l->slots[i];
        if (!s->count || (s->prefix == key->prefix && s->family == key->family))
            return s;
    }
}

static void grow(struct limit *l)
{
    struct limit old = *l;
    l->cap = old.cap * 2;
    l->slots = mem_alloc_zero(l->cap * sizeof(*l->slots));
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].count)
            *slot_of(l, &old.slots[i]) = old.slots[i];
    free(old.slots);
}

void limit_init(struct limit *l, struct hash_key key)
{
    *l = (struct limit){.key = key, .cap = CAP_FIRST};
    l->slots = mem_alloc_zero(l->cap * sizeof(*l->slots));
}

void limit_done(struct limit *l)
{
    free(l->slots);
    *l = (struct limit){0};
}

bool limit_take_many(struct limit *l, const union address *client, uint32_t n, uint32_t max)
{
    ASSERT(n > 0 && max > 0);
    struct limit_slot key = key_of(client);
    struct limit_slot *s = slot_of(l, &key);
    if (n > max || s->count > max - n)
        return false;
    if (!s->count && 2 * (l->used + 1) > l->cap) {
        grow(l);
        s = slot_of(l, &key);
    }
    if (!s->count) {
        *s = key;
        l->used++;
    }
    s->count += n;
    return true;
}

/* Frees slot i and moves back what had to step over it. */
static void slot_remove(struct limit *l, size_t i)
{
    size_t mask = l->cap - 1;
    for (size_t j = (i + 1) & mask; l->slots[j].count; j = (j + 1) & mask) {
        size_t steps = (j - home_of(l, &l->slots[j])) & mask; /* how far entry j is from home */
        if (steps >= ((j - i) & mask)) {
            l->slots[i] = l->slots[j];
            i = j;
        }
    }
    l->slots[i].count = 0;
    l->used--;
}

void limit_give_many(struct limit *l, const union address *client, uint32_t n)
{
    struct limit_slot key = key_of(client);
    struct limit_slot *s = slot_of(l, &key);
    ASSERT(n > 0 && s->count >= n);
    if (s->count == n)
        slot_remove(l, (size_t)(s - l->slots));
    else
        s->count -= n;
}

uint32_t limit_count(const struct limit *l, const union address *client)
{
    struct limit_slot key = key_of(client);
    return slot_of(l, &key)->count;
}

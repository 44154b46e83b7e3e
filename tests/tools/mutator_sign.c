/* SPDX-License-Identifier: Apache-2.0
 * Signatures by RFC 8945 with all its algorithms, right or with a flaw, made without the server's
 * own code. */
#include <ctype.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "mutator_int.h"

#define MAC_MAX 64
#define FUDGE_S 300
#define OTHER   "other"

/* clang-format off */
/* key     name on the wire                                  digest */
static const struct key {
    const char *name, *algorithm;
    const EVP_MD *(*digest)(void);
} keys[KEYS] = {
    {"hmac-md5",    "\10hmac-md5\7sig-alg\3reg\3int", EVP_md5},
    {"hmac-sha1",   "\11hmac-sha1",                   EVP_sha1},
    {"hmac-sha224", "\13hmac-sha224",                 EVP_sha224},
    {"hmac-sha256", "\13hmac-sha256",                 EVP_sha256},
    {"hmac-sha384", "\13hmac-sha384",                 EVP_sha384},
    {"hmac-sha512", "\13hmac-sha512",                 EVP_sha512},
};
/* clang-format on */

/* What may be wrong, and what only looks so. */
enum flaw {
    FLAW_NONE,
    FLAW_MAC,
    FLAW_SHORT,
    FLAW_EMPTY,
    FLAW_TIME,
    FLAW_FUDGE,
    FLAW_ERROR,
    FLAW_OTHER_LENGTH,
    FLAW_CLASS,
    FLAW_TTL,
    FLAW_ALGORITHM,
    FLAW_KEY,
    FLAW_TWICE,
    FLAW_NOT_LAST,
    FLAW_TYPE,
    SOUND_UPPER_CASE,
    SOUND_OTHER_ID,
    SOUND_TRUNCATED,
    SOUND_OTHER_DATA,
    FLAW_COUNT
};

struct signature {
    const struct key *key;
    enum flaw flaw;
    uint8_t name[64], algorithm[64]; /* as they are written */
    unsigned name_len, algorithm_len;
    uint8_t times[8];
    uint8_t error[4 + sizeof(OTHER)]; /* error, length of other data, other data */
    unsigned error_len;
    uint16_t original_id;
    uint8_t mac[MAC_MAX];
    unsigned mac_len;
};

const char *sign_key(unsigned i)
{
    return keys[i].name;
}

static const struct key *find_key(const char *name)
{
    const struct key *key = keys;
    while (strcmp(key->name, name) != 0)
        key++;
    return key;
}

static void put_times(struct signature *s, int64_t now_s)
{
    if (s->flaw == FLAW_TIME)
        now_s -= 10 * FUDGE_S;
    put_u64(s->times, (uint64_t)now_s << 16 | (s->flaw == FLAW_FUDGE ? 0 : FUDGE_S));
}

static void put_names(struct mutator *m, struct signature *s)
{
    unsigned len = (unsigned)strlen(s->key->name);
    s->name[0] = (uint8_t)len;
    memcpy(s->name + 1, s->flaw == FLAW_KEY ? "none-of-our-keys" : s->key->name, len);
    s->name[len + 1] = 0;
    s->name_len = len + 2;
    if (s->flaw == SOUND_UPPER_CASE)
        for (unsigned i = 1; i <= len; i++)
            s->name[i] = (uint8_t)toupper(s->name[i]);
    const char *algorithm = s->flaw == FLAW_ALGORITHM ? PICK(m, keys).algorithm : s->key->algorithm;
    s->algorithm_len = (unsigned)strlen(algorithm) + 1;
    memcpy(s->algorithm, algorithm, s->algorithm_len);
}

static void put_error(struct mutator *m, struct signature *s)
{
    bool has_other = s->flaw == SOUND_OTHER_DATA;
    unsigned len = has_other ? sizeof(OTHER) - 1 : 0;
    put_u16(s->error, s->flaw == FLAW_ERROR ? (uint16_t)(16 + mutator_draw(m, 7)) : 0);
    put_u16(s->error + 2, (uint16_t)len);
    memcpy(s->error + 4, OTHER, len);
    s->error_len = 4 + len;
}

/* s4.3: the message with its original ID, then the record but for its MAC; names in lower case. */
static void put_mac(struct mutator *m, struct signature *s, const struct wr *message)
{
    static uint8_t digested[DNS_MESSAGE_MAX + 512];
    static const uint8_t class_ttl[] = {0, CLASS_ANY, 0, 0, 0, 0};
    uint8_t secret[SHA256_DIGEST_LENGTH];
    struct wr w = wr_over(digested, sizeof(digested));
    wr_u16(&w, s->original_id);
    wr_bytes(&w, message->start + 2, wr_len(message) - 2);
    for (unsigned i = 0; i < s->name_len; i++)
        wr_u8(&w, (uint8_t)tolower(s->name[i]));
    wr_bytes(&w, class_ttl, sizeof(class_ttl));
    wr_bytes(&w, s->algorithm, s->algorithm_len);
    wr_bytes(&w, s->times, sizeof(s->times));
    wr_bytes(&w, s->error, s->error_len);
    SHA256((const uint8_t *)s->key->name, strlen(s->key->name), secret);
    HMAC(s->key->digest(), secret, sizeof(secret), digested, wr_len(&w), s->mac, &s->mac_len);
    if (s->flaw == FLAW_MAC)
        s->mac[mutator_draw(m, s->mac_len)] ^= (uint8_t)(1u << mutator_draw(m, 8));
    if (s->flaw == FLAW_SHORT)
        s->mac_len = mutator_draw(m, 10);
    if (s->flaw == FLAW_EMPTY)
        s->mac_len = 0;
    if (s->flaw == SOUND_TRUNCATED) /* s5.2.2.1: half of it, and ten bytes at least */
        s->mac_len = s->mac_len / 2 > 10 ? s->mac_len / 2 : 10;
}

static void write_record(const struct signature *s, struct wr *w)
{
    unsigned len =
        s->algorithm_len + (unsigned)sizeof(s->times) + 2 + s->mac_len + 2 + s->error_len;
    wr_bytes(w, s->name, s->name_len);
    wr_u16(w, s->flaw == FLAW_TYPE ? TYPE_TKEY : TYPE_TSIG);
    wr_u16(w, s->flaw == FLAW_CLASS ? CLASS_IN : CLASS_ANY);
    wr_u32(w, s->flaw == FLAW_TTL);
    wr_u16(w, (uint16_t)len);
    wr_bytes(w, s->algorithm, s->algorithm_len);
    wr_bytes(w, s->times, sizeof(s->times));
    wr_u16(w, (uint16_t)s->mac_len);
    wr_bytes(w, s->mac, s->mac_len);
    wr_u16(w, s->original_id);
    wr_bytes(w, s->error, s->flaw == FLAW_OTHER_LENGTH ? 2 : s->error_len);
    if (s->flaw == FLAW_OTHER_LENGTH)
        wr_u16(w, 7);
}

static enum flaw any_flaw(struct mutator *m)
{
    return chance(m, 20) ? (enum flaw)(1 + mutator_draw(m, FLAW_COUNT - 1)) : FLAW_NONE;
}

bool sign_message(struct mutator *m, const char *key, int64_t now_s, struct wr *w)
{
    struct signature s = {.key = find_key(key), .flaw = any_flaw(m)};
    if (wr_len(w) < DNS_HEADER_LEN)
        return false;
    s.original_id = get_u16(w->start);
    if (s.flaw == SOUND_OTHER_ID)
        s.original_id = (uint16_t)mutator_draw(m, 65536);
    put_times(&s, now_s);
    put_names(m, &s);
    put_error(m, &s);
    put_mac(m, &s, w);
    struct wr kept = *w;
    unsigned count = 1;
    write_record(&s, w);
    if (s.flaw == FLAW_TWICE) {
        write_record(&s, w);
        count++;
    }
    if (s.flaw == FLAW_NOT_LAST) {
        wr_bytes(w, "\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4", 15);
        count++;
    }
    if (w->bad) {
        *w = kept;
        return false;
    }
    put_u16(w->start + 10, (uint16_t)(get_u16(w->start + 10) + count));
    return s.flaw == FLAW_NONE || s.flaw >= SOUND_UPPER_CASE;
}

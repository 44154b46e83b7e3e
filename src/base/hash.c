/* SPDX-License-Identifier: Apache-2.0
 * SipHash-c-d as its authors specify it: c rounds a word, d at the end. */
#include "base/hash.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_rounds(struct sip *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        sip_round(s);
}

static inline void sip_word(struct sip *s, uint64_t m, unsigned rounds)
{
    s->v3 ^= m;
    sip_rounds(s, rounds);
    s->v0 ^= m;
}

static inline struct sip sip_start(const struct hash_key *key)
{
    return (struct sip){
        key->k0 ^ 0x736f6d6570736575,
        key->k1 ^ 0x646f72616e646f6d,
        key->k0 ^ 0x6c7967656e657261,
        key->k1 ^ 0x7465646279746573,
    };
}

static inline uint64_t sip_end(struct sip *s, unsigned rounds)
{
    s->v2 ^= 0xff;
    sip_rounds(s, rounds);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    struct sip s = sip_start(key);
    uint64_t last = (uint64_t)len << 56;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t m;
        memcpy(&m, p, 8); /* little-endian words */
        sip_word(&s, m, 2);
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)p[i] << (8 * i);
    sip_word(&s, last, 2);
    return sip_end(&s, 4);
}

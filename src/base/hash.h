/* SPDX-License-Identifier: Apache-2.0
 * Keyed hashes for tables whose keys a peer can choose; the key is drawn at random at start. */
#ifndef REEVE_BASE_HASH_H
#define REEVE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
    uint64_t k0, k1;
};

/* SipHash-2-4; also what RFC 9018 cookies are made with. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);
/* A universal hash, at a fraction of that cost, for what is asked with every answer: NH of RFC 4418
 * s5.2 with words of 64 bits, then a multilinear hash of its 128 bits. Whatever two different
 * inputs are, a key chosen at random gives them the same hash with a probability of 2^-63, and any
 * bits of it the same as often as if they had been drawn. Unlike SipHash it must not be shown to
 * anybody: who sees hashes can find out the key. */
#define HASH_BYTES_MAX 255

struct universal_key {
    uint64_t pair[1 + (HASH_BYTES_MAX + 15) / 16]
                 [2]; /* for the words of the head, then the bytes */
    unsigned __int128 end[3];
};

static inline unsigned __int128 hash_pair(const uint64_t key[2], uint64_t a, uint64_t b)
{
    return (unsigned __int128)(a + key[0]) * (b + key[1]);
}

static inline uint64_t hash_load_8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t hash_load_4(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Of two words, and of bytes (at most HASH_BYTES_MAX), whose number has to be in the words. */
static inline uint64_t hash_universal(const struct universal_key *key, const uint64_t head[2],
                                      const uint8_t *bytes, unsigned len)
{
    unsigned __int128 sum = hash_pair(key->pair[0], head[0], head[1]);
    const uint64_t(*k)[2] = &key->pair[1];
    if (len >= 16) { /* the last 16 bytes may be hashed twice in part */
        const uint8_t *last = bytes + len - 16;
        for (; bytes < last; bytes += 16, k++)
            sum += hash_pair(*k, hash_load_8(bytes), hash_load_8(bytes + 8));
        sum += hash_pair(*k, hash_load_8(last), hash_load_8(last + 8));
    } else if (len >= 8)
        sum += hash_pair(*k, hash_load_8(bytes), hash_load_8(bytes + len - 8));
    else if (len >= 4)
        sum += hash_pair(*k, hash_load_4(bytes), hash_load_4(bytes + len - 4));
    else if (len > 0)
        sum += hash_pair(*k, bytes[0], (uint64_t)bytes[len / 2] << 8 | bytes[len - 1]);
    sum = key->end[0] + key->end[1] * (uint64_t)sum + key->end[2] * (uint64_t)(sum >> 64);
    return (uint64_t)(sum >> 64);
}

#endif

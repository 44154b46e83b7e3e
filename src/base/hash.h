/* SPDX-License-Identifier: Apache-2.0
 * Keyed hashes for tables whose keys a peer can choose: SipHash with a 128-bit key drawn at
 * start. */
#ifndef REEVE_BASE_HASH_H
#define REEVE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

/* SipHash-2-4; also what RFC 9018 cookies are made with. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);
/* SipHash-1-3 of words, for what is asked with every answer and never leaves the server; without
 * the length that SipHash puts at the end: of all that is hashed with one key, nothing may be the
 * beginning of something else. */
uint64_t hash_words(const struct hash_key *key, const uint64_t *words, unsigned count);

#endif

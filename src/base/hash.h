/* SPDX-License-Identifier: Apache-2.0
 * A keyed hash for tables whose keys a peer can choose: SipHash-2-4 with a 128-bit key drawn at
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

#endif

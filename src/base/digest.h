/* SPDX-License-Identifier: Apache-2.0
 * SHA-1 for the hashed names of NSEC3 (RFC 5155 s5). Not for anything that must resist collisions.
 *
 * The caller owns the struct; it holds the working state of one thread and must not move to another while in use. */
#ifndef REEVE_BASE_DIGEST_H
#define REEVE_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA1_LEN 20

struct digest {
    void *algorithm, *state; /* the library's; NULL before init and after done */
};

/* False: the cryptographic library offers no SHA-1 here; *d is as after digest_done(). */
bool digest_init(struct digest *d);
/* A struct that is all zero is fine. */
void digest_done(struct digest *d);

/* out may be where bytes are. */
void digest_sha1(struct digest *d, const uint8_t *bytes, size_t len, uint8_t out[DIGEST_SHA1_LEN]);

#endif

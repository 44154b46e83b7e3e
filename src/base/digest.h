/* SPDX-License-Identifier: Apache-2.0
 * SHA-1 for the hashed names of NSEC3 (RFC 5155 s5). Not for anything that must resist collisions.
 *
 * The caller owns the struct; it holds the working state of one thread and must not move to another
 * while in use. */
#ifndef REEVE_BASE_DIGEST_H
#define REEVE_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA1_LEN   20
#define DIGEST_SALT_MAX   255
#define DIGEST_INPUT_MAX  255
#define DIGEST_MEMO_COUNT 64 /* a power of two */
#define DIGEST_MEMO_INPUT 96 /* input and salt together; longer ones are not remembered */

/* What was hashed before, with its result: a pure function's value never gets stale. */
struct digest_memo {
    bool is_set;
    uint8_t len, salt_len;
    uint16_t iterations;
    uint8_t input[DIGEST_MEMO_INPUT]; /* then the salt */
    uint8_t sum[DIGEST_SHA1_LEN];
};

struct digest {
    void *algorithm, *state; /* the library's; NULL before init and after done */
    uint64_t computed;       /* jobs that were, and not remembered: what they cost is told by it */
    struct digest_memo memo[DIGEST_MEMO_COUNT];
};

/* RFC 5155 s5: H(input | salt), then `iterations` times H(result | salt). */
struct digest_job {
    const uint8_t *input, *salt;
    uint8_t len, salt_len;
    uint16_t iterations;
};

/* False: the cryptographic library offers no SHA-1 here; *d is as after digest_done(). */
bool digest_init(struct digest *d);
/* A struct that is all zero is fine. */
void digest_done(struct digest *d);

void digest_salted(struct digest *d, const struct digest_job *job, uint8_t out[DIGEST_SHA1_LEN]);
/* The same for inputs that come again and that no peer can make up: the result is remembered. */
void digest_salted_known(struct digest *d, const struct digest_job *job,
                         uint8_t out[DIGEST_SHA1_LEN]);
/* out may be where bytes are. */
void digest_sha1(struct digest *d, const uint8_t *bytes, size_t len, uint8_t out[DIGEST_SHA1_LEN]);

#endif

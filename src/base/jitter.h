/* SPDX-License-Identifier: Apache-2.0
 * Spreading times, so that what began together does not march in step: xorshift64, for nothing that
 * is secret. */
#ifndef REEVE_BASE_JITTER_H
#define REEVE_BASE_JITTER_H

#include <stdint.h>

struct jitter {
    uint64_t state;
};

static inline struct jitter jitter_of(uint64_t seed)
{
    return (struct jitter){seed ? seed : 1};
}

/* From 0 to max. */
static inline uint64_t jitter_upto(struct jitter *j, uint64_t max)
{
    j->state ^= j->state << 13;
    j->state ^= j->state >> 7;
    j->state ^= j->state << 17;
    return max == UINT64_MAX ? j->state : j->state % (max + 1);
}

#endif

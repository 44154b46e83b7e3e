/* SPDX-License-Identifier: Apache-2.0
 * What the load generators share: the clock, numbers that differ, octets in network order. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define SECOND_NS 1000000000ULL

/* Of the monotonic clock. */
static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* xorshift64: IDs need to differ, not to be secret. *state is not 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline unsigned u16_get(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

/* Both: where the next octet goes. */
static inline uint8_t *u16_put(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
    return p + 2;
}

static inline uint8_t *bytes_put(uint8_t *p, const void *from, size_t len)
{
    memcpy(p, from, len);
    return p + len;
}

#endif

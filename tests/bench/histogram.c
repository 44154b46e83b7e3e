/* SPDX-License-Identifier: Apache-2.0
 * Log-linear buckets: the highest bits of a time are its bucket. */
#include "histogram.h"

#include <string.h>

#define STEP_BITS 6
_Static_assert(1 << STEP_BITS == HISTOGRAM_STEPS, "a step is the bits after the highest one");

void histogram_init(struct histogram *h)
{
    memset(h, 0, sizeof *h);
}

/* Times below HISTOGRAM_STEPS have a bucket each; above, the power of two and the STEP_BITS bits
 * that follow it. */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (uint32_t)ns;
    uint32_t power = 63 - (uint32_t)__builtin_clzll(ns);
    uint32_t shift = power - STEP_BITS;
    uint32_t at = (shift + 1) * HISTOGRAM_STEPS + (uint32_t)((ns >> shift) & (HISTOGRAM_STEPS - 1));
    uint32_t last = HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1;
    return at < last ? at : last;
}

static uint64_t bucket_end(uint32_t at)
{
    if (at < HISTOGRAM_STEPS)
        return at;
    uint32_t shift = at / HISTOGRAM_STEPS - 1;
    uint64_t low = (uint64_t)(HISTOGRAM_STEPS + at % HISTOGRAM_STEPS) << shift;
    return low + ((uint64_t)1 << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->bucket[bucket_of(ns)]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

uint64_t histogram_get(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)h->count), seen = 0;
    for (uint32_t at = 0; at < HISTOGRAM_POWERS * HISTOGRAM_STEPS; at++) {
        seen += h->bucket[at];
        if (seen > wanted || (seen == h->count && seen > 0)) {
            uint64_t end = bucket_end(at);
            return end < h->max ? end : h->max;
        }
    }
    return 0;
}

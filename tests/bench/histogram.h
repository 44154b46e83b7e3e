/* SPDX-License-Identifier: Apache-2.0
 * A histogram of times with a fixed relative error, for percentiles of millions of samples.
 *
 * Each power of two is split into HISTOGRAM_STEPS buckets, so a percentile is at most 1/64 above
 * the sample it stands for. Adding costs an increment; nothing is allocated. All times are
 * nanoseconds. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS  64
#define HISTOGRAM_POWERS 40 /* up to 2^40 ns, 18 minutes: longer than any run */

struct histogram {
    uint64_t count, max;
    uint32_t bucket[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_init(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
/* The time that `part` of the samples (0 to 1) did not exceed; 0 without samples. */
uint64_t histogram_get(const struct histogram *h, double part);

#endif

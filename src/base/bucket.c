/* SPDX-License-Identifier: Apache-2.0
 * Token buckets, each as one time: when it is full again. What has been taken out is how far that
 * time is ahead, so filling needs no arithmetic, and the bucket of a key that was not heard of for
 * long is as good as none. */
#include "base/bucket.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/check.h"

#define NS_PER_S INT64_C(1000000000)
#define LINE     64

_Static_assert(sizeof(struct bucket) * BUCKET_WAYS == LINE, "a set is a cache line");

struct bucket_rate bucket_rate(uint32_t per_second, uint32_t debt_s)
{
    ASSERT(per_second <= BUCKET_RATE_MAX);
    if (per_second == 0)
        return (struct bucket_rate){0};
    return (struct bucket_rate){NS_PER_S / per_second, NS_PER_S, debt_s * NS_PER_S};
}

void buckets_init(struct buckets *t, size_t count)
{
    size_t sets = 1;
    ASSERT(count > 0);
    while (sets * BUCKET_WAYS < count)
        sets *= 2;
    *t = (struct buckets){.set_mask = sets - 1};
    t->room = mem_alloc_zero(sets * LINE + LINE);
    char *at = t->room;
    t->all = (struct bucket *)(void *)(at + (LINE - (uintptr_t)at % LINE) % LINE);
}

void buckets_done(struct buckets *t)
{
    free(t->room);
    *t = (struct buckets){0};
}

/* Time that never goes back. */
static int64_t time_of(struct buckets *t, int64_t now_us)
{
    int64_t now_ns = now_us * 1000 + t->ahead_ns;
    if (UNLIKELY(now_ns < t->now_ns)) {
        t->ahead_ns += t->now_ns - now_ns;
        now_ns = t->now_ns;
    }
    t->now_ns = now_ns;
    return now_ns;
}

static struct bucket *set_of(const struct buckets *t, uint64_t hash)
{
    return t->all + (hash & t->set_mask) * BUCKET_WAYS;
}

static struct bucket *find(const struct buckets *t, uint64_t hash)
{
    struct bucket *set = set_of(t, hash);
    for (unsigned i = 0; i < BUCKET_WAYS; i++)
        if (set[i].tag == (uint32_t)(hash >> 32))
            return &set[i];
    return NULL;
}

/* The place of a key that has none: a bucket that is full, or else the nearest to it. */
static struct bucket *claim(const struct buckets *t, uint64_t hash)
{
    struct bucket *set = set_of(t, hash), *b = set;
    for (unsigned i = 1; i < BUCKET_WAYS; i++)
        if (set[i].full_ns < b->full_ns)
            b = &set[i];
    *b = (struct bucket){.tag = (uint32_t)(hash >> 32)};
    return b;
}

static enum bucket_verdict fail(struct bucket *b, unsigned *held)
{
    enum bucket_verdict verdict = b->is_behind ? BUCKET_FAILS : BUCKET_FAILS_FIRST;
    b->is_behind = true;
    *held = b->held++;
    return verdict;
}

static bool has_one(const struct bucket *b, const struct bucket_rate *rate, int64_t now_ns)
{
    return b->full_ns - now_ns + rate->cost_ns <= rate->burst_ns;
}

enum bucket_verdict buckets_take(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                                 int64_t now_us, unsigned *held)
{
    int64_t now_ns = time_of(t, now_us);
    struct bucket *b = find(t, hash);
    ASSERT(rate->cost_ns > 0);
    if (!b)
        b = claim(t, hash);
    if (b->full_ns <= now_ns)
        *b = (struct bucket){.tag = b->tag, .full_ns = now_ns};
    if (LIKELY(has_one(b, rate, now_ns))) {
        b->full_ns += rate->cost_ns;
        return BUCKET_PASSES;
    }
    int64_t latest = now_ns + rate->burst_ns - rate->cost_ns + rate->debt_ns;
    if (b->full_ns + rate->cost_ns <= latest)
        b->full_ns += rate->cost_ns;
    else if (b->full_ns < latest)
        b->full_ns = latest;
    return fail(b, held);
}

enum bucket_verdict buckets_look(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                                 int64_t now_us, unsigned *held)
{
    int64_t now_ns = time_of(t, now_us);
    struct bucket *b = find(t, hash);
    return LIKELY(!b || has_one(b, rate, now_ns)) ? BUCKET_PASSES : fail(b, held);
}

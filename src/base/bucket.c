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

_Static_assert(sizeof(struct bucket_set) == LINE, "a set is a cache line");

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
    t->sets = (struct bucket_set *)(void *)(at + (LINE - (uintptr_t)at % LINE) % LINE);
}

void buckets_done(struct buckets *t)
{
    free(t->room);
    *t = (struct buckets){0};
}

/* The place of a key that has none: a bucket that is full, or else the nearest to it. */
static unsigned claim(struct bucket_set *set, uint64_t hash)
{
    unsigned way = 0;
    for (unsigned i = 1; i < BUCKET_WAYS; i++)
        way = set->full_ns[i] < set->full_ns[way] ? i : way;
    set->tag[way] = bucket_tag(hash, way);
    set->full_ns[way] = 0;
    set->held[way] = 0;
    set->is_behind[way] = false;
    return way;
}

static enum bucket_verdict fail(struct bucket_set *set, unsigned way, unsigned *held)
{
    enum bucket_verdict verdict = set->is_behind[way] ? BUCKET_FAILS : BUCKET_FAILS_FIRST;
    set->is_behind[way] = true;
    *held = set->held[way]++;
    return verdict;
}

static bool has_one(int64_t full_ns, const struct bucket_rate *rate, int64_t now_ns)
{
    return full_ns - now_ns + rate->cost_ns <= rate->burst_ns;
}

enum bucket_verdict buckets_take_slowly(struct buckets *t, uint64_t hash,
                                        const struct bucket_rate *rate, int64_t now_ns,
                                        unsigned *held)
{
    struct bucket_set *set = &t->sets[hash & t->set_mask];
    unsigned way = bucket_way(set, hash);
    ASSERT(rate->cost_ns > 0);
    if (!bucket_is_of(set, way, hash))
        way = claim(set, hash);
    int64_t *full_ns = &set->full_ns[way];
    if (*full_ns <= now_ns) {
        *full_ns = now_ns;
        set->held[way] = 0;
        set->is_behind[way] = false;
    }
    if (has_one(*full_ns, rate, now_ns)) {
        *full_ns += rate->cost_ns;
        return BUCKET_PASSES;
    }
    int64_t latest = now_ns + rate->burst_ns - rate->cost_ns + rate->debt_ns;
    if (*full_ns + rate->cost_ns <= latest)
        *full_ns += rate->cost_ns;
    else if (*full_ns < latest)
        *full_ns = latest;
    return fail(set, way, held);
}

enum bucket_verdict buckets_look(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                                 int64_t now_us, unsigned *held)
{
    int64_t now_ns = buckets_time(t, now_us);
    struct bucket_set *set = &t->sets[hash & t->set_mask];
    unsigned way = bucket_way(set, hash);
    if (LIKELY(!bucket_is_of(set, way, hash) || has_one(set->full_ns[way], rate, now_ns)))
        return BUCKET_PASSES;
    return fail(set, way, held);
}

/* SPDX-License-Identifier: Apache-2.0
 * Token buckets for very many keys in a table of fixed size: how often something may happen for
 * each of them.
 *
 * A bucket holds what may be taken at once, its burst, and fills again at its rate. One that is
 * asked for more than it has may fall behind, so that who does not stop gets nothing at all until
 * it has caught up: `debt`.
 *
 * The key is a keyed hash, whose key is the caller's and secret, so that nobody can choose what
 * collides. The table has sets of BUCKET_WAYS buckets; nothing is allocated after it was made. In a
 * full set a new key takes the place of the bucket that is the nearest to being full: what is
 * forgotten is forgotten in its favour, and those that are far behind stay. So a key that keeps
 * below its rate is held back only if another one has the same set and the same 32 bits of hash:
 * for a key and a table however full, BUCKET_WAYS in 2^32 at most.
 *
 * Time is the caller's clock, which may jump. Set back, it stands still here, so that nobody is
 * held back for longer; set forward, all buckets fill. */
#ifndef REEVE_BASE_BUCKET_H
#define REEVE_BASE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define BUCKET_WAYS     4
#define BUCKET_RATE_MAX 1000000

/* In nanoseconds; made by bucket_rate(). */
struct bucket_rate {
    int64_t cost_ns;  /* of one: the time in which a bucket gets it back; 0: no limit */
    int64_t burst_ns; /* a full bucket */
    int64_t debt_ns;  /* how far behind it can fall */
};

/* Buckets whose hashes agree in the lower bits: one cache line. */
struct bucket_set {
    int64_t full_ns[BUCKET_WAYS]; /* when it is full again */
    uint32_t tag[BUCKET_WAYS];   /* bucket_tag(): no two are of the same key, also where all is 0 */
    uint16_t held[BUCKET_WAYS];  /* since it was full last, counted on from 0 behind the largest */
    bool is_behind[BUCKET_WAYS]; /* asked for more than it has, and not full since */
    uint32_t unused;
};

struct buckets {
    struct bucket_set *sets;
    void *room;
    size_t set_mask;
    int64_t now_ns, ahead_ns; /* ahead of the caller's clock, since that was set back */
};

/* `per_second` of them in the long run (0: no limit; at most BUCKET_RATE_MAX), that of a second at
 * once, at least one; who takes more falls behind by at most debt_s seconds. */
struct bucket_rate bucket_rate(uint32_t per_second, uint32_t debt_s);

/* Room for at least `count` keys (more than 0): 16 bytes each, the next power of two of them. */
void buckets_init(struct buckets *t, size_t count);
/* All zero is fine. */
void buckets_done(struct buckets *t);

/* The key's buckets come into the cache, if they are to be asked about soon. */
static inline void buckets_prefetch(const struct buckets *t, uint64_t hash)
{
    __builtin_prefetch(&t->sets[hash & t->set_mask], 1);
}

enum bucket_verdict {
    BUCKET_PASSES,
    BUCKET_FAILS_FIRST, /* not since the bucket was full last */
    BUCKET_FAILS
};

/* Time that never goes back. */
static inline int64_t buckets_time(struct buckets *t, int64_t now_us)
{
    int64_t now_ns = now_us * 1000 + t->ahead_ns;
    if (UNLIKELY(now_ns < t->now_ns)) {
        t->ahead_ns += t->now_ns - now_ns;
        now_ns = t->now_ns;
    }
    t->now_ns = now_ns;
    return now_ns;
}

/* What a key's place says in that way of its set. */
static inline uint32_t bucket_tag(uint64_t hash, unsigned way)
{
    return (uint32_t)(hash >> 32) ^ way;
}

/* Where the key's bucket is in its set, if it has one there. Without branches, which nobody could
 * predict. */
static inline unsigned bucket_way(const struct bucket_set *set, uint64_t hash)
{
    unsigned way = 0;
    for (unsigned i = 1; i < BUCKET_WAYS; i++)
        way += i * (set->tag[i] == bucket_tag(hash, i));
    return way;
}

static inline bool bucket_is_of(const struct bucket_set *set, unsigned way, uint64_t hash)
{
    return set->tag[way] == bucket_tag(hash, way);
}

/* buckets_take() where the key has no bucket, or asks for more than it has. */
enum bucket_verdict buckets_take_slowly(struct buckets *t, uint64_t hash,
                                        const struct bucket_rate *rate, int64_t now_ns,
                                        unsigned *held);

/* Takes one out of the key's bucket, if there is one in it. rate: has a limit; the same for the
 * same key. *held: when it fails, how often it did before since the bucket was full. */
static inline enum bucket_verdict buckets_take(struct buckets *t, uint64_t hash,
                                               const struct bucket_rate *rate, int64_t now_us,
                                               unsigned *held)
{
    int64_t now_ns = buckets_time(t, now_us);
    struct bucket_set *set = &t->sets[hash & t->set_mask];
    unsigned way = bucket_way(set, hash);
    int64_t full_ns = set->full_ns[way] > now_ns ? set->full_ns[way] : now_ns;
    full_ns += rate->cost_ns;
    if (UNLIKELY(!bucket_is_of(set, way, hash) || set->is_behind[way] ||
                 full_ns - now_ns > rate->burst_ns))
        return buckets_take_slowly(t, hash, rate, now_ns, held);
    set->full_ns[way] = full_ns;
    return BUCKET_PASSES;
}

/* Would it fail? What fails is counted, but nothing is taken and no place in the table. */
enum bucket_verdict buckets_look(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                                 int64_t now_us, unsigned *held);

#endif

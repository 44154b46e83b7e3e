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

#define BUCKET_WAYS     4
#define BUCKET_RATE_MAX 1000000

/* In nanoseconds; made by bucket_rate(). */
struct bucket_rate {
    int64_t cost_ns;  /* of one: the time in which a bucket gets it back; 0: no limit */
    int64_t burst_ns; /* a full bucket */
    int64_t debt_ns;  /* how far behind it can fall */
};

struct bucket {
    int64_t full_ns; /* when it is full again */
    uint32_t tag;    /* of the key */
    uint16_t held;   /* since it was full last, counted on from 0 behind the largest */
    bool is_behind;  /* it was asked for more than it has, and was not full since */
};

struct buckets {
    struct bucket *all; /* sets of BUCKET_WAYS, each in one cache line */
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
    __builtin_prefetch(t->all + (hash & t->set_mask) * BUCKET_WAYS, 1);
}

enum bucket_verdict {
    BUCKET_PASSES,
    BUCKET_FAILS_FIRST, /* not since the bucket was full last */
    BUCKET_FAILS
};
/* Takes one out of the key's bucket, if there is one in it. rate: has a limit; the same for the
 * same key. *held: when it fails, how often it did before since the bucket was full. */
enum bucket_verdict buckets_take(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                                 int64_t now_us, unsigned *held);
/* Would it fail? What fails is counted, but nothing is taken and no place in the table. */
enum bucket_verdict buckets_look(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                                 int64_t now_us, unsigned *held);

#endif

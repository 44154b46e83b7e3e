/* SPDX-License-Identifier: Apache-2.0
 * Token buckets against ones that are as simple as can be, a full table, and a clock that jumps. */
#include "base/attr.h"
#include "base/bucket.h"
#include "unit.h"

#define S INT64_C(1000000)

static const int64_t START = INT64_C(1700000000) * S;

static unsigned take_many(struct buckets *t, uint64_t hash, const struct bucket_rate *rate,
                          int64_t now_us, unsigned times)
{
    unsigned held, passed = 0;
    while (times-- > 0)
        passed += buckets_take(t, hash, rate, now_us, &held) == BUCKET_PASSES;
    return passed;
}

/* Spread over the sets and different in the tag. */
static uint64_t hash_of(uint64_t key)
{
    uint64_t z = key + 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

Test(bucket, gives_a_second_at_once_and_then_its_rate)
{
    struct buckets t;
    struct bucket_rate ten = bucket_rate(10, 0);
    buckets_init(&t, 16);
    cr_expect_eq(take_many(&t, 7, &ten, START, 100), 10);
    cr_expect_eq(take_many(&t, 7, &ten, START + S / 10 - 1, 100), 0);
    cr_expect_eq(take_many(&t, 7, &ten, START + S / 10, 100), 1);
    cr_expect_eq(take_many(&t, 7, &ten, START + S, 100), 9);
    cr_expect_eq(take_many(&t, 7, &ten, START + 1000 * S, 100), 10, "it holds no more");
    cr_expect_eq(take_many(&t, UINT64_C(9) << 32 | 7, &ten, START + 1000 * S, 100), 10,
                 "another key of the same set");
    buckets_done(&t);
}

Test(bucket, with_debt_who_does_not_stop_gets_nothing_and_waits_for_it)
{
    struct buckets t;
    struct bucket_rate ten = bucket_rate(10, 5);
    int64_t now = START;
    buckets_init(&t, 16);
    cr_expect_eq(take_many(&t, 7, &ten, now, 1000), 10);
    for (; now < START + 60 * S; now += S / 20) /* twice the rate */
        cr_expect_eq(take_many(&t, 7, &ten, now, 1), 0);
    cr_expect_eq(take_many(&t, 7, &ten, now + 5 * S - S / 10, 1), 0, "five seconds behind");
    now += 5 * S - S / 10; /* that one counted, too */
    cr_expect_eq(take_many(&t, 7, &ten, now + 5 * S, 1), 1);
    buckets_done(&t);
}

Test(bucket, who_keeps_to_the_rate_is_never_held_back)
{
    struct buckets t;
    struct bucket_rate rate = bucket_rate(333, 15);
    buckets_init(&t, 16);
    for (unsigned i = 0; i < 10000; i++)
        cr_assert_eq(take_many(&t, 7, &rate, START + i * S / 333 + 1, 1), 1, "number %u", i);
    buckets_done(&t);
}

Test(bucket, says_when_it_begins_and_counts_what_it_holds_back)
{
    struct buckets t;
    struct bucket_rate one = bucket_rate(1, 0);
    unsigned held = 99;
    buckets_init(&t, 16);
    cr_expect_eq(buckets_take(&t, 7, &one, START, &held), BUCKET_PASSES);
    cr_expect_eq(buckets_take(&t, 7, &one, START, &held), BUCKET_FAILS_FIRST);
    cr_expect_eq(held, 0);
    cr_expect_eq(buckets_look(&t, 7, &one, START, &held), BUCKET_FAILS);
    cr_expect_eq(held, 1);
    cr_expect_eq(buckets_take(&t, 7, &one, START + S - 1, &held), BUCKET_FAILS);
    cr_expect_eq(held, 2);
    cr_expect_eq(buckets_look(&t, 7, &one, START + S, &held), BUCKET_PASSES, "full again");
    cr_expect_eq(buckets_take(&t, 7, &one, START + S, &held), BUCKET_PASSES);
    cr_expect_eq(buckets_take(&t, 7, &one, START + S, &held), BUCKET_FAILS_FIRST, "and again");
    cr_expect_eq(held, 0);
    buckets_done(&t);
}

Test(bucket, looking_takes_nothing)
{
    struct buckets t;
    struct bucket_rate one = bucket_rate(1, 0);
    unsigned held;
    buckets_init(&t, 16);
    for (unsigned i = 0; i < 10; i++)
        cr_expect_eq(buckets_look(&t, 7, &one, START, &held), BUCKET_PASSES);
    cr_expect_eq(take_many(&t, 7, &one, START, 10), 1);
    buckets_done(&t);
}

/* --- against a bucket as the books have it --- */

struct model {
    double tokens; /* in nanoseconds of filling; whole numbers far below 2^53 */
    int64_t at_us;
};

static bool model_take(struct model *m, const struct bucket_rate *rate, int64_t now_us)
{
    double burst = (double)rate->burst_ns, cost = (double)rate->cost_ns;
    m->tokens += (double)(now_us - m->at_us) * 1000;
    m->at_us = now_us;
    if (m->tokens > burst)
        m->tokens = burst;
    if (m->tokens >= cost) {
        m->tokens -= cost;
        return true;
    }
    double least = cost - (double)rate->debt_ns;
    if (m->tokens > least)
        m->tokens = m->tokens - cost > least ? m->tokens - cost : least;
    return false;
}

#define KEYS  512
#define STEPS 400000

Test(bucket, does_as_the_model_does_under_random_traffic)
{
    static const uint32_t per_second[] = {1, 3, 20, 1000, BUCKET_RATE_MAX};
    static struct model model[KEYS];
    struct buckets t;
    uint64_t random = 1;
    int64_t now = START;
    unsigned passed = 0;
    buckets_init(&t, KEYS * 8); /* room for all, and then some: nothing is forgotten */
    for (unsigned i = 0; i < KEYS; i++)
        model[i] = (struct model){1e9, START};
    for (unsigned i = 0; i < STEPS; i++) {
        random = hash_of(random);
        unsigned key = random % 3 ? random >> 8 & 7 : random >> 8 & (KEYS - 1);
        struct bucket_rate rate = bucket_rate(per_second[key % ARRAY_LEN(per_second)], key % 4);
        unsigned held;
        now += (int64_t)(random >> 40) % 5000;
        if ((random >> 20) % 997 == 0)
            now += 30 * S;
        bool is_passed = buckets_take(&t, hash_of(key + 1000), &rate, now, &held) == BUCKET_PASSES;
        cr_assert_eq(is_passed, model_take(&model[key], &rate, now), "step %u key %u", i, key);
        passed += is_passed;
    }
    cr_expect(passed > STEPS / 10 && passed < STEPS - STEPS / 10, "%u: both happen", passed);
    buckets_done(&t);
}

/* --- a table that is too small --- */

Test(bucket, a_full_table_holds_nobody_back_wrongly)
{
    struct buckets t;
    struct bucket_rate rate = bucket_rate(5, 15);
    int64_t now = START;
    buckets_init(&t, 1024);
    for (uint64_t i = 0; i < 300000; i++) {
        uint64_t polite = hash_of(i % 50000), flood = hash_of(1000000 + i % 100000);
        now += 20;
        /* 50,000 keys in a table for 1,024: each comes once in a second */
        cr_assert_eq(take_many(&t, polite, &rate, now, 1), 1, "number %llu", (unsigned long long)i);
        (void)take_many(&t, flood, &rate, now, 1);
    }
    buckets_done(&t);
}

Test(bucket, those_far_behind_stay_when_others_come)
{
    struct buckets t;
    struct bucket_rate rate = bucket_rate(5, 15);
    unsigned passed = 0;
    int64_t now = START;
    buckets_init(&t, 1024);
    for (uint64_t i = 0; i < 100000; i++) {
        now += 100;
        passed += take_many(&t, hash_of(1), &rate, now, 1);  /* 10,000 in a second */
        (void)take_many(&t, hash_of(10 + i), &rate, now, 1); /* and as many that are new */
    }
    cr_expect_leq(passed, 5, "its first second, and then nothing: %u", passed);
    buckets_done(&t);
}

/* --- a clock that jumps --- */

Test(bucket, a_clock_set_back_holds_nobody_back_for_longer)
{
    struct buckets t;
    struct bucket_rate ten = bucket_rate(10, 2);
    buckets_init(&t, 16);
    cr_expect_eq(take_many(&t, 7, &ten, START, 4), 4);
    int64_t now = START - 3600 * S;
    cr_expect_eq(take_many(&t, 7, &ten, now, 100), 6, "time stands still");
    cr_expect_eq(take_many(&t, 7, &ten, now + 4 * S, 1), 1, "and goes on from there");
    now -= 86400 * S;
    cr_expect_eq(take_many(&t, 8, &ten, now, 100), 10, "others, too");
    cr_expect_eq(take_many(&t, 8, &ten, now + 4 * S, 1), 1);
    buckets_done(&t);
}

Test(bucket, a_clock_set_forward_and_back_again_fills_them_once)
{
    struct buckets t;
    struct bucket_rate ten = bucket_rate(10, 2);
    buckets_init(&t, 16);
    cr_expect_eq(take_many(&t, 7, &ten, START, 100), 10);
    cr_expect_eq(take_many(&t, 7, &ten, START + 86400 * S, 100), 10);
    cr_expect_eq(take_many(&t, 7, &ten, START, 100), 0);
    cr_expect_eq(take_many(&t, 7, &ten, START + 4 * S, 1), 1);
    buckets_done(&t);
}

Test(bucket, a_time_before_the_epoch_is_one)
{
    struct buckets t;
    struct bucket_rate ten = bucket_rate(10, 2);
    buckets_init(&t, 16);
    cr_expect_eq(take_many(&t, 7, &ten, -5 * S, 100), 10);
    buckets_done(&t);
}

/* SPDX-License-Identifier: Apache-2.0
 * xfr/refresh: long random lives, whose invariants are checked after every step. */
#include "base/attr.h"
#include "dns/rr.h"
#include "refresh_util.h"
#include "../slow.h"

static uint64_t dice_state;
static uint64_t dice(uint64_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (dice_state >> 33) % sides;
}

struct life {
    struct refresh r;
    int64_t now;
    uint32_t serial;           /* ours, as the model has it */
    enum refresh_act_kind way; /* WAIT: no question is under way */
    int64_t failed;            /* when the last round failed; 0: it did not, or the operator came */
    unsigned in_a_row;         /* questions that failed since one did not, or since a pause */
    unsigned total;
};

static void check(struct life *l, const struct refresh_event *e, struct refresh_act a)
{
    const struct refresh *r = &l->r;
    bool ends = e->kind >= REFRESH_ANSWERED;
    bool has_failed = e->kind == REFRESH_FAILED || e->kind == REFRESH_BEHIND ||
                      (e->kind == REFRESH_DECLINED && a.kind != REFRESH_AXFR);
    cr_assert(a.kind == REFRESH_WAIT || ends || l->way == REFRESH_WAIT, "two at once");
    if (ends || a.kind != REFRESH_WAIT)
        l->way = a.kind;
    cr_assert_lt(a.primary, r->primary_count);
    cr_assert_lt(a.address, r->address_counts[a.primary]);
    cr_assert_gt(r->wake_us, l->now, "it would be called for nothing");
    cr_assert(l->way != REFRESH_WAIT || r->wake_us < INT64_MAX, "it sleeps for ever");
    cr_assert_eq(r->is_expired, r->has_data && l->now >= r->expires_us);
    cr_assert_eq(r->serial, l->serial);
    cr_assert(!r->is_forced || l->way == REFRESH_AXFR);
    if (e->kind == REFRESH_ASKED || e->kind == REFRESH_FORCED)
        l->failed = l->in_a_row = 0;
    if (has_failed && ++l->in_a_row && a.kind == REFRESH_WAIT) {
        l->failed = l->now;
        l->in_a_row = 0;
    } else if (ends && !has_failed) {
        l->failed = l->in_a_row = 0;
    } else if (a.kind != REFRESH_WAIT && !ends && l->failed) {
        cr_assert_geq(l->now - l->failed, (int64_t)r->limits.retry_min_s * S, "again too soon");
    }
    cr_assert_leq(l->in_a_row, 2 * l->total, "a round does not end");
}

static void live(struct life *l, enum refresh_event_kind kind, uint32_t serial)
{
    struct refresh_event e = {.kind = kind, .now_us = l->now, .serial = serial};
    e.has_serial = dice(3) > 0;
    e.from = (unsigned)dice(4);
    e.from_address = (unsigned)dice(3);
    e.has_expire = dice(4) == 0;
    e.expire_s = (uint32_t)dice(100000);
    e.timers = (struct refresh_timers){true, (uint32_t)dice(100000), (uint32_t)dice(5000),
                                       (uint32_t)dice(200000)};
    if (kind == REFRESH_TAKEN)
        l->serial = serial;
    check(l, &e, refresh_step(&l->r, &e));
}

/* What may end the question under way. */
static void end_one(struct life *l)
{
    static const enum refresh_event_kind ends[][6] = {
        [REFRESH_PROBE] = {REFRESH_ANSWERED, REFRESH_ANSWERED, REFRESH_FAILED, REFRESH_FAILED,
                           REFRESH_FAILED, REFRESH_BEHIND},
        [REFRESH_IXFR] = {REFRESH_TAKEN, REFRESH_CURRENT, REFRESH_UNFIT, REFRESH_FAILED,
                          REFRESH_DECLINED, REFRESH_BEHIND},
        [REFRESH_AXFR] = {REFRESH_TAKEN, REFRESH_HELD, REFRESH_UNFIT, REFRESH_FAILED,
                          REFRESH_FAILED, REFRESH_FAILED},
    };
    enum refresh_event_kind kind = ends[l->way][dice(6)];
    if (kind == REFRESH_HELD && !l->r.has_data)
        kind = REFRESH_FAILED;
    live(l, kind, kind == REFRESH_CURRENT ? l->serial : l->serial + (uint32_t)dice(4) - 1);
}

static void live_once(uint64_t seed)
{
    static const unsigned counts[] = {1, 3, 2};
    struct life l = {.now = START, .serial = 0xfffffff0u};
    dice_state = seed;
    unsigned primaries = 1 + (unsigned)dice(3);
    for (unsigned i = 0; i < primaries; i++)
        l.total += counts[i];
    struct refresh_setup setup = {.limits = limits,
                                  .address_counts = counts,
                                  .primary_count = primaries,
                                  .has_data = dice(2),
                                  .serial = l.serial,
                                  .timers = timers,
                                  .seed = seed};
    refresh_init(&l.r, &setup, l.now);
    for (int i = 0; i < 2000; i++) {
        uint64_t what = dice(16);
        bool is_due = l.way == REFRESH_WAIT && what > 3;
        l.now = is_due ? (l.r.wake_us > l.now ? l.r.wake_us : l.now) : l.now + (int64_t)dice(8 * S);
        if (what < 3)
            live(&l, REFRESH_NOTIFIED, l.serial + (uint32_t)dice(5) - 2);
        else if (what == 3)
            live(&l, dice(2) ? REFRESH_ASKED : REFRESH_FORCED, 0);
        else if (l.way == REFRESH_WAIT)
            live(&l, REFRESH_TIME, 0);
        else
            end_one(&l);
    }
}

Test(refresh, keeps_its_word_through_long_lives)
{
    for (uint64_t seed = 1; seed <= cases(500, 150); seed++)
        live_once(seed * 2654435761u);
}

/* Primaries that answer, whatever the SOA's times: the data never expires, and every serial gets
 * through, around the end of the numbers too. */
Test(refresh, never_expires_while_a_primary_answers)
{
    for (uint64_t seed = 1; seed <= cases(200, 60); seed++) {
        struct refresh r;
        dice_state = seed * 77777;
        set_up(&r, false, three_addresses, 2);
        uint32_t primary = 0xffffff00u;
        int64_t now = START;
        struct refresh_timers t = {true, (uint32_t)dice(200000), (uint32_t)dice(10000),
                                   (uint32_t)dice(100000)};
        for (int i = 0; i < 2000; i++) {
            bool is_told = dice(3) == 0;
            primary += (uint32_t)dice(2);
            now = is_told ? now + (int64_t)dice((uint64_t)(r.wake_us - now) + 1) : r.wake_us;
            struct refresh_event e = {.kind = is_told ? REFRESH_NOTIFIED : REFRESH_TIME,
                                      .now_us = now,
                                      .serial = primary,
                                      .has_serial = true};
            struct refresh_act a = refresh_step(&r, &e);
            cr_assert_not(r.is_expired, "seed %lu, turn %d", (unsigned long)seed, i);
            while (a.kind != REFRESH_WAIT) {
                now += (int64_t)dice(S);
                e = (struct refresh_event){.now_us = now, .serial = primary, .timers = t};
                e.kind = a.kind == REFRESH_PROBE             ? REFRESH_ANSWERED
                         : r.has_data && r.serial == primary ? REFRESH_CURRENT
                                                             : REFRESH_TAKEN;
                a = refresh_step(&r, &e);
            }
            cr_assert(!r.has_data || r.serial == primary);
        }
    }
}

/* One that is down for a month costs its timeout about once a day, and not less often than that. */
Test(refresh, tries_a_dead_primary_once_a_day)
{
    const int64_t day = 86400 * S, end = START + 30 * day;
    struct refresh r;
    int64_t now = START, tried = START, gap = 0;
    unsigned tries = 0, rounds = 0;
    set_up(&r, true, three_addresses, 2);
    while (now < end) {
        struct refresh_event time = {.kind = REFRESH_TIME, .now_us = now};
        struct refresh_act a = refresh_step(&r, &time);
        rounds++;
        while (a.primary == 0) { /* neither of its addresses */
            if (a.address == 0) {
                cr_expect_geq(now - tried, gap / 2, "try %u: it comes nearer", tries);
                gap = now - tried;
                tried = now;
                tries++;
            }
            a = refresh_step(&r, &(struct refresh_event){.kind = REFRESH_FAILED, .now_us = now});
        }
        cr_assert_eq(a.kind, REFRESH_PROBE);
        a = refresh_step(
            &r, &(struct refresh_event){.kind = REFRESH_ANSWERED, .now_us = now, .serial = 100});
        cr_assert_eq(a.kind, REFRESH_WAIT);
        cr_assert_leq(now - tried, day + day / 4, "it is left out for too long");
        now = r.wake_us;
    }
    cr_expect_geq(rounds, 30 * 24);
    cr_expect_leq(tries, 30 + 6, "%u", tries);
}

Test(refresh, a_clock_that_is_set_leaves_the_substitute_its_time)
{
    for (int64_t by = -400 * 86400 * S; by <= 400 * 86400 * S; by += 800 * 86400 * S) {
        struct refresh r;
        set_up(&r, true, three_addresses, 2);
        (void)refresh_step(&r, &(struct refresh_event){.kind = REFRESH_TIME, .now_us = START});
        (void)refresh_step(&r, &(struct refresh_event){.kind = REFRESH_FAILED, .now_us = START});
        (void)refresh_step(
            &r, &(struct refresh_event){.kind = REFRESH_ANSWERED, .now_us = START, .serial = 100});
        refresh_shift(&r, by);
        struct refresh_event time = {.kind = REFRESH_TIME, .now_us = r.wake_us};
        cr_expect_eq(refresh_step(&r, &time).address, 1);
        (void)refresh_step(&r, &(struct refresh_event){
                                   .kind = REFRESH_ANSWERED, .now_us = r.wake_us, .serial = 100});
        time.now_us = START + by + 2 * 3600 * S;
        cr_expect_eq(refresh_step(&r, &time).address, 0);
    }
}

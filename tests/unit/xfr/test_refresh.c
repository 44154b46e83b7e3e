/* SPDX-License-Identifier: Apache-2.0
 * xfr/refresh: its rules as tables of events, and its times. */
#include <signal.h>

#include "base/attr.h"
#include "refresh_util.h"

#define ROW_MAX 24

/* --- tables --- */

/* One event, `after` seconds after the one before, and what is to be done then. */
struct line {
    enum refresh_event_kind kind;
    int after;
    uint32_t serial; /* 0: NOTIFY without one */
    enum refresh_act_kind act;
    unsigned primary, address;
    unsigned from, from_address; /* NOTIFY */
};

#define NONE                                          \
    {                                                 \
        REFRESH_TIME, -1, 0, REFRESH_WAIT, 0, 0, 0, 0 \
    }

struct row {
    const char *what;
    bool has_data; /* serial 100, and two primaries, of which the first has two addresses */
    struct line lines[ROW_MAX];
};

static const struct row rows[] = {
    {"the first look with data is a probe, and nothing follows when the serial is ours",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3000, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 601, 0, REFRESH_PROBE, 0, 0, 0, 0},
      NONE}},
    {"without data the whole zone is asked for",
     false,
     {{REFRESH_TIME, 0, 0, REFRESH_AXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 1, 0, REFRESH_AXFR, 0, 1, 0, 0},
      {REFRESH_TAKEN, 1, 7, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3601, 0, REFRESH_PROBE, 0, 1, 0, 0},
      NONE}},
    {"a newer serial is fetched where it was seen",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 1, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 1, 101, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_TAKEN, 1, 101, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"a lower serial is no answer: the next primary is asked", /* RFC 1982 */
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 99, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100 + 0x80000000u, REFRESH_PROBE, 1, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 100 + 0x7fffffffu, REFRESH_IXFR, 1, 0, 0, 0},
      NONE}},
    {"differences that do not fit are followed by AXFR from the same primary, once",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_UNFIT, 0, 0, REFRESH_AXFR, 1, 0, 0, 0},
      {REFRESH_UNFIT, 0, 0, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"IXFR answered with an error fails, and is followed by AXFR where it happens again",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 1, 0, 0, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 4, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 1, 0, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_AXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_AXFR, 0, 1, 0, 0},
      {REFRESH_TAKEN, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"a primary that never has IXFR is asked for AXFR at once from then on, until it has",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 5, 0, REFRESH_IXFR, 1, 0, 0, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_AXFR, 1, 0, 0, 0},
      {REFRESH_TAKEN, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 102, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_AXFR, 1, 0, 0, 0},
      {REFRESH_TAKEN, 0, 102, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 103, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_TAKEN, 0, 103, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 104, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_DECLINED, 0, 0, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_TAKEN, 0, 104, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"NOTIFY of news asks whoever sent it, at the address that it came from", /* RFC 1996 s3.11 */
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 0, 1, 1, 1},
      {REFRESH_TAKEN, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 0, REFRESH_IXFR, 1, 0, 2, 5},
      {REFRESH_CURRENT, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 102, REFRESH_IXFR, 0, 0, 9, 0},
      NONE}},
    {"NOTIFY of what we have, or had, needs no question", /* RFC 1996 s3.7 */
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 100, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 99, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 0, 0, 1, 0},
      NONE}},
    {"NOTIFY during a transfer is remembered once, and forgotten when its serial came with it",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 102, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 104, REFRESH_WAIT, 0, 0, 2, 0},
      {REFRESH_NOTIFIED, 0, 103, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_TAKEN, 0, 102, REFRESH_IXFR, 1, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 104, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_TAKEN, 0, 104, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"NOTIFY without a serial during a transfer is followed",
     true,
     {{REFRESH_NOTIFIED, 0, 0, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 0, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 0, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_NOTIFIED, 0, 102, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_TAKEN, 0, 102, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_CURRENT, 0, 102, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"news that fails everywhere is tried once more after the least retry, then after the SOA's",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 4, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 1, 0, REFRESH_IXFR, 1, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 524, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 1200, 0, REFRESH_PROBE, 0, 0, 0, 0},
      NONE}},
    {"NOTIFY soon after a failure waits for the least retry",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 1, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 2, 101, REFRESH_WAIT, 0, 0, 2, 0},
      {REFRESH_TIME, 2, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 1, 0, REFRESH_IXFR, 1, 0, 0, 0},
      NONE}},
    {"another primary that is as far behind does not end the matter",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 101, REFRESH_IXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_IXFR, 0, 1, 0, 0},
      {REFRESH_CURRENT, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 601, 0, REFRESH_PROBE, 0, 0, 0, 0},
      NONE}},
    {"the operator's look is at once, also after a failure, and remembered during a question",
     true,
     {{REFRESH_ASKED, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ASKED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 1, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_ASKED, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      NONE}},
    {"the operator's transfer is whole, whatever the serial, also behind another question",
     true,
     {{REFRESH_FORCED, 0, 0, REFRESH_AXFR, 0, 0, 0, 0},
      {REFRESH_TAKEN, 0, 50, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 51, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_FORCED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TAKEN, 0, 51, REFRESH_AXFR, 0, 0, 0, 0},
      {REFRESH_FORCED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_AXFR, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_AXFR, 0, 1, 0, 0},
      {REFRESH_TAKEN, 0, 51, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"what is held back is not fetched again until it is forced, but the next serial is",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_HELD, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 101, REFRESH_WAIT, 0, 0, 1, 0},
      {REFRESH_TIME, 3601, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 102, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_HELD, 0, 102, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_FORCED, 0, 0, REFRESH_AXFR, 0, 0, 0, 0},
      {REFRESH_TAKEN, 0, 102, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"a first address that is silent is left out of one round, then of two, until it answers",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 11, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 11, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 11, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 0, 0, 0}, /* once more: it was well meanwhile */
      NONE}},
    {"what is asked in its place may fail as well: all are asked",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 1, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      NONE}},
    {"and another one takes its place",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 1, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 600, 0, REFRESH_PROBE, 0, 0, 0, 0}, /* its time is over */
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 1, 0, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 1, 0, 0, 0},
      NONE}},
    {"a first address that sends NOTIFY and answers is the first one again",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 0, 0, 1, 0},
      {REFRESH_TAKEN, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 0, 0, 0},
      NONE}},
    {"NOTIFY of another one that answers says nothing of the first",
     true,
     {{REFRESH_NOTIFIED, 0, 101, REFRESH_IXFR, 1, 0, 2, 0},
      {REFRESH_TAKEN, 0, 101, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_TIME, 3600, 0, REFRESH_PROBE, 0, 0, 0, 0},
      NONE}},
    {"the operator's look begins with the first",
     true,
     {{REFRESH_TIME, 0, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_ASKED, 9, 0, REFRESH_PROBE, 0, 0, 0, 0},
      {REFRESH_FAILED, 0, 0, REFRESH_PROBE, 0, 1, 0, 0},
      {REFRESH_ANSWERED, 0, 100, REFRESH_WAIT, 0, 0, 0, 0},
      {REFRESH_FORCED, 9, 0, REFRESH_AXFR, 0, 0, 0, 0},
      NONE}},
};

static struct refresh_event event_of(const struct line *l, int64_t now_us)
{
    struct refresh_event e = {.kind = l->kind, .now_us = now_us, .serial = l->serial};
    e.has_serial = l->kind == REFRESH_NOTIFIED && l->serial;
    e.from = l->from;
    e.from_address = l->from_address;
    e.timers = timers;
    return e;
}

Test(refresh, follows_its_rules)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct refresh r;
        int64_t now = START;
        set_up(&r, rows[i].has_data, three_addresses, ARRAY_LEN(three_addresses));
        for (const struct line *l = rows[i].lines; l->after >= 0; l++) {
            now += l->after * S;
            struct refresh_event e = event_of(l, now);
            struct refresh_act a = refresh_step(&r, &e);
            long at = l - rows[i].lines;
            cr_assert_eq(a.kind, l->act, "%s, line %ld: %d", rows[i].what, at, a.kind);
            cr_assert(a.kind == REFRESH_WAIT ||
                          (a.primary == l->primary && a.address == l->address),
                      "%s, line %ld: %u/%u", rows[i].what, at, a.primary, a.address);
        }
    }
}

/* --- times --- */

static struct refresh_act step(struct refresh *r, enum refresh_event_kind kind, int64_t now_us,
                               uint32_t serial)
{
    struct refresh_event e = {.kind = kind, .now_us = now_us, .serial = serial, .timers = timers};
    e.has_serial = kind == REFRESH_NOTIFIED;
    return refresh_step(r, &e);
}

/* The SOA's times, within the limits; an eighth less at most. */
Test(refresh, looks_when_the_soa_says)
{
    static const struct {
        uint32_t refresh, least, most;
    } times[] = {{3600, 3150, 3600}, {1, 30, 30}, {86400, 75600, 86400}, {2000000, 75600, 86400}};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct refresh r;
        set_up(&r, true, one_address, 1);
        struct refresh_event e = {.kind = REFRESH_TAKEN, .now_us = START, .serial = 101};
        e.timers = (struct refresh_timers){true, times[i].refresh, 600, 86400 * 60};
        step(&r, REFRESH_NOTIFIED, START, 101);
        refresh_step(&r, &e);
        cr_expect_geq(r.wake_us, START + times[i].least * S, "row %zu", i);
        cr_expect_leq(r.wake_us, START + times[i].most * S, "row %zu", i);
    }
}

Test(refresh, backs_off_from_the_retry_of_the_soa)
{
    static const uint32_t waits[] = {600, 1200, 2400, 3600, 3600};
    struct refresh r;
    int64_t now = START;
    set_up(&r, true, one_address, 1);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        cr_assert_eq(step(&r, REFRESH_TIME, now, 0).kind, REFRESH_PROBE);
        cr_assert_eq(step(&r, REFRESH_FAILED, now, 0).kind, REFRESH_WAIT);
        cr_expect_eq(r.failures, i + 1);
        cr_expect_geq(r.wake_us, now + waits[i] * S * 7 / 8, "wait %zu", i);
        cr_expect_leq(r.wake_us, now + waits[i] * S, "wait %zu", i);
        now = r.wake_us;
    }
}

Test(refresh, backs_off_from_the_least_retry_without_data)
{
    struct refresh r;
    set_up(&r, false, one_address, 1);
    step(&r, REFRESH_TIME, START, 0);
    step(&r, REFRESH_FAILED, START, 0);
    cr_expect_eq(r.wake_us, START + 5 * S);
    step(&r, REFRESH_TIME, r.wake_us, 0);
    step(&r, REFRESH_FAILED, START + 5 * S, 0);
    cr_expect_geq(r.wake_us, START + 13 * S);
    cr_expect_leq(r.wake_us, START + 15 * S);
}

/* RFC 1034 s4.3.5, RFC 7314 s4 */
Test(refresh, expires_when_no_primary_was_heard_for_so_long)
{
    struct refresh r;
    int64_t end = START + 86400 * S;
    set_up(&r, true, one_address, 1);
    cr_expect_eq(r.expires_us, end);
    for (int64_t now = START; now < end; now = r.wake_us) {
        cr_expect_not(r.is_expired);
        cr_assert_leq(r.wake_us, end, "it is told when it expires");
        if (step(&r, REFRESH_TIME, now, 0).kind != REFRESH_WAIT)
            step(&r, REFRESH_FAILED, now, 0);
    }
    cr_assert_eq(step(&r, REFRESH_TIME, end, 0).kind, REFRESH_WAIT);
    cr_expect(r.is_expired);
    /* news alone does not make old data good; that it is the newest does */
    cr_assert_eq(step(&r, REFRESH_ASKED, end + 1, 0).kind, REFRESH_PROBE);
    cr_assert_eq(step(&r, REFRESH_ANSWERED, end + 2, 101).kind, REFRESH_IXFR);
    cr_expect(r.is_expired);
    step(&r, REFRESH_FAILED, end + 3, 0);
    cr_expect(r.is_expired);
    step(&r, REFRESH_ASKED, end + 4, 0);
    step(&r, REFRESH_ANSWERED, end + 5, 100);
    cr_expect_not(r.is_expired);
    cr_expect_eq(r.expires_us, end + 5 + 86400 * S);
}

/* Of what has expired even an old serial in NOTIFY is reason to ask. */
Test(refresh, asks_again_after_expiry_when_notified)
{
    struct refresh r;
    set_up(&r, true, one_address, 1);
    step(&r, REFRESH_TIME, START, 0);
    step(&r, REFRESH_FAILED, START, 0);
    cr_expect_eq(step(&r, REFRESH_NOTIFIED, START + 90000 * S, 100).kind, REFRESH_IXFR);
    step(&r, REFRESH_CURRENT, START + 90000 * S, 100);
    cr_expect_not(r.is_expired);
}

Test(refresh, takes_what_is_behind_when_all_has_expired_and_nobody_has_more)
{
    struct refresh r;
    set_up(&r, true, three_addresses, 2);
    cr_expect_eq(step(&r, REFRESH_TIME, START, 0).kind, REFRESH_PROBE);
    step(&r, REFRESH_BEHIND, START, 99);
    step(&r, REFRESH_BEHIND, START, 98);
    cr_expect_eq(step(&r, REFRESH_FAILED, START, 0).kind, REFRESH_WAIT, "it is good yet");
    int64_t late = START + 90000 * S;
    cr_expect_eq(step(&r, REFRESH_TIME, late, 0).kind, REFRESH_PROBE);
    step(&r, REFRESH_FAILED, late, 0);
    step(&r, REFRESH_BEHIND, late, 98);
    struct refresh_act a = step(&r, REFRESH_ANSWERED, late, 101);
    cr_expect(a.kind == REFRESH_IXFR && a.primary == 1, "it has more");
    a = step(&r, REFRESH_FAILED, late, 0);
    cr_expect(a.kind == REFRESH_AXFR && a.primary == 0 && a.address == 1,
              "the first of the others");
    cr_expect_eq(step(&r, REFRESH_FAILED, late, 0).kind, REFRESH_WAIT, "once in a round");
    cr_expect(r.is_expired);
    a = step(&r, REFRESH_TIME, r.wake_us, 0);
    step(&r, REFRESH_FAILED, r.wake_us, 0);
    late += 7200 * S;
    step(&r, REFRESH_FAILED, late, 0);
    a = step(&r, REFRESH_BEHIND, late, 97);
    cr_expect(a.kind == REFRESH_AXFR && a.primary == 1);
    cr_expect_eq(step(&r, REFRESH_TAKEN, late, 97).kind, REFRESH_WAIT);
    cr_expect(!r.is_expired && r.serial == 97);
}

Test(refresh, the_expire_option_counts_below_the_soa)
{
    static const struct {
        enum refresh_event_kind kind;
        uint32_t option;
        int64_t left; /* of 86400 s a second later */
    } times[] = {
        {REFRESH_ANSWERED, 100000, 86400}, /* the SOA's is the maximum */
        {REFRESH_ANSWERED, 86400, 86400},  {REFRESH_ANSWERED, 100, 86399}, /* never shortened */
        {REFRESH_CURRENT, 100, 86399},     {REFRESH_TAKEN, 5000, 5000},    /* set anew */
        {REFRESH_TAKEN, 100000, 86400},
    };
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct refresh r;
        set_up(&r, true, one_address, 1);
        bool is_probe = times[i].kind == REFRESH_ANSWERED;
        step(&r, is_probe ? REFRESH_TIME : REFRESH_NOTIFIED, START, 101);
        struct refresh_event e = {.kind = times[i].kind, .now_us = START + S, .timers = timers};
        e.serial = times[i].kind == REFRESH_TAKEN ? 101 : 100;
        e.has_expire = true;
        e.expire_s = times[i].option;
        refresh_step(&r, &e);
        cr_expect_eq(r.expires_us, START + S + times[i].left * S, "row %zu", i);
        cr_expect_lt(r.wake_us, r.expires_us, "row %zu", i);
    }
}

Test(refresh, the_greatest_expire_bounds_the_life_of_the_data)
{
    struct refresh r;
    struct refresh_limits less = limits;
    set_up(&r, true, one_address, 1);
    cr_assert_eq(r.expires_us, START + 86400 * S);
    less.expire_max_s = 50000;
    refresh_configure(&r, &less, one_address, 1, START);
    step(&r, REFRESH_TIME, START, 0);
    step(&r, REFRESH_ANSWERED, START, 100);
    cr_expect_eq(r.expires_us, START + 50000 * S, "also of what was good for longer");
}

Test(refresh, asks_for_what_was_held_when_it_has_had_something_else)
{
    struct refresh r;
    set_up(&r, true, one_address, 1);
    step(&r, REFRESH_NOTIFIED, START, 102);
    step(&r, REFRESH_HELD, START, 102);
    cr_expect_eq(step(&r, REFRESH_NOTIFIED, START, 102).kind, REFRESH_WAIT);
    step(&r, REFRESH_FORCED, START, 0);
    step(&r, REFRESH_TAKEN, START, 101);
    cr_expect_eq(step(&r, REFRESH_NOTIFIED, START, 102).kind, REFRESH_IXFR);
}

Test(refresh, goes_on_where_the_server_stopped)
{
    static const struct {
        int64_t checked; /* seconds before the start; 0: not known */
        uint32_t expire;
        int64_t left;
        bool is_expired;
    } times[] = {{0, 0, 86400, false},      {1000, 0, 85400, false}, {86400, 0, 0, true},
                 {1000, 2000, 1000, false}, {2000, 2000, 0, true},   {1000, 1000000, 85400, false},
                 {-5000, 0, 86400, false}};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct refresh r;
        struct refresh_setup setup = {.limits = limits,
                                      .address_counts = one_address,
                                      .primary_count = 1,
                                      .has_data = true,
                                      .serial = 1,
                                      .timers = timers,
                                      .expire_s = times[i].expire,
                                      .spread_us = 100 * S};
        setup.checked_us = times[i].checked ? START - times[i].checked * S : 0;
        refresh_init(&r, &setup, START);
        cr_expect_eq(r.expires_us, START + times[i].left * S, "row %zu", i);
        cr_expect_eq(r.is_expired, times[i].is_expired, "row %zu", i);
        cr_expect(r.wake_us >= START && r.wake_us <= START + 100 * S, "row %zu", i);
    }
}

Test(refresh, spreads_the_first_look_of_many_zones)
{
    unsigned tenth[10] = {0};
    for (uint64_t i = 1; i <= 1000; i++) {
        struct refresh r;
        struct refresh_setup setup = {.limits = limits,
                                      .address_counts = one_address,
                                      .primary_count = 1,
                                      .seed = i * 0x9e3779b97f4a7c15u,
                                      .spread_us = 10 * S};
        refresh_init(&r, &setup, START);
        tenth[(r.wake_us - START) / S < 10 ? (r.wake_us - START) / S : 9]++;
    }
    for (int i = 0; i < 10; i++)
        cr_expect(tenth[i] > 50 && tenth[i] < 200, "tenth %d: %u", i, tenth[i]);
}

Test(refresh, other_primaries_are_asked_at_once)
{
    struct refresh r;
    set_up(&r, true, three_addresses, 2);
    step(&r, REFRESH_TIME, START, 0);
    for (int i = 0; i < 3; i++)
        step(&r, REFRESH_FAILED, START, 0);
    cr_assert_gt(r.wake_us, START);
    refresh_configure(&r, &limits, one_address, 1, START + S);
    cr_assert_eq(r.wake_us, START + S);
    cr_assert_eq(step(&r, REFRESH_TIME, START + S, 0).kind, REFRESH_PROBE);
    /* in the middle of a forced transfer, which is begun anew */
    step(&r, REFRESH_FORCED, START + S, 0);
    cr_assert_eq(step(&r, REFRESH_ANSWERED, START + S, 100).kind, REFRESH_AXFR);
    refresh_configure(&r, &limits, three_addresses, 2, START + 2 * S);
    cr_assert_eq(step(&r, REFRESH_TIME, START + 2 * S, 0).kind, REFRESH_AXFR);
    cr_assert(r.is_forced);
}

/* NOTIFY may be forged: not each one costs the primary a connection. */
Test(refresh, vain_notifies_are_slowed_down_and_true_ones_are_not)
{
    struct refresh r;
    unsigned asked = 0;
    set_up(&r, true, one_address, 1);
    for (int64_t now = START; now < START + 10 * S; now += S / 100) {
        struct refresh_event e = {.kind = REFRESH_NOTIFIED, .now_us = now};
        struct refresh_act a = refresh_step(&r, &e);
        if (a.kind == REFRESH_WAIT && r.wake_us <= now + S / 100)
            a = step(&r, REFRESH_TIME, now = r.wake_us, 0);
        if (a.kind == REFRESH_IXFR) {
            asked++;
            step(&r, REFRESH_CURRENT, now, 100);
        }
    }
    cr_expect(asked >= REFRESH_VAIN_MAX && asked <= REFRESH_VAIN_MAX + 10, "%u", asked);
    uint32_t serial = 100;
    for (int64_t now = START + 20 * S; serial < 200; now += S / 100) {
        cr_assert_eq(step(&r, REFRESH_NOTIFIED, now, ++serial).kind, REFRESH_IXFR);
        step(&r, REFRESH_TAKEN, now, serial);
    }
}

Test(refresh, an_end_without_a_question_is_our_bug, .signal = SIGABRT)
{
    struct refresh r;
    set_up(&r, true, one_address, 1);
    step(&r, REFRESH_FAILED, START, 0);
}

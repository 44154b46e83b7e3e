/* SPDX-License-Identifier: Apache-2.0
 * xfr/notify: when a secondary is told, how often, and when no more. */
#include "xfr/notify.h"

#include "base/attr.h"
#include "dns/rr.h"
#include "../slow.h"
#include "unit.h"

#define S     1000000LL
#define START (1700000000 * S)

static enum notify_act step(struct notify *n, enum notify_event_kind kind, int64_t now_us,
                            uint32_t serial)
{
    struct notify_event e = {kind, now_us, serial};
    return notify_step(n, &e);
}

static struct notify fresh(void)
{
    struct notify n;
    notify_init(&n, 7);
    return n;
}

Test(notify, tells_at_once_and_rests_when_answered)
{
    struct notify n = fresh();
    cr_expect_eq(n.wake_us, INT64_MAX);
    cr_expect_eq(step(&n, NOTIFY_SERIAL, START, 5), NOTIFY_SEND_UDP);
    cr_expect(n.is_sent && n.sent == 5 && n.is_owed);
    cr_expect_eq(step(&n, NOTIFY_ANSWERED, START + 1, 0), NOTIFY_WAIT);
    cr_expect(!n.is_sent && !n.is_owed && n.wake_us == INT64_MAX);
    /* a reload says the serial once more */
    cr_expect_eq(step(&n, NOTIFY_SERIAL, START + 2, 5), NOTIFY_WAIT);
    cr_expect_eq(step(&n, NOTIFY_AGAIN, START + 3, 0), NOTIFY_SEND_UDP);
}

/* 500 serials while one NOTIFY is outstanding are one more. */
Test(notify, serials_that_come_meanwhile_are_one_more)
{
    struct notify n = fresh();
    step(&n, NOTIFY_SERIAL, START, 1);
    for (uint32_t i = 2; i <= 500; i++)
        cr_assert_eq(step(&n, NOTIFY_SERIAL, START + i, i), NOTIFY_WAIT);
    cr_expect_eq(n.sent, 1);
    cr_expect_eq(step(&n, NOTIFY_ANSWERED, START + 501, 0), NOTIFY_SEND_UDP);
    cr_expect_eq(n.sent, 500);
    cr_expect_eq(step(&n, NOTIFY_ANSWERED, START + 502, 0), NOTIFY_WAIT);
    cr_expect_not(n.is_owed);
}

/* RFC 1996 s3.6: back-off; s3.4: TCP where UDP may not get through. */
Test(notify, repeats_with_back_off_then_over_tcp_then_gives_up)
{
    struct notify n = fresh();
    int64_t now = START, wait = NOTIFY_WAIT_US;
    cr_assert_eq(step(&n, NOTIFY_SERIAL, now, 5), NOTIFY_SEND_UDP);
    for (int i = 1; i <= NOTIFY_UDP_TRIES; i++, wait *= 2) {
        cr_expect_geq(n.wake_us, now + wait, "try %d", i);
        cr_expect_leq(n.wake_us, now + wait * 5 / 4, "try %d", i);
        cr_expect_eq(step(&n, NOTIFY_TIME, n.wake_us - 1, 0), NOTIFY_WAIT, "too early");
        now = n.wake_us;
        cr_expect_eq(step(&n, NOTIFY_TIME, now, 0),
                     i < NOTIFY_UDP_TRIES ? NOTIFY_SEND_UDP : NOTIFY_SEND_TCP, "try %d", i);
    }
    cr_expect_not(n.has_given_up);
    now = n.wake_us;
    cr_expect_eq(step(&n, NOTIFY_TIME, now, 0), NOTIFY_WAIT);
    cr_expect(n.has_given_up && n.is_owed && !n.is_sent);
    cr_expect_geq(n.wake_us, now + NOTIFY_REST_US);
}

/* One try to the next, with the newest serial of that moment. */
Test(notify, a_repetition_has_the_newest_serial)
{
    struct notify n = fresh();
    step(&n, NOTIFY_SERIAL, START, 5);
    step(&n, NOTIFY_SERIAL, START + 1, 6);
    cr_expect_eq(step(&n, NOTIFY_TIME, n.wake_us, 0), NOTIFY_SEND_UDP);
    cr_expect_eq(n.sent, 6);
    cr_expect_eq(step(&n, NOTIFY_ANSWERED, START + 2 * S, 0), NOTIFY_WAIT);
}

/* What a silent secondary costs: so many rounds of five messages, then nothing until the next
 * serial. */
Test(notify, a_silent_secondary_is_left_alone_in_the_end)
{
    struct notify n = fresh();
    int64_t now = START;
    unsigned sent = 1, tcp = 0;
    step(&n, NOTIFY_SERIAL, now, 5);
    while (n.wake_us < INT64_MAX) {
        cr_assert_gt(n.wake_us, now);
        now = n.wake_us;
        enum notify_act a = step(&n, NOTIFY_TIME, now, 0);
        sent += a == NOTIFY_SEND_UDP;
        tcp += a == NOTIFY_SEND_TCP;
    }
    cr_expect_eq(sent, NOTIFY_ROUNDS * NOTIFY_UDP_TRIES);
    cr_expect_eq(tcp, NOTIFY_ROUNDS);
    cr_expect(n.has_given_up && n.is_owed);
    cr_expect_eq(step(&n, NOTIFY_SERIAL, now, 6), NOTIFY_SEND_UDP, "the next serial is told");
    cr_expect_eq(step(&n, NOTIFY_ANSWERED, now, 0), NOTIFY_WAIT);
    cr_expect_not(n.has_given_up);
}

Test(notify, a_new_serial_ends_a_rest)
{
    struct notify n = fresh();
    step(&n, NOTIFY_SERIAL, START, 5);
    while (!n.has_given_up)
        step(&n, NOTIFY_TIME, n.wake_us, 0);
    int64_t now = n.wake_us - S;
    cr_expect_eq(step(&n, NOTIFY_SERIAL, now, 6), NOTIFY_SEND_UDP);
    cr_expect_leq(n.wake_us, now + NOTIFY_WAIT_US * 5 / 4, "a round of its own");
}

Test(notify, a_failed_try_waits_for_the_next_one_and_a_failed_last_one_ends_the_round)
{
    struct notify n = fresh();
    step(&n, NOTIFY_SERIAL, START, 5);
    int64_t wake = n.wake_us;
    cr_expect_eq(step(&n, NOTIFY_FAILED, START, 0), NOTIFY_WAIT);
    cr_expect_eq(n.wake_us, wake);
    for (int i = 1; i <= NOTIFY_UDP_TRIES; i++)
        step(&n, NOTIFY_TIME, n.wake_us, 0);
    cr_expect_eq(step(&n, NOTIFY_FAILED, START + 20 * S, 0), NOTIFY_WAIT);
    cr_expect(n.has_given_up && !n.is_sent);
    cr_expect_eq(step(&n, NOTIFY_FAILED, START + 20 * S, 0), NOTIFY_WAIT, "nothing is under way");
}

/* RFC 1996 s3.12: NOTIMP ends it as well. */
Test(notify, who_refuses_has_heard)
{
    struct notify n = fresh();
    step(&n, NOTIFY_SERIAL, START, 5);
    cr_expect_eq(step(&n, NOTIFY_REFUSED, START, 0), NOTIFY_WAIT);
    cr_expect(!n.is_sent && !n.is_owed && !n.has_given_up);
}

static const struct known_row {
    uint32_t has, serial;
    bool is_told;
} known_rows[] = {
    {5, 6, true},           {6, 6, false},
    {7, 6, true}, /* it has something else: of another history, or somebody else says so */
    {0xffffffffu, 0, true}, {0, 0xffffffffu, true}, /* RFC 1982: 0 follows */
};

Test(notify, who_has_the_serial_is_not_told)
{
    for (size_t i = 0; i < ARRAY_LEN(known_rows); i++) {
        const struct known_row *row = &known_rows[i];
        enum notify_act told = row->is_told ? NOTIFY_SEND_UDP : NOTIFY_WAIT;
        struct notify n = fresh();
        step(&n, NOTIFY_HAS, START, row->has);
        cr_expect_eq(step(&n, NOTIFY_SERIAL, START, row->serial), told, "row %zu", i);
        cr_expect_eq(n.is_owed, row->is_told, "row %zu", i);
        /* heard while one is outstanding: nothing more is waited for, or sent */
        n = fresh();
        step(&n, NOTIFY_SERIAL, START, row->serial);
        cr_expect_eq(step(&n, NOTIFY_HAS, START + 1, row->has), NOTIFY_WAIT);
        cr_expect_eq(n.is_sent, row->is_told, "row %zu", i);
        cr_expect_eq(n.wake_us < INT64_MAX, row->is_told, "row %zu", i);
    }
}

Test(notify, the_operator_is_obeyed_whatever_is_known)
{
    struct notify n = fresh();
    cr_expect_eq(step(&n, NOTIFY_AGAIN, START, 0), NOTIFY_WAIT, "there is no serial yet");
    step(&n, NOTIFY_HAS, START, 6);
    step(&n, NOTIFY_SERIAL, START, 6);
    cr_expect_eq(step(&n, NOTIFY_AGAIN, START, 0), NOTIFY_SEND_UDP);
    cr_expect_eq(step(&n, NOTIFY_AGAIN, START, 0), NOTIFY_SEND_UDP,
                 "while one is outstanding, too");
}

/* Any order of events: at most one outstanding, never quiet while something is owed and rounds are
 * left, and a secondary that answers in the end knows the newest serial. */
Test(notify, keeps_its_word_through_long_lives)
{
    uint64_t dice = 1;
    for (unsigned life = 0; life < cases(200, 60); life++) {
        struct notify n = fresh();
        int64_t now = START;
        uint32_t serial = 0xfffffff0u, told = 0;
        for (int i = 0; i < 1000; i++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            enum notify_event_kind kind = (enum notify_event_kind)((dice >> 33) % 7);
            now = kind == NOTIFY_TIME && n.wake_us < INT64_MAX ? n.wake_us : now + 1000;
            serial += kind == NOTIFY_SERIAL;
            if (kind == NOTIFY_ANSWERED || kind == NOTIFY_REFUSED)
                told = n.is_sent ? n.sent : told;
            uint32_t has = told + (uint32_t)(dice >> 40) % 2;
            if (kind == NOTIFY_HAS && serial_compare(has, serial) == 1)
                has = serial;
            enum notify_act a = step(&n, kind, now, kind == NOTIFY_HAS ? has : serial);
            cr_assert(a == NOTIFY_WAIT || (n.is_sent && n.sent == serial), "life %d, %d", life, i);
            cr_assert(!n.is_sent || n.wake_us < INT64_MAX, "life %d, %d: it waits for ever", life,
                      i);
            cr_assert(n.wake_us > now, "life %d, %d: it would be called for nothing", life, i);
            cr_assert(!n.is_owed || n.is_sent || n.has_given_up, "life %d, %d: forgotten", life, i);
        }
        for (int i = 0; i < 5 && n.is_sent; i++) {
            told = n.sent;
            step(&n, NOTIFY_ANSWERED, now, 0);
        }
        cr_assert(!n.is_sent);
    }
}

Test(notify, a_clock_that_is_set_does_not_change_the_wait)
{
    struct notify n;
    notify_init(&n, 7);
    notify_shift(&n, -1000);
    cr_expect_eq(n.wake_us, INT64_MAX);
    cr_assert_eq(notify_step(&n, &(struct notify_event){NOTIFY_SERIAL, 5000000, 1}),
                 NOTIFY_SEND_UDP);
    int64_t wait_us = n.wake_us - 5000000;
    notify_shift(&n, -4000000);
    cr_expect_eq(n.wake_us - 1000000, wait_us);
}

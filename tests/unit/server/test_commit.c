/* SPDX-License-Identifier: Apache-2.0
 * Changes on their way: what comes between the decision and the answer, and what becomes of
 * neighbours when it goes wrong. */
#include "disk.h"

static struct disk start(const char *settings, const char *zones)
{
    struct disk d = disk_new();
    bed_start(d.bed, settings, zones);
    disk_rest(d.bed);
    return d;
}

static void expect_late(const struct bed *b, unsigned from, unsigned count, unsigned rcode)
{
    cr_assert_eq(b->late_count, from + count, "%u answers", b->late_count);
    for (unsigned i = from; i < from + count; i++)
        cr_expect_eq(b->late[i], rcode, "answer %u: %u", i, b->late[i]);
}

Test(commit, tells_nobody_before_it_is_durable)
{
    struct disk d = start("", DISK_A);
    struct bed *b = d.bed;
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_until_committed(b);
    cr_expect_eq(b->late_count, 0, "not yet known to be durable");
    cr_expect_eq(disk_ask(b, "x.a.example."), NXDOMAIN, "nor published");
    disk_rest(b);
    expect_late(b, 0, 1, NOERROR);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR);
    disk_free(&d);
}

Test(commit, holds_back_verdicts_that_rest_on_what_is_not_durable)
{
    struct disk d = start("", DISK_A);
    struct bed *b = d.bed;
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_until_committed(b);
    disk_send_add(b, "a.example.", "x.a.example.");
    server_turn(b->server);
    cr_expect_eq(b->late_count, 0, "there already, but in what version?");
    disk_rest(b);
    expect_late(b, 0, 2, NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    cr_expect_eq(server_counters(b->server)->updates_done, 1);
    cr_expect_eq(server_counters(b->server)->updates_unchanged, 1);
    disk_free(&d);
}

#define ONE_A_NAME                                    \
    "  a.example: {file: a, protect: none, updates: " \
    "[{unsigned: yes, all: yes, max-per-name: 1}]}\n"

/* What refuses is not durable, and may never be: y has its one record, or not. */
Test(commit, holds_back_refusals_by_what_is_not_durable)
{
    static const struct bed_change second = {"a.example.", "y.a.example.", CLASS_IN, TYPE_A,
                                             60,           "192.0.2.10"};
    struct disk d = start("", ONE_A_NAME);
    struct bed *b = d.bed;
    disk_send_add(b, "a.example.", "y.a.example.");
    disk_until_committed(b);
    disk_send(b, &second);
    server_turn(b->server);
    cr_expect_eq(b->late_count, 0, "over the limit, but in what version?");
    disk_rest(b);
    cr_assert_eq(b->late_count, 2);
    cr_expect_eq(b->late[0], NOERROR);
    cr_expect_eq(b->late[1], REFUSED);
    cr_expect_eq(bed_update(b, &second), REFUSED, "of what is durable, at once");
    disk_free(&d);
}

Test(commit, that_fails_takes_back_refusals_as_well)
{
    static const struct bed_change second = {"a.example.", "y.a.example.", CLASS_IN, TYPE_A,
                                             60,           "192.0.2.10"};
    struct disk d = start("", ONE_A_NAME);
    struct bed *b = d.bed;
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    disk_send_add(b, "a.example.", "y.a.example.");
    disk_until_committed(b);
    disk_send(b, &second);
    server_turn(b->server);
    disk_rest(b);
    expect_late(b, 0, 2, SERVFAIL);
    disk_recover(&d);
    cr_expect_eq(bed_update(b, &second), NOERROR,
                 "nothing is there that it would be one too many of");
    disk_free(&d);
}

Test(commit, that_fails_takes_back_all_that_was_built_on_it)
{
    struct disk d = start("", DISK_A DISK_B);
    struct bed *b = d.bed;
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    unsigned told = b->late_count;
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    disk_send_add(b, "a.example.", "y.a.example.");
    disk_until_committed(b);
    disk_send_add(b, "a.example.", "z.a.example."); /* on top of it */
    disk_send_add(b, "a.example.", "y.a.example."); /* unchanged, because of it */
    disk_send_add(b, "b.example.", "y.b.example."); /* beside it */
    server_turn(b->server);
    disk_rest(b);
    expect_late(b, told, 4, SERVFAIL);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    cr_expect_eq(bed_serial(b, "b.example."), 1);
    cr_expect_eq(disk_ask(b, "y.a.example."), NXDOMAIN);
    disk_recover(&d);
    cr_expect_eq(disk_add(b, "a.example.", "y.a.example."), NOERROR);
    cr_expect_eq(disk_add(b, "b.example.", "y.b.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    cr_expect_eq(server_counters(b->server)->updates_lost, 4);
    cr_expect_eq(server_counters(b->server)->updates_unchanged, 0);
    disk_restart(b, "", DISK_A DISK_B);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    cr_expect_eq(bed_serial(b, "b.example."), 2);
    cr_expect_eq(disk_ask(b, "z.a.example."), NXDOMAIN);
    disk_free(&d);
}

Test(commit, of_a_zone_that_goes_meanwhile_does_no_harm)
{
    struct disk d = start("", DISK_A DISK_B);
    struct bed *b = d.bed;
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_send_add(b, "b.example.", "x.b.example.");
    disk_until_committed(b);
    disk_send_add(b, "a.example.", "y.a.example.");
    server_turn(b->server);
    bed_reload(b, "", DISK_B);
    disk_rest(b);
    cr_assert_eq(b->late_count, 3);
    cr_expect_eq(disk_ask(b, "x.b.example."), NOERROR);
    cr_expect_eq(disk_ask(b, "x.a.example."), REFUSED);
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR, "it was with the log already");
    cr_expect_eq(disk_ask(b, "y.a.example."), NXDOMAIN, "this one was not");
    cr_expect_eq(disk_add(b, "a.example.", "y.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_free(&d);
}

/* The log is read for the zone that is back while changes of the one that went are on their way:
 * what was read may be older than what the log has then. */
Test(commit, of_a_zone_that_goes_and_comes_meanwhile_ends_with_one_truth)
{
    struct disk d = start("", DISK_A DISK_B);
    struct bed *b = d.bed;
    for (unsigned i = 0; i < 10; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), "h%u.a.example.", i);
        unsigned told = b->late_count;
        disk_send_add(b, "a.example.", owner);
        server_turn(b->server);
        bed_reload(b, "", DISK_B);
        bed_reload(b, "", DISK_A DISK_B);
        disk_rest(b);
        cr_assert_eq(b->late_count, told + 1);
        snprintf(owner, sizeof(owner), "i%u.a.example.", i);
        unsigned rcode = disk_add(b, "a.example.", owner);
        disk_rest(b);
        if (rcode != NOERROR)
            rcode = disk_add(b, "a.example.", owner);
        cr_assert_eq(rcode, NOERROR, "round %u", i);
        int64_t serial = bed_serial(b, "a.example.");
        disk_restart(b, "", DISK_A DISK_B);
        cr_assert_eq(bed_serial(b, "a.example."), serial);
        cr_assert_eq(disk_ask(b, owner), NOERROR);
    }
    disk_free(&d);
}

Test(commit, under_way_at_the_end_is_done_or_not_and_nothing_is_left_over)
{
    static const char *const then[] = {"", DISK_B, DISK_A DISK_B};
    for (unsigned i = 0; i < 6; i++) {
        struct disk d = start("", DISK_A DISK_B);
        struct bed *b = d.bed;
        disk_send_add(b, "a.example.", "x.a.example.");
        server_turn(b->server);
        disk_send_add(b, "a.example.", "y.a.example.");
        if (i >= 3)
            server_turn(b->server);
        disk_send_add(b, "a.example.", "z.a.example."); /* not even run */
        if (i % 3)
            bed_reload(b, "", then[i % 3]);
        server_free(b->server);
        cr_expect_eq(b->waiting, 0, "case %u: every channel was let go of", i);
        bed_start(b, "", DISK_A DISK_B);
        disk_rest(b);
        cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR, "case %u", i);
        disk_free(&d);
    }
}

Test(commit, is_followed_by_a_snapshot_when_changes_are_worth_it)
{
    struct disk d = start(", limits: {snapshot-after: 4096}", DISK_A);
    struct bed *b = d.bed;
    const struct counters *count = server_counters(b->server);
    cr_assert_eq(count->snapshots, 1, "the first one");
    for (unsigned i = 0; i < 200; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), "h%u.a.example.", i);
        cr_assert_eq(disk_add(b, "a.example.", owner), NOERROR);
    }
    disk_rest(b);
    cr_expect_gt(count->snapshots, 2);
    cr_expect_lt(disk_zone(b, "a.example.")->replay_bytes, 3 * 4096);
    disk_restart(b, "", DISK_A);
    cr_expect_eq(bed_serial(b, "a.example."), 201);
    cr_expect_eq(disk_ask(b, "h0.a.example."), NOERROR);
    cr_expect_eq(disk_ask(b, "h199.a.example."), NOERROR);
    disk_free(&d);
}

Test(commit, is_refused_to_who_comes_when_enough_wait)
{
    struct disk d = start(", limits: {update-pending: 4}", DISK_A);
    struct bed *b = d.bed;
    for (unsigned i = 0; i < 4; i++)
        disk_send_add(b, "a.example.", "x.a.example.");
    uint8_t wire[512], out[SERVER_UDP_OUT_MAX];
    struct bed_change c = {"a.example.", "y.a.example.", CLASS_IN, TYPE_A, 60, "192.0.2.9"};
    struct exchange x = {.in = wire, .out = out};
    x.in_len = bed_update_message(wire, sizeof(wire), &c);
    server_handle(b->server, &x, 1, b->now_us);
    cr_expect_not(x.is_waiting);
    cr_expect_eq(x.out[3] & FLAG_RCODE_MASK, SERVFAIL);
    cr_expect_eq(server_counters(b->server)->updates_over_pending, 1);
    disk_rest(b);
    expect_late(b, 0, 4, NOERROR);
    disk_free(&d);
}

/* As a server that read the log before the last change came in, which one that it lost had sent on
 * its way. */
static void forget_a_change(struct bed *b)
{
    struct server_zone *z = disk_zone(b, "a.example.");
    z->seq_given = --z->seq_published;
}

/* It is read again, at once; if that has not helped, after a while. */
Test(commit, reads_the_zone_again_where_the_log_knows_more)
{
    struct disk d = start("", DISK_A);
    struct bed *b = d.bed;
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    for (unsigned i = 0; i < 4; i++) {
        forget_a_change(b);
        cr_expect_eq(disk_add(b, "a.example.", "y.a.example."), SERVFAIL);
        disk_rest(b);
        cr_expect_eq(server_wants_time(b->server), i % 2 == 1, "%u", i);
        disk_recover(&d);
        cr_expect_eq(disk_zone(b, "a.example.")->seq_published, 1);
    }
    cr_expect_eq(disk_add(b, "a.example.", "y.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_restart(b, "", DISK_A);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR);
    cr_expect_eq(disk_ask(b, "y.a.example."), NOERROR);
    disk_free(&d);
}

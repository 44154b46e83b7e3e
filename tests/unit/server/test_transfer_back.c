/* SPDX-License-Identifier: Apache-2.0
 * Transfers to others of a zone whose serial went back: a serial that it has had twice stands for
 * two states, and differences are right for one of them only (RFC 1995 s4, RFC 1982). */
#include "client.h"
#include "primary.h"
#include "talk.h"

#define OPEN  "  z.example: {primaries: [p1], transfer: [{unsigned: yes}]}\n"
#define HOSTS 200
#define WHOLE 0 /* steps of an answer that has all of the zone */

static void force(struct bed *b)
{
    struct talk t;
    talk_open(&t, b);
    cr_assert(
        talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\", \"force\": true}"));
    talk_close(&t);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
}

static void follow(struct bed *b, uint32_t from, unsigned steps)
{
    primary_look(b);
    primary_says(from + steps);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(from, steps);
    cr_assert_eq(bed_serial(b, "z.example."), from + steps);
}

/* At serial 13: it was at 10, 11 and 12, went back to 5, and went on one by one. */
static struct disk gone_back(void)
{
    struct disk d = primary_disk(OPEN);
    primary_gives_whole(10, HOSTS);
    follow(d.bed, 10, 2);
    force(d.bed);
    primary_gives_whole(5, HOSTS + 1);
    cr_assert_eq(bed_serial(d.bed, "z.example."), 5);
    follow(d.bed, 5, 8);
    return d;
}

/* How many steps the answer to IXFR from that serial has; WHOLE: it is the zone. */
static unsigned steps_from(struct bed *b, uint32_t serial)
{
    struct taken t = {0};
    struct outflow *f = client_begin(b, "z.example.", serial, 0);
    cr_assert_not_null(f, "from %u", serial);
    client_finish(b, f, &t);
    cr_assert_eq(t.first, bed_serial(b, "z.example."));
    cr_assert(t.soas > 2 || t.records > HOSTS, "from %u: neither", serial);
    return t.soas / 2 - 1;
}

static void expect_steps(struct bed *b)
{
    static const struct {
        uint32_t serial;
        unsigned steps;
    } rows[] = {{9, 4}, {12, WHOLE}, {11, WHOLE}, {10, WHOLE}, {9, 4},
                {6, 7}, {5, 8},      {4, WHOLE},  {1, WHOLE}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(steps_from(b, rows[i].serial), rows[i].steps, "from serial %u, row %zu",
                     rows[i].serial, i);
}

Test(transfer_back, gives_no_differences_from_a_serial_that_was_had_twice)
{
    struct disk d = gone_back();
    expect_steps(d.bed);
    disk_free(&d);
}

Test(transfer_back, knows_after_a_restart_which_were_had_twice)
{
    struct disk d = gone_back();
    struct bed *b = d.bed;
    for (unsigned i = 0; i < 2; i++) {
        primary_restart(b, OPEN);
        while (primary.count)
            primary_cut(primary_call(), "no answer");
        expect_steps(b);
    }
    disk_free(&d);
}

/* What is in memory after the restart is no reason to forget what stands in the log. */
Test(transfer_back, knows_after_a_restart_with_newer_changes)
{
    struct disk d = primary_disk(OPEN);
    struct bed *b = d.bed;
    primary_gives_whole(10, HOSTS);
    follow(b, 10, 2);
    force(b);
    primary_gives_whole(5, HOSTS + 1);
    follow(b, 5, 3);
    primary_restart(b, OPEN);
    primary_says(8);
    follow(b, 8, 5);
    cr_assert_eq(disk_zone(b, "z.example.")->recent.count, 5);
    cr_expect_eq(steps_from(b, 11), WHOLE);
    cr_expect_eq(steps_from(b, 9), 4);
    cr_expect_eq(steps_from(b, 12), WHOLE);
    disk_free(&d);
}

/* A date with a wrong year, and back: what comes next is new. */
Test(transfer_back, gives_differences_of_serials_that_are_new)
{
    struct disk d = primary_disk(OPEN);
    struct bed *b = d.bed;
    primary_gives_whole(2026112601u, HOSTS);
    force(b);
    primary_gives_whole(2062112602u, HOSTS + 1);
    force(b);
    primary_gives_whole(2026112603u, HOSTS + 2);
    follow(b, 2026112603u, 3);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(steps_from(b, 2026112604u), 2);
        cr_expect_eq(steps_from(b, 2026112603u), 3);
        cr_expect_eq(steps_from(b, 2026112601u), WHOLE);
        primary_restart(b, OPEN);
        primary_says(2026112606u);
    }
    disk_free(&d);
}

/* The same serial once more, with other data. */
Test(transfer_back, gives_no_differences_from_a_serial_that_was_replaced)
{
    struct disk d = primary_disk(OPEN);
    struct bed *b = d.bed;
    primary_gives_whole(10, HOSTS);
    force(b);
    primary_gives_whole(10, HOSTS + 1);
    follow(b, 10, 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(steps_from(b, 10), WHOLE);
        cr_expect_eq(steps_from(b, 11), 1);
        primary_restart(b, OPEN);
        primary_says(12);
    }
    disk_free(&d);
}

/* What no row of the log holds replaces the zone, and its history is gone. */
Test(transfer_back, gives_no_differences_over_a_zone_that_was_replaced_as_a_whole)
{
    struct disk d = primary_disk(OPEN);
    struct bed *b = d.bed;
    primary_gives_whole(10, HOSTS);
    follow(b, 10, 2);
    force(b);
    b->server->secondaries.diff_max = 100;
    primary_gives_whole(5, HOSTS + 1);
    b->server->secondaries.diff_max = SECONDARY_DIFF_MAX;
    cr_assert_eq(primary_rows(b).count, 0);
    follow(b, 5, 8);
    cr_expect_eq(steps_from(b, 11), WHOLE);
    cr_expect_eq(steps_from(b, 12), WHOLE);
    b->server->secondaries.diff_max = 100;
    primary_look(b);
    primary_says(20);
    primary_gives_whole(20, HOSTS);
    cr_assert_eq(primary_rows(b).count, 0);
    cr_expect_eq(steps_from(b, 12), WHOLE, "what was in memory led to 13");
    disk_free(&d);
}

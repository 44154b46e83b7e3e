/* SPDX-License-Identifier: Apache-2.0
 * Zones that follow a primary, when something comes in between: an end, a reload, a disk that
 * fails, a clock that is set, a primary that does odd things. */
#include "primary.h"
#include "talk.h"

static struct disk start_disk(const char *zones)
{
    struct disk d = disk_new();
    primary_start(d.bed, zones);
    disk_rest(d.bed);
    primary_pass(d.bed, 0);
    return d;
}

/* A zone that has serial 1 with two hosts. */
static struct disk start(const char *zones)
{
    struct disk d = start_disk(zones);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(1, 2);
    cr_assert_eq(bed_serial(d.bed, "z.example."), 1);
    return d;
}

static void look(struct bed *b)
{
    struct secondary *sec = primary_secondary(b);
    b->server->now_us = b->now_us;
    secondary_step(b->server, sec, &(struct refresh_event){.kind = REFRESH_ASKED});
}

/* A whole zone of so many hosts in one message, which is not waited for. */
static void send_whole(uint32_t serial, unsigned hosts)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    char text[100];
    primary_soa(a, serial);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    for (unsigned i = 0; i < hosts; i++) {
        snprintf(text, sizeof(text), "n%u.z.example. 300 A 192.0.2.1", i);
        primary_rr(a, text);
    }
    primary_soa(a, serial);
    primary_send(c, a);
}

/* The first message of one that has more. */
static void send_first(uint32_t serial)
{
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, serial);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    primary_send(primary_call(), a);
}

Test(secondary_ends, stops_in_the_middle_of_a_transfer)
{
    struct disk d = start(PRIMARY_Z);
    look(d.bed);
    primary_says(2);
    send_first(2);
    cr_assert_not_null(primary_secondary(d.bed)->incoming);
    disk_free(&d);
    cr_expect_eq(primary.count, 0);
}

Test(secondary_ends, reads_a_large_first_message_in_a_helper)
{
    struct disk d = start(PRIMARY_Z);
    struct bed *b = d.bed;
    look(b);
    primary_says(2);
    send_whole(2, 1000);
    cr_expect_null(primary_secondary(b)->taking, "nothing of it was read at once");
    cr_expect_not_null(primary_secondary(b)->incoming);
    primary_until_over(b);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    disk_free(&d);
}

/* RFC 1995 s4: a SOA alone, ahead of ours, says that the differences are not to be had. */
Test(secondary_ends, asks_for_the_whole_zone_where_the_soa_stays_alone)
{
    struct disk d = start(PRIMARY_Z);
    struct bed *b = d.bed;
    look(b);
    primary_says(2);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 2);
    primary_send(primary_call(), a);
    primary_cut(primary_call(), "closed");
    cr_expect_eq(primary_asked(), TYPE_AXFR);
    disk_free(&d);
}

/* The first snapshot is late, and when it is there the primary's key is gone. */
Test(secondary_ends, waits_for_nothing_once_its_wait_is_over)
{
    struct disk d = start_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    primary_gives_whole(1, 2);
    struct secondary *sec = primary_secondary(b);
    cr_assert_not(sec->zone->is_ready);
    look(b);
    primary_says(2);
    cr_assert(sec->is_waiting);
    cr_assert_eq(name_scan("gone.", 5, NAME_ROOT, &sec->primaries[0].key, NULL), OK);
    disk_recover(&d);
    cr_assert(sec->zone->is_ready);
    cr_expect_not(sec->is_waiting);
    cr_expect_not_null(strstr(sec->primaries[0].error, "gone."));
    cr_expect_eq(sec->limit.place, 0, "nothing is timed");
    primary_pass(b, 100 * (int64_t)1000000);
    disk_free(&d);
}

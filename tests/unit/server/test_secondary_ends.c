/* SPDX-License-Identifier: Apache-2.0
 * Zones that follow a primary, when something comes in between: an end, a reload, a disk that
 * fails, a clock that is set, a primary that does odd things. */
#include "primary.h"
#include "talk.h"

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
    struct disk d = primary_served(PRIMARY_Z);
    primary_look(d.bed);
    primary_says(2);
    send_first(2);
    cr_assert_not_null(primary_secondary(d.bed)->incoming);
    disk_free(&d);
    cr_expect_eq(primary.count, 0);
}

Test(secondary_ends, reads_a_large_first_message_in_a_helper)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
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
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 2);
    primary_send(primary_call(), a);
    primary_cut(primary_call(), "closed");
    cr_expect_eq(primary_asked(), TYPE_AXFR);
    disk_free(&d);
}

/* A primary that always has a little more to say. */
Test(secondary_ends, cuts_a_transfer_that_is_never_over)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    b->server->conf->transfer_time_ms = 60000;
    primary_look(b);
    primary_says(2);
    send_first(2);
    for (unsigned i = 0; i < 5; i++) {
        struct call *c = primary_call();
        struct primary_answer *a = primary_answer(c);
        primary_pass(b, 10000000);
        primary_rr(a, "x.z.example. 300 A 192.0.2.1");
        primary_send(c, a);
    }
    cr_expect_eq(b->server->count.transfers_in_failed, 0);
    primary_pass(b, 9999999);
    cr_assert_eq(primary.count, 1);
    primary_pass(b, 1);
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(b->server->count.transfers_in_failed, 1);
    cr_expect_eq(b->server->count.transfers_in_too_long, 1);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "transfer-time"));
    disk_free(&d);
}

/* limits.transfers-in-per-primary: those that wait for others have their own time. */
Test(secondary_ends, counts_no_time_of_a_transfer_that_waits_for_others)
{
    static const char zones[] = PRIMARY_Z "  y.example: {primaries: [p1]}\n";
    struct disk d = disk_new();
    struct bed *b = d.bed;
    primary_start(b, zones);
    b->server->conf->transfer_time_ms = 60000;
    b->server->calls.per_host_max[CALLS_TCP] = 1;
    disk_rest(b);
    primary_pass(b, 0);
    struct call *first = primary_call();
    primary_pass(b, 59000000);
    cr_assert_eq(primary_call(), first);
    primary_pass(b, 1000000);
    cr_expect_eq(b->server->count.transfers_in_failed, 1);
    cr_assert_neq(primary_call(), first, "the other one's turn");
    struct call *second = primary_call();
    primary_pass(b, 59999999);
    cr_assert_eq(primary_call(), second);
    cr_expect_eq(b->server->count.transfers_in_failed, 1);
    primary_pass(b, 1);
    cr_expect_eq(b->server->count.transfers_in_failed, 2);
    disk_free(&d);
}

/* The first snapshot is late, and when it is there the primary's key is gone. */
Test(secondary_ends, waits_for_nothing_once_its_wait_is_over)
{
    struct disk d = primary_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    primary_gives_whole(1, 2);
    struct secondary *sec = primary_secondary(b);
    cr_assert_not(sec->zone->is_ready);
    primary_look(b);
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

/* --- the zone and the log --- */

static void change_behind_its_back(struct bed *b)
{
    struct zone *zone = disk_zone(b, "z.example.")->entry->zone;
    static const uint8_t owner[] = "\1x\1z\7example", address[] = {192, 0, 2, 99};
    struct rr rr = {{owner, sizeof(owner)}, TYPE_A, CLASS_IN, 300, {address, sizeof(address)}};
    struct txn *t = txn_begin(zone, TXN_CHANGE);
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    zone_publish(zone, txn_seal(&t, NULL));
}

/* What was under way when it became a secondary, say. */
Test(secondary_ends, does_not_apply_what_was_compared_with_other_data)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    send_whole(2, 5);
    cr_assert_not_null(primary_secondary(b)->taking);
    change_behind_its_back(b);
    primary_rest(b);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(disk_ask(b, "n0.z.example."), NXDOMAIN, "all or nothing");
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "changed"));
    disk_free(&d);
}

static void put_hosts(struct primary_answer *a)
{
    char text[100];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "n%u.z.example. 300 A 192.0.2.1", i);
        primary_rr(a, text);
    }
}

/* Two steps, of which the second takes back what the first one brings. */
Test(secondary_ends, counts_what_is_to_be_replayed_as_the_log_has_it)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(3);
    struct primary_answer *a = primary_answer(primary_call());
    const size_t host_len = sizeof("\3n00\1z\7example") + 10 + 4;
    primary_soa(a, 3);
    primary_soa(a, 1);
    primary_soa(a, 2);
    put_hosts(a);
    primary_soa(a, 2);
    put_hosts(a);
    primary_soa(a, 3);
    primary_soa(a, 3);
    primary_send(primary_call(), a);
    primary_until_over(b);
    cr_assert_eq(bed_serial(b, "z.example."), 3);
    cr_expect_gt(disk_zone(b, "z.example.")->replay_bytes, 30 * host_len);
    disk_free(&d);
}

/* --- time --- */

Test(secondary_ends, does_not_wait_longer_when_the_clock_is_set_back)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    b->now_us -= 3600 * (int64_t)1000000;
    disk_rest(b);
    primary_pass(b, PRIMARY_REFRESH * (int64_t)1000000);
    cr_expect_eq(primary_asked(), TYPE_SOA);
    primary_pass(b, PRIMARY_EXPIRE * (int64_t)1000000);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL, "nor does the data live longer");
    disk_free(&d);
}

/* The log cannot be read again, and what is served grows old. */
Test(secondary_ends, expires_while_it_asks_nobody)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    secondary_close(b->server, disk_zone(b, "z.example."));
    primary_pass(b, (PRIMARY_EXPIRE - 1) * (int64_t)1000000);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    primary_pass(b, 2 * (int64_t)1000000);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL);
    disk_free(&d);
}

#define AS_PRIMARY "  z.example: {file: z, updates: [{unsigned: yes, all: yes}]}\n"

/* What it had as a primary is as old as it was then, however long it has been one; whatever made it
 * one, and whether its file could be read or not. */
Test(secondary_ends, that_was_a_primary_for_long_has_not_expired)
{
    for (unsigned way = 0; way < 4; way++) {
        bool is_restarted = way & 1, has_file = way & 2;
        struct disk d = primary_served(PRIMARY_Z);
        struct bed *b = d.bed;
        if (has_file)
            bed_file(b, "z", "$TTL 300\n@ SOA ns h 50 %u %u %u 5\n@ NS ns\nns A 192.0.2.53\n",
                     PRIMARY_REFRESH, PRIMARY_RETRY, PRIMARY_EXPIRE);
        primary_pass(b, 2000000); /* the note of when it was checked is written */
        if (is_restarted)
            primary_restart(b, AS_PRIMARY);
        else
            primary_reload(b, AS_PRIMARY);
        primary_pass(b, 2 * PRIMARY_EXPIRE * INT64_C(1000000));
        cr_assert_eq(bed_serial(b, "z.example."), has_file ? 50 : 1, "way %u", way);
        primary_restart(b, PRIMARY_Z);
        cr_expect_eq(bed_serial(b, "z.example."), has_file ? 50 : 1, "way %u: served", way);
        cr_assert_eq(primary_asked(), TYPE_SOA, "way %u: and looked for at once", way);
        primary_pass(b, (PRIMARY_EXPIRE - 1) * INT64_C(1000000));
        cr_expect_geq(bed_serial(b, "z.example."), 1, "way %u", way);
        primary_pass(b, 1000000);
        cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL, "way %u: good for so long", way);
        disk_free(&d);
    }
}

/* What is a primary does not expire, and what had is served again. */
Test(secondary_ends, that_has_expired_is_good_as_a_primary)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, (PRIMARY_EXPIRE + 1) * INT64_C(1000000));
    cr_assert_eq(bed_serial(b, "z.example."), -SERVFAIL);
    primary_reload(b, AS_PRIMARY);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    primary_pass(b, (PRIMARY_EXPIRE + 1) * INT64_C(1000000));
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    disk_free(&d);
}

/* What has come is not the zone yet: a helper compares, the change log may be slow. */
Test(secondary_ends, counts_the_memory_of_a_transfer_until_it_is_taken)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    const struct secondaries *all = &b->server->secondaries;
    for (uint32_t serial = 2; serial <= 3; serial++) {
        primary_look(b);
        primary_says(serial);
        if (serial == 2) {
            struct call *c = primary_call();
            struct primary_answer *a = primary_answer(c);
            primary_soa(a, 2);
            primary_rr(a, "z.example. 300 NS ns.z.example.");
            primary_rr(a, "h0.z.example. 300 A 192.0.2.2");
            primary_soa(a, 2);
            primary_send(c, a);
        } else {
            primary_sends_steps(2, 1);
        }
        cr_assert_not_null(primary_secondary(b)->taking);
        cr_expect_gt(all->incoming_kept, 100, "serial %u", serial);
        primary_until_over(b);
        cr_expect_eq(bed_serial(b, "z.example."), serial);
        cr_expect_eq(all->incoming_kept, 0, "serial %u", serial);
    }
    disk_free(&d);
}

/* However small: there may be very many. */
Test(secondary_ends, takes_no_transfer_beyond_the_memory_that_others_keep)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    struct secondaries *all = &b->server->secondaries;
    const uint64_t others = b->server->conf->transfers_memory;
    all->incoming_kept = others;
    primary_look(b);
    primary_says(2);
    primary_gives_steps(1, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(b->server->count.transfers_in_over_memory, 1);
    cr_expect_eq(all->incoming_kept, others);
    all->incoming_kept = 0;
    primary_pass(b, PRIMARY_RETRY * 1000000);
    while (primary_asked() == TYPE_SOA)
        primary_says(2);
    primary_gives_steps(1, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(all->incoming_kept, 0);
    disk_free(&d);
}

/* --- what is known of primaries --- */

static void no_answer(void)
{
    while (primary.count)
        primary_cut(primary_call(), "no answer");
}

/* Whether a look or a transfer says so. */
Test(secondary_ends, a_primary_that_has_nothing_new_is_well)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    const struct primary *p = primary_secondary(b)->primaries;
    for (unsigned by_notify = 0; by_notify < 2; by_notify++) {
        primary_look(b);
        no_answer();
        cr_assert(p->failing_us[0] && p->error[0]);
        if (by_notify) {
            struct refresh_event e = {.kind = REFRESH_NOTIFIED, .from = 1};
            secondary_step(b->server, primary_secondary(b), &e);
            primary_pass(b, 5000000); /* the least time after a failure */
            cr_assert_eq(primary_asked(), TYPE_IXFR);
            struct primary_answer *a = primary_answer(primary_call());
            primary_soa(a, 1);
            primary_send(primary_call(), a);
        } else {
            primary_look(b);
            primary_says(1);
        }
        cr_expect(!p->failing_us[0] && !p->error[0], "%u", by_notify);
    }
    disk_free(&d);
}

#define TWO_GUARDED "  z.example: {primaries: [p1, p2], shrink-limit: 50%}\n"

/* What one primary has is kept back, whatever another one has; until the first has it no more. */
Test(secondary_ends, what_is_kept_back_of_one_primary_stays_so_when_another_has_none_of_it)
{
    struct disk d = primary_disk(TWO_GUARDED);
    struct bed *b = d.bed;
    primary_gives_whole(1, 20);
    primary_look(b);
    primary_says(2);
    primary_gives_whole(2, 1);
    cr_assert(secondary_is_held(disk_zone(b, "z.example.")));
    primary_look(b);
    while (primary.count && primary_call()->to.address.v4.sin_addr.s_addr == htonl(0xc0000201))
        primary_cut(primary_call(), "no answer");
    primary_says(1);
    cr_expect(secondary_is_held(disk_zone(b, "z.example.")));
    primary_look(b);
    primary_says(1);
    cr_expect_not(secondary_is_held(disk_zone(b, "z.example.")));
    disk_free(&d);
}

/* server.limits.refresh-max and the others of the times between two looks. */
Test(secondary_ends, follows_in_other_times_when_their_limits_are_others)
{
    static const char limited[] =
        ", limits: {refresh-max: 40s}}\nremotes: {p1: {address: 192.0.2.1@53}";
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, 50 * INT64_C(1000000));
    cr_assert_eq(primary.count, 0);
    cr_assert_eq(server_reload(b->server, bed_conf(b, limited, PRIMARY_Z), b->now_us, NULL), OK);
    disk_rest(b);
    primary_pass(b, 0);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    primary_says(1);
    primary_pass(b, 40 * INT64_C(1000000));
    cr_expect_eq(primary_asked(), TYPE_SOA);
    disk_free(&d);
}

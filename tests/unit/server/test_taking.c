/* SPDX-License-Identifier: Apache-2.0
 * A transfer that has come whole: what of it is taken under which conditions, and what becomes of
 * it when something happens before it is the zone. */
#include "primary.h"
#include "talk.h"

#define GUARDED "  z.example: {primaries: [p1], shrink-limit: 50%}\n"
#define FORCE   "{\"verb\": \"transfer\", \"zone\": \"z.example\", \"force\": true}"

static void force(struct bed *b)
{
    struct talk t;
    talk_open(&t, b);
    cr_assert(talk_is_ok(b, &t, FORCE));
    talk_close(&t);
}

/* IXFR is asked for, since there is `serial`. */
static void find_news(struct bed *b, uint32_t serial)
{
    primary_look(b);
    primary_says(serial);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
}

static int64_t good_for_us(struct bed *b)
{
    return disk_zone(b, "z.example.")->entry->expires_us - b->now_us;
}

static uint32_t asked_whom(void)
{
    return ntohl(primary_call()->to.address.v4.sin_addr.s_addr) & 0xff;
}

/* A whole zone with nothing in it. */
static void send_bare(uint32_t serial)
{
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, serial);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    primary_soa(a, serial);
    primary_send(primary_call(), a);
    primary_rest(primary.bed);
}

/* --- what the operator wants is the transfer that he asked for --- */

Test(taking, a_shrink_limit_holds_for_what_was_under_way_when_force_came)
{
    struct disk d = primary_disk(GUARDED);
    struct bed *b = d.bed;
    primary_gives_whole(1, 20);
    find_news(b, 2);
    force(b);
    send_bare(2);
    cr_expect_eq(bed_serial(b, "z.example."), 1, "this one nobody has asked for");
    cr_assert_eq(primary_asked(), TYPE_AXFR, "this one the operator has");
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    disk_free(&d);
}

Test(taking, a_serial_goes_forward_in_what_was_under_way_when_force_came)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    find_news(b, 2);
    primary_refuses(NOTIMP);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    force(b);
    send_bare(4294967290u);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(4294967290u, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 4294967290);
    disk_free(&d);
}

/* Somebody else, or a script, asks for the zone while it comes. */
Test(taking, force_is_not_lost_when_a_transfer_is_asked_for_without)
{
    struct disk d = primary_disk(GUARDED);
    struct bed *b = d.bed;
    struct talk t;
    primary_gives_whole(1, 20);
    force(b);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    talk_open(&t, b);
    cr_assert(talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\"}"));
    send_bare(2);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_assert_eq(primary_asked(), TYPE_AXFR, "and once more");
    primary_gives_whole(2, 20);
    cr_assert_eq(bed_serial(b, "z.example."), 2);
    cr_assert_eq(primary_host(b, "h0.z.example."), 2);
    cr_assert_eq(primary.count, 0);
    cr_assert(talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\"}"));
    send_bare(3);
    cr_expect_eq(bed_serial(b, "z.example."), 2, "force is over");
    talk_close(&t);
    disk_free(&d);
}

/* --- differences --- */

/* RFC 1034 s4.2.1: a zone has NS records at its apex, and these differences take them away. */
Test(taking, differences_that_leave_no_ns_records_are_not_taken)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    find_news(b, 2);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 2);
    primary_soa(a, 1);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    primary_soa(a, 2);
    primary_soa(a, 2);
    primary_send(primary_call(), a);
    primary_rest(b);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    disk_free(&d);
}

Test(taking, differences_that_lose_too_much_are_kept_back)
{
    struct disk d = primary_disk(GUARDED);
    struct bed *b = d.bed;
    char text[100];
    primary_gives_whole(1, 20);
    find_news(b, 2);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 2);
    primary_soa(a, 1);
    for (unsigned i = 0; i < 15; i++) {
        snprintf(text, sizeof(text), "h%u.z.example. 300 A 192.0.2.1", i);
        primary_rr(a, text);
    }
    primary_soa(a, 2);
    primary_soa(a, 2);
    primary_send(primary_call(), a);
    primary_rest(b);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(primary_host(b, "h0.z.example."), 1);
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(b->server->count.transfers_in_held, 1);
    cr_expect_eq(primary_secondary(b)->held.lost, 15);
    disk_free(&d);
}

/* What differences may cost (apply_max) is no limit for a zone that came whole. */
Test(taking, a_whole_zone_may_be_many_times_what_there_is)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    b->server->secondaries.apply_max = 0;
    find_news(b, 2);
    primary_gives_whole(2, 200);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(b->server->count.transfers_in_failed, 0);
    disk_free(&d);
}

/* --- what it means for the zone's times --- */

/* OPT with EXPIRE (RFC 7314 s2) behind what the answer has. */
static void send_with_expire(struct primary_answer *a, uint32_t seconds)
{
    static const uint8_t opt[] = {0, 0, TYPE_OPT, 4, 0xd0, 0, 0, 0, 0, 0, 8, 0, 9, 0, 4};
    wr_bytes(&a->w, opt, sizeof(opt));
    wr_u32(&a->w, seconds);
    put_u16(a->wire + 10, 1);
    primary_send(primary_call(), a);
    primary_rest(primary.bed);
}

/* RFC 7314 s4: data is good for what the primary says, where that is less than the SOA's. */
Test(taking, the_expire_option_of_a_transfer_bounds_the_datas_life)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    cr_assert_eq(good_for_us(b), PRIMARY_EXPIRE * INT64_C(1000000));
    find_news(b, 2);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 2);
    primary_soa(a, 1);
    primary_soa(a, 2);
    primary_soa(a, 2);
    send_with_expire(a, 500);
    cr_assert_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(good_for_us(b), 500 * INT64_C(1000000));
    disk_free(&d);
}

/* A transfer that says that there is nothing new is as good as a look; what it has is what is
 * there, asked for since differences did not fit. */
Test(taking, the_same_serial_is_no_failure_and_keeps_the_option)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    find_news(b, 2);
    primary_refuses(NOTIMP);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_pass(b, 10 * 1000000);
    b->server->now_us = b->now_us;
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 1);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    primary_soa(a, 1);
    send_with_expire(a, 995);
    cr_expect_eq(b->server->count.transfers_in_failed, 1, "the refusal only");
    cr_expect_eq(primary_secondary(b)->primaries[0].error[0], 0);
    cr_expect_eq(primary_host(b, "h0.z.example."), 1);
    cr_expect_eq(good_for_us(b), 995 * INT64_C(1000000));
    disk_free(&d);
}

/* --- other primaries meanwhile --- */

static void reload_only(struct bed *b, const char *zones)
{
    struct conf *conf = bed_conf(b, PRIMARY_REMOTES, zones);
    cr_assert_eq(server_reload(b->server, conf, b->now_us, NULL), OK);
}

/* What is being taken is taken to its end, good or bad; then the others are asked at once. */
Test(taking, other_primaries_are_asked_when_it_is_over)
{
    for (unsigned fails = 0; fails < 2; fails++) {
        struct disk d = primary_served(PRIMARY_Z);
        struct bed *b = d.bed;
        find_news(b, 2);
        if (fails)
            disk_fail(&d, FAULT_WRITE, 1, EIO);
        primary_sends_steps(1, 1);
        cr_assert_not_null(primary_secondary(b)->taking);
        reload_only(b, "  z.example: {primaries: [p2]}\n");
        cr_assert_eq(primary.count, 0);
        primary_rest(b);
        cr_expect_eq(bed_serial(b, "z.example."), fails ? 1 : 2);
        primary_pass(b, 0);
        cr_assert_eq(primary_asked(), TYPE_SOA);
        cr_expect_eq(asked_whom(), 2);
        disk_free(&d);
    }
}

/* --- a zone in place of what there is --- */

/* A zone whose change no row of the log holds has come. */
static void send_too_large(struct bed *b)
{
    b->server->secondaries.diff_max = 100;
    find_news(b, 2);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 2);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    for (unsigned i = 0; i < 5; i++) {
        char text[100];
        snprintf(text, sizeof(text), "n%u.z.example. 300 A 192.0.2.2", i);
        primary_rr(a, text);
    }
    primary_soa(a, 2);
    primary_send(primary_call(), a);
}

/* Until the log is about to forget what it has. */
static void until_it_is_forgotten(struct bed *b)
{
    while (disk_zone(b, "z.example.")->is_kept)
        if (!helpers_collect(b->server->helpers, b->server))
            cr_assert(bed_wait(b));
}

Test(taking, what_the_log_does_not_forget_is_read_again_and_followed)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    send_too_large(b);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    primary_rest(b);
    cr_expect_eq(b->server->count.transfers_in_failed, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    disk_recover(&d);
    primary_pass(b, 2 * DISK_RETRY_US);
    cr_expect(secondary_is_open(disk_zone(b, "z.example.")), "it is followed again");
    b->server->secondaries.diff_max = SECONDARY_DIFF_MAX;
    primary_pass(b, PRIMARY_REFRESH * INT64_C(1000000));
    while (primary_asked() == TYPE_SOA)
        primary_says(2);
    primary_gives_whole(2, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    disk_free(&d);
}

Test(taking, a_zone_may_go_while_the_log_forgets_it)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    send_too_large(b);
    until_it_is_forgotten(b);
    reload_only(b, "  other.example: {file: a}\n");
    disk_rest(b);
    cr_expect_eq(disk_ask(b, "n0.z.example."), REFUSED);
    reload_only(b, PRIMARY_Z);
    disk_rest(b);
    primary_pass(b, 0);
    cr_assert_eq(primary_asked(), TYPE_AXFR, "nothing was left of it");
    primary_gives_whole(3, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 3);
    disk_free(&d);
}

/* --- what comes behind the end --- */

/* A message of the whole zone at serial 2, read by a helper; is_first and is_last: with its SOAs.
 */
static void send_part(bool is_first, bool is_last)
{
    struct primary_answer *a = primary_answer(primary_call());
    char text[100];
    if (is_first) {
        primary_soa(a, 2);
        primary_rr(a, "z.example. 300 NS ns.z.example.");
    }
    for (unsigned i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "m%u-%u.z.example. 300 A 192.0.2.2", is_first, i);
        primary_rr(a, text);
    }
    if (is_last)
        primary_soa(a, 2);
    primary_send(primary_call(), a);
}

/* What is left on the connection would be read as the answer to the next question, wherever it was
 * when the end was found: read together with it, or not read yet. */
Test(taking, a_connection_on_which_more_has_come_is_not_used_again)
{
    static const struct {
        unsigned messages; /* of the zone */
        bool has_more, is_reused;
    } rows[] = {{1, false, true}, {2, false, true}, {1, true, false}, {2, true, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct disk d = primary_served(PRIMARY_Z);
        find_news(d.bed, 2);
        unsigned reused = primary.reused;
        for (unsigned k = 0; k < rows[i].messages; k++)
            send_part(k == 0, k + 1 == rows[i].messages);
        if (rows[i].has_more)
            send_part(false, false);
        primary_until_over(d.bed);
        cr_expect_eq(bed_serial(d.bed, "z.example."), 2, "row %zu", i);
        cr_expect_eq(primary.reused - reused, rows[i].is_reused, "row %zu", i);
        disk_free(&d);
    }
}

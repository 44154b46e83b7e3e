/* SPDX-License-Identifier: Apache-2.0
 * Zones that follow a primary, which is played by the test: what is asked when, and what of the
 * answers is taken. */
#include "primary.h"
#include "talk.h"

/* --- the first transfer --- */

Test(secondary, is_transferred_whole_at_first_and_serves_it)
{
    struct disk d = primary_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL);
    cr_expect_null(disk_zone(b, "z.example.")->failure, "not transferred yet is no failure");
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(7, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 7);
    cr_expect_eq(primary_host(b, "h2.z.example."), 7);
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(primary.reused, 1, "the connection is in order");
    cr_expect_eq(b->server->count.transfers_in, 1);
    disk_free(&d);
}

Test(secondary, without_ns_records_is_not_taken)
{
    struct disk d = primary_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    primary_soa(a, 1);
    primary_rr(a, "www.z.example. 300 A 192.0.2.1");
    primary_soa(a, 1);
    primary_send(c, a);
    primary_rest(b);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "NS"));
    cr_expect_eq(b->server->count.transfers_in_failed, 1);
    disk_free(&d);
}

Test(secondary, needs_no_new_transfer_after_a_restart)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(primary_asked(), TYPE_SOA, "only a look");
    primary_says(1);
    cr_expect_eq(primary.count, 0);
    disk_free(&d);
}

/* --- what comes later --- */

Test(secondary, takes_differences_step_by_step_as_they_come)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(4);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(1, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    cr_expect_eq(primary_host(b, "h0.z.example."), 4);
    struct primary_rows r = primary_rows(b);
    cr_assert_eq(r.count, 3);
    cr_expect(r.from[0] == 1 && r.to[0] == 2 && r.from[2] == 3 && r.to[2] == 4);
    cr_expect_str_eq(r.text, "transfer|primary p1|192.0.2.1@53 tcp");
    cr_expect_eq(disk_zone(b, "z.example.")->seq_published, 3);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(primary_host(b, "h0.z.example."), 4);
    disk_free(&d);
}

Test(secondary, makes_a_whole_zone_one_change_of_what_is_different)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(9);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_whole(9, 4); /* RFC 1995 s4: instead of differences */
    cr_expect_eq(bed_serial(b, "z.example."), 9);
    cr_expect_eq(primary_host(b, "h3.z.example."), 9);
    struct primary_rows r = primary_rows(b);
    cr_assert_eq(r.count, 1);
    cr_expect(r.from[0] == 1 && r.to[0] == 9);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(primary_host(b, "h3.z.example."), 9);
    disk_free(&d);
}

Test(secondary, asks_for_the_whole_zone_where_differences_do_not_fit)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    primary_soa(a, 2);
    primary_soa(a, 1);
    primary_rr(a, "nothing.z.example. 300 A 192.0.2.1");
    primary_soa(a, 2);
    primary_rr(a, "h7.z.example. 300 A 192.0.2.7");
    primary_soa(a, 2);
    primary_send(c, a);
    primary_rest(b);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(primary_host(b, "h7.z.example."), 0, "nothing of it is seen");
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(2, 8);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(primary_host(b, "h7.z.example."), 2);
    disk_free(&d);
}

Test(secondary, does_not_go_back_to_a_lower_serial)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(4294967295u); /* one before 0, RFC 1982 */
    cr_expect_eq(primary.count, 0);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "behind ours"));
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    disk_free(&d);
}

Test(secondary, follows_a_serial_around_the_end_of_its_numbers)
{
    struct disk d = primary_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_gives_whole(4294967290u, 2);
    cr_assert_eq(bed_serial(b, "z.example."), 4294967290);
    primary_look(b);
    primary_says(3);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_whole(3, 2);
    cr_expect_eq(bed_serial(b, "z.example."), 3);
    disk_free(&d);
}

/* --- times --- */

Test(secondary, looks_again_at_the_soas_times)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    int64_t begun_us = b->now_us;
    primary_pass(b, PRIMARY_REFRESH * 500000);
    cr_expect_eq(primary.count, 0, "not before");
    primary_pass(b, PRIMARY_REFRESH * 500000);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    cr_expect_geq(b->now_us - begun_us, PRIMARY_REFRESH * 1000000);
    primary_cut(primary_call(), "no answer");
    cr_assert_eq(primary_call()->to.transport, TRANSPORT_UDP, "once more");
    primary_cut(primary_call(), "no answer");
    cr_assert_eq(primary_call()->to.transport, TRANSPORT_TCP);
    primary_cut(primary_call(), "refused");
    cr_expect_eq(primary.count, 0);
    cr_expect_str_eq(primary_secondary(b)->primaries[0].error, "refused");
    primary_pass(b, PRIMARY_RETRY * 1000000);
    cr_expect_eq(primary_asked(), TYPE_SOA, "after the SOA's retry");
    primary_says(1);
    cr_expect_eq(primary_secondary(b)->primaries[0].failing_us[0], 0);
    disk_free(&d);
}

/* No primary answers for so long. */
static void fail_for(struct bed *b, int64_t us)
{
    int64_t end_us = b->now_us + us;
    while (b->now_us < end_us) {
        while (primary.count)
            primary_cut(primary_call(), "no answer");
        primary_pass(b, 1000000);
    }
}

Test(secondary, expires_and_comes_back)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    fail_for(b, (int64_t)(PRIMARY_EXPIRE - 2) * 1000000);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    fail_for(b, 3000000);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL);
    cr_expect_eq(b->server->count.zones_expired, 1);
    while (primary.count)
        primary_cut(primary_call(), "no answer");
    server_free(b->server);
    primary_start(b, PRIMARY_Z);
    disk_rest(b);
    primary_pass(b, 0);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL, "a restart makes nothing good");
    primary_says(1);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    disk_free(&d);
}

Test(secondary, remembers_over_a_restart_when_it_was_checked)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, 120000000);
    if (primary.count)
        primary_says(1);
    primary_pass(b, 2000000); /* the note is written */
    int64_t checked_us = primary_secondary(b)->refresh.checked_us;
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(primary_secondary(b)->refresh.checked_us, checked_us);
    cr_expect_eq(disk_zone(b, "z.example.")->entry->expires_us,
                 checked_us + (int64_t)PRIMARY_EXPIRE * 1000000);
    disk_free(&d);
}

/* What waits for others to be noted with it is noted at an orderly end. */
Test(secondary, remembers_what_was_checked_just_before_the_end)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, (PRIMARY_EXPIRE + 1) * INT64_C(1000000));
    cr_assert_eq(bed_serial(b, "z.example."), -SERVFAIL, "it has expired");
    if (primary.count)
        primary_says(1);
    cr_assert_eq(bed_serial(b, "z.example."), 1, "and is good again");
    cr_expect(server_flush(b->server, BED_WAIT_S * INT64_C(1000000)));
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    disk_free(&d);
}

/* --- the shrink limit, the operator --- */

#define GUARDED "  z.example: {primaries: [p1], shrink-limit: 50%}\n"

Test(secondary, keeps_back_what_loses_too_much_until_the_operator_wants_it)
{
    struct disk d = primary_disk(GUARDED);
    struct bed *b = d.bed;
    struct talk t;
    primary_gives_whole(1, 20);
    primary_look(b);
    primary_says(2);
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 1, "23 records against 4");
    cr_expect_eq(primary_host(b, "h19.z.example."), 1);
    cr_expect_eq(b->server->count.transfers_in_held, 1);
    cr_expect_eq(primary.count, 0);
    talk_open(&t, b);
    json_t *zone = talk_ask(b, &t, "{\"verb\": \"zone\", \"zone\": \"z.example\"}");
    json_t *held = json_object_get(zone, "held");
    cr_expect_eq(json_integer_value(json_object_get(held, "serial")), 2);
    cr_expect_eq(json_integer_value(json_object_get(held, "lost")), 19);
    json_decref(zone);
    cr_expect(talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\"}"));
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 1, "not without --force");
    cr_expect(
        talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\", \"force\": true}"));
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(primary_host(b, "h19.z.example."), 0);
    cr_expect_not(primary_secondary(b)->held.is_set);
    talk_close(&t);
    disk_free(&d);
}

Test(secondary, goes_back_to_a_lower_serial_if_forced)
{
    struct disk d = primary_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    struct talk t;
    primary_gives_whole(10, 2);
    talk_open(&t, b);
    cr_expect(talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\"}"));
    primary_gives_whole(4, 2);
    cr_expect_eq(bed_serial(b, "z.example."), 10);
    cr_expect(
        talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\", \"force\": true}"));
    primary_gives_whole(4, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    cr_expect_eq(primary_host(b, "h2.z.example."), 4);
    talk_close(&t);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    disk_free(&d);
}

Test(secondary, is_not_changed_by_anybody_but_its_primary)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    struct talk t;
    cr_expect_eq(disk_add(b, "z.example.", "x.z.example."), NOTIMP);
    talk_open(&t, b);
    json_t *answer = talk_ask(b, &t, "{\"verb\": \"freeze\", \"zone\": \"z.example\"}");
    cr_expect_str_eq(json_string_value(json_object_get(answer, "error")),
                     "the zone is a secondary: it is changed at its primary");
    json_decref(answer);
    answer = talk_ask(b, &t, "{\"verb\": \"rollback\", \"zone\": \"z.example\", \"serial\": 1}");
    cr_expect_str_eq(json_string_value(json_object_get(answer, "error")),
                     "the zone is a secondary: it is changed at its primary");
    json_decref(answer);
    talk_close(&t);
    disk_free(&d);
}

/* --- long transfers --- */

enum { LONG_MESSAGES = 24, LONG_HOSTS = 900 };

static void send_long(unsigned i)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    char text[100];
    if (i == 0) {
        primary_soa(a, 2);
        primary_rr(a, "z.example. 300 NS ns.z.example.");
    }
    for (unsigned k = 0; k < LONG_HOSTS; k++) {
        snprintf(text, sizeof(text), "m%u-%u.z.example. 300 A 192.0.2.2", i, k);
        primary_rr(a, text);
    }
    if (i == LONG_MESSAGES - 1)
        primary_soa(a, 2);
    primary_send(c, a);
}

Test(secondary, reads_a_long_transfer_in_a_helper)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    for (unsigned i = 0; i < LONG_MESSAGES; i++)
        send_long(i); /* more than waits here, and the helper's results are not looked at */
    cr_expect_eq(primary.paused, 1);
    primary_until_over(b);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(primary_host(b, "m23-899.z.example."), 2);
    cr_expect_eq(b->server->store.count, 1);
    disk_free(&d);
}

/* limits.transfers-memory: of all that are under way. */
Test(secondary, gives_up_a_transfer_that_takes_too_much_memory)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    struct secondaries *all = &b->server->secondaries;
    const uint64_t others = 1u << 30;
    b->server->conf->transfers_memory = others + 500000;
    all->incoming_kept = others;
    primary_look(b);
    primary_says(2);
    for (unsigned i = 0; i < LONG_MESSAGES && primary.count; i++) {
        send_long(i);
        primary_rest(b);
    }
    primary_until_over(b); /* it is read, and counted */
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(b->server->count.transfers_in_over_memory, 1);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "transfers-memory"));
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(all->incoming_kept, others, "its share is given back");
    all->incoming_kept = 0;
    primary_pass(b, PRIMARY_RETRY * 1000000);
    while (primary_asked() == TYPE_SOA)
        primary_says(2);
    for (unsigned i = 0; i < 6; i++)
        send_long(i);
    send_long(LONG_MESSAGES - 1);
    primary_until_over(b);
    cr_expect_eq(bed_serial(b, "z.example."), 2, "without them it is taken");
    cr_expect_eq(all->incoming_kept, 0);
    disk_free(&d);
}

Test(secondary, gives_up_a_transfer_that_is_beyond_its_limits)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    b->server->conf->transfer_records = 100;
    primary_look(b);
    primary_says(2);
    for (unsigned i = 0; i < LONG_MESSAGES && primary.count; i++) {
        send_long(i);
        primary_rest(b);
    }
    primary_until_over(b);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_geq(b->server->count.transfers_in_too_large, 1);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "more than 100 records"));
    disk_free(&d);
}

Test(secondary, takes_nothing_of_a_transfer_that_is_cut)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    for (unsigned i = 0; i < 5; i++)
        send_long(i);
    primary_cut(primary_call(), "connection reset");
    primary_until_over(b);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_str_eq(primary_secondary(b)->primaries[0].error, "connection reset");
    cr_expect_eq(primary.count, 0);
    disk_free(&d);
}

Test(secondary, that_goes_while_a_transfer_comes_leaves_nothing)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    for (unsigned i = 0; i < 20; i++)
        send_long(i);
    primary_reload(b, "  other.example: {file: a}\n");
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(disk_ask(b, "h0.z.example."), REFUSED);
    disk_free(&d);
}

/* --- what else changes --- */

Test(secondary, that_the_log_does_not_take_stays_as_it_was)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    primary_gives_steps(1, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(b->server->count.transfers_in_failed, 1);
    disk_recover(&d);
    primary_pass(b, PRIMARY_RETRY * 1000000);
    while (primary_asked() == TYPE_SOA)
        primary_says(2);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(1, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    disk_free(&d);
}

Test(secondary, asks_the_next_primary_when_one_fails)
{
    struct disk d = primary_disk("  z.example: {primaries: [p1, p2]}\n");
    struct bed *b = d.bed;
    cr_assert_eq(ntohl(primary_call()->to.address.v4.sin_addr.s_addr), 0xc0000201);
    primary_cut(primary_call(), "refused");
    cr_assert_eq(ntohl(primary_call()->to.address.v4.sin_addr.s_addr), 0xc0000202);
    primary_gives_whole(3, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 3);
    cr_expect_str_eq(primary_rows(b).text, "", "the first one is no change");
    disk_free(&d);
}

static unsigned lines_of_failure;

static void count_failures(enum log_level level, const char *message,
                           const struct log_field *fields, int count)
{
    (void)level;
    (void)fields;
    (void)count;
    lines_of_failure += strcmp(message, "primary fails") == 0;
}

static uint32_t asked_whom(void)
{
    return ntohl(primary_call()->to.address.v4.sin_addr.s_addr);
}

/* Its timeouts are waited for once, and told of once. */
Test(secondary, does_not_wait_for_a_silent_primary_in_every_round)
{
    struct disk d = primary_served("  z.example: {primaries: [p1, p2]}\n");
    struct bed *b = d.bed;
    unsigned asked = 0;
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, count_failures);
    for (unsigned round = 0; round < 20; round++) {
        primary_pass(b, PRIMARY_REFRESH * 1000000LL);
        cr_assert_eq(primary_asked(), TYPE_SOA);
        cr_assert(round != 1 || asked_whom() == 0xc0000202, "the second round waits again");
        asked += asked_whom() == 0xc0000201;
        while (asked_whom() == 0xc0000201)
            primary_cut(primary_call(), "no answer");
        primary_says(1);
    }
    cr_expect(asked >= 3 && asked <= 5, "rounds 0, 2, 5, 10 or so: %u", asked);
    cr_expect_eq(lines_of_failure, 1);
    cr_expect_neq(primary_secondary(b)->primaries[0].failing_us[0], 0);
    disk_free(&d);
}

/* In a second in which many others failed there is no line left; it comes with the next failure. */
Test(secondary, that_was_not_told_of_when_its_primary_failed_is_told_of_later)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, count_failures);
    for (unsigned round = 0; round < 3; round++) {
        primary_pass(b, PRIMARY_REFRESH * 1000000LL);
        cr_assert_eq(primary_asked(), TYPE_SOA);
        if (round == 0)
            b->server->secondaries.failing_rate =
                (struct log_rate){.since_us = b->server->now_us, .allowed = 1000};
        while (primary_asked() == TYPE_SOA)
            primary_cut(primary_call(), "no answer");
        cr_expect_eq(lines_of_failure, round > 0, "round %u: %u", round, lines_of_failure);
    }
    disk_free(&d);
}

Test(secondary, can_become_a_primary_and_come_back)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    bed_file(b, "z", BED_TOP "www A 192.0.2.200\n", 50);
    primary_reload(b, "  z.example: {file: z, updates: [{unsigned: yes, all: yes}]}\n");
    cr_expect_eq(bed_serial(b, "z.example."), 50);
    cr_expect_eq(primary_host(b, "www.z.example."), 200);
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(disk_add(b, "z.example.", "x.z.example."), NOERROR);
    primary_reload(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 51, "what it had is served on");
    cr_assert_eq(primary_asked(), TYPE_SOA);
    primary_says(60);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_whole(60, 1);
    cr_expect_eq(primary_host(b, "www.z.example."), 0);
    cr_expect_eq(primary_host(b, "h0.z.example."), 60);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 60);
    disk_free(&d);
}

Test(secondary, asks_other_primaries_at_once_when_they_are_configured)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_reload(b, "  z.example: {primaries: [p2]}\n");
    cr_assert_eq(primary_asked(), TYPE_SOA);
    cr_expect_eq(ntohl(primary_call()->to.address.v4.sin_addr.s_addr), 0xc0000202);
    primary_reload(b, "  z.example: {primaries: [p2]}\n");
    cr_expect_eq(primary.count, 1, "a reload that changes nothing of it leaves it alone");
    primary_says(1);
    disk_free(&d);
}

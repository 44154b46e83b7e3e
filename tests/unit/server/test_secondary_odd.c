/* SPDX-License-Identifier: Apache-2.0
 * Zones that follow a primary: transfers that cost more than they are worth, that say what we have
 * already, that no row of the log holds; and a log that is damaged. */
#include "primary.h"
#include "talk.h"

/* --- what costs too much, what is there already --- */

/* NSD sends the records of an RRset that stay, too. */
Test(secondary_odd, takes_records_that_are_there_and_passes_on_what_was_changed)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(3);
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    primary_soa(a, 3);
    primary_soa(a, 1);
    primary_soa(a, 2);
    primary_rr(a, "h0.z.example. 300 A 192.0.2.1"); /* as it is */
    primary_rr(a, "h0.z.example. 300 A 192.0.2.77");
    primary_soa(a, 2);
    primary_soa(a, 3);
    primary_rr(a, "h8.z.example. 300 A 192.0.2.8");
    primary_soa(a, 3);
    primary_send(c, a);
    primary_until_over(b);
    cr_expect_eq(bed_serial(b, "z.example."), 3);
    cr_expect_eq(b->server->count.transfers_in_failed, 0);
    struct primary_rows r = primary_rows(b);
    cr_assert_eq(r.count, 1, "one difference without what was there");
    cr_expect(r.from[0] == 1 && r.to[0] == 3);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 3);
    cr_expect_eq(primary_host(b, "h8.z.example."), 8);
    disk_free(&d);
}

static char taken_line[1024];

static void keep_line(enum log_level level, const char *message, const struct log_field *fields,
                      int count)
{
    size_t at = 0;
    (void)level;
    if (strcmp(message, "zone transferred") != 0)
        return;
    for (int i = 0; i < count; i++)
        if (fields[i].value)
            at += (size_t)snprintf(taken_line + at, sizeof(taken_line) - at, "%s=%s ",
                                   fields[i].key, fields[i].value);
}

/* All of a transfer is in the log, or nothing: where its steps are more than one batch has, as one
 * difference. */
Test(secondary_odd, keeps_differences_as_they_came_as_far_as_a_batch_goes)
{
    static const struct {
        unsigned steps, rows;
    } rows[] = {
        {257, 257}, {COMMIT_STEPS_MAX, COMMIT_STEPS_MAX}, {COMMIT_STEPS_MAX + 1, 1}, {5000, 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct disk d = primary_served(PRIMARY_Z);
        struct bed *b = d.bed;
        char steps[32];
        log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, keep_line);
        primary_look(b);
        primary_says(1 + rows[i].steps);
        cr_assert_eq(primary_asked(), TYPE_IXFR);
        primary_gives_steps(1, rows[i].steps);
        cr_expect_eq(bed_serial(b, "z.example."), 1 + rows[i].steps);
        snprintf(steps, sizeof(steps), "steps=%u ", rows[i].steps);
        cr_expect(strstr(taken_line, steps), "%s", taken_line);
        cr_expect_eq(strstr(taken_line, "kept=as one difference") != NULL, rows[i].rows == 1, "%s",
                     taken_line);
        struct primary_rows r = primary_rows(b);
        cr_assert_eq(r.count, rows[i].rows, "%u", r.count);
        cr_expect_eq(r.from[0], 1);
        cr_expect_eq(r.to[r.count - 1], 1 + rows[i].steps);
        primary_restart(b, PRIMARY_Z); /* what the log has leads there */
        cr_expect_eq(bed_serial(b, "z.example."), 1 + rows[i].steps);
        cr_expect_eq(primary_host(b, "h0.z.example."), (1 + rows[i].steps) % 256);
        primary_says(1 + rows[i].steps);
        disk_free(&d);
    }
}

/* What takes more memory than whole zones is not worth it; and no primary can fill ours. */
Test(secondary_odd, asks_for_the_whole_zone_where_differences_cost_more)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    b->server->secondaries.apply_max = 0;
    primary_look(b);
    primary_says(101);
    primary_gives_steps(1, 100);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(101, 2);
    cr_expect_eq(bed_serial(b, "z.example."), 101);
    disk_free(&d);
}

static void give_two_more(void)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    primary_soa(a, 2);
    primary_soa(a, 1);
    primary_soa(a, 2);
    primary_rr(a, "h8.z.example. 300 A 192.0.2.8");
    primary_rr(a, "h9.z.example. 300 A 192.0.2.9");
    primary_soa(a, 2);
    primary_send(c, a);
}

/* What no single transfer may bring, a row of differences may not either. */
Test(secondary_odd, does_not_grow_beyond_what_a_transfer_may_bring)
{
    enum { RECORDS = 5 }; /* SOA, NS, its address, two hosts */
    static const uint32_t limits[][2] = {{RECORDS + 1, 0}, {0, RECORDS + 1}, {RECORDS + 2, 0}};
    for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
        struct disk d = primary_served(PRIMARY_Z);
        struct bed *b = d.bed;
        bool fits = i == 2;
        cr_assert_eq(disk_zone(b, "z.example.")->entry->zone->published->record_count, RECORDS);
        b->server->conf->zone_records_max = limits[i][0];
        b->server->conf->transfer_records = limits[i][1];
        primary_look(b);
        primary_says(2);
        give_two_more();
        primary_until_over(b);
        cr_expect_eq(bed_serial(b, "z.example."), fits ? 2 : 1, "row %u", i);
        cr_expect_eq(primary.count, 0, "AXFR would be as large");
        cr_expect_eq(b->server->count.transfers_in_failed, !fits);
        cr_expect_eq(strstr(primary_secondary(b)->primaries[0].error, "more records") != NULL,
                     !fits);
        disk_free(&d);
    }
}

/* A change that no row of the log holds. */
Test(secondary_odd, is_replaced_where_the_change_is_too_large_for_the_log)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    primary_gives_steps(1, 1);
    cr_assert_eq(primary_rows(b).count, 1);
    b->server->secondaries.diff_max = 100;
    primary_look(b);
    primary_says(4);
    primary_sends_steps(2, 2);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_assert_eq(primary_asked(), TYPE_AXFR, "differences of more than 100 bytes");
    primary_gives_whole(4, 5);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    cr_expect_eq(primary_host(b, "h4.z.example."), 4);
    cr_expect_eq(primary_rows(b).count, 0, "its history begins anew");
    b->server->secondaries.diff_max = SECONDARY_DIFF_MAX;
    primary_look(b);
    primary_says(5);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(4, 1);
    struct primary_rows r = primary_rows(b);
    cr_assert_eq(r.count, 1);
    cr_expect(r.from[0] == 4 && r.to[0] == 5);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 5);
    cr_expect_eq(primary_host(b, "h4.z.example."), 4);
    disk_free(&d);
}

/* --- IXFR answered with an error --- */

static unsigned asked_host(void)
{
    return ntohl(primary_call()->to.address.v4.sin_addr.s_addr) & 0xff;
}

/* Looks for news and finds that serial: IXFR is asked for. */
static void find_news(struct bed *b, uint32_t serial)
{
    primary_look(b);
    primary_says(serial);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
}

/* RFC 1995 s2: a type that the server does not know. */
Test(secondary_odd, asks_for_the_whole_zone_where_ixfr_is_not_known)
{
    static const enum rcode rcodes[] = {NOTIMP, FORMERR};
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    for (unsigned i = 0; i < ARRAY_LEN(rcodes); i++) {
        find_news(b, 2 + i);
        primary_refuses(rcodes[i]);
        cr_assert_eq(primary_asked(), TYPE_AXFR);
        primary_gives_whole(2 + i, 2);
        cr_expect_eq(bed_serial(b, "z.example."), 2 + i);
    }
    cr_expect_eq(b->server->count.primaries_failed, 0);
    disk_free(&d);
}

Test(secondary_odd, asks_the_next_primary_where_ixfr_is_answered_with_an_error)
{
    struct disk d = primary_served("  z.example: {primaries: [p1, p2]}\n");
    struct bed *b = d.bed;
    find_news(b, 2);
    cr_assert_eq(asked_host(), 1);
    primary_refuses(SERVFAIL);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "SERVFAIL"));
    cr_expect_eq(b->server->count.primaries_failed, 1);
    cr_assert_eq(asked_host(), 2);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(1, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(primary.count, 0);
    disk_free(&d);
}

/* IXFR that never works must not keep the zone from coming. */
Test(secondary_odd, asks_for_the_whole_zone_where_ixfr_is_answered_with_errors_for_ever)
{
    static const enum rcode rcodes[] = {SERVFAIL, REFUSED};
    for (unsigned i = 0; i < ARRAY_LEN(rcodes); i++) {
        struct disk d = primary_served(PRIMARY_Z);
        struct bed *b = d.bed;
        find_news(b, 2);
        primary_refuses(rcodes[i]);
        cr_assert_eq(primary.count, 0, "not at once");
        primary_pass(b, PRIMARY_RETRY * 1000000);
        primary_says(2);
        cr_assert_eq(primary_asked(), TYPE_IXFR);
        primary_refuses(rcodes[i]);
        cr_assert_eq(primary_asked(), TYPE_AXFR);
        primary_gives_whole(2, 2);
        cr_expect_eq(bed_serial(b, "z.example."), 2);
        find_news(b, 3);
        primary_refuses(rcodes[i]);
        cr_assert_eq(primary_asked(), TYPE_AXFR, "known by now");
        primary_gives_whole(3, 2);
        cr_expect_eq(bed_serial(b, "z.example."), 3);
        cr_expect_eq(b->server->count.primaries_failed, 1);
        disk_free(&d);
    }
}

/* RFC 8945 s5.2: what is wrong with the key is so for AXFR, too. */
Test(secondary_odd, asks_for_nothing_more_where_ixfr_is_answered_notauth)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    find_news(b, 2);
    for (unsigned i = 0; i < 3; i++) {
        primary_refuses(NOTAUTH);
        cr_assert_eq(primary.count, 0);
        primary_pass(b, (int64_t)PRIMARY_RETRY * 8 * 1000000);
        primary_says(2);
        cr_assert_eq(primary_asked(), TYPE_IXFR);
    }
    primary_gives_steps(1, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    disk_free(&d);
}

/* --- a log that is of no use --- */

/* A change that is whole, and removes what the zone never had. */
static void add_bad_change(struct bed *b)
{
    static const uint8_t diff[] = "\7nothing\1z\7example\0\0\1\0\1\0\0\0\5\0\4\1\2\3";
    struct server_zone *z = disk_zone(b, "z.example.");
    struct change c = {.zone = z->log_id,
                       .seq = z->seq_published + 1,
                       .serial_from = z->entry->zone->published->serial,
                       .serial_to = z->entry->zone->published->serial + 1,
                       .time_us = b->now_us,
                       .kind = CHANGE_TRANSFER,
                       .actor = "x",
                       .peer = "",
                       .rule = "",
                       .diff = diff,
                       .diff_len = sizeof(diff),
                       .added_at = sizeof(diff),
                       .removed_count = 1};
    struct journal_batch batch = {.changes = &c, .count = 1};
    struct journal *j = state_journal(b->server->state);
    journal_commit(j, &batch);
    while (!journal_collect(j))
        cr_assert(bed_wait(b));
    cr_assert_eq(batch.result, OK, "%s", batch.diag.text);
}

static void start_again(struct bed *b)
{
    server_free(b->server);
    primary_start(b, PRIMARY_Z);
    disk_rest(b);
    primary_pass(b, 0);
}

/* It is a copy: the primary has what is lost. */
Test(secondary_odd, is_transferred_anew_where_the_log_is_of_no_use)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(4);
    primary_gives_steps(1, 3);
    cr_assert_eq(primary_rows(b).count, 3);
    add_bad_change(b);
    start_again(b);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL);
    cr_expect_eq(b->server->count.zones_damaged, 1);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(9, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 9);
    primary_look(b);
    primary_says(10);
    primary_gives_steps(9, 1);
    cr_expect_eq(primary_rows(b).count, 1);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 10);
    cr_expect_eq(primary_host(b, "h1.z.example."), 9);
    cr_expect_eq(b->server->count.zones_damaged, 0);
    disk_free(&d);
}

/* Whatever of it was done when the disk failed. */
Test(secondary_odd, is_forgotten_whole_in_the_end)
{
    unsigned failures = 0;
    bool has_failed = true;
    for (unsigned at = 1; has_failed; at++) {
        struct disk d = primary_served(PRIMARY_Z);
        struct bed *b = d.bed;
        primary_look(b);
        primary_says(4);
        primary_gives_steps(1, 3);
        uint64_t id = disk_zone(b, "z.example.")->log_id;
        disk_fail(&d, FAULT_WRITE, at, EIO);
        has_failed = journal_zone_forget(state_journal(b->server->state), id, NULL) != OK;
        failures += has_failed;
        faultvfs_clear(d.vfs);
        start_again(b);
        if (primary_asked() == TYPE_SOA)
            primary_says(9);
        primary_gives_whole(9, 3);
        cr_expect_eq(bed_serial(b, "z.example."), 9, "at write %u", at);
        cr_expect(disk_zone(b, "z.example.")->is_ready, "at write %u: no snapshot", at);
        start_again(b);
        cr_expect_eq(bed_serial(b, "z.example."), 9, "at write %u", at);
        disk_free(&d);
    }
    cr_expect_geq(failures, 3, "%u", failures);
}

/* Each brings ten more hosts. */
static void gives_growth(uint32_t serial)
{
    struct primary_answer *a = primary_answer(primary_call());
    char text[100];
    primary_soa(a, serial + 1);
    primary_soa(a, serial);
    primary_soa(a, serial + 1);
    for (unsigned i = 0; i < 10; i++) {
        snprintf(text, sizeof(text), "g%u-%u.z.example. 300 A 192.0.2.1", i, serial);
        primary_rr(a, text);
    }
    primary_soa(a, serial + 1);
    primary_send(primary_call(), a);
    primary_rest(primary.bed);
}

/* What one transfer may not bring, many small ones may not either. */
Test(secondary_odd, a_zone_does_not_grow_without_end_by_differences)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    uint32_t serial = 1;
    b->server->conf->transfer_size = 1000;
    for (unsigned asked = TYPE_IXFR; asked == TYPE_IXFR && serial < 30; serial++) {
        primary_look(b);
        primary_says(serial + 1);
        cr_assert_eq(primary_asked(), TYPE_IXFR);
        gives_growth(serial);
        asked = primary_asked() ? primary_asked() : TYPE_IXFR;
    }
    cr_expect_eq(primary_asked(), TYPE_AXFR, "serial %u", serial);
    cr_expect_eq(b->server->count.transfers_in_over_size, 1);
    cr_expect_eq(bed_serial(b, "z.example."), serial - 1);
    cr_expect_leq(disk_zone(b, "z.example.")->entry->zone->published->byte_count, 4000);
    disk_free(&d);
}

/* --- a primary that went back, and data that has expired --- */

/* Nobody has served the data since it expired: whatever the primary has is better than SERVFAIL. */
Test(secondary_odd, takes_a_lower_serial_when_its_own_data_has_expired)
{
    struct disk d = primary_disk("  z.example: {primaries: [p1, p2]}\n");
    struct bed *b = d.bed;
    primary_gives_whole(10, 2);
    primary_pass(b, (PRIMARY_EXPIRE - 1) * INT64_C(1000000));
    cr_assert_eq(bed_serial(b, "z.example."), 10);
    primary_says(4);
    primary_says(5);
    cr_expect_eq(primary.count, 0, "not as long as there is something to be served");
    primary_pass(b, 1000000);
    cr_assert_eq(bed_serial(b, "z.example."), -SERVFAIL);
    primary_look(b);
    primary_says(4);
    cr_assert_eq(primary_asked(), TYPE_SOA, "the other one may have more");
    primary_says(5);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    cr_expect_eq(ntohl(primary_call()->to.address.v4.sin_addr.s_addr), 0xc0000201);
    primary_gives_whole(4, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    cr_expect_eq(primary_host(b, "h2.z.example."), 4);
    cr_expect_eq(primary.count, 0);
    primary_look(b);
    primary_says(3);
    primary_says(3);
    cr_expect_eq(primary.count, 0, "what is good again goes forward only");
    cr_expect(server_flush(b->server, BED_WAIT_S * INT64_C(1000000)));
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    disk_free(&d);
}

Test(secondary_odd, that_has_expired_takes_a_lower_serial_where_notify_leads_to_ixfr)
{
    struct disk d = primary_disk(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_gives_whole(10, 2);
    primary_pass(b, PRIMARY_EXPIRE * INT64_C(1000000));
    while (primary.count)
        primary_cut(primary_call(), "refused");
    cr_assert_eq(bed_serial(b, "z.example."), -SERVFAIL);
    struct refresh_event e = {.kind = REFRESH_NOTIFIED, .has_serial = true, .serial = 4, .from = 1};
    secondary_step(b->server, primary_secondary(b), &e);
    primary_pass(b, 5000000); /* the least time after a failure */
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 4);
    primary_send(primary_call(), a);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(4, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 4);
    disk_free(&d);
}

/* --- the whole zone, because the operator wants it --- */

Test(secondary_odd, is_taken_again_under_its_own_serial_if_the_operator_wants_it)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    struct talk t;
    talk_open(&t, b);
    cr_expect(talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\"}"));
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(1, 3);
    cr_expect_eq(bed_serial(b, "z.example."), 1);
    cr_expect_eq(primary_host(b, "h2.z.example."), 1, "what the primary has under that serial");
    talk_close(&t);
    disk_free(&d);
}

/* --- the connection afterwards --- */

/* What is left on it would be read as the answer to the next question. */
Test(secondary_odd, does_not_use_a_connection_again_on_which_more_may_come)
{
    struct disk d = primary_served(PRIMARY_Z);
    for (unsigned i = 0; i < 2; i++) {
        struct refresh_event e = {.kind = REFRESH_NOTIFIED, .from = 1};
        secondary_step(d.bed->server, primary_secondary(d.bed), &e);
        cr_assert_eq(primary_asked(), TYPE_IXFR);
        struct primary_answer *a = primary_answer(primary_call());
        primary_soa(a, 1);
        if (i == 1)
            primary_rr(a, "z.example. 300 NS ns.z.example.");
        unsigned reused = primary.reused;
        primary_send(primary_call(), a);
        cr_assert_eq(primary.count, 0, "there is nothing new");
        cr_expect_eq(primary.reused, reused + (i == 0));
    }
    disk_free(&d);
}

/* --- a shrink limit --- */

#define GUARDED "  z.example: {primaries: [p1], shrink-limit: 50%}\n"

/* What was kept back under one limit, or from one primary, may be had under another. */
static void keep_back(struct bed *b)
{
    primary_gives_whole(1, 20);
    primary_look(b);
    primary_says(2);
    primary_gives_whole(2, 1);
    cr_assert(primary_secondary(b)->held.is_set);
    primary_reload(b, GUARDED);
    cr_assert_eq(primary.count, 0, "a reload that changes nothing of it leaves it alone");
}

Test(secondary_odd, what_was_kept_back_is_had_when_the_limit_is_changed)
{
    struct disk d = primary_disk(GUARDED);
    struct bed *b = d.bed;
    keep_back(b);
    primary_reload(b, "  z.example: {primaries: [p1], shrink-limit: 60%}\n");
    primary_says(2);
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 1, "it is more than that, too");
    cr_expect(primary_secondary(b)->held.is_set);
    primary_reload(b, "  z.example: {primaries: [p1], shrink-limit: 90%}\n");
    primary_says(2);
    primary_gives_whole(2, 1);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_not(primary_secondary(b)->held.is_set);
    disk_free(&d);
}

Test(secondary_odd, what_was_kept_back_of_one_primary_is_asked_of_another)
{
    struct disk d = primary_disk(GUARDED);
    struct bed *b = d.bed;
    keep_back(b);
    primary_reload(b, "  z.example: {primaries: [p2], shrink-limit: 50%}\n");
    primary_says(2);
    primary_gives_whole(2, 20);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(primary_host(b, "h19.z.example."), 2);
    cr_expect_not(primary_secondary(b)->held.is_set);
    disk_free(&d);
}

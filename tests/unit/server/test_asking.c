/* SPDX-License-Identifier: Apache-2.0
 * What a zone asks its primary: without EDNS where that knows none (RFC 6891 s7), and signed when
 * it is sent. */
#include "primary.h"

#define HOUR_US INT64_C(3600000000)

Test(asking, a_primary_that_knows_no_edns_is_asked_without_it)
{
    static const enum rcode rcodes[] = {FORMERR, NOTIMP};
    for (size_t i = 0; i < ARRAY_LEN(rcodes); i++) {
        struct disk d = primary_disk(PRIMARY_Z);
        struct bed *b = d.bed;
        cr_assert_eq(primary_asked(), TYPE_AXFR);
        primary_refuses_opt(rcodes[i]);
        cr_assert_eq(primary_asked(), TYPE_AXFR, "at once, and the same");
        cr_expect_not(primary_has_opt());
        primary_gives_whole(1, 2);
        cr_expect_eq(bed_serial(b, "z.example."), 1);
        primary_look(b);
        cr_assert_eq(primary_asked(), TYPE_SOA);
        cr_expect_not(primary_has_opt(), "that is remembered");
        primary_says(2);
        cr_assert_eq(primary_asked(), TYPE_IXFR);
        cr_expect_not(primary_has_opt());
        primary_gives_steps(1, 1);
        cr_expect_eq(bed_serial(b, "z.example."), 2);
        cr_expect_eq(b->server->count.primaries_failed, 0);
        cr_expect_eq(b->server->count.transfers_in_failed, 0);
        cr_expect_eq(b->server->count.primaries_plain, 1);
        disk_free(&d);
    }
}

Test(asking, it_is_asked_with_edns_again_after_a_while)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    primary_refuses_opt(FORMERR);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    cr_expect_not(primary_has_opt());
    primary_says(1);
    for (int64_t us = 0; us < HOUR_US - 2 * PRIMARY_REFRESH * 1000000LL;
         us += PRIMARY_REFRESH * 1000000LL) {
        primary_pass(b, PRIMARY_REFRESH * 1000000LL);
        cr_assert_eq(primary_asked(), TYPE_SOA);
        cr_assert_not(primary_has_opt());
        primary_says(1);
    }
    primary_pass(b, 3 * PRIMARY_REFRESH * 1000000LL);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    cr_expect(primary_has_opt());
    primary_says(1);
    cr_expect_eq(b->server->count.primaries_plain, 1);
    disk_free(&d);
}

/* Of ten thousand zones of a primary one finds it out for all; of another primary that says
 * nothing.
 */
Test(asking, what_a_primary_does_not_know_is_remembered_for_all_its_zones)
{
    struct disk d = primary_disk("  y.example: {primaries: [p1]}\n  z.example: {primaries: [p1]}\n"
                                 "  x.example: {primaries: [p2]}\n");
    struct bed *b = d.bed;
    struct message m;
    while (primary.count) /* the first look of all three fails */
        primary_cut(primary.calls[0], "refused");
    primary_look(b);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_refuses_opt(FORMERR);
    primary_gives_whole(1, 2);
    primary_pass(b, PRIMARY_RETRY * 1000000LL);
    cr_assert_eq(primary.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        bool is_p1 = ntohl(primary.calls[i]->to.address.v4.sin_addr.s_addr) == 0xc0000201;
        primary_question(primary.calls[i], &m);
        cr_expect_eq(m.opt_at > 0, !is_p1, "call %u", i);
    }
    cr_expect_eq(b->server->count.primaries_plain, 1);
    disk_free(&d);
}

/* More of them than are remembered: the one that was found out first is. */
Test(asking, of_many_primaries_without_edns_the_newest_are_remembered)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    struct secondary *sec = primary_secondary(b);
    union address *at = &sec->primaries[0].addresses[0];
    sec->ask.wants_expire = true;
    for (unsigned i = 0; i <= PLAIN_MAX; i++) {
        at->v4.sin_port = htons((uint16_t)(1000 + i));
        cr_assert(plain_note(b->server, sec));
        b->server->now_us++;
    }
    cr_expect(plain_has(b->server, at));
    at->v4.sin_port = htons(1001);
    cr_expect(plain_has(b->server, at));
    at->v4.sin_port = htons(1000);
    cr_expect_not(plain_has(b->server, at), "its place was taken");
    at->v4.sin_port = htons(1001);
    b->server->now_us += HOUR_US;
    cr_expect_not(plain_has(b->server, at));
    disk_free(&d);
}

/* Without EDNS as well: then that was not the reason. */
Test(asking, an_error_that_stays_is_one)
{
    struct disk d = primary_served("  z.example: {primaries: [p1, p2]}\n");
    struct bed *b = d.bed;
    primary_look(b);
    primary_refuses_opt(FORMERR);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    primary_refuses(FORMERR);
    cr_expect_eq(b->server->count.primaries_failed, 1);
    cr_expect_not_null(strstr(primary_secondary(b)->primaries[0].error, "FORMERR"));
    cr_assert_eq(primary_asked(), TYPE_SOA, "the next one");
    cr_expect(primary_has_opt(), "of which nothing is known yet");
    primary_says(1);
    disk_free(&d);
}

/* s6.1.1: who has an OPT in the answer knows it; the error is about something else. */
Test(asking, an_error_with_opt_is_no_reason_to_go_without)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    cr_expect(primary_has_opt());
    primary_refuses(FORMERR);
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(b->server->count.primaries_failed, 1);
    cr_expect_eq(b->server->count.primaries_plain, 0);
    disk_free(&d);
}

/* RFC 1995 s2: of both things that it may not know each has its turn. */
Test(asking, ixfr_is_given_up_after_edns_was)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_look(b);
    primary_says(2);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_refuses_opt(FORMERR);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    cr_expect_not(primary_has_opt());
    primary_refuses(FORMERR);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    cr_expect_not(primary_has_opt());
    primary_gives_whole(2, 2);
    cr_expect_eq(bed_serial(b, "z.example."), 2);
    cr_expect_eq(b->server->count.primaries_failed, 0);
    disk_free(&d);
}

#define ONE_BY_ONE                                                        \
    ", limits: {transfers-in-per-primary: 1}}\n"                          \
    "keys: {k: {secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}}\n" \
    "remotes: {p1: {address: 192.0.2.1@53, key: k}"
#define BOTH                           \
    "  y.example: {primaries: [p1]}\n" \
    "  z.example: {primaries: [p1]}\n"

/* RFC 8945 s10: a signature is good for 300 s, and a transfer may wait for others longer than that.
 */
Test(asking, a_question_is_signed_when_it_leaves_the_queue)
{
    struct disk d = primary_disk_with(ONE_BY_ONE, BOTH);
    struct bed *b = d.bed;
    struct call *first = primary_call();
    struct tsig_session theirs = {0};
    struct message m;
    b->server->conf->transfer_progress = 0;
    primary_pass(b, (TSIG_FUDGE_S + 100) * INT64_C(1000000));
    server_now(b->server, b->now_us);
    primary_cut(first, "too slow");
    struct call *second = primary_call();
    cr_assert_neq(first, second);
    cr_assert(message_read_header(&m, second->bytes, second->len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_assert(m.tsig_at);
    cr_expect_eq(tsig_verify(&theirs, b->server->keyring, &m, b->now_us), NOERROR, "error %u",
                 theirs.error);
    tsig_session_done(&theirs);
    disk_free(&d);
}

#define PLACE_FOR_ONE \
    ", limits: {transfers-in-per-primary: 1}}\nremotes: {p1: {address: 192.0.2.1@53}"

/* Each brings a few bytes in time, and never ends. */
static const struct slow_row {
    bool do_others_wait;
    uint64_t progress;
    bool is_cut;
} slow_rows[] = {
    {true, 65536, true}, {true, 10000, true},   {true, 100, false}, /* what it brings is enough */
    {true, 0, false},    {false, 65536, false},
};

/* z.example's transfer goes on, in each of so many seconds a record or two. */
static void drip(struct bed *b, unsigned seconds)
{
    char text[100];
    for (unsigned i = 0; i < seconds && primary_secondary(b)->incoming; i++) {
        struct call *c = &primary_secondary(b)->call;
        struct primary_answer *a = primary_answer(c);
        if (i == 0)
            primary_soa(a, 1);
        snprintf(text, sizeof(text), "h%u.z.example. 300 A 192.0.2.1", i);
        primary_rr(a, text);
        primary_send(c, a);
        disk_rest(b);
        primary_pass(b, 1000000);
        server_now(b->server, b->now_us);
    }
}

Test(asking, a_slow_primary_keeps_no_place_that_others_wait_for)
{
    for (size_t i = 0; i < ARRAY_LEN(slow_rows); i++) {
        const struct slow_row *row = &slow_rows[i];
        struct disk d = primary_disk_with(PLACE_FOR_ONE, PRIMARY_Z);
        struct bed *b = d.bed;
        struct call *slow = primary_call();
        if (row->do_others_wait) {
            cr_assert_eq(
                server_reload(b->server, bed_conf(b, PLACE_FOR_ONE, BOTH), b->now_us, NULL), OK);
            disk_rest(b);
            primary_pass(b, 0);
        }
        cr_assert_eq(primary_call(), slow, "the other one waits");
        b->server->conf->transfer_progress = row->progress;
        drip(b, 200);
        cr_expect_eq(primary_call() != slow, row->is_cut, "row %zu", i);
        cr_expect_eq(b->server->count.transfers_in_slow, row->is_cut, "row %zu", i);
        cr_expect_eq(b->server->count.transfers_in_failed, row->is_cut, "row %zu", i);
        const char *error = primary_secondary(b)->primaries[0].error;
        cr_expect_eq(strstr(error, "transfer-progress") != NULL, row->is_cut, "%s", error);
        disk_free(&d);
    }
}

#define KEYED(secret)                                                 \
    "}\nkeys: {k: {secret: " secret "}, other: {secret: b3RoZXI=}}\n" \
    "remotes: {p1: {address: 192.0.2.1@53, key: k}, p2: {address: 192.0.2.2@53}"
#define SECRET "c2VjcmV0c2VjcmV0c2VjcmV0"

static void reload(struct bed *b, const char *settings)
{
    cr_assert_eq(server_reload(b->server, bed_conf(b, settings, PRIMARY_Z), b->now_us, NULL), OK);
    disk_rest(b);
    primary_pass(b, 0);
}

/* What was BADSIG may be none with another secret, though the key has its name still. */
Test(asking, a_primary_that_fails_is_asked_at_once_with_another_secret)
{
    struct disk d = primary_disk_with(KEYED(SECRET), PRIMARY_Z);
    struct bed *b = d.bed;
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    reload(b, KEYED("b25lIG1vcmUgc2VjcmV0"));
    cr_expect_eq(primary.dialed, 1, "what is under way goes on");
    primary_refuses(NOTAUTH);
    cr_assert_eq(primary.count, 0);
    reload(b, KEYED("b25lIG1vcmUgc2VjcmV0"));
    cr_assert_eq(primary_asked(), TYPE_AXFR, "it was asked with the one before");
    primary_refuses(NOTAUTH);
    reload(b, KEYED("b25lIG1vcmUgc2VjcmV0"));
    cr_expect_eq(primary.count, 0, "with this one it was asked");
    reload(b, KEYED(SECRET));
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_refuses(NOTAUTH);
    reload(b, KEYED(SECRET ", algorithm: hmac-sha512"));
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    disk_free(&d);
}

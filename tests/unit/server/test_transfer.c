/* SPDX-License-Identifier: Apache-2.0
 * Transfers to others: an answer under way stays what it was, whatever happens meanwhile; its
 * limits hold; what is not in memory comes from the change log; and who is refused is told of. */
#include "client.h"
#include "server/transfer_read.h"

#define OPEN                                                                       \
    "  a.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes}], " \
    "transfer: [{unsigned: yes}]}\n"
#define NAMES 3000

/* A zone that takes several messages. */
static void large_file(struct bed *b)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/a", b->dir);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fprintf(f, BED_TOP, 1);
    for (unsigned i = 0; i < NAMES; i++)
        fprintf(f, "h%u A 192.0.2.%u\n", i, i % 256);
    cr_assert_eq(fclose(f), 0);
}

static struct bed *open_bed(const char *settings)
{
    struct bed *b = bed_new();
    large_file(b);
    bed_start(b, settings, OPEN);
    bed_settle(b);
    return b;
}

static struct outflow *begin_from(struct bed *b, int64_t serial, uint32_t from)
{
    return client_begin(b, "a.example.", serial, from);
}

static struct outflow *begin(struct bed *b, int64_t serial)
{
    return begin_from(b, serial, 0);
}

static unsigned change(struct bed *b, uint16_t class, const char *owner, const char *text)
{
    return bed_update(b, &(struct bed_change){"a.example.", owner, class, TYPE_TXT,
                                              class == CLASS_IN ? 60 : 0, text});
}

static unsigned add(struct bed *b, const char *owner)
{
    return change(b, CLASS_IN, owner, "\"x\"");
}

static const struct counters *counters(struct bed *b)
{
    return server_counters(b->server);
}

Test(transfer_out, stays_what_it_was_while_the_zone_changes)
{
    struct bed *b = open_bed("");
    struct taken t = {0};
    struct outflow *f = begin(b, -1);
    cr_assert_not_null(f);
    cr_assert_eq(client_take(b, f, &t), OUTFLOW_MESSAGE);
    for (unsigned i = 0; i < 20; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), "z%u.a.example.", i);
        cr_assert_eq(add(b, owner), NOERROR);
    }
    cr_expect_eq(bed_serial(b, "a.example."), 21);
    client_finish(b, f, &t);
    cr_expect_gt(t.messages, 2);
    cr_expect_eq(t.records, NAMES + 3, "SOA twice, NS, and the names: %u", t.records);
    cr_expect_eq(t.first, 1);
    cr_expect_eq(t.last, 1);
    cr_expect_eq(counters(b)->axfr_out, 1);
    bed_free(b);
}

Test(transfer_out, goes_on_when_the_zone_is_removed_or_replaced)
{
    struct bed *b = open_bed("");
    struct taken t = {0}, other = {0};
    struct outflow *f = begin(b, -1), *g = begin(b, -1);
    cr_assert(f && g);
    cr_assert_eq(client_take(b, f, &t), OUTFLOW_MESSAGE);
    bed_reload(b, "", "  b.example: {soa: {ns: [ns.example.net.]}}\n");
    bed_settle(b);
    cr_assert_eq(client_take(b, g, &other), OUTFLOW_MESSAGE);
    server_outflow_end(b->server, g, false);
    client_finish(b, f, &t);
    cr_expect_eq(t.records, NAMES + 3);
    cr_expect_eq(counters(b)->transfers_broken, 1);
    cr_expect_eq(b->server->outflow_count, 0);
    bed_free(b);
}

Test(transfer_out, has_a_limit_of_how_many_at_once)
{
    struct bed *b = open_bed(", limits: {transfers-out: 2}");
    struct taken t = {0};
    struct outflow *f = begin(b, -1), *g = begin(b, -1);
    cr_assert(f && g);
    cr_expect_null(begin(b, -1));
    cr_expect_eq(bed_rcode(b), SERVFAIL);
    cr_expect_eq(counters(b)->transfers_over_limit, 1);
    cr_expect_null(begin(b, 1), "one message needs no place");
    cr_expect_eq(bed_rcode(b), NOERROR);
    client_finish(b, f, &t);
    f = begin(b, -1);
    cr_assert_not_null(f, "the place is free again");
    server_outflow_end(b->server, f, false);
    server_outflow_end(b->server, g, false);
    bed_free(b);
}

/* One client leaves room for others. */
Test(transfer_out, has_a_limit_of_how_many_to_one_client)
{
    struct bed *b = open_bed(", limits: {transfers-out: 8, transfers-out-per-client: 2}");
    struct outflow *f = begin_from(b, -1, 0x7f000001), *g = begin_from(b, -1, 0x7f000001);
    cr_assert(f && g);
    cr_expect_null(begin_from(b, -1, 0x7f000001));
    cr_expect_eq(bed_rcode(b), SERVFAIL);
    cr_expect_eq(counters(b)->transfers_over_client, 1);
    cr_expect_eq(counters(b)->transfers_over_limit, 0);
    struct outflow *h = begin_from(b, -1, 0x7f000002);
    cr_assert_not_null(h, "somebody else");
    server_outflow_end(b->server, f, false);
    f = begin_from(b, -1, 0x7f000001);
    cr_assert_not_null(f, "its place is free again");
    server_outflow_end(b->server, f, false);
    server_outflow_end(b->server, g, false);
    server_outflow_end(b->server, h, false);
    bed_free(b);
}

Test(transfer_out, is_cut_when_it_takes_too_long)
{
    struct bed *b = open_bed(", limits: {transfer-time: 60s}");
    struct taken t = {0};
    struct outflow *f = begin(b, -1);
    cr_assert_not_null(f);
    b->now_us += 59 * 1000000;
    server_time(b->server, b->now_us);
    cr_expect_eq(client_take(b, f, &t), OUTFLOW_MESSAGE);
    cr_expect_eq(b->outflows_late, 0);
    b->now_us += 1000000;
    server_time(b->server, b->now_us);
    cr_expect_eq(b->outflows_late, 1);
    cr_expect_eq(client_take(b, f, &t), OUTFLOW_BROKEN);
    cr_expect_eq(client_take(b, f, &t), OUTFLOW_BROKEN);
    server_outflow_end(b->server, f, false);
    cr_expect_eq(counters(b)->transfers_timed_out, 1);
    cr_expect_eq(counters(b)->transfers_broken, 1);
    bed_free(b);
}

/* The client asks for nothing more of it, in whatever state it is: there is a time all the same. */
Test(transfer_out, is_cut_in_time_whatever_its_client_takes)
{
    enum { NOTHING, SOME, ALL, A_READING, STATES };
    struct bed *b = open_bed(", limits: {transfer-time: 60s}");
    cr_assert_eq(add(b, "x.a.example."), NOERROR);
    server_free(b->server);
    bed_start(b, ", limits: {transfer-time: 60s}", OPEN);
    bed_settle(b);
    for (unsigned state = NOTHING; state < STATES; state++) {
        struct taken t = {0};
        struct outflow *f = begin(b, state == A_READING ? 1 : -1);
        cr_assert_not_null(f);
        if (state == SOME)
            cr_assert_eq(client_take(b, f, &t), OUTFLOW_MESSAGE);
        while (state == ALL && client_take(b, f, &t) == OUTFLOW_MESSAGE)
            ;
        if (state == A_READING)
            cr_assert_eq(server_outflow_next(b->server, f, b->now_us, b->out, &(size_t){0}),
                         OUTFLOW_LATER);
        cr_assert_leq(server_next_us(b->server), b->now_us + 60000000, "state %u", state);
        b->now_us += 59999999;
        server_time(b->server, b->now_us);
        cr_expect_eq(b->outflows_late, state, "state %u: too soon", state);
        b->now_us += 1;
        server_time(b->server, b->now_us);
        cr_expect_eq(b->outflows_late, state + 1, "state %u", state);
        server_outflow_end(b->server, f, false);
        cr_expect_eq(counters(b)->transfers_timed_out, state + 1);
        cr_expect_eq(counters(b)->transfers_broken, state + 1);
    }
    while (b->server->outflow_count) {
        cr_assert(bed_wait(b));
        (void)server_collect(b->server, b->now_us);
    }
    cr_expect_eq(server_next_us(b->server) > b->now_us + 60000000, true, "no timer is left");
    bed_free(b);
}

static void restart(struct bed *b)
{
    server_free(b->server);
    bed_start(b, "", OPEN);
    bed_settle(b);
}

/* Records that differ in nothing but their number. */
static char *large_text(unsigned number)
{
    size_t cap = 40000, at = 0;
    char *text = mem_alloc(cap);
    for (unsigned i = 0; i < 150; i++)
        at += (size_t)snprintf(text + at, cap - at, "\"%0250u\" ", number * 1000 + i);
    return text;
}

static void change_large(struct bed *b, uint16_t class, unsigned number)
{
    uint8_t *wire = mem_alloc(DNS_MESSAGE_MAX);
    char owner[32], *text = class == CLASS_IN ? large_text(number) : NULL;
    snprintf(owner, sizeof(owner), "big%u.a.example.", number);
    struct bed_change c = {"a.example.",
                           owner,
                           class,
                           class == CLASS_IN ? TYPE_TXT : TYPE_ANY,
                           class == CLASS_IN ? 60 : 0,
                           text};
    bed_ask(b, TRANSPORT_TCP, wire, bed_update_message(wire, DNS_MESSAGE_MAX, &c));
    cr_assert_eq(bed_rcode(b), NOERROR);
    free(text);
    free(wire);
}

/* 38 kB each. */
#define LARGE 40
#define KNOWN 22 /* the serial of somebody who lacks some 700 kB of them */

Test(transfer_out, reads_what_is_not_in_memory_in_windows)
{
    struct bed *b = open_bed("");
    struct taken t = {0}, none = {0};
    for (unsigned i = 0; i < LARGE; i++)
        change_large(b, CLASS_IN, i);
    restart(b);
    struct outflow *f = begin(b, KNOWN);
    cr_assert_not_null(f);
    client_finish(b, f, &t);
    unsigned steps = LARGE + 1 - KNOWN;
    cr_expect_eq(t.soas, 2 + 2 * steps, "%u", t.soas);
    cr_expect_eq(t.records, 2 + 3 * steps, "a record in each: %u", t.records);
    cr_expect_eq(t.first, LARGE + 1);
    cr_expect_eq(t.last, LARGE + 1);
    cr_expect_geq(t.waits, 2, "in windows of 512 kB: %u", t.waits);
    cr_expect_eq(counters(b)->ixfr_out, 1);
    f = begin(b, KNOWN);
    cr_assert_eq(server_outflow_next(b->server, f, b->now_us, b->out, &(size_t){0}), OUTFLOW_LATER);
    server_outflow_end(b->server, f, false); /* closed while its reading is under way */
    f = begin(b, KNOWN);
    cr_assert_eq(client_take(b, f, &none), OUTFLOW_MESSAGE);
    server_outflow_end(b->server, f, false);
    f = begin(b, KNOWN); /* the server ends before its reading is back */
    server_outflow_end(b->server, f, false);
    bed_free(b);
}

/* So many that a shorter form of them is looked for, in vain: they are not all kept. */
Test(transfer_out, keeps_a_window_of_what_cannot_be_condensed)
{
    struct bed *b = open_bed("");
    struct taken t = {0};
    for (unsigned i = 0; i < LARGE; i++)
        change_large(b, CLASS_IN, i);
    restart(b);
    client_finish(b, begin(b, 2), &t);
    unsigned steps = LARGE + 1 - 2;
    cr_expect_eq(t.soas, 2 + 2 * steps, "%u", t.soas);
    cr_expect_eq(t.records, 2 + 3 * steps, "a record in each: %u", t.records);
    cr_expect_geq(t.waits, 3, "1.5 MB in windows of 512 kB: %u", t.waits);
    cr_expect_eq(counters(b)->ixfr_condensed, 0);
    bed_free(b);
}

/* Two changes each, of which nothing is left but the last one. */
static void flip(struct bed *b, unsigned rounds)
{
    char text[16];
    for (unsigned i = 0; i < rounds; i++) {
        snprintf(text, sizeof(text), "\"%u\"", i);
        cr_assert_eq(change(b, CLASS_ANY, "flip.a.example.", NULL), NOERROR);
        cr_assert_eq(change(b, CLASS_IN, "flip.a.example.", text), NOERROR);
    }
}

/* The settings; serial 1 before the changes. */
static struct bed *small_bed(const char *settings)
{
    struct bed *b = bed_new();
    bed_file(b, "a",
             BED_TOP "flip TXT \"first\"\na TXT \"a\"\nb TXT \"b\"\nc TXT \"c\"\nd TXT \"d\"\n", 1);
    bed_start(b, settings, OPEN);
    bed_settle(b);
    return b;
}

/* RFC 1995 s5: what is compared with the zone is what would be sent, not how it came about. */
Test(transfer_out, condenses_what_is_larger_than_the_zone)
{
    static const struct {
        const char *what, *settings;
        unsigned rounds;
        bool restarts;
        bool waits; /* for a helper */
    } rows[] = {
        {"a few, in memory", "", 20, false, false},
        {"in memory", "", 100, false, true},
        {"in the change log", "", 100, true, true},
        {"more than are kept in memory", ", limits: {recent-changes: 4096}", 100, false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *b = small_bed(rows[i].settings);
        struct taken t = {0};
        flip(b, rows[i].rounds);
        if (rows[i].restarts)
            restart(b);
        client_finish(b, begin(b, 1), &t);
        cr_expect_eq(t.soas, 4, "%s: one step: %u", rows[i].what, t.soas);
        cr_expect_eq(t.records, 6, "%s: a record for another: %u", rows[i].what, t.records);
        cr_expect_eq(t.first, 1 + 2 * rows[i].rounds, "%s", rows[i].what);
        cr_expect_eq(t.waits > 0, rows[i].waits, "%s", rows[i].what);
        cr_expect_eq(counters(b)->ixfr_condensed, 1, "%s", rows[i].what);
        cr_expect_eq(counters(b)->ixfr_fallbacks, 0, "%s", rows[i].what);
        bed_free(b);
    }
}

/* Each round adds and removes a record of 38 kB: more than is read in one piece. */
Test(transfer_out, condenses_more_than_is_in_memory_at_once)
{
    struct bed *b = small_bed("");
    const unsigned rounds = 1 + TRANSFER_CONDENSE_MAX / (2 * 37000);
    for (unsigned i = 0; i < rounds; i++) {
        change_large(b, CLASS_IN, 0);
        change_large(b, CLASS_ANY, 0);
    }
    flip(b, 1);
    for (unsigned restarts = 0; restarts <= 1; restarts++) {
        struct taken t = {0};
        if (restarts)
            restart(b);
        client_finish(b, begin(b, 1), &t);
        cr_expect_eq(t.soas, 4, "restarts %u: %u", restarts, t.soas);
        cr_expect_eq(t.records, 6, "restarts %u: %u", restarts, t.records);
        cr_expect_eq(t.first, 1 + 2 * rounds + 2);
        cr_expect_eq(counters(b)->ixfr_condensed, 1);
    }
    bed_free(b);
}

/* One more than the zone has, and nothing is waited for. */
Test(transfer_out, is_of_the_whole_zone_at_once_where_that_is_small)
{
    struct bed *b = small_bed("");
    struct taken t = {0};
    for (unsigned i = 0; i < 10; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), "name%u.a.example.", i);
        cr_assert_eq(add(b, owner), NOERROR);
    }
    for (unsigned i = 0; i < 9; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), "name%u.a.example.", i);
        cr_assert_eq(change(b, CLASS_ANY, owner, NULL), NOERROR);
    }
    client_finish(b, begin(b, 11), &t);
    cr_expect_eq(t.soas, 2, "%u", t.soas);
    cr_expect_eq(t.waits, 0);
    cr_expect_eq(counters(b)->ixfr_fallbacks, 1);
    bed_free(b);
}

/* Names that come and stay: no form of the differences is shorter than the zone... */
Test(transfer_out, is_of_the_whole_zone_where_its_condensed_form_is_larger)
{
    for (unsigned restarts = 0; restarts <= 1; restarts++) {
        struct bed *b = small_bed("");
        struct taken t = {0};
        char owner[32];
        for (unsigned i = 0; i < 50; i++) {
            snprintf(owner, sizeof(owner), "n%u.a.example.", i);
            cr_assert_eq(add(b, owner), NOERROR);
        }
        for (unsigned i = 0; i < 50; i++) { /* ...for all of them are in it */
            snprintf(owner, sizeof(owner), "n%u.a.example.", i);
            cr_assert_eq(change(b, CLASS_ANY, owner, NULL), NOERROR);
        }
        if (restarts)
            restart(b);
        client_finish(b, begin(b, 51), &t);
        cr_expect_eq(t.soas, 2, "restarts %u: %u", restarts, t.soas);
        cr_expect_eq(t.records, 2 + 6, "restarts %u: %u", restarts, t.records);
        cr_expect_eq(counters(b)->ixfr_condensed, 0);
        cr_expect_eq(counters(b)->ixfr_fallbacks, 1);
        cr_expect_eq(counters(b)->axfr_out, 1);
        bed_free(b);
    }
}

/* Asking and closing at once leaves no more readings behind than there may be transfers. */
Test(transfer_out, counts_until_its_reading_is_back)
{
    static const char limit[] = ", limits: {transfers-out: 1}";
    struct bed *b = open_bed(limit);
    struct taken t = {0};
    cr_assert_eq(add(b, "x.a.example."), NOERROR);
    cr_assert_eq(add(b, "y.a.example."), NOERROR);
    server_free(b->server);
    bed_start(b, limit, OPEN);
    bed_settle(b);
    struct outflow *f = begin(b, 1);
    cr_assert_not_null(f);
    server_outflow_end(b->server, f, false);
    cr_expect_null(begin(b, 1), "what it has asked for is still being read");
    cr_expect_eq(bed_rcode(b), SERVFAIL);
    cr_expect_eq(counters(b)->transfers_over_limit, 1);
    while (b->server->outflow_count) {
        cr_assert(bed_wait(b));
        (void)server_collect(b->server, b->now_us);
    }
    client_finish(b, begin(b, 1), &t);
    cr_expect_eq(t.records, 2 + 3 + 3);
    bed_free(b);
}

Test(transfer_out, knows_the_serial_that_the_history_begins_with)
{
    struct bed *b = open_bed("");
    struct taken t = {0}, whole = {0};
    cr_assert_eq(add(b, "x.a.example."), NOERROR);
    cr_assert_eq(add(b, "y.a.example."), NOERROR);
    restart(b);
    client_finish(b, begin(b, 1), &t);
    cr_expect_eq(t.records, 2 + 3 + 3, "%u", t.records);
    client_finish(b, begin(b, 0), &whole);
    cr_expect_eq(whole.records, NAMES + 2 + 3);
    cr_expect_eq(counters(b)->ixfr_fallbacks, 1);
    bed_free(b);
}

Test(transfer_out, is_of_the_whole_zone_where_there_is_no_history)
{
    static const char zones[] =
        "  a.example: {file: a, history: no, transfer: [{unsigned: yes}]}\n";
    struct bed *b = bed_new();
    struct taken t = {0};
    bed_file(b, "a", BED_TOP, 1);
    bed_start(b, "", zones);
    bed_settle(b);
    bed_file(b, "a", BED_TOP "www A 192.0.2.1\n", 2);
    bed_reload(b, "", zones);
    bed_settle(b);
    client_finish(b, begin(b, 1), &t);
    cr_expect_eq(t.records, 4);
    cr_expect_eq(t.first, 2);
    bed_free(b);
}

Test(transfer_out, of_what_nobody_may_have_is_refused_and_told_of)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP, 1);
    bed_start(b, "",
              "  a.example: {file: a, history: no, "
              "transfer: [{unsigned: yes, from: [192.0.2.0/24]}]}\n");
    bed_settle(b);
    cr_expect_null(begin(b, -1));
    cr_expect_eq(bed_rcode(b), REFUSED);
    const struct refusal *newest = refused_at(&b->server->refused, 0);
    cr_assert_not_null(newest);
    cr_expect_eq(newest->type, TYPE_AXFR);
    cr_expect(strstr(newest->reason, "transfer[0] {unsigned: yes, from: [192.0.2.0/24]}: "), "%s",
              newest->reason);
    cr_expect_null(refused_at(&b->server->refused, 1), "once");
    cr_expect_eq(counters(b)->transfers_refused, 1);
    cr_expect_eq(counters(b)->refused, 1);
    bed_free(b);
}

/* --- whatever happens meanwhile --- */

#define OTHER "  b.example: {soa: {ns: [ns.example.net.]}}\n"

enum event { RELOAD_SAME, RELOAD_WITHOUT, RELOAD_CLOSED, RELOAD_FILE, THE_END };

static void happen(struct bed *b, enum event event)
{
    switch (event) {
    case RELOAD_SAME:
        bed_reload(b, "", OPEN);
        break;
    case RELOAD_WITHOUT:
        bed_reload(b, "", OTHER);
        break;
    case RELOAD_CLOSED: /* nobody may have it any more */
        bed_reload(b, "", "  a.example: {file: a, history: yes}\n");
        break;
    case RELOAD_FILE:
        bed_file(b, "a", BED_TOP "www A 192.0.2.1\n", 77);
        bed_reload(b, "", OPEN);
        break;
    case THE_END:
        return;
    }
    bed_settle(b);
    bed_commit(b);
}

/* A zone of which the steps from serial 1 to 5 are in the log only. */
static struct bed *open_read(void)
{
    struct bed *b = open_bed("");
    static const char *const owners[] = {"p.a.example.", "q.a.example.", "r.a.example.",
                                         "s.a.example."};
    for (unsigned i = 0; i < ARRAY_LEN(owners); i++)
        cr_assert_eq(add(b, owners[i]), NOERROR);
    server_free(b->server);
    bed_start(b, "", OPEN);
    bed_settle(b);
    return b;
}

/* What was begun is what it was, to its end; or it ends with the server. */
Test(transfer_out, stays_whole_or_ends_whatever_happens_in_any_phase)
{
    static const struct phase {
        const char *what;
        int64_t serial;
        unsigned messages, records; /* taken before it happens; in all */
    } phases[] = {
        {"AXFR begun", -1, 0, NAMES + 4 + 3},
        {"AXFR half way", -1, 2, NAMES + 4 + 3},
        {"IXFR being read", 1, 0, 2 + 4 * 3},
        {"IXFR of the whole zone", 4294967000, 1, NAMES + 4 + 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(phases); i++)
        for (enum event event = RELOAD_SAME; event <= THE_END; event++) {
            const struct phase *p = &phases[i];
            struct bed *b = open_read();
            struct taken t = {0};
            struct outflow *f = begin(b, p->serial);
            cr_assert_not_null(f, "%s", p->what);
            for (unsigned k = 0; k < p->messages; k++)
                cr_assert_eq(client_take(b, f, &t), OUTFLOW_MESSAGE, "%s", p->what);
            happen(b, event);
            if (event == THE_END) {
                server_outflow_end(b->server, f, false);
            } else {
                client_finish(b, f, &t);
                cr_expect_eq(t.records, p->records, "%s, event %d: %u", p->what, (int)event,
                             t.records);
                cr_expect_eq(t.last, 5, "%s, event %d", p->what, (int)event);
            }
            bed_free(b);
        }
}

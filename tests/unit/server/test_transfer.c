/* SPDX-License-Identifier: Apache-2.0
 * Transfers to others: an answer under way stays what it was, whatever happens meanwhile; its
 * limits hold; what is not in memory comes from the change log; and who is refused is told of. */
#include "bed.h"

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

/* A question for a transfer; serial -1: AXFR. */
static size_t question(uint8_t *wire, int64_t serial)
{
    size_t len = bed_query(wire, "a.example.", serial < 0 ? TYPE_AXFR : TYPE_IXFR);
    if (serial < 0)
        return len;
    struct wr w = wr_over(wire + len, 128);
    put_u16(wire + 8, 1);
    bed_name(&w, "a.example.");
    wr_u16(&w, TYPE_SOA);
    wr_u16(&w, CLASS_IN);
    wr_u32(&w, 0);
    wr_u16(&w, 22);
    wr_u16(&w, 0);
    wr_u32(&w, (uint32_t)serial);
    for (unsigned i = 0; i < 4; i++)
        wr_u32(&w, 0);
    return len + wr_len(&w);
}

/* The answer to that IPv4 address begins; NULL: it is one message, in b->out. */
static struct outflow *begin_from(struct bed *b, int64_t serial, uint32_t from)
{
    uint8_t wire[1024];
    struct exchange x = {.in = wire, .in_len = question(wire, serial), .out = b->out};
    x.peer.transport = TRANSPORT_TCP;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_addr.s_addr = htonl(from);
    x.channel = b;
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert_not(x.is_waiting);
    cr_assert(!x.outflow || x.out_len == 0);
    b->out_len = x.out_len;
    return x.outflow;
}

static struct outflow *begin(struct bed *b, int64_t serial)
{
    return begin_from(b, serial, 0);
}

/* What came of it. */
struct taken {
    unsigned messages, records, soas, waits;
    uint32_t first, last; /* serials */
};

static void take_message(struct bed *b, struct taken *t, size_t len)
{
    static uint8_t room[1u << 20];
    struct wr rdata = wr_over(room, sizeof(room));
    struct message m;
    struct rr rr;
    cr_assert(message_read_header(&m, b->out, len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    while (rr_read(&reader, &rdata, &rr) == RR_READ_OK) {
        t->records++;
        if (rr.type != TYPE_SOA)
            continue;
        t->last = soa_of(rr.rdata).serial;
        t->first = t->soas++ ? t->first : t->last;
    }
    t->messages++;
}

/* One message more, once it can be had. */
static enum outflow_next take(struct bed *b, struct outflow *f, struct taken *t)
{
    size_t len = 0;
    enum outflow_next next;
    while ((next = server_outflow_next(b->server, f, b->now_us, b->out, &len)) == OUTFLOW_LATER) {
        unsigned ready = b->outflows_ready;
        t->waits++;
        while (b->outflows_ready == ready) {
            cr_assert(bed_wait(b), "nobody says that more can be had");
            (void)server_collect(b->server, b->now_us);
        }
    }
    if (next != OUTFLOW_BROKEN)
        take_message(b, t, len);
    return next;
}

/* All the rest. */
static void finish(struct bed *b, struct outflow *f, struct taken *t)
{
    enum outflow_next next;
    while ((next = take(b, f, t)) == OUTFLOW_MESSAGE)
        ;
    cr_assert_eq(next, OUTFLOW_LAST);
    server_outflow_end(b->server, f, true);
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
    cr_assert_eq(take(b, f, &t), OUTFLOW_MESSAGE);
    for (unsigned i = 0; i < 20; i++) {
        char owner[32];
        snprintf(owner, sizeof(owner), "z%u.a.example.", i);
        cr_assert_eq(add(b, owner), NOERROR);
    }
    cr_expect_eq(bed_serial(b, "a.example."), 21);
    finish(b, f, &t);
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
    cr_assert_eq(take(b, f, &t), OUTFLOW_MESSAGE);
    bed_reload(b, "", "  b.example: {soa: {ns: [ns.example.net.]}}\n");
    bed_settle(b);
    cr_assert_eq(take(b, g, &other), OUTFLOW_MESSAGE);
    server_outflow_end(b->server, g, false);
    finish(b, f, &t);
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
    finish(b, f, &t);
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
    cr_expect_eq(take(b, f, &t), OUTFLOW_MESSAGE);
    b->now_us += 1000000;
    cr_expect_eq(take(b, f, &t), OUTFLOW_BROKEN);
    cr_expect_eq(take(b, f, &t), OUTFLOW_BROKEN);
    server_outflow_end(b->server, f, false);
    cr_expect_eq(counters(b)->transfers_timed_out, 1);
    cr_expect_eq(counters(b)->transfers_broken, 1);
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
    finish(b, f, &t);
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
    cr_assert_eq(take(b, f, &none), OUTFLOW_MESSAGE);
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
    finish(b, begin(b, 2), &t);
    unsigned steps = LARGE + 1 - 2;
    cr_expect_eq(t.soas, 2 + 2 * steps, "%u", t.soas);
    cr_expect_eq(t.records, 2 + 3 * steps, "a record in each: %u", t.records);
    cr_expect_geq(t.waits, 3, "1.5 MB in windows of 512 kB: %u", t.waits);
    cr_expect_eq(counters(b)->ixfr_condensed, 0);
    bed_free(b);
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
    finish(b, begin(b, 1), &t);
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
    finish(b, begin(b, 1), &t);
    cr_expect_eq(t.records, 2 + 3 + 3, "%u", t.records);
    finish(b, begin(b, 0), &whole);
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
    finish(b, begin(b, 1), &t);
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
                cr_assert_eq(take(b, f, &t), OUTFLOW_MESSAGE, "%s", p->what);
            happen(b, event);
            if (event == THE_END) {
                server_outflow_end(b->server, f, false);
            } else {
                finish(b, f, &t);
                cr_expect_eq(t.records, p->records, "%s, event %d: %u", p->what, (int)event,
                             t.records);
                cr_expect_eq(t.last, 5, "%s, event %d", p->what, (int)event);
            }
            bed_free(b);
        }
}

/* SPDX-License-Identifier: Apache-2.0
 * Incoming transfers: records that no zone can have, limits, the EXPIRE option, and random zones
 * cut into messages anywhere. */
#include "in_util.h"
#include "xfr/in_int.h"
#include "zone/lookup.h"
#include "../slow.h"

static struct made made;

#define SOA "@ SOA ns h 1 3600 900 1209600 300\n"

/* --- records that zone files cannot say --- */

static const struct raw_row {
    const char *what;
    uint16_t type, class;
    uint8_t rdata[6];
    uint16_t len;
    enum xfr_in_next next;
    const char *says;
} raw_rows[] = {
    {"an address", TYPE_A, CLASS_IN, {192, 0, 2, 1}, 4, XFR_IN_MORE, ""},
    {"an address of three bytes",
     TYPE_A,
     CLASS_IN,
     {192, 0, 2},
     3,
     XFR_IN_BAD,
     "malformed record, number 2"},
    {"an address of none", TYPE_A, CLASS_IN, {0}, 0, XFR_IN_BAD, "a.example. A is without rdata"},
    {"an APL of none", TYPE_APL, CLASS_IN, {0}, 0, XFR_IN_MORE, ""}, /* RFC 3123 s4 */
    {"of an unknown type, empty", 65280, CLASS_IN, {0}, 0, XFR_IN_MORE, ""},
    {"of class CH", TYPE_A, CLASS_CH, {192, 0, 2, 1}, 4, XFR_IN_BAD, "of another class"},
    {"of class NONE", TYPE_A, CLASS_NONE, {192, 0, 2, 1}, 4, XFR_IN_BAD, "of another class"},
    {"of class ANY", TYPE_A, CLASS_ANY, {0}, 0, XFR_IN_BAD, "of another class"},
    {"of type 0", 0, CLASS_IN, {0}, 0, XFR_IN_BAD, "no zone can have"},
    {"of type ANY", TYPE_ANY, CLASS_IN, {0}, 0, XFR_IN_BAD, "no zone can have"},
    {"of type AXFR", TYPE_AXFR, CLASS_IN, {0}, 0, XFR_IN_BAD, "no zone can have"},
    {"of type TKEY", TYPE_TKEY, CLASS_IN, {1}, 1, XFR_IN_BAD, "no zone can have"},
    {"of type OPT", TYPE_OPT, CLASS_IN, {0}, 0, XFR_IN_BAD, "malformed message"},
    {"of type TSIG", TYPE_TSIG, CLASS_IN, {0}, 0, XFR_IN_BAD, "malformed message"},
    {"a name of a reserved label type",
     TYPE_NS,
     CLASS_IN,
     {0x40, 0},
     2,
     XFR_IN_BAD,
     "malformed record"},
    {"a name that points ahead",
     TYPE_NS,
     CLASS_IN,
     {0xff, 0xff},
     2,
     XFR_IN_BAD,
     "malformed record"},
    {"bytes behind the name", TYPE_NS, CLASS_IN, {0xc0, 12, 0}, 3, XFR_IN_BAD, "malformed record"},
};

static void expect_raw(const struct raw_row *r, uint16_t qtype)
{
    struct made_head head = head_of(qtype);
    struct name_buf owner = name_from("a." ZONE);
    struct rdata rdata = {r->rdata, r->len};
    struct diag diag;
    struct xfr_in *x = start(qtype, 0);
    /* IXFR: as the record behind the old SOA */
    make(&made, &head, qtype == TYPE_AXFR ? SOA : SOA "@ SOA ns h 0 3600 900 1209600 300\n");
    append_raw(&made, name_of(&owner), r->type, r->class, rdata);
    enum xfr_in_next next = give(x, &made, &diag);
    cr_assert_eq(next, r->next, "%s: %d %s", r->what, next, diag.text);
    if (next == XFR_IN_BAD && qtype == TYPE_AXFR)
        cr_assert(strstr(diag.text, r->says), "%s: %s", r->what, diag.text);
    xfr_in_free(x);
}

Test(xfr_in, every_record_is_one_that_a_zone_can_have)
{
    for (size_t i = 0; i < ARRAY_LEN(raw_rows); i++) {
        expect_raw(&raw_rows[i], TYPE_AXFR);
        expect_raw(&raw_rows[i], TYPE_IXFR);
    }
}

/* THREATS 9: a record that comes in must be one that can be sent on. */
Test(xfr_in, a_record_has_to_fit_a_message_again)
{
    static uint8_t bytes[DNS_MESSAGE_MAX];
    /* header, question, owner "a.example." and the record's frame */
    enum { MOST = DNS_MESSAGE_MAX - 12 - 13 - 11 - 10 };
    struct name_buf owner = name_from("a." ZONE);
    for (unsigned more = 0; more < 2; more++) {
        struct made_head head = head_of(TYPE_AXFR);
        struct diag diag;
        struct xfr_in *x = start(TYPE_AXFR, 0);
        make(&made, &head, SOA);
        cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE);
        head.qtype = 0;
        make(&made, &head, "");
        append_raw(&made, name_of(&owner), 65280, CLASS_IN,
                   (struct rdata){bytes, (uint16_t)(MOST + more)});
        cr_assert_eq(give(x, &made, &diag), more ? XFR_IN_BAD : XFR_IN_MORE, "%s", diag.text);
        xfr_in_free(x);
    }
}

/* --- limits --- */

static struct xfr_in *start_limited(uint16_t qtype, struct xfr_in_limits limits)
{
    struct name_buf apex = name_from(ZONE);
    struct tsig_session none = {0};
    struct xfr_in_order order = {name_of(&apex), ID, qtype, 0, limits};
    return xfr_in_new(&order, &none);
}

/* A zone of three records. */
Test(xfr_in, records_are_limited)
{
    for (unsigned max = 2; max <= 3; max++) {
        struct made_head head = head_of(TYPE_AXFR);
        struct diag diag;
        struct xfr_in *x = start_limited(TYPE_AXFR, (struct xfr_in_limits){max, 0});
        make(&made, &head, SOA "a TXT a\n");
        cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE);
        make(&made, &head, "a TXT b\n" SOA);
        cr_assert_eq(give(x, &made, &diag), max == 3 ? XFR_IN_WHOLE : XFR_IN_BAD, "%s", diag.text);
        if (max == 2)
            cr_assert(strstr(diag.text, "more than 2 records"), "%s", diag.text);
        cr_assert_eq(xfr_in_count(x).messages, 2);
        xfr_in_free(x);
    }
}

Test(xfr_in, bytes_are_limited)
{
    struct made_head head = head_of(TYPE_AXFR);
    make(&made, &head, SOA SOA);
    for (unsigned less = 0; less < 2; less++) {
        struct diag diag;
        struct xfr_in *x = start_limited(TYPE_AXFR, (struct xfr_in_limits){0, made.len - less});
        cr_assert_eq(give(x, &made, &diag), less ? XFR_IN_BAD : XFR_IN_WHOLE, "%s", diag.text);
        cr_assert_eq(xfr_in_count(x).bytes, made.len);
        cr_assert_eq(xfr_in_count(x).records, less ? 0 : 2);
        xfr_in_free(x);
    }
}

/* Names that compress to two bytes take their whole length in memory. */
Test(xfr_in, what_is_kept_is_limited_too)
{
    struct made_head head = head_of(TYPE_IXFR);
    struct diag diag;
    struct xfr_in *x = start_limited(TYPE_IXFR, (struct xfr_in_limits){0, 10000000});
    char lines[2000];
    char label[64];
    memset(label, 'x', 63);
    label[63] = '\0';
    make(&made, &head, SOA "@ SOA ns h 0 3600 900 1209600 300\n");
    cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE);
    snprintf(lines, sizeof(lines), "%s.%s.%s NS %s.%s.%s.%s\n", label, label, label, label, label,
             label, ZONE);
    make(&made, &head, lines);
    size_t at = made.len;
    for (unsigned i = 0; i < 4000; i++) { /* owner and target as pointers: to the first record's */
        struct wr w = wr_over(made.wire + at, sizeof(made.wire) - at);
        wr_u16(&w, 0xc000 | (12 + 13));
        wr_u16(&w, TYPE_NS);
        wr_u16(&w, CLASS_IN);
        wr_u32(&w, 300);
        wr_u16(&w, 2);
        wr_u16(&w, 0xc000 | (12 + 13));
        at += wr_len(&w);
    }
    put_u16(made.wire + 6, 4001);
    made.len = at;
    enum xfr_in_next next = XFR_IN_MORE;
    while (next == XFR_IN_MORE)
        next = give(x, &made, &diag);
    cr_assert_eq(next, XFR_IN_BAD);
    cr_assert(strstr(diag.text, "in memory"), "%s", diag.text);
    cr_assert_lt(xfr_in_count(x).bytes, 10000000);
    xfr_in_free(x);
}

Test(xfr_in, messages_without_records_are_few)
{
    struct made_head head = head_of(TYPE_AXFR);
    struct diag diag;
    struct xfr_in *x = start(TYPE_AXFR, 0);
    for (unsigned round = 0; round < 2; round++) { /* in a row: records begin a new one */
        make(&made, &head, round == 0 ? SOA : "a TXT a\n");
        cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE, "%s", diag.text);
        make(&made, &head, "");
        for (unsigned i = 0; i < 100; i++)
            cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE, "%s", diag.text);
    }
    cr_assert_eq(give(x, &made, &diag), XFR_IN_BAD);
    cr_assert(strstr(diag.text, "without records"), "%s", diag.text);
    xfr_in_free(x);
}

Test(xfr_in, a_name_has_only_so_many_records)
{
    struct made_head head = head_of(TYPE_AXFR);
    struct name_buf owner = name_from("a." ZONE);
    struct diag diag;
    struct xfr_in *x = start(TYPE_AXFR, 0);
    make(&made, &head, SOA);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE);
    for (uint32_t i = 0; i <= TXN_NAME_RECORDS_MAX;) {
        make(&made, &head, "");
        for (unsigned in_message = 0; in_message < 1024 && i <= TXN_NAME_RECORDS_MAX;
             in_message++, i++) {
            uint8_t address[4];
            put_u32(address, i * cases(2654435761u, 1)); /* in no order */
            append_raw(&made, name_of(&owner), TYPE_A, CLASS_IN, (struct rdata){address, 4});
        }
        cr_assert_eq(give(x, &made, &diag), i <= TXN_NAME_RECORDS_MAX ? XFR_IN_MORE : XFR_IN_BAD,
                     "%u: %s", i, diag.text);
    }
    cr_assert(strstr(diag.text, "a.example. has more records"), "%s", diag.text);
    xfr_in_free(x);
}

/* --- EXPIRE, RFC 7314 --- */

Test(xfr_in, expire_is_read)
{
    static const uint8_t options[] = {0, 3, 0, 1, 'x', 0, 9, 0, 4, 0, 1, 0x51, 0x80};
    static const struct {
        uint16_t len; /* of the options, from the beginning */
        bool is_there;
    } cases[] = {{sizeof(options), true}, {5, false}, {sizeof(options) - 1, false}, {0, false}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct made_head head = head_of(TYPE_IXFR);
        struct diag diag;
        uint32_t seconds = 17;
        struct xfr_in *x = start(TYPE_IXFR, 1);
        make(&made, &head, SOA);
        append_raw(&made, NAME_ROOT, TYPE_OPT, 1232, (struct rdata){options, cases[i].len});
        memset(made.wire + made.len - cases[i].len - 6, 0, 4); /* no extended rcode */
        put_u16(made.wire + 6, 1);
        put_u16(made.wire + 10, 1);
        cr_assert_eq(give(x, &made, &diag), XFR_IN_CURRENT, "%s", diag.text);
        cr_assert_eq(xfr_in_expire(x, &seconds), cases[i].is_there);
        cr_assert_eq(seconds, cases[i].is_there ? 86400 : 17);
        xfr_in_free(x);
    }
}

/* RFC 7314 s3.1: it is in the first message. */
Test(xfr_in, expire_of_the_first_message_is_that_of_the_transfer)
{
    static const uint8_t option[] = {0, 9, 0, 4, 0, 0, 0, 99};
    struct made_head head = head_of(TYPE_AXFR);
    struct diag diag;
    uint32_t seconds = 0;
    struct xfr_in *x = start(TYPE_AXFR, 0);
    make(&made, &head, SOA);
    append_raw(&made, NAME_ROOT, TYPE_OPT, 1232, (struct rdata){option, sizeof(option)});
    memset(made.wire + made.len - sizeof(option) - 6, 0, 4); /* no extended rcode */
    put_u16(made.wire + 6, 1);
    put_u16(made.wire + 10, 1);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE, "%s", diag.text);
    make(&made, &head, SOA);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_WHOLE, "%s", diag.text);
    cr_expect(xfr_in_expire(x, &seconds));
    cr_expect_eq(seconds, 99);
    zone_free(xfr_in_zone(x));
    xfr_in_free(x);
}

/* A connection on which more may come is not good for the next question. */
Test(xfr_in, it_is_known_that_more_stands_behind_the_soa_of_who_has_nothing_new)
{
    struct made_head head = head_of(TYPE_IXFR);
    struct diag diag;
    for (unsigned i = 0; i < 2; i++) {
        struct xfr_in *x = start(TYPE_IXFR, 1);
        make(&made, &head, i ? SOA "a TXT a\n" : SOA);
        cr_assert_eq(give(x, &made, &diag), XFR_IN_CURRENT, "%s", diag.text);
        cr_expect_eq(xfr_in_has_more(x), i == 1);
        xfr_in_free(x);
    }
}

Test(xfr_in, rcodes_have_twelve_bits)
{
    struct made_head head = head_of(TYPE_AXFR);
    struct diag diag;
    struct xfr_in *x = start(TYPE_AXFR, 1);
    make(&made, &head, "");
    append_raw(&made, NAME_ROOT, TYPE_OPT, 1232, (struct rdata){(const uint8_t *)"", 0});
    put_u32(made.wire + made.len - 6, 0x01000000);
    put_u16(made.wire + 6, 0);
    put_u16(made.wire + 10, 1);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_REFUSED, "%s", diag.text);
    cr_assert_eq(xfr_in_rcode(x), BADVERS);
    xfr_in_free(x);
}

/* --- random ones --- */

enum { RUNS = 300, ZONE_RECORDS = 80, STEPS = 5 };

/* Messages that hold as many records as chance has it. */
struct sender {
    struct xfr_in *x;
    uint64_t *seed;
    struct build b;
    uint8_t wire[16384];
    unsigned left, messages; /* records that the message still takes */
    enum xfr_in_next next;
    struct diag diag;
};

static void sender_begin(struct sender *s, uint16_t qtype)
{
    struct name_buf apex = name_from(ZONE);
    build_init(&s->b, s->wire, sizeof(s->wire));
    if (s->messages == 0 || rnd(s->seed, 3) == 0)
        cr_assert(build_question(&s->b, name_of(&apex), qtype, CLASS_IN));
    s->left = 2 + rnd(s->seed, 12);
}

static void sender_send(struct sender *s)
{
    cr_assert_eq(s->next, XFR_IN_MORE, "%s", s->diag.text);
    build_header(&s->b, ID, FLAG_QR | FLAG_AA);
    s->next = xfr_in_message(s->x, s->wire, s->b.len, NOW, &s->diag);
    s->messages++;
}

static void sender_put(struct sender *s, uint16_t qtype, const struct rr *rr)
{
    if (s->left == 0) {
        sender_send(s);
        sender_begin(s, qtype);
    }
    cr_assert(build_rr(&s->b, SECTION_ANSWER, rr));
    s->left--;
}

static void model_random(struct model *m, uint64_t *seed, struct name apex)
{
    m->count = 0;
    for (uint32_t n = rnd(seed, ZONE_RECORDS); n > 0; n--) {
        struct record r = record_random(seed, apex);
        if (model_find(m, &r) >= 0)
            continue;
        for (int i = 0; i < m->count; i++)
            if (same_rrset(&m->r[i], &r))
                r.ttl = m->r[i].ttl;
        m->r[m->count++] = r;
    }
}

static struct record soa_record(struct name apex, uint32_t serial)
{
    struct record r = {.type = TYPE_SOA, .ttl = 300, .len = 22};
    name_copy(&r.owner, apex);
    put_u32(r.rdata + 2, serial);
    return r;
}

Test(xfr_in, random_zones_come_as_they_are)
{
    static struct model m;
    static struct sender s;
    struct name_buf apex = name_from(ZONE);
    uint64_t seed = 20261126;
    for (unsigned run = 0; run < RUNS; run++) {
        uint16_t qtype = rnd(&seed, 2) ? TYPE_AXFR : TYPE_IXFR;
        struct record soa = soa_record(name_of(&apex), 9);
        struct rr rr = record_rr(&soa);
        model_random(&m, &seed, name_of(&apex));
        s = (struct sender){.x = start(qtype, 8), .seed = &seed};
        sender_begin(&s, qtype);
        sender_put(&s, qtype, &rr);
        for (int i = 0; i < m.count; i++) {
            struct rr one = record_rr(&m.r[i]),
                      again = record_rr(&m.r[rnd(&seed, (uint32_t)i + 1)]);
            sender_put(&s, qtype, &one);
            if (rnd(&seed, 4) == 0)
                sender_put(&s, qtype, &again); /* RFC 5936 s2.2: ignored */
        }
        sender_put(&s, qtype, &rr);
        sender_send(&s);
        cr_assert_eq(s.next, XFR_IN_WHOLE, "run %u: %s", run, s.diag.text);
        struct zone *z = xfr_in_zone(s.x);
        m.r[m.count++] = soa;
        expect_equal(z->published, &m);
        cr_assert_eq(z->published->serial, 9);
        zone_free(z);
        xfr_in_free(s.x);
    }
}

static void put_diff(struct sender *s, const struct diff *d)
{
    struct rd r = rd_over(d->bytes, d->len);
    struct name_buf apex = name_from(ZONE);
    struct diff_of of = {name_of(&apex), CLASS_IN};
    while (rd_left(&r) > 0) {
        struct rr rr;
        cr_assert_eq(diff_read(&r, &of, &rr), NULL);
        sender_put(s, TYPE_IXFR, &rr);
    }
}

/* Some records less, some more, and the next serial. */
static void change_random(struct zone *z, uint64_t *seed, uint32_t serial, struct diff *d)
{
    struct txn *t = txn_begin(z, TXN_CHANGE);
    for (uint32_t n = rnd(seed, 12); n > 0; n--) {
        struct record r = record_random(seed, name_of(&z->name));
        struct rr rr = record_rr(&r);
        if (rnd(seed, 3))
            txn_add(t, &rr);
        else if (rnd(seed, 2))
            txn_remove_name(t, rr.owner);
        else
            txn_remove(t, rr.owner, rr.type, rr.rdata);
    }
    soa_set(t, serial);
    zone_publish(z, txn_seal(&t, d));
}

Test(xfr_in, random_differences_come_as_they_are)
{
    static struct sender s;
    uint64_t seed = 1995;
    for (unsigned run = 0; run < RUNS; run++) {
        struct name_buf apex = name_from(ZONE);
        struct zone *z = zone_new(name_of(&apex), CLASS_IN);
        struct diff d[STEPS + 1];
        unsigned steps = 1 + rnd(&seed, STEPS);
        for (unsigned i = 0; i <= steps; i++)
            change_random(z, &seed, UINT32_MAX - 1 + i, &d[i]);
        struct record soa = soa_record(name_of(&apex), UINT32_MAX - 1 + steps);
        struct rr rr = record_rr(&soa);
        s = (struct sender){.x = start(TYPE_IXFR, UINT32_MAX - 1), .seed = &seed};
        sender_begin(&s, TYPE_IXFR);
        sender_put(&s, TYPE_IXFR, &rr);
        for (unsigned i = 1; i <= steps; i++)
            put_diff(&s, &d[i]);
        sender_put(&s, TYPE_IXFR, &rr);
        sender_send(&s);
        cr_assert_eq(s.next, XFR_IN_STEPS, "run %u: %s", run, s.diag.text);
        struct xfr_steps came = xfr_in_steps(s.x);
        cr_assert_eq(came.count, steps);
        for (unsigned i = 0; i < steps; i++) {
            const struct diff *a = &came.at[i]->diff, *b = &d[i + 1];
            cr_assert(a->len == b->len && a->added_at == b->added_at &&
                      memcmp(a->bytes, b->bytes, a->len) == 0);
            cr_assert(a->removed_count == b->removed_count && a->added_count == b->added_count);
            cr_assert(a->serial_from == b->serial_from && a->serial_to == b->serial_to);
        }
        for (unsigned i = 0; i <= steps; i++)
            diff_done(&d[i]);
        xfr_steps_done(&came);
        xfr_in_free(s.x);
        zone_free(z);
    }
}

/* --- large names in turns --- */

/* A message with records of two names in turns, from number `from` on. */
static void make_turns(struct made *m, unsigned from, unsigned count)
{
    struct made_head head = head_of(from ? 0 : TYPE_AXFR);
    make(m, &head, from ? "" : SOA "@ NS ns\n");
    for (unsigned i = from; i < from + count; i++) {
        struct name_buf owner = name_from(i % 2 ? "odd." ZONE : "even." ZONE);
        uint8_t address[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        append_raw(m, name_of(&owner), TYPE_A, CLASS_IN, (struct rdata){address, 4});
    }
}

static unsigned count_at(const struct version *v, const char *owner)
{
    struct name_buf n = name_from(owner);
    struct rrset set = {0};
    struct walk w;
    walk_start(&w, v);
    for (const struct node *node; (node = walk_next(&w));)
        if (name_is_equal(node_owner(node), name_of(&n)))
            (void)node_find(node, TYPE_A, &set);
    return set.count;
}

/* They are not laid open for each record, which would be the square of their number. */
Test(xfr_in, large_names_in_turns_are_sorted_first)
{
    enum { RECORDS = 20000, EACH = 1000 };
    struct made_head head = head_of(0);
    struct diag diag;
    struct xfr_in *x = start(TYPE_AXFR, 0);
    for (unsigned from = 0; from < RECORDS; from += EACH) {
        make_turns(&made, from, EACH);
        cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE, "%s", diag.text);
    }
    cr_expect_lt(txn_reopened(x->txn), 2u << 20, "square: %llu",
                 (unsigned long long)txn_reopened(x->txn));
    cr_expect_eq(x->state, XFR_IN_STATE_GATHER);
    /* of two TTLs the first one stands, also here */
    make(&made, &head, "even 60 A 10.0.0.0\nodd 60 A 192.0.2.1\n" SOA);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_WHOLE, "%s", diag.text);
    struct zone *z = xfr_in_zone(x);
    cr_expect_eq(z->published->record_count, 2 + RECORDS + 1);
    cr_expect_eq(count_at(z->published, "even." ZONE), RECORDS / 2);
    cr_expect_eq(count_at(z->published, "odd." ZONE), RECORDS / 2 + 1);
    xfr_in_free(x);
    zone_free(z);
}

/* What is gathered counts as what is kept. */
Test(xfr_in, what_is_gathered_is_limited)
{
    struct diag diag;
    struct xfr_in *x = start_limited(TYPE_AXFR, (struct xfr_in_limits){.bytes_max = 65536});
    enum xfr_in_next next = XFR_IN_MORE;
    make_turns(&made, 0, 1);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_MORE);
    x->state = XFR_IN_STATE_GATHER;
    x->count.bytes = 0;
    for (unsigned i = 1; next == XFR_IN_MORE && i < 100; i++) {
        make_turns(&made, i * 100, 100);
        next = give(x, &made, &diag);
        x->count.bytes = 0; /* of messages: as if they were compressed very well */
    }
    cr_expect_eq(next, XFR_IN_BAD);
    cr_expect_not_null(strstr(diag.text, "in memory"), "%s", diag.text);
    xfr_in_free(x);
}

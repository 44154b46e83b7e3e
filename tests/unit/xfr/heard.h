/* SPDX-License-Identifier: Apache-2.0
 * For the tests of answer streams: what a client hears of one, message by message, and lists of
 * records to compare it with. */
#ifndef TESTS_UNIT_XFR_HEARD_H
#define TESTS_UNIT_XFR_HEARD_H

#include <malloc.h>

#include "../zone/zone_util.h"
#include "xfr/out.h"

/* A record with its bytes as they came, case and all. */
struct heard_record {
    struct name_buf owner;
    uint16_t type, class;
    uint32_t ttl;
    struct rdata rdata; /* malloc'd */
};

struct heard {
    size_t count, cap;
    struct heard_record *at;
    unsigned messages;
    size_t len[20000]; /* of each message */
};

static inline void heard_add(struct heard *h, const struct rr *rr)
{
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->at = realloc(h->at, h->cap * sizeof(*h->at));
    }
    struct heard_record *r = &h->at[h->count++];
    name_copy(&r->owner, rr->owner);
    r->type = rr->type;
    r->class = rr->class;
    r->ttl = rr->ttl;
    r->rdata.len = rr->rdata.len;
    r->rdata.bytes = memcpy(malloc(rr->rdata.len + 1u), rr->rdata.bytes, rr->rdata.len);
}

static inline void heard_done(struct heard *h)
{
    for (size_t i = 0; i < h->count; i++)
        free((void *)(uintptr_t)h->at[i].rdata.bytes);
    free(h->at);
    memset(h, 0, sizeof(*h));
}

static inline int heard_compare(const void *pa, const void *pb)
{
    const struct heard_record *a = pa, *b = pb;
    int d = name_compare(name_of(&a->owner), name_of(&b->owner));
    if (!d)
        d = memcmp(a->owner.wire, b->owner.wire, a->owner.len);
    if (!d)
        d = a->type - b->type;
    if (!d)
        d = a->class - b->class;
    if (!d)
        d = (a->ttl > b->ttl) - (a->ttl < b->ttl);
    if (!d)
        d = a->rdata.len - b->rdata.len;
    return d ? d : memcmp(a->rdata.bytes, b->rdata.bytes, a->rdata.len);
}

static inline void heard_sort(struct heard *h)
{
    qsort(h->at, h->count, sizeof(*h->at), heard_compare);
}

/* The same records in the same order, from there on in a. */
static inline void expect_same_records(const struct heard *a, size_t from, size_t count,
                                       const struct heard *b)
{
    cr_assert_eq(count, b->count, "%zu and %zu records", count, b->count);
    for (size_t i = 0; i < count; i++) {
        char owner[NAME_TEXT_MAX], type[16];
        cr_assert_eq(heard_compare(&a->at[from + i], &b->at[i]), 0, "record %zu: %s %s", i,
                     name_text(name_of(&b->at[i].owner), owner), rrtype_text(b->at[i].type, type));
    }
}

static inline enum err heard_record(void *arg, const struct rr *rr,
                                    const struct master_where *where)
{
    (void)where;
    heard_add(arg, rr);
    return OK;
}

/* The records of a text in the order that they stand in, of zone files or answers. */
static inline void heard_from_text(struct heard *h, const char *origin, const char *text)
{
    struct name_buf apex = name_from(origin);
    struct master_options options = {.origin = name_of(&apex), .class = CLASS_IN};
    struct master_sink sink = {.arg = h, .record = heard_record};
    struct master_result result;
    struct diag diag = {0};
    cr_assert_eq(master_read_bytes("test", text, strlen(text), &options, &sink, &result, &diag), OK,
                 "%s", diag.text);
}

/* --- differences --- */

static inline void diff_add(struct diff *d, const struct heard_record *r)
{
    size_t more = r->owner.len + 10u + r->rdata.len;
    if (malloc_usable_size(d->bytes) < d->len + more)
        d->bytes = realloc(d->bytes, 2 * (d->len + more));
    struct wr w = wr_over(d->bytes + d->len, more);
    wr_bytes(&w, r->owner.wire, r->owner.len);
    wr_u16(&w, r->type);
    wr_u16(&w, r->class);
    wr_u32(&w, r->ttl);
    wr_u16(&w, r->rdata.len);
    wr_bytes(&w, r->rdata.bytes, r->rdata.len);
    d->len += wr_len(&w);
}

static inline uint32_t diff_part(struct diff *d, const char *origin, const char *text,
                                 uint32_t *count)
{
    struct heard h = {0};
    uint32_t serial = 0;
    heard_from_text(&h, origin, text);
    for (size_t i = 0; i < h.count; i++) {
        diff_add(d, &h.at[i]);
        if (h.at[i].type == TYPE_SOA)
            serial = soa_of(h.at[i].rdata).serial;
    }
    d->bytes = realloc(d->bytes, d->len); /* no byte more, for the sanitizers to see */
    *count = (uint32_t)h.count;
    heard_done(&h);
    return serial;
}

static inline struct diff diff_from_text(const char *origin, const char *removed, const char *added)
{
    struct diff d = {0};
    d.serial_from = diff_part(&d, origin, removed, &d.removed_count);
    d.added_at = d.len;
    d.serial_to = diff_part(&d, origin, added, &d.added_count);
    return d;
}

static inline void steps_add(struct xfr_steps *s, struct diff d)
{
    xfr_steps_add(s, xfr_step_new(&d));
}

/* RFC 1995 s7: two steps of a zone, the answer to who has serial 1, and the same in one step. */
#define JAIN          "jain.ad.jp."
#define JAIN_SOA(n)   "$TTL 300\n@ SOA ns mohta " #n " 600 600 3600000 604800\n"
#define JAIN_NEZU     "nezu A 133.69.136.5\n"
#define JAIN_BB_4     "jain-bb A 133.69.136.4\n"
#define JAIN_BB_192   "jain-bb A 192.41.197.2\n"
#define JAIN_BB_3     "jain-bb A 133.69.136.3\n"
#define JAIN_STEP_1_2 JAIN_SOA(1) JAIN_NEZU, JAIN_SOA(2) JAIN_BB_4 JAIN_BB_192
#define JAIN_STEP_2_3 JAIN_SOA(2) JAIN_BB_4, JAIN_SOA(3) JAIN_BB_3
#define JAIN_ANSWER                                                               \
    JAIN_SOA(3)                                                                   \
    JAIN_SOA(1)                                                                   \
    JAIN_NEZU JAIN_SOA(2) JAIN_BB_4 JAIN_BB_192 JAIN_SOA(2) JAIN_BB_4 JAIN_SOA(3) \
        JAIN_BB_3 JAIN_SOA(3)
#define JAIN_REMOVED JAIN_SOA(1) JAIN_NEZU
#define JAIN_ADDED   JAIN_SOA(3) JAIN_BB_192 JAIN_BB_3

/* --- messages --- */

/* A client: what it asked, and what it expects of each message. */
struct client {
    struct xfr_out_head head;
    struct tsig_session asking; /* all zero: unsigned */
    struct heard heard;
    int64_t now_us;
};

/* The whole answer section. RFC 5936 s2.2: the question is in the first message, id and flags are
 * in each. */
static inline void client_read(struct client *c, const uint8_t *wire, size_t len)
{
    static uint8_t bytes[RDATA_LEN_MAX];
    struct message m;
    bool is_first = c->heard.messages == 0;
    uint8_t *exact = memcpy(malloc(len), wire, len); /* so that nothing behind it is read */
    cr_assert(message_read_header(&m, exact, len));
    cr_assert_eq(message_read(&m), NOERROR, "message %u", c->heard.messages);
    cr_expect_eq(m.id, c->head.id);
    cr_expect_eq(m.flags, c->head.flags);
    cr_expect_eq(m.count[SECTION_QUESTION], is_first);
    cr_expect_eq(m.count[SECTION_AUTHORITY], 0);
    cr_expect_gt(m.count[SECTION_ANSWER], 0);
    cr_expect_eq(m.opt_at != 0, c->head.opt_len > 0);
    if (is_first) {
        cr_expect(name_is_same(m.qname, c->head.qname));
        cr_expect_eq(m.qtype, c->head.qtype);
        cr_expect_eq(m.qclass, c->head.qclass);
    }
    if (c->asking.is_signed) {
        cr_assert(m.tsig_at);
        cr_assert_eq(tsig_verify_answer(&c->asking, &m, c->now_us), NOERROR, "message %u: %u",
                     c->heard.messages, c->asking.error);
    } else
        cr_expect_eq(m.tsig_at, 0);
    cr_expect_eq(m.count[SECTION_ADDITIONAL], (m.opt_at != 0) + (m.tsig_at != 0));
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    struct rr rr;
    enum rr_read got;
    for (;;) {
        struct wr room = wr_over(bytes, sizeof(bytes));
        if ((got = rr_read(&reader, &room, &rr)) != RR_READ_OK)
            break;
        heard_add(&c->heard, &rr);
    }
    cr_assert_eq(got, RR_READ_END);
    cr_assert_lt(c->heard.messages, ARRAY_LEN(c->heard.len));
    c->heard.len[c->heard.messages++] = len;
    free(exact);
}

static inline void client_start(struct client *c, struct name qname, uint16_t qtype)
{
    static const struct tsig_session none;
    c->head = (struct xfr_out_head){
        .id = 4711,
        .flags = FLAG_QR | FLAG_AA,
        .qname = qname,
        .qtype = qtype,
        .qclass = CLASS_IN,
        .tsig = &none,
    };
    c->now_us = 1000000;
}

/* Hears the stream until it says something but that there is a message; gives what it says. Frees
 * the stream after the last message. */
static inline enum xfr_out_next client_hear(struct client *c, struct xfr_out *x, struct diag *diag)
{
    static uint8_t wire[DNS_MESSAGE_MAX + 64];
    enum xfr_out_next next;
    do {
        size_t len = 0;
        memset(wire, 0xa5, sizeof(wire));
        next = xfr_out_next(x, c->now_us, wire, &len, diag);
        for (size_t i = DNS_MESSAGE_MAX; i < sizeof(wire); i++)
            cr_assert_eq(wire[i], 0xa5);
        if (next == XFR_OUT_MESSAGE || next == XFR_OUT_LAST)
            client_read(c, wire, len);
    } while (next == XFR_OUT_MESSAGE);
    if (next == XFR_OUT_LAST) {
        struct xfr_out_count count = xfr_out_count(x);
        uint64_t bytes = 0;
        for (unsigned i = 0; i < c->heard.messages; i++)
            bytes += c->heard.len[i];
        cr_expect_eq(count.messages, c->heard.messages);
        cr_expect_eq(count.records, c->heard.count);
        cr_expect_eq(count.bytes, bytes);
        cr_expect_eq(c->asking.unsigned_run, 0);
        xfr_out_free(x);
    }
    return next;
}

static inline void client_done(struct client *c)
{
    heard_done(&c->heard);
    tsig_session_done(&c->asking);
}

/* The client of the test under way, and what it is to hear. */
static struct client c;
static struct heard want;

static inline void done(void)
{
    client_done(&c);
    heard_done(&want);
}

/* What ends the stream; a broken one stays so. Frees it in any case. */
static inline enum xfr_out_next first_failure(struct xfr_out *x, struct diag *diag)
{
    enum xfr_out_next next = client_hear(&c, x, diag);
    struct diag again = {0};
    static uint8_t wire[DNS_MESSAGE_MAX];
    size_t len;
    if (next == XFR_OUT_BROKEN) {
        cr_expect_eq(xfr_out_next(x, c.now_us, wire, &len, &again), XFR_OUT_BROKEN);
        xfr_out_free(x);
    }
    return next;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * dns/build: what is written can be read back, nothing is cut, nothing goes beyond the limit
 * (RFC 1035 s4.1.4, RFC 3597 s4). */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "dns/build.h"
#include "dns/message.h"
#include "../slow.h"
#include "unit.h"

#define BUF_MAX 65535

static struct name named(struct name_buf *buf, const char *text)
{
    struct diag diag;
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, buf, &diag), OK, "%s", text);
    return name_of(buf);
}

/* Rdata that is `head` zero bytes and a name. */
static struct rdata with_name(uint8_t *room, size_t head, struct name n)
{
    memset(room, 0, head);
    memcpy(room + head, n.wire, n.len);
    return (struct rdata){room, (uint16_t)(head + n.len)};
}

static size_t name_record_len(struct build *b, const char *owner, uint16_t type, size_t head,
                              const char *target)
{
    struct name_buf o, t;
    uint8_t room[300];
    size_t before = b->len;
    struct rr rr = {.owner = named(&o, owner), .type = type, .class = CLASS_IN, .ttl = 60};
    rr.rdata = with_name(room, head, named(&t, target));
    cr_assert(build_rr(b, SECTION_ANSWER, &rr));
    return b->len - before;
}

static void start(struct build *b, uint8_t *wire, size_t limit, const char *qname)
{
    struct name_buf buf;
    build_init(b, wire, limit);
    cr_assert(build_question(b, named(&buf, qname), TYPE_A, CLASS_IN));
}

/* Lengths as compression allows: owner + 10 + rdata. */
Test(build, compresses_owners_and_names_of_old_types)
{
    static const struct {
        const char *owner;
        uint16_t type;
        size_t head;
        const char *target;
        size_t len;
    } rows[] = {
        {"www.example.com.", TYPE_NS, 0, "www.example.com.", 2 + 10 + 2},
        {"example.com.", TYPE_NS, 0, "ns.example.com.", 2 + 10 + 3 + 2},
        {"com.", TYPE_NS, 0, "ns.example.com.", 2 + 10 + 2},
        {"ns.example.com.", TYPE_MX, 2, "mx.ns.example.com.", 2 + 10 + 2 + 3 + 2},
        {"mx.ns.example.com.", TYPE_CNAME, 0, "other.test.", 2 + 10 + 6 + 5 + 1},
        {"other.test.", TYPE_PTR, 0, "test.", 2 + 10 + 2},
        {".", TYPE_NS, 0, ".", 1 + 10 + 1},
        /* RFC 3597 s4: only types of RFC 1035; but the owner of any type */
        {"www.example.com.", TYPE_SRV, 6, "www.example.com.", 2 + 10 + 6 + 17},
        {"www.example.com.", TYPE_DNAME, 0, "www.example.com.", 2 + 10 + 17},
        {"www.example.com.", TYPE_AFSDB, 2, "www.example.com.", 2 + 10 + 2 + 17},
        {"new.example.com.", TYPE_KX, 2, "www.example.com.", 4 + 2 + 10 + 2 + 17},
    };
    uint8_t wire[BUF_MAX];
    struct build b;
    start(&b, wire, sizeof(wire), "www.example.com.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(name_record_len(&b, rows[i].owner, rows[i].type, rows[i].head, rows[i].target),
                     rows[i].len, "row %zu: %s %s", i, rows[i].owner, rows[i].target);
}

/* RFC 4343 s4.1 leaves the choice: names are only merged when their case is the same, so that
 * case survives. */
Test(build, keeps_the_case_of_names_in_rdata)
{
    uint8_t wire[BUF_MAX], storage[512];
    struct build b;
    start(&b, wire, sizeof(wire), "www.example.com.");
    name_record_len(&b, "www.example.com.", TYPE_CNAME, 0, "WWW.Example.com.");
    build_header(&b, 1, FLAG_QR);
    struct message m;
    struct rr rr;
    struct wr rdata = wr_over(storage, sizeof(storage));
    cr_assert(message_read_header(&m, wire, b.len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    cr_assert_eq(rr_read(&reader, &rdata, &rr), RR_READ_OK);
    cr_expect_eq(memcmp(rr.rdata.bytes, "\3WWW\7Example\3com", 17), 0);
}

Test(build, echoes_the_case_of_the_question_in_owners)
{
    uint8_t wire[BUF_MAX];
    struct build b;
    start(&b, wire, sizeof(wire), "wWw.ExAmPlE.cOm.");
    cr_expect_eq(name_record_len(&b, "www.example.com.", TYPE_NS, 0, "."), 2 + 10 + 1);
    cr_expect_eq(name_record_len(&b, "EXAMPLE.com.", TYPE_NS, 0, "."), 2 + 10 + 1);
    cr_expect_eq(get_u16(wire + 12 + 17 + 4), 0xc00c);
}

/* --- limits --- */

Test(build, writes_all_of_a_step_or_nothing)
{
    uint8_t wire[BUF_MAX];
    struct name_buf q, o;
    uint8_t data[] = {0, 4, 192, 0, 2, 1, 0, 4, 192, 0, 2, 2, 0, 4, 192, 0, 2, 3};
    size_t question = 12 + 17 + 4, records = 3 * 16;
    for (size_t limit = 12; limit <= question + records + 2; limit++) {
        struct build b;
        memset(wire, 0xee, sizeof(wire));
        build_init(&b, wire, limit);
        bool has_question = build_question(&b, named(&q, "www.example.com."), TYPE_A, CLASS_IN);
        cr_expect_eq(has_question, limit >= question, "limit %zu", limit);
        if (!has_question) {
            cr_expect_eq(b.len, 12);
            continue;
        }
        bool is_written = build_records(&b, SECTION_ANSWER, named(&o, "www.example.com."), TYPE_A,
                                        CLASS_IN, 60, data, 3);
        cr_expect_eq(is_written, limit >= question + records, "limit %zu", limit);
        cr_expect_eq(b.len, is_written ? question + records : question, "limit %zu", limit);
        cr_expect_eq(b.count[SECTION_ANSWER], is_written ? 3 : 0);
        for (size_t i = limit; i < limit + 32; i++)
            cr_assert_eq(wire[i], 0xee, "limit %zu: wrote at %zu", limit, i);
    }
}

Test(build, keeps_what_is_reserved)
{
    uint8_t wire[512];
    struct build b;
    start(&b, wire, 100, "example.com."); /* 12 + 13 + 4 */
    cr_expect_eq(build_room(&b), 71);
    cr_expect_not(build_reserve(&b, 72));
    cr_assert(build_reserve(&b, 60));
    cr_expect_eq(build_room(&b), 11);
    struct name_buf o;
    uint8_t address[4] = {192, 0, 2, 1};
    struct rr rr = {.owner = named(&o, "example.com."),
                    .type = TYPE_A,
                    .class = CLASS_IN,
                    .rdata = {address, 4}};
    cr_expect_not(build_rr(&b, SECTION_ANSWER, &rr));
    cr_expect_eq(build_room(&b), 11);
    build_release(&b, 60);
    cr_expect(build_rr(&b, SECTION_ANSWER, &rr));
    cr_expect_eq(build_room(&b), 71 - 16);
}

Test(build, cannot_release_more_than_is_reserved, .signal = SIGABRT)
{
    uint8_t wire[512];
    struct build b;
    build_init(&b, wire, sizeof(wire));
    build_reserve(&b, 10);
    build_release(&b, 11);
}

/* After an undo the bytes are what they would be without what was undone; names in it are not
 * pointed to any more. */
Test(build, forgets_what_is_undone)
{
    uint8_t one[1024], two[1024];
    struct build a, b;
    start(&a, one, sizeof(one), "example.");
    start(&b, two, sizeof(two), "example.");
    name_record_len(&a, "a.example.", TYPE_NS, 0, "ns.a.example.");
    name_record_len(&b, "a.example.", TYPE_NS, 0, "ns.a.example.");
    struct build_mark mark = build_mark(&a);
    name_record_len(&a, "gone.test.", TYPE_MX, 2, "mail.gone.test.");
    name_record_len(&a, "b.example.", TYPE_PTR, 0, "b.gone.test.");
    build_undo(&a, mark);
    name_record_len(&a, "gone.test.", TYPE_NS, 0, "b.example.");
    name_record_len(&b, "gone.test.", TYPE_NS, 0, "b.example.");
    name_record_len(&a, "mail.gone.test.", TYPE_NS, 0, "ns.a.example.");
    name_record_len(&b, "mail.gone.test.", TYPE_NS, 0, "ns.a.example.");
    build_header(&a, 7, FLAG_QR);
    build_header(&b, 7, FLAG_QR);
    cr_assert_eq(a.len, b.len);
    cr_expect_eq(memcmp(one, two, a.len), 0);
}

/* Labels that differ in few places only, as hosts in a row do or as someone makes them who knows
 * how names are looked up: each is the one that was written, whether it was remembered or not. */
Test(build, tells_labels_apart_that_look_alike)
{
    enum { NAMES = 236 };
    uint8_t *wire = malloc(BUF_MAX), rdata[300];
    struct build b;
    struct name_buf name;
    start(&b, wire, BUF_MAX, "example.");
    for (unsigned i = 0; i < 2 * NAMES; i++) {
        char text[32];
        snprintf(text, sizeof(text), "a%cm%cz.example.", "0123456789abcdef"[i % NAMES / 16],
                 "0123456789abcdef"[i % 16]);
        struct rr rr = {NAME_ROOT, TYPE_NS, CLASS_IN, i, with_name(rdata, 0, named(&name, text))};
        cr_assert(build_rr(&b, SECTION_ANSWER, &rr));
    }
    build_header(&b, 1, FLAG_QR);
    struct message m;
    struct rr rr;
    cr_assert(message_read_header(&m, wire, b.len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    for (unsigned i = 0; i < 2 * NAMES; i++) {
        struct wr out = wr_over(rdata, sizeof(rdata));
        cr_assert_eq(rr_read(&reader, &out, &rr), RR_READ_OK);
        cr_assert_eq(rr.rdata.bytes[2], "0123456789abcdef"[i % NAMES / 16], "%u", i);
        cr_assert_eq(rr.rdata.bytes[4], "0123456789abcdef"[i % 16], "%u", i);
    }
    free(wire);
}

/* --- round trip with random names --- */

static uint32_t lcg(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Few labels, so that suffixes meet; sometimes long ones, so that names are up to 255 bytes;
 * both cases. */
static struct name random_name(uint32_t *state, struct name_buf *out)
{
    static const char *const labels[] = {
        "a",
        "A",
        "bb",
        "example",
        "Example",
        "com",
        "www",
        "*",
        "_tcp",
        "x-y",
        "long-label-0123456789-0123456789-0123456789-0123456789-012345"};
    size_t at = 0;
    for (unsigned count = lcg(state) % 9; count-- > 0;) {
        const char *label = labels[lcg(state) % ARRAY_LEN(labels)];
        size_t len = strlen(label);
        if (at + len + 2 > NAME_LEN_MAX)
            break;
        out->wire[at] = (uint8_t)len;
        memcpy(out->wire + at + 1, label, len);
        at += len + 1;
    }
    out->wire[at] = 0;
    out->len = (uint8_t)(at + 1);
    return name_of(out);
}

struct written {
    struct name_buf owner;
    uint16_t type, len;
    uint8_t rdata[600];
};

static void random_record(uint32_t *state, struct written *w)
{
    static const struct {
        uint16_t type;
        uint8_t head, names, tail;
    } kinds[] = {{TYPE_NS, 0, 1, 0},  {TYPE_MX, 2, 1, 0}, {TYPE_SOA, 0, 2, 20},
                 {TYPE_SRV, 6, 1, 0}, {TYPE_A, 4, 0, 0},  {TYPE_DNAME, 0, 1, 0},
                 {TYPE_PTR, 0, 1, 0}, {65281, 17, 0, 0}};
    size_t kind = lcg(state) % ARRAY_LEN(kinds);
    struct wr out = wr_over(w->rdata, sizeof(w->rdata));
    struct name_buf name;
    random_name(state, &w->owner);
    w->type = kinds[kind].type;
    for (unsigned i = 0; i < kinds[kind].head; i++)
        wr_u8(&out, (uint8_t)lcg(state));
    for (unsigned i = 0; i < kinds[kind].names; i++) {
        struct name n = random_name(state, &name);
        wr_bytes(&out, n.wire, n.len);
    }
    for (unsigned i = 0; i < kinds[kind].tail; i++)
        wr_u8(&out, (uint8_t)lcg(state));
    w->len = (uint16_t)wr_len(&out);
}

static void read_back(const uint8_t *wire, size_t len, const struct written *all, unsigned count,
                      uint32_t seed)
{
    uint8_t *storage = malloc(RDATA_LEN_MAX);
    struct message m;
    struct rr rr;
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR, "seed %u", seed);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    for (unsigned i = 0; i < count; i++) {
        struct wr rdata = wr_over(storage, RDATA_LEN_MAX);
        cr_assert_eq(rr_read(&reader, &rdata, &rr), RR_READ_OK, "seed %u record %u", seed, i);
        cr_assert(name_is_equal(rr.owner, name_of(&all[i].owner)), "seed %u record %u", seed, i);
        cr_assert_eq(rr.type, all[i].type);
        cr_assert_eq(rr.ttl, i);
        cr_assert_eq(rr.rdata.len, all[i].len, "seed %u record %u", seed, i);
        cr_assert_eq(memcmp(rr.rdata.bytes, all[i].rdata, all[i].len), 0, "seed %u record %u", seed,
                     i);
    }
    cr_expect_eq(rr_read(&reader, &(struct wr){0}, &rr), RR_READ_END);
    free(storage);
}

static void round_trip(uint32_t seed)
{
    enum { RECORDS_MAX = 400 };
    static struct written all[RECORDS_MAX + 1];
    uint32_t state = seed;
    size_t limit = 512 + lcg(&state) % (seed % 5 ? 4000 : 65000);
    uint8_t *wire = malloc(limit); /* of exact size, for the sanitizer */
    struct build b;
    struct name_buf qname;
    unsigned count = 0, misses = 0;
    build_init(&b, wire, limit);
    cr_assert(build_question(&b, random_name(&state, &qname), TYPE_ANY, CLASS_IN));
    while (count < RECORDS_MAX && misses < 3) {
        struct build_mark mark = build_mark(&b);
        struct written *w = &all[count];
        random_record(&state, w);
        struct rr rr = {name_of(&w->owner), w->type, CLASS_IN, count, {w->rdata, w->len}};
        bool is_written = build_rr(&b, SECTION_ANSWER, &rr);
        misses += !is_written;
        if (is_written && lcg(&state) % 4 == 0)
            build_undo(&b, mark);
        else
            count += is_written;
    }
    build_header(&b, 1, FLAG_QR);
    cr_expect_leq(b.len, limit);
    cr_expect_eq(b.count[SECTION_ANSWER], count);
    read_back(wire, b.len, all, count, seed);
    free(wire);
}

Test(build, is_read_back_as_it_was_written)
{
    for (uint32_t seed = 1; seed <= cases(1500, 400); seed++)
        round_trip(seed);
}

/* RFC 1035 s4.1.4: a pointer has 14 bits, so names beyond 16383 are written out and never
 * pointed to. */
Test(build, does_not_point_beyond_16383)
{
    uint8_t *wire = malloc(BUF_MAX);
    struct build b;
    start(&b, wire, BUF_MAX, "example.");
    uint8_t filler[250] = {249};
    struct name_buf o;
    while (b.len < 17000) {
        struct rr rr = {named(&o, "example."), TYPE_TXT, CLASS_IN, 0, {filler, sizeof(filler)}};
        cr_assert(build_rr(&b, SECTION_ANSWER, &rr));
    }
    cr_expect_eq(name_record_len(&b, "late.test.", TYPE_NS, 0, "example."), 11 + 10 + 2);
    cr_expect_eq(name_record_len(&b, "late.test.", TYPE_NS, 0, "late.test."), 11 + 10 + 11);
    build_header(&b, 1, FLAG_QR);
    struct message m;
    cr_assert(message_read_header(&m, wire, b.len));
    cr_expect_eq(message_read(&m), NOERROR);
    free(wire);
}

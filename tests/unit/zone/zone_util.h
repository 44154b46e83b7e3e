/* SPDX-License-Identifier: Apache-2.0
 * For the tests of zone/: a seeded random source, names from few labels, records of a naive
 * model. */
#ifndef ZONE_UTIL_H
#define ZONE_UTIL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "dns/master.h"
#include "dns/rr.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/txn.h"
#include "zone/zone.h"
#include "unit.h"

/* xorshift: the same sequence on every machine */
static inline uint32_t rnd(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16) % below;
}

static inline struct name_buf name_from(const char *text)
{
    struct name_buf n;
    struct diag d = {0};
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, &n, &d), OK, "%s: %s", text, d.text);
    return n;
}

/* A name under the apex with up to `depth` labels of few kinds, so that names meet: shared
 * prefixes, escapes, case, "*". */
static inline struct name_buf name_random(uint64_t *state, struct name apex, unsigned depth)
{
    static const char *const labels[] = {"a",  "b", "A",     "ab",     "aB", "abc", "b-1",
                                         "_x", "*", "\\000", "\\255a", "0",  "{",   "-"};
    struct name_buf n, next;
    name_copy(&n, apex);
    for (unsigned left = rnd(state, depth + 1); left > 0; left--) {
        struct name_buf label = name_from(labels[rnd(state, ARRAY_LEN(labels))]);
        cr_assert(name_join(name_of(&label), name_of(&n), &next));
        n = next;
    }
    return n;
}

/* One record of the model. Owner and rdata in place. */
struct record {
    struct name_buf owner;
    uint16_t type;
    uint32_t ttl;
    uint16_t len;
    uint8_t rdata[64];
};

static inline struct rr record_rr(const struct record *r)
{
    return (struct rr){name_of(&r->owner), r->type, CLASS_IN, r->ttl, {r->rdata, r->len}};
}

static inline struct record record_random(uint64_t *seed, struct name apex)
{
    static const uint16_t types[] = {TYPE_A,     TYPE_A,     TYPE_NS,    TYPE_TXT, TYPE_CNAME,
                                     TYPE_RRSIG, TYPE_NSEC3, TYPE_DNAME, 65400};
    struct record r = {.owner = name_random(seed, apex, 3), .ttl = 60 * (1 + rnd(seed, 2))};
    r.type = types[rnd(seed, ARRAY_LEN(types))];
    struct name_buf target = name_random(seed, apex, 1);
    switch (r.type) {
    case TYPE_A:
        r.len = 4;
        r.rdata[3] = (uint8_t)rnd(seed, 4);
        break;
    case TYPE_TXT:
        r.len = 2;
        r.rdata[0] = 1;
        r.rdata[1] = (uint8_t) "xXy"[rnd(seed, 3)];
        break;
    case TYPE_RRSIG:
        r.len = 18 + 1 + 4;
        put_u16(r.rdata, (uint16_t[]){TYPE_A, TYPE_NSEC3, TYPE_MX, TYPE_CNAME}[rnd(seed, 4)]);
        r.rdata[20] = (uint8_t)rnd(seed, 2);
        break;
    case TYPE_NSEC3:
        r.len = 6 + 20;
        r.rdata[0] = 1;
        r.rdata[5] = 20;
        r.rdata[7] = (uint8_t)rnd(seed, 2);
        break;
    case 65400:
        r.len = (uint16_t)rnd(seed, 40);
        break;
    default: /* names, in any case */
        r.len = target.len;
        memcpy(r.rdata, target.wire, target.len);
    }
    return r;
}

/* RRSIGs form RRsets by what they cover. */
static inline uint32_t record_order(const struct record *r)
{
    return r->type == TYPE_RRSIG ? get_u16(r->rdata) * 2u + 1 : r->type * 2u;
}

static inline bool record_in_nsec3(const struct record *r)
{
    return record_order(r) / 2 == TYPE_NSEC3;
}

/* The order of walk_next(): NSEC3 last, then canonical owners, then types, then canonical rdata. */
static inline int record_compare(const void *pa, const void *pb)
{
    const struct record *a = pa, *b = pb;
    if (record_in_nsec3(a) != record_in_nsec3(b))
        return record_in_nsec3(a) ? 1 : -1;
    int d = name_compare(name_of(&a->owner), name_of(&b->owner));
    if (d)
        return d;
    if (record_order(a) != record_order(b))
        return record_order(a) < record_order(b) ? -1 : 1;
    return rdata_compare(a->type, (struct rdata){a->rdata, a->len},
                         (struct rdata){b->rdata, b->len});
}

/* A zone as a list of records in no order. */
enum { RECORDS_MAX = 600 };

struct model {
    int count;
    struct record r[RECORDS_MAX];
};

static inline int model_find(const struct model *m, const struct record *r)
{
    for (int i = 0; i < m->count; i++)
        if (record_compare(&m->r[i], r) == 0)
            return i;
    return -1;
}

static inline bool same_rrset(const struct record *a, const struct record *b)
{
    return record_order(a) == record_order(b) &&
           name_is_equal(name_of(&a->owner), name_of(&b->owner));
}

static inline void expect_equal(const struct version *v, const struct model *m)
{
    static struct record sorted[RECORDS_MAX];
    memcpy(sorted, m->r, (size_t)m->count * sizeof(*sorted));
    qsort(sorted, (size_t)m->count, sizeof(*sorted), record_compare);
    struct walk w;
    int at = 0;
    uint64_t nodes = 0, stars = 0;
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w)); nodes++) {
        for (const uint8_t *p = n->bytes; *p; p += *p + 1)
            if (p[0] == 1 && p[1] == '*') {
                stars++;
                break;
            }
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            for (struct rdata d = rrset_first(s); d.bytes; d = rrset_next(s, d), at++) {
                cr_assert_lt(at, m->count);
                const struct record *want = &sorted[at];
                cr_assert(name_is_equal(node_owner(n), name_of(&want->owner)));
                cr_assert_eq(s.type, want->type);
                cr_assert_eq(s.ttl, want->ttl);
                cr_assert_eq(rdata_compare(s.type, d, (struct rdata){want->rdata, want->len}), 0);
            }
    }
    cr_assert_eq(at, m->count);
    cr_assert_eq(v->record_count, (uint64_t)m->count);
    cr_assert_eq(v->node_count, nodes);
    cr_assert_eq(v->wildcard_count, stars);
}

/* The SOA at the apex gets that serial. */
static inline void soa_set(struct txn *t, uint32_t serial)
{
    struct name apex = name_of(&txn_zone(t)->name);
    uint8_t rdata[2 + 20] = {0, 0};
    put_u32(rdata + 2, serial);
    struct rr rr = {apex, TYPE_SOA, CLASS_IN, 300, {rdata, sizeof(rdata)}};
    txn_remove_rrset(t, apex, TYPE_SOA);
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
}

/* Both versions have the same nodes, byte for byte, in the same order. */
static inline void expect_same_bytes(const struct version *a, const struct version *b)
{
    struct walk wa, wb;
    walk_start(&wa, a);
    walk_start(&wb, b);
    for (;;) {
        const struct node *na = walk_next(&wa), *nb = walk_next(&wb);
        char text[NAME_TEXT_MAX];
        cr_assert_eq(na == NULL, nb == NULL);
        if (!na)
            break;
        cr_assert(na->size == nb->size && memcmp(na, nb, na->size) == 0, "at %s",
                  name_text(node_owner(na), text));
    }
    cr_assert_eq(a->serial, b->serial);
    cr_assert_eq(a->node_count, b->node_count);
    cr_assert_eq(a->record_count, b->record_count);
    cr_assert_eq(a->byte_count, b->byte_count);
    cr_assert_eq(a->wildcard_count, b->wildcard_count);
}

static inline enum err zone_util_record(void *arg, const struct rr *rr,
                                        const struct master_where *where)
{
    enum txn_effect effect = txn_add(arg, rr);
    cr_assert(effect == TXN_DONE, "line %u", where->line);
    return OK;
}

/* A zone with one published version, from zone file text. */
static inline struct zone *zone_from_text(const char *apex_text, const char *text)
{
    struct name_buf apex = name_from(apex_text);
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct master_options options = {.origin = name_of(&apex), .class = CLASS_IN};
    struct master_sink sink = {.arg = t, .record = zone_util_record};
    struct master_result result;
    struct diag diag = {0};
    cr_assert_eq(master_read_bytes("test", text, strlen(text), &options, &sink, &result, &diag), OK,
                 "%s", diag.text);
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

/* What a snapshot of the version loads, into a zone of its own: *build is its txn, open. */
static inline struct zone *copy_begin(const struct version *v, struct txn **build)
{
    struct zone *z = zone_new(name_of(&v->zone->name), CLASS_IN);
    struct image_writer w;
    struct diag diag = {0};
    size_t len;
    *build = txn_begin(z, TXN_BUILD);
    image_writer_start(&w, v);
    for (uint8_t *chunk; (chunk = image_next(&w, &len)); free(chunk))
        cr_assert_eq(image_load(*build, chunk, len, &diag), OK, "%s", diag.text);
    return z;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Differences of two versions: random pairs of zones against lists of records compared naively, and
 * by hand what is about serials. */
#include "zone/contrast.h"
#include "zone_util.h"
#include "../slow.h"

enum { RUNS = 400, RECORDS = 60 };

#define ZONE "example."

static void add(struct model *m, struct record r)
{
    if (m->count == RECORDS_MAX || model_find(m, &r) >= 0)
        return;
    for (int i = 0; i < m->count; i++)
        if (same_rrset(&m->r[i], &r))
            r.ttl = m->r[i].ttl;
    m->r[m->count++] = r;
}

static void soa_add(struct model *m, struct name apex, uint32_t serial)
{
    struct record r = {.type = TYPE_SOA, .ttl = 300, .len = 22};
    name_copy(&r.owner, apex);
    put_u32(r.rdata + 2, serial);
    add(m, r);
}

/* b becomes a with some records less, some more and some RRsets with another TTL. */
static void change(struct model *b, const struct model *a, uint64_t *seed, struct name apex)
{
    b->count = 0;
    uint32_t keeps = rnd(seed, 10);
    for (int i = 0; i < a->count; i++)
        if (a->r[i].type != TYPE_SOA && rnd(seed, 10) <= keeps)
            add(b, a->r[i]);
    for (uint32_t n = rnd(seed, 10); n > 0; n--)
        add(b, record_random(seed, apex));
    for (uint32_t n = rnd(seed, 3); n > 0 && b->count > 0; n--) {
        struct record like = b->r[rnd(seed, (uint32_t)b->count)];
        for (int i = 0; i < b->count; i++)
            if (same_rrset(&b->r[i], &like))
                b->r[i].ttl = 4000;
    }
}

static struct zone *zone_of(const struct model *m, struct name apex)
{
    struct zone *z = zone_new(apex, CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    for (int i = 0; i < m->count; i++) {
        struct rr rr = record_rr(&m->r[i]);
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

static int model_find_same(const struct model *m, const struct record *r)
{
    int at = model_find(m, r);
    bool is_same =
        at >= 0 && m->r[at].ttl == r->ttl && memcmp(m->r[at].rdata, r->rdata, r->len) == 0;
    return is_same ? at : -1;
}

/* The part of a diff is each record of `here` that is not in `there`, once; the SOA first. */
static void expect_part(struct rd r, const struct model *here, const struct model *there,
                        struct name apex, uint32_t count)
{
    struct diff_of of = {apex, CLASS_IN};
    uint32_t want = 0, got = 0;
    for (int i = 0; i < here->count; i++)
        want += model_find_same(there, &here->r[i]) < 0;
    struct record last = {0};
    for (; rd_left(&r) > 0; got++) {
        struct rr rr;
        struct record one = {0};
        cr_assert_eq(diff_read(&r, &of, &rr), NULL);
        name_copy(&one.owner, rr.owner);
        one.type = rr.type;
        one.ttl = rr.ttl;
        one.len = rr.rdata.len;
        memcpy(one.rdata, rr.rdata.bytes, rr.rdata.len);
        cr_assert(model_find_same(here, &one) >= 0);
        cr_assert(model_find_same(there, &one) < 0);
        cr_assert(rr.type != TYPE_SOA || got == 0);
        if (got > 1) /* in order, so none is there twice */
            cr_assert_lt(record_compare(&last, &one), 0);
        last = one;
    }
    cr_assert_eq(got, want);
    cr_assert_eq(count, want);
}

static void apply(struct zone *z, const struct diff *d)
{
    struct txn *t = txn_begin(z, TXN_CHANGE);
    struct diff_bytes bytes = {d->bytes, d->len, d->added_at};
    struct diag diag = {0};
    cr_assert_eq(txn_apply(t, &bytes, &diag), OK, "%s", diag.text);
    zone_publish(z, txn_seal(&t, NULL));
}

Test(contrast, of_random_zones_is_what_they_differ_in)
{
    static struct model a, b;
    struct name_buf apex = name_from(ZONE);
    uint64_t seed = 17;
    for (unsigned run = 0; run < cases(RUNS, RUNS / 3); run++) {
        a.count = 0;
        for (uint32_t n = rnd(&seed, RECORDS); n > 0; n--)
            add(&a, record_random(&seed, name_of(&apex)));
        change(&b, &a, &seed, name_of(&apex));
        soa_add(&a, name_of(&apex), 5);
        soa_add(&b, name_of(&apex), 4 + rnd(&seed, 4));
        struct zone *za = zone_of(&a, name_of(&apex)), *zb = zone_of(&b, name_of(&apex));
        struct diff d;
        contrast_versions(za->published, zb->published, &d);
        expect_part(rd_over(d.bytes, d.added_at), &a, &b, name_of(&apex), d.removed_count);
        expect_part(rd_over(d.bytes + d.added_at, d.len - d.added_at), &b, &a, name_of(&apex),
                    d.added_count);
        cr_assert(d.serial_from == 5 && d.serial_to == zb->published->serial);
        apply(za, &d);
        expect_equal(za->published, &b);
        diff_done(&d);
        zone_free(za);
        zone_free(zb);
    }
}

#define SOA(serial) "@ SOA ns h " serial " 3600 900 1209600 300\n"

static const struct row {
    const char *what, *from, *to;
    uint32_t removed, added;
} rows[] = {
    {"the same", SOA("1") "a TXT a\n", SOA("1") "a TXT a\n", 0, 0},
    {"only the serial", SOA("1") "a TXT a\n", SOA("2") "a TXT a\n", 1, 1},
    {"only the serial, back", SOA("2") "a TXT a\n", SOA("1") "a TXT a\n", 1, 1},
    {"one serial, other data", SOA("1") "a TXT a\n", SOA("1") "a TXT b\n", 1, 1},
    {"from nothing", "", SOA("1") "a TXT a\nb TXT b\n", 0, 3},
    {"to nothing", SOA("1") "a TXT a\n", "", 2, 0},
    {"nothing to nothing", "", "", 0, 0},
    {"case of an owner", SOA("1") "a TXT a\n", SOA("1") "A TXT a\n", 0, 0},
    {"case in rdata", SOA("1") "a NS a\n", SOA("1") "a NS A\n", 1, 1},
    {"another TTL", SOA("1") "a TXT a\na TXT b\n", SOA("1") "a 60 TXT a\na 60 TXT b\n", 2, 2},
    {"at the apex", SOA("1") "@ NS a\n", SOA("2") "@ NS b\n", 2, 2},
    {"NSEC3 come and go",
     SOA("1") "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A\n",
     SOA("1") "1123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv "
              "A\nz TXT z\n",
     1, 2},
};

Test(contrast, rows)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct zone *a = zone_from_text(ZONE, r->from), *b = zone_from_text(ZONE, r->to);
        struct diff d;
        contrast_versions(a->published, b->published, &d);
        cr_assert_eq(d.removed_count, r->removed, "%s", r->what);
        cr_assert_eq(d.added_count, r->added, "%s", r->what);
        cr_assert(d.serial_from == a->published->serial && d.serial_to == b->published->serial);
        cr_assert_eq(d.len == 0, r->removed + r->added == 0, "%s", r->what);
        diff_done(&d);
        zone_free(a);
        zone_free(b);
    }
}

/* Versions of one zone: the same as the txn between them says. */
Test(contrast, of_two_versions_of_a_zone_is_the_txns_own)
{
    struct zone *z = zone_from_text(ZONE, SOA("1") "a TXT a\nb TXT b\n");
    struct zone *copy = zone_from_text(ZONE, SOA("1") "a TXT a\nb TXT b\n");
    struct name_buf owner = name_from("a." ZONE);
    struct txn *t = txn_begin(z, TXN_CHANGE);
    struct diff by_txn, d;
    txn_remove_name(t, name_of(&owner));
    soa_set(t, 2);
    zone_publish(z, txn_seal(&t, &by_txn));
    contrast_versions(copy->published, z->published, &d);
    cr_assert(d.len == by_txn.len && d.added_at == by_txn.added_at &&
              memcmp(d.bytes, by_txn.bytes, d.len) == 0);
    diff_done(&d);
    diff_done(&by_txn);
    zone_free(z);
    zone_free(copy);
}

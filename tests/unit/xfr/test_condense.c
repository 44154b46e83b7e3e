/* SPDX-License-Identifier: Apache-2.0
 * xfr/condense: the condensed step leads where the row leads, by a naive model of sets and by
 * txn_apply(), and has nothing in it that the row takes back. */
#include "heard.h"
#include "../slow.h"

static struct xfr_step *condensed(const struct xfr_steps *s)
{
    struct xfr_step *step = xfr_condense(s);
    cr_assert(step);
    return step;
}

/* One part of a diff as records, in any order; the SOA first. */
static void read_part(struct heard *h, const struct diff *d, bool is_added, struct name apex)
{
    struct diff_of of = {apex, CLASS_IN};
    struct rd r = is_added ? rd_over(d->bytes + d->added_at, d->len - d->added_at)
                           : rd_over(d->bytes, d->added_at);
    while (rd_left(&r)) {
        struct rr rr;
        cr_assert_null(diff_read(&r, &of, &rr));
        cr_expect_eq(rr.type == TYPE_SOA, h->count == 0);
        heard_add(h, &rr);
    }
    cr_expect_eq(h->count, is_added ? d->added_count : d->removed_count);
}

static void expect_part(const struct diff *d, bool is_added, const char *origin, const char *text)
{
    struct name_buf apex = name_from(origin);
    struct heard have = {0}, wanted = {0};
    read_part(&have, d, is_added, name_of(&apex));
    heard_from_text(&wanted, origin, text);
    heard_sort(&have);
    heard_sort(&wanted);
    expect_same_records(&have, 0, have.count, &wanted);
    heard_done(&have);
    heard_done(&wanted);
}

Test(condense, does_as_rfc_1995_shows)
{
    struct xfr_steps steps = {0};
    steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_1_2));
    steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_2_3));
    struct xfr_step *step = condensed(&steps);
    xfr_steps_done(&steps);
    cr_expect_eq(step->diff.serial_from, 1);
    cr_expect_eq(step->diff.serial_to, 3);
    expect_part(&step->diff, false, JAIN, JAIN_REMOVED);
    expect_part(&step->diff, true, JAIN, JAIN_ADDED);
    xfr_step_release(step);
}

#define SOA(n) "$TTL 300\n@ SOA a a " #n " 0 0 0 0\n"

/* Two steps from 1 to 3, and what is left of them. */
static const struct row {
    const char *what;
    const char *removed_1, *added_1, *removed_2, *added_2;
    const char *removed, *added; /* NULL: nothing comes of it */
} rows[] = {
    {"nothing", SOA(1), SOA(2), SOA(2), SOA(3), SOA(1), SOA(3)},
    {"added and removed", SOA(1), SOA(2) "a TXT x", SOA(2) "a TXT x", SOA(3), SOA(1), SOA(3)},
    {"removed and added", SOA(1) "a TXT x", SOA(2), SOA(2), SOA(3) "a TXT x", SOA(1), SOA(3)},
    {"removed and added in one step", SOA(1) "a TXT x", SOA(2) "a TXT x", SOA(2), SOA(3), SOA(1),
     SOA(3)},
    {"another TTL", SOA(1) "a 300 TXT x", SOA(2) "a 60 TXT x", SOA(2), SOA(3), SOA(1) "a 300 TXT x",
     SOA(3) "a 60 TXT x"},
    {"another TTL and back", SOA(1) "a 300 TXT x", SOA(2) "a 60 TXT x", SOA(2) "a 60 TXT x",
     SOA(3) "a 300 TXT x", SOA(1), SOA(3)},
    {"the second TTL counts", SOA(1), SOA(2) "a 300 TXT x", SOA(2) "a 300 TXT x",
     SOA(3) "a 60 TXT x", SOA(1), SOA(3) "a 60 TXT x"},
    {"another case in rdata", SOA(1) "a NS b", SOA(2), SOA(2), SOA(3) "a NS B", SOA(1) "a NS b",
     SOA(3) "a NS B"},
    {"removed in other case", SOA(1), SOA(2) "a NS b", SOA(2) "A NS B", SOA(3), SOA(1), SOA(3)},
    {"owner in other case", SOA(1) "a TXT x", SOA(2), SOA(2), SOA(3) "A TXT x", SOA(1) "a TXT x",
     SOA(3) "A TXT x"},
    {"texts of other case", SOA(1) "a TXT x", SOA(2), SOA(2), SOA(3) "a TXT X", SOA(1) "a TXT x",
     SOA(3) "a TXT X"},
    {"other type", SOA(1) "a NS b", SOA(2), SOA(2), SOA(3) "a PTR b", SOA(1) "a NS b",
     SOA(3) "a PTR b"},
    {"added twice", SOA(1), SOA(2) "a TXT x", SOA(2), SOA(3) "a TXT x", NULL, NULL},
    {"added twice in one part", SOA(1), SOA(2) "a NS x\na NS X", SOA(2), SOA(3), NULL, NULL},
    {"removed twice", SOA(1) "a TXT x", SOA(2), SOA(2) "a TXT x", SOA(3), NULL, NULL},
    {"a gap", SOA(1), SOA(2), SOA(4), SOA(3), NULL, NULL},
    {"no old SOA", SOA(1), SOA(2), "$TTL 1\na TXT x", SOA(3), NULL, NULL},
    {"no new SOA", SOA(1), SOA(2), SOA(2), "$TTL 1\na TXT x", NULL, NULL},
    {"empty part", SOA(1), SOA(2), SOA(2), "", NULL, NULL},
    {"a second SOA", SOA(1) SOA(1), SOA(2), SOA(2), SOA(3), NULL, NULL},
    {"SOA below the apex", SOA(1), SOA(2), SOA(2) "a SOA a a 5 0 0 0 0", SOA(3), NULL, NULL},
    {"out of the zone", SOA(1), SOA(2), SOA(2), SOA(3) "net. TXT x", NULL, NULL},
};

Test(condense, leaves_what_the_row_does_not_take_back)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct xfr_steps steps = {0};
        steps_add(&steps, diff_from_text("example.", row->removed_1, row->added_1));
        steps_add(&steps, diff_from_text("example.", row->removed_2, row->added_2));
        struct xfr_step *step = xfr_condense(&steps);
        cr_expect_eq(step != NULL, row->removed != NULL, "%s", row->what);
        if (step && row->removed) {
            expect_part(&step->diff, false, "example.", row->removed);
            expect_part(&step->diff, true, "example.", row->added);
        }
        xfr_step_release(step);
        xfr_steps_done(&steps);
    }
}

Test(condense, of_no_steps_is_nothing)
{
    struct xfr_steps none = {0};
    cr_expect_null(xfr_condense(&none));
}

/* --- random rows --- */

static void apply(struct zone *z, const struct diff *d)
{
    struct diff_bytes bytes = {d->bytes, d->len, d->added_at};
    struct diag diag = {0};
    struct txn *t = txn_begin(z, TXN_CHANGE);
    cr_assert_eq(txn_apply(t, &bytes, &diag), OK, "%s", diag.text);
    zone_publish(z, txn_seal(&t, NULL));
}

static void model_set(struct model *m, const struct record *r, bool is_there)
{
    int at = model_find(m, r);
    if (at >= 0)
        m->r[at] = m->r[--m->count];
    if (is_there) {
        cr_assert_lt(m->count, RECORDS_MAX);
        m->r[m->count++] = *r;
    }
}

/* The records of both versions but the SOA, and which of them only one has: what a diff may have at
 * most, and must have at least. */
static void want_difference(const struct model *from, const struct model *to, struct heard *out)
{
    for (int i = 0; i < from->count; i++) {
        int at = model_find(to, &from->r[i]);
        const struct record *a = &from->r[i], *b = at < 0 ? NULL : &to->r[at];
        if (b && b->ttl == a->ttl && memcmp(a->rdata, b->rdata, a->len) == 0)
            continue;
        struct rr rr = record_rr(a);
        heard_add(out, &rr);
    }
}

/* A record like those of the other tests, its owner in lower case: which case a name keeps is not
 * the model's business. */
static struct record draw(uint64_t *seed, struct name apex)
{
    struct record r = record_random(seed, apex);
    r.ttl = 60;
    name_lower(name_of(&r.owner), r.owner.wire);
    return r;
}

static void run(uint64_t seed)
{
    enum { STEPS = 40 };
    struct name_buf apex = name_from("zone.example.");
    struct zone *by_row = zone_new(name_of(&apex), CLASS_IN),
                *at_once = zone_new(name_of(&apex), CLASS_IN);
    static struct model now, first;
    struct xfr_steps steps = {0};
    now.count = 0;
    for (uint32_t i = 0; i <= STEPS; i++) {
        struct diff d;
        struct txn *t = txn_begin(by_row, TXN_CHANGE);
        for (uint32_t n = rnd(&seed, i ? 30 : 200); n > 0; n--) {
            struct record r = draw(&seed, name_of(&apex));
            struct rr rr = record_rr(&r);
            bool adds = rnd(&seed, 2);
            if (adds ? now.count + 1 < RECORDS_MAX && txn_add(t, &rr) == TXN_DONE
                     : txn_remove(t, rr.owner, rr.type, rr.rdata) == TXN_DONE)
                model_set(&now, &r, adds);
        }
        soa_set(t, i + 1);
        zone_publish(by_row, txn_seal(&t, &d));
        if (i == 0) {
            apply(at_once, &d);
            first = now;
            diff_done(&d);
        } else
            steps_add(&steps, d);
    }
    struct xfr_step *step = condensed(&steps);
    cr_expect_eq(step->diff.serial_from, 1);
    cr_expect_eq(step->diff.serial_to, STEPS + 1);
    cr_expect_leq(step->diff.len, steps.bytes);
    apply(at_once, &step->diff);
    expect_same_bytes(by_row->published, at_once->published);

    for (int is_added = 0; is_added < 2; is_added++) {
        struct heard have = {0}, wanted = {0};
        read_part(&have, &step->diff, is_added, name_of(&apex));
        struct rr soa = {name_of(&apex), TYPE_SOA, CLASS_IN, 300, have.at[0].rdata};
        heard_add(&wanted, &soa);
        if (is_added)
            want_difference(&now, &first, &wanted);
        else
            want_difference(&first, &now, &wanted);
        heard_sort(&have);
        heard_sort(&wanted);
        expect_same_records(&have, 0, have.count, &wanted);
        heard_done(&have);
        heard_done(&wanted);
    }
    xfr_step_release(step);
    xfr_steps_done(&steps);
    zone_free(by_row);
    zone_free(at_once);
}

Test(condense, of_random_rows_is_the_difference_of_sets)
{
    for (uint64_t i = 0; i < cases(40, 15); i++)
        run(0x9e3779b97f4a7c15 * (i + 1));
}

static void add_hosts(struct diff *d, uint32_t count, uint32_t stride)
{
    for (uint32_t i = 0; i < count; i += stride) {
        char text[32];
        struct heard_record r = {.type = TYPE_A, .class = CLASS_IN, .ttl = 1};
        snprintf(text, sizeof(text), "n%u.example.", i);
        r.owner = name_from(text);
        r.rdata = (struct rdata){(const uint8_t *)"\300\0\2\1", 4};
        diff_add(d, &r);
    }
}

/* More records than the table begins with: all are added, then every second one is removed. */
Test(condense, of_large_steps)
{
    enum { HOSTS = 20000 };
    struct diff d[2] = {0};
    struct xfr_steps steps = {0};
    uint32_t count;
    d[0].serial_from = diff_part(&d[0], "example.", SOA(1), &count);
    d[0].added_at = d[0].len;
    d[0].serial_to = diff_part(&d[0], "example.", SOA(2), &count);
    add_hosts(&d[0], HOSTS, 1);
    d[1].serial_from = diff_part(&d[1], "example.", SOA(2), &count);
    add_hosts(&d[1], HOSTS, 2);
    d[1].added_at = d[1].len;
    d[1].serial_to = diff_part(&d[1], "example.", SOA(3), &count);
    steps_add(&steps, d[0]);
    steps_add(&steps, d[1]);
    struct xfr_step *step = condensed(&steps);
    cr_expect_eq(step->diff.removed_count, 1);
    cr_expect_eq(step->diff.added_count, 1 + HOSTS / 2);
    xfr_step_release(step);
    xfr_steps_done(&steps);
}

/* Every cut and every flipped bit: a step or none, and no byte read out of bounds. */
Test(condense, of_damaged_bytes_does_no_harm)
{
    uint64_t seed = 12;
    struct diff whole[] = {diff_from_text(JAIN, JAIN_STEP_1_2),
                           diff_from_text(JAIN, JAIN_STEP_2_3)};
    unsigned fine = 0;
    for (unsigned round = 0; round < cases(20000, 4000); round++) {
        struct xfr_steps steps = {0};
        for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
            struct diff d = whole[i];
            d.len -= rnd(&seed, 4) ? 0 : rnd(&seed, (uint32_t)d.len);
            d.bytes = memcpy(malloc(d.len), whole[i].bytes, d.len);
            for (uint32_t n = rnd(&seed, 2); n > 0; n--)
                d.bytes[rnd(&seed, (uint32_t)d.len)] ^= (uint8_t)(1u << rnd(&seed, 8));
            steps_add(&steps, d);
        }
        struct xfr_step *step = xfr_condense(&steps);
        fine += step != NULL;
        xfr_step_release(step);
        xfr_steps_done(&steps);
    }
    cr_expect_gt(fine, 1000);
    diff_done(&whole[0]);
    diff_done(&whole[1]);
}

/* SPDX-License-Identifier: Apache-2.0
 * Random txns against a naive model (a sorted array of records), with every version that is still
 * pinned checked again and again, versions rolled back as if the log had refused them, and the
 * pool's books balanced at the end. */
#include <signal.h>

#include "base/arena.h"
#include "zone/tree_int.h"
#include "zone/edit.h"
#include "zone_util.h"
#include "../slow.h"

enum { PINS = 6, ROUNDS = 1500 };

static enum txn_effect model_add(struct model *m, const struct record *r)
{
    enum txn_effect effect = model_find(m, r) < 0 ? TXN_DONE : TXN_NOTHING;
    if (effect == TXN_DONE)
        m->r[m->count++] = *r;
    for (int i = 0; i < m->count; i++)
        if (same_rrset(&m->r[i], r) && m->r[i].ttl != r->ttl) {
            m->r[i].ttl = r->ttl; /* RFC 2181 s5.2 */
            effect = TXN_TTL;
        }
    return effect;
}

/* Removes all that are picked; says whether there was any. */
static bool model_remove(struct model *m, const struct record *like, bool whole_name,
                         bool whole_set)
{
    int kept = 0, before = m->count;
    for (int i = 0; i < m->count; i++) {
        const struct record *r = &m->r[i];
        bool same_name = name_is_equal(name_of(&r->owner), name_of(&like->owner));
        bool hit = whole_name  ? same_name
                   : whole_set ? same_name && r->type == like->type
                               : record_compare(r, like) == 0;
        if (!hit)
            m->r[kept++] = *r;
    }
    m->count = kept;
    return kept != before;
}

/* Takes the difference out of the old model and puts it into it: it must become the new one. */
static void expect_diff(const struct diff *d, const struct model *before, const struct model *after)
{
    static struct model m;
    m = *before;
    struct rd r = rd_over(d->bytes, d->len);
    uint32_t removed = 0, added = 0;
    while (rd_left(&r) > 0) {
        bool is_removed = (size_t)(r.at - r.start) < d->added_at;
        struct record rec = {0};
        name_copy(&rec.owner, rd_name(&r));
        rec.type = rd_u16(&r);
        cr_assert_eq(rd_u16(&r), CLASS_IN);
        rec.ttl = rd_u32(&r);
        rec.len = rd_u16(&r);
        const uint8_t *bytes = rd_bytes(&r, rec.len);
        cr_assert(!r.bad);
        memcpy(rec.rdata, bytes, rec.len);
        int i = model_find(&m, &rec);
        if (is_removed) {
            cr_assert_geq(i, 0, "removes what is there");
            cr_assert_eq(m.r[i].ttl, rec.ttl);
            m.r[i] = m.r[--m.count];
            removed++;
        } else {
            cr_assert_lt(i, 0, "adds what is not there");
            m.r[m.count++] = rec;
            added++;
        }
    }
    cr_assert_eq(removed, d->removed_count);
    cr_assert_eq(added, d->added_count);
    cr_assert_eq(m.count, after->count);
    for (int i = 0; i < m.count; i++) {
        int k = model_find(after, &m.r[i]);
        cr_assert(k >= 0 && after->r[k].ttl == m.r[i].ttl);
    }
}

static void change(struct txn *t, struct model *m, uint64_t *seed, struct name apex)
{
    struct record r = record_random(seed, apex);
    if (m->count && rnd(seed, 2)) {
        uint32_t ttl = r.ttl;
        r = m->r[rnd(seed, (uint32_t)m->count)];
        r.ttl = ttl;
    }
    struct rr rr = record_rr(&r);
    switch (rnd(seed, 12)) {
    case 0:
        cr_assert_eq(txn_remove_name(t, rr.owner) == TXN_DONE, model_remove(m, &r, true, false));
        break;
    case 1:
        cr_assert_eq(txn_remove_rrset(t, rr.owner, r.type) == TXN_DONE,
                     model_remove(m, &r, false, true));
        break;
    case 2:
    case 3:
    case 4:
        cr_assert_eq(txn_remove(t, rr.owner, r.type, rr.rdata) == TXN_DONE,
                     model_remove(m, &r, false, false));
        break;
    default:
        if (m->count == RECORDS_MAX)
            return;
        cr_assert_eq(txn_add(t, &rr), model_add(m, &r));
    }
    if (rnd(seed, 8) == 0) {
        const struct node *n = txn_find(t, rr.owner);
        bool in_model = false;
        for (int i = 0; i < m->count; i++)
            in_model = in_model || (!record_in_nsec3(&m->r[i]) &&
                                    name_is_equal(name_of(&m->r[i].owner), rr.owner));
        cr_assert_eq(n != NULL, in_model);
    }
}

static size_t twig_bytes(const struct twig *t)
{
    if (!t->ptr)
        return 0;
    if (!twig_is_branch(t))
        return (leaf_node(t)->size + 7u) & ~7u;
    size_t sum = sizeof(struct twigs) + branch_count(t) * sizeof(struct twig);
    for (unsigned i = 0; i < branch_count(t); i++)
        sum += twig_bytes(&branch_twigs(t)->at[i]);
    return sum;
}

struct pinned {
    const struct version *v;
    struct model m;
};

static void run(uint64_t seed)
{
    static struct model now, before, published;
    struct pinned *pin = mem_alloc_zero(PINS * sizeof(*pin));
    struct name_buf apex = name_from("zone.example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    now.count = published.count = 0;
    for (unsigned round = 0; round < cases(ROUNDS, ROUNDS / 3); round++) {
        before = now;
        struct txn *t = txn_begin(z, TXN_CHANGE);
        for (unsigned n = 1 + rnd(&seed, 12); n > 0; n--)
            change(t, &now, &seed, name_of(&apex));
        if (rnd(&seed, 5) == 0) {
            txn_abort(&t);
            cr_assert_null(t);
            now = before;
            expect_equal(z->tip, &now);
            continue;
        }
        struct diff d;
        struct version *v = txn_seal(&t, &d);
        expect_diff(&d, &before, &now);
        diff_done(&d);
        expect_equal(v, &now);
        if (rnd(&seed, 10) == 0) { /* the log refused all that was not published */
            zone_rollback(z);
            now = published;
            expect_equal(z->tip, &now);
        } else if (rnd(&seed, 3)) {
            zone_publish(z, z->tip);
            published = now;
        }
        struct pinned *p = &pin[rnd(&seed, PINS)];
        if (p->v) {
            expect_equal(p->v, &p->m);
            version_unpin(p->v);
        }
        *p = (struct pinned){version_pin(z->published), published};
    }
    for (int i = 0; i < PINS; i++)
        if (pin[i].v) {
            expect_equal(pin[i].v, &pin[i].m);
            version_unpin(pin[i].v);
        }
    zone_publish(z, z->tip);
    cr_assert_eq(z->oldest, z->published);
    cr_assert_eq(z->pool.used, twig_bytes(&z->tip->names.root) + twig_bytes(&z->tip->nsec3.root),
                 "nothing is leaked and nothing freed twice");
    zone_free(z);
    free(pin);
}

Test(txn, agrees_with_a_sorted_list_1)
{
    run(1);
}

Test(txn, agrees_with_a_sorted_list_2)
{
    run(0x9e3779b97f4a7c15);
}

Test(txn, a_change_in_a_large_zone_touches_only_its_path)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    const unsigned names = cases(1000000, 50000);
    for (unsigned i = 0; i < names; i++) {
        char text[32];
        snprintf(text, sizeof(text), "h%07u.example.", (unsigned)((uint64_t)i * 7919u % names));
        struct name_buf owner = name_from(text);
        struct rr rr = {name_of(&owner), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\300\0\2\1", 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    cr_assert_eq(z->published->node_count, names);
    const struct version *old = version_pin(z->published);
    size_t used = z->pool.used;
    struct name_buf owner = name_from("h0012345.example.");
    struct rr rr = {name_of(&owner), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\300\0\2\2", 4}};
    t = txn_begin(z, TXN_CHANGE);
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    struct diff d;
    zone_publish(z, txn_seal(&t, &d));
    cr_assert_eq(d.added_count, 1);
    cr_assert_eq(d.removed_count, 0);
    diff_done(&d);
    cr_expect_lt(z->pool.used - used, 2048, "bytes: %zu", z->pool.used - used);
    const struct node *a = lookup_exact(old, name_of(&owner)),
                      *b = lookup_exact(z->published, name_of(&owner));
    struct rrset sa, sb;
    cr_assert(node_find(a, TYPE_A, &sa) && node_find(b, TYPE_A, &sb));
    cr_assert_eq(sa.count, 1);
    cr_assert_eq(sb.count, 2);
    version_unpin(old);
    zone_free(z);
}

/* What is changed back leaves no difference; names in another case are the same records (RFC 2136
 * s1.1, RFC 4343). */
Test(txn, with_no_effect_has_an_empty_diff)
{
    struct name_buf apex = name_from("example."), upper = name_from("EXAMPLE."),
                    target = name_from("ns.net."), cased = name_from("NS.net.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct rr rr = {name_of(&apex), TYPE_NS, CLASS_IN, 60, {target.wire, target.len}};
    struct rr same = {name_of(&upper), TYPE_NS, CLASS_IN, 60, {cased.wire, cased.len}};
    struct diff d;
    struct txn *t = txn_begin(z, TXN_CHANGE);
    cr_expect_not(txn_is_touched(t));
    cr_expect_eq(txn_remove_name(t, rr.owner), TXN_NOTHING);
    cr_expect_eq(txn_remove_rrset(t, rr.owner, TYPE_RRSIG), TXN_NOTHING);
    cr_expect_not(txn_is_touched(t));
    cr_expect_eq(txn_add(t, &rr), TXN_DONE);
    cr_expect(txn_is_touched(t));
    cr_expect_not_null(txn_find(t, same.owner));
    cr_expect(txn_is_touched(t));
    zone_publish(z, txn_seal(&t, &d));
    cr_expect_eq(d.added_count, 1);
    diff_done(&d);
    t = txn_begin(z, TXN_CHANGE);
    cr_expect_eq(txn_add(t, &same), TXN_NOTHING);
    cr_expect_not(txn_is_touched(t));
    cr_expect_eq(txn_remove(t, same.owner, TYPE_NS, same.rdata), TXN_DONE);
    cr_expect_null(txn_find(t, same.owner));
    cr_expect_eq(txn_add(t, &rr), TXN_DONE);
    cr_expect(txn_is_touched(t));
    zone_publish(z, txn_seal(&t, &d));
    cr_expect_eq(d.added_count + d.removed_count, 0);
    cr_expect_eq(d.len, 0);
    diff_done(&d);
    zone_free(z);
}

/* --- diffs bit by bit --- */

enum { MANY = 2000 };

/* Adds an address at names in the order that `step` gives (coprime to MANY), and at the apex. */
static struct txn *many_changes(struct zone *z, uint32_t step)
{
    struct txn *t = txn_begin(z, TXN_CHANGE);
    struct rr rr = {name_of(&z->name), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\300\0\2\1", 4}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    for (uint32_t i = 0; i < MANY; i++) {
        char text[32];
        snprintf(text, sizeof(text), "h%07u.example.", i * step % MANY);
        struct name_buf owner = name_from(text);
        rr.owner = name_of(&owner);
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    return t;
}

Test(txn, diff_bit_by_bit_is_the_diff_in_one_go)
{
    static const uint32_t steps[] = {1, 7, 1999, 1001, 777};
    static const size_t budgets[] = {1, 3, 64, 1000, SIZE_MAX};
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct diff whole, sliced;
    struct txn *t = many_changes(z, steps[0]);
    txn_seal(&t, &whole);
    for (size_t s = 0; s < ARRAY_LEN(steps); s++)
        for (size_t b = 0; b < ARRAY_LEN(budgets); b++) {
            zone_rollback(z);
            t = many_changes(z, steps[s]);
            uint32_t calls = 1;
            while (!txn_diff_some(t, budgets[b]))
                calls++;
            cr_expect(txn_diff_some(t, budgets[b]));
            cr_expect_geq(calls, budgets[b] == SIZE_MAX ? 1 : MANY / budgets[b]);
            cr_expect_leq(calls, budgets[b] == SIZE_MAX ? 1 : 16 * MANY / budgets[b] + 16);
            txn_seal(&t, &sliced);
            cr_assert_eq(sliced.added_count, MANY + 1);
            cr_assert(sliced.len == whole.len && sliced.added_at == whole.added_at);
            cr_expect_eq(memcmp(sliced.bytes, whole.bytes, whole.len), 0, "step %u", steps[s]);
            diff_done(&sliced);
        }
    diff_done(&whole);
    zone_free(z);
}

Test(txn, preview_is_the_diff_and_leaves_no_trace)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    const struct version *tip = z->tip;
    for (unsigned begun = 0; begun < 2; begun++) {
        struct diff previewed, made;
        struct txn *t = many_changes(z, 7);
        if (begun)
            cr_assert_not(txn_diff_some(t, MANY / 2));
        txn_preview(&t, &previewed);
        cr_assert_null(t);
        cr_expect_eq(z->tip, tip);
        t = many_changes(z, 7);
        txn_seal(&t, &made);
        cr_assert(previewed.len == made.len && previewed.added_at == made.added_at);
        cr_expect_eq(memcmp(previewed.bytes, made.bytes, made.len), 0);
        cr_expect_eq(previewed.serial_to, made.serial_to);
        zone_rollback(z);
        diff_done(&previewed);
        diff_done(&made);
    }
    zone_free(z);
}

Test(txn, can_be_left_with_its_diff_half_made)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = many_changes(z, 7);
    cr_expect_not(txn_diff_some(t, MANY / 2));
    txn_abort(&t);
    t = many_changes(z, 7);
    cr_expect_not(txn_diff_some(t, 1));
    zone_publish(z, txn_seal(&t, NULL));
    cr_expect_eq(z->published->node_count, MANY + 1);
    zone_free(z);
}

Test(txn, takes_no_change_once_its_diff_is_begun, .signal = SIGABRT)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct rr rr = {name_of(&apex), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\300\0\2\1", 4}};
    struct txn *t = txn_begin(z, TXN_CHANGE);
    txn_diff_some(t, 1);
    txn_add(t, &rr);
}

Test(txn, differs_from_its_tip_only_by_what_was_not_changed_back)
{
    struct name_buf apex = name_from("example."), a = name_from("a.example."),
                    b = name_from("b.example.");
    struct rr one = {name_of(&a), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\1\2\3\4", 4}};
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_CHANGE);
    cr_expect_not(txn_is_different(t));
    cr_assert_eq(txn_add(t, &one), TXN_DONE);
    cr_expect(txn_is_different(t));
    cr_expect_eq(txn_record_count(t), 1);
    cr_expect_eq(txn_zone(t), z);
    zone_publish(z, txn_seal(&t, NULL));

    t = txn_begin(z, TXN_CHANGE);
    cr_assert_eq(txn_remove_name(t, name_of(&a)), TXN_DONE);
    cr_expect(txn_is_different(t));
    cr_expect_eq(txn_record_count(t), 0);
    cr_assert_eq(txn_add(t, &one), TXN_DONE);
    cr_expect(txn_is_touched(t));
    cr_expect_not(txn_is_different(t));
    one.ttl = 61;
    cr_assert_eq(txn_add(t, &one), TXN_TTL);
    cr_expect(txn_is_different(t));
    one.ttl = 60;
    cr_assert_eq(txn_add(t, &one), TXN_TTL);
    cr_expect_not(txn_is_different(t));
    one.owner = name_of(&b);
    cr_assert_eq(txn_add(t, &one), TXN_DONE);
    cr_expect(txn_is_different(t));
    cr_assert_eq(txn_remove_rrset(t, name_of(&b), TYPE_A), TXN_DONE);
    cr_expect_not(txn_is_different(t));
    txn_abort(&t);
    zone_free(z);
}

Test(txn, looking_at_the_open_name_writes_nothing)
{
    struct name_buf apex = name_from("example."), a = name_from("a.example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_CHANGE);
    size_t before = txn_bytes(t);
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t rdata[4] = {10, 0, 0, i};
        struct rr rr = {name_of(&a), TYPE_A, CLASS_IN, 60, {rdata, 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
        cr_assert_eq(txn_look(t, name_of(&a), TYPE_A)->count, i + 1u);
    }
    cr_expect_eq(txn_bytes(t), before);
    cr_expect_eq(txn_look(t, name_of(&apex), TYPE_ANY)->count, 0, "nothing there");
    cr_expect_gt(txn_bytes(t), before, "and the other name was closed");
    txn_abort(&t);
    zone_free(z);
}

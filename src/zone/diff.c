/* SPDX-License-Identifier: Apache-2.0
 * Differences: only the owners touched are compared, RRset by RRset, both sides being in the same
 * order.
 *
 * The SOA goes first on either side, as IXFR wants it (RFC 1995 s4). An RRset whose TTL changed is
 * removed and added whole. */
#include "zone/diff.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/tree_int.h"
#include "zone/zone.h"

static int touched_compare(const struct touched_owner *a, const struct touched_owner *b)
{
    if (a->in_nsec3 != b->in_nsec3)
        return a->in_nsec3 ? 1 : -1;
    return name_compare(node_owner(a->node), node_owner(b->node));
}

void touched_add(struct touched *t, const struct node *node, bool in_nsec3)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 8;
        t->owner = mem_grow(t->owner, t->cap * sizeof(*t->owner));
    }
    t->owner[t->count] = (struct touched_owner){node, in_nsec3};
    if (t->count > 0 && !t->is_unsorted)
        t->is_unsorted = touched_compare(&t->owner[t->count - 1], &t->owner[t->count]) > 0;
    t->count++;
}

void touched_done(struct touched *t)
{
    free(t->owner);
    *t = (struct touched){0};
}

static void side_add(struct diff_side *s, struct name owner, struct rrset set, struct rdata rdata)
{
    size_t need = owner.len + 10u + rdata.len;
    if (!s->bytes || s->cap - s->len < need) {
        s->cap = (s->cap + need) * 2;
        s->bytes = mem_grow(s->bytes, s->cap);
    }
    uint8_t *p = s->bytes + s->len;
    memcpy(p, owner.wire, owner.len);
    p += owner.len;
    put_u16(p, set.type);
    put_u16(p + 2, s->class);
    put_u32(p + 4, set.ttl);
    put_u16(p + 8, rdata.len);
    memcpy(p + 10, rdata.bytes, rdata.len);
    s->len += need;
    s->count++;
}

static void side_add_set(struct diff_side *s, struct name owner, struct rrset set)
{
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r))
        side_add(s, owner, set, r);
}

/* Both sets are in canonical order: a merge. Records that are equal but for the case of names in
 * them are removed and added, so that who applies the diff has the very bytes. */
static void compare_sets(struct diff_side *removed, struct diff_side *added, struct name owner,
                         struct rrset a, struct rrset b)
{
    struct rdata ra = rrset_first(a), rb = rrset_first(b);
    while (ra.bytes || rb.bytes) {
        int d = !rb.bytes ? -1 : !ra.bytes ? 1 : rdata_compare(a.type, ra, rb);
        bool is_same = d == 0 && memcmp(ra.bytes, rb.bytes, ra.len) == 0;
        if (d <= 0 && !is_same)
            side_add(removed, owner, a, ra);
        if (d >= 0 && !is_same)
            side_add(added, owner, b, rb);
        if (d <= 0)
            ra = rrset_next(a, ra);
        if (d >= 0)
            rb = rrset_next(b, rb);
    }
}

static void compare_nodes(struct differ *d, const struct node *a, const struct node *b)
{
    bool is_apex = (a ? a : b)->owner_len == d->from->zone->name.len;
    struct rrset sa = a ? node_first(a) : (struct rrset){0},
                 sb = b ? node_first(b) : (struct rrset){0};
    while (sa.count || sb.count) {
        int64_t way = !sb.count   ? -1
                      : !sa.count ? 1
                                  : (int64_t)rrset_order(rrset_id(sa)) - rrset_order(rrset_id(sb));
        bool is_done = is_apex && (way <= 0 ? sa : sb).type == TYPE_SOA; /* went first */
        if (!is_done && way == 0 && sa.ttl == sb.ttl)
            compare_sets(&d->removed, &d->added, node_owner(a), sa, sb);
        else if (!is_done) {
            if (way <= 0)
                side_add_set(&d->removed, node_owner(a), sa);
            if (way >= 0)
                side_add_set(&d->added, node_owner(b), sb);
        }
        if (way <= 0)
            sa = node_next(a, sa);
        if (way >= 0)
            sb = node_next(b, sb);
    }
}

const struct node *touched_find(const struct touched_owner *o, const struct version *v)
{
    const struct tree *tree = o->in_nsec3 ? &v->nsec3 : &v->names;
    struct name owner = node_owner(o->node);
    struct tree_key key;
    if (!tree->root.ptr)
        return NULL;
    tree_key(owner, v->zone->name.len, &key);
    return tree_get(tree, &key, owner);
}

/* Bytes of nodes compared in the time of one step, which is an owner with a few records. */
#define COMPARED_PER_STEP 4096

/* Gives the steps that it took. */
static size_t compare_owner(struct differ *d, const struct touched_owner *o)
{
    const struct node *a = touched_find(o, d->from), *b = touched_find(o, d->to);
    if (a || b)
        compare_nodes(d, a, b);
    return 1 + ((a ? a->size : 0) + (size_t)(b ? b->size : 0)) / COMPARED_PER_STEP;
}

static bool soa_is_same(const struct version *a, const struct version *b)
{
    return a->soa.count == b->soa.count && a->soa.ttl == b->soa.ttl && a->soa.len == b->soa.len &&
           (a->soa.count == 0 || memcmp(a->soa.data, b->soa.data, a->soa.len) == 0);
}

/* --- bit by bit --- */

void differ_start(struct differ *d, const struct version *from, const struct version *to,
                  struct touched *touched)
{
    *d = (struct differ){.from = from, .to = to, .touched = touched};
    d->removed.class = d->added.class = from->zone->class;
    d->stage = touched->is_unsorted ? DIFF_SORT : DIFF_COMPARE;
    if (!soa_is_same(from, to)) {
        if (from->soa.count)
            side_add_set(&d->removed, node_owner(from->apex), from->soa);
        if (to->soa.count)
            side_add_set(&d->added, node_owner(to->apex), to->soa);
    }
    if (touched->apex.node)
        (void)compare_owner(d, &touched->apex);
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What a step costs that copies that many owners at once. */
#define OWNERS_PER_STEP 64

/* On to the next pair of runs, or to runs twice as long. */
static void next_pair(struct differ *d, size_t low)
{
    struct touched *t = d->touched;
    if (low == t->count) {
        struct touched_owner *sorted = d->spare;
        d->spare = t->owner;
        t->owner = sorted;
        d->width *= 2;
        low = 0;
    }
    d->low = d->left = low;
    d->right = min_of(low + d->width, t->count);
}

/* Merges from the pair in hand; gives back what is left of the budget. */
static size_t sort_pair(struct differ *d, size_t budget)
{
    const struct touched_owner *o = d->touched->owner;
    size_t count = d->touched->count, mid = min_of(d->low + d->width, count),
           high = min_of(mid + d->width, count);
    bool is_begun = d->left > d->low || d->right > mid;
    if (!is_begun && (mid == high || touched_compare(&o[mid - 1], &o[mid]) <= 0)) {
        memcpy(d->spare + d->low, o + d->low, (high - d->low) * sizeof(*o));
        next_pair(d, high);
        return budget - min_of(budget, 1 + (high - mid) / OWNERS_PER_STEP);
    }
    for (; budget > 0 && (d->left < mid || d->right < high); budget--) {
        struct touched_owner *out = &d->spare[d->left + d->right - mid];
        bool is_left =
            d->right == high || (d->left < mid && touched_compare(&o[d->left], &o[d->right]) <= 0);
        *out = o[is_left ? d->left++ : d->right++];
    }
    if (d->left == mid && d->right == high)
        next_pair(d, high);
    return budget;
}

static size_t sort_some(struct differ *d, size_t budget)
{
    size_t count = d->touched->count;
    if (!d->spare) {
        d->spare = mem_alloc(count * sizeof(*d->spare));
        d->width = 1;
        next_pair(d, 0);
    }
    while (budget > 0 && d->width < count)
        budget = sort_pair(d, budget);
    if (d->width >= count)
        d->stage = DIFF_COMPARE;
    return budget;
}

static size_t compare_some(struct differ *d, size_t budget)
{
    const struct touched *t = d->touched;
    for (; budget > 0 && d->at < t->count; d->at++) {
        const struct touched_owner *o = &t->owner[d->at];
        bool is_repeated = d->at > 0 && touched_compare(o - 1, o) == 0;
        budget -= min_of(budget, is_repeated ? 1 : compare_owner(d, o));
    }
    if (d->at == t->count) {
        d->at = 0;
        d->removed.bytes = mem_grow(d->removed.bytes, d->removed.len + d->added.len);
        d->stage = DIFF_JOIN;
    }
    return budget;
}

#define JOINED_PER_STEP 256

static size_t join_some(struct differ *d, size_t budget)
{
    size_t left = d->added.len - d->at, steps = min_of(budget, left / JOINED_PER_STEP + 1),
           len = min_of(left, steps * JOINED_PER_STEP);
    if (len)
        memcpy(d->removed.bytes + d->removed.len + d->at, d->added.bytes + d->at, len);
    d->at += len;
    if (d->at == d->added.len)
        d->stage = DIFF_MADE;
    return budget - steps;
}

bool differ_some(struct differ *d, size_t budget)
{
    static size_t (*const step[])(struct differ *, size_t) = {
        [DIFF_SORT] = sort_some,
        [DIFF_COMPARE] = compare_some,
        [DIFF_JOIN] = join_some,
    };
    while (budget > 0 && d->stage != DIFF_MADE)
        budget = step[d->stage](d, budget);
    return d->stage == DIFF_MADE;
}

void differ_finish(struct differ *d, struct diff *out)
{
    differ_some(d, SIZE_MAX);
    *out = (struct diff){
        .bytes = d->removed.bytes,
        .added_at = d->removed.len,
        .removed_count = d->removed.count,
        .added_count = d->added.count,
        .serial_from = d->from->serial,
        .serial_to = d->to->serial,
        .len = d->removed.len + d->added.len,
    };
    d->removed.bytes = NULL;
    differ_done(d);
}

void differ_done(struct differ *d)
{
    free(d->spare);
    free(d->removed.bytes);
    free(d->added.bytes);
    *d = (struct differ){0};
}

void diff_done(struct diff *d)
{
    free(d->bytes);
    *d = (struct diff){0};
}

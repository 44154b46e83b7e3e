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

void touched_add(struct touched *t, struct name owner, bool in_nsec3)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 8;
        t->owner = mem_grow(t->owner, t->cap * sizeof(*t->owner));
    }
    uint8_t *copy = mem_alloc(owner.len);
    memcpy(copy, owner.wire, owner.len);
    t->owner[t->count++] = (struct touched_owner){copy, in_nsec3};
}

void touched_done(struct touched *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->owner[i].name);
    free(t->owner);
    *t = (struct touched){0};
}

static struct name touched_name(const struct touched_owner *o)
{
    return (struct name){o->name, (uint8_t)name_span(o->name, NAME_LEN_MAX)};
}

static int touched_compare(const void *pa, const void *pb)
{
    const struct touched_owner *a = pa, *b = pb;
    if (a->in_nsec3 != b->in_nsec3)
        return a->in_nsec3 ? 1 : -1;
    return name_compare(touched_name(a), touched_name(b));
}

/* One side of the difference under construction. */
struct side {
    uint8_t *bytes;
    size_t len, cap;
    uint32_t count;
    uint16_t class;
};

static void side_add(struct side *s, struct name owner, struct rrset set, struct rdata rdata)
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

static void side_add_set(struct side *s, struct name owner, struct rrset set)
{
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r))
        side_add(s, owner, set, r);
}

/* Both sets are in canonical order: a merge. Records that are equal but for the case of names in
 * them are removed and added, so that who applies the diff has the very bytes. */
static void compare_sets(struct side *removed, struct side *added, struct name owner,
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

static void compare_nodes(struct side *removed, struct side *added, const struct node *a,
                          const struct node *b)
{
    struct rrset sa = a ? node_first(a) : (struct rrset){0},
                 sb = b ? node_first(b) : (struct rrset){0};
    while (sa.count || sb.count) {
        int64_t d = !sb.count   ? -1
                    : !sa.count ? 1
                                : (int64_t)rrset_order(rrset_id(sa)) - rrset_order(rrset_id(sb));
        bool is_soa = (d <= 0 ? sa : sb).type == TYPE_SOA; /* went first */
        if (!is_soa && d == 0 && sa.ttl == sb.ttl)
            compare_sets(removed, added, node_owner(a), sa, sb);
        else if (!is_soa) {
            if (d <= 0)
                side_add_set(removed, node_owner(a), sa);
            if (d >= 0)
                side_add_set(added, node_owner(b), sb);
        }
        if (d <= 0)
            sa = node_next(a, sa);
        if (d >= 0)
            sb = node_next(b, sb);
    }
}

static const struct node *node_in(const struct version *v, const struct touched_owner *o)
{
    const struct tree *tree = o->in_nsec3 ? &v->nsec3 : &v->names;
    struct tree_key key;
    if (!tree->root.ptr)
        return NULL;
    tree_key(touched_name(o), v->zone->name.len, &key);
    return tree_get(tree, &key, touched_name(o));
}

static bool soa_is_same(const struct version *a, const struct version *b)
{
    return a->soa.count == b->soa.count && a->soa.ttl == b->soa.ttl && a->soa.len == b->soa.len &&
           (a->soa.count == 0 || memcmp(a->soa.data, b->soa.data, a->soa.len) == 0);
}

void diff_make(const struct version *from, const struct version *to, struct touched *touched,
               struct diff *out)
{
    struct side removed = {.class = from->zone->class}, added = {.class = from->zone->class};
    if (!soa_is_same(from, to)) {
        if (from->soa.count)
            side_add_set(&removed, node_owner(from->apex), from->soa);
        if (to->soa.count)
            side_add_set(&added, node_owner(to->apex), to->soa);
    }
    if (touched->count)
        qsort(touched->owner, touched->count, sizeof(*touched->owner), touched_compare);
    for (size_t i = 0; i < touched->count; i++) {
        const struct touched_owner *o = &touched->owner[i];
        if (i == 0 || touched_compare(o - 1, o) != 0)
            compare_nodes(&removed, &added, node_in(from, o), node_in(to, o));
    }
    *out = (struct diff){
        .added_at = removed.len,
        .removed_count = removed.count,
        .added_count = added.count,
        .serial_from = from->serial,
        .serial_to = to->serial,
        .len = removed.len + added.len,
    };
    out->bytes = mem_grow(removed.bytes, out->len);
    if (added.len)
        memcpy(out->bytes + removed.len, added.bytes, added.len);
    free(added.bytes);
}

void diff_done(struct diff *d)
{
    free(d->bytes);
    *d = (struct diff){0};
}

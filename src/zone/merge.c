/* SPDX-License-Identifier: Apache-2.0
 * Three-way merges.
 *
 * The plan is a list of RRsets in canonical order of their owners, made by one walk over the new
 * file and the live zone side by side: what the file has otherwise than its digest says, and what
 * the digests know, the live zone has and the file lacks. Applying sets each RRset to what the file
 * has, and looks at the live one only to tell of conflicts.
 *
 * A CNAME stands alone (RFC 1034 s3.6.2): where the file's author adds one beside live data, or
 * data beside a live CNAME, the file wins as it does for one RRset, and what had to go is told of
 * as a conflict. */
#include "zone/merge.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/lookup.h"
#include "zone/zone.h"

#define NAMES_BLOCK_LEN 4096

struct item {
    const uint8_t *owner;      /* in theirs, or a copy where theirs lacks the name */
    const struct node *theirs; /* NULL: theirs lacks the name */
    struct rrset_id id;
};

struct merge {
    const struct base *base; /* held */
    const struct version *theirs;
    struct arena names;
    struct item *item;
    size_t count, cap, at; /* at: the next one to be done */
    int64_t growth;        /* in records */
    bool sets_soa;         /* its fields but the serial */
    bool has_serial;       /* the file's is not what it was */
    bool is_changed;       /* the live zone, so far */
    bool is_done;
};

/* --- planning --- */

static void plan_add(struct merge *m, struct name owner, const struct node *theirs,
                     struct rrset_id id)
{
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 16;
        m->item = mem_grow(m->item, m->cap * sizeof(*m->item));
    }
    m->item[m->count++] = (struct item){owner.wire, theirs, id};
}

static bool is_as_before(const struct base *b, struct name owner, struct rrset s)
{
    uint64_t digest;
    return base_find(b, owner, rrset_id(s), &digest) && digest == base_digest(b, s);
}

/* What the file's author set at a name. ours: the live zone's node of it, or NULL. */
static void plan_theirs(struct merge *m, const struct node *theirs, const struct node *ours)
{
    for (struct rrset s = node_first(theirs); s.count; s = node_next(theirs, s)) {
        if (is_as_before(m->base, node_owner(theirs), s))
            continue;
        if (s.type == TYPE_SOA)
            m->sets_soa = true;
        else {
            plan_add(m, node_owner(theirs), theirs, rrset_id(s));
            m->growth += (int64_t)s.count - (int64_t)node_get(ours, rrset_id(s)).count;
        }
    }
}

/* What the file had, the live zone has and the file has no more. A zone without a SOA is none: that
 * one stays. */
static void plan_ours(struct merge *m, const struct node *theirs, const struct node *ours)
{
    struct name owner = theirs ? node_owner(theirs) : (struct name){0};
    uint64_t digest;
    for (struct rrset s = node_first(ours); s.count; s = node_next(ours, s)) {
        struct rrset_id id = rrset_id(s);
        if (id.type == TYPE_SOA || node_get(theirs, id).count ||
            !base_find(m->base, node_owner(ours), id, &digest))
            continue;
        if (!owner.len) {
            owner.len = ours->owner_len;
            owner.wire = arena_copy(&m->names, ours->bytes, ours->owner_len);
        }
        plan_add(m, owner, theirs, id);
        m->growth -= s.count;
    }
}

/* Which of two walks is behind: those of NSEC3 nodes come last. Either node may be NULL: the end.
 */
static int walk_compare(const struct walk *wa, const struct node *a, const struct walk *wb,
                        const struct node *b)
{
    if (!a || !b)
        return !a - !b;
    if (wa->in_nsec3 != wb->in_nsec3)
        return wa->in_nsec3 ? 1 : -1;
    return name_compare(node_owner(a), node_owner(b));
}

static void plan_serial(struct merge *m)
{
    uint32_t before;
    if (m->theirs->soa.count)
        m->has_serial = !base_serial(m->base, &before) || before != m->theirs->serial;
}

struct merge *merge_plan(const struct base *base, const struct version *theirs,
                         const struct version *ours)
{
    struct merge *m = mem_alloc_zero(sizeof(*m));
    m->base = base ? base_hold(base) : NULL;
    m->theirs = theirs;
    arena_init(&m->names, NAMES_BLOCK_LEN, SIZE_MAX / 2);
    plan_serial(m);
    struct walk wt, wo;
    walk_start(&wt, theirs);
    walk_start(&wo, ours);
    const struct node *t = walk_next(&wt), *o = walk_next(&wo);
    while (t || o) {
        int d = walk_compare(&wt, t, &wo, o);
        if (d <= 0)
            plan_theirs(m, t, d == 0 ? o : NULL);
        if (d >= 0)
            plan_ours(m, d == 0 ? t : NULL, o);
        if (d <= 0)
            t = walk_next(&wt);
        if (d >= 0)
            o = walk_next(&wo);
    }
    return m;
}

void merge_free(struct merge *m)
{
    if (!m)
        return;
    base_release(m->base);
    arena_done(&m->names);
    free(m->item);
    free(m);
}

size_t merge_count(const struct merge *m)
{
    return m->count + (m->sets_soa || m->has_serial);
}

int64_t merge_growth(const struct merge *m)
{
    return m->growth;
}

/* --- applying --- */

struct apply {
    struct merge *m;
    struct txn *t;
    const struct merge_sink *sink;
    struct merge_result *result;
};

/* Both have the same records and TTL, or neither has any. */
static bool is_same(struct rrset a, struct rrset b)
{
    if (a.count != b.count || (a.count && a.ttl != b.ttl))
        return false;
    for (struct rdata ra = rrset_first(a), rb = rrset_first(b); ra.bytes && rb.bytes;
         ra = rrset_next(a, ra), rb = rrset_next(b, rb))
        if (rdata_compare(a.type, ra, rb) != 0)
            return false;
    return true;
}

static bool is_soa_same(struct rrset a, struct rrset b)
{
    struct soa sa = soa_of(rrset_first(a)), sb = soa_of(rrset_first(b));
    return a.ttl == b.ttl && name_is_equal(sa.mname, sb.mname) &&
           name_is_equal(sa.rname, sb.rname) && sa.refresh == sb.refresh && sa.retry == sb.retry &&
           sa.expire == sb.expire && sa.minimum == sb.minimum;
}

/* Did updates change what the file had? */
static bool is_live_change(const struct merge *m, struct name owner, struct rrset_id id,
                           struct rrset ours)
{
    uint64_t digest;
    if (!base_find(m->base, owner, id, &digest))
        return ours.count > 0;
    return ours.count == 0 || digest != base_digest(m->base, ours);
}

static void tell(struct apply *a, struct name owner, struct rrset_id id, struct rrset theirs,
                 struct rrset ours)
{
    if (!is_live_change(a->m, owner, id, ours))
        return;
    struct merge_conflict c = {owner, id.type, id.covered, theirs, ours};
    a->result->conflicts++;
    if (a->sink->conflict)
        a->sink->conflict(a->sink->arg, &c);
}

static const struct node *live_node(struct apply *a, struct name owner, struct rrset_id id)
{
    return rrset_is_nsec3(id) ? txn_find_nsec3(a->t, owner) : txn_find(a->t, owner);
}

/* The live RRset becomes theirs; false: too much for one name, nothing was done. */
static bool settle(struct apply *a, struct name owner, struct rrset_id id, struct rrset theirs)
{
    struct rrset ours = node_get(live_node(a, owner, id), id);
    if (is_same(theirs, ours))
        return true;
    tell(a, owner, id, theirs, ours);
    if (txn_set_rrset(a->t, owner, id, theirs) == TXN_FULL)
        return false;
    a->m->is_changed = true;
    *(theirs.count ? &a->result->set : &a->result->removed) += 1;
    return true;
}

/* Has an RRset of the live name to go for the item? */
typedef bool (*in_way_fn)(const struct item *i, struct rrset_id live);

/* Removes what is in the way of the item, one by one: each removal makes a new node. */
static void clear(struct apply *a, struct name owner, const struct item *i, in_way_fn in_way)
{
    for (;;) {
        const struct node *live = live_node(a, owner, i->id);
        struct rrset s = live ? node_first(live) : (struct rrset){0};
        while (s.count && !in_way(i, rrset_id(s)))
            s = node_next(live, s);
        if (!s.count)
            return;
        settle(a, owner, rrset_id(s), (struct rrset){0});
    }
}

/* The type that decides what an RRset may stand beside: RRSIGs go with what they cover. */
static uint16_t type_of(struct rrset_id id)
{
    return id.type == TYPE_RRSIG ? id.covered : id.type;
}

/* CNAME beside other data; KEY and what signing makes may stand beside both (RFC 4035 s2.5), and
 * what the file itself has there was found fit. */
static bool in_way_of_cname(const struct item *i, struct rrset_id live)
{
    if (rrtype_is(type_of(live), RRTYPE_BESIDE_CNAME) ||
        rrtype_is(i->id.type, RRTYPE_BESIDE_CNAME) || node_get(i->theirs, live).count)
        return false;
    return (type_of(live) == TYPE_CNAME) != (i->id.type == TYPE_CNAME);
}

/* Everything but the RRset itself, and the SOA, which has its own turn. */
static bool in_way_of_all(const struct item *i, struct rrset_id live)
{
    return live.type != TYPE_SOA && rrset_order(live) != rrset_order(i->id);
}

/* The file's RRset does not fit beside what updates gave the name: the name becomes what the file
 * has there, which does. */
static void settle_name(struct apply *a, const struct item *i)
{
    struct name owner = node_owner(i->theirs);
    clear(a, owner, i, in_way_of_all);
    for (struct rrset s = node_first(i->theirs); s.count; s = node_next(i->theirs, s))
        if (s.type != TYPE_SOA && txn_set_rrset(a->t, owner, rrset_id(s), s) == TXN_DONE)
            a->result->set++;
    a->m->is_changed = true;
}

static void apply_item(struct apply *a, const struct item *i)
{
    struct name owner = {i->owner, (uint8_t)name_span(i->owner, NAME_LEN_MAX)};
    struct rrset theirs = node_get(i->theirs, i->id);
    if (theirs.count)
        clear(a, owner, i, in_way_of_cname);
    if (!settle(a, owner, i->id, theirs))
        settle_name(a, i);
}

/* The file's SOA with the live serial. */
static void apply_soa(struct apply *a, struct rrset ours)
{
    struct rrset theirs = a->m->theirs->soa;
    struct rrset_id id = {TYPE_SOA, 0};
    struct name apex = name_of(&txn_zone(a->t)->name);
    uint8_t bytes[2 + 2 * NAME_LEN_MAX + 20];
    ASSERT(theirs.len <= sizeof(bytes));
    if (ours.count && is_soa_same(theirs, ours))
        return;
    memcpy(bytes, theirs.data, theirs.len);
    tell(a, apex, id, theirs, ours);
    if (ours.count)
        put_u32(bytes + theirs.len - 20, soa_of(rrset_first(ours)).serial);
    theirs.data = bytes;
    if (txn_set_rrset(a->t, apex, id, theirs) == TXN_DONE) {
        a->result->set++;
        a->m->is_changed = true;
    }
}

/* With the last RRset: the SOA, and the serial forward. */
static void finish(struct apply *a, enum serial_policy policy, int64_t now_us)
{
    struct merge *m = a->m;
    const struct node *apex = txn_find(a->t, name_of(&txn_zone(a->t)->name));
    struct rrset ours = node_get(apex, (struct rrset_id){TYPE_SOA, 0});
    if (m->sets_soa)
        apply_soa(a, ours);
    if (!ours.count)
        return; /* the file's SOA came whole, or there is none */
    uint32_t live = txn_serial(a->t);
    if (m->has_serial && serial_compare(m->theirs->serial, live) == 1) {
        a->result->set += !m->is_changed;
        txn_set_serial(a->t, m->theirs->serial);
    } else if (m->is_changed)
        txn_set_serial(a->t, serial_next(live, policy, now_us));
}

bool merge_apply_some(struct merge *m, struct txn *t, size_t budget, enum serial_policy policy,
                      int64_t now_us, const struct merge_sink *sink, struct merge_result *result)
{
    struct apply a = {m, t, sink, result};
    for (; m->at < m->count && budget > 0; budget--)
        apply_item(&a, &m->item[m->at++]);
    if (m->at < m->count)
        return false;
    if (!m->is_done)
        finish(&a, policy, now_us);
    m->is_done = true;
    return true;
}

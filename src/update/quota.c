/* SPDX-License-Identifier: Apache-2.0
 * max-records: counting, and what an update leaves.
 *
 * An update that was granted something by such a grant looks at the names that it touched, before
 * and after, and adds the difference to what the tip has. */
#include "base/check.h"
#include "base/random.h"
#include "update/quota.h"
#include "update/reverse.h"
#include "update/update_int.h"

static uint64_t covered(const struct update *u, const struct grant *g, const struct node *n)
{
    uint64_t count = 0;
    for (struct rrset s = n ? node_first(n) : (struct rrset){0}; s.count; s = node_next(n, s)) {
        struct grant_question q = update_question(u, GRANT_ADD, node_owner(n), s.type);
        if (grant_covers(g, &q))
            count += s.count;
    }
    return count;
}

/* --- what is kept --- */

static bool is_kept(const struct grant *g)
{
    return g->records_max > 0 && g->counted && g->where != GRANT_REVERSE;
}

static void set(struct grant_count *c, const struct version *v, uint64_t records)
{
    c->tip = (struct grant_counted){records, v->number, true};
    if (v == v->zone->published)
        c->published = c->tip;
}

/* The number for the version, which may be the published one that a failure has gone back to. */
static const struct grant_counted *get(const struct grant *g, const struct version *v)
{
    struct grant_count *c = is_kept(g) ? g->counted : NULL;
    if (!c)
        return NULL;
    if (c->published.is_counted && c->published.version == v->number)
        c->tip = c->published;
    return c->tip.is_counted && c->tip.version == v->number ? &c->tip : NULL;
}

static bool is_covered(const struct grant *g, struct name zone, const struct rr *rr)
{
    struct grant_question q = {.zone = zone, .op = GRANT_ADD, .owner = rr->owner, .type = rr->type};
    return grant_covers(g, &q);
}

/* How many more of the records the grant covers. Those of an RRset stand together. */
static int64_t growth_of(const struct grant *g, const struct diff_of *of, const struct diff *d)
{
    struct rd r = rd_over(d->bytes, d->len);
    struct rr rr, last = {0};
    bool is_in = false;
    int64_t sum = 0;
    while (rd_left(&r) > 0) {
        bool is_removed = (size_t)(r.at - r.start) < d->added_at;
        const char *fault = diff_read(&r, of, &rr);
        ASSERT(!fault);
        if (!last.owner.len || rr.type != last.type || !name_is_equal(rr.owner, last.owner))
            is_in = is_covered(g, of->zone, &rr);
        last = rr;
        sum += is_in ? is_removed ? -1 : 1 : 0;
    }
    return sum;
}

void quota_note(const struct update_rules *rules, const struct version *v, const struct diff *d)
{
    struct diff_of of = {name_of(&v->zone->name), v->zone->class};
    uint64_t records = (uint64_t)d->removed_count + d->added_count;
    for (unsigned i = 0; i < rules->grant_count; i++) {
        const struct grant *g = &rules->grants[i];
        const struct grant_counted *before = get(g, v->older);
        if (before && records * rules->grant_count <= QUOTA_DIFF_MAX)
            set(g->counted, v, (uint64_t)((int64_t)before->records + growth_of(g, &of, d)));
    }
}

void quota_published(const struct update_rules *rules, const struct version *v)
{
    for (unsigned i = 0; i < rules->grant_count; i++) {
        struct grant_count *c = rules->grants[i].counted;
        if (c && c->tip.is_counted && c->tip.version == v->number)
            c->published = c->tip;
    }
}

void quota_forget(const struct update_rules *rules)
{
    for (unsigned i = 0; i < rules->grant_count; i++)
        if (rules->grants[i].counted)
            *rules->grants[i].counted = (struct grant_count){0};
}

/* --- counting --- */

static uint64_t covered_by(const struct grant *g, const struct version *v, const struct node *n)
{
    uint64_t count = 0;
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
        struct rr rr = {.owner = node_owner(n), .type = s.type};
        if (is_covered(g, name_of(&v->zone->name), &rr))
            count += s.count;
    }
    return count;
}

bool quota_wants_count(const struct update_rules *rules, const struct version *tip,
                       const struct grant_question *who)
{
    if (tip->node_count <= QUOTA_AT_ONCE_MAX)
        return false;
    for (unsigned i = 0; i < rules->grant_count; i++) {
        const struct grant *g = &rules->grants[i];
        if (is_kept(g) && tip->record_count + QUOTA_MESSAGE_MAX > g->records_max &&
            grant_is_for(g, who) && !get(g, tip))
            return true;
    }
    return false;
}

/* Does the grant belong to this walk? It does from its beginning on, or not at all. */
static bool is_of(const struct grant *g, const struct quota_walk *w)
{
    return is_kept(g) && g->counted->by == w;
}

static bool is_begun(const struct quota_walk *w, const struct update_rules *rules,
                     const struct version *v)
{
    bool is_same = w->version == v;
    for (unsigned i = 0; i < rules->grant_count; i++)
        is_same = is_same && (!is_kept(&rules->grants[i]) || is_of(&rules->grants[i], w));
    return is_same;
}

static void begin(struct quota_walk *w, const struct update_rules *rules, const struct version *v)
{
    w->version = v;
    walk_start(&w->walk, v);
    for (unsigned i = 0; i < rules->grant_count; i++) {
        const struct grant *g = &rules->grants[i];
        if (!is_kept(g))
            continue;
        g->counted->by = w;
        g->counted->coming = 0;
    }
}

bool quota_walk_some(struct quota_walk *w, const struct update_rules *rules,
                     const struct version *v, unsigned names)
{
    const struct node *n = NULL;
    if (!is_begun(w, rules, v))
        begin(w, rules, v);
    while (names-- > 0 && (n = walk_next(&w->walk)))
        for (unsigned i = 0; i < rules->grant_count; i++)
            if (is_of(&rules->grants[i], w))
                rules->grants[i].counted->coming += covered_by(&rules->grants[i], v, n);
    if (n)
        return false;
    for (unsigned i = 0; i < rules->grant_count; i++) {
        if (!is_of(&rules->grants[i], w))
            continue;
        struct grant_count *c = rules->grants[i].counted;
        set(c, v, c->coming);
        c->by = NULL;
    }
    w->version = NULL;
    return true;
}

/* --- an update --- */

/* All of the tip that the grant covers. False: too many names to look at each time. */
static bool count_tip(const struct update *u, const struct grant *g, uint64_t *out)
{
    const struct version *tip = u->zone->tip;
    const struct grant_counted *kept = get(g, tip);
    if (kept) {
        *out = kept->records;
        return true;
    }
    if (g->where == GRANT_REVERSE) {
        struct name_buf name;
        reverse_name(&u->actor->peer->address, &name);
        bool is_here = name_is_under(name_of(&name), u->apex);
        *out = is_here ? covered(u, g, lookup_exact(tip, name_of(&name))) : 0;
        return true;
    }
    if (!g->counted && tip->node_count > UPDATE_COUNT_NAMES_MAX)
        return false;
    struct walk w;
    uint64_t count = 0;
    walk_start(&w, tip);
    for (const struct node *n = walk_next(&w); n; n = walk_next(&w))
        count += covered_by(g, tip, n);
    *out = count;
    if (g->counted)
        set(g->counted, tip, count);
    return true;
}

static enum rcode refuse(struct update *u, unsigned rule, const char *why)
{
    u->report->rule = (int)rule;
    return update_say(u, REFUSED, NULL, "updates[%u] allows %u records (max-records), %s", rule,
                      u->rules->grants[rule].records_max, why);
}

/* How many more records each grant covers than before, less than nothing is possible; and the
 * names that were looked at for that, in a table with open addressing. */
struct quota {
    int64_t *growth;
    bool *is_wanted; /* somebody asks, and there are so many records in the whole zone */
    const struct item **names;
    size_t mask;
    struct hash_key key;
};

/* In a table for fewer records nobody can have names meet that makes a difference. */
#define QUOTA_KEYED_MIN 16

/* Grants that have allowed an addition. */
static void note_wanted(struct update *u, struct quota *q)
{
    uint64_t records = txn_record_count(u->txn);
    for (unsigned i = 0; i < u->ops.count; i++)
        if (u->ops.at[i].is_done)
            q->is_wanted[u->ops.at[i].rule] = true;
    for (unsigned i = 0; i < u->rules->grant_count; i++) {
        uint32_t max = u->rules->grants[i].records_max;
        q->is_wanted[i] = q->is_wanted[i] && max > 0 && records > max;
    }
}

static bool has_quota(const struct update_rules *rules)
{
    for (unsigned i = 0; i < rules->grant_count; i++)
        if (rules->grants[i].records_max > 0)
            return true;
    return false;
}

static void *alloc_zero(struct update *u, size_t len)
{
    void *p = update_alloc(u, len);
    return p ? memset(p, 0, len) : NULL;
}

enum rcode quota_start(struct update *u)
{
    size_t grants = u->rules->grant_count, slots = 2;
    if (!update_is_peers(u) || !u->report->is_changed || !has_quota(u->rules))
        return NOERROR;
    while (slots < 2 * (size_t)u->ops.count)
        slots *= 2;
    struct quota *q = update_alloc(u, sizeof(*q));
    if (!q)
        return SERVFAIL;
    *q = (struct quota){.mask = slots - 1};
    if (u->ops.count >= QUOTA_KEYED_MIN)
        random_bytes(&q->key, sizeof(q->key));
    q->growth = alloc_zero(u, grants * sizeof(*q->growth));
    q->is_wanted = alloc_zero(u, grants * sizeof(*q->is_wanted));
    q->names = alloc_zero(u, slots * sizeof(const struct item *));
    if (!q->growth || !q->is_wanted || !q->names)
        return SERVFAIL;
    note_wanted(u, q);
    u->quota = q;
    return NOERROR;
}

/* False: the name was looked at already. */
static bool is_new(struct update *u, const struct item *item)
{
    uint8_t lower[NAME_LEN_MAX];
    struct name owner = item->rr.owner;
    const struct item **names = u->quota->names;
    name_lower(owner, lower);
    size_t at = hash_bytes(&u->quota->key, lower, owner.len) & u->quota->mask;
    for (; names[at]; at = (at + 1) & u->quota->mask)
        if (name_is_equal(names[at]->rr.owner, owner))
            return false;
    names[at] = item;
    return true;
}

/* Names that the update touched, each once. */
enum rcode quota_look(struct update *u, struct item *item)
{
    if (!u->quota || !is_new(u, item))
        return NOERROR;
    const struct node *after = txn_find(u->txn, item->rr.owner),
                      *before = lookup_exact(u->zone->tip, item->rr.owner);
    for (unsigned i = 0; after != before && i < u->rules->grant_count; i++) {
        const struct grant *g = &u->rules->grants[i];
        u->spent++;
        if (!u->quota->is_wanted[i])
            continue;
        u->quota->growth[i] += (int64_t)covered(u, g, after) - (int64_t)covered(u, g, before);
        u->spent += (after ? after->rrset_count : 0u) + (before ? before->rrset_count : 0u);
    }
    return NOERROR;
}

static enum rcode check_grant(struct update *u, unsigned rule)
{
    const struct grant *g = &u->rules->grants[rule];
    int64_t more = u->quota->growth[rule];
    uint64_t before;
    if (more <= 0)
        return NOERROR;
    if (!count_tip(u, g, &before))
        return refuse(u, rule, "and the zone is too large to count them");
    if ((uint64_t)((int64_t)before + more) > g->records_max)
        return refuse(u, rule, "and this would be more");
    return NOERROR;
}

enum rcode quota_check(struct update *u)
{
    enum rcode rcode = NOERROR;
    for (unsigned i = 0; u->quota && rcode == NOERROR && i < u->rules->grant_count; i++)
        if (u->quota->is_wanted[i])
            rcode = check_grant(u, i);
    return rcode;
}

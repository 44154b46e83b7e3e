/* SPDX-License-Identifier: Apache-2.0
 * Leases of what an update adds (RFC 9664; the rules stand in update.h). Looked at when all else of
 * the update has passed, and only where leases are in play at all. */
#include "base/check.h"
#include "update/look.h"
#include "update/update_int.h"

#define US_PER_S 1000000

static bool has_key_lease(const struct update *u, uint16_t type)
{
    return type == TYPE_KEY && u->q->edns.lease_len == 8;
}

static void lower(uint32_t *s, uint32_t to)
{
    if (to < *s)
        *s = to;
}

/* The shortest of what the grants that are made use of have. Where nothing is added, what the first
 * one would have. */
static struct granted grant_all(const struct update *u)
{
    static const struct grant none = {0};
    const struct edns *e = &u->q->edns;
    struct granted all = {UINT32_MAX, UINT32_MAX};
    const struct grant *first = u->report->rule >= 0 ? &u->rules->grants[u->report->rule] : &none;
    for (unsigned i = 0; i < u->ops.count; i++) {
        const struct item *item = &u->ops.at[i];
        if (!op_is_add(item))
            continue;
        const struct grant *g = item->rule >= 0 ? &u->rules->grants[item->rule] : &none;
        if (has_key_lease(u, item->rr.type))
            lower(&all.key_lease_s, grant_clamp(grant_key_lease(g), e->key_lease_s));
        else
            lower(&all.lease_s, grant_clamp(grant_lease(g), e->lease_s));
    }
    if (all.lease_s == UINT32_MAX)
        all.lease_s = grant_clamp(grant_lease(first), e->lease_s);
    if (all.key_lease_s == UINT32_MAX)
        all.key_lease_s = grant_clamp(grant_key_lease(first), e->key_lease_s);
    if (e->lease_len != 8)
        all.key_lease_s = all.lease_s; /* s4.3 */
    return all;
}

static uint32_t lease_of(const struct update *u, const struct item *item, struct granted granted)
{
    if (granted.lease_s)
        return has_key_lease(u, item->rr.type) ? granted.key_lease_s : granted.lease_s;
    return item->rule >= 0 ? grant_lease_s(&u->rules->grants[item->rule]) : 0;
}

static bool may_delete(const struct update *u, const struct rr *rr)
{
    struct grant_question q = update_question(u, GRANT_DELETE, rr->owner, rr->type);
    int rule;
    q.rdata = rr->rdata;
    return !update_is_peers(u) || grants_allow(u->rules->grants, u->rules->grant_count, &q, &rule);
}

/* As the tip has it. */
static bool find(const struct lease_set *l, const struct rr *rr, struct lease *out)
{
    return l && l->count && lease_set_get(l, rr->owner, rr->type, rr->rdata, out);
}

/* Of a record that was there before, what would let it go sooner than without the update is for who
 * may delete it. */
static bool may_lease(const struct update *u, const struct item *item, uint32_t lease_s)
{
    const struct rr *rr = &item->rr;
    struct lease old;
    bool has_one = find(u->rules->coming, rr, &old) || find(u->rules->leases, rr, &old);
    if (!item->was_there || lease_s == 0)
        return true;
    if (has_one && old.expires_us <= u->q->now_us + (int64_t)lease_s * US_PER_S)
        return true;
    return may_delete(u, rr) && (has_one || !op_is_protected(u, rr->owner, rr->type));
}

/* It may have been ignored, or taken away again by a later operation. */
static bool is_in_zone(const struct update *u, const struct rr *rr)
{
    return look_record(txn_look(u->txn, rr->owner, look_type(rr)), rr->type, rr->rdata) != NULL;
}

static bool note(const struct update *u, const struct item *item, struct granted granted,
                 struct update_lease *out)
{
    const struct rr *rr = &item->rr;
    if (!op_is_add(item) || rr->type == TYPE_SOA || !is_in_zone(u, rr))
        return false;
    *out = (struct update_lease){rr->owner, rr->type, rr->rdata, lease_of(u, item, granted)};
    return (out->lease_s || u->rules->leases) && may_lease(u, item, out->lease_s);
}

enum rcode ops_lease(struct update *u)
{
    struct edns *e = &u->q->edns;
    if (LIKELY(!e->lease_len && !u->rules->leases && !u->rules->gives_leases))
        return NOERROR;
    if (e->lease_len)
        u->granted = grant_all(u);
    u->leases = update_alloc(u, u->ops.count * sizeof(*u->leases) + 1);
    u->report->leases = u->leases;
    e->lease_s = u->granted.lease_s;
    e->key_lease_s = u->granted.key_lease_s;
    return u->leases ? NOERROR : SERVFAIL;
}

enum rcode op_lease(struct update *u, struct item *item)
{
    if (LIKELY(!u->leases))
        return NOERROR;
    unsigned *count = &u->report->lease_count;
    *count += note(u, item, u->granted, &u->leases[*count]);
    return NOERROR;
}

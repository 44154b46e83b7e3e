/* SPDX-License-Identifier: Apache-2.0
 * max-records: how many records of the zone a grant covers.
 *
 * What the tip has is counted once and remembered with the grant; from there each update adds what
 * it changed at the names that it touched, for every grant with such a limit and whoever's update
 * it is. The number stands for the zone with one serial and one number of records; if the zone is
 * found with others (a merge, a rollback, an update that the disk did not take), it is counted
 * anew. */
#include <stdlib.h>

#include "base/check.h"
#include "update/reverse.h"
#include "update/update_int.h"
#include "zone/lookup.h"

/* The names that the update touched, each once. */
struct names {
    const struct item **at;
    size_t count;
};

static int by_owner(const void *pa, const void *pb)
{
    return name_compare((*(const struct item *const *)pa)->rr.owner,
                        (*(const struct item *const *)pb)->rr.owner);
}

static bool names_collect(struct update *u, struct names *out)
{
    *out = (struct names){0};
    out->at = update_alloc(u, u->ops.count * sizeof(const struct item *) + 1);
    if (!out->at)
        return false;
    for (unsigned i = 0; i < u->ops.count; i++)
        out->at[i] = &u->ops.at[i];
    qsort(out->at, u->ops.count, sizeof(const struct item *), by_owner);
    for (unsigned i = 0; i < u->ops.count; i++)
        if (i == 0 || by_owner(&out->at[out->count - 1], &out->at[i]) != 0)
            out->at[out->count++] = out->at[i];
    return true;
}

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

/* How many more the grant covers than before; less than nothing is possible. */
static int64_t growth(const struct update *u, const struct grant *g, const struct names *names)
{
    int64_t sum = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct name owner = names->at[i]->rr.owner;
        sum += (int64_t)covered(u, g, txn_find(u->txn, owner));
        sum -= (int64_t)covered(u, g, lookup_exact(u->zone->tip, owner));
    }
    return sum;
}

/* What is remembered of another version is forgotten. What reverse-of-source covers depends on who
 * asks. */
static bool is_remembered(const struct update *u, const struct grant *g)
{
    const struct version *tip = u->zone->tip;
    struct grant_count *c = g->counted;
    if (!c)
        return false;
    c->is_counted = c->is_counted && c->serial == tip->serial &&
                    c->zone_records == tip->record_count && g->where != GRANT_REVERSE;
    return c->is_counted;
}

/* All of the tip that the grant covers. False: too many names to look at each time. */
static bool count_tip(const struct update *u, const struct grant *g, uint64_t *out)
{
    if (is_remembered(u, g)) {
        *out = g->counted->records;
        return true;
    }
    if (g->where == GRANT_REVERSE) {
        struct name_buf name;
        reverse_name(&u->actor->peer->address, &name);
        bool is_here = name_is_under(name_of(&name), u->apex);
        *out = is_here ? covered(u, g, lookup_exact(u->zone->tip, name_of(&name))) : 0;
        return true;
    }
    if (!g->counted && u->zone->tip->node_count > UPDATE_COUNT_NAMES_MAX)
        return false;
    struct walk w;
    uint64_t count = 0;
    walk_start(&w, u->zone->tip);
    for (const struct node *n = walk_next(&w); n; n = walk_next(&w))
        count += covered(u, g, n);
    *out = count;
    return true;
}

/* The same number for the version that the update makes. */
static void remember(const struct update *u, const struct grant *g, uint64_t records)
{
    if (g->counted && !u->actor->is_asking)
        *g->counted = (struct grant_count){
            .records = records,
            .zone_records = txn_record_count(u->txn),
            .serial = txn_serial(u->txn),
            .is_counted = true,
        };
}

static enum rcode refuse(struct update *u, unsigned rule, const char *why)
{
    u->report->rule = (int)rule;
    return update_say(u, REFUSED, NULL, "updates[%u] allows %u records (max-records), %s", rule,
                      u->rules->grants[rule].records_max, why);
}

static bool is_used(const struct update *u, unsigned rule)
{
    for (unsigned i = 0; i < u->ops.count; i++)
        if (u->ops.at[i].is_done && u->ops.at[i].rule == (int)rule)
            return true;
    return false;
}

static enum rcode check_grant(struct update *u, unsigned rule, const struct names *names)
{
    const struct grant *g = &u->rules->grants[rule];
    bool is_asked = is_used(u, rule), is_known = is_remembered(u, g);
    /* nobody asks, or there are not so many records in the whole zone */
    if (!is_known && (!is_asked || txn_record_count(u->txn) <= g->records_max))
        return NOERROR;
    int64_t more = growth(u, g, names);
    uint64_t before;
    if (!is_known && more <= 0)
        return NOERROR;
    if (!count_tip(u, g, &before))
        return refuse(u, rule, "and the zone is too large to count them");
    uint64_t after = (uint64_t)((int64_t)before + more);
    if (is_asked && more > 0 && after > g->records_max)
        return refuse(u, rule, "and this would be more");
    remember(u, g, after);
    return NOERROR;
}

enum rcode quota_check(struct update *u)
{
    struct names names;
    bool is_collected = false;
    if (!update_is_peers(u) || !u->report->is_changed)
        return NOERROR;
    for (unsigned i = 0; i < u->rules->grant_count; i++) {
        if (u->rules->grants[i].records_max == 0)
            continue;
        if (!is_collected && !names_collect(u, &names))
            return SERVFAIL;
        is_collected = true;
        enum rcode rcode = check_grant(u, i, &names);
        if (rcode != NOERROR)
            return rcode;
    }
    return NOERROR;
}

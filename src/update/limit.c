/* SPDX-License-Identifier: Apache-2.0
 * Limits on what an update may leave: server.limits.update-*, max-per-name of grants, and what a
 * message can hold. Only what grew can be over a limit, and only what was added to can have grown.
 */
#include "base/check.h"
#include "update/update_int.h"
#include "zone/check.h"
#include "zone/lookup.h"

/* Records of a node: in all, of a type (0: of any), or of what a grant covers. */
struct counting {
    struct update *u;
    const struct grant *grant; /* NULL: does not matter */
    uint16_t type;             /* 0: does not matter */
};

static uint64_t count_node(const struct counting *c, const struct node *n)
{
    uint64_t count = 0;
    for (struct rrset s = n ? node_first(n) : (struct rrset){0}; s.count; s = node_next(n, s)) {
        if (c->type && s.type != c->type)
            continue;
        if (c->grant) {
            struct grant_question q = update_question(c->u, GRANT_ADD, node_owner(n), s.type);
            if (!grant_covers(c->grant, &q))
                continue;
        }
        count += s.count;
    }
    return count;
}

/* The item's name as the update leaves it, and before. */
struct comparing {
    const struct item *item;
    const struct node *after, *before;
};

/* More than max, and more than before. */
static bool is_over(const struct counting *c, const struct comparing *names, uint32_t max)
{
    if (max == 0)
        return false;
    uint64_t after = count_node(c, names->after);
    return after > max && after > count_node(c, names->before);
}

/* As a zone file is refused that has such an RRset. */
static enum rcode check_size(struct update *u, const struct comparing *names)
{
    const struct rr *rr = &names->item->rr;
    struct rrset_id id = {rr->type, rr->type == TYPE_RRSIG ? get_u16(rr->rdata.bytes) : 0};
    struct rrset set = node_get(names->after, id);
    if (check_fits_message(rr->owner, set) || set.len <= node_get(names->before, id).len)
        return NOERROR;
    return update_say(u, REFUSED, names->item,
                      "the RRset would not fit a message, with %u bytes in %u records", set.len,
                      set.count);
}

static enum rcode check_limits(struct update *u, const struct comparing *names)
{
    const struct item *item = names->item;
    const struct update_limits *l = &u->rules->limits;
    struct counting all = {.u = u}, set = {.u = u, .type = item->rr.type},
                    granted = {.u = u, .grant = &u->rules->grants[item->rule]};
    if (is_over(&set, names, l->rrset_records))
        return update_say(u, REFUSED, item,
                          "more records than server.limits.update-records-per-rrset, %u",
                          l->rrset_records);
    if (is_over(&all, names, l->name_records))
        return update_say(u, REFUSED, item,
                          "more records than server.limits.update-records-per-name, %u",
                          l->name_records);
    uint32_t per_name = grant_per_name_max(granted.grant);
    if (is_over(&granted, names, per_name)) {
        u->report->rule = item->rule;
        return update_say(u, REFUSED, item, "more records at the name than updates[%d] allows, %u",
                          item->rule, per_name);
    }
    return check_size(u, names);
}

/* The types there are counted a few times. */
static enum rcode check_item(struct update *u, const struct item *item)
{
    const struct comparing names = {item, txn_find(u->txn, item->rr.owner),
                                    lookup_exact(u->zone->tip, item->rr.owner)};
    enum rcode rcode = update_work(u, item, names.after ? 4u * names.after->rrset_count : 0);
    return rcode == NOERROR ? check_limits(u, &names) : rcode;
}

static bool is_as_last(const struct item *last, const struct item *item)
{
    return last && last->rule == item->rule && last->rr.type == item->rr.type &&
           name_is_equal(last->rr.owner, item->rr.owner);
}

enum rcode op_limit(struct update *u, struct item *item)
{
    if (!update_is_peers(u) || !item->is_done || is_as_last(u->last, item))
        return NOERROR;
    u->last = item;
    return check_item(u, item);
}

enum rcode ops_limit(struct update *u)
{
    uint32_t max = u->rules->limits.zone_records;
    uint64_t count = u->last && max ? txn_record_count(u->txn) : 0;
    if (count > max && count > u->zone->tip->record_count)
        return update_say(u, REFUSED, u->last,
                          "more records in the zone than server.limits.update-zone-records, %u",
                          max);
    return NOERROR;
}

/* SPDX-License-Identifier: Apache-2.0
 * Additional data (RFC 1034 s4.3.2 step 6).
 *
 * It comes from the zone that answered, from names that exist there: what is elsewhere a resolver
 * would not believe, and what a wildcard makes it could not verify. Its loss never sets TC. */
#include "query/additional.h"

#include "base/attr.h"

/* What is added besides A and AAAA. */
static const struct {
    uint16_t type, wanted[2];
} extras[] = {
    {TYPE_RT, {TYPE_X25, TYPE_ISDN}}, /* RFC 1183 s3.3 */
    {TYPE_NAPTR, {TYPE_SRV}},         /* RFC 3403 s4.2 */
    {TYPE_SVCB, {TYPE_SVCB}},         /* RFC 9460 s4.1 */
    {TYPE_HTTPS, {TYPE_HTTPS}},
};

_Static_assert(REPLY_TARGETS_MAX <= LOOKUP_BATCH_MAX, "all targets are looked up in one batch");

static bool is_noted(const struct reply *r, struct name name, uint16_t type)
{
    for (unsigned i = 0; i < r->target_count; i++)
        if (r->targets[i].type == type && name_is_equal(r->targets[i].name, name))
            return true;
    return false;
}

/* The name that this record sends its reader to; len 0: none. */
static struct name target_of(const struct reply *r, uint16_t type, struct rdata rd)
{
    const struct rrtype_info *info = rrtype_info(type);
    struct name target = rdata_name(type, rd, info->name_count - 1u);
    if ((type == TYPE_SVCB || type == TYPE_HTTPS) && target.len == 1)
        /* RFC 9460 s2.5: "." is the owner in ServiceMode, and nothing in AliasMode */
        return get_u16(rd.bytes) ? r->qname : (struct name){0};
    return target;
}

void additional_note(struct reply *r, const struct rrset *set)
{
    /* RFC 8109 s4.1: who asks for a zone's servers, as in priming, means to reach them */
    if (r->q->self->minimal_responses && set->type != TYPE_NS)
        return;
    if (!rrtype_is(set->type, RRTYPE_ADDITIONAL))
        return;
    struct name apex = node_owner(r->version->apex);
    for (struct rdata rd = rrset_first(*set); rd.bytes; rd = rrset_next(*set, rd)) {
        struct name target = target_of(r, set->type, rd);
        if (target.len == 0 || !name_is_under(target, apex) || is_noted(r, target, set->type))
            continue;
        if (r->target_count == REPLY_TARGETS_MAX)
            return;
        r->targets[r->target_count++] = (struct target){target, set->type};
    }
}

static bool write_set(struct reply *r, struct name owner, const struct node *n, uint16_t type)
{
    struct rrset set, sigs;
    return !node_find_both(n, type, &set, &sigs) ||
           reply_optional(r, SECTION_ADDITIONAL, (struct owner){owner, 0}, &set, &sigs);
}

bool additional_addresses(struct reply *r, struct owner owner, const struct node *n)
{
    bool is_whole = true;
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
        if (s.type > TYPE_AAAA && s.type != TYPE_RRSIG)
            break;
        if (s.type != TYPE_A && s.type != TYPE_AAAA)
            continue;
        struct rrset sigs = node_next(n, s);
        if (sigs.count && (sigs.type != TYPE_RRSIG || rrset_covered(sigs) != s.type))
            sigs.count = 0;
        is_whole &= reply_optional(r, SECTION_ADDITIONAL, owner, &s, &sigs);
    }
    return is_whole;
}

/* Is that RRset the answer, or was it written for a target before this one? */
static bool is_written(const struct reply *r, unsigned at, uint16_t type)
{
    struct name name = r->targets[at].name;
    if (type == r->q->msg.qtype && name_is_equal(name, r->qname))
        return true;
    for (unsigned i = 0; i < at; i++)
        if (name_is_equal(r->targets[i].name, name))
            return type == TYPE_A || type == TYPE_AAAA;
    return false;
}

static void write_target(struct reply *r, unsigned at, const struct node *n)
{
    struct target t = r->targets[at];
    if (!is_written(r, at, TYPE_A))
        (void)write_set(r, t.name, n, TYPE_A);
    if (!is_written(r, at, TYPE_AAAA))
        (void)write_set(r, t.name, n, TYPE_AAAA);
    for (unsigned i = 0; i < ARRAY_LEN(extras); i++)
        for (unsigned k = 0; extras[i].type == t.type && k < ARRAY_LEN(extras[i].wanted); k++)
            if (extras[i].wanted[k] && !is_written(r, at, extras[i].wanted[k]))
                (void)write_set(r, t.name, n, extras[i].wanted[k]);
}

/* Where the addresses of a target are; NULL: nowhere. Glue is for those who ask for name servers.
 */
static const struct node *find_target(const struct reply *r, unsigned at,
                                      const struct lookup *found)
{
    if (found->kind == LOOKUP_NODE)
        return found->node;
    if (found->kind == LOOKUP_CUT && r->targets[at].type == TYPE_NS)
        return lookup_exact(r->version, r->targets[at].name);
    return NULL;
}

void additional_write(struct reply *r)
{
    struct lookup found[REPLY_TARGETS_MAX];
    struct lookup_job jobs[REPLY_TARGETS_MAX];
    if (r->target_count == 0 || r->is_full)
        return;
    for (unsigned i = 0; i < r->target_count; i++)
        jobs[i] = (struct lookup_job){r->version, r->targets[i].name, &found[i]};
    lookup_batch(jobs, r->target_count);
    for (unsigned i = 0; i < r->target_count; i++) {
        const struct node *n = find_target(r, i, &found[i]);
        if (n)
            write_target(r, i, n);
    }
}

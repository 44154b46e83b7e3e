/* SPDX-License-Identifier: Apache-2.0
 * Referrals and their glue.
 *
 * Addresses of servers inside the delegated zone are required: without them nobody gets there, so if one does not fit the
 * answer says TC (RFC 9471 s3.1). Those of servers elsewhere in our zone are a help and are added while there is room
 * (s3.2). All are looked up at once, so that their cache misses overlap. */
#include "query/referral.h"

#include "query/additional.h"
#include "query/denial.h"

void referral_authority(struct reply *r)
{
    const struct node *cut = r->lookup.node;
    struct name owner = reply_ancestor(r->qname, cut->owner_len);
    struct rrset set, sigs, none = {0};
    if (!node_find_both(cut, TYPE_NS, &set, &sigs) ||
        !reply_rrset(r, SECTION_AUTHORITY, owner, &set, &none))    /* RFC 4035 s2.2: not signed here */
        return;
    if (!r->q->edns.dnssec_ok)
        return;
    if (cut->has & NODE_HAS_DS && node_find_both(cut, TYPE_DS, &set, &sigs))
        (void)reply_rrset(r, SECTION_AUTHORITY, owner, &set, &sigs);
    else
        denial_no_ds(r);
}

/* Names waiting for one batch: the first `required` of them are of servers in the delegated zone. */
struct glue {
    struct name names[LOOKUP_BATCH_MAX];
    unsigned count, required;
};

static void write_glue(struct reply *r, struct glue *g)
{
    const struct node *nodes[LOOKUP_BATCH_MAX];
    if (g->count == 0)
        return;
    lookup_exact_batch(r->version, g->names, g->count, nodes);
    for (unsigned i = 0; i < g->count && !r->is_full; i++)
        if (nodes[i])
            additional_addresses(r, g->names[i], nodes[i],
                                 i < g->required ? ADDITIONAL_REQUIRED : ADDITIONAL_OPTIONAL);
    g->count = g->required = 0;
}

void referral_glue(struct reply *r)
{
    const struct node *cut_node = r->lookup.node;
    struct name cut = node_owner(cut_node), apex = node_owner(r->version->apex);
    struct rrset ns;
    struct glue g = {.count = 0};
    if (r->is_full || !node_find(cut_node, TYPE_NS, &ns))
        return;
    for (struct rdata rd = rrset_first(ns); rd.bytes; rd = rrset_next(ns, rd)) {
        struct name target = {rd.bytes, (uint8_t)rd.len};
        if (!name_is_under(target, cut))
            continue;
        if (g.count == LOOKUP_BATCH_MAX)
            write_glue(r, &g);
        g.names[g.count++] = target;
        g.required = g.count;
    }
    for (struct rdata rd = rrset_first(ns); rd.bytes && g.count < LOOKUP_BATCH_MAX; rd = rrset_next(ns, rd)) {
        struct name target = {rd.bytes, (uint8_t)rd.len};
        if (name_is_under(target, apex) && !name_is_under(target, cut))
            g.names[g.count++] = target;
    }
    write_glue(r, &g);
}

/* SPDX-License-Identifier: Apache-2.0
 * Referrals and their glue.
 *
 * Addresses of servers inside the delegated zone are required: without them nobody gets there, so
 * if one does not fit the answer says TC (RFC 9471 s3.1). Those of servers elsewhere in our zone
 * are a help and are added while there is room (s3.2). All are looked up at once, so that their
 * cache misses overlap. */
#include "query/referral.h"

#include "query/additional.h"
#include "query/denial.h"

void referral_authority(struct reply *r)
{
    const struct node *cut = r->lookup.node;
    struct name owner = reply_ancestor(r->qname, cut->owner_len);
    struct rrset set, sigs, none = {0};
    r->referral_at = r->q->answer->len;
    if (!node_find_both(cut, TYPE_NS, &set, &sigs) ||
        !reply_rrset(r, SECTION_AUTHORITY, owner, &set, &none)) /* RFC 4035 s2.2: not signed here */
        return;
    if (!reply_wants_proof(r, r->version)) /* a DS that nobody has signed proves nothing */
        return;
    if (cut->has & NODE_HAS_DS && node_find_both(cut, TYPE_DS, &set, &sigs))
        (void)reply_rrset(r, SECTION_AUTHORITY, owner, &set, &sigs);
    else
        denial_no_ds(r);
}

/* Servers elsewhere in our zone whose addresses are looked for; a delegation with more has enough.
 */
#define SIBLINGS_MAX 16

/* Names to look up in one batch, and where in the message they stand. */
struct glue {
    unsigned count;
    struct name names[LOOKUP_BATCH_MAX];
    size_t at[LOOKUP_BATCH_MAX];
};

static void add_glue(struct glue *g, struct name name, size_t at)
{
    g->names[g->count] = name;
    g->at[g->count++] = at;
}

/* Steps over the NS record at *at, which we have written, and says where its target stands. */
static size_t next_target(const struct build *b, size_t *at)
{
    size_t p = *at;
    while (b->wire[p] && b->wire[p] < 0xc0)
        p += b->wire[p] + 1u;
    p += b->wire[p] ? 2 : 1; /* behind the owner; then type, class, TTL, length */
    size_t target = p + 10;
    *at = target + get_u16(b->wire + p + 8);
    bool is_pointer = b->wire[target] >= 0xc0;
    return is_pointer ? get_u16(b->wire + target) & 0x3fffu : target;
}

/* Looks up and writes; the first `required` of them must fit. */
static void write_glue(struct reply *r, struct glue *g, unsigned required)
{
    const struct node *nodes[LOOKUP_BATCH_MAX];
    if (g->count)
        lookup_exact_batch(r->version, g->names, g->count, nodes);
    for (unsigned i = 0; i < g->count && !r->is_full; i++)
        if (nodes[i] && !additional_addresses(r, (struct owner){g->names[i], g->at[i]}, nodes[i]) &&
            i < required)
            reply_truncate(r);
    g->count = 0;
}

void referral_glue(struct reply *r)
{
    const struct node *cut_node = r->lookup.node;
    struct name cut = node_owner(cut_node), apex = node_owner(r->version->apex);
    struct rrset ns;
    struct glue inside, siblings;
    inside.count = siblings.count = 0;
    if (r->is_full || !node_find(cut_node, TYPE_NS, &ns))
        return;
    size_t at = r->referral_at;
    for (struct rdata rd = rrset_first(ns); rd.bytes; rd = rrset_next(ns, rd)) {
        struct name target = {rd.bytes, (uint8_t)rd.len};
        size_t target_at = next_target(r->q->answer, &at);
        if (name_is_under(target, cut)) {
            if (inside.count == LOOKUP_BATCH_MAX)
                write_glue(r, &inside, inside.count);
            add_glue(&inside, target, target_at);
        } else if (siblings.count < SIBLINGS_MAX && name_is_under(target, apex))
            add_glue(&siblings, target, target_at);
    }
    unsigned required = inside.count;
    for (unsigned i = 0; i < siblings.count && inside.count < LOOKUP_BATCH_MAX; i++)
        add_glue(&inside, siblings.names[i], siblings.at[i]);
    write_glue(r, &inside, required);
}

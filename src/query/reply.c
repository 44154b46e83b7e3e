/* SPDX-License-Identifier: Apache-2.0
 * Writing RRsets with their signatures, and the SOA and denial records that several kinds of
 * answers share.
 *
 * An RRset and its RRSIGs are one thing: RFC 4035 s3.1.1 wants TC where the signatures of a
 * required RRset do not fit, and an RRset without them would be of no use to who asked with DO. */
#include "query/reply.h"

#include "base/attr.h"

void reply_init(struct reply *r, struct request *q)
{
    r->q = q;
    r->is_full = false;
    r->qname = q->msg.qname;
    r->zone = q->zone;
    r->version = q->version;
    r->lookup = q->lookup;
    r->link_count = r->expansion_count = r->target_count = r->proof_count = 0;
}

void reply_truncate(struct reply *r)
{
    r->is_full = true;
    r->q->answer_flags |= FLAG_TC;
}

bool reply_optional(struct reply *r, enum section s, struct owner owner, const struct rrset *set,
                    const struct rrset *sigs)
{
    struct build *b = r->q->answer;
    if (r->is_full)
        return false;
    struct build_rrset out = {owner.name, owner.at,  set->type, r->zone->class,
                              set->ttl,   set->data, set->count};
    if (LIKELY(!r->q->edns.dnssec_ok ||
               sigs->count == 0)) /* RFC 4035 s3.1: no signatures without DO */
        return build_rrset(b, s, &out);

    struct build_mark mark = build_mark(b);
    if (build_rrset(b, s, &out)) {
        out.type = TYPE_RRSIG;
        out.ttl = sigs->ttl;
        out.data = sigs->data;
        out.count = sigs->count;
        if (build_rrset(b, s, &out))
            return true;
    }
    build_undo(b, mark);
    return false;
}

bool reply_rrset(struct reply *r, enum section s, struct name owner, const struct rrset *set,
                 const struct rrset *sigs)
{
    if (reply_optional(r, s, (struct owner){owner, 0}, set, sigs))
        return true;
    reply_truncate(r);
    return false;
}

void reply_soa(struct reply *r)
{
    const struct version *v = r->version;
    struct rrset soa = v->soa, sigs = {0};
    if (soa.count == 0)
        return;
    if (r->q->edns.dnssec_ok)
        (void)node_find_sigs(v->apex, TYPE_SOA, &sigs);
    soa.ttl = sigs.ttl =
        v->negative_ttl; /* RFC 2308 s5; an RRSIG's TTL is that of what it covers (RFC 4034 s3) */
    (void)reply_rrset(r, SECTION_AUTHORITY, reply_ancestor(r->qname, v->apex->owner_len), &soa,
                      &sigs);
}

void reply_proof(struct reply *r, const struct node *n, uint16_t type)
{
    struct rrset set, sigs;
    if (!n || !node_find_both(n, type, &set, &sigs))
        return;
    for (unsigned i = 0; i < r->proof_count; i++)
        if (r->proofs[i] == n)
            return;
    if (r->proof_count < REPLY_PROOFS_MAX)
        r->proofs[r->proof_count++] = n;
    (void)reply_rrset(r, SECTION_AUTHORITY, node_owner(n), &set, &sigs);
}

/* SPDX-License-Identifier: Apache-2.0
 * ANY and RRSIG.
 *
 * RFC 8482 s4.1: a subset is a valid answer, and s4.4: it may differ between UDP and TCP. The
 * smallest RRset costs a reflected victim least and is real data. Over TCP the whole node is sent,
 * signatures also without DO: ANY asks for them. */
#include "query/any.h"

bool any_has(const struct node *n, uint16_t qtype)
{
    return qtype == TYPE_ANY || n->has & NODE_HAS_RRSIG;
}

/* Does a come before b as the one RRset to send? */
static bool is_better(struct rrset a, struct rrset b)
{
    bool is_dnssec_a = rrtype_is(a.type, RRTYPE_DNSSEC),
         is_dnssec_b = rrtype_is(b.type, RRTYPE_DNSSEC);
    if (is_dnssec_a != is_dnssec_b)
        return is_dnssec_b;
    return a.len < b.len;
}

static void answer_one(struct reply *r, const struct node *n, uint16_t qtype)
{
    struct rrset best = {0}, sigs = {0};
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        if ((s.type == TYPE_RRSIG) == (qtype == TYPE_RRSIG) && (!best.count || is_better(s, best)))
            best = s;
    if (best.count == 0)
        return;
    if (best.type != TYPE_RRSIG)
        (void)node_find_sigs(n, best.type, &sigs);
    (void)reply_rrset(r, SECTION_ANSWER, r->qname, &best, &sigs);
}

void any_answer(struct reply *r, const struct node *n, uint16_t qtype)
{
    struct rrset none = {0};
    if (r->q->peer.transport == TRANSPORT_UDP) {
        answer_one(r, n, qtype);
        return;
    }
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        if (qtype == TYPE_ANY || s.type == TYPE_RRSIG)
            if (!reply_rrset(r, SECTION_ANSWER, r->qname, &s, &none))
                return;
}

/* SPDX-License-Identifier: Apache-2.0
 * Questions for more than one RRset: ANY (RFC 8482), and RRSIG, which RFC 8482 s7 likens to it.
 * Private to query/. */
#ifndef REEVE_QUERY_ANY_H
#define REEVE_QUERY_ANY_H

#include "query/reply.h"

static inline bool any_is_asked(uint16_t qtype)
{
    return qtype == TYPE_ANY || qtype == TYPE_RRSIG;
}

/* Is there something at the node that such a question asks for? */
bool any_has(const struct node *n, uint16_t qtype);
/* TCP: everything. UDP: the smallest RRset, one that is not there for DNSSEC if possible, so that
 * nobody is flooded. */
void any_answer(struct reply *r, const struct node *n, uint16_t qtype);

#endif

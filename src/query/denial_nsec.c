/* SPDX-License-Identifier: Apache-2.0
 * Denial with NSEC (RFC 4035 s3.1.3): the record at the name, or the one before it. */
#include "query/denial.h"

/* The NSEC that shows what "*.<encloser>" is: its own, or the one that covers it. */
static const struct node *find_wildcard_nsec(const struct version *v, struct name encloser)
{
    struct name_buf star;
    return name_wildcard_of(encloser, &star) ? lookup_nsec(v, name_of(&star)) : NULL;
}

void denial_nsec_nodata(struct reply *r)
{
    const struct lookup *l = &r->lookup;
    const struct version *v = r->version;
    if (l->kind == LOOKUP_NODE || l->kind == LOOKUP_CUT) { /* s3.1.3.1 */
        reply_proof(r, l->node, TYPE_NSEC);
        return;
    }
    /* an empty non-terminal has no NSEC: the one before it names what is below (s3.1.3.1 by way of
     * s2.3) */
    if (l->kind == LOOKUP_WILDCARD) /* s3.1.3.4 */
        reply_proof(r, l->node, TYPE_NSEC);
    else if (l->kind == LOOKUP_WILDCARD_EMPTY)
        reply_proof(r, find_wildcard_nsec(v, l->encloser), TYPE_NSEC);
    reply_proof(r, lookup_nsec(v, r->qname), TYPE_NSEC);
}

void denial_nsec_nxdomain(struct reply *r)
{
    /* s3.1.3.2: neither the name exists, nor a wildcard that could have stood for it */
    reply_proof(r, lookup_nsec(r->version, r->qname), TYPE_NSEC);
    reply_proof(r, find_wildcard_nsec(r->version, r->lookup.encloser), TYPE_NSEC);
}

void denial_nsec_expansion(struct reply *r, const struct expansion *e)
{
    reply_proof(r, lookup_nsec(e->version, e->qname), TYPE_NSEC); /* s3.1.3.3 */
}

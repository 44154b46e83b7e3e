/* SPDX-License-Identifier: Apache-2.0
 * Which kind of denial a version of a zone has. */
#include "query/denial.h"

#define NSEC3_SHA1 1 /* the only hash algorithm there is (RFC 5155 s11) */

enum proof { PROOF_NONE, PROOF_NSEC, PROOF_NSEC3 };

/* An NSEC3PARAM at the apex says that the NSEC3 chain is complete (RFC 5155 s7.1); without it there
 * is NSEC. */
static enum proof proof_of(struct reply *r, const struct version *v)
{
    const struct nsec3_param *p = &v->nsec3_param;
    if (!reply_wants_proof(r, v))
        return PROOF_NONE;
    if (!p->is_set)
        return PROOF_NSEC;
    if (p->algorithm != NSEC3_SHA1)
        return PROOF_NONE;
    if (p->iterations <= r->q->self->nsec3_iterations_max)
        return PROOF_NSEC3;
    r->q->count->nsec3_over_limit += !r->q->edns.is_unproven;
    r->q->edns.is_unproven = true;
    return PROOF_NONE;
}

void denial_nodata(struct reply *r)
{
    enum proof p = proof_of(r, r->version);
    if (p == PROOF_NSEC)
        denial_nsec_nodata(r);
    else if (p == PROOF_NSEC3)
        denial_nsec3_nodata(r);
}

void denial_nxdomain(struct reply *r)
{
    enum proof p = proof_of(r, r->version);
    if (p == PROOF_NSEC)
        denial_nsec_nxdomain(r);
    else if (p == PROOF_NSEC3)
        denial_nsec3_nxdomain(r);
}

void denial_no_ds(struct reply *r)
{
    enum proof p = proof_of(r, r->version);
    if (p == PROOF_NSEC) /* RFC 4035 s3.1.4: the cut's own */
        reply_proof(r, r->lookup.node, TYPE_NSEC);
    else if (p == PROOF_NSEC3)
        denial_nsec3_no_ds(r);
}

void denial_expansion(struct reply *r, const struct expansion *e)
{
    enum proof p = proof_of(r, e->version);
    if (p == PROOF_NSEC)
        denial_nsec_expansion(r, e);
    else if (p == PROOF_NSEC3)
        denial_nsec3_expansion(r, e);
}

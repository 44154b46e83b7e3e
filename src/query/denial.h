/* SPDX-License-Identifier: Apache-2.0
 * Authenticated denial: the NSEC or NSEC3 records that an answer from a signed zone needs (RFC 4035
 * s3.1.3, RFC 5155 s7.2). Private to query/.
 *
 * Each function writes to authority, or does nothing where DO is not set or the zone is not signed.
 * A zone whose NSEC3 takes more iterations than self->nsec3_iterations_max is answered without
 * these records, and edns.is_unproven is set: RFC 9276 s4 names the cost of hashing as an attack,
 * and validators treat such zones as unsigned or broken anyway. */
#ifndef REEVE_QUERY_DENIAL_H
#define REEVE_QUERY_DENIAL_H

#include "query/reply.h"

/* The name at the end of the chain has no RRset of the type asked for. */
void denial_nodata(struct reply *r);
/* It does not exist. */
void denial_nxdomain(struct reply *r);
/* r->lookup is a cut without DS. */
void denial_no_ds(struct reply *r);
/* A wildcard answered for this name: nothing closer exists. */
void denial_expansion(struct reply *r, const struct expansion *e);

/* What the two kinds of zones do for it. */
void denial_nsec_nodata(struct reply *r);
void denial_nsec_nxdomain(struct reply *r);
void denial_nsec_expansion(struct reply *r, const struct expansion *e);
void denial_nsec3_no_ds(struct reply *r);
void denial_nsec3_nodata(struct reply *r);
void denial_nsec3_nxdomain(struct reply *r);
void denial_nsec3_expansion(struct reply *r, const struct expansion *e);

#endif

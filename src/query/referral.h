/* SPDX-License-Identifier: Apache-2.0
 * Referrals: the NS of a zone cut, its DS or the proof that it has none, and glue (RFC 4035 s3.1.4,
 * RFC 9471). Private to query/. r->lookup is LOOKUP_CUT. */
#ifndef REEVE_QUERY_REFERRAL_H
#define REEVE_QUERY_REFERRAL_H

#include "query/reply.h"

void referral_authority(struct reply *r);
/* After everything else in authority. */
void referral_glue(struct reply *r);

#endif

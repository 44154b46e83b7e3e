/* SPDX-License-Identifier: Apache-2.0
 * The difference between any two versions of one zone name, which need not be of the same struct
 * zone: what a zone that came whole is to the one that it replaces.
 *
 * Walks both side by side and passes over names that are equal: about 0.1 us each. For helper
 * threads: reads the versions only, which the caller keeps pinned. */
#ifndef REEVE_ZONE_CONTRAST_H
#define REEVE_ZONE_CONTRAST_H

#include "zone/txn.h"
#include "zone/version.h"

/* out: in IXFR order as txn_seal() gives it, from the one's serial to the other's; empty when both
 * have the same records. What the serials are, equal or the second behind the first, is the
 * caller's business: the SOAs are in it when they differ in anything. Case in owner names does not
 * count (txn_apply() keeps that of the name there is), case in rdata does. A version without
 * records is fine. */
void contrast_versions(const struct version *from, const struct version *to, struct diff *out);

#endif

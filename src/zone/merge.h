/* SPDX-License-Identifier: Apache-2.0
 * Merging a zone file that changed into the zone as it is served: three ways, RRset by RRset.
 *
 * base is the file as last loaded, theirs the file now, ours what is live. An RRset that the file's
 * author changed since (theirs differs from base) becomes theirs; all else that is live stays.
 * RRSIGs are RRsets by what they cover. Of the SOA the fields but the serial follow the same rule;
 * the serial always moves forward: the file's where it is ahead of the live one, else the next.
 *
 * The plan depends on base and theirs only (ours just tells which of base's RRsets theirs lacks),
 * so it stays right while updates change the live zone; it is made in a helper and applied by who
 * owns the txn. An RRset that both sides changed, differently, is a conflict: the file wins, and it
 * is told of with both values. */
#ifndef REEVE_ZONE_MERGE_H
#define REEVE_ZONE_MERGE_H

#include "zone/base.h"
#include "zone/serial.h"
#include "zone/txn.h"
#include "zone/version.h"

struct merge;

/* theirs must live as long as the plan; ours only during the call (pinned for the helper). base
 * NULL: there was no file before; theirs' RRsets are all new. */
struct merge *merge_plan(const struct base *base, const struct version *theirs,
                         const struct version *ours);
/* NULL is fine. */
void merge_free(struct merge *m);
/* RRsets that it sets or removes, the SOA counted; 0: the file has nothing new to say. */
size_t merge_count(const struct merge *m);
/* Records that the live zone has more, or (below 0) less, when all of it is done. What a CNAME
 * makes way for is not counted. */
int64_t merge_growth(const struct merge *m);

struct merge_conflict {
    struct name owner;
    uint16_t type, covered;    /* covered: of an RRSIG, else 0 */
    struct rrset theirs, ours; /* count 0: not there */
};
struct merge_sink {
    void *arg;
    void (*conflict)(void *arg, const struct merge_conflict *c); /* may be NULL */
};
struct merge_result {
    uint32_t set, removed, conflicts;
};
/* Does the next `budget` RRsets of the plan inside the txn (TXN_CHANGE on the live zone); true: all
 * done, and with the last of them the serial is set as the header says, if anything changed. */
bool merge_apply_some(struct merge *m, struct txn *t, size_t budget, enum serial_policy policy,
                      int64_t now_us, const struct merge_sink *sink, struct merge_result *result);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * max-records: how many records of the zone a grant covers.
 *
 * The number is kept with the grant (struct grant_count), for one version of the zone, and follows
 * it: whatever makes the next version, an update, a merge, a rollback, the end of a lease, its
 * difference is added (quota_note). Where that is too large, after the zone was loaded, or after a
 * new configuration, the zone is counted anew: a small one when the number is wanted, a large one
 * in slices before that (quota_wants_count, quota_walk_some). For the newest version known to be
 * published the number is kept beside the tip's, so that a change log that fails costs no walk.
 *
 * What reverse-of-source covers is each sender's own: one name, looked at each time. */
#ifndef REEVE_UPDATE_QUOTA_H
#define REEVE_UPDATE_QUOTA_H

#include "update/update.h"
#include "zone/lookup.h"

/* Names that are counted at once, where the number is wanted: some 0.1 ms for each grant. */
#define QUOTA_AT_ONCE_MAX 1000
/* Records of a difference that are looked at, times grants: more, and the zone is counted anew. */
#define QUOTA_DIFF_MAX    8192
/* Records that one message can add: 64 KiB of the shortest ones. */
#define QUOTA_MESSAGE_MAX 6000

/* v, the zone's new tip, differs by d from the one before. */
void quota_note(const struct update_rules *rules, const struct version *v, const struct diff *d);
/* v is published. */
void quota_published(const struct update_rules *rules, const struct version *v);
/* The zone's data is other data now. */
void quota_forget(const struct update_rules *rules);

/* An update of who asks may want a number that is not there, and is to be had by a long walk. */
bool quota_wants_count(const struct update_rules *rules, const struct version *tip,
                       const struct grant_question *who);
/* Such a walk. All zero at first; 8 KiB. */
struct quota_walk {
    const struct version *version;
    struct walk walk;
};
/* Counts some more of v's names; true: all are counted, for every grant. Begins anew by itself when
 * the version or the rules are others than last time. v lives until then. */
bool quota_walk_some(struct quota_walk *w, const struct update_rules *rules,
                     const struct version *v, unsigned names);

#endif

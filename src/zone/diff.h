/* SPDX-License-Identifier: Apache-2.0
 * From the owners that a txn touched to the difference of two versions (struct diff is in
 * zone/txn.h). */
#ifndef REEVE_ZONE_DIFF_H
#define REEVE_ZONE_DIFF_H

#include "zone/txn.h"
#include "zone/version.h"

/* Owner names that a txn changed, in the order it did; the same one may be there twice. */
struct touched {
    size_t count, cap;
    struct touched_owner *owner;
};

struct touched_owner {
    uint8_t *name; /* copy, uncompressed wire */
    bool in_nsec3;
};

void touched_add(struct touched *t, struct name owner, bool in_nsec3);
void touched_done(struct touched *t);

/* Compares the touched owners in both versions. */
void diff_make(const struct version *from, const struct version *to, struct touched *touched,
               struct diff *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * A zone: its name, its memory and its versions. Data only; where the data comes from is server/'s business.
 *
 * `tip` is the newest version, what txns build on; `published` is what queries see, the tip or one of its ancestors (an
 * UPDATE's version is tip until the change log has it). */
#ifndef REEVE_ZONE_ZONE_H
#define REEVE_ZONE_ZONE_H

#include "base/err.h"
#include "zone/pool.h"
#include "zone/version.h"

struct zone {
    struct name_buf name;       /* apex, case as configured */
    uint16_t class;
    unsigned labels;            /* of the name */
    struct pool pool;
    uint64_t txn_last;          /* number of the newest txn */
    struct version *oldest, *published, *tip;
};

/* A zone with one empty version (no apex), published. */
struct zone *zone_new(struct name name, uint16_t class);
/* Frees it with all versions; none may be pinned. May take long for a large zone: any thread may do it once the reactor
 * has let go of it. NULL is fine. */
void zone_free(struct zone *z);

/* Makes v, which is between the published one and the tip, what queries see, and frees what nobody needs any more. */
void zone_publish(struct zone *z, struct version *v);
/* Drops all versions newer than the published one: the change log did not take them. None of them may be pinned. */
void zone_rollback(struct zone *z);

const struct version *version_pin(struct version *v);
void version_unpin(const struct version *v);

#endif

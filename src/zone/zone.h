/* SPDX-License-Identifier: Apache-2.0
 * A zone: its name, its memory and its versions. Data only; where the data comes from is server/'s
 * business.
 *
 * `tip` is the newest version, what txns build on; `published` is what queries see, the tip or one
 * of its ancestors (an UPDATE's version is tip until the change log has it). */
#ifndef REEVE_ZONE_ZONE_H
#define REEVE_ZONE_ZONE_H

#include "base/err.h"
#include "zone/pool.h"
#include "zone/version.h"

struct zone;
typedef void (*zone_drop_fn)(void *arg, struct zone *z);

struct zone {
    struct name_buf name; /* apex, case as configured */
    uint16_t class;
    unsigned labels; /* of the name */
    struct pool pool;
    uint64_t txn_last; /* number of the newest txn */
    struct version *oldest, *published, *tip;
    unsigned pins;     /* of all its versions */
    zone_drop_fn drop; /* set once it is retired */
    void *drop_arg;
};

/* A zone with one empty version (no apex), published. */
struct zone *zone_new(struct name name, uint16_t class);
/* Frees it with all versions; none may be pinned. May take long for a large zone: any thread may do
 * it once the reactor has let go of it. NULL is fine. */
void zone_free(struct zone *z);
/* For a zone that is removed or replaced: drop(arg, z), which frees it or has it freed, is called
 * as soon as no version is pinned, which may be now. No new pins after this. NULL is fine. */
void zone_retire(struct zone *z, zone_drop_fn drop, void *arg);

/* Makes v, which is between the published one and the tip, what queries see, and frees what nobody
 * needs any more. */
void zone_publish(struct zone *z, struct version *v);
/* Drops all versions newer than the published one: the change log did not take them. None of them
 * may be pinned, and no txn may be open. */
void zone_rollback(struct zone *z);

/* On the reactor's thread only. What is pinned stays as it is until it is unpinned as often. */
const struct version *version_pin(struct version *v);
void version_unpin(const struct version *v);

#endif

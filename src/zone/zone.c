/* SPDX-License-Identifier: Apache-2.0
 * Zones and the life of their versions.
 *
 * Versions form a list from the oldest that is still needed to the tip. Garbage of a version is
 * what a newer one replaced; it may be reached from older ones too, so it is freed from the old end
 * only, up to the first version that is pinned or published. */
#include "zone/zone.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/tree_int.h"

struct zone *zone_new(struct name name, uint16_t class)
{
    struct zone *z = mem_alloc_zero(sizeof(*z));
    name_copy(&z->name, name);
    z->class = class;
    z->labels = name_labels(name);
    pool_init(&z->pool);
    struct version *v = mem_alloc_zero(sizeof(*v));
    v->zone = z;
    z->oldest = z->published = z->tip = v;
    return z;
}

static void version_free(struct version *v)
{
    ASSERT(v->pins == 0);
    pile_drop(v->garbage);
    pile_drop(v->fresh);
    free(v);
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    ASSERT(z->pins == 0);
    for (struct version *v = z->oldest, *newer; v; v = newer) {
        newer = v->newer;
        version_free(v);
    }
    pool_done(&z->pool);
    free(z);
}

void zone_retire(struct zone *z, zone_drop_fn drop, void *arg)
{
    if (!z)
        return;
    ASSERT(drop && !z->drop);
    z->drop = drop;
    z->drop_arg = arg;
    if (z->pins == 0)
        drop(arg, z);
}

/* Frees versions from the old end as far as nobody needs them. */
static void zone_reclaim(struct zone *z)
{
    while (z->oldest != z->published && z->oldest->pins == 0) {
        struct version *v = z->oldest;
        z->oldest = v->newer;
        z->oldest->older = NULL;
        pile_free_pieces(v->garbage, &z->pool);
        v->garbage = NULL;
        version_free(v);
    }
}

void zone_publish(struct zone *z, struct version *v)
{
    while (z->published != v) {
        z->published = z->published->newer;
        ASSERT(z->published); /* v is not older than what is published */
        pile_drop(z->published->fresh);
        z->published->fresh = NULL;
    }
    pool_serve(&z->pool);
    zone_reclaim(z);
}

void zone_rollback(struct zone *z)
{
    while (z->tip != z->published) {
        struct version *v = z->tip;
        z->tip = v->older;
        z->tip->newer = NULL;
        pile_free_pieces(v->fresh, &z->pool);
        v->fresh = NULL;
        version_free(v);
        /* what v had replaced is in use again */
        pile_drop(z->tip->garbage);
        z->tip->garbage = NULL;
    }
}

const struct version *version_pin(struct version *v)
{
    ASSERT(!v->zone->drop);
    v->pins++;
    v->zone->pins++;
    return v;
}

void version_unpin(const struct version *pinned)
{
    struct version *v = (struct version *)(uintptr_t)pinned;
    struct zone *z = v->zone;
    ASSERT(v->pins > 0 && z->pins > 0);
    v->pins--;
    z->pins--;
    if (z->drop && z->pins == 0)
        z->drop(z->drop_arg, z);
    else if (v->pins == 0 && v == z->oldest)
        zone_reclaim(z);
}

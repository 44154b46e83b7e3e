/* SPDX-License-Identifier: Apache-2.0
 * What the grants of a large zone cover (update/quota.h), counted in slices before an update wants
 * to know. It holds the zone's txn meanwhile, so that the tip that is counted stays the tip. */
#include <stdlib.h>

#include "base/arena.h"
#include "server/server_int.h"
#include "update/quota.h"

/* Names of a slice, times grants: a tenth of a microsecond each, and the names have to be found. */
#define COUNTING_SLICE 1024

struct counting {
    struct changing changing;
    struct quota_walk walk;
};

unsigned counting_names(const struct update_rules *rules)
{
    return rules->grant_count < COUNTING_SLICE ? COUNTING_SLICE / rules->grant_count : 1;
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    (void)s;
    struct counting *n = container_of(c, struct counting, changing);
    const struct update_rules *rules = &c->zone->rules;
    if (rules->grant_count == 0) /* since the last slice */
        return CHANGING_GIVE_UP;
    return quota_walk_some(&n->walk, rules, c->zone->entry->zone->tip, counting_names(rules))
               ? CHANGING_GIVE_UP
               : CHANGING_MORE;
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    (void)s;
    (void)why; /* who wanted it is run again, and wants it again */
    free(container_of(c, struct counting, changing));
}

static const struct changing_kind counting_kind = {.apply = apply, .drop = drop};

void counting_consider(struct server *s, struct server_zone *z, const struct request *q)
{
    struct grant_question who = {.key = q->tsig.key, .from = &q->peer.address};
    if (!quota_wants_count(&z->rules, z->entry->zone->tip, &who))
        return;
    struct counting *n = mem_alloc_zero(sizeof(*n));
    changing_start(s, z, &n->changing, &counting_kind);
}

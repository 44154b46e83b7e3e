/* SPDX-License-Identifier: Apache-2.0
 * What a version of a zone knows of a name: the question of RFC 1034 s4.3.2 step 3, without any RR
 * type in it.
 *
 * Results are views into the version and live as long as it is pinned. Nothing here allocates or
 * changes anything. */
#ifndef REEVE_ZONE_LOOKUP_H
#define REEVE_ZONE_LOOKUP_H

#include <stdbool.h>

#include "dns/name.h"
#include "zone/node.h"

struct version;

enum lookup_kind {
    LOOKUP_NODE,  /* the name has RRsets: node */
    LOOKUP_EMPTY, /* the name exists as an empty non-terminal (RFC 8020, 4592 s2.2.2) */
    /* at or below a zone cut: node is the cut's, with NS; `is_exact`: the name is the cut */
    LOOKUP_CUT,
    /* below a DNAME: node is the DNAME's owner (a DNAME *at* the name is LOOKUP_NODE) */
    LOOKUP_DNAME,
    LOOKUP_WILDCARD,       /* does not exist, but "*.<encloser>" does: node is the wildcard's */
    LOOKUP_WILDCARD_EMPTY, /* the same with an empty non-terminal "*.<encloser>": NODATA */
    LOOKUP_ABSENT          /* does not exist */
};

struct lookup {
    enum lookup_kind kind;
    bool is_exact;           /* LOOKUP_CUT only */
    const struct node *node; /* see kind; else NULL */
    /* closest encloser that exists, as a suffix of the name asked for (the name itself for
     * LOOKUP_NODE and LOOKUP_EMPTY; not set for LOOKUP_CUT and LOOKUP_DNAME) */
    struct name encloser;
};

/* qname is at or below the zone's apex. */
void lookup_find(const struct version *v, struct name qname, struct lookup *out);

/* The same for several at once, with the walks in lock step so that their cache misses overlap. */
struct lookup_job {
    const struct version *v;
    struct name qname;
    struct lookup *out;
};
#define LOOKUP_BATCH_MAX 64
void lookup_batch(const struct lookup_job *jobs, unsigned count);

/* The node of exactly that name whatever is above it (glue, occluded data), or NULL. */
const struct node *lookup_exact(const struct version *v, struct name name);
/* The same for several names; NULL entries for those that have no node. count <=
 * LOOKUP_BATCH_MAX. */
void lookup_exact_batch(const struct version *v, const struct name *names, unsigned count,
                        const struct node **out);

/* The last node at or before the name in canonical order that has an NSEC: the one that matches or
 * covers it (RFC 4034 s4). NULL: the zone has none there. Nodes without NSEC (glue, occluded names)
 * are passed over. */
const struct node *lookup_nsec(const struct version *v, struct name name);

/* --- NSEC3 (RFC 5155). Nodes that hold NSEC3 and nothing else live in a tree of their own and are
 * not found above. --- */

#define NSEC3_HASH_LEN 20
/* The NSEC3 node whose owner's first label is that hash; NULL: none. */
const struct node *lookup_nsec3(const struct version *v, const uint8_t hash[NSEC3_HASH_LEN]);
/* The NSEC3 node that matches the hash or, if there is none, covers it: the last before it,
 * wrapping around, with the parameters of the apex's NSEC3PARAM. NULL: none near by. */
const struct node *lookup_nsec3_cover(const struct version *v, const uint8_t hash[NSEC3_HASH_LEN]);

/* All nodes in canonical order: first, then the one behind. NULL at the end. For transfers, dumps
 * and checks. */
struct walk {
    const struct version *v;
    const void *from; /* the twig that it begins at */
    bool is_started, in_nsec3;
    unsigned depth;
    struct walk_step {
        const void *twigs;
        uint16_t at, count;
    } step[520];
};
void walk_start(struct walk *w, const struct version *v);
/* Only the name's own node, if it has one, and those of the names below it; none of NSEC3. */
void walk_start_at(struct walk *w, const struct version *v, struct name name);
const struct node *walk_next(struct walk *w);

#endif

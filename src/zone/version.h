/* SPDX-License-Identifier: Apache-2.0
 * Versions of a zone: immutable, any number alive at once, found and pinned by readers.
 *
 * A version is built by a txn beside the one before it and shares with it all that did not change.
 * What the txn replaced is the older version's garbage: it is freed when neither that version nor
 * any older one is pinned and a newer one is published. Pins are taken and given back by the
 * reactor's thread only; a helper thread may read a version that the reactor holds pinned for
 * it. */
#ifndef REEVE_ZONE_VERSION_H
#define REEVE_ZONE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "zone/node.h"
#include "zone/tree.h"

struct zone;
struct pile; /* pieces of memory remembered for later (txn.c) */

/* Parameters of the zone's NSEC3 chain from the NSEC3PARAM at the apex (RFC 5155 s4). */
struct nsec3_param {
    bool is_set;
    uint8_t algorithm, salt_len;
    uint16_t iterations;
    const uint8_t *salt;
};

struct version {
    struct zone *zone;
    struct tree names;       /* all nodes but those in nsec3 */
    struct tree nsec3;       /* nodes with NSEC3 (and its RRSIGs) only */
    const struct node *apex; /* NULL only before the first load */
    struct rrset soa;        /* of the apex; count 0: none */
    uint32_t serial;
    uint32_t negative_ttl; /* min(SOA TTL, MINIMUM), RFC 2308 s5 */
    struct nsec3_param nsec3_param;
    uint64_t node_count, record_count;
    uint64_t byte_count;     /* of all nodes, for limits */
    uint64_t wildcard_count; /* nodes with a label "*" somewhere in the owner */
    bool is_signed;          /* the apex has an RRSIG over its SOA */

    unsigned pins;
    struct version *older, *newer;
    struct pile *garbage; /* reachable from here and not from newer ones */
    struct pile *fresh;   /* made for this version; dropped when it is published */
    uint64_t number;      /* no other version of the zone ever has it */
};

#endif

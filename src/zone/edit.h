/* SPDX-License-Identifier: Apache-2.0
 * One owner name's records laid open for changing: what a txn works on before it closes them into a
 * node again.
 *
 * Entries are in node order (type, RRSIGs behind what they cover, canonical order of rdata),
 * without duplicates, one TTL an RRset. Bytes of records that came from a node stay there; those
 * added are copied to the edit's own memory. */
#ifndef REEVE_ZONE_EDIT_H
#define REEVE_ZONE_EDIT_H

#include "base/arena.h"
#include "dns/rr.h"
#include "zone/node.h"
#include "zone/txn.h"

struct edit_entry {
    uint32_t order; /* type covered or own, times two, plus one for an RRSIG */
    uint32_t ttl;
    const uint8_t *bytes;
    uint16_t len, type;
};

struct edit {
    struct arena arena;
    struct edit_entry *entry;
    uint32_t count, cap;
    size_t bytes; /* of all entries' rdata */
};

void edit_init(struct edit *e);
void edit_done(struct edit *e);
/* Empties it, then lays n open where it is not NULL. */
void edit_open(struct edit *e, const struct node *n);

/* The first entry whose order is not less; count if there is none. */
uint32_t edit_lower_bound(const struct edit *e, uint32_t order);

/* What a record whose TTL differs from its RRset's does: see TXN_TTL. */
enum edit_ttl { EDIT_TTL_TAKE, EDIT_TTL_KEEP };
enum txn_effect edit_add(struct edit *e, const struct rr *rr, enum edit_ttl rule);
enum txn_effect edit_remove(struct edit *e, uint16_t type, struct rdata rdata);
enum txn_effect edit_remove_rrset(struct edit *e, uint16_t type);

/* The RRset becomes `set`, count 0: is removed. */
enum txn_effect edit_set(struct edit *e, struct rrset_id id, struct rrset set);

/* Size of the node for these entries, and the node itself into that many bytes, aligned to 8. count
 * > 0. */
size_t edit_node_size(const struct edit *e, struct name owner);
void edit_node_write(const struct edit *e, struct name owner, struct node *out);

#endif

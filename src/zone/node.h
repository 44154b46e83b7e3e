/* SPDX-License-Identifier: Apache-2.0
 * A node: one owner name with all its RRsets, in one immutable block.
 *
 * RRsets stand in the order of their types; the RRSIGs that cover a type stand right behind it as
 * an RRset of type RRSIG of their own (so there can be several of these, one for each type
 * covered). The records of an RRset are in canonical order without duplicates; each is its length
 * in network order and its rdata in stored form, so that a type without names goes into an answer
 * as it lies here. Blocks belong to the zone's pool and live as long as a version that reaches them
 * is pinned. */
#ifndef REEVE_ZONE_NODE_H
#define REEVE_ZONE_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/wire.h"
#include "dns/name.h"
#include "dns/rr.h"

struct node {
    uint32_t size; /* of the block */
    uint16_t rrset_count;
    uint8_t has; /* enum node_has */
    uint8_t owner_len;
    uint8_t bytes[]; /* owner name, then the RRsets */
};

/* What a reader wants to know before it looks for an RRset. */
enum node_has {
    NODE_HAS_NS = 1,
    NODE_HAS_DNAME = 2,
    NODE_HAS_CNAME = 4,
    NODE_HAS_SOA = 8,
    NODE_HAS_NSEC = 16,
    NODE_HAS_RRSIG = 32,
    NODE_HAS_DS = 64,
    NODE_HAS_NSEC3 = 128
};

/* A view of one RRset; count 0: none. */
struct rrset {
    uint16_t type, count;
    uint32_t ttl;
    const uint8_t *data; /* count times: length (2 bytes), rdata */
    uint32_t len;        /* of data */
};

#define RRSET_HEAD_LEN 12 /* type, count, ttl, len in host order */

static inline struct name node_owner(const struct node *n)
{
    return (struct name){n->bytes, n->owner_len};
}

/* The RRset at p inside a node; the next one begins at data + len. */
static inline struct rrset rrset_at(const uint8_t *p)
{
    struct rrset s;
    memcpy(&s.type, p, 2);
    memcpy(&s.count, p + 2, 2);
    memcpy(&s.ttl, p + 4, 4);
    memcpy(&s.len, p + 8, 4);
    s.data = p + RRSET_HEAD_LEN;
    return s;
}

/* The RRset of that type (not RRSIG), or false. */
bool node_find(const struct node *n, uint16_t type, struct rrset *out);
/* The RRSIGs over that type, or false. */
bool node_find_sigs(const struct node *n, uint16_t covered, struct rrset *out);
/* Both in one pass; sigs->count is 0 where there are none. False: no RRset of the type. */
bool node_find_both(const struct node *n, uint16_t type, struct rrset *set, struct rrset *sigs);

/* for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) goes through all, RRSIG sets
 * among them. */
static inline struct rrset node_first(const struct node *n)
{
    return n->rrset_count ? rrset_at(n->bytes + n->owner_len) : (struct rrset){0};
}
static inline struct rrset node_next(const struct node *n, struct rrset s)
{
    const uint8_t *p = s.data + s.len;
    return p < (const uint8_t *)n + n->size ? rrset_at(p) : (struct rrset){0};
}
/* What an RRSIG set covers: the first two bytes of its records. */
uint16_t rrset_covered(struct rrset s);

/* Which RRset of a name it is. */
struct rrset_id {
    uint16_t type, covered; /* covered: of an RRSIG, else 0 */
};
struct rrset_id rrset_id(struct rrset s);
/* The RRset's place among those of its node, which stand in ascending order. */
static inline uint32_t rrset_order(struct rrset_id id)
{
    return id.type == TYPE_RRSIG ? id.covered * 2u + 1 : id.type * 2u;
}
/* NSEC3 and its RRSIGs live in a tree of their own. */
static inline bool rrset_is_nsec3(struct rrset_id id)
{
    return rrset_order(id) / 2 == TYPE_NSEC3;
}
/* The bit that a type sets in `has`, or 0. */
uint8_t node_has_bit(uint16_t type);
/* The RRset, RRSIGs as well; count 0: none. n may be NULL. */
struct rrset node_get(const struct node *n, struct rrset_id id);

/* for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) */
static inline struct rdata rrset_first(struct rrset s)
{
    return s.count ? (struct rdata){s.data + 2, get_u16(s.data)} : (struct rdata){0};
}
static inline struct rdata rrset_next(struct rrset s, struct rdata r)
{
    const uint8_t *p = r.bytes + r.len;
    return p < s.data + s.len ? (struct rdata){p + 2, get_u16(p)} : (struct rdata){0};
}

#endif

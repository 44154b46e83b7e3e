/* SPDX-License-Identifier: Apache-2.0
 * The records of a zone that are not kept for good (Update Lease, RFC 9664), and when each is over.
 *
 * A record is known by owner name (case aside), type and rdata (rdata_compare()), never by its TTL.
 * Finding, putting and dropping one, and looking at all of an owner, costs O(1) on average, for an
 * owner with very many records a thirty-second of their number; the next that is over costs
 * O(log n). No call takes long because the set has grown: it grows a little with each record.
 * What the set holds of a record is a copy: about 80 bytes beside its owner and rdata. */
#ifndef REEVE_UPDATE_LEASE_H
#define REEVE_UPDATE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "dns/name.h"
#include "dns/rdata.h"

struct lease {
    struct name owner;
    uint16_t type;
    struct rdata rdata; /* in stored form */
    int64_t expires_us; /* wall clock */
    uint32_t lease_s;   /* as it was granted */
};

#define LEASE_GROUPS_SMALL 32 /* 1024 leases */

struct lease_entry;
struct lease_set {
    struct hash_key key;
    size_t count;
    struct lease_entry ***groups; /* each of some chains; all leases of an owner are in one */
    uint32_t group_count, group_cap;
    struct lease_entry ***heap; /* by expires_us: those that are not held; in pieces */
    uint32_t heap_count, piece_count, piece_cap;
};

/* key: drawn, since owners are chosen by clients. Nothing is allocated before the first lease. */
void lease_set_init(struct lease_set *l, struct hash_key key);
/* Takes as long as there were leases: some 100 ms for a million. */
void lease_set_done(struct lease_set *l);
/* There never were so many that this takes longer than some 0.1 ms. */
static inline bool lease_set_is_small(const struct lease_set *l)
{
    return l->group_count <= LEASE_GROUPS_SMALL;
}

/* False: the record has none. Views live until the set is changed. */
bool lease_set_get(const struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata,
                   struct lease *out);
/* A new one, or the record's is replaced. */
void lease_set_put(struct lease_set *l, const struct lease *lease);
/* False: the record has none. */
bool lease_set_drop(struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata);

/* Something is under way that decides about the record's lease: it is over for nobody until that
 * has ended. Holds are counted. A record without a lease is not held, and a lease that was dropped
 * and made again meanwhile is not held any more: releasing more than was held changes nothing. */
void lease_set_hold(struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata);
void lease_set_release(struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata);

/* When the first of those not held is over; INT64_MAX: there is none. */
int64_t lease_set_next_us(const struct lease_set *l);
/* The first of those not held that is over at now_us, and holds it; false: there is none. */
bool lease_set_take_due(struct lease_set *l, int64_t now_us, struct lease *out);

/* Those of an owner (owner.len 0: of all), in no order. fn must not change the set; false ends it.
 */
typedef bool (*lease_fn)(void *arg, const struct lease *lease);
void lease_set_each(const struct lease_set *l, struct name owner, lease_fn fn, void *arg);

#endif

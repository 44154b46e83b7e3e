/* SPDX-License-Identifier: Apache-2.0
 * A transaction: the only way to change a zone. Builds the next version beside the tip; nothing is
 * seen until it is sealed, and aborting leaves no trace.
 *
 * A txn is mechanism: it keeps RRsets free of duplicates, in canonical order and with one TTL. What
 * an UPDATE or a zone file may do (CNAME beside others, the last NS, the serial) is decided by
 * those who drive it. One txn at a time on a zone, on one thread. The cost of a change depends on
 * the depth of the tree and on the size of the owner's RRsets, not on the size of the zone.
 *
 * TXN_BUILD is for filling an empty zone (loading, a transfer taken whole): no diff is kept, memory
 * is reused at once, and aborting means that the caller frees the zone. */
#ifndef REEVE_ZONE_TXN_H
#define REEVE_ZONE_TXN_H

#include <stdint.h>

#include "base/err.h"
#include "base/wire.h"
#include "dns/rr.h"
#include "zone/node.h"

struct zone;
struct version;
struct txn;

/* What one name can hold, so that counts and sizes in a node cannot overflow; policies are stricter
 * (conf's limits). */
#define TXN_NAME_RECORDS_MAX 65535
#define TXN_NAME_BYTES_MAX   (64u << 20)

enum txn_mode { TXN_CHANGE, TXN_BUILD };

enum txn_effect {
    /* add: the record is there already (names in it may differ in case); remove: it is not there */
    TXN_NOTHING,
    TXN_DONE,
    /* add: refused, the name has TXN_NAME_RECORDS_MAX records or TXN_NAME_BYTES_MAX bytes of
     * them */
    TXN_FULL,
    /* add: done (or there already) and its TTL differs from the RRset's. TXN_CHANGE: the whole
     * RRset takes the record's TTL (RFC 2136 s3.4.2.2 with RFC 2181 s5.2); TXN_BUILD: the RRset
     * keeps its TTL */
    TXN_TTL
};

struct txn *txn_begin(struct zone *z, enum txn_mode mode);
struct zone *txn_zone(const struct txn *t);

/* These owners, which are at or below the apex, are changed soon: what that will touch is loaded
 * into the caches, for all of them at once. Worth it where they come in no order and the zone is
 * large; changes nothing. count <= TXN_WARM_MAX. */
#define TXN_WARM_MAX 32
void txn_warm(const struct txn *t, const struct name *owners, unsigned count);

/* rr in stored form, owner at or below the apex; its bytes are copied. RRSIGs form RRsets by what
 * they cover. */
enum txn_effect txn_add(struct txn *t, const struct rr *rr);
/* Removes the equal record (rdata_compare() == 0), whatever its TTL. */
enum txn_effect txn_remove(struct txn *t, struct name owner, uint16_t type, struct rdata rdata);
/* type RRSIG removes all RRSIGs. RRSIGs over a removed type stay. */
enum txn_effect txn_remove_rrset(struct txn *t, struct name owner, uint16_t type);
/* The RRset becomes the one given, count 0: is removed. TXN_NOTHING: it was equal before, with its
 * TTL; TXN_FULL: nothing was changed. */
enum txn_effect txn_set_rrset(struct txn *t, struct name owner, struct rrset_id id,
                              struct rrset set);
/* All RRsets of the name. */
enum txn_effect txn_remove_name(struct txn *t, struct name owner);

/* The node as the txn would leave it, NULL: none. Lives until the next call that changes this
 * txn. */
const struct node *txn_find(struct txn *t, struct name owner);
/* The same for the node with the name's NSEC3. */
const struct node *txn_find_nsec3(struct txn *t, struct name owner);
/* TXN_CHANGE: something was changed so far (even if it was changed back). */
bool txn_is_touched(const struct txn *t);
/* TXN_CHANGE: the version being built differs from the tip it began with. Costs two walks down the
 * tree for each owner touched. */
bool txn_is_different(struct txn *t);
/* Records in the zone as the txn would leave it. */
uint64_t txn_record_count(struct txn *t);
/* Bytes that the txn has taken for nodes and tree so far: what it writes again and again (the same
 * large name, in turns with another) counts each time. */
size_t txn_bytes(const struct txn *t);
/* Of all nodes that the new version has (version.byte_count). */
uint64_t txn_byte_count(struct txn *t);
/* Records that were laid open again so far, since the txn has come to owners that had some already:
 * what the same large name costs that is come to again and again. */
uint64_t txn_reopened(const struct txn *t);

/* One owner as the txn would leave it, laid open (zone/edit.h): for looking at a name between
 * changes of it, which costs nothing, where txn_find() would close it each time. Lives until the
 * next call that changes this txn or looks elsewhere. */
struct edit;
const struct edit *txn_look(struct txn *t, struct name owner, uint16_t type);

/* What changed, in IXFR order (RFC 1995 s4): records removed (the old SOA first if the serial
 * moved), then records added (the new SOA first), each as uncompressed wire: owner, type, class,
 * ttl, rdlength, rdata. Minimal: what was changed back is not in it. */
struct diff {
    uint8_t *bytes; /* malloc'd; diff_done() frees it */
    size_t len;
    size_t added_at; /* where the added records begin */
    uint32_t removed_count, added_count;
    uint32_t serial_from, serial_to;
};
void diff_done(struct diff *d);

/* TXN_BUILD: puts a whole node, already checked, under its owner; the block is copied. False: the
 * name has a node already, nothing was changed. */
bool txn_put_node(struct txn *t, const struct node *n);

/* Makes the changes of a diff's bytes, records up to added_at removed and those behind it added:
 * replay, and (with both parts exchanged by the caller) undoing. What is removed has to be there
 * and what is added not: ERR_INVALID where it is not so or the bytes are malformed, and the txn is
 * good for txn_abort() only. */
struct diff_bytes {
    const uint8_t *bytes;
    size_t len, added_at;
};
enum err txn_apply(struct txn *t, const struct diff_bytes *d, struct diag *diag);
/* The same for about *budget records from *at on, which moves on; all is applied when at->bytes is
 * d->len. A record of a name that has many costs as much as several. */
struct diff_at {
    size_t bytes;
    /* A record added that is there already, with that TTL, is passed over, and counted in
     * `present`; else it is ERR_INVALID. */
    bool takes_present;
    uint64_t present;
};
enum err txn_apply_some(struct txn *t, const struct diff_bytes *d, struct diff_at *at,
                        size_t *budget, struct diag *diag);

/* The next record of a diff's bytes, which are of a zone of that name and class; a view. NULL: it
 * is one that a zone may have; else what is wrong, as words behind "change". */
struct diff_of {
    struct name zone;
    uint16_t class;
};
const char *diff_read(struct rd *r, const struct diff_of *of, struct rr *out);

/* TXN_CHANGE: prepares the diff of a large txn bit by bit: compares up to `budget` of the owners it
 * touched; true: nothing is left to compare, and txn_seal() is quick. No more changes after the
 * first call. A txn that never calls it has all of it done by txn_seal(). */
bool txn_diff_some(struct txn *t, size_t budget);

/* Ends the txn. Its version becomes the zone's tip and is returned; diff (TXN_CHANGE only, may be
 * NULL) is filled. */
struct version *txn_seal(struct txn **t, struct diff *diff);
/* Ends the txn without a trace (TXN_CHANGE); diff is filled with what it would have changed. */
void txn_preview(struct txn **t, struct diff *diff);
/* Ends the txn without a trace (TXN_CHANGE), or with a zone that is only good for zone_free
 * (TXN_BUILD). NULL is fine. */
void txn_abort(struct txn **t);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Leases of a zone's records (RFC 9664): kept in memory as the change log has them, and ended when
 * they are over.
 *
 * What is in memory is what is durable, in the order of the commits: a change carries rows about
 * leases into the log, and they count when it is told of (commit.h). From when it is given until
 * then, the leases that it is about end for nobody. A record that leaves the zone by any change
 * whatever loses its lease with it: the change gets a row for that, unless it had one. Where a zone
 * has no leases none of this is looked at (server_zone.leases is NULL).
 *
 * A lease that is over takes its record along: a change of kind `lease` like any other, in the log,
 * in IXFR, with a serial of its own; up to LEASES_SLICE records in each. Should the log refuse it,
 * it is tried again a second later. A zone that is frozen waits until it is thawed; one that is
 * being changed in slices, until that is done. What would take the SOA, the last NS of the apex, or
 * what is in the zone exactly as its file has it, ends the lease and lets the record stay. A
 * secondary has no leases: those it had as a primary are dropped, and their records are the
 * primary's business.
 *
 * Ends are times of the wall clock, since they hold over restarts: a clock that jumps ahead ends
 * leases early, one that is set back keeps them for as much longer. */
#ifndef REEVE_SERVER_LEASES_H
#define REEVE_SERVER_LEASES_H

#include "base/timer.h"
#include "server/commit.h"
#include "server/helpers.h"
#include "update/lease.h"
#include "update/update.h"

struct opening;
struct server;
struct server_zone;

/* Records ended by one change, in one turn: some 0.3 ms. */
#define LEASES_SLICE       128
/* Bytes of nodes written by one such change, where they are large. */
#define LEASES_SLICE_BYTES (256u << 10)

struct zone_leases {
    struct job job; /* that frees them */
    struct timer timer;
    struct server_zone *zone;
    struct lease_set set; /* what is durable */
    /* records that changes under way give a lease, the newest of them; lease_s counts the changes
     */
    struct lease_set coming;
    unsigned under_way;    /* changes with something about leases */
    unsigned ending;       /* of them those that end leases */
    int64_t not_before_us; /* nothing is ended before */
};

/* Adds a copy of what the row names. */
void lease_rows_add(struct lease_rows *rows, const struct journal_lease *row);
void lease_rows_done(struct lease_rows *rows);
/* What an update has decided, before its arena is reset. now_us: when the leases begin. */
void leases_note(const struct server_zone *z, const struct update_report *report, int64_t now_us,
                 struct lease_rows *rows);

/* p is given to the log: p->leases has rows, or z->leases is not NULL. */
void leases_give(struct server *s, struct pending *p);
/* Looks at more of what p takes out of the zone; true: at all of it, p may go to the log. */
bool leases_look(struct pending *p, unsigned budget);
/* p->has_leases: the log has spoken, and p's zone is there. */
void leases_settle(struct server *s, struct pending *p, enum err result);

/* The zone has data that came with leases of the log, in o, which they are taken out of. */
void leases_take(struct server *s, struct server_zone *z, struct opening *o);
/* The zone's data goes; very many leases are freed by a helper. */
void leases_forget(struct server *s, struct server_zone *z);
/* The server ends, and has no helpers any more. */
void leases_free(struct server *s, struct server_zone *z);
/* What held the zone up may be over. */
void leases_wake(struct server *s, struct server_zone *z);

/* Takes a record whose lease ends out of the zone; false: it is not there, or is one that stays. */
bool leases_end(const struct server_zone *z, struct txn *t, const struct lease *lease);
/* Moves the serial, if t has changed something: true. */
bool leases_move_serial(const struct server *s, const struct server_zone *z, struct txn *t);

/* The record, equal but for its TTL, is in the version. Any owner, any bytes. */
bool leases_has_record(const struct version *v, struct name owner, uint16_t type,
                       struct rdata rdata);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Changes on their way into the change log: evaluated against the tip, committed in batches,
 * published when they are durable, then answered.
 *
 * At most one batch is with the log. What is decided meanwhile waits for the next one, whatever
 * zone it is of; each change keeps its own serial step and its own verdict. Who waits is told in
 * slices, so that queries are answered in between. When a batch fails, it
 * and everything that was built on top of it is taken back (zone_rollback), and everybody who waits
 * is told. What changes nothing waits as well while the zone's tip is not durable: its verdict
 * rests on that tip. What changes nothing but leases (a renewal), or what is known of the zone's
 * file, goes into the log without a row in the zone's history. */
#ifndef REEVE_SERVER_COMMIT_H
#define REEVE_SERVER_COMMIT_H

#include "base/list.h"
#include "log/journal.h"
#include "zone/txn.h"
#include "xfr/step.h"
#include "zone/version.h"

struct server;
struct server_zone;
struct pending;

/* Answers in one turn: about 6 us each with the system call. */
#define COMMIT_TELL_MAX    32
/* Records looked at in one turn, of a large change of a zone with leases. */
#define COMMIT_LOOK_MAX    1024

/* One batch: changes, and bytes of their diffs (the last change may go beyond). */
#define COMMIT_BATCH_MAX   1000
#define COMMIT_BATCH_BYTES (1u << 20)
/* Of one transfer: all of them are in one batch. */
#define COMMIT_STEPS_MAX   COMMIT_BATCH_MAX

/* The change is durable and published (OK), or nothing of it is left; frees p. */
typedef void (*pending_done_fn)(struct server *s, struct pending *p, enum err result);

#define PENDING_TEXT_MAX 300

/* Rows of a change about leases, with copies of what they name (leases.h). All zero: none. */
struct lease_rows {
    struct journal_lease *at;
    unsigned count, cap;
    size_t bytes;
};

struct pending {
    struct list link;
    struct server_zone *zone;  /* NULL: removed meanwhile, or its data replaced */
    struct zone *data;         /* alive through `pin` */
    const struct version *pin; /* some version of it */
    struct version *version;   /* to be published; NULL: no record changes */
    struct diff diff;
    enum change_kind kind;
    int64_t now_us;
    char actor[PENDING_TEXT_MAX], peer[PENDING_TEXT_MAX], rule[PENDING_TEXT_MAX];
    /* what the log gets in place of diff, a row for each: a transfer that came as differences. At
     * most COMMIT_STEPS_MAX */
    struct xfr_steps steps;
    struct journal_source source; /* identity NULL: none; its pointers belong to who gave it */
    struct lease_rows leases;     /* with a version or without one */
    bool has_leases;              /* given to a zone with leases, or with rows */
    size_t looked_at;             /* of what the diff removes: leases_look() */
    enum err result;              /* once the log has spoken */
    pending_done_fn done;
};

/* Sets p (all zero) up as a change of z's live data, and pins that. */
void pending_init(struct pending *p, struct server_zone *z, enum change_kind kind, int64_t now_us,
                  pending_done_fn done);
/* Seals the txn into p: its version, its diff. Then it is to be given. */
void pending_seal(struct pending *p, struct txn **t);
/* What pending_init() took; done() calls it. */
void pending_release(struct pending *p);

/* p is the commit's until done() is called, at the earliest in the next commit_turn(). */
void commit_give(struct server *s, struct pending *p);
/* At the end of each turn: hands a batch to the log if it has none, and tells some of those who
 * wait what became of theirs. False: more are to be told. */
bool commit_turn(struct server *s);
/* Takes in what the log has finished. */
void commit_collect(struct server *s);
/* Nothing waits for the log. */
bool commit_is_idle(const struct server *s);
/* Changes that wait. */
unsigned commit_count(const struct server *s);
/* The zone is about to go: who waits for it is told so. */
void commit_forget(struct server *s, const struct server_zone *z);

#endif

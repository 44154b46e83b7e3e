/* SPDX-License-Identifier: Apache-2.0
 * Changes to a live zone that may take more than one turn: the news of a zone file, an operator's
 * update, a large one of a client, a rollback.
 *
 * Each has a txn on the tip that stays open from turn to turn. A turn does a slice of what is to be
 * changed, then slices of the diff, then the version goes the way of every change (commit.h). Until
 * then updates of clients for that zone wait (update.c), and queries are answered. What is
 * small is done within the turn that it begins in. A zone has one at a time; others for it wait in
 * the order they came. */
#ifndef REEVE_SERVER_CHANGING_H
#define REEVE_SERVER_CHANGING_H

#include "base/list.h"
#include "zone/txn.h"

struct server;
struct server_zone;
struct changing;

/* Owners compared in one slice, and RRsets set: about a microsecond each, two in a large zone. */
#define CHANGING_SLICE 128
/* Slices in one turn, of all that are under way: what is small takes two. */
#define CHANGING_STEPS 4

enum changing_next {
    CHANGING_MORE,    /* call again */
    CHANGING_WAIT,    /* the same, but what it waits for wakes the loop */
    CHANGING_APPLIED, /* all is in the txn */
    CHANGING_GIVE_UP  /* nothing is to be changed after all: drop() is called */
};

enum changing_end {
    CHANGING_GAVE_UP,
    CHANGING_LOG_FAILED, /* what it was built on is taken back; the zone is there */
    CHANGING_ZONE_GOES
};

/* seal() and drop() have the changing taken out of the server already; they free it. */
struct changing_kind {
    /* Its txn was begun just now. NULL: nothing to do then. */
    void (*begin)(struct server *s, struct changing *c);
    /* A slice of what is to be changed, about half a millisecond, in c->txn. */
    enum changing_next (*apply)(struct server *s, struct changing *c);
    /* All is applied, and compared if anything was touched: c->txn is to be sealed or aborted. */
    void (*seal)(struct server *s, struct changing *c);
    /* It ends without a trace; its txn is gone. */
    void (*drop)(struct server *s, struct changing *c, enum changing_end why);
};

/* Embedded in what it is about. */
struct changing {
    struct list link; /* in server.changing */
    const struct changing_kind *kind;
    struct server_zone *zone;
    struct txn *txn; /* NULL: another one is under way with the zone */
    bool is_applied; /* what is left is the diff */
    bool is_waiting; /* said CHANGING_WAIT */
};

/* c (all zero) is under way from here on; its first slices are done at once if this turn has time
 * for them, so that it may be over and freed when this returns. The zone has data that can be
 * changed (is_kept, is_ready). */
void changing_start(struct server *s, struct server_zone *z, struct changing *c,
                    const struct changing_kind *kind);
/* The same with a txn that was begun on the tip already, while nothing else is under way with the
 * zone; nothing is done at once. */
void changing_adopt(struct server *s, struct server_zone *z, struct changing *c,
                    const struct changing_kind *kind, struct txn *txn);
/* Slices of those that are under way, in turn. */
void changing_turn(struct server *s);
/* Drops the one whose txn is open, if there is one: the zone's tip is about to be taken back. */
void changing_abort(struct server *s, struct server_zone *z);
/* Drops all of a zone that goes. */
void changing_forget(struct server *s, struct server_zone *z);

#endif

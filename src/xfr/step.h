/* SPDX-License-Identifier: Apache-2.0
 * One step of a zone's history as IXFR carries it (RFC 1995 s4): what was removed, then what was
 * added, from one serial to the next. Immutable; references are counted, on the reactor's thread
 * only (a helper may read what the reactor holds for it). */
#ifndef REEVE_XFR_STEP_H
#define REEVE_XFR_STEP_H

#include "base/list.h"
#include "zone/txn.h"

struct recent;

struct xfr_step {
    struct diff diff; /* bytes as in zone/txn.h: the old SOA first, the new one first at added_at */
    unsigned references;
    /* recent.h's */
    struct list recent, recent_all;
    struct recent *recent_of; /* NULL: in none */
};

/* Takes the diff: its bytes are the step's. One reference. */
struct xfr_step *xfr_step_new(struct diff *d);
/* The same with a copy of the bytes. */
struct xfr_step *xfr_step_copy(const struct diff *d);
struct xfr_step *xfr_step_hold(struct xfr_step *s);
/* NULL is fine. */
void xfr_step_release(struct xfr_step *s);

/* A row of steps, each beginning where the one before ends. Owns a reference of each. */
struct xfr_steps {
    struct xfr_step **at;
    unsigned count, cap;
    uint64_t bytes;
};
/* The reference that is handed over is the row's. */
void xfr_steps_add(struct xfr_steps *s, struct xfr_step *step);
/* Releases all; empty afterwards. */
void xfr_steps_done(struct xfr_steps *s);

/* The whole row as one step: what is removed and added again, or the other way round, is in neither
 * part, and of SOAs only the first and the last are left. Costs a hash table over all records: for
 * a helper where `bytes` is large. NULL: the steps do not follow one another, or are malformed. */
struct xfr_step *xfr_condense(const struct xfr_steps *s);

#endif

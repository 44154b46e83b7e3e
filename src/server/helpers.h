/* SPDX-License-Identifier: Apache-2.0
 * Helper threads for what takes long or waits for the disk, while the reactor goes on.
 *
 * A job is embedded in whatever it is about. Its run() is called in a helper, once, and touches
 * nothing that is live: plain buffers, pinned versions, zones that nobody else has. Then it comes
 * back through helpers_collect() on the reactor's thread, whose business the rest is. Tasks are
 * begun in the order they were given, by as many threads as there are. */
#ifndef REEVE_SERVER_HELPERS_H
#define REEVE_SERVER_HELPERS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"

struct helpers;
struct job;

typedef void (*helpers_wake_fn)(void *arg);

/* Is somebody waiting for the outcome, or does the last good version answer meanwhile? Then queries
 * go first. The first PACE_BEHIND makes the thread that takes it one that always steps back, unless
 * helpers_step_back() says otherwise: where the processors are never idle it would never be done.
 * PACE_FIRST goes before all that waits: it gives memory back. PACE_LOG is for what uses the change
 * log while updates may be under way: a thread of its own does these one by one, and never steps
 * back. PACE_READ is the same with another thread, for short reads that a peer waits for: a
 * snapshot of a large zone takes seconds. PACE_TAKE is for transfers that come in, with threads of
 * its own that never step back either: a primary waits for them, and behind loads, or where loads
 * have made the threads step back, it would be cut off on a machine that is busy. */
enum pace { PACE_AWAITED, PACE_BEHIND, PACE_FIRST, PACE_LOG, PACE_READ, PACE_TAKE };

struct job_kind {
    void (*run)(struct job *t);               /* in a helper */
    void (*done)(void *owner, struct job *t); /* on the reactor's thread; frees the job */
    void (*drop)(struct job *t); /* instead of done, when the helpers end: frees the job */
};

struct job {
    struct list link;
    const struct job_kind *kind;
    enum pace pace;
};

/* Starts the threads, as many again for PACE_TAKE, and those for PACE_LOG and PACE_READ, with all
 * signals blocked in them. wake is called from them when a job is done; several calls may become
 * one, as ev_async_send()'s do.
 * NULL: no thread to be had. */
struct helpers *helpers_new(unsigned threads, helpers_wake_fn wake, void *wake_arg);
/* Do those with PACE_BEHIND step back from now on? At first they do. Who has done it already goes
 * on so: there is no way back without privileges. */
void helpers_step_back(struct helpers *h, bool do_so);
/* Ends what is under way, and the threads. Jobs may still be given: they wait for helpers_free().
 * NULL is fine. */
void helpers_end(struct helpers *h);
/* The same if it was not done, and drops what is not begun or not collected. NULL is fine. */
void helpers_free(struct helpers *h);
/* Set when the helpers are to end: long jobs look at it. */
const atomic_bool *helpers_is_ending(const struct helpers *h);

void helpers_give(struct helpers *h, struct job *t, const struct job_kind *kind, enum pace pace);
/* Calls done(owner, job) of a job that is done; false: none is. */
bool helpers_collect(struct helpers *h, void *owner);
/* Tasks given and not yet collected, but for PACE_FIRST, PACE_READ and PACE_TAKE. */
unsigned helpers_pending(const struct helpers *h);
/* Has wake called once more: for a collector that stops before helpers_collect() says false. */
void helpers_wake(struct helpers *h);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The state directory: the change log, opened when the first zone needs it. */
#ifndef REEVE_SERVER_STATE_H
#define REEVE_SERVER_STATE_H

#include "conf/conf.h"
#include "log/journal.h"

struct state;

typedef void (*state_wake_fn)(void *arg);

/* Nothing is touched yet. wake: of journal_open(). */
struct state *state_new(const struct conf *conf, state_wake_fn wake, void *wake_arg);
/* Closes the change log: what was given to it is finished. NULL is fine. */
void state_free(struct state *s);
/* The history limits of a new configuration; another directory takes effect at the next start. */
void state_configure(struct state *s, const struct conf *conf);

/* The change log, opened by the first call, which waits for the disk: helpers' threads, and the
 * start. NULL: it cannot be opened, and diag says why. */
struct journal *state_open(struct state *s, struct diag *diag);
/* The change log if it is open; never waits. */
struct journal *state_journal(const struct state *s);

#endif

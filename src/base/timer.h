/* SPDX-License-Identifier: Apache-2.0
 * Timers: a heap of times, for those who are called by one clock.
 *
 * A timer is embedded in whatever it is about. Setting and stopping cost a few comparisons,
 * whatever the number of timers; looking for what is due costs nothing when nothing is. */
#ifndef REEVE_BASE_TIMER_H
#define REEVE_BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t at_us;
    size_t place;                             /* 1 + index in the heap; 0: not set */
    void (*fire)(void *arg, struct timer *t); /* arg: timers_run()'s */
};

/* All zero is none. */
struct timers {
    struct timer **heap;
    size_t count, cap;
};

/* Frees the heap; the timers in it count as stopped. */
void timers_done(struct timers *all);
/* Sets it, or sets it anew; INT64_MAX stops it. t->fire is set. */
void timer_set(struct timers *all, struct timer *t, int64_t at_us);
/* A no-op where it is not set. */
void timer_stop(struct timers *all, struct timer *t);
/* When the first one is due; INT64_MAX: none is set. */
int64_t timers_next(const struct timers *all);
/* All are due so much earlier (less than 0) or later: their clock was set. */
void timers_shift(struct timers *all, int64_t by_us);
/* Stops and then fires up to `budget` of those that are due; true: no more are due. */
bool timers_run(struct timers *all, int64_t now_us, unsigned budget, void *arg);

#endif

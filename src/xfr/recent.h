/* SPDX-License-Identifier: Apache-2.0
 * The newest steps of all zones, in memory, so that a secondary that follows closely is served
 * without a look at the disk. What is not here is in the change log.
 *
 * All zones share one budget of bytes; what was added longest ago goes first. A row is bounded in
 * length, too, since it is walked to find a serial. */
#ifndef REEVE_XFR_RECENT_H
#define REEVE_XFR_RECENT_H

#include "xfr/step.h"

/* Steps of one zone: walked in a tenth of a millisecond. */
#define RECENT_STEPS_MAX 4096

/* All zero is none. */
struct recents {
    uint64_t bytes_max, bytes;
    struct list all; /* oldest first */
};

/* Of one zone; list_init(). The newest is last, and the row has no gap. */
struct recent {
    struct list steps;
    unsigned count;
};

void recents_init(struct recents *all, uint64_t bytes_max);
/* A new budget. */
void recents_configure(struct recents *all, uint64_t bytes_max);
void recent_init(struct recent *r);
/* Takes the caller's reference. A step that does not follow the newest one drops all before it;
 * one that is larger than a quarter of the budget is not kept, nor anything before it. */
void recent_add(struct recents *all, struct recent *r, struct xfr_step *step);
/* The zone's data is replaced, or goes. */
void recent_clear(struct recents *all, struct recent *r);
/* Puts the row of steps from that serial to the newest one into *out (empty before). False: it does
 * not begin there, or has more than bytes_max; not more than these are looked through. */
bool recent_from(const struct recent *r, uint32_t serial, uint64_t bytes_max,
                 struct xfr_steps *out);

#endif

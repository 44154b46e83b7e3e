/* SPDX-License-Identifier: Apache-2.0
 * Helper threads that load zones and free old ones, while the reactor goes on.
 *
 * Jobs are taken in the order they were given, by as many threads as there are; results come back
 * through loader_collect() on the reactor's thread. A helper never touches a live zone: it gets
 * names and paths, and gives back a zone that nobody else has seen yet. */
#ifndef REEVE_SERVER_LOADER_H
#define REEVE_SERVER_LOADER_H

#include "base/err.h"
#include "zone/load.h"
#include "zone/zone.h"

struct loader;

typedef void (*loader_wake_fn)(void *arg);

/* Starts the threads, with all signals blocked in them. wake is called from them when a result
 * waits; several calls may become one, as ev_async_send()'s do. */
struct loader *loader_new(unsigned threads, loader_wake_fn wake, void *wake_arg);
/* Ends what is under way, drops what is not begun, frees results not collected. NULL is fine. */
void loader_free(struct loader *l);

/* Is the zone's data waited for, or does the last good version answer meanwhile? Then queries go
 * first. The first LOADER_BEHIND makes the thread that takes it one that always steps back. */
enum loader_pace { LOADER_AWAITED, LOADER_BEHIND };
/* One zone to load. `ticket` is the caller's and comes back with the result. */
void loader_load(struct loader *l, struct name zone, const char *path, struct load_limits limits,
                 enum loader_pace pace, uint64_t ticket);
/* Frees the zone, which nobody has pinned, in a helper, before further loads. NULL is fine. */
void loader_drop(struct loader *l, struct zone *zone);
/* Loads given and not yet collected. */
unsigned loader_pending(const struct loader *l);

struct loaded {
    struct name_buf name;
    uint64_t ticket;
    struct zone *zone; /* the collector's; NULL: failed, and diag says why */
    struct load_result result;
    struct diag diag;
    int64_t took_us;
};
/* The next result; false: none waits. */
bool loader_collect(struct loader *l, struct loaded *out);
/* Has wake called once more: for a collector that stops before loader_collect() says false. */
void loader_wake(struct loader *l);

#endif

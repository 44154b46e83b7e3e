/* SPDX-License-Identifier: Apache-2.0
 * Datagrams that the kernel has dropped before we could read them, mostly because the receive
 * buffer was full: counted (udp_dropped_kernel) and logged.
 *
 * The kernel counts for each socket; it is asked once a second while the loop turns, and when
 * somebody wants to see the counters. */
#ifndef REEVE_REACTOR_DROPS_H
#define REEVE_REACTOR_DROPS_H

#include <stdint.h>

#include "base/attr.h"
#include "reactor/listen.h"
#include "request/counter.h"

/* How often the kernel is asked. */
#define DROPS_EVERY_S 1.0
/* A socket that goes on losing datagrams is told of so often; what was lost meanwhile is added up.
 */
#define DROPS_SAY_US  60000000

/* Adds to the counter what was dropped since the last time, of all UDP sockets. */
void drops_count(struct listen_set *set, struct counters *count, int64_t now_us);

/* At the end of each turn. now_s: the loop's clock; *looked_s is when it was done last. */
static inline void drops_look(double *looked_s, double now_s, struct listen_set *set,
                              struct counters *count)
{
    if (LIKELY(now_s - *looked_s < DROPS_EVERY_S && now_s >= *looked_s))
        return;
    *looked_s = now_s;
    drops_count(set, count, (int64_t)(now_s * 1e6));
}

#endif

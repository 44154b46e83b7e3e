/* SPDX-License-Identifier: Apache-2.0
 * What wakes the loop when the first of the server's timers is due.
 *
 * Those are wall clock times, which may be set at any moment: no wait is longer than
 * ALARM_TRUST_US, so that it is noticed. */
#ifndef REEVE_REACTOR_ALARM_H
#define REEVE_REACTOR_ALARM_H

#include <ev.h>

#include "base/attr.h"
#include "server/server.h"

#define ALARM_TRUST_US 60000000

struct alarm {
    struct ev_loop *ev;
    struct server *server;
    ev_timer timer;
    int64_t at_us; /* what it waits for; INT64_MAX: nothing */
};

/* ev and server: borrowed. */
void alarm_init(struct alarm *a, struct ev_loop *ev, struct server *server);
void alarm_done(struct alarm *a);
void alarm_set(struct alarm *a, int64_t at_us);

/* At the end of each turn: a timer may have been set before all others. */
static inline void alarm_look(struct alarm *a)
{
    int64_t at_us = server_next_us(a->server);
    if (UNLIKELY(at_us < a->at_us))
        alarm_set(a, at_us);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The server's timers on the loop's. */
#include "reactor/alarm.h"

#include "base/clock.h"
#include "reactor/turn.h"

static void on_timer(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("server timers");
    struct alarm *a = container_of(w, struct alarm, timer);
    a->at_us = INT64_MAX; /* set again at the end of the turn */
    server_time(a->server, clock_wall_us());
}

void alarm_set(struct alarm *a, int64_t at_us)
{
    int64_t in_us = at_us - clock_wall_us();
    a->at_us = at_us;
    if (in_us > ALARM_TRUST_US)
        in_us = ALARM_TRUST_US;
    ev_timer_stop(a->ev, &a->timer);
    ev_timer_set(&a->timer, in_us > 0 ? (double)in_us / 1e6 : 0.0, 0.0);
    ev_timer_start(a->ev, &a->timer);
}

void alarm_init(struct alarm *a, struct ev_loop *ev, struct server *server)
{
    *a = (struct alarm){.ev = ev, .server = server, .at_us = INT64_MAX};
    ev_timer_init(&a->timer, on_timer, 0.0, 0.0);
    ev_set_priority(&a->timer, TURN_TIMER);
}

void alarm_done(struct alarm *a)
{
    ev_timer_stop(a->ev, &a->timer);
}

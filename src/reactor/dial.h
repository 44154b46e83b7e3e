/* SPDX-License-Identifier: Apache-2.0
 * The sockets of calls (server/call.h): what we ask other servers with.
 *
 * UDP: a connected socket for each call, so that the kernel takes nothing but what comes from where
 * it was asked, and tells us when nobody is there. TCP: a connection that has served a call stays a
 * few seconds for the next one between the same addresses; if its peer has closed it meanwhile,
 * which may show only after the question is sent, a new one is opened and nobody hears of it; but
 * for questions that have effects (call.is_fresh), which never go over a connection used before.
 *
 * All that comes is read into one buffer that all calls share; a connection keeps only the message
 * that is not complete, and what had come when its call was paused. */
#ifndef REEVE_REACTOR_DIAL_H
#define REEVE_REACTOR_DIAL_H

#include <ev.h>
#include <stdbool.h>

#include "base/list.h"
#include "base/timer.h"
#include "reactor/turn.h"
#include "server/call.h"
#include "server/server.h"

/* Bytes read from one connection in one turn. A transfer of 100 MB is then 1,600 turns of 10 us and
 * what is done with the messages. */
#define DIAL_READ_LEN  65536
/* Datagrams read for one call in one turn. */
#define DIAL_READS_UDP 8
/* Connections that wait for the next call, and how long. Servers let clients be idle for longer (2
 * to 30 s). */
#define DIAL_IDLE_MAX  64
#define DIAL_IDLE_US   1500000

struct dial_channel;

struct dial {
    struct ev_loop *ev;
    struct server *server;
    struct turn_share *share;
    struct timers deadlines;
    ev_timer timer;         /* at or before the first of them */
    int64_t timer_at_us;    /* when it fires; INT64_MAX: it is off */
    struct list busy, idle; /* idle: the newest first */
    unsigned idle_count;
    struct dial_channel *current; /* whose event is being handled; NULL: it is gone */
    uint8_t *in;                  /* DIAL_READ_LEN bytes */
};

/* ev, server and share: borrowed. */
void dial_init(struct dial *d, struct ev_loop *ev, struct server *server, struct turn_share *share);
/* No call is under way any more. */
void dial_done(struct dial *d);

/* server_hooks: see there. */
void dial_call(struct dial *d, struct call *c);
void dial_pause(struct dial *d, struct call *c);
void dial_hang_up(struct dial *d, struct call *c, bool may_reuse);

/* Descriptors that calls may take. */
static inline unsigned dial_descriptors(const struct conf *conf)
{
    return CALLS_UDP_MAX + CALLS_URGENT_MAX + DIAL_IDLE_MAX + conf->transfers_in;
}

#endif

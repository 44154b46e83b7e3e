/* SPDX-License-Identifier: Apache-2.0
 * What one turn of the loop may do: the order of the watchers, the budgets, and the tripwire that
 * finds who broke them.
 *
 * One thread does everything, so a callback that takes long delays all others. Every callback has a
 * budget that keeps it under a millisecond on a slow machine; what is left over waits in the
 * kernel, and epoll, level-triggered, reports it again in the next turn. So there is no work list
 * of our own that could be forgotten or grow. */
#ifndef REEVE_REACTOR_TURN_H
#define REEVE_REACTOR_TURN_H

/* All watchers of a turn run in this order; each runs once, so a low priority delays but never
 * starves. */
enum turn_priority {
    TURN_CONTROL =
        2,        /* signals, finished loads, a new configuration: rare, and others wait for them */
    TURN_UDP = 1, /* the datagrams: the kernel's buffer is the only one to run over */
    TURN_CONN = 0,   /* open connections before new ones */
    TURN_TIMER = -1, /* deadlines: after all that may have moved them */
    TURN_ACCEPT = -2 /* new connections last: existing work is finished first, or nearly */
};

/* Datagrams taken in one recvmmsg. From 16 to 32 the cost of the call is spread thin enough; more
 * delays the first answer and fills the first-level cache. */
#define TURN_UDP_BATCH   32
/* Datagrams of all sockets together in one turn (ready.h): about 0.6 ms with what the kernel takes
 * for them. */
#define TURN_UDP         (4 * TURN_UDP_BATCH)
/* accept4 calls of all listening sockets together in one turn: about 10 us each with the first
 * read. One after the other of a socket before the next one has its turn. */
#define TURN_ACCEPTS     16
#define TURN_ACCEPT_ROW  4
/* Connections closed by the timer in one go: about 5 us each. */
#define TURN_CLOSES      128
/* Requests of one connection answered in one call of server_handle(). Bounds the answers that may
 * be kept beyond limits.tcp-unsent: 16 of 64 KB. */
#define TURN_TCP_BATCH   16

/* Bytes made in one turn for an answer of many messages, to one connection: a message of the usual
 * 16 KiB, which takes about 0.1 ms. */
#define TURN_OUTFLOW_LEN 16000

/* Units of work of TCP connections (an event, a message of usual length) after which the UDP
 * sockets have a turn of their own, and a row of new connections is taken: thousands of connections
 * may be ready at once, each within its budget, and all of them together are no more than about
 * 0.5 ms for a datagram. */
#define TURN_TCP_SHARE   128
/* Bytes of a transfer that cost about as much as one unit, 4 us. */
#define TURN_UNIT_LEN    512

struct turn_share {
    unsigned units; /* since `between` was called */
    void (*between)(void *arg);
    void *arg;
};

/* Between two connections: so much was done since the last time. */
static inline void turn_worked(struct turn_share *w, unsigned units)
{
    w->units += units;
    if (w->units < TURN_TCP_SHARE)
        return;
    w->units = 0;
    w->between(w->arg);
}

/* In builds with slow checks (base/check.h), and with REEVE_TRIPWIRE defined, a callback that took
 * longer is named in the log at level debug. */
#define TURN_SLOW_US 1000

#if defined(REEVE_CHECK_SLOW) && !defined(REEVE_TRIPWIRE)
#define REEVE_TRIPWIRE
#endif

#ifdef REEVE_TRIPWIRE
#include <stdint.h>

struct turn_watch {
    const char *name;
    int64_t start_us, start_cpu_us;
};
struct turn_watch turn_watch_start(const char *name);
void turn_watch_end(struct turn_watch *w);
/* First line of a callback. */
#define TURN_WATCH(name)                                                             \
    __attribute__((cleanup(turn_watch_end), unused)) struct turn_watch turn_watch_ = \
        turn_watch_start(name)
#else
#define TURN_WATCH(name) ((void)0)
#endif

#endif

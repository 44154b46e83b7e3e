/* SPDX-License-Identifier: Apache-2.0
 * TCP: accepting connections, how many there may be, and when the slow ones are closed (RFC 7766,
 * RFC 9210).
 *
 * Connections stand in one list for each thing they may wait for, ordered by the time they began to
 * wait. All of a list have the same time to do it, so the head of each list is due first, one timer
 * serves them all, and moving a connection to the end of its list is the whole cost of a new
 * deadline.
 *
 * The fewer connections are left, the shorter they may be idle (enum tcp_load). What edns-tcp-
 * keepalive announces (RFC 7828) and what is enforced both come from here: a client has at least
 * the time that it was told, unless its place is needed for another one (s3.4). */
#ifndef REEVE_REACTOR_TCP_H
#define REEVE_REACTOR_TCP_H

#include <ev.h>
#include <stdint.h>

#include "base/log.h"
#include "request/limit.h"
#include "reactor/conn.h"
#include "reactor/turn.h"
#include "server/server.h"

struct listen_set;

/* Heap that all connections together may hold for messages and answers. Above it the one that has
 * taken nothing of its answers for longest is closed. */
#define TCP_HELD_MAX ((size_t)512 << 20)

struct tcp_limits {
    uint32_t count, count_per_client; /* connections; at least 1 */
    int64_t wait_us[CONN_WAIT_COUNT];
    uint32_t pipeline; /* answers unsent before reading stops */
    size_t unsent;     /* bytes unsent before reading stops */
};

struct tcp {
    struct ev_loop *ev;
    struct server *server;
    struct counters *count;
    struct listen_set *listens; /* whose TCP sockets are paused when there are no descriptors */
    struct turn_share *share;
    struct tcp_limits limits;
    struct limit clients;
    struct list waiting[CONN_WAIT_COUNT];
    uint32_t conns;
    enum tcp_load load;
    struct log_rate refused_rate, full_rate, starved_rate;
    size_t held;
    bool is_draining;
    ev_timer timer;      /* at or before the first deadline, while there are connections */
    int64_t timer_at_us; /* when it fires; INT64_MAX: it is off */
    ev_timer resume;     /* accepting goes on */
    struct exchange x[TURN_TCP_BATCH]; /* shared by all connections, used within one call */
    uint8_t *out;
};

/* All but t: borrowed. */
void tcp_init(struct tcp *t, struct ev_loop *ev, struct server *server, struct listen_set *listens,
              struct turn_share *share);
/* Closes what is still open. */
void tcp_done(struct tcp *t);
/* Takes the limits of a configuration; connections_max is what descriptors allow. Open connections
 * above them stay. */
void tcp_configure(struct tcp *t, const struct conf *conf, uint32_t connections_max);

/* Takes up to TURN_ACCEPT_ROW connections from a listening socket. *budget: connections, at least
 * one; what was tried is counted off. False: there was no more. */
bool tcp_accept(struct tcp *t, int fd, unsigned *budget);
/* For want of descriptors the connection that can be spared most is closed. False: there is none.
 */
bool tcp_give_way(struct tcp *t);
/* From now on connections end as soon as what they have asked is answered and the answers are
 * taken. */
void tcp_drain(struct tcp *t);

/* --- for conn.c --- */

void tcp_add(struct tcp *t, struct conn *c);
void tcp_remove(struct tcp *t, struct conn *c);
/* c begins to wait, now. */
void tcp_wait(struct tcp *t, struct conn *c, enum conn_wait wait);
/* Counts the heap that c's stream holds now. */
void tcp_hold(struct tcp *t, struct conn *c);
/* Closes connections while all together hold more than TCP_HELD_MAX. */
void tcp_relieve(struct tcp *t);

#endif

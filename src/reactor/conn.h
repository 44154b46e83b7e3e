/* SPDX-License-Identifier: Apache-2.0
 * One TCP connection: its socket, its stream, and what it waits for.
 *
 * A step (conn_read, conn_write, conn_serve) acts and returns KEEP or CLOSE; it never frees the
 * connection. What is watched and which deadline applies is computed from the state in one
 * function, conn_rearm(), and one function, conn_close(), ends a connection.
 *
 * An answer of many messages (server.h: outflow) is made while the peer takes it: the next message
 * only when nothing is unsent, about TURN_OUTFLOW_LEN bytes in a turn, and what else is asked on
 * the connection is answered in between. So a peer that stops reading costs one message, and has
 * the deadline that every answer has. */
#ifndef REEVE_REACTOR_CONN_H
#define REEVE_REACTOR_CONN_H

#include <ev.h>
#include <stdbool.h>

#include "base/list.h"
#include "reactor/stream.h"
#include "request/request.h"

struct tcp;
struct outflow;

/* How many of the connections that there may be are there, and how long one may be idle then. */
enum tcp_load {
    TCP_CALM,  /* limits.tcp-idle */
    TCP_BUSY,  /* more than a half: half of it */
    TCP_TIGHT, /* more than three quarters: a quarter */
    TCP_FULL,  /* all, and new ones take the place of the idlest: clients are told 0, to close as
                  soon as they can (RFC 7828 s3.3.2), and who does not has the same quarter */
    TCP_UNTOLD /* of a connection: its client was not told any of them */
};

/* What the peer owes us; each has its own deadline, and its own list in struct tcp. In the last one
 * it owes nothing, we do, and there is no deadline. */
enum conn_wait {
    CONN_FIRST, /* nothing has come yet: limits.tcp-first-byte */
    CONN_IDLE,  /* nothing is under way: from the last message on, as long as it may be with
                   TCP_CALM, or: */
    CONN_IDLE_BUSY,
    CONN_IDLE_TIGHT,
    CONN_RECEIVING, /* part of a message is here: limits.tcp-message for all of it, however many
                       pieces */
    CONN_SENDING,   /* answers wait to be taken, or to be made as they are: limits.tcp-message for
                       each   CONN_PROGRESS_LEN of them */
    CONN_ANSWERING, /* answers come later, and nothing but them is awaited */
    CONN_WAIT_COUNT
};

static inline bool conn_is_idle(enum conn_wait wait)
{
    return wait == CONN_IDLE || wait == CONN_IDLE_BUSY || wait == CONN_IDLE_TIGHT;
}

/* A peer has to take so much, or all there is, to get a new deadline: with the default of 5 s that
 * is 26 kbit/s. */
#define CONN_PROGRESS_LEN 16384

enum next { KEEP, CLOSE };

struct conn {
    ev_io io;
    struct tcp *tcp;
    struct list link; /* in tcp->waiting[wait], ordered by since_us */
    int64_t since_us; /* monotonic: start of what it waits for */
    enum conn_wait wait;
    enum tcp_load told;       /* what the last answer has announced that did so */
    bool is_heard;            /* something has come */
    bool is_ended;            /* the peer sends no more: it said so, or we do not want it */
    bool is_paused;           /* not read from, too much unsent */
    bool has_asked, has_sent; /* in this turn: a whole message came, CONN_PROGRESS_LEN went; renew
                                 the deadline */
    bool is_late;             /* an answer of it has no more time: it is closed */
    bool is_closed;           /* only kept for the answers that still come: conn_answer() */
    uint32_t waiting;         /* messages whose answers come later, see server_hooks */
    uint32_t unsent_count;    /* answers queued since nothing was unsent */
    uint32_t sent_len;        /* bytes of the queue taken by the peer towards CONN_PROGRESS_LEN */
    struct list flows;        /* struct conn_flow: answers of many messages */
    uint32_t flow_count;
    uint32_t flow_ready; /* those that have a message to be made now */
    size_t held;         /* stream_held() as counted in tcp->held */
    struct peer peer;
    struct stream stream;
};

/* fd is taken over: open, non-blocking. The connection is registered with t. */
struct conn *conn_new(struct tcp *t, int fd, const union address *peer);
/* Runs the steps that revents (EV_READ, EV_WRITE) call for; c may be gone afterwards. */
void conn_run(struct conn *c, int revents);
/* Answers what has been sent so far; when that is done and the answers are taken, the connection
 * ends. c may be gone. */
void conn_drain(struct conn *c);
void conn_close(struct conn *c);

/* A message of this connection is answered later: c stays, closed or not, until conn_answer(). */
void conn_hold(struct conn *c);
/* That answer, or none (len 0): it is sent in this turn, but not in here. A closed c may be gone.
 */
void conn_answer(struct conn *c, const uint8_t *bytes, size_t len);

/* A server hook: f, which came with a message of the connection `channel`, can make its next
 * message now. */
void conn_outflow_ready(void *arg, void *channel, struct outflow *f);
/* Another one: f has no more time, and the connection is closed for that, but not in here. */
void conn_outflow_late(void *arg, void *channel, struct outflow *f);

#endif

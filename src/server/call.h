/* SPDX-License-Identifier: Apache-2.0
 * Asking other servers: one question, and the messages that come back to it.
 *
 * The reactor has the sockets (reactor/dial.c, through server_hooks); here is the queue before
 * them, so that ten thousand zones that want to be refreshed at once open a few connections and not
 * ten thousand. UDP questions each have a socket of their own, connected, with a source port that
 * the kernel drew at random. TCP ones use a connection to the same server that an earlier call left
 * in order, or open one. A call is one question at a time on its connection.
 *
 * What comes is checked for nothing but, over UDP, the address that it comes from. */
#ifndef REEVE_SERVER_CALL_H
#define REEVE_SERVER_CALL_H

#include "base/list.h"
#include "base/timer.h"
#include "request/request.h"

struct server;
struct call;

/* Calls under way at once; the rest waits. TCP also counts those to one address. */
#define CALLS_UDP_MAX 200

/* Called on the reactor's thread, never from within call_start(). */
struct call_kind {
    /* A message. The call goes on (over UDP the datagram may be forged or late) until call_end(),
     * which may be called in here. */
    void (*message)(struct server *s, struct call *c, const uint8_t *bytes, size_t len);
    /* It is over: not reached, cut, or nothing came for wait_us; a sentence. */
    void (*failed)(struct server *s, struct call *c, const char *reason);
};

/* Embedded in what it is about; all zero before the first call_start(). */
struct call {
    struct list link;
    const struct call_kind *kind;
    struct peer to;
    union address source; /* family AF_UNSPEC: the system chooses */
    int64_t wait_us;      /* for the connection, and then for each message */
    uint8_t *bytes;       /* the question, kept until it is sent */
    size_t len;
    enum call_state { CALL_OVER, CALL_QUEUED, CALL_UNDER_WAY } state;
    bool is_paused;
    bool is_urgent; /* goes before what waits and is not: an answer depends on it */
    void *channel;  /* the reactor's */
};

struct calls {
    struct list queue[2]; /* UDP, TCP */
    unsigned under_way[2];
    unsigned tcp_max, tcp_per_host_max;
    struct list tcp; /* under way over TCP */
};

void calls_init(struct calls *all);
/* Limits of a configuration. */
void calls_configure(struct calls *all, unsigned tcp_max, unsigned tcp_per_host_max);

/* c->kind, to, source and wait_us are set. The bytes are copied. */
void call_start(struct server *s, struct call *c, const uint8_t *bytes, size_t len);
/* The call is over, from our side; a no-op where it is already. may_reuse: all that was asked for
 * has come, so that the connection is good for the next one. */
void call_end(struct server *s, struct call *c, bool may_reuse);
/* Messages are not read for a while, and nothing is timed out meanwhile. */
void call_pause(struct server *s, struct call *c, bool is_paused);

/* --- for the reactor --- */

/* What has come to a call, or became of it. After server_call_failed() the channel is gone. */
void server_call_message(struct server *s, struct call *c, const uint8_t *bytes, size_t len);
void server_call_failed(struct server *s, struct call *c, const char *reason);

#endif

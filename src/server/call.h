/* SPDX-License-Identifier: Apache-2.0
 * Asking other servers: one question, and the messages that come back to it.
 *
 * The reactor has the sockets (reactor/dial.c, through server_hooks); here is the queue before
 * them, so that ten thousand zones that want to be refreshed at once open a few connections and not
 * ten thousand. UDP questions each have a socket of their own, connected, with a source port that
 * the kernel drew at random. TCP ones use a connection to the same server that an earlier call left
 * in order, or open one. A call is one question at a time on its connection.
 *
 * What waits goes in the order it came, server by server in turn and only so many to each, so that
 * ten thousand zones of a primary that is dead hold up nobody else's. Nor do they wait for one
 * another: when no connection to an address comes about, or CALLS_SILENT_MAX questions in a row get
 * no answer over UDP, all that waits for it fails as well, in slices, so that each zone goes on: to
 * TCP, where that is known at once, and to its next primary. Urgent calls have limits of
 * their own: they wait for other urgent ones only.
 *
 * What comes is checked for nothing but, over UDP, the address that it comes from. What a call's
 * kind says is no answer to it is counted, and waiting goes on to the deadline (RFC 5452 s9.1). */
#ifndef REEVE_SERVER_CALL_H
#define REEVE_SERVER_CALL_H

#include "base/list.h"
#include "base/timer.h"
#include "request/request.h"
#include "tsig/tsig.h"

struct server;
struct call;

/* Calls under way at once, and those of them to one address; the rest waits. Those over TCP are
 * limits.transfers-in and limits.transfers-in-per-primary. */
#define CALLS_UDP_MAX             200
#define CALLS_UDP_PER_HOST_MAX    50
#define CALLS_URGENT_MAX          64
#define CALLS_URGENT_PER_HOST_MAX 32

/* To one address over UDP, without a message from there in between: as many as are under way at
 * once, so that a primary that is slow for a moment, or loses some datagrams, is not given up. */
#define CALLS_SILENT_MAX          CALLS_UDP_PER_HOST_MAX

/* What became of a message that came to a call. */
enum call_verdict {
    CALL_HEARD,
    CALL_STRANGE /* it is no answer to the question, perhaps forged or late */
};

/* Called on the reactor's thread, never from within call_start(). */
struct call_kind {
    /* A message. The call goes on until call_end(), which may be called in here, but not where the
     * verdict is CALL_STRANGE. */
    enum call_verdict (*message)(struct server *s, struct call *c, const uint8_t *bytes,
                                 size_t len);
    /* It is over: not reached, cut, or nothing came for wait_us; a sentence. */
    void (*failed)(struct server *s, struct call *c, const char *reason);
};

/* Embedded in what it is about; all zero before the first call_start(). */
struct call {
    struct list link; /* in its lane, while it is queued */
    struct call_lane *lane;
    const struct call_kind *kind;
    struct peer to;
    union address source; /* family AF_UNSPEC: the system chooses */
    /* over UDP: for the message that ends the call; TCP: for the connection, then for each message
     */
    int64_t wait_us;
    int64_t started_us; /* when it was out of the queue */
    /* signs the question when it leaves the queue: a signature is good for minutes only (RFC 8945
     * s10), and a queue may be longer. It outlives the call; NULL: it goes as it is */
    struct tsig_session *tsig;
    uint8_t *bytes; /* the question, kept until the call is over */
    size_t len;
    enum call_state {
        CALL_OVER,
        CALL_QUEUED,
        CALL_UNDER_WAY,
        CALL_GIVEN_UP /* fails soon, since another one was not reached */
    } state;
    bool is_paused;
    bool is_urgent; /* an answer depends on it: does not wait for those that are not */
    /* over TCP: on a connection of its own, so that the question is sent once at most */
    bool is_fresh;
    /* the reactor's: all of the question is with the system, on its way to the peer; no connection
     * came about */
    bool is_sent, is_unreached;
    void *channel; /* the reactor's */
};

enum call_class { CALLS_UDP, CALLS_TCP, CALLS_URGENT, CALLS_CLASS_COUNT };

/* Calls of one class to one address; it is there while there are any. */
struct call_lane {
    struct list link; /* of lanes with the same hash */
    struct list turn; /* in calls.ready, if one of it may start */
    struct list queue;
    union address to;
    enum call_class class;
    unsigned under_way;
    unsigned silent; /* calls in a row that failed without any message */
};

/* Calls told in one go that they are given up. */
#define CALLS_GIVE_UP_SLICE 32

/* Lists that lanes are found by. Their addresses are the configuration's: nobody can make them all
 * fall into one. */
#define CALLS_BUCKETS       256

struct calls {
    struct list lanes[CALLS_BUCKETS];
    struct list ready[CALLS_CLASS_COUNT]; /* lanes, the next one to start a call first */
    unsigned under_way[CALLS_CLASS_COUNT];
    unsigned max[CALLS_CLASS_COUNT], per_host_max[CALLS_CLASS_COUNT];
    struct list given_up;
    struct timer timer; /* that tells them */
};

void calls_init(struct calls *all);
/* Limits of a configuration. What waits and has room by them is started. */
void calls_configure(struct server *s, unsigned tcp_max, unsigned tcp_per_host_max);

/* The server ends: no more are started. */
void calls_stop(struct calls *all);

/* c->kind, to, source, wait_us and tsig are set, and it is not queued or under way. The bytes are
 * copied. */
void call_start(struct server *s, struct call *c, const uint8_t *bytes, size_t len);
/* The call is over, from our side; a no-op where it is already. may_reuse: all that was asked for
 * has come, so that the connection is good for the next one. */
void call_end(struct server *s, struct call *c, bool may_reuse);
/* Under way, and in the place of one that waits: of its own lane, or of any where the class is
 * full.
 */
bool call_is_in_the_way(const struct server *s, const struct call *c);
/* Messages are not read for a while, and nothing is timed out meanwhile. */
void call_pause(struct server *s, struct call *c, bool is_paused);

/* --- for the reactor --- */

/* What has come to a call, or became of it. After server_call_failed() the channel is gone. */
void server_call_message(struct server *s, struct call *c, const uint8_t *bytes, size_t len);
void server_call_failed(struct server *s, struct call *c, const char *reason);

#endif

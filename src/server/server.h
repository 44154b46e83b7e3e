/* SPDX-License-Identifier: Apache-2.0
 * The server without sockets: messages in, answers out, zones and configuration behind.
 *
 * Everything here runs on the reactor's thread; loads run in helper threads that server/ starts and
 * that call `wake` (from their thread) when a result waits for server_collect(). */
#ifndef REEVE_SERVER_SERVER_H
#define REEVE_SERVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "request/request.h"

struct server;
struct call;
struct outflow;

/* How an answer that comes later finds its way: filled by the reactor, opaque here. */
struct reply_path {
    void *channel;       /* a UDP socket's listener, or a TCP connection */
    uint8_t control_len; /* UDP: what the kernel is to be told about the answer's source */
    uint8_t control[64];
};

/* One message and its answer. The bytes are the caller's. */
struct exchange {
    struct peer peer;
    void *channel;                 /* the reactor's: where the message came in */
    const struct reply_path *path; /* of a message that waited before; else NULL */
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;    /* DNS_MESSAGE_MAX bytes for TCP, SERVER_UDP_OUT_MAX for UDP */
    size_t out_len;  /* set by server_handle; 0: no answer, or not yet */
    bool is_waiting; /* set by server_handle: the answer comes later, through server_hooks */
    /* set by server_handle: the answer is a row of messages, which server_outflow_next() makes;
     * TCP only, out_len is 0 */
    struct outflow *outflow;
};

#define SERVER_UDP_OUT_MAX 4096
#define SERVER_BATCH_MAX   64

/* What the server asks of the reactor. */
struct server_hooks {
    void *arg;
    /* From a helper's thread: something waits for server_collect(). */
    void (*wake)(void *arg);
    /* x is answered later: its channel is to stay until then, and *path to lead there. */
    void (*hold)(void *arg, const struct exchange *x, struct reply_path *path);
    /* Here is the answer (len 0: there is none), and the channel is let go of. */
    void (*reply)(void *arg, const struct peer *peer, struct reply_path *path, const uint8_t *bytes,
                  size_t len);
    /* Messages that an outflow said OUTFLOW_LATER for can be had now; called from the loop and not
     * from within server_outflow_next(). channel: of the exchange that it came with. */
    void (*outflow_ready)(void *arg, void *channel, struct outflow *f);
    /* It has no more time, whatever the peer takes: its connection is to be closed, but not from
     * within. */
    void (*outflow_late)(void *arg, void *channel, struct outflow *f);
    /* Sends the call's question (server/call.h); events follow. A failure is one of them, too. */
    void (*dial)(void *arg, struct call *c);
    void (*dial_pause)(void *arg, struct call *c);
    /* Nothing of the call is wanted any more. may_reuse: its connection is in order. */
    void (*hang_up)(void *arg, struct call *c, bool may_reuse);
};

/* The next message of an outflow, made when the peer can take one. */
enum outflow_next {
    OUTFLOW_MESSAGE, /* in out, DNS_MESSAGE_MAX bytes; more follow */
    OUTFLOW_LAST,    /* the same; then server_outflow_end() */
    OUTFLOW_LATER,   /* none yet: hooks.outflow_ready() says when */
    OUTFLOW_BROKEN   /* the stream cannot go on: the connection is to be closed */
};
enum outflow_next server_outflow_next(struct server *s, struct outflow *f, int64_t now_us,
                                      uint8_t *out, size_t *len);
/* The reactor's last word about it: the peer's system has taken the last message (all that was
 * queued is gone), or the connection is closed. */
void server_outflow_end(struct server *s, struct outflow *f, bool is_sent);

/* Takes conf. No zone is loaded yet: all answer SERVFAIL until server_start()'s loads are
 * collected. ERR_SYSTEM, ERR_IO, with a sentence: no threads, or the state directory that a zone
 * needs cannot be used (conf is freed). */
enum err server_new(struct conf *conf, const struct server_hooks *hooks, struct server **out,
                    struct diag *diag);
/* Waits for the helpers and the change log, frees everything. NULL is fine. */
void server_free(struct server *s);

/* Hands all zones to the helpers. */
void server_start(struct server *s, int64_t now_us);
/* Takes in what helpers and the change log have finished, and goes on with a reload; false while
 * loads or a reload are still under way. */
bool server_collect(struct server *s, int64_t now_us);
/* Something failed and is to be tried again: server_collect() is to be called each second or so
 * even if nobody wakes the reactor. */
bool server_wants_time(const struct server *s);
/* When server_time() is to be called next (wall clock); INT64_MAX: no timer is set. Asked at the
 * end of each turn. */
int64_t server_next_us(const struct server *s);
/* What time it is for what comes next, where that does not bring it along (server/call.h). */
void server_now(struct server *s, int64_t now_us);
/* The time has come: refreshes, notifies and the like that are due, some of them in each call. */
void server_time(struct server *s, int64_t now_us);
/* At the end of each turn of the loop: what was decided in it goes to the change log. */
void server_turn(struct server *s);
/* When stopping: waits until the change log has taken, or refused, all that was decided, answers
 * it, and finishes what is being changed in slices; for at most that long. False: something that
 * was decided still waits. */
bool server_flush(struct server *s, int64_t max_us);

/* Who asks for the reloads that come: it is said of what they bring. Text is copied. */
void server_reload_by(struct server *s, const char *who);
/* Takes a new configuration, all of it or, with a sentence, nothing (conf is freed then): zones are
 * added, removed and loaded anew in helpers, a slice of them in each turn (server_collect() goes on
 * with it); the last good version of each stays until then. Listen addresses are not server/'s
 * business. */
enum err server_reload(struct server *s, struct conf *conf, int64_t now_us, struct diag *diag);

/* Answers `count` messages (at most SERVER_BATCH_MAX) that came in one turn. now_us: wall clock. */
void server_handle(struct server *s, struct exchange *x, unsigned count, int64_t now_us);

/* Nothing waits for the change log. */
bool server_is_idle(const struct server *s);
/* The change log works, as far as is known, or is not in use. */
bool server_is_durable(const struct server *s);

/* How long a TCP connection may be idle, as answers tell clients that ask for it (RFC 7828),
 * rounded down; 0: to be closed as soon as they can. Until then, and after a reload,
 * limits.tcp-idle. */
void server_keepalive_set(struct server *s, int64_t idle_us);

const struct conf *server_conf(const struct server *s);
/* The keys in force. */
const struct keyring *server_keyring(const struct server *s);
struct counters *server_counters(struct server *s);
/* For systemd's STATUS and the log: "12 zones, 1 not loaded". */
const char *server_status(const struct server *s, char buf[128]);

#endif

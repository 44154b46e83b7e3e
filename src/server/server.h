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

/* One message and its answer. The bytes are the caller's. */
struct exchange {
    struct peer peer;
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;   /* DNS_MESSAGE_MAX bytes for TCP, SERVER_UDP_OUT_MAX for UDP */
    size_t out_len; /* set by server_handle; 0: no answer */
};

#define SERVER_UDP_OUT_MAX 4096
#define SERVER_BATCH_MAX   64

typedef void (*server_wake_fn)(void *arg);

/* Takes conf. No zone is loaded yet: all answer SERVFAIL until server_start()'s loads are
 * collected. NULL: no threads or no SHA-1 to be had from the system (conf is freed). */
struct server *server_new(struct conf *conf, server_wake_fn wake, void *wake_arg);
/* Waits for the helpers, frees everything. NULL is fine. */
void server_free(struct server *s);

/* Hands all zones to the helpers. */
void server_start(struct server *s);
/* Takes in what helpers have finished (zones to publish), and goes on with a reload; false while
 * loads or a reload are still under way. */
bool server_collect(struct server *s);

/* Takes a new configuration, all of it or, with a sentence, nothing (conf is freed then): zones are
 * added, removed and loaded anew in helpers, a slice of them in each turn (server_collect() goes on
 * with it); the last good version of each stays until then. Listen addresses are not server/'s
 * business. */
enum err server_reload(struct server *s, struct conf *conf, struct diag *diag);

/* Answers `count` messages (at most SERVER_BATCH_MAX) that came in one turn. now_us: wall clock. */
void server_handle(struct server *s, struct exchange *x, unsigned count, int64_t now_us);

const struct conf *server_conf(const struct server *s);
struct counters *server_counters(struct server *s);
/* For systemd's STATUS and the log: "12 zones, 1 not loaded". */
const char *server_status(const struct server *s, char buf[128]);

#endif

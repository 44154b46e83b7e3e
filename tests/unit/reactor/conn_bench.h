/* SPDX-License-Identifier: Apache-2.0
 * For the tests of connections: one of them, between a server that is conn_bench.c's and a client
 * that is the test, between turns of the loop. */
#ifndef CONN_BENCH_H
#define CONN_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "reactor/listen.h"
#include "reactor/tcp.h"
#include "server/server_int.h"
#include "unit.h"

/* Far more than any of it takes. */
#define WAIT_US   20000000
#define FLOWS_MAX 4

/* A row of `count` messages of `len` bytes, each with its number behind a header. */
struct outflow {
    unsigned count, made;
    size_t len;
    unsigned later_at, broken_at; /* says so instead of that message, once */
    unsigned ended;
    bool is_sent;
    void *channel;
};

struct bench {
    struct ev_loop *ev;
    struct server *server;
    struct listen_set listens;
    struct turn_share share;
    struct tcp tcp;
    struct conn *conn;
    int client;
    struct outflow flow[FLOWS_MAX]; /* of the n-th message that asks for one */
    unsigned flow_count, betweens;
    unsigned next_calls;
};

struct got {
    size_t len;
    char kind;
    unsigned flow, number;
};

extern struct bench *bench; /* the server's functions have no other way to it */

void bench_start(void);
void bench_end(void);
/* Both ends of another connection. */
void connect_pair(int *ours, int *theirs, union address *from);
/* Of the client: messages that begin with 'T' ask for a row, others come back as they are; with 'K'
 * they say how long a connection may be idle. */
void ask(char kind);
/* Of the loop. */
void turns(unsigned count);
/* The next one that the client gets; false: the connection has ended. */
bool client_message(struct got *out);
void expect_ended(const struct outflow *f, bool is_sent);

#endif

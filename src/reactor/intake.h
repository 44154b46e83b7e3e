/* SPDX-License-Identifier: Apache-2.0
 * What comes in from outside: the listening sockets, and how much of it a turn takes.
 *
 * Datagrams and new connections each have a budget for all sockets together (ready.h), so that a
 * flood, on however many addresses, leaves room for connections, control and timers in each turn.
 */
#ifndef REEVE_REACTOR_INTAKE_H
#define REEVE_REACTOR_INTAKE_H

#include "reactor/listen.h"
#include "reactor/ready.h"
#include "reactor/tcp.h"
#include "reactor/udp.h"

struct intake {
    struct listen_set listens;
    struct udp *udp;
    struct tcp *tcp;
    struct counters *count;
    struct ready datagrams, connections;
    double drops_looked_s;
    bool is_between;
};

/* With sockets, but nothing is taken from them before intake_start(); all borrowed. */
void intake_init(struct intake *in);
void intake_start(struct intake *in, struct udp *udp, struct tcp *tcp, struct counters *count);

/* Between others' work: the datagrams that are there, as many as in a turn, and a few of the new
 * connections, which would else wait for thousands of busy ones. arg: a struct intake. Called from
 * within itself it does nothing. */
void intake_between(void *arg);
/* Takes what the kernel holds for a socket that is to be closed. */
void intake_empty(struct listener *l);
/* A turn is over. now_s: the loop's clock. */
void intake_turn(struct intake *in, double now_s);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The control socket's connections: lines from the operator's client to server/, and answers back.
 *
 * One step of one request in a turn of the loop, and only while its client takes what it is given:
 * an answer of any length costs queries no more than a step. Whoever may open the socket is
 * trusted with the server, but not with its memory: lines, connections and what is unsent have
 * limits. */
#ifndef REEVE_REACTOR_CONTROL_H
#define REEVE_REACTOR_CONTROL_H

#include <ev.h>

#include "base/list.h"
#include "conf/conf.h"
#include "reactor/control_socket.h"

struct server;

#define CONTROL_CONNS_MAX  32
/* Unsent bytes of an answer from which on its request is not stepped. */
#define CONTROL_UNSENT_MAX 65536
/* A connection on which nothing is under way is closed after this, and one that takes nothing of
 * its answer, or does not finish its line, after the second. */
#define CONTROL_IDLE_S     300.0
#define CONTROL_STALL_S    60.0
/* How long accepting rests when there are no descriptors, and no connection that could give way. */
#define CONTROL_PAUSE_S    0.1

struct control_set {
    struct ev_loop *ev;
    struct server *server;
    struct control_socket now, next; /* in force; opened for a configuration that is not yet */
    char *group;                     /* of `now`, as configured; NULL: none */
    bool has_next, is_regrouped;
    bool (*give_way)(void *arg); /* see control_start() */
    void *arg;
    ev_io accept;
    ev_timer resume;   /* accepting goes on */
    struct list conns; /* the one that moved last stands last */
    unsigned count;
};

void control_init(struct control_set *set, struct ev_loop *ev);
/* Opens the socket that conf wants, if it is another one than now. With a sentence, nothing is
 * changed. A socket that is only the default's may fail: then it is logged, and there is none. */
enum err control_open(struct control_set *set, const struct conf *conf, struct diag *diag);
/* Then one of these: */
void control_commit(struct control_set *set, const struct conf *conf);
void control_rollback(struct control_set *set);

/* From now on requests can be answered. server: borrowed. give_way: frees a descriptor that can be
 * spared, or says false. */
void control_start(struct control_set *set, struct server *server, bool (*give_way)(void *arg),
                   void *arg);
/* No new connections; those that there are go on. */
void control_stop_accepting(struct control_set *set);
/* Closes all connections: before the server is freed. */
void control_done(struct control_set *set);

#endif

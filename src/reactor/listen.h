/* SPDX-License-Identifier: Apache-2.0
 * The sockets that we listen on, and how they follow the configuration.
 *
 * A change is made in three steps, so that it can fail without harm: listen_open() opens what is
 * missing beside what is there, then either listen_commit() makes it so, or listen_rollback()
 * closes what was opened. Sockets whose address stays are never touched: no query is lost on them.
 */
#ifndef REEVE_REACTOR_LISTEN_H
#define REEVE_REACTOR_LISTEN_H

#include <ev.h>
#include <stdbool.h>

#include "base/list.h"
#include "conf/conf.h"
#include "reactor/udp.h"
#include "request/request.h"

struct listener {
    ev_io io;
    struct list link;
    enum transport transport;
    union address address;
    enum udp_source source;
    bool is_passed;   /* opened by the service manager: stays whatever the configuration says */
    bool is_wanted;   /* by the configuration that is being opened, or is in force */
    bool is_new;      /* opened for a configuration that is not in force yet */
    bool is_closed;   /* only kept for the answers that still come: listen_release() */
    uint32_t waiting; /* messages whose answers come later, see server_hooks */
    struct list turn; /* in the queue of those that have something, ready.h */
    uint32_t drops;   /* datagrams, as the kernel has counted so far, drops.h */
    uint64_t drops_unsaid; /* of them, those that are not in the log yet */
    int64_t drops_said_us; /* 0: never */
};

typedef void (*listen_event_fn)(struct ev_loop *ev, ev_io *w, int revents);

struct listen_set {
    struct list all;
    listen_event_fn on_event[2]; /* by enum transport */
    void *data;                  /* the watchers' data */
};

void listen_init(struct listen_set *set, listen_event_fn on_udp, listen_event_fn on_tcp,
                 void *data);
/* Stops and closes all. */
void listen_done(struct listen_set *set, struct ev_loop *ev);

/* Takes the descriptor of an open socket from the service manager. ERR_INVALID: it is no bound UDP
 * or TCP socket, or one for both families. */
enum err listen_adopt(struct listen_set *set, int fd, const struct conf *conf, struct diag *diag);
/* Opens what conf wants and is not open yet; all or, with a sentence, nothing. diag cannot be NULL.
 */
enum err listen_open(struct listen_set *set, const struct conf *conf, struct diag *diag);
/* The new configuration is in force: its options are set on the sockets that stay; those that it
 * does not want are given to `last`, to take what still waits in them, and closed. */
void listen_commit(struct listen_set *set, const struct conf *conf, struct ev_loop *ev,
                   void (*last)(struct listener *l));
void listen_rollback(struct listen_set *set);

/* Starts (stops) the watchers of one transport's sockets. */
void listen_start(struct listen_set *set, struct ev_loop *ev, enum transport transport);
void listen_stop(struct listen_set *set, struct ev_loop *ev, enum transport transport);

/* A message of this socket is answered later: the listener stays, closed or not, until it is let go
 * of. */
static inline void listen_hold(struct listener *l)
{
    l->waiting++;
}
void listen_release(struct listener *l);

static inline struct listener *listen_of(struct list *link)
{
    return list_entry(link, struct listener, link);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Listening sockets that have something, and what they may take of a turn.
 *
 * Each socket has a buffer of its own in the kernel, and there may be hundreds of them (an operator
 * lists addresses). A budget for each would add up, so there is one for all of them: the sockets
 * stand in a queue, a piece is taken from the first one, and what it has left waits behind the
 * others. When the budget is spent the queue stays as it is, for the next turn: who was passed over
 * is first then. */
#ifndef REEVE_REACTOR_READY_H
#define REEVE_REACTOR_READY_H

#include <stdbool.h>

#include "reactor/listen.h"

/* Takes a piece from the socket's buffer, and counts what it took off *budget, not below 0. False:
 * there was no more. */
typedef bool (*ready_take_fn)(void *arg, struct listener *l, unsigned *budget);

struct ready {
    struct list queue;      /* of listener.turn */
    unsigned budget, spare; /* of a whole turn; what is left of this one */
    ready_take_fn take;
    void *arg;
};

void ready_init(struct ready *r, unsigned budget, ready_take_fn take, void *arg);
/* The loop says that there is something. */
void ready_serve(struct ready *r, struct listener *l);
/* Looks at all sockets of the transport that the loop watches, with a budget of its own: between
 * others' work. */
void ready_look(struct ready *r, struct listen_set *set, enum transport transport, unsigned budget);
/* A turn is over. */
static inline void ready_renew(struct ready *r)
{
    r->spare = r->budget;
}

#endif

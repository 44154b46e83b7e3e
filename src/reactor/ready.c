/* SPDX-License-Identifier: Apache-2.0
 * The queue of listening sockets that have something.
 *
 * A socket that is in the queue in vain, because it was emptied meanwhile, costs one system call.
 * One that is left in it needs nothing to be remembered: epoll reports it again. */
#include "reactor/ready.h"

#include "base/check.h"

void ready_init(struct ready *r, unsigned budget, ready_take_fn take, void *arg)
{
    ASSERT(budget > 0);
    *r = (struct ready){.budget = budget, .spare = budget, .take = take, .arg = arg};
    list_init(&r->queue);
}

static void enter(struct ready *r, struct listener *l)
{
    if (list_is_empty(&l->turn))
        list_add_last(&r->queue, &l->turn);
}

static void run(struct ready *r)
{
    while (r->spare && !list_is_empty(&r->queue)) {
        struct listener *l = list_entry(r->queue.next, struct listener, turn);
        list_remove(&l->turn);
        if (r->take(r->arg, l, &r->spare))
            enter(r, l);
    }
}

void ready_serve(struct ready *r, struct listener *l)
{
    enter(r, l);
    run(r);
}

void ready_look(struct ready *r, struct listen_set *set, enum transport transport, unsigned budget)
{
    unsigned spare = r->spare;
    LIST_EACH(link, &set->all) {
        if (listen_of(link)->transport == transport && ev_is_active(&listen_of(link)->io))
            enter(r, listen_of(link));
    }
    r->spare = budget;
    run(r);
    r->spare = spare;
}

/* SPDX-License-Identifier: Apache-2.0
 * Waiting for secondaries.
 *
 * A waiter stands in its zone's list until it is known how it ends; then its timer is set to now,
 * so that those who wait are told by server_time(), some of them in each turn, and never from
 * within what told us. One that waits for more secondaries than there are, since some are
 * configured no more, waits for those that are left; where none is left, in vain. */
#include "base/check.h"
#include "server/peers.h"

static struct waiter *waiter_of(struct list *link)
{
    return list_entry(link, struct waiter, link);
}

/* Its time is over, or what it waits for is so. */
static void on_time(void *arg, struct timer *timer)
{
    struct waiter *w = container_of(timer, struct waiter, timer);
    list_remove(&w->link);
    w->done(arg, w, w->has);
}

static unsigned count_of(const struct server_zone *z)
{
    return z->peers ? z->peers->count : 0;
}

static bool is_reached(const struct server_zone *z, const struct waiter *w)
{
    unsigned all = count_of(z), wanted = w->count < all ? w->count : all;
    return all > 0 && peers_having(z, w->serial) >= wanted;
}

bool waiter_start(struct server *s, struct server_zone *z, struct waiter *w, int64_t until_us)
{
    if (s->is_ending || is_reached(z, w))
        return true;
    w->zone = z;
    w->has = false;
    w->timer = (struct timer){.fire = on_time};
    list_add_last(&z->waiters, &w->link);
    timer_set(&s->timers, &w->timer, until_us);
    peers_look(s, z);
    return false;
}

void waiter_cancel(struct server *s, struct waiter *w)
{
    list_remove(&w->link);
    timer_stop(&s->timers, &w->timer);
}

static void end(struct server *s, struct waiter *w, bool has)
{
    list_remove(&w->link);
    list_add_last(&s->waiters_over, &w->link);
    w->has = has;
    w->zone = NULL;
    timer_set(&s->timers, &w->timer, s->now_us);
}

void waiters_check(struct server *s, struct server_zone *z)
{
    LIST_EACH(link, &z->waiters) {
        struct waiter *w = waiter_of(link);
        bool has = is_reached(z, w);
        if (has || count_of(z) == 0)
            end(s, w, has);
    }
}

void waiters_forget(struct server *s, struct server_zone *z)
{
    LIST_EACH(link, &z->waiters) {
        end(s, waiter_of(link), false);
    }
}

void waiters_end(struct server *s)
{
    s->is_ending = true;
    STORE_EACH(e, &s->store)
        waiters_forget(s, zone_owner(e));
    LIST_EACH(link, &s->waiters_over) {
        struct waiter *w = waiter_of(link);
        waiter_cancel(s, w);
        w->done(s, w, w->has);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * The queue of what we ask others.
 *
 * Calls of one class to one address stand in a lane, first come, first served. Lanes that have
 * something to start and are below their own limit stand in a ring, and whenever the class has room
 * the first of them starts one call and goes to the end. */
#include "server/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "request/address.h"
#include "server/server_int.h"

#define LOGS_PER_SECOND 1

static void on_timer(void *arg, struct timer *t);

void calls_init(struct calls *all)
{
    *all = (struct calls){.max = {CALLS_UDP_MAX, 1, CALLS_URGENT_MAX},
                          .per_host_max = {CALLS_UDP_PER_HOST_MAX, 1, CALLS_URGENT_PER_HOST_MAX}};
    for (unsigned i = 0; i < CALLS_BUCKETS; i++)
        list_init(&all->lanes[i]);
    for (unsigned i = 0; i < CALLS_CLASS_COUNT; i++)
        list_init(&all->ready[i]);
    list_init(&all->given_up);
    all->timer.fire = on_timer;
}

/* --- lanes --- */

static struct list *bucket_of(struct calls *all, const union address *to)
{
    static const struct hash_key key = {0};
    uint8_t bytes[sizeof(to->v6.sin6_addr) + sizeof(in_port_t)] = {0};
    in_port_t port = address_port(to);
    if (to->any.sa_family == AF_INET)
        memcpy(bytes, &to->v4.sin_addr, sizeof(to->v4.sin_addr));
    else
        memcpy(bytes, &to->v6.sin6_addr, sizeof(to->v6.sin6_addr));
    memcpy(bytes + sizeof(to->v6.sin6_addr), &port, sizeof(port));
    return &all->lanes[hash_bytes(&key, bytes, sizeof(bytes)) % CALLS_BUCKETS];
}

static enum call_class class_of(const struct call *c)
{
    if (c->is_urgent)
        return CALLS_URGENT;
    return c->to.transport == TRANSPORT_UDP ? CALLS_UDP : CALLS_TCP;
}

/* Finds the lane that c belongs to, or makes it. */
static struct call_lane *lane_for(struct calls *all, const struct call *c)
{
    enum call_class class = class_of(c);
    struct list *bucket = bucket_of(all, &c->to.address);
    LIST_EACH(link, bucket) {
        struct call_lane *lane = list_entry(link, struct call_lane, link);
        if (lane->class == class && address_is_same(&lane->to, &c->to.address))
            return lane;
    }
    struct call_lane *lane = mem_alloc_zero(sizeof(*lane));
    lane->class = class;
    lane->to = c->to.address;
    list_init(&lane->turn);
    list_init(&lane->queue);
    list_add_last(bucket, &lane->link);
    return lane;
}

/* The lane stands in the ring if one of it may start. */
static void lane_ring(struct calls *all, struct call_lane *lane)
{
    bool may_start =
        !list_is_empty(&lane->queue) && lane->under_way < all->per_host_max[lane->class];
    if (may_start && list_is_empty(&lane->turn))
        list_add_last(&all->ready[lane->class], &lane->turn);
    if (!may_start)
        list_remove(&lane->turn);
}

/* Something of the lane has changed: it may be gone. */
static void lane_settle(struct calls *all, struct call_lane *lane)
{
    lane_ring(all, lane);
    if (!list_is_empty(&lane->queue) || lane->under_way)
        return;
    list_remove(&lane->link);
    free(lane);
}

static void start_next(struct server *s, struct call_lane *lane)
{
    struct calls *all = &s->calls;
    struct call *c = list_entry(lane->queue.next, struct call, link);
    list_remove(&c->link);
    list_remove(&lane->turn); /* to the end of the ring */
    lane->under_way++;
    all->under_way[lane->class]++;
    lane_ring(all, lane);
    c->state = CALL_UNDER_WAY;
    c->started_us = s->now_us;
    if (c->tsig)
        tsig_sign(c->tsig, c->bytes, &c->len, s->now_us);
    s->hooks.dial(s->hooks.arg, c);
}

/* Starts what there is room for. */
static void go_on(struct server *s, enum call_class class)
{
    struct calls *all = &s->calls;
    while (all->under_way[class] < all->max[class] && !list_is_empty(&all->ready[class]))
        start_next(s, list_entry(all->ready[class].next, struct call_lane, turn));
}

void calls_configure(struct server *s, unsigned tcp_max, unsigned tcp_per_host_max)
{
    struct calls *all = &s->calls;
    all->max[CALLS_TCP] = tcp_max;
    all->per_host_max[CALLS_TCP] = tcp_per_host_max;
    for (unsigned i = 0; i < CALLS_BUCKETS; i++) {
        LIST_EACH(link, &all->lanes[i]) {
            lane_ring(all, list_entry(link, struct call_lane, link));
        }
    }
    go_on(s, CALLS_TCP);
}

void calls_stop(struct calls *all)
{
    memset(all->max, 0, sizeof(all->max));
}

/* --- one call --- */

void call_start(struct server *s, struct call *c, const uint8_t *bytes, size_t len)
{
    ASSERT(c->state == CALL_OVER && c->kind && c->wait_us > 0 && len);
    c->bytes = mem_alloc(len + (c->tsig ? tsig_room(c->tsig) : 0));
    memcpy(c->bytes, bytes, len);
    c->len = len;
    c->is_paused = c->is_sent = c->is_unreached = false;
    c->channel = NULL;
    c->state = CALL_QUEUED;
    c->lane = lane_for(&s->calls, c);
    enum call_class class = c->lane->class;
    list_add_last(&c->lane->queue, &c->link);
    lane_ring(&s->calls, c->lane);
    go_on(s, class);
}

/* It is out of the queue, and not counted any more. */
static void let_go(struct server *s, struct call *c)
{
    struct call_lane *lane = c->lane;
    if (c->state != CALL_UNDER_WAY) {
        list_remove(&c->link);
    } else {
        ASSERT(lane->under_way > 0 && s->calls.under_way[lane->class] > 0);
        lane->under_way--;
        s->calls.under_way[lane->class]--;
    }
    free(c->bytes);
    c->bytes = NULL;
    c->lane = NULL;
    c->state = CALL_OVER;
    if (lane)
        lane_settle(&s->calls, lane);
}

/* All that waits for the lane's address. */
static void give_up_queued(struct server *s, struct call_lane *lane)
{
    struct calls *all = &s->calls;
    while (!list_is_empty(&lane->queue)) {
        struct call *c = list_entry(lane->queue.next, struct call, link);
        list_remove(&c->link);
        list_add_last(&all->given_up, &c->link);
        s->count.calls_given_up++;
        c->lane = NULL;
        c->state = CALL_GIVEN_UP;
    }
    if (!list_is_empty(&all->given_up))
        timer_set(&s->timers, &all->timer, s->now_us);
}

static void on_timer(void *arg, struct timer *t)
{
    struct server *s = arg;
    struct calls *all = &s->calls;
    for (unsigned i = 0; i < CALLS_GIVE_UP_SLICE && !list_is_empty(&all->given_up); i++) {
        struct call *c = list_entry(all->given_up.next, struct call, link);
        let_go(s, c);
        c->kind->failed(s, c, "it was not reached for another zone, a moment ago");
    }
    if (!list_is_empty(&all->given_up))
        timer_set(&s->timers, t, s->now_us);
}

void call_end(struct server *s, struct call *c, bool may_reuse)
{
    if (c->state == CALL_OVER)
        return;
    if (c->state == CALL_GIVEN_UP) {
        let_go(s, c);
        return;
    }
    enum call_class class = c->lane->class;
    if (c->state == CALL_UNDER_WAY)
        s->hooks.hang_up(s->hooks.arg, c, may_reuse);
    let_go(s, c);
    go_on(s, class);
}

bool call_is_in_the_way(const struct server *s, const struct call *c)
{
    const struct calls *all = &s->calls;
    if (c->state != CALL_UNDER_WAY)
        return false;
    enum call_class class = c->lane->class;
    return !list_is_empty(&c->lane->queue) ||
           (all->under_way[class] >= all->max[class] && !list_is_empty(&all->ready[class]));
}

void call_pause(struct server *s, struct call *c, bool is_paused)
{
    if (c->state == CALL_OVER || c->is_paused == is_paused)
        return;
    c->is_paused = is_paused;
    if (c->state == CALL_UNDER_WAY)
        s->hooks.dial_pause(s->hooks.arg, c);
}

static void strange_log(struct server *s, const struct call *c)
{
    uint64_t suppressed;
    struct address_text from;
    if (log_rate_is_open(&s->strange_rate, LOGS_PER_SECOND, s->now_us, &suppressed))
        log_info("answer ignored, it is none to what was asked",
                 {"from", address_show(&c->to.address, &from)},
                 {"transport", c->to.transport == TRANSPORT_UDP ? "udp" : "tcp"},
                 {"suppressed", LOG_SUPPRESSED(suppressed)});
}

void server_call_message(struct server *s, struct call *c, const uint8_t *bytes, size_t len)
{
    ASSERT(c->state == CALL_UNDER_WAY);
    c->lane->silent = 0;
    if (c->kind->message(s, c, bytes, len) == CALL_HEARD)
        return; /* c may be gone */
    ASSERT(c->state == CALL_UNDER_WAY);
    s->count.replies_ignored++;
    strange_log(s, c);
}

/* The call may be started anew, or freed, in failed(). */
void server_call_failed(struct server *s, struct call *c, const char *reason)
{
    ASSERT(c->state == CALL_UNDER_WAY);
    enum call_class class = c->lane->class;
    c->lane->silent++;
    if ((c->is_unreached && class == CALLS_TCP) ||
        (c->lane->silent >= CALLS_SILENT_MAX && class == CALLS_UDP))
        give_up_queued(s, c->lane);
    let_go(s, c);
    c->kind->failed(s, c, reason);
    go_on(s, class);
}

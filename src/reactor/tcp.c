/* SPDX-License-Identifier: Apache-2.0
 * TCP: accepting, limits, deadlines. */
#include "reactor/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "dns/codes.h"
#include "request/address.h"
#include "reactor/listen.h"

/* An answer with its prefix, and a few cache lines more, so that the first lines of all slots do
 * not share a cache set. */
#define OUT_SLOT_LEN (65536 + 192)
_Static_assert(OUT_SLOT_LEN >= STREAM_PREFIX_LEN + DNS_MESSAGE_MAX, "an answer fits its slot");
_Static_assert(TURN_TCP_BATCH <= SERVER_BATCH_MAX, "a batch goes to server_handle() in one call");

/* Deadlines are met this late at most; closing a few together costs less than a wake-up for each.
 */
#define TIMER_SLACK_US  50000
/* How long accepting rests when the system has no descriptors or memory and no connection could
 * give way. */
#define ACCEPT_PAUSE_S  0.1
/* Of each kind. */
#define LOGS_PER_SECOND 1
/* A deadline beyond all others that can still be added to a time. */
#define NEVER_US        (INT64_C(1) << 60)

/* --- deadlines --- */

static struct conn *head_of(const struct tcp *t, enum conn_wait wait)
{
    const struct list *head = &t->waiting[wait];
    return list_is_empty(head) ? NULL : list_entry(head->next, struct conn, link);
}

static void timer_arm(struct tcp *t, int64_t at_us, int64_t now_us)
{
    if (at_us >= t->timer_at_us)
        return;
    t->timer_at_us = at_us;
    int64_t in_us = at_us - now_us + TIMER_SLACK_US;
    ev_timer_stop(t->ev, &t->timer);
    /* libev counts from the start of this turn, which is a little earlier than now: at worst one
     * wake-up in vain */
    ev_timer_set(&t->timer, in_us > 0 ? (double)in_us / 1e6 : 0.0, 0.0);
    ev_timer_start(t->ev, &t->timer);
}

void tcp_wait(struct tcp *t, struct conn *c, enum conn_wait wait)
{
    c->wait = wait;
    c->since_us = clock_mono_us();
    list_remove(&c->link);
    list_add_last(&t->waiting[wait], &c->link);
    timer_arm(t, c->since_us + t->limits.wait_us[wait], c->since_us);
}

/* Closes what is due, at most `budget` connections. */
static void expire(struct tcp *t, enum conn_wait wait, int64_t now_us, unsigned *budget)
{
    struct conn *c;
    while (*budget && (c = head_of(t, wait)) && c->since_us + t->limits.wait_us[wait] <= now_us) {
        if (conn_is_idle(wait) || wait == CONN_FIRST)
            t->count->tcp_idle_closed++;
        else
            t->count->tcp_slow_closed++;
        conn_close(c);
        --*budget;
    }
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("tcp deadlines");
    struct tcp *t = container_of(w, struct tcp, timer);
    int64_t now_us = clock_mono_us();
    unsigned budget = TURN_CLOSES;
    t->timer_at_us = INT64_MAX;
    for (unsigned wait = 0; wait < CONN_WAIT_COUNT; wait++)
        expire(t, (enum conn_wait)wait, now_us, &budget);
    for (unsigned wait = 0; wait < CONN_WAIT_COUNT; wait++) {
        struct conn *c = head_of(t, (enum conn_wait)wait);
        if (c)
            timer_arm(t, c->since_us + t->limits.wait_us[wait], now_us);
    }
}

/* --- who gives way --- */

/* The one that has waited longest of all that wait for something from `first` to `last`. */
static struct conn *longest(const struct tcp *t, enum conn_wait first, enum conn_wait last)
{
    struct conn *best = NULL;
    for (unsigned wait = first; wait <= last; wait++) {
        struct conn *c = head_of(t, (enum conn_wait)wait);
        if (c && (!best || c->since_us < best->since_us))
            best = c;
    }
    return best;
}

/* The connection that has had nothing under way for longest; if all are busy, the one that has
 * stood still longest. */
static struct conn *victim(const struct tcp *t)
{
    struct conn *c = longest(t, CONN_FIRST, CONN_IDLE_TIGHT);
    if (!c)
        c = longest(t, CONN_RECEIVING, CONN_SENDING);
    return c ? c : head_of(t, CONN_ANSWERING);
}

bool tcp_give_way(struct tcp *t)
{
    struct conn *c = victim(t);
    if (!c)
        return false;
    t->count->tcp_limit_total++;
    conn_close(c);
    return true;
}

void tcp_hold(struct tcp *t, struct conn *c)
{
    size_t held = stream_held(&c->stream);
    t->held = t->held - c->held + held;
    c->held = held;
}

void tcp_relieve(struct tcp *t)
{
    while (UNLIKELY(t->held > TCP_HELD_MAX)) {
        struct conn *c = head_of(t, CONN_SENDING);
        if (!c)
            c = head_of(t, CONN_RECEIVING);
        if (!c)
            c = head_of(t, CONN_ANSWERING); /* with messages that it is too soon to take */
        ASSERT(c);                          /* the others hold nothing */
        t->count->tcp_slow_closed++;
        conn_close(c);
    }
}

/* --- how long a connection may be idle --- */

static enum tcp_load load_of(const struct tcp *t)
{
    uint64_t conns = t->conns, count = t->limits.count;
    if (conns >= count)
        return TCP_FULL;
    if (4 * conns > 3 * count)
        return TCP_TIGHT;
    return 2 * conns > count ? TCP_BUSY : TCP_CALM;
}

/* For the answers from now on. */
static void load_tell(struct tcp *t)
{
    static const enum conn_wait waits[] = {CONN_IDLE, CONN_IDLE_BUSY, CONN_IDLE_TIGHT};
    int64_t idle_us = t->load == TCP_FULL ? 0 : t->limits.wait_us[waits[t->load]];
    server_keepalive_set(t->server, idle_us);
}

static void load_look(struct tcp *t)
{
    enum tcp_load load = load_of(t);
    if (LIKELY(load == t->load))
        return;
    t->load = load;
    load_tell(t);
}

/* --- connections come and go --- */

void tcp_add(struct tcp *t, struct conn *c)
{
    t->conns++;
    load_look(t);
    list_add_last(&t->waiting[c->wait], &c->link);
    timer_arm(t, c->since_us + t->limits.wait_us[c->wait], c->since_us);
}

void tcp_remove(struct tcp *t, struct conn *c)
{
    ASSERT(t->conns > 0 && t->held >= c->held);
    t->conns--;
    load_look(t);
    t->held -= c->held;
    list_remove(&c->link);
    limit_give(&t->clients, &c->peer.address);
    if (!t->conns) {
        ev_timer_stop(t->ev, &t->timer);
        t->timer_at_us = INT64_MAX;
    }
}

static void on_resume(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)revents;
    struct tcp *t = container_of(w, struct tcp, resume);
    listen_start(t->listens, ev, TRANSPORT_TCP);
}

static void starved_log(struct tcp *t, int error)
{
    uint64_t suppressed;
    if (log_rate_is_open(&t->starved_rate, LOGS_PER_SECOND, clock_wall_us(), &suppressed))
        log_warn("tcp connection waits for another one to end", {"reason", strerror(error)},
                 {"connections", LOG_U64(t->conns)}, {"suppressed", LOG_SUPPRESSED(suppressed)});
}

static void refused_log(struct tcp *t, const union address *peer)
{
    uint64_t suppressed;
    struct address_text text;
    if (log_rate_is_open(&t->refused_rate, LOGS_PER_SECOND, clock_wall_us(), &suppressed))
        log_info("tcp connection refused, its address has enough",
                 {"from", address_show(peer, &text)}, {"rule", "tcp-connections-per-address"},
                 {"limit", LOG_U64(t->limits.count_per_client)},
                 {"suppressed", LOG_SUPPRESSED(suppressed)});
}

static void full_log(struct tcp *t, const union address *peer)
{
    uint64_t suppressed;
    struct address_text text;
    if (log_rate_is_open(&t->full_rate, LOGS_PER_SECOND, clock_wall_us(), &suppressed))
        log_notice("all tcp connections are taken, the idlest gives way to a new one",
                   {"from", address_show(peer, &text)}, {"rule", "tcp-connections"},
                   {"limit", LOG_U64(t->limits.count)}, {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* accept4() failed. True: try the next one at once. */
static bool accept_failed(struct tcp *t, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        /* The waiting connection would wake us again and again. */
        t->count->tcp_no_descriptor++;
        starved_log(t, error);
        if (tcp_give_way(t))
            return true;
        listen_stop(t->listens, t->ev, TRANSPORT_TCP);
        ev_timer_stop(t->ev, &t->resume);
        ev_timer_set(&t->resume, ACCEPT_PAUSE_S, 0.0);
        ev_timer_start(t->ev, &t->resume);
        return false;
    default: /* EINTR, ECONNABORTED, and what the network did to this one connection, accept(2) */
        return true;
    }
}

static void admit(struct tcp *t, int fd, const union address *peer)
{
    if (!limit_take(&t->clients, peer, t->limits.count_per_client)) {
        t->count->tcp_limit_address++;
        refused_log(t, peer);
        close(fd);
        return;
    }
    if (t->conns >= t->limits.count) {
        full_log(t, peer);
        (void)tcp_give_way(t);
    }
    t->count->tcp_accepted++;
    /* The first query is often there already. */
    conn_run(conn_new(t, fd, peer), EV_READ);
}

bool tcp_accept(struct tcp *t, int fd, unsigned *budget)
{
    ASSERT(*budget > 0);
    for (unsigned i = 0; i < TURN_ACCEPT_ROW && *budget; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        union address peer;
        int conn = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        --*budget;
        if (conn < 0) {
            if (!accept_failed(t, errno))
                return false;
        } else if (address_read(&from, &peer)) {
            admit(t, conn, &peer);
            turn_worked(t->share, 1);
        } else {
            close(conn);
        }
    }
    return true;
}

void tcp_drain(struct tcp *t)
{
    struct list todo;
    t->is_draining = true;
    list_init(&todo);
    for (unsigned wait = 0; wait < CONN_WAIT_COUNT; wait++) {
        LIST_EACH(link, &t->waiting[wait]) {
            list_remove(link);
            list_add_last(&todo, link);
        }
    }
    while (!list_is_empty(&todo)) {
        struct conn *c = list_entry(todo.next, struct conn, link);
        tcp_wait(t, c, c->wait);
        conn_drain(c);
    }
}

/* --- set-up --- */

void tcp_configure(struct tcp *t, const struct conf *conf, uint32_t connections_max)
{
    uint32_t count =
        conf->tcp_connections < connections_max ? conf->tcp_connections : connections_max;
    t->limits = (struct tcp_limits){
        .count = count,
        .count_per_client = conf->tcp_connections_per_address,
        .wait_us = {[CONN_FIRST] = (int64_t)conf->tcp_first_byte_ms * 1000,
                    [CONN_IDLE] = (int64_t)conf->tcp_idle_ms * 1000,
                    [CONN_IDLE_BUSY] = (int64_t)conf->tcp_idle_ms * 500,
                    [CONN_IDLE_TIGHT] = (int64_t)conf->tcp_idle_ms * 250,
                    [CONN_RECEIVING] = (int64_t)conf->tcp_message_ms * 1000,
                    [CONN_SENDING] = (int64_t)conf->tcp_message_ms * 1000,
                    [CONN_ANSWERING] = NEVER_US},
        .pipeline = conf->tcp_pipeline,
        .unsent = (size_t)conf->tcp_unsent,
    };
    ASSERT(t->limits.count > 0 && t->limits.count_per_client > 0 && t->limits.pipeline > 0);
    t->load = load_of(t);
    load_tell(t);
    /* Shorter times than before may be over already. */
    ev_timer_stop(t->ev, &t->timer);
    t->timer_at_us = INT64_MAX;
    if (t->conns)
        timer_arm(t, 0, 0);
}

void tcp_init(struct tcp *t, struct ev_loop *ev, struct server *server, struct listen_set *listens,
              struct turn_share *share)
{
    *t = (struct tcp){.ev = ev,
                      .server = server,
                      .count = server_counters(server),
                      .listens = listens,
                      .share = share};
    struct hash_key key;
    random_bytes(&key, sizeof(key));
    limit_init(&t->clients, key);
    for (unsigned wait = 0; wait < CONN_WAIT_COUNT; wait++)
        list_init(&t->waiting[wait]);
    t->timer_at_us = INT64_MAX;
    ev_timer_init(&t->timer, on_timer, 0.0, 0.0);
    ev_set_priority(&t->timer, TURN_TIMER);
    ev_timer_init(&t->resume, on_resume, 0.0, 0.0);
    t->out = mem_alloc((size_t)TURN_TCP_BATCH * OUT_SLOT_LEN);
    for (unsigned i = 0; i < TURN_TCP_BATCH; i++)
        t->x[i].out = t->out + (size_t)i * OUT_SLOT_LEN + STREAM_PREFIX_LEN;
}

void tcp_done(struct tcp *t)
{
    struct conn *c;
    while ((c = victim(t)))
        conn_close(c);
    ev_timer_stop(t->ev, &t->timer);
    ev_timer_stop(t->ev, &t->resume);
    limit_done(&t->clients);
    free(t->out);
}

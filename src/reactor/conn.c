/* SPDX-License-Identifier: Apache-2.0
 * One TCP connection.
 *
 * The usual course: one read brings one or a few queries into `small`, server_handle() writes the
 * answers into the buffer that all connections share, one sendmsg takes them from there, and the
 * connection is idle again without having allocated anything. When the peer does not take all, the
 * rest is copied into the stream's queue and EV_WRITE is awaited; while that queue is long nothing
 * more is read, so the peer's own sending comes to a halt. One read per turn and at most
 * STREAM_SMALL_LEN bytes of small messages is what keeps one connection from taking the turn of
 * others. */
#include "reactor/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/wire.h"
#include "dns/codes.h"
#include "reactor/tcp.h"

/* Reads of one connection in one turn when the server stops. */
#define CONN_DRAIN_READS 64

/* One answer of many messages. */
struct conn_flow {
    struct list link; /* in conn.flows, the next to make a message first */
    struct outflow *flow;
    enum flow_state {
        FLOW_READY, /* it has a message, as far as is known */
        FLOW_LATER, /* conn_outflow_ready() says when */
        FLOW_MADE   /* its last message is queued, or sent */
    } state;
};

static struct conn_flow *flow_of(struct list *link)
{
    return list_entry(link, struct conn_flow, link);
}

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    TURN_WATCH("tcp connection");
    struct conn *c = container_of(w, struct conn, io);
    struct tcp *t = c->tcp;
    conn_run(c, revents);
    turn_worked(t->share, 1);
}

struct conn *conn_new(struct tcp *t, int fd, const union address *peer)
{
    struct conn *c = mem_alloc(sizeof(*c));
    memset(c, 0, offsetof(struct conn, stream));
    stream_init(&c->stream);
    c->tcp = t;
    c->peer = (struct peer){.address = *peer, .transport = TRANSPORT_TCP};
    ev_io_init(&c->io, on_io, fd, 0);
    ev_set_priority(&c->io, TURN_CONN);
    c->since_us = clock_mono_us();
    c->wait = CONN_FIRST;
    c->told = TCP_UNTOLD;
    list_init(&c->flows);
    tcp_add(t, c);
    return c;
}

static void flow_end(struct conn *c, struct conn_flow *f, bool is_sent)
{
    ASSERT(c->flow_count > 0);
    c->flow_count--;
    c->flow_ready -= f->state == FLOW_READY;
    server_outflow_end(c->tcp->server, f->flow, is_sent);
    list_remove(&f->link);
    free(f);
}

void conn_close(struct conn *c)
{
    struct tcp *t = c->tcp;
    LIST_EACH(link, &c->flows) {
        flow_end(c, flow_of(link), false);
    }
    ev_io_stop(t->ev, &c->io);
    close(c->io.fd);
    tcp_remove(t, c);
    stream_done(&c->stream);
    c->is_closed = true;
    if (!c->waiting)
        free(c);
}

/* recv() or send() has failed. */
static enum next io_failed(struct conn *c, int error)
{
    if (error == EAGAIN || error == EINTR)
        return KEEP;
    /* the kernel has lost patience before our timer did (socket.h: stall_ms) */
    c->tcp->count->tcp_slow_closed += error == ETIMEDOUT;
    return CLOSE;
}

/* *got: bytes that came. */
static enum next conn_read(struct conn *c, size_t *got)
{
    *got = 0;
    if (c->is_ended || c->is_paused)
        return KEEP;
    struct stream_room room = stream_room(&c->stream);
    ssize_t n = recv(c->io.fd, room.at, room.len, MSG_DONTWAIT);
    if (n < 0)
        return io_failed(c, errno);
    if (!n) {
        c->is_ended = true; /* what it has asked is still answered */
        return KEEP;
    }
    c->is_heard = true;
    stream_received(&c->stream, (size_t)n);
    *got = (size_t)n;
    return KEEP;
}

/* The peer has taken so much: counts it towards the next deadline. */
static void progress(struct conn *c, size_t n)
{
    c->sent_len += (uint32_t)n;
    if (c->sent_len >= CONN_PROGRESS_LEN) {
        c->sent_len = 0;
        c->has_sent = true;
    }
}

/* Bytes of the queue are gone. */
static void output_progress(struct conn *c, size_t n)
{
    stream_sent(&c->stream, n);
    progress(c, n);
    if (!stream_unsent(&c->stream))
        c->unsent_count = 0;
}

static enum next conn_write(struct conn *c)
{
    size_t len = stream_unsent(&c->stream);
    if (!len)
        return KEEP;
    ssize_t n = send(c->io.fd, stream_unsent_at(&c->stream), len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return io_failed(c, errno);
    output_progress(c, (size_t)n);
    return KEEP;
}

/* Queues what is left of the parts after the first `sent` bytes. */
static void answers_push(struct conn *c, const struct iovec *part, size_t count, size_t sent)
{
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < part[i].iov_len ? sent : part[i].iov_len;
        sent -= skip;
        if (skip == part[i].iov_len)
            continue;
        stream_push(&c->stream, (const uint8_t *)part[i].iov_base + skip, part[i].iov_len - skip);
        c->unsent_count++;
    }
}

/* Sends the answers of n exchanges from where they lie, and queues what the peer does not take. */
static enum next answers_send(struct conn *c, const struct exchange *x, unsigned n)
{
    struct iovec part[TURN_TCP_BATCH];
    size_t count = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!x[i].out_len)
            continue;
        ASSERT(x[i].out_len <= DNS_MESSAGE_MAX);
        uint8_t *start = x[i].out - STREAM_PREFIX_LEN;
        put_u16(start, (uint16_t)x[i].out_len);
        part[count++] = (struct iovec){start, STREAM_PREFIX_LEN + x[i].out_len};
    }
    if (!count)
        return KEEP;
    ssize_t sent = 0;
    if (!stream_unsent(&c->stream)) {
        struct msghdr h = {.msg_iov = part, .msg_iovlen = count};
        sent = sendmsg(c->io.fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && io_failed(c, errno) == CLOSE)
            return CLOSE;
    }
    if (sent > 0)
        progress(c, (size_t)sent);
    answers_push(c, part, count, sent > 0 ? (size_t)sent : 0);
    return KEEP;
}

static bool is_full(const struct conn *c)
{
    const struct tcp_limits *limits = &c->tcp->limits;
    return stream_unsent(&c->stream) >= limits->unsent ||
           c->unsent_count + c->waiting + c->flow_count >= limits->pipeline;
}

/* Takes up to max whole messages out of the stream into x. A message without room for a header is
 * the last one taken: who sends it does not speak DNS, or has lost count. */
static unsigned messages_take(struct conn *c, struct exchange *x, unsigned max)
{
    struct stream_message m;
    unsigned n = 0;
    while (n < max && stream_next(&c->stream, &m)) {
        x[n].peer = c->peer;
        x[n].in = m.bytes;
        x[n].in_len = m.len;
        x[n].channel = c;
        x[n++].out_len = 0;
        if (m.len < DNS_HEADER_LEN) {
            c->is_ended = true;
            stream_drop(&c->stream);
        }
    }
    return n;
}

/* --- answers of many messages --- */

static void flow_add(struct conn *c, struct outflow *flow)
{
    struct conn_flow *f = mem_alloc_zero(sizeof(*f));
    f->flow = flow;
    list_add_last(&c->flows, &f->link);
    c->flow_count++;
    c->flow_ready++;
}

static void flow_state_set(struct conn *c, struct conn_flow *f, enum flow_state state)
{
    c->flow_ready -= f->state == FLOW_READY;
    f->state = state;
    c->flow_ready += f->state == FLOW_READY;
}

/* The next message, of the first one that has one, to the peer or into the queue. *made: grows by
 * its length. */
static enum next flow_pull(struct conn *c, size_t *made)
{
    struct tcp *t = c->tcp;
    struct list *link = c->flows.next;
    while (flow_of(link)->state != FLOW_READY)
        link = link->next;
    struct conn_flow *f = flow_of(link);
    struct exchange *x = &t->x[0]; /* its room for an answer */
    enum outflow_next next =
        server_outflow_next(t->server, f->flow, clock_wall_us(), x->out, &x->out_len);
    if (next == OUTFLOW_BROKEN)
        return CLOSE;
    if (next == OUTFLOW_LATER) {
        flow_state_set(c, f, FLOW_LATER);
        return KEEP;
    }
    if (next == OUTFLOW_LAST)
        flow_state_set(c, f, FLOW_MADE);
    list_remove(&f->link); /* its neighbours' turn */
    list_add_last(&c->flows, &f->link);
    *made += x->out_len;
    t->share->units += (unsigned)(x->out_len / TURN_UNIT_LEN);
    if (answers_send(c, x, 1) == CLOSE)
        return CLOSE;
    if (next == OUTFLOW_LAST && !stream_unsent(&c->stream))
        flow_end(c, f, true);
    return KEEP;
}

/* Those whose last message was queued, if the queue is gone. */
static void flows_end(struct conn *c)
{
    if (stream_unsent(&c->stream))
        return;
    LIST_EACH(link, &c->flows) {
        if (flow_of(link)->state == FLOW_MADE)
            flow_end(c, flow_of(link), true);
    }
}

/* Makes messages while the peer takes them, a turn's worth. */
static enum next flows_run(struct conn *c)
{
    size_t made = 0;
    enum next next = KEEP;
    flows_end(c);
    while (next == KEEP && c->flow_ready && made < TURN_OUTFLOW_LEN && !stream_unsent(&c->stream))
        next = flow_pull(c, &made);
    return next;
}

/* Answers the whole messages that are here, as long as the peer takes the answers. */
static enum next conn_serve(struct conn *c)
{
    struct tcp *t = c->tcp;
    while (!is_full(c) && stream_has_message(&c->stream)) {
        uint32_t room = t->limits.pipeline - c->unsent_count - c->waiting - c->flow_count;
        unsigned n = messages_take(c, t->x, room < TURN_TCP_BATCH ? room : TURN_TCP_BATCH);
        uint64_t told = t->count->keepalives_told;
        server_handle(t->server, t->x, n, clock_wall_us());
        if (t->count->keepalives_told != told)
            c->told = t->load; /* RFC 7828 s3.2.2: what was told before is void */
        c->has_asked = true;
        t->share->units += n;
        for (unsigned i = 0; i < n; i++)
            if (t->x[i].outflow)
                flow_add(c, t->x[i].outflow);
        if (answers_send(c, t->x, n) == CLOSE)
            return CLOSE;
    }
    return KEEP;
}

/* Who was told a time has it, also when there is less to be had now. */
static enum conn_wait idle_wait(const struct conn *c)
{
    static const enum conn_wait waits[] = {[TCP_CALM] = CONN_IDLE,
                                           [TCP_BUSY] = CONN_IDLE_BUSY,
                                           [TCP_TIGHT] = CONN_IDLE_TIGHT,
                                           [TCP_FULL] = CONN_IDLE_TIGHT};
    if (!c->has_asked && conn_is_idle(c->wait))
        return c->wait; /* still the same */
    return waits[c->told == TCP_UNTOLD ? c->tcp->load : c->told];
}

static enum conn_wait wait_of(const struct conn *c)
{
    bool is_waiting = c->waiting || c->flow_count;
    if (stream_unsent(&c->stream) || c->flow_ready)
        return CONN_SENDING;
    if (is_waiting && c->is_paused)
        return CONN_ANSWERING; /* what is missing of a message may be there, unread */
    if (stream_is_partial(&c->stream))
        return CONN_RECEIVING;
    if (is_waiting)
        return CONN_ANSWERING;
    return c->is_heard ? idle_wait(c) : CONN_FIRST;
}

static void events_set(struct conn *c, int events)
{
    if (ev_is_active(&c->io) && events == (c->io.events & (EV_READ | EV_WRITE)))
        return;
    ev_io_stop(c->tcp->ev, &c->io);
    ev_io_modify(&c->io, events);
    ev_io_start(c->tcp->ev, &c->io);
}

/* The only place that decides what we wait for. CLOSE: for nothing any more. */
static enum next conn_rearm(struct conn *c)
{
    struct tcp *t = c->tcp;
    bool is_unsent = stream_unsent(&c->stream) > 0 || c->flow_ready;
    bool is_waiting = c->waiting || c->flow_count;
    if (c->is_ended && !is_unsent && !is_waiting)
        return CLOSE;
    bool was_paused = c->is_paused;
    c->is_paused = is_full(c);
    t->count->tcp_paused += c->is_paused && !was_paused;
    ASSERT(is_unsent || is_waiting || !c->is_paused);
    stream_trim(&c->stream);
    tcp_hold(t, c);
    events_set(c, (c->is_ended || c->is_paused ? 0 : EV_READ) | (is_unsent ? EV_WRITE : 0));
    enum conn_wait wait = wait_of(c);
    if (wait != c->wait)
        c->sent_len = 0;
    if (wait != c->wait || (wait == CONN_SENDING ? c->has_sent : c->has_asked))
        tcp_wait(t, c, wait);
    c->has_asked = c->has_sent = false;
    return KEEP;
}

static void conn_settle(struct conn *c, enum next next)
{
    struct tcp *t = c->tcp;
    if (next == KEEP)
        next = conn_rearm(c);
    if (next == CLOSE)
        conn_close(c);
    tcp_relieve(t);
}

/* Everything that was sent before we stop is answered: so it reads until there is nothing. */
void conn_drain(struct conn *c)
{
    enum next next = KEEP;
    size_t got = 1;
    for (unsigned i = 0; i < CONN_DRAIN_READS && next == KEEP && got; i++) {
        next = conn_read(c, &got);
        if (next == KEEP)
            next = conn_serve(c);
        c->is_paused = is_full(c);
    }
    if (!got && !c->is_paused)
        c->is_ended = true;
    conn_settle(c, next);
}

void conn_run(struct conn *c, int revents)
{
    enum next next = c->is_late ? CLOSE : KEEP;
    size_t got;
    if (next == KEEP && revents & EV_WRITE)
        next = conn_write(c);
    if (next == KEEP && revents & EV_READ)
        next = conn_read(c, &got);
    if (next == KEEP)
        next = conn_serve(c);
    if (next == KEEP && c->flow_count) {
        next = flows_run(c);
        if (next == KEEP)
            next = conn_serve(c); /* what has waited for room that is there now */
    }
    if (next == KEEP && c->tcp->is_draining) {
        c->is_paused = is_full(c);
        conn_drain(c);
    } else {
        conn_settle(c, next);
    }
}

void conn_hold(struct conn *c)
{
    c->waiting++;
}

void conn_answer(struct conn *c, const uint8_t *bytes, size_t len)
{
    uint8_t prefix[STREAM_PREFIX_LEN];
    ASSERT(c->waiting > 0);
    c->waiting--;
    if (c->is_closed) {
        if (!c->waiting)
            free(c);
        return;
    }
    if (len) {
        if (c->told > c->tcp->load)
            c->told = c->tcp->load; /* it may have told */
        put_u16(prefix, (uint16_t)len);
        stream_push(&c->stream, prefix, sizeof(prefix));
        stream_push(&c->stream, bytes, len);
        c->unsent_count++;
    }
    /* not from here: this may be within server_handle(), for this connection or another one */
    ev_feed_event(c->tcp->ev, &c->io, EV_WRITE);
}

void conn_outflow_ready(void *arg, void *channel, struct outflow *f)
{
    struct conn *c = channel;
    (void)arg;
    LIST_EACH(link, &c->flows) {
        if (flow_of(link)->flow == f && flow_of(link)->state == FLOW_LATER)
            flow_state_set(c, flow_of(link), FLOW_READY);
    }
    ev_feed_event(c->tcp->ev, &c->io, EV_WRITE);
}

void conn_outflow_late(void *arg, void *channel, struct outflow *f)
{
    struct conn *c = channel;
    (void)arg;
    (void)f;
    c->is_late = true;
    ev_feed_event(c->tcp->ev, &c->io, EV_WRITE);
}

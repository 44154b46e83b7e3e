/* SPDX-License-Identifier: Apache-2.0
 * The sockets of calls.
 *
 * A channel is one socket. It serves one call, and over TCP maybe others after it. The usual course
 * over TCP: CONNECTING, SENDING (mostly in one go), WAITING for messages until the call is over;
 * then IDLE and, with the next call, SENDING again. What cannot even be opened is FAILED until its
 * deadline, which is now: so the loop tells, and never a function that was called.
 *
 * A call's callback may end it, and start it or others anew, while its channel is still at work on
 * what it has read. So whoever has called one looks at d->current before going on: channel_close()
 * clears it. */
#include "reactor/dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/wire.h"
#include "request/address.h"
#include "reactor/socket.h"
#include "reactor/stream.h"

_Static_assert(DIAL_READ_LEN >= 65535, "a datagram is read whole");

enum channel_state { FAILED, CONNECTING, SENDING, WAITING, IDLE };

struct dial_channel {
    ev_io io;
    struct list link; /* in busy or idle */
    struct timer deadline;
    struct dial *dial;
    struct call *call; /* NULL: idle */
    enum channel_state state;
    enum transport transport;
    union address to, source;
    bool is_reused;   /* has served another call before */
    bool is_answered; /* something has come since this call began */
    size_t sent;      /* of prefix and question */
    uint8_t *part;    /* part_len bytes of a message; STREAM_MESSAGE_MAX long, or NULL */
    size_t part_len;
    const uint8_t *rest; /* read and not looked at: in dial.in, or what was kept in a pause */
    size_t rest_len;
    uint8_t *kept;
    struct diag failure; /* FAILED: why */
};

static struct dial_channel *channel_of(struct list *link)
{
    return list_entry(link, struct dial_channel, link);
}

/* --- deadlines --- */

static void timer_arm(struct dial *d, int64_t now_us)
{
    int64_t at_us = timers_next(&d->deadlines);
    if (at_us >= d->timer_at_us)
        return;
    d->timer_at_us = at_us;
    ev_timer_stop(d->ev, &d->timer);
    /* libev counts from the start of this turn: at worst one wake-up in vain */
    ev_timer_set(&d->timer, at_us > now_us ? (double)(at_us - now_us) / 1e6 : 0.0, 0.0);
    ev_timer_start(d->ev, &d->timer);
}

static void deadline_set(struct dial_channel *ch, int64_t in_us)
{
    int64_t now_us = clock_mono_us();
    timer_set(&ch->dial->deadlines, &ch->deadline, now_us + in_us);
    timer_arm(ch->dial, now_us);
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("call deadlines");
    struct dial *d = container_of(w, struct dial, timer);
    int64_t now_us = clock_mono_us();
    d->timer_at_us = INT64_MAX;
    (void)timers_run(&d->deadlines, now_us, TURN_CLOSES, d);
    timer_arm(d, now_us);
}

/* --- channels --- */

static void on_io(struct ev_loop *ev, ev_io *w, int revents);
static void on_deadline(void *arg, struct timer *t);

static struct dial_channel *channel_new(struct dial *d, const struct call *c)
{
    struct dial_channel *ch = mem_alloc_zero(sizeof(*ch));
    ch->dial = d;
    ch->transport = c->to.transport;
    ch->to = c->to.address;
    ch->source = c->source;
    ch->deadline.fire = on_deadline;
    ev_io_init(&ch->io, on_io, -1, 0);
    ev_set_priority(&ch->io, TURN_CONN);
    list_init(&ch->link);
    return ch;
}

static void channel_close(struct dial_channel *ch)
{
    struct dial *d = ch->dial;
    if (d->current == ch)
        d->current = NULL;
    d->idle_count -= ch->state == IDLE;
    ev_io_stop(d->ev, &ch->io);
    if (ch->io.fd >= 0)
        close(ch->io.fd);
    timer_stop(&d->deadlines, &ch->deadline);
    list_remove(&ch->link);
    free(ch->part);
    free(ch->kept);
    free(ch);
}

/* The only place that decides what is waited for. */
static void channel_rearm(struct dial_channel *ch)
{
    static const int wants[] = {[CONNECTING] = EV_WRITE,
                                [SENDING] = EV_READ | EV_WRITE,
                                [WAITING] = EV_READ,
                                [IDLE] = EV_READ};
    int events = wants[ch->state];
    if (ch->call && ch->call->is_paused)
        events &= ~EV_READ;
    if (events != (ev_is_active(&ch->io) ? ch->io.events & (EV_READ | EV_WRITE) : 0)) {
        ev_io_stop(ch->dial->ev, &ch->io);
        ev_io_modify(&ch->io, events);
        if (events)
            ev_io_start(ch->dial->ev, &ch->io);
    }
    if (events & EV_READ && ch->kept)
        ev_feed_event(ch->dial->ev, &ch->io, EV_READ);
}

static void fail(struct dial_channel *ch, const char *reason)
{
    struct dial *d = ch->dial;
    struct call *c = ch->call;
    c->channel = NULL;
    channel_close(ch);
    server_now(d->server, clock_wall_us());
    server_call_failed(d->server, c, reason);
}

static void call_begin(struct dial_channel *ch, struct call *c);

/* The connection is gone. One that was idle may have been gone before the question was sent. */
static void lost(struct dial_channel *ch, const char *reason)
{
    if (!ch->is_reused || ch->is_answered) {
        fail(ch, reason);
        return;
    }
    struct dial *d = ch->dial;
    struct call *c = ch->call;
    channel_close(ch);
    call_begin(channel_new(d, c), c);
}

static void on_deadline(void *arg, struct timer *t)
{
    (void)arg;
    struct dial_channel *ch = container_of(t, struct dial_channel, deadline);
    char reason[64];
    if (ch->state == IDLE) {
        channel_close(ch);
        return;
    }
    ch->call->is_unreached = ch->state == CONNECTING;
    snprintf(reason, sizeof(reason), "no %s in %.1f s",
             ch->state == CONNECTING ? "connection" : "answer", (double)ch->call->wait_us / 1e6);
    if (ch->state == FAILED) { /* the text is to outlive the channel */
        struct diag failure = ch->failure;
        fail(ch, failure.text);
    } else {
        fail(ch, reason);
    }
}

/* --- asking --- */

/* Sends what is left of the question; gives errno, or 0. */
static int question_send(struct dial_channel *ch)
{
    const struct call *c = ch->call;
    uint8_t prefix[STREAM_PREFIX_LEN];
    size_t prefix_len = ch->transport == TRANSPORT_TCP ? sizeof(prefix) : 0;
    size_t skip = ch->sent < prefix_len ? ch->sent : prefix_len, done = ch->sent - skip;
    put_u16(prefix, (uint16_t)c->len);
    struct iovec part[] = {{prefix + skip, prefix_len - skip}, {c->bytes + done, c->len - done}};
    struct msghdr h = {.msg_iov = part, .msg_iovlen = ARRAY_LEN(part)};
    ssize_t n = sendmsg(ch->io.fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : errno;
    ch->sent += (size_t)n;
    if (ch->sent == prefix_len + c->len) {
        ch->state = WAITING;
        ch->call->is_sent = true;
    }
    return 0;
}

/* Sends what goes at once. What does not, an error too, is for the loop. */
static void question_begin(struct dial_channel *ch)
{
    ch->state = SENDING;
    (void)question_send(ch);
}

/* Opens the channel's socket; with too few descriptors, in place of one that is idle. */
static enum err channel_open(struct dial_channel *ch)
{
    struct dial *d = ch->dial;
    struct socket_call call = {ch->transport, &ch->to, &ch->source};
    enum err e = socket_call(&call, &ch->io.fd, &ch->failure);
    if (e != ERR_LIMIT || list_is_empty(&d->idle))
        return e;
    channel_close(channel_of(d->idle.prev));
    return socket_call(&call, &ch->io.fd, &ch->failure);
}

/* ch is new. */
static void call_begin(struct dial_channel *ch, struct call *c)
{
    ch->call = c;
    c->channel = ch;
    list_add_last(&ch->dial->busy, &ch->link);
    if (channel_open(ch) != OK) {
        deadline_set(ch, 0);
        return;
    }
    if (ch->transport == TRANSPORT_TCP)
        ch->state = CONNECTING;
    else
        question_begin(ch);
    deadline_set(ch, c->wait_us);
    channel_rearm(ch);
}

static struct dial_channel *idle_find(struct dial *d, const struct call *c)
{
    LIST_EACH(link, &d->idle) {
        struct dial_channel *ch = channel_of(link);
        bool has_source =
            ch->source.any.sa_family == c->source.any.sa_family &&
            (c->source.any.sa_family == AF_UNSPEC || address_is_same(&ch->source, &c->source));
        if (has_source && address_is_same(&ch->to, &c->to.address))
            return ch;
    }
    return NULL;
}

void dial_call(struct dial *d, struct call *c)
{
    bool may_reuse = c->to.transport == TRANSPORT_TCP && !c->is_fresh;
    struct dial_channel *ch = may_reuse ? idle_find(d, c) : NULL;
    ASSERT(!c->channel);
    if (!ch) {
        call_begin(channel_new(d, c), c);
        return;
    }
    d->idle_count--;
    list_remove(&ch->link);
    list_add_last(&d->busy, &ch->link);
    ch->call = c;
    c->channel = ch;
    ch->is_reused = true;
    ch->is_answered = false;
    ch->sent = 0;
    question_begin(ch);
    deadline_set(ch, c->wait_us);
    channel_rearm(ch);
}

/* --- what comes --- */

/* Hands one message over; false: the channel is gone, or the call does not want more for now. */
static bool deliver(struct dial_channel *ch, const uint8_t *bytes, size_t len)
{
    struct dial *d = ch->dial;
    struct call *c = ch->call;
    server_now(d->server, clock_wall_us());
    server_call_message(d->server, c, bytes, len);
    return d->current == ch && ch->call == c && !c->is_paused;
}

static void udp_read(struct dial_channel *ch)
{
    struct dial *d = ch->dial;
    for (unsigned i = 0; i < DIAL_READS_UDP; i++) {
        ssize_t n = recv(ch->io.fd, d->in, DIAL_READ_LEN, MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                fail(ch, strerror(errno)); /* what ICMP has said of our question */
            return;
        }
        d->share->units++;
        if (!deliver(ch, d->in, (size_t)n))
            return;
    }
}

/* How long the message is of which part_len bytes are here, as far as is known yet. */
static size_t part_need(const struct dial_channel *ch)
{
    if (ch->part_len < STREAM_PREFIX_LEN)
        return STREAM_PREFIX_LEN;
    return STREAM_PREFIX_LEN + (size_t)get_u16(ch->part);
}

static bool part_is_whole(const struct dial_channel *ch)
{
    return ch->part_len >= STREAM_PREFIX_LEN && ch->part_len == part_need(ch);
}

/* Moves bytes of the rest to the part, as many as it lacks. */
static void part_fill(struct dial_channel *ch)
{
    if (!ch->part)
        ch->part = mem_alloc(STREAM_MESSAGE_MAX);
    while (ch->rest_len && !part_is_whole(ch)) {
        size_t lacks = part_need(ch) - ch->part_len;
        size_t n = lacks < ch->rest_len ? lacks : ch->rest_len;
        memcpy(ch->part + ch->part_len, ch->rest, n);
        ch->part_len += n;
        ch->rest += n;
        ch->rest_len -= n;
    }
}

/* The next whole message of part and rest; false: there is none, and all that there is is in part.
 */
static bool message_next(struct dial_channel *ch, struct stream_message *out)
{
    if (!ch->part_len && ch->rest_len >= STREAM_PREFIX_LEN &&
        ch->rest_len - STREAM_PREFIX_LEN >= get_u16(ch->rest)) {
        *out = (struct stream_message){ch->rest + STREAM_PREFIX_LEN, get_u16(ch->rest)};
        ch->rest += STREAM_PREFIX_LEN + out->len;
        ch->rest_len -= STREAM_PREFIX_LEN + out->len;
        return true;
    }
    if (ch->rest_len)
        part_fill(ch);
    if (!part_is_whole(ch))
        return false;
    *out = (struct stream_message){ch->part + STREAM_PREFIX_LEN, ch->part_len - STREAM_PREFIX_LEN};
    ch->part_len = 0;
    return true;
}

/* The pause has begun in the middle of what was read. */
static void rest_keep(struct dial_channel *ch)
{
    uint8_t *kept = ch->kept;
    ch->kept = NULL;
    if (ch->rest_len) {
        ch->kept = mem_alloc(ch->rest_len);
        memcpy(ch->kept, ch->rest, ch->rest_len);
        ch->rest = ch->kept;
    }
    free(kept);
}

/* Reads into what the part lacks and then into the shared buffer. False: the channel is gone, or
 * nothing came. */
static bool tcp_fill(struct dial_channel *ch)
{
    struct dial *d = ch->dial;
    struct iovec to[2] = {{d->in, 0}, {d->in, DIAL_READ_LEN}};
    if (ch->part_len)
        to[0] = (struct iovec){ch->part + ch->part_len, part_need(ch) - ch->part_len};
    ssize_t n = readv(ch->io.fd, to, 2);
    if (n <= 0) {
        if (n == 0)
            lost(ch, "the other side has closed the connection");
        else if (errno != EAGAIN && errno != EINTR)
            lost(ch, strerror(errno));
        return false;
    }
    size_t direct = (size_t)n < to[0].iov_len ? (size_t)n : to[0].iov_len;
    ch->part_len += direct;
    ch->rest = d->in;
    ch->rest_len = (size_t)n - direct;
    ch->is_answered = true;
    d->share->units += (unsigned)((size_t)n / TURN_UNIT_LEN);
    return true;
}

static void tcp_read(struct dial_channel *ch)
{
    struct dial *d = ch->dial;
    struct stream_message m;
    bool has_come = false, goes_on = true;
    if (!ch->rest_len && !tcp_fill(ch))
        return;
    while (goes_on && message_next(ch, &m)) {
        has_come = true;
        goes_on = deliver(ch, m.bytes, m.len);
        if (d->current != ch || !ch->call)
            return;
    }
    rest_keep(ch);
    if (has_come && !ch->call->is_paused)
        deadline_set(ch, ch->call->wait_us);
}

/* --- events --- */

/* False: the channel is gone. */
static bool connect_finish(struct dial_channel *ch)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(ch->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error) {
        ch->call->is_unreached = true;
        fail(ch, strerror(error));
        return false;
    }
    ch->state = SENDING;
    deadline_set(ch, ch->call->wait_us);
    return true;
}

static void channel_run(struct dial_channel *ch, int revents)
{
    if (ch->state == IDLE) { /* it is closed, or says what nobody has asked for */
        uint8_t byte;
        if (recv(ch->io.fd, &byte, sizeof(byte), MSG_DONTWAIT) > 0)
            server_counters(ch->dial->server)->replies_ignored++;
        channel_close(ch);
        return;
    }
    if (ch->state == CONNECTING && !connect_finish(ch))
        return;
    int error = ch->state == SENDING && revents & EV_WRITE ? question_send(ch) : 0;
    if (error) {
        lost(ch, strerror(error));
        return;
    }
    if (revents & EV_READ && !ch->call->is_paused) {
        if (ch->transport == TRANSPORT_UDP)
            udp_read(ch);
        else
            tcp_read(ch);
    }
}

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    TURN_WATCH("call");
    struct dial_channel *ch = container_of(w, struct dial_channel, io);
    struct dial *d = ch->dial;
    d->current = ch;
    channel_run(ch, revents);
    if (d->current == ch)  /* it is still there: who frees it clears `current` */
        channel_rearm(ch); // NOLINT(clang-analyzer-unix.Malloc)
    d->current = NULL;
    turn_worked(d->share, 1);
}

/* --- from server/ --- */

void dial_pause(struct dial *d, struct call *c)
{
    struct dial_channel *ch = c->channel;
    if (ch->state == FAILED)
        return;
    if (c->is_paused)
        timer_stop(&d->deadlines, &ch->deadline);
    else
        deadline_set(ch, c->wait_us);
    channel_rearm(ch);
}

static bool is_in_order(const struct dial_channel *ch)
{
    return ch->transport == TRANSPORT_TCP && ch->state == WAITING && !ch->part_len && !ch->rest_len;
}

void dial_hang_up(struct dial *d, struct call *c, bool may_reuse)
{
    struct dial_channel *ch = c->channel;
    c->channel = NULL;
    ch->call = NULL;
    if (!may_reuse || !is_in_order(ch)) {
        channel_close(ch);
        return;
    }
    if (d->idle_count == DIAL_IDLE_MAX)
        channel_close(channel_of(d->idle.prev));
    d->idle_count++;
    ch->state = IDLE;
    list_remove(&ch->link);
    list_add_first(&d->idle, &ch->link);
    deadline_set(ch, DIAL_IDLE_US);
    channel_rearm(ch);
}

/* --- set-up --- */

void dial_init(struct dial *d, struct ev_loop *ev, struct server *server, struct turn_share *share)
{
    *d = (struct dial){.ev = ev, .server = server, .share = share, .timer_at_us = INT64_MAX};
    list_init(&d->busy);
    list_init(&d->idle);
    ev_timer_init(&d->timer, on_timer, 0.0, 0.0);
    ev_set_priority(&d->timer, TURN_TIMER);
    d->in = mem_alloc(DIAL_READ_LEN);
}

void dial_done(struct dial *d)
{
    ASSERT(list_is_empty(&d->busy));
    LIST_EACH(link, &d->idle) {
        channel_close(channel_of(link));
    }
    ev_timer_stop(d->ev, &d->timer);
    timers_done(&d->deadlines);
    free(d->in);
}

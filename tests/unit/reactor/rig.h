/* SPDX-License-Identifier: Apache-2.0
 * For the tests of dial.c: questions over real sockets. The test's thread is the loop and, between
 * its turns, the other server. */
#ifndef RIG_H
#define RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/wire.h"
#include "reactor/dial.h"
#include "server/server_int.h"
#include "unit.h"

/* Far more than any of it takes. */
#define WAIT_US   20000000
#define CALLS_MAX 8

struct rig {
    struct ev_loop *ev;
    struct server *server;
    struct turn_share share;
    struct dial dial;
    int udp, tcp; /* the other server's, both on `at` */
    union address at;
};

/* A question and what became of it. */
struct asked {
    struct call call;
    unsigned messages, failures, wanted; /* ended after that many messages */
    uint64_t bytes;
    bool may_reuse, pauses, is_over;
    char reason[128];
    uint8_t first[64];
    struct asked *next; /* asked from within this one's last message */
};

static struct rig *rig;

/* --- the asking side --- */

static inline void ask(struct asked *a);

static inline enum call_verdict on_message(struct server *s, struct call *c, const uint8_t *bytes,
                                           size_t len)
{
    struct asked *a = container_of(c, struct asked, call);
    cr_assert_not(a->is_over);
    a->bytes += len;
    if (a->messages++ == 0)
        memcpy(a->first, bytes, len < sizeof(a->first) ? len : sizeof(a->first));
    if (a->pauses)
        call_pause(s, c, true);
    if (a->messages != a->wanted)
        return CALL_HEARD;
    a->is_over = true;
    call_end(s, c, a->may_reuse);
    if (a->next)
        ask(a->next);
    return CALL_HEARD;
}

static inline void on_failed(struct server *s, struct call *c, const char *reason)
{
    struct asked *a = container_of(c, struct asked, call);
    (void)s;
    cr_assert_not(a->is_over);
    a->failures++;
    a->is_over = true;
    snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

static const struct call_kind kind = {on_message, on_failed};

static inline void hook_dial(void *arg, struct call *c)
{
    dial_call(&((struct rig *)arg)->dial, c);
}

static inline void hook_pause(void *arg, struct call *c)
{
    dial_pause(&((struct rig *)arg)->dial, c);
}

static inline void hook_hang_up(void *arg, struct call *c, bool may_reuse)
{
    dial_hang_up(&((struct rig *)arg)->dial, c, may_reuse);
}

static inline void between(void *arg)
{
    (void)arg;
}

static inline struct asked asked_of(enum transport transport)
{
    struct asked a = {.wanted = 1, .may_reuse = true};
    a.call = (struct call){
        .kind = &kind, .to = {.address = rig->at, .transport = transport}, .wait_us = WAIT_US};
    return a;
}

static inline void ask(struct asked *a)
{
    static const uint8_t question[] = "what is it?";
    call_start(rig->server, &a->call, question, sizeof(question));
    cr_assert_not(a->is_over, "nothing comes from within call_start()");
}

/* --- the other server --- */

static inline int listen_at(enum transport transport, union address *at)
{
    socklen_t len = sizeof(at->v4);
    int fd = socket(AF_INET, (transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM), 0);
    int one = 1;
    cr_assert_geq(fd, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    if (bind(fd, &at->any, sizeof(at->v4)) < 0) {
        close(fd);
        return -1;
    }
    cr_assert_eq(getsockname(fd, &at->any, &len), 0);
    if (transport == TRANSPORT_TCP)
        cr_assert_eq(listen(fd, 16), 0);
    return fd;
}

/* One port for both; somebody else may have it for TCP. */
static inline void listen_both(struct rig *r)
{
    for (;;) {
        r->at.v4 =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        r->udp = listen_at(TRANSPORT_UDP, &r->at);
        r->tcp = listen_at(TRANSPORT_TCP, &r->at);
        if (r->tcp >= 0)
            return;
        close(r->udp);
    }
}

static inline void rig_start(void)
{
    rig = mem_alloc_zero(sizeof(*rig));
    listen_both(rig);
    rig->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    rig->server = mem_alloc_zero(sizeof(*rig->server));
    rig->server->hooks = (struct server_hooks){
        .arg = rig, .dial = hook_dial, .dial_pause = hook_pause, .hang_up = hook_hang_up};
    calls_init(&rig->server->calls);
    calls_configure(rig->server, 16, 16);
    rig->share.between = between;
    dial_init(&rig->dial, rig->ev, rig->server, &rig->share);
}

static inline void rig_end(void)
{
    dial_done(&rig->dial);
    ev_loop_destroy(rig->ev);
    close(rig->udp);
    close(rig->tcp);
    free(rig->server);
    free(rig);
}

static inline void turn(void)
{
    ev_run(rig->ev, EVRUN_ONCE);
}

static inline void until_over(const struct asked *a)
{
    int64_t end_us = clock_mono_us() + WAIT_US;
    while (!a->is_over) {
        cr_assert_lt(clock_mono_us(), end_us);
        turn();
    }
}

/* Turns until the other server can read from fd, or accept. */
static inline void until_readable(int fd)
{
    int64_t end_us = clock_mono_us() + WAIT_US;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 0) == 0) {
        cr_assert_lt(clock_mono_us(), end_us);
        ev_run(rig->ev, EVRUN_NOWAIT);
    }
}

static inline int peer_accept(void)
{
    until_readable(rig->tcp);
    return accept(rig->tcp, NULL, NULL);
}
/* Takes the question from a connection. */
static inline void peer_read(int fd)
{
    uint8_t got[256];
    until_readable(fd);
    ssize_t n = recv(fd, got, sizeof(got), 0);
    cr_assert_eq(n, 14, "%zd", n);
    cr_expect_eq(get_u16(got), 12);
    cr_expect_str_eq((const char *)got + 2, "what is it?");
}

static inline void peer_say(int fd, const void *bytes, size_t len)
{
    uint8_t prefix[2];
    put_u16(prefix, (uint16_t)len);
    cr_assert_eq(send(fd, prefix, 2, MSG_NOSIGNAL), 2);
    cr_assert_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void peer_reset(int fd)
{
    struct linger at_once = {1, 0};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

#endif

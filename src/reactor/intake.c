/* SPDX-License-Identifier: Apache-2.0
 * Datagrams and connections, as the loop says that there are some. */
#include "reactor/intake.h"

#include "base/attr.h"
#include "reactor/drops.h"
#include "reactor/turn.h"

/* Datagrams or connections of one socket that are taken before it is closed: more than its buffer
 * or queue holds. */
#define LAST_BUDGET 16384

static void on_udp(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("udp");
    struct intake *in = w->data;
    ready_serve(&in->datagrams, container_of(w, struct listener, io));
}

static void on_tcp(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("tcp accept");
    struct intake *in = w->data;
    ready_serve(&in->connections, container_of(w, struct listener, io));
}

static bool datagrams_take(void *arg, struct listener *l, unsigned *budget)
{
    return udp_serve(((struct intake *)arg)->udp, l, budget);
}

static bool connections_take(void *arg, struct listener *l, unsigned *budget)
{
    return tcp_accept(((struct intake *)arg)->tcp, l->io.fd, budget);
}

void intake_init(struct intake *in)
{
    *in = (struct intake){0};
    listen_init(&in->listens, on_udp, on_tcp, in);
    ready_init(&in->datagrams, TURN_UDP, datagrams_take, in);
    ready_init(&in->connections, TURN_ACCEPTS, connections_take, in);
}

void intake_start(struct intake *in, struct udp *udp, struct tcp *tcp, struct counters *count)
{
    in->udp = udp;
    in->tcp = tcp;
    in->count = count;
}

void intake_between(void *arg)
{
    struct intake *in = arg;
    if (in->is_between)
        return; /* a new connection has asked for much */
    in->is_between = true;
    ready_look(&in->datagrams, &in->listens, TRANSPORT_UDP, TURN_UDP);
    ready_look(&in->connections, &in->listens, TRANSPORT_TCP, TURN_ACCEPT_ROW);
    in->is_between = false;
}

void intake_empty(struct listener *l)
{
    struct intake *in = l->io.data;
    ready_take_fn take = l->transport == TRANSPORT_UDP ? datagrams_take : connections_take;
    unsigned budget = LAST_BUDGET;
    while (budget && take(in, l, &budget))
        continue;
}

void intake_turn(struct intake *in, double now_s)
{
    ready_renew(&in->datagrams);
    ready_renew(&in->connections);
    drops_look(&in->drops_looked_s, now_s, &in->listens, in->count);
}

/* SPDX-License-Identifier: Apache-2.0
 * New connections, in a turn and between the work of those that are there: real sockets, nothing
 * asked. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "reactor/intake.h"
#include "reactor/turn.h"
#include "server/server_int.h"
#include "unit.h"

#define CLIENTS 20

struct desk {
    struct ev_loop *ev;
    struct server *server;
    struct turn_share share;
    struct tcp tcp;
    struct intake intake;
    int client[CLIENTS];
};

static void desk_start(struct desk *d)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct conf conf = {.tcp_connections = 100,
                        .tcp_connections_per_address = 100,
                        .tcp_idle_ms = 60000,
                        .tcp_first_byte_ms = 60000,
                        .tcp_message_ms = 60000,
                        .tcp_pipeline = 1,
                        .tcp_unsent = 131072};
    struct diag diag;
    d->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    d->server = mem_alloc_zero(sizeof(*d->server));
    d->share = (struct turn_share){.between = intake_between, .arg = &d->intake};
    intake_init(&d->intake);
    tcp_init(&d->tcp, d->ev, d->server, &d->intake.listens, &d->share);
    tcp_configure(&d->tcp, &conf, 100);
    intake_start(&d->intake, NULL, &d->tcp, server_counters(d->server));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    cr_assert_eq(listen(fd, CLIENTS), 0);
    cr_assert_eq(listen_adopt(&d->intake.listens, fd, &conf, &diag), OK, "%s", diag.text);
    for (unsigned i = 0; i < CLIENTS; i++) {
        d->client[i] = socket(AF_INET, SOCK_STREAM, 0);
        cr_assert_eq(connect(d->client[i], (struct sockaddr *)&at, sizeof(at)), 0);
    }
}

static void desk_end(struct desk *d)
{
    tcp_done(&d->tcp);
    listen_done(&d->intake.listens, d->ev);
    ev_loop_destroy(d->ev);
    for (unsigned i = 0; i < CLIENTS; i++)
        close(d->client[i]);
    free(d->server);
}

Test(intake, takes_a_few_new_connections_between_the_work_of_others)
{
    struct desk d;
    desk_start(&d);
    intake_between(&d.intake);
    cr_expect_eq(d.tcp.conns, 0, "not while accepting rests");
    listen_start(&d.intake.listens, d.ev, TRANSPORT_TCP);
    for (unsigned i = 1; i <= CLIENTS / TURN_ACCEPT_ROW; i++) {
        intake_between(&d.intake);
        cr_assert_eq(d.tcp.conns, i * TURN_ACCEPT_ROW);
    }
    intake_between(&d.intake);
    cr_expect_eq(d.tcp.conns, CLIENTS);
    desk_end(&d);
}

Test(intake, takes_no_more_connections_in_a_turn_than_it_may)
{
    struct desk d;
    desk_start(&d);
    listen_start(&d.intake.listens, d.ev, TRANSPORT_TCP);
    ev_run(d.ev, EVRUN_NOWAIT);
    cr_expect_eq(d.tcp.conns, TURN_ACCEPTS);
    ev_run(d.ev, EVRUN_NOWAIT);
    cr_expect_eq(d.tcp.conns, TURN_ACCEPTS, "the turn is not over");
    intake_turn(&d.intake, ev_now(d.ev));
    ev_run(d.ev, EVRUN_NOWAIT);
    cr_expect_eq(d.tcp.conns, CLIENTS);
    desk_end(&d);
}

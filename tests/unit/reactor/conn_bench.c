/* SPDX-License-Identifier: Apache-2.0
 * The server behind the connections of the tests, and their clients. */
#include "conn_bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wire.h"
#include "dns/codes.h"

struct bench *bench;

/* --- the server --- */

void __wrap_server_handle(struct server *s, struct exchange *x, unsigned count, int64_t now_us)
{
    (void)now_us;
    for (unsigned i = 0; i < count; i++) {
        x[i].outflow = NULL;
        x[i].is_waiting = false;
        if (x[i].in[0] == 'T') {
            x[i].outflow = &bench->flow[bench->flow_count++];
            x[i].outflow->channel = x[i].channel;
            x[i].out_len = 0;
        } else {
            s->count.keepalives_told += x[i].in[0] == 'K';
            memcpy(x[i].out, x[i].in, x[i].in_len);
            x[i].out_len = x[i].in_len;
        }
    }
}

enum outflow_next __wrap_server_outflow_next(struct server *s, struct outflow *f, int64_t now_us,
                                             uint8_t *out, size_t *len)
{
    (void)s;
    (void)now_us;
    bench->next_calls++;
    cr_assert_eq(f->ended, 0);
    cr_assert_lt(f->made, f->count);
    if (f->broken_at && f->made == f->broken_at)
        return OUTFLOW_BROKEN;
    if (f->later_at && f->made == f->later_at) {
        f->later_at = 0;
        return OUTFLOW_LATER;
    }
    memset(out, 'm', f->len);
    put_u32(out + DNS_HEADER_LEN, (uint32_t)(f - bench->flow) << 24 | f->made);
    *len = f->len;
    return ++f->made == f->count ? OUTFLOW_LAST : OUTFLOW_MESSAGE;
}

void __wrap_server_outflow_end(struct server *s, struct outflow *f, bool is_sent)
{
    (void)s;
    f->ended++;
    f->is_sent = is_sent;
}

static void between(void *arg)
{
    ((struct bench *)arg)->betweens++;
}

/* --- both ends of a connection --- */

void connect_pair(int *ours, int *theirs, union address *from)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listening = socket(AF_INET, SOCK_STREAM, 0), small = 65536;
    cr_assert_eq(setsockopt(listening, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    cr_assert_eq(bind(listening, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(getsockname(listening, (struct sockaddr *)&at, &len), 0);
    cr_assert_eq(listen(listening, 1), 0);
    *theirs = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(setsockopt(*theirs, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    cr_assert_eq(connect(*theirs, (struct sockaddr *)&at, sizeof(at)), 0);
    len = sizeof(from->v4);
    memset(from, 0, sizeof(*from));
    *ours = accept4(listening, &from->any, &len, SOCK_NONBLOCK);
    cr_assert_geq(*ours, 0);
    close(listening);
}

void bench_start(void)
{
    union address from;
    int fd;
    bench = mem_alloc_zero(sizeof(*bench));
    bench->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    bench->server = mem_alloc_zero(sizeof(*bench->server));
    list_init(&bench->listens.all);
    bench->share = (struct turn_share){.between = between, .arg = bench};
    tcp_init(&bench->tcp, bench->ev, bench->server, &bench->listens, &bench->share);
    bench->tcp.limits = (struct tcp_limits){
        .count = 10,
        .count_per_client = 10,
        .wait_us = {[CONN_FIRST] = WAIT_US,
                    [CONN_IDLE] = WAIT_US,
                    [CONN_IDLE_BUSY] = WAIT_US / 2,
                    [CONN_IDLE_TIGHT] = WAIT_US / 4,
                    [CONN_RECEIVING] = WAIT_US,
                    [CONN_SENDING] = WAIT_US,
                    [CONN_ANSWERING] = INT64_C(1) << 60},
        .pipeline = 16,
        .unsent = 65536,
    };
    for (unsigned i = 0; i < FLOWS_MAX; i++)
        bench->flow[i] = (struct outflow){.count = 1, .len = 16000};
    connect_pair(&fd, &bench->client, &from);
    cr_assert(limit_take(&bench->tcp.clients, &from, 10));
    bench->conn = conn_new(&bench->tcp, fd, &from);
    conn_run(bench->conn, EV_READ);
}

void bench_end(void)
{
    tcp_done(&bench->tcp);
    ev_loop_destroy(bench->ev);
    close(bench->client);
    free(bench->server);
    free(bench);
}

void ask(char kind)
{
    uint8_t message[2 + DNS_HEADER_LEN] = {0, DNS_HEADER_LEN, (uint8_t)kind};
    cr_assert_eq(send(bench->client, message, sizeof(message), 0), (ssize_t)sizeof(message));
}

void turns(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ev_run(bench->ev, EVRUN_NOWAIT);
}

/* Reads n bytes while the loop turns; false: the connection has ended. */
static bool client_read(uint8_t *to, size_t n)
{
    int64_t end_us = clock_mono_us() + WAIT_US;
    for (size_t at = 0; at < n;) {
        ssize_t got = recv(bench->client, to + at, n - at, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return false;
        at += got > 0 ? (size_t)got : 0;
        cr_assert_lt(clock_mono_us(), end_us);
        turns(1);
    }
    return true;
}

bool client_message(struct got *out)
{
    static uint8_t bytes[65536];
    uint8_t prefix[2];
    *out = (struct got){0};
    if (!client_read(prefix, 2) || !client_read(bytes, get_u16(prefix)))
        return false;
    out->len = get_u16(prefix);
    out->kind = (char)bytes[0];
    if (out->len > DNS_HEADER_LEN) {
        uint32_t number = get_u32(bytes + DNS_HEADER_LEN);
        out->flow = number >> 24;
        out->number = number & 0xffffff;
    }
    return true;
}

void expect_ended(const struct outflow *f, bool is_sent)
{
    turns(3);
    cr_expect_eq(f->ended, 1);
    cr_expect_eq(f->is_sent, is_sent);
}

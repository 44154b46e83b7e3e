/* SPDX-License-Identifier: Apache-2.0
 * Connections whose answers are rows of messages: the server behind them is this file's, the client
 * its thread between turns of the loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/wire.h"
#include "dns/codes.h"
#include "reactor/listen.h"
#include "reactor/tcp.h"
#include "server/server_int.h"

/* Far more than any of it takes. */
#define WAIT_US   20000000
#define FLOWS_MAX 4

/* A row of `count` messages of `len` bytes, each with its number behind a header. */
struct outflow {
    unsigned count, made;
    size_t len;
    unsigned later_at, broken_at; /* says so instead of that message, once */
    unsigned ended;
    bool is_sent;
    void *channel;
};

struct bench {
    struct ev_loop *ev;
    struct server *server;
    struct listen_set listens;
    struct turn_share share;
    struct tcp tcp;
    struct conn *conn;
    int client;
    struct outflow flow[FLOWS_MAX]; /* of the n-th message that asks for one */
    unsigned flow_count, betweens;
    unsigned next_calls;
};

static struct bench *bench; /* the server's functions have no other way to it */

/* --- the server: messages that begin with 'T' ask for a row, others come back as they are; with
 * 'K' they say how long a connection may be idle --- */

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

static void connect_pair(int *ours, int *theirs, union address *from)
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

static void bench_start(void)
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

static void bench_end(void)
{
    tcp_done(&bench->tcp);
    ev_loop_destroy(bench->ev);
    close(bench->client);
    free(bench->server);
    free(bench);
}

static void ask(char kind)
{
    uint8_t message[2 + DNS_HEADER_LEN] = {0, DNS_HEADER_LEN, (uint8_t)kind};
    cr_assert_eq(send(bench->client, message, sizeof(message), 0), (ssize_t)sizeof(message));
}

static void turns(unsigned count)
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

struct got {
    size_t len;
    char kind;
    unsigned flow, number;
};

static bool client_message(struct got *out)
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

static void expect_ended(const struct outflow *f, bool is_sent)
{
    turns(3);
    cr_expect_eq(f->ended, 1);
    cr_expect_eq(f->is_sent, is_sent);
}

Test(conn, sends_all_messages_of_a_row_in_order)
{
    enum { COUNT = 200 };
    struct got m;
    bench_start();
    bench->flow[0].count = COUNT;
    ask('T');
    for (unsigned i = 0; i < COUNT; i++) {
        cr_assert(client_message(&m));
        cr_assert_eq(m.number, i);
        cr_assert_eq(m.len, 16000);
    }
    expect_ended(&bench->flow[0], true);
    cr_expect_eq(bench->tcp.conns, 1, "the connection stays");
    ask('Q');
    cr_assert(client_message(&m));
    cr_expect_eq(m.kind, 'Q');
    bench_end();
}

Test(conn, makes_a_row_as_the_client_reads_it)
{
    bench_start();
    bench->flow[0].count = 100000;
    ask('T');
    turns(2000);
    cr_expect_lt(bench->flow[0].made, 60, "what the kernel takes, and one");
    cr_expect_leq(bench->tcp.held, 65536);
    cr_expect_eq(bench->flow[0].ended, 0);
    conn_close(bench->conn);
    expect_ended(&bench->flow[0], false);
    bench_end();
}

Test(conn, makes_about_one_message_in_a_turn)
{
    bench_start();
    bench->flow[0].count = bench->flow[1].count = 100;
    ask('T');
    ask('T');
    for (unsigned before = 0, i = 0; i < 20; i++) {
        turns(1);
        cr_assert_leq(bench->next_calls - before, 1);
        before = bench->next_calls;
    }
    cr_expect_geq(bench->betweens, bench->next_calls * (16000 / TURN_UNIT_LEN) / TURN_TCP_SHARE);
    bench_end();
}

Test(conn, answers_other_questions_between_the_messages_of_a_row)
{
    struct got m;
    unsigned rows = 0;
    bench_start();
    bench->flow[0].count = 1000;
    ask('T');
    cr_assert(client_message(&m));
    ask('Q');
    do {
        cr_assert(client_message(&m));
        rows += m.kind == 'm';
    } while (m.kind != 'Q');
    cr_expect_lt(rows, 100);
    cr_expect_eq(bench->flow[0].ended, 0);
    bench_end();
}

Test(conn, gives_rows_asked_for_together_their_turns)
{
    struct got m;
    bench_start();
    bench->flow[0].count = bench->flow[1].count = 50;
    ask('T');
    ask('T');
    unsigned next[2] = {0}, behind = 0;
    for (unsigned i = 0; i < 100; i++) {
        cr_assert(client_message(&m));
        cr_assert_eq(m.number, next[m.flow]++);
        unsigned gap = next[0] > next[1] ? next[0] - next[1] : next[1] - next[0];
        behind = gap > behind ? gap : behind;
    }
    cr_expect_leq(behind, 2);
    expect_ended(&bench->flow[0], true);
    expect_ended(&bench->flow[1], true);
    bench_end();
}

Test(conn, waits_for_a_row_that_is_not_ready)
{
    struct got m;
    bench_start();
    bench->flow[0].count = 3;
    bench->flow[0].later_at = 1;
    ask('T');
    cr_assert(client_message(&m));
    turns(50);
    cr_expect_eq(bench->flow[0].made, 1);
    cr_expect_eq(bench->next_calls, 2, "asked once");
    cr_expect_eq(bench->conn->wait, CONN_ANSWERING);
    ask('Q');
    cr_assert(client_message(&m));
    cr_expect_eq(m.kind, 'Q');
    conn_outflow_ready(NULL, bench->flow[0].channel, &bench->flow[0]);
    cr_expect_eq(bench->next_calls, 2, "not from in there");
    for (unsigned i = 1; i < 3; i++) {
        cr_assert(client_message(&m));
        cr_expect_eq(m.number, i);
    }
    expect_ended(&bench->flow[0], true);
    bench_end();
}

Test(conn, is_closed_when_a_row_breaks_off)
{
    struct got m;
    bench_start();
    bench->flow[0].count = 10;
    bench->flow[0].broken_at = 2;
    bench->flow[1].count = 10;
    bench->flow[1].later_at = 1;
    ask('T');
    ask('T');
    while (client_message(&m))
        ;
    expect_ended(&bench->flow[0], false);
    expect_ended(&bench->flow[1], false);
    cr_expect_eq(bench->tcp.conns, 0);
    bench_end();
}

/* However slow, a client that reads is not cut; one that does not is, in time. */
Test(conn, is_closed_when_nothing_of_a_row_is_taken_in_time)
{
    bench_start();
    bench->tcp.limits.wait_us[CONN_SENDING] = 100000;
    bench->flow[0].count = 100000;
    ask('T');
    int64_t begin_us = clock_mono_us();
    while (bench->tcp.conns) {
        cr_assert_lt(clock_mono_us(), begin_us + WAIT_US);
        ev_run(bench->ev, EVRUN_ONCE);
    }
    cr_expect_geq(clock_mono_us() - begin_us, 100000);
    cr_expect_eq(bench->server->count.tcp_slow_closed, 1);
    expect_ended(&bench->flow[0], false);
    bench_end();
}

/* A client that reads nothing, or little, is given no message more; the row's time is over all the
 * same. */
Test(conn, is_closed_when_the_time_of_a_row_is_over)
{
    bench_start();
    bench->flow[0].count = 100000;
    bench->flow[1].count = 3;
    bench->flow[1].later_at = 1;
    ask('T');
    ask('T');
    int64_t begin_us = clock_mono_us();
    while (!bench->flow[0].made) {
        cr_assert_lt(clock_mono_us(), begin_us + WAIT_US);
        turns(1);
    }
    turns(20);
    conn_outflow_late(NULL, bench->flow[1].channel, &bench->flow[1]);
    cr_expect_eq(bench->tcp.conns, 1, "not from within");
    turns(1);
    cr_expect_eq(bench->tcp.conns, 0);
    expect_ended(&bench->flow[0], false);
    expect_ended(&bench->flow[1], false);
    bench_end();
}

Test(conn, ends_a_row_for_a_client_that_has_said_all_it_wants)
{
    struct got m;
    unsigned count = 0;
    bench_start();
    bench->flow[0].count = 50;
    bench->flow[0].later_at = 20;
    ask('T');
    cr_assert_eq(shutdown(bench->client, SHUT_WR), 0);
    while (bench->flow[0].made < 20 || bench->flow[0].later_at) {
        cr_assert(client_message(&m));
        count++;
    }
    turns(20);
    cr_expect_eq(bench->tcp.conns, 1);
    conn_outflow_ready(NULL, bench->flow[0].channel, &bench->flow[0]);
    while (client_message(&m))
        count++;
    cr_expect_eq(count, 50);
    expect_ended(&bench->flow[0], true);
    cr_expect_eq(bench->tcp.conns, 0);
    bench_end();
}

Test(conn, goes_on_with_a_row_while_the_server_stops)
{
    struct got m;
    unsigned count = 0;
    bench_start();
    bench->flow[0].count = 100;
    ask('T');
    turns(5);
    tcp_drain(&bench->tcp);
    cr_expect_eq(bench->tcp.conns, 1);
    while (client_message(&m))
        count++;
    cr_expect_eq(count, 100);
    expect_ended(&bench->flow[0], true);
    cr_expect_eq(bench->tcp.conns, 0);
    bench_end();
}

Test(conn, cuts_its_rows_when_the_server_ends)
{
    bench_start();
    bench->flow[0].count = 100000;
    ask('T');
    turns(5);
    tcp_drain(&bench->tcp);
    tcp_done(&bench->tcp);
    cr_expect_eq(bench->flow[0].ended, 1);
    cr_expect_not(bench->flow[0].is_sent);
    tcp_init(&bench->tcp, bench->ev, bench->server, &bench->listens, &bench->share);
    bench_end();
}

Test(conn, takes_no_more_rows_than_answers_may_be_under_way)
{
    bench_start();
    bench->tcp.limits.pipeline = 2;
    for (unsigned i = 0; i < 3; i++) {
        bench->flow[i].count = 2;
        bench->flow[i].later_at = 1;
        ask('T');
    }
    turns(20);
    cr_expect_eq(bench->flow_count, 2);
    cr_expect(bench->conn->is_paused);
    conn_outflow_ready(NULL, bench->flow[0].channel, &bench->flow[0]);
    turns(20);
    cr_expect_eq(bench->flow_count, 3);
    bench_end();
}

Test(conn, answers_later_but_not_from_within)
{
    struct got m;
    uint8_t answer[DNS_HEADER_LEN] = {'L'};
    bench_start();
    conn_hold(bench->conn);
    turns(2);
    conn_answer(bench->conn, answer, sizeof(answer));
    char byte;
    cr_expect_eq(recv(bench->client, &byte, 1, MSG_DONTWAIT), -1);
    cr_assert(client_message(&m));
    cr_expect_eq(m.kind, 'L');
    bench_end();
}

/* --- how long a connection may be idle --- */

#define CROWD_MAX 9

/* More connections, with their clients' ends. */
struct crowd {
    unsigned count;
    struct conn *conn[CROWD_MAX];
    int client[CROWD_MAX];
};

static void crowd_grow(struct crowd *c, unsigned count)
{
    while (c->count < count) {
        union address from;
        int fd;
        connect_pair(&fd, &c->client[c->count], &from);
        cr_assert(limit_take(&bench->tcp.clients, &from, CROWD_MAX + 1));
        c->conn[c->count++] = conn_new(&bench->tcp, fd, &from);
    }
}

static void crowd_shrink(struct crowd *c, unsigned count)
{
    while (c->count > count) {
        conn_close(c->conn[--c->count]);
        close(c->client[c->count]);
    }
}

static const struct load_row {
    unsigned conns; /* of 10 */
    enum tcp_load load;
    unsigned announced; /* in 100 ms, of WAIT_US = 20 s */
    enum conn_wait wait;
} load_rows[] = {
    {1, TCP_CALM, 200, CONN_IDLE},       {5, TCP_CALM, 200, CONN_IDLE},
    {6, TCP_BUSY, 100, CONN_IDLE_BUSY},  {7, TCP_BUSY, 100, CONN_IDLE_BUSY},
    {8, TCP_TIGHT, 50, CONN_IDLE_TIGHT}, {9, TCP_TIGHT, 50, CONN_IDLE_TIGHT},
    {10, TCP_FULL, 0, CONN_IDLE_TIGHT},  {9, TCP_TIGHT, 50, CONN_IDLE_TIGHT},
    {7, TCP_BUSY, 100, CONN_IDLE_BUSY},  {2, TCP_CALM, 200, CONN_IDLE},
};

static void ask_and_hear(char kind)
{
    struct got m;
    ask(kind);
    cr_assert(client_message(&m));
    turns(1);
}

Test(conn, may_be_idle_for_shorter_the_more_there_are)
{
    static const char kinds[] = {'K', 'Q'}; /* told or not */
    for (size_t k = 0; k < sizeof(kinds); k++) {
        struct crowd crowd = {0};
        bench_start();
        for (size_t i = 0; i < ARRAY_LEN(load_rows); i++) {
            const struct load_row *row = &load_rows[i];
            crowd_grow(&crowd, row->conns - 1);
            crowd_shrink(&crowd, row->conns - 1);
            cr_assert_eq(bench->tcp.load, row->load, "row %zu", i);
            if (i > 1) /* it is said anew when the load changes */
                cr_assert_eq(bench->server->self.keepalive, row->announced, "row %zu", i);
            ask_and_hear(kinds[k]);
            cr_assert_eq(bench->conn->wait, row->wait, "row %zu", i);
        }
        crowd_shrink(&crowd, 0);
        bench_end();
    }
}

/* RFC 7828 s3.2.2: the client keeps to what it was told last. */
Test(conn, has_the_time_that_its_client_was_told)
{
    struct crowd crowd = {0};
    bench_start();
    ask_and_hear('K');
    crowd_grow(&crowd, 9);
    cr_expect_eq(bench->conn->wait, CONN_IDLE);
    ask_and_hear('Q');
    cr_expect_eq(bench->conn->wait, CONN_IDLE, "nothing else was said");
    ask_and_hear('K');
    cr_expect_eq(bench->conn->wait, CONN_IDLE_TIGHT);
    crowd_shrink(&crowd, 0);
    bench_end();
}

Test(conn, that_is_idle_for_longest_gives_way_whatever_it_was_told)
{
    struct crowd crowd = {0};
    bench_start();
    ask_and_hear('K'); /* as with few */
    crowd_grow(&crowd, 9);
    cr_assert(tcp_give_way(&bench->tcp));
    char byte;
    cr_expect_eq(recv(bench->client, &byte, 1, MSG_DONTWAIT), 0, "the longest idle, told or not");
    cr_expect_eq(bench->tcp.conns, 9);
    cr_assert(tcp_give_way(&bench->tcp));
    cr_expect_eq(recv(crowd.client[0], &byte, 1, MSG_DONTWAIT), 0, "also who has said nothing");
    cr_expect_eq(bench->tcp.conns, 8);
    crowd_shrink(&crowd, 1);
    close(crowd.client[0]);
    bench_end();
}

/* Memory of all together: who takes nothing of its answers goes first, then who brings nothing. */
Test(conn, that_has_stood_still_longest_is_closed_where_all_hold_too_much)
{
    struct crowd crowd = {0};
    bench_start();
    ask_and_hear('Q');
    crowd_grow(&crowd, 4);
    static const enum conn_wait waits[] = {CONN_RECEIVING, CONN_SENDING, CONN_SENDING, CONN_IDLE};
    for (unsigned i = 0; i < 4; i++) {
        tcp_wait(&bench->tcp, crowd.conn[i], waits[i]);
        crowd.conn[i]->held = 10;
        bench->tcp.held += 10;
    }
    bench->tcp.held += TCP_HELD_MAX - 40;
    tcp_relieve(&bench->tcp);
    cr_expect_eq(bench->tcp.conns, 5, "as much as there may be");
    static const unsigned order[] = {1, 2, 0};
    for (unsigned i = 0; i < 3; i++) {
        char byte;
        bench->tcp.held += 10;
        tcp_relieve(&bench->tcp);
        cr_expect_eq(bench->tcp.conns, 4 - i);
        cr_expect_eq(recv(crowd.client[order[i]], &byte, 1, MSG_DONTWAIT), 0, "number %u", i);
        close(crowd.client[order[i]]);
    }
    cr_expect_eq(bench->server->count.tcp_slow_closed, 3);
    bench->tcp.held = 10;
    conn_close(crowd.conn[3]);
    close(crowd.client[3]);
    bench_end();
}

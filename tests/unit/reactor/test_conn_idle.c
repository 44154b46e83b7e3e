/* SPDX-License-Identifier: Apache-2.0
 * How long a connection may be idle, and which is closed when there are too many. */
#include "conn_bench.h"

#include <sys/socket.h>
#include <unistd.h>

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

Test(conn_idle, may_be_idle_for_shorter_the_more_there_are)
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
Test(conn_idle, has_the_time_that_its_client_was_told)
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

Test(conn_idle, that_is_idle_for_longest_gives_way_whatever_it_was_told)
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
Test(conn_idle, that_has_stood_still_longest_is_closed_where_all_hold_too_much)
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

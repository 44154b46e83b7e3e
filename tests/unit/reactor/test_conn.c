/* SPDX-License-Identifier: Apache-2.0
 * Connections whose answers are rows of messages. */
#include "conn_bench.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wire.h"
#include "dns/codes.h"

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

/* SPDX-License-Identifier: Apache-2.0
 * Questions to other servers over TCP: framing, connections that are used again, pauses. */
#include "rig.h"

Test(dial, over_tcp_takes_messages_whole_however_they_are_cut)
{
    enum { COUNT = 5 };
    static const size_t lens[COUNT] = {1, 300, 0, 2, 700};
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP);
    uint8_t all[1100], *p = all;
    for (unsigned i = 0; i < COUNT; i++) {
        put_u16(p, (uint16_t)lens[i]);
        memset(p + 2, (int)i, lens[i]);
        p += 2 + lens[i];
    }
    a.wanted = COUNT;
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    for (const uint8_t *q = all; q < p; q++) {
        cr_assert_eq(send(fd, q, 1, 0), 1);
        turn();
    }
    until_over(&a);
    cr_expect_eq(a.messages, COUNT);
    cr_expect_eq(a.bytes, 1003);
    close(fd);
    rig_end();
}

Test(dial, over_tcp_reads_many_long_messages)
{
    enum { COUNT = 64, LEN = 65535 };
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP);
    uint8_t *message = mem_alloc(2 + LEN);
    put_u16(message, LEN);
    memset(message + 2, 7, LEN);
    a.wanted = COUNT;
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    size_t at = 0;
    for (unsigned i = 0; i < COUNT;) {
        ssize_t n = send(fd, message + at, 2 + LEN - at, MSG_DONTWAIT);
        at += n > 0 ? (size_t)n : 0;
        if (at == 2 + LEN) {
            at = 0;
            i++;
        }
        ev_run(rig->ev, EVRUN_NOWAIT);
    }
    until_over(&a);
    cr_expect_eq(a.bytes, (uint64_t)COUNT * LEN);
    cr_expect_eq(a.failures, 0);
    free(message);
    close(fd);
    rig_end();
}

Test(dial, over_tcp_learns_that_nobody_listens)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP);
    close(rig->tcp);
    ask(&a);
    until_over(&a);
    cr_expect_str_eq(a.reason, strerror(ECONNREFUSED));
    rig->tcp = socket(AF_INET, SOCK_STREAM, 0);
    rig_end();
}

Test(dial, over_tcp_fails_when_it_is_cut)
{
    rig_start();
    for (unsigned is_reset = 0; is_reset < 2; is_reset++) {
        struct asked a = asked_of(TRANSPORT_TCP);
        a.wanted = 2;
        ask(&a);
        int fd = peer_accept();
        peer_read(fd);
        peer_say(fd, "one", 3);
        cr_assert_eq(send(fd, "\0\5two", 5, 0), 5); /* and no more of it */
        while (!a.messages)
            turn();
        if (is_reset)
            peer_reset(fd);
        else
            close(fd);
        until_over(&a);
        cr_expect_eq(a.messages, 1);
        cr_expect_str_eq(a.reason, is_reset ? strerror(ECONNRESET)
                                            : "the other side has closed the connection");
    }
    rig_end();
}

Test(dial, over_tcp_uses_a_connection_again)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP), b = asked_of(TRANSPORT_TCP);
    a.next = &b; /* from within the last message of the first */
    ask(&a);
    int fd = peer_accept();
    for (unsigned i = 0; i < 2; i++) {
        peer_read(fd);
        peer_say(fd, "yes", 3);
        until_over(i ? &b : &a);
    }
    cr_expect_eq(b.messages, 1);
    cr_expect_eq(rig->dial.idle_count, 1);
    close(fd);
    rig_end();
}

Test(dial, over_tcp_uses_none_again_that_is_not_in_order)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP), b = asked_of(TRANSPORT_TCP);
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    cr_assert_eq(send(fd, "\0\3yes\0", 6, 0), 6); /* and a byte of something else */
    until_over(&a);
    cr_expect_eq(rig->dial.idle_count, 0);
    b.may_reuse = false;
    ask(&b);
    int other = peer_accept();
    peer_read(other);
    peer_say(other, "yes", 3);
    until_over(&b);
    cr_expect_eq(rig->dial.idle_count, 0);
    close(fd);
    close(other);
    rig_end();
}

/* A question that has effects is not put at risk of being sent twice. */
Test(dial, over_tcp_opens_a_connection_for_a_question_that_is_to_be_sent_once)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP), b = asked_of(TRANSPORT_TCP);
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    peer_say(fd, "yes", 3);
    until_over(&a);
    cr_assert_eq(rig->dial.idle_count, 1);
    b.call.is_fresh = true;
    ask(&b);
    cr_expect_eq(rig->dial.idle_count, 1);
    cr_expect_not(b.call.is_sent);
    int other = peer_accept();
    peer_read(other);
    cr_expect(b.call.is_sent);
    close(other);
    until_over(&b);
    cr_expect_eq(b.failures, 1, "and it is not asked again");
    close(fd);
    rig_end();
}

/* The loop sees that an idle connection is closed; or the question goes out first. */
Test(dial, over_tcp_asks_anew_where_the_connection_was_closed_meanwhile)
{
    for (unsigned way = 0; way < 3; way++) {
        rig_start();
        struct asked a = asked_of(TRANSPORT_TCP), b = asked_of(TRANSPORT_TCP);
        ask(&a);
        int fd = peer_accept();
        peer_read(fd);
        peer_say(fd, "yes", 3);
        until_over(&a);
        cr_assert_eq(rig->dial.idle_count, 1);
        if (way == 0) { /* it reads the question, and closes without an answer */
            ask(&b);
            peer_read(fd);
            close(fd);
        } else if (way == 1) { /* it was closed before */
            peer_reset(fd);
            ask(&b);
        } else {
            close(fd);
            while (rig->dial.idle_count)
                turn();
            ask(&b);
        }
        fd = peer_accept();
        peer_read(fd);
        peer_say(fd, "yes", 3);
        until_over(&b);
        cr_expect_eq(b.messages, 1, "way %u: %s", way, b.reason);
        close(fd);
        rig_end();
    }
}

Test(dial, over_tcp_asks_anew_only_once)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP), b = asked_of(TRANSPORT_TCP);
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    peer_say(fd, "yes", 3);
    until_over(&a);
    close(fd);
    ask(&b);
    close(rig->tcp);
    until_over(&b);
    cr_expect_eq(b.failures, 1);
    rig->tcp = socket(AF_INET, SOCK_STREAM, 0);
    rig_end();
}

Test(dial, over_tcp_lets_idle_connections_go_after_a_while)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP);
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    peer_say(fd, "yes", 3);
    until_over(&a);
    int64_t begin_us = clock_mono_us();
    char byte;
    while (rig->dial.idle_count)
        turn();
    cr_expect_geq(clock_mono_us() - begin_us, DIAL_IDLE_US - 10000);
    cr_expect_eq(recv(fd, &byte, 1, 0), 0);
    close(fd);
    rig_end();
}

Test(dial, that_is_paused_reads_nothing_and_loses_nothing)
{
    enum { COUNT = 20 };
    rig_start();
    struct asked a = asked_of(TRANSPORT_TCP);
    a.wanted = COUNT;
    a.pauses = true;
    a.call.wait_us = 100000;
    ask(&a);
    int fd = peer_accept();
    peer_read(fd);
    for (unsigned i = 0; i < COUNT; i++)
        peer_say(fd, "0123456789", 10);
    for (unsigned i = 1; i <= COUNT; i++) {
        while (a.messages < i)
            turn();
        int64_t end_us = clock_mono_us() + (i == 2 ? 200000 : 1000);
        while (clock_mono_us() < end_us)
            ev_run(rig->ev, EVRUN_NOWAIT);
        cr_assert_eq(a.messages, i, "paused after each");
        cr_assert_eq(a.failures, 0, "and not timed out");
        if (i < COUNT)
            call_pause(rig->server, &a.call, false);
        cr_assert_eq(a.messages, i, "not from within call_pause()");
    }
    cr_expect(a.is_over);
    cr_expect_eq(a.bytes, 10 * COUNT);
    close(fd);
    rig_end();
}

Test(dial, keeps_only_so_many_idle_connections)
{
    rig_start();
    struct asked *a = mem_alloc_zero((DIAL_IDLE_MAX + 1) * sizeof(*a));
    int fd[DIAL_IDLE_MAX + 1];
    calls_configure(rig->server, DIAL_IDLE_MAX + 1, DIAL_IDLE_MAX + 1);
    for (unsigned i = 0; i <= DIAL_IDLE_MAX; i++) {
        a[i] = asked_of(TRANSPORT_TCP);
        ask(&a[i]);
        fd[i] = peer_accept();
        peer_read(fd[i]);
    }
    for (unsigned i = 0; i <= DIAL_IDLE_MAX; i++) {
        peer_say(fd[i], "yes", 3);
        until_over(&a[i]);
    }
    cr_expect_eq(rig->dial.idle_count, DIAL_IDLE_MAX);
    for (unsigned i = 0; i <= DIAL_IDLE_MAX; i++)
        close(fd[i]);
    free(a);
    rig_end();
}

/* SPDX-License-Identifier: Apache-2.0
 * Questions to other servers: those over UDP, and what is the same for both transports. */
#include "rig.h"

static void udp_take(struct sockaddr_in *from)
{
    uint8_t got[64];
    socklen_t len = sizeof(*from);
    until_readable(rig->udp);
    cr_assert_eq(recvfrom(rig->udp, got, sizeof(got), 0, (struct sockaddr *)from, &len), 12);
    cr_expect_str_eq((const char *)got, "what is it?");
}

Test(dial, over_udp_takes_what_comes_until_the_call_ends)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_UDP);
    struct sockaddr_in from;
    a.wanted = 2;
    ask(&a);
    udp_take(&from);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(sendto(rig->udp, "answer", 6, 0, (struct sockaddr *)&from, sizeof(from)), 6);
    until_over(&a);
    cr_expect_eq(a.messages, 2);
    cr_expect_eq(memcmp(a.first, "answer", 6), 0);
    rig_end();
}

Test(dial, over_udp_hears_nobody_but_who_was_asked)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_UDP);
    struct sockaddr_in from;
    ask(&a);
    udp_take(&from);
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    (void)sendto(other, "forged", 6, 0, (struct sockaddr *)&from, sizeof(from));
    cr_assert_eq(sendto(rig->udp, "answer", 6, 0, (struct sockaddr *)&from, sizeof(from)), 6);
    until_over(&a);
    cr_expect_eq(a.messages, 1);
    cr_expect_eq(memcmp(a.first, "answer", 6), 0);
    close(other);
    rig_end();
}

Test(dial, over_udp_draws_a_port_for_each_call)
{
    rig_start();
    struct asked a[CALLS_MAX];
    in_port_t port[CALLS_MAX];
    unsigned ascending = 0;
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        struct sockaddr_in from;
        a[i] = asked_of(TRANSPORT_UDP);
        ask(&a[i]);
        udp_take(&from);
        port[i] = ntohs(from.sin_port);
        ascending += i && port[i] == port[i - 1] + 1;
    }
    cr_expect_lt(ascending, CALLS_MAX - 1);
    for (unsigned i = 0; i < CALLS_MAX; i++)
        call_end(rig->server, &a[i].call, true);
    rig_end();
}

Test(dial, over_udp_learns_that_nobody_listens)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_UDP);
    close(rig->udp);
    ask(&a);
    until_over(&a);
    cr_expect_eq(a.failures, 1);
    cr_expect_str_eq(a.reason, strerror(ECONNREFUSED));
    rig->udp = socket(AF_INET, SOCK_DGRAM, 0);
    rig_end();
}

Test(dial, gives_up_who_says_nothing)
{
    static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP};
    for (unsigned i = 0; i < 2; i++) {
        rig_start();
        struct asked a = asked_of(transports[i]);
        a.call.wait_us = 50000;
        int64_t begin_us = clock_mono_us();
        ask(&a);
        until_over(&a);
        cr_expect_geq(clock_mono_us() - begin_us, 50000);
        cr_expect_str_eq(a.reason, "no answer in 0.1 s");
        rig_end();
    }
}

Test(dial, asks_from_the_source_it_is_given)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_UDP), b = asked_of(TRANSPORT_TCP);
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    a.call.source.v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000005)};
    b.call.source = a.call.source;
    ask(&a);
    udp_take(&from);
    cr_expect_eq(from.sin_addr.s_addr, htonl(0x7f000005));
    ask(&b);
    int fd = accept(rig->tcp, (struct sockaddr *)&from, &len);
    cr_assert_geq(fd, 0);
    cr_expect_eq(from.sin_addr.s_addr, htonl(0x7f000005));
    call_end(rig->server, &a.call, false);
    call_end(rig->server, &b.call, false);
    close(fd);
    rig_end();
}

Test(dial, tells_from_the_loop_that_it_cannot_even_begin)
{
    rig_start();
    struct asked a = asked_of(TRANSPORT_UDP), b = asked_of(TRANSPORT_TCP);
    a.call.source.v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    b.call.source = a.call.source;
    ask(&a);
    ask(&b);
    until_over(&a);
    until_over(&b);
    cr_expect_not_null(strstr(a.reason, "source: "), "%s", a.reason);
    cr_expect_not_null(strstr(b.reason, "source: "), "%s", b.reason);
    rig_end();
}

Test(dial, is_over_at_once_when_the_call_is_ended_from_our_side)
{
    rig_start();
    struct asked udp = asked_of(TRANSPORT_UDP), tcp = asked_of(TRANSPORT_TCP);
    char byte;
    ask(&udp);
    ask(&tcp);
    int fd = peer_accept();
    call_end(rig->server, &udp.call, false);
    call_end(rig->server, &tcp.call, true);
    cr_expect_eq(recv(fd, &byte, 1, 0), 0, "not connected yet: not kept");
    cr_expect(list_is_empty(&rig->dial.busy));
    cr_expect_eq(rig->dial.idle_count, 0);
    close(fd);
    rig_end();
}

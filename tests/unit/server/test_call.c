/* SPDX-License-Identifier: Apache-2.0
 * The queue of questions to other servers: order, limits, fairness, and when who is told. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "server/server_int.h"
#include "unit.h"

#define DESK_MAX 12000

/* A server of which only the queue is used, and what the reactor was asked for. */
struct desk {
    struct server *server;
    struct call *dialed[DESK_MAX]; /* in that order; what was hung up stays in it */
    unsigned dialed_count, hung_up, pauses;
    bool may_reuse; /* as the last hang_up() had it */
    unsigned messages, failures;
    char reason[32];
    struct call *again; /* is started anew when it fails */
    struct call *inner; /* is in call_start(): nothing may come to it */
};

static struct desk desk; /* callbacks have no other way to it */

static const uint8_t question[] = {1, 2, 3, 4};

static void on_dial(void *arg, struct call *c)
{
    struct desk *d = arg;
    cr_assert_eq(c->state, CALL_UNDER_WAY);
    cr_assert_eq(c->len, sizeof(question));
    cr_assert_eq(memcmp(c->bytes, question, sizeof(question)), 0);
    d->dialed[d->dialed_count++] = c;
}

static void on_pause(void *arg, struct call *c)
{
    (void)c;
    ((struct desk *)arg)->pauses++;
}

static void on_hang_up(void *arg, struct call *c, bool may_reuse)
{
    struct desk *d = arg;
    (void)c;
    d->hung_up++;
    d->may_reuse = may_reuse;
}

/* One byte is an answer and ends the call, two are strange. */
static enum call_verdict on_message(struct server *s, struct call *c, const uint8_t *bytes,
                                    size_t len)
{
    (void)bytes;
    desk.messages++;
    if (len == 1)
        call_end(s, c, true);
    return len == 2 ? CALL_STRANGE : CALL_HEARD;
}

static void on_failed(struct server *s, struct call *c, const char *reason)
{
    cr_assert_eq(c->state, CALL_OVER);
    cr_assert_neq(desk.inner, c, "not from within call_start()");
    desk.failures++;
    snprintf(desk.reason, sizeof(desk.reason), "%s", reason);
    if (desk.again == c)
        call_start(s, c, question, sizeof(question));
}

static const struct call_kind kind = {on_message, on_failed};

static void desk_start(unsigned tcp_max, unsigned tcp_per_host_max)
{
    desk = (struct desk){.server = mem_alloc_zero(sizeof(struct server))};
    desk.server->hooks = (struct server_hooks){
        .arg = &desk, .dial = on_dial, .dial_pause = on_pause, .hang_up = on_hang_up};
    calls_init(&desk.server->calls);
    calls_configure(desk.server, tcp_max, tcp_per_host_max);
}

/* To 192.0.2.host. */
static struct call to(unsigned host, enum transport transport)
{
    struct call c = {.kind = &kind, .wait_us = 1000000, .to = {.transport = transport}};
    c.to.address.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(0xc0000200u + host)};
    return c;
}

static void start(struct call *c)
{
    desk.inner = c;
    call_start(desk.server, c, question, sizeof(question));
    desk.inner = NULL;
}

static void desk_end(struct call *calls, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        call_end(desk.server, &calls[i], false);
    for (unsigned i = 0; i < CALLS_BUCKETS; i++)
        cr_expect(list_is_empty(&desk.server->calls.lanes[i]), "nothing is left behind");
    free(desk.server);
}

Test(call, is_dialed_at_once_while_there_is_room)
{
    desk_start(2, 2);
    struct call c[3] = {to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP)};
    for (unsigned i = 0; i < 3; i++)
        start(&c[i]);
    cr_expect_eq(desk.dialed_count, 2);
    cr_expect_eq(c[2].state, CALL_QUEUED);
    server_call_message(desk.server, &c[0], question, 1);
    cr_expect_eq(c[0].state, CALL_OVER);
    cr_expect(desk.may_reuse);
    cr_expect_eq(desk.dialed_count, 3, "the end of one is the start of the next");
    cr_expect_eq(c[2].state, CALL_UNDER_WAY);
    desk_end(c, 3);
}

Test(call, of_one_server_go_in_the_order_they_came)
{
    enum { COUNT = 6 };
    desk_start(1, 1);
    struct call c[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        c[i] = to(1, TRANSPORT_TCP);
        start(&c[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        cr_assert_eq(desk.dialed_count, i + 1);
        cr_assert_eq(desk.dialed[i], &c[i]);
        server_call_failed(desk.server, &c[i], "cut");
    }
    cr_expect_eq(desk.failures, COUNT);
    cr_expect_str_eq(desk.reason, "cut");
    desk_end(c, COUNT);
}

Test(call, to_one_server_leave_room_for_others)
{
    desk_start(16, 4);
    struct call c[10];
    for (unsigned i = 0; i < 10; i++) {
        c[i] = to(i < 8 ? 1 : 2, TRANSPORT_TCP);
        start(&c[i]);
    }
    cr_expect_eq(desk.dialed_count, 6);
    cr_expect_eq(desk.dialed[4], &c[8]);
    cr_expect_eq(desk.dialed[5], &c[9]);
    desk_end(c, 10);
}

/* 10,000 zones of dead primaries are before it; it waits for one time-out. */
Test(call, is_not_held_up_by_thousands_to_servers_that_are_dead)
{
    enum { DEAD = 10000 };
    desk_start(16, 4);
    struct call *c = mem_alloc_zero((DEAD + 1) * sizeof(*c));
    for (unsigned i = 0; i < DEAD; i++) {
        c[i] = to(i % 8, TRANSPORT_UDP);
        start(&c[i]);
    }
    cr_assert_eq(desk.dialed_count, CALLS_UDP_MAX);
    c[DEAD] = to(99, TRANSPORT_UDP);
    start(&c[DEAD]);
    unsigned failed = 0;
    while (c[DEAD].state == CALL_QUEUED) {
        cr_assert_lt(failed, 2 * 8, "its turn comes after one of each other server");
        server_call_failed(desk.server, desk.dialed[failed++], "no answer");
    }
    for (unsigned host = 0; host < 8; host++) {
        unsigned count = 0;
        for (unsigned i = 0; i < desk.dialed_count; i++)
            count += desk.dialed[i]->state == CALL_UNDER_WAY &&
                     desk.dialed[i]->to.address.v4.sin_addr.s_addr ==
                         c[host].to.address.v4.sin_addr.s_addr;
        cr_expect_leq(count, CALLS_UDP_PER_HOST_MAX);
    }
    calls_stop(&desk.server->calls);
    desk_end(c, DEAD + 1);
    free(c);
}

/* Ten thousand zones of a primary that cannot be reached go on to the next one at once. */
Test(call, fails_with_another_one_that_was_not_reached)
{
    enum { COUNT = 100 };
    static struct call dead[COUNT];
    desk_start(8, 2);
    for (unsigned i = 0; i < COUNT; i++) {
        dead[i] = to(1, TRANSPORT_TCP);
        start(&dead[i]);
    }
    struct call other = to(2, TRANSPORT_TCP), probe = to(1, TRANSPORT_UDP);
    start(&other);
    start(&probe);
    cr_assert_eq(desk.dialed_count, 4);
    server_call_failed(desk.server, &dead[0], "cut");
    cr_expect_eq(desk.failures, 1, "that it was cut says nothing of others");
    cr_assert_eq(desk.dialed_count, 5);
    dead[1].is_unreached = true;
    server_call_failed(desk.server, &dead[1], "no connection");
    cr_expect_eq(desk.failures, 2, "not from within");
    call_end(desk.server, &dead[50], false);
    unsigned turns = 0;
    for (; timers_next(&desk.server->timers) <= desk.server->now_us; turns++)
        (void)timers_run(&desk.server->timers, desk.server->now_us, 1, desk.server);
    cr_expect_eq(desk.failures, COUNT - 2, "all but the one under way and the one that was ended");
    cr_expect(strstr(desk.reason, "not reached for another"), "%s", desk.reason);
    cr_expect_geq(turns, COUNT / CALLS_GIVE_UP_SLICE);
    cr_expect(other.state == CALL_UNDER_WAY && probe.state == CALL_UNDER_WAY &&
              dead[2].state == CALL_UNDER_WAY);
    start(&dead[0]);
    cr_expect_eq(dead[0].state, CALL_UNDER_WAY, "the next one is tried");
    call_end(desk.server, &other, false);
    call_end(desk.server, &probe, false);
    timers_done(&desk.server->timers);
    desk_end(dead, COUNT);
}

/* UDP has no connection that fails: so many in a row without an answer say the same. */
Test(call, fails_with_many_others_that_had_no_answer)
{
    enum { COUNT = 4 * CALLS_SILENT_MAX };
    static struct call dead[COUNT];
    desk_start(8, 2);
    for (unsigned i = 0; i < COUNT; i++) {
        dead[i] = to(1, TRANSPORT_UDP);
        start(&dead[i]);
    }
    struct call other = to(2, TRANSPORT_UDP), stream = to(1, TRANSPORT_TCP);
    start(&other);
    start(&stream);
    unsigned at = 0;
    while (at < CALLS_SILENT_MAX - 1)
        server_call_failed(desk.server, &dead[at++], "no answer");
    server_call_message(desk.server, &dead[at++], question, 1); /* it lives */
    while (at < 2 * CALLS_SILENT_MAX - 1)
        server_call_failed(desk.server, &dead[at++], "no answer");
    cr_expect_eq(desk.server->count.calls_given_up, 0);
    server_call_failed(desk.server, &dead[at++], "no answer");
    unsigned given_up = COUNT - at - (CALLS_UDP_PER_HOST_MAX - 1); /* those are under way */
    cr_expect_eq(desk.server->count.calls_given_up, given_up);
    cr_expect_eq(desk.failures, at - 1, "not from within");
    for (unsigned turns = 0; turns <= COUNT / CALLS_GIVE_UP_SLICE; turns++)
        (void)timers_run(&desk.server->timers, desk.server->now_us, 1, desk.server);
    cr_expect_eq(desk.failures, at - 1 + given_up);
    cr_expect(other.state == CALL_UNDER_WAY && stream.state == CALL_UNDER_WAY &&
              dead[at].state == CALL_UNDER_WAY);
    call_end(desk.server, &other, false);
    call_end(desk.server, &stream, false);
    timers_done(&desk.server->timers);
    desk_end(dead, COUNT);
}

Test(call, that_is_urgent_waits_for_none_that_is_not)
{
    desk_start(2, 1);
    struct call c[4] = {to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP),
                        to(1, TRANSPORT_TCP)};
    c[3].is_urgent = true;
    for (unsigned i = 0; i < 4; i++)
        start(&c[i]);
    cr_assert_eq(desk.dialed_count, 2);
    cr_expect_eq(desk.dialed[1], &c[3]);
    call_end(desk.server, &c[3], false);
    cr_expect_eq(desk.dialed_count, 2, "it has not taken the room of others");
    desk_end(c, 4);
}

Test(call, that_is_urgent_has_a_limit_too)
{
    enum { COUNT = CALLS_URGENT_PER_HOST_MAX + 1 };
    desk_start(1, 1);
    struct call c[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        c[i] = to(1, TRANSPORT_UDP);
        c[i].is_urgent = true;
        start(&c[i]);
    }
    cr_expect_eq(desk.dialed_count, CALLS_URGENT_PER_HOST_MAX);
    desk_end(c, COUNT);
}

/* What is urgent is tried by itself, whatever became of others: over TCP none was reached, over UDP
 * so many in a row had no answer. */
Test(call, that_is_urgent_is_not_given_up_for_others)
{
    enum { COUNT = 3 * CALLS_SILENT_MAX };
    static struct call c[COUNT];
    desk_start(1, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        c[i] = to(1, i % 2 ? TRANSPORT_UDP : TRANSPORT_TCP);
        c[i].is_urgent = true;
        start(&c[i]);
    }
    for (unsigned i = 0; i < CALLS_SILENT_MAX + 10; i++) {
        c[i].is_unreached = c[i].to.transport == TRANSPORT_TCP;
        server_call_failed(desk.server, &c[i], "no answer");
    }
    cr_expect_eq(desk.server->count.calls_given_up, 0);
    cr_expect_eq(desk.failures, CALLS_SILENT_MAX + 10);
    cr_expect_eq(desk.dialed_count, CALLS_SILENT_MAX + 10 + CALLS_URGENT_PER_HOST_MAX);
    desk_end(c, COUNT);
}

/* One under way is in the way of those of its own lane, or of any where the class is full. */
Test(call, is_in_the_way_where_another_one_waits_for_its_place)
{
    desk_start(3, 1);
    struct call c[3] = {to(1, TRANSPORT_TCP), to(2, TRANSPORT_TCP), to(2, TRANSPORT_TCP)};
    for (unsigned i = 0; i < 3; i++)
        start(&c[i]);
    cr_expect_not(call_is_in_the_way(desk.server, &c[0]), "there is room in the class");
    cr_expect(call_is_in_the_way(desk.server, &c[1]));
    cr_expect_not(call_is_in_the_way(desk.server, &c[2]), "it waits itself");
    desk_end(c, 3);
}

Test(call, may_be_ended_before_it_has_begun_and_twice)
{
    desk_start(1, 1);
    struct call c[2] = {to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP)};
    start(&c[0]);
    start(&c[1]);
    call_end(desk.server, &c[1], false);
    call_end(desk.server, &c[1], false);
    cr_expect_eq(desk.hung_up, 0, "nobody was rung up");
    call_end(desk.server, &c[0], false);
    cr_expect_eq(desk.hung_up, 1);
    cr_expect_eq(desk.dialed_count, 1);
    cr_expect_eq(desk.failures, 0);
    desk_end(c, 2);
}

Test(call, that_failed_may_be_started_anew_and_goes_to_the_end)
{
    desk_start(1, 1);
    struct call c[3] = {to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP)};
    for (unsigned i = 0; i < 3; i++)
        start(&c[i]);
    desk.again = &c[0];
    server_call_failed(desk.server, &c[0], "cut");
    cr_expect_eq(c[0].state, CALL_QUEUED);
    cr_assert_eq(desk.dialed_count, 2);
    cr_expect_eq(desk.dialed[1], &c[1]);
    desk.again = NULL;
    desk_end(c, 3);
}

Test(call, that_is_paused_tells_the_reactor_once)
{
    desk_start(1, 1);
    struct call c[2] = {to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP)};
    start(&c[0]);
    start(&c[1]);
    call_pause(desk.server, &c[0], true);
    call_pause(desk.server, &c[0], true);
    cr_expect_eq(desk.pauses, 1);
    call_pause(desk.server, &c[1], true);
    cr_expect_eq(desk.pauses, 1, "it has no channel yet");
    call_pause(desk.server, &c[0], false);
    cr_expect_eq(desk.pauses, 2);
    desk_end(c, 2);
    call_pause(desk.server, &c[0], true);
}

Test(call, limits_may_change_while_calls_wait)
{
    enum { COUNT = 8 };
    desk_start(1, 1);
    struct call c[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        c[i] = to(1, TRANSPORT_TCP);
        start(&c[i]);
    }
    cr_expect_eq(desk.dialed_count, 1);
    calls_configure(desk.server, 4, 3);
    cr_expect_eq(desk.dialed_count, 3, "at once: the one under way may last for hours");
    server_call_failed(desk.server, &c[0], "cut");
    cr_expect_eq(desk.dialed_count, 4, "three of them under way");
    calls_configure(desk.server, 1, 1);
    server_call_failed(desk.server, &c[1], "cut");
    cr_expect_eq(desk.dialed_count, 4);
    desk_end(c, COUNT);
}

Test(call, none_begins_when_the_server_ends)
{
    desk_start(1, 1);
    struct call c[2] = {to(1, TRANSPORT_TCP), to(1, TRANSPORT_TCP)};
    start(&c[0]);
    start(&c[1]);
    calls_stop(&desk.server->calls);
    call_end(desk.server, &c[0], false);
    cr_expect_eq(desk.dialed_count, 1);
    desk_end(c, 2);
}

Test(call, goes_on_when_what_comes_is_no_answer)
{
    desk_start(2, 2);
    struct call c = to(1, TRANSPORT_UDP);
    start(&c);
    for (unsigned i = 1; i <= 100; i++) {
        server_call_message(desk.server, &c, question, 2);
        cr_assert_eq(c.state, CALL_UNDER_WAY);
        cr_assert_eq(desk.server->count.replies_ignored, i);
    }
    server_call_message(desk.server, &c, question, 1);
    cr_expect_eq(c.state, CALL_OVER);
    cr_expect_eq(desk.server->count.replies_ignored, 100);
    desk_end(&c, 1);
}

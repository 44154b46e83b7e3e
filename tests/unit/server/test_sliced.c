/* SPDX-License-Identifier: Apache-2.0
 * Updates that are too large for one turn: what is asked and sent in between, and what ends them
 * before their time. */
#include "disk.h"

enum { RECORDS = 2500 };

static const char none[] =
    "  a.example: {file: a, updates: [{unsigned: yes, from: [192.0.2.1], all: yes}]}\n";

static struct disk start(void)
{
    struct disk d = disk_new();
    bed_start(d.bed, "", DISK_A DISK_B);
    disk_rest(d.bed);
    return d;
}

/* So many names of a.example get an address. */
static size_t message(uint8_t *wire, unsigned first)
{
    static const uint8_t head[] = {0x12, 0x36,         0x28,          0, 0, 1, 0,
                                   0,    RECORDS >> 8, RECORDS & 255, 0, 0};
    struct wr w = wr_over(wire, DNS_MESSAGE_MAX);
    wr_bytes(&w, head, sizeof(head));
    bed_name(&w, "a.example.");
    wr_u16(&w, TYPE_SOA);
    wr_u16(&w, CLASS_IN);
    for (unsigned i = 0; i < RECORDS; i++) {
        char label[16];
        int len = snprintf(label, sizeof(label), "h%u", first + i);
        wr_u8(&w, (uint8_t)len);
        wr_bytes(&w, label, (size_t)len);
        wr_u16(&w, 0xC000 | sizeof(head)); /* the zone's name */
        wr_u16(&w, TYPE_A);
        wr_u16(&w, CLASS_IN);
        wr_u32(&w, 60);
        wr_u16(&w, 4);
        wr_u32(&w, 0xC0000201);
    }
    cr_assert_not(w.bad);
    return wr_len(&w);
}

/* It is sent, and has begun; the message is gone, as it is in the reactor. */
static void begin(struct bed *b)
{
    uint8_t *wire = mem_alloc(DNS_MESSAGE_MAX), *out = mem_alloc(DNS_MESSAGE_MAX);
    struct exchange x = {.in = wire, .out = out};
    x.in_len = message(wire, 0);
    x.peer.transport = TRANSPORT_TCP;
    x.peer.address.v4.sin_family = AF_INET;
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert(x.is_waiting);
    free(wire);
    free(out);
    server_turn(b->server);
    cr_assert(b->server->updates.sliced == 1 && disk_zone(b, "a.example.")->changing);
}

static void turn(struct bed *b)
{
    (void)server_collect(b->server, b->now_us);
    server_turn(b->server);
}

static unsigned first_and_last(struct bed *b)
{
    unsigned first = disk_ask(b, "h0.a.example."), last = disk_ask(b, "h2499.a.example.");
    return (first == NOERROR ? 1u : 0u) + (last == NOERROR ? 1u : 0u);
}

/* Rcodes of the answers since `told`, in their order. */
static void expect_late(const struct bed *b, unsigned told, unsigned count, const unsigned *rcodes)
{
    cr_assert_eq(b->late_count, told + count, "%u answers", b->late_count - told);
    for (unsigned i = 0; i < count; i++)
        cr_expect_eq(b->late[told + i], rcodes[i], "answer %u is %u", i, b->late[told + i]);
}

Test(sliced, updates_show_when_they_are_durable_and_then_whole)
{
    struct disk d = start();
    struct bed *b = d.bed;
    unsigned turns = 0;
    begin(b);
    for (; b->server->updates.sliced; turns++) {
        cr_expect_eq(first_and_last(b), 0);
        cr_expect_eq(bed_serial(b, "a.example."), 1);
        turn(b);
    }
    cr_expect_gt(turns, 10, "it took more than one turn");
    disk_rest(b);
    expect_late(b, 0, 1, (unsigned[]){NOERROR});
    cr_expect_eq(first_and_last(b), 2);
    cr_expect_eq(bed_serial(b, "a.example."), 2, "one step of the serial");
    cr_expect_eq(server_counters(b->server)->updates_done, 1);
    disk_restart(b, "", DISK_A DISK_B);
    cr_expect_eq(first_and_last(b), 2);
    cr_expect_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_free(&d);
}

Test(sliced, updates_have_those_behind_them_wait_and_no_other_zone)
{
    struct disk d = start();
    struct bed *b = d.bed;
    begin(b);
    /* taken away again, by one that comes behind it */
    disk_send(b, &(struct bed_change){"a.example.", "h0.a.example.", CLASS_ANY, TYPE_A, 0, NULL});
    disk_send_add(b, "b.example.", "x.b.example.");
    (void)update_turn(b->server);
    (void)commit_turn(b->server);
    while (b->server->commit.is_busy) {
        disk_look_up(b);
        commit_collect(b->server);
    }
    (void)commit_turn(b->server);
    expect_late(b, 0, 1, (unsigned[]){NOERROR});
    cr_expect_eq(disk_ask(b, "x.b.example."), NOERROR);
    cr_expect_eq(b->server->updates.sliced, 1, "not a slice later");
    disk_rest(b);
    cr_expect_eq(first_and_last(b), 1, "both, in the order they came");
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_free(&d);
}

Test(sliced, updates_that_the_log_does_not_take_leave_nothing)
{
    struct disk d = start();
    struct bed *b = d.bed;
    begin(b);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    disk_rest(b);
    expect_late(b, 0, 1, (unsigned[]){SERVFAIL});
    cr_expect_eq(first_and_last(b), 0);
    disk_recover(&d);
    begin(b);
    disk_rest(b);
    cr_expect_eq(first_and_last(b), 2);
    disk_free(&d);
}

/* What it was begun on is taken back. */
Test(sliced, updates_go_with_the_tip_that_they_are_for)
{
    struct disk d = start();
    struct bed *b = d.bed;
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_until_committed(b);
    begin(b);
    disk_rest(b);
    expect_late(b, 0, 2, (unsigned[]){SERVFAIL, SERVFAIL});
    cr_expect_eq(b->server->updates.sliced, 0);
    disk_recover(&d);
    cr_expect_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    cr_expect_eq(first_and_last(b), 0);
    disk_free(&d);
}

/* Some of its records are in the txn already. */
static void until_some_is_done(struct bed *b)
{
    struct changing *c = disk_zone(b, "a.example.")->changing;
    while (!txn_is_touched(c->txn)) {
        turn(b);
        cr_assert_eq(b->server->updates.sliced, 1);
    }
}

Test(sliced, updates_follow_rules_that_are_new_meanwhile)
{
    struct disk d = start();
    struct bed *b = d.bed;
    begin(b);
    until_some_is_done(b);
    bed_reload(b, "", none);
    disk_rest(b);
    expect_late(b, 0, 1, (unsigned[]){REFUSED});
    cr_expect_eq(first_and_last(b), 0);
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    begin(b);
    until_some_is_done(b);
    bed_reload(b, "", DISK_A DISK_B); /* the same: it begins anew */
    disk_rest(b);
    expect_late(b, 1, 1, (unsigned[]){NOERROR});
    cr_expect_eq(first_and_last(b), 2);
    disk_free(&d);
}

Test(sliced, updates_end_with_their_zone_and_with_the_server)
{
    struct disk d = start();
    struct bed *b = d.bed;
    begin(b);
    turn(b);
    bed_reload(b, "", DISK_B);
    disk_rest(b);
    expect_late(b, 0, 1, (unsigned[]){SERVFAIL});
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    begin(b);
    cr_expect(server_flush(b->server, 20000000), "what has come in is done before the end");
    expect_late(b, 1, 1, (unsigned[]){NOERROR});
    cr_expect_eq(disk_add(b, "a.example.", "h0.a.example."), NOERROR);
    uint8_t *wire = mem_alloc(DNS_MESSAGE_MAX), *out = mem_alloc(DNS_MESSAGE_MAX);
    struct exchange x = {.in = wire, .out = out};
    x.in_len = message(wire, 7000);
    x.peer.transport = TRANSPORT_TCP;
    server_handle(b->server, &x, 1, b->now_us);
    server_turn(b->server);
    cr_expect_eq(b->server->updates.sliced, 1);
    disk_restart(b, "", DISK_A DISK_B); /* as at once */
    cr_expect_eq(first_and_last(b), 2);
    cr_expect_eq(disk_ask(b, "h7001.a.example."), NXDOMAIN);
    free(wire);
    free(out);
    disk_free(&d);
}

Test(sliced, updates_of_a_zone_that_is_frozen_meanwhile_are_refused)
{
    struct disk d = start();
    struct bed *b = d.bed;
    begin(b);
    disk_zone(b, "a.example.")->is_frozen = true;
    disk_rest(b);
    expect_late(b, 0, 1, (unsigned[]){REFUSED});
    cr_expect_eq(first_and_last(b), 0);
    disk_free(&d);
}

/* More than may be at once: the last ones are run as they come. */
Test(sliced, updates_are_not_without_number)
{
    struct disk d = start();
    struct bed *b = d.bed;
    b->server->updates.sliced = 64;
    uint8_t *wire = mem_alloc(DNS_MESSAGE_MAX);
    bed_ask(b, TRANSPORT_TCP, wire, message(wire, 0));
    cr_expect_eq(bed_rcode(b), NOERROR);
    cr_expect_eq(first_and_last(b), 2);
    b->server->updates.sliced = 0;
    free(wire);
    disk_free(&d);
}

/* A client that sends one behind the other has them run in that order. */
Test(sliced, updates_that_waited_run_before_those_that_came_later)
{
    struct disk d = start();
    struct bed *b = d.bed;
    begin(b);
    disk_send_add(b, "a.example.", "x.a.example.");
    (void)update_turn(b->server); /* it waits for the large one */
    disk_send(b, &(struct bed_change){"a.example.", "x.a.example.", CLASS_ANY, TYPE_A, 0, NULL});
    while (!list_is_empty(&b->server->changing)) {
        b->server->changing_steps = 0;
        changing_turn(b->server);
    }
    disk_rest(b);
    expect_late(b, 0, 3, (unsigned[]){NOERROR, NOERROR, NOERROR});
    cr_expect_eq(disk_ask(b, "x.a.example."), NXDOMAIN);
    cr_expect_eq(bed_serial(b, "a.example."), 4);
    disk_free(&d);
}

/* However many clients there are: each of these is another one. */
Test(sliced, updates_that_wait_take_no_more_than_so_much_memory)
{
    enum { QUEUE_LEN = 16 << 20, CLIENTS = 600 };
    struct disk d = start();
    struct bed *b = d.bed;
    uint8_t *wire = mem_alloc(DNS_MESSAGE_MAX), *out = mem_alloc(DNS_MESSAGE_MAX);
    size_t len = message(wire, 0), taken = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct exchange x = {.in = wire, .in_len = len, .out = out};
        x.peer.transport = TRANSPORT_TCP;
        x.peer.address.v4.sin_family = AF_INET;
        x.peer.address.v4.sin_addr.s_addr = htonl(0x0A000001u + i);
        server_handle(b->server, &x, 1, b->now_us);
        taken += x.is_waiting;
    }
    cr_expect_eq(taken, QUEUE_LEN / len, "%zu of %zu bytes", taken, len);
    cr_expect_eq(server_counters(b->server)->updates_over_pending, CLIENTS - taken);
    free(wire);
    free(out);
    disk_free(&d);
}

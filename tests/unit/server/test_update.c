/* SPDX-License-Identifier: Apache-2.0
 * Updates through the server: what is acknowledged is durable, what is durable is served, and the
 * zone file's news join it. */
#include "bed.h"

#define OPEN_ZONE "  a.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes}]}\n"

static struct bed *open_bed(void)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP "www A 192.0.2.1\n", 1);
    bed_start(b, "", OPEN_ZONE);
    bed_settle(b);
    return b;
}

static unsigned add(struct bed *b, const char *owner, const char *address)
{
    return bed_update(b, &(struct bed_change){"a.example.", owner, CLASS_IN, TYPE_A, 60, address});
}

static unsigned ask(struct bed *b, const char *name)
{
    uint8_t wire[512];
    bed_ask(b, TRANSPORT_TCP, wire, bed_query(wire, name, TYPE_A));
    return bed_rcode(b);
}

static unsigned answer_count(const struct bed *b)
{
    return get_u16(b->out + 6);
}

/* As after kill -9 that came between two turns: nothing is told to anybody. */
static void restart(struct bed *b, const char *zones)
{
    server_free(b->server);
    bed_start(b, "", zones);
    bed_settle(b);
}

Test(updates, are_served_and_move_the_serial_by_one_each)
{
    struct bed *b = open_bed();
    cr_expect_eq(bed_serial(b, "a.example."), 1);
    cr_expect_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    cr_expect_eq(ask(b, "x.a.example."), NOERROR);
    cr_expect_eq(answer_count(b), 1);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    cr_expect_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR, "there already");
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    cr_expect_eq(add(b, "y.a.example.", "192.0.2.8"), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    cr_expect_eq(server_counters(b->server)->updates_done, 2);
    cr_expect_eq(server_counters(b->server)->updates_unchanged, 1);
    bed_free(b);
}

Test(updates, survive_a_restart)
{
    struct bed *b = open_bed();
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof(name), "h%d.a.example.", i);
        cr_assert_eq(add(b, name, "192.0.2.9"), NOERROR);
    }
    restart(b, OPEN_ZONE);
    cr_expect_eq(bed_serial(b, "a.example."), 21);
    cr_expect_eq(ask(b, "h0.a.example."), NOERROR);
    cr_expect_eq(ask(b, "h19.a.example."), NOERROR);
    cr_expect_eq(ask(b, "www.a.example."), NOERROR);
    cr_expect_eq(ask(b, "h20.a.example."), NXDOMAIN);
    cr_expect_eq(add(b, "h20.a.example.", "192.0.2.9"), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 22);
    bed_free(b);
}

Test(updates, stay_when_the_zone_file_changes)
{
    struct bed *b = open_bed();
    cr_assert_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    bed_file(b, "a", BED_TOP "www A 192.0.2.2\nmail A 192.0.2.3\n", 1);
    bed_reload(b, "", OPEN_ZONE);
    bed_settle(b);
    bed_commit(b);
    cr_expect_eq(ask(b, "mail.a.example."), NOERROR, "from the file");
    cr_expect_eq(ask(b, "x.a.example."), NOERROR, "from the update");
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    bed_file(b, "a", BED_TOP "mail A 192.0.2.3\n", 1);
    restart(b, OPEN_ZONE);
    bed_commit(b);
    cr_expect_eq(ask(b, "www.a.example."), NXDOMAIN, "gone from the file while we were down");
    cr_expect_eq(ask(b, "x.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 4);
    bed_free(b);
}

Test(updates, of_a_zone_without_updates_are_refused)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP, 1);
    bed_start(b, "", "  a.example: {file: a}\n");
    bed_settle(b);
    cr_expect_eq(add(b, "x.a.example.", "192.0.2.7"), REFUSED);
    cr_expect_eq(bed_update(b, &(struct bed_change){"b.example.", "x.b.example.", CLASS_IN, TYPE_A,
                                                    60, "192.0.2.7"}),
                 NOTAUTH);
    const struct refusal *newest = refused_at(&b->server->refused, 0);
    cr_assert_not_null(newest);
    cr_expect_eq(newest->rcode, NOTAUTH);
    cr_expect_eq(refused_at(&b->server->refused, 1)->rcode, REFUSED);
    cr_expect_null(refused_at(&b->server->refused, 2));
    bed_free(b);
}

Test(updates, of_a_zone_without_a_file_are_all_there_is)
{
    static const char zones[] = "  a.example: {soa: {ns: [ns.example.net.]}, "
                                "updates: [{unsigned: yes, all: yes}]}\n";
    struct bed *b = bed_new();
    bed_start(b, "", zones);
    bed_settle(b);
    int64_t serial = bed_serial(b, "a.example.");
    cr_assert_gt(serial, 0);
    cr_expect_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), serial + 1);
    restart(b, zones);
    cr_expect_eq(ask(b, "x.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), serial + 1);
    bed_free(b);
}

Test(updates, of_a_zone_that_is_removed_come_back_with_it)
{
    struct bed *b = open_bed();
    cr_assert_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    bed_reload(b, "", "  b.example: {file: a}\n");
    bed_settle(b);
    cr_expect_eq(ask(b, "x.a.example."), REFUSED);
    bed_reload(b, "", OPEN_ZONE);
    bed_settle(b);
    cr_expect_eq(ask(b, "x.a.example."), NOERROR);
    bed_free(b);
}

/* --- what grants cover, in a zone that takes many turns to count --- */

#define COUNTED_NAMES 5000

static void counted_file(struct bed *b)
{
    const size_t cap = COUNTED_NAMES * 32 + 256;
    char *text = mem_alloc(cap);
    size_t len = (size_t)snprintf(text, cap, BED_TOP, 1u);
    for (unsigned i = 0; i < COUNTED_NAMES; i++)
        len += (size_t)snprintf(text + len, cap - len, "h%u A 192.0.2.1\n", i);
    bed_file(b, "a", "%s", text);
    free(text);
}

static struct bed *counted_bed(void)
{
    struct bed *b = bed_new();
    counted_file(b);
    /* two more than there are */
    bed_start(
        b, "",
        "  a.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes, types: [A], "
        "max-records: 5002}, {unsigned: yes, all: yes}]}\n");
    bed_settle(b);
    return b;
}

Test(updates, wait_while_what_a_grant_covers_is_counted)
{
    struct bed *b = counted_bed();
    const struct grant *g = b->server->conf->zones[0].grants;
    cr_assert_not(g->counted->tip.is_counted);
    cr_expect_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    cr_expect(g->counted->tip.is_counted);
    cr_expect_eq(g->counted->tip.records, COUNTED_NAMES + 1);
    cr_expect_eq(add(b, "y.a.example.", "192.0.2.7"), NOERROR);
    cr_expect_eq(add(b, "z.a.example.", "192.0.2.7"), REFUSED);
    cr_expect_eq(g->counted->published.records, COUNTED_NAMES + 2);
    bed_free(b);
}

Test(updates, are_counted_anew_when_the_zone_is)
{
    struct bed *b = counted_bed();
    cr_expect_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    cr_expect_eq(add(b, "y.a.example.", "192.0.2.7"), NOERROR);
    restart(b,
            "  a.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes, types: [A], "
            "max-records: 5003}, {unsigned: yes, all: yes}]}\n");
    cr_expect_eq(add(b, "z.a.example.", "192.0.2.7"), NOERROR);
    cr_expect_eq(add(b, "q.a.example.", "192.0.2.7"), REFUSED);
    bed_free(b);
}

/* What the answer says of them is asked of the configuration when it is written: one without
 * cookies has no secret to make them with. */
Test(updates, have_no_cookie_in_their_answer_when_there_are_none_any_more)
{
    struct bed *b = open_bed();
    struct bed_change c = {"a.example.", "x.a.example.", CLASS_IN, TYPE_A, 60, "192.0.2.7"};
    uint8_t wire[512];
    size_t len = bed_update_message(wire, sizeof(wire), &c);
    put_u16(wire + 10, 1);
    memcpy(wire + len,
           "\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08"
           "client..",
           23);
    struct exchange x = {.in = wire, .in_len = len + 23, .out = b->out};
    x.peer.transport = TRANSPORT_TCP;
    x.peer.address.v4.sin_family = AF_INET;
    server_handle(b->server, &x, 1, b->now_us);
    server_turn(b->server);
    cr_assert_eq(b->waiting, 1, "it waits for the log");
    bed_reload(b, ", cookies: no", OPEN_ZONE);
    bed_commit(b);
    cr_expect_eq(bed_rcode(b), NOERROR);
    cr_expect_eq(get_u16(b->out + b->out_len - 2), 0, "an OPT without options");
    bed_free(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * Floods of what is refused, and of updates: bounded for each source, and nobody else's trouble. */
#include "flood.h"

#include "edns/edns.h"

#define KEYS \
    "}\nkeys: {k: {secret: c2VjcmV0LXNlY3JldC1zZWNyZXQ=}, other: {secret: b3RoZXIub3RoZXIu}"
#define ZONES                                                                \
    "  a.example: {file: a, protect: none, updates: [{key: k, all: yes}]}\n" \
    "  open.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes}]}\n"

static struct bed *guarded(const char *settings)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP "www A 192.0.2.1\n", 1);
    char text[400];
    snprintf(text, sizeof(text), "%s%s", settings, KEYS);
    bed_start(b, text, ZONES);
    bed_settle(b);
    return b;
}

static size_t update_of(uint8_t wire[4096], const char *zone, const char *owner)
{
    struct bed_change c = {zone, owner, CLASS_IN, TYPE_A, 60, "192.0.2.7"};
    return bed_update_message(wire, 4096, &c);
}

static size_t notify_of(uint8_t wire[4096], const char *zone)
{
    size_t len = bed_query(wire, zone, TYPE_SOA);
    wire[2] = OPCODE_NOTIFY << 3 | 0x04;
    return len;
}

/* Signs it with that key of the server's. */
static size_t sign(struct bed *b, const char *key, uint8_t *wire, size_t len)
{
    struct tsig_session session = {0};
    struct name_buf name;
    cr_assert_eq(name_scan(key, strlen(key), NAME_ROOT, &name, NULL), OK);
    struct tsig_key *found = keyring_find(b->server->keyring, name_of(&name));
    cr_assert_not_null(found);
    tsig_session_start(&session, found);
    tsig_sign(&session, wire, &len, b->now_us);
    tsig_session_done(&session);
    return len;
}

struct tally {
    unsigned by_rcode[16], truncated, silent;
};

static struct tally flood(struct bed *b, const char *from, enum transport transport,
                          const uint8_t *wire, size_t len, unsigned times)
{
    struct tally t = {0};
    while (times-- > 0) {
        if (flood_ask(b, from, transport, wire, len) == 0)
            t.silent++;
        else if (flood_is_truncated(b))
            t.truncated++;
        else
            t.by_rcode[bed_rcode(b)]++;
    }
    return t;
}

Test(guard, refused_updates_are_turned_away_at_the_limit)
{
    struct bed *b = guarded("");
    uint8_t wire[4096];
    size_t len = update_of(wire, "a.example", "x.a.example");
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 1000);
    const struct counters *c = server_counters(b->server);
    cr_expect_eq(t.by_rcode[REFUSED], 100);
    cr_expect_eq(t.truncated, 450);
    cr_expect_eq(t.silent, 450);
    cr_expect_eq(c->turned_away, 900);
    cr_expect_eq(c->updates, 100, "not queued");
    t = flood(b, "192.0.2.200", TRANSPORT_UDP, wire, len, 10);
    cr_expect_eq(t.by_rcode[REFUSED], 0, "of the same network");
    t = flood(b, "192.0.2.1", TRANSPORT_TCP, wire, len, 200);
    cr_expect_eq(t.by_rcode[REFUSED], 200, "in either way");
    cr_expect_eq(c->updates, 200, "TCP is counted for itself");
    t = flood(b, "192.0.3.1", TRANSPORT_UDP, wire, len, 10);
    cr_expect_eq(t.by_rcode[REFUSED], 10);
    b->now_us += 11000000;
    t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 10);
    cr_expect_eq(t.by_rcode[REFUSED], 10, "when it has kept quiet");
    bed_free(b);
}

Test(guard, a_source_that_is_turned_away_may_ask_and_others_may_update)
{
    struct bed *b = guarded("");
    uint8_t wire[4096];
    size_t len = update_of(wire, "a.example", "x.a.example");
    (void)flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 1000);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.a.example", TYPE_A, 100), 100);
    len = sign(b, "k", wire, len);
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_TCP, wire, len, 1);
    cr_expect_eq(t.by_rcode[NOERROR], 1, "the key's owner, over TCP");
    t = flood(b, "192.0.9.1", TRANSPORT_UDP, wire, len, 1);
    cr_expect_eq(t.by_rcode[NOERROR], 1);
    bed_free(b);
}

Test(guard, wrong_signatures_are_not_looked_at_beyond_the_limit)
{
    struct bed *b = guarded("");
    uint8_t wire[4096];
    const struct counters *c = server_counters(b->server);
    size_t len = sign(b, "k", wire, bed_query(wire, "www.a.example", TYPE_A));
    wire[len - 10] ^= 1;
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 1000);
    cr_expect_eq(t.by_rcode[NOTAUTH], 100);
    cr_expect_eq(c->tsig_badsig, 100);
    t = flood(b, "192.0.2.1", TRANSPORT_TCP, wire, len, 1000);
    cr_expect_eq(t.by_rcode[NOTAUTH], 100);
    cr_expect_eq(t.by_rcode[REFUSED], 900);
    cr_expect_eq(c->tsig_badsig, 200);
    cr_expect_eq(b->out_len, DNS_HEADER_LEN + 15 + 4, "the question, unsigned");
    wire[len - 10] ^= 1;
    t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 2);
    cr_expect_eq(t.truncated, 1, "a right one from there is sent to TCP");
    bed_free(b);
}

/* RFC 8914 s2, and RFC 6891 s7: an OPT is answered with one. */
Test(guard, over_tcp_who_sends_an_opt_is_told_why)
{
    struct bed *b = guarded("");
    uint8_t wire[4096];
    size_t len = update_of(wire, "a.example", "x.a.example");
    (void)flood(b, "192.0.2.1", TRANSPORT_TCP, wire, len, 200);
    cr_assert_eq(bed_rcode(b), REFUSED);
    cr_expect_eq(get_u16(b->out + 10), 0, "nothing for who sends none");
    put_u16(wire + 10, 1);
    memcpy(wire + len, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
    uint64_t before = server_counters(b->server)->turned_away;
    (void)flood(b, "192.0.2.1", TRANSPORT_TCP, wire, len + 11, 1);
    cr_expect_eq(server_counters(b->server)->turned_away, before + 1);
    cr_assert_eq(bed_rcode(b), REFUSED);
    struct message m;
    cr_assert(message_read_header(&m, b->out, b->out_len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_assert(m.opt_at && b->out_len > m.opt_at + 17);
    cr_expect_eq(get_u16(b->out + m.opt_at + 11), 15);
    cr_expect_eq(get_u16(b->out + m.opt_at + 15), EDE_PROHIBITED);
    wire[2] = 15 << 3; /* what cannot be read has that answer all the same */
    (void)flood(b, "192.0.2.1", TRANSPORT_TCP, wire, len + 5, 1);
    cr_expect_eq(bed_rcode(b), REFUSED);
    bed_free(b);
}

/* rrl.h: who signs with a key of ours is exempt, not who has a signature. */
Test(guard, wrong_signatures_are_no_way_round_rate_limits)
{
    struct bed *b =
        guarded(", limits: {refusals-per-source: 0}, rate-limit: {responses: 5, slip: 0}");
    uint8_t wire[4096];
    size_t len = sign(b, "k", wire, bed_query(wire, "www.a.example", TYPE_A));
    cr_expect_eq(flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 20).by_rcode[NOERROR], 20);
    wire[len - 10] ^= 1;
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 20);
    cr_expect_eq(t.by_rcode[NOTAUTH], 5);
    cr_expect_eq(t.silent, 15);
    bed_free(b);
}

Test(guard, a_burst_is_charged_in_full)
{
    struct bed *b = guarded(", limits: {refusals-per-source: 10}");
    uint8_t wire[4096];
    const struct counters *c = server_counters(b->server);
    size_t len = sign(b, "k", wire, bed_query(wire, "www.a.example", TYPE_A));
    wire[len - 10] ^= 1;
    for (unsigned i = 0; i < 60; i++, b->now_us += 1000000) /* a minute of it */
        (void)flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 1000);
    cr_expect_leq(c->tsig_badsig, 10 * 61);
    cr_expect_geq(c->tsig_badsig, 10 * 59);
    bed_free(b);
}

Test(guard, what_is_allowed_never_counts)
{
    struct bed *b = guarded(", limits: {refusals-per-source: 1}");
    uint8_t wire[4096];
    size_t len = sign(b, "k", wire, bed_query(wire, "www.a.example", TYPE_A));
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 500);
    cr_expect_eq(t.by_rcode[NOERROR], 500);
    len = sign(b, "k", wire, update_of(wire, "a.example", "x.a.example"));
    t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 50);
    cr_expect_eq(t.by_rcode[NOERROR], 50);
    cr_expect_eq(server_counters(b->server)->turned_away, 0);
    bed_free(b);
}

/* What a client of ours does wrong is told of, and its neighbours have no part in it. */
Test(guard, refusals_of_what_is_signed_rightly_do_not_count_either)
{
    struct bed *b = guarded(", limits: {refusals-per-source: 1}");
    uint8_t wire[4096];
    size_t len = sign(b, "other", wire, update_of(wire, "a.example", "x.a.example"));
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 300);
    cr_expect_eq(t.by_rcode[REFUSED], 300);
    cr_expect_eq(b->server->refused.count, 300);
    bed_free(b);
}

Test(guard, notifies_of_strangers_are_turned_away)
{
    struct bed *b = guarded("");
    uint8_t wire[4096];
    size_t len = notify_of(wire, "a.example");
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 1000);
    cr_expect_eq(t.by_rcode[REFUSED], 100);
    cr_expect_eq(server_counters(b->server)->notifies_in, 100);
    bed_free(b);
}

Test(guard, may_be_switched_off)
{
    struct bed *b = guarded(", limits: {refusals-per-source: 0}");
    uint8_t wire[4096];
    struct tally t = flood(b, "192.0.2.1", TRANSPORT_UDP, wire,
                           update_of(wire, "a.example", "x.a.example"), 1000);
    cr_expect_eq(t.by_rcode[REFUSED], 1000);
    bed_free(b);
}

Test(guard, one_source_does_not_fill_the_ring_of_refusals)
{
    struct bed *b = guarded("");
    uint8_t wire[4096];
    size_t len = update_of(wire, "a.example", "first.a.example");
    (void)flood(b, "192.0.3.1", TRANSPORT_UDP, wire, len, 1);
    len = update_of(wire, "a.example", "x.a.example");
    for (unsigned i = 0; i < 30; i++, b->now_us += 1000000)
        (void)flood(b, "192.0.2.1", TRANSPORT_UDP, wire, len, 1000);
    cr_expect_leq(b->server->refused.count, 1 + 20 + 60);
    cr_expect_geq(b->server->refused.count, 1 + 20 + 29);
    bed_free(b);
}

/* --- the queue of updates --- */

/* Without a turn of the loop: they wait. Gives how many were taken. */
static unsigned queue(struct bed *b, const char *from, enum transport transport, size_t extra,
                      unsigned times)
{
    uint8_t *wire = mem_alloc_zero(4096 + extra);
    size_t len = update_of(wire, "open.example", "x.open.example") + extra;
    struct exchange x = {.in = wire, .in_len = len, .out = b->out};
    unsigned taken = 0;
    x.peer.transport = transport;
    x.peer.address = flood_from(from);
    while (times-- > 0) {
        server_handle(b->server, &x, 1, b->now_us);
        taken += x.is_waiting;
    }
    free(wire);
    return taken;
}

/* However many updates there are, a turn is short. */
Test(update_queue, a_turn_runs_one_large_update_or_many_small_ones)
{
    enum { RECORDS = 1001 };
    struct bed *b = guarded("");
    uint8_t *wire = mem_alloc(16384);
    struct wr w = wr_over(wire, 16384);
    size_t head = update_of(wire, "a.example", "x.a.example");
    (void)wr_room(&w, head);
    for (unsigned i = 0; i < RECORDS; i++) { /* delete-rrset A of the apex */
        wr_u16(&w, 0xc000 | DNS_HEADER_LEN);
        wr_u16(&w, TYPE_A);
        wr_u16(&w, CLASS_ANY);
        wr_u32(&w, 0);
        wr_u16(&w, 0);
    }
    cr_assert_not(w.bad);
    put_u16(wire + 8, (uint16_t)(get_u16(wire + 8) + RECORDS));
    struct exchange x = {.in = wire, .in_len = wr_len(&w), .out = b->out, .channel = b};
    x.peer.transport = TRANSPORT_TCP;
    x.peer.address = flood_from("192.0.2.1");
    for (unsigned i = 0; i < 3; i++)
        server_handle(b->server, &x, 1, b->now_us);
    x.in_len = head;
    put_u16(wire + 8, (uint16_t)(get_u16(wire + 8) - RECORDS));
    for (unsigned i = 0; i < 3; i++)
        server_handle(b->server, &x, 1, b->now_us);
    static const unsigned left[] = {6, 5, 4, 3, 0};
    for (unsigned i = 0; i < ARRAY_LEN(left); i++) {
        cr_expect_eq(b->server->updates.count, left[i], "%u: %u", i, b->server->updates.count);
        server_turn(b->server);
    }
    free(wire);
    bed_commit(b);
    bed_free(b);
}

Test(update_queue, one_client_gets_a_share_when_it_is_half_full)
{
    struct bed *b = guarded(", limits: {update-pending: 800}");
    const struct counters *c = server_counters(b->server);
    cr_expect_eq(queue(b, "192.0.2.1", TRANSPORT_TCP, 0, 1000), 400, "half of it");
    cr_expect_eq(c->updates_over_share, 600);
    cr_expect_eq(queue(b, "192.0.2.2", TRANSPORT_TCP, 0, 1000), 100, "an eighth");
    cr_expect_eq(queue(b, "2001:db8::1", TRANSPORT_TCP, 0, 1000), 100);
    cr_expect_eq(queue(b, "2001:db8::2", TRANSPORT_TCP, 0, 1000), 0, "the same /64");
    cr_expect_eq(queue(b, "192.0.2.3", TRANSPORT_TCP, 0, 1), 1);
    cr_expect_eq(c->updates_over_pending, 0);
    bed_commit(b);
    cr_expect_eq(b->late[0], NOERROR);
    cr_expect_eq(b->server->updates.messages.used, 0);
    cr_expect_eq(b->server->updates.kib.used, 0);
    cr_expect_eq(b->server->updates.udp_count, 0);
    cr_expect_eq(queue(b, "192.0.2.1", TRANSPORT_TCP, 0, 100), 100, "all over");
    bed_commit(b);
    bed_free(b);
}

Test(update_queue, large_messages_count_for_what_they_take)
{
    struct bed *b = guarded("");
    unsigned taken = queue(b, "192.0.2.1", TRANSPORT_TCP, 60000, 1000);
    cr_expect(taken >= 130 && taken <= 150, "%u: half of 16 MiB", taken);
    taken = queue(b, "192.0.2.2", TRANSPORT_TCP, 60000, 1000);
    cr_expect(taken >= 30 && taken <= 35, "%u: an eighth of 16 MiB", taken);
    cr_expect_eq(queue(b, "192.0.2.3", TRANSPORT_TCP, 0, 1), 1);
    bed_commit(b);
    bed_free(b);
}

Test(update_queue, forged_sources_leave_room_for_tcp)
{
    struct bed *b = guarded(", limits: {update-pending: 800}");
    unsigned taken = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char from[32];
        snprintf(from, sizeof(from), "10.%u.%u.1", i / 250, i % 250);
        taken += queue(b, from, TRANSPORT_UDP, 0, 1);
    }
    cr_expect_eq(taken, 600);
    cr_expect_eq(queue(b, "192.0.2.1", TRANSPORT_TCP, 0, 50), 50);
    bed_commit(b);
    bed_free(b);
}

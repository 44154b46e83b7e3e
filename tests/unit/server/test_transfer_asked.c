/* SPDX-License-Identifier: Apache-2.0
 * Requests for transfers: which are understood, what is given of a zone in an odd state, and what
 * is known of who has taken what. */
#include "client.h"
#include "primary.h"
#include "server/peers.h"
#include "talk.h"

#define OPEN "  z.example: {primaries: [p1], transfer: [{unsigned: yes}]}\n"

/* --- the SOA of the client's version --- */

struct soa_row {
    const char *owner;
    uint16_t type, class, rdlen;
    unsigned rcode;
};

/* IXFR at serial 1 with one record in the authority section. */
static unsigned rcode_with(struct bed *b, const struct soa_row *row)
{
    uint8_t wire[512];
    size_t len = bed_query(wire, "z.example.", TYPE_IXFR);
    struct wr w = wr_over(wire + len, sizeof(wire) - len);
    put_u16(wire + 8, 1);
    bed_name(&w, row->owner);
    wr_u16(&w, row->type);
    wr_u16(&w, row->class);
    wr_u32(&w, 0);
    wr_u16(&w, row->rdlen);
    for (unsigned i = 0; i < row->rdlen; i++)
        wr_u8(&w, i == 5); /* two root names, serial 1 */
    bed_ask(b, TRANSPORT_UDP, wire, len + wr_len(&w));
    return bed_rcode(b);
}

/* RFC 1995 s3: of the zone that is asked for; anything else says nothing of it. */
Test(transfer_asked, ixfr_has_the_soa_of_the_zone_that_it_is_for)
{
    static const struct soa_row rows[] = {
        {"z.example.", TYPE_SOA, CLASS_IN, 22, NOERROR},
        {"Z.EXAMPLE.", TYPE_SOA, CLASS_IN, 22, NOERROR},
        {"y.example.", TYPE_SOA, CLASS_IN, 22, FORMERR},
        {"a.z.example.", TYPE_SOA, CLASS_IN, 22, FORMERR},
        {".", TYPE_SOA, CLASS_IN, 22, FORMERR},
        {"z.example.", TYPE_SOA, CLASS_CH, 22, FORMERR},
        {"z.example.", TYPE_SOA, CLASS_ANY, 22, FORMERR},
        {"z.example.", TYPE_TXT, CLASS_IN, 22, FORMERR},
        {"z.example.", TYPE_SOA, CLASS_IN, 21, FORMERR},
        {"z.example.", TYPE_SOA, CLASS_IN, 0, FORMERR},
        {"z.example.", TYPE_SOA, CLASS_ANY, 0, FORMERR}, /* as an UPDATE has it */
    };
    struct disk d = primary_served(OPEN);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(rcode_with(d.bed, &rows[i]), rows[i].rcode, "row %zu", i);
    disk_free(&d);
}

/* --- a zone that has expired --- */

/* RFC 1034 s4.3.5: what is not served is not passed on. */
Test(transfer_asked, nobody_is_given_a_zone_that_has_expired)
{
    struct disk d = primary_served(OPEN);
    struct bed *b = d.bed;
    primary_pass(b, (PRIMARY_EXPIRE + 1) * INT64_C(1000000));
    cr_assert_eq(bed_serial(b, "z.example."), -SERVFAIL);
    for (int64_t serial = -1; serial <= 1; serial++) {
        cr_expect_null(client_begin(b, "z.example.", serial, 0));
        cr_expect_eq(bed_rcode(b), SERVFAIL, "serial %lld", (long long)serial);
    }
    primary_says(1);
    struct outflow *f = client_begin(b, "z.example.", -1, 0);
    cr_assert_not_null(f);
    server_outflow_end(b->server, f, false);
    disk_free(&d);
}

/* --- over UDP --- */

/* SOA records in the answer to IXFR over UDP: one says that TCP is to be used, or that there is
 * nothing new. */
static unsigned soas_over_udp(struct bed *b, uint32_t serial)
{
    uint8_t wire[1024];
    struct taken t = {0};
    size_t len = client_question(wire, "z.example.", serial);
    bed_ask(b, TRANSPORT_UDP, wire, len);
    cr_assert_eq(bed_rcode(b), NOERROR);
    client_take_message(b, &t, b->out_len);
    return t.soas;
}

static void follow(struct bed *b, uint32_t from, unsigned steps)
{
    primary_look(b);
    primary_says(from + steps);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(from, steps);
}

/* A serial that the zone has had twice is of two states, over UDP as over TCP. */
Test(transfer_asked, no_differences_over_udp_from_a_serial_that_was_had_twice)
{
    struct disk d = primary_disk(OPEN);
    struct bed *b = d.bed;
    struct talk t;
    struct taken taken = {0};
    primary_gives_whole(10, 200);
    follow(b, 10, 1);
    talk_open(&t, b);
    cr_assert(
        talk_is_ok(b, &t, "{\"verb\": \"transfer\", \"zone\": \"z.example\", \"force\": true}"));
    talk_close(&t);
    primary_gives_whole(8, 201);
    follow(b, 8, 4);
    cr_assert_eq(bed_serial(b, "z.example."), 12);
    cr_expect_eq(soas_over_udp(b, 9), 1, "what it has had is not known yet");
    client_finish(b, client_begin(b, "z.example.", 9, 0), &taken);
    cr_expect_eq(soas_over_udp(b, 9), 2 + 2 * 3);
    cr_expect_eq(soas_over_udp(b, 8), 1, "more than 512 bytes");
    cr_expect_leq(b->out_len, 512);
    cr_expect_eq(soas_over_udp(b, 10), 1);
    cr_expect_eq(soas_over_udp(b, 11), 1);
    cr_expect_eq(soas_over_udp(b, 12), 1, "nothing new");
    disk_free(&d);
}

/* --- from the change log --- */

/* What was read of the serials that the zone has had is of no use where that is not all of them any
 * more, or is about the zone's data before. */
Test(transfer_asked, what_was_read_of_serials_that_are_not_all_is_not_believed)
{
    enum { NOTHING, WENT_BACK, WAS_REPLACED, EVENTS };
    for (unsigned event = NOTHING; event < EVENTS; event++) {
        struct disk d = primary_disk(OPEN);
        struct bed *b = d.bed;
        struct taken t = {0};
        primary_gives_whole(1, 200);
        follow(b, 1, 2);
        primary_restart(b, OPEN);
        struct server_zone *z = disk_zone(b, "z.example.");
        cr_assert_not(z->is_traced);
        struct outflow *f = client_begin(b, "z.example.", 1, 0);
        cr_assert_not_null(f);
        uint64_t log_id = z->log_id;
        z->backs += event == WENT_BACK;
        z->log_id += event == WAS_REPLACED;
        client_finish(b, f, &t);
        cr_expect_eq(t.soas, 2 + 2 * 2);
        cr_expect_eq(z->is_traced, event == NOTHING, "event %u", event);
        z->log_id = log_id;
        disk_free(&d);
    }
}

#define CHANGED                                                                    \
    "  a.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes}], " \
    "transfer: [{unsigned: yes}]}\n"

/* The steps end at the serial that their last SOA has, or they are not sent. */
Test(transfer_asked, steps_that_lead_elsewhere_are_not_sent)
{
    static const uint8_t name[] = "\1a\7example";
    for (unsigned is_short = 0; is_short < 2; is_short++) {
        struct bed *b = bed_new();
        struct taken t = {0};
        bed_file(b, "a", BED_TOP "$GENERATE 1-200 h$ A 192.0.2.1\n", 1);
        bed_start(b, "", CHANGED);
        bed_settle(b);
        for (unsigned i = 0; i < 3; i++) {
            char owner[32];
            snprintf(owner, sizeof(owner), "x%u.a.example.", i);
            struct bed_change c = {"a.example.", owner, CLASS_IN, TYPE_A, 60, "192.0.2.9"};
            cr_assert_eq(bed_update(b, &c), NOERROR);
        }
        server_free(b->server);
        bed_start(b, "", CHANGED);
        bed_settle(b);
        struct store_entry *e = store_get(&b->server->store, (struct name){name, sizeof(name)});
        zone_owner(e)->seq_published -= is_short; /* the last one is not among them */
        client_finish(b, client_begin(b, "a.example.", 1, 0), &t);
        cr_expect_eq(t.first, 4);
        cr_expect_eq(t.last, 4);
        cr_expect_eq(t.records, is_short ? 200 + 3 + 3 : 2 + 3 * 3, "%u", t.records);
        bed_free(b);
    }
}

/* --- who has taken it --- */

#define KEY_K                                                                                     \
    "keys:\n  k: {secret: c2VjcmV0c2VjcmV0c2VjcmV0}\nremotes:\n  one: {address: 192.0.2.1, key: " \
    "k}\n"
#define GRANTED                                                                              \
    "  a.example: {file: a, updates: [{key: k, all: yes, types: [A]}], transfer: [{key: k, " \
    "scope: granted}]%s}\n" KEY_K

static void granted_conf(char text[1024], bool is_secondary)
{
    snprintf(text, 1024, GRANTED, is_secondary ? ", secondaries: [one]" : "");
}

static void no_dial(void *arg, struct call *c)
{
    (void)arg;
    (void)c;
}

static void no_hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    (void)c;
    (void)may_reuse;
}

/* AXFR signed with k, from 192.0.2.N. */
static struct outflow *begin_signed(struct bed *b, unsigned from)
{
    static const uint8_t key[] = "\1k";
    struct tsig_session session = {0};
    uint8_t wire[1024];
    size_t len = client_question(wire, "a.example.", -1);
    tsig_session_start(&session, keyring_find(b->server->keyring, (struct name){key, 3}));
    tsig_sign(&session, wire, &len, b->now_us);
    tsig_session_done(&session);
    struct exchange x = {.in = wire, .in_len = len, .out = b->out};
    x.peer.transport = TRANSPORT_TCP;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_addr.s_addr = htonl(0xc0000200 + from);
    x.channel = b;
    server_handle(b->server, &x, 1, b->now_us);
    b->out_len = x.out_len;
    return x.outflow;
}

/* A zone that whoever has k may have: a part of it, or as a secondary all. */
static struct bed *open_granted(bool is_secondary)
{
    struct bed *b = bed_new();
    char conf[1024];
    struct diag diag = {0};
    struct server_hooks hooks = bed_hooks(b);
    hooks.dial = no_dial;
    hooks.hang_up = no_hang_up;
    bed_file(b, "a", BED_TOP "www A 192.0.2.1\nwww TXT \"x\"\n", 7);
    granted_conf(conf, is_secondary);
    cr_assert_eq(server_new(bed_conf(b, "", conf), &hooks, &b->server, &diag), OK, "%s", diag.text);
    server_start(b->server, b->now_us);
    bed_settle(b);
    return b;
}

static const struct follower *the_secondary(struct bed *b)
{
    static const uint8_t name[] = "\1a\7example";
    struct store_entry *e = store_get(&b->server->store, (struct name){name, sizeof(name)});
    return zone_owner(e)->peers->list[0];
}

/* A part of the zone is not the zone, though who took it has become a secondary meanwhile. */
Test(transfer_asked, who_has_taken_a_part_is_not_in_sync)
{
    for (unsigned is_whole = 0; is_whole < 2; is_whole++) {
        struct bed *b = open_granted(is_whole);
        char conf[1024];
        struct taken t = {0};
        struct outflow *f = begin_signed(b, 1);
        cr_assert_not_null(f);
        granted_conf(conf, true);
        bed_reload(b, "", conf);
        bed_settle(b);
        client_finish(b, f, &t);
        cr_expect_eq(t.records, is_whole ? 5 : 3, "%u", t.records);
        cr_expect_eq(follower_state(the_secondary(b)) == FOLLOWER_CURRENT, is_whole);
        bed_free(b);
    }
}

Test(transfer_asked, who_breaks_off_has_nothing_new)
{
    struct bed *b = open_granted(true);
    for (unsigned round = 0; round < 2; round++) {
        struct outflow *f = begin_signed(b, 1);
        struct taken t = {0};
        cr_assert_not_null(f);
        cr_expect(the_secondary(b)->is_taking);
        if (round == 1)
            client_finish(b, f, &t);
        else
            server_outflow_end(b->server, f, false);
        cr_expect_not(the_secondary(b)->is_taking);
        cr_expect_eq(follower_has(the_secondary(b), 7), round == 1);
        cr_expect_eq(server_counters(b->server)->transfers_broken, 1);
    }
    cr_assert_not_null(the_secondary(b)->error);
    cr_expect_not_null(strstr(the_secondary(b)->error, "broke"));
    bed_free(b);
}

/* limits.transfers-out-per-client: who has the key is one client, wherever it asks from. */
Test(transfer_asked, who_signs_with_one_key_is_one_client)
{
    struct bed *b = bed_new();
    char conf[1024];
    bed_file(b, "a", BED_TOP, 7);
    granted_conf(conf, false);
    bed_start(b, ", limits: {transfers-out-per-client: 2}", conf);
    bed_settle(b);
    struct outflow *f = begin_signed(b, 1), *g = begin_signed(b, 2);
    cr_assert(f && g);
    cr_expect_null(begin_signed(b, 3));
    cr_expect_eq(bed_rcode(b), SERVFAIL);
    cr_expect_eq(server_counters(b->server)->transfers_over_client, 1);
    server_outflow_end(b->server, f, false);
    server_outflow_end(b->server, g, false);
    bed_free(b);
}

/* --- a log that cannot be read --- */

enum {
    LARGE = 40,
    KNOWN = 22
}; /* who has the latter lacks some 700 kB, of which 512 are read at once */

/* 38 kB. */
static void change_large(struct bed *b, unsigned number)
{
    size_t cap = 40000, at = 0;
    uint8_t *wire = mem_alloc(DNS_MESSAGE_MAX);
    char owner[32], *text = mem_alloc(cap);
    for (unsigned i = 0; i < 150; i++)
        at += (size_t)snprintf(text + at, cap - at, "\"%0250u\" ", number * 1000 + i);
    snprintf(owner, sizeof(owner), "big%u.a.example.", number);
    struct bed_change c = {"a.example.", owner, CLASS_IN, TYPE_TXT, 60, text};
    bed_ask(b, TRANSPORT_TCP, wire, bed_update_message(wire, DNS_MESSAGE_MAX, &c));
    cr_assert_eq(bed_rcode(b), NOERROR);
    free(text);
    free(wire);
}

/* Changes go from the log in the middle of a transfer of them, which breaks it off. Whoever asks
 * for them next has the whole zone, and not the same once more; whoever lacks less has what there
 * is. All that is so of the zone's data now, not of what comes in its place. */
Test(transfer_asked, what_could_not_be_read_once_is_not_tried_again)
{
    static const uint8_t name[] = "\1a\7example";
    for (unsigned is_replaced = 0; is_replaced < 2; is_replaced++) {
        struct bed *b = bed_new();
        struct taken t = {0}, more = {0}, less = {0};
        bed_file(b, "a", BED_TOP, 1);
        bed_start(b, "", CHANGED);
        bed_settle(b);
        for (unsigned i = 0; i < LARGE; i++)
            change_large(b, i);
        server_free(b->server);
        bed_start(b, "", CHANGED);
        bed_settle(b);
        struct store_entry *e = store_get(&b->server->store, (struct name){name, sizeof(name)});
        struct server_zone *z = zone_owner(e);
        z->unreadable = KNOWN + 5;
        client_finish(b, client_begin(b, "a.example.", KNOWN, 0), &more);
        cr_expect_eq(more.records, LARGE + 3, "%u", more.records);
        client_finish(b, client_begin(b, "a.example.", KNOWN + 6, 0), &less);
        cr_expect_eq(less.soas, 2 + 2 * (LARGE + 1 - KNOWN - 6), "%u", less.soas);
        z->unreadable = 0;
        struct outflow *f = client_begin(b, "a.example.", KNOWN, 0);
        cr_assert_eq(client_take(b, f, &t), OUTFLOW_MESSAGE);
        cr_assert_eq(journal_zone_forget(state_journal(b->server->state), z->log_id, NULL), OK);
        z->log_id += is_replaced;
        enum outflow_next next;
        while ((next = client_take(b, f, &t)) == OUTFLOW_MESSAGE)
            ;
        cr_expect_eq(next, OUTFLOW_BROKEN);
        server_outflow_end(b->server, f, false);
        z->log_id -= is_replaced;
        cr_expect_eq(z->unreadable > KNOWN && z->unreadable < LARGE, !is_replaced);
        bed_free(b);
    }
}

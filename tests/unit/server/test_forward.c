/* SPDX-License-Identifier: Apache-2.0
 * Updates that are passed on to primaries (RFC 2136 s6): what goes out, what comes back, and what
 * is said when nothing does. */
#include "bed.h"

#define CALLS_MAX 64
#define KEY                                                                            \
    {                                                                                  \
        's', 'e', 'c', 'r', 'e', 't', '-', 's', 'e', 'c', 'r', 'e', 't', '-', 's', 'e' \
    }

/* What the server asks others, and is answered. */
struct wire {
    struct bed *bed;
    struct call *calls[CALLS_MAX]; /* updates, in the order they were sent; NULL: over */
    struct peer to[CALLS_MAX];
    uint8_t sent[CALLS_MAX][700];
    size_t len[CALLS_MAX];
    unsigned count, reused;
    /* the answers that have come back, and to whom */
    uint8_t answer[CALLS_MAX][700];
    size_t answer_len[CALLS_MAX];
    struct peer client[CALLS_MAX];
    unsigned answers, held, let_go;
};

static struct wire net;

static void on_dial(void *arg, struct call *c)
{
    (void)arg;
    if (c->len < DNS_HEADER_LEN || (c->bytes[2] & 0x78) != OPCODE_UPDATE << 3)
        return; /* what else a secondary asks */
    cr_assert_lt(net.count, CALLS_MAX);
    cr_assert_leq(c->len, sizeof(net.sent[0]));
    net.calls[net.count] = c;
    net.to[net.count] = c->to;
    net.len[net.count] = c->len;
    memcpy(net.sent[net.count++], c->bytes, c->len);
}

static void on_pause(void *arg, struct call *c)
{
    (void)arg;
    (void)c;
}

static void on_hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    for (unsigned i = 0; i < net.count; i++)
        if (net.calls[i] == c) {
            net.calls[i] = NULL;
            net.reused += may_reuse;
        }
}

static void on_hold(void *arg, const struct exchange *x, struct reply_path *path)
{
    (void)arg;
    *path = (struct reply_path){.channel = x->channel};
    net.held++;
}

static void on_reply(void *arg, const struct peer *peer, struct reply_path *path,
                     const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)path;
    net.let_go++;
    if (len == 0)
        return;
    cr_assert_lt(net.answers, CALLS_MAX);
    cr_assert_leq(len, sizeof(net.answer[0]));
    net.client[net.answers] = *peer;
    net.answer_len[net.answers] = len;
    memcpy(net.answer[net.answers++], bytes, len);
}

#define PRIMARIES                                    \
    "remotes:\n"                                     \
    "  p1: {address: [192.0.2.1, 192.0.2.2@5301]}\n" \
    "  p2: {address: '2001:db8::3', source: '2001:db8::9'}\n"

static void open_server(const char *settings, const char *zone)
{
    char text[1200], path[100];
    struct diag diag = {0};
    static struct conf_faults faults;
    net = (struct wire){.bed = bed_new()};
    struct server_hooks hooks = {.arg = net.bed,
                                 .wake = bed_wake,
                                 .hold = on_hold,
                                 .reply = on_reply,
                                 .dial = on_dial,
                                 .dial_pause = on_pause,
                                 .hang_up = on_hang_up};
    int len = snprintf(text, sizeof(text),
                       "server: {listen: 127.0.0.1@5300, state-dir: .%s}\n"
                       "keys: {ours: {secret: c2VjcmV0LXNlY3JldC1zZQ==}}\n" PRIMARIES
                       "zones: {a.example: {%s}, b.example: {soa: {ns: a}}}\n",
                       settings, zone);
    snprintf(path, sizeof(path), "%s/reeved.yaml", net.bed->dir);
    struct conf *conf = conf_load_bytes(text, (size_t)len, path, &faults);
    cr_assert_not_null(conf, "%s", faults.list[0].text);
    cr_assert_eq(server_new(conf, &hooks, &net.bed->server, &diag), OK, "%s", diag.text);
    server_start(net.bed->server, net.bed->now_us);
    bed_settle(net.bed);
}

static void close_server(void)
{
    bed_free(net.bed);
    cr_expect_eq(net.held, net.let_go, "every channel is let go of");
}

/* An update of a.example with that owner and id. */
static size_t make(uint8_t *wire, const char *owner, uint16_t id)
{
    size_t len = bed_update_message(
        wire, 500, &(struct bed_change){"a.example.", owner, CLASS_IN, TYPE_A, 60, "192.0.2.7"});
    put_u16(wire, id);
    return len;
}

static void sign(uint8_t *wire, size_t *len, const char *name, struct tsig_session *t)
{
    static const uint8_t secret[] = KEY;
    struct keyring *ring = keyring_new();
    struct tsig_secret list = {secret, sizeof(secret), 0};
    struct name_buf n;
    cr_assert_eq(name_scan(name, strlen(name), NAME_ROOT, &n, NULL), OK);
    cr_assert_eq(keyring_add(ring, name_of(&n), "hmac-sha256", &list, 1, NULL), OK);
    tsig_session_start(t, keyring_find(ring, name_of(&n)));
    tsig_sign(t, wire, len, net.bed->now_us);
    keyring_free(ring);
}

static void give_from(enum transport transport, uint16_t port, const uint8_t *wire, size_t len)
{
    static uint8_t out[DNS_MESSAGE_MAX];
    struct exchange x = {.in = wire, .in_len = len, .out = out};
    x.peer.transport = transport;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_port = htons(port);
    server_handle(net.bed->server, &x, 1, net.bed->now_us);
    cr_assert(x.is_waiting, "an update has its turn later");
    server_turn(net.bed->server);
}

static void give(enum transport transport, const uint8_t *wire, size_t len)
{
    give_from(transport, 4000, wire, len);
}

/* The primary's answer to the i-th message: its header with those flags, and a zone section. */
static void answer(unsigned i, uint16_t id, uint16_t flags)
{
    uint8_t bytes[100];
    cr_assert_not_null(net.calls[i]);
    memcpy(bytes, net.sent[i], 12 + 11 + 4);
    put_u16(bytes, id);
    put_u16(bytes + 2, flags);
    memset(bytes + 6, 0, 6);
    server_call_message(net.bed->server, net.calls[i], bytes, 12 + 11 + 4);
}

static void fail(unsigned i)
{
    struct call *c = net.calls[i];
    cr_assert_not_null(c);
    net.calls[i] = NULL;
    server_call_failed(net.bed->server, c, "connection refused");
}

static unsigned rcode(unsigned i)
{
    cr_assert_lt(i, net.answers);
    return net.answer[i][3] & 15;
}

#define ANSWER   (FLAG_QR | OPCODE_UPDATE << 11)
#define FORWARDS "primaries: [p1, p2], forward-updates: yes"

Test(forward, sends_the_message_as_it_is_under_an_id_of_its_own)
{
    uint8_t wire[600];
    struct tsig_session t = {0};
    open_server("", FORWARDS);
    size_t len = make(wire, "x.a.example.", 0x1111);
    sign(wire, &len, "theirs.", &t); /* a key that is not ours */
    give(TRANSPORT_UDP, wire, len);
    cr_assert_eq(net.count, 1);
    cr_expect_eq(net.answers, 0, "the client is not answered before the primary has (s6.4)");
    cr_assert_eq(net.len[0], len);
    cr_expect_arr_eq(net.sent[0] + 2, wire + 2, len - 2);
    struct address_text text;
    cr_expect_str_eq(address_show(&net.to[0].address, &text), "192.0.2.1@53");
    cr_expect_eq(net.to[0].transport, TRANSPORT_TCP);
    cr_expect(net.calls[0]->is_urgent);
    answer(0, get_u16(net.sent[0]), ANSWER | YXDOMAIN);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(get_u16(net.answer[0]), 0x1111);
    cr_expect_eq(get_u16(net.answer[0] + 2), ANSWER | YXDOMAIN);
    cr_expect_eq(net.answer_len[0], 27);
    cr_expect_eq(ntohs(net.client[0].address.v4.sin_port), 4000);
    cr_expect_eq(net.reused, 1);
    cr_expect_eq(net.bed->server->count.updates_forwarded, 1);
    cr_expect_eq(net.bed->server->forwards.count + net.bed->server->forwards.bytes, 0);
    cr_expect_null(refused_at(&net.bed->server->refused, 0), "nothing of it was refused here");
    tsig_session_done(&t);
    close_server();
}

Test(forward, draws_a_new_id_for_each)
{
    uint8_t wire[600];
    unsigned same = 0;
    open_server("", FORWARDS);
    for (unsigned i = 0; i < 30; i++) {
        char owner[20];
        snprintf(owner, sizeof(owner), "x%u.a.example.", i);
        give(TRANSPORT_UDP, wire, make(wire, owner, 7));
        same += i && get_u16(net.sent[i]) == get_u16(net.sent[i - 1]);
    }
    cr_expect_eq(net.count, 30);
    cr_expect_lt(same, 3);
    close_server();
}

/* s6.2 lets us choose: over TCP it is known what cannot have been carried out. */
Test(forward, uses_a_tcp_connection_of_its_own_whatever_the_client_does)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    give(TRANSPORT_TCP, wire, make(wire, "x.a.example.", 1));
    give(TRANSPORT_UDP, wire, make(wire, "y.a.example.", 2));
    cr_assert_eq(net.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(net.to[i].transport, TRANSPORT_TCP);
        cr_expect(net.calls[i]->is_fresh);
    }
    close_server();
}

/* s6.5 */
Test(forward, goes_from_one_address_that_is_not_reached_to_the_next)
{
    static const char *const addresses[] = {"192.0.2.1@53", "192.0.2.2@5301", "2001:db8::3@53"};
    uint8_t wire[600];
    struct address_text text;
    open_server("", FORWARDS);
    size_t len = make(wire, "x.a.example.", 0x2222);
    give(TRANSPORT_UDP, wire, len);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(net.count, i + 1);
        cr_expect_str_eq(address_show(&net.to[i].address, &text), addresses[i]);
        cr_expect_eq(net.to[i].transport, TRANSPORT_TCP);
        cr_expect_arr_eq(net.sent[i] + 2, wire + 2, len - 2);
        if (i == 2)
            cr_expect_str_eq(address_show(&net.calls[i]->source, &text), "2001:db8::9@0");
        cr_expect_eq(net.answers, 0);
        fail(i);
    }
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(rcode(0), SERVFAIL);
    cr_expect_eq(get_u16(net.answer[0]), 0x2222);
    cr_expect_eq(net.bed->server->count.updates_forward_failed, 1);
    const struct refusal *r = refused_at(&net.bed->server->refused, 0);
    cr_assert_not_null(r);
    cr_expect_str_eq(r->reason, "no primary took the update: connection refused");
    close_server();
}

/* The primary may have carried it out: a second time its prerequisites would not hold. */
Test(forward, is_sent_once_only_when_all_of_it_is_on_its_way)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    give(TRANSPORT_UDP, wire, make(wire, "x.a.example.", 0x2223));
    net.calls[0]->is_sent = true;
    fail(0);
    cr_expect_eq(net.count, 1);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(rcode(0), SERVFAIL);
    close_server();
}

/* A signature that we can make is made, so that the client believes the SERVFAIL. */
Test(forward, signs_what_it_says_itself_if_the_key_is_ours)
{
    uint8_t wire[600];
    struct tsig_session ours = {0}, theirs = {0};
    struct message m;
    open_server("", FORWARDS);
    size_t len = make(wire, "x.a.example.", 1);
    sign(wire, &len, "ours.", &ours);
    give(TRANSPORT_TCP, wire, len);
    len = make(wire, "y.a.example.", 2);
    sign(wire, &len, "theirs.", &theirs);
    give(TRANSPORT_TCP, wire, len);
    for (unsigned i = 0; net.answers < 2; i++)
        fail(i);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert(message_read_header(&m, net.answer[i], net.answer_len[i]));
        cr_assert_eq(message_read(&m), NOERROR);
        cr_expect_eq(rcode(i), SERVFAIL);
        cr_expect_eq(m.tsig_at != 0, i == 0);
        if (i == 0)
            cr_expect_eq(tsig_verify_answer(&ours, &m, net.bed->now_us), NOERROR);
    }
    const struct refusal *r = refused_at(&net.bed->server->refused, 0);
    char text[NAME_TEXT_MAX];
    cr_expect_str_eq(name_text(name_of(&r->key), text), "theirs.");
    cr_expect_eq(r->error, NOERROR, "whether it is a good key is not known");
    tsig_session_done(&ours);
    tsig_session_done(&theirs);
    close_server();
}

Test(forward, makes_nothing_of_what_is_no_answer)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    give(TRANSPORT_UDP, wire, make(wire, "x.a.example.", 0x3333));
    uint16_t id = get_u16(net.sent[0]);
    answer(0, id ^ 1, ANSWER);
    answer(0, id, OPCODE_UPDATE << 11);
    answer(0, id, FLAG_QR);
    answer(0, id, FLAG_QR | OPCODE_NOTIFY << 11);
    net.sent[0][12 + 1] = 'b'; /* of another zone */
    answer(0, id, ANSWER);
    net.sent[0][12 + 1] = 'a';
    server_call_message(net.bed->server, net.calls[0], wire, 11);
    uint8_t cut[40];
    memcpy(cut, net.sent[0], 27);
    put_u16(cut + 2, ANSWER);
    memset(cut + 6, 0, 6);
    server_call_message(net.bed->server, net.calls[0], cut, 26);
    server_call_message(net.bed->server, net.calls[0], cut, 28);
    cr_expect_eq(net.answers, 0);
    /* one without a zone section is an answer (s3.8) */
    put_u16(cut + 4, 0);
    server_call_message(net.bed->server, net.calls[0], cut, 12);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(get_u16(net.answer[0]), 0x3333);
    cr_expect_eq(net.answer_len[0], 12);
    close_server();
}

static const struct charged_row {
    unsigned rcode;
    const char *key; /* NULL: unsigned */
    bool is_charged;
} charged_rows[] = {
    {NOERROR, NULL, false}, {NXRRSET, NULL, false},     {REFUSED, NULL, true},
    {NOTAUTH, NULL, true},  {NOTAUTH, "theirs.", true}, {REFUSED, "ours.", false},
};

/* The primary sees them all come from us: a flood is to end here (guard.h). */
Test(forward, turns_away_who_is_refused_by_the_primary_too_often)
{
    for (size_t i = 0; i < ARRAY_LEN(charged_rows); i++) {
        const struct charged_row *row = &charged_rows[i];
        open_server(", limits: {refusals-per-source: 1}", FORWARDS);
        const struct counters *count = &net.bed->server->count;
        for (unsigned n = 0; n < 40 && count->turned_away == 0; n++) {
            static uint8_t out[DNS_MESSAGE_MAX];
            uint8_t wire[600];
            struct tsig_session t = {0};
            struct exchange x = {.in = wire, .out = out};
            x.in_len = make(wire, "x.a.example.", (uint16_t)n);
            if (row->key)
                sign(wire, &x.in_len, row->key, &t);
            x.peer.transport = TRANSPORT_TCP;
            x.peer.address.v4.sin_family = AF_INET;
            server_handle(net.bed->server, &x, 1, net.bed->now_us);
            server_turn(net.bed->server);
            if (x.is_waiting)
                answer(n, get_u16(net.sent[n]), (uint16_t)(ANSWER | row->rcode));
            tsig_session_done(&t);
        }
        cr_expect_eq(count->turned_away, row->is_charged, "row %zu", i);
        cr_expect_eq(count->updates_forwarded, net.count, "row %zu: all are answered", i);
        cr_expect(row->is_charged ? net.count < 20 : net.count == 40, "row %zu: %u", i, net.count);
        close_server();
    }
}

Test(forward, gives_up_after_a_time_whatever_is_under_way)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    give(TRANSPORT_TCP, wire, make(wire, "x.a.example.", 1));
    struct bed *b = net.bed;
    b->now_us += 19000000;
    server_time(b->server, b->now_us);
    cr_expect_eq(net.answers, 0);
    cr_assert_lt(server_next_us(b->server), b->now_us + 1000001);
    b->now_us += 1000000;
    server_time(b->server, b->now_us);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(rcode(0), SERVFAIL);
    cr_expect_null(net.calls[0]);
    cr_expect_eq(net.reused, 0, "its answer may still come");
    close_server();
}

Test(forward, has_so_many_under_way_and_no_more)
{
    uint8_t wire[600];
    open_server(", limits: {updates-forwarded: 2}", FORWARDS);
    static const char *const owners[] = {"x.a.example.", "y.a.example.", "z.a.example."};
    for (unsigned i = 0; i < 3; i++)
        give(TRANSPORT_TCP, wire, make(wire, owners[i], (uint16_t)i));
    cr_expect_eq(net.count, 2);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(rcode(0), SERVFAIL);
    cr_expect_eq(get_u16(net.answer[0]), 2);
    cr_expect_eq(net.bed->server->count.updates_over_forwarded, 1);
    cr_expect_str_eq(refused_at(&net.bed->server->refused, 0)->reason,
                     "too many updates are being passed on");
    answer(0, get_u16(net.sent[0]), ANSWER);
    give(TRANSPORT_TCP, wire, make(wire, owners[2], 9));
    cr_expect_eq(net.count, 3);
    close_server();
}

/* A client that sends it again has one answer; many that send the same are a circle. */
Test(forward, passes_the_same_on_once_for_each_client_and_not_in_circles)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    size_t len = make(wire, "x.a.example.", 1);
    give(TRANSPORT_UDP, wire, len);
    give(TRANSPORT_UDP, wire, len);
    cr_expect_eq(net.count, 1);
    cr_expect_eq(net.answers, 0);
    for (uint16_t i = 1; i < 5; i++)
        give_from(TRANSPORT_UDP, (uint16_t)(4000 + i), wire, len);
    cr_expect_eq(net.count, 4);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(rcode(0), SERVFAIL);
    cr_expect_eq(ntohs(net.client[0].address.v4.sin_port), 4004);
    answer(0, get_u16(net.sent[0]), ANSWER);
    cr_expect_eq(net.answers, 2);
    give(TRANSPORT_UDP, wire, len);
    cr_expect_eq(net.count, 5, "the first one is over");
    close_server();
}

Test(forward, is_off_unless_said)
{
    uint8_t wire[600];
    struct tsig_session t = {0};
    open_server("", "primaries: [p1]");
    give(TRANSPORT_TCP, wire, make(wire, "x.a.example.", 1));
    size_t len = make(wire, "x.a.example.", 2);
    sign(wire, &len, "theirs.", &t);
    give(TRANSPORT_TCP, wire, len);
    cr_expect_eq(net.count, 0);
    cr_assert_eq(net.answers, 2);
    cr_expect_eq(rcode(0), NOTIMP);
    cr_expect_eq(rcode(1), NOTAUTH, "BADKEY");
    cr_expect_str_eq(refused_at(&net.bed->server->refused, 1)->reason,
                     "the zone is a secondary, and passes no updates on");
    tsig_session_done(&t);
    close_server();
}

/* What is no update of the zone is answered here. */
Test(forward, is_for_updates_of_the_zone_only)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    size_t len = make(wire, "x.a.example.", 1);
    wire[12 + 11 + 1] = TYPE_A; /* of the zone section */
    give(TRANSPORT_TCP, wire, len);
    len = make(wire, "x.a.example.", 2);
    wire[12 + 11 + 3] = 3; /* class CHAOS */
    give(TRANSPORT_TCP, wire, len);
    len = make(wire, "x.a.example.", 3);
    give(TRANSPORT_TCP, wire, len - 1);
    len = bed_update_message(
        wire, 500,
        &(struct bed_change){"b.example.", "x.b.example.", CLASS_IN, TYPE_A, 60, "192.0.2.7"});
    give(TRANSPORT_TCP, wire, len);
    static const unsigned expected[] = {FORMERR, NOTAUTH, FORMERR, REFUSED};
    cr_expect_eq(net.count, 0);
    cr_assert_eq(net.answers, 4);
    for (unsigned i = 0; i < 4; i++)
        cr_expect_eq(rcode(i), expected[i], "%u: %u", i, rcode(i));
    close_server();
}

Test(forward, outlives_the_configuration_that_it_began_with)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    struct bed *b = net.bed;
    give(TRANSPORT_UDP, wire, make(wire, "x.a.example.", 1));
    bed_reload(b, "", "  c.example: {soa: {ns: a}}\n");
    bed_settle(b);
    fail(0);
    fail(1);
    cr_assert_eq(net.count, 3);
    answer(2, get_u16(net.sent[2]), ANSWER | REFUSED);
    cr_assert_eq(net.answers, 1);
    cr_expect_eq(rcode(0), REFUSED);
    close_server();
}

Test(forward, lets_go_of_its_clients_when_the_server_ends)
{
    uint8_t wire[600];
    open_server("", FORWARDS);
    give(TRANSPORT_UDP, wire, make(wire, "x.a.example.", 1));
    give(TRANSPORT_TCP, wire, make(wire, "y.a.example.", 2));
    close_server();
    cr_expect_eq(net.answers, 0);
    cr_expect(!net.calls[0] && !net.calls[1], "and of what was under way");
}

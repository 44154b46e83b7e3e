/* SPDX-License-Identifier: Apache-2.0
 * server/peers: what is known of secondaries from what they ask and take, what is sent to them and
 * what the log says; and the verbs about them. */
#include <arpa/inet.h>

#include "bed.h"
#include "request/address.h"
#include "server/peers.h"
#include "talk.h"

#define ZONES                                           \
    "  a.example: {file: a, secondaries: [one, two]}\n" \
    "  b.example: {file: b}\n"                          \
    "remotes:\n  one: {address: 192.0.2.1}\n  two: {address: [192.0.2.2, 192.0.2.3]}\n"
/* two that cannot be told apart */
#define TWINS                                           \
    "  a.example: {file: a, secondaries: [one, two]}\n" \
    "remotes:\n  one: {address: 192.0.2.1@5301}\n  two: {address: 192.0.2.1@5302}\n"

static unsigned dialled, hung_up;
static struct call *last;
static char said[2000];

static void dial(void *arg, struct call *c)
{
    (void)arg;
    dialled++;
    last = c;
}

static void hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    (void)may_reuse;
    last = last == c ? NULL : last;
    hung_up++;
}

static void hear(enum log_level level, const char *message, const struct log_field *fields,
                 int count)
{
    struct text t;
    (void)level;
    text_init(&t, said + strlen(said), sizeof(said) - strlen(said));
    text_fmt(&t, "%s", message);
    for (int i = 0; i < count; i++)
        text_fmt(&t, " %s=%s", fields[i].key, fields[i].value);
    text_char(&t, '\n');
}

static struct bed *start(const char *zones)
{
    struct bed *b = bed_new();
    struct diag diag = {0};
    dialled = hung_up = 0;
    last = NULL;
    said[0] = 0;
    bed_file(b, "a", BED_TOP, 7);
    bed_file(b, "b", BED_TOP, 7);
    struct server_hooks hooks = bed_hooks(b);
    hooks.dial = dial;
    hooks.hang_up = hang_up;
    cr_assert_eq(server_new(bed_conf(b, "", zones), &hooks, &b->server, &diag), OK, "%s",
                 diag.text);
    server_start(b->server, b->now_us);
    bed_settle(b);
    return b;
}

static struct server_zone *zone_a(struct bed *b)
{
    static const uint8_t name[] = "\1a\7example";
    return zone_owner(store_get(&b->server->store, (struct name){name, sizeof(name)}));
}

static struct follower *follower(struct bed *b, unsigned i)
{
    return zone_a(b)->peers->list[i];
}

/* Secondaries that have that serial, served or not. */
static unsigned having(struct bed *b, uint32_t serial)
{
    const struct peers *p = zone_a(b)->peers;
    unsigned count = 0;
    for (unsigned i = 0; i < p->count; i++)
        count += follower_has(p->list[i], serial);
    return count;
}

static void heard(struct bed *b, const char *from, enum peer_event what, uint32_t serial)
{
    union address a = {.v4 = {.sin_family = AF_INET}};
    struct xfr_question who = {NULL, &a};
    cr_assert_eq(inet_pton(AF_INET, from, &a.v4.sin_addr), 1);
    b->server->now_us = b->now_us;
    peers_heard(b->server, zone_a(b), &who, what, serial);
}

static void pass(struct bed *b, int64_t us)
{
    int64_t end = b->now_us + us;
    while (server_next_us(b->server) <= end) {
        b->now_us = server_next_us(b->server) > b->now_us ? server_next_us(b->server) : b->now_us;
        server_time(b->server, b->now_us);
    }
    b->now_us = end;
}

/* --- knowing --- */

static const struct step {
    const char *from;
    enum peer_event what;
    uint32_t serial;
    enum follower_state one, two;
} steps[] = {
    {"192.0.2.1", PEER_ASKED_SOA, 0, FOLLOWER_UNKNOWN, FOLLOWER_UNKNOWN},
    {"192.0.2.1", PEER_HAS, 5, FOLLOWER_BEHIND, FOLLOWER_UNKNOWN},
    {"192.0.2.1", PEER_TAKES, 7, FOLLOWER_BEHIND, FOLLOWER_UNKNOWN},
    {"192.0.2.1", PEER_BROKE_OFF, 7, FOLLOWER_BEHIND, FOLLOWER_UNKNOWN},
    {"192.0.2.1", PEER_TAKEN, 7, FOLLOWER_CURRENT, FOLLOWER_UNKNOWN},
    {"192.0.2.3", PEER_TAKEN, 7, FOLLOWER_CURRENT, FOLLOWER_CURRENT}, /* its other address */
    {"192.0.2.9", PEER_HAS, 3, FOLLOWER_CURRENT, FOLLOWER_CURRENT},   /* nobody's */
    {"192.0.2.2", PEER_HAS, 0xfffffff0u, FOLLOWER_CURRENT, FOLLOWER_BEHIND},
    {"192.0.2.2", PEER_HAS, 8, FOLLOWER_CURRENT, FOLLOWER_AHEAD}, /* not from us */
    {"192.0.2.2", PEER_TAKEN, 6, FOLLOWER_CURRENT, FOLLOWER_BEHIND},
    {"192.0.2.1", PEER_TAKEN, 5, FOLLOWER_CURRENT, FOLLOWER_BEHIND}, /* a slow one, of old */
};

Test(peers, what_a_secondary_asks_and_takes_says_what_it_has)
{
    struct bed *b = start(ZONES);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        heard(b, steps[i].from, steps[i].what, steps[i].serial);
        cr_expect_eq(follower_state(follower(b, 0)), steps[i].one, "step %zu", i);
        cr_expect_eq(follower_state(follower(b, 1)), steps[i].two, "step %zu", i);
    }
    cr_expect_eq(having(b, 7), 1);
    cr_expect_eq(having(b, 0xfffffff0u), 2);
    cr_expect_eq(having(b, 8), 0);
    bed_free(b);
}

/* Nobody waits for what it has, nor is it left alone: what it has did not come from here. */
Test(peers, who_is_ahead_of_us_has_nothing_of_ours)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_HAS, 7 + 1000);
    cr_expect_eq(having(b, 7), 0);
    cr_expect_eq(hung_up, 0, "it is told all the same");
    bed_file(b, "a", BED_TOP, 8);
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_expect_eq(having(b, 8), 0);
    cr_expect_eq(follower(b, 0)->notify.newest, 8);
    cr_expect(follower(b, 0)->notify.is_owed);
    bed_free(b);
}

/* IXFR with that serial, unsigned. */
static void ask_ixfr(struct bed *b, const char *from, enum transport transport, uint32_t serial)
{
    uint8_t wire[512];
    size_t len = bed_query(wire, "a.example.", TYPE_IXFR);
    struct wr w = wr_over(wire + len, sizeof(wire) - len);
    put_u16(wire + 8, 1); /* in the authority section */
    bed_name(&w, "a.example.");
    wr_u16(&w, TYPE_SOA);
    wr_u16(&w, CLASS_IN);
    wr_u32(&w, 0);
    wr_u16(&w, 22);
    wr_u16(&w, 0);
    wr_u32(&w, serial);
    for (unsigned i = 0; i < 4; i++)
        wr_u32(&w, 0);
    struct exchange x = {.in = wire, .in_len = len + wr_len(&w), .out = b->out};
    x.peer.transport = transport;
    x.peer.address.v4.sin_family = AF_INET;
    cr_assert_eq(inet_pton(AF_INET, from, &x.peer.address.v4.sin_addr), 1);
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert_gt(x.out_len, 0);
    b->out_len = x.out_len;
    cr_expect_eq(bed_rcode(b), NOERROR);
}

/* Anybody can send a datagram in a secondary's name, with the serial that we have. */
Test(peers, a_datagram_without_signature_does_not_say_what_somebody_has)
{
    struct bed *b = start(ZONES);
    ask_ixfr(b, "192.0.2.1", TRANSPORT_UDP, 7);
    cr_expect_eq(having(b, 7), 0);
    cr_expect_eq(hung_up, 0, "it is told all the same");
    ask_ixfr(b, "192.0.2.1", TRANSPORT_TCP, 7);
    cr_expect_eq(having(b, 7), 1);
    ask_ixfr(b, "192.0.2.1", TRANSPORT_UDP, 3);
    cr_expect_eq(having(b, 7), 1);
    bed_free(b);
}

Test(peers, a_question_does_not_end_the_transfer_under_way)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_TAKES, 7);
    heard(b, "192.0.2.1", PEER_ASKED_SOA, 7);
    cr_expect(follower(b, 0)->is_taking);
    heard(b, "192.0.2.1", PEER_BROKE_OFF, 7);
    cr_expect_not(follower(b, 0)->is_taking);
    bed_free(b);
}

/* The answer comes from an address that is configured no more. */
Test(peers, an_answer_may_come_from_an_address_that_is_gone)
{
    static const char less[] = "  a.example: {file: a, secondaries: [one, two]}\n"
                               "remotes:\n  one: {address: 192.0.2.1}\n"
                               "  two: {address: 192.0.2.2}\n";
    struct bed *b = start(ZONES);
    uint8_t answer[XFR_ASK_MAX];
    heard(b, "192.0.2.1", PEER_HAS, 7);
    pass(b, server_next_us(b->server) - b->now_us); /* the other one's second address */
    cr_assert_not_null(last);
    size_t len = last->len;
    memcpy(answer, last->bytes, len);
    answer[2] |= FLAG_QR >> 8;
    bed_reload(b, "", less);
    bed_settle(b);
    cr_assert_not_null(last);
    server_call_message(b->server, last, answer, len);
    cr_expect_eq(follower_state(follower(b, 1)), FOLLOWER_TOLD);
    cr_expect_eq(follower(b, 1)->address, 0);
    bed_free(b);
}

/* Another server under an old name: nothing is known of it. */
Test(peers, who_has_moved_to_other_addresses_is_somebody_else)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_TAKEN, 7);
    bed_reload(b, "",
               "  a.example: {file: a, secondaries: [one, two]}\n"
               "remotes:\n  one: {address: 192.0.2.9}\n  two: {address: 192.0.2.2}\n");
    bed_settle(b);
    cr_expect_eq(follower_state(follower(b, 0)), FOLLOWER_UNKNOWN);
    cr_expect_eq(having(b, 7), 0);
    cr_expect_eq(dialled, 3, "it is told");
    bed_free(b);
}

#define KEYED                                           \
    "  a.example: {file: a, secondaries: [one, two]}\n" \
    "keys:\n  k: {secret: c2VjcmV0c2VjcmV0c2VjcmV0}\n"  \
    "remotes:\n  one: {address: 192.0.2.1, key: k}\n  two: {address: [192.0.2.2, 192.0.2.3]}\n"

/* What did not reach it in one way may do so in another: the wrong key, or the wrong address. */
Test(peers, who_is_to_be_reached_in_another_way_is_told_again)
{
    struct bed *b = start(ZONES);
    pass(b, 40 * 1000000LL);
    cr_assert(follower(b, 0)->notify.has_given_up && follower(b, 1)->notify.has_given_up);
    dialled = 0;
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_expect_eq(dialled, 0);
    bed_reload(b, "", KEYED);
    bed_settle(b);
    cr_assert_eq(dialled, 1);
    cr_expect_eq(ntohl(last->to.address.v4.sin_addr.s_addr), 0xc0000201);
    cr_expect_not_null(last->tsig->key);
    struct xfr_question who = {last->tsig->key, &last->to.address};
    peers_heard(b->server, zone_a(b), &who, PEER_TAKEN, 7);
    cr_assert_eq(follower_state(follower(b, 0)), FOLLOWER_CURRENT);
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_expect_eq(dialled, 1, "who has it already is not");
    bed_free(b);
}

#define OTHER_SECRET                                   \
    "  a.example: {file: a, secondaries: [one]}\n"     \
    "keys:\n  k: {secret: b3RoZXItc2VjcmV0LW90aGVy}\n" \
    "remotes:\n  one: {address: 192.0.2.1, key: k}\n"

/* The key has its name still: what is told with the wrong secret is BADSIG for the other side. */
Test(peers, who_is_told_with_another_secret_is_told_again)
{
    struct bed *b = start(KEYED);
    pass(b, 40 * 1000000LL);
    cr_assert(follower(b, 0)->notify.has_given_up);
    dialled = 0;
    bed_reload(b, "", KEYED);
    bed_settle(b);
    cr_expect_eq(dialled, 0, "the secret is what it was");
    bed_reload(b, "", OTHER_SECRET);
    bed_settle(b);
    cr_assert_eq(dialled, 1);
    cr_assert_not_null(last);
    cr_expect_not_null(last->tsig->key);
    pass(b, 40 * 1000000LL);
    dialled = 0;
    bed_reload(b, "", OTHER_SECRET);
    bed_settle(b);
    cr_expect_eq(dialled, 0, "it is known already");
    bed_free(b);
}

/* Behind one address and key: each that takes it counts once. */
Test(peers, those_that_cannot_be_told_apart_count_one_by_one)
{
    struct bed *b = start(TWINS);
    heard(b, "192.0.2.1", PEER_HAS, 7);
    cr_expect_eq(having(b, 7), 0, "either may have said it");
    heard(b, "192.0.2.1", PEER_TAKEN, 7);
    cr_expect_eq(having(b, 7), 1);
    heard(b, "192.0.2.1", PEER_TAKEN, 7);
    cr_expect_eq(having(b, 7), 2);
    bed_free(b);
}

Test(peers, the_lag_is_from_the_publication_to_the_taking)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_TAKEN, 7);
    bed_file(b, "a", BED_TOP, 8);
    b->now_us += 5000000;
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_assert_eq(zone_a(b)->entry->zone->published->serial, 8);
    cr_expect_eq(follower_state(follower(b, 0)), FOLLOWER_BEHIND);
    b->now_us += 40000;
    heard(b, "192.0.2.1", PEER_TAKEN, 8);
    cr_expect_eq(follower(b, 0)->lag_us, 40000);
    bed_free(b);
}

/* --- telling --- */

Test(peers, each_is_told_once_and_not_again_by_a_reload)
{
    struct bed *b = start(ZONES);
    cr_expect_eq(dialled, 2);
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_expect_eq(dialled, 2);
    heard(b, "192.0.2.1", PEER_HAS, 7);
    cr_expect_eq(hung_up, 1, "who has it is not waited for");
    bed_free(b);
}

Test(peers, who_is_configured_no_more_is_left_alone)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.2", PEER_TAKEN, 7);
    bed_reload(b, "",
               "  a.example: {file: a, secondaries: [two]}\n"
               "remotes:\n  two: {address: 192.0.2.3}\n");
    bed_settle(b);
    cr_expect_eq(hung_up, 2);
    cr_assert_eq(zone_a(b)->peers->count, 1);
    cr_expect_eq(follower_state(follower(b, 0)), FOLLOWER_CURRENT, "what is known of it stays");
    bed_reload(b, "", "  a.example: {file: a}\n");
    bed_settle(b);
    cr_expect_null(zone_a(b)->peers);
    pass(b, 3600 * 1000000LL);
    cr_expect_eq(dialled, 2);
    bed_free(b);
}

/* Each try goes to the next address. */
Test(peers, an_address_that_is_silent_is_followed_by_the_next_one)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_HAS, 7); /* the other one is left */
    static const char *const hosts[] = {"192.0.2.2@53", "192.0.2.3@53", "192.0.2.2@53",
                                        "192.0.2.3@53", "192.0.2.2@53"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct address_text text;
        cr_assert_not_null(last);
        cr_expect_str_eq(address_show(&last->to.address, &text), hosts[i], "try %zu", i);
        cr_expect_eq(last->to.transport, i < 4 ? TRANSPORT_UDP : TRANSPORT_TCP, "try %zu", i);
        while (last && server_next_us(b->server) < INT64_MAX && dialled < 3 + i)
            pass(b, server_next_us(b->server) - b->now_us);
        if (i == 4)
            break;
    }
    bed_free(b);
}

#define SIGNED                                                            \
    "  a.example: {file: a, secondaries: [one]}\n"                        \
    "keys: {k: {secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}}\n" \
    "remotes:\n  one: {address: 192.0.2.1, key: k}\n"

/* One whose clock is so far ahead says BADTIME (RFC 8945 s5.2.3); else NOERROR. */
static void answer(struct bed *b, int64_t ahead_us)
{
    struct tsig_session theirs = {0};
    struct message m;
    uint8_t bytes[XFR_ASK_MAX];
    size_t len = last->len;
    cr_assert(message_read_header(&m, last->bytes, len));
    cr_assert_eq(message_read(&m), NOERROR);
    unsigned rcode = tsig_verify(&theirs, b->server->keyring, &m, b->now_us + ahead_us);
    memcpy(bytes, last->bytes, len);
    bytes[2] |= FLAG_QR >> 8;
    bytes[3] = (uint8_t)rcode;
    len = m.tsig_at;
    put_u16(bytes + 10, 0);
    tsig_sign(&theirs, bytes, &len, b->now_us + ahead_us);
    tsig_session_done(&theirs);
    server_now(b->server, b->now_us);
    server_call_message(b->server, last, bytes, len);
}

/* It has not read the message, so that it has not been told. */
Test(peers, who_finds_the_signature_too_old_is_told_again)
{
    struct bed *b = start(SIGNED);
    cr_assert_eq(dialled, 1);
    answer(b, 1000 * 1000000LL);
    cr_assert_not_null(follower(b, 0)->error);
    cr_expect_not_null(strstr(follower(b, 0)->error, "BADTIME"), "%s", follower(b, 0)->error);
    cr_expect_eq(b->server->count.notifies_refused, 1);
    pass(b, 2 * NOTIFY_WAIT_US);
    cr_assert_eq(dialled, 2);
    answer(b, 0);
    cr_expect_not(follower(b, 0)->notify.is_owed);
    pass(b, 60 * 1000000LL);
    cr_expect_eq(dialled, 2);
    bed_free(b);
}

/* Nothing is sent unsigned instead. */
Test(peers, who_is_told_with_a_key_that_is_revoked_is_told_no_more)
{
    static const uint8_t key[] = "\1k";
    struct bed *b = start(SIGNED);
    answer(b, 1000 * 1000000LL);
    cr_assert(follower(b, 0)->notify.is_owed);
    cr_assert(keyring_remove(b->server->keyring, (struct name){key, sizeof(key)}));
    pass(b, 60 * 1000000LL);
    cr_expect_eq(dialled, 1);
    cr_expect_str_eq(follower(b, 0)->error, "its key is revoked");
    bed_free(b);
}

/* --- the log --- */

Test(peers, the_log_has_one_line_when_one_stops_following_and_one_when_it_goes_on)
{
    struct bed *b = start(ZONES);
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, hear);
    pass(b, 7200 * 1000000LL);
    cr_expect_not_null(strstr(said, "secondary does not follow zone=a.example. secondary=one"));
    cr_expect_not_null(strstr(said, "secondary=two"));
    unsigned lines = 0;
    for (const char *s = said; (s = strstr(s, "does not follow")); s++)
        lines++;
    cr_expect_eq(lines, 2, "%s", said);
    cr_expect_gt(dialled, 20, "there were many tries");
    said[0] = 0;
    heard(b, "192.0.2.1", PEER_TAKEN, 7);
    cr_expect_not_null(strstr(said, "secondary follows again zone=a.example. secondary=one "
                                    "state=in sync serial=7"),
                       "%s", said);
    said[0] = 0;
    heard(b, "192.0.2.1", PEER_HAS, 6);
    pass(b, 1000000);
    cr_expect_str_eq(said, "", "behind for a moment is nothing to be said of");
    pass(b, 60000000);
    cr_expect_not_null(strstr(said, "secondary=one state=behind serial=6"), "%s", said);
    said[0] = 0;
    heard(b, "192.0.2.1", PEER_TAKEN, 7);
    cr_expect_not_null(strstr(said, "secondary=one state=in sync"), "%s", said);
    heard(b, "192.0.2.1", PEER_HAS, 9);
    pass(b, 60000000);
    cr_expect_not_null(strstr(said, "secondary=one state=ahead serial=9"), "%s", said);
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, NULL);
    bed_free(b);
}

/* --- verbs --- */

static json_t *ask(struct bed *b, const char *line)
{
    struct talk t;
    talk_open(&t, b);
    cr_assert_eq(talk_begin(&t, line), CONTROL_DONE, "%s", line);
    json_t *answer = json_loads(t.out, 0, NULL);
    cr_assert_not_null(answer, "%s", t.out);
    talk_close(&t);
    return answer;
}

Test(peers, the_operator_sees_every_secondary)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_HAS, 4);
    json_t *answer = ask(b, "{\"verb\":\"peers\"}");
    json_t *zones = json_object_get(answer, "zones");
    cr_assert_eq(json_array_size(zones), 1, "one that has nobody is not shown");
    json_t *list = json_object_get(json_array_get(zones, 0), "secondaries");
    json_t *one = json_array_get(list, 0), *two = json_array_get(list, 1);
    cr_expect_str_eq(json_string_value(json_object_get(one, "state")), "behind");
    cr_expect_eq(json_integer_value(json_object_get(one, "serial")), 4);
    cr_expect_eq(json_integer_value(json_object_get(one, "behind")), 3);
    cr_expect_str_eq(json_string_value(json_object_get(two, "state")), "unknown");
    cr_expect_null(json_object_get(two, "serial"));
    json_decref(answer);
    bed_free(b);
}

Test(peers, notify_tells_all_of_them_and_refuses_a_zone_without)
{
    struct bed *b = start(ZONES);
    heard(b, "192.0.2.1", PEER_HAS, 7);
    json_t *answer = ask(b, "{\"verb\":\"notify\",\"zone\":\"a.example\"}");
    cr_expect(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    cr_expect_eq(dialled, 4);
    answer = ask(b, "{\"verb\":\"notify\",\"zone\":\"b.example\"}");
    cr_expect(json_is_false(json_object_get(answer, "ok")));
    json_decref(answer);
    bed_free(b);
}

Test(peers, a_clock_set_back_delays_no_message)
{
    struct bed *b = start(ZONES);
    unsigned before = dialled;
    cr_assert_geq(before, 2, "each is told at the start");
    b->now_us -= 86400 * (int64_t)1000000;
    server_now(b->server, b->now_us);
    pass(b, 3 * NOTIFY_WAIT_US);
    cr_expect_geq(dialled, before + 2, "no answer: told again: %u", dialled);
    bed_free(b);
}

/* Ten thousand zones are many lines, and none is long. */
Test(peers, the_operator_sees_those_of_many_zones_in_slices)
{
    enum { COUNT = 300, ZONES_CAP = COUNT * 60 + 200 };
    char *zones = mem_alloc(ZONES_CAP);
    struct text all;
    struct talk t;
    text_init(&all, zones, ZONES_CAP);
    for (unsigned i = 0; i < COUNT; i++)
        text_fmt(&all, "  z%u.example: {file: a, secondaries: [one, two]}\n", i);
    text_add(&all, "remotes:\n  one: {address: 192.0.2.1}\n  two: {address: 192.0.2.2}\n");
    struct bed *b = start(zones);
    free(zones);
    talk_open(&t, b);
    enum control_next next = talk_begin(&t, "{\"verb\": \"peers\"}");
    unsigned lines = 1, shown = 0;
    for (; next == CONTROL_MORE; lines++)
        next = control_step(t.client);
    cr_expect_eq(next, CONTROL_DONE);
    cr_expect_geq(lines, COUNT * 2 / 66, "%u", lines);
    for (const char *p = t.out; (p = strstr(p, "\"zone\"")); p++)
        shown++;
    cr_expect_eq(shown, COUNT);
    talk_close(&t);
    bed_free(b);
}

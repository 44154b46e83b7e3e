/* SPDX-License-Identifier: Apache-2.0
 * NOTIFY under way: what is remembered of it, and from when on a secondary is behind. */
#include <arpa/inet.h>

#include "bed.h"
#include "server/peers.h"

#define ZONES                                      \
    "  a.example: {file: a, secondaries: [one]}\n" \
    "remotes:\n  one: {address: 192.0.2.1}\n"
#define WAITED                                                                          \
    "  a.example: {file: a, secondaries: [one], updates: [{unsigned: yes, all: yes}], " \
    "wait-secondaries: {count: 1, timeout: 1s}}\nremotes:\n  one: {address: 192.0.2.1}\n"
#define KEYED                                          \
    "  a.example: {file: a, secondaries: [one]}\n"     \
    "keys:\n  k: {secret: c2VjcmV0c2VjcmV0c2VjcmV0}\n" \
    "remotes:\n  one: {address: 192.0.2.1, key: k}\n"

static struct call *last;
static char said[2000];

static void hear(enum log_level level, const char *message, const struct log_field *fields,
                 int count)
{
    (void)level;
    (void)fields;
    (void)count;
    if (strstr(message, "secondary"))
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", message);
}

static void dial(void *arg, struct call *c)
{
    (void)arg;
    last = c;
}

static void hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    (void)may_reuse;
    last = last == c ? NULL : last;
}

static struct bed *start(const char *zones)
{
    struct bed *b = bed_new();
    struct diag diag = {0};
    struct server_hooks hooks = bed_hooks(b);
    last = NULL;
    hooks.dial = dial;
    hooks.hang_up = hang_up;
    bed_file(b, "a", BED_TOP, 7);
    cr_assert_eq(server_new(bed_conf(b, "", zones), &hooks, &b->server, &diag), OK, "%s",
                 diag.text);
    server_start(b->server, b->now_us);
    bed_settle(b);
    cr_assert_not_null(last);
    return b;
}

static struct follower *one(struct bed *b)
{
    static const uint8_t name[] = "\1a\7example";
    struct store_entry *e = store_get(&b->server->store, (struct name){name, sizeof(name)});
    return zone_owner(e)->peers->list[0];
}

static void publish(struct bed *b, uint32_t serial)
{
    bed_file(b, "a", BED_TOP, serial);
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_assert_eq(one(b)->zone->entry->zone->published->serial, serial);
}

/* Updates wait for it: it does not wait for NOTIFYs and probes that nobody waits for. */
Test(peers_told, is_urgent_where_updates_wait_for_it)
{
    struct bed *b = start(ZONES);
    cr_expect_not(last->is_urgent);
    bed_free(b);
    b = start(WAITED);
    cr_expect(last->is_urgent);
    bed_free(b);
}

/* An answer that is not signed may be anybody's (RFC 8945 s5.4); where no other comes, it says more
 * than that none came. */
Test(peers_told, remembers_an_answer_that_was_none)
{
    for (unsigned is_cut = 0; is_cut < 2; is_cut++) {
        struct bed *b = start(KEYED);
        uint8_t answer[XFR_ASK_MAX];
        struct message m;
        cr_assert(message_read_header(&m, last->bytes, last->len));
        cr_assert_eq(message_read(&m), NOERROR);
        memcpy(answer, last->bytes, m.tsig_at);
        answer[2] |= FLAG_QR >> 8;
        put_u16(answer + 10, 0);
        server_call_message(b->server, last, answer, m.tsig_at);
        cr_assert_not_null(last, "the true one may still come");
        cr_expect_eq(b->server->count.replies_ignored, 1);
        if (is_cut)
            server_call_failed(b->server, last, "no answer");
        b->now_us = server_next_us(b->server);
        server_time(b->server, b->now_us);
        cr_assert_not_null(one(b)->error);
        cr_expect_str_eq(one(b)->error, "the answer is not signed", "%u", is_cut);
        bed_free(b);
    }
}

static void heard(struct bed *b, enum peer_event what, uint32_t serial)
{
    union address a = {.v4 = {.sin_family = AF_INET}};
    struct xfr_question who = {NULL, &a};
    cr_assert_eq(inet_pton(AF_INET, "192.0.2.1", &a.v4.sin_addr), 1);
    server_now(b->server, b->now_us);
    peers_heard(b->server, one(b)->zone, &who, what, serial);
}

/* The lag is that of the oldest change that it has not. */
Test(peers_told, is_behind_since_the_first_serial_that_it_has_not)
{
    struct bed *b = start(ZONES);
    heard(b, PEER_TAKEN, 7);
    cr_assert_eq(one(b)->behind_us, 0);
    b->now_us += 1000000;
    int64_t since_us = b->now_us;
    publish(b, 8);
    cr_expect_eq(one(b)->behind_us, since_us);
    b->now_us += 5000000;
    int64_t taken_us = b->now_us;
    heard(b, PEER_TAKES, 8);
    cr_expect_eq(one(b)->behind_us, since_us);
    b->now_us += 1000000;
    publish(b, 9);
    cr_expect_eq(one(b)->behind_us, since_us);
    b->now_us += 1000000;
    heard(b, PEER_TAKEN, 8);
    cr_expect_eq(one(b)->behind_us, taken_us, "8 was the newest then, so what it lacks is newer");
    heard(b, PEER_TAKEN, 9);
    cr_expect_eq(one(b)->behind_us, 0);
    cr_expect_eq(one(b)->lag_us, 2000000);
    bed_free(b);
}

/* It has heard of the newest serial. */
static void answer(struct bed *b)
{
    uint8_t bytes[XFR_ASK_MAX];
    while (last) {
        size_t len = last->len;
        memcpy(bytes, last->bytes, len);
        bytes[2] |= FLAG_QR >> 8;
        server_call_message(b->server, last, bytes, len);
    }
}

/* With updates all the time it never has the newest serial, and follows all the same. */
Test(peers_told, follows_where_there_is_something_new_all_the_time)
{
    struct bed *b = start(ZONES);
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, hear);
    said[0] = 0;
    heard(b, PEER_TAKEN, 7);
    publish(b, 8);
    for (uint32_t serial = 8; serial < 100; serial++) {
        answer(b);
        heard(b, PEER_HAS, serial - 1);
        heard(b, PEER_TAKES, serial);
        b->now_us += 1000000;
        publish(b, serial + 1);
        heard(b, PEER_TAKEN, serial);
        cr_assert_not(follower_is_current(one(b)));
        cr_expect_geq(one(b)->behind_us, b->now_us - 1000000, "serial %u", serial);
        while (server_next_us(b->server) <= b->now_us)
            server_time(b->server, b->now_us);
    }
    cr_expect_str_eq(said, "");
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, NULL);
    bed_free(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * server/serving: a secondary is asked what it serves while somebody waits for it, and neither more
 * often nor in another way than it should be. */
#include <arpa/inet.h>

#include "base/list.h"
#include "bed.h"
#include "server/peers.h"
#include "talk.h"

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ZONES                                      \
    "  a.example: {file: a, secondaries: [one]}\n" \
    "remotes:\n  one: {address: 192.0.2.1}\n"
#define SIGNED                                     \
    "  a.example: {file: a, secondaries: [one]}\n" \
    "remotes:\n  one: {address: 192.0.2.1, key: k}\n"
#define LATE 2000000

static unsigned questions, told, had;
static struct call *asked; /* the newest SOA question, as long as it is under way */

static void dial(void *arg, struct call *c)
{
    (void)arg;
    if ((c->bytes[2] >> 3 & 15) != OPCODE_QUERY)
        return; /* NOTIFY */
    questions++;
    asked = c;
}

static void hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    (void)may_reuse;
    asked = asked == c ? NULL : asked;
}

static void done(struct server *s, struct waiter *w, bool has)
{
    (void)s;
    (void)w;
    told++;
    had += has;
}

static struct bed *start(const char *zones, const char *more)
{
    struct bed *b = bed_new();
    struct diag diag = {0};
    struct server_hooks hooks = bed_hooks(b);
    char settings[1000];
    hooks.dial = dial;
    hooks.hang_up = hang_up;
    questions = told = had = 0;
    asked = NULL;
    snprintf(settings, sizeof(settings), "%s%s", zones, more);
    bed_file(b, "a", BED_TOP, 7);
    cr_assert_eq(server_new(bed_conf(b, "", settings), &hooks, &b->server, &diag), OK, "%s",
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

/* What the follower has is set as a transfer would set it; who asks is not of interest here. */
static void taken(struct bed *b, uint32_t serial)
{
    struct follower *f = zone_a(b)->peers->list[0];
    b->server->now_us = b->now_us;
    f->notify.is_known = true;
    f->notify.has = serial;
    peers_look(b->server, zone_a(b));
}

static void publish(struct bed *b, uint32_t serial)
{
    bed_file(b, "a", BED_TOP, (int)serial);
    b->now_us += 5000000; /* a file that is as old as its last reading may have changed since */
    bed_reload(b, "", ZONES);
    bed_settle(b);
    cr_assert_eq(zone_a(b)->entry->zone->published->serial, serial);
}

static bool wait_for(struct bed *b, struct waiter *w, uint32_t serial)
{
    *w = (struct waiter){.serial = serial, .count = 1, .done = done};
    return waiter_start(b->server, zone_a(b), w, b->now_us + LATE);
}

/* The secondary answers the question with its SOA (RFC 1035 s3.3.13). */
static void answer(struct bed *b, uint32_t serial)
{
    static const uint8_t soa[] = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0};
    uint8_t message[512] = {0};
    cr_assert_not_null(asked);
    size_t len = asked->len;
    memcpy(message, asked->bytes, len);
    message[2] = 0x84; /* QR, AA */
    message[7] = 1;
    message[11] = 0;
    memcpy(message + len, soa, sizeof(soa));
    put_u32(message + len + sizeof(soa), serial);
    len += sizeof(soa) + 20;
    b->server->now_us = b->now_us;
    server_call_message(b->server, asked, message, len);
    server_time(b->server, b->now_us);
}

static void pass(struct bed *b, int64_t us)
{
    b->now_us += us;
    server_time(b->server, b->now_us);
}

Test(serving, ends_a_wait_when_the_secondary_answers_with_the_serial)
{
    struct bed *b = start(ZONES, "");
    struct waiter w;
    cr_expect_not(wait_for(b, &w, 7));
    cr_expect_eq(questions, 0, "it is not known to have it");
    taken(b, 7);
    cr_expect_eq(questions, 1);
    answer(b, 6);
    cr_expect_eq(told, 0, "it has it, but its answers are older");
    pass(b, 1000000);
    answer(b, 7);
    cr_expect(told == 1 && had == 1);
    cr_expect_null(asked);
    bed_free(b);
}

/* It may take half a second: some questions, not one after each answer. */
Test(serving, asks_with_pauses_that_grow)
{
    struct bed *b = start(ZONES, "");
    struct waiter w;
    cr_expect_not(wait_for(b, &w, 7));
    taken(b, 7);
    for (int64_t us = 0; us < 1000000; us += 500) {
        if (asked)
            answer(b, 6);
        pass(b, 500);
    }
    cr_expect_gt(questions, 5);
    cr_expect_lt(questions, 25, "%u questions in a second", questions);
    bed_free(b);
}

/* Updates follow one another, and the secondary is always one behind: who waits for what is served
 * already is told. */
Test(serving, of_an_older_serial_is_enough_for_who_waits_for_that)
{
    struct bed *b = start(ZONES, "");
    struct waiter older, newer;
    publish(b, 8);
    cr_expect_not(wait_for(b, &older, 7));
    cr_expect_not(wait_for(b, &newer, 8));
    taken(b, 8);
    answer(b, 7);
    cr_expect(told == 1 && had == 1, "%u told, %u had", told, had);
    pass(b, 100000);
    answer(b, 8);
    cr_expect(told == 2 && had == 2, "%u told, %u had", told, had);
    bed_free(b);
}

/* RFC 1035 s4.2.1: a SOA of long names, with the name servers and a signature, may not fit in 512
 * bytes. */
Test(serving, is_asked_over_tcp_where_the_answer_is_cut)
{
    struct bed *b = start(ZONES, "");
    struct waiter w;
    uint8_t cut[512];
    cr_expect_not(wait_for(b, &w, 7));
    taken(b, 7);
    cr_assert_not_null(asked);
    cr_expect_eq(asked->to.transport, TRANSPORT_UDP);
    memcpy(cut, asked->bytes, asked->len);
    cut[2] = 0x86; /* QR, AA, TC */
    server_call_message(b->server, asked, cut, asked->len);
    cr_assert_not_null(asked);
    cr_expect_eq(asked->to.transport, TRANSPORT_TCP);
    cr_expect_eq(questions, 2);
    answer(b, 7);
    cr_expect(told == 1 && had == 1);
    cr_expect_null(asked);
    bed_free(b);
}

/* As with NOTIFY: nothing is sent unsigned to who is to be asked with a key. */
Test(serving, is_not_asked_unsigned_when_the_key_is_gone)
{
    struct bed *b = start(SIGNED, "keys: {k: {secret: " KEY "}}\n");
    static const uint8_t key[] = "\1k";
    struct waiter w;
    cr_expect(keyring_remove(b->server->keyring, (struct name){key, sizeof(key)}));
    cr_expect_not(wait_for(b, &w, 7));
    taken(b, 7);
    cr_expect_eq(questions, 0);
    pass(b, LATE);
    cr_expect(told == 1 && had == 0, "it is given up in its time");
    cr_expect_eq(questions, 0);
    bed_free(b);
}

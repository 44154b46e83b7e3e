/* SPDX-License-Identifier: Apache-2.0
 * server/waiting: who waits for secondaries is told once, in time, and from nobody's call. */
#include <arpa/inet.h>

#include "bed.h"
#include "talk.h"

#define ZONES                                           \
    "  a.example: {file: a, secondaries: [one, two]}\n" \
    "remotes:\n  one: {address: 192.0.2.1}\n  two: {address: 192.0.2.2}\n"
#define LATE 1000000

static unsigned told, had;

static void done(struct server *s, struct waiter *w, bool has)
{
    (void)s;
    (void)w;
    told++;
    had += has;
}

static void dial(void *arg, struct call *c)
{
    (void)arg;
    (void)c;
}

static void hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    (void)c;
    (void)may_reuse;
}

static struct bed *start(void)
{
    struct bed *b = bed_new();
    struct diag diag = {0};
    struct server_hooks hooks = bed_hooks(b);
    hooks.dial = dial;
    hooks.hang_up = hang_up;
    bed_file(b, "a", BED_TOP, 7);
    cr_assert_eq(server_new(bed_conf(b, "", ZONES), &hooks, &b->server, &diag), OK, "%s",
                 diag.text);
    server_start(b->server, b->now_us);
    bed_settle(b);
    told = had = 0;
    return b;
}

static struct server_zone *zone_a(struct bed *b)
{
    static const uint8_t name[] = "\1a\7example";
    return zone_owner(store_get(&b->server->store, (struct name){name, sizeof(name)}));
}

static void take(struct bed *b, const char *by, enum peer_event what, uint32_t serial)
{
    union address a = {.v4 = {.sin_family = AF_INET}};
    struct xfr_question who = {NULL, &a};
    cr_assert_eq(inet_pton(AF_INET, by, &a.v4.sin_addr), 1);
    peers_heard(b->server, zone_a(b), &who, what, serial);
}

static void taken(struct bed *b, const char *by, uint32_t serial)
{
    take(b, by, PEER_HAS, serial);
}

static bool wait_for(struct bed *b, struct waiter *w, uint32_t serial, unsigned count)
{
    *w = (struct waiter){.serial = serial, .count = count, .done = done};
    return waiter_start(b->server, zone_a(b), w, b->now_us + LATE);
}

Test(waiting, ends_when_so_many_have_the_serial)
{
    struct bed *b = start();
    struct waiter one, two;
    taken(b, "192.0.2.1", 5);
    cr_expect(wait_for(b, &one, 5, 1), "it is so already");
    cr_expect_not(wait_for(b, &one, 7, 1));
    cr_expect_not(wait_for(b, &two, 7, 2));
    taken(b, "192.0.2.1", 6);
    server_time(b->server, b->now_us);
    cr_expect_eq(told, 0);
    taken(b, "192.0.2.1", 7);
    cr_expect_eq(told, 0, "not from within the call");
    server_time(b->server, b->now_us);
    cr_expect(told == 1 && had == 1);
    taken(b, "192.0.2.2", 8); /* not from us: it is not what we wait for */
    server_time(b->server, b->now_us);
    cr_expect_eq(told, 1);
    taken(b, "192.0.2.2", 7);
    server_time(b->server, b->now_us);
    cr_expect(told == 2 && had == 2);
    bed_free(b);
    cr_expect_eq(told, 2);
}

Test(waiting, ends_when_the_time_is_over)
{
    struct bed *b = start();
    struct waiter w;
    cr_expect_not(wait_for(b, &w, 8, 1));
    server_time(b->server, b->now_us + LATE - 1);
    cr_expect_eq(told, 0);
    server_time(b->server, b->now_us + LATE);
    cr_expect(told == 1 && had == 0);
    taken(b, "192.0.2.1", 8);
    server_time(b->server, b->now_us + LATE);
    cr_expect_eq(told, 1);
    bed_free(b);
}

Test(waiting, ends_when_the_zone_goes)
{
    struct bed *b = start();
    struct waiter w;
    cr_expect_not(wait_for(b, &w, 8, 1));
    bed_reload(b, "", "  b.example: {file: a}\n");
    bed_settle(b);
    server_time(b->server, b->now_us);
    cr_expect(told == 1 && had == 0);
    bed_free(b);
}

#define REMOTES "remotes:\n  one: {address: 192.0.2.1}\n  two: {address: 192.0.2.2}\n"

Test(waiting, is_for_those_only_that_are_secondaries_yet)
{
    struct bed *b = start();
    struct waiter both, newer;
    taken(b, "192.0.2.1", 7);
    cr_expect_not(wait_for(b, &both, 7, 2));
    cr_expect_not(wait_for(b, &newer, 8, 2));
    bed_reload(b, "", "  a.example: {file: a, secondaries: [one]}\n" REMOTES);
    cr_expect_eq(told, 0, "not from within a reload");
    server_time(b->server, b->now_us);
    cr_expect(told == 1 && had == 1, "all that are left have it");
    bed_reload(b, "", "  a.example: {file: a, transfer: [{unsigned: yes}]}\n" REMOTES);
    server_time(b->server, b->now_us);
    cr_expect(told == 2 && had == 1, "there is nobody who could get it any more");
    bed_free(b);
}

Test(waiting, ends_when_the_server_does_also_for_who_is_about_to_be_told)
{
    struct bed *b = start();
    struct waiter one, two;
    cr_expect_not(wait_for(b, &one, 7, 1));
    cr_expect_not(wait_for(b, &two, 8, 1));
    taken(b, "192.0.2.1", 7);
    cr_expect(server_flush(b->server, 1000));
    cr_expect(told == 2 && had == 1);
    cr_expect(wait_for(b, &one, 9, 2), "nobody waits any more");
    bed_free(b);
}

Test(waiting, can_be_given_up)
{
    struct bed *b = start();
    struct waiter w;
    cr_expect_not(wait_for(b, &w, 7, 1));
    waiter_cancel(b->server, &w);
    taken(b, "192.0.2.1", 7);
    cr_expect_not(wait_for(b, &w, 8, 1));
    taken(b, "192.0.2.1", 8);
    waiter_cancel(b->server, &w); /* about to be told */
    server_time(b->server, b->now_us + LATE);
    cr_expect_eq(told, 0);
    bed_free(b);
}

/* --- the verb --- */

static void answer_is(struct talk *t, bool is_ok, const char *has)
{
    json_t *answer = json_loads(t->out, 0, NULL);
    cr_assert_not_null(answer, "%s", t->out);
    cr_expect_eq(json_is_true(json_object_get(answer, "ok")), is_ok, "%s", t->out);
    cr_expect_not_null(strstr(t->out, has), "%s", t->out);
    json_decref(answer);
}

#define WAIT "{\"verb\":\"wait\",\"zone\":\"a.example\",\"timeout\":5}"

Test(waiting, the_operator_waits_for_all_secondaries)
{
    struct bed *b = start();
    struct talk t;
    talk_open(&t, b);
    cr_assert_eq(talk_begin(&t, WAIT), CONTROL_WAIT);
    taken(b, "192.0.2.1", 7);
    server_time(b->server, b->now_us);
    cr_expect_not(t.is_woken);
    taken(b, "192.0.2.2", 7);
    server_time(b->server, b->now_us);
    cr_assert(t.is_woken);
    cr_assert_eq(control_step(t.client), CONTROL_DONE);
    answer_is(&t, true, "\"serial\":7");
    cr_assert_eq(talk_begin(&t, WAIT), CONTROL_DONE, "it is so already");
    answer_is(&t, true, "\"serial\":7");
    talk_close(&t);
    bed_free(b);
}

Test(waiting, the_operator_is_told_who_has_it_not)
{
    struct bed *b = start();
    struct talk t;
    talk_open(&t, b);
    taken(b, "192.0.2.1", 6);
    cr_assert_eq(talk_begin(&t, WAIT), CONTROL_WAIT);
    server_time(b->server, b->now_us + 5 * LATE);
    while (!t.is_woken)
        server_time(b->server, b->now_us + 5 * LATE);
    cr_assert_eq(control_step(t.client), CONTROL_DONE);
    answer_is(&t, false, "serial 7 is not known to be at: one (6), two");
    /* RFC 5936 s6: what was taken may be served later, or never */
    take(b, "192.0.2.2", PEER_TAKEN, 7);
    cr_assert_eq(talk_begin(&t, WAIT), CONTROL_WAIT);
    while (!t.is_woken)
        server_time(b->server, b->now_us + 10 * LATE);
    cr_assert_eq(control_step(t.client), CONTROL_DONE);
    answer_is(&t, false,
              "serial 7 is not known to be at: one (6), two (has it, does not serve it yet)");
    /* none is left, and the operator hears so rather than a list without names */
    cr_assert_eq(talk_begin(&t, WAIT), CONTROL_WAIT);
    bed_reload(b, "", "  a.example: {file: a}\n");
    bed_settle(b);
    while (!t.is_woken)
        server_time(b->server, b->now_us);
    cr_assert_eq(control_step(t.client), CONTROL_DONE);
    answer_is(&t, false,
              "zone a.example. has no secondaries any more, there is nobody to wait for");
    bed_reload(b, "", ZONES);
    bed_settle(b);
    /* one who does not wait for the end */
    cr_assert_eq(talk_begin(&t, WAIT), CONTROL_WAIT);
    talk_close(&t);
    bed_free(b);
}

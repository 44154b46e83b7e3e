/* SPDX-License-Identifier: Apache-2.0
 * The operator's changes when something comes in between: a client that leaves, a zone that goes, a
 * disk that fails. */
#include "disk.h"
#include "server/nsupdate.h"
#include "talk.h"

#define UPDATE "{\"verb\":\"update\",\"zone\":\"a.example\"}"
#define FREEZE "{\"verb\":\"freeze\",\"zone\":\"a.example\"}"
#define THAW   "{\"verb\":\"thaw\",\"zone\":\"a.example\"}"
#define EXPLAIN                                                                       \
    "{\"verb\":\"explain update\",\"zone\":\"a.example\",\"key\":\"-\",\"update\":\"" \
    "add y 60 A 192.0.2.9\"}"
#define ADD_ONE "add x 60 A 192.0.2.9\\n"
/* Records that take more than one turn. */
#define MANY    5000

struct stage {
    struct disk d;
    struct bed *b;
    struct talk t;
};

static struct stage stage_new(void)
{
    struct stage s = {.d = disk_new()};
    s.b = s.d.bed;
    bed_start(s.b, "", DISK_A DISK_B);
    disk_rest(s.b);
    return s;
}

static void stage_free(struct stage *s)
{
    disk_free(&s->d);
}

static void send_text(struct talk *t, const char *json_text)
{
    size_t cap = strlen(json_text) + 32;
    char *line = mem_alloc(cap);
    snprintf(line, cap, "{\"part\":\"%s\"}", json_text);
    cr_assert_eq(talk_begin(t, line), CONTROL_DONE);
    free(line);
}

static void send_many(struct talk *t)
{
    char text[128];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "add n%u 60 A 192.0.2.9\\n", i);
        send_text(t, text);
    }
}

/* Until no task is left, and whatever they lead to is done. */
static void rest(struct bed *b)
{
    while (!list_is_empty(&b->server->controls.tasks.all)) {
        server_turn(b->server);
        cr_assert(bed_wait(b));
        (void)server_collect(b->server, b->now_us);
    }
    while (!list_is_empty(&b->server->changing)) {
        server_turn(b->server);
        (void)server_collect(b->server, b->now_us);
    }
    disk_rest(b);
}

/* Until the texts are read, with nothing of the change log taken in. */
static void until_read(struct bed *b)
{
    while (!list_is_empty(&b->server->controls.tasks.all)) {
        cr_assert(bed_wait(b));
        controls_collect(&b->server->controls);
    }
}

/* What was begun is answered, whatever it waits for. */
static json_t *finish(struct bed *b, struct talk *t, enum control_next next)
{
    server_turn(b->server);
    cr_assert_eq(talk_go(b, t, next, UINT32_MAX), CONTROL_DONE);
    return talk_answer(t);
}

static void expect_failure(json_t *answer, const char *sentence)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    cr_assert(error && strstr(error, sentence), "%s", error ? error : "none");
    json_decref(answer);
}

static void expect_ok(json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    cr_assert(json_is_true(json_object_get(answer, "ok")), "%s", error ? error : "");
    json_decref(answer);
}

/* RFC 2136 s3.4.2.2 and s3.6: the serial is moved once, and not if the update does so itself,
 * however long it is and wherever in it that stands. */
Test(control_ops, a_long_update_moves_the_serial_as_a_short_one_does)
{
    struct stage s = stage_new();
    char text[128];
    for (unsigned where = 0; where < 3; where++) { /* ahead of all, behind all, nowhere */
        int64_t before = bed_serial(s.b, "a.example.");
        talk_open(&s.t, s.b);
        for (unsigned i = 0; i <= 2 * NSUPDATE_PART_RECORDS; i++) {
            snprintf(text, sizeof(text), "add n%u 60 A 192.0.2.%u\\n", i, where);
            if (i == where * 2 * NSUPDATE_PART_RECORDS)
                snprintf(text, sizeof(text), "add a.example. 60 SOA ns h %d 1 1 1 %u\\n",
                         (int)before + 1, where);
            send_text(&s.t, text);
        }
        json_t *answer = finish(s.b, &s.t, talk_begin(&s.t, UPDATE));
        cr_expect_eq(json_integer_value(json_object_get(answer, "ignored")), 0);
        expect_ok(answer);
        talk_close(&s.t);
        rest(s.b);
        cr_expect_eq(bed_serial(s.b, "a.example."), before + 1, "%u", where);
    }
    stage_free(&s);
}

/* A prerequisite that fails is about another name and type than what is asked to be done. */
Test(control_ops, explain_shows_the_operation_where_a_prerequisite_fails)
{
    struct stage s = stage_new();
    char answer[4096];
    talk_open(&s.t, s.b);
    enum control_next next = talk_begin(&s.t, "{\"verb\":\"explain update\",\"zone\":\"a.example\","
                                              "\"key\":\"-\",\"update\":\"prereq yxrrset foo "
                                              "TXT\\nupdate add y 60 A 192.0.2.9\"}");
    cr_assert_eq(talk_go(s.b, &s.t, next, UINT32_MAX), CONTROL_DONE);
    snprintf(answer, sizeof(answer), "%s", s.t.out);
    cr_expect_not_null(strstr(answer, "\"rcode\":\"NXRRSET\""), "%s", answer);
    cr_expect_not_null(strstr(answer, "\"name\":\"y.a.example.\""), "%s", answer);
    cr_expect_not_null(strstr(answer, "\"type\":\"A\""), "%s", answer);
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, a_client_that_leaves_before_its_text_is_read_changes_nothing)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    send_text(&s.t, ADD_ONE);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    talk_close(&s.t);
    rest(s.b);
    cr_expect_eq(bed_serial(s.b, "a.example."), 1);
    cr_expect_eq(s.b->server->controls.body_bytes, 0);
    stage_free(&s);
}

Test(control_ops, a_change_that_is_with_the_log_needs_its_client_no_more)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    send_text(&s.t, ADD_ONE);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_expect_eq(commit_count(s.b->server), 1);
    talk_close(&s.t);
    rest(s.b);
    cr_expect_eq(bed_serial(s.b, "a.example."), 2);
    stage_free(&s);
}

Test(control_ops, a_long_change_goes_on_without_its_client)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    send_many(&s.t);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_assert_not(list_is_empty(&s.b->server->changing));
    talk_close(&s.t);
    rest(s.b);
    cr_expect_eq(bed_serial(s.b, "a.example."), 2);
    cr_expect_eq(disk_ask(s.b, "n4999.a.example."), NOERROR);
    stage_free(&s);
}

Test(control_ops, a_change_that_the_log_does_not_take_is_none)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    disk_fail(&s.d, FAULT_WRITE, 1, EIO);
    send_text(&s.t, ADD_ONE);
    expect_failure(talk_ask(s.b, &s.t, UPDATE), "SERVFAIL: the change log did not take it");
    cr_expect_eq(bed_serial(s.b, "a.example."), 1);
    cr_expect_eq(disk_ask(s.b, "x.a.example."), NXDOMAIN);
    disk_recover(&s.d);
    send_text(&s.t, ADD_ONE);
    expect_ok(talk_ask(s.b, &s.t, UPDATE));
    cr_expect_eq(bed_serial(s.b, "a.example."), 2);
    talk_close(&s.t);
    stage_free(&s);
}

/* What it is built on is taken back while it is still being made. */
Test(control_ops, a_long_change_ends_with_what_it_is_built_on)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    disk_fail(&s.d, FAULT_WRITE, 1, EIO);
    disk_send_add(s.b, "a.example.", "y.a.example.");
    disk_until_committed(s.b);
    send_many(&s.t);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_assert_not(list_is_empty(&s.b->server->changing));
    expect_failure(finish(s.b, &s.t, CONTROL_WAIT), "the change log fails");
    cr_expect_eq(bed_serial(s.b, "a.example."), 1);
    cr_expect(list_is_empty(&s.b->server->changing));
    disk_recover(&s.d);
    send_many(&s.t);
    expect_ok(talk_ask(s.b, &s.t, UPDATE));
    cr_expect_eq(bed_serial(s.b, "a.example."), 2);
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, a_zone_that_goes_takes_its_changes_along)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    send_text(&s.t, ADD_ONE);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    bed_reload(s.b, "", DISK_B); /* while the text is read */
    expect_failure(finish(s.b, &s.t, CONTROL_WAIT), "the zone was removed meanwhile");
    bed_reload(s.b, "", DISK_A DISK_B);
    disk_rest(s.b);
    send_many(&s.t);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    bed_reload(s.b, "", DISK_B); /* while it is being made */
    expect_failure(finish(s.b, &s.t, CONTROL_WAIT), "the zone was removed meanwhile");
    bed_reload(s.b, "", DISK_A DISK_B);
    disk_rest(s.b);
    send_text(&s.t, ADD_ONE);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    bed_reload(s.b, "", DISK_B); /* before the log has it */
    expect_failure(finish(s.b, &s.t, CONTROL_WAIT), "the zone was removed meanwhile");
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, a_server_may_end_with_a_change_under_way)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    send_many(&s.t);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_assert_not(list_is_empty(&s.b->server->changing));
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, explain_waits_for_a_change_that_is_under_way)
{
    struct stage s = stage_new();
    struct talk other;
    talk_open(&s.t, s.b);
    talk_open(&other, s.b);
    send_many(&s.t);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_assert_not(list_is_empty(&s.b->server->changing));
    cr_assert_eq(talk_begin(&other, EXPLAIN), CONTROL_WAIT);
    talk_close(&other); /* and one that does not wait until then */
    talk_open(&other, s.b);
    expect_ok(talk_ask(s.b, &other, EXPLAIN));
    expect_ok(finish(s.b, &s.t, CONTROL_WAIT));
    cr_expect_eq(bed_serial(s.b, "a.example."), 2);
    talk_close(&other);
    talk_close(&s.t);
    stage_free(&s);
}

/* What goes to and fro between two large RRsets; of as many records as one message has, that
 * explain takes. */
enum { LARGE = 900, TO_AND_FRO = 120 };

static char *to_and_fro(const char *before, const char *behind)
{
    enum { CAP = 8192 };
    char *text = mem_alloc(CAP);
    size_t len = (size_t)snprintf(text, CAP, "%s", before);
    for (unsigned i = 0; i < TO_AND_FRO; i++)
        len += (size_t)snprintf(text + len, CAP - len, "add big%u 60 A 192.0.2.%u\\n", i % 2, i);
    snprintf(text + len, CAP - len, "%s", behind);
    return text;
}

static char *explain_to_and_fro(void)
{
    return to_and_fro("{\"verb\":\"explain update\",\"zone\":\"a.example\",\"key\":\"-\","
                      "\"update\":\"",
                      "\"}");
}

static void make_large(struct stage *s)
{
    char text[64];
    for (unsigned i = 0; i < 2 * LARGE; i++) {
        snprintf(text, sizeof(text), "add big%u 60 A 10.0.%u.%u\\n", i % 2, i / 256, i % 256);
        send_text(&s->t, text);
    }
    expect_ok(talk_ask(s->b, &s->t, UPDATE));
    disk_rest(s->b);
}

/* Turns that the change under way takes until it is with the log, or over. */
static unsigned turns_of_change(struct stage *s)
{
    unsigned turns = 0;
    for (; !list_is_empty(&s->b->server->changing); turns++) {
        server_turn(s->b->server);
        changing_turn(s->b->server);
    }
    return turns;
}

/* Its verdict is the one that it has where nothing is large. */
Test(control_ops, explain_of_much_takes_more_than_one_turn)
{
    struct stage s = stage_new();
    char *line = explain_to_and_fro();
    talk_open(&s.t, s.b);
    expect_ok(talk_ask(s.b, &s.t, line));
    make_large(&s);
    cr_assert_eq(talk_begin(&s.t, line), CONTROL_WAIT, "%s", s.t.out);
    cr_expect_gt(turns_of_change(&s), 10);
    cr_assert_eq(control_step(s.t.client), CONTROL_DONE);
    json_t *answer = talk_answer(&s.t);
    cr_expect_str_eq(json_string_value(json_object_get(answer, "rcode")), "NOERROR");
    cr_expect(json_is_true(json_object_get(answer, "changed")));
    json_decref(answer);
    cr_expect_eq(bed_serial(s.b, "a.example."), 2, "nothing has changed");
    free(line);
    talk_close(&s.t);
    stage_free(&s);
}

/* Rules that come meanwhile are those that it is held against. */
Test(control_ops, explain_of_much_begins_anew_with_other_rules)
{
    static const char none[] =
        "  a.example: {file: a, updates: [{unsigned: yes, from: [192.0.2.1], all: yes}]}\n";
    struct stage s = stage_new();
    char *line = explain_to_and_fro();
    talk_open(&s.t, s.b);
    make_large(&s);
    cr_assert_eq(talk_begin(&s.t, line), CONTROL_WAIT, "%s", s.t.out);
    while (!txn_is_touched(disk_zone(s.b, "a.example.")->changing->txn)) {
        server_turn(s.b->server);
        changing_turn(s.b->server);
        cr_assert_not(s.t.is_woken);
    }
    bed_reload(s.b, "", none);
    (void)turns_of_change(&s);
    cr_assert_eq(talk_go(s.b, &s.t, CONTROL_WAIT, UINT32_MAX), CONTROL_DONE);
    cr_expect_not_null(strstr(s.t.out, "\"rcode\":\"REFUSED\""), "%s", s.t.out);
    free(line);
    talk_close(&s.t);
    stage_free(&s);
}

/* It is one message. */
Test(control_ops, an_update_of_much_takes_more_than_one_turn)
{
    struct stage s = stage_new();
    char *text = to_and_fro("", "");
    talk_open(&s.t, s.b);
    make_large(&s);
    send_text(&s.t, text);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_expect_gt(turns_of_change(&s), 10);
    expect_ok(finish(s.b, &s.t, CONTROL_WAIT));
    cr_expect_eq(bed_serial(s.b, "a.example."), 3);
    free(text);
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, explain_ends_with_the_zone)
{
    struct stage s = stage_new();
    struct talk other;
    talk_open(&s.t, s.b);
    talk_open(&other, s.b);
    send_many(&s.t);
    cr_assert_eq(talk_begin(&s.t, UPDATE), CONTROL_WAIT);
    until_read(s.b);
    cr_assert_eq(talk_begin(&other, EXPLAIN), CONTROL_WAIT);
    bed_reload(s.b, "", DISK_B);
    expect_failure(finish(s.b, &other, CONTROL_WAIT), "SERVFAIL: the zone is not ready");
    expect_failure(finish(s.b, &s.t, CONTROL_WAIT), "the zone was removed meanwhile");
    talk_close(&other);
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, what_is_not_noted_is_not_frozen_and_not_thawed)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    disk_fail(&s.d, FAULT_WRITE, 1, EIO);
    expect_failure(talk_ask(s.b, &s.t, FREEZE), "not noted in the change log");
    cr_expect_not(disk_zone(s.b, "a.example.")->is_frozen);
    disk_recover(&s.d);
    expect_ok(talk_ask(s.b, &s.t, FREEZE));
    cr_expect(disk_zone(s.b, "a.example.")->is_frozen);
    disk_fail(&s.d, FAULT_WRITE, 1, EIO);
    expect_failure(talk_ask(s.b, &s.t, THAW), "not noted in the change log");
    cr_expect(disk_zone(s.b, "a.example.")->is_frozen);
    disk_recover(&s.d);
    expect_ok(talk_ask(s.b, &s.t, THAW));
    cr_expect_not(disk_zone(s.b, "a.example.")->is_frozen);
    cr_expect_eq(disk_add(s.b, "a.example.", "x.a.example."), NOERROR);
    talk_close(&s.t);
    stage_free(&s);
}

Test(control_ops, a_freeze_is_at_once_and_needs_no_client)
{
    struct stage s = stage_new();
    struct talk other;
    talk_open(&s.t, s.b);
    talk_open(&other, s.b);
    cr_assert_eq(talk_begin(&s.t, FREEZE), CONTROL_WAIT);
    cr_expect(disk_zone(s.b, "a.example.")->is_frozen);
    expect_failure(talk_ask(s.b, &other, THAW), "another freeze or thaw");
    talk_close(&s.t);
    talk_close(&other);
    rest(s.b);
    cr_expect_eq(disk_add(s.b, "a.example.", "x.a.example."), REFUSED);
    disk_restart(s.b, "", DISK_A DISK_B);
    cr_expect_eq(disk_add(s.b, "a.example.", "x.a.example."), REFUSED);
    talk_open(&other, s.b);
    expect_ok(talk_ask(s.b, &other, THAW));
    talk_close(&other);
    disk_restart(s.b, "", DISK_A DISK_B);
    cr_expect_eq(disk_add(s.b, "a.example.", "x.a.example."), NOERROR);
    stage_free(&s);
}

Test(control_ops, a_freeze_of_a_zone_that_goes_does_no_harm)
{
    struct stage s = stage_new();
    talk_open(&s.t, s.b);
    cr_assert_eq(talk_begin(&s.t, FREEZE), CONTROL_WAIT);
    bed_reload(s.b, "", DISK_B);
    expect_ok(finish(s.b, &s.t, CONTROL_WAIT));
    bed_reload(s.b, "", DISK_A DISK_B);
    disk_rest(s.b);
    cr_expect(disk_zone(s.b, "a.example.")->is_frozen, "what the log has counts");
    talk_close(&s.t);
    stage_free(&s);
}

/* SPDX-License-Identifier: Apache-2.0
 * Verbs about history at their edges: clients that go away, zones that go, a change log that fails,
 * clients that do not read. */
#include <sqlite3.h>

#include "server/history.h"
#include "talk.h"

#include "../../tools/faultvfs.h"

#define OPEN_ZONE "  a.example: {file: a, protect: none, updates: [{unsigned: yes, all: yes}]}\n"
#define RECORDS   8000 /* more than all lines between task and client can hold */

static unsigned add(struct bed *b, const char *owner, const char *address)
{
    return bed_update(b, &(struct bed_change){"a.example.", owner, CLASS_IN, TYPE_A, 60, address});
}

/* A zone at serial 4, by three updates. */
static struct bed *bed_with_history(void)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP "$GENERATE 1-%u h$ A 192.0.2.1\n", 1, RECORDS);
    bed_start(b, "", OPEN_ZONE);
    bed_settle(b);
    cr_assert_eq(add(b, "x.a.example.", "192.0.2.7"), NOERROR);
    cr_assert_eq(add(b, "y.a.example.", "192.0.2.8"), NOERROR);
    cr_assert_eq(add(b, "x.a.example.", "192.0.2.9"), NOERROR);
    cr_assert_eq(bed_serial(b, "a.example."), 4);
    return b;
}

static const char rollback[] = "{\"verb\":\"rollback\",\"zone\":\"a.example\",\"serial\":1}";

static const char *const lines[] = {
    "{\"verb\":\"log\",\"zone\":\"a.example\",\"records\":true}",
    "{\"verb\":\"diff\",\"zone\":\"a.example\",\"serials\":\"1\"}",
    "{\"verb\":\"diff\",\"zone\":\"a.example\",\"file\":true}",
    "{\"verb\":\"blame\",\"zone\":\"a.example\",\"name\":\"x\"}",
    "{\"verb\":\"export\",\"zone\":\"a.example\",\"at\":2}",
    "{\"verb\":\"export\",\"zone\":\"a.example\",\"dynamic\":true}",
    "{\"verb\":\"rollback\",\"zone\":\"a.example\",\"serial\":1,\"dry-run\":true}",
    rollback,
};

/* Steps of any of them, and some more. */
#define STEPS_MAX 12

Test(history, may_be_given_up_at_any_step)
{
    struct bed *b = bed_with_history();
    unsigned serial = 4;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
            struct talk t;
            char name[32];
            talk_open(&t, b);
            (void)talk_go(b, &t, talk_begin(&t, lines[i]), steps);
            talk_close(&t);
            snprintf(name, sizeof(name), "z%u.a.example.", serial);
            cr_expect_eq(add(b, name, "192.0.2.1"), NOERROR, "%s, %u steps", lines[i], steps);
            int64_t now = bed_serial(b, "a.example.");
            cr_expect(now == serial + 1 || (lines[i] == rollback && now == serial + 2),
                      "%s, %u steps: from %u to %u", lines[i], steps, serial, (unsigned)now);
            serial = (unsigned)now;
        }
    }
    bed_free(b);
}

/* Under way when the server ends: the client goes first, as the reactor has it. */
Test(history, does_not_keep_a_server_from_ending)
{
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct bed *b = bed_with_history();
        struct talk t;
        talk_open(&t, b);
        (void)talk_begin(&t, lines[i]);
        talk_close(&t);
        bed_free(b);
    }
}

/* The task has filled what may lie between it and the client, and waits. */
static enum control_next begin_and_fill(struct bed *b, struct talk *t)
{
    unsigned before = b->wakes;
    talk_open(t, b);
    enum control_next next = talk_begin(t, lines[4]);
    cr_assert_eq(next, CONTROL_WAIT);
    bed_wait_wakes(b, before + HISTORY_LINES_MAX);
    return next;
}

Test(history, is_told_whole_to_a_client_that_reads_late)
{
    struct bed *b = bed_with_history();
    struct talk t;
    enum control_next next = begin_and_fill(b, &t);
    cr_assert_eq(talk_go(b, &t, next, UINT32_MAX), CONTROL_DONE);
    json_t *answer = talk_answer(&t);
    cr_expect_eq(json_integer_value(json_object_get(answer, "records")), RECORDS + 3);
    json_decref(answer);
    talk_close(&t);
    bed_free(b);
}

Test(history, is_given_up_while_it_waits_for_its_client)
{
    struct bed *b = bed_with_history();
    struct talk t;
    (void)begin_and_fill(b, &t);
    talk_close(&t);
    cr_expect_eq(add(b, "z.a.example.", "192.0.2.1"), NOERROR);
    bed_free(b); /* waits for the task */
}

/* The zone goes when the rollback has made that many steps. */
Test(history, of_a_zone_that_goes_ends_with_a_sentence)
{
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        struct bed *b = bed_with_history();
        struct talk t;
        bed_file(b, "b", BED_TOP, 1);
        talk_open(&t, b);
        enum control_next next = talk_go(b, &t, talk_begin(&t, rollback), steps);
        bed_reload(b, "", "  b.example: {file: b}\n");
        next = talk_go(b, &t, next, UINT32_MAX);
        cr_assert_eq(next, CONTROL_DONE);
        json_t *answer = talk_answer(&t);
        cr_expect(json_is_true(json_object_get(answer, "ok")) || strstr(t.out, "removed") ||
                      strstr(t.out, "did not take it"),
                  "%u steps: %s", steps, t.out);
        json_decref(answer);
        talk_close(&t);
        bed_settle(b);
        cr_expect_eq(bed_serial(b, "b.example."), 1);
        bed_free(b);
    }
}

Test(history, rolls_back_for_two_at_once_one_after_the_other)
{
    struct bed *b = bed_with_history();
    struct talk t[2];
    enum control_next next[2];
    for (int i = 0; i < 2; i++) {
        talk_open(&t[i], b);
        next[i] = talk_begin(&t[i], rollback);
    }
    for (unsigned i = 0; next[0] != CONTROL_DONE || next[1] != CONTROL_DONE; i++)
        if (t[i % 2].is_woken || next[(i + 1) % 2] == CONTROL_DONE)
            next[i % 2] = talk_go(b, &t[i % 2], next[i % 2], 1);
        else if (!t[(i + 1) % 2].is_woken) {
            cr_assert(bed_wait(b));
            server_collect(b->server, b->now_us);
            server_turn(b->server);
        }
    unsigned committed = 0;
    for (int i = 0; i < 2; i++) {
        json_t *answer = talk_answer(&t[i]);
        cr_expect(json_is_true(json_object_get(answer, "ok")), "%s", t[i].out);
        committed += json_object_get(answer, "serial") != NULL;
        json_decref(answer);
        talk_close(&t[i]);
    }
    cr_expect_eq(committed, 1, "the second finds nothing left to undo");
    cr_expect_eq(bed_serial(b, "a.example."), 5);
    bed_free(b);
}

static void expect_refused(struct bed *b, const char *line, const char *why)
{
    struct talk t;
    talk_open(&t, b);
    cr_expect_not(talk_is_ok(b, &t, line), "%s", line);
    cr_expect_not_null(strstr(t.out, why), "%s: %s", line, t.out);
    talk_close(&t);
}

Test(history, of_a_frozen_zone_is_not_rolled_back)
{
    struct bed *b = bed_with_history();
    STORE_EACH(e, &b->server->store) {
        zone_owner(e)->is_frozen = true;
    }
    expect_refused(b, rollback, "frozen");
    cr_expect_eq(bed_serial(b, "a.example."), 4);
    bed_free(b);
}

Test(history, of_a_zone_that_the_log_has_not_given_yet_is_asked_for_too_early)
{
    struct bed *b = bed_with_history();
    STORE_EACH(e, &b->server->store) {
        zone_owner(e)->is_kept = false;
    }
    expect_refused(b, lines[0], "is being read from the change log");
    expect_refused(b, rollback, "is being read from the change log");
    bed_free(b);
}

/* --- with a disk that fails --- */

Test(history, is_as_it_was_when_the_log_does_not_take_a_rollback)
{
    struct faultvfs *disk = faultvfs_new("history");
    struct fault fault = {.call = FAULT_SYNC, .at = 1, .count = UINT64_MAX, .error = EIO};
    sqlite3_vfs_register(sqlite3_vfs_find("history"), 1);
    struct bed *b = bed_with_history();
    faultvfs_fail(disk, &fault);
    expect_refused(b, rollback, "the change log did not take it");
    cr_expect_eq(bed_serial(b, "a.example."), 4);
    faultvfs_clear(disk);
    struct talk t;
    talk_open(&t, b);
    cr_expect(talk_is_ok(b, &t, rollback), "%s", t.out);
    talk_close(&t);
    cr_expect_eq(bed_serial(b, "a.example."), 5);
    bed_free(b);
    faultvfs_free(disk);
}

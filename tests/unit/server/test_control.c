/* SPDX-License-Identifier: Apache-2.0
 * Requests in, lines out: every line is answered by well-formed lines of which the last one says
 * "ok", and a client may go away at any point. */
#include "server/control_frame.h"
#include "server/control_int.h"
#include "talk.h"

static struct bed *bed_of_two(void)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP "$GENERATE 1-3000 h$ A 192.0.2.1\n", 7);
    bed_file(b, "b", "nonsense\n");
    bed_start(b, "", "  a.example: {file: a}\n  b.example: {file: b}\n");
    bed_settle(b);
    return b;
}

Test(control, answers_every_line_with_a_last_one)
{
    static const struct row {
        const char *line;
        bool ok;
    } rows[] = {
        {"", false},
        {"{", false},
        {"[]", false},
        {"{\"verb\":\"nope\"}", false},
        {"{\"verb\":\"status\",\"x\":1}", false},
        {"{\"verb\":\"zone\"}", false},
        {"{\"verb\":\"zone\",\"zone\":\"a.example\"}", true},
        {"{\"verb\":\"zone\",\"zone\":\"b.example\"}", true},
        {"{\"verb\":\"zone\",\"zone\":\"c.example\"}", false},
        {"{\"verb\":\"export\",\"zone\":\"a.example\"}", true},
        {"{\"verb\":\"export\",\"zone\":\"b.example\"}", false},
        {"{\"verb\":\"export\",\"zone\":\"a.example\",\"output\":\"x\"}", false},
        {"{\"verb\":\"zones\"}", true},
        {"{\"verb\":\"status\"}", true},
        {"{\"verb\":\"stats\"}", true},
        {"{\"verb\":\"log-level\"}", true},
        {"{\"verb\":\"log-level\",\"level\":\"x\"}", false},
        {"{\"verb\":\"reload\",\"zones\":[\"a.example.\"]}", true},
        {"{\"verb\":\"reload\",\"zones\":[\"a.example\",\"b.example\"]}", false},
        {"{\"verb\":\"reload\",\"zones\":[\"c.example\"]}", false},
        {"{\"verb\":\"reload\"}", false}, /* without the reactor's hooks */
        {"{\"verb\":\"stop\"}", false},
        {"{\"verb\":\"key list\"}", true},
        {"{\"verb\":\"plan\"}", false}, /* as check */
        {"{\"verb\":\"journal check\"}", false},
        {"{\"verb\":\"backup\",\"dir\":\"relative\"}", false},
        {"{\"verb\":\"backup\",\"dir\":\"/proc/x\"}", false},
        {"{\"verb\":\"key new\",\"key\":\"k\"}", false},
        {"{\"verb\":\"key rotate\",\"key\":\"k\"}", false},
        {"{\"verb\":\"key revoke\",\"key\":\"k\"}", false},
        {"{\"verb\":\"check\"}", false}, /* the bed's configuration is no file */
    };
    struct bed *b = bed_of_two();
    struct talk t;
    talk_open(&t, b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(talk_is_ok(b, &t, rows[i].line), rows[i].ok, "%s: %s", rows[i].line, t.out);
    talk_close(&t);
    bed_free(b);
}

Test(control, exports_every_record_once_with_the_soa_first)
{
    struct bed *b = bed_of_two();
    struct talk t;
    talk_open(&t, b);
    json_t *answer = talk_ask(b, &t, "{\"verb\":\"export\",\"zone\":\"a.example\"}");
    cr_expect_eq(json_integer_value(json_object_get(answer, "records")), 3002);
    cr_expect_eq(json_integer_value(json_object_get(answer, "serial")), 7);
    cr_expect_not_null(strstr(t.out, "\"more\":true"), "so much is more than one line");
    json_decref(answer);
    char *first = strchr(t.out, '\n');
    cr_assert_not_null(first);
    *first = 0;
    cr_expect_not_null(strstr(t.out, "\"text\":\"a.example. 300 IN SOA "), "%.200s", t.out);
    talk_close(&t);
    bed_free(b);
}

Test(control, gives_up_what_its_client_no_longer_wants)
{
    static const char *const lines[] = {
        "{\"verb\":\"export\",\"zone\":\"a.example\"}",
        "{\"verb\":\"reload\",\"zones\":[\"a.example\"]}",
        "{\"verb\":\"check\"}",
        "{\"verb\":\"plan\"}",
        "{\"verb\":\"key list\"}",
        "{\"verb\":\"backup\",\"dir\":\"/proc/x\"}",
        "{\"part\":\"x\"}",
    };
    struct bed *b = bed_of_two();
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct talk t;
        talk_open(&t, b);
        control_begin(t.client, lines[i], strlen(lines[i]));
        talk_close(&t);
    }
    bed_settle(b);
    cr_expect_eq(b->server->controls.body_bytes, 0);
    cr_expect_eq(bed_serial(b, "a.example."), 7);
    bed_free(b);
}

/* A zone that is removed or replaced under an export: what is pinned stays, then goes. */
Test(control, exports_a_version_that_is_served_no_more)
{
    struct bed *b = bed_of_two();
    static const char line[] = "{\"verb\":\"export\",\"zone\":\"a.example\"}";
    struct talk t;
    talk_open(&t, b);
    cr_assert_eq(control_begin(t.client, line, strlen(line)), CONTROL_MORE);
    bed_reload(b, "", "  b.example: {file: b}\n");
    bed_settle(b);
    enum control_next next = CONTROL_MORE;
    while (next == CONTROL_MORE)
        next = control_step(t.client);
    cr_expect_not_null(strstr(t.out, "\"records\":3002"));
    talk_close(&t);
    bed_free(b);
}

static enum err reload_hook(void *arg, const char *who, struct diag *diag)
{
    unsigned *calls = arg;
    cr_expect_str_eq(who, "uid 1000");
    return ++*calls == 1 ? OK : err_say(diag, ERR_SYSTEM, "no thread");
}

static void stop_hook(void *arg)
{
    *(unsigned *)arg += 100;
}

Test(control, answers_a_reload_when_it_is_over)
{
    static const char line[] = "{\"verb\":\"reload\"}";
    struct bed *b = bed_of_two();
    struct talk t;
    unsigned calls = 0;
    struct control_hooks hooks = {&calls, reload_hook, stop_hook};
    control_set_hooks(b->server, &hooks);
    talk_open(&t, b);
    cr_assert_eq(control_begin(t.client, line, strlen(line)), CONTROL_WAIT);
    cr_assert_eq(control_step(t.client), CONTROL_WAIT, "woken for nothing");
    struct conf_faults *faults = mem_alloc_zero(sizeof(*faults));
    faults->count = 1;
    faults->list[0] = (struct conf_fault){.at = {3, 7}, .text = "bad \xff thing"};
    control_reload_over(b->server, "the configuration has faults", faults);
    cr_assert(t.is_woken);
    cr_assert_eq(control_step(t.client), CONTROL_DONE);
    cr_expect_not_null(strstr(t.out, ":3:7: bad \\\\xFF thing"), "%s", t.out);
    cr_expect_not_null(strstr(t.out, "\"ok\":false"), "%s", t.out);
    cr_expect_not(talk_is_ok(b, &t, line), "the hook refuses");
    cr_expect_not_null(strstr(t.out, "no thread"));
    control_reload_over(b->server, NULL, faults); /* nobody waits */
    cr_expect(talk_is_ok(b, &t, "{\"verb\":\"stop\"}"));
    cr_expect_eq(calls, 102);
    free(faults);
    talk_close(&t);
    bed_free(b);
}

Test(control, tells_of_warnings_of_a_configuration_that_was_taken)
{
    static const char line[] = "{\"verb\":\"reload\"}";
    struct bed *b = bed_of_two();
    struct talk t;
    unsigned calls = 0;
    struct control_hooks hooks = {&calls, reload_hook, stop_hook};
    struct conf_faults *faults = mem_alloc_zero(sizeof(*faults));
    faults->count = 1;
    faults->list[0] = (struct conf_fault){.at = {3, 7}, .is_warning = true, .text = "odd"};
    control_set_hooks(b->server, &hooks);
    talk_open(&t, b);
    cr_assert_eq(control_begin(t.client, line, strlen(line)), CONTROL_WAIT);
    control_reload_over(b->server, NULL, faults);
    cr_assert_eq(control_step(t.client), CONTROL_DONE);
    cr_expect_not_null(strstr(t.out, ":3:7: warning: odd"), "%s", t.out);
    cr_expect_not_null(strstr(t.out, "\"ok\":true"), "%s", t.out);
    cr_expect_not_null(strstr(t.out, "\"not_loaded\":1"), "%s", t.out);
    free(faults);
    talk_close(&t);
    bed_free(b);
}

/* --- the line as bytes --- */

Test(control_frame, takes_flat_objects_only)
{
    static const struct row {
        const char *line;
        enum err e;
    } rows[] = {
        {"{}", OK},
        {"{\"a\": [\"b\", 1, true], \"c\": \"[[[{{{\\\"[[[\"}", OK},
        {"{\"a\": {\"b\": 1}}", OK},
        {"{\"a\": [[1]]}", ERR_LIMIT},
        {"[[[", ERR_LIMIT},
        {"{\"a\": \"\\\\\", \"b\": [[1]]}", ERR_LIMIT},
        {"{\"a\": 1} x", ERR_SYNTAX},
        {"{\"a\": 1, \"a\": 2}", ERR_SYNTAX},
        {"{\"a\": \"\\u0000\"}", ERR_SYNTAX},
        {"{\"a\": \"\xff\"}", ERR_SYNTAX},
        {"[1]", ERR_SYNTAX},
        {"]]]}}}", ERR_SYNTAX},
        {"", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *out = NULL;
        struct diag diag = {0};
        cr_expect_eq(control_frame_read(rows[i].line, strlen(rows[i].line), &out, &diag), rows[i].e,
                     "%s: %s", rows[i].line, diag.text);
        cr_expect_eq(out != NULL, rows[i].e == OK);
        cr_expect_eq(diag.text[0] != 0, rows[i].e != OK);
        json_decref(out);
    }
}

Test(control_frame, has_a_limit_on_values)
{
    size_t cap = 2 * CONTROL_ITEMS_MAX + 64;
    char *line = mem_alloc(cap), *at = line;
    json_t *out;
    struct diag diag = {0};
    at += sprintf(at, "{\"a\": [1");
    for (int i = 0; i < CONTROL_ITEMS_MAX; i++)
        at += sprintf(at, ",1");
    at += sprintf(at, "]}");
    cr_expect_eq(control_frame_read(line, (size_t)(at - line), &out, &diag), ERR_LIMIT);
    free(line);
}

/* --- texts that are no UTF-8 --- */

Test(control, shows_bytes_that_json_cannot_hold)
{
    json_t *o = json_object();
    control_put_text(o, "a", "plain");
    control_put_text(o, "b",
                     "x\xff"
                     "y");
    cr_expect_str_eq(json_string_value(json_object_get(o, "a")), "plain");
    cr_expect_str_eq(json_string_value(json_object_get(o, "b")), "x\\xFFy");
    json_decref(o);
}

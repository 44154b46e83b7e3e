/* SPDX-License-Identifier: Apache-2.0
 * Texts from elsewhere reach a terminal as text, and every verb shows any answer without harm. */
#include <stdlib.h>
#include <string.h>

#include "ctl/show.h"
#include "unit.h"

Test(show, escapes_what_a_terminal_obeys)
{
    static const struct row {
        const char *text, *shown;
    } rows[] = {
        {"plain text", "plain text"},
        {"gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0 \xf0\x9f\x90\xa2",
         "gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0 \xf0\x9f\x90\xa2"},
        {"\x1b[2J\n\t\x7f", "\\x1B[2J\\x0A\\x09\\x7F"},
        {"\xc2\x9b"
         "1m",
         "\\u009B"
         "1m"},
        {"\xe2\x80\xae"
         "gpj",
         "\\u202E"
         "gpj"},
        {"\xe2\x80\xa8", "\\u2028"},
        {"\xff\xc3", "\\xFF\\xC3"},
        {"\xe2\x80", "\\xE2\\x80"},
        {"\xf0\x9f\x90", "\\xF0\\x9F\\x90"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *shown = NULL;
        size_t len;
        FILE *out = open_memstream(&shown, &len);
        ctl_show_text(rows[i].text, out);
        fclose(out);
        cr_expect_str_eq(shown, rows[i].shown, "row %zu", i);
        free(shown);
    }
}

static void show(enum verb_id verb, const char *json, char *shown, size_t cap)
{
    json_t *line = json_loads(json, 0, NULL);
    cr_assert_not_null(line);
    FILE *out = fmemopen(shown, cap, "w");
    ctl_show(verb, line, out);
    fclose(out);
    json_decref(line);
}

Test(show, takes_answers_that_no_server_gives)
{
    static const char *const answers[] = {
        "{}",
        "{\"ok\":true}",
        "{\"ok\":true,\"zone\":7,\"zones\":[1,{}],\"failures\":[[]],\"counters\":{},\"faults\":"
        "\"x\","
        "\"reloaded\":[null],\"level\":[],\"text\":1,\"loaded_us\":9223372036854775807,\"file\":1,"
        "\"failure\":1,\"uptime_s\":-1,\"not_loaded\":-9223372036854775808}",
        "{\"more\":true,\"rows\":[1,[],{},{\"op\":7},{\"op\":\"+\",\"owner\":[],\"ttl\":\"x\"},"
        "{\"serial\":{},\"time_us\":-9223372036854775808,\"kind\":1,\"actor\":\"\\u001b[2J\"}],"
        "\"commits\":\"x\",\"to\":[],\"added\":-1}",
    };
    static char shown[8192];
    for (unsigned verb = 0; verb < VERB_COUNT; verb++)
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
            show((enum verb_id)verb, answers[i], shown, sizeof(shown));
}

Test(show, says_spans_and_numbers_as_people_do)
{
    static const struct row {
        const char *uptime, *shown;
    } rows[] = {{"5", "up 5s"}, {"65", "up 1m 5s"}, {"7260", "up 2h 1m"}, {"183600", "up 2d 3h"}};
    static char shown[8192];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[128];
        snprintf(json, sizeof(json), "{\"ok\":true,\"uptime_s\":%s,\"zones\":1,\"records\":2}",
                 rows[i].uptime);
        show(VERB_status, json, shown, sizeof(shown));
        cr_expect_not_null(strstr(shown, rows[i].shown), "%s", shown);
        cr_expect_not_null(strstr(shown, "1 zone, 2 records"), "%s", shown);
    }
}

Test(show, prints_zone_files_as_they_are)
{
    static char shown[256];
    show(VERB_export, "{\"more\":true,\"text\":\"a. 1 IN TXT \\\"x\\\"\\nb\\u001b\"}", shown,
         sizeof(shown));
    cr_expect_str_eq(shown, "a. 1 IN TXT \"x\"\nb\\027");
}

Test(show, helps_with_every_verb)
{
    char *shown = NULL;
    size_t len;
    FILE *out = open_memstream(&shown, &len);
    ctl_show_help(out);
    fclose(out);
    for (unsigned i = 0; i < VERB_COUNT; i++)
        cr_expect_not_null(strstr(shown, verb_table[i].what), "%s", verb_table[i].name);
    free(shown);
}

Test(show, gives_a_change_one_line_and_its_records_one_each)
{
    static const struct row {
        enum verb_id verb;
        const char *json, *shown;
    } rows[] = {
        {VERB_log,
         "{\"rows\":[{\"serial\":7,\"time_us\":1795943643112000,\"kind\":\"update\",\"actor\":"
         "\"key "
         "web1\",\"peer\":\"192.0.2.7 tcp\",\"rule\":\"updates[0]\",\"added\":2,\"removed\":1},"
         "{\"op\":\"-\",\"owner\":\"www\",\"ttl\":60,\"type\":\"TXT\",\"rdata\":\"\\\"a\\\"\"}]}",
         "7  2026-11-29 09:14:03.112  key web1  192.0.2.7 tcp  rule updates[0]  +2 -1\n"
         "  - www 60 TXT \"a\"\n"},
        {VERB_log,
         "{\"rows\":[{\"serial\":8,\"time_us\":0,\"kind\":\"rollback\",\"actor\":\"root (uid "
         "0)\",\"peer\":\"\",\"rule\":\"to 7\",\"removed\":1}]}",
         "8  1970-01-01 00:00:00.000  rollback to 7 by root (uid 0)  -1\n"},
        {VERB_log, "{\"rows\":[{\"actor\":\"\\u001b[2J\",\"kind\":\"file\"}]}",
         "0  1970-01-01 00:00:00.000  \\x1B[2J\n"},
        {VERB_blame, "{\"rows\":[{\"type\":\"RRSIG\",\"covered\":\"A\",\"source\":\"zone file\"}]}",
         "RRSIG      of A  zone file\n"},
    };
    static char shown[1024];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        show(rows[i].verb, rows[i].json, shown, sizeof(shown));
        cr_expect_str_eq(shown, rows[i].shown, "row %zu", i);
    }
}

Test(show, says_what_an_update_did)
{
    static const struct row {
        const char *json, *shown;
    } rows[] = {
        {"{\"more\":true,\"diff\":\"- a 60 A 192.0.2.1\\n+ a\\u0007 60\\n\"}",
         "- a 60 A 192.0.2.1\n+ a\\007 60\n"},
        {"{\"ok\":true,\"zone\":\"a.\",\"serial\":7,\"changed\":true,\"added\":2,\"removed\":1}",
         "a.  serial 7  +2 -1 records\n"},
        {"{\"ok\":true,\"zone\":\"a.\",\"serial\":7,\"changed\":true,\"added\":2,\"removed\":1,"
         "\"dry_run\":true,\"ignored\":1}",
         "would commit serial 7: +2 -1 records, 1 operation ignored as RFC 2136 s3.4.2 has it\n"},
        {"{\"ok\":true,\"zone\":\"a.\",\"serial\":6,\"changed\":false,\"ignored\":0}",
         "a.  nothing changes\n"},
    };
    static char shown[8192];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(shown, 0, sizeof(shown));
        show(VERB_update, rows[i].json, shown, sizeof(shown));
        cr_expect_str_eq(shown, rows[i].shown, "row %zu", i);
    }
}

Test(show, secondaries_of_a_zone_are_shown_with_what_each_of_them_has)
{
    char shown[2000];
    show(VERB_peers,
         "{\"ok\":true,\"now_us\":200000000,\"zones\":[{\"zone\":\"example.com.\",\"serial\":107,"
         "\"secondaries\":[{\"name\":\"ns1\",\"address\":\"203.0.113.1@53\",\"serial\":107,"
         "\"state\":\"in sync\",\"lag_us\":40000},"
         "{\"name\":\"ns2\",\"address\":\"203.0.113.2@53\",\"serial\":101,\"state\":\"behind\","
         "\"behind\":6,\"error\":\"no answer\",\"error_us\":8000000,\"next_us\":227000000}]}]}",
         shown, sizeof(shown));
    cr_expect_str_eq(shown,
                     "example.com.  serial 107\n"
                     "  ns1       203.0.113.1@53  107  in sync  lag 0.04 s\n"
                     "  ns2       203.0.113.2@53  101  BEHIND 6  last error: no answer 3m 12s "
                     "ago, next try in 27s\n");
}

Test(show, says_which_rate_limits_an_answer_has)
{
    static const struct row {
        const char *json, *shown;
    } rows[] = {
        {"{\"rcode\":\"NXDOMAIN\"}", ""},
        {"{\"rate_class\":\"nxdomain\",\"rate_name\":\"example.\",\"rate_per_second\":4,"
         "\"rate_all_per_second\":0,\"rate_network\":\"192.0.2.0/24\"}",
         "  rate limit  nxdomain of example. 4/s, all without limit, to 192.0.2.0/24 over UDP "
         "without a good cookie\n"},
        {"{\"rate_class\":\"errors\",\"rate_per_second\":0,\"rate_all_per_second\":9,"
         "\"rate_network\":\"192.0.2.0/24\"}",
         "  rate limit  errors without limit, all 9/s, to 192.0.2.0/24 over UDP without a good "
         "cookie\n"},
        {"{\"rate_class\":\"answers\",\"rate_exempt\":\"192.0.2.0/28\"}",
         "  rate limit  none, 192.0.2.0/28 is exempt\n"},
    };
    static char shown[8192];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        show(VERB_explain_query, rows[i].json, shown, sizeof(shown));
        cr_expect_str_eq(strchr(shown, '\n') + 1, rows[i].shown);
    }
}

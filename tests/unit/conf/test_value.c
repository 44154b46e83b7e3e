/* SPDX-License-Identifier: Apache-2.0
 * Values by kind, and the sentence about the wrong ones. */
#include "conf/value.h"

#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "unit.h"

static struct conf_faults faults;

static struct conf *load(const char *yaml)
{
    return conf_load_bytes(yaml, strlen(yaml), "/etc/reeve/reeved.yaml", &faults);
}

Test(value, reads_durations_and_sizes_with_units)
{
    struct conf *c = load(
        "server: {limits: {tcp-idle: 2m, tcp-first-byte: 500ms, tcp-message: 7, tcp-unsent: 1M,\n"
        "  udp-receive-buffer: 65536}}");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(c->tcp_idle_ms, 120000);
    cr_expect_eq(c->tcp_first_byte_ms, 500);
    cr_expect_eq(c->tcp_message_ms, 7000, "a bare number is seconds");
    cr_expect_eq(c->tcp_unsent, 1048576);
    cr_expect_eq(c->udp_receive_buffer, 65536);
    conf_free(c);
}

Test(value, reads_prefixes)
{
    struct conf *c = load("server: {rate-limit: {exempt: [10.0.0.0/8, '2001:db8::1']}}");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_assert_eq(c->rrl_exempt.count, 2);
    cr_expect_eq(c->rrl_exempt.items[0].len, 8);
    cr_expect_eq(c->rrl_exempt.items[1].len, 128);
    conf_free(c);
    c = load("server: {rate-limit: {exempt: 10.0.0.0/8}}");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(c->rrl_exempt.count, 1);
    conf_free(c);
    c = load("server: {rate-limit: {exempt: off}}");
    cr_assert_not_null(c);
    cr_expect_eq(c->rrl_exempt.count, 0);
    conf_free(c);
}

Test(value, refuses_what_is_no_prefix)
{
    static const char *const rows[] = {"10.0.0.1/8",
                                       "[]",
                                       "'10.0.0.0/33'",
                                       "example",
                                       "{a: b}",
                                       "[off]",
                                       "[10.0.0.0/8, [10.0.0.0/8]]",
                                       "''"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[100];
        snprintf(yaml, sizeof(yaml), "server: {rate-limit: {exempt: %s}}", rows[i]);
        struct conf *c = load(yaml);
        cr_expect_null(c, "%s", yaml);
        conf_free(c);
    }
}

Test(value, reads_yes_and_no_as_people_write_them)
{
    static const struct row {
        const char *text;
        int value;
    } rows[] = {{"yes", 1},   {"no", 0},  {"on", 1},   {"off", 0}, {"true", 1},
                {"false", 0}, {"YES", 1}, {"'no'", 0}, {"True", 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[100];
        snprintf(yaml, sizeof(yaml), "server: {minimal-responses: %s}", rows[i].text);
        struct conf *c = load(yaml);
        cr_assert_not_null(c, "%s", yaml);
        cr_expect_eq(c->minimal_responses, rows[i].value, "%s", yaml);
        conf_free(c);
    }
}

Test(value, reads_text_as_it_stands)
{
    struct conf *c = load("server: {identity: no., version: \"Reeve 1\", user: off}");
    cr_assert_not_null(c);
    cr_expect_str_eq(c->identity, "no.");
    cr_expect_str_eq(c->version, "Reeve 1");
    cr_expect_null(c->user);
    conf_free(c);
}

Test(value, hostname_is_this_machines_name_for_identity_only)
{
    char name[256] = "";
    gethostname(name, sizeof(name) - 1);
    struct conf *c = load("server: {identity: hostname, version: hostname}");
    cr_assert_not_null(c);
    cr_expect_str_eq(c->identity, name);
    cr_expect_str_eq(c->version, "hostname");
    conf_free(c);
}

Test(value, relative_paths_start_at_the_files_directory)
{
    static const struct row {
        const char *path, *state_dir, *resolved;
    } rows[] = {
        {"/etc/reeve/reeved.yaml", "state", "/etc/reeve/state"},
        {"/etc/reeve/reeved.yaml", "/srv/state", "/srv/state"},
        {"conf/reeved.yaml", "../state", "conf/../state"},
        {"reeved.yaml", "state", "state"},
        {"/reeved.yaml", "state", "/state"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[100];
        snprintf(yaml, sizeof(yaml), "server: {state-dir: %s}", rows[i].state_dir);
        struct conf *c = conf_load_bytes(yaml, strlen(yaml), rows[i].path, &faults);
        cr_assert_not_null(c);
        cr_expect_str_eq(c->state_dir, rows[i].resolved);
        conf_free(c);
    }
}

Test(value, says_what_it_takes_and_what_it_found)
{
    static const struct row {
        const char *yaml;
        unsigned line, column;
        const char *text;
    } rows[] = {
        {"server:\n  udp-size: 99999\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not \"99999\""},
        {"server:\n  udp-size: 99999999999999999999999\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not \"99999999999999999999999\""},
        {"server:\n  udp-size: -1\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not \"-1\""},
        {"server:\n  udp-size: 1K\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not \"1K\""},
        {"server:\n  udp-size: 0x400\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not \"0x400\""},
        {"server:\n  udp-size:\n", 2, 12,
         "\"server.udp-size\" has no value; it takes a number from 512 to 4096"},
        {"server:\n  udp-size: [1232]\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not a list"},
        {"server:\n  udp-size: {a: 1}\n", 2, 13,
         "\"server.udp-size\" takes a number from 512 to 4096, not a map"},
        {"server: {limits: {tcp-idle: 10x}}", 1, 29,
         "\"server.limits.tcp-idle\" takes a duration from 100ms to 1d, not \"10x\""},
        {"server: {limits: {tcp-idle: 2d}}", 1, 29,
         "\"server.limits.tcp-idle\" takes a duration from 100ms to 1d, not \"2d\""},
        {"server: {limits: {tcp-unsent: 10s}}", 1, 31,
         "\"server.limits.tcp-unsent\" takes a size from 128K to 64M, not \"10s\""},
        {"server: {limits: {tcp-unsent: 99999999999999999999G}}", 1, 31,
         "\"server.limits.tcp-unsent\" takes a size from 128K to 64M, not "
         "\"99999999999999999999G\""},
        {"server: {minimal-responses: maybe}", 1, 29,
         "\"server.minimal-responses\" takes yes or no, not \"maybe\""},
        {"log: {level: warn}", 1, 14,
         "\"log.level\" takes error, warning, notice, info or debug, not \"warn\", did you mean "
         "\"warning\"?"},
        {"log: {level: 6}", 1, 14,
         "\"log.level\" takes error, warning, notice, info or debug, not \"6\""},
        {"log: {form: jsno}", 1, 13,
         "\"log.form\" takes logfmt or json, not \"jsno\", did you mean \"json\"?"},
        {"log: {to: syslog}", 1, 11, "\"log.to\" takes stderr or journal, not \"syslog\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        cr_expect_null(load(r->yaml), "%s", r->yaml);
        const struct conf_fault *f = &faults.list[0];
        cr_expect_eq(faults.count, 1, "%s: %u faults", r->yaml, faults.count);
        cr_expect(f->at.line == r->line && f->at.column == r->column, "%s: at %u:%u", r->yaml,
                  f->at.line, f->at.column);
        cr_expect_str_eq(f->text, r->text);
    }
}

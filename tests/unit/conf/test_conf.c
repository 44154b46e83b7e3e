/* SPDX-License-Identifier: Apache-2.0
 * The whole file: defaults, all faults at once, files that cannot be read, and our own example. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "unit.h"

static struct conf_faults faults;

static struct conf *load(const char *yaml)
{
    return conf_load_bytes(yaml, strlen(yaml), "/etc/reeve/reeved.yaml", &faults);
}

Test(conf, two_lines_are_enough)
{
    struct conf *c = load("zones:\n  example.com: {file: example.com.zone}\n");
    cr_assert_not_null(c);
    cr_expect_eq(c->zone_count, 1);
    cr_expect_str_eq(c->zones[0].file, "/etc/reeve/example.com.zone");
    cr_expect_eq(c->listen.count, 2);
    cr_expect_str_eq(c->listen.items[0].text, "0.0.0.0");
    cr_expect_str_eq(c->listen.items[1].text, "::");
    cr_expect_eq(c->listen.items[0].at.line, 0);
    cr_expect_null(c->identity);
    cr_expect_null(c->version);
    cr_expect_null(c->user);
    cr_expect_str_eq(c->state_dir, "/var/lib/reeve");
    cr_expect(c->minimal_responses);
    cr_expect_eq(c->udp_size, 1232);
    cr_expect_eq(c->edns_size, 1232);
    cr_expect_eq(c->tcp_idle_ms, 10000);
    cr_expect_eq(c->cname_chain, 16);
    cr_expect_eq(c->zone_records_max, 0);
    cr_expect_eq(c->udp_receive_buffer, 4 << 20);
    cr_expect_str_eq(c->control_socket, "/run/reeve/control.sock");
    cr_expect_null(c->control_group);
    cr_expect_eq(c->update_rrset_records, 1000);
    cr_expect_eq(c->update_name_records, 2000);
    cr_expect_eq(c->update_zone_records, 0);
    cr_expect_eq(c->update_message_records, 6000);
    cr_expect_eq(c->update_work, 1000000);
    cr_expect_eq(c->update_pending, 10000);
    cr_expect_eq(c->history_size, 64 << 20);
    cr_expect_eq(c->history_age_s, 90 * 86400);
    cr_expect_eq(c->snapshot_after, 16 << 20);
    cr_expect_not_null(c->keyring);
    cr_expect_eq(c->key_count, 0);
    cr_expect_not(c->zones[0].has_history);
    cr_expect_eq(c->log_level, LOG_INFO_LEVEL);
    cr_expect_eq(c->log_form, LOG_LOGFMT);
    cr_expect_eq(c->log_to, CONF_LOG_STDERR);
    conf_free(c);
}

Test(conf, reports_all_faults_in_their_order)
{
    static const char yaml[] = "zones:\n"
                               "  example.com: {file: a, dnssec: yes}\n"
                               "  example.com.: {file: b}\n"
                               "sever: {}\n"
                               "log:\n"
                               "  level: loud\n"
                               "  level: info\n"
                               "server:\n"
                               "  udp-size: 1\n"
                               "  limits: none\n"
                               "views: {}\n";
    static const char *const lines[] = {
        "f:2:26: \"zones.*.dnssec\" is not supported yet",
        "f:3:3: zone \"example.com.\" is given twice, first at line 2, column 3",
        "f:4:1: unknown setting \"sever\", did you mean \"server\"?",
        "f:6:10: \"log.level\" takes error, warning, notice, info or debug, not \"loud\"",
        "f:7:3: \"level\" is given twice, first at line 6, column 3",
        "f:9:13: \"server.udp-size\" takes a number from 512 to 4096, not \"1\"",
        "f:10:11: \"server.limits\" takes a map, not text",
        "f:11:1: \"views\" is not supported yet",
    };
    cr_expect_null(load(yaml));
    char *shown = NULL, *save = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&shown, &len);
    conf_faults_show(&faults, "f", out);
    fclose(out);
    char *line = strtok_r(shown, "\n", &save);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++, line = strtok_r(NULL, "\n", &save))
        cr_expect_str_eq(line ? line : "(no more)", lines[i]);
    cr_expect_null(line);
    free(shown);
}

Test(conf, is_a_map)
{
    static const struct row {
        const char *yaml, *text;
    } rows[] = {
        {"hello", "the configuration is a map of settings, not text"},
        {"zones:{}",
         "the configuration is a map of settings, not text (is a blank missing after a colon?)"},
        {"- a\n", "the configuration is a map of settings, not a list"},
        {"server: udp-size:1400",
         "\"server\" takes a map, not text (is a blank missing after a colon?)"},
        {"server.udp-size: 1400", "unknown setting \"server.udp-size\""},
        {"zones.*.file: x", "unknown setting \"zones.*.file\""},
        {"'': x", "unknown setting \"\""},
        {"Server: {}", "unknown setting \"Server\", did you mean \"server\"?"},
        {"<<: {}", "unknown setting \"<<\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_null(load(rows[i].yaml), "%s", rows[i].yaml);
        cr_expect_eq(faults.count, 1, "%s", rows[i].yaml);
        cr_expect_str_eq(faults.list[0].text, rows[i].text);
    }
}

Test(conf, forgets_the_faults_of_the_last_time)
{
    cr_expect_null(load("a: b"));
    struct conf *c = load("");
    cr_expect_not_null(c);
    cr_expect_eq(faults.count, 0);
    conf_free(c);
}

Test(conf, stops_at_a_hundred_faults)
{
    char yaml[8000], *at = yaml;
    for (unsigned i = 0; i < 300; i++)
        at += sprintf(at, "key%u: 1\n", i);
    cr_expect_null(conf_load_bytes(yaml, (size_t)(at - yaml), "f", &faults));
    cr_expect_eq(faults.count, 100);
    cr_expect_eq(faults.left_out, 200);
}

Test(conf, a_file_that_cannot_be_read_is_a_fault)
{
    static const struct row {
        const char *path, *text;
    } rows[] = {
        {"/no/such/file", "cannot be read: No such file or directory"},
        {"/", "cannot be read: Is a directory"},
        {"/dev/zero", "larger than 67108864 bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_null(conf_load(rows[i].path, &faults), "%s", rows[i].path);
        cr_expect_eq(faults.count, 1);
        cr_expect_str_eq(faults.list[0].text, rows[i].text);
    }
}

Test(conf, freeing_nothing_is_fine)
{
    conf_free(NULL);
}

Test(conf, our_example_loads)
{
    struct conf *c = conf_load(TEST_DATA "/../../conf/reeved.yaml", &faults);
    cr_assert_not_null(c, "line %u: %s", faults.list[0].at.line, faults.list[0].text);
    cr_assert_eq(c->listen.count, 2);
    cr_expect_str_eq(c->listen.items[0].text, "127.0.0.1@5300");
    cr_expect_str_eq(c->listen.items[1].text, "::1@5300");
    cr_expect_geq(c->zone_count, 3);
    unsigned dynamic = 0;
    for (unsigned i = 0; i < c->zone_count; i++) {
        if (c->zones[i].file)
            cr_expect_eq(access(c->zones[i].file, R_OK), 0, "%s", c->zones[i].file);
        dynamic += c->zones[i].grant_count > 0;
    }
    cr_expect_geq(dynamic, 1);
    cr_expect_eq(faults.count, 0);
    conf_free(c);
}

/* What it shows of replication behind "#" may be taken as it stands. */
Test(conf, our_example_loads_with_its_remotes)
{
    static const char *const taken[] = {
        "remotes:",
        "  ns1: ",
        "  ns2: ",
        "  hidden: ",
        "secondaries:",
        "wait-secondaries:",
        "notify:",
        "transfer:",
        "  - ",
        "copied.example:",
        "  primaries:",
        "  secondaries:",
        "  forward-updates:",
        "  shrink-limit:",
    };
    FILE *in = fopen(TEST_DATA "/../../conf/reeved.yaml", "r");
    cr_assert_not_null(in);
    char *yaml = NULL, line[300];
    size_t len = 0;
    unsigned counts[ARRAY_LEN(taken)] = {0};
    FILE *out = open_memstream(&yaml, &len);
    while (fgets(line, sizeof(line), in)) {
        char *mark = line + strspn(line, " ");
        for (size_t i = 0; i < ARRAY_LEN(taken); i++)
            if (strncmp(mark, "# ", 2) == 0 && strncmp(mark + 2, taken[i], strlen(taken[i])) == 0) {
                memmove(mark, mark + 2, strlen(mark + 2) + 1);
                counts[i]++;
                break;
            }
        fputs(line, out);
    }
    fclose(in);
    fclose(out);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        cr_expect_gt(counts[i], 0, "no line \"%s\"", taken[i]);
    struct conf *c = conf_load_bytes(yaml, len, TEST_DATA "/../../conf/reeved.yaml", &faults);
    cr_assert_not_null(c, "line %u: %s", faults.list[0].at.line, faults.list[0].text);
    cr_expect_eq(faults.count, 0, "line %u: %s", faults.list[0].at.line, faults.list[0].text);
    cr_expect_eq(c->remote_count, 3);
    unsigned secondaries = 0, rules = 0;
    for (unsigned i = 0; i < c->zone_count; i++) {
        secondaries += c->zones[i].type == CONF_SECONDARY;
        rules += c->zones[i].transfer_count;
    }
    cr_expect_eq(secondaries, 1);
    cr_expect_eq(rules, 7);
    conf_free(c);
    free(yaml);
}

/* What the example shows behind "#" claims to be the default. */
Test(conf, our_example_names_every_setting_with_its_default)
{
    FILE *in = fopen(TEST_DATA "/../../conf/reeved.yaml", "r");
    cr_assert_not_null(in);
    static char text[20000];
    size_t len = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[len] = '\0';
    static const struct row {
        const char *path, *preset;
    } rows[] = {
#define SETTING(path, member, kind, preset, min, max, what) {path, preset},
#include "conf/settings.tbl.h"
#undef SETTING
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[100];
        const char *key = strrchr(rows[i].path, '.') + 1;
        snprintf(line, sizeof(line), " %s:", key);
        const char *at = strstr(text, line);
        cr_expect_not_null(at, "%s", key);
        while (at && at > text && at[-1] == ' ')
            at--;
        if (at && at > text && at[-1] == '#') {
            snprintf(line, sizeof(line), "%s: %s", key, rows[i].preset);
            cr_expect_not_null(strstr(text, line), "the example says otherwise: %s", line);
        }
    }
}

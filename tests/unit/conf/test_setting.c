/* SPDX-License-Identifier: Apache-2.0
 * The table of settings: its rows make sense, and every row's range is kept. */
#include "conf/setting.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit.h"

static struct conf_faults faults;

/* "a.b.c" and "5" to "{a: {b: {c: 5}}}". */
static struct conf *load_one(const char *path, const char *value)
{
    static const char *const lists[] = {"listen.*.", "updates.*."};
    char yaml[5000], *at = yaml, closing[20], *close = closing + sizeof(closing);
    *at++ = '{';
    *--close = '}';
    for (const char *s = path; *s; s++) {
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
            if (s > path && s[-1] == '.' && strncmp(s, lists[i], strlen(lists[i])) == 0) {
                at += sprintf(at, "%.*s: [{", (int)strcspn(s, "."), s);
                s += strlen(lists[i]);
                close -= 2;
                memcpy(close, "}]", 2);
            }
        if (*s == '.') {
            at += sprintf(at, ": {");
            *--close = '}';
        } else {
            *at++ = *s == '*' ? 'x' : *s; /* some zone */
        }
    }
    at += sprintf(at, ": %s%.*s", value, (int)(closing + sizeof(closing) - close), close);
    return conf_load_bytes(yaml, (size_t)(at - yaml), "/etc/reeve/f", &faults);
}

Test(setting, every_path_is_there_once)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        cr_expect_eq(setting_find(setting_rows[i].path), &setting_rows[i], "%s",
                     setting_rows[i].path);
        enum setting_kind kind = setting_rows[i].kind;
        bool has_entries = kind == SETTING_LISTEN || kind == SETTING_SOA || kind == SETTING_WAIT ||
                           kind == SETTING_UPDATES || kind == SETTING_TRANSFER;
        cr_expect_not(setting_is_map(setting_rows[i].path) && !has_entries,
                      "%s is a map and a value", setting_rows[i].path);
    }
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++)
        cr_expect(setting_is_global(&setting_rows[i]), "%s", setting_rows[i].path);
}

Test(setting, every_row_says_what_it_is_and_takes)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting *s = &setting_rows[i];
        char room[SETTING_EXPECTS_MAX];
        if (s->kind == SETTING_LATER)
            continue;
        cr_expect_gt(strlen(s->what), 10, "%s", s->path);
        cr_expect_gt(strlen(setting_expects(s, room)), 0, "%s", s->path);
        if (s->kind == SETTING_DURATION || s->kind == SETTING_COUNT || s->kind == SETTING_PERIOD)
            cr_expect_leq(s->max, UINT32_MAX, "%s", s->path);
    }
}

Test(setting, every_default_may_be_written)
{
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const struct setting *s = &setting_rows[i];
        if (s->kind == SETTING_LISTEN)
            continue;
        struct conf *c = load_one(s->path, s->preset);
        cr_assert_not_null(c, "%s: %s", s->path, faults.list[0].text);
        cr_expect_str_eq(c->origins[i].text, s->preset);
        cr_expect_eq(c->origins[i].at.line, 1);
        cr_expect_eq(c->origins[i == 0 ? 1 : 0].at.line, 0, "the others are defaults");
        conf_free(c);
    }
}

static uint64_t member_of(const struct conf *c, const struct setting *s)
{
    const char *member = (const char *)c + s->member;
    return s->kind == SETTING_SIZE ? *(const uint64_t *)(const void *)member
                                   : *(const uint32_t *)(const void *)member;
}

/* The number as it is written for the kind: a bare number is seconds for a duration, so it gets its
 * unit. */
static void value_is(const struct setting *s, uint64_t v, bool is_taken)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu%s", (unsigned long long)v,
             s->kind == SETTING_DURATION ? "ms"
             : s->kind == SETTING_PERIOD ? "s"
                                         : "");
    struct conf *c = load_one(s->path, text);
    cr_expect_eq(c != NULL, is_taken, "%s: %s", s->path, text);
    if (c && is_taken)
        cr_expect_eq(member_of(c, s), v, "%s: %s", s->path, text);
    if (!c)
        cr_expect_eq(faults.count, 1);
    conf_free(c);
}

Test(setting, every_range_is_kept)
{
    unsigned checked = 0;
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const struct setting *s = &setting_rows[i];
        if (s->kind != SETTING_COUNT && s->kind != SETTING_SIZE && s->kind != SETTING_DURATION &&
            s->kind != SETTING_PERIOD)
            continue;
        value_is(s, s->min, true);
        value_is(s, s->max, true);
        value_is(s, s->max + 1, false);
        if (s->min > 0)
            value_is(s, s->min - 1, false);
        checked++;
    }
    cr_expect_gt(checked, 10);
}

Test(setting, every_text_has_its_length)
{
    unsigned checked = 0;
    char text[5000];
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const struct setting *s = &setting_rows[i];
        if (s->kind != SETTING_TEXT && s->kind != SETTING_HOST_TEXT && s->kind != SETTING_PATH)
            continue;
        memset(text, 'x', sizeof(text));
        text[s->max] = '\0';
        struct conf *c = load_one(s->path, text);
        cr_expect_not_null(c, "%s", s->path);
        conf_free(c);
        text[s->max] = 'x';
        text[s->max + 1] = '\0';
        cr_expect_null(load_one(s->path, text), "%s", s->path);
        cr_expect_null(load_one(s->path, "''"), "%s", s->path);
        cr_expect_null(load_one(s->path, "\"a\\nb\""), "%s", s->path);
        cr_expect_null(load_one(s->path, "\"a\\eb\""), "%s", s->path);
        cr_expect_null(load_one(s->path, "\"a\\x9bb\""), "%s", s->path);
        cr_expect_null(load_one(s->path, "\"a\\u2028b\""), "%s", s->path);
        checked++;
    }
    cr_expect_geq(checked, 4);
}

Test(setting, what_is_later_is_refused_as_such)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting *s = &setting_rows[i];
        if (s->kind != SETTING_LATER)
            continue;
        cr_expect_null(load_one(s->path, "x"), "%s", s->path);
        bool said = false;
        for (unsigned k = 0; k < faults.count; k++)
            said |= strstr(faults.list[k].text, "is not supported yet") != NULL;
        cr_expect(said, "%s: %s", s->path, faults.list[0].text);
    }
}

Test(setting, suggests_within_the_map_and_elsewhere)
{
    static const struct row {
        const char *path, *key, *meant;
    } rows[] = {
        {"", "sever", "server"},
        {"", "zone", "zones"},
        {"", "listen", "server.listen"},
        {"server", "limit", "limits"},
        {"server", "tcp-idle", "server.limits.tcp-idle"},
        {"server", "identiy", "identity"},
        {"server.limits", "tcp_idle", "tcp-idle"},
        {"zones.*", "flie", "file"},
        {"zones.*", "secondary", "secondaries"},
        {"", "remote", "remotes"},
        {"remotes.*", "adress", "address"},
        {"zones.*.transfer.*", "scop", "scope"},
        {"log", "format", "form"},
        {"zones.*.updates.*", "maxrecords", "max-records"},
        {"zones.*.updates.*", "type", "types"},
        {"zones.*.soa", "nameserver", NULL},
        {"keys.*", "secret_file", "secret-file"},
        {"", "key", "keys"},
        {"", "socket", "control.socket"},
        {"", "frobnicate", NULL},
        {"", "", NULL},
    };
    char room[SETTING_PATH_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *meant = setting_suggest(rows[i].path, rows[i].key, room);
        if (rows[i].meant)
            cr_expect_str_eq(meant ? meant : "(nothing)", rows[i].meant, "%s", rows[i].key);
        else
            cr_expect_null(meant, "%s: %s", rows[i].key, meant);
    }
}

Test(setting, says_what_it_takes)
{
    static const struct row {
        const char *path, *expects;
    } rows[] = {
        {"server.udp-size", "a number from 512 to 4096"},
        {"server.limits.tcp-unsent", "a size from 128K to 64M"},
        {"server.limits.tcp-idle", "a duration from 100ms to 1d"},
        {"server.minimal-responses", "yes or no"},
        {"log.form", "logfmt or json"},
        {"server.limits.history-age", "a duration from 1m to 36500d"},
        {"control.socket", "a path of 1 to 107 bytes in all, or off"},
        {"zones.*.updates.*.ttl", "MIN..MAX, each from 0 to 2147483647"},
        {"zones.*.shrink-limit", "off, or a part from 1% to 99%"},
        {"zones.*.transfer.*.scope", "whole or granted"},
        {"zones.*.updates.*.rate", "a number like 20/s from 1 to 1000000"},
        {"keys.*.algorithm",
         "hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512"},
        {"log.level", "error, warning, notice, info or debug"},
    };
    char room[SETTING_EXPECTS_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(setting_expects(setting_find(rows[i].path), room), rows[i].expects);
}

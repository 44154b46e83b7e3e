/* SPDX-License-Identifier: Apache-2.0
 * The printed configuration: what it shows, and that it is a configuration of the same meaning. */
#include <criterion/criterion.h>

#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"

static struct conf_faults faults;

static char *shown_of(const struct conf *c, size_t *len)
{
    char *shown = NULL;
    FILE *out = open_memstream(&shown, len);
    conf_effective(c, out);
    fclose(out);
    return shown;
}

static void text_is_same(const char *a, const char *b)
{
    cr_expect_str_eq(a ? a : "(none)", b ? b : "(none)");
}

static void zones_are_same(const struct conf *a, const struct conf *b)
{
    cr_assert_eq(a->zone_count, b->zone_count);
    for (unsigned i = 0; i < a->zone_count; i++) {
        cr_expect(name_is_same(name_of(&a->zones[i].name), name_of(&b->zones[i].name)));
        text_is_same(a->zones[i].file, b->zones[i].file);
    }
}

/* Every member of every row, compared as its C type. */
#define SAME_YES_NO(m)    cr_expect_eq(a->m, b->m, #m)
#define SAME_COUNT(m)     cr_expect_eq(a->m, b->m, #m)
#define SAME_SIZE(m)      cr_expect_eq(a->m, b->m, #m)
#define SAME_DURATION(m)  cr_expect_eq(a->m, b->m, #m)
#define SAME_LEVEL(m)     cr_expect_eq(a->m, b->m, #m)
#define SAME_FORM(m)      cr_expect_eq(a->m, b->m, #m)
#define SAME_TARGET(m)    cr_expect_eq(a->m, b->m, #m)
#define SAME_TEXT(m)      text_is_same(a->m, b->m)
#define SAME_HOST_TEXT(m) text_is_same(a->m, b->m)
#define SAME_PATH(m)      text_is_same(a->m, b->m)
#define SAME_LISTEN(m)                        \
    cr_assert_eq(a->m.count, b->m.count);     \
    for (unsigned i = 0; i < a->m.count; i++) \
    cr_expect_arr_eq(&a->m.items[i].address, &b->m.items[i].address, sizeof(a->m.items[i].address))

static void confs_are_same(const struct conf *a, const struct conf *b)
{
#define SETTING(path, member, kind, preset, min, max, what) SAME_##kind(member);
#include "conf/settings.tbl.h"
#undef SETTING
    zones_are_same(a, b);
}

static const char awkward[] =
    "server:\n"
    "  listen: [127.0.0.1@5300, {address: '::1'}, '::1@5300']\n"
    "  identity: \"it's # a: 'test' \\\\ \xC3\xBC {x}\"\n"
    "  version: 'on'\n"
    "  user: '- x'\n"
    "  state-dir: 'state dir: #1'\n"
    "  minimal-responses: off\n"
    "  udp-size: 00512\n"
    "  limits: {tcp-idle: 0500ms, tcp-unsent: 128K, zone-records-max: 4294967295}\n"
    "log: {level: DEBUG, form: json, to: journal}\n"
    "zones:\n"
    "  '*.example': {file: /a/b}\n"
    "  .: {file: '~'}\n"
    "  \"it's.example\": {file: 'null'}\n"
    "  \"\\\\000\\\\001\\\"\\xfc\\\\.\\\\@.Example\": {file: \"q'q\"}\n";

Test(effective, is_a_configuration_of_the_same_meaning_elsewhere)
{
    static const char *const yamls[] = {"", "zones: {example.com: {file: x}}", awkward};
    for (size_t i = 0; i < ARRAY_LEN(yamls); i++) {
        size_t len;
        struct conf *a =
            conf_load_bytes(yamls[i], strlen(yamls[i]), "/etc/reeve/reeved.yaml", &faults);
        cr_assert_not_null(a, "%s: %s", yamls[i], faults.list[0].text);
        char *shown = shown_of(a, &len);
        struct conf *b = conf_load_bytes(shown, len, "/tmp/elsewhere.yaml", &faults);
        cr_assert_not_null(b, "%u:%u %s\n%s", faults.list[0].at.line, faults.list[0].at.column,
                           faults.list[0].text, shown);
        confs_are_same(a, b);
        free(shown);
        conf_free(a);
        conf_free(b);
    }
}

Test(effective, makes_relative_paths_absolute)
{
    static const char yaml[] = "server: {state-dir: s}\nzones: {example.com: {file: x.zone}}";
    char cwd[4096], expected[5000];
    cr_assert_not_null(getcwd(cwd, sizeof(cwd)));
    struct conf *a = conf_load_bytes(yaml, strlen(yaml), "conf/f.yaml", &faults);
    cr_assert_not_null(a);
    size_t len;
    char *shown = shown_of(a, &len);
    struct conf *b = conf_load_bytes(shown, len, "/x/f.yaml", &faults);
    cr_assert_not_null(b);
    snprintf(expected, sizeof(expected), "%s/conf/x.zone", cwd);
    cr_expect_str_eq(b->zones[0].file, expected);
    snprintf(expected, sizeof(expected), "%s/conf/s", cwd);
    cr_expect_str_eq(b->state_dir, expected);
    free(shown);
    conf_free(a);
    conf_free(b);
}

Test(effective, takes_the_longest_names_of_zones)
{
    char yaml[2000], *at = yaml + sprintf(yaml, "zones:\n  ? '");
    for (unsigned label = 0; label < 4; label++) {
        for (unsigned i = 0; i < (label < 3 ? 63 : 61); i++)
            at += sprintf(at, "\\%03u", label);
        *at++ = '.';
    }
    at += sprintf(at, "'\n  : {file: x}\n");
    struct conf *a = conf_load_bytes(yaml, (size_t)(at - yaml), "/f", &faults);
    cr_assert_not_null(a, "%s", faults.list[0].text);
    cr_assert_eq(a->zones[0].name.len, NAME_LEN_MAX);
    size_t len;
    char *shown = shown_of(a, &len);
    struct conf *b = conf_load_bytes(shown, len, "/f", &faults);
    cr_assert_not_null(b, "%u:%u %s", faults.list[0].at.line, faults.list[0].at.column,
                       faults.list[0].text);
    zones_are_same(a, b);
    free(shown);
    conf_free(a);
    conf_free(b);
}

/* The value and the origin behind `key: `, blanks made one. */
static bool has_line(const char *shown, const char *line)
{
    for (const char *at = shown; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *want = line, *got = at + strspn(at, " ");
        for (; *want && *got == *want; want++, got++)
            if (*want == ' ')
                got += strspn(got, " ") - 1;
        if (!*want && (*got == '\n' || !*got))
            return true;
    }
    return false;
}

Test(effective, shows_every_setting_with_its_origin)
{
    static const char yaml[] = "server:\n"
                               "  identity: ns1\n"
                               "  listen:\n"
                               "    - 192.0.2.1\n"
                               "zones:\n"
                               "  example.com:\n"
                               "    file: x.zone\n";
    static const char *const lines[] = {
        "- 192.0.2.1 # /e/f.yaml:4:7",   "identity: ns1 # /e/f.yaml:2:13",
        "version: off # default",        "tcp-idle: 10s # default",
        "tcp-unsent: 256K # default",    "level: info # default",
        "example.com.: # /e/f.yaml:6:3", "file: /e/x.zone # /e/f.yaml:7:11",
    };
    struct conf *c = conf_load_bytes(yaml, strlen(yaml), "/e/f.yaml", &faults);
    cr_assert_not_null(c);
    size_t len;
    char *shown = shown_of(c, &len);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        cr_expect(has_line(shown, lines[i]), "%s in\n%s", lines[i], shown);
#define SETTING(path, member, kind, preset, min, max, what) \
    cr_expect_not_null(strstr(shown, strrchr(path, '.') + 1), path);
#include "conf/settings.tbl.h"
#undef SETTING
    free(shown);
    conf_free(c);
}

Test(effective, the_documentation_is_the_configuration_of_defaults)
{
    char *shown = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&shown, &len);
    conf_document(out);
    fclose(out);
    struct conf *a = conf_load_bytes(shown, len, "/f", &faults),
                *b = conf_load_bytes("", 0, "/f", &faults);
    cr_assert_not_null(a, "%u:%u %s", faults.list[0].at.line, faults.list[0].at.column,
                       faults.list[0].text);
    cr_assert_not_null(b);
    confs_are_same(a, b);
    conf_free(a);
    conf_free(b);
    free(shown);
}

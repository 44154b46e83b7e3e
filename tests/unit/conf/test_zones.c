/* SPDX-License-Identifier: Apache-2.0
 * The map of zones. */
#include <criterion/criterion.h>

#include "conf/zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static struct conf_faults faults;

static struct conf *load(const char *yaml)
{
    return conf_load_bytes(yaml, strlen(yaml), "/etc/reeve/reeved.yaml", &faults);
}

Test(zones, names_are_absolute_with_and_without_final_dot)
{
    struct conf *c = load("zones:\n"
                          "  Example.com: {file: a}\n"
                          "  no.: {file: b}\n"
                          "  0.10.in-addr.arpa: {file: /srv/c}\n"
                          "  .: {file: d}\n"
                          "  on: {file: e}\n"
                          "  a\\.b.example.: {file: f}\n"
                          "  10: {file: g}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    static const struct row {
        const char *name, *file;
        unsigned line;
    } rows[] = {
        /* canonical order: RFC 4034 s6.1 */
        {".", "/etc/reeve/d", 5},
        {"10.", "/etc/reeve/g", 8},
        {"0.10.in-addr.arpa.", "/srv/c", 4},
        {"Example.com.", "/etc/reeve/a", 2},
        {"a\\.b.example.", "/etc/reeve/f", 7},
        {"no.", "/etc/reeve/b", 3},
        {"on.", "/etc/reeve/e", 6},
    };
    cr_assert_eq(c->zone_count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[NAME_TEXT_MAX];
        cr_expect_str_eq(name_text(name_of(&c->zones[i].name), text), rows[i].name);
        cr_expect_str_eq(c->zones[i].file, rows[i].file);
        cr_expect_eq(c->zones[i].at.line, rows[i].line);
        cr_expect_eq(c->zones[i].file_at.line, rows[i].line);
    }
    cr_expect_str_eq(c->zones[3].text, "Example.com");
    conf_free(c);
}

Test(zones, none_is_fine)
{
    static const char *const rows[] = {"", "zones:\n", "zones: {}", "server: {}\nlog:\n"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load(rows[i]);
        cr_assert_not_null(c, "%s", rows[i]);
        cr_expect_eq(c->zone_count, 0);
        conf_free(c);
    }
}

Test(zones, says_what_is_wrong_and_where)
{
    static const struct row {
        const char *yaml;
        unsigned line, column;
        const char *text; /* begins so */
    } rows[] = {
        {"zones: x", 1, 8, "\"zones\" takes a map, not text"},
        {"zones: [a]", 1, 8, "\"zones\" takes a map, not a list"},
        {"zones:\n  a.example: {file: a}\n  b.example: {file: b}\n  A.Example.: {file: c}\n", 4, 3,
         "zone \"A.Example.\" is given twice, first at line 2, column 3"},
        {"zones:\n  a.example: {file: a}\n  a.example: {file: a}\n", 3, 3,
         "zone \"a.example\" is given twice, first at line 2, column 3"},
        {"zones:\n  a.example: {file: a}\n  \\097.example: {file: a}\n", 3, 3,
         "zone \"\\097.example\" is given twice, first at line 2, column 3"},
        {"zones:\n  a.example:\n", 2, 3,
         "zone \"a.example\" has no \"file\"; zones without one are not supported yet"},
        {"zones: {a.example: {}}", 1, 9, "zone \"a.example\" has no \"file\""},
        {"zones: {a.example: {file: }}", 1, 27, "\"zones.*.file\" has no value; it takes a path"},
        {"zones: {a.example: {file: ''}}", 1, 27,
         "\"zones.*.file\" takes a path of 1 to 4000 bytes without control characters, not \"\""},
        {"zones: {a.example: {file: [x]}}", 1, 27,
         "\"zones.*.file\" takes a path of 1 to 4000 bytes without control characters, not a list"},
        {"zones: {a.example: [x]}", 1, 20, "\"zones.*\" takes a map, not a list"},
        {"zones:\n  a.example: hosted\n", 2, 14,
         "zone \"a.example\": templates are not supported yet, and \"hosted\" would name one"},
        {"zones: {a.example: {flie: x}}", 1, 21,
         "unknown setting \"flie\" in \"zones.*\", did you mean \"file\"?"},
        {"zones: {a.example: {file: x, file: y}}", 1, 30,
         "\"file\" is given twice, first at line 1, column 21"},
        {"zones: {a.example: {primaries: [x]}}", 1, 21,
         "\"zones.*.primaries\" is not supported yet"},
        {"zones: {a.example: {file: x, updates: [{key: k, all: yes}]}}", 1, 30,
         "\"zones.*.updates\" is not supported yet"},
        {"zones: {a..example: {file: x}}", 1, 9, "\"a..example\" is not the name of a zone: "},
        {"zones: {'': {file: x}}", 1, 9, "\"\" is not the name of a zone"},
        {"zones: {'@': {file: x}}", 1, 9, "\"@\" is not the name of a zone"},
        {"zones: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example: {file: "
         "x}}",
         1, 9,
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example\" is not the "
         "name of a zone: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        cr_expect_null(load(r->yaml), "%s", r->yaml);
        const struct conf_fault *f = &faults.list[0];
        cr_expect_eq(faults.count, 1, "%s: %u faults, %s", r->yaml, faults.count,
                     faults.list[1].text);
        cr_expect(f->at.line == r->line && f->at.column == r->column, "%s: at %u:%u", r->yaml,
                  f->at.line, f->at.column);
        cr_expect(strncmp(f->text, r->text, strlen(r->text)) == 0, "%s: %s", r->yaml, f->text);
    }
}

Test(zones, many_of_them_load_and_many_duplicates_are_cut_short)
{
    enum { COUNT = 20000 };
    char *yaml = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    fputs("zones:\n", out);
    for (unsigned i = 0; i < COUNT; i++)
        fprintf(out, "  z%u.example: {file: z%u}\n", i, i);
    fflush(out);
    struct conf *c = conf_load_bytes(yaml, len, "f", &faults);
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(c->zone_count, COUNT);
    conf_free(c);
    for (unsigned i = 0; i < COUNT; i++)
        fprintf(out, "  Z%u.example.: {file: z%u}\n", i, i);
    fclose(out);
    cr_expect_null(conf_load_bytes(yaml, len, "f", &faults));
    cr_expect_eq(faults.count, CONF_FAULTS_MAX);
    cr_expect_eq(faults.left_out, COUNT - CONF_FAULTS_MAX);
    free(yaml);
}

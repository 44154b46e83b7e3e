/* SPDX-License-Identifier: Apache-2.0
 * The map of zones. */
#include "conf/zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit.h"

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
        cr_expect_str_eq(name_text(c->zones[i].name, text), rows[i].name);
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

static const struct wrong_zone {
    const char *yaml;
    unsigned line, column;
    const char *text; /* begins so */
} wrong_zones[] = {
    {"zones: x", 1, 8, "\"zones\" takes a map, not text"},
    {"zones: [a]", 1, 8, "\"zones\" takes a map, not a list"},
    {"zones:\n  a.example: {file: a}\n  b.example: {file: b}\n  A.Example.: {file: c}\n", 4, 3,
     "zone \"A.Example.\" is given twice, first at line 2, column 3"},
    {"zones:\n  a.example: {file: a}\n  a.example: {file: a}\n", 3, 3,
     "zone \"a.example\" is given twice, first at line 2, column 3"},
    {"zones:\n  a.example: {file: a}\n  \\097.example: {file: a}\n", 3, 3,
     "zone \"\\097.example\" is given twice, first at line 2, column 3"},
    {"zones:\n  a.example:\n", 2, 3,
     "zone \"a.example\" has neither \"file\" nor \"soa\" nor \"primaries\", from which it would "
     "come"},
    {"zones: {a.example: {}}", 1, 9, "zone \"a.example\" has neither \"file\" nor \"soa\""},
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
    {"zones: {a.example: {type: secondry, file: x}}", 1, 27,
     "\"zones.*.type\" takes primary or secondary, not \"secondry\", did you mean "
     "\"secondary\"?"},
    {"zones: {a.example: {file: x, soa: {ns: [ns1]}}}", 1, 35,
     "\"soa\" cannot stand beside \"file\", which has a SOA"},
    {"zones: {a.example: {soa: {}}}", 1, 26, "\"soa\" needs \"ns\", the zone's name servers"},
    {"zones: {a.example: {soa: {mname: ns1}}}", 1, 26, "\"soa\" needs \"ns\""},
    {"zones: {a.example: {soa: {ns: []}}}", 1, 31,
     "\"zones.*.soa.ns\" takes one, or a list of 1 to 32, not a list"},
    {"zones: {a.example: {soa: {ns: {a: b}}}}", 1, 31,
     "\"zones.*.soa.ns\" takes one, or a list of 1 to 32, not a map"},
    {"zones: {a.example: {soa: {ns: [ns1, [ns2]]}}}", 1, 37,
     "an entry of \"zones.*.soa.ns\" is text, not a list"},
    {"zones: {a.example: {soa: {ns: [ns1, '']}}}", 1, 37,
     "an entry of \"zones.*.soa.ns\" is text, not nothing"},
    {"zones: {a.example: {soa: {ns: \"ns\\n1\"}}}", 1, 31,
     "an entry of \"zones.*.soa.ns\" has control characters"},
    {"zones: {a.example: {soa: {ns: a..b}}}", 1, 31, "\"a..b\" is not a name: "},
    {"zones: {a.example: {soa: {ns: a, mname: b..}}}", 1, 41, "\"b..\" is not a name: "},
    {"zones: {a.example: {soa: {ns: a, rname: b..}}}", 1, 41, "\"b..\" is not a name: "},
    {"zones: {a.example: {soa: {ns: a, retry: 500ms}}}", 1, 41,
     "\"zones.*.soa.retry\" takes a duration from 1s to 2147483647s, not \"500ms\""},
    {"zones: {a.example: {soa: {ns: a, serial: 1}}}", 1, 34,
     "unknown setting \"serial\" in \"zones.*.soa\""},
    {"zones: {a.example: {soa: ns1}}", 1, 26, "\"zones.*.soa\" takes a map, not \"ns1\""},
    {"zones: {a.example: {file: x, serial: date}}", 1, 38,
     "\"zones.*.serial\" takes increment, unixtime or dateserial, not \"date\", did you mean "
     "\"dateserial\"?"},
    {"zones: {a.example: {file: x, protect: maybe}}", 1, 39,
     "\"zones.*.protect\" takes file or none, not \"maybe\""},
    {"zones: {a.example: {soa: {ns: a}, history: no}}", 1, 44,
     "a zone with \"soa\" cannot be without history"},
    {"{zones: {a.example: {file: x, history: no, updates: [{unsigned: yes, all: yes}]}}}", 1, 40,
     "a zone with \"updates\" cannot be without history"},
    {"zones: {a..example: {file: x}}", 1, 9, "\"a..example\" is not the name of a zone: "},
    {"zones: {'': {file: x}}", 1, 9, "\"\" is not the name of a zone"},
    {"zones: {'@': {file: x}}", 1, 9, "\"@\" is not the name of a zone"},
    {"zones: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example: {file: "
     "x}}",
     1, 9,
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example\" is not the "
     "name of a zone: "},
};

Test(zones, says_what_is_wrong_and_where)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong_zones); i++) {
        const struct wrong_zone *r = &wrong_zones[i];
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

static void name_is(const struct name_buf *name, const char *expected)
{
    char text[NAME_TEXT_MAX];
    cr_expect_str_eq(name_text(name_of(name), text), expected);
}

Test(zones, without_a_file_are_made_from_their_soa)
{
    struct conf *c =
        load("zones:\n"
             "  a.example: {soa: {ns: [ns1.example.com., ns2, apex]}}\n"
             "  b.example:\n"
             "    soa: {ns: x, mname: y.example., rname: 'a\\.b', refresh: 1, retry: 2m,\n"
             "          expire: 3h, minimum: 0, ttl: 4d}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    const struct conf_zone *z = &c->zones[0];
    cr_expect_null(z->file);
    cr_expect(z->has_history);
    cr_assert_eq(z->soa->ns_count, 3);
    name_is(&z->soa->ns[0], "ns1.example.com.");
    name_is(&z->soa->ns[1], "ns2.a.example.");
    name_is(&z->soa->ns[2], "a.example.");
    name_is(&z->soa->mname, "ns1.example.com.");
    name_is(&z->soa->rname, "hostmaster.a.example.");
    cr_expect_eq(z->soa->refresh, 3600);
    cr_expect_eq(z->soa->retry, 600);
    cr_expect_eq(z->soa->expire, 14 * 86400);
    cr_expect_eq(z->soa->minimum, 300);
    cr_expect_eq(z->soa->ttl, 3600);
    z = &c->zones[1];
    cr_assert_eq(z->soa->ns_count, 1);
    name_is(&z->soa->mname, "y.example.");
    name_is(&z->soa->rname, "a\\.b.b.example.");
    cr_expect_eq(z->soa->refresh, 1);
    cr_expect_eq(z->soa->retry, 120);
    cr_expect_eq(z->soa->expire, 10800);
    cr_expect_eq(z->soa->minimum, 0);
    cr_expect_eq(z->soa->ttl, 4 * 86400);
    conf_free(c);
}

Test(zones, with_a_name_too_long_for_hostmaster_need_rname)
{
    char yaml[1000], *at = yaml + sprintf(yaml, "zones:\n  ? ");
    for (unsigned label = 0; label < 4; label++)
        at += sprintf(at, "%.*s.", label < 3 ? 63 : 55,
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    char *end = at + sprintf(at, "\n  : {soa: {ns: ns1.example.}}\n");
    cr_expect_null(conf_load_bytes(yaml, (size_t)(end - yaml), "/f", &faults));
    cr_expect_not_null(strstr(faults.list[0].text, "\"soa\" needs \"rname\""), "%s",
                       faults.list[0].text);
    end = at + sprintf(at, "\n  : {soa: {ns: ns1.example., rname: b.example.}}\n");
    struct conf *c = conf_load_bytes(yaml, (size_t)(end - yaml), "/f", &faults);
    cr_expect_not_null(c, "%s", faults.list[0].text);
    conf_free(c);
}

Test(zones, have_the_settings_of_their_kind)
{
    struct conf *c = load("zones:\n"
                          "  a.example: {file: a}\n"
                          "  b.example: {type: primary, file: b, serial: unixtime, strict: yes,\n"
                          "              protect: none, history: yes}\n"
                          "  c.example: {file: c, serial: dateserial, history: no, updates: []}\n"
                          "  d.example: {file: d, updates: [{unsigned: yes, all: yes}]}\n");
    static const struct row {
        enum serial_policy serial;
        bool is_strict, has_history;
        enum conf_protect protect;
        unsigned grants;
    } rows[] = {
        {SERIAL_INCREMENT, false, false, CONF_PROTECT_FILE, 0},
        {SERIAL_UNIXTIME, true, true, CONF_PROTECT_NONE, 0},
        {SERIAL_DATESERIAL, false, false, CONF_PROTECT_FILE, 0},
        {SERIAL_INCREMENT, false, true, CONF_PROTECT_FILE, 1},
    };
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_assert_eq(c->zone_count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct conf_zone *z = &c->zones[i];
        cr_expect_eq(z->serial, rows[i].serial, "%s", z->text);
        cr_expect_eq(z->is_strict, rows[i].is_strict, "%s", z->text);
        cr_expect_eq(z->has_history, rows[i].has_history, "%s", z->text);
        cr_expect_eq(z->protect, rows[i].protect, "%s", z->text);
        cr_expect_eq(z->grant_count, rows[i].grants, "%s", z->text);
        cr_expect_null(z->soa);
    }
    conf_free(c);
}

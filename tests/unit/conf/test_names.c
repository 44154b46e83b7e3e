/* SPDX-License-Identifier: Apache-2.0
 * Names inside the block of a zone. */
#include "conf/names.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "unit.h"

static struct conf_faults faults;

/* The zone with one rule that names `text`; NULL: faults say why. */
static struct conf *load(const char *zone, const char *text)
{
    char yaml[1000];
    int len = snprintf(yaml, sizeof(yaml),
                       "zones:\n  %s:\n    file: x\n    updates:\n"
                       "      - {unsigned: yes, name: ['%s']}\n",
                       zone, text);
    return conf_load_bytes(yaml, (size_t)len, "/etc/reeve/reeved.yaml", &faults);
}

Test(names, are_relative_to_the_zone)
{
    static const struct row {
        const char *zone, *text, *name;
        bool warns;
    } rows[] = {
        {"example.com", "www", "www.example.com.", false},
        {"example.com", "WWW.Example.COM.", "WWW.Example.COM.", false},
        {"example.com", "apex", "example.com.", false},
        {"example.com", "@", "example.com.", false},
        {"example.com", "example.com.", "example.com.", false},
        {"example.com", "apex.example.com.", "apex.example.com.", false},
        {"example.com", "*.dev", "*.dev.example.com.", false},
        {"example.com", "any.x", "any.x.example.com.", false},
        {"example.com", "a\\.b", "a\\.b.example.com.", false},
        {"example.com", "ns1.example.com", "ns1.example.com.example.com.", true},
        {"example.com", "example.com", "example.com.example.com.", true},
        {"Example.com.", "ns1.EXAMPLE.COM", "ns1.EXAMPLE.COM.Example.com.", true},
        {"example.com", "notexample.com", "notexample.com.example.com.", false},
        {".", "www.example.com", "www.example.com.", false},
        {".", "apex", ".", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct conf *c = load(r->zone, r->text);
        cr_assert_not_null(c, "%s: %s", r->text, faults.list[0].text);
        char name[NAME_TEXT_MAX];
        cr_assert_eq(c->zones[0].grants[0].name_count, 1);
        cr_expect_str_eq(name_text(name_of(&c->zones[0].grants[0].names[0]), name), r->name);
        cr_expect_eq(faults.count, r->warns, "%s: %s", r->text, faults.list[0].text);
        cr_expect_eq(faults.errors, 0);
        if (r->warns)
            cr_expect(faults.list[0].is_warning &&
                      strstr(faults.list[0].text, "did you mean") != NULL &&
                      faults.list[0].at.line == 5 && faults.list[0].at.column == 32);
        conf_free(c);
    }
}

Test(names, of_every_name_are_those_of_the_zone_and_below)
{
    static const char *const rows[] = {"any", "*"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load("example.com", rows[i]);
        cr_assert_not_null(c);
        const struct grant *g = &c->zones[0].grants[0];
        cr_expect_eq(g->where, GRANT_UNDER);
        cr_assert_eq(g->name_count, 1);
        cr_expect(name_is_equal(name_of(&g->names[0]), c->zones[0].name));
        conf_free(c);
    }
}

Test(names, outside_of_the_zone_or_malformed_are_faults)
{
    static const struct row {
        const char *text, *fault;
    } rows[] = {
        {"www.example.net.", "\"www.example.net.\" is not in zone \"example.com\""},
        {"com.", "\"com.\" is not in zone \"example.com\""},
        {".", "\".\" is not in zone \"example.com\""},
        {"notexample.com.", "\"notexample.com.\" is not in zone \"example.com\""},
        {"a..b", "\"a..b\" is not a name: "},
        {"\\999", "\"\\999\" is not a name: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_null(load("example.com", rows[i].text), "%s", rows[i].text);
        cr_expect_eq(faults.count, 1);
        cr_expect_eq(strncmp(faults.list[0].text, rows[i].fault, strlen(rows[i].fault)), 0, "%s",
                     faults.list[0].text);
    }
}

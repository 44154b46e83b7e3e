/* SPDX-License-Identifier: Apache-2.0
 * What a key is for becomes a rule that the configuration takes, or is refused with a reason. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "server/keyrule.h"
#include "unit.h"

static const struct row {
    const char *wanted, *key, *rule; /* what is in the sentence, where it is no good */
    enum err result;
} rows[] = {
    {"acme www apex", "web1.", "{key: web1, acme: [www, apex]}", OK},
    {"  acme   any ", "web1.", "{key: web1, acme: [any]}", OK},
    {"name _a *.b", "web1.", "{key: web1, name: [_a, '*.b']}", OK},
    {"under it's", "web1.", "{key: web1, under: ['it''s']}", OK},
    {"self", "web1.", "{key: web1, self: yes}", OK},
    {"below-self", "a.b.", "{key: a.b, below-self: yes}", OK},
    {"dhcp", "-k.", "{key: '-k', dhcp: yes}", OK},
    {"reverse-of-source", "it's.", "{key: 'it''s', reverse-of-source: yes}", OK},
    {"all ", "a\\032b.", "{key: 'a\\032b', all: yes}", OK},
    {"", "k.", "begins with acme", ERR_INVALID},
    {"acm www", "k.", "begins with acme", ERR_INVALID},
    {"acme", "k.", "acme wants names", ERR_INVALID},
    {"under  ", "k.", "under wants names", ERR_INVALID},
    {"all www", "k.", "all takes no names", ERR_INVALID},
    {"acme w\tw", "k.", "begins with", ERR_INVALID},
    {"acme \xC3\xBC", "k.", "begins with", ERR_INVALID},
    {"name a..b", "k.", "a..b", ERR_INVALID},
    {"name example.org.", "k.", "example.org.", ERR_INVALID},
};

Test(keyrule, is_what_the_configuration_takes)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char rule[KEYRULE_TEXT_MAX];
        struct name_buf key;
        struct diag diag = {0};
        cr_assert_eq(name_scan(rows[i].key, strlen(rows[i].key), NAME_ROOT, &key, NULL), OK);
        cr_expect_eq(keyrule_show(rows[i].wanted, name_of(&key), rule, &diag), rows[i].result,
                     "%s: %s", rows[i].wanted, diag.text);
        if (rows[i].result == OK)
            cr_expect_str_eq(rule, rows[i].rule);
        else
            cr_expect_not_null(strstr(diag.text, rows[i].rule), "%s: %s", rows[i].wanted,
                               diag.text);
    }
}

Test(keyrule, has_an_end)
{
    static char wanted[2 * KEYRULE_TEXT_MAX];
    char rule[KEYRULE_TEXT_MAX];
    struct name_buf key;
    struct diag diag = {0};
    size_t len = (size_t)snprintf(wanted, sizeof(wanted), "name");
    while (len < sizeof(wanted) - 8)
        len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, " a");
    cr_assert_eq(name_scan("k.", 2, NAME_ROOT, &key, NULL), OK);
    cr_expect_eq(keyrule_show(wanted, name_of(&key), rule, &diag), ERR_INVALID);
    cr_expect_not_null(strstr(diag.text, "so many names"), "%s", diag.text);
}

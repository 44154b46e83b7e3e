/* SPDX-License-Identifier: Apache-2.0
 * For the tests of what zones and rules say: configurations from text, and what is said of them. */
#ifndef REEVE_TESTS_CONF_LOAD_H
#define REEVE_TESTS_CONF_LOAD_H

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "unit.h"

/* Each "&" of the text stands for a key's map with its secret. */
static inline struct conf *load_text(const char *text, struct conf_faults *faults)
{
    char yaml[4000], *out = yaml;
    for (const char *s = text; *s; s++) {
        cr_assert_lt(out, yaml + sizeof(yaml) - 100);
        if (*s == '&')
            out += sprintf(out, "{secret: c2VjcmV0LXNlY3JldA==}");
        else
            *out++ = *s;
    }
    return conf_load_bytes(yaml, (size_t)(out - yaml), "/etc/reeve/f", faults);
}

/* It is there and nothing was said of it; `what` is the row of the test. */
static inline struct conf *load_is_well(struct conf *c, const struct conf_faults *faults,
                                        const char *what)
{
    const struct conf_fault *f = &faults->list[0];
    cr_assert_not_null(c, "%s: %u:%u %s", what, f->at.line, f->at.column, f->text);
    cr_expect_eq(faults->count, 0, "%s: %s", what, f->text);
    return c;
}

/* The only fault; column 0: anywhere in the line. text is how it begins. */
struct load_fault {
    unsigned line, column;
    const char *text;
};

static inline void load_is_refused(const struct conf *c, const struct conf_faults *faults,
                                   const char *what, const struct load_fault *expected)
{
    const struct conf_fault *f = &faults->list[0];
    cr_expect_null(c, "%s", what);
    cr_expect_eq(faults->count, 1, "%s: %u faults, %s", what, faults->count, faults->list[1].text);
    cr_expect(f->at.line == expected->line &&
                  (!expected->column || f->at.column == expected->column),
              "%s: at %u:%u", what, f->at.line, f->at.column);
    cr_expect(strncmp(f->text, expected->text, strlen(expected->text)) == 0, "%s: %s", what,
              f->text);
}

static inline void load_name_is(struct name name, const char *expected)
{
    char text[NAME_TEXT_MAX];
    cr_expect_str_eq(name_text(name, text), expected);
}

#endif

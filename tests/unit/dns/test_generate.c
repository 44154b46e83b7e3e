/* SPDX-License-Identifier: Apache-2.0
 * dns/generate: ranges and texts of $GENERATE. Expected texts are what named-compilezone 9.18 makes
 * of them. */
#include <string.h>

#include "dns/generate.h"
#include "unit.h"

static const struct {
    const char *text;
    bool good;
    struct generate_range range;
    uint32_t count;
} ranges[] = {
    {"1-3", true, {1, 3, 1}, 3},
    {"0-0", true, {0, 0, 1}, 1},
    {"01-010", true, {1, 10, 1}, 10},
    {"1-3/2", true, {1, 3, 2}, 2},
    {"1-4/2", true, {1, 4, 2}, 2},
    {"1-5/10", true, {1, 5, 10}, 1},
    {"0-2147483647", true, {0, 2147483647, 1}, 2147483648u},
    {"2147483646-2147483647/2147483647", true, {2147483646, 2147483647, 2147483647}, 1},
    {"2147483648-2147483649", false, {0}, 0},
    {"2-1", false, {0}, 0},
    {"1", false, {0}, 0},
    {"1-", false, {0}, 0},
    {"-1", false, {0}, 0},
    {"-1-2", false, {0}, 0},
    {"1-2/0", false, {0}, 0},
    {"1-2/", false, {0}, 0},
    {"1/2-3", false, {0}, 0},
    {"1-2x", false, {0}, 0},
    {"", false, {0}, 0},
};

Test(generate, range_is_start_stop_and_step)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct generate_range got = {7, 7, 7};
        bool good = generate_scan_range(ranges[i].text, strlen(ranges[i].text), &got);
        cr_expect_eq(good, ranges[i].good, "%s", ranges[i].text);
        if (!good) {
            cr_expect_eq(got.start, 7, "%s: written on failure", ranges[i].text);
            continue;
        }
        cr_expect(got.start == ranges[i].range.start && got.stop == ranges[i].range.stop &&
                      got.step == ranges[i].range.step,
                  "%s: %u-%u/%u", ranges[i].text, got.start, got.stop, got.step);
        cr_expect_eq(generate_count(got), ranges[i].count, "%s", ranges[i].text);
    }
}

static const struct {
    const char *text;
    uint32_t value;
    const char *want; /* NULL: malformed */
} texts[] = {
    {"", 1, ""},
    {"a", 1, "a"},
    {"a$", 12, "a12"},
    {"$a$", 0, "0a0"},
    {"a$$b", 1, "a$b"},
    {"a$$$", 1, "a$1"},
    {"a\\$b", 1, "a\\$b"},
    {"a\\\\$", 1, "a\\\\1"},
    {"a\\", 1, "a\\"},
    {"a${0}", 5, "a5"},
    {"a${10}", 1, "a11"},
    {"a${+1}", 1, "a2"},
    {"a${-1}", 0, "a-1"},
    {"a${10,4}", 1, "a0011"},
    {"a${10,4,d}", 1, "a0011"},
    {"a${0,1,d}", 123, "a123"},
    {"a${10,4,x}b${10,4,X}c${10,0,o}d", 1, "a000bb000Bc13d"},
    {"a${-1,0,x}", 0, "affffffff"},
    {"a${-1,0,o}", 0, "a37777777777"},
    {"a${0,4,n}", 300, "ac.2.1"},
    {"${0,5,n}a", 300, "c.2.1a"},
    {"${0,8,N}b", 300, "C.2.1.0.b"},
    {"${0,0,n}a", 43981, "d.c.b.aa"},
    {"${0,1,N}.b", 43981, "D.C.B.A.b"},
    {"${0,0,n}", 0, "0"},
    {"a${1}{2}", 1, "a2{2}"},
    {"a${1,1,d}$", 1, "a22"}, /* an offset stays */
    {"a${10}b${0}c$", 1, "a11b1c1"},
    {"a${1,60}", 1, "a000000000000000000000000000000000000000000000000000000000002"},
    {"a${1", 1, NULL},
    {"a${", 1, NULL},
    {"a${}", 1, NULL},
    {"a${x}", 1, NULL},
    {"a${0x1}", 1, NULL},
    {"a${1,}", 1, NULL},
    {"a${1,2,}", 1, NULL},
    {"a${1,2,q}", 1, NULL},
    {"a${1,2,dd}", 1, NULL},
    {"a${1,-2}", 1, NULL},
    {"a${1,128}", 1, NULL},
    {"a${1,200}", 1, NULL},
    {"a${-2,0,n}", 1, NULL},
    {"a${2147483647}", 1, NULL},
};

Test(generate, expands_as_bind_does)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char got[GENERATE_TEXT_MAX];
        struct text t;
        struct diag diag = {{0}};
        text_init(&t, got, sizeof(got));
        enum err e =
            generate_expand(texts[i].text, strlen(texts[i].text), texts[i].value, &t, &diag);
        if (texts[i].want) {
            cr_expect_eq(e, OK, "%s: %s", texts[i].text, diag.text);
            cr_expect_str_eq(got, texts[i].want, "%s with %u", texts[i].text, texts[i].value);
        } else {
            cr_expect_eq(e, ERR_SYNTAX, "%s: taken as %s", texts[i].text, got);
            cr_expect_neq(diag.text[0], '\0', "%s: no sentence", texts[i].text);
        }
    }
}

Test(generate, refuses_a_result_that_does_not_fit)
{
    char got[8];
    struct text t;
    text_init(&t, got, sizeof(got));
    cr_expect_eq(generate_expand("a$", 2, 123456, &t, NULL), OK);
    cr_expect_eq(generate_expand("bc", 2, 1, &t, NULL), ERR_SYNTAX);
}

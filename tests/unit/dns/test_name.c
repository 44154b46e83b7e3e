/* SPDX-License-Identifier: Apache-2.0
 * Names: text both ways, limits, comparison, canonical order (RFC 1035 s3.1 and s5.1, RFC 4034
 * s6.1, RFC 4343). */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/digits.h"
#include "dns/name.h"
#include "unit.h"

static const struct name EXAMPLE = {(const uint8_t *)"\7example", 9};

static struct name scan(const char *text, struct name_buf *buf)
{
    struct diag diag = {0};
    cr_assert_eq(name_scan(text, strlen(text), EXAMPLE, buf, &diag), OK, "%s: %s", text, diag.text);
    return name_of(buf);
}

/* --- text --- */

struct text_row {
    const char *text, *hex, *shown; /* shown NULL: as text */
};

static const struct text_row texts[] = {
    {".", "00", NULL},
    {"com.", "03636F6D00", NULL},
    {"www.Example.COM.", "03777777074578616D706C6503434F4D00", NULL},
    {"@", "076578616D706C6500", "example."},
    {"www", "03777777076578616D706C6500", "www.example."},
    {"a.b", "01610162076578616D706C6500", "a.b.example."},
    {"a\\.b.", "03612E6200", NULL},
    {"a\\.", "02612E076578616D706C6500", "a\\..example."},
    {"a\\\\b.", "03615C6200", NULL},
    {"\\097\\032b.", "0361206200", "a\\032b."},
    {"\\000\\255\\127.", "0300FF7F00", NULL},
    {"\\@.", "014000", NULL},
    {"@a.", "02406100", "\\@a."},
    {"*.", "012A00", NULL},
    {"_sip._tcp.", "045F736970045F74637000", NULL},
    {"a\\\"\\(\\)\\;\\$b.", "07612228293B246200", NULL},
    {"xn--bcher-kva.", "0D786E2D2D62636865722D6B766100", NULL},
    {"b\303\274cher.", "0762C3BC6368657200", "b\\195\\188cher."},
    {"0/25.2.0.192.",
     "04302F323501320130033139"
     "3200",
     NULL},
};

Test(name, text_becomes_wire_and_wire_text)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint8_t want[NAME_LEN_MAX];
        struct wr w = wr_over(want, sizeof(want));
        cr_assert(base16_scan(texts[i].hex, strlen(texts[i].hex), &w));
        struct name_buf buf;
        struct name n = scan(texts[i].text, &buf);
        cr_expect(n.len == wr_len(&w) && memcmp(n.wire, want, n.len) == 0, "%s", texts[i].text);
        char text[NAME_TEXT_MAX];
        cr_expect_str_eq(name_text(n, text), texts[i].shown ? texts[i].shown : texts[i].text);
    }
}

Test(name, every_byte_survives_text)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        struct name_buf n = {.len = 4, .wire = {2, (uint8_t)byte, 'x', 0}}, back;
        char text[NAME_TEXT_MAX];
        name_text(name_of(&n), text);
        cr_assert_eq(name_scan(text, strlen(text), (struct name){0}, &back, NULL), OK, "%u: %s",
                     byte, text);
        cr_expect(name_is_same(name_of(&n), name_of(&back)), "%u", byte);
    }
}

static const char *const bad_texts[] = {
    "",
    "..",
    ".a.",
    "a..b.",
    "a...",
    "a\\",
    "a\\2",
    "a\\25",
    "a\\256.",
    "a\\999.",
    "a\\2x5.",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "x.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\097",
};

Test(name, malformed_text_is_refused_and_out_unchanged)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_texts); i++) {
        struct name_buf buf = {.len = 77};
        struct diag diag = {0};
        size_t len = strlen(bad_texts[i]);
        char *exact = malloc(len ? len : 1); /* so that a read beyond it is noticed */
        memcpy(exact, bad_texts[i], len);
        cr_expect_eq(name_scan(exact, len, EXAMPLE, &buf, &diag), ERR_SYNTAX, "%s", bad_texts[i]);
        cr_expect_eq(buf.len, 77);
        cr_expect_neq(diag.text[0], '\0');
        free(exact);
    }
}

Test(name, relative_names_need_an_origin)
{
    struct name_buf buf;
    cr_expect_eq(name_scan("a", 1, (struct name){0}, &buf, NULL), ERR_SYNTAX);
    cr_expect_eq(name_scan("@", 1, (struct name){0}, &buf, NULL), ERR_SYNTAX);
    cr_expect_eq(name_scan("a.", 2, (struct name){0}, &buf, NULL), OK);
    cr_expect_eq(name_scan(".", 1, (struct name){0}, &buf, NULL), OK);
}

/* Text of labels of `len` bytes each. */
static size_t repeat(char *text, const unsigned *len, unsigned count)
{
    char *p = text;
    for (unsigned i = 0; i < count; i++) {
        memset(p, 'a', len[i]);
        p += len[i];
        *p++ = '.';
    }
    return (size_t)(p - text);
}

Test(name, names_have_255_bytes_at_most)
{
    char text[300];
    struct name_buf buf;
    static const unsigned fits[] = {63, 63, 63, 61}, over[] = {63, 63, 63, 62};
    cr_expect_eq(name_scan(text, repeat(text, fits, 4), EXAMPLE, &buf, NULL), OK);
    cr_expect_eq(buf.len, 255);
    cr_expect_eq(name_span(buf.wire, buf.len), 255);
    cr_expect_eq(name_scan(text, repeat(text, over, 4), EXAMPLE, &buf, NULL), ERR_SYNTAX);
    /* with the origin's 9 bytes: the final dot is left out */
    static const unsigned relative[] = {63, 63, 63, 53}, relative_over[] = {63, 63, 63, 54};
    cr_expect_eq(name_scan(text, repeat(text, relative, 4) - 1, EXAMPLE, &buf, NULL), OK);
    cr_expect_eq(buf.len, 255);
    cr_expect_eq(name_scan(text, repeat(text, relative_over, 4) - 1, EXAMPLE, &buf, NULL),
                 ERR_SYNTAX);
}

Test(name, one_byte_labels_fill_a_name)
{
    char text[300];
    unsigned ones[127];
    for (unsigned i = 0; i < 127; i++)
        ones[i] = 1;
    struct name_buf buf;
    cr_assert_eq(name_scan(text, repeat(text, ones, 127), EXAMPLE, &buf, NULL), OK);
    cr_expect_eq(name_labels(name_of(&buf)), NAME_LABELS_MAX);
    cr_expect_eq(name_compare(name_of(&buf), name_of(&buf)), 0);
}

/* --- wire --- */

struct span_row {
    const char *bytes;
    size_t avail, span;
};

static const struct span_row spans[] = {
    {"", 1, 1},       {"", 0, 0},        {"\1a", 3, 3},     {"\1a", 2, 0},       {"\2a", 3, 0},
    {"\1a\0x", 4, 3}, {"\300\14", 3, 0}, {"\100aaa", 5, 0}, {"\1a\300\0", 4, 0}, {"\77", 1, 0},
};

Test(name, span_measures_well_formed_names_only)
{
    for (size_t i = 0; i < ARRAY_LEN(spans); i++)
        cr_expect_eq(name_span((const uint8_t *)spans[i].bytes, spans[i].avail), spans[i].span,
                     "row %zu", i);
    uint8_t endless[512];
    for (size_t i = 0; i < sizeof(endless); i += 2) {
        endless[i] = 1;
        endless[i + 1] = 'a';
    }
    cr_expect_eq(name_span(endless, sizeof(endless)), 0);
}

Test(name, cursor_reads_names_one_after_the_other)
{
    struct rd r = rd_over("\1a\0\1b\0\1c", 8);
    struct name_buf buf;
    cr_expect(name_is_same(rd_name(&r), scan("a.", &buf)));
    cr_expect(name_is_same(rd_name(&r), scan("b.", &buf)));
    cr_expect(!r.bad);
    cr_expect(name_is_root(rd_name(&r)) && r.bad);
}

/* --- comparison --- */

/* RFC 4034 s6.1's example, in canonical order. */
static const char *const ordered[] = {
    "example.",   "a.example.",       "yljkjljk.a.example.", "Z.a.example.",     "zABC.a.EXAMPLE.",
    "z.example.", "\\001.z.example.", "*.z.example.",        "\\200.z.example.",
};

Test(name, canonical_order_is_that_of_rfc_4034)
{
    for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ordered); j++) {
            struct name_buf a, b;
            int d = name_compare(scan(ordered[i], &a), scan(ordered[j], &b));
            cr_expect((d < 0) == (i < j) && (d > 0) == (i > j), "%s %s", ordered[i], ordered[j]);
        }
    }
}

Test(name, the_root_comes_first_and_shorter_labels_before_longer)
{
    struct name_buf a, b;
    cr_expect_lt(name_compare(NAME_ROOT, scan("\\000.", &b)), 0);
    cr_expect_lt(name_compare(scan("a.", &a), scan("aa.", &b)), 0);
    cr_expect_lt(name_compare(scan("a.", &a), scan("a\\000.", &b)), 0);
    cr_expect_lt(name_compare(scan("z.a.", &a), scan("a.b.", &b)), 0);
    cr_expect_lt(name_compare(scan("[.", &a), scan("A.", &b)),
                 0); /* 0x5b < 0x61: folded before compared */
}

struct pair {
    const char *a, *b;
    bool equal, under; /* a is b or below it */
    unsigned common;
};

static const struct pair pairs[] = {
    {"a.example.", "A.EXAMPLE.", true, true, 2},
    {"a.example.", "example.", false, true, 1},
    {"example.", "a.example.", false, false, 1},
    {"aexample.", "example.", false, false, 0},
    {"a.example.", ".", false, true, 0},
    {".", ".", true, true, 0},
    {".", "a.", false, false, 0},
    {"a.b.c.", "x.b.c.", false, false, 2},
    {"a\\.example.", "example.", false, false, 0},
    {"@.", "`.", false, false, 0},
    {"\\007example.", "example.", false, false, 0},
    {"[.", "{.", false, false, 0},
    {"\304.", "\344.", false, false, 0},
};

Test(name, comparison_ignores_the_case_of_ascii_letters_only)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct name_buf a, b;
        struct name x = scan(pairs[i].a, &a), y = scan(pairs[i].b, &b);
        cr_expect_eq(name_is_equal(x, y), pairs[i].equal, "%s %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(name_is_under(x, y), pairs[i].under, "%s %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(name_common(x, y), pairs[i].common, "%s %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(name_compare(x, y) == 0, pairs[i].equal, "%s %s", pairs[i].a, pairs[i].b);
    }
}

Test(name, same_means_equal_bytes)
{
    struct name_buf a, b;
    cr_expect(!name_is_same(scan("a.", &a), scan("A.", &b)));
    cr_expect(name_is_same(scan("a.", &a), scan("a.", &b)));
}

/* --- parts --- */

Test(name, suffixes_and_parents)
{
    struct name_buf a, b;
    struct name n = scan("a.b.c.", &a);
    cr_expect_eq(name_labels(n), 3);
    cr_expect_eq(name_labels(NAME_ROOT), 0);
    cr_expect(name_is_same(name_parent(n), scan("b.c.", &b)));
    cr_expect(name_is_same(name_suffix(n, 2), scan("c.", &b)));
    cr_expect(name_is_same(name_suffix(n, 0), n));
    cr_expect(name_is_root(name_suffix(n, 3)));
}

Test(name, suffix_beyond_the_root_is_a_bug, .signal = SIGABRT)
{
    name_suffix(NAME_ROOT, 1);
}

Test(name, wildcards_are_a_label_of_one_star)
{
    struct name_buf a, b;
    cr_expect(name_is_wildcard(scan("*.a.", &a)));
    cr_expect(!name_is_wildcard(scan("*a.", &a)));
    cr_expect(!name_is_wildcard(scan("a.*.", &a)));
    cr_expect(!name_is_wildcard(NAME_ROOT));
    cr_assert(name_wildcard_of(scan("a.", &a), &b));
    cr_expect(name_is_same(name_of(&b), scan("*.a.", &a)));
}

Test(name, lower_case_in_place)
{
    struct name_buf a, b;
    struct name n = scan("ABCxyzZ[\\192.Q.", &a);
    name_lower(n, a.wire);
    cr_expect(name_is_same(n, scan("abcxyzz[\\192.q.", &b)));
}

Test(name, join_and_replace_know_the_limit)
{
    char text[300];
    static const unsigned lengths[] = {63, 63, 63, 53};
    struct name_buf big, out, small;
    cr_assert_eq(name_scan(text, repeat(text, lengths, 4), EXAMPLE, &big, NULL), OK);
    cr_expect_eq(big.len, 247);
    cr_expect(name_join(name_of(&big), scan("1234567.", &small), &out));
    cr_expect_eq(out.len, 255);
    cr_expect_eq(name_span(out.wire, out.len), 255);
    cr_expect(!name_join(name_of(&big), scan("12345678.", &small), &out));
    cr_expect(name_join(NAME_ROOT, scan("a.", &small), &out));
    cr_expect(name_is_same(name_of(&out), name_of(&small)));
    struct name_buf from, to, n;
    cr_expect(
        name_replace(scan("x.y.old.", &n), scan("OLD.", &from), scan("new.example.", &to), &out));
    cr_expect(name_is_same(name_of(&out), scan("x.y.new.example.", &small)));
    cr_expect(
        !name_replace(name_join(name_of(&big), scan("b.", &from), &n) ? name_of(&n) : NAME_ROOT,
                      scan("b.", &from), scan("123456789.", &to), &out));
}

/* SPDX-License-Identifier: Apache-2.0
 * dns/lex: tokens of master files (RFC 1035 s5.1; where it is silent, as named-compilezone 9.18
 * reads it). */
#include <string.h>

#include "base/text.h"
#include "dns/lex.h"
#include "unit.h"

/* What `show` makes of tokens: word, "quoted", | end of entry, ! bad; _ before a token after
 * leading blanks. */
struct row {
    const char *input;
    const char *tokens;
};

static const struct row rows[] = {
    {"", ""},
    {"\n\n", ""},
    {" \t \n; a comment\n   ; another\n", ""},
    {"a b c\n", "a b c |"},
    {"a b", "a b |"},
    {"a\n", "a |"},
    {"a\tb\t\tc  d \t\n", "a b c d |"},
    {" a\n", "_a |"},
    {"\ta\n b\nc\n", "_a | _b | c |"},
    {"a\n\n\n b\n", "a | _b |"},
    {"a;b\nc ; d\n;e", "a | c |"},
    {"a\r\nb\r\n", "a | b |"},
    {"a\rb\r", "a | b |"},
    {" a\r\n\r\n b", "_a | _b |"},
    {"a (b c) d\n", "a b c d |"},
    {"a ( b\n c\nd ) e\nf\n", "a b c d e | f |"},
    {"a ( b ; x )\r\n c ) d\n", "a b c d |"},
    {"a(b)c\n", "a b c |"},
    {"((a)\n(b\n))\n", "a b |"},
    {"( )\n()\na\n", "a |"},
    {"( a\n)\n", "a |"},
    {" ( a\n)\n", "_a |"},
    {" (\n a )\n", "_a |"},
    {"(\n a )\n", "a |"},
    {"a \"b c\" d\n", "a \"b c\" d |"},
    {"a \"\"\n", "a \"\" |"},
    {"\"a\" b\n", "\"a\" b |"},
    {"a \"b;c(d)e\"\n", "a \"b;c(d)e\" |"},
    {"a \"b\\\"c\" d\n", "a \"b\\\"c\" d |"},
    {"a \"b\\\\\" d\n", "a \"b\\\\\" d |"},
    {"a \"b\\\nc\" d\n", "a \"b\\\nc\" d |"},
    {"foo\"bar\"baz \"x\"y\n", "foo \"bar\" baz \"x\" y |"},
    {"a=\"b\"\n", "a= \"b\" |"},
    {"a\\ b\\\tc\n", "a\\ b\\\tc |"},
    {"a\\;b\\(c\\)d\\\"e\n", "a\\;b\\(c\\)d\\\"e |"},
    {"a\\\\;b\n", "a\\\\ |"},
    {"\\;a\n", "\\;a |"},
    {"a\\", "a\\ |"},
    {"a\\\nb\n", "a\\ | b |"},
    {"a\\092b\n", "a\\092b |"},
    {"a\fb\vc\177\200\377\n", "a\fb\vc\177\200\377 |"},
    {"@ $ORIGIN \\# *\n", "@ $ORIGIN \\# * |"},
    {"a ) b\nc\n", "a ! b | c |"},
    {") \n", "! |"},
    {"a \"b\nc\n", "a ! | c |"},
    {"a \"b", "a ! |"},
    {"a \"b\\", "a ! |"},
    {"a \"", "a ! |"},
};

static bool show(struct text *t, const struct token *token)
{
    if (token->kind == TOKEN_EOF)
        return false;
    if (text_len(t))
        text_char(t, ' ');
    if (token->leading_blank)
        text_char(t, '_');
    if (token->kind == TOKEN_END || token->kind == TOKEN_BAD) {
        text_char(t, token->kind == TOKEN_END ? '|' : '!');
        return true;
    }
    const char *quote = token->kind == TOKEN_QUOTED ? "\"" : "";
    text_add(t, quote);
    text_bytes(t, token->s, token->len);
    text_add(t, quote);
    return true;
}

Test(lex, gives_the_tokens_of_rfc1035)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[256];
        struct text t;
        struct lex x;
        struct token token;
        text_init(&t, got, sizeof(got));
        lex_init(&x, rows[i].input, strlen(rows[i].input));
        do
            token = lex_next(&x);
        while (show(&t, &token));
        cr_expect_str_eq(got, rows[i].tokens, "row %zu: \"%s\" gave %s", i, rows[i].input, got);
        cr_expect_eq(lex_next(&x).kind, TOKEN_EOF, "row %zu: the end is not the end", i);
    }
}

Test(lex, peek_gives_what_next_gives)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[256];
        struct text t;
        struct lex x;
        struct token token;
        text_init(&t, got, sizeof(got));
        lex_init(&x, rows[i].input, strlen(rows[i].input));
        do {
            struct token peeked = lex_peek(&x);
            lex_peek(&x);
            token = lex_next(&x);
            cr_expect_eq(peeked.s, token.s);
        } while (show(&t, &token));
        cr_expect_str_eq(got, rows[i].tokens, "row %zu: \"%s\" gave %s", i, rows[i].input, got);
    }
}

/* Tokens of the row read through a window that first ends at `cut`. */
static void read_cut(const char *input, size_t cut, struct text *t, struct text *places)
{
    char shown[256], place[256];
    struct text entry, entry_places;
    struct lex x;
    struct token token;
    lex_init(&x, input, cut);
    x.more = true;
    for (;;) {
        const char *at = x.at;
        text_init(&entry, shown, sizeof(shown));
        text_init(&entry_places, place, sizeof(place));
        bool more;
        do {
            token = lex_next(&x);
            more = show(&entry, &token);
            text_fmt(&entry_places, " %u:%u", token.line, token.column);
        } while (more && token.kind != TOKEN_END && !x.starved);
        if (x.starved) {
            cr_assert(x.more, "starved at the real end");
            cr_assert_geq(x.entry_at, at);
            lex_restart(&x, x.entry_at, (size_t)(input + strlen(input) - x.entry_at));
            x.more = false;
            continue;
        }
        if (text_len(t) && text_len(&entry))
            text_char(t, ' ');
        text_add(t, shown);
        text_add(places, place);
        if (!more)
            return;
    }
}

Test(lex, gives_the_same_tokens_wherever_a_window_ends)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char whole[256], whole_places[256], got[256], got_places[256];
        struct text t, p;
        size_t len = strlen(rows[i].input);
        text_init(&t, whole, sizeof(whole));
        text_init(&p, whole_places, sizeof(whole_places));
        read_cut(rows[i].input, len, &t, &p);
        cr_expect_str_eq(whole, rows[i].tokens);
        for (size_t cut = 0; cut < len; cut++) {
            text_init(&t, got, sizeof(got));
            text_init(&p, got_places, sizeof(got_places));
            read_cut(rows[i].input, cut, &t, &p);
            cr_expect_str_eq(got, rows[i].tokens, "row %zu cut at %zu gave %s", i, cut, got);
            cr_expect_str_eq(got_places, whole_places, "row %zu cut at %zu: places %s", i, cut,
                             got_places);
        }
    }
}

struct place {
    enum token_kind kind;
    uint32_t line, column;
};

static void expect_places(const char *input, const struct place *want, size_t count)
{
    struct lex x;
    lex_init(&x, input, strlen(input));
    for (size_t i = 0; i < count; i++) {
        struct token t = lex_next(&x);
        cr_expect_eq(t.kind, want[i].kind, "token %zu: kind %d", i, (int)t.kind);
        cr_expect_eq(t.line, want[i].line, "token %zu: line %u", i, t.line);
        cr_expect_eq(t.column, want[i].column, "token %zu: column %u", i, t.column);
    }
}
#define EXPECT_PLACES(input, ...)                             \
    expect_places(input, (const struct place[]){__VA_ARGS__}, \
                  sizeof((const struct place[]){__VA_ARGS__}) / sizeof(struct place))

Test(lex, counts_lines_and_columns_from_one)
{
    EXPECT_PLACES("a b\n\tc \"d\" ; x\r\n\r\n; y\ne (\n f ; )\n) g\nh", {TOKEN_WORD, 1, 1},
                  {TOKEN_WORD, 1, 3}, {TOKEN_END, 1, 4}, {TOKEN_WORD, 2, 2}, {TOKEN_QUOTED, 2, 4},
                  {TOKEN_END, 2, 11}, {TOKEN_WORD, 5, 1}, {TOKEN_WORD, 6, 2}, {TOKEN_WORD, 7, 3},
                  {TOKEN_END, 7, 4}, {TOKEN_WORD, 8, 1}, {TOKEN_END, 8, 2}, {TOKEN_EOF, 8, 2});
}

Test(lex, counts_lines_inside_quoted_text)
{
    EXPECT_PLACES("a \"b\\\nc\" d\ne\n", {TOKEN_WORD, 1, 1}, {TOKEN_QUOTED, 1, 3},
                  {TOKEN_WORD, 2, 4}, {TOKEN_END, 2, 5}, {TOKEN_WORD, 3, 1});
}

Test(lex, says_where_an_open_quote_or_parenthesis_stands)
{
    EXPECT_PLACES("a\nb \"c\nd", {TOKEN_WORD, 1, 1}, {TOKEN_END, 1, 2}, {TOKEN_WORD, 2, 1},
                  {TOKEN_BAD, 2, 3}, {TOKEN_END, 2, 5}, {TOKEN_WORD, 3, 1});
    EXPECT_PLACES("a\nb ( c (\nd ) e\n", {TOKEN_WORD, 1, 1}, {TOKEN_END, 1, 2}, {TOKEN_WORD, 2, 1},
                  {TOKEN_WORD, 2, 5}, {TOKEN_WORD, 3, 1}, {TOKEN_WORD, 3, 5}, {TOKEN_BAD, 2, 3},
                  {TOKEN_BAD, 2, 3});
}

Test(lex, refuses_nul_bytes)
{
    static const char input[] = "a\0b \"c\0d\" e\n;\0\nf";
    struct lex x;
    lex_init(&x, input, sizeof(input) - 1);
    cr_expect_eq(lex_next(&x).kind, TOKEN_WORD);
    cr_expect_eq(lex_next(&x).kind, TOKEN_BAD);
    cr_expect_eq(lex_next(&x).kind, TOKEN_WORD);
    struct token t = lex_next(&x);
    cr_expect_eq(t.kind, TOKEN_BAD);
    cr_expect_eq(t.column, 5);
    cr_expect_not_null(strstr(t.why, "NUL"));
    struct token paren;
    cr_expect_eq(lex_skip_entry(&x, &paren), LEX_SKIPPED);
    t = lex_next(&x);
    cr_expect_eq(t.kind, TOKEN_WORD, "the NUL in a comment");
    cr_expect_eq(*t.s, 'f');
}

Test(lex, pair_keeps_a_quoted_value_with_its_key)
{
    static const char input[] = "alpn=\"h2 \\\"x\" port=53 key= \"a\" k=\"b\"c \"d=\"\n k=\"e\n";
    static const char *const want[] = {"alpn=\"h2 \\\"x\"", "port=53", "key=", "a",
                                       "k=\"b\"",           "c",       "d="};
    struct lex x;
    lex_init(&x, input, strlen(input));
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct token t = lex_next_pair(&x);
        cr_expect(t.len == strlen(want[i]) && memcmp(t.s, want[i], t.len) == 0, "token %zu: %.*s",
                  i, (int)t.len, t.s);
    }
    cr_expect_eq(lex_next_pair(&x).kind, TOKEN_END);
    struct token t = lex_next_pair(&x);
    cr_expect_eq(t.kind, TOKEN_BAD);
    cr_expect_eq(t.line, 2);
    cr_expect_eq(t.column, 4);
}

/* After `reads` tokens, the next entry begins with `then`. */
static const struct {
    const char *input;
    unsigned reads;
    enum lex_skip skip;
    const char *then;
} skips[] = {
    {"a b c\nd\n", 0, LEX_SKIPPED, "a"}, /* nothing read: it is the next entry */
    {"a b c\nd\n", 1, LEX_SKIPPED, "d"},
    {"a b c\nd\n", 3, LEX_SKIPPED, "d"},
    {"a b c\nd\n", 4, LEX_SKIPPED, "d"}, /* the end has been read */
    {"a b c", 2, LEX_SKIPPED, ""},
    {"a ( b\n c\n d ) e\n f\n", 2, LEX_SKIPPED, "f"},
    {"a ( b\nc\nd ) e\nf\n", 2, LEX_SKIPPED, "f"},
    {"a ) b\nc\n", 2, LEX_SKIPPED, "c"},
    {"a \"b\nc\n", 2, LEX_SKIPPED, "c"},
    {"a ( \"b\nc ) \nd\n", 2, LEX_SKIPPED, "d"},
    {"a ( b\n c\n\n d\n; x\ne ( f )\n", 2, LEX_UNCLOSED, "e"},
    {"a ( b\r\n c\r\ne ( f )\r\n", 3, LEX_UNCLOSED, "e"},
    {"a ( b\n c", 3, LEX_UNCLOSED, ""},
    {"a ( b", 2, LEX_UNCLOSED, ""},
};

Test(lex, skip_finds_the_next_entry)
{
    for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
        struct lex x;
        struct token paren = {0};
        lex_init(&x, skips[i].input, strlen(skips[i].input));
        for (unsigned n = 0; n < skips[i].reads; n++)
            lex_next(&x);
        cr_expect_eq(lex_skip_entry(&x, &paren), skips[i].skip, "row %zu", i);
        if (skips[i].skip == LEX_UNCLOSED)
            cr_expect(paren.line == 1 && paren.column == 3, "row %zu: parenthesis at %u:%u", i,
                      paren.line, paren.column);
        struct token t = lex_next(&x);
        cr_expect(t.len == strlen(skips[i].then) && memcmp(t.s, skips[i].then, t.len) == 0,
                  "row %zu: then \"%.*s\"", i, (int)t.len, t.s);
    }
}

Test(lex, skip_stays_when_the_end_was_peeked)
{
    struct lex x;
    struct token paren;
    lex_init(&x, "a\nb\n", 4);
    lex_next(&x);
    cr_expect_eq(lex_peek(&x).kind, TOKEN_END);
    lex_skip_entry(&x, &paren);
    struct token t = lex_next(&x);
    cr_expect_eq(*t.s, 'b');
    cr_expect_eq(t.line, 2);
}

/* SPDX-License-Identifier: Apache-2.0
 * Master-file tokens.
 *
 * One table of character classes; runs of one class are stepped over in tight loops, and only the
 * first byte of a run is dispatched on. Nothing is decoded here: what an escape means differs
 * between names and texts. */
#include "dns/lex.h"

#include <string.h>

#include "base/attr.h"
#include "base/check.h"

enum char_class {
    PLAIN,    /* text, and all that is not below */
    BLANK,    /* space, tab */
    LINE_END, /* LF, CR */
    OPEN,
    CLOSE,
    COMMENT,
    QUOTE,
    ESCAPE,
    NUL_BYTE
};

static const uint8_t class_of[256] = {
    ['\0'] = NUL_BYTE, [' '] = BLANK, ['\t'] = BLANK,  ['\n'] = LINE_END, ['\r'] = LINE_END,
    ['('] = OPEN,      [')'] = CLOSE, [';'] = COMMENT, ['"'] = QUOTE,     ['\\'] = ESCAPE,
};

static inline enum char_class class_at(const char *p)
{
    return class_of[(uint8_t)*p];
}

void lex_init(struct lex *x, const char *s, size_t len)
{
    *x = (struct lex){.entry_line = 1};
    lex_restart(x, s, len);
}

void lex_restart(struct lex *x, const char *s, size_t len)
{
    x->at = x->line_start = x->entry_at = s;
    x->end = s + len;
    x->line = x->entry_line;
    x->depth = 0;
    x->entry_start = true;
    x->have_peek = x->starved = false;
}

/* Tokens are made where the caller wants them: a copy right after the narrow stores would wait for
 * them. */
static inline void make(struct lex *x, struct token *t, enum token_kind kind, const char *s,
                        size_t len)
{
    t->kind = kind;
    t->leading_blank = x->entry_start && x->leading_blank;
    t->s = s;
    t->len = (uint32_t)len;
    t->line = x->line;
    t->column = (uint32_t)(s - x->line_start) + 1;
    x->entry_start = false;
}

static void make_bad(struct lex *x, struct token *t, const char *s, const char *why)
{
    make(x, t, TOKEN_BAD, s, s < x->end);
    t->why = why;
}

static void starve(struct lex *x, struct token *t)
{
    x->starved = true;
    make_bad(x, t, x->at, "");
}

static struct token open_paren(const struct lex *x)
{
    return (struct token){.kind = TOKEN_BAD,
                          .s = x->paren_at,
                          .len = 1,
                          .line = x->paren_line,
                          .column = (uint32_t)(x->paren_at - x->paren_line_start) + 1,
                          .why = "this parenthesis is never closed"};
}

static void end_of_input(struct lex *x, struct token *t)
{
    x->at = x->end;
    if (x->more) {
        starve(x, t);
    } else if (x->depth) {
        x->entry_start = false;
        *t = open_paren(x);
    } else {
        make(x, t, x->entry_start ? TOKEN_EOF : TOKEN_END, x->end, 0);
        t->leading_blank = false;
        x->entry_start = true;
    }
}

/* Steps over the line end at *p. True if *t is the entry's end (or a window's end may stand between
 * CR and LF). */
static inline bool end_line(struct lex *x, const char **p, struct token *t)
{
    const char *next = *p + 1;
    if (**p == '\r') {
        if (next < x->end && *next == '\n')
            next++;
        else if (next == x->end && x->more) {
            starve(x, t);
            return true;
        }
    }
    bool ends = x->depth == 0 && !x->entry_start;
    if (ends) {
        make(x, t, TOKEN_END, *p, 0);
        x->entry_start = true;
    }
    x->line++;
    x->line_start = x->at = *p = next;
    if (x->depth == 0) {
        x->entry_at = next;
        x->entry_line = x->line;
    }
    return ends;
}

/* The rest of a word; p is inside it. */
static inline const char *word_end(const char *p, const char *end)
{
    for (;;) {
        while (p < end && class_at(p) == PLAIN)
            p++;
        if (p == end || class_at(p) != ESCAPE)
            return p;
        /* The backslash keeps the next byte in the word, unless that ends the line. */
        if (++p < end && class_at(p) != LINE_END && class_at(p) != NUL_BYTE)
            p++;
    }
}

static inline void scan_word(struct lex *x, const char *s, struct token *t)
{
    const char *p = word_end(s, x->end);
    if (UNLIKELY(p == x->end && x->more)) {
        starve(x, t);
        return;
    }
    x->at = p;
    make(x, t, TOKEN_WORD, s, (size_t)(p - s));
}

/* From the byte after the opening quote to the closing one; NULL (and *why, or starved) if there is
 * none. Lines that the text contains are counted by the caller. */
static const char *quote_end(struct lex *x, const char *p, const char **why)
{
    for (; p < x->end; p++) {
        enum char_class c = class_at(p);
        if (c == QUOTE)
            return p;
        if (c == LINE_END || c == NUL_BYTE) {
            x->at = p;
            *why = c == NUL_BYTE ? "NUL byte in quoted text"
                                 : "the text that this quote opens is not closed on its line";
            return NULL;
        }
        if (c == ESCAPE && ++p == x->end)
            break;
    }
    x->at = x->end;
    x->starved = x->more;
    *why = x->more ? "" : "the text that this quote opens is not closed";
    return NULL;
}

static void count_lines(struct lex *x, const char *s, const char *end)
{
    while ((s = memchr(s, '\n', (size_t)(end - s)))) {
        x->line++;
        x->line_start = ++s;
    }
}

static void scan_quoted(struct lex *x, const char *quote, struct token *t)
{
    const char *why, *close = quote_end(x, quote + 1, &why);
    if (!close) {
        make_bad(x, t, quote, why);
        return;
    }
    make(x, t, TOKEN_QUOTED, quote + 1, (size_t)(close - quote) - 1);
    t->column--;
    count_lines(x, quote, close);
    x->at = close + 1;
}

static void open_at(struct lex *x, const char *p)
{
    if (x->depth++ == 0) {
        x->paren_at = p;
        x->paren_line = x->line;
        x->paren_line_start = x->line_start;
    }
}

static const char *comment_end(const char *p, const char *end)
{
    while (p < end && class_at(p) != LINE_END)
        p++;
    return p;
}

/* A class that is not text: true if *t is the token it makes, else *p is after it. */
static inline bool scan_special(struct lex *x, const char **p, struct token *t)
{
    switch (class_at(*p)) {
    case LINE_END:
        return end_line(x, p, t);
    case COMMENT:
        *p = comment_end(*p, x->end);
        return false;
    case OPEN:
        open_at(x, (*p)++);
        return false;
    case CLOSE:
        if (x->depth == 0) {
            x->at = *p + 1;
            make_bad(x, t, *p, "this parenthesis closes none");
            return true;
        }
        x->depth--;
        (*p)++;
        return false;
    case QUOTE:
        scan_quoted(x, *p, t);
        return true;
    case NUL_BYTE:
        x->at = *p + 1;
        make_bad(x, t, *p, "NUL byte");
        return true;
    case PLAIN:
    case BLANK:
    case ESCAPE:
        break;
    }
    scan_word(x, *p, t);
    return true;
}

static void scan(struct lex *x, struct token *t)
{
    const char *p = x->at;
    do {
        /* Only outside parentheses does a line's first byte say whose record follows. */
        if (p == x->line_start && x->depth == 0)
            x->leading_blank = p < x->end && class_at(p) == BLANK;
        while (p < x->end && class_at(p) == BLANK)
            p++;
        if (UNLIKELY(p == x->end)) {
            end_of_input(x, t);
            return;
        }
        if (LIKELY(class_at(p) == PLAIN)) {
            scan_word(x, p, t);
            return;
        }
    } while (!scan_special(x, &p, t));
}

void lex_read(struct lex *x, struct token *out)
{
    if (LIKELY(!x->have_peek)) {
        scan(x, out);
        return;
    }
    x->have_peek = false;
    *out = x->peek;
}

struct token lex_next(struct lex *x)
{
    struct token t;
    lex_read(x, &t);
    return t;
}

const struct token *lex_look(struct lex *x)
{
    if (!x->have_peek)
        scan(x, &x->peek);
    x->have_peek = true;
    return &x->peek;
}

struct token lex_peek(struct lex *x)
{
    return *lex_look(x);
}

bool lex_take_end(struct lex *x)
{
    if (lex_look(x)->kind != TOKEN_END)
        return false;
    x->have_peek = false;
    return true;
}

struct token lex_next_pair(struct lex *x)
{
    struct token t = lex_next(x), value;
    if (t.kind != TOKEN_WORD || t.s[t.len - 1] != '=')
        return t;
    if (x->at == x->end || class_at(x->at) != QUOTE)
        return t;
    scan_quoted(x, x->at, &value);
    if (value.kind == TOKEN_BAD)
        return value;
    t.len = (uint32_t)(x->at - t.s);
    return t;
}

/* Goes to the next line after the open parenthesis that begins with text. */
static void leave_paren(struct lex *x)
{
    const char *p = x->paren_at;
    x->line = x->paren_line;
    do {
        p = comment_end(p, x->end);
        if (p < x->end && *p++ == '\r' && p < x->end && *p == '\n')
            p++;
        x->line++;
    } while (p < x->end && class_at(p) != PLAIN && class_at(p) != ESCAPE);
    x->entry_line = x->line;
    lex_restart(x, p, (size_t)(x->end - p));
}

enum lex_skip lex_skip_entry(struct lex *x, struct token *paren)
{
    x->have_peek = false;
    while (!x->entry_start) {
        struct token t;
        scan(x, &t);
        if (x->starved)
            return LEX_SKIPPED;
        if (t.kind != TOKEN_BAD || x->depth == 0 || x->at < x->end)
            continue;
        *paren = open_paren(x);
        leave_paren(x);
        return LEX_UNCLOSED;
    }
    return LEX_SKIPPED;
}

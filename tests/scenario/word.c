/* SPDX-License-Identifier: Apache-2.0
 * Words and blocks. */
#include "word.h"

#include "base/digits.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct words words_over(const char *path, const char *s, size_t len, struct diag *diag)
{
    return (struct words){.path = path, .start = s, .at = s, .end = s + len, .diag = diag};
}

unsigned words_line_of(const struct words *w, const char *p)
{
    unsigned line = 1;
    for (const char *q = w->start; q < p; q++)
        line += *q == '\n';
    return line;
}

unsigned words_line(const struct words *w)
{
    return words_line_of(w, w->at);
}

static bool fault(struct words *w, unsigned line, const char *fmt, va_list args)
{
    if (!w->bad) {
        char text[DIAG_TEXT_MAX];
        vsnprintf(text, sizeof(text), fmt, args);
        err_say(w->diag, ERR_SYNTAX, "%s:%u: %s", w->path, line, text);
    }
    w->bad = true;
    w->at = w->end;
    return false;
}

bool word_fault(struct words *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fault(w, words_line(w), fmt, args);
    va_end(args);
    return false;
}

bool word_fault_at(struct words *w, unsigned line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fault(w, line, fmt, args);
    va_end(args);
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void skip_blanks(struct words *w)
{
    while (w->at < w->end && (is_blank(*w->at) || *w->at == '#')) {
        if (*w->at == '#')
            while (w->at < w->end && *w->at != '\n')
                w->at++;
        else
            w->at++;
    }
}

struct word word_peek(struct words *w)
{
    skip_blanks(w);
    const char *p = w->at;
    if (p < w->end && *p == '"') {
        for (p++; p < w->end && *p != '"' && *p != '\n'; p++)
            ;
        p += p < w->end && *p == '"';
    } else if (p < w->end && (*p == '{' || *p == '}')) {
        p++;
    } else {
        while (p < w->end && !is_blank(*p) && *p != '{' && *p != '}')
            p++;
    }
    return (struct word){w->at, (size_t)(p - w->at)};
}

struct word word_next(struct words *w)
{
    struct word word = word_peek(w);
    w->at = word.s + word.len;
    return word;
}

bool word_is(struct word word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.s, text, word.len) == 0;
}

bool word_take(struct words *w, const char *text)
{
    if (!word_is(word_peek(w), text))
        return false;
    word_next(w);
    return true;
}

uint32_t word_number(struct words *w, uint32_t max)
{
    struct word word = word_next(w);
    uint64_t value = 0;
    if (!digits_u64(word.s, word.len, max, &value))
        word_fault(w, "a number up to %u expected, read '%.*s'", max, (int)word.len, word.s);
    return (uint32_t)value;
}

/* Behind a quoted text or a comment, or just one byte on. */
static const char *step_over(const char *p, const char *end)
{
    if (*p == '\\')
        return end - p > 1 ? p + 2 : end;
    if (*p == ';') {
        while (p < end && *p != '\n')
            p++;
        return p;
    }
    if (*p != '"')
        return p + 1;
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\' && p + 1 < end;
    return p < end ? p + 1 : end;
}

struct word word_block(struct words *w)
{
    unsigned line = words_line(w);
    struct word open = word_next(w);
    if (!word_is(open, "{")) {
        word_fault(w, "{ expected, read '%.*s'", (int)open.len, open.s);
        return (struct word){w->at, 0};
    }
    const char *start = w->at;
    for (const char *p = start; p < w->end; p = step_over(p, w->end)) {
        if (*p == '}' && (p == start || is_blank(p[-1])) && (p + 1 == w->end || is_blank(p[1]))) {
            w->at = p + 1;
            return (struct word){start, (size_t)(p - start)};
        }
    }
    word_fault_at(w, line, "block without }");
    return (struct word){w->at, 0};
}

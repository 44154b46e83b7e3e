/* SPDX-License-Identifier: Apache-2.0
 * Master-file tokens (RFC 1035 s5.1).
 *
 * Works over bytes in memory (a window of a file, a string) and copies nothing: a token is a range
 * of the input with its escapes still in it. Parentheses, comments, line ends inside parentheses,
 * CRLF, tabs and a missing final line end are handled here and not seen by the caller. A line end
 * is LF, CR LF or CR. A quoted text ends on the line it began on, unless the line end has a
 * backslash before it; a NUL byte outside comments is a fault. Everything else (form feeds too) is
 * text. Not for more than one thread at a time. */
#ifndef REEVE_DNS_LEX_H
#define REEVE_DNS_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_WORD,   /* contiguous text */
    TOKEN_QUOTED, /* between quotes, which are not part of it */
    TOKEN_END,    /* a line end outside parentheses, in an entry that has tokens */
    TOKEN_EOF,    /* end of the input, after a TOKEN_END */
    TOKEN_BAD     /* an open quote or parenthesis, one closed too many, NUL; `why` says it */
};

struct token {
    enum token_kind kind;
    bool leading_blank; /* the first token of an entry, and blanks stand before it: "same owner" */
    const char *s;      /* not NUL-ended */
    uint32_t len;
    /* From 1; where it starts, with its quote. An open parenthesis is where that stands. */
    uint32_t line, column;
    const char *why; /* TOKEN_BAD: what is wrong; "" in a starved one */
};

/* Private but for what is said below. */
struct lex {
    const char *at, *end, *line_start;
    uint32_t line;
    const char *entry_at; /* where the line begins that the entry begins on */
    uint32_t entry_line;
    uint32_t depth;       /* open parentheses */
    const char *paren_at; /* the outermost open one */
    const char *paren_line_start;
    uint32_t paren_line;
    bool entry_start;   /* the next token is the first of an entry */
    bool leading_blank; /* of the entry that is being read */
    bool have_peek;
    struct token peek;
    /* For input in windows: the caller sets `more` when there is input after `end`. A token that
     * the window's end may have cut is not given: TOKEN_BAD comes again and again, with `starved`
     * set, until lex_restart(). What begins at entry_at has to be kept for that. */
    bool more, starved;
};

/* The input must stay as long as the tokens are used; it may lack a final line end and may contain
 * NUL bytes. */
void lex_init(struct lex *x, const char *s, size_t len);
/* Starts over with the entry at entry_at, whose first byte is now at s. */
void lex_restart(struct lex *x, const char *s, size_t len);
/* The next token; at the end TOKEN_EOF again and again, or TOKEN_BAD again and again if a
 * parenthesis is open there. */
struct token lex_next(struct lex *x);
/* The same without a copy. */
void lex_read(struct lex *x, struct token *out);
/* As lex_next(), but a word that ends with "=" includes a quoted text that follows without a blank,
 * with its quotes: one token key="a b" (RFC 9460 s2.1). */
struct token lex_next_pair(struct lex *x);
/* The token that lex_next() will give; the second without a copy, until the next call of any of
 * these. */
struct token lex_peek(struct lex *x);
const struct token *lex_look(struct lex *x);
/* If lex_next() gives TOKEN_END, steps over it. */
bool lex_take_end(struct lex *x);

enum lex_skip {
    LEX_SKIPPED,
    LEX_UNCLOSED /* the open parenthesis is never closed: *paren says where it stands */
};
/* Skips to the start of the next entry, which is what a reader does after a fault; stays where it
 * is when the entry's end has been read (or peeked). If a parenthesis of the entry is never closed,
 * the next entry is the next line after that parenthesis which does not begin with a blank.
 * Starved: nothing is decided. */
enum lex_skip lex_skip_entry(struct lex *x, struct token *paren);

#endif

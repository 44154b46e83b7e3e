/* SPDX-License-Identifier: Apache-2.0
 * What the scan functions of all kinds share: reading tokens and saying what was expected. */
#include "dns/kind.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/digits.h"

/* Most of a token that a sentence quotes. */
#define QUOTE_MAX 60

/* The token in printable form: it comes from a file and goes to a terminal. */
static void token_quote(const struct token *tok, char out[QUOTE_MAX + 4])
{
    size_t n = tok->len < QUOTE_MAX ? tok->len : QUOTE_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = tok->s[i] >= ' ' && tok->s[i] <= '~' ? tok->s[i] : '?';
    memcpy(out + n, n < tok->len ? "..." : "\0\0\0", 4);
}

enum err kind_fail(struct scan *s, const char *expected)
{
    char quoted[QUOTE_MAX + 4];
    kind_back(s);
    switch (s->tok.kind) {
    case TOKEN_WORD:
    case TOKEN_QUOTED:
        token_quote(&s->tok, quoted);
        return err_say(s->diag, ERR_SYNTAX, "expected %s, found \"%s\"", expected, quoted);
    case TOKEN_BAD:
        return err_say(s->diag, ERR_SYNTAX, "%s", s->tok.why);
    case TOKEN_END:
    case TOKEN_EOF:
        break;
    }
    return err_say(s->diag, ERR_SYNTAX, "expected %s, found the end of the record", expected);
}

enum err kind_say(struct scan *s, const char *sentence)
{
    kind_back(s);
    return err_say(s->diag, ERR_SYNTAX, "%s", sentence);
}

enum err kind_word(struct scan *s, const char *expected)
{
    return LIKELY(kind_next(s) == TOKEN_WORD) ? OK : kind_fail(s, expected);
}

enum err kind_string(struct scan *s, const char *expected)
{
    enum token_kind kind = kind_next(s);
    return kind == TOKEN_WORD || kind == TOKEN_QUOTED ? OK : kind_fail(s, expected);
}

enum err kind_end(struct scan *s, const char *expected)
{
    if (s->tok.kind != TOKEN_END)
        return kind_fail(s, expected);
    kind_back(s);
    return OK;
}

enum err kind_number(struct scan *s, uint64_t max, const char *expected, uint64_t *out)
{
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    return LIKELY(digits_u64(s->tok.s, s->tok.len, max, out)) ? OK : kind_fail(s, expected);
}

bool kind_word_is(const struct scan *s, const char *word)
{
    return s->tok.kind == TOKEN_WORD && s->tok.len == strlen(word) &&
           memcmp(s->tok.s, word, s->tok.len) == 0;
}

const struct mnemonic *kind_mnemonic_find(const struct mnemonic *rows, const char *s, size_t len)
{
    for (; rows->name; rows++)
        if (strlen(rows->name) == len && strncasecmp(rows->name, s, len) == 0)
            return rows;
    return NULL;
}

const char *kind_mnemonic_text(const struct mnemonic *rows, unsigned value)
{
    for (; rows->name; rows++)
        if (rows->value == value)
            return rows->name;
    return NULL;
}

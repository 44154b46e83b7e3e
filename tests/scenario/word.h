/* SPDX-License-Identifier: Apache-2.0
 * Words and blocks of a scenario, with a sticky fault: after the first one every word is the end
 * of the file. */
#ifndef REEVE_SCENARIO_WORD_H
#define REEVE_SCENARIO_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define WORD_MAX 1100 /* a name with every byte escaped */

/* A cursor over the whole file; the words lie in the file's bytes. */
struct words {
    const char *path;
    const char *start, *at, *end;
    struct diag *diag;
    bool bad;
};

struct word {
    const char *s;
    size_t len; /* 0: the end of the file */
};

struct words words_over(const char *path, const char *s, size_t len, struct diag *diag);
/* The line that the cursor (or, for the other one, p) is on, from 1. */
unsigned words_line(const struct words *w);
unsigned words_line_of(const struct words *w, const char *p);

/* Separated by blanks; { and } are words of their own only when they stand alone; a quoted text
 * is one word with its quotes. */
struct word word_next(struct words *w);
struct word word_peek(struct words *w);
bool word_is(struct word word, const char *text);
/* The next word if it is that one, else nothing happens. */
bool word_take(struct words *w, const char *text);
/* A decimal number up to max; a fault if the next word is none. */
uint32_t word_number(struct words *w, uint32_t max);

/* What stands between the next word, which must be {, and the } that stands alone behind it; ;
 * comments and quotes hide one. */
struct word word_block(struct words *w);

/* Notes "path:line: sentence", once; returns false. The second form is for a line of one's own. */
bool word_fault(struct words *w, const char *fmt, ...) ATTR_PRINTF(2, 3);
bool word_fault_at(struct words *w, unsigned line, const char *fmt, ...) ATTR_PRINTF(3, 4);

#endif

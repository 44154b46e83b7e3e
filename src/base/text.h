/* SPDX-License-Identifier: Apache-2.0
 * A bounded text under construction, with the sticky failure of the cursors in wire.h.
 *
 * The caller owns the bytes. The text is always terminated by NUL once text_init() has run; what
 * does not fit sets `bad` and is left out. */
#ifndef REEVE_BASE_TEXT_H
#define REEVE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct text {
    char *start, *at, *end; /* *end is kept for the NUL */
    bool bad;
};

/* cap counts the NUL and is at least 1. */
void text_init(struct text *t, char *buf, size_t cap);

static inline size_t text_len(const struct text *t)
{
    return (size_t)(t->at - t->start);
}

void text_char(struct text *t, char c);
void text_bytes(struct text *t, const char *bytes, size_t n);
void text_add(struct text *t, const char *string);
void text_fmt(struct text *t, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Decimal, without printf's cost. */
void text_u32(struct text *t, unsigned v);
/* The byte as \DDD. */
void text_escaped(struct text *t, uint8_t byte);

/* The way back: one character before end, \X and \DDD resolved (RFC 1035 s5.1); *at moves behind
 * it. False: a malformed escape. */
bool text_scan_byte(const char **at, const char *end, uint8_t *out);

#endif

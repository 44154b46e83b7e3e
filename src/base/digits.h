/* SPDX-License-Identifier: Apache-2.0
 * Numbers and binary data as text: decimal, durations, sizes, base16, base32hex, base64.
 *
 * The scan functions take exactly the bytes given (no blanks, no NUL needed) and say false for
 * anything else, leaving *out alone. */
#ifndef REEVE_BASE_DIGITS_H
#define REEVE_BASE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "base/wire.h"

/* Decimal without sign, up to max. */
bool digits_u64(const char *s, size_t len, uint64_t max, uint64_t *out);
/* Decimal seconds, or BIND's units in any order and case: 1w2d3h4m5s; up to 2^32-1. */
bool digits_period(const char *s, size_t len, uint32_t *out);
/* Decimal with an optional unit: ms s m h d w, in milliseconds. "5" is seconds. */
bool digits_duration_ms(const char *s, size_t len, uint64_t *out);
/* Decimal bytes with an optional K, M or G (1024-based). */
bool digits_size(const char *s, size_t len, uint64_t *out);

/* Decoders append to w, false (and w unchanged or bad) on a foreign character, a bad length or bad
 * padding. */
bool base16_scan(const char *s, size_t len, struct wr *w);
/* no padding, either case (RFC 5155 s3.3) */
bool base32hex_scan(const char *s, size_t len, struct wr *w);
bool base64_scan(const char *s, size_t len, struct wr *w);

void base16_show(const uint8_t *p, size_t len, struct text *t);    /* upper case */
void base32hex_show(const uint8_t *p, size_t len, struct text *t); /* lower case, no padding */
void base64_show(const uint8_t *p, size_t len, struct text *t);

#endif

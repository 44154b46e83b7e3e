/* SPDX-License-Identifier: Apache-2.0
 * The texts of $GENERATE: BIND's range, and "$" with its modifiers.
 *
 * In a text, $ is the value in decimal and ${offset,width,base} the value plus offset with at least
 * `width` digits and zeros before it; width and base may be left out. The base is d, o, x or X, or
 * n or N: the hexadecimal digits from the last to the first, each a label, `width` counting digits
 * and dots. $$ is a dollar sign, and a backslash keeps the next byte from having a meaning here. */
#ifndef REEVE_DNS_GENERATE_H
#define REEVE_DNS_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/* Room for a text before and after expansion, with a NUL: what BIND has. */
#define GENERATE_TEXT_MAX  2048
/* Digits (and dots) of one number; BIND's limit. */
#define GENERATE_WIDTH_MAX 127

struct generate_range {
    uint32_t start, stop, step; /* start <= stop <= 2^31-1, 1 <= step <= 2^31-1 */
};

/* start-stop or start-stop/step. */
bool generate_scan_range(const char *s, size_t len, struct generate_range *out);
static inline uint32_t generate_count(struct generate_range range)
{
    return (range.stop - range.start) / range.step + 1;
}

/* Appends s with the value put in. ERR_SYNTAX with a sentence: a malformed modifier, or out is too
 * small. */
enum err generate_expand(const char *s, size_t len, uint32_t value, struct text *out,
                         struct diag *diag);

#endif

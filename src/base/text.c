/* SPDX-License-Identifier: Apache-2.0
 * Bounded text. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

void text_init(struct text *t, char *buf, size_t cap)
{
    ASSERT(cap >= 1);
    *t = (struct text){.start = buf, .at = buf, .end = buf + cap - 1};
    *t->at = '\0';
}

void text_bytes(struct text *t, const char *bytes, size_t n)
{
    if (t->bad || (size_t)(t->end - t->at) < n) {
        t->bad = true;
        return;
    }
    memcpy(t->at, bytes, n);
    t->at += n;
    *t->at = '\0';
}

void text_char(struct text *t, char c)
{
    text_bytes(t, &c, 1);
}

void text_add(struct text *t, const char *string)
{
    text_bytes(t, string, strlen(string));
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    if (t->bad)
        return;
    size_t room = (size_t)(t->end - t->at) + 1;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->at, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room) {
        *t->at = '\0';
        t->bad = true;
        return;
    }
    t->at += n;
}

void text_u32(struct text *t, unsigned v)
{
    char digits[10];
    size_t n = sizeof(digits);
    do
        digits[--n] = (char)('0' + v % 10);
    while (v /= 10);
    text_bytes(t, digits + n, sizeof(digits) - n);
}

void text_escaped(struct text *t, uint8_t byte)
{
    char escape[4] = {'\\', (char)('0' + byte / 100), (char)('0' + byte / 10 % 10),
                      (char)('0' + byte % 10)};
    text_bytes(t, escape, sizeof(escape));
}

bool text_scan_byte(const char **at, const char *end, uint8_t *out)
{
    const char *p = *at;
    if (*p != '\\') {
        *out = (uint8_t)*p;
        *at = p + 1;
        return true;
    }
    if (++p == end)
        return false;
    if (*p < '0' || *p > '9') {
        *out = (uint8_t)*p;
        *at = p + 1;
        return true;
    }
    unsigned value = 0;
    for (int i = 0; i < 3; i++, p++) {
        if (p == end || *p < '0' || *p > '9')
            return false;
        value = value * 10 + (unsigned)(*p - '0');
    }
    if (value > UINT8_MAX)
        return false;
    *out = (uint8_t)value;
    *at = p;
    return true;
}

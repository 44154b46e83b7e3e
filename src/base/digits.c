/* SPDX-License-Identifier: Apache-2.0
 * Numbers and binary data as text.
 *
 * The decoders are table-driven and look for foreign characters once per group: bit 7 of a table
 * entry says "not a digit", and the bits of a group are collected with OR. */
#include "base/digits.h"

#include <string.h>

#define BAD 0x80

/* clang-format off */
#define ROW(n)   n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n
#define BAD_64   ROW(BAD), ROW(BAD), ROW(BAD), ROW(BAD)

static const uint8_t hex_value[256] = {
    ROW(BAD), ROW(BAD), ROW(BAD),
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 10, 11, 12, 13, 14, 15, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, ROW(BAD),
    BAD, 10, 11, 12, 13, 14, 15, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, ROW(BAD),
    BAD_64, BAD_64,
};

static const uint8_t base32hex_value[256] = {
    ROW(BAD), ROW(BAD), ROW(BAD),
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 26, 27, 28, 29, 30, 31, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 26, 27, 28, 29, 30, 31, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD_64, BAD_64,
};

static const uint8_t base64_value[256] = {
    ROW(BAD), ROW(BAD),
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD, BAD, BAD, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, BAD,
    BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
    BAD_64, BAD_64,
};
#undef ROW
/* clang-format on */

/* --- numbers --- */

bool digits_u64(const char *s, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)s[i] - '0';
        if (digit > 9 || digit > max || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

struct unit {
    char name[3]; /* lower case */
    uint64_t factor;
};

static const struct unit *unit_find(const struct unit *units, const char *s, size_t len)
{
    for (; units->name[0]; units++)
        if (strlen(units->name) == len && strncasecmp(units->name, s, len) == 0)
            return units;
    return NULL;
}

static size_t digit_run(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] >= '0' && s[n] <= '9')
        n++;
    return n;
}

bool digits_period(const char *s, size_t len, uint32_t *out)
{
    static const struct unit units[] = {{"w", 604800}, {"d", 86400}, {"h", 3600},
                                        {"m", 60},     {"s", 1},     {"", 0}};
    uint64_t total = 0, v = 0;
    if (digits_u64(s, len, UINT32_MAX, &total)) {
        *out = (uint32_t)total;
        return true;
    }
    if (len == 0)
        return false;
    for (size_t at = 0; at < len;) {
        size_t n = digit_run(s + at, len - at);
        const struct unit *u = at + n < len ? unit_find(units, s + at + n, 1) : NULL;
        if (!u || !digits_u64(s + at, n, UINT32_MAX / u->factor, &v))
            return false;
        total += v * u->factor;
        if (total > UINT32_MAX)
            return false;
        at += n + 1;
    }
    *out = (uint32_t)total;
    return true;
}

/* A number with one unit, or none, which counts as `plain`. */
static bool scan_unit(const char *s, size_t len, const struct unit *units, uint64_t plain,
                      uint64_t *out)
{
    size_t n = digit_run(s, len);
    uint64_t factor = plain, v;
    if (n < len) {
        const struct unit *u = unit_find(units, s + n, len - n);
        if (!u)
            return false;
        factor = u->factor;
    }
    if (!digits_u64(s, n, UINT64_MAX / factor, &v))
        return false;
    *out = v * factor;
    return true;
}

bool digits_duration_ms(const char *s, size_t len, uint64_t *out)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
                                        {"", 0}};
    return scan_unit(s, len, units, 1000, out);
}

bool digits_size(const char *s, size_t len, uint64_t *out)
{
    static const struct unit units[] = {{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"", 0}};
    return scan_unit(s, len, units, 1, out);
}

/* --- base 16 --- */

bool base16_scan(const char *s, size_t len, struct wr *w)
{
    const uint8_t *p = (const uint8_t *)s;
    if (len % 2)
        return false;
    uint8_t *start = w->at, *out = wr_room(w, len / 2);
    if (!out)
        return false;
    unsigned foreign = 0;
    for (size_t i = 0; i < len; i += 2) {
        unsigned high = hex_value[p[i]], low = hex_value[p[i + 1]];
        foreign |= high | low;
        *out++ = (uint8_t)(high << 4 | low);
    }
    if (foreign & BAD) {
        w->at = start;
        return false;
    }
    return true;
}

/* Room for n characters at the end of the text; NULL (and bad) if there is less. */
static char *text_room(struct text *t, size_t n)
{
    if (t->bad || (size_t)(t->end - t->at) < n) {
        t->bad = true;
        return NULL;
    }
    char *p = t->at;
    t->at += n;
    *t->at = '\0';
    return p;
}

void base16_show(const uint8_t *p, size_t len, struct text *t)
{
    char *out = text_room(t, len * 2);
    for (size_t i = 0; out && i < len; i++) {
        *out++ = "0123456789ABCDEF"[p[i] >> 4];
        *out++ = "0123456789ABCDEF"[p[i] & 15];
    }
}

/* --- base 32 with the extended hex alphabet (RFC 4648 s7), without padding --- */

/* The last 2, 4, 5 or 7 characters of a text; the bits that fill them up must be zero. */
static bool base32hex_scan_tail(const uint8_t *p, size_t len, uint8_t *out)
{
    static const uint8_t bytes[8] = {0, 0, 1, 0, 2, 3, 0, 4};
    uint64_t group = 0;
    unsigned foreign = 0;
    for (size_t i = 0; i < 8; i++) {
        unsigned v = i < len ? base32hex_value[p[i]] : 0;
        foreign |= v;
        group = group << 5 | (v & 31);
    }
    if (foreign & BAD || bytes[len] == 0 || (group & ((1ull << (40 - 8 * bytes[len])) - 1)))
        return false;
    for (unsigned i = 0; i < bytes[len]; i++)
        out[i] = (uint8_t)(group >> (32 - 8 * i));
    return true;
}

bool base32hex_scan(const char *s, size_t len, struct wr *w)
{
    const uint8_t *p = (const uint8_t *)s;
    uint8_t *start = w->at, *out = wr_room(w, len * 5 / 8);
    if (!out)
        return false;
    unsigned foreign = 0;
    for (; len >= 8; len -= 8, p += 8, out += 5) {
        uint64_t group = 0;
        for (size_t i = 0; i < 8; i++) {
            unsigned v = base32hex_value[p[i]];
            foreign |= v;
            group = group << 5 | (v & 31);
        }
        out[0] = (uint8_t)(group >> 32);
        put_u32(out + 1, (uint32_t)group);
    }
    if (foreign & BAD || (len && !base32hex_scan_tail(p, len, out))) {
        w->at = start;
        return false;
    }
    return true;
}

void base32hex_show(const uint8_t *p, size_t len, struct text *t)
{
    char *out = text_room(t, (len * 8 + 4) / 5);
    unsigned held = 0;
    uint32_t bits = 0;
    for (size_t i = 0; out && i < len; i++) {
        bits = bits << 8 | p[i];
        for (held += 8; held >= 5; held -= 5)
            *out++ = "0123456789abcdefghijklmnopqrstuv"[bits >> (held - 5) & 31];
    }
    if (out && held)
        *out = "0123456789abcdefghijklmnopqrstuv"[bits << (5 - held) & 31];
}

/* --- base 64 --- */

static inline unsigned base64_group(const uint8_t *p, uint8_t *out)
{
    unsigned a = base64_value[p[0]], b = base64_value[p[1]], c = base64_value[p[2]],
             d = base64_value[p[3]];
    out[0] = (uint8_t)(a << 2 | b >> 4);
    out[1] = (uint8_t)(b << 4 | c >> 2);
    out[2] = (uint8_t)(c << 6 | d);
    return a | b | c | d;
}

/* The last group, with its padding; the bits that the padding cuts off must be zero. */
static bool base64_scan_last(const uint8_t *p, unsigned padding, uint8_t *out)
{
    uint8_t group[4], bytes[3];
    memcpy(group, p, 4);
    memset(group + 4 - padding, 'A', padding);
    if (base64_group(group, bytes) & BAD)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        if (i < 3 - padding)
            out[i] = bytes[i];
        else if (bytes[i])
            return false;
    }
    return true;
}

bool base64_scan(const char *s, size_t len, struct wr *w)
{
    const uint8_t *p = (const uint8_t *)s;
    if (len % 4)
        return false;
    unsigned padding = len == 0 || s[len - 1] != '=' ? 0 : s[len - 2] != '=' ? 1 : 2;
    uint8_t *start = w->at, *out = wr_room(w, len / 4 * 3 - padding);
    if (!out)
        return false;
    unsigned foreign = 0;
    for (size_t left = padding ? len - 4 : len; left; left -= 4, p += 4, out += 3)
        foreign |= base64_group(p, out);
    if (foreign & BAD || (padding && !base64_scan_last(p, padding, out))) {
        w->at = start;
        return false;
    }
    return true;
}

void base64_show(const uint8_t *p, size_t len, struct text *t)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = text_room(t, (len + 2) / 3 * 4);
    if (!out)
        return;
    for (; len; p += 3) {
        uint32_t group =
            (uint32_t)p[0] << 16 | (uint32_t)(len > 1 ? p[1] : 0) << 8 | (len > 2 ? p[2] : 0);
        *out++ = digit[group >> 18];
        *out++ = digit[group >> 12 & 63];
        *out++ = len > 1 ? digit[group >> 6 & 63] : '=';
        *out++ = len > 2 ? digit[group & 63] : '=';
        len = len > 3 ? len - 3 : 0;
    }
}

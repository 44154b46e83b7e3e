/* SPDX-License-Identifier: Apache-2.0
 * The texts of $GENERATE. */
#include "dns/generate.h"

#include <string.h>

#include "base/check.h"
#include "base/digits.h"

/* What stands in the braces. */
struct modifier {
    int64_t offset;
    uint32_t width;
    char base;
};

/* --- range --- */

static bool scan_u31(const char *s, const char *end, uint32_t *out)
{
    uint64_t v;
    if (!digits_u64(s, (size_t)(end - s), INT32_MAX, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool generate_scan_range(const char *s, size_t len, struct generate_range *out)
{
    const char *end = s + len, *dash = memchr(s, '-', len), *slash = memchr(s, '/', len);
    const char *stop_end = slash ? slash : end;
    struct generate_range range = {.step = 1};
    if (!dash || dash > stop_end || !scan_u31(s, dash, &range.start) ||
        !scan_u31(dash + 1, stop_end, &range.stop))
        return false;
    if (slash && !scan_u31(slash + 1, end, &range.step))
        return false;
    if (range.step == 0 || range.stop < range.start)
        return false;
    *out = range;
    return true;
}

/* --- modifiers --- */

static bool scan_offset(const char *s, const char *end, int64_t *out)
{
    uint32_t v;
    bool negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+'))
        s++;
    if (!scan_u31(s, end, &v))
        return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

static const char bases[] = {'d', 'o', 'x', 'X', 'n', 'N'};

/* The parts between the braces at s..end; a missing part leaves *out as it is. */
static bool scan_modifier(const char *s, const char *end, struct modifier *out)
{
    const char *comma = memchr(s, ',', (size_t)(end - s)), *offset_end = comma ? comma : end;
    if (!scan_offset(s, offset_end, &out->offset))
        return false;
    if (!comma)
        return true;
    s = comma + 1;
    comma = memchr(s, ',', (size_t)(end - s));
    if (!scan_u31(s, comma ? comma : end, &out->width))
        return false;
    if (!comma)
        return true;
    if (end - comma != 2 || !memchr(bases, comma[1], sizeof(bases)))
        return false;
    out->base = comma[1];
    return true;
}

/* --- numbers --- */

static void show_number(struct text *out, int32_t value, const struct modifier *m)
{
    int width = (int)m->width;
    if (m->base == 'o')
        text_fmt(out, "%0*o", width, (unsigned)value);
    else if (m->base == 'x')
        text_fmt(out, "%0*x", width, (unsigned)value);
    else if (m->base == 'X')
        text_fmt(out, "%0*X", width, (unsigned)value);
    else
        text_fmt(out, "%0*d", width, value);
}

/* A dot follows a digit when the width or the value has something left; an even width therefore
 * ends with a dot. */
static void show_nibbles(struct text *out, uint32_t value, const struct modifier *m)
{
    const char *digits = m->base == 'n' ? "0123456789abcdef" : "0123456789ABCDEF";
    uint32_t width = m->width;
    do {
        text_char(out, digits[value & 15]);
        value >>= 4;
        width -= width > 0;
        if (width > 0 || value) {
            text_char(out, '.');
            width -= width > 0;
        }
    } while (width > 0 || value);
}

static enum err show_value(struct text *out, uint32_t iterator, const struct modifier *m,
                           struct diag *diag)
{
    int64_t value = iterator + m->offset;
    bool nibbles = m->base == 'n' || m->base == 'N';
    if (m->width > GENERATE_WIDTH_MAX)
        return err_say(diag, ERR_SYNTAX, "width %u is more than %d", m->width, GENERATE_WIDTH_MAX);
    if (value > INT32_MAX || (nibbles && value < 0))
        return err_say(diag, ERR_SYNTAX, "%u with offset %lld is out of range", iterator,
                       (long long)m->offset);
    ASSERT(value >= INT32_MIN);
    if (nibbles)
        show_nibbles(out, (uint32_t)value, m);
    else
        show_number(out, (int32_t)value, m);
    return OK;
}

/* One "$" at *at, which moves behind it and its modifiers. As in BIND, an offset holds for the next
 * bare $ too. */
static enum err expand_dollar(const char **at, const char *end, uint32_t value, int64_t *offset,
                              struct text *out, struct diag *diag)
{
    struct modifier m = {.offset = *offset, .base = 'd'};
    const char *p = *at + 1;
    if (p < end && *p == '$') {
        text_char(out, '$');
        *at = p + 1;
        return OK;
    }
    if (p < end && *p == '{') {
        const char *close = memchr(p, '}', (size_t)(end - p));
        if (!close || !scan_modifier(p + 1, close, &m))
            return err_say(diag, ERR_SYNTAX, "\"%.*s\" is not ${offset,width,base}",
                           (int)((close ? close + 1 : end) - *at), *at);
        p = close + 1;
    }
    *at = p;
    *offset = m.offset;
    return show_value(out, value, &m, diag);
}

enum err generate_expand(const char *s, size_t len, uint32_t value, struct text *out,
                         struct diag *diag)
{
    const char *end = s + len;
    int64_t offset = 0;
    while (s < end) {
        if (*s == '$') {
            enum err e = expand_dollar(&s, end, value, &offset, out, diag);
            if (e != OK)
                return e;
            continue;
        }
        if (*s == '\\' && s + 1 < end)
            text_char(out, *s++);
        text_char(out, *s++);
    }
    return out->bad ? err_say(diag, ERR_SYNTAX, "longer than %d bytes", GENERATE_TEXT_MAX - 1) : OK;
}

/* SPDX-License-Identifier: Apache-2.0
 * Fields that are text: character strings (RFC 1035 s3.3), tags, and text to the end of the rdata.
 */
#include <string.h>

#include "dns/kind.h"

#define STRING_MAX 255

bool kind_put_text(struct scan *s, size_t max)
{
    const char *at = s->tok.s, *end = at + s->tok.len;
    if (!memchr(at, '\\', s->tok.len)) {
        wr_bytes(s->out, at, s->tok.len);
        return s->tok.len <= max;
    }
    for (; at < end; max--) {
        uint8_t byte;
        if (max == 0 || !text_scan_byte(&at, end, &byte))
            return false;
        wr_u8(s->out, byte);
    }
    return true;
}

void kind_show_text(const uint8_t *p, size_t len, const char *special, struct text *t)
{
    const uint8_t *end = p + len;
    while (p < end) {
        const uint8_t *run = p;
        while (p < end && *p >= ' ' && *p <= '~' && !strchr(special, *p))
            p++;
        text_bytes(t, (const char *)run, (size_t)(p - run));
        if (p == end)
            break;
        if (*p >= ' ' && *p <= '~') {
            text_char(t, '\\');
            text_char(t, (char)*p++);
        } else {
            text_escaped(t, *p++);
        }
    }
}

void kind_show_quoted(const uint8_t *p, size_t len, struct text *t)
{
    text_char(t, '"');
    kind_show_text(p, len, "\"\\", t);
    text_char(t, '"');
}

/* --- one string --- */

const char *kind_string_span(struct rd *r)
{
    if (UNLIKELY(rd_left(r) == 0 || rd_left(r) <= *r->at))
        return "rdata ends within a string";
    r->at += *r->at + 1;
    return NULL;
}

/* The token in hand as a string with its length byte before it. */
static enum err put_string(struct scan *s)
{
    uint8_t *len = wr_room(s->out, 1);
    if (!kind_put_text(s, STRING_MAX))
        return kind_fail(s, "a text of at most 255 bytes with valid escapes");
    if (len)
        *len = (uint8_t)(s->out->at - len - 1);
    return OK;
}

enum err kind_string_scan(struct scan *s)
{
    enum err e = kind_string(s, "a text");
    return e == OK ? put_string(s) : e;
}

void kind_string_show(struct rd *r, struct text *t)
{
    uint8_t len = rd_u8(r);
    kind_show_quoted(rd_bytes(r, len), len, t);
}

/* --- one string or none: ISDN's subaddress (RFC 1183 s3.2) --- */

const char *kind_string_opt_span(struct rd *r)
{
    return rd_left(r) ? kind_string_span(r) : NULL;
}

enum err kind_string_opt_scan(struct scan *s)
{
    enum token_kind kind = kind_next(s);
    return kind == TOKEN_WORD || kind == TOKEN_QUOTED ? put_string(s) : kind_end(s, "a text");
}

/* --- one string or more: TXT and its likes --- */

const char *kind_strings_span(struct rd *r)
{
    const char *why;
    do
        why = kind_string_span(r);
    while (!why && rd_left(r));
    return why;
}

enum err kind_strings_scan(struct scan *s)
{
    enum err e = kind_string_scan(s);
    while (e == OK) {
        enum token_kind kind = kind_next(s);
        if (kind != TOKEN_WORD && kind != TOKEN_QUOTED)
            return kind_end(s, "a text");
        e = put_string(s);
    }
    return e;
}

void kind_strings_show(struct rd *r, struct text *t)
{
    while (rd_left(r)) {
        kind_string_show(r, t);
        if (rd_left(r))
            text_char(t, ' ');
    }
}

/* --- CAA's property tag (RFC 8659 s4.1): at least one letter or digit --- */

static bool is_tag(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((p[i] < '0' || p[i] > '9') && ((p[i] | 0x20) < 'a' || (p[i] | 0x20) > 'z'))
            return false;
    return len > 0 && len <= STRING_MAX;
}

const char *kind_tag_span(struct rd *r)
{
    const uint8_t *tag = r->at;
    const char *why = kind_string_span(r);
    return why || is_tag(tag + 1, *tag) ? why : "tag is not of letters and digits";
}

enum err kind_tag_scan(struct scan *s)
{
    static const char expected[] = "a tag of letters and digits";
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    if (!is_tag((const uint8_t *)s->tok.s, s->tok.len))
        return kind_fail(s, expected);
    return put_string(s);
}

void kind_tag_show(struct rd *r, struct text *t)
{
    uint8_t len = rd_u8(r);
    text_bytes(t, (const char *)rd_bytes(r, len), len);
}

/* --- one text to the end of the rdata --- */

enum err kind_qrest_scan(struct scan *s)
{
    enum err e = kind_string(s, "a text");
    if (e == OK && !kind_put_text(s, UINT16_MAX))
        return kind_fail(s, "a text with valid escapes");
    return e;
}

void kind_qrest_show(struct rd *r, struct text *t)
{
    size_t len = rd_left(r);
    kind_show_quoted(rd_bytes(r, len), len, t);
}

enum err kind_qrest_opt_scan(struct scan *s)
{
    enum token_kind kind = kind_next(s);
    if (kind != TOKEN_WORD && kind != TOKEN_QUOTED)
        return kind_end(s, "a text");
    return kind_put_text(s, UINT16_MAX) ? OK : kind_fail(s, "a text with valid escapes");
}

void kind_qrest_opt_show(struct rd *r, struct text *t)
{
    if (rd_left(r))
        kind_qrest_show(r, t);
}

/* --- UNECE and ISO: a code that is not empty, shown without quotes, and a quantity, where "-" is
 * the empty one --- */

#define WORD_SPECIAL " \"\\;()"

const char *kind_token_span(struct rd *r)
{
    const uint8_t *start = r->at;
    const char *why = kind_string_span(r);
    return why || *start ? why : "empty code";
}

enum err kind_token_scan(struct scan *s)
{
    enum err e = kind_string(s, "a code");
    if (e == OK && s->tok.len == 0)
        return kind_fail(s, "a code");
    return e == OK ? put_string(s) : e;
}

void kind_token_show(struct rd *r, struct text *t)
{
    uint8_t len = rd_u8(r);
    kind_show_text(rd_bytes(r, len), len, WORD_SPECIAL, t);
}

const char *kind_quantity_span(struct rd *r)
{
    const uint8_t *start = r->at;
    const char *why = kind_string_span(r);
    return why || *start != 1 || start[1] != '-' ? why : "quantity is a lone \"-\"";
}

enum err kind_quantity_scan(struct scan *s)
{
    enum err e = kind_string(s, "a quantity, or -");
    if (e != OK)
        return e;
    if (kind_word_is(s, "-")) {
        wr_u8(s->out, 0);
        return OK;
    }
    return put_string(s);
}

void kind_quantity_show(struct rd *r, struct text *t)
{
    if (*r->at)
        kind_token_show(r, t);
    else {
        rd_u8(r);
        text_char(t, '-');
    }
}

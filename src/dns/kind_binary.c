/* SPDX-License-Identifier: Apache-2.0
 * Fields that are opaque bytes, as base 16, 32 or 64. */
#include <string.h>

#include "base/digits.h"
#include "dns/kind.h"

/* --- digits to the end of the record --- */

/* Digits come in groups (two for base 16, four for base 64), and blanks may stand anywhere (RFC
 * 4034 s2.2), so that a group may begin in one token and end in another: what is left of a token
 * waits in `held`. */
struct groups {
    bool (*scan)(const char *s, size_t len, struct wr *w);
    const char *expected;
    size_t size;
    char held[4];
    size_t held_len;
    bool ended; /* padding was read: nothing may follow */
};

static bool groups_put(struct groups *g, const char *p, size_t len, struct wr *out)
{
    if (len == 0)
        return true;
    g->ended = p[len - 1] == '=';
    return g->scan(p, len, out);
}

static bool groups_add(struct groups *g, const char *p, size_t len, struct wr *out)
{
    if (g->ended && len)
        return false;
    while (g->held_len && len) {
        g->held[g->held_len++] = *p++;
        len--;
        if (g->held_len < g->size)
            continue;
        g->held_len = 0;
        if (!groups_put(g, g->held, g->size, out) || (g->ended && len))
            return false;
    }
    size_t rest = len % g->size;
    if (!groups_put(g, p, len - rest, out) || (g->ended && rest))
        return false;
    memcpy(g->held + g->held_len, p + len - rest, rest);
    g->held_len += rest;
    return true;
}

static enum err put_groups(struct scan *s, struct groups g)
{
    enum err e = kind_word(s, g.expected);
    if (e != OK)
        return e;
    while (s->tok.kind == TOKEN_WORD) {
        /* When there is no room, the digits may be fine: the caller says what is wrong. */
        if (!groups_add(&g, s->tok.s, s->tok.len, s->out) && !s->out->bad)
            return kind_fail(s, g.expected);
        kind_next(s);
    }
    return g.held_len ? kind_fail(s, g.expected) : kind_end(s, g.expected);
}

enum err kind_put_base64(struct scan *s)
{
    return put_groups(s,
                      (struct groups){.scan = base64_scan, .size = 4, .expected = "base 64 data"});
}

enum err kind_put_hex(struct scan *s)
{
    return put_groups(
        s, (struct groups){.scan = base16_scan, .size = 2, .expected = "hexadecimal data"});
}

const char *kind_blob_span(struct rd *r)
{
    r->at = r->end;
    return NULL;
}

const char *kind_some_span(struct rd *r)
{
    if (rd_left(r) == 0)
        return "rdata ends before its last field";
    r->at = r->end;
    return NULL;
}

enum err kind_hex_scan(struct scan *s)
{
    return kind_put_hex(s);
}

void kind_hex_show(struct rd *r, struct text *t)
{
    size_t len = rd_left(r);
    base16_show(rd_bytes(r, len), len, t);
}

enum err kind_base64_scan(struct scan *s)
{
    return kind_put_base64(s);
}

void kind_base64_show(struct rd *r, struct text *t)
{
    size_t len = rd_left(r);
    base64_show(rd_bytes(r, len), len, t);
}

enum err kind_base64_opt_scan(struct scan *s)
{
    if (kind_next(s) == TOKEN_END)
        return kind_end(s, "");
    kind_back(s);
    return kind_put_base64(s);
}

/* CDS and CDNSKEY that ask for deletion have one zero byte here, which RFC 8078 s4 writes as "0".
 */
static bool scan_delete(struct scan *s)
{
    if (kind_next(s) == TOKEN_WORD && kind_word_is(s, "0")) {
        wr_u8(s->out, 0);
        return true;
    }
    kind_back(s);
    return false;
}

enum err kind_hex_delete_scan(struct scan *s)
{
    return scan_delete(s) ? OK : kind_put_hex(s);
}

enum err kind_base64_delete_scan(struct scan *s)
{
    return scan_delete(s) ? OK : kind_put_base64(s);
}

/* DOA: "-" for no data. */
enum err kind_base64_dash_scan(struct scan *s)
{
    if (kind_next(s) == TOKEN_WORD && kind_word_is(s, "-"))
        return OK;
    kind_back(s);
    return kind_put_base64(s);
}

void kind_base64_dash_show(struct rd *r, struct text *t)
{
    if (rd_left(r))
        kind_base64_show(r, t);
    else
        text_char(t, '-');
}

/* Types without a text form of their own: rdata_scan() has read \# already where it stands. */
enum err kind_blob_scan(struct scan *s)
{
    kind_next(s);
    return kind_fail(s, "\\# and rdata in hexadecimal (RFC 3597)");
}

void kind_blob_show(struct rd *r, struct text *t)
{
    size_t len = rd_left(r);
    text_add(t, "\\# ");
    text_u32(t, (unsigned)len);
    if (len) {
        text_char(t, ' ');
        base16_show(rd_bytes(r, len), len, t);
    }
}

/* --- NSEC3 (RFC 5155 s3.3): salt in hex, "-" for none; hash in base 32; a length byte before each
 * --- */

const char *kind_salt_span(struct rd *r)
{
    if (rd_left(r) == 0 || rd_left(r) <= *r->at)
        return "rdata ends within the salt";
    r->at += *r->at + 1;
    return NULL;
}

/* The token in hand after its length byte. */
static enum err put_counted(struct scan *s, bool (*scan)(const char *, size_t, struct wr *),
                            const char *expected)
{
    uint8_t *len = wr_room(s->out, 1);
    if (!len)
        return OK;
    if (!scan(s->tok.s, s->tok.len, s->out) || s->out->at - len - 1 > UINT8_MAX)
        return s->out->bad ? OK : kind_fail(s, expected);
    *len = (uint8_t)(s->out->at - len - 1);
    return OK;
}

enum err kind_salt_scan(struct scan *s)
{
    static const char expected[] = "a salt of up to 255 bytes in hexadecimal, or -";
    enum err e = kind_word(s, expected);
    if (e != OK || !kind_word_is(s, "-"))
        return e == OK ? put_counted(s, base16_scan, expected) : e;
    wr_u8(s->out, 0);
    return OK;
}

void kind_salt_show(struct rd *r, struct text *t)
{
    uint8_t len = rd_u8(r);
    if (len)
        base16_show(rd_bytes(r, len), len, t);
    else
        text_char(t, '-');
}

const char *kind_hash32_span(struct rd *r)
{
    if (rd_left(r) == 0 || rd_left(r) <= *r->at || *r->at == 0)
        return "rdata ends within the hash, or the hash is empty";
    r->at += *r->at + 1;
    return NULL;
}

enum err kind_hash32_scan(struct scan *s)
{
    static const char expected[] = "a hash in base 32 with the hex alphabet";
    enum err e = kind_word(s, expected);
    return e == OK ? put_counted(s, base32hex_scan, expected) : e;
}

/* In upper case, as the field is usually written; the same hash in an owner name is in lower case.
 */
void kind_hash32_show(struct rd *r, struct text *t)
{
    uint8_t len = rd_u8(r);
    char *p = t->at;
    base32hex_show(rd_bytes(r, len), len, t);
    for (; p < t->at; p++)
        *p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
}

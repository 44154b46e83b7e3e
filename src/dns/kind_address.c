/* SPDX-License-Identifier: Apache-2.0
 * Fields that are addresses: IPv4, IPv6, EUI, ILNP locators, NSAP, ATM, and A6's address with a
 * prefix left out. */
#include <arpa/inet.h>
#include <string.h>

#include "base/digits.h"
#include "dns/kind.h"

/* One word, as `len` bytes. */
static enum err scan_address(struct scan *s, bool (*read)(const char *, size_t, uint8_t *),
                             size_t len, const char *expected)
{
    uint8_t address[16];
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    if (!read(s->tok.s, s->tok.len, address))
        return kind_fail(s, expected);
    wr_bytes(s->out, address, len);
    return OK;
}

/* --- IPv4: four numbers, without leading zeros --- */

bool kind_ip4_read(const char *s, size_t len, uint8_t out[4])
{
    const char *end = s + len;
    for (int i = 0; i < 4; i++) {
        unsigned v = 0;
        const char *first = s;
        while (s < end && *s >= '0' && *s <= '9' && s - first < 3)
            v = v * 10 + (unsigned)(*s++ - '0');
        if (s == first || v > 255 || (*first == '0' && s - first > 1))
            return false;
        out[i] = (uint8_t)v;
        if (i < 3 && (s == end || *s++ != '.'))
            return false;
    }
    return s == end;
}

enum err kind_ip4_scan(struct scan *s)
{
    return scan_address(s, kind_ip4_read, 4, "an IPv4 address");
}

void kind_ip4_show(struct rd *r, struct text *t)
{
    for (int i = 0; i < 4; i++) {
        if (i)
            text_char(t, '.');
        text_u32(t, rd_u8(r));
    }
}

/* --- IPv6 (RFC 4291 s2.2) --- */

/* Up to four hex digits; NULL if there are none or more. */
static const char *read_group(const char *s, const char *end, uint8_t out[2])
{
    unsigned v = 0;
    const char *first = s;
    for (; s < end; s++) {
        unsigned digit = (unsigned)(uint8_t)*s - '0';
        if (digit > 9) {
            digit = ((unsigned)(uint8_t)*s | 0x20) - 'a' + 10;
            if (digit < 10 || digit > 15)
                break;
        }
        v = v << 4 | digit;
    }
    if (s == first || s - first > 4)
        return NULL;
    put_u16(out, (uint16_t)v);
    return s;
}

bool kind_ip6_read(const char *s, size_t len, uint8_t out[16])
{
    const char *end = s + len;
    int at = 0, gap = -1;
    if (len >= 2 && s[0] == ':') {
        if (s[1] != ':')
            return false;
        gap = 0;
        s += 2;
    }
    while (s < end) {
        if (at == 16)
            return false;
        const char *next = read_group(s, end, out + at);
        if (next && next < end && *next == '.' && at <= 12) {
            if (!kind_ip4_read(s, (size_t)(end - s), out + at))
                return false;
            at += 4;
            break;
        }
        if (!next || (next < end && *next != ':') || next + 1 == end)
            return false;
        at += 2;
        if ((s = next) == end)
            break;
        if (*++s != ':')
            continue;
        if (gap >= 0)
            return false;
        gap = at;
        s++;
    }
    if (gap < 0)
        return at == 16;
    if (at == 16)
        return false;
    memmove(out + 16 - (at - gap), out + gap, (size_t)(at - gap));
    memset(out + gap, 0, (size_t)(16 - at));
    return true;
}

enum err kind_ip6_scan(struct scan *s)
{
    return scan_address(s, kind_ip6_read, 16, "an IPv6 address");
}

void kind_ip6_show(struct rd *r, struct text *t)
{
    char buf[INET6_ADDRSTRLEN];
    text_add(t, inet_ntop(AF_INET6, rd_bytes(r, 16), buf, sizeof(buf)));
}

/* --- EUI-48 and EUI-64 (RFC 7043): pairs of hex digits with "-" between --- */

static enum err scan_eui(struct scan *s, size_t bytes, const char *expected)
{
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    if (s->tok.len != bytes * 3 - 1)
        return kind_fail(s, expected);
    for (size_t i = 0; i < bytes; i++) {
        const char *pair = s->tok.s + i * 3;
        if (!base16_scan(pair, 2, s->out) && !s->out->bad)
            return kind_fail(s, expected);
        if (i && pair[-1] != '-')
            return kind_fail(s, expected);
    }
    return OK;
}

static void show_eui(struct rd *r, size_t bytes, struct text *t)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = rd_u8(r);
        char pair[3] = {'-', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
        text_bytes(t, pair + !i, sizeof(pair) - !i);
    }
}

enum err kind_eui48_scan(struct scan *s)
{
    return scan_eui(s, 6, "six pairs of hexadecimal digits, like 00-00-5e-00-53-2a");
}

enum err kind_eui64_scan(struct scan *s)
{
    return scan_eui(s, 8, "eight pairs of hexadecimal digits, like 00-00-5e-ef-10-00-00-2a");
}

void kind_eui48_show(struct rd *r, struct text *t)
{
    show_eui(r, 6, t);
}

void kind_eui64_show(struct rd *r, struct text *t)
{
    show_eui(r, 8, t);
}

/* --- ILNP node identifiers and locators (RFC 6742 s2.1.1): four groups of up to four hex digits
 * --- */

enum err kind_locator64_scan(struct scan *s)
{
    static const char expected[] = "four groups of hexadecimal digits with : between";
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    const char *at = s->tok.s, *end = at + s->tok.len;
    uint8_t bytes[8];
    for (int i = 0; i < 8; i += 2) {
        if (i && (at == end || *at++ != ':'))
            return kind_fail(s, expected);
        at = read_group(at, end, bytes + i);
        if (!at)
            return kind_fail(s, expected);
    }
    if (at != end)
        return kind_fail(s, expected);
    wr_bytes(s->out, bytes, sizeof(bytes));
    return OK;
}

/* All four digits, which every reader takes. */
void kind_locator64_show(struct rd *r, struct text *t)
{
    for (int i = 0; i < 4; i++)
        text_fmt(t, "%s%04x", i ? ":" : "", rd_u16(r));
}

/* --- NSAP (RFC 1706 s7): 0x and hex digits with dots anywhere --- */

/* Hex digits, dots among them left out. */
static bool put_dotted_hex(struct scan *s, const char *p, size_t len)
{
    char pair[2];
    size_t held = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '.')
            continue;
        pair[held++] = p[i];
        if (held < 2)
            continue;
        held = 0;
        if (!base16_scan(pair, 2, s->out) && !s->out->bad)
            return false;
    }
    return held == 0 && len > 0 && p[0] != '.' && p[len - 1] != '.';
}

enum err kind_nsap_scan(struct scan *s)
{
    static const char expected[] = "0x and an NSAP address in hexadecimal";
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    const char *p = s->tok.s;
    if (s->tok.len < 4 || p[0] != '0' || (p[1] | 0x20) != 'x' ||
        !put_dotted_hex(s, p + 2, s->tok.len - 2))
        return kind_fail(s, expected);
    return OK;
}

/* In lower case, unlike other hex data. */
static void show_hex_lower(struct rd *r, struct text *t)
{
    while (rd_left(r)) {
        uint8_t byte = rd_u8(r);
        text_char(t, "0123456789abcdef"[byte >> 4]);
        text_char(t, "0123456789abcdef"[byte & 15]);
    }
}

void kind_nsap_show(struct rd *r, struct text *t)
{
    text_add(t, "0x");
    show_hex_lower(r, t);
}

/* --- ATMA (ATM Name System s5.2): an AESA in hex, or + and an E.164 number --- */

enum { ATMA_AESA = 0, ATMA_E164 = 1 };

const char *kind_atma_span(struct rd *r)
{
    if (rd_left(r) < 2)
        return "rdata ends before the address";
    uint8_t format = *r->at;
    if (format > ATMA_E164)
        return "unknown format of an ATM address";
    for (const uint8_t *p = r->at + 1; format == ATMA_E164 && p < r->end; p++)
        if (*p < '0' || *p > '9')
            return "E.164 number is not of digits";
    r->at = r->end;
    return NULL;
}

enum err kind_atma_scan(struct scan *s)
{
    static const char expected[] = "an ATM address in hexadecimal, or + and digits";
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    const char *p = s->tok.s;
    if (*p != '+') {
        wr_u8(s->out, ATMA_AESA);
        return put_dotted_hex(s, p, s->tok.len) ? OK : kind_fail(s, expected);
    }
    wr_u8(s->out, ATMA_E164);
    for (size_t i = 1; i < s->tok.len; i++)
        if (p[i] < '0' || p[i] > '9')
            return kind_fail(s, expected);
    if (s->tok.len == 1)
        return kind_fail(s, expected);
    wr_bytes(s->out, p + 1, s->tok.len - 1);
    return OK;
}

void kind_atma_show(struct rd *r, struct text *t)
{
    if (rd_u8(r) == ATMA_AESA) {
        show_hex_lower(r, t);
        return;
    }
    size_t len = rd_left(r);
    text_char(t, '+');
    text_bytes(t, (const char *)rd_bytes(r, len), len);
}

/* --- A6 (RFC 2874 s3.1): prefix length, the bits of the address after it, the prefix's name if it
 * has bits --- */

static size_t a6_suffix_len(uint8_t prefix)
{
    return (128u - prefix + 7) / 8;
}

const char *kind_a6_prefix_span(struct rd *r)
{
    if (rd_left(r) == 0 || *r->at > 128)
        return "prefix length is not from 0 to 128";
    r->at++;
    return NULL;
}

enum err kind_a6_prefix_scan(struct scan *s)
{
    uint64_t v = 0;
    enum err e = kind_number(s, 128, "a prefix length from 0 to 128", &v);
    wr_u8(s->out, (uint8_t)v);
    return e;
}

const char *kind_a6_suffix_span(struct rd *r)
{
    uint8_t prefix = r->start[0];
    const uint8_t *p = rd_bytes(r, a6_suffix_len(prefix));
    if (!p)
        return "rdata ends within the address";
    if (prefix % 8 && *p >> (8 - prefix % 8))
        return "address has bits in the prefix"; /* s3.1.1: pad bits are zero */
    return NULL;
}

enum err kind_a6_suffix_scan(struct scan *s)
{
    static const char expected[] = "an IPv6 address";
    uint8_t prefix = s->out->bad ? 0 : s->start[0];
    size_t len = a6_suffix_len(prefix);
    if (len == 0)
        return OK; /* s3.1.2: no address then */
    uint8_t address[16];
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    if (!kind_ip6_read(s->tok.s, s->tok.len, address))
        return kind_fail(s, expected);
    if (prefix % 8)
        address[16 - len] &= (uint8_t)(0xff >> prefix % 8);
    wr_bytes(s->out, address + 16 - len, len);
    return OK;
}

void kind_a6_suffix_show(struct rd *r, struct text *t)
{
    size_t len = a6_suffix_len(r->start[0]);
    uint8_t address[16] = {0};
    if (len == 0)
        return;
    memcpy(address + 16 - len, rd_bytes(r, len), len);
    struct rd whole = rd_over(address, sizeof(address));
    kind_ip6_show(&whole, t);
}

const char *kind_a6_name_span(struct rd *r)
{
    return r->start[0] ? kind_name_span(r) : NULL;
}

enum err kind_a6_name_scan(struct scan *s)
{
    return s->out->bad || s->start[0] ? kind_name_scan(s) : OK;
}

void kind_a6_name_show(struct rd *r, struct text *t)
{
    if (r->start[0])
        kind_name_show(r, t);
}

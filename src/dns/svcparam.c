/* SPDX-License-Identifier: Apache-2.0
 * The keys of SVCB's parameters: one row each. */
#include "dns/svcparam.h"

#include <string.h>

#include "base/attr.h"
#include "base/digits.h"
#include "dns/kind.h"

#define KEY_TEXT_MAX 63

/* --- keys --- */

void svcparam_show_key(unsigned key, struct text *t)
{
    const struct svcparam *p = svcparam_find(key);
    if (p)
        text_add(t, p->name);
    else
        text_fmt(t, "key%u", key);
}

static const struct svcparam *find_by_name(const char *s, size_t len);

bool svcparam_scan_key(const char *s, size_t len, uint16_t *out, bool *generic)
{
    const struct svcparam *p = find_by_name(s, len);
    *generic = !p;
    if (p) {
        *out = p->key;
        return true;
    }
    uint64_t v;
    if (len < 4 || memcmp(s, "key", 3) != 0 || (s[3] == '0' && len > 4))
        return false;
    if (!digits_u64(s + 3, len - 3, SVC_INVALID - 1, &v))
        return false;
    *out = (uint16_t)v;
    return true;
}

/* --- values from text --- */

enum item { ITEM, ITEM_LAST, ITEM_BAD };

/* The bytes up to a comma or the end, of which there is one at least. */
static enum item next_item(struct svcvalue *v, uint8_t *buf, size_t cap, size_t *len)
{
    size_t n = 0;
    while (v->at < v->end) {
        uint8_t byte;
        if (!text_scan_byte(&v->at, v->end, &byte))
            return ITEM_BAD;
        if (byte == ',') {
            *len = n;
            return n && v->at < v->end ? ITEM : ITEM_BAD;
        }
        if (byte == '\\' && (v->at == v->end || !text_scan_byte(&v->at, v->end, &byte) ||
                             (byte != '\\' && byte != ',')))
            return ITEM_BAD;
        if (n == cap)
            return ITEM_BAD;
        buf[n++] = byte;
    }
    *len = n;
    return n ? ITEM_LAST : ITEM_BAD;
}

/* Calls put for each item of a list. */
static bool scan_list(struct svcvalue *v, struct wr *out,
                      bool (*put)(const uint8_t *item, size_t len, struct wr *out))
{
    uint8_t buf[UINT8_MAX];
    size_t len;
    enum item item;
    do {
        item = next_item(v, buf, sizeof(buf), &len);
        if (item == ITEM_BAD || !put(buf, len, out))
            return false;
    } while (item != ITEM_LAST);
    return true;
}

/* Any bytes. */
bool svcparam_scan_raw(struct svcvalue *v, struct wr *out)
{
    while (v->at < v->end) {
        uint8_t byte;
        if (!text_scan_byte(&v->at, v->end, &byte))
            return false;
        wr_u8(out, byte);
    }
    return true;
}

static bool put_u16_text(const uint8_t *item, size_t len, struct wr *out)
{
    uint64_t v;
    if (!digits_u64((const char *)item, len, UINT16_MAX, &v))
        return false;
    wr_u16(out, (uint16_t)v);
    return true;
}

void svcparam_show_raw(struct rd *v, struct text *t)
{
    size_t len = rd_left(v);
    if (len == 0)
        return;
    text_char(t, '=');
    kind_show_quoted(rd_bytes(v, len), len, t);
}

/* --- mandatory (s8): keys in ascending order; that each is there is checked with all parameters at
 * hand --- */

static const char *mandatory_check(struct rd *v)
{
    int before = SVC_MANDATORY;
    if (rd_left(v) == 0 || rd_left(v) % 2)
        return "mandatory is not a list of keys";
    while (rd_left(v)) {
        int key = rd_u16(v);
        if (key <= before)
            return "mandatory lists itself, or its keys are not in ascending order";
        before = key;
    }
    return NULL;
}

static bool mandatory_put(const uint8_t *item, size_t len, struct wr *out)
{
    bool generic;
    uint16_t key;
    if (len > KEY_TEXT_MAX || !svcparam_scan_key((const char *)item, len, &key, &generic))
        return false;
    wr_u16(out, key);
    return true;
}

/* Sorts as well; a key given twice stays there twice and is found by the check. */
static bool mandatory_scan(struct svcvalue *v, struct wr *out)
{
    uint8_t *first = out->at;
    if (!scan_list(v, out, mandatory_put))
        return false;
    for (uint8_t *p = first; p < out->at; p += 2) {
        uint16_t key = get_u16(p);
        uint8_t *q = p;
        for (; q > first && get_u16(q - 2) > key; q -= 2)
            put_u16(q, get_u16(q - 2));
        put_u16(q, key);
    }
    return true;
}

static void mandatory_show(struct rd *v, struct text *t)
{
    for (char before = '='; rd_left(v); before = ',') {
        text_char(t, before);
        svcparam_show_key(rd_u16(v), t);
    }
}

/* --- alpn (s7.1) --- */

static const char *alpn_check(struct rd *v)
{
    if (rd_left(v) == 0)
        return "alpn is empty";
    while (rd_left(v)) {
        uint8_t len = rd_u8(v);
        if (len == 0 || !rd_bytes(v, len))
            return "alpn is not a list of protocols";
    }
    return NULL;
}

static bool alpn_put(const uint8_t *item, size_t len, struct wr *out)
{
    wr_u8(out, (uint8_t)len);
    wr_bytes(out, item, len);
    return true;
}

static bool alpn_scan(struct svcvalue *v, struct wr *out)
{
    return scan_list(v, out, alpn_put);
}

/* A comma and a backslash of an item get a backslash as list, which gets one itself as text. */
static void alpn_show(struct rd *v, struct text *t)
{
    text_add(t, "=\"");
    while (rd_left(v)) {
        uint8_t len = rd_u8(v);
        for (const uint8_t *p = rd_bytes(v, len), *end = p + len; p < end; p++) {
            if (*p == ',')
                text_add(t, "\\\\,");
            else if (*p == '\\')
                text_add(t, "\\\\\\\\");
            else
                kind_show_text(p, 1, "\"", t);
        }
        if (rd_left(v))
            text_char(t, ',');
    }
    text_char(t, '"');
}

/* --- no-default-alpn (s7.1), ohttp (RFC 9540 s4): no value --- */

static const char *empty_check(struct rd *v)
{
    return rd_left(v) ? "a parameter that has no value has one" : NULL;
}

static bool empty_scan(struct svcvalue *v, struct wr *out)
{
    (void)out;
    return v->at == v->end;
}

static void empty_show(struct rd *v, struct text *t)
{
    (void)v;
    (void)t;
}

/* --- port (s7.2), tls-supported-groups: numbers of 16 bits --- */

static const char *port_check(struct rd *v)
{
    return rd_left(v) == 2 ? NULL : "port is not of two bytes";
}

static bool port_scan(struct svcvalue *v, struct wr *out)
{
    uint8_t buf[8];
    size_t len;
    return next_item(v, buf, sizeof(buf), &len) == ITEM_LAST && put_u16_text(buf, len, out);
}

static const char *groups_check(struct rd *v)
{
    return rd_left(v) == 0 || rd_left(v) % 2 ? "tls-supported-groups is not a list of groups"
                                             : NULL;
}

static bool groups_scan(struct svcvalue *v, struct wr *out)
{
    return scan_list(v, out, put_u16_text);
}

static void u16_show(struct rd *v, struct text *t)
{
    for (char before = '='; rd_left(v); before = ',') {
        text_char(t, before);
        text_u32(t, rd_u16(v));
    }
}

/* --- ipv4hint, ipv6hint (s7.3) --- */

static const char *ipv4hint_check(struct rd *v)
{
    return rd_left(v) == 0 || rd_left(v) % 4 ? "ipv4hint is not a list of addresses" : NULL;
}

static bool ipv4hint_put(const uint8_t *item, size_t len, struct wr *out)
{
    uint8_t address[4];
    if (!kind_ip4_read((const char *)item, len, address))
        return false;
    wr_bytes(out, address, sizeof(address));
    return true;
}

static bool ipv4hint_scan(struct svcvalue *v, struct wr *out)
{
    return scan_list(v, out, ipv4hint_put);
}

static void ipv4hint_show(struct rd *v, struct text *t)
{
    for (char before = '='; rd_left(v); before = ',') {
        text_char(t, before);
        kind_ip4_show(v, t);
    }
}

static const char *ipv6hint_check(struct rd *v)
{
    return rd_left(v) == 0 || rd_left(v) % 16 ? "ipv6hint is not a list of addresses" : NULL;
}

static bool ipv6hint_put(const uint8_t *item, size_t len, struct wr *out)
{
    uint8_t address[16];
    if (!kind_ip6_read((const char *)item, len, address))
        return false;
    wr_bytes(out, address, sizeof(address));
    return true;
}

static bool ipv6hint_scan(struct svcvalue *v, struct wr *out)
{
    return scan_list(v, out, ipv6hint_put);
}

static void ipv6hint_show(struct rd *v, struct text *t)
{
    for (char before = '='; rd_left(v); before = ',') {
        text_char(t, before);
        kind_ip6_show(v, t);
    }
}

/* --- ech (RFC 9848): opaque here, base 64 in text --- */

static const char *ech_check(struct rd *v)
{
    return rd_left(v) ? NULL : "ech is empty";
}

static bool ech_scan(struct svcvalue *v, struct wr *out)
{
    return base64_scan(v->at, (size_t)(v->end - v->at), out) || out->bad;
}

static void ech_show(struct rd *v, struct text *t)
{
    text_char(t, '=');
    kind_base64_show(v, t);
}

/* --- dohpath (RFC 9461 s5): a relative URI template in UTF-8 with the variable dns --- */

/* The length of the UTF-8 sequence at p, 0: there is none (RFC 3629 s4). */
static size_t utf8_span(const uint8_t *p, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc0 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf8 ? 4
                               : 0;
    if (len < 2 || len > left)
        return len > left ? 0 : len;
    uint32_t v = p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    return v < smallest[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ? 0 : len;
}

/* The expression at p, after its brace, has a variable named dns (RFC 6570 s2.2). */
static bool has_dns(const uint8_t *p, const uint8_t *end)
{
    if (p < end && memchr("+#./;?&", *p, 7))
        p++;
    while (end - p >= 3) {
        if (memcmp(p, "dns", 3) == 0 && (p + 3 == end || memchr(",:*", p[3], 3)))
            return true;
        const uint8_t *comma = memchr(p, ',', (size_t)(end - p));
        if (!comma)
            return false;
        p = comma + 1;
    }
    return false;
}

static const char *dohpath_check(struct rd *v)
{
    if (rd_left(v) == 0 || *v->at != '/')
        return "dohpath does not begin with /";
    for (const uint8_t *p = v->at; p < v->end;) {
        size_t n = utf8_span(p, (size_t)(v->end - p));
        if (n == 0)
            return "dohpath is not UTF-8";
        p += n;
    }
    for (const uint8_t *p = v->at; (p = memchr(p, '{', (size_t)(v->end - p)));) {
        const uint8_t *close = memchr(p, '}', (size_t)(v->end - p));
        if (!close)
            break;
        if (has_dns(p + 1, close))
            return NULL;
        p = close;
    }
    return "dohpath has no variable dns, as in {?dns}";
}

/* clang-format off */
static const struct svcparam params[] = {
    /* key                name               check            scan            show */
    {SVC_MANDATORY,       "mandatory",       mandatory_check, mandatory_scan, mandatory_show},
    {SVC_ALPN,            "alpn",            alpn_check,      alpn_scan,      alpn_show},
    {SVC_NO_DEFAULT_ALPN, "no-default-alpn", empty_check,     empty_scan,     empty_show},
    {SVC_PORT,            "port",            port_check,      port_scan,      u16_show},
    {SVC_IPV4HINT,        "ipv4hint",        ipv4hint_check,  ipv4hint_scan,  ipv4hint_show},
    {SVC_ECH,             "ech",             ech_check,       ech_scan,       ech_show},
    {SVC_IPV6HINT,        "ipv6hint",        ipv6hint_check,  ipv6hint_scan,  ipv6hint_show},
    {SVC_DOHPATH,         "dohpath",         dohpath_check,   svcparam_scan_raw,       svcparam_show_raw},
    {SVC_OHTTP,           "ohttp",           empty_check,     empty_scan,     empty_show},
    {SVC_GROUPS,          "tls-supported-groups", groups_check, groups_scan,  u16_show},
};
/* clang-format on */

const struct svcparam *svcparam_find(unsigned key)
{
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        if (params[i].key == key)
            return &params[i];
    return NULL;
}

static const struct svcparam *find_by_name(const char *s, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        if (strlen(params[i].name) == len && memcmp(params[i].name, s, len) == 0)
            return &params[i];
    return NULL;
}

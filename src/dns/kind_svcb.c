/* SPDX-License-Identifier: Apache-2.0
 * The parameters of SVCB and HTTPS (RFC 9460 s2): key, length, value, in strictly ascending order of the keys.
 *
 * In text they come in any order; each is written behind the others and then rotated to its place, so that no second
 * buffer is needed. A value's text is decoded twice: escapes of RFC 1035 first, and in lists a comma or backslash may
 * have a backslash before it that is left over from that (appendix A.1). */
#include <string.h>

#include "base/digits.h"
#include "dns/kind.h"

enum svc_key {
    SVC_MANDATORY = 0,
    SVC_ALPN = 1,
    SVC_NO_DEFAULT_ALPN = 2,
    SVC_PORT = 3,
    SVC_IPV4HINT = 4,
    SVC_ECH = 5,
    SVC_IPV6HINT = 6,
    SVC_DOHPATH = 7,
    SVC_OHTTP = 8,
    SVC_GROUPS = 9,
    SVC_INVALID = 65535 /* s14.3.2 */
};

#define PARAM_HEAD   4
#define KEY_TEXT_MAX 63

/* The text of a value, escapes still in it. */
struct value {
    const char *at, *end;
};

/* One row per key that has a form of its own; other keys have any bytes as value. */
struct param {
    uint16_t key;
    const char *name;
    const char *(*check)(struct rd *v);                 /* NULL, or what is wrong */
    bool (*scan)(struct value *v, struct wr *out);      /* false: not of the key's form */
    void (*show)(struct rd *v, struct text *t);         /* "=" included */
};

static const struct param *param_find(unsigned key);

/* --- keys --- */

static void show_key(unsigned key, struct text *t)
{
    const struct param *p = param_find(key);
    if (p)
        text_add(t, p->name);
    else
        text_fmt(t, "key%u", key);
}

static const struct param *param_by_name(const char *s, size_t len);

/* A name of the table, or keyNNNNN without leading zeros (s2.1). *generic: the latter. */
static bool scan_key(const char *s, size_t len, uint16_t *out, bool *generic)
{
    const struct param *p = param_by_name(s, len);
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
static enum item next_item(struct value *v, uint8_t *buf, size_t cap, size_t *len)
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
static bool scan_list(struct value *v, struct wr *out, bool (*put)(const uint8_t *item, size_t len, struct wr *out))
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
static bool scan_raw(struct value *v, struct wr *out)
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

static void show_raw(struct rd *v, struct text *t)
{
    size_t len = rd_left(v);
    if (len == 0)
        return;
    text_char(t, '=');
    kind_show_quoted(rd_bytes(v, len), len, t);
}

/* --- mandatory (s8): keys in ascending order; that each is there is checked with all parameters at hand --- */

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
    if (len > KEY_TEXT_MAX || !scan_key((const char *)item, len, &key, &generic))
        return false;
    wr_u16(out, key);
    return true;
}

/* Sorts as well; a key given twice stays there twice and is found by the check. */
static bool mandatory_scan(struct value *v, struct wr *out)
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
        show_key(rd_u16(v), t);
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

static bool alpn_scan(struct value *v, struct wr *out)
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

static bool empty_scan(struct value *v, struct wr *out)
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

static bool port_scan(struct value *v, struct wr *out)
{
    uint8_t buf[8];
    size_t len;
    return next_item(v, buf, sizeof(buf), &len) == ITEM_LAST && put_u16_text(buf, len, out);
}

static const char *groups_check(struct rd *v)
{
    return rd_left(v) == 0 || rd_left(v) % 2 ? "tls-supported-groups is not a list of groups" : NULL;
}

static bool groups_scan(struct value *v, struct wr *out)
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

static bool ipv4hint_scan(struct value *v, struct wr *out)
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

static bool ipv6hint_scan(struct value *v, struct wr *out)
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

static bool ech_scan(struct value *v, struct wr *out)
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
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;
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

static const struct param params[] = {
    /* key                name               check            scan            show */
    {SVC_MANDATORY,       "mandatory",       mandatory_check, mandatory_scan, mandatory_show},
    {SVC_ALPN,            "alpn",            alpn_check,      alpn_scan,      alpn_show},
    {SVC_NO_DEFAULT_ALPN, "no-default-alpn", empty_check,     empty_scan,     empty_show},
    {SVC_PORT,            "port",            port_check,      port_scan,      u16_show},
    {SVC_IPV4HINT,        "ipv4hint",        ipv4hint_check,  ipv4hint_scan,  ipv4hint_show},
    {SVC_ECH,             "ech",             ech_check,       ech_scan,       ech_show},
    {SVC_IPV6HINT,        "ipv6hint",        ipv6hint_check,  ipv6hint_scan,  ipv6hint_show},
    {SVC_DOHPATH,         "dohpath",         dohpath_check,   scan_raw,       show_raw},
    {SVC_OHTTP,           "ohttp",           empty_check,     empty_scan,     empty_show},
    {SVC_GROUPS,          "tls-supported-groups", groups_check, groups_scan,  u16_show},
};

static const struct param *param_find(unsigned key)
{
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        if (params[i].key == key)
            return &params[i];
    return NULL;
}

static const struct param *param_by_name(const char *s, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        if (strlen(params[i].name) == len && memcmp(params[i].name, s, len) == 0)
            return &params[i];
    return NULL;
}

/* --- all parameters --- */

struct head {
    uint16_t key, len;
};

static struct head next_head(struct rd *r)
{
    uint16_t key = rd_u16(r);
    return (struct head){key, rd_u16(r)};
}

/* s8: each key of the list is there; both are in ascending order. */
static const char *check_mandatory(struct rd list, struct rd all)
{
    struct head h = {0};
    while (rd_left(&list)) {
        uint16_t want = rd_u16(&list);
        while (h.key < want && rd_left(&all)) {
            h = next_head(&all);
            rd_bytes(&all, h.len);
        }
        if (h.key != want)
            return "a key of mandatory is not there";
    }
    return NULL;
}

const char *kind_svcparams_span(struct rd *r)
{
    int before = -1;
    bool has_alpn = false, has_no_default = false;
    struct rd mandatory = {0}, all = *r;
    while (rd_left(r)) {
        struct head h = next_head(r);
        struct rd v = rd_sub(r, h.len), value = v;
        if (r->bad)
            return "rdata ends within a parameter";
        if (h.key <= before)
            return "keys are not in ascending order";
        if (h.key == SVC_INVALID)
            return "key 65535 is not valid";
        const struct param *p = param_find(h.key);
        const char *why = p ? p->check(&v) : NULL;
        if (why)
            return why;
        before = h.key;
        has_alpn |= h.key == SVC_ALPN;
        has_no_default |= h.key == SVC_NO_DEFAULT_ALPN;
        if (h.key == SVC_MANDATORY)
            mandatory = value;
    }
    if (has_no_default && !has_alpn)
        return "no-default-alpn without alpn"; /* s7.1.1 */
    return check_mandatory(mandatory, all);
}

static void reverse(uint8_t *p, uint8_t *end)
{
    while (p < end) {
        uint8_t byte = *p;
        *p++ = *--end;
        *end = byte;
    }
}

/* Moves the parameter at `last`, which is behind all others, to its place. False: its key is there already. */
static bool put_in_order(uint8_t *first, uint8_t *last, uint8_t *end)
{
    uint16_t key = get_u16(last);
    uint8_t *p = first;
    while (p < last && get_u16(p) < key)
        p += PARAM_HEAD + get_u16(p + 2);
    if (p == last)
        return true;
    if (get_u16(p) == key)
        return false;
    reverse(p, last);
    reverse(last, end);
    reverse(p, end);
    return true;
}

/* The token in hand: key, key=value or key="value". NULL, or what was expected. */
static const char *put_param(const struct token *tok, struct wr *out)
{
    const char *equals = memchr(tok->s, '=', tok->len), *end = tok->s + tok->len;
    struct value v = {equals ? equals + 1 : end, end};
    bool generic;
    uint16_t key;
    if (!scan_key(tok->s, (size_t)((equals ? equals : end) - tok->s), &key, &generic))
        return "a service parameter like alpn=h2,h3 or key667=\"text\"";
    if (v.at < end && *v.at == '"') { /* what the lexer leaves on both ends */
        v.at++;
        v.end--;
    }
    wr_u16(out, key);
    uint8_t *len = wr_room(out, 2);
    if (!(generic ? scan_raw : param_find(key)->scan)(&v, out) || out->bad || out->at - len - 2 > UINT16_MAX)
        return "a service parameter with a value of its key's form";
    put_u16(len, (uint16_t)(out->at - len - 2));
    return NULL;
}

enum err kind_svcparams_scan(struct scan *s)
{
    uint8_t *first = s->out->at;
    for (;;) {
        s->tok = lex_next_pair(s->lex);
        if (s->tok.kind != TOKEN_WORD)
            return kind_end(s, "a service parameter without quotes before its key");
        uint8_t *last = s->out->at;
        const char *expected = put_param(&s->tok, s->out);
        if (expected)
            return s->out->bad ? OK : kind_fail(s, expected);
        if (!put_in_order(first, last, s->out->at))
            return kind_fail(s, "each key once");
    }
}

void kind_svcparams_show(struct rd *r, struct text *t)
{
    while (rd_left(r)) {
        struct head h = next_head(r);
        struct rd v = rd_sub(r, h.len);
        const struct param *p = param_find(h.key);
        show_key(h.key, t);
        (p ? p->show : show_raw)(&v, t);
        if (rd_left(r))
            text_char(t, ' ');
    }
}

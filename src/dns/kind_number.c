/* SPDX-License-Identifier: Apache-2.0
 * Fields that are numbers: plain, times, and those with names of their own. */
#include <string.h>

#include "base/digits.h"
#include "dns/kind.h"
#include "dns/rrtype.h"

enum err kind_u8_scan(struct scan *s)
{
    uint64_t v = 0;
    enum err e = kind_number(s, UINT8_MAX, "a number from 0 to 255", &v);
    wr_u8(s->out, (uint8_t)v);
    return e;
}

enum err kind_u16_scan(struct scan *s)
{
    uint64_t v = 0;
    enum err e = kind_number(s, UINT16_MAX, "a number from 0 to 65535", &v);
    wr_u16(s->out, (uint16_t)v);
    return e;
}

enum err kind_u32_scan(struct scan *s)
{
    uint64_t v = 0;
    enum err e = kind_number(s, UINT32_MAX, "a number from 0 to 4294967295", &v);
    wr_u32(s->out, (uint32_t)v);
    return e;
}

void kind_u8_show(struct rd *r, struct text *t)
{
    text_u32(t, rd_u8(r));
}

void kind_u16_show(struct rd *r, struct text *t)
{
    text_u32(t, rd_u16(r));
}

void kind_u32_show(struct rd *r, struct text *t)
{
    text_u32(t, rd_u32(r));
}

/* Seconds, or with units (as TTLs have them). */
enum err kind_period_scan(struct scan *s)
{
    static const char expected[] = "a time in seconds or with units, like 1h30m";
    uint32_t v = 0;
    enum err e = kind_word(s, expected);
    if (e == OK && !digits_period(s->tok.s, s->tok.len, &v))
        return kind_fail(s, expected);
    wr_u32(s->out, v);
    return e;
}

/* --- RRSIG's times (RFC 4034 s3.2): YYYYMMDDHHmmSS in UTC, or seconds since 1970 --- */

#define DAY_SECONDS 86400

/* Days from 1970-01-01 in the Gregorian calendar; months are counted from March so that leap days
 * come last. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The 14 digits as seconds; false if there is no such time between 1970 and 2106. */
static bool time_of(const char *s, uint32_t *out)
{
    static const uint8_t month_days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const uint8_t widths[] = {4, 2, 2, 2, 2, 2};
    int part[6];
    for (int i = 0; i < 6; s += widths[i++]) {
        uint64_t v;
        if (!digits_u64(s, widths[i], 9999, &v))
            return false;
        part[i] = (int)v;
    }
    if (part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > month_days[part[1]])
        return false;
    if ((part[1] == 2 && part[2] == 29 && !is_leap(part[0])) || part[3] > 23 || part[4] > 59 ||
        part[5] > 59)
        return false;
    int64_t v =
        days_of(part[0], part[1], part[2]) * DAY_SECONDS + part[3] * 3600 + part[4] * 60 + part[5];
    if (v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

enum err kind_time_scan(struct scan *s)
{
    static const char expected[] = "a time as YYYYMMDDHHmmSS or in seconds since 1970";
    uint32_t v = 0;
    uint64_t seconds;
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    if (s->tok.len == 14) {
        if (!time_of(s->tok.s, &v))
            return kind_fail(s, expected);
    } else {
        if (!digits_u64(s->tok.s, s->tok.len, UINT32_MAX, &seconds))
            return kind_fail(s, expected);
        v = (uint32_t)seconds;
    }
    wr_u32(s->out, v);
    return OK;
}

/* n with at least `width` digits */
static void show_padded(struct text *t, unsigned n, unsigned width)
{
    for (unsigned ten = 10; width > 1; ten *= 10, width--)
        if (n < ten)
            text_char(t, '0');
    text_u32(t, n);
}

void kind_time_show(struct rd *r, struct text *t)
{
    uint32_t v = rd_u32(r), second = v % DAY_SECONDS;
    int64_t day = v / DAY_SECONDS;
    int year = (int)(day / 366) + 1970; /* at most this many years early */
    while (days_of(year + 1, 1, 1) <= day)
        year++;
    int month = 12;
    while (days_of(year, month, 1) > day)
        month--;
    text_u32(t, (unsigned)year);
    show_padded(t, (unsigned)month, 2);
    show_padded(t, (unsigned)(day - days_of(year, month, 1)) + 1, 2);
    show_padded(t, second / 3600, 2);
    show_padded(t, second / 60 % 60, 2);
    show_padded(t, second % 60, 2);
}

/* --- IPN: one number of 64 bits, or its two halves with a dot between --- */

enum err kind_node64_scan(struct scan *s)
{
    static const char expected[] = "a node number of 64 bits, or two of 32 bits with a dot between";
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    uint64_t v, low;
    const char *dot = memchr(s->tok.s, '.', s->tok.len);
    size_t head = dot ? (size_t)(dot - s->tok.s) : s->tok.len;
    if (!digits_u64(s->tok.s, head, dot ? UINT32_MAX : UINT64_MAX, &v))
        return kind_fail(s, expected);
    if (dot) {
        if (!digits_u64(dot + 1, s->tok.len - head - 1, UINT32_MAX, &low))
            return kind_fail(s, expected);
        v = v << 32 | low;
    }
    wr_u64(s->out, v);
    return OK;
}

void kind_node64_show(struct rd *r, struct text *t)
{
    text_fmt(t, "%llu", (unsigned long long)rd_u64(r));
}

/* --- numbers with names --- */

enum err kind_type_scan(struct scan *s)
{
    static const char expected[] = "an RR type";
    uint16_t type = 0;
    enum err e = kind_word(s, expected);
    if (e == OK && !rrtype_scan(s->tok.s, s->tok.len, &type))
        return kind_fail(s, expected);
    wr_u16(s->out, type);
    return e;
}

void kind_type_show(struct rd *r, struct text *t)
{
    char buf[16];
    text_add(t, rrtype_text(rd_u16(r), buf));
}

/* A name of the table, or a number up to max. */
static enum err scan_named(struct scan *s, const struct mnemonic *rows, unsigned max,
                           const char *expected, unsigned *out)
{
    uint64_t v;
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    if (digits_u64(s->tok.s, s->tok.len, max, &v)) {
        *out = (unsigned)v;
        return OK;
    }
    const struct mnemonic *row = kind_mnemonic_find(rows, s->tok.s, s->tok.len);
    if (!row)
        return kind_fail(s, expected);
    *out = row->value;
    return OK;
}

static void show_named(const struct mnemonic *rows, unsigned value, struct text *t)
{
    const char *name = kind_mnemonic_text(rows, value);
    if (name)
        text_add(t, name);
    else
        text_u32(t, value);
}

/* The registry's mnemonics and the older spellings that other software writes. */
static const struct mnemonic algorithms[] = {
    {"RSAMD5", 1},
    {"DH", 2},
    {"DSA", 3},
    {"ECC", 4},
    {"RSASHA1", 5},
    {"DSA-NSEC3-SHA1", 6},
    {"NSEC3DSA", 6},
    {"RSASHA1-NSEC3-SHA1", 7},
    {"NSEC3RSASHA1", 7},
    {"RSASHA256", 8},
    {"RSASHA512", 10},
    {"ECC-GOST", 12},
    {"ECCGOST", 12},
    {"ECDSAP256SHA256", 13},
    {"ECDSAP384SHA384", 14},
    {"ED25519", 15},
    {"ED448", 16},
    {"SM2SM3", 17},
    {"ECC-GOST12", 23},
    {"INDIRECT", 252},
    {"PRIVATEDNS", 253},
    {"PRIVATEOID", 254},
    {NULL, 0},
};

enum err kind_alg_scan(struct scan *s)
{
    unsigned v = 0;
    enum err e =
        scan_named(s, algorithms, UINT8_MAX, "a DNSSEC algorithm's number or mnemonic", &v);
    wr_u8(s->out, (uint8_t)v);
    return e;
}

enum err kind_digest_type_scan(struct scan *s)
{
    static const struct mnemonic rows[] = {
        {"SHA-1", 1},   {"SHA1", 1},   {"SHA-256", 2}, {"SHA256", 2}, {"GOST", 3},
        {"SHA-384", 4}, {"SHA384", 4}, {"SM3", 6},     {NULL, 0},
    };
    unsigned v = 0;
    enum err e = scan_named(s, rows, UINT8_MAX, "a digest type's number or mnemonic", &v);
    wr_u8(s->out, (uint8_t)v);
    return e;
}

/* RFC 4398 s2.1 */
static const struct mnemonic cert_types[] = {
    {"PKIX", 1},   {"SPKI", 2},    {"PGP", 3},   {"IPKIX", 4}, {"ISPKI", 5}, {"IPGP", 6},
    {"ACPKIX", 7}, {"IACPKIX", 8}, {"URI", 253}, {"OID", 254}, {NULL, 0},
};

enum err kind_cert_type_scan(struct scan *s)
{
    unsigned v = 0;
    enum err e =
        scan_named(s, cert_types, UINT16_MAX, "a certificate type's number or mnemonic", &v);
    wr_u16(s->out, (uint16_t)v);
    return e;
}

void kind_cert_type_show(struct rd *r, struct text *t)
{
    show_named(cert_types, rd_u16(r), t);
}

/* RFC 9859 s2.1 */
static const struct mnemonic schemes[] = {{"NOTIFY", 1}, {NULL, 0}};

enum err kind_scheme_scan(struct scan *s)
{
    unsigned v = 0;
    enum err e = scan_named(s, schemes, UINT8_MAX, "NOTIFY or a scheme's number", &v);
    wr_u8(s->out, (uint8_t)v);
    return e;
}

void kind_scheme_show(struct rd *r, struct text *t)
{
    show_named(schemes, rd_u8(r), t);
}

void kind_cert_alg_show(struct rd *r, struct text *t)
{
    show_named(algorithms, rd_u8(r), t);
}

/* --- KEY's flags and protocol (RFC 2535 s7.1) --- */

/* Names joined by '|'. Of a field of several bits one value may be named. */
static bool flags_of(const char *s, size_t len, uint16_t *out)
{
    static const struct mnemonic rows[] = {
        {"NOCONF", 0x4000}, {"NOAUTH", 0x8000}, {"NOKEY", 0xC000}, {"FLAG2", 0x2000},
        {"EXTEND", 0x1000}, {"FLAG4", 0x0800},  {"FLAG5", 0x0400}, {"USER", 0},
        {"ZONE", 0x0100},   {"HOST", 0x0200},   {"NTYP3", 0x0300}, {"FLAG8", 0x0080},
        {"FLAG9", 0x0040},  {"FLAG10", 0x0020}, {"FLAG11", 0x10},  {"SIG0", 0},
        {"SIG1", 1},        {"SIG2", 2},        {"SIG3", 3},       {"SIG4", 4},
        {"SIG5", 5},        {"SIG6", 6},        {"SIG7", 7},       {"SIG8", 8},
        {"SIG9", 9},        {"SIG10", 10},      {"SIG11", 11},     {"SIG12", 12},
        {"SIG13", 13},      {"SIG14", 14},      {"SIG15", 15},     {NULL, 0},
    };
    static const uint16_t fields[] = {0xC000, 0x0300, 0x000F};
    for (*out = 0;;) {
        const char *bar = memchr(s, '|', len);
        size_t n = bar ? (size_t)(bar - s) : len;
        const struct mnemonic *row = kind_mnemonic_find(rows, s, n);
        if (!row)
            return false;
        for (unsigned i = 0; i < ARRAY_LEN(fields); i++)
            if (*out & fields[i] && row->value & fields[i])
                return false;
        *out |= row->value;
        if (!bar)
            return true;
        s += n + 1;
        len -= n + 1;
    }
}

enum err kind_key_flags_scan(struct scan *s)
{
    static const char expected[] = "a number from 0 to 65535, or flags like NOCONF|HOST";
    uint64_t number = 0;
    uint16_t named = 0;
    enum err e = kind_word(s, expected);
    if (e == OK && !digits_u64(s->tok.s, s->tok.len, UINT16_MAX, &number) &&
        !flags_of(s->tok.s, s->tok.len, &named))
        return kind_fail(s, expected);
    wr_u16(s->out, (uint16_t)(number | named));
    return e;
}

enum err kind_key_protocol_scan(struct scan *s)
{
    static const struct mnemonic rows[] = {{"NONE", 0},  {"TLS", 1},   {"EMAIL", 2}, {"DNSSEC", 3},
                                           {"IPSEC", 4}, {"ALL", 255}, {NULL, 0}};
    unsigned v = 0;
    enum err e = scan_named(s, rows, UINT8_MAX, "a protocol's number or mnemonic", &v);
    wr_u8(s->out, (uint8_t)v);
    return e;
}

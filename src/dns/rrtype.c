/* SPDX-License-Identifier: Apache-2.0
 * The table of RR types, and finding a row by number or by mnemonic.
 *
 * Rows are found by their number modulo a prime for which no two numbers in use collide; a row that
 * collides, or a number given twice, is an initializer given twice and does not compile. */
#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/digits.h"
#include "dns/kind.h"
#include "dns/rdata_check.h"

/* The short names that the rows use. */
enum {
    META = RRTYPE_META,
    QTYPE = RRTYPE_QTYPE,
    SINGLE = RRTYPE_SINGLE,
    DNSSEC = RRTYPE_DNSSEC | RRTYPE_BESIDE_CNAME,
    APEX = RRTYPE_APEX,
    PARENT = RRTYPE_PARENT,
    ADDITIONAL = RRTYPE_ADDITIONAL,
    NOZONE = RRTYPE_NOZONE,
    BESIDE_CNAME = RRTYPE_BESIDE_CNAME,

    IS_NAME = KIND_IS_NAME,
    COMPRESS = KIND_COMPRESS,
    DECOMPRESS = KIND_DECOMPRESS,
    FOLD = KIND_FOLD
};

enum kind_id {
#define KIND(id, bytes, flags, span, scan, show) id,
#include "dns/kind.tbl.h"
#undef KIND
};

/* What is summed up over a row's fields at compile time. */
enum {
#define KIND(id, bytes, flags, span, scan, show) FLAGS_##id = (flags), BYTES_##id = (bytes),
#include "dns/kind.tbl.h"
#undef KIND
};

const struct kind kinds[] = {
#define KIND(id, bytes, flags, span, scan, show) {bytes, flags, span, scan, show},
#include "dns/kind.tbl.h"
#undef KIND
};

/* FOLD_FIELDS(step, end, a, b, c) is step(a, step(b, step(c, end))), for up to 9 fields. */
#define FOLD_1(step, end, a)                       step(a, end)
#define FOLD_2(step, end, a, ...)                  step(a, FOLD_1(step, end, __VA_ARGS__))
#define FOLD_3(step, end, a, ...)                  step(a, FOLD_2(step, end, __VA_ARGS__))
#define FOLD_4(step, end, a, ...)                  step(a, FOLD_3(step, end, __VA_ARGS__))
#define FOLD_5(step, end, a, ...)                  step(a, FOLD_4(step, end, __VA_ARGS__))
#define FOLD_6(step, end, a, ...)                  step(a, FOLD_5(step, end, __VA_ARGS__))
#define FOLD_7(step, end, a, ...)                  step(a, FOLD_6(step, end, __VA_ARGS__))
#define FOLD_8(step, end, a, ...)                  step(a, FOLD_7(step, end, __VA_ARGS__))
#define FOLD_9(step, end, a, ...)                  step(a, FOLD_8(step, end, __VA_ARGS__))
#define PICK(a, b, c, d, e, f, g, h, i, name, ...) name
#define FOLD_FIELDS(step, end, ...)                                                             \
    PICK(__VA_ARGS__, FOLD_9, FOLD_8, FOLD_7, FOLD_6, FOLD_5, FOLD_4, FOLD_3, FOLD_2, FOLD_1, ) \
    (step, end, __VA_ARGS__)

#define ADD_FIELD(id, rest) (1 + (rest))
#define ADD_NAME(id, rest)  ((FLAGS_##id & IS_NAME ? 1 : 0) + (rest))
#define OR_FLAGS(id, rest)  (FLAGS_##id | (rest))
/* Bytes before the first name; NOWHERE and more where a field before it has no fixed length, or
 * there is no name. */
#define NOWHERE             1000
#define NAME_AT(id, rest)   (FLAGS_##id & IS_NAME ? 0 : (BYTES_##id ? BYTES_##id : NOWHERE) + (rest))
#define NAME_AT_OF(...)     FOLD_FIELDS(NAME_AT, NOWHERE, __VA_ARGS__)

#define RR(id, mnemonic, code, flags, check, ...) \
    static const uint8_t fields_##id[] = {__VA_ARGS__};
#include "dns/rrtype.tbl.h"
#undef RR

static const uint8_t fields_unknown[] = {BLOB};

enum row {
    ROW_UNKNOWN,
#define RR(id, mnemonic, code, flags, check, ...) ROW_##id,
#include "dns/rrtype.tbl.h"
#undef RR
    ROW_COUNT
};

static const struct rrtype_info rows[] = {
    {.flags = RRTYPE_UNKNOWN, .fields = fields_unknown, .field_count = 1, .name_at = -1},
#define RR(id, text, number, row_flags, row_check, ...)                       \
    {.code = number,                                                          \
     .flags = row_flags,                                                      \
     .mnemonic = text,                                                        \
     .fields = fields_##id,                                                   \
     .check = row_check,                                                      \
     .field_count = FOLD_FIELDS(ADD_FIELD, 0, __VA_ARGS__),                   \
     .name_count = FOLD_FIELDS(ADD_NAME, 0, __VA_ARGS__),                     \
     .decompress = (FOLD_FIELDS(OR_FLAGS, 0, __VA_ARGS__) & DECOMPRESS) != 0, \
     .compress = (FOLD_FIELDS(OR_FLAGS, 0, __VA_ARGS__) & COMPRESS) != 0,     \
     .fold = (FOLD_FIELDS(OR_FLAGS, 0, __VA_ARGS__) & FOLD) != 0,             \
     .name_at = NAME_AT_OF(__VA_ARGS__) < NOWHERE ? NAME_AT_OF(__VA_ARGS__) : -1},
#include "dns/rrtype.tbl.h"
#undef RR
};
_Static_assert(ROW_COUNT <= UINT8_MAX, "row_at holds rows as bytes");

#define SLOTS 509
static const uint8_t row_at[SLOTS] = {
#define RR(id, mnemonic, code, flags, check, ...) [code % SLOTS] = ROW_##id,
#include "dns/rrtype.tbl.h"
#undef RR
};

const struct rrtype_info *rrtype_info(uint16_t type)
{
    const struct rrtype_info *info = &rows[row_at[type % SLOTS]];
    return LIKELY(info->code == type) ? info : &rows[ROW_UNKNOWN];
}

bool rrtype_is_data(uint16_t type)
{
    return type != 0 && !rrtype_is(type, RRTYPE_META | RRTYPE_QTYPE);
}

const char *rrtype_text(uint16_t type, char buf[16])
{
    const struct rrtype_info *info = rrtype_info(type);
    if (info->mnemonic)
        return info->mnemonic;
    snprintf(buf, 16, "TYPE%u", type);
    return buf;
}

const struct rrtype_info *rrtype_row(unsigned i)
{
    return i + 1 < ROW_COUNT ? &rows[i + 1] : NULL;
}

/* --- mnemonics --- */

/* Mnemonics of up to 8 characters as numbers: the types that zones are full of are found by one
 * switch. */
#define KEY1(a)                ((uint64_t)(a))
#define KEY2(a, b)             (KEY1(a) << 8 | (b))
#define KEY3(a, b, c)          (KEY2(a, b) << 8 | (c))
#define KEY4(a, b, c, d)       (KEY3(a, b, c) << 8 | (d))
#define KEY5(a, b, c, d, e)    (KEY4(a, b, c, d) << 8 | (e))
#define KEY6(a, b, c, d, e, f) (KEY5(a, b, c, d, e) << 8 | (f))

static uint16_t scan_common(const char *s, size_t len)
{
    uint64_t key = 0;
    for (size_t i = 0; i < len; i++)
        key = key << 8 | (uint8_t)(s[i] >= 'a' && s[i] <= 'z' ? s[i] - 32 : s[i]);
    switch (key) {
    case KEY1('A'):
        return TYPE_A;
    case KEY2('N', 'S'):
        return TYPE_NS;
    case KEY2('D', 'S'):
        return TYPE_DS;
    case KEY2('M', 'X'):
        return TYPE_MX;
    case KEY3('S', 'O', 'A'):
        return TYPE_SOA;
    case KEY3('T', 'X', 'T'):
        return TYPE_TXT;
    case KEY3('P', 'T', 'R'):
        return TYPE_PTR;
    case KEY3('S', 'R', 'V'):
        return TYPE_SRV;
    case KEY4('A', 'A', 'A', 'A'):
        return TYPE_AAAA;
    case KEY4('N', 'S', 'E', 'C'):
        return TYPE_NSEC;
    case KEY5('C', 'N', 'A', 'M', 'E'):
        return TYPE_CNAME;
    case KEY5('R', 'R', 'S', 'I', 'G'):
        return TYPE_RRSIG;
    case KEY5('N', 'S', 'E', 'C', '3'):
        return TYPE_NSEC3;
    case KEY6('D', 'N', 'S', 'K', 'E', 'Y'):
        return TYPE_DNSKEY;
    default:
        return 0;
    }
}

bool rrtype_scan(const char *s, size_t len, uint16_t *out)
{
    uint16_t common = len <= 6 ? scan_common(s, len) : 0;
    if (common) {
        *out = common;
        return true;
    }
    for (unsigned i = ROW_UNKNOWN + 1; len && i < ROW_COUNT; i++) {
        if ((rows[i].mnemonic[0] ^ s[0]) & ~0x20 || strncasecmp(rows[i].mnemonic, s, len) != 0)
            continue;
        if (rows[i].mnemonic[len] == '\0') {
            *out = rows[i].code;
            return true;
        }
    }
    uint64_t number;
    if (len <= 4 || strncasecmp(s, "TYPE", 4) != 0 ||
        !digits_u64(s + 4, len - 4, UINT16_MAX, &number))
        return false;
    *out = (uint16_t)number;
    return true;
}

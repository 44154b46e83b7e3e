/* SPDX-License-Identifier: Apache-2.0
 * The table of RR types: finding rows, and what is derived from them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "dns/rrtype.h"
#include "unit.h"

static bool scan(const char *text, uint16_t *out)
{
    return rrtype_scan(text, strlen(text), out);
}

Test(rrtype, every_row_is_found_by_number_and_mnemonic)
{
    unsigned count = 0;
    for (const struct rrtype_info *row; (row = rrtype_row(count)); count++) {
        char lower[16] = {0}, mixed[16] = {0}, buf[16];
        uint16_t type = 0;
        for (size_t i = 0; row->mnemonic[i]; i++) {
            lower[i] = (char)tolower(row->mnemonic[i]);
            mixed[i] = i % 2 ? lower[i] : row->mnemonic[i];
        }
        cr_expect_eq(rrtype_info(row->code), row, "%s", row->mnemonic);
        cr_expect(scan(row->mnemonic, &type) && type == row->code, "%s", row->mnemonic);
        cr_expect(scan(lower, &type) && type == row->code, "%s", lower);
        cr_expect(scan(mixed, &type) && type == row->code, "%s", mixed);
        cr_expect_str_eq(rrtype_text(row->code, buf), row->mnemonic);
    }
    cr_expect_geq(count, 99); /* the registry's */
}

Test(rrtype, a_mnemonic_is_neither_longer_nor_shorter_than_its_row)
{
    uint16_t type;
    for (unsigned i = 0; rrtype_row(i); i++) {
        char text[20];
        snprintf(text, sizeof(text), "%sX", rrtype_row(i)->mnemonic);
        cr_expect(!scan(text, &type), "%s", text);
        size_t len = strlen(rrtype_row(i)->mnemonic) - 1;
        bool found = rrtype_scan(rrtype_row(i)->mnemonic, len, &type);
        cr_expect(!found || strlen(rrtype_info(type)->mnemonic) == len, "%.*s", (int)len,
                  rrtype_row(i)->mnemonic);
    }
}

struct text_row {
    const char *text;
    int type; /* -1: none */
};

static const struct text_row texts[] = {
    {"TYPE731", 731},  {"type731", 731}, {"TYPE0", 0},     {"TYPE65535", 65535},
    {"TYPE1", 1},      {"TYPE00001", 1}, {"NSAP-PTR", 23}, {"nsec3param", 51},
    {"TYPE65536", -1}, {"TYPE", -1},     {"TYPE-1", -1},   {"TYPE1A", -1},
    {"TYP1", -1},      {"", -1},         {"*", -1},        {"NSAP_PTR", -1},
    {"NSEC33", -1},    {"\0A", -1},
};

Test(rrtype, generic_names_are_read)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint16_t type = 4711;
        cr_expect_eq(scan(texts[i].text, &type), texts[i].type >= 0, "%s", texts[i].text);
        cr_expect_eq(type, texts[i].type >= 0 ? texts[i].type : 4711, "%s", texts[i].text);
    }
}

Test(rrtype, a_type_without_a_row_is_unknown_and_opaque)
{
    char buf[16];
    for (unsigned type = 0; type <= 65535; type++) {
        const struct rrtype_info *info = rrtype_info((uint16_t)type);
        if (!(info->flags & RRTYPE_UNKNOWN)) {
            cr_expect_eq(info->code, type);
            continue;
        }
        char want[16];
        snprintf(want, sizeof(want), "TYPE%u", type);
        cr_expect_str_eq(rrtype_text((uint16_t)type, buf), want);
        cr_expect_eq(info->name_count, 0);
        cr_expect(!info->compress && !info->fold && info->name_at < 0);
    }
}

static bool is_listed(uint16_t type, const uint16_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == type)
            return true;
    return false;
}

/* RFC 3597 s4: the types of RFC 1035 that hold names. */
static const uint16_t compress[] = {TYPE_NS, TYPE_MD, TYPE_MF,  TYPE_CNAME, TYPE_SOA, TYPE_MB,
                                    TYPE_MG, TYPE_MR, TYPE_PTR, TYPE_MINFO, TYPE_MX};
/* RFC 3597 s4: to be decompressed besides those. */
static const uint16_t decompress[] = {TYPE_RP, TYPE_AFSDB, TYPE_RT,    TYPE_SIG,
                                      TYPE_PX, TYPE_NXT,   TYPE_NAPTR, TYPE_SRV};
/* RFC 4034 s6.2 (its HINFO holds no name) without NSEC (RFC 6840 s5.1): lower case besides all of
 * the above. */
static const uint16_t fold[] = {TYPE_KX, TYPE_DNAME, TYPE_A6, TYPE_RRSIG};

Test(rrtype, names_are_treated_as_rfc_3597_and_rfc_4034_say)
{
    for (unsigned type = 0; type <= 65535; type++) {
        const struct rrtype_info *info = rrtype_info((uint16_t)type);
        bool c = is_listed((uint16_t)type, compress, ARRAY_LEN(compress));
        bool d = is_listed((uint16_t)type, decompress, ARRAY_LEN(decompress));
        bool f = is_listed((uint16_t)type, fold, ARRAY_LEN(fold));
        cr_expect_eq(info->compress, c, "%u", type);
        cr_expect_eq(info->decompress, c || d, "%u", type);
        cr_expect_eq(info->fold, c || d || f, "%u", type);
    }
}

struct place {
    uint16_t type;
    int count, at;
};

static const struct place places[] = {
    {TYPE_A, 0, -1},   {TYPE_NS, 1, 0},     {TYPE_SOA, 2, 0},    {TYPE_MX, 1, 2},
    {TYPE_SRV, 1, 6},  {TYPE_RRSIG, 1, 18}, {TYPE_NAPTR, 1, -1}, {TYPE_SVCB, 1, 2},
    {TYPE_NSEC, 1, 0}, {TYPE_A6, 1, -1},    {TYPE_DSYNC, 1, 5},  {TYPE_TXT, 0, -1},
    {TYPE_PX, 2, 2},   {TYPE_HIP, 0, -1},
};

Test(rrtype, the_place_of_the_first_name_is_known_where_it_is_fixed)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const struct rrtype_info *info = rrtype_info(places[i].type);
        cr_expect_eq(info->name_count, places[i].count, "%s", info->mnemonic);
        cr_expect_eq(info->name_at, places[i].at, "%s", info->mnemonic);
    }
}

Test(rrtype, only_data_may_stand_in_zones)
{
    static const uint16_t others[] = {0,         TYPE_OPT,  TYPE_NXNAME, TYPE_TKEY,  TYPE_TSIG,
                                      TYPE_IXFR, TYPE_AXFR, TYPE_MAILB,  TYPE_MAILA, TYPE_ANY};
    for (unsigned type = 0; type <= 65535; type++)
        cr_expect_eq(rrtype_is_data((uint16_t)type),
                     !is_listed((uint16_t)type, others, ARRAY_LEN(others)), "%u", type);
}

Test(rrtype, flags_of_some_types)
{
    cr_expect(rrtype_is(TYPE_SOA, RRTYPE_SINGLE) && rrtype_is(TYPE_CNAME, RRTYPE_SINGLE));
    cr_expect(rrtype_is(TYPE_DNAME, RRTYPE_SINGLE) && !rrtype_is(TYPE_NS, RRTYPE_SINGLE));
    cr_expect(rrtype_is(TYPE_DS, RRTYPE_PARENT) && rrtype_is(TYPE_NSEC, RRTYPE_PARENT));
    cr_expect(rrtype_is(TYPE_RRSIG, RRTYPE_DNSSEC) && rrtype_is(TYPE_NSEC, RRTYPE_DNSSEC));
    cr_expect(rrtype_is(TYPE_AXFR, RRTYPE_QTYPE) && !rrtype_is(TYPE_OPT, RRTYPE_QTYPE));
    cr_expect(rrtype_is(TYPE_NULL, RRTYPE_NOZONE));
    for (unsigned i = 0; rrtype_row(i); i++)
        if (rrtype_row(i)->flags & RRTYPE_ADDITIONAL)
            cr_expect_gt(rrtype_row(i)->name_count, 0, "%s", rrtype_row(i)->mnemonic);
}

/* SPDX-License-Identifier: Apache-2.0
 * Rules across the fields of a record. */
#include "dns/rdata_check.h"

#include <string.h>

/* The row's length for a number, 0: not known. */
struct length_row {
    uint8_t number, bytes;
};

static unsigned length_of(const struct length_row *rows, size_t count, unsigned number)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].number == number)
            return rows[i].bytes;
    return 0;
}

/* RFC 1183 s3.1: a PSDN address is digits, at least the four of the network. */
const char *check_x25(struct rdata rd)
{
    for (unsigned i = 1; i < rd.len; i++)
        if (rd.bytes[i] < '0' || rd.bytes[i] > '9')
            return "X.25 address is not of digits";
    return rd.len < 5 ? "X.25 address has fewer than four digits" : NULL;
}

/* RFC 2535 s3.1.2: the first two flags say whether there is a key. */
const char *check_key(struct rdata rd)
{
    bool no_key = (rd.bytes[0] & 0xc0) == 0xc0;
    return no_key || rd.len > 4 ? NULL : "public key is empty";
}

/* A decimal number with an optional sign and fraction, not beyond `limit` (0: any) before the
 * point. */
static bool is_number(const uint8_t *p, size_t len, unsigned limit)
{
    const uint8_t *end = p + len;
    unsigned whole = 0, digits = 0;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    for (; p < end && *p >= '0' && *p <= '9'; p++, digits++)
        whole = whole > 1000000 ? whole : whole * 10 + (*p - '0');
    if (p < end && *p == '.')
        for (p++; p < end && *p >= '0' && *p <= '9'; p++)
            digits++;
    return p == end && digits > 0 && (limit == 0 || whole <= limit);
}

/* RFC 1712 s3: numbers. Its text has the longitude first and its examples the latitude, so both may
 * go to 180. */
const char *check_gpos(struct rdata rd)
{
    static const unsigned limits[3] = {180, 180, 0};
    const uint8_t *p = rd.bytes;
    for (int i = 0; i < 3; p += *p + 1, i++)
        if (!is_number(p + 1, *p, limits[i]))
            return i < 2 ? "coordinate is not a number from -180 to 180"
                         : "altitude is not a number";
    return NULL;
}

/* RFC 3402 s3.2: delimiter, pattern, delimiter, replacement, delimiter, flags. */
static bool is_substitution(const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len, delimiter = *p;
    unsigned count = 0;
    if (delimiter == '\\' || delimiter == 'i' || (delimiter >= '0' && delimiter <= '9'))
        return false;
    for (; p < end && count < 3; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == delimiter)
            count++;
    }
    while (p < end && *p == 'i')
        p++;
    return count == 3 && p == end;
}

/* RFC 3403 s4.1: flags are letters and digits; the regular expression is empty or a substitution.
 */
const char *check_naptr(struct rdata rd)
{
    const uint8_t *flags = rd.bytes + 4, *services = flags + *flags + 1,
                  *regexp = services + *services + 1;
    for (unsigned i = 1; i <= *flags; i++)
        if ((flags[i] < '0' || flags[i] > '9') &&
            ((flags[i] | 0x20) < 'a' || (flags[i] | 0x20) > 'z'))
            return "NAPTR flags are not letters and digits";
    return *regexp == 0 || is_substitution(regexp + 1, *regexp)
               ? NULL
               : "NAPTR regexp is not a substitution";
}

/* RFC 4034 s5.1.4, RFC 4509, RFC 6605, RFC 9558, RFC 9563 */
const char *check_ds(struct rdata rd)
{
    static const struct length_row digests[] = {{1, 20}, {2, 32}, {3, 32},
                                                {4, 48}, {5, 32}, {6, 32}};
    unsigned want = length_of(digests, ARRAY_LEN(digests), rd.bytes[3]);
    return want == 0 || rd.len == want + 4 ? NULL : "digest does not have its type's length";
}

/* RFC 4255 s3.1.2, RFC 6594 s3 */
const char *check_sshfp(struct rdata rd)
{
    static const struct length_row fingerprints[] = {{1, 20}, {2, 32}};
    unsigned want = length_of(fingerprints, ARRAY_LEN(fingerprints), rd.bytes[1]);
    return want == 0 || rd.len == want + 2 ? NULL : "fingerprint does not have its type's length";
}

/* RFC 8078 s4: algorithm 0 asks for deletion, and all else is 0 then too. */
const char *check_cds(struct rdata rd)
{
    static const uint8_t delete[] = {0, 0, 0, 0, 0};
    if (rd.bytes[2] != 0)
        return check_ds(rd);
    return rd.len == sizeof(delete) && memcmp(rd.bytes, delete, sizeof(delete)) == 0
               ? NULL
               : "algorithm 0 asks for deletion, which is 0 0 0 00";
}

const char *check_cdnskey(struct rdata rd)
{
    static const uint8_t delete[] = {0, 0, 3, 0, 0};
    if (rd.bytes[3] != 0)
        return NULL;
    return rd.len == sizeof(delete) && memcmp(rd.bytes, delete, sizeof(delete)) == 0
               ? NULL
               : "algorithm 0 asks for deletion, which is 0 3 0 AA==";
}

/* RFC 5155 s3.1.7: a hash by algorithm 1 (SHA-1) has 20 bytes. */
const char *check_nsec3(struct rdata rd)
{
    uint8_t salt_len = rd.bytes[4], hash_len = rd.bytes[5 + salt_len];
    return rd.bytes[0] != 1 || hash_len == 20 ? NULL : "hash does not have its algorithm's length";
}

/* RFC 8976 s2.2.3 and s2.2.4: 12 bytes at least, and the length of a known hash. */
const char *check_zonemd(struct rdata rd)
{
    static const struct length_row hashes[] = {{1, 48}, {2, 64}};
    unsigned want = length_of(hashes, ARRAY_LEN(hashes), rd.bytes[5]);
    if (rd.len < 6 + 12)
        return "digest is shorter than 12 bytes";
    return want == 0 || rd.len == want + 6 ? NULL : "digest does not have its algorithm's length";
}

/* RFC 7553 s4.4 */
const char *check_uri(struct rdata rd)
{
    return rd.len > 4 ? NULL : "target is empty";
}

/* draft-johnson-dns-ipn-cla-07 s3.2: each string is of letters, digits, and hyphens inside. */
const char *check_cla(struct rdata rd)
{
    static const char why[] = "adapter is not of letters, digits and hyphens inside";
    for (const uint8_t *p = rd.bytes, *end = p + rd.len; p < end; p += *p + 1) {
        if (*p == 0 || p[1] == '-' || p[*p] == '-')
            return why;
        for (unsigned i = 1; i <= *p; i++)
            if ((p[i] < '0' || p[i] > '9') && ((p[i] | 0x20) < 'a' || (p[i] | 0x20) > 'z') &&
                p[i] != '-')
                return why;
    }
    return NULL;
}

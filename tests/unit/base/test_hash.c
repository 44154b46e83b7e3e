/* SPDX-License-Identifier: Apache-2.0
 * base/hash: the test vectors of SipHash, and the universal hash. */
#include <stdlib.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/wire.h"
#include "unit.h"

/* From the authors' reference implementation: key 00 01 .. 0f, message 00 01 .. of the length that
 * is the row's index. */
static const uint8_t vectors[][8] = {
    {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72},
    {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74},
    {0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d},
    {0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85},
    {0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf},
    {0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18},
    {0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb},
    {0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab},
    {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93},
    {0xb0, 0xe4, 0xa9, 0x0b, 0xdf, 0x82, 0x00, 0x9e},
    {0xf3, 0xb9, 0xdd, 0x94, 0xc5, 0xbb, 0x5d, 0x7a},
    {0xa7, 0xad, 0x6b, 0x22, 0x46, 0x2f, 0xb3, 0xf4},
    {0xfb, 0xe5, 0x0e, 0x86, 0xbc, 0x8f, 0x1e, 0x75},
    {0x90, 0x3d, 0x84, 0xc0, 0x27, 0x56, 0xea, 0x14},
    {0xee, 0xf2, 0x7a, 0x8e, 0x90, 0xca, 0x23, 0xf7},
    {0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1},
};

Test(hash, vectors_of_siphash)
{
    static const struct hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t message[16];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t len = 0; len < ARRAY_LEN(vectors); len++) {
        uint8_t got[8];
        put_u64(got, __builtin_bswap64(
                         hash_bytes(&key, message, len))); /* the vectors are little-endian */
        cr_expect_arr_eq(got, vectors[len], 8, "length %zu", len);
    }
}

Test(hash, the_key_matters)
{
    static const struct hash_key a = {1, 2}, b = {1, 3};
    cr_expect_neq(hash_bytes(&a, "x", 1), hash_bytes(&b, "x", 1));
}

/* --- the universal hash --- */

/* Odd multiples of the golden ratio: any words will do. */
static struct universal_key universal_key(uint64_t factor)
{
    struct universal_key key;
    for (unsigned i = 0; i < ARRAY_LEN(key.pair); i++)
        for (unsigned k = 0; k < 2; k++)
            key.pair[i][k] = (2 * i + k + 1) * factor;
    for (unsigned i = 0; i < ARRAY_LEN(key.end); i++)
        key.end[i] = (unsigned __int128)((100 + 2 * i) * factor) << 64 | (101 + 2 * i) * factor;
    return key;
}

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* Computed with Python's integers from the definition: bytes 00 01 .. of that length, and it in the
 * head. */
static const struct universal_row {
    unsigned len;
    uint64_t hash;
} universal_rows[] = {
    {0, 0xbddddaee82c6a4d8},   {1, 0xd4793fd3687f1632},  {2, 0xe3e1b6968543a55f},
    {3, 0x58a5eced1f60ca54},   {4, 0xdb955708e333f290},  {7, 0xdef0b0dd43468423},
    {8, 0xc38c7b722d0b0e9e},   {15, 0xe6dcfb87e22bdf83}, {16, 0x2714faa57bf20f14},
    {17, 0x73529a06bdfdae7c},  {32, 0xa987415522ece0fa}, {33, 0xeb43760e11710da5},
    {255, 0x51f07ef57f39d7c3},
};

Test(hash, universal_is_as_defined_at_all_lengths)
{
    struct universal_key key = universal_key(GOLDEN);
    for (size_t i = 0; i < ARRAY_LEN(universal_rows); i++) {
        unsigned len = universal_rows[i].len;
        uint64_t head[] = {1, len};
        uint8_t *bytes = malloc(len + !len); /* so that a sanitizer sees reads beyond it */
        for (unsigned k = 0; k < len; k++)
            bytes[k] = (uint8_t)k;
        cr_expect_eq(hash_universal(&key, head, bytes, len), universal_rows[i].hash, "%u", len);
        free(bytes);
    }
}

/* Any one byte makes another hash, whose bits are all as likely to change as not: some 1,600
 * changes are looked at, so that half of them are 800, give or take 20 at one standard deviation.
 */
Test(hash, universal_depends_on_every_byte_with_every_bit)
{
    unsigned changes = 0, changed[64] = {0};
    uint8_t bytes[64] = {0};
    for (uint64_t factor = 1; factor < 20; factor++) {
        struct universal_key key = universal_key(GOLDEN * (2 * factor + 1));
        for (unsigned len = 1; len <= 40; len += 3)
            for (unsigned at = 0; at < len; at += 3) {
                uint64_t head[] = {factor, len};
                uint64_t before = hash_universal(&key, head, bytes, len);
                bytes[at] ^= 1;
                uint64_t both = before ^ hash_universal(&key, head, bytes, len);
                bytes[at] ^= 1;
                cr_assert_neq(both, 0, "%u of %u", at, len);
                for (unsigned bit = 0; bit < 64; bit++)
                    changed[bit] += both >> bit & 1;
                changes++;
            }
    }
    for (unsigned bit = 0; bit < 64; bit++)
        cr_expect(changed[bit] > changes / 3 && changed[bit] < changes - changes / 3,
                  "bit %u: %u of %u", bit, changed[bit], changes);
}

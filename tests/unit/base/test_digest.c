/* SPDX-License-Identifier: Apache-2.0
 * SHA-1 against the vectors of FIPS 180 (in RFC 3174 s7.3) and the empty input. */
#include <string.h>

#include "base/attr.h"
#include "base/digest.h"
#include "unit.h"

static const struct row {
    const char *text;
    uint8_t sum[DIGEST_SHA1_LEN];
} rows[] = {
    {"", {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
          0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09}},
    {"abc", {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
             0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d}},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     {0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2, 0x6e, 0xba, 0xae,
      0x4a, 0xa1, 0xf9, 0x51, 0x29, 0xe5, 0xe5, 0x46, 0x70, 0xf1}},
};

/* twice through, so that the state is used again */
Test(digest, agrees_with_the_vectors_of_rfc_3174)
{
    struct digest d;
    uint8_t out[64];
    cr_assert(digest_init(&d));
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i % ARRAY_LEN(rows)];
        digest_sha1(&d, (const uint8_t *)row->text, strlen(row->text), out);
        cr_expect_arr_eq(out, row->sum, DIGEST_SHA1_LEN, "%s", row->text);
    }
    memcpy(out, "abc", 3);
    digest_sha1(&d, out, 3, out); /* in place */
    cr_expect_arr_eq(out, rows[1].sum, DIGEST_SHA1_LEN);
    digest_done(&d);
    digest_done(&d);
}

/* RFC 5155 appendix A: salt aabbccdd, 12 iterations; the hashes are in hexadecimal here */
static const struct salted_row {
    const char *name;
    uint8_t len, hash[DIGEST_SHA1_LEN];
} salted_rows[] = {
    {"\7"
     "example",
     9,
     {0x06, 0x53, 0x68, 0xab, 0xee, 0xd7, 0xec, 0x6e, 0x9f, 0xeb,
      0xa9, 0x6b, 0x8c, 0x8b, 0xc3, 0xe8, 0xb7, 0x91, 0xf7, 0x16}},
    {"\1"
     "x\1"
     "w\7"
     "example",
     13,
     {0x59, 0x3d, 0x64, 0x19, 0xd0, 0x8c, 0x5b, 0xc3, 0x5d, 0xca,
      0x0a, 0x4d, 0xcb, 0x7e, 0xd5, 0xc1, 0x31, 0xbe, 0x25, 0x25}},
    {"\1"
     "*\1"
     "w\7"
     "example",
     13,
     {0xd9, 0x46, 0xbd, 0x1d, 0x8c, 0x17, 0xbf, 0x6f, 0x2d, 0xfe,
      0x2e, 0x19, 0x6b, 0x1b, 0x2e, 0xdf, 0x13, 0xda, 0x25, 0xd7}},
};

Test(digest, iterates_as_in_rfc_5155_and_remembers)
{
    static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};
    static struct digest d;
    cr_assert(digest_init(&d));
    for (size_t i = 0; i < 3 * ARRAY_LEN(salted_rows); i++) {
        const struct salted_row *row = &salted_rows[i % ARRAY_LEN(salted_rows)];
        struct digest_job job = {(const uint8_t *)row->name, salt, row->len, sizeof(salt), 12};
        uint8_t out[DIGEST_SHA1_LEN], known[DIGEST_SHA1_LEN];
        digest_salted(&d, &job, out);
        digest_salted_known(&d, &job, known);
        cr_expect_arr_eq(out, row->hash, DIGEST_SHA1_LEN, "%zu", i);
        cr_expect_arr_eq(known, row->hash, DIGEST_SHA1_LEN, "%zu", i);
        job.iterations = 11; /* not the same any more */
        digest_salted_known(&d, &job, known);
        cr_expect_arr_neq(known, row->hash, DIGEST_SHA1_LEN, "%zu", i);
    }
    digest_done(&d);
}

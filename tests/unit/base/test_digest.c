/* SPDX-License-Identifier: Apache-2.0
 * SHA-1 against the vectors of FIPS 180 (in RFC 3174 s7.3) and the empty input. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "base/digest.h"

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

/* SPDX-License-Identifier: Apache-2.0
 * The algorithms of TSIG. */
#include "tsig/algorithm.h"

#include "base/attr.h"
#include "base/digits.h"

#include <string.h>
#include <strings.h>

#define MAC_BITS_MAX 512

/* clang-format off */
/*   text           name on the wire as text    digest      MAC  name on the wire */
#define ALGORITHM_LIST(X)                                                                          \
    X("hmac-md5",    "hmac-md5.sig-alg.reg.int", "MD5",      16, "\010hmac-md5\007sig-alg\003reg\003int") \
    X("hmac-sha1",   "hmac-sha1",                "SHA1",     20, "\011hmac-sha1")                  \
    X("hmac-sha224", "hmac-sha224",              "SHA2-224", 28, "\013hmac-sha224")                \
    X("hmac-sha256", "hmac-sha256",              "SHA2-256", 32, "\013hmac-sha256")                \
    X("hmac-sha384", "hmac-sha384",              "SHA2-384", 48, "\013hmac-sha384")                \
    X("hmac-sha512", "hmac-sha512",              "SHA2-512", 64, "\013hmac-sha512")
/* clang-format on */

static const struct tsig_algorithm algorithms[] = {
#define X(text, wire_text, digest, mac_len, name) \
    {text, wire_text, digest, mac_len, sizeof(name), name},
    ALGORITHM_LIST(X)
#undef X
};

static bool is_text(const char *s, size_t len, const char *text)
{
    return strlen(text) == len && strncasecmp(s, text, len) == 0;
}

static const struct tsig_algorithm *find(const char *s, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (is_text(s, len, algorithms[i].text) || is_text(s, len, algorithms[i].wire_text))
            return &algorithms[i];
    return NULL;
}

const struct tsig_algorithm *tsig_algorithm_scan(const char *text, size_t len, uint8_t *mac_min)
{
    uint64_t bits;
    if (len && text[len - 1] == '.')
        len--;
    const struct tsig_algorithm *a = find(text, len);
    if (a) {
        *mac_min = tsig_algorithm_floor(a);
        return a;
    }
    const char *dash = memrchr(text, '-', len);
    if (!dash)
        return NULL;
    a = find(text, (size_t)(dash - text));
    if (!a || !digits_u64(dash + 1, len - (size_t)(dash + 1 - text), MAC_BITS_MAX, &bits) ||
        bits % 8 || bits / 8 < tsig_algorithm_floor(a) || bits / 8 > a->mac_len)
        return NULL;
    *mac_min = (uint8_t)(bits / 8);
    return a;
}

/* SPDX-License-Identifier: Apache-2.0
 * Keys of the tree: names spelled so that byte order of keys is canonical order of names (RFC 4034
 * s6.1).
 *
 * Symbols, in order: 0 end of label; 1 escape for bytes below "-"; 2 "-"; 3 escape for "." and "/";
 * 4-13 digits; 14 escape for ":" to "^"; 15 "_"; 16 escape for "`"; 17-42 letters; 43-45 escapes
 * for the bytes from "{" up, 45 each. What follows an escape is 1..45. Upper case letters are
 * spelled as lower case. */
#include "base/check.h"
#include "zone/tree.h"
#include "zone/tree_int.h"

#define HIGH 0x7b /* "{" */
#define PER  45   /* bytes behind one of the three highest escapes */

/* clang-format off */
#define FIRST_OF(c)                                                                                \
    ((c) < '-'    ? 1                                                                              \
     : (c) == '-' ? 2                                                                              \
     : (c) < '0'  ? 3                                                                              \
     : (c) <= '9' ? 4 + (c) - '0'                                                                  \
     : (c) < '_'  ? 14                                                                             \
     : (c) == '_' ? 15                                                                             \
     : (c) == '`' ? 16                                                                             \
     : (c) <= 'z' ? 17 + (c) - 'a'                                                                 \
                  : 43 + ((c) - HIGH) / PER)
#define SECOND_OF(c)                                                                               \
    ((c) < '-'                       ? (c) + 1                                                     \
     : (c) == '.' || (c) == '/'      ? (c) - '.' + 1                                               \
     : (c) >= ':' && (c) < '_'       ? (c) - ':' + 1                                               \
     : (c) == '`'                    ? 1                                                           \
     : (c) >= HIGH                   ? ((c) - HIGH) % PER + 1                                      \
                                     : 0)
#define SPELL(c)     {(uint8_t)(FIRST_OF(c)), (uint8_t)(SECOND_OF(c))}
#define SPELL_2(c)   SPELL(c), SPELL(c + 1)
#define SPELL_4(c)   SPELL_2(c), SPELL_2(c + 2)
#define SPELL_16(c)  SPELL_4(c), SPELL_4(c + 4), SPELL_4(c + 8), SPELL_4(c + 12)
#define SPELL_64(c)  SPELL_16(c), SPELL_16(c + 16), SPELL_16(c + 32), SPELL_16(c + 48)
#define SPELL_A_TO_Z SPELL_16('a'), SPELL_4('a' + 16), SPELL_4('a' + 20), SPELL_2('a' + 24)
/* clang-format on */

/* One symbol, or an escape and a second one; no second one is 0. */
static const uint8_t spelling[256][2] = {
    SPELL_64(0),   SPELL('@'),    SPELL_A_TO_Z,  SPELL('['),    SPELL_4('\\'),
    SPELL_16('`'), SPELL_16('p'), SPELL_64(128), SPELL_64(192),
};

_Static_assert(FIRST_OF(0xff) < TREE_SYMBOLS && PER < TREE_SYMBOLS, "symbols fit the bitmap");
_Static_assert(TREE_KEY_MAX >= 2 * NAME_LEN_MAX + 1,
               "two symbols a byte, the end, and one written beside it");

void tree_key(struct name name, unsigned apex_len, struct tree_key *out)
{
    ASSERT(name.len >= apex_len);
    uint8_t starts[NAME_LABELS_MAX];
    unsigned labels = 0, end = name.len - apex_len;
    for (unsigned at = 0; at < end; at += name.wire[at] + 1u)
        starts[labels++] = (uint8_t)at;
    uint8_t *key = out->at;
    while (labels--) {
        const uint8_t *p = name.wire + starts[labels];
        for (const uint8_t *last = p + *p; p < last;) {
            const uint8_t *s = spelling[*++p];
            memcpy(key, s, 2); /* the second one is written over if there is none */
            key += 1 + (s[1] != 0);
        }
        *key++ = 0;
    }
    *key++ = 0;
    out->len = (uint16_t)(key - out->at);
}

void tree_key_base32(const uint8_t *bytes, unsigned len, uint8_t *label, struct tree_key *out)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv"; /* RFC 4648 s7 */
    ASSERT(len % 5 == 0);
    uint8_t *key = out->at;
    for (const uint8_t *end = bytes + len; bytes < end; bytes += 5) {
        uint64_t word = (uint64_t)bytes[0] << 32 | get_u32(bytes + 1);
        for (int shift = 35; shift >= 0; shift -= 5) {
            uint8_t digit = (uint8_t)digits[word >> shift & 31];
            *label++ = digit;
            *key++ = spelling[digit][0];
        }
    }
    *key++ = 0;
    *key++ = 0;
    out->len = (uint16_t)(key - out->at);
}

/* SPDX-License-Identifier: Apache-2.0
 * Edit distance with swaps of neighbours, the commonest slip of the fingers. */
#include "conf/suggest.h"

#include <string.h>

#include "base/check.h"

enum {
    PREFIX_MIN = 3
}; /* a word cut short is as near as one slip from so many letters on: "warn" for "warning" */

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned suggest_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    ASSERT(a_len <= SUGGEST_LEN_MAX && b_len <= SUGGEST_LEN_MAX);
    unsigned rows[3][SUGGEST_LEN_MAX + 1]; /* of the usual matrix, row i in i % 3 */
    for (unsigned k = 0; k <= b_len; k++)
        rows[0][k] = k;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *now = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned k = 1; k <= b_len; k++) {
            unsigned differs = fold(a[i - 1]) != fold(b[k - 1]);
            now[k] = least(least(above[k], now[k - 1]) + 1, above[k - 1] + differs);
            if (i > 1 && k > 1 && fold(a[i - 1]) == fold(b[k - 2]) &&
                fold(a[i - 2]) == fold(b[k - 1]))
                now[k] = least(now[k], two_above[k - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

struct suggest suggest_for(const char *word)
{
    size_t len = strlen(word);
    unsigned third = (unsigned)(len / 3);
    return (struct suggest){
        .word = word, .word_len = len, .best_distance = (third ? third : 1) + 1};
}

void suggest_offer(struct suggest *s, const char *candidate, size_t len)
{
    if (s->word_len > SUGGEST_LEN_MAX || len > SUGGEST_LEN_MAX)
        return;
    unsigned distance = suggest_distance(s->word, s->word_len, candidate, len);
    if (s->word_len >= PREFIX_MIN && s->word_len < len &&
        strncmp(s->word, candidate, s->word_len) == 0)
        distance = 1;
    if (distance < s->best_distance && distance < len) {
        s->best = candidate;
        s->best_len = len;
        s->best_distance = distance;
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * "Did you mean": the nearest of some words by edit distance. */
#ifndef REEVE_CONF_SUGGEST_H
#define REEVE_CONF_SUGGEST_H

#include <stddef.h>

#define SUGGEST_LEN_MAX 64 /* longer words are near to nothing */

struct suggest {
    const char *word;
    size_t word_len;
    const char *best; /* NULL: nothing is near; not ended by NUL */
    size_t best_len;
    unsigned best_distance; /* a candidate must be nearer than this */
};

/* The word is kept by reference. Near is what differs in at most a third of its letters (one in any
 * case), or what the word is the beginning of. */
struct suggest suggest_for(const char *word);
void suggest_offer(struct suggest *s, const char *candidate, size_t len);

/* Letters to insert, delete, replace or swap with their neighbour, case ignored; both at most
 * SUGGEST_LEN_MAX long. */
unsigned suggest_distance(const char *a, size_t a_len, const char *b, size_t b_len);

#endif

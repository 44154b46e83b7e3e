/* SPDX-License-Identifier: Apache-2.0
 * The tree's insides, for the files of zone/ that walk it (tree*.c, lookup.c, txn.c). */
#ifndef REEVE_ZONE_TREE_INT_H
#define REEVE_ZONE_TREE_INT_H

#include "zone/pool.h"
#include "zone/tree.h"

#define TREE_SYMBOLS 46
#define BRANCH_BIT   1ull
#define BITMAP_MASK  (((1ull << TREE_SYMBOLS) - 1) << 1)
#define POSITION_AT  48

struct twigs {
    uint64_t txn; /* number of the txn that made the array: it alone may change it */
    struct twig at[];
};

static inline bool twig_is_branch(const struct twig *t)
{
    return (t->word & BRANCH_BIT) != 0;
}

static inline unsigned branch_position(const struct twig *t)
{
    return (unsigned)(t->word >> POSITION_AT);
}

static inline uint64_t symbol_bit(unsigned symbol)
{
    return 2ull << symbol;
}

static inline struct twigs *branch_twigs(const struct twig *t)
{
    return t->ptr;
}

static inline unsigned branch_count(const struct twig *t)
{
    return (unsigned)__builtin_popcountll(t->word & BITMAP_MASK);
}

/* How many twigs stand before the symbol's. */
static inline unsigned branch_index(const struct twig *t, uint64_t bit)
{
    return (unsigned)__builtin_popcountll(t->word & BITMAP_MASK & (bit - 1));
}

static inline bool branch_has(const struct twig *t, uint64_t bit)
{
    return (t->word & bit) != 0;
}

static inline unsigned key_symbol(const struct tree_key *key, unsigned position)
{
    return position < key->len ? key->at[position] : 0;
}

static inline const struct node *leaf_node(const struct twig *t)
{
    return t->ptr;
}

/* The key of the name right below the apex whose label is the bytes in base32hex; the label goes to
 * `label` as well, 8 characters for 5 bytes. len is a multiple of 5. */
void tree_key_base32(const uint8_t *bytes, unsigned len, uint8_t *label, struct tree_key *out);

/* The leaf that shares the longest prefix with the key (any of them); the tree is not empty. */
const struct twig *tree_nearest(const struct tree *t, const struct tree_key *key);
/* The node of exactly that key's name, or NULL. */
const struct node *tree_get(const struct tree *t, const struct tree_key *key, struct name name);
/* Loads what changing the tree at these names will touch, with the walks in lock step so that their
 * cache misses overlap. count <= TREE_WARM_MAX. */
#define TREE_WARM_MAX 32
void tree_warm(const struct tree *t, unsigned apex_len, const struct name *names, unsigned count);
/* The last node before the key, or at it where `or_at`; NULL: none. */
enum tree_bound { TREE_BEFORE, TREE_BEFORE_OR_AT };
const struct node *tree_find_before(const struct tree *t, unsigned apex_len,
                                    const struct tree_key *key, enum tree_bound bound);
/* The last node of all; NULL: empty. */
const struct node *tree_last(const struct tree *t);

/* --- changing; used by txn.c only --- */

/* Pieces of memory remembered for later: to be freed when a version goes, or when one is taken
 * back. */
struct pile {
    size_t count, cap;
    struct pile_piece *piece;
};

struct pile_piece {
    void *ptr;
    size_t size;
};

void pile_add(struct pile *p, void *ptr, size_t size);
/* Frees the pieces in the pool, and the pile. NULL is fine. */
void pile_free_pieces(struct pile *p, struct pool *pool);
/* Forgets the pieces, and frees the pile. NULL is fine. */
void pile_drop(struct pile *p);

struct tree_writer {
    struct pool *pool;
    uint64_t txn;
    struct pile *fresh, *garbage; /* NULL in TXN_BUILD: what is replaced is freed at once */
    unsigned apex_len;
    size_t bytes; /* taken so far */
};

void *writer_alloc(struct tree_writer *w, size_t size);
/* A piece that the version being built no longer reaches. `is_own`: this txn made it. */
void writer_drop(struct tree_writer *w, void *ptr, size_t size, bool is_own);

/* Puts the node under its owner's key, with its flags; gives back the node that was there, or
 * NULL. */
const struct node *tree_put(struct tree_writer *w, struct tree *t, const struct tree_key *key,
                            const struct node *node, uint64_t flags);
/* Takes the node under the key out and gives it back; NULL: there was none, nothing was changed. */
const struct node *tree_take(struct tree_writer *w, struct tree *t, const struct tree_key *key);

#endif

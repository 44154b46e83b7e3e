/* SPDX-License-Identifier: Apache-2.0
 * Changing the tree: path copy on the way down, arrays of exact size.
 *
 * A txn may change the arrays that it made itself; every other array on the way is copied first,
 * and the old one is remembered as garbage of the version before. So one change costs the arrays on
 * one path, and another change near it in the same txn costs only what differs. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/tree_int.h"

void pile_add(struct pile *p, void *ptr, size_t size)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->piece = mem_grow(p->piece, p->cap * sizeof(*p->piece));
    }
    p->piece[p->count++] = (struct pile_piece){ptr, size};
}

void pile_drop(struct pile *p)
{
    if (!p)
        return;
    free(p->piece);
    free(p);
}

void pile_free_pieces(struct pile *p, struct pool *pool)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        pool_free(pool, p->piece[i].ptr, p->piece[i].size);
    pile_drop(p);
}

void *writer_alloc(struct tree_writer *w, size_t size)
{
    void *p = pool_alloc(w->pool, size);
    w->bytes += size;
    if (w->fresh)
        pile_add(w->fresh, p, size);
    return p;
}

void writer_drop(struct tree_writer *w, void *ptr, size_t size, bool is_own)
{
    if (w->garbage)
        pile_add(w->garbage, ptr, size);
    else {
        ASSERT(is_own);
        pool_free(w->pool, ptr, size);
    }
}

static size_t twigs_size(unsigned count)
{
    return sizeof(struct twigs) + count * sizeof(struct twig);
}

static struct twigs *twigs_new(struct tree_writer *w, unsigned count)
{
    struct twigs *a = writer_alloc(w, twigs_size(count));
    a->txn = w->txn;
    return a;
}

static void twigs_drop(struct tree_writer *w, struct twigs *a, unsigned count)
{
    writer_drop(w, a, twigs_size(count), a->txn == w->txn);
}

/* Makes the branch's array this txn's own. */
static struct twigs *branch_own(struct tree_writer *w, struct twig *t)
{
    struct twigs *a = branch_twigs(t);
    if (a->txn == w->txn)
        return a;
    unsigned count = branch_count(t);
    struct twigs *own = twigs_new(w, count);
    memcpy(own->at, a->at, count * sizeof(struct twig));
    twigs_drop(w, a, count);
    t->ptr = own;
    return own;
}

static struct twig branch_make(unsigned position, uint64_t bitmap, struct twigs *a)
{
    return (struct twig){BRANCH_BIT | bitmap | (uint64_t)position << POSITION_AT, a};
}

/* Adds a leaf to the branch's array, at a symbol that it does not have yet. */
static void branch_add(struct tree_writer *w, struct twig *t, uint64_t bit, struct twig leaf)
{
    unsigned count = branch_count(t), i = branch_index(t, bit);
    struct twigs *old = branch_twigs(t), *a = twigs_new(w, count + 1);
    memcpy(a->at, old->at, i * sizeof(struct twig));
    a->at[i] = leaf;
    memcpy(a->at + i + 1, old->at + i, (count - i) * sizeof(struct twig));
    twigs_drop(w, old, count);
    *t = (struct twig){t->word | bit, a};
}

/* Puts a new branch where t is: t itself and the leaf below it. */
static void branch_split(struct tree_writer *w, struct twig *t, unsigned position,
                         unsigned old_symbol, unsigned new_symbol, struct twig leaf)
{
    struct twigs *a = twigs_new(w, 2);
    a->at[old_symbol > new_symbol] = *t;
    a->at[old_symbol < new_symbol] = leaf;
    *t = branch_make(position, symbol_bit(old_symbol) | symbol_bit(new_symbol), a);
}

/* Down along the key to the twig at or beyond the position, all arrays on the way made own. */
static struct twig *descend_own(struct tree_writer *w, struct tree *tree,
                                const struct tree_key *key, unsigned position)
{
    struct twig *t = &tree->root;
    while (twig_is_branch(t) && branch_position(t) < position) {
        uint64_t bit = symbol_bit(key_symbol(key, branch_position(t)));
        ASSERT(branch_has(t, bit));
        t = &branch_own(w, t)->at[branch_index(t, bit)];
    }
    return t;
}

const struct node *tree_put(struct tree_writer *w, struct tree *tree, const struct tree_key *key,
                            const struct node *node, uint64_t flags)
{
    struct twig leaf = {flags, (void *)(uintptr_t)node};
    if (!tree->root.ptr) {
        tree->root = leaf;
        return NULL;
    }
    const struct node *nearest = leaf_node(tree_nearest(tree, key));
    struct tree_key other;
    tree_key(node_owner(nearest), w->apex_len, &other);
    unsigned differ = 0;
    while (differ < key->len && differ < other.len && key->at[differ] == other.at[differ])
        differ++;
    if (differ == key->len && differ == other.len) {
        *descend_own(w, tree, key, TREE_KEY_MAX) = leaf;
        return nearest;
    }
    /* no key is a prefix of another: the last symbol of the shorter one differs */
    ASSERT(differ < key->len && differ < other.len);
    struct twig *t = descend_own(w, tree, key, differ);
    if (twig_is_branch(t) && branch_position(t) == differ)
        branch_add(w, t, symbol_bit(key->at[differ]), leaf);
    else
        branch_split(w, t, differ, other.at[differ], key->at[differ], leaf);
    return NULL;
}

/* Takes the i-th twig out of the branch; a branch of one is replaced by what is left. */
static void branch_remove(struct tree_writer *w, struct twig *t, uint64_t bit)
{
    unsigned count = branch_count(t), i = branch_index(t, bit);
    struct twigs *old = branch_twigs(t);
    ASSERT(count >= 2);
    if (count == 2) {
        struct twig rest = old->at[1 - i];
        twigs_drop(w, old, count);
        *t = rest;
        return;
    }
    struct twigs *a = twigs_new(w, count - 1);
    memcpy(a->at, old->at, i * sizeof(struct twig));
    memcpy(a->at + i, old->at + i + 1, (count - i - 1) * sizeof(struct twig));
    twigs_drop(w, old, count);
    *t = (struct twig){t->word & ~bit, a};
}

const struct node *tree_take(struct tree_writer *w, struct tree *tree, const struct tree_key *key)
{
    if (!tree->root.ptr)
        return NULL;
    const struct node *nearest = leaf_node(tree_nearest(tree, key));
    struct tree_key other;
    tree_key(node_owner(nearest), w->apex_len, &other);
    if (other.len != key->len || memcmp(other.at, key->at, key->len) != 0)
        return NULL;
    struct twig *parent = NULL, *t = &tree->root;
    uint64_t bit = 0;
    while (twig_is_branch(t)) {
        parent = t;
        bit = symbol_bit(key_symbol(key, branch_position(t)));
        t = &branch_own(w, t)->at[branch_index(t, bit)];
    }
    if (parent)
        branch_remove(w, parent, bit);
    else
        tree->root = (struct twig){0};
    return nearest;
}

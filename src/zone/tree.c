/* SPDX-License-Identifier: Apache-2.0
 * Reading the tree: nearest leaf, exact leaf, the leaf before. */
#include "zone/tree.h"

#include "base/check.h"
#include "zone/tree_int.h"

const struct twig *tree_nearest(const struct tree *tree, const struct tree_key *key)
{
    const struct twig *t = &tree->root;
    while (twig_is_branch(t)) {
        uint64_t bit = symbol_bit(key_symbol(key, branch_position(t)));
        /* where the key's symbol does not occur, all leaves below share the same prefix with the
         * key */
        unsigned i = branch_has(t, bit) ? branch_index(t, bit) : 0;
        t = &branch_twigs(t)->at[i];
    }
    return t;
}

const struct node *tree_get(const struct tree *tree, const struct tree_key *key, struct name name)
{
    const struct twig *t = &tree->root;
    while (twig_is_branch(t)) {
        uint64_t bit = symbol_bit(key_symbol(key, branch_position(t)));
        if (!branch_has(t, bit))
            return NULL;
        t = &branch_twigs(t)->at[branch_index(t, bit)];
    }
    const struct node *n = leaf_node(t);
    return n && name_is_equal(node_owner(n), name) ? n : NULL;
}

struct warming {
    struct tree_key key;
    const struct twig *at;
};

/* One step as tree_nearest() does it; false at the end. */
static bool warm_step(struct warming *w)
{
    const struct twig *t = w->at;
    if (!twig_is_branch(t)) {
        __builtin_prefetch(t->ptr);
        return false;
    }
    uint64_t bit = symbol_bit(key_symbol(&w->key, branch_position(t)));
    w->at = &branch_twigs(t)->at[branch_has(t, bit) ? branch_index(t, bit) : 0];
    __builtin_prefetch(w->at);
    return true;
}

void tree_warm(const struct tree *tree, unsigned apex_len, const struct name *names, unsigned count)
{
    struct warming w[TREE_WARM_MAX];
    unsigned left = count;
    ASSERT(count <= TREE_WARM_MAX);
    if (!tree->root.ptr)
        return;
    struct warming *walking[TREE_WARM_MAX];
    for (unsigned i = 0; i < count; i++) {
        tree_key(names[i], apex_len, &w[i].key);
        w[i].at = &tree->root;
        walking[i] = &w[i];
    }
    while (left) {
        unsigned still = 0;
        for (unsigned i = 0; i < left; i++)
            if (warm_step(walking[i]))
                walking[still++] = walking[i];
        left = still;
    }
}

static const struct node *last_below(const struct twig *t)
{
    while (twig_is_branch(t))
        t = &branch_twigs(t)->at[branch_count(t) - 1];
    return leaf_node(t);
}

const struct node *tree_last(const struct tree *tree)
{
    return tree->root.ptr ? last_below(&tree->root) : NULL;
}

/* First position where the keys differ; the shorter one's length if they do not. */
static unsigned key_mismatch(const struct tree_key *a, const struct tree_key *b)
{
    unsigned len = a->len < b->len ? a->len : b->len, i = 0;
    while (i < len && a->at[i] == b->at[i])
        i++;
    return i;
}

const struct node *tree_find_before(const struct tree *tree, unsigned apex_len,
                                    const struct tree_key *key, enum tree_bound bound)
{
    if (!tree->root.ptr)
        return NULL;
    const struct node *nearest = leaf_node(tree_nearest(tree, key));
    struct tree_key other;
    tree_key(node_owner(nearest), apex_len, &other);
    unsigned differ = key_mismatch(key, &other);
    bool is_equal = differ == key->len && differ == other.len;
    if (is_equal && bound == TREE_BEFORE_OR_AT)
        return nearest;
    /* down to where the key leaves the tree, keeping the last twig to the left of the way */
    const struct twig *left = NULL, *t = &tree->root;
    while (twig_is_branch(t) && (is_equal || branch_position(t) <= differ)) {
        uint64_t bit = symbol_bit(key_symbol(key, branch_position(t)));
        unsigned i = branch_index(t, bit);
        if (i > 0)
            left = &branch_twigs(t)->at[i - 1];
        if (!branch_has(t, bit))
            return left ? last_below(left) : NULL;
        t = &branch_twigs(t)->at[i];
    }
    if (!is_equal && key_symbol(&other, differ) < key_symbol(key, differ))
        left = t;
    return left ? last_below(left) : NULL;
}

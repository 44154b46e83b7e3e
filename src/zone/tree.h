/* SPDX-License-Identifier: Apache-2.0
 * The tree: a persistent trie of nodes in canonical order of their owner names (a qp-trie).
 *
 * Keys. A name relative to the apex is turned round label by label and spelled in 46 symbols whose
 * order is canonical order (RFC 4034 s6.1): 0 ends a label, letters, digits, "-" and "_" are one
 * symbol, every other byte an escape symbol and a second one. A name that is above another has the
 * other's key as prefix, up to its own last symbol, which is one more 0 ("end here") where the
 * other goes on. Hence:
 *   - walking down along a key meets the leaves of all its ancestors that have nodes: the twig "end
 *     here" of each branch;
 *   - a name exists without a node (empty non-terminal) if some leaf's key begins with its key less
 *     the last symbol;
 *   - the leaves' order is the order of NSEC.
 *
 * Shape. A twig is a leaf (a node and flags that the walk needs) or a branch: the position in the
 * key that it decides, a bitmap of the symbols that occur there, and its twigs packed in that
 * order. Twigs of one branch are one array with the number of the txn that made it; a txn changes
 * its own arrays in place and copies those of others on the way down (path copy), so every version
 * keeps its own root and shares the rest. No pointers between nodes, none upward. */
#ifndef REEVE_ZONE_TREE_H
#define REEVE_ZONE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/name.h"
#include "zone/node.h"

struct twig {
    /* branch: bit 0, bitmap in bits 1..46, position in bits 48..57; leaf: enum leaf_flag */
    uint64_t word;
    void *ptr; /* branch: struct twigs; leaf: struct node */
};

struct tree {
    struct twig root; /* ptr NULL: no nodes */
};

/* What the walk asks of an ancestor without touching its node. Bit 0 is 0 in a leaf. */
enum leaf_flag { LEAF_CUT = 1 << 1, LEAF_DNAME = 1 << 2 };

#define TREE_KEY_MAX 512

struct tree_key {
    uint16_t len;
    uint8_t at[TREE_KEY_MAX];
};

/* The key of a name at or below the apex; apex_len bytes at its end are left out. */
void tree_key(struct name name, unsigned apex_len, struct tree_key *out);

#endif

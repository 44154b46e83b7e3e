/* SPDX-License-Identifier: Apache-2.0
 * From the owners that a txn touched to the difference of two versions (struct diff is in
 * zone/txn.h). */
#ifndef REEVE_ZONE_DIFF_H
#define REEVE_ZONE_DIFF_H

#include "zone/txn.h"
#include "zone/version.h"

/* An owner that a txn changed, as an old or new node of it, which lives as long as the txn. */
struct touched_owner {
    const struct node *node;
    bool in_nsec3;
};

/* All of them, in the order of the changes; the same one may be there twice. */
struct touched {
    size_t count, cap;
    struct touched_owner *owner;
    bool is_unsorted;          /* they do not stand in canonical order */
    struct touched_owner apex; /* is not among them; node NULL: was not changed */
};

void touched_add(struct touched *t, const struct node *node, bool in_nsec3);
void touched_done(struct touched *t);
/* The owner's node in a version, NULL: none. */
const struct node *touched_find(const struct touched_owner *o, const struct version *v);

/* A difference under construction: sorts the owners, compares them, joins both sides. */
struct differ {
    const struct version *from, *to; /* NULL: not begun */
    struct touched *touched;
    enum diff_stage { DIFF_SORT, DIFF_COMPARE, DIFF_JOIN, DIFF_MADE } stage;
    /* sorting: runs of `width` owners are merged into spare, a pair from low on; left and right are
     * where we are in the pair's runs */
    struct touched_owner *spare;
    size_t width, low, left, right;
    size_t at; /* next owner to compare, then bytes joined */
    struct diff_side {
        uint8_t *bytes;
        size_t len, cap;
        uint32_t count;
        uint16_t class;
    } removed, added;
};

/* From here on the touched owners are the differ's to sort; both versions stay as they are. */
void differ_start(struct differ *d, const struct version *from, const struct version *to,
                  struct touched *touched);
/* Does `budget` steps: an owner compared (several for one with many records), an owner moved while
 * sorting, a few bytes joined. True: nothing is left. */
bool differ_some(struct differ *d, size_t budget);
/* Does what is left; the differ is empty after it. */
void differ_finish(struct differ *d, struct diff *out);
/* Drops one that is begun, or not. */
void differ_done(struct differ *d);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Comparing versions: a walk of both in order finds the owners whose blocks differ; what of them
 * differs is found by the differ, like that of owners that a txn touched. */
#include "zone/contrast.h"

#include <string.h>

#include "base/check.h"
#include "zone/diff.h"
#include "zone/lookup.h"
#include "zone/zone.h"

struct side {
    struct walk walk;
    const struct node *node; /* in hand; NULL: none left */
};

static void step(struct side *s)
{
    s->node = walk_next(&s->walk);
}

static bool is_same_block(const struct node *a, const struct node *b)
{
    return a == b || (a->size == b->size && memcmp(a, b, a->size) == 0);
}

/* Which of both nodes in hand comes first: <0 a's, 0 they have one name, >0 b's. */
static int order(const struct side *a, const struct side *b)
{
    if (!a->node || !b->node)
        return a->node ? -1 : 1;
    if (a->walk.in_nsec3 != b->walk.in_nsec3)
        return a->walk.in_nsec3 ? 1 : -1;
    return name_compare(node_owner(a->node), node_owner(b->node));
}

static void note(struct touched *t, const struct side *s)
{
    ASSERT(s->node);
    bool in_nsec3 = s->walk.in_nsec3, is_apex = s->node->owner_len == s->walk.v->zone->name.len;
    if (is_apex && !in_nsec3)
        t->apex = (struct touched_owner){s->node, in_nsec3};
    else
        touched_add(t, s->node, in_nsec3);
}

void contrast_versions(const struct version *from, const struct version *to, struct diff *out)
{
    struct touched touched = {0};
    struct differ differ;
    struct side a, b;
    ASSERT(name_is_equal(name_of(&from->zone->name), name_of(&to->zone->name)));
    walk_start(&a.walk, from);
    walk_start(&b.walk, to);
    step(&a);
    step(&b);
    while (a.node || b.node) {
        if (a.node && b.node && a.walk.in_nsec3 == b.walk.in_nsec3 &&
            is_same_block(a.node, b.node)) {
            step(&a);
            step(&b);
            continue;
        }
        int way = order(&a, &b);
        note(&touched, way <= 0 ? &a : &b);
        if (way <= 0)
            step(&a);
        if (way >= 0)
            step(&b);
    }
    differ_start(&differ, from, to, &touched);
    differ_finish(&differ, out);
    touched_done(&touched);
}

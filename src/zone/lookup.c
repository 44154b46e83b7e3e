/* SPDX-License-Identifier: Apache-2.0
 * Looking names up: one walk down the tree answers what RFC 1034 s4.3.2 step 3 asks on the way.
 *
 * Several names walk in lock step: each step loads one array of twigs, and while it is on its way
 * from memory the other names take theirs. On a zone larger than the caches this more than halves
 * the time of a name. */
#include "zone/lookup.h"

#include "base/check.h"
#include "zone/tree_int.h"
#include "zone/version.h"
#include "zone/zone.h"

/* One name on its way down. */
struct descent {
    struct tree_key key;
    const struct twig *at;
    const struct node *above; /* topmost ancestor with a cut or a DNAME; ends the walk */
};

static bool descent_start(struct descent *d, const struct version *v, struct name name)
{
    if (!v->names.root.ptr)
        return false;
    tree_key(name, v->zone->name.len, &d->key);
    d->at = &v->names.root;
    d->above = NULL;
    return true;
}

/* The twig "end here" of a branch at the start of a label is the leaf of a name above the one that
 * we walk for: is it a cut or a DNAME? Where the walk has left the tree before, it is neither above
 * nor need it be a leaf. */
static const struct node *leaf_above(const struct twig *leaf, struct name name)
{
    if (LIKELY(!(leaf->word & (LEAF_CUT | LEAF_DNAME))) || twig_is_branch(leaf))
        return NULL;
    return name_is_under(name, node_owner(leaf_node(leaf))) ? leaf_node(leaf) : NULL;
}

/* One step down; false at the end, with d->at the leaf or d->above set. */
static bool descent_step(struct descent *d, struct name name)
{
    const struct twig *t = d->at;
    if (!twig_is_branch(t)) {
        __builtin_prefetch(t->ptr);
        return false;
    }
    unsigned position = branch_position(t), symbol = key_symbol(&d->key, position);
    const struct twigs *a = branch_twigs(t);
    bool is_label_start = position == 0 || key_symbol(&d->key, position - 1) == 0;
    if (is_label_start && symbol != 0 && branch_has(t, symbol_bit(0))) {
        d->above = leaf_above(&a->at[0], name);
        if (d->above)
            return false;
    }
    uint64_t bit = symbol_bit(symbol);
    d->at = &a->at[branch_has(t, bit) ? branch_index(t, bit) : 0];
    __builtin_prefetch(d->at);
    return true;
}

static void find_wildcard(const struct version *v, struct lookup *out)
{
    struct name_buf star;
    out->kind = LOOKUP_ABSENT;
    if (v->wildcard_count == 0 || !name_wildcard_of(out->encloser, &star))
        return;
    struct tree_key key;
    tree_key(name_of(&star), v->zone->name.len, &key);
    const struct node *nearest = leaf_node(tree_nearest(&v->names, &key));
    struct name owner = node_owner(nearest);
    if (name_is_equal(owner, name_of(&star))) {
        out->kind = LOOKUP_WILDCARD;
        out->node = nearest;
    } else if (name_is_under(owner, name_of(&star)))
        out->kind = LOOKUP_WILDCARD_EMPTY;
}

/* A cut or a DNAME above the name, or a cut at it. NS at the apex is no cut, but a DNAME may stand
 * beside it (RFC 6672 s2.3). */
static void end_above(const struct version *v, const struct node *n, struct name name,
                      struct lookup *out)
{
    bool is_cut = (n->has & NODE_HAS_NS) && n->owner_len != v->zone->name.len;
    out->kind = is_cut ? LOOKUP_CUT : LOOKUP_DNAME;
    out->is_exact = is_cut && n->owner_len == name.len;
    out->node = n;
}

static void descent_end(const struct descent *d, const struct version *v, struct name name,
                        struct lookup *out)
{
    if (d->above) {
        end_above(v, d->above, name, out);
        return;
    }
    const struct node *n = leaf_node(d->at);
    struct name owner = node_owner(n);
    bool is_exact = name_is_equal(owner, name);
    uint64_t flags = d->at->word;
    if (((flags & LEAF_CUT) && (is_exact || name_is_under(name, owner))) ||
        ((flags & LEAF_DNAME) && !is_exact && name_is_under(name, owner))) {
        end_above(v, n, name, out);
        return;
    }
    if (is_exact) {
        out->kind = LOOKUP_NODE;
        out->node = n;
        out->encloser = name;
        return;
    }
    /* no leaf shares more labels with the name than this one */
    unsigned common = name_common(owner, name), labels = name_labels(name);
    out->encloser = name_suffix(name, labels - common);
    if (common == labels)
        out->kind = LOOKUP_EMPTY;
    else
        find_wildcard(v, out);
}

void lookup_batch(const struct lookup_job *jobs, unsigned count)
{
    struct descent d[LOOKUP_BATCH_MAX];
    uint8_t walking[LOOKUP_BATCH_MAX];
    unsigned left = 0;
    ASSERT(count <= LOOKUP_BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        *jobs[i].out = (struct lookup){.kind = LOOKUP_ABSENT};
        if (descent_start(&d[i], jobs[i].v, jobs[i].qname))
            walking[left++] = (uint8_t)i;
        else
            d[i].at = NULL;
    }
    while (left) {
        unsigned still = 0;
        for (unsigned k = 0; k < left; k++) {
            unsigned i = walking[k];
            if (descent_step(&d[i], jobs[i].qname))
                walking[still++] = (uint8_t)i;
        }
        left = still;
    }
    for (unsigned i = 0; i < count; i++)
        if (d[i].at)
            descent_end(&d[i], jobs[i].v, jobs[i].qname, jobs[i].out);
        else
            jobs[i].out->encloser = name_of(&jobs[i].v->zone->name);
}

void lookup_find(const struct version *v, struct name qname, struct lookup *out)
{
    struct lookup_job job = {v, qname, out};
    ASSERT(name_is_under(qname, name_of(&v->zone->name)));
    lookup_batch(&job, 1);
}

const struct node *lookup_exact(const struct version *v, struct name name)
{
    struct tree_key key;
    tree_key(name, v->zone->name.len, &key);
    return tree_get(&v->names, &key, name);
}

/* One step down along the key alone; false at the end, with d->at a leaf, or NULL where the key
 * leaves the tree. */
static bool descent_step_exact(struct descent *d)
{
    const struct twig *t = d->at;
    if (!twig_is_branch(t)) {
        __builtin_prefetch(t->ptr);
        return false;
    }
    uint64_t bit = symbol_bit(key_symbol(&d->key, branch_position(t)));
    d->at = branch_has(t, bit) ? &branch_twigs(t)->at[branch_index(t, bit)] : NULL;
    __builtin_prefetch(d->at);
    return d->at != NULL;
}

void lookup_exact_batch(const struct version *v, const struct name *names, unsigned count,
                        const struct node **out)
{
    struct descent d[LOOKUP_BATCH_MAX];
    uint8_t walking[LOOKUP_BATCH_MAX];
    unsigned left = 0;
    ASSERT(count <= LOOKUP_BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        d[i].at = NULL;
        if (descent_start(&d[i], v, names[i]))
            walking[left++] = (uint8_t)i;
    }
    while (left) {
        unsigned still = 0;
        for (unsigned k = 0; k < left; k++)
            if (descent_step_exact(&d[walking[k]]))
                walking[still++] = walking[k];
        left = still;
    }
    for (unsigned i = 0; i < count; i++) {
        const struct node *n = d[i].at ? leaf_node(d[i].at) : NULL;
        out[i] = n && name_is_equal(node_owner(n), names[i]) ? n : NULL;
    }
}

/* --- NSEC --- */

/* Names that a walk to the left passes over at most; in a zone signed whole one step is enough. */
#define NSEC_STEPS_MAX 16

const struct node *lookup_nsec(const struct version *v, struct name name)
{
    unsigned apex_len = v->zone->name.len;
    struct tree_key key;
    tree_key(name, apex_len, &key);
    const struct node *n = tree_find_before(&v->names, apex_len, &key, TREE_BEFORE_OR_AT);
    for (int i = 0; n && i < NSEC_STEPS_MAX; i++) {
        if (n->has & NODE_HAS_NSEC)
            return n;
        struct lookup up;
        lookup_find(v, node_owner(n), &up);
        if ((up.kind == LOOKUP_CUT || up.kind == LOOKUP_DNAME) && up.node != n) {
            /* n is glue or occluded: what is above it comes before it and has the NSEC */
            n = up.node;
            continue;
        }
        tree_key(node_owner(n), apex_len, &key);
        n = tree_find_before(&v->names, apex_len, &key, TREE_BEFORE);
    }
    return NULL;
}

/* --- NSEC3 --- */

#define NSEC3_LABEL_LEN 32 /* base32hex of the hash */

/* The name that the hash's NSEC3 would have (RFC 5155 s3), and its key. False: it would be too
 * long. */
static bool nsec3_key(const struct version *v, const uint8_t *hash, struct name_buf *name,
                      struct tree_key *key)
{
    uint8_t wire[1 + NSEC3_LABEL_LEN + 1] = {NSEC3_LABEL_LEN};
    tree_key_base32(hash, NSEC3_HASH_LEN, wire + 1, key);
    return name_join((struct name){wire, sizeof(wire)}, name_of(&v->zone->name), name);
}

const struct node *lookup_nsec3(const struct version *v, const uint8_t hash[NSEC3_HASH_LEN])
{
    struct name_buf name;
    struct tree_key key;
    if (!v->nsec3.root.ptr || !nsec3_key(v, hash, &name, &key))
        return NULL;
    return tree_get(&v->nsec3, &key, name_of(&name));
}

/* Nodes of other chains that a walk to the left passes over at most; of two chains side by side it
 * is two on average. */
#define NSEC3_STEPS_MAX 64

/* Is it of the chain that NSEC3PARAM says is whole? Others may be on their way in or out (RFC 5155
 * s10.4). */
static bool is_of_chain(const struct version *v, const struct node *n)
{
    const struct nsec3_param *p = &v->nsec3_param;
    struct rrset set;
    if (!node_find(n, TYPE_NSEC3, &set))
        return false;
    const uint8_t *rdata = rrset_first(set).bytes;
    ASSERT(rdata);
    return !p->is_set || (rdata[0] == p->algorithm && get_u16(rdata + 2) == p->iterations &&
                          rdata[4] == p->salt_len && memcmp(rdata + 5, p->salt, p->salt_len) == 0);
}

const struct node *lookup_nsec3_cover(const struct version *v, const uint8_t hash[NSEC3_HASH_LEN])
{
    struct name_buf name;
    struct tree_key key;
    if (!v->nsec3.root.ptr || !nsec3_key(v, hash, &name, &key))
        return NULL;
    unsigned apex_len = v->zone->name.len;
    const struct node *n = tree_find_before(&v->nsec3, apex_len, &key, TREE_BEFORE_OR_AT);
    for (unsigned i = 0; i < NSEC3_STEPS_MAX; i++) {
        if (!n)
            n = tree_last(&v->nsec3);
        if (is_of_chain(v, n))
            return n;
        tree_key(node_owner(n), apex_len, &key);
        n = tree_find_before(&v->nsec3, apex_len, &key, TREE_BEFORE);
    }
    return NULL;
}

/* --- all nodes in order --- */

static const struct node *walk_down(struct walk *w, const struct twig *t)
{
    while (twig_is_branch(t)) {
        ASSERT(w->depth < ARRAY_LEN(w->step));
        w->step[w->depth++] = (struct walk_step){branch_twigs(t), 1, (uint16_t)branch_count(t)};
        t = &branch_twigs(t)->at[0];
    }
    return leaf_node(t);
}

static const struct twig *root_of(const struct tree *tree)
{
    return tree->root.ptr ? &tree->root : NULL;
}

void walk_start(struct walk *w, const struct version *v)
{
    w->v = v;
    w->from = root_of(&v->names);
    w->in_nsec3 = false;
    w->depth = 0;
    w->is_started = false;
}

/* The twig that has all leaves at and below the name, and no others; NULL: there are none. Their
 * keys begin with the name's but for its last symbol, and what the way down passes over is the same
 * in all of them: one is looked at. */
static const struct twig *find_below(const struct version *v, struct name name)
{
    const struct twig *t = root_of(&v->names), *leaf;
    struct tree_key key;
    tree_key(name, v->zone->name.len, &key);
    while (t && twig_is_branch(t) && branch_position(t) + 1 < key.len) {
        uint64_t bit = symbol_bit(key_symbol(&key, branch_position(t)));
        t = branch_has(t, bit) ? &branch_twigs(t)->at[branch_index(t, bit)] : NULL;
    }
    for (leaf = t; leaf && twig_is_branch(leaf);)
        leaf = &branch_twigs(leaf)->at[0];
    return leaf && name_is_under(node_owner(leaf_node(leaf)), name) ? t : NULL;
}

void walk_start_at(struct walk *w, const struct version *v, struct name name)
{
    walk_start(w, v);
    w->from = find_below(v, name);
    w->in_nsec3 = true; /* nothing is left after it */
}

const struct node *walk_next(struct walk *w)
{
    if (!w->is_started) {
        w->is_started = true;
        if (w->from)
            return walk_down(w, w->from);
    }
    while (w->depth) {
        struct walk_step *s = &w->step[w->depth - 1];
        if (s->at < s->count)
            return walk_down(w, &((const struct twigs *)s->twigs)->at[s->at++]);
        w->depth--;
    }
    if (w->in_nsec3)
        return NULL;
    w->in_nsec3 = true;
    w->is_started = false;
    w->from = root_of(&w->v->nsec3);
    return walk_next(w);
}

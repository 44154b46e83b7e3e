/* SPDX-License-Identifier: Apache-2.0
 * Transactions.
 *
 * Changes come owner by owner more often than not, so the records of one owner lie open in an edit;
 * when another owner's turn comes they are closed into a new node, which goes into the tree in
 * place of the old one. NSEC3 records and their RRSIGs go to the version's second tree, so one
 * owner can have an edit in either. */
#include "zone/txn.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/diff.h"
#include "zone/edit.h"
#include "zone/tree_int.h"
#include "zone/zone.h"

struct txn {
    struct zone *zone;
    struct version *base, *next;
    struct tree_writer writer;
    enum txn_mode mode;
    struct touched touched; /* TXN_CHANGE: every owner changed so far, for the diff */

    /* the owner that lies open; owner.len 0: none */
    struct name_buf owner;
    struct tree_key key;
    struct tree *tree;         /* the one of next's trees that the edit is for */
    const struct node *before; /* its node in that tree now */
    struct edit edit;
    bool is_changed; /* the edit differs from `before` */
    bool has_taken;  /* some name was removed whole */
    bool is_touched;
    uint64_t reopened;    /* records of owners that were laid open */
    struct differ differ; /* begun by the first txn_diff_some() */
};

struct txn *txn_begin(struct zone *z, enum txn_mode mode)
{
    struct txn *t = mem_alloc_zero(sizeof(*t));
    t->zone = z;
    t->base = z->tip;
    t->mode = mode;
    t->next = mem_alloc(sizeof(*t->next));
    *t->next = *z->tip;
    t->next->pins = 0;
    t->next->number = z->txn_last + 1;
    t->next->older = z->tip;
    t->next->newer = NULL;
    t->next->fresh = t->next->garbage = NULL;
    t->writer =
        (struct tree_writer){.pool = &z->pool, .txn = ++z->txn_last, .apex_len = z->name.len};
    if (mode == TXN_CHANGE) {
        t->writer.fresh = mem_alloc_zero(sizeof(struct pile));
        t->writer.garbage = mem_alloc_zero(sizeof(struct pile));
    } else
        ASSERT(!z->tip->names.root.ptr);
    edit_init(&t->edit);
    return t;
}

struct zone *txn_zone(const struct txn *t)
{
    return t->zone;
}

static uint64_t leaf_flags(const struct txn *t, const struct node *n)
{
    bool is_apex = n->owner_len == t->zone->name.len;
    uint64_t flags = 0;
    if ((n->has & NODE_HAS_NS) && !is_apex)
        flags |= LEAF_CUT;
    if (n->has & NODE_HAS_DNAME)
        flags |= LEAF_DNAME;
    return flags;
}

static bool has_star_label(struct name n)
{
    for (const uint8_t *p = n.wire; *p; p += *p + 1)
        if (p[0] == 1 && p[1] == '*')
            return true;
    return false;
}

enum tally { TALLY_OUT, TALLY_IN };

/* Keeps the version's counts: one node more or less. */
static void tally(struct version *v, const struct node *n, enum tally way)
{
    uint64_t records = 0;
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        records += s.count;
    uint64_t one = way == TALLY_IN ? 1 : (uint64_t)-1;
    v->node_count += one;
    v->record_count += one * records;
    v->byte_count += one * n->size;
    v->wildcard_count += one * has_star_label(node_owner(n));
}

/* For the diff: the owner of this old or new node was changed. Neither is freed before the txn
 * ends. */
static void note_touched(struct txn *t, const struct node *n)
{
    bool in_nsec3 = t->tree == &t->next->nsec3;
    if (!in_nsec3 && n->owner_len == t->zone->name.len)
        t->touched.apex = (struct touched_owner){n, in_nsec3};
    else
        touched_add(&t->touched, n, in_nsec3);
}

/* Closes the open owner: its new node goes into the tree, the old one to the garbage. */
static void close_owner(struct txn *t)
{
    if (t->owner.len == 0)
        return;
    struct name owner = name_of(&t->owner);
    t->owner.len = 0;
    if (!t->is_changed)
        return;
    const struct node *old = t->before, *shown = old;
    if (t->edit.count > 0) {
        struct node *n = writer_alloc(&t->writer, edit_node_size(&t->edit, owner));
        edit_node_write(&t->edit, owner, n);
        const struct node *was = tree_put(&t->writer, t->tree, &t->key, n, leaf_flags(t, n));
        ASSERT(was == old);
        tally(t->next, n, TALLY_IN);
        shown = n;
    } else if (old) {
        tree_take(&t->writer, t->tree, &t->key);
        t->has_taken = true;
    }
    if (t->mode == TXN_CHANGE && shown)
        note_touched(t, shown);
    if (old) {
        tally(t->next, old, TALLY_OUT);
        writer_drop(&t->writer, (void *)(uintptr_t)old, old->size, t->mode == TXN_BUILD);
    }
}

/* The case of a name that has no records: that of the version before if it is there, so that a name
 * taken away and put back is the same for who applies the diff, else as it comes. */
static struct name choose_case(const struct txn *t, struct name owner)
{
    if (t->mode == TXN_BUILD || !(t->has_taken || t->before))
        return owner;
    const struct tree *old = t->tree == &t->next->nsec3 ? &t->base->nsec3 : &t->base->names;
    const struct node *n = old->root.ptr ? tree_get(old, &t->key, owner) : NULL;
    return n ? node_owner(n) : owner;
}

/* Lays the owner open in the tree that the type belongs to. */
static void open_owner(struct txn *t, struct name owner, struct tree *tree)
{
    if (t->owner.len && t->tree == tree && name_is_equal(name_of(&t->owner), owner)) {
        if (t->edit.count == 0)
            name_copy(&t->owner, choose_case(t, owner));
        return;
    }
    close_owner(t);
    ASSERT(!t->differ.from && name_is_under(owner, name_of(&t->zone->name)));
    tree_key(owner, t->writer.apex_len, &t->key);
    t->tree = tree;
    t->before = tree->root.ptr ? tree_get(tree, &t->key, owner) : NULL;
    /* the case of a name that exists is kept */
    name_copy(&t->owner, t->before ? node_owner(t->before) : choose_case(t, owner));
    edit_open(&t->edit, t->before);
    t->reopened += t->edit.count;
    t->is_changed = false;
}

static struct tree *tree_for(struct txn *t, struct rrset_id id)
{
    return rrset_is_nsec3(id) ? &t->next->nsec3 : &t->next->names;
}

static struct tree *tree_of(struct txn *t, uint16_t type, struct rdata rdata)
{
    bool has_covered = type == TYPE_RRSIG && rdata.len >= 2;
    return tree_for(t, (struct rrset_id){type, has_covered ? get_u16(rdata.bytes) : 0});
}

void txn_warm(const struct txn *t, const struct name *owners, unsigned count)
{
    _Static_assert(TXN_WARM_MAX == TREE_WARM_MAX, "one walk takes them all");
    tree_warm(&t->next->names, t->writer.apex_len, owners, count);
}

static enum txn_effect note(struct txn *t, enum txn_effect effect)
{
    if (effect == TXN_DONE || effect == TXN_TTL)
        t->is_changed = t->is_touched = true;
    return effect;
}

enum txn_effect txn_add(struct txn *t, const struct rr *rr)
{
    ASSERT_SLOW(rdata_check(rr->type, rr->rdata, NULL));
    open_owner(t, rr->owner, tree_of(t, rr->type, rr->rdata));
    return note(t, edit_add(&t->edit, rr, t->mode == TXN_BUILD ? EDIT_TTL_KEEP : EDIT_TTL_TAKE));
}

enum txn_effect txn_remove(struct txn *t, struct name owner, uint16_t type, struct rdata rdata)
{
    open_owner(t, owner, tree_of(t, type, rdata));
    return note(t, edit_remove(&t->edit, type, rdata));
}

enum txn_effect txn_remove_rrset(struct txn *t, struct name owner, uint16_t type)
{
    enum txn_effect effect = TXN_NOTHING;
    if (type == TYPE_NSEC3 || type == TYPE_RRSIG) {
        open_owner(t, owner, &t->next->nsec3);
        effect = note(t, edit_remove_rrset(&t->edit, type));
    }
    if (type != TYPE_NSEC3) {
        open_owner(t, owner, &t->next->names);
        if (note(t, edit_remove_rrset(&t->edit, type)) != TXN_NOTHING)
            effect = TXN_DONE;
    }
    return effect;
}

enum txn_effect txn_set_rrset(struct txn *t, struct name owner, struct rrset_id id,
                              struct rrset set)
{
    ASSERT(set.count == 0 || rrset_order(rrset_id(set)) == rrset_order(id));
    open_owner(t, owner, tree_for(t, id));
    return note(t, edit_set(&t->edit, id, set));
}

bool txn_put_node(struct txn *t, const struct node *n)
{
    ASSERT(t->mode == TXN_BUILD && n->rrset_count > 0);
    close_owner(t);
    struct tree *tree = tree_for(t, rrset_id(node_first(n)));
    struct tree_key key;
    tree_key(node_owner(n), t->writer.apex_len, &key);
    struct node *copy = writer_alloc(&t->writer, n->size);
    memcpy(copy, n, n->size);
    const struct node *was = tree_put(&t->writer, tree, &key, copy, leaf_flags(t, copy));
    if (was) { /* back as it was */
        tree_put(&t->writer, tree, &key, was, leaf_flags(t, was));
        writer_drop(&t->writer, copy, copy->size, true);
        return false;
    }
    tally(t->next, copy, TALLY_IN);
    return true;
}

enum txn_effect txn_remove_name(struct txn *t, struct name owner)
{
    enum txn_effect effect = TXN_NOTHING;
    struct tree *trees[] = {&t->next->nsec3, &t->next->names};
    for (unsigned i = 0; i < ARRAY_LEN(trees); i++) {
        open_owner(t, owner, trees[i]);
        if (t->edit.count == 0)
            continue;
        t->edit.count = 0;
        t->edit.bytes = 0;
        effect = note(t, TXN_DONE);
    }
    return effect;
}

static const struct node *find_in(struct txn *t, const struct tree *tree, struct name owner)
{
    close_owner(t);
    struct tree_key key;
    tree_key(owner, t->writer.apex_len, &key);
    return tree->root.ptr ? tree_get(tree, &key, owner) : NULL;
}

const struct node *txn_find(struct txn *t, struct name owner)
{
    return find_in(t, &t->next->names, owner);
}

const struct node *txn_find_nsec3(struct txn *t, struct name owner)
{
    return find_in(t, &t->next->nsec3, owner);
}

bool txn_is_touched(const struct txn *t)
{
    return t->is_touched;
}

/* A node is canonical: equal records are equal bytes. */
static bool is_different(const struct txn *t, const struct touched_owner *o)
{
    const struct node *a = touched_find(o, t->base), *b = touched_find(o, t->next);
    return a != b && (!a || !b || a->size != b->size || memcmp(a, b, a->size) != 0);
}

bool txn_is_different(struct txn *t)
{
    ASSERT(t->mode == TXN_CHANGE);
    close_owner(t);
    if (t->touched.apex.node && is_different(t, &t->touched.apex))
        return true;
    for (size_t i = 0; i < t->touched.count; i++)
        if (is_different(t, &t->touched.owner[i]))
            return true;
    return false;
}

uint64_t txn_record_count(struct txn *t)
{
    close_owner(t);
    return t->next->record_count;
}

uint64_t txn_byte_count(struct txn *t)
{
    close_owner(t);
    return t->next->byte_count;
}

size_t txn_bytes(const struct txn *t)
{
    return t->writer.bytes;
}

uint64_t txn_reopened(const struct txn *t)
{
    return t->reopened;
}

const struct edit *txn_look(struct txn *t, struct name owner, uint16_t type)
{
    open_owner(t, owner, type == TYPE_NSEC3 ? &t->next->nsec3 : &t->next->names);
    return &t->edit;
}

/* What the version says about itself, read from its apex. */
static void version_note_apex(struct version *v)
{
    struct tree_key key;
    struct name apex = name_of(&v->zone->name);
    tree_key(apex, apex.len, &key);
    v->apex = v->names.root.ptr ? tree_get(&v->names, &key, apex) : NULL;
    v->soa = (struct rrset){0};
    v->serial = v->negative_ttl = 0;
    v->nsec3_param = (struct nsec3_param){0};
    v->is_signed = false;
    if (!v->apex)
        return;
    if (node_find(v->apex, TYPE_SOA, &v->soa)) {
        struct soa soa = soa_of(rrset_first(v->soa));
        v->serial = soa.serial;
        v->negative_ttl = v->soa.ttl < soa.minimum ? v->soa.ttl : soa.minimum;
    }
    struct rrset set;
    /* a DNSKEY alone may be published ahead */
    v->is_signed = node_find_sigs(v->apex, TYPE_SOA, &set);
    if (!node_find(v->apex, TYPE_NSEC3PARAM, &set))
        return;
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r))
        if (r.bytes[1] == 0) /* RFC 5155 s4.1.2: others are ignored */
            v->nsec3_param = (struct nsec3_param){true, r.bytes[0], r.bytes[4],
                                                  get_u16(r.bytes + 2), r.bytes + 5};
}

static void txn_free(struct txn *t)
{
    edit_done(&t->edit);
    differ_done(&t->differ);
    touched_done(&t->touched);
    free(t);
}

bool txn_diff_some(struct txn *t, size_t budget)
{
    ASSERT(t->mode == TXN_CHANGE);
    if (!t->differ.from) {
        close_owner(t);
        version_note_apex(t->next);
        differ_start(&t->differ, t->base, t->next, &t->touched);
    }
    return differ_some(&t->differ, budget);
}

struct version *txn_seal(struct txn **given, struct diff *diff)
{
    struct txn *t = *given;
    *given = NULL;
    struct version *v = t->next;
    close_owner(t);
    version_note_apex(v);
    if (diff) {
        if (!t->differ.from)
            differ_start(&t->differ, t->base, v, &t->touched);
        differ_finish(&t->differ, diff);
    }
    v->fresh = t->writer.fresh;
    t->base->garbage = t->writer.garbage;
    t->base->newer = v;
    t->zone->tip = v;
    txn_free(t);
    return v;
}

void txn_preview(struct txn **given, struct diff *diff)
{
    struct txn *t = *given;
    (void)txn_diff_some(t, 0);
    differ_finish(&t->differ, diff);
    txn_abort(given);
}

void txn_abort(struct txn **given)
{
    struct txn *t = *given;
    *given = NULL;
    if (!t)
        return;
    pile_free_pieces(t->writer.fresh, t->writer.pool);
    pile_drop(t->writer.garbage);
    free(t->next);
    txn_free(t);
}

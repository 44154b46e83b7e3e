/* SPDX-License-Identifier: Apache-2.0
 * Finding the zone of a name: a hash table of apexes, asked once for each ancestor that has as many
 * labels as some zone. */
#include "zone/store.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"

#define SLOTS_MIN 16

void store_init(struct store *s, struct hash_key key)
{
    *s = (struct store){.key = key, .cap = SLOTS_MIN};
    s->slots = mem_alloc_zero(s->cap * sizeof(struct store_entry *));
}

void store_done(struct store *s)
{
    for (size_t i = 0; i < s->cap; i++)
        free(s->slots[i]);
    free(s->slots);
    *s = (struct store){0};
}

static size_t slot_of(const struct store *s, struct name name)
{
    uint8_t folded[NAME_LEN_MAX];
    name_lower(name, folded);
    return hash_bytes(&s->key, folded, name.len) & (s->cap - 1);
}

/* The slot that holds the name, or the empty one where it would go. */
static size_t slot_find(const struct store *s, struct name name)
{
    size_t i = slot_of(s, name);
    while (s->slots[i] && !name_is_equal(name_of(&s->slots[i]->name), name))
        i = (i + 1) & (s->cap - 1);
    return i;
}

struct store_entry *store_get(const struct store *s, struct name name)
{
    return s->slots[slot_find(s, name)];
}

/* n or an ancestor of it, with at least `skip` labels less. */
static struct store_entry *find_from(const struct store *s, struct name n, unsigned skip)
{
    unsigned labels = name_labels(n);
    for (unsigned i = 0; i <= labels; i++) {
        if (i >= skip && s->labels_count[labels - i] > 0) {
            struct store_entry *e = store_get(s, n);
            if (e)
                return e;
        }
        if (i < labels)
            n = name_parent(n);
    }
    return NULL;
}

struct store_entry *store_find(const struct store *s, struct name n)
{
    return find_from(s, n, 0);
}

struct store_entry *store_find_above(const struct store *s, struct name n)
{
    return find_from(s, n, 1);
}

static void grow(struct store *s)
{
    struct store_entry **old = s->slots;
    size_t old_cap = s->cap;
    s->cap *= 2;
    s->slots = mem_alloc_zero(s->cap * sizeof(struct store_entry *));
    for (size_t i = 0; i < old_cap; i++)
        if (old[i])
            s->slots[slot_find(s, name_of(&old[i]->name))] = old[i];
    free(old);
}

struct store_entry *store_add(struct store *s, struct name name)
{
    if ((s->count + 1) * 2 > s->cap)
        grow(s);
    size_t i = slot_find(s, name);
    ASSERT(!s->slots[i]);
    struct store_entry *e = mem_alloc_zero(sizeof(*e));
    name_copy(&e->name, name);
    s->slots[i] = e;
    s->count++;
    s->labels_count[name_labels(name)]++;
    return e;
}

void store_remove(struct store *s, struct store_entry *e)
{
    size_t hole = slot_find(s, name_of(&e->name));
    ASSERT(s->slots[hole] == e);
    s->slots[hole] = NULL;
    s->count--;
    s->labels_count[name_labels(name_of(&e->name))]--;
    free(e);
    /* move back what probing would no longer find behind the hole */
    for (size_t i = (hole + 1) & (s->cap - 1); s->slots[i]; i = (i + 1) & (s->cap - 1)) {
        size_t home = slot_of(s, name_of(&s->slots[i]->name));
        if (((i - home) & (s->cap - 1)) >= ((i - hole) & (s->cap - 1))) {
            s->slots[hole] = s->slots[i];
            s->slots[i] = NULL;
            hole = i;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * Places of faults: sorted by owner, each record of the file looks whether one waits for it. */
#include "zone/places.h"

#include <stdlib.h>

#include "base/arena.h"

void places_add(struct places *p, enum master_severity severity, struct name owner, uint16_t type,
                const char *sentence)
{
    p->place = mem_grow(p->place, (p->count + 1) * sizeof(*p->place));
    struct place *new = &p->place[p->count++];
    *new = (struct place){.severity = severity, .type = type, .sentence = mem_string(sentence)};
    name_copy(&new->owner, owner);
}

struct search {
    struct place **sorted;
    unsigned count, left;
};

static int by_owner(const void *a, const void *b)
{
    return name_compare(name_of(&(*(struct place *const *)a)->owner),
                        name_of(&(*(struct place *const *)b)->owner));
}

/* The first of an owner; count: there is none from it on. */
static unsigned first_of(const struct search *s, struct name owner)
{
    unsigned from = 0, to = s->count;
    while (from < to) {
        unsigned mid = (from + to) / 2;
        if (name_compare(name_of(&s->sorted[mid]->owner), owner) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static enum err on_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    struct search *s = arg;
    for (unsigned i = first_of(s, rr->owner);
         i < s->count && name_is_equal(name_of(&s->sorted[i]->owner), rr->owner); i++) {
        struct place *at = s->sorted[i];
        if (at->file || (at->type && at->type != rr->type))
            continue;
        at->file = mem_string(where->file);
        at->line = where->line;
        at->column = where->column;
        s->left--;
    }
    return s->left ? OK : ERR_EXISTS; /* nothing left to look for */
}

void places_find(struct places *p, const char *path, const struct master_options *options)
{
    struct search s = {.count = p->count, .left = p->count};
    struct master_sink sink = {.arg = &s, .record = on_record};
    struct master_result read = {0};
    struct diag diag = {0};
    if (!p->count)
        return;
    s.sorted = mem_alloc(p->count * sizeof(struct place *));
    for (unsigned i = 0; i < p->count; i++)
        s.sorted[i] = &p->place[i];
    qsort(s.sorted, p->count, sizeof(struct place *), by_owner);
    (void)master_read_file(path, options, &sink, &read, &diag);
    free(s.sorted);
}

void places_free(struct places *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        free(p->place[i].sentence);
        free(p->place[i].file);
    }
    free(p->place);
    *p = (struct places){0};
}

/* SPDX-License-Identifier: Apache-2.0
 * Sets of serials. Differences of serials are counts modulo 2^32, so no range needs a case of its
 * own for going around. */
#include "xfr/serials.h"

#include "base/check.h"

/* One less than the serials in it. */
static uint32_t span(struct serial_range r)
{
    return r.to - r.from;
}

static bool has(struct serial_range r, uint32_t serial)
{
    return serial - r.from <= span(r);
}

/* The range that begins as a does and has both; `from` behind `to` in its count if that is none. */
static bool joined_at(struct serial_range a, struct serial_range b, struct serial_range *out)
{
    uint32_t b_from = b.from - a.from, b_to = b.to - a.from;
    *out = (struct serial_range){a.from, b_to > span(a) ? b.to : a.to};
    return b_from <= b_to;
}

/* The least range that has both. */
static struct serial_range join(struct serial_range a, struct serial_range b)
{
    struct serial_range at_a, at_b;
    bool may_a = joined_at(a, b, &at_a), may_b = joined_at(b, a, &at_b);
    if (!may_a && !may_b) /* they cover the whole circle */
        return (struct serial_range){a.from, a.from - 1};
    return may_a && (!may_b || span(at_a) <= span(at_b)) ? at_a : at_b;
}

/* What a range that has both would have and they have not, about. */
static uint32_t gap(struct serial_range a, struct serial_range b)
{
    uint32_t both = span(join(a, b)), own = span(a) + span(b);
    return own < span(a) || own > both ? 0 : both - own;
}

static void remove_at(struct serials *s, unsigned at)
{
    s->range[at] = s->range[--s->count];
}

/* The two that are nearest to each other become one. */
static void shrink(struct serials *s)
{
    unsigned best_a = 0, best_b = 1;
    for (unsigned a = 0; a < s->count; a++)
        for (unsigned b = a + 1; b < s->count; b++)
            if (gap(s->range[a], s->range[b]) < gap(s->range[best_a], s->range[best_b])) {
                best_a = a;
                best_b = b;
            }
    s->range[best_a] = join(s->range[best_a], s->range[best_b]);
    remove_at(s, best_b);
}

void serials_add(struct serials *s, uint32_t from, uint32_t to)
{
    struct serial_range fresh = {from, to};
    for (unsigned i = 0; i < s->count; i++) {
        struct serial_range *r = &s->range[i];
        if (has(*r, from) && to - r->from <= span(*r) && from - r->from <= to - r->from)
            return;
        if (from == r->to + 1 && !has(*r, to)) { /* the usual one: the next serial */
            r->to = to;
            return;
        }
    }
    if (s->count == SERIALS_RANGES)
        shrink(s);
    ASSERT(s->count < SERIALS_RANGES);
    s->range[s->count++] = fresh;
}

void serials_add_all(struct serials *s, const struct serials *others)
{
    for (unsigned i = 0; i < others->count; i++)
        serials_add(s, others->range[i].from, others->range[i].to);
}

bool serials_has(const struct serials *s, uint32_t serial)
{
    for (unsigned i = 0; i < s->count; i++)
        if (has(s->range[i], serial))
            return true;
    return false;
}

/* SPDX-License-Identifier: Apache-2.0
 * The newest steps, in two lists each: its zone's, and that of all zones, oldest first. */
#include "xfr/recent.h"

#include "base/check.h"

/* One step may not push out all others. */
#define SHARE 4

static struct xfr_step *step_of(struct list *link)
{
    return list_entry(link, struct xfr_step, recent);
}

static struct xfr_step *step_of_all(struct list *link)
{
    return list_entry(link, struct xfr_step, recent_all);
}

static size_t size_of(const struct xfr_step *s)
{
    return sizeof(*s) + s->diff.len;
}

static void drop(struct recents *all, struct xfr_step *s)
{
    ASSERT(all->bytes >= size_of(s));
    all->bytes -= size_of(s);
    list_remove(&s->recent);
    list_remove(&s->recent_all);
    ASSERT(s->recent_of->count > 0);
    s->recent_of->count--;
    s->recent_of = NULL;
    xfr_step_release(s);
}

/* The oldest of all is the oldest of its zone, too, so no row gets a gap. */
static void trim(struct recents *all)
{
    while (all->bytes > all->bytes_max)
        drop(all, step_of_all(all->all.next));
}

void recents_init(struct recents *all, uint64_t bytes_max)
{
    *all = (struct recents){.bytes_max = bytes_max};
    list_init(&all->all);
}

void recents_configure(struct recents *all, uint64_t bytes_max)
{
    all->bytes_max = bytes_max;
    trim(all);
}

void recent_init(struct recent *r)
{
    list_init(&r->steps);
    r->count = 0;
}

void recent_clear(struct recents *all, struct recent *r)
{
    while (!list_is_empty(&r->steps))
        drop(all, step_of(r->steps.next));
}

void recent_add(struct recents *all, struct recent *r, struct xfr_step *step)
{
    bool is_too_large = size_of(step) > all->bytes_max / SHARE;
    bool follows = list_is_empty(&r->steps) ||
                   step_of(r->steps.prev)->diff.serial_to == step->diff.serial_from;
    if (is_too_large || !follows)
        recent_clear(all, r);
    if (is_too_large) {
        xfr_step_release(step);
        return;
    }
    if (r->count == RECENT_STEPS_MAX)
        drop(all, step_of(r->steps.next));
    step->recent_of = r;
    r->count++;
    list_add_last(&r->steps, &step->recent);
    list_add_last(&all->all, &step->recent_all);
    all->bytes += size_of(step);
    trim(all);
}

bool recent_from(const struct recent *r, uint32_t serial, uint64_t bytes_max, struct xfr_steps *out)
{
    struct list *first = r->steps.prev;
    uint64_t bytes = 0;
    while (first != &r->steps) {
        const struct diff *d = &step_of(first)->diff;
        bytes += d->len;
        if (bytes > bytes_max)
            return false;
        if (d->serial_from == serial)
            break;
        first = first->prev;
    }
    if (first == &r->steps)
        return false;
    for (struct list *link = first; link != &r->steps; link = link->next)
        xfr_steps_add(out, xfr_step_hold(step_of(link)));
    return true;
}

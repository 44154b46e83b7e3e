/* SPDX-License-Identifier: Apache-2.0
 * Steps and rows of them. */
#include "xfr/step.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define CAP_FIRST 8

struct xfr_step *xfr_step_new(struct diff *d)
{
    struct xfr_step *s = mem_alloc(sizeof(*s));
    *s = (struct xfr_step){.diff = *d, .references = 1};
    *d = (struct diff){0};
    list_init(&s->recent);
    list_init(&s->recent_all);
    return s;
}

struct xfr_step *xfr_step_copy(const struct diff *d)
{
    struct diff copy = *d;
    copy.bytes = mem_alloc(d->len ? d->len : 1);
    if (d->len)
        memcpy(copy.bytes, d->bytes, d->len);
    return xfr_step_new(&copy);
}

struct xfr_step *xfr_step_hold(struct xfr_step *s)
{
    s->references++;
    return s;
}

void xfr_step_release(struct xfr_step *s)
{
    if (!s)
        return;
    ASSERT(s->references > 0);
    if (--s->references > 0)
        return;
    diff_done(&s->diff);
    free(s);
}

void xfr_steps_add(struct xfr_steps *s, struct xfr_step *step)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : CAP_FIRST;
        s->at = mem_grow(s->at, s->cap * sizeof(struct xfr_step *));
    }
    s->at[s->count++] = step;
    s->bytes += step->diff.len;
}

void xfr_steps_done(struct xfr_steps *s)
{
    for (unsigned i = 0; i < s->count; i++)
        xfr_step_release(s->at[i]);
    free(s->at);
    *s = (struct xfr_steps){0};
}

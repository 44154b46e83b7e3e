/* SPDX-License-Identifier: Apache-2.0
 * The ring of refusals. */
#include "server/refused.h"

struct refusal *refused_next(struct refused *r)
{
    return &r->ring[r->count++ % REFUSED_MAX];
}

const struct refusal *refused_at(const struct refused *r, unsigned i)
{
    return i < r->count && i < REFUSED_MAX ? &r->ring[(r->count - 1 - i) % REFUSED_MAX] : NULL;
}

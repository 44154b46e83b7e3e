/* SPDX-License-Identifier: Apache-2.0
 * What follows when a zone shows other data than before. */
#include "base/attr.h"
#include "server/server_int.h"
#include "zone/zone.h"

/* How many NSEC3 iterations above the limit the zone has; 0: none, or nobody is to prove anything
 * with them. */
static uint16_t iterations_above(const struct server *s, const struct server_zone *z)
{
    const struct zone *data = z->entry->zone;
    const struct version *v = data ? data->published : NULL;
    if (!v || !v->is_signed || !v->nsec3_param.is_set)
        return 0;
    uint16_t iterations = v->nsec3_param.iterations;
    return iterations > s->self.nsec3_iterations_max ? iterations : 0;
}

void zone_look_at_nsec3(const struct server *s, struct server_zone *z)
{
    uint16_t iterations = iterations_above(s, z);
    char zone[NAME_TEXT_MAX];
    if (UNLIKELY(iterations && iterations != z->iterations_said))
        log_warn("more NSEC3 iterations than the limit, negative answers are without proof",
                 {"zone", name_text(name_of(&z->entry->name), zone)},
                 {"iterations", LOG_U64(iterations)},
                 {"limit", LOG_U64(s->self.nsec3_iterations_max)});
    z->iterations_said = iterations;
}

void zone_published(struct server *s, struct server_zone *z)
{
    zone_look_at_nsec3(s, z);
    peers_published(s, z);
}

/* SPDX-License-Identifier: Apache-2.0
 * The secondaries of a zone. */
#include "server/server_int.h"

void peers_configure(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

void peers_free(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

void peers_published(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

void peers_heard(struct server *s, struct server_zone *z, const struct xfr_question *who,
                 enum peer_event what, uint32_t serial)
{
    (void)s;
    (void)z;
    (void)who;
    (void)what;
    (void)serial;
}

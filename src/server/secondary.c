/* SPDX-License-Identifier: Apache-2.0
 * Secondary zones. */
#include "server/server_int.h"

void secondary_configure(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

void secondary_free(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

void secondary_opened(struct server *s, struct server_zone *z, struct opening *o)
{
    (void)s;
    (void)z;
    (void)o;
}

void secondary_describe(const struct server_zone *z, json_t *out)
{
    (void)z;
    (void)out;
}

void notify_handle(struct server *s, struct request *q)
{
    (void)s;
    q->rcode = NOTIMP;
}

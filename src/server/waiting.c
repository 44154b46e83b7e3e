/* SPDX-License-Identifier: Apache-2.0
 * Waiting for secondaries. */
#include "server/server_int.h"

bool waiter_start(struct server *s, struct server_zone *z, struct waiter *w, int64_t until_us)
{
    (void)s;
    (void)z;
    (void)w;
    (void)until_us;
    return true;
}

void waiter_cancel(struct server *s, struct waiter *w)
{
    (void)s;
    (void)w;
}

void waiters_check(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

void waiters_forget(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

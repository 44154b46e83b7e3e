/* SPDX-License-Identifier: Apache-2.0
 * UPDATE to a secondary, passed on to its primary (RFC 2136 s6). */
#include "server/server_int.h"

bool forward_handle(struct server *s, struct request *q, struct exchange *x)
{
    (void)s;
    (void)x;
    q->rcode = NOTIMP;
    return true;
}

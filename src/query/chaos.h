/* SPDX-License-Identifier: Apache-2.0
 * Class CH: what this server says of itself (RFC 4892). Private to query/. */
#ifndef REEVE_QUERY_CHAOS_H
#define REEVE_QUERY_CHAOS_H

#include "request/request.h"

/* Is it one of version.bind and version.server, hostname.bind and id.server, asked for as TXT, and
 * configured? */
bool chaos_has(const struct request *q);
/* Its answer, if chaos_has(). */
void chaos_answer(struct request *q);

#endif

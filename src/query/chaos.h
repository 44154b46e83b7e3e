/* SPDX-License-Identifier: Apache-2.0
 * Class CH: what this server says of itself (RFC 4892). Private to query/. */
#ifndef REEVE_QUERY_CHAOS_H
#define REEVE_QUERY_CHAOS_H

#include "request/request.h"

/* version.bind and version.server, hostname.bind and id.server as TXT; what is not configured, or
 * anything else: REFUSED. */
void chaos_answer(struct request *q);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Report-Channel (RFC 9567): where resolvers tell of what is wrong with our zones. Unasked, in
 * every answer that has an OPT. */
#include "edns/edns.h"

/* s6.1: only where there is an agent; "off" is none. */
static uint16_t report_size(const struct request *q)
{
    return q->self->report_agent.len ? q->self->report_agent.len : EDNS_ABSENT;
}

static void report_write(const struct request *q, struct wr *w)
{
    wr_bytes(w, q->self->report_agent.wire, q->self->report_agent.len);
}

/* In a query it has no business, and is ignored. */
const struct edns_option edns_report = {
    .repeat = EDNS_REPEAT_FIRST,
    .size = report_size,
    .write = report_write,
};

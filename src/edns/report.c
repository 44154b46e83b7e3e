/* SPDX-License-Identifier: Apache-2.0
 * Report-Channel (RFC 9567): where resolvers tell of what is wrong with our zones. Unasked, in
 * every answer that has an OPT, but those of a zone that the agent itself is in. */
#include "edns/edns.h"

#include "zone/store.h"

/* s6.1: only where there is an agent; "off" is none. s8.1: it is not below what it is told of, or
 * it could not be reached when it is needed. */
static uint16_t report_size(const struct request *q)
{
    const struct name_buf *agent = &q->self->report_agent;
    if (!agent->len || (q->entry && name_is_under(name_of(agent), name_of(&q->entry->name))))
        return EDNS_ABSENT;
    return agent->len;
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

/* SPDX-License-Identifier: Apache-2.0
 * edns-tcp-keepalive (RFC 7828): how long a TCP connection may be idle. */
#include "edns/edns.h"

static enum rcode keepalive_read(struct request *q, struct rd *payload)
{
    if (q->peer.transport == TRANSPORT_UDP)
        return NOERROR;                               /* s3.3.1: ignored */
    return rd_left(payload) == 0 ? NOERROR : FORMERR; /* s3.2.1: a client says no time */
}

static uint16_t keepalive_size(const struct request *q)
{
    return q->peer.transport == TRANSPORT_UDP ? EDNS_ABSENT : 2; /* s3.3.1 */
}

/* In units of 100 ms; 0 where connections are scarce (s3.3.2). The connection's deadline follows
 * what is told here, so the counter is the sign that it was. */
static void keepalive_write(const struct request *q, struct wr *w)
{
    q->count->keepalives_told++;
    wr_u16(w, q->self->keepalive);
}

const struct edns_option edns_keepalive = {
    .repeat = EDNS_REPEAT_FIRST,
    .read = keepalive_read,
    .size = keepalive_size,
    .write = keepalive_write,
};

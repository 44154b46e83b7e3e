/* SPDX-License-Identifier: Apache-2.0
 * AXFR and IXFR. */
#include "server/server_int.h"

bool transfer_handle(struct server *s, struct request *q, struct exchange *x)
{
    (void)s;
    (void)x;
    q->rcode = REFUSED;
    return true;
}

void transfer_changed(struct server *s, struct server_zone *z, struct pending *p)
{
    (void)s;
    (void)z;
    (void)p;
}

void transfer_forget(struct server *s, struct server_zone *z)
{
    (void)s;
    (void)z;
}

const struct xfr_rule *transfer_rule(const struct server_zone *z, const struct request *q,
                                     const struct xfr_rule **closest)
{
    struct xfr_question who = {q->tsig.key, &q->peer.address};
    return xfr_rule_find(z->conf->transfer, z->conf->transfer_count, &who, closest);
}

enum outflow_next server_outflow_next(struct server *s, struct outflow *f, int64_t now_us,
                                      uint8_t *out, size_t *len)
{
    (void)s;
    (void)f;
    (void)now_us;
    (void)out;
    (void)len;
    return OUTFLOW_BROKEN;
}

void server_outflow_end(struct server *s, struct outflow *f, bool is_sent)
{
    (void)s;
    (void)f;
    (void)is_sent;
}

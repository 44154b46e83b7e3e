/* SPDX-License-Identifier: Apache-2.0
 * An answer to AXFR or IXFR under way (struct outflow of server.h), for transfer.c, which begins
 * it.
 *
 * It has its own of all that it needs: a pin of the version, the key, the configuration that its
 * grants are of. So it goes on, and ends, whatever becomes of the zone meanwhile. Its limits: so
 * many at once, in all and to one client (transfers-out, transfers-out-per-client), so much time
 * (transfer-time), what is in memory for one that is read from the change log (transfer_read.h);
 * how fast the client has to take it is the reactor's business. */
#ifndef REEVE_SERVER_OUTFLOW_H
#define REEVE_SERVER_OUTFLOW_H

#include "server/server_int.h"
#include "server/transfer_read.h"
#include "xfr/out.h"

/* Our OPT: head, NSID, EXPIRE, and what else may come. */
#define OUTFLOW_OPT_MAX  1024
#define OUTFLOW_RULE_MAX 256

/* What a request for a transfer has come to. */
struct transfer {
    struct server_zone *zone;
    const struct xfr_rule *rule;
    const struct version *version; /* what is published */
    bool is_incremental;           /* IXFR */
    uint32_t serial;               /* then: the client's */
};

/* The head of the messages that answer q; in x's buffer, whose content it overwrites, lies what it
 * points to. */
void outflow_head(struct request *q, struct exchange *x, struct xfr_out_head *head);
/* The SOA of a version as out.h wants it. */
struct xfr_out_soa outflow_soa(const struct version *v);

/* transfer.c: r, the reading of an outflow of that zone, may have found which serials it has had
 * twice. */
void transfer_traced(struct server *s, struct name zone, const struct transfer_read *r);

/* How many of those under way are of the same client: to its address, or signed with its key. */
unsigned outflow_count_of(const struct server *s, const struct xfr_question *who);

/* Each makes x->outflow. */
/* All of the version, or what the rule's scope has of it. */
void outflow_start_whole(struct server *s, struct request *q, struct exchange *x,
                         const struct transfer *t);
/* The steps, which it takes, or (TRANSFER_CONDENSED) one in their place; all of the version, if
 * that is larger. */
void outflow_start_steps(struct server *s, struct request *q, struct exchange *x,
                         const struct transfer *t, struct xfr_steps *steps,
                         enum transfer_form form);
/* Steps from the change log; all of the version if there are none. */
void outflow_start_read(struct server *s, struct request *q, struct exchange *x,
                        const struct transfer *t);

#endif

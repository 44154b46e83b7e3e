/* SPDX-License-Identifier: Apache-2.0
 * What the files about opcode UPDATE share: update.c, where all of them begin, and sliced.c, where
 * those go on that take more than one turn. */
#ifndef REEVE_SERVER_UPDATING_H
#define REEVE_SERVER_UPDATING_H

#include "server/server_int.h"

/* What has to be known to answer a message that is gone. */
struct reply {
    struct peer peer;
    struct reply_path path;
    uint16_t id, flags, qtype, qclass;
    struct name_buf qname;
    struct edns edns;
    char error_text[sizeof(((struct request *)0)->error_text)];
    struct tsig_session tsig;
    enum rcode rcode;
};
void reply_keep(struct reply *r, const struct request *q);
/* The request as it was, in s->late; r's TSIG session is moved there. */
struct request *reply_open(struct server *s, struct reply *r, int64_t now_us);
/* The answer goes; r is over. */
void reply_send(struct server *s, struct reply *r, enum rcode rcode, int64_t now_us);

/* What came of an update. */
struct outcome {
    struct txn *txn;          /* NULL: no record changes */
    struct lease_rows leases; /* renewed, say */
    struct update_report report;
};
/* q->rcode is the verdict, q->entry the zone. True: it is the answer now. False: that comes later,
 * with the change log; what is in the outcome goes there. */
bool update_conclude(struct server *s, struct request *q, struct exchange *x, struct outcome *o);

/* --- in slices --- */

/* Work of a slice (update_report.work). */
#define SLICED_WORK 6000

/* --- sliced.c --- */

/* Is there room for one more? If not, it is to be run to its end. */
bool sliced_has_room(const struct server *s);
/* q's update has begun, in s->arena, and is not over: it goes on in slices. o->txn is taken. */
void sliced_start(struct server *s, struct request *q, struct exchange *x, struct update *u,
                  const struct outcome *o);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * EDNS(0), RFC 6891: the driver, and what an option has to provide.
 *
 * An option is one file exporting one const struct edns_option. The driver, not the option, owns
 * framing, repeats, unknown codes, space, headers, order and counters; an option knows only the
 * meaning of its payload. The options' table is in edns.c; its order is the order of apply and
 * write. */
#ifndef REEVE_EDNS_EDNS_H
#define REEVE_EDNS_EDNS_H

#include "base/wire.h"
#include "request/request.h"

#define EDNS_ABSENT       0xffff /* size(): the option is not written */
#define EDNS_OPT_HEAD_LEN 11     /* root owner, type, class, ttl, rdlength */
#define EDNS_TLV_HEAD_LEN 4      /* code, length */
#define EDNS_PLAIN_SIZE \
    512 /* an answer without EDNS over UDP, and the least a client can say (RFC 6891 s6.2.3) */

struct edns_option {
    uint16_t code;
    const char *name; /* counters, logs, scenarios */
    enum { EDNS_REPEAT_FIRST, EDNS_REPEAT_FORMERR } repeat;
    enum rcode (*read)(struct request *, struct rd *payload); /* wire order, syntax only */
    enum rcode (*apply)(struct request *);                    /* table order, policy; may refuse */
    uint16_t (*size)(
        const struct request *); /* upper bound of the reply's payload, or EDNS_ABSENT */
    void (*write)(const struct request *, struct wr *); /* at most size() bytes */
};

extern const struct edns_option edns_nsid, edns_expire;

/* Reads the OPT of q->msg, if there is one, into q->edns. NOERROR, FORMERR or BADVERS (RFC 6891
 * s6.1.3). */
enum rcode edns_read(struct request *q);
/* Runs every option's policy; after TSIG verification. */
enum rcode edns_apply(struct request *q);
/* Most bytes the answer may have: for UDP what the client takes, but no more than we send; for TCP
 * what a message can be. */
size_t edns_answer_max(const struct request *q);
/* Reserves room in q->answer for our OPT; false: there is not even that much. No OPT came: reserves
 * nothing. An option that does not fit behind a very long question is left out. */
bool edns_reserve(struct request *q);
/* Writes our OPT with the upper bits of q->rcode into the reserved room. No OPT came: nothing (RFC
 * 6891 s7). */
void edns_write(struct request *q);

#endif

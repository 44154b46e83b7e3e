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

extern const struct edns_option edns_cookie, edns_error, edns_expire, edns_keepalive, edns_nsid,
    edns_report, edns_subnet, edns_zoneversion;

/* Codes of RFC 8914 that we have a use for. */
enum ede {
    EDE_OTHER = 0,
    EDE_NOT_READY = 14,         /* not loaded, not transferred yet */
    EDE_PROHIBITED = 18,        /* a rule says no */
    EDE_NOT_AUTHORITATIVE = 20, /* no zone of ours */
    EDE_NOT_SUPPORTED = 21,
    EDE_INVALID_DATA = 24,    /* an expired zone */
    EDE_NSEC3_ITERATIONS = 27 /* RFC 9276 s3.2 */
};
/* What the answer says beside its rcode, to those who sent an OPT: before edns_reserve(). The first
 * one counts. text: ASCII, copied, cut; NULL: none. */
void edns_say(struct request *q, enum ede code, const char *text);

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

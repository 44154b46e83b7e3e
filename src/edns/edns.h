/* SPDX-License-Identifier: Apache-2.0
 * EDNS(0), RFC 6891: the driver, and what an option has to provide.
 *
 * An option is one file exporting one const struct edns_option, and one row in request/option.h.
 * The driver, not the option, owns framing, repeats, unknown codes, space, headers, order and
 * counters; an option knows only the meaning of its payload. */
#ifndef REEVE_EDNS_EDNS_H
#define REEVE_EDNS_EDNS_H

#include "base/wire.h"
#include "request/request.h"

#define EDNS_ABSENT       0xffff /* size(): the option is not written */
#define EDNS_OPT_HEAD_LEN 11     /* root owner, type, class, ttl, rdlength */
#define EDNS_TLV_HEAD_LEN 4      /* code, length */

/* NULL: does nothing. */
struct edns_option {
    enum { EDNS_REPEAT_FIRST, EDNS_REPEAT_FORMERR } repeat;
    enum rcode (*read)(struct request *, struct rd *payload); /* wire order, syntax only */
    enum rcode (*apply)(struct request *);                    /* row order, policy; may refuse */
    /* Of those that have come, or whose row says ALWAYS: upper bound of the reply's payload, or
     * EDNS_ABSENT. */
    uint16_t (*size)(const struct request *);
    /* There is no room for that: its size() is to be as small as it can be made, from now on. */
    void (*shorten)(struct request *);
    void (*write)(const struct request *, struct wr *); /* at most size() bytes */
};

#define ROW(X, name, code, how, text) extern const struct edns_option edns_##name;
EDNS_OPTION_LIST(ROW, )
#undef ROW

/* Codes of RFC 8914 that we have a use for. */
enum ede {
    EDE_OTHER = 0,
    EDE_NOT_READY = 14,         /* not loaded, not transferred yet, too much to do */
    EDE_PROHIBITED = 18,        /* a rule says no */
    EDE_NOT_AUTHORITATIVE = 20, /* no zone of ours */
    EDE_NOT_SUPPORTED = 21,
    EDE_NETWORK_ERROR = 23,   /* another server did not do its part */
    EDE_INVALID_DATA = 24,    /* an expired zone */
    EDE_NSEC3_ITERATIONS = 27 /* more of them than are computed here (RFC 9276) */
};
/* What the answer says beside its rcode, to those who sent an OPT: between edns_read() and
 * edns_reserve(). The first one counts. text: ASCII, copied, cut; NULL: none. */
void edns_say(struct request *q, enum ede code, const char *text);
/* To be called when q->rcode is decided: no REFUSED, NOTAUTH, SERVFAIL or NOTIMP goes without an
 * error; if nobody has said one, it is the one of the rcode. */
void edns_say_why(struct request *q);
/* The code that an rcode has. */
enum ede ede_of(enum rcode rcode);

/* Reads the OPT of q->msg, if there is one, into q->edns, which is clear. NOERROR, FORMERR or
 * BADVERS (RFC 6891 s6.1.3). */
enum rcode edns_read(struct request *q);
/* Runs every option's policy; after TSIG verification. */
enum rcode edns_apply(struct request *q);
/* The answer's rcode to a query without a question, which is for a cookie (RFC 7873 s5.4) or
 * FORMERR; after edns_apply(). */
enum rcode edns_cookie_rcode(const struct request *q);
/* Most bytes the answer may have: for UDP what the client takes, but no more than we send; for TCP
 * what a message can be. */
size_t edns_answer_max(const struct request *q);
/* Reserves room in q->answer for our OPT; false: there is not even that much. No OPT came: reserves
 * nothing. An option that does not fit behind a very long question, short as it can be made, is
 * left out. */
bool edns_reserve(struct request *q);
/* Writes our OPT with the upper bits of q->rcode into the reserved room; where edns.is_unproven,
 * with an error that says so, if there is room left for it. An error that was left out makes the
 * answer a truncated one over UDP (RFC 8914 s3). No OPT came: nothing (RFC 6891 s7). */
void edns_write(struct request *q);

/* Not here: Multiple QTYPEs (RFC 10029), whose options 20 and 21 are ignored as unknown ones; then
 * the client asks for each type by itself (s3.5). Its text is settled, but the answer to a further
 * type is to be put into sections that are written already, without duplicates, and to be taken out
 * again where its rcode, its flags or its size do not fit (s3.4): that wants answers which are made
 * as lists of RRsets and written at the end, not in the order of the sections as query/ makes them.
 */

#endif

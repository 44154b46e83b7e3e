/* SPDX-License-Identifier: Apache-2.0
 * A transfer that comes in: a grammar over the records of a row of messages (RFC 5936 s2.2, RFC
 * 1995 s4), of which any breach drops the whole.
 *
 * Every message is checked: id, QR, opcode, rcode, question, class, signature (RFC 8945 s5.3.1),
 * owner names in the zone, a SOA only at the apex and only where it belongs, rdata, and the limits.
 * Only the closing SOA ends a transfer. What has come in is the caller's when the last message was
 * right, and nothing before. One thread at a time; which one may change between messages, if the
 * key of the session is this transfer's own (tsig_key_copy()). */
#ifndef REEVE_XFR_IN_H
#define REEVE_XFR_IN_H

#include "dns/message.h"
#include "tsig/tsig.h"
#include "xfr/step.h"
#include "zone/zone.h"

/* 0: no limit. */
struct xfr_in_limits {
    uint64_t records_max; /* of the zone, or of all differences */
    uint64_t bytes_max;   /* of all messages */
};

struct xfr_in_order {
    struct name zone;
    uint16_t id;     /* of the request */
    uint16_t qtype;  /* AXFR or IXFR: what was asked for */
    uint32_t serial; /* IXFR: ours */
    struct xfr_in_limits limits;
};

struct xfr_in;

/* tsig: of the request, signed or about to be; taken over, all zero afterwards. */
struct xfr_in *xfr_in_new(const struct xfr_in_order *order, struct tsig_session *tsig);
/* The same session, for the request's signature, before the first message comes. */
struct tsig_session *xfr_in_tsig(struct xfr_in *x);
/* NULL is fine. */
void xfr_in_free(struct xfr_in *x);

enum xfr_in_next {
    XFR_IN_MORE,    /* the next message */
    XFR_IN_WHOLE,   /* complete: a whole zone, xfr_in_zone() */
    XFR_IN_STEPS,   /* complete: differences, xfr_in_steps() */
    XFR_IN_CURRENT, /* complete: the primary's serial is ours, or behind ours: xfr_in_serial() */
    XFR_IN_REFUSED, /* an rcode, xfr_in_rcode() and a sentence: it may have an answer to AXFR */
    XFR_IN_BAD      /* a breach, with a sentence: nothing of it is good */
};
/* After anything but XFR_IN_MORE no message may be given. */
enum xfr_in_next xfr_in_message(struct xfr_in *x, const uint8_t *bytes, size_t len, int64_t now_us,
                                struct diag *diag);

/* The zone with one published version: the caller's from here on. After XFR_IN_WHOLE, once. */
struct zone *xfr_in_zone(struct xfr_in *x);
/* In order, from our serial to xfr_in_serial(): the caller's from here on. After XFR_IN_STEPS,
 * once. As they came: whether they fit the zone is seen when they are applied (txn_apply()). */
struct xfr_steps xfr_in_steps(struct xfr_in *x);
/* The serial of the first SOA; 0 before it came. */
uint32_t xfr_in_serial(const struct xfr_in *x);
/* The SOA has come, and nothing else yet. Ahead of ours, in an answer to IXFR, it may be all that
 * there is (RFC 1995 s4: what did not fit UDP), or the first of many messages: some primaries send
 * it alone. */
bool xfr_in_has_soa_alone(const struct xfr_in *x);
/* After XFR_IN_CURRENT: more stands behind the SOA, and more messages may come. */
bool xfr_in_has_more(const struct xfr_in *x);
enum rcode xfr_in_rcode(const struct xfr_in *x);
/* After XFR_IN_REFUSED: because the question had an OPT, as far as can be seen (xfr_wants_plain()).
 */
bool xfr_in_wants_plain(const struct xfr_in *x);
/* After XFR_IN_BAD: because it is beyond its limits. */
bool xfr_in_is_too_large(const struct xfr_in *x);
/* What the answer's EXPIRE option says (RFC 7314), in seconds; false: there was none. */
bool xfr_in_expire(const struct xfr_in *x, uint32_t *seconds);

/* Bytes of memory that are kept of it so far. */
uint64_t xfr_in_kept(const struct xfr_in *x);

struct xfr_in_count {
    uint64_t messages, records, bytes;
};
struct xfr_in_count xfr_in_count(const struct xfr_in *x);

#endif

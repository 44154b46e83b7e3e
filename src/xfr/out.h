/* SPDX-License-Identifier: Apache-2.0
 * Answering AXFR (RFC 5936) and IXFR (RFC 1995): a stream of messages, made one at a time.
 *
 * A stream of a whole zone reads a version that its maker keeps pinned: it stays consistent while
 * updates go on. A stream of differences is given its steps in order, all at once or as they come
 * from the change log. Messages are filled to about XFR_OUT_FILL bytes, since compression pointers
 * reach no further (RFC 1035 s4.1.4), and each is signed when the request was (RFC 8945 s5.3.1).
 * The first one has the question, and all have our OPT if the request had one (RFC 5936 s2.2.5:
 * clients that sent a cookie miss it else). No sockets, no clock, no waiting in here; making a
 * message takes about 0.1 ms. */
#ifndef REEVE_XFR_OUT_H
#define REEVE_XFR_OUT_H

#include "dns/codes.h"
#include "tsig/tsig.h"
#include "xfr/step.h"
#include "zone/lookup.h"

#define XFR_OUT_FILL 16384

/* What the messages have in common. Copied. */
struct xfr_out_head {
    uint16_t id, flags; /* flags: QR, AA and what is copied from the request; rcode NOERROR */
    struct name qname;  /* the apex, in the question's case */
    uint16_t qtype, qclass;
    const uint8_t *opt; /* an OPT record, whole; len 0: none */
    size_t opt_len;
    const struct tsig_session *tsig; /* of the request; unsigned: all zero. A copy is taken */
};

/* Which records are shown; NULL: all. The SOA at both ends always is. */
struct xfr_filter {
    void *arg;
    bool (*shows)(void *arg, struct name owner, struct rrset set);
};

struct xfr_out;

/* All of v, SOA first and last, glue and occluded names among it. v stays pinned until
 * xfr_out_free(). */
struct xfr_out *xfr_out_whole(const struct xfr_out_head *head, const struct version *v,
                              const struct xfr_filter *filter);
/* Differences that lead to the SOA `newest` (stored form, with its TTL; copied); steps are given
 * with xfr_out_give(). One that gets none and is ended has the SOA alone: "you are up to date". */
struct xfr_out_soa {
    struct rdata rdata;
    uint32_t ttl;
};
struct xfr_out *xfr_out_steps(const struct xfr_out_head *head, const struct xfr_out_soa *newest);
/* Takes the steps: empty afterwards. More may be given while messages are being made; those that
 * come when XFR_OUT_HUNGRY asks for them cost nothing here. */
void xfr_out_give(struct xfr_out *x, struct xfr_steps *steps);
/* No more steps come. */
void xfr_out_end(struct xfr_out *x);
/* NULL is fine. */
void xfr_out_free(struct xfr_out *x);

enum xfr_out_next {
    XFR_OUT_MESSAGE, /* here is a message, more follow */
    XFR_OUT_LAST,    /* here is the last one */
    XFR_OUT_HUNGRY,  /* no message: steps are to be given first */
    XFR_OUT_PAUSE,   /* no message yet: the filter hid much; to be called again in another turn */
    XFR_OUT_BROKEN   /* a record that fits no message, or steps that are none: diag says which;
                        nothing more comes */
};
/* out: DNS_MESSAGE_MAX bytes. */
enum xfr_out_next xfr_out_next(struct xfr_out *x, int64_t now_us, uint8_t *out, size_t *len,
                               struct diag *diag);

/* So far, for logs. */
struct xfr_out_count {
    uint64_t messages, records, bytes;
};
struct xfr_out_count xfr_out_count(const struct xfr_out *x);

#endif

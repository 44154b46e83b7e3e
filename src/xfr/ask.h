/* SPDX-License-Identifier: Apache-2.0
 * The messages that we send to other servers, and the short answers to them: SOA probes, NOTIFY
 * (RFC 1996), and the questions of transfers. */
#ifndef REEVE_XFR_ASK_H
#define REEVE_XFR_ASK_H

#include "dns/message.h"
#include "request/request.h"
#include "tsig/tsig.h"
#include "zone/node.h"

/* Room that any of them needs: header, question, a SOA, OPT, TSIG. */
#define XFR_ASK_MAX 2048

enum xfr_ask_kind { XFR_ASK_SOA, XFR_ASK_AXFR, XFR_ASK_IXFR, XFR_ASK_NOTIFY };

struct xfr_ask {
    enum xfr_ask_kind kind;
    struct name zone;
    uint16_t id; /* random */
    /* IXFR: our SOA, in the authority section (RFC 1995 s3). NOTIFY: the new one, in the answer
     * section (RFC 1996 s3.7). rdata of len 0: none */
    struct rdata soa;
    uint32_t soa_ttl;
    bool wants_expire;        /* OPT with an empty EXPIRE option (RFC 7314); not with NOTIFY */
    struct tsig_key *key;     /* NULL: unsigned */
    enum transport transport; /* of the answer: what may be forged is waited out over UDP */
};
/* Writes it and gives its length. With a key, *tsig is set up to sign it: that is left for the
 * moment when it is sent (tsig_sign()), and there is room for it. */
size_t xfr_ask_write(const struct xfr_ask *ask, struct tsig_session *tsig,
                     uint8_t out[XFR_ASK_MAX]);

/* What came back to a SOA probe or a NOTIFY. */
enum xfr_reply_kind {
    /* over UDP: not an answer to this: go on waiting. With a sentence where it looked like one but
     * is not signed as it must be (RFC 8945 s5.4), to be shown if nothing better comes */
    XFR_REPLY_FOREIGN,
    XFR_REPLY_TRUNCATED, /* over UDP: ask again over TCP */
    XFR_REPLY_REFUSED,   /* rcode and a sentence; also an answer that says nothing, and over TCP,
                            where nobody else can send, what is no answer or signed wrongly */
    XFR_REPLY_OK
};
struct xfr_reply {
    enum xfr_reply_kind kind;
    enum rcode rcode;
    uint32_t serial; /* SOA probe */
    bool has_expire;
    uint32_t expire; /* seconds */
    /* REFUSED: because the question had an OPT, as far as can be seen; who may be anybody over UDP,
     * unsigned, is waited out */
    bool wants_plain;
};
void xfr_reply_read(const struct xfr_ask *ask, struct tsig_session *tsig, const uint8_t *bytes,
                    size_t len, int64_t now_us, struct xfr_reply *out, struct diag *diag);

/* What all read of a message (message_read() said NOERROR): the rcode with the bits that OPT has,
 * and the EXPIRE option's seconds (false: there is none, RFC 7314 s3). */
unsigned xfr_rcode(const struct message *m);
/* Is it what a server says that knows no EDNS: it did not understand, and has no OPT either (RFC
 * 6891 s7; RFC 2671 s5.3 still had NOTIMP for that)? Or not our version of it (BADVERS). */
bool xfr_wants_plain(const struct message *m);
bool xfr_expire_read(const struct message *m, uint32_t *seconds);

#endif

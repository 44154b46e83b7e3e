/* SPDX-License-Identifier: Apache-2.0
 * Asking other servers, and reading the short answers.
 *
 * What is checked of an answer, in this order: id, QR and opcode, form, question; TC; signature;
 * rcode; contents. Until the signature is right nothing in the answer is believed but TC, which
 * costs no more than asking again over TCP. */
#include "xfr/ask.h"

#include "base/check.h"
#include "dns/build.h"
#include "dns/rrtype.h"

#define OPT_HEAD_LEN  11 /* root owner, type, class, ttl, rdlength */
#define OPTION_EXPIRE 9
/* What we take over UDP: a SOA with a long signature, and never a fragment. */
#define UDP_SIZE      1232
#define SOA_LEN_MAX   (2 * NAME_LEN_MAX + 20)

static const struct ask_row {
    enum opcode opcode;
    uint16_t flags, qtype;
    enum section soa_section;
} rows[] = {
    [XFR_ASK_SOA] = {OPCODE_QUERY, 0, TYPE_SOA, SECTION_AUTHORITY},
    [XFR_ASK_AXFR] = {OPCODE_QUERY, 0, TYPE_AXFR, SECTION_AUTHORITY},
    [XFR_ASK_IXFR] = {OPCODE_QUERY, 0, TYPE_IXFR, SECTION_AUTHORITY},
    /* RFC 1996 s4.5 */
    [XFR_ASK_NOTIFY] = {OPCODE_NOTIFY, FLAG_AA, TYPE_SOA, SECTION_ANSWER},
};

/* RFC 7314 s2: an option without payload. */
static void put_opt(struct build *b)
{
    size_t len = OPT_HEAD_LEN + 4;
    uint8_t *room = build_record_room(b, SECTION_ADDITIONAL, len);
    ASSERT(room);
    struct wr w = wr_over(room, len);
    wr_u8(&w, 0);
    wr_u16(&w, TYPE_OPT);
    wr_u16(&w, UDP_SIZE);
    wr_u32(&w, 0);
    wr_u16(&w, 4);
    wr_u16(&w, OPTION_EXPIRE);
    wr_u16(&w, 0);
    ASSERT(!w.bad);
}

size_t xfr_ask_write(const struct xfr_ask *ask, struct tsig_session *tsig, uint8_t out[XFR_ASK_MAX])
{
    const struct ask_row *row = &rows[ask->kind];
    struct build b;
    build_init(&b, out, XFR_ASK_MAX);
    bool fits = build_question(&b, ask->zone, row->qtype, CLASS_IN);
    struct rr soa = {ask->zone, TYPE_SOA, CLASS_IN, ask->soa_ttl, ask->soa};
    if (ask->soa.len)
        fits = fits && build_rr(&b, row->soa_section, &soa);
    ASSERT(fits);
    if (ask->wants_expire)
        put_opt(&b);
    build_header(&b, ask->id, (uint16_t)(row->flags | row->opcode << 11));
    tsig_session_done(tsig);
    if (ask->key)
        tsig_session_start(tsig, ask->key);
    ASSERT(b.len + tsig_room(tsig) <= XFR_ASK_MAX);
    return b.len;
}

/* --- OPT --- */

/* The record's fixed part and options; false: there is none. */
static bool opt_of(const struct message *m, uint32_t *ttl, struct rd *options)
{
    if (!m->opt_at)
        return false;
    struct rd r = rd_over(m->wire + m->opt_at, m->len - m->opt_at);
    (void)rd_bytes(&r, 5); /* owner (the root), type, size */
    *ttl = rd_u32(&r);
    *options = rd_sub(&r, rd_u16(&r));
    return !r.bad;
}

unsigned xfr_rcode(const struct message *m)
{
    uint32_t ttl = 0;
    struct rd options;
    (void)opt_of(m, &ttl, &options);
    return (ttl >> 24) << 4 | (m->flags & FLAG_RCODE_MASK); /* RFC 6891 s6.1.3 */
}

bool xfr_wants_plain(const struct message *m)
{
    unsigned rcode = xfr_rcode(m);
    return rcode == BADVERS || (!m->opt_at && (rcode == FORMERR || rcode == NOTIMP));
}

bool xfr_expire_read(const struct message *m, uint32_t *seconds)
{
    uint32_t ttl;
    struct rd options;
    if (!opt_of(m, &ttl, &options))
        return false;
    while (rd_left(&options) > 0) {
        uint16_t code = rd_u16(&options);
        struct rd payload = rd_sub(&options, rd_u16(&options));
        if (options.bad)
            return false;
        if (code == OPTION_EXPIRE && rd_left(&payload) == 4) {
            *seconds = rd_u32(&payload);
            return true;
        }
    }
    return false;
}

/* --- answers --- */

static enum xfr_reply_kind refuse(struct diag *diag, const char *why)
{
    err_say(diag, ERR_INVALID, "%s", why);
    return XFR_REPLY_REFUSED;
}

/* Does it answer this question? RFC 1996 s3.6. A server that could not read the question, or does
 * not know the opcode, may leave it out. */
static bool is_answer(const struct xfr_ask *ask, struct message *m, const uint8_t *bytes,
                      size_t len)
{
    const struct ask_row *row = &rows[ask->kind];
    if (!message_read_header(m, bytes, len) || m->id != ask->id || !(m->flags & FLAG_QR) ||
        message_opcode(m) != row->opcode || message_read(m) != NOERROR)
        return false;
    if (!m->qname.len)
        return (m->flags & FLAG_RCODE_MASK) != NOERROR;
    return name_is_equal(m->qname, ask->zone) && m->qtype == row->qtype && m->qclass == CLASS_IN;
}

static void say_times(const struct tsig_session *tsig, int64_t now_us, struct diag *diag)
{
    long long away = tsig->server_time_s ? (long long)tsig->server_time_s - now_us / 1000000 : 0;
    if (away)
        err_say(diag, ERR_INVALID, "BADTIME: its clock is %lld s %s ours", away < 0 ? -away : away,
                away < 0 ? "behind" : "ahead of");
    else
        err_say(diag, ERR_INVALID, "the answer was signed at another time: BADTIME");
}

/* RFC 8945 s5.4: what is not signed as it must be is no answer; it may be forged. */
static enum xfr_reply_kind doubt(const struct xfr_ask *ask, const char *why, struct diag *diag)
{
    enum xfr_reply_kind kind = refuse(diag, why);
    return ask->transport == TRANSPORT_UDP ? XFR_REPLY_FOREIGN : kind;
}

/* XFR_REPLY_OK: the signature is right, or none is wanted. */
static enum xfr_reply_kind check_signature(const struct xfr_ask *ask, struct tsig_session *tsig,
                                           const struct message *m, int64_t now_us,
                                           struct diag *diag)
{
    static const char *const errors[] = {
        [BADSIG] = "it says that our signature is wrong: BADSIG, or its own is",
        [BADKEY] = "it does not know the key, or signs with another one: BADKEY",
        [BADTRUNC] = "the signature is too short: BADTRUNC",
    };
    if (!ask->key)
        return m->tsig_at ? doubt(ask, "the answer is signed, the question was not", diag)
                          : XFR_REPLY_OK;
    if (!m->tsig_at)
        return doubt(ask, "the answer is not signed", diag);
    enum rcode rc = tsig_verify_answer(tsig, m, now_us);
    if (rc == NOERROR)
        return XFR_REPLY_OK;
    if (tsig->error == BADTIME) {
        say_times(tsig, now_us, diag); /* signed with the key, so nobody else said it */
        return XFR_REPLY_REFUSED;
    }
    bool is_known = tsig->error < ARRAY_LEN(errors) && errors[tsig->error];
    return doubt(ask, is_known ? errors[tsig->error] : "the answer's signature is malformed", diag);
}

/* The one SOA of the zone in the answer section. */
static enum xfr_reply_kind read_soa(const struct xfr_ask *ask, const struct message *m,
                                    struct xfr_reply *out, struct diag *diag)
{
    uint8_t room[SOA_LEN_MAX];
    struct rr_reader reader = rr_reader_of(m, SECTION_ANSWER);
    struct rr rr;
    unsigned count = 0;
    while (reader.left > 0) {
        struct wr rdata = wr_over(room, sizeof(room));
        /* one too large for the room is no SOA */
        if (rr_read(&reader, &rdata, &rr) != RR_READ_OK || rr.type != TYPE_SOA ||
            rr.class != CLASS_IN || !rr.rdata.len || !name_is_equal(rr.owner, ask->zone))
            continue;
        out->serial = soa_of(rr.rdata).serial;
        count++;
    }
    if (count != 1)
        return refuse(diag, count ? "the answer has several SOA records" : "no SOA in the answer");
    return XFR_REPLY_OK;
}

static enum xfr_reply_kind read_reply(const struct xfr_ask *ask, const struct message *m,
                                      struct xfr_reply *out, struct diag *diag)
{
    char text[16];
    unsigned rcode = xfr_rcode(m);
    out->rcode = (enum rcode)rcode;
    if (rcode != NOERROR)
        return refuse(diag, rcode_text(rcode, text));
    if (ask->kind == XFR_ASK_NOTIFY)
        return XFR_REPLY_OK;
    if (!(m->flags & FLAG_AA))
        return refuse(diag, "the answer is not authoritative");
    out->has_expire = xfr_expire_read(m, &out->expire);
    return read_soa(ask, m, out, diag);
}

void xfr_reply_read(const struct xfr_ask *ask, struct tsig_session *tsig, const uint8_t *bytes,
                    size_t len, int64_t now_us, struct xfr_reply *out, struct diag *diag)
{
    struct message m;
    ASSERT(ask->kind == XFR_ASK_SOA || ask->kind == XFR_ASK_NOTIFY);
    *out = (struct xfr_reply){.kind = XFR_REPLY_FOREIGN};
    if (!is_answer(ask, &m, bytes, len)) {
        if (ask->transport == TRANSPORT_TCP) /* nobody else can send: not to be waited out */
            out->kind = refuse(diag, "what came is no answer to the question");
        return;
    }
    if (m.flags & FLAG_TC) {
        out->kind = ask->transport == TRANSPORT_UDP ? XFR_REPLY_TRUNCATED
                                                    : refuse(diag, "truncated over TCP");
        return;
    }
    out->kind = check_signature(ask, tsig, &m, now_us, diag);
    if (out->kind == XFR_REPLY_OK)
        out->kind = read_reply(ask, &m, out, diag);
    out->wants_plain = out->kind == XFR_REPLY_REFUSED && xfr_wants_plain(&m);
}

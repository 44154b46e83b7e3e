/* SPDX-License-Identifier: Apache-2.0
 * The messages of an incoming transfer.
 *
 * What a message says is believed in this order: that it is an answer to our request, that it is
 * signed as the request was, that it is no error; then its records. An rcode in a message that is
 * not signed as it should be is taken as a refusal all the same: a server that does not know our
 * key, or TSIG, has no other way to say so, and who could forge it could as well cut the
 * connection. */
#include "xfr/in.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "xfr/ask.h"
#include "xfr/in_int.h"

/* Messages without an answer in a row. RFC 5936 s2.2 has none at all. */
#define EMPTY_RUN_MAX 100

/* What is kept of messages may be so much larger than they were: compression, and the zone's own
 * structure. */
#define KEPT_PER_BYTE 4

struct xfr_in *xfr_in_new(const struct xfr_in_order *order, struct tsig_session *tsig)
{
    ASSERT(order->qtype == TYPE_AXFR || order->qtype == TYPE_IXFR);
    struct xfr_in *x = mem_alloc_zero(sizeof(*x));
    x->order = *order;
    name_copy(&x->apex, order->zone);
    x->order.zone = name_of(&x->apex);
    x->batch = mem_alloc(sizeof(*x->batch));
    x->tsig = *tsig;
    *tsig = (struct tsig_session){0};
    return x;
}

struct tsig_session *xfr_in_tsig(struct xfr_in *x)
{
    return &x->tsig;
}

void xfr_in_free(struct xfr_in *x)
{
    if (!x)
        return;
    txn_abort(&x->txn);
    zone_free(x->zone);
    xfr_steps_done(&x->steps);
    free(x->step.bytes);
    free(x->batch);
    tsig_session_done(&x->tsig);
    free(x);
}

/* --- the message as a whole --- */

static bool read_frame(struct message *m, const uint8_t *bytes, size_t len)
{
    return message_read_header(m, bytes, len) && message_read(m) == NOERROR;
}

static const char *tsig_error_text(unsigned error, char buf[16])
{
    return error == BADSIG ? "BADSIG" : rcode_text(error, buf);
}

/* "answered NOTAUTH (BADKEY), unsigned, after 3 records" */
static enum xfr_in_next refused(struct xfr_in *x, enum rcode rcode, bool is_verified,
                                struct diag *diag)
{
    char name[16], error[16];
    x->rcode = rcode;
    bool has_error = x->tsig.is_signed && x->tsig.error != NOERROR;
    err_say(diag, ERR_INVALID, "answered %s%s%s%s%s", rcode_text(rcode, name),
            has_error ? " (" : "", has_error ? tsig_error_text(x->tsig.error, error) : "",
            has_error ? ")" : "", is_verified ? "" : ", unsigned");
    if (diag && x->count.records > 0) {
        struct diag said = *diag;
        err_say(diag, ERR_INVALID, "%s, after %llu records", said.text,
                (unsigned long long)x->count.records);
    }
    return XFR_IN_REFUSED;
}

static enum xfr_in_next signature_is_bad(const struct xfr_in *x, enum rcode verified,
                                         const struct message *m, struct diag *diag)
{
    char error[16];
    if (verified == NOTAUTH)
        return xfr_in_breach(diag, "the signature does not verify (%s)",
                             tsig_error_text(x->tsig.error, error));
    return m->tsig_at ? xfr_in_breach(diag, "malformed signature")
                      : xfr_in_breach(diag, "a signature is missing");
}

/* RFC 8945 s5.4: an answer to what was not signed is not signed. */
static enum xfr_in_next check_signature(struct xfr_in *x, const struct message *m, int64_t now_us,
                                        struct diag *diag)
{
    enum rcode rcode = (enum rcode)xfr_rcode(m);
    if (!x->tsig.is_signed && rcode == NOERROR)
        return m->tsig_at ? xfr_in_breach(diag, "signed, which the request was not") : XFR_IN_MORE;
    enum rcode verified =
        x->tsig.is_signed ? tsig_verify_answer(&x->tsig, m, now_us) : (enum rcode)NOERROR;
    x->wants_plain = xfr_wants_plain(m) && x->count.messages == 1;
    if (rcode != NOERROR)
        return refused(x, rcode, verified == NOERROR && x->tsig.unsigned_run == 0, diag);
    return verified == NOERROR ? XFR_IN_MORE : signature_is_bad(x, verified, m, diag);
}

/* RFC 5936 s2.2.2: the first message has the request's question, the others may. */
static enum xfr_in_next check_question(const struct xfr_in *x, const struct message *m,
                                       struct diag *diag)
{
    if (m->qname.len == 0)
        return x->count.messages > 1 ? XFR_IN_MORE
                                     : xfr_in_breach(diag, "the first message has no question");
    bool is_ours = m->qtype == x->order.qtype && m->qclass == CLASS_IN &&
                   name_is_equal(m->qname, x->order.zone);
    return is_ours ? XFR_IN_MORE : xfr_in_breach(diag, "answers another question");
}

static enum xfr_in_next check_head(struct xfr_in *x, const struct message *m, int64_t now_us,
                                   struct diag *diag)
{
    if (m->id != x->order.id)
        return xfr_in_breach(diag, "message id %u, asked with %u", m->id, x->order.id);
    if (!(m->flags & FLAG_QR) || message_opcode(m) != OPCODE_QUERY)
        return xfr_in_breach(diag, "not an answer to a query");
    enum xfr_in_next next = check_signature(x, m, now_us, diag);
    if (next != XFR_IN_MORE)
        return next;
    if (m->flags & FLAG_TC)
        return xfr_in_breach(diag, "truncated message");
    return check_question(x, m, diag);
}

/* --- its records --- */

/* What any record has to be. is_same: the owner is that of the record before. */
static const char *check_record(const struct xfr_in *x, const struct rr *rr, bool is_same)
{
    struct name apex = x->order.zone;
    if (!is_same && !name_is_under(rr->owner, apex))
        return "out of the zone";
    if (rr->class != CLASS_IN)
        return "of another class";
    if (!rrtype_is_data(rr->type))
        return "of a type that no zone can have";
    if (rr->rdata.len == 0 && !rdata_check(rr->type, rr->rdata, NULL))
        return "without rdata";
    if (rr->type == TYPE_SOA && rr->owner.len != apex.len)
        return "not at the apex";
    /* it must fit a message behind the question of who asks us for it */
    if (DNS_HEADER_LEN + apex.len + 4u + rr->owner.len + 10u + rr->rdata.len > DNS_MESSAGE_MAX)
        return "too large to be sent";
    return NULL;
}

static enum xfr_in_next bad_record(const struct rr *rr, const char *why, struct diag *diag)
{
    char owner[NAME_TEXT_MAX], type[16];
    return xfr_in_breach(diag, "record %s %s is %s", name_text(rr->owner, owner),
                         rrtype_text(rr->type, type), why);
}

/* The next record, checked. RR_READ_BAD: with a sentence. */
static enum rr_read read_record(struct xfr_in *x, struct rr_reader *reader, struct wr *rdata,
                                struct rr *rr, struct diag *diag)
{
    enum rr_read got = rr_read(reader, rdata, rr);
    if (got == RR_READ_END)
        return got;
    x->count.records++;
    if (got == RR_READ_BAD) {
        xfr_in_breach(diag, "malformed record, number %llu", (unsigned long long)x->count.records);
        return got;
    }
    const char *why = check_record(x, rr, reader->is_same_owner);
    if (why) {
        bad_record(rr, why, diag);
        return RR_READ_BAD;
    }
    return got;
}

/* The next records of a zone, as many as there is room for. */
static enum rr_read read_batch(struct xfr_in *x, struct rr_reader *reader, struct diag *diag)
{
    struct xfr_in_batch *b = x->batch;
    struct wr rdata = wr_over(b->rdata, sizeof(b->rdata));
    b->count = b->owners = 0;
    while (b->count < XFR_IN_BATCH_MAX && wr_left(&rdata) >= RDATA_LEN_MAX) {
        struct rr *rr = &b->rr[b->count];
        enum rr_read got = read_record(x, reader, &rdata, rr, diag);
        if (got != RR_READ_OK)
            return got;
        if (b->owners == 0 || !reader->is_same_owner) {
            struct name_buf *name = &b->name[b->owners];
            name_copy(name, rr->owner);
            b->owner[b->owners++] = name_of(name);
        }
        rr->owner = b->owner[b->owners - 1];
        b->count++;
    }
    return RR_READ_OK;
}

/* In canonical order each owner finds the tree as its neighbour left it. */
static bool is_in_order(const struct xfr_in_batch *b)
{
    for (unsigned i = 1; i < b->owners; i++)
        if (name_compare(b->owner[i - 1], b->owner[i]) > 0)
            return false;
    return true;
}

static enum xfr_in_next read_zone(struct xfr_in *x, struct rr_reader *reader, struct diag *diag)
{
    struct xfr_in_batch *b = x->batch;
    do {
        if (read_batch(x, reader, diag) == RR_READ_BAD)
            return XFR_IN_BAD;
        if (x->state == XFR_IN_STATE_WHOLE && !is_in_order(b))
            txn_warm(x->txn, b->owner, b->owners);
        for (unsigned i = 0; i < b->count; i++) {
            enum xfr_in_next next = xfr_in_record(x, &b->rr[i], diag);
            if (next == XFR_IN_WHOLE && (i + 1 < b->count || reader->left > 0))
                return xfr_in_breach(diag, "records behind the SOA at the end");
            if (next != XFR_IN_MORE)
                return next;
        }
    } while (reader->left > 0);
    return XFR_IN_MORE;
}

static enum xfr_in_next read_records(struct xfr_in *x, const struct message *m, struct diag *diag)
{
    struct rr_reader reader = rr_reader_of(m, SECTION_ANSWER);
    while (reader.left > 0 && x->state != XFR_IN_STATE_WHOLE) {
        struct wr rdata = wr_over(x->batch->rdata, sizeof(x->batch->rdata));
        struct rr rr;
        if (read_record(x, &reader, &rdata, &rr, diag) == RR_READ_BAD)
            return XFR_IN_BAD;
        enum xfr_in_next next = xfr_in_record(x, &rr, diag);
        if ((next == XFR_IN_STEPS || next == XFR_IN_WHOLE) && reader.left > 0)
            return xfr_in_breach(diag, "records behind the SOA at the end");
        x->has_more = next == XFR_IN_CURRENT && reader.left > 0;
        if (next != XFR_IN_MORE)
            return next;
    }
    return reader.left > 0 ? read_zone(x, &reader, diag) : XFR_IN_MORE;
}

static enum xfr_in_next check_limits(const struct xfr_in *x, const struct message *m,
                                     struct diag *diag)
{
    const struct xfr_in_limits *limits = &x->order.limits;
    /* the closing SOA is a copy */
    if (limits->records_max &&
        x->count.records + m->count[SECTION_ANSWER] > limits->records_max + 1)
        return xfr_in_breach(diag, "more than %llu records",
                             (unsigned long long)limits->records_max);
    if (limits->bytes_max && x->count.bytes > limits->bytes_max)
        return xfr_in_breach(diag, "more than %llu bytes", (unsigned long long)limits->bytes_max);
    if (limits->bytes_max && xfr_in_kept(x) / KEPT_PER_BYTE > limits->bytes_max)
        return xfr_in_breach(diag, "more than %d times %llu bytes in memory", KEPT_PER_BYTE,
                             (unsigned long long)limits->bytes_max);
    return XFR_IN_MORE;
}

/* A message without records, which is no transfer if it is the first one. */
static enum xfr_in_next take_empty(struct xfr_in *x, struct diag *diag)
{
    if (x->state == XFR_IN_STATE_FIRST) {
        err_say(diag, ERR_INVALID, "answered without records");
        return XFR_IN_REFUSED;
    }
    return ++x->empty_run <= EMPTY_RUN_MAX
               ? XFR_IN_MORE
               : xfr_in_breach(diag, "more than %d messages without records", EMPTY_RUN_MAX);
}

/* The last message was right: what has come in becomes the caller's. */
static enum xfr_in_next finish(struct xfr_in *x, enum xfr_in_next next, struct diag *diag)
{
    /* RFC 8945 s5.3.1: the last message must be signed */
    if (x->tsig.is_signed && x->tsig.unsigned_run > 0)
        return xfr_in_breach(diag, "the last message is not signed");
    if (next == XFR_IN_WHOLE)
        zone_publish(x->zone, txn_seal(&x->txn, NULL));
    return next;
}

static enum xfr_in_next take_message(struct xfr_in *x, const struct message *m, int64_t now_us,
                                     struct diag *diag)
{
    enum xfr_in_next next = check_head(x, m, now_us, diag);
    if (next != XFR_IN_MORE)
        return next;
    next = check_limits(x, m, diag);
    x->is_too_large = next != XFR_IN_MORE;
    if (x->is_too_large)
        return next;
    x->has_expire = xfr_expire_read(m, &x->expire) || x->has_expire;
    if (m->count[SECTION_ANSWER] == 0)
        return take_empty(x, diag);
    x->empty_run = 0;
    next = read_records(x, m, diag);
    return next == XFR_IN_WHOLE || next == XFR_IN_STEPS || next == XFR_IN_CURRENT
               ? finish(x, next, diag)
               : next;
}

enum xfr_in_next xfr_in_message(struct xfr_in *x, const uint8_t *bytes, size_t len, int64_t now_us,
                                struct diag *diag)
{
    struct message m;
    ASSERT(x->state != XFR_IN_STATE_ENDED);
    x->count.messages++;
    x->count.bytes += len;
    enum xfr_in_next next = read_frame(&m, bytes, len)
                                ? take_message(x, &m, now_us, diag)
                                : xfr_in_breach(diag, "malformed message of %zu bytes", len);
    if (next != XFR_IN_MORE)
        x->state = XFR_IN_STATE_ENDED;
    return next;
}

/* --- what has come in --- */

struct zone *xfr_in_zone(struct xfr_in *x)
{
    struct zone *z = x->zone;
    ASSERT(x->state == XFR_IN_STATE_ENDED && z && !x->txn);
    x->zone = NULL;
    return z;
}

struct xfr_steps xfr_in_steps(struct xfr_in *x)
{
    struct xfr_steps steps = x->steps;
    ASSERT(x->state == XFR_IN_STATE_ENDED && steps.count > 0);
    x->steps = (struct xfr_steps){0};
    return steps;
}

bool xfr_in_has_soa_alone(const struct xfr_in *x)
{
    return x->state == XFR_IN_STATE_SECOND;
}

bool xfr_in_has_more(const struct xfr_in *x)
{
    return x->has_more;
}

uint32_t xfr_in_serial(const struct xfr_in *x)
{
    return x->serial;
}

enum rcode xfr_in_rcode(const struct xfr_in *x)
{
    return x->rcode;
}

bool xfr_in_wants_plain(const struct xfr_in *x)
{
    return x->wants_plain;
}

bool xfr_in_is_too_large(const struct xfr_in *x)
{
    return x->is_too_large;
}

bool xfr_in_expire(const struct xfr_in *x, uint32_t *seconds)
{
    if (x->has_expire)
        *seconds = x->expire;
    return x->has_expire;
}

struct xfr_in_count xfr_in_count(const struct xfr_in *x)
{
    return x->count;
}

/* SPDX-License-Identifier: Apache-2.0
 * The EDNS driver: reads OPT, runs the options' table, writes our OPT (RFC 6891).
 *
 * An OPT that cannot be read is answered with FORMERR or BADVERS and an OPT of our own that has no
 * options: what was read until then is forgotten. */
#include "edns/edns.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/check.h"

#define TTL_DO                        0x8000u /* DNSSEC OK, RFC 3225 s3 */
#define TTL_VERSION_SHIFT             16
#define TTL_RCODE_SHIFT               24
#define RCODE_HEADER_BITS             4 /* of the extended rcode, the lower bits are in the header */

#define ROW(X, name, code, how, text) &edns_##name,
static const struct edns_option *const options[] = {EDNS_OPTION_LIST(ROW, )};
#undef ROW

#define ROW(X, name, code, how, text) code,
static const uint16_t codes[] = {EDNS_OPTION_LIST(ROW, )};
#undef ROW

#define ROW(X, name, code, how, text) offsetof(struct counters, edns_option_##name),
static const size_t counters_at[] = {EDNS_OPTION_LIST(ROW, )};
#undef ROW

/* The rows that say ALWAYS. */
#define ASKED                         0u
#define ALWAYS                        1u
#define ROW(X, name, code, how, text) | how << EDNS_ROW_##name
static const uint32_t unasked = 0 EDNS_OPTION_LIST(ROW, );
#undef ROW

#define ROW_EACH(i, rows)                                                   \
    for (uint32_t i##_left = (rows), i; i##_left && (i = ctz(i##_left), 1); \
         i##_left &= i##_left - 1)

static unsigned ctz(uint32_t bits)
{
    return (unsigned)__builtin_ctz(bits);
}

/* The row of an option, or EDNS_ROW_COUNT. */
static unsigned option_row(uint16_t code)
{
    switch (code) {
#define ROW(X, name, code, how, text) \
    case code:                        \
        return EDNS_ROW_##name;
        EDNS_OPTION_LIST(ROW, )
#undef ROW
    default:
        return EDNS_ROW_COUNT;
    }
}

static void count_option(struct counters *all, unsigned row)
{
    (*(uint64_t *)(void *)((char *)all + counters_at[row]))++;
}

static enum rcode read_options(struct request *q, struct rd *r)
{
    while (rd_left(r) > 0) {
        uint16_t code = rd_u16(r);
        struct rd payload = rd_sub(r, rd_u16(r));
        if (r->bad)
            return FORMERR;
        unsigned row = option_row(code);
        if (row == EDNS_ROW_COUNT) {
            q->count->edns_unknown_option++; /* RFC 6891 s6.1.2: ignored */
            continue;
        }
        const struct edns_option *o = options[row];
        bool is_repeat = q->edns.seen >> row & 1;
        q->edns.seen |= 1u << row;
        if (is_repeat && o->repeat == EDNS_REPEAT_FORMERR)
            return FORMERR;
        if (is_repeat)
            continue;
        count_option(q->count, row);
        enum rcode rc = o->read ? o->read(q, &payload) : NOERROR;
        if (rc != NOERROR)
            return rc;
    }
    return NOERROR;
}

static void forget_options(struct edns *e)
{
    e->seen = 0;
    e->cookie_len = 0;
}

enum rcode edns_read(struct request *q)
{
    if (LIKELY(q->msg.opt_at == 0))
        return NOERROR;
    q->count->edns_queries++;

    struct rd r = rd_over(q->msg.wire + q->msg.opt_at, q->msg.len - q->msg.opt_at);
    uint8_t owner = rd_u8(&r);
    uint16_t type = rd_u16(&r);
    uint16_t size = rd_u16(&r);
    uint32_t ttl = rd_u32(&r);
    struct rd rdata = rd_sub(&r, rd_u16(&r));

    q->edns.is_present = true;
    q->edns.dnssec_ok = ttl & TTL_DO;
    q->edns.version = (uint8_t)(ttl >> TTL_VERSION_SHIFT);
    if (size > EDNS_PLAIN_SIZE)
        q->edns.client_size = size;
    if (r.bad || owner != 0 || type != TYPE_OPT) /* s6.1.2: the owner is the root */
        return FORMERR;
    if (q->edns.version != 0)
        return BADVERS; /* s6.1.3; what else is in there is not ours to judge */
    enum rcode rc = read_options(q, &rdata);
    if (rc != NOERROR)
        forget_options(&q->edns);
    return rc;
}

enum rcode edns_apply(struct request *q)
{
    ROW_EACH(row, q->edns.seen)
    {
        enum rcode rc = options[row]->apply ? options[row]->apply(q) : NOERROR;
        if (rc != NOERROR)
            return rc;
    }
    return NOERROR;
}

size_t edns_answer_max(const struct request *q)
{
    if (q->peer.transport != TRANSPORT_UDP)
        return DNS_MESSAGE_MAX;
    return q->edns.client_size < q->self->udp_size_max ? q->edns.client_size
                                                       : q->self->udp_size_max;
}

/* What does not fit is left out. */
static inline void reserve_option(struct request *q, unsigned row)
{
    const struct edns_option *o = options[row];
    uint16_t size = o->size ? o->size(q) : EDNS_ABSENT;
    if (size == EDNS_ABSENT)
        return;
    bool fits = build_reserve(q->answer, EDNS_TLV_HEAD_LEN + (size_t)size);
    if (UNLIKELY(!fits && o->shorten)) {
        o->shorten(q);
        size = o->size(q);
        fits = build_reserve(q->answer, EDNS_TLV_HEAD_LEN + (size_t)size);
    }
    if (!fits)
        return;
    q->edns.reserved += EDNS_TLV_HEAD_LEN + (uint32_t)size;
    q->edns.options |= 1u << row;
}

bool edns_reserve(struct request *q)
{
    q->edns.reserved = 0;
    q->edns.options = 0;
    if (!q->edns.is_present)
        return true;
    if (!build_reserve(q->answer, EDNS_OPT_HEAD_LEN))
        return false;
    q->edns.reserved = EDNS_OPT_HEAD_LEN;
    ROW_EACH(row, q->edns.seen | unasked)
    reserve_option(q, row);
    return true;
}

/* One option with its head. */
static void write_option(const struct request *q, unsigned row, struct wr *w)
{
    const struct edns_option *o = options[row];
    uint16_t size = o->size(q);
    wr_u16(w, codes[row]);
    uint8_t *len_at = wr_room(w, 2);
    ASSERT(len_at && wr_left(w) >= size);
    struct wr payload = wr_over(w->at, size);
    if (o->write)
        o->write(q, &payload);
    ASSERT(!payload.bad);
    put_u16(len_at, (uint16_t)wr_len(&payload));
    (void)wr_room(w, wr_len(&payload));
}

/* That is known only when the answer is there. RFC 8914 s3: of what does not fit, errors are left
 * out before any data, so that they come last is as it should be. */
static void say_unproven(struct request *q)
{
    char text[64];
    snprintf(text, sizeof(text), "more than %u NSEC3 iterations", q->self->nsec3_iterations_max);
    edns_say(q, EDE_NSEC3_ITERATIONS, text);
    if (!(q->edns.options >> EDNS_ROW_error & 1))
        reserve_option(q, EDNS_ROW_error);
}

void edns_write(struct request *q)
{
    if (!q->edns.is_present)
        return;
    if (UNLIKELY(q->edns.is_unproven))
        say_unproven(q);
    if (UNLIKELY(q->edns.has_error) && !(q->edns.options >> EDNS_ROW_error & 1) &&
        q->peer.transport == TRANSPORT_UDP)
        q->answer_flags |= FLAG_TC; /* RFC 8914 s3 */
    build_release(q->answer, q->edns.reserved);
    struct wr w = wr_over(build_record_room(q->answer, SECTION_ADDITIONAL, q->edns.reserved),
                          q->edns.reserved);
    ASSERT(w.start);
    uint32_t ttl = (uint32_t)q->rcode >> RCODE_HEADER_BITS << TTL_RCODE_SHIFT;
    if (q->edns.dnssec_ok)
        ttl |= TTL_DO; /* RFC 3225 s3: copied into the answer */
    wr_u8(&w, 0);
    wr_u16(&w, TYPE_OPT);
    wr_u16(&w, q->self->edns_size);
    wr_u32(&w, ttl);
    uint8_t *rdlen_at = wr_room(&w, 2);
    ROW_EACH(row, q->edns.options)
    write_option(q, row, &w);
    ASSERT(!w.bad);
    put_u16(rdlen_at, (uint16_t)(wr_len(&w) - EDNS_OPT_HEAD_LEN));
    build_trim(q->answer, wr_left(&w));
    q->edns.reserved = 0;
}

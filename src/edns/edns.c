/* SPDX-License-Identifier: Apache-2.0
 * The EDNS driver: reads OPT, runs the options' table, writes our OPT (RFC 6891).
 *
 * An OPT that cannot be read is answered with FORMERR or BADVERS and an OPT of our own that has no
 * options: what was read until then is forgotten. */
#include "edns/edns.h"

#include "base/attr.h"
#include "base/check.h"

#define TTL_DO            0x8000u /* DNSSEC OK, RFC 3225 s3 */
#define TTL_VERSION_SHIFT 16
#define TTL_RCODE_SHIFT   24
#define RCODE_HEADER_BITS 4 /* of the extended rcode, the lower bits are in the header */

/* The error stands before what can be done without when there is little room. */
static const struct edns_option *const options[] = {
    &edns_cookie, &edns_error,  &edns_keepalive,   &edns_nsid,
    &edns_expire, &edns_subnet, &edns_zoneversion, &edns_report,
};

_Static_assert(ARRAY_LEN(options) <= 32, "struct edns has one bit for each option");

/* The row of an option, or ARRAY_LEN(options). */
static unsigned option_row(uint16_t code)
{
    unsigned i = 0;
    while (i < ARRAY_LEN(options) && options[i]->code != code)
        i++;
    return i;
}

static enum rcode read_options(struct request *q, struct rd *r)
{
    while (rd_left(r) > 0) {
        uint16_t code = rd_u16(r);
        struct rd payload = rd_sub(r, rd_u16(r));
        if (r->bad)
            return FORMERR;
        unsigned row = option_row(code);
        if (row == ARRAY_LEN(options)) {
            q->count->edns_unknown_option++; /* RFC 6891 s6.1.2: ignored */
            continue;
        }
        bool is_repeat = q->edns.seen >> row & 1;
        q->edns.seen |= 1u << row;
        if (is_repeat && options[row]->repeat == EDNS_REPEAT_FORMERR)
            return FORMERR;
        if (is_repeat || !options[row]->read)
            continue;
        enum rcode rc = options[row]->read(q, &payload);
        if (rc != NOERROR)
            return rc;
    }
    return NOERROR;
}

enum rcode edns_read(struct request *q)
{
    q->edns = (struct edns){.client_size = EDNS_PLAIN_SIZE};
    if (q->msg.opt_at == 0)
        return NOERROR;
    q->count->edns_queries++;

    struct rd r = rd_over(q->msg.wire + q->msg.opt_at, q->msg.len - q->msg.opt_at);
    uint8_t owner = rd_u8(&r);
    uint16_t type = rd_u16(&r);
    uint16_t size = rd_u16(&r);
    uint32_t ttl = rd_u32(&r);
    struct rd rdata = rd_sub(&r, rd_u16(&r));

    struct edns head = {
        .is_present = true,
        .dnssec_ok = ttl & TTL_DO,
        .version = (uint8_t)(ttl >> TTL_VERSION_SHIFT),
        .client_size = size < EDNS_PLAIN_SIZE ? EDNS_PLAIN_SIZE : size,
    };
    q->edns = head;
    if (r.bad || owner != 0 || type != TYPE_OPT) /* s6.1.2: the owner is the root */
        return FORMERR;
    if (head.version != 0)
        return BADVERS; /* s6.1.3; what else is in there is not ours to judge */
    enum rcode rc = read_options(q, &rdata);
    if (rc != NOERROR)
        q->edns = head;
    return rc;
}

enum rcode edns_apply(struct request *q)
{
    for (unsigned i = 0; q->edns.seen && i < ARRAY_LEN(options); i++) {
        bool has_come = q->edns.seen >> i & 1;
        enum rcode rc = has_come && options[i]->apply ? options[i]->apply(q) : NOERROR;
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

bool edns_reserve(struct request *q)
{
    q->edns.reserved = 0;
    q->edns.options = 0;
    if (!q->edns.is_present)
        return true;
    if (!build_reserve(q->answer, EDNS_OPT_HEAD_LEN))
        return false;
    q->edns.reserved = EDNS_OPT_HEAD_LEN;
    for (unsigned i = 0; i < ARRAY_LEN(options); i++) {
        bool may_come = q->edns.seen >> i & 1 || !options[i]->read;
        uint16_t size = may_come && options[i]->size ? options[i]->size(q) : EDNS_ABSENT;
        if (size == EDNS_ABSENT || !build_reserve(q->answer, EDNS_TLV_HEAD_LEN + (size_t)size))
            continue;
        q->edns.reserved += EDNS_TLV_HEAD_LEN + (size_t)size;
        q->edns.options |= 1u << i;
    }
    return true;
}

/* One option with its head. */
static void write_option(const struct request *q, const struct edns_option *o, struct wr *w)
{
    uint16_t size = o->size(q);
    wr_u16(w, o->code);
    uint8_t *len_at = wr_room(w, 2);
    ASSERT(len_at && wr_left(w) >= size);
    struct wr payload = wr_over(w->at, size);
    if (o->write)
        o->write(q, &payload);
    ASSERT(!payload.bad);
    put_u16(len_at, (uint16_t)wr_len(&payload));
    (void)wr_room(w, wr_len(&payload));
}

void edns_write(struct request *q)
{
    if (!q->edns.is_present)
        return;
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
    for (unsigned i = 0; i < ARRAY_LEN(options); i++)
        if (q->edns.options >> i & 1)
            write_option(q, options[i], &w);
    ASSERT(!w.bad);
    put_u16(rdlen_at, (uint16_t)(wr_len(&w) - EDNS_OPT_HEAD_LEN));
    build_trim(q->answer, wr_left(&w));
    q->edns.reserved = 0;
}

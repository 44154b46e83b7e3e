/* SPDX-License-Identifier: Apache-2.0
 * Reading messages: the frame of everything once, then records on demand. */
#include "dns/message.h"

#include "base/check.h"

/* Pointers in one name. A name has no more labels, and who compresses has at least one before each
 * pointer; without a limit a chain of thousands could be walked again for each of thousands of
 * names. */
#define NAME_HOPS_MAX NAME_LABELS_MAX

bool message_read_header(struct message *m, const uint8_t *wire, size_t len)
{
    if (len < DNS_HEADER_LEN)
        return false;
    m->wire = wire;
    m->len = len;
    m->id = get_u16(wire);
    m->flags = get_u16(wire + 2);
    for (int s = 0; s < SECTION_COUNT; s++) {
        m->count[s] = get_u16(wire + 4 + 2 * s);
        m->section_at[s] = 0;
    }
    m->opt_at = m->tsig_at = 0;
    m->qname = (struct name){0};
    m->qtype = m->qclass = 0;
    return true;
}

/* A label with its length byte, which fits both rooms. Most often there is room for any label: then
 * a copy of fixed size is the quicker one, and what it writes too much will be written over. */
static inline void label_copy(uint8_t *to, size_t to_room, const uint8_t *from, size_t from_room)
{
    if (LIKELY(to_room > LABEL_LEN_MAX && from_room > LABEL_LEN_MAX))
        memcpy(to, from, LABEL_LEN_MAX + 1);
    else
        memcpy(to, from, *from + 1u);
}

bool message_name(const uint8_t *wire, size_t len, size_t *at, struct name_buf *out)
{
    /* floor: pointers must go below where this run of labels began */
    size_t p = *at, used = 0, floor = *at;
    unsigned hops = 0;
    for (;;) {
        if (p >= len)
            return false;
        uint8_t label = wire[p];
        if (label <= LABEL_LEN_MAX) {
            if (len - p < label + 1u || used + label + 1u > NAME_LEN_MAX)
                return false;
            label_copy(out->wire + used, NAME_LEN_MAX - used, wire + p, len - p);
            used += label + 1u;
            p += label + 1u;
            if (label == 0)
                break;
            continue;
        }
        if (label < 0xc0 || len - p < 2)
            return false; /* RFC 1035 s4.1.4, RFC 6891 s5: the types 01 and 10 are not in use */
        size_t target = get_u16(wire + p) & 0x3fff;
        if (hops == 0)
            *at = p + 2;
        if (target >= floor || target < DNS_HEADER_LEN || ++hops > NAME_HOPS_MAX)
            return false;
        p = floor = target;
    }
    if (hops == 0)
        *at = p;
    out->len = (uint8_t)used;
    return true;
}

size_t message_name_end(const uint8_t *wire, size_t len, size_t at)
{
    size_t from = at;
    while (at < len) {
        uint8_t label = wire[at];
        if (label == 0)
            return at + 1 - from <= NAME_LEN_MAX ? at + 1 : 0;
        if (label >= 0xc0)
            return len - at >= 2 && at - from < NAME_LEN_MAX ? at + 2 : 0;
        if (label > LABEL_LEN_MAX)
            return 0;
        at += label + 1u;
    }
    return 0;
}

/* The question: a view into the message where the name stands there uncompressed. */
static bool read_question(struct message *m, size_t *at)
{
    size_t span = name_span(m->wire + *at, m->len - *at);
    struct name qname;
    if (span) {
        qname = (struct name){m->wire + *at, (uint8_t)span};
        *at += span;
    } else {
        if (!message_name(m->wire, m->len, at, &m->qname_buf))
            return false;
        qname = name_of(&m->qname_buf);
    }
    if (m->len - *at < 4)
        return false;
    m->qname = qname;
    m->qtype = get_u16(m->wire + *at);
    m->qclass = get_u16(m->wire + *at + 2);
    *at += 4;
    return true;
}

/* What OPT and TSIG may be: where, how often, and under which owner. */
static bool note_meta(struct message *m, enum section s, unsigned left, size_t start,
                      size_t name_end, uint16_t type)
{
    if (type == TYPE_OPT) {
        /* RFC 6891 s6.1.1: at most one, in additional; s6.1.2: owner is the root */
        if (s != SECTION_ADDITIONAL || m->opt_at || name_end != start + 1)
            return false;
        m->opt_at = start;
    } else if (type == TYPE_TSIG) {
        /* RFC 8945 s5.1: the last record of additional, and only one */
        if (s != SECTION_ADDITIONAL || left != 0)
            return false;
        m->tsig_at = start;
    }
    return true;
}

static bool skip_records(struct message *m, enum section s, size_t *at)
{
    m->section_at[s] = *at;
    for (unsigned left = m->count[s]; left-- > 0;) {
        size_t start = *at, end = message_name_end(m->wire, m->len, start);
        if (end == 0 || m->len - end < 10)
            return false;
        uint16_t type = get_u16(m->wire + end), rdlen = get_u16(m->wire + end + 8);
        if (m->len - end - 10 < rdlen || !note_meta(m, s, left, start, end, type))
            return false;
        *at = end + 10 + rdlen;
    }
    return true;
}

enum rcode message_read(struct message *m)
{
    size_t at = DNS_HEADER_LEN;
    m->section_at[SECTION_QUESTION] = at;
    if (m->count[SECTION_QUESTION] > 1)
        return FORMERR; /* RFC 9619 s4 for QUERY; UPDATE and NOTIFY have one as well */
    if (m->count[SECTION_QUESTION] == 1 && !read_question(m, &at))
        return FORMERR;
    for (int s = SECTION_ANSWER; s < SECTION_COUNT; s++)
        if (!skip_records(m, (enum section)s, &at))
            return FORMERR;
    return at == m->len ? NOERROR : FORMERR;
}

struct rr_reader rr_reader_of(const struct message *m, enum section s)
{
    ASSERT(s != SECTION_QUESTION);
    return (struct rr_reader){.m = m, .at = m->section_at[s], .left = m->count[s]};
}

/* Records of one name mostly come in a row, the name written out once. */
static bool read_owner(struct rr_reader *reader)
{
    const struct message *m = reader->m;
    size_t at = reader->at;
    if (m->len - at >= 2 && m->wire[at] >= 0xc0)
        at = get_u16(m->wire + at) & 0x3fff;
    reader->is_same_owner = reader->owner_at != 0 && at == reader->owner_at;
    if (reader->is_same_owner) {
        reader->at += 2;
        return true;
    }
    reader->owner_at = 0;
    if (!message_name(m->wire, m->len, &reader->at, &reader->owner))
        return false;
    reader->owner_at = at;
    return true;
}

enum rr_read rr_read(struct rr_reader *reader, struct wr *rdata, struct rr *out)
{
    const struct message *m = reader->m;
    if (reader->left == 0)
        return RR_READ_END;
    reader->left--;
    if (!read_owner(reader))
        return RR_READ_BAD;
    struct rd r = rd_over(m->wire, m->len);
    r.at = m->wire + reader->at;
    struct rr rr = {.owner = name_of(&reader->owner)};
    rr.type = rd_u16(&r);
    rr.class = rd_u16(&r);
    rr.ttl = rd_u32(&r);
    uint16_t rdlen = rd_u16(&r);
    if (r.bad || rd_left(&r) < rdlen) {
        reader->left = 0;
        return RR_READ_BAD;
    }
    reader->at += 10u + rdlen;
    if (rr.ttl > TTL_MAX && rr.type != TYPE_OPT)
        rr.ttl = 0; /* RFC 2181 s8 */
    uint8_t *start = rdata->at;
    if (rdlen && !rdata_from_wire(rr.type, &r, rdlen, rdata, NULL))
        return RR_READ_BAD;
    rr.rdata = (struct rdata){start, (uint16_t)(rdata->at - start)};
    *out = rr;
    return RR_READ_OK;
}

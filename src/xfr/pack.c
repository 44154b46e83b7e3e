/* SPDX-License-Identifier: Apache-2.0
 * Packing records into messages.
 *
 * A record is written without asking whether it fits, since there is always room for one behind a
 * message that is not full, and counts only when it turns out to fit: p->len moves last. What was
 * remembered of a record that did not fit is wrong, but then the message is over, and its number
 * with it. */
#include "xfr/pack.h"

#include "base/check.h"

#define POINTER_MAX 0x3fff
#define FIXED_LEN   8 /* type, class, TTL */

void pack_init(struct pack *p, struct name apex)
{
    memset(p, 0, sizeof(*p));
    p->apex = apex;
    const struct rrtype_info *row;
    for (unsigned i = 0; (row = rrtype_row(i)); i++)
        if (row->compress) {
            ASSERT(row->code < PACK_TYPES && row->name_at >= 0);
            p->compressed[row->code] = row;
        }
}

void pack_start(struct pack *p, uint8_t *wire, const struct pack_room *room)
{
    /* whatever is not full has room for an owner, and for the rdata of any type with names */
    ASSERT(room->reserved < room->fill && room->fill <= DNS_MESSAGE_MAX / 2);
    p->wire = wire;
    p->len = DNS_HEADER_LEN;
    p->fill = room->fill - room->reserved;
    p->limit = DNS_MESSAGE_MAX - room->reserved;
    p->records = 0;
    p->records_min = room->records_min;
    p->message++;
    p->apex_at = p->owner_at = 0;
}

/* --- names --- */

static inline uint64_t get_raw(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
    return v;
}

/* Of its first and last bytes and some between; a suffix has at least three. */
static inline unsigned slot_of(const uint8_t *suffix, unsigned len)
{
    uint64_t a, b;
    if (LIKELY(len >= 8)) {
        a = get_raw(suffix, 8);
        b = get_raw(suffix + len - 8, 8) + 3 * get_raw(suffix + len / 2 - 4, 8);
    } else {
        unsigned half = len >= 4 ? 4 : 2;
        a = half == 4 ? get_raw(suffix, 4) : get_raw(suffix, 2);
        b = half == 4 ? get_raw(suffix + len - 4, 4) : suffix[len - 2];
    }
    uint64_t h = (a + len) * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu;
    return (unsigned)((h ^ h >> 29) * 0x9e3779b97f4a7c15u >> (64 - PACK_NAMES_BITS));
}

/* Where the suffix stands in the message, or 0: then it will stand `here`, which is remembered. */
static inline unsigned find(struct pack *p, struct name suffix, size_t here)
{
    if (suffix.len == p->owner.len && p->owner_at && name_is_same(suffix, p->owner))
        return p->owner_at;
    if (suffix.len == p->apex.len && name_is_same(suffix, p->apex)) {
        if (!p->apex_at && here <= POINTER_MAX) {
            p->apex_at = (uint16_t)here;
            return 0;
        }
        return p->apex_at;
    }
    struct pack_name *e = &p->name[slot_of(suffix.wire, suffix.len)];
    if (e->len == suffix.len && e->message == p->message &&
        memcmp(e->wire, suffix.wire, suffix.len) == 0)
        return e->at;
    if (here <= POINTER_MAX)
        *e = (struct pack_name){suffix.wire, p->message, (uint16_t)here, suffix.len};
    return 0;
}

static inline uint8_t *put_pointer(uint8_t *w, unsigned to)
{
    put_u16(w, (uint16_t)(0xc000 | to));
    return w + 2;
}

/* Gives where the name ends. */
static uint8_t *put_name(struct pack *p, uint8_t *w, struct name n)
{
    for (struct name s = n; *s.wire; s = name_parent(s)) {
        size_t head = (size_t)(s.wire - n.wire);
        unsigned to = find(p, s, (size_t)(w - p->wire) + head);
        if (to) {
            memcpy(w, n.wire, head);
            return put_pointer(w + head, to);
        }
    }
    memcpy(w, n.wire, n.len);
    return w + n.len;
}

/* One label below the apex, and where the apex stands is known. */
static inline bool is_child(const struct pack *p, struct name owner)
{
    size_t head = owner.wire[0] + 1u;
    return p->apex_at && owner.len == head + p->apex.len &&
           memcmp(owner.wire + head, p->apex.wire, p->apex.len) == 0;
}

static inline uint8_t *put_owner(struct pack *p, struct name owner)
{
    uint8_t *w = p->wire + p->len, *end;
    if (p->owner_at && owner.len == p->owner.len &&
        (owner.wire == p->owner.wire || memcmp(owner.wire, p->owner.wire, owner.len) == 0))
        return put_pointer(w, p->owner_at);
    size_t at = p->len;
    if (LIKELY(is_child(p, owner))) {
        size_t head = owner.wire[0] + 1u;
        memcpy(w, owner.wire, head);
        end = put_pointer(w + head, p->apex_at);
    } else {
        end = put_name(p, w, owner);
        /* a name that is one pointer is pointed to where that points, and the root is no shorter
         * with one */
        if ((w[0] & 0xc0) == 0xc0)
            at = get_u16(w) & POINTER_MAX;
        else if (name_is_root(owner))
            at = 0;
    }
    p->owner = owner;
    p->owner_at = at <= POINTER_MAX ? (uint16_t)at : 0;
    return end;
}

void pack_question(struct pack *p, struct name qname, uint16_t qtype, uint16_t qclass)
{
    ASSERT(p->len == DNS_HEADER_LEN && p->records == 0);
    uint8_t *w = p->wire + p->len;
    memcpy(w, qname.wire, qname.len);
    put_u16(w + qname.len, qtype);
    put_u16(w + qname.len + 2, qclass);
    if (!name_is_root(qname)) {
        p->owner = qname;
        p->owner_at = DNS_HEADER_LEN;
        p->apex_at = name_is_same(qname, p->apex) ? DNS_HEADER_LEN : 0;
    }
    p->len += qname.len + 4u;
}

/* --- records --- */

/* Rdata with names that are compressed, its length before it. NULL: malformed. */
static uint8_t *put_named(struct pack *p, uint8_t *w, const struct rrtype_info *info,
                          const uint8_t *rdata, size_t len)
{
    uint8_t *start = w + 2;
    size_t head = (size_t)info->name_at;
    if (UNLIKELY(len < head))
        return NULL;
    w = start;
    if (head) {
        memcpy(w, rdata, head);
        w += head;
    }
    for (unsigned i = 0; i < info->name_count; i++) {
        size_t span = name_span(rdata + head, len - head);
        if (UNLIKELY(span == 0))
            return NULL;
        w = put_name(p, w, (struct name){rdata + head, (uint8_t)span});
        head += span;
    }
    if (head < len) {
        memcpy(w, rdata + head, len - head);
        w += len - head;
    }
    put_u16(start - 2, (uint16_t)(w - start));
    return w;
}

enum pack_result pack_records(struct pack *p, struct pack_set *s)
{
    const struct rrtype_info *info = s->type < PACK_TYPES ? p->compressed[s->type] : NULL;
    while (s->data < s->end) {
        if (UNLIKELY(p->len >= p->fill))
            return PACK_FULL;
        size_t len = get_u16(s->data);
        uint8_t *w = put_owner(p, s->owner);
        if (UNLIKELY((size_t)(w - p->wire) + FIXED_LEN + 2 + len > p->limit))
            return PACK_FULL;
        memcpy(w, s->fixed, FIXED_LEN);
        w += FIXED_LEN;
        if (info) {
            w = put_named(p, w, info, s->data + 2, len);
            if (UNLIKELY(!w))
                return PACK_BAD;
        } else {
            memcpy(w, s->data, 2 + len);
            w += 2 + len;
        }
        size_t end = (size_t)(w - p->wire);
        if (UNLIKELY(end > p->fill) && p->records >= p->records_min)
            return PACK_FULL;
        p->len = end;
        p->records++;
        s->data += 2 + len;
    }
    return PACK_DONE;
}

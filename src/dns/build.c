/* SPDX-License-Identifier: Apache-2.0
 * Building messages.
 *
 * Compression keeps every suffix written so far as (first label, the suffix behind it), so that a lookup compares one
 * label and never follows a pointer: from the right, each label is looked up under the suffix found so far, and what is left
 * over at the first miss is written out and remembered. */
#include "dns/build.h"

#include "base/check.h"

#define POINTER_MAX 0x3fff

_Static_assert(BUILD_NAMES_MAX < 255, "1 + index fits a byte");
_Static_assert((BUILD_NAMES_HASH & (BUILD_NAMES_HASH - 1)) == 0, "a mask finds the slot");

void build_init(struct build *b, uint8_t *wire, size_t limit)
{
    ASSERT(limit >= DNS_HEADER_LEN);
    b->wire = wire;
    b->limit = limit;
    b->len = DNS_HEADER_LEN;
    b->reserved = 0;
    memset(b->count, 0, sizeof(b->count));
    b->qname = (struct name){0};
    b->names = 0;
    memset(b->name_hash, 0, sizeof(b->name_hash));
}

void build_header(struct build *b, uint16_t id, uint16_t flags)
{
    put_u16(b->wire, id);
    put_u16(b->wire + 2, flags);
    for (int s = 0; s < SECTION_COUNT; s++)
        put_u16(b->wire + 4 + 2 * s, b->count[s]);
}

bool build_reserve(struct build *b, size_t bytes)
{
    if (build_room(b) < bytes)
        return false;
    b->reserved += bytes;
    return true;
}

void build_release(struct build *b, size_t bytes)
{
    ASSERT(b->reserved >= bytes);
    b->reserved -= bytes;
}

struct build_mark build_mark(const struct build *b)
{
    struct build_mark mark = {.len = b->len, .names = b->names};
    memcpy(mark.count, b->count, sizeof(mark.count));
    return mark;
}

void build_undo(struct build *b, struct build_mark mark)
{
    ASSERT(mark.len <= b->len && mark.names <= b->names);
    /* the last one in is the first one out: no probe sequence is broken */
    while (b->names > mark.names)
        b->name_hash[b->name[--b->names].slot] = 0;
    b->len = mark.len;
    memcpy(b->count, mark.count, sizeof(b->count));
}

/* --- names --- */

/* Cheap and good enough: entries of a slot are compared by label and rest, and there are few of them. */
static unsigned label_hash(const uint8_t *label, unsigned rest)
{
    unsigned len = label[0];
    unsigned h = rest * 0x9e37u + len * 0x3f1u + label[1] * 0x1f35u + label[len] * 0x6d3u + label[1 + len / 2] * 0x95u;
    return (h ^ h >> 7) & (BUILD_NAMES_HASH - 1);
}

/* The entry for the label before `rest`, or 0 with *slot where it would go. */
static unsigned name_find(const struct build *b, const uint8_t *label, unsigned rest, unsigned *slot)
{
    unsigned i = label_hash(label, rest);
    for (; b->name_hash[i]; i = (i + 1) & (BUILD_NAMES_HASH - 1)) {
        const struct build_name *n = &b->name[b->name_hash[i] - 1];
        const uint8_t *other = b->wire + n->at;
        if (n->rest == rest && other[0] == label[0] && memcmp(other + 1, label + 1, label[0]) == 0)
            return b->name_hash[i];
    }
    *slot = i;
    return 0;
}

/* Remembers the label at `at` in the message before `rest`; gives back the entry, or 0 if there is no room for more. */
static unsigned name_add(struct build *b, size_t at, unsigned rest, unsigned slot)
{
    if (b->names == BUILD_NAMES_MAX || at > POINTER_MAX)
        return 0;
    b->name[b->names] = (struct build_name){(uint16_t)at, (uint16_t)slot, (uint8_t)rest};
    return b->name_hash[slot] = (uint8_t)++b->names;
}

static bool put_pointer(struct build *b, size_t target)
{
    if (build_room(b) < 2)
        return false;
    put_u16(b->wire + b->len, (uint16_t)(0xc000 | target));
    b->len += 2;
    return true;
}

/* Writes a name with compression. On false what is written so far is left to the caller's undo. */
static bool put_name(struct build *b, struct name n)
{
    uint8_t starts[NAME_LABELS_MAX];
    unsigned labels = 0, rest = 0, slot = 0;
    for (unsigned at = 0; n.wire[at]; at += n.wire[at] + 1u)
        starts[labels++] = (uint8_t)at;
    while (labels > 0) {
        unsigned found = name_find(b, n.wire + starts[labels - 1], rest, &slot);
        if (!found)
            break;
        rest = found;
        labels--;
    }
    size_t head = labels ? starts[labels - 1] + n.wire[starts[labels - 1]] + 1u : 0;
    size_t start = b->len;
    if (build_room(b) < head + (rest ? 2 : 1))
        return false;
    memcpy(b->wire + start, n.wire, head);
    b->len += head;
    if (rest)
        put_pointer(b, b->name[rest - 1].at);
    else
        b->wire[b->len++] = 0;
    while (labels-- > 0) {
        size_t at = start + starts[labels];
        if (name_find(b, b->wire + at, rest, &slot) || !(rest = name_add(b, at, rest, slot)))
            break;
    }
    return true;
}

bool build_question(struct build *b, struct name qname, uint16_t qtype, uint16_t qclass)
{
    struct build_mark mark = build_mark(b);
    size_t start = b->len;
    if (!put_name(b, qname) || build_room(b) < 4) {
        build_undo(b, mark);
        return false;
    }
    put_u16(b->wire + b->len, qtype);
    put_u16(b->wire + b->len + 2, qclass);
    b->len += 4;
    b->count[SECTION_QUESTION]++;
    b->qname = (struct name){b->wire + start, qname.len};
    return true;
}

/* Where the owner's name stands already, for a pointer; 0: it has to be written. */
static size_t owner_in_question(const struct build *b, struct name owner)
{
    if (b->qname.len < owner.len || !name_is_under(b->qname, owner) || name_is_root(owner))
        return 0;
    return (size_t)(b->qname.wire - b->wire) + b->qname.len - owner.len;
}

static bool put_owner(struct build *b, struct name owner, size_t *pointer)
{
    if (*pointer)
        return put_pointer(b, *pointer);
    *pointer = owner_in_question(b, owner);
    if (*pointer)
        return put_pointer(b, *pointer);
    size_t at = b->len;
    if (!put_name(b, owner))
        return false;
    /* a name that is itself one pointer is pointed to where that points */
    bool is_pointer = (b->wire[at] & 0xc0) == 0xc0;
    size_t stands_at = is_pointer ? (size_t)(get_u16(b->wire + at) & POINTER_MAX) : at;
    if (stands_at <= POINTER_MAX && !name_is_root(owner))
        *pointer = stands_at;
    return true;
}

/* --- rdata --- */

/* Fields before, between and after the names are copied, names are compressed. */
static bool put_named_rdata(struct build *b, const struct rrtype_info *info, struct rdata rdata)
{
    struct rd r = rd_over(rdata.bytes, rdata.len);
    size_t head = (size_t)info->name_at;
    ASSERT(info->name_at >= 0);
    if (build_room(b) < head + 2)
        return false;
    size_t len_at = b->len;
    b->len += 2;
    const uint8_t *p = rd_bytes(&r, head);
    memcpy(b->wire + b->len, p, head);
    b->len += head;
    for (unsigned i = 0; i < info->name_count; i++)
        if (!put_name(b, rd_name(&r)))
            return false;
    size_t tail = rd_left(&r);
    ASSERT(!r.bad);
    if (build_room(b) < tail)
        return false;
    memcpy(b->wire + b->len, r.at, tail);
    b->len += tail;
    put_u16(b->wire + len_at, (uint16_t)(b->len - len_at - 2));
    return true;
}

static bool put_record(struct build *b, const struct rrtype_info *info, const uint8_t fixed[8], struct rdata rdata)
{
    if (build_room(b) < 8)
        return false;
    memcpy(b->wire + b->len, fixed, 8);
    b->len += 8;
    if (info->compress && rdata.len) /* UPDATE has records of compressed types without rdata */
        return put_named_rdata(b, info, rdata);
    if (build_room(b) < 2u + rdata.len)
        return false;
    put_u16(b->wire + b->len, rdata.len);
    if (rdata.len)
        memcpy(b->wire + b->len + 2, rdata.bytes, rdata.len);
    b->len += 2u + rdata.len;
    return true;
}

bool build_records(struct build *b, enum section s, struct name owner, uint16_t type, uint16_t class,
                   uint32_t ttl, const uint8_t *data, unsigned count)
{
    const struct rrtype_info *info = rrtype_info(type);
    struct build_mark mark = build_mark(b);
    size_t pointer = 0;
    uint8_t fixed[8];
    put_u16(fixed, type);
    put_u16(fixed + 2, class);
    put_u32(fixed + 4, ttl);
    for (unsigned i = 0; i < count; i++) {
        struct rdata rdata = {data + 2, get_u16(data)};
        if (!put_owner(b, owner, &pointer) || !put_record(b, info, fixed, rdata)) {
            build_undo(b, mark);
            return false;
        }
        data += 2u + rdata.len;
    }
    b->count[s] = (uint16_t)(b->count[s] + count);
    return true;
}

bool build_rr(struct build *b, enum section s, const struct rr *rr)
{
    struct build_mark mark = build_mark(b);
    size_t pointer = 0;
    uint8_t fixed[8];
    put_u16(fixed, rr->type);
    put_u16(fixed + 2, rr->class);
    put_u32(fixed + 4, rr->ttl);
    if (!put_owner(b, rr->owner, &pointer) || !put_record(b, rrtype_info(rr->type), fixed, rr->rdata)) {
        build_undo(b, mark);
        return false;
    }
    b->count[s]++;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 * Building messages.
 *
 * Compression keeps every suffix written so far as (first label, the suffix behind it), so that a
 * lookup compares one label and never follows a pointer: from the right, each label is looked up
 * under the suffix found so far, and what is left over at the first miss is written out and
 * remembered. */
#include "dns/build.h"

#include "base/check.h"

#define POINTER_MAX 0x3fff
/* Slots looked at for one label. Chance fills few in a row; names made to share slots are written
 * out instead of costing hundreds of comparisons a label. */
#define PROBES_MAX  16
#define SLOT_NONE   BUILD_NAMES_HASH

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
    b->owner_at = 0;
    b->tail_entry = 0;
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
    if (b->tail_entry > b->names)
        b->tail_entry = 0;
    b->len = mark.len;
    b->owner_at = 0;
    memcpy(b->count, mark.count, sizeof(b->count));
}

/* --- names --- */

/* Cheap and good enough: entries of a slot are compared by label and rest, and there are few of
 * them. */
static unsigned label_hash(const uint8_t *label, unsigned rest)
{
    unsigned len = label[0];
    unsigned h = rest * 0x9e37u + len * 0x3f1u + label[1] * 0x1f35u + label[len] * 0x6d3u +
                 label[1 + len / 2] * 0x95u;
    return (h ^ h >> 7) & (BUILD_NAMES_HASH - 1);
}

static bool label_is_same(const uint8_t *a, const uint8_t *b)
{
    unsigned i = a[0];
    if (b[0] != i)
        return false;
    while (i > 0 && a[i] == b[i]) /* from the end: names in a row differ there ("ns1", "ns2") */
        i--;
    return i == 0;
}

/* The entry for the label before `rest`, or 0 with *slot where it would go (SLOT_NONE: nowhere). */
static unsigned name_find(const struct build *b, const uint8_t *label, unsigned rest,
                          unsigned *slot)
{
    unsigned i = label_hash(label, rest);
    for (unsigned left = PROBES_MAX; left > 0; left--, i = (i + 1) & (BUILD_NAMES_HASH - 1)) {
        if (!b->name_hash[i]) {
            *slot = i;
            return 0;
        }
        const struct build_name *n = &b->name[b->name_hash[i] - 1];
        if (n->rest == rest && label_is_same(b->wire + n->at, label))
            return b->name_hash[i];
    }
    *slot = SLOT_NONE;
    return 0;
}

/* Remembers the label at `at` in the message before `rest`; gives back the entry, or 0 if there is
 * no room for more. */
static unsigned name_add(struct build *b, size_t at, unsigned rest, unsigned slot)
{
    if (b->names == BUILD_NAMES_MAX || at > POINTER_MAX || slot == SLOT_NONE)
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

/* The rest of n behind its first label has an entry: the next name may end alike. */
static void note_tail(struct build *b, struct name n, unsigned entry)
{
    if (b->tail_entry != entry) {
        name_copy(&b->tail, name_parent(n));
        b->tail_entry = entry;
    }
}

/* A name on its way into the message: labels[0..count) are not found yet, what is behind them is
 * `rest`. */
struct name_parts {
    uint8_t starts[NAME_LABELS_MAX];
    unsigned count, rest, slot; /* slot: for the last of the labels left */
};

/* Looks the labels up from the right; from the first one where the name shares the others with the
 * name before. */
static void find_parts(struct build *b, struct name n, struct name_parts *p)
{
    unsigned head = n.wire[0] + 1u;
    p->count = p->rest = p->slot = 0;
    if (b->tail_entry && b->tail.len + head == n.len &&
        memcmp(b->tail.wire, n.wire + head, b->tail.len) == 0) {
        p->starts[0] = 0;
        p->count = 1;
        p->rest = b->tail_entry;
    } else
        for (unsigned at = 0; n.wire[at]; at += n.wire[at] + 1u)
            p->starts[p->count++] = (uint8_t)at;
    while (p->count > 0) {
        unsigned found = name_find(b, n.wire + p->starts[p->count - 1], p->rest, &p->slot);
        if (!found)
            return;
        if (p->count == 1 && p->rest)
            note_tail(b, n, p->rest);
        p->rest = found;
        p->count--;
    }
}

/* Remembers the labels that were written at `start`. */
static void add_parts(struct build *b, struct name n, struct name_parts *p, size_t start)
{
    for (unsigned i = p->count; i-- > 0;) {
        size_t at = start + p->starts[i];
        if (i + 1 < p->count)
            (void)name_find(b, b->wire + at, p->rest, &p->slot); /* no: its rest is new */
        if (i == 0 && p->rest)
            note_tail(b, n, p->rest);
        p->rest = name_add(b, at, p->rest, p->slot);
        if (!p->rest)
            return;
    }
}

/* Writes a name with compression. On false what is written so far is left to the caller's undo. */
static bool put_name(struct build *b, struct name n)
{
    struct name_parts p;
    find_parts(b, n, &p);
    size_t head = p.count ? p.starts[p.count - 1] + n.wire[p.starts[p.count - 1]] + 1u : 0;
    size_t start = b->len;
    if (build_room(b) < head + (p.rest ? 2 : 1))
        return false;
    memcpy(b->wire + start, n.wire, head);
    b->len += head;
    if (p.rest)
        put_pointer(b, b->name[p.rest - 1].at);
    else
        b->wire[b->len++] = 0;
    add_parts(b, n, &p, start);
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
    if (*pointer == 0)
        *pointer = b->owner_at && name_is_same(name_of(&b->owner), owner)
                       ? b->owner_at
                       : owner_in_question(b, owner);
    if (*pointer)
        return put_pointer(b, *pointer);
    size_t at = b->len;
    if (!put_name(b, owner))
        return false;
    /* a name that is itself one pointer is pointed to where that points */
    bool is_pointer = (b->wire[at] & 0xc0) == 0xc0;
    size_t stands_at = is_pointer ? (size_t)(get_u16(b->wire + at) & POINTER_MAX) : at;
    if (stands_at <= POINTER_MAX && !name_is_root(owner)) {
        *pointer = b->owner_at = stands_at;
        name_copy(&b->owner, owner);
    }
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

static bool put_record(struct build *b, const struct rrtype_info *info, const uint8_t fixed[8],
                       struct rdata rdata)
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

bool build_rrset(struct build *b, enum section s, const struct build_rrset *set)
{
    const struct rrtype_info *info = rrtype_info(set->type);
    struct build_mark mark = build_mark(b);
    size_t pointer = set->owner_at <= POINTER_MAX ? set->owner_at : 0;
    const uint8_t *data = set->data;
    uint8_t fixed[8];
    put_u16(fixed, set->type);
    put_u16(fixed + 2, set->class);
    put_u32(fixed + 4, set->ttl);
    for (unsigned i = 0; i < set->count; i++) {
        struct rdata rdata = {data + 2, get_u16(data)};
        if (!put_owner(b, set->owner, &pointer) || !put_record(b, info, fixed, rdata)) {
            build_undo(b, mark);
            return false;
        }
        data += 2u + rdata.len;
    }
    b->count[s] = (uint16_t)(b->count[s] + set->count);
    return true;
}

bool build_records(struct build *b, enum section s, struct name owner, uint16_t type,
                   uint16_t class, uint32_t ttl, const uint8_t *data, unsigned count)
{
    struct build_rrset set = {owner, 0, type, class, ttl, data, count};
    return build_rrset(b, s, &set);
}

uint8_t *build_record_room(struct build *b, enum section s, size_t len)
{
    if (build_room(b) < len)
        return NULL;
    uint8_t *p = b->wire + b->len;
    b->len += len;
    b->count[s]++;
    return p;
}

bool build_rr(struct build *b, enum section s, const struct rr *rr)
{
    struct build_mark mark = build_mark(b);
    size_t pointer = 0;
    uint8_t fixed[8];
    put_u16(fixed, rr->type);
    put_u16(fixed + 2, rr->class);
    put_u32(fixed + 4, rr->ttl);
    if (!put_owner(b, rr->owner, &pointer) ||
        !put_record(b, rrtype_info(rr->type), fixed, rr->rdata)) {
        build_undo(b, mark);
        return false;
    }
    b->count[s]++;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 * Records of one owner as a sorted array. Zone files and transfers mostly come in order, so adding
 * looks at the end first. */
#include "zone/edit.h"

#include <stdlib.h>

#include "base/check.h"

#define EDIT_BLOCK_LEN 65536

void edit_init(struct edit *e)
{
    *e = (struct edit){0};
    arena_init(&e->arena, EDIT_BLOCK_LEN, SIZE_MAX / 2);
}

void edit_done(struct edit *e)
{
    arena_done(&e->arena);
    free(e->entry);
    *e = (struct edit){0};
}

static uint32_t order_of(uint16_t type, const uint8_t *bytes)
{
    return type == TYPE_RRSIG ? (uint32_t)get_u16(bytes) * 2 + 1 : (uint32_t)type * 2;
}

/* Room for one more entry than `count`, at least. */
static void entries_grow(struct edit *e, uint32_t count)
{
    while (count >= e->cap) {
        e->cap = e->cap ? e->cap * 2 : 32;
        e->entry = mem_grow(e->entry, e->cap * sizeof(*e->entry));
    }
}

static void entry_insert(struct edit *e, uint32_t at, struct edit_entry entry)
{
    entries_grow(e, e->count);
    memmove(e->entry + at + 1, e->entry + at, (e->count - at) * sizeof(*e->entry));
    e->entry[at] = entry;
    e->count++;
    e->bytes += entry.len;
}

static struct edit_entry entry_of(struct rrset s, struct rdata r)
{
    return (struct edit_entry){order_of(s.type, r.bytes), s.ttl, r.bytes, r.len, s.type};
}

void edit_open(struct edit *e, const struct node *n)
{
    arena_reset(&e->arena);
    e->count = 0;
    e->bytes = 0;
    if (!n)
        return;
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r))
            entry_insert(e, e->count, entry_of(s, r));
}

static int entry_compare(const struct edit_entry *a, uint32_t order, uint16_t type,
                         struct rdata rdata)
{
    if (a->order != order)
        return a->order < order ? -1 : 1;
    return rdata_compare(type, (struct rdata){a->bytes, a->len}, rdata);
}

/* Where the record is (true) or would go (false). */
static bool find(const struct edit *e, uint32_t order, uint16_t type, struct rdata rdata,
                 uint32_t *at)
{
    uint32_t low = 0, high = e->count;
    int d = high ? entry_compare(&e->entry[high - 1], order, type, rdata) : -1;
    if (d < 0) {
        *at = high;
        return false;
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        d = entry_compare(&e->entry[mid], order, type, rdata);
        if (d == 0) {
            *at = mid;
            return true;
        }
        if (d < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *at = low;
    return false;
}

/* The entries of one order, around or next to `at`. */
static void rrset_range(const struct edit *e, uint32_t order, uint32_t at, uint32_t *from,
                        uint32_t *to)
{
    *from = *to = at;
    while (*from > 0 && e->entry[*from - 1].order == order)
        (*from)--;
    while (*to < e->count && e->entry[*to].order == order)
        (*to)++;
}

enum txn_effect edit_add(struct edit *e, const struct rr *rr, enum edit_ttl rule)
{
    ASSERT(rr->type != TYPE_RRSIG || rr->rdata.len >= 2);
    uint32_t order = order_of(rr->type, rr->rdata.bytes), at, from, to;
    bool is_there = find(e, order, rr->type, rr->rdata, &at);
    if (!is_there &&
        (e->count == TXN_NAME_RECORDS_MAX || e->bytes + rr->rdata.len > TXN_NAME_BYTES_MAX))
        return TXN_FULL;
    const struct edit_entry *mate = is_there                                    ? &e->entry[at]
                                    : at > 0 && e->entry[at - 1].order == order ? &e->entry[at - 1]
                                    : at < e->count && e->entry[at].order == order ? &e->entry[at]
                                                                                   : NULL;
    uint32_t ttl = mate && rule == EDIT_TTL_KEEP ? mate->ttl : rr->ttl;
    bool ttl_differs = mate && mate->ttl != rr->ttl;
    if (ttl_differs && rule == EDIT_TTL_TAKE) {
        rrset_range(e, order, at, &from, &to);
        for (uint32_t i = from; i < to; i++)
            e->entry[i].ttl = ttl;
    }
    if (!is_there) {
        const uint8_t *bytes = arena_copy(&e->arena, rr->rdata.bytes, rr->rdata.len);
        entry_insert(e, at, (struct edit_entry){order, ttl, bytes, rr->rdata.len, rr->type});
    }
    return ttl_differs ? TXN_TTL : is_there ? TXN_NOTHING : TXN_DONE;
}

enum txn_effect edit_remove(struct edit *e, uint16_t type, struct rdata rdata)
{
    uint32_t at;
    if (type == TYPE_RRSIG && rdata.len < 2)
        return TXN_NOTHING;
    if (!find(e, order_of(type, rdata.bytes), type, rdata, &at))
        return TXN_NOTHING;
    e->bytes -= e->entry[at].len;
    e->count--;
    memmove(e->entry + at, e->entry + at + 1, (e->count - at) * sizeof(*e->entry));
    return TXN_DONE;
}

enum txn_effect edit_remove_rrset(struct edit *e, uint16_t type)
{
    uint32_t before = e->count, kept = 0;
    for (uint32_t i = 0; i < before; i++)
        if (e->entry[i].type == type)
            e->bytes -= e->entry[i].len;
        else
            e->entry[kept++] = e->entry[i];
    e->count = kept;
    return kept == before ? TXN_NOTHING : TXN_DONE;
}

uint32_t edit_lower_bound(const struct edit *e, uint32_t order)
{
    uint32_t low = 0, high = e->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (e->entry[mid].order < order)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Do entries [from, to) say the same as the set? */
static bool is_set(const struct edit *e, uint32_t from, uint32_t to, struct rrset set)
{
    if (to - from != set.count)
        return false;
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r), from++)
        if (e->entry[from].ttl != set.ttl ||
            entry_compare(&e->entry[from], e->entry[from].order, set.type, r) != 0)
            return false;
    return true;
}

enum txn_effect edit_set(struct edit *e, struct rrset_id id, struct rrset set)
{
    uint32_t from = edit_lower_bound(e, rrset_order(id)),
             to = edit_lower_bound(e, rrset_order(id) + 1);
    size_t bytes = e->bytes;
    if (is_set(e, from, to, set))
        return TXN_NOTHING;
    for (uint32_t i = from; i < to; i++)
        bytes -= e->entry[i].len;
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r))
        bytes += r.len;
    uint32_t rest = e->count - (to - from);
    if (rest + set.count > TXN_NAME_RECORDS_MAX || bytes > TXN_NAME_BYTES_MAX)
        return TXN_FULL;
    entries_grow(e, rest + set.count);
    memmove(e->entry + from + set.count, e->entry + to, (e->count - to) * sizeof(*e->entry));
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r), from++) {
        e->entry[from] = entry_of(set, r);
        e->entry[from].bytes = arena_copy(&e->arena, r.bytes, r.len);
    }
    e->count = rest + set.count;
    e->bytes = bytes;
    return TXN_DONE;
}

size_t edit_node_size(const struct edit *e, struct name owner)
{
    size_t size = sizeof(struct node) + owner.len;
    for (uint32_t i = 0; i < e->count; i++) {
        if (i == 0 || e->entry[i].order != e->entry[i - 1].order)
            size += RRSET_HEAD_LEN;
        size += 2u + e->entry[i].len;
    }
    return size;
}

/* Writes entries [from, to), one RRset, and gives back where it ends. */
static uint8_t *rrset_write(const struct edit *e, uint32_t from, uint32_t to, uint8_t *p)
{
    const struct edit_entry *first = &e->entry[from];
    uint16_t count = (uint16_t)(to - from);
    uint8_t *data = p + RRSET_HEAD_LEN, *at = data;
    for (uint32_t i = from; i < to; i++) {
        put_u16(at, e->entry[i].len);
        memcpy(at + 2, e->entry[i].bytes, e->entry[i].len);
        at += 2u + e->entry[i].len;
    }
    uint32_t len = (uint32_t)(at - data);
    memcpy(p, &first->type, 2);
    memcpy(p + 2, &count, 2);
    memcpy(p + 4, &first->ttl, 4);
    memcpy(p + 8, &len, 4);
    return at;
}

void edit_node_write(const struct edit *e, struct name owner, struct node *out)
{
    ASSERT(e->count > 0);
    uint8_t *p = out->bytes + owner.len;
    out->rrset_count = 0;
    out->has = 0;
    out->owner_len = owner.len;
    memcpy(out->bytes, owner.wire, owner.len);
    for (uint32_t from = 0, to; from < e->count; from = to) {
        for (to = from + 1; to < e->count && e->entry[to].order == e->entry[from].order; to++)
            ;
        ASSERT(to - from <= UINT16_MAX);
        out->has |= node_has_bit(e->entry[from].type);
        p = rrset_write(e, from, to, p);
        out->rrset_count++;
    }
    out->size = (uint32_t)(p - (uint8_t *)out);
}

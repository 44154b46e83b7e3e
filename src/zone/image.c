/* SPDX-License-Identifier: Apache-2.0
 * Images: a chunk is a mark with the format's number, the count of its nodes, and the nodes' blocks
 * as they lie in memory, each padded to 4 bytes.
 *
 * A node that is not exactly what edit.c would have written is refused: what reads nodes relies on
 * every length and on every order in them, and never checks again. So all of it is checked here,
 * semantics of rdata included; at about 0.1 us a record that is cheap beside putting the node into
 * the tree. */
#include "zone/image.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/zone.h"

#define CHUNK_MARK     0x52564901u /* "RVI", format 1 */
#define CHUNK_HEAD_LEN 8
#define NODE_ALIGN     4

_Static_assert(_Alignof(struct node) <= NODE_ALIGN && CHUNK_HEAD_LEN % NODE_ALIGN == 0,
               "nodes lie aligned in a chunk");
_Static_assert(sizeof(struct node) == 8, "the block's head is part of the format");

static size_t padded(size_t len)
{
    return (len + NODE_ALIGN - 1) & ~(size_t)(NODE_ALIGN - 1);
}

/* --- writing --- */

void image_writer_start(struct image_writer *w, const struct version *v)
{
    walk_start(&w->walk, v);
    w->held = NULL;
}

static const struct node *next_node(struct image_writer *w)
{
    const struct node *n = w->held;
    w->held = NULL;
    return n ? n : walk_next(&w->walk);
}

uint8_t *image_next(struct image_writer *w, size_t *out_len)
{
    const struct node *n = next_node(w);
    if (!n)
        return NULL;
    size_t cap = CHUNK_HEAD_LEN + padded(n->size), len = CHUNK_HEAD_LEN;
    if (cap < IMAGE_CHUNK_LEN)
        cap = IMAGE_CHUNK_LEN;
    uint8_t *chunk = mem_alloc(cap);
    uint32_t count = 0;
    while (n && cap - len >= padded(n->size)) {
        memcpy(chunk + len, n, n->size);
        memset(chunk + len + n->size, 0, padded(n->size) - n->size);
        len += padded(n->size);
        count++;
        n = walk_next(&w->walk);
    }
    w->held = n;
    put_u32(chunk, CHUNK_MARK);
    put_u32(chunk + 4, count);
    *out_len = len;
    return chunk;
}

/* --- reading --- */

/* What a node's RRsets amount to so far. */
struct sum {
    uint32_t records;
    size_t bytes;
    int64_t order; /* of the last RRset */
    uint8_t has;
    bool is_nsec3;
};

/* The records of one RRset: valid, in canonical order, and filling it exactly. */
static const char *check_records(struct rrset s, struct sum *sum)
{
    struct rd r = rd_over(s.data, s.len);
    struct rdata last = {0};
    for (unsigned i = 0; i < s.count; i++) {
        struct rdata rdata;
        rdata.len = rd_u16(&r);
        rdata.bytes = rd_bytes(&r, rdata.len);
        if (r.bad)
            return "an RRset ends within a record";
        if (!rdata_check(s.type, rdata, NULL))
            return "malformed rdata";
        if (i > 0 && rdata_compare(s.type, last, rdata) >= 0)
            return "records out of order";
        if (i > 0 && s.type == TYPE_RRSIG && get_u16(last.bytes) != get_u16(rdata.bytes))
            return "RRSIGs over two types in one RRset";
        sum->bytes += rdata.len;
        last = rdata;
    }
    sum->records += s.count;
    return rd_left(&r) ? "an RRset is longer than its records" : NULL;
}

/* The RRset at the cursor, which is stepped over it. */
static const char *check_set(struct rd *r, struct sum *sum)
{
    const uint8_t *head = rd_bytes(r, RRSET_HEAD_LEN);
    if (!head)
        return "a node ends within an RRset";
    struct rrset s = rrset_at(head);
    if (!rd_bytes(r, s.len))
        return "an RRset is longer than its node";
    if (s.count == 0 || !rrtype_is_data(s.type))
        return "an RRset that no zone can have";
    const char *why = check_records(s, sum);
    if (why)
        return why;
    struct rrset_id id = rrset_id(s);
    if (rrset_order(id) <= sum->order)
        return "RRsets out of order";
    if (sum->order >= 0 && sum->is_nsec3 != rrset_is_nsec3(id))
        return "NSEC3 beside other RRsets";
    sum->is_nsec3 = rrset_is_nsec3(id);
    sum->order = rrset_order(id);
    sum->has |= node_has_bit(s.type);
    return NULL;
}

/* n->size bytes are there. NULL: the node is what a txn would have made. */
static const char *check_node(const struct node *n, struct name apex)
{
    size_t room = n->size - sizeof(*n);
    struct rd r = rd_over(n->bytes, room);
    if (n->owner_len == 0 || name_span(n->bytes, room) != n->owner_len)
        return "malformed owner";
    if (!name_is_under(node_owner(n), apex))
        return "owner out of the zone";
    rd_bytes(&r, n->owner_len);
    struct sum sum = {.order = -1};
    for (unsigned i = 0; i < n->rrset_count; i++) {
        const char *why = check_set(&r, &sum);
        if (why)
            return why;
    }
    if (n->rrset_count == 0 || rd_left(&r) != 0)
        return "a node and its RRsets differ in length";
    if (sum.records > TXN_NAME_RECORDS_MAX || sum.bytes > TXN_NAME_BYTES_MAX)
        return "more records than one name can have";
    return sum.has == n->has ? NULL : "a node says wrongly what it has";
}

static const char *load_nodes(struct txn *build, struct rd *r, uint32_t count)
{
    struct name apex = name_of(&txn_zone(build)->name);
    for (; count > 0; count--) {
        if (rd_left(r) < sizeof(struct node))
            return "ends within a node";
        const struct node *n = (const struct node *)(const void *)r->at;
        if (n->size < sizeof(*n) || !rd_bytes(r, padded(n->size)))
            return "ends within a node";
        const char *why = check_node(n, apex);
        if (why)
            return why;
        if (!txn_put_node(build, n))
            return "two nodes of one name";
    }
    return rd_left(r) ? "bytes behind the last node" : NULL;
}

static enum err load_aligned(struct txn *build, const uint8_t *bytes, size_t len, struct diag *diag)
{
    struct rd r = rd_over(bytes, len);
    uint32_t mark = rd_u32(&r), count = rd_u32(&r);
    if (r.bad || mark != CHUNK_MARK)
        return err_say(diag, ERR_INVALID, "snapshot: not of a known format");
    const char *why = load_nodes(build, &r, count);
    return why ? err_say(diag, ERR_INVALID, "snapshot: %s, at byte %zu", why,
                         (size_t)(r.at - r.start))
               : OK;
}

enum err image_load(struct txn *build, const uint8_t *bytes, size_t len, struct diag *diag)
{
    if ((uintptr_t)bytes % NODE_ALIGN == 0)
        return load_aligned(build, bytes, len, diag);
    uint8_t *copy = memcpy(mem_alloc(len), bytes, len);
    enum err e = load_aligned(build, copy, len, diag);
    free(copy);
    return e;
}

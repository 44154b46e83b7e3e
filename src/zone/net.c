/* SPDX-License-Identifier: Apache-2.0
 * Nets of changes: every record is an entry that counts up or down; entries of the same record are
 * brought together by sorting, whenever as many again have come as were left the last time, so that
 * all of it takes n log n. */
#include "zone/net.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/lookup.h"
#include "zone/serial.h"
#include "zone/version.h"

/* Entries that are worth a first sorting. */
#define NET_SORT_MIN 4096

/* A record in `bytes`, in the form of struct diff. */
struct net_entry {
    size_t at;
    uint32_t order; /* rrset_order() */
    uint16_t type;
    uint8_t owner_len;
    int8_t sign; /* of the record there; 1: added */
    int32_t sum; /* of all entries that it stands for */
    uint32_t tag;
};

struct net {
    struct name_buf zone;
    uint16_t class;
    struct net_entry *entry;
    size_t count, cap;
    size_t left; /* entries after the last sorting */
    uint8_t *bytes;
    size_t len, bytes_cap;
    bool is_settled;
    struct net *marks; /* an entry for each RRset that is left out; NULL: none is */
    size_t left_out;
};

#define RECORD_HEAD_LEN 10 /* type, class, ttl, rdlength */

struct net *net_new(struct name zone, uint16_t class)
{
    struct net *n = mem_alloc_zero(sizeof(*n));
    name_copy(&n->zone, zone);
    n->class = class;
    return n;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    net_free(n->marks);
    free(n->entry);
    free(n->bytes);
    free(n);
}

/* --- entries --- */

static struct rr entry_rr(const uint8_t *bytes, const struct net_entry *e)
{
    const uint8_t *p = bytes + e->at;
    const uint8_t *head = p + e->owner_len;
    return (struct rr){{p, e->owner_len},
                       e->type,
                       get_u16(head + 2),
                       get_u32(head + 4),
                       {head + RECORD_HEAD_LEN, get_u16(head + 8)}};
}

/* The entries may be of two nets. */
static int sets_compare(const uint8_t *bytes_a, const struct net_entry *a, const uint8_t *bytes_b,
                        const struct net_entry *b)
{
    struct name x = {bytes_a + a->at, a->owner_len}, y = {bytes_b + b->at, b->owner_len};
    int d = name_compare(x, y);
    return d || a->order == b->order ? d : a->order < b->order ? -1 : 1;
}

static int set_compare(const uint8_t *bytes, const struct net_entry *a, const struct net_entry *b)
{
    return sets_compare(bytes, a, bytes, b);
}

/* 0: the same record to the byte, but for the owner's case. */
static int record_compare(const uint8_t *bytes, const struct net_entry *a,
                          const struct net_entry *b)
{
    struct rr x = entry_rr(bytes, a), y = entry_rr(bytes, b);
    int d = set_compare(bytes, a, b);
    if (d == 0)
        d = rdata_compare(a->type, x.rdata, y.rdata);
    if (d == 0 && x.rdata.len)
        d = memcmp(x.rdata.bytes, y.rdata.bytes, x.rdata.len);
    if (d == 0 && x.ttl != y.ttl)
        d = x.ttl < y.ttl ? -1 : 1;
    return d;
}

/* Entries of the same record in the order they came. */
static int entry_compare(const void *a, const void *b, void *bytes)
{
    const struct net_entry *x = a, *y = b;
    int d = record_compare(bytes, x, y);
    return d ? d : x->at < y->at ? -1 : 1;
}

/* The order to read a net in: of each RRset what was removed, then what was added. */
static int shown_compare(const void *a, const void *b, void *bytes)
{
    const struct net_entry *x = a, *y = b;
    int d = set_compare(bytes, x, y);
    if (d == 0 && (x->sum > 0) != (y->sum > 0))
        d = x->sum > 0 ? 1 : -1;
    return d ? d : record_compare(bytes, x, y);
}

/* The last one of entries[0..n) of the same record that says what is left of them, with its sum. */
static struct net_entry group_take(const struct net_entry *entries, size_t n)
{
    struct net_entry last[2] = {0}; /* removed, added */
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += entries[i].sum;
        last[entries[i].sign > 0] = entries[i];
    }
    struct net_entry taken = last[sum > 0];
    taken.sum = sum;
    return taken;
}

static size_t record_len(const uint8_t *bytes, const struct net_entry *e)
{
    return e->owner_len + (size_t)RECORD_HEAD_LEN +
           get_u16(bytes + e->at + e->owner_len + RECORD_HEAD_LEN - 2);
}

/* Bytes in the order of the entries, none between them. */
static void bytes_pack(struct net *n)
{
    size_t len = 0;
    for (size_t i = 0; i < n->count; i++)
        len += record_len(n->bytes, &n->entry[i]);
    uint8_t *packed = mem_alloc(len + 1);
    size_t at = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct net_entry *e = &n->entry[i];
        size_t one = record_len(n->bytes, e);
        memcpy(packed + at, n->bytes + e->at, one);
        e->at = at;
        at += one;
    }
    free(n->bytes);
    n->bytes = packed;
    n->len = len;
    n->bytes_cap = len + 1;
}

/* One entry for each record, none for those that cancel out. */
static void bring_together(struct net *n)
{
    size_t kept = 0;
    if (n->count)
        qsort_r(n->entry, n->count, sizeof(*n->entry), entry_compare, n->bytes);
    for (size_t i = 0, end; i < n->count; i = end) {
        for (end = i + 1;
             end < n->count && record_compare(n->bytes, &n->entry[i], &n->entry[end]) == 0;)
            end++;
        struct net_entry taken = group_take(&n->entry[i], end - i);
        if (taken.sum != 0)
            n->entry[kept++] = taken;
    }
    n->count = n->left = kept;
    bytes_pack(n);
}

static uint8_t *bytes_room(struct net *n, size_t len)
{
    if (n->bytes_cap - n->len < len) {
        n->bytes_cap = (n->bytes_cap + len) * 2;
        n->bytes = mem_grow(n->bytes, n->bytes_cap);
    }
    uint8_t *p = n->bytes + n->len;
    n->len += len;
    return p;
}

static void record_add(struct net *n, const struct rr *rr, int8_t sign, uint32_t tag)
{
    struct rrset_id id = {rr->type, rr->type == TYPE_RRSIG ? get_u16(rr->rdata.bytes) : 0};
    if (n->count == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 64;
        n->entry = mem_grow(n->entry, n->cap * sizeof(*n->entry));
    }
    n->entry[n->count++] = (struct net_entry){.at = n->len,
                                              .order = rrset_order(id),
                                              .type = rr->type,
                                              .owner_len = rr->owner.len,
                                              .sign = sign,
                                              .sum = sign,
                                              .tag = tag};
    uint8_t *p = bytes_room(n, rr->owner.len + (size_t)RECORD_HEAD_LEN + rr->rdata.len);
    memcpy(p, rr->owner.wire, rr->owner.len);
    p += rr->owner.len;
    put_u16(p, rr->type);
    put_u16(p + 2, rr->class);
    put_u32(p + 4, rr->ttl);
    put_u16(p + 8, rr->rdata.len);
    if (rr->rdata.len)
        memcpy(p + RECORD_HEAD_LEN, rr->rdata.bytes, rr->rdata.len);
}

/* --- what is added --- */

/* Gives the records of a change to take(), removed ones with the sign -1. */
static enum err change_each(struct net *n, const struct diff_bytes *d, uint32_t tag,
                            void (*take)(struct net *, const struct rr *, int8_t, uint32_t),
                            struct diag *diag)
{
    struct diff_of of = {name_of(&n->zone), n->class};
    ASSERT(!n->is_settled);
    if (d->added_at > d->len)
        return err_say(diag, ERR_INVALID, "change is shorter than its first part");
    struct rd r = rd_over(d->bytes, d->len);
    while (rd_left(&r) > 0) {
        struct rr rr;
        bool is_removed = (size_t)(r.at - r.start) < d->added_at;
        const char *why = diff_read(&r, &of, &rr);
        if (!why && is_removed && (size_t)(r.at - r.start) > d->added_at)
            why = "has a record in both of its parts";
        if (why)
            return err_say(diag, ERR_INVALID, "change %s", why);
        take(n, &rr, is_removed ? -1 : 1, tag);
    }
    if (n->count >= 2 * n->left + NET_SORT_MIN)
        bring_together(n);
    return OK;
}

enum err net_add(struct net *n, const struct diff_bytes *d, uint32_t tag, struct diag *diag)
{
    return change_each(n, d, tag, record_add, diag);
}

/* What stands for a record's RRset: no more of the rdata than says which it is, and of no type, so
 * that this is compared byte by byte. */
static void mark_add(struct net *n, const struct rr *rr, int8_t sign, uint32_t tag)
{
    struct rr mark = *rr;
    (void)sign;
    mark.ttl = 0;
    mark.rdata.len = rr->type == TYPE_RRSIG ? 2 : 0;
    record_add(n, &mark, 1, tag);
    n->entry[n->count - 1].type = 0;
}

enum err net_leave_out(struct net *n, const struct diff_bytes *d, struct diag *diag)
{
    ASSERT(!n->is_settled);
    if (!n->marks)
        n->marks = net_new(name_of(&n->zone), n->class);
    return change_each(n->marks, d, 0, mark_add, diag);
}

static void set_add(struct net *n, const struct node *node, struct rrset set, int8_t sign)
{
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r)) {
        struct rr rr = {node_owner(node), set.type, n->class, set.ttl, r};
        record_add(n, &rr, sign, 0);
    }
}

static bool set_is_same(struct rrset a, struct rrset b)
{
    return a.count == b.count && a.ttl == b.ttl && a.len == b.len &&
           (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* RRsets of `node` that `other` has not, or not so. */
static void node_add(struct net *n, const struct node *node, const struct node *other, int8_t sign)
{
    for (struct rrset s = node_first(node); s.count; s = node_next(node, s))
        if (!set_is_same(s, node_get(other, rrset_id(s))))
            set_add(n, node, s, sign);
}

static int walks_compare(const struct walk *wa, const struct node *a, const struct walk *wb,
                         const struct node *b)
{
    if (!a || !b)
        return a ? -1 : 1;
    if (wa->in_nsec3 != wb->in_nsec3)
        return wa->in_nsec3 ? 1 : -1;
    return name_compare(node_owner(a), node_owner(b));
}

void net_add_versions(struct net *n, const struct version *from, const struct version *to)
{
    struct walk *walks = mem_alloc(2 * sizeof(*walks)), *wa = &walks[0], *wb = &walks[1];
    ASSERT(!n->is_settled);
    walk_start(wa, from);
    walk_start(wb, to);
    const struct node *a = walk_next(wa), *b = walk_next(wb);
    while (a || b) {
        int d = walks_compare(wa, a, wb, b);
        if (d <= 0)
            node_add(n, a, d == 0 ? b : NULL, -1);
        if (d >= 0)
            node_add(n, b, d == 0 ? a : NULL, 1);
        if (d <= 0)
            a = walk_next(wa);
        if (d >= 0)
            b = walk_next(wb);
    }
    free(walks);
}

/* --- the net --- */

/* The two SOAs, old and new, stand side by side. */
static void drop_serial(struct net *n)
{
    for (size_t i = 0; i + 1 < n->count; i++) {
        struct net_entry *e = &n->entry[i];
        if (e[0].type != TYPE_SOA || e[1].type != TYPE_SOA)
            continue;
        struct rr a = entry_rr(n->bytes, &e[0]), b = entry_rr(n->bytes, &e[1]);
        if (name_is_equal(a.owner, b.owner) && e[0].sum * e[1].sum < 0 && a.ttl == b.ttl &&
            soa_is_alike(a.rdata, b.rdata)) {
            memmove(e, e + 2, (n->count - i - 2) * sizeof(*e));
            n->count -= 2;
            return;
        }
    }
}

/* Both are in order. */
static void drop_marked(struct net *n)
{
    struct net *m = n->marks;
    size_t kept = 0, at = 0, last = SIZE_MAX;
    bring_together(m);
    for (size_t i = 0; i < n->count; i++) {
        struct net_entry *e = &n->entry[i];
        int d = 1;
        while (at < m->count && (d = sets_compare(m->bytes, &m->entry[at], n->bytes, e)) < 0)
            at++;
        if (at == m->count || d != 0) {
            n->entry[kept++] = *e;
            continue;
        }
        n->left_out += at != last;
        last = at;
    }
    n->count = kept;
}

void net_settle(struct net *n, enum net_direction direction)
{
    ASSERT(!n->is_settled);
    bring_together(n);
    drop_serial(n);
    if (n->marks)
        drop_marked(n);
    for (size_t i = 0; direction == NET_BACK && i < n->count; i++)
        n->entry[i].sum = -n->entry[i].sum;
    if (n->count)
        qsort_r(n->entry, n->count, sizeof(*n->entry), shown_compare, n->bytes);
    n->is_settled = true;
}

size_t net_count(const struct net *n)
{
    ASSERT(n->is_settled);
    return n->count;
}

size_t net_left_out(const struct net *n)
{
    ASSERT(n->is_settled);
    return n->left_out;
}

enum net_way net_get(const struct net *n, size_t i, struct rr *out, uint32_t *tag)
{
    ASSERT(n->is_settled && i < n->count);
    if (tag)
        *tag = n->entry[i].tag;
    *out = entry_rr(n->bytes, &n->entry[i]);
    return n->entry[i].sum > 0 ? NET_ADDED : NET_REMOVED;
}

uint8_t *net_write(const struct net *n, struct diff_bytes *out)
{
    ASSERT(n->is_settled);
    uint8_t *bytes = mem_alloc(n->len + 1);
    struct diff_bytes d = {.bytes = bytes};
    for (unsigned part = 0; part < 2; part++) {
        d.added_at = d.len;
        for (size_t i = 0; i < n->count; i++) {
            const struct net_entry *e = &n->entry[i];
            size_t len = record_len(n->bytes, e);
            if ((e->sum > 0) != (part == 1))
                continue;
            memcpy(bytes + d.len, n->bytes + e->at, len);
            d.len += len;
        }
    }
    *out = d;
    return bytes;
}

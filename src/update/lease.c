/* SPDX-License-Identifier: Apache-2.0
 * Leases by record (a hash table) and by time (a binary heap).
 *
 * The table is a row of groups of slots, each slot a chain. The owner says which group a record is
 * in, its type and rdata which slot of that: so one record is found in one short chain, and all of
 * an owner in one group. It grows by linear hashing: every few new records, one group is split in
 * two. Doubling everything at once would hold up the reactor for as long as a tenth of a second per
 * million records; for the same reason neither slots nor heap are one array, which would have to be
 * moved. They do not shrink: what is empty of them is 8 bytes a record. */
#include "update/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define GROUP_SLOTS 32u
#define PIECE_LEN   64u /* of the heap */
#define NOT_IN_HEAP UINT32_MAX
#define LEASES_MAX  (UINT32_MAX / 2) /* 200 GB of them */

struct lease_entry {
    struct lease_entry *next; /* of the chain */
    uint32_t owner_hash, record_hash;
    int64_t expires_us;
    uint32_t lease_s;
    uint32_t heap_at; /* NOT_IN_HEAP exactly while it is held */
    uint32_t holds;
    uint16_t type, rdata_len;
    uint8_t owner_len;
    uint8_t bytes[]; /* owner, rdata */
};

/* A record as it is looked for. */
struct record {
    struct name owner;
    uint16_t type;
    struct rdata rdata;
    uint32_t owner_hash, record_hash;
};

static struct name owner_of(const struct lease_entry *e)
{
    return (struct name){e->bytes, e->owner_len};
}

static struct rdata rdata_of(const struct lease_entry *e)
{
    return (struct rdata){e->bytes + e->owner_len, e->rdata_len};
}

static void show(const struct lease_entry *e, struct lease *out)
{
    *out = (struct lease){
        .owner = owner_of(e),
        .type = e->type,
        .rdata = rdata_of(e),
        .expires_us = e->expires_us,
        .lease_s = e->lease_s,
    };
}

/* --- hashes --- */

static uint64_t hash_owner(const struct lease_set *l, struct name owner)
{
    uint8_t lower[NAME_LEN_MAX];
    name_lower(owner, lower);
    return hash_bytes(&l->key, lower, owner.len);
}

/* Of the canonical form, which is the same for records that are equal, and for no others. */
static uint64_t hash_rdata(const struct hash_key *key, uint16_t type, struct rdata rdata)
{
    uint8_t room[512];
    uint8_t *canonical = rdata.len <= sizeof(room) ? room : mem_alloc(rdata.len);
    rdata_canonical(type, rdata, canonical);
    uint64_t hash = hash_bytes(key, canonical, rdata.len);
    if (canonical != room)
        free(canonical);
    return hash;
}

static struct record record_of(const struct lease_set *l, struct name owner, uint16_t type,
                               struct rdata rdata)
{
    uint64_t hash = hash_owner(l, owner);
    const struct hash_key key = {l->key.k0 ^ hash, l->key.k1 ^ type};
    return (struct record){.owner = owner,
                           .type = type,
                           .rdata = rdata,
                           .owner_hash = (uint32_t)hash,
                           .record_hash = (uint32_t)hash_rdata(&key, type, rdata)};
}

/* --- the table --- */

/* Of the next power of two, the last groups are not there yet: what belongs there is still in the
 * group that will be split for it. */
static uint32_t group_of(const struct lease_set *l, uint32_t owner_hash)
{
    uint32_t mask = l->group_count > 1 ? UINT32_MAX >> __builtin_clz(l->group_count - 1) : 0;
    uint32_t group = owner_hash & mask;
    return group < l->group_count ? group : group & (mask >> 1);
}

static struct lease_entry **slot_of(const struct lease_set *l, uint32_t owner_hash,
                                    uint32_t record_hash)
{
    return l->groups[group_of(l, owner_hash)] + record_hash % GROUP_SLOTS;
}

/* A new group, the last one, with nothing in it. */
static struct lease_entry **group_add(struct lease_set *l)
{
    if (l->group_count == l->group_cap) {
        l->group_cap = l->group_cap ? l->group_cap * 2 : 1;
        l->groups = mem_grow(l->groups, (size_t)l->group_cap * sizeof(struct lease_entry **));
    }
    struct lease_entry **group = mem_alloc_zero(GROUP_SLOTS * sizeof(struct lease_entry *));
    l->groups[l->group_count++] = group;
    return group;
}

static void split_chain(const struct lease_set *l, struct lease_entry **from,
                        struct lease_entry **to)
{
    uint32_t last = l->group_count - 1;
    while (*from) {
        struct lease_entry *e = *from;
        if (group_of(l, e->owner_hash) != last) {
            from = &e->next;
            continue;
        }
        *from = e->next;
        e->next = *to;
        *to = e;
    }
}

/* As many slots as records, about. */
static void table_grow(struct lease_set *l)
{
    if (l->count < (size_t)l->group_count * GROUP_SLOTS)
        return;
    struct lease_entry **to = group_add(l);
    uint32_t last = l->group_count - 1;
    if (last == 0)
        return;
    /* the one that differs from it in its highest bit */
    uint32_t from = last ^ (UINT32_C(1) << (31 - __builtin_clz(last)));
    for (uint32_t i = 0; i < GROUP_SLOTS; i++)
        split_chain(l, l->groups[from] + i, to + i);
}

static bool is_it(const struct lease_entry *e, const struct record *r)
{
    return e->record_hash == r->record_hash && e->owner_hash == r->owner_hash &&
           e->type == r->type && name_is_equal(owner_of(e), r->owner) &&
           rdata_compare(r->type, rdata_of(e), r->rdata) == 0;
}

/* What points to it, or NULL. */
static struct lease_entry **find(const struct lease_set *l, struct name owner, uint16_t type,
                                 struct rdata rdata)
{
    ASSERT(owner.len);
    if (l->count == 0)
        return NULL;
    const struct record r = record_of(l, owner, type, rdata);
    struct lease_entry **at = slot_of(l, r.owner_hash, r.record_hash);
    while (*at && !is_it(*at, &r))
        at = &(*at)->next;
    return *at ? at : NULL;
}

/* --- the heap --- */

static struct lease_entry *heap_get(const struct lease_set *l, uint32_t at)
{
    return l->heap[at / PIECE_LEN][at % PIECE_LEN];
}

static void heap_set(struct lease_set *l, uint32_t at, struct lease_entry *e)
{
    l->heap[at / PIECE_LEN][at % PIECE_LEN] = e;
    e->heap_at = at;
}

static void heap_up(struct lease_set *l, struct lease_entry *e)
{
    uint32_t at = e->heap_at;
    while (at > 0) {
        struct lease_entry *parent = heap_get(l, (at - 1) / 2);
        if (parent->expires_us <= e->expires_us)
            break;
        heap_set(l, at, parent);
        at = (at - 1) / 2;
    }
    heap_set(l, at, e);
}

static void heap_down(struct lease_set *l, struct lease_entry *e)
{
    uint32_t at = e->heap_at;
    while (at * 2 + 1 < l->heap_count) {
        struct lease_entry *child = heap_get(l, at * 2 + 1);
        if (at * 2 + 2 < l->heap_count) {
            struct lease_entry *other = heap_get(l, at * 2 + 2);
            child = other->expires_us < child->expires_us ? other : child;
        }
        if (child->expires_us >= e->expires_us)
            break;
        uint32_t below = child->heap_at;
        heap_set(l, at, child);
        at = below;
    }
    heap_set(l, at, e);
}

static void heap_grow(struct lease_set *l)
{
    if (l->piece_count == l->piece_cap) {
        l->piece_cap = l->piece_cap ? l->piece_cap * 2 : 1;
        l->heap = mem_grow(l->heap, (size_t)l->piece_cap * sizeof(struct lease_entry **));
    }
    l->heap[l->piece_count++] = mem_alloc(PIECE_LEN * sizeof(struct lease_entry *));
}

static void heap_add(struct lease_set *l, struct lease_entry *e)
{
    ASSERT(e->heap_at == NOT_IN_HEAP && l->heap_count < LEASES_MAX);
    if (l->heap_count == l->piece_count * PIECE_LEN)
        heap_grow(l);
    e->heap_at = l->heap_count++;
    heap_up(l, e);
}

static void heap_remove(struct lease_set *l, struct lease_entry *e)
{
    ASSERT(e->heap_at < l->heap_count && heap_get(l, e->heap_at) == e);
    struct lease_entry *last = heap_get(l, --l->heap_count);
    uint32_t at = e->heap_at;
    e->heap_at = NOT_IN_HEAP;
    if (last == e)
        return;
    heap_set(l, at, last);
    heap_up(l, last);
    heap_down(l, last);
}

/* --- leases --- */

void lease_set_init(struct lease_set *l, struct hash_key key)
{
    *l = (struct lease_set){.key = key};
}

static void group_free(struct lease_entry **group)
{
    for (uint32_t i = 0; i < GROUP_SLOTS; i++) {
        struct lease_entry *next;
        for (struct lease_entry *e = group[i]; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(group);
}

void lease_set_done(struct lease_set *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < l->group_count; i++)
        group_free(l->groups[i]);
    for (uint32_t i = 0; i < l->piece_count; i++)
        free(l->heap[i]);
    free(l->groups);
    free(l->heap);
    *l = (struct lease_set){0};
}

bool lease_set_get(const struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata,
                   struct lease *out)
{
    struct lease_entry **at = find(l, owner, type, rdata);
    if (at)
        show(*at, out);
    return at != NULL;
}

static void add(struct lease_set *l, const struct lease *lease)
{
    const struct record r = record_of(l, lease->owner, lease->type, lease->rdata);
    struct lease_entry *e =
        mem_alloc(offsetof(struct lease_entry, bytes) + r.owner.len + r.rdata.len);
    *e = (struct lease_entry){
        .owner_hash = r.owner_hash,
        .record_hash = r.record_hash,
        .expires_us = lease->expires_us,
        .lease_s = lease->lease_s,
        .heap_at = NOT_IN_HEAP,
        .type = r.type,
        .rdata_len = r.rdata.len,
        .owner_len = r.owner.len,
    };
    memcpy(e->bytes, r.owner.wire, r.owner.len);
    if (r.rdata.len)
        memcpy(e->bytes + r.owner.len, r.rdata.bytes, r.rdata.len);
    table_grow(l);
    struct lease_entry **slot = slot_of(l, r.owner_hash, r.record_hash);
    e->next = *slot;
    *slot = e;
    l->count++;
    heap_add(l, e);
}

void lease_set_put(struct lease_set *l, const struct lease *lease)
{
    struct lease_entry **at = find(l, lease->owner, lease->type, lease->rdata);
    if (!at) {
        add(l, lease);
        return;
    }
    struct lease_entry *e = *at;
    /* equal ones are of one length, and the case is the newest; the view may be our own */
    ASSERT(e->owner_len == lease->owner.len && e->rdata_len == lease->rdata.len);
    memmove(e->bytes, lease->owner.wire, e->owner_len);
    if (e->rdata_len)
        memmove(e->bytes + e->owner_len, lease->rdata.bytes, e->rdata_len);
    e->lease_s = lease->lease_s;
    e->expires_us = lease->expires_us;
    if (e->holds)
        return;
    heap_up(l, e);
    heap_down(l, e);
}

bool lease_set_drop(struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata)
{
    struct lease_entry **at = find(l, owner, type, rdata);
    if (!at)
        return false;
    struct lease_entry *e = *at;
    if (!e->holds)
        heap_remove(l, e);
    *at = e->next;
    l->count--;
    free(e);
    return true;
}

/* --- what is over --- */

static void hold(struct lease_set *l, struct lease_entry *e)
{
    ASSERT(e->holds < UINT32_MAX);
    if (e->holds++ == 0)
        heap_remove(l, e);
}

void lease_set_hold(struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata)
{
    struct lease_entry **at = find(l, owner, type, rdata);
    if (at)
        hold(l, *at);
}

void lease_set_release(struct lease_set *l, struct name owner, uint16_t type, struct rdata rdata)
{
    struct lease_entry **at = find(l, owner, type, rdata);
    if (at && (*at)->holds && --(*at)->holds == 0)
        heap_add(l, *at);
}

int64_t lease_set_next_us(const struct lease_set *l)
{
    return l->heap_count ? heap_get(l, 0)->expires_us : INT64_MAX;
}

bool lease_set_take_due(struct lease_set *l, int64_t now_us, struct lease *out)
{
    if (lease_set_next_us(l) > now_us || l->heap_count == 0)
        return false;
    struct lease_entry *e = heap_get(l, 0);
    hold(l, e);
    show(e, out);
    return true;
}

/* --- looking --- */

static bool each_of_chain(const struct lease_entry *e, struct name owner, lease_fn fn, void *arg)
{
    struct lease lease;
    for (; e; e = e->next) {
        if (owner.len && !name_is_equal(owner_of(e), owner))
            continue;
        show(e, &lease);
        if (!fn(arg, &lease))
            return false;
    }
    return true;
}

static bool each_of_group(struct lease_entry *const *group, struct name owner, lease_fn fn,
                          void *arg)
{
    for (uint32_t i = 0; i < GROUP_SLOTS; i++)
        if (!each_of_chain(group[i], owner, fn, arg))
            return false;
    return true;
}

void lease_set_each(const struct lease_set *l, struct name owner, lease_fn fn, void *arg)
{
    if (l->count == 0)
        return;
    if (owner.len) {
        uint32_t group = group_of(l, (uint32_t)hash_owner(l, owner));
        (void)each_of_group(l->groups[group], owner, fn, arg);
        return;
    }
    for (uint32_t i = 0; i < l->group_count && each_of_group(l->groups[i], owner, fn, arg); i++)
        ;
}

/* SPDX-License-Identifier: Apache-2.0
 * Leases by record (a hash table) and by time (a binary heap).
 *
 * The table is a row of groups of slots, each slot a chain. The owner says which group a record is
 * in, its type and rdata which slot of that: so one record is found in one short chain, and all of
 * an owner in one group. It grows by linear hashing: every few new records, one group is split in
 * two. Doubling everything at once would hold up the reactor for as long as a tenth of a second per
 * million records. It does not shrink; an empty slot is 8 bytes. */
#include "update/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

#define GROUP_SLOTS 32u
#define NOT_IN_HEAP UINT32_MAX

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
    uint32_t mask = l->groups > 1 ? UINT32_MAX >> __builtin_clz(l->groups - 1) : 0;
    uint32_t group = owner_hash & mask;
    return group < l->groups ? group : group & (mask >> 1);
}

static struct lease_entry **slots_of(const struct lease_set *l, uint32_t group)
{
    return l->slots + (size_t)group * GROUP_SLOTS;
}

static struct lease_entry **slot_of(const struct lease_set *l, uint32_t owner_hash,
                                    uint32_t record_hash)
{
    return slots_of(l, group_of(l, owner_hash)) + record_hash % GROUP_SLOTS;
}

/* A new group, the last one, with nothing in it. */
static struct lease_entry **group_add(struct lease_set *l)
{
    if (l->groups == l->groups_cap) {
        l->groups_cap = l->groups_cap ? l->groups_cap * 2 : 1;
        l->slots =
            mem_grow(l->slots, (size_t)l->groups_cap * GROUP_SLOTS * sizeof(struct lease_entry *));
    }
    struct lease_entry **slots = slots_of(l, l->groups++);
    memset(slots, 0, GROUP_SLOTS * sizeof(struct lease_entry *));
    return slots;
}

static void split_chain(const struct lease_set *l, struct lease_entry **from,
                        struct lease_entry **to)
{
    uint32_t last = l->groups - 1;
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
    if (l->count < (size_t)l->groups * GROUP_SLOTS)
        return;
    struct lease_entry **to = group_add(l);
    uint32_t last = l->groups - 1;
    if (last == 0)
        return;
    /* the one that differs from it in its highest bit */
    uint32_t from = last ^ (UINT32_C(1) << (31 - __builtin_clz(last)));
    for (uint32_t i = 0; i < GROUP_SLOTS; i++)
        split_chain(l, slots_of(l, from) + i, to + i);
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

static void heap_set(struct lease_set *l, uint32_t at, struct lease_entry *e)
{
    l->heap[at] = e;
    e->heap_at = at;
}

static void heap_up(struct lease_set *l, struct lease_entry *e)
{
    uint32_t at = e->heap_at;
    for (; at > 0 && l->heap[(at - 1) / 2]->expires_us > e->expires_us; at = (at - 1) / 2)
        heap_set(l, at, l->heap[(at - 1) / 2]);
    heap_set(l, at, e);
}

static void heap_down(struct lease_set *l, struct lease_entry *e)
{
    uint32_t at = e->heap_at;
    for (;;) {
        size_t child = (size_t)at * 2 + 1;
        if (child + 1 < l->heap_count &&
            l->heap[child + 1]->expires_us < l->heap[child]->expires_us)
            child++;
        if (child >= l->heap_count || l->heap[child]->expires_us >= e->expires_us)
            break;
        heap_set(l, at, l->heap[child]);
        at = (uint32_t)child;
    }
    heap_set(l, at, e);
}

static void heap_add(struct lease_set *l, struct lease_entry *e)
{
    ASSERT(e->heap_at == NOT_IN_HEAP && l->heap_count < NOT_IN_HEAP - 1);
    if (l->heap_count == l->heap_cap) {
        l->heap_cap = l->heap_cap ? l->heap_cap + l->heap_cap / 2 : 16;
        l->heap = mem_grow(l->heap, (size_t)l->heap_cap * sizeof(struct lease_entry *));
    }
    e->heap_at = l->heap_count++;
    heap_up(l, e);
}

static void heap_remove(struct lease_set *l, struct lease_entry *e)
{
    ASSERT(e->heap_at < l->heap_count && l->heap[e->heap_at] == e);
    struct lease_entry *last = l->heap[--l->heap_count];
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

void lease_set_done(struct lease_set *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < (size_t)l->groups * GROUP_SLOTS; i++) {
        struct lease_entry *next;
        for (struct lease_entry *e = l->slots[i]; e; e = next) {
            next = e->next;
            free(e);
        }
    }
    free(l->slots);
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
    return l->heap_count ? l->heap[0]->expires_us : INT64_MAX;
}

bool lease_set_take_due(struct lease_set *l, int64_t now_us, struct lease *out)
{
    if (l->heap_count == 0 || l->heap[0]->expires_us > now_us)
        return false;
    struct lease_entry *e = l->heap[0];
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

void lease_set_each(const struct lease_set *l, struct name owner, lease_fn fn, void *arg)
{
    if (l->count == 0)
        return;
    struct lease_entry **slots = l->slots;
    size_t count = (size_t)l->groups * GROUP_SLOTS;
    if (owner.len) {
        slots = slots_of(l, group_of(l, (uint32_t)hash_owner(l, owner)));
        count = GROUP_SLOTS;
    }
    for (size_t i = 0; i < count; i++)
        if (!each_of_chain(slots[i], owner, fn, arg))
            return;
}

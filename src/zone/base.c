/* SPDX-License-Identifier: Apache-2.0
 * Digests of RRsets in three arrays side by side, 20 bytes an RRset: hash of the owner, what RRset
 * it is, digest.
 *
 * They are sorted by owner hash, and an index by its first bits, with a place for every four RRsets
 * or so, leads to a few candidates at once: one cache miss for the index and one or two for the
 * hashes. Two names of one hash would be taken for one another; with 64 bits and 10^8 names that
 * has a chance of one in 3,000, and costs a change of one RRset that is not noticed. */
#include "zone/base.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/random.h"
#include "zone/lookup.h"

struct base {
    atomic_uint references;
    struct hash_key key;
    bool has_soa;
    uint32_t serial;
    uint32_t count;
    /* by owner hash, then by what RRset it is */
    uint64_t *owner, *digest;
    uint32_t *set; /* type << 16 | covered */
    /* where the owners begin whose hash has these first bits, one place more than there are */
    uint32_t *index;
    unsigned index_bits;
};

static uint32_t set_of(struct rrset_id id)
{
    return (uint32_t)id.type << 16 | id.covered;
}

/* --- hashing --- */

static uint64_t hash_owner(const struct base *b, struct name owner)
{
    uint8_t lower[NAME_LEN_MAX];
    name_lower(owner, lower);
    return hash_bytes(&b->key, lower, owner.len);
}

/* Hash and TTL in one: what is compared of an RRset. */
static uint64_t seal(const struct base *b, uint64_t hash, uint32_t ttl)
{
    uint8_t bytes[12];
    memcpy(bytes, &hash, 8);
    memcpy(bytes + 8, &ttl, 4);
    return hash_bytes(&b->key, bytes, sizeof(bytes));
}

/* The records in canonical form; a SOA with the serial 0. */
static void canonical_set(struct rrset s, uint8_t *out)
{
    memcpy(out, s.data, s.len);
    for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) {
        uint8_t *at = out + (r.bytes - s.data);
        rdata_canonical(s.type, r, at);
        if (s.type == TYPE_SOA)
            memset(at + r.len - 20, 0, 4);
    }
}

uint64_t base_digest(const struct base *b, struct rrset s)
{
    uint8_t small[1024];
    if (!rrtype_info(s.type)->fold)
        return seal(b, hash_bytes(&b->key, s.data, s.len), s.ttl);
    uint8_t *copy = s.len <= sizeof(small) ? small : mem_alloc(s.len);
    canonical_set(s, copy);
    uint64_t hash = hash_bytes(&b->key, copy, s.len);
    if (copy != small)
        free(copy);
    return seal(b, hash, s.ttl);
}

/* --- making --- */

static struct base *base_new(uint32_t count)
{
    struct base *b = mem_alloc_zero(sizeof(*b));
    atomic_init(&b->references, 1);
    b->count = count;
    b->owner = mem_alloc(count * sizeof(*b->owner));
    b->digest = mem_alloc(count * sizeof(*b->digest));
    b->set = mem_alloc(count * sizeof(*b->set));
    while (b->index_bits < 30 && (4u << b->index_bits) < count)
        b->index_bits++;
    b->index = mem_alloc_zero(((1u << b->index_bits) + 1) * sizeof(*b->index));
    return b;
}

static uint32_t index_of(const struct base *b, uint64_t owner)
{
    return b->index_bits ? (uint32_t)(owner >> (64 - b->index_bits)) : 0;
}

/* Counts of each place, in the place behind it, become where it begins. */
static void index_sum(struct base *b)
{
    for (uint32_t i = 0; i < 1u << b->index_bits; i++)
        b->index[i + 1] += b->index[i];
}

static uint32_t count_sets(const struct version *v)
{
    struct walk w;
    uint64_t count = 0;
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        count += n->rrset_count;
    ASSERT(count < UINT32_MAX);
    return (uint32_t)count;
}

/* Puts a row where it belongs among those that its place has already. */
static void put_row(struct base *b, uint32_t *next, uint64_t owner, uint32_t set, uint64_t digest)
{
    uint32_t first = b->index[index_of(b, owner)], at = (*next)++;
    for (; at > first &&
           (b->owner[at - 1] > owner || (b->owner[at - 1] == owner && b->set[at - 1] > set));
         at--) {
        b->owner[at] = b->owner[at - 1];
        b->set[at] = b->set[at - 1];
        b->digest[at] = b->digest[at - 1];
    }
    b->owner[at] = owner;
    b->set[at] = set;
    b->digest[at] = digest;
}

static void fill_index(struct base *b, const struct version *v)
{
    struct walk w;
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        b->index[index_of(b, hash_owner(b, node_owner(n))) + 1] += n->rrset_count;
    index_sum(b);
}

struct base *base_make(const struct version *file)
{
    struct base *b = base_new(count_sets(file));
    random_bytes(&b->key, sizeof(b->key));
    b->has_soa = file->soa.count > 0;
    b->serial = file->serial;
    fill_index(b, file);
    size_t places = ((size_t)1 << b->index_bits) * sizeof(uint32_t);
    uint32_t *next = memcpy(mem_alloc(places), b->index, places);
    struct walk w;
    walk_start(&w, file);
    for (const struct node *n; (n = walk_next(&w));) {
        uint64_t owner = hash_owner(b, node_owner(n));
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            put_row(b, &next[index_of(b, owner)], owner, set_of(rrset_id(s)), base_digest(b, s));
    }
    free(next);
    return b;
}

struct base *base_hold(const struct base *shared)
{
    struct base *b = (struct base *)(uintptr_t)shared;
    atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
    return b;
}

/* Some 8 ns each, most of it the kernel's for the pages. */
#define LARGE_ROWS 16384

bool base_is_large(const struct base *b)
{
    return b && b->count >= LARGE_ROWS;
}

void base_release(const struct base *shared)
{
    struct base *b = (struct base *)(uintptr_t)shared;
    if (!b || atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) > 1)
        return;
    free(b->owner);
    free(b->digest);
    free(b->set);
    free(b->index);
    free(b);
}

/* --- as bytes --- */

#define BASE_FORMAT   1
#define BASE_HEAD_LEN (1 + 8 + 8 + 1 + 4 + 4) /* format, key, has a SOA, serial, count */
#define BASE_ROW_LEN  (8 + 4 + 8)

uint8_t *base_write(const struct base *b, size_t *len)
{
    *len = BASE_HEAD_LEN + (size_t)b->count * BASE_ROW_LEN;
    uint8_t *bytes = mem_alloc(*len);
    struct wr w = wr_over(bytes, *len);
    wr_u8(&w, BASE_FORMAT);
    wr_u64(&w, b->key.k0);
    wr_u64(&w, b->key.k1);
    wr_u8(&w, b->has_soa);
    wr_u32(&w, b->serial);
    wr_u32(&w, b->count);
    for (uint32_t i = 0; i < b->count; i++) {
        wr_u64(&w, b->owner[i]);
        wr_u32(&w, b->set[i]);
        wr_u64(&w, b->digest[i]);
    }
    ASSERT(!w.bad && wr_left(&w) == 0);
    return bytes;
}

/* The rows, which have to stand in order. */
static bool read_rows(struct base *b, struct rd *r)
{
    for (uint32_t i = 0; i < b->count; i++) {
        b->owner[i] = rd_u64(r);
        b->set[i] = rd_u32(r);
        b->digest[i] = rd_u64(r);
        if (i > 0 && (b->owner[i] < b->owner[i - 1] ||
                      (b->owner[i] == b->owner[i - 1] && b->set[i] <= b->set[i - 1])))
            return false;
        b->index[index_of(b, b->owner[i]) + 1]++;
    }
    index_sum(b);
    return true;
}

enum err base_read(const uint8_t *bytes, size_t len, struct base **out, struct diag *diag)
{
    struct rd r = rd_over(bytes, len);
    uint8_t format = rd_u8(&r);
    struct hash_key key;
    key.k0 = rd_u64(&r);
    key.k1 = rd_u64(&r);
    uint8_t has_soa = rd_u8(&r);
    uint32_t serial = rd_u32(&r), count = rd_u32(&r);
    if (r.bad || format != BASE_FORMAT || has_soa > 1)
        return err_say(diag, ERR_INVALID, "digests of the zone file: not of a known format");
    if (rd_left(&r) != (uint64_t)count * BASE_ROW_LEN)
        return err_say(diag, ERR_INVALID, "digests of the zone file: not as long as they say");
    struct base *b = base_new(count);
    b->key = key;
    b->has_soa = has_soa;
    b->serial = serial;
    if (!read_rows(b, &r)) {
        base_release(b);
        return err_say(diag, ERR_INVALID, "digests of the zone file: out of order");
    }
    *out = b;
    return OK;
}

/* --- asking --- */

/* The first row of the owner's that is not below `set`, or count. Hashes that somebody else chose
 * may all be in one place of the index, so that is searched in halves. */
static uint32_t find_row(const struct base *b, uint64_t owner, uint32_t set)
{
    uint32_t low = b->index[index_of(b, owner)], high = b->index[index_of(b, owner) + 1];
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (b->owner[mid] < owner || (b->owner[mid] == owner && b->set[mid] < set))
            low = mid + 1;
        else
            high = mid;
    }
    return low < b->count && b->owner[low] == owner ? low : b->count;
}

bool base_has_name(const struct base *b, struct name owner)
{
    return b && find_row(b, hash_owner(b, owner), 0) < b->count;
}

bool base_has_rrset(const struct base *b, struct name owner, uint16_t type)
{
    if (!b)
        return false;
    uint32_t row = find_row(b, hash_owner(b, owner), (uint32_t)type << 16);
    return row < b->count && b->set[row] >> 16 == type;
}

bool base_find(const struct base *b, struct name owner, struct rrset_id id, uint64_t *digest)
{
    if (!b)
        return false;
    uint32_t row = find_row(b, hash_owner(b, owner), set_of(id));
    if (row == b->count || b->set[row] != set_of(id))
        return false;
    *digest = b->digest[row];
    return true;
}

bool base_serial(const struct base *b, uint32_t *serial)
{
    if (!b || !b->has_soa)
        return false;
    *serial = b->serial;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 * A row of steps as one: for each record that some step touches, what it was before the row and
 * what it is behind it.
 *
 * Which record it is says RFC 2136 s1.1: owner, type and rdata, with names in either case; a record
 * that comes back in other case or with another TTL is removed and added. Steps of a transfer
 * may remove a record in other case than the one that it was added in, so bytes alone do not
 * tell. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/random.h"
#include "dns/codes.h"
#include "xfr/step.h"

#define SLOTS_FIRST 1024 /* a power of two */
#define SCRATCH_LEN (NAME_LEN_MAX + 2 + RDATA_LEN_MAX)

/* A record as it stands in some step, whole. */
struct piece {
    const uint8_t *at;
    size_t len;
};

struct entry {
    uint64_t hash;
    struct piece first, last;
    bool was_there, is_there; /* before the row: as `first`; behind it: as `last` */
};

struct condenser {
    struct diff_of of; /* apex and class of the zone */
    struct piece soa_first, soa_last;
    struct entry *entry;
    size_t count, cap;
    uint32_t *slot; /* 1 + index of an entry, 0: empty; linear probing */
    size_t slots;
    struct hash_key key; /* owners are what peers like: it is not to be guessed */
    uint8_t *scratch;
};

/* --- records by what they are --- */

static uint64_t hash_of(struct condenser *c, const struct rr *rr)
{
    uint8_t *p = c->scratch;
    name_lower(rr->owner, p);
    p += rr->owner.len;
    put_u16(p, rr->type);
    rdata_canonical(rr->type, rr->rdata, p + 2);
    p += 2 + rr->rdata.len;
    return hash_bytes(&c->key, c->scratch, (size_t)(p - c->scratch));
}

static bool is_same_record(const struct condenser *c, const struct entry *e, const struct rr *rr)
{
    struct rr other;
    struct rd r = rd_over(e->first.at, e->first.len);
    const char *why = diff_read(&r, &c->of, &other);
    ASSERT(!why);
    return other.type == rr->type && name_is_equal(other.owner, rr->owner) &&
           rdata_compare(rr->type, other.rdata, rr->rdata) == 0;
}

static void slots_grow(struct condenser *c)
{
    free(c->slot);
    c->slots = c->slots ? 2 * c->slots : SLOTS_FIRST;
    c->slot = mem_alloc_zero(c->slots * sizeof(*c->slot));
    for (size_t i = 0; i < c->count; i++) {
        size_t at = c->entry[i].hash & (c->slots - 1);
        while (c->slot[at])
            at = (at + 1) & (c->slots - 1);
        c->slot[at] = (uint32_t)(i + 1);
    }
}

/* The record's entry, or a new one. */
static struct entry *entry_of(struct condenser *c, const struct rr *rr)
{
    if (2 * c->count >= c->slots)
        slots_grow(c);
    uint64_t hash = hash_of(c, rr);
    size_t at = hash & (c->slots - 1);
    for (; c->slot[at]; at = (at + 1) & (c->slots - 1)) {
        struct entry *e = &c->entry[c->slot[at] - 1];
        if (e->hash == hash && is_same_record(c, e, rr))
            return e;
    }
    if (c->count == c->cap) {
        c->cap = c->cap ? 2 * c->cap : SLOTS_FIRST;
        c->entry = mem_grow(c->entry, c->cap * sizeof(*c->entry));
    }
    ASSERT(c->count < UINT32_MAX);
    c->entry[c->count] = (struct entry){.hash = hash};
    c->slot[at] = (uint32_t)++c->count;
    return &c->entry[c->count - 1];
}

/* --- reading the row --- */

enum part { PART_REMOVED, PART_ADDED };

/* False: removed without being there, or added twice. */
static bool note(struct condenser *c, enum part part, const struct rr *rr, struct piece p)
{
    struct entry *e = entry_of(c, rr);
    if (!e->first.at) {
        e->first = p;
        e->was_there = e->is_there = part == PART_REMOVED;
    }
    if (e->is_there != (part == PART_REMOVED))
        return false;
    e->is_there = part == PART_ADDED;
    if (e->is_there)
        e->last = p;
    return true;
}

/* The SOA that a part begins with. */
static bool read_soa(struct condenser *c, struct rd *r, uint32_t serial, struct piece *out)
{
    struct rr rr;
    const uint8_t *at = r->at;
    if (!c->of.zone.len) { /* the first record of all says which zone it is */
        struct rd ahead = *r;
        c->of.zone = rd_name(&ahead);
        rd_u16(&ahead);
        c->of.class = rd_u16(&ahead);
        if (ahead.bad)
            return false;
    }
    if (diff_read(r, &c->of, &rr) || rr.type != TYPE_SOA || rr.owner.len != c->of.zone.len ||
        soa_of(rr.rdata).serial != serial)
        return false;
    *out = (struct piece){at, (size_t)(r->at - at)};
    return true;
}

static bool read_part(struct condenser *c, enum part part, struct rd r, uint32_t serial,
                      struct piece *soa)
{
    if (!read_soa(c, &r, serial, soa))
        return false;
    while (rd_left(&r)) {
        struct rr rr;
        const uint8_t *at = r.at;
        if (diff_read(&r, &c->of, &rr) || rr.type == TYPE_SOA ||
            !note(c, part, &rr, (struct piece){at, (size_t)(r.at - at)}))
            return false;
    }
    return true;
}

static bool read_steps(struct condenser *c, const struct xfr_steps *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct diff *d = &s->at[i]->diff;
        struct piece soa;
        if (d->added_at > d->len || (i > 0 && d->serial_from != s->at[i - 1]->diff.serial_to))
            return false;
        if (!read_part(c, PART_REMOVED, rd_over(d->bytes, d->added_at), d->serial_from, &soa))
            return false;
        if (i == 0)
            c->soa_first = soa;
        if (!read_part(c, PART_ADDED, rd_over(d->bytes + d->added_at, d->len - d->added_at),
                       d->serial_to, &c->soa_last))
            return false;
    }
    return s->count > 0;
}

/* --- writing the step --- */

/* It is there on both sides in the same bytes. */
static bool is_unchanged(const struct entry *e)
{
    return e->was_there && e->is_there && e->first.len == e->last.len &&
           memcmp(e->first.at, e->last.at, e->first.len) == 0;
}

static uint32_t write_part(const struct condenser *c, enum part part, struct wr *out)
{
    struct piece soa = part == PART_REMOVED ? c->soa_first : c->soa_last;
    uint32_t count = 1;
    wr_bytes(out, soa.at, soa.len);
    for (size_t i = 0; i < c->count; i++) {
        const struct entry *e = &c->entry[i];
        struct piece p = part == PART_REMOVED ? e->first : e->last;
        if (!(part == PART_REMOVED ? e->was_there : e->is_there) || is_unchanged(e))
            continue;
        wr_bytes(out, p.at, p.len);
        count++;
    }
    return count;
}

static size_t len_of(const struct condenser *c)
{
    size_t len = c->soa_first.len + c->soa_last.len;
    for (size_t i = 0; i < c->count; i++) {
        const struct entry *e = &c->entry[i];
        if (!is_unchanged(e))
            len += (e->was_there ? e->first.len : 0) + (e->is_there ? e->last.len : 0);
    }
    return len;
}

static struct xfr_step *write_step(const struct condenser *c, const struct xfr_steps *s)
{
    struct diff d = {
        .len = len_of(c),
        .serial_from = s->at[0]->diff.serial_from,
        .serial_to = s->at[s->count - 1]->diff.serial_to,
    };
    d.bytes = mem_alloc(d.len);
    struct wr out = wr_over(d.bytes, d.len);
    d.removed_count = write_part(c, PART_REMOVED, &out);
    d.added_at = wr_len(&out);
    d.added_count = write_part(c, PART_ADDED, &out);
    ASSERT(!out.bad && wr_left(&out) == 0);
    return xfr_step_new(&d);
}

struct xfr_step *xfr_condense(const struct xfr_steps *s)
{
    struct condenser c = {.scratch = mem_alloc(SCRATCH_LEN)};
    random_bytes(&c.key, sizeof(c.key));
    struct xfr_step *step = read_steps(&c, s) ? write_step(&c, s) : NULL;
    free(c.entry);
    free(c.slot);
    free(c.scratch);
    return step;
}

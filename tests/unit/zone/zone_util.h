/* SPDX-License-Identifier: Apache-2.0
 * For the tests of zone/: a seeded random source, names from few labels, records of a naive
 * model. */
#ifndef ZONE_UTIL_H
#define ZONE_UTIL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/check.h"
#include "dns/rr.h"
#include "zone/lookup.h"
#include "zone/txn.h"
#include "zone/zone.h"

/* xorshift: the same sequence on every machine */
static inline uint32_t rnd(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16) % below;
}

static inline struct name_buf name_from(const char *text)
{
    struct name_buf n;
    struct diag d = {0};
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, &n, &d), OK, "%s: %s", text, d.text);
    return n;
}

/* A name under the apex with up to `depth` labels of few kinds, so that names meet: shared
 * prefixes, escapes, case, "*". */
static inline struct name_buf name_random(uint64_t *state, struct name apex, unsigned depth)
{
    static const char *const labels[] = {"a",  "b", "A",     "ab",     "aB", "abc", "b-1",
                                         "_x", "*", "\\000", "\\255a", "0",  "{",   "-"};
    struct name_buf n, next;
    name_copy(&n, apex);
    for (unsigned left = rnd(state, depth + 1); left > 0; left--) {
        struct name_buf label = name_from(labels[rnd(state, ARRAY_LEN(labels))]);
        cr_assert(name_join(name_of(&label), name_of(&n), &next));
        n = next;
    }
    return n;
}

/* One record of the model. Owner and rdata in place. */
struct record {
    struct name_buf owner;
    uint16_t type;
    uint32_t ttl;
    uint16_t len;
    uint8_t rdata[64];
};

static inline struct rr record_rr(const struct record *r)
{
    return (struct rr){name_of(&r->owner), r->type, CLASS_IN, r->ttl, {r->rdata, r->len}};
}

/* RRSIGs form RRsets by what they cover. */
static inline uint32_t record_order(const struct record *r)
{
    return r->type == TYPE_RRSIG ? get_u16(r->rdata) * 2u + 1 : r->type * 2u;
}

static inline bool record_in_nsec3(const struct record *r)
{
    return record_order(r) / 2 == TYPE_NSEC3;
}

/* The order of walk_next(): NSEC3 last, then canonical owners, then types, then canonical rdata. */
static inline int record_compare(const void *pa, const void *pb)
{
    const struct record *a = pa, *b = pb;
    if (record_in_nsec3(a) != record_in_nsec3(b))
        return record_in_nsec3(a) ? 1 : -1;
    int d = name_compare(name_of(&a->owner), name_of(&b->owner));
    if (d)
        return d;
    if (record_order(a) != record_order(b))
        return record_order(a) < record_order(b) ? -1 : 1;
    return rdata_compare(a->type, (struct rdata){a->rdata, a->len},
                         (struct rdata){b->rdata, b->len});
}

#endif

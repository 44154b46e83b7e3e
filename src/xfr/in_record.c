/* SPDX-License-Identifier: Apache-2.0
 * The grammar of a transfer's records.
 *
 *     zone        = SOA record* SOA                    RFC 5936 s2.2; the same SOA twice
 *     differences = SOA step+ SOA                      RFC 1995 s4; the same SOA twice
 *     step        = SOA record* SOA record*            removed behind the old SOA, added behind the
 * new
 *
 * Steps follow one another: the first begins at our serial, each goes on where the one before it
 * ended and moves forward, and the last one's new SOA is the SOA around all of them. Records of a
 * zone go into it as they come, in any order; one that comes twice is ignored (RFC 5936 s2.2), and
 * of differing TTLs in an RRset the first one stands (RFC 2181 s5.2), as with a zone file.
 * Differences are kept as they come: what they do to a zone is seen when they are applied.
 *
 * All servers send a zone name by name. Records of large names in turns would cost the square of
 * their number, since a name is laid open and written anew each time: from some such cost on, what
 * comes is only gathered, and added at the end, sorted. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"
#include "xfr/in_int.h"

#define STEP_CAP_FIRST 512

/* Records laid open again, for each that has come, and so many in all: from there on the rest is
 * gathered. */
#define REOPENED_EACH  16
#define REOPENED_FREE  (1u << 20)

enum xfr_in_next xfr_in_breach(struct diag *diag, const char *fmt, ...)
{
    if (diag) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(diag->text, sizeof(diag->text), fmt, args);
        va_end(args);
    }
    return XFR_IN_BAD;
}

/* Equal but for the case of names; TTLs are nobody's proof. */
static bool is_newest_soa(const struct xfr_in *x, const struct rr *rr)
{
    return rdata_compare(TYPE_SOA, x->soa, rr->rdata) == 0;
}

/* Behind what there is in s. */
static void step_put(struct xfr_in_step *s, const struct rr *rr)
{
    size_t need = rr->owner.len + 10u + rr->rdata.len;
    if (s->cap - s->len < need) {
        s->cap = s->cap ? 2 * s->cap + need : STEP_CAP_FIRST + need;
        s->bytes = mem_grow(s->bytes, s->cap);
    }
    struct wr w = wr_over(s->bytes + s->len, need);
    wr_bytes(&w, rr->owner.wire, rr->owner.len);
    wr_u16(&w, rr->type);
    wr_u16(&w, rr->class);
    wr_u32(&w, rr->ttl);
    wr_u16(&w, rr->rdata.len);
    wr_bytes(&w, rr->rdata.bytes, rr->rdata.len);
    ASSERT(!w.bad);
    s->len += need;
}

/* --- a whole zone --- */

static enum xfr_in_next add(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    char owner[NAME_TEXT_MAX];
    if (txn_add(x->txn, rr) != TXN_FULL)
        return XFR_IN_MORE;
    return xfr_in_breach(diag, "%s has more records than a name can have",
                         name_text(rr->owner, owner));
}

static enum xfr_in_next take_last(const struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    return is_newest_soa(x, rr) ? XFR_IN_WHOLE
                                : xfr_in_breach(diag, "the SOA at the end is not the first one");
}

static enum xfr_in_next take_whole(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    if (rr->type == TYPE_SOA)
        return take_last(x, rr, diag);
    if (UNLIKELY(txn_reopened(x->txn) > REOPENED_EACH * x->count.records + REOPENED_FREE)) {
        random_bytes(&x->key, sizeof(x->key));
        x->state = XFR_IN_STATE_GATHER;
    }
    return add(x, rr, diag);
}

/* --- what was gathered --- */

/* A record in the bytes. NSEC3 and what signs it are beside the other records of a name. */
struct gathered {
    uint64_t place; /* the same for one name */
    const uint8_t *at;
};

static struct rr read_gathered(struct rd *r)
{
    struct rr rr = {.owner = rd_name(r)};
    rr.type = rd_u16(r);
    rr.class = rd_u16(r);
    rr.ttl = rd_u32(r);
    rr.rdata.len = rd_u16(r);
    rr.rdata.bytes = rd_bytes(r, rr.rdata.len);
    ASSERT(!r->bad); /* we wrote it */
    return rr;
}

static uint64_t place_of(const struct xfr_in *x, const struct rr *rr)
{
    uint8_t lower[NAME_LEN_MAX];
    bool has_covered = rr->type == TYPE_RRSIG && rr->rdata.len >= 2;
    struct rrset_id id = {rr->type, has_covered ? get_u16(rr->rdata.bytes) : 0};
    name_lower(rr->owner, lower);
    return (hash_bytes(&x->key, lower, rr->owner.len) & ~UINT64_C(1)) | rrset_is_nsec3(id);
}

/* Those of one name in the order in which they came: of TTLs the first one stands. */
static int compare_gathered(const void *pa, const void *pb)
{
    const struct gathered *a = pa, *b = pb;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static enum xfr_in_next add_gathered(struct xfr_in *x, struct diag *diag)
{
    struct xfr_in_step *s = &x->step;
    struct gathered *all = mem_alloc(s->added_count * sizeof(*all));
    struct rd r = rd_over(s->bytes, s->len);
    enum xfr_in_next next = XFR_IN_MORE;
    for (uint32_t i = 0; i < s->added_count; i++) {
        const uint8_t *at = r.at;
        struct rr rr = read_gathered(&r);
        all[i] = (struct gathered){place_of(x, &rr), at};
    }
    qsort(all, s->added_count, sizeof(*all), compare_gathered);
    for (uint32_t i = 0; next == XFR_IN_MORE && i < s->added_count; i++) {
        struct rd one = rd_over(all[i].at, (size_t)(s->bytes + s->len - all[i].at));
        struct rr rr = read_gathered(&one);
        next = add(x, &rr, diag);
    }
    free(all);
    return next;
}

static enum xfr_in_next take_gather(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    if (rr->type != TYPE_SOA) {
        if (x->step.added_count == UINT32_MAX)
            return xfr_in_breach(diag, "more records than can be sorted");
        x->step.added_count++;
        step_put(&x->step, rr);
        return XFR_IN_MORE;
    }
    enum xfr_in_next next = take_last(x, rr, diag);
    if (next == XFR_IN_WHOLE && x->step.added_count > 0 && add_gathered(x, diag) != XFR_IN_MORE)
        return XFR_IN_BAD;
    free(x->step.bytes);
    x->step = (struct xfr_in_step){0};
    return next;
}

static void begin_whole(struct xfr_in *x)
{
    struct rr soa = {name_of(&x->apex), TYPE_SOA, CLASS_IN, x->soa_ttl, x->soa};
    x->zone = zone_new(name_of(&x->apex), CLASS_IN);
    x->txn = txn_begin(x->zone, TXN_BUILD);
    txn_add(x->txn, &soa);
    x->state = XFR_IN_STATE_WHOLE;
}

/* --- differences --- */

static void step_end(struct xfr_in *x)
{
    struct xfr_in_step *s = &x->step;
    struct diff d = {.bytes = mem_grow(s->bytes, s->len),
                     .len = s->len,
                     .added_at = s->added_at,
                     .removed_count = s->removed_count,
                     .added_count = s->added_count,
                     .serial_from = s->serial_from,
                     .serial_to = s->serial_to};
    *s = (struct xfr_in_step){0};
    xfr_steps_add(&x->steps, xfr_step_new(&d));
}

static enum xfr_in_next step_begin(struct xfr_in *x, const struct rr *rr)
{
    x->step = (struct xfr_in_step){.serial_from = soa_of(rr->rdata).serial, .removed_count = 1};
    step_put(&x->step, rr);
    x->state = XFR_IN_STATE_REMOVED;
    return XFR_IN_MORE;
}

static enum xfr_in_next take_removed(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    struct xfr_in_step *s = &x->step;
    if (rr->type != TYPE_SOA)
        s->removed_count++;
    else {
        s->serial_to = soa_of(rr->rdata).serial;
        if (serial_compare(s->serial_to, s->serial_from) != 1)
            return xfr_in_breach(diag, "differences from serial %u to %u, which is not ahead",
                                 s->serial_from, s->serial_to);
        s->added_at = s->len;
        s->added_count = 1;
        s->is_newest = is_newest_soa(x, rr);
        x->state = XFR_IN_STATE_ADDED;
    }
    step_put(s, rr);
    return XFR_IN_MORE;
}

/* The SOA behind the records of a step that leads to the newest serial. */
static enum xfr_in_next take_closing(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    if (!is_newest_soa(x, rr))
        return xfr_in_breach(diag, "the SOA at the end is not the first one");
    if (!x->step.is_newest)
        return xfr_in_breach(diag, "the differences lead to another SOA than the first one");
    step_end(x);
    return XFR_IN_STEPS;
}

static enum xfr_in_next take_added(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    struct xfr_in_step *s = &x->step;
    if (rr->type != TYPE_SOA) {
        s->added_count++;
        step_put(s, rr);
        return XFR_IN_MORE;
    }
    if (s->serial_to == x->serial)
        return take_closing(x, rr, diag);
    uint32_t serial = soa_of(rr->rdata).serial;
    if (serial != s->serial_to)
        return xfr_in_breach(diag, "differences from serial %u behind those to %u", serial,
                             s->serial_to);
    step_end(x);
    return step_begin(x, rr);
}

/* --- the beginning --- */

static enum xfr_in_next take_first(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    if (rr->type != TYPE_SOA)
        return xfr_in_breach(diag, "the first record is not the SOA");
    ASSERT(rr->rdata.len <= sizeof(x->soa_bytes));
    memcpy(x->soa_bytes, rr->rdata.bytes, rr->rdata.len);
    x->soa = (struct rdata){x->soa_bytes, rr->rdata.len};
    x->soa_ttl = rr->ttl;
    x->serial = soa_of(x->soa).serial;
    x->state = XFR_IN_STATE_SECOND;
    bool is_ahead = serial_compare(x->serial, x->order.serial) == 1;
    return x->order.qtype == TYPE_AXFR || is_ahead ? XFR_IN_MORE : XFR_IN_CURRENT;
}

/* RFC 1995 s4: differences begin with two SOAs. The second is that of our version; a second one
 * that is the first again ends a zone that has nothing else. */
static enum xfr_in_next take_second(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    if (x->order.qtype == TYPE_IXFR && rr->type == TYPE_SOA && !is_newest_soa(x, rr)) {
        uint32_t serial = soa_of(rr->rdata).serial;
        return serial == x->order.serial
                   ? step_begin(x, rr)
                   : xfr_in_breach(diag, "differences from serial %u, ours is %u", serial,
                                   x->order.serial);
    }
    begin_whole(x);
    return take_whole(x, rr, diag);
}

enum xfr_in_next xfr_in_record(struct xfr_in *x, const struct rr *rr, struct diag *diag)
{
    static enum xfr_in_next (*const take[])(struct xfr_in *, const struct rr *, struct diag *) = {
        [XFR_IN_STATE_FIRST] = take_first, [XFR_IN_STATE_SECOND] = take_second,
        [XFR_IN_STATE_WHOLE] = take_whole, [XFR_IN_STATE_REMOVED] = take_removed,
        [XFR_IN_STATE_ADDED] = take_added, [XFR_IN_STATE_GATHER] = take_gather,
    };
    return take[x->state](x, rr, diag);
}

uint64_t xfr_in_kept(const struct xfr_in *x)
{
    return (x->zone ? x->zone->pool.held : 0) + x->steps.bytes +
           x->steps.count * sizeof(struct xfr_step) + x->step.len;
}

/* SPDX-License-Identifier: Apache-2.0
 * Making a diff's changes again: what the log kept goes back into a zone (txn_apply of zone/txn.h).
 *
 * The bytes may come from a damaged disk, so everything about a record is checked before the txn
 * sees it. */
#include "base/check.h"
#include "zone/txn.h"
#include "zone/zone.h"

/* Records of an owner laid open, and written again, in the time of one record's change. */
#define REOPENED_PER_STEP 32

const char *diff_read(struct rd *r, const struct diff_of *of, struct rr *rr)
{
    rr->owner = rd_name(r);
    rr->type = rd_u16(r);
    rr->class = rd_u16(r);
    rr->ttl = rd_u32(r);
    rr->rdata.len = rd_u16(r);
    rr->rdata.bytes = rd_bytes(r, rr->rdata.len);
    if (r->bad)
        return "ends within a record";
    if (!name_is_under(rr->owner, of->zone))
        return "has a record out of the zone";
    if (rr->class != of->class || !rrtype_is_data(rr->type))
        return "has a record that no zone can have";
    const char *why;
    return rdata_check(rr->type, rr->rdata, &why) ? NULL : "has malformed rdata";
}

static const char *remove_record(struct txn *t, const struct rr *rr)
{
    return txn_remove(t, rr->owner, rr->type, rr->rdata) == TXN_DONE
               ? NULL
               : "removes a record that is not there";
}

/* An RRset that gets another TTL is removed whole before it is added again, so TXN_TTL does not
 * come from a diff of ours either. */
static const char *add_record(struct txn *t, const struct rr *rr, struct diff_at *at)
{
    switch (txn_add(t, rr)) {
    case TXN_DONE:
        return NULL;
    case TXN_NOTHING:
        if (!at->takes_present)
            return "adds a record that is there";
        at->present++;
        return NULL;
    case TXN_FULL:
        return "adds more records than a name can have";
    case TXN_TTL:
        break;
    }
    return "adds a record whose TTL is not its RRset's";
}

enum err txn_apply_some(struct txn *t, const struct diff_bytes *d, struct diff_at *at,
                        size_t *budget, struct diag *diag)
{
    const struct zone *z = txn_zone(t);
    struct diff_of of = {name_of(&z->name), z->class};
    if (d->added_at > d->len)
        return err_say(diag, ERR_INVALID, "change is shorter than its first part");
    while (at->bytes<d->len && * budget> 0) {
        uint64_t before = txn_reopened(t);
        bool is_removed = at->bytes < d->added_at;
        struct rd r =
            rd_over(d->bytes + at->bytes, (is_removed ? d->added_at : d->len) - at->bytes);
        size_t left = rd_left(&r);
        struct rr rr;
        const char *why = diff_read(&r, &of, &rr);
        if (!why)
            why = is_removed ? remove_record(t, &rr) : add_record(t, &rr, at);
        if (why)
            return err_say(diag, ERR_INVALID, "change %s", why);
        at->bytes += left - rd_left(&r);
        size_t cost = 1 + (size_t)(txn_reopened(t) - before) / REOPENED_PER_STEP;
        *budget -= *budget < cost ? *budget : cost;
    }
    return OK;
}

enum err txn_apply(struct txn *t, const struct diff_bytes *d, struct diag *diag)
{
    struct diff_at at = {0};
    size_t budget = SIZE_MAX;
    return txn_apply_some(t, d, &at, &budget, diag);
}

/* SPDX-License-Identifier: Apache-2.0
 * Looking at a name that lies open in a txn. */
#include "update/look.h"

#include "base/check.h"

#define WKS_SERVICE_LEN 5 /* address and protocol (RFC 1035 s3.4.2) */

static uint32_t order_of(uint16_t type, struct rdata rdata)
{
    return type == TYPE_RRSIG ? get_u16(rdata.bytes) * 2u + 1 : type * 2u;
}

static struct look_range range_of(const struct edit *e, uint32_t order)
{
    return (struct look_range){edit_lower_bound(e, order), edit_lower_bound(e, order + 1)};
}

struct look_range look_rrset(const struct edit *e, uint16_t type)
{
    ASSERT(type != TYPE_RRSIG);
    return range_of(e, type * 2u);
}

bool look_has(const struct edit *e, uint16_t type)
{
    if (type != TYPE_RRSIG) {
        struct look_range set = look_rrset(e, type);
        return set.from < set.to;
    }
    for (uint32_t i = 0; i < e->count; i = edit_lower_bound(e, e->entry[i].order + 1))
        if (e->entry[i].type == TYPE_RRSIG)
            return true;
    return false;
}

bool look_has_other_data(const struct edit *e)
{
    for (uint32_t i = 0; i < e->count; i = edit_lower_bound(e, e->entry[i].order + 1))
        if (e->entry[i].type != TYPE_CNAME && !rrtype_is(e->entry[i].type, RRTYPE_BESIDE_CNAME))
            return true;
    return false;
}

const struct edit_entry *look_record(const struct edit *e, uint16_t type, struct rdata rdata)
{
    struct look_range set = range_of(e, order_of(type, rdata));
    while (set.from < set.to) {
        uint32_t mid = set.from + (set.to - set.from) / 2;
        const struct edit_entry *entry = &e->entry[mid];
        int d = rdata_compare(type, (struct rdata){entry->bytes, entry->len}, rdata);
        if (d == 0)
            return entry;
        if (d < 0)
            set.from = mid + 1;
        else
            set.to = mid;
    }
    return NULL;
}

static bool is_other_of_service(struct rdata a, struct rdata b)
{
    return memcmp(a.bytes, b.bytes, WKS_SERVICE_LEN) == 0 && rdata_compare(TYPE_WKS, a, b) != 0;
}

const struct edit_entry *look_service(const struct edit *e, struct rdata wks)
{
    struct look_range set = look_rrset(e, TYPE_WKS);
    ASSERT(wks.len >= WKS_SERVICE_LEN);
    for (uint32_t i = set.from; i < set.to; i++) {
        struct rdata r = {e->entry[i].bytes, e->entry[i].len};
        if (is_other_of_service(r, wks))
            return &e->entry[i];
    }
    return NULL;
}

bool look_may_replace(uint16_t type)
{
    return type == TYPE_WKS || (type != TYPE_SOA && rrtype_is(type, RRTYPE_SINGLE));
}

bool look_replaces(const struct rr *added, struct rdata old)
{
    if (!look_may_replace(added->type))
        return false;
    return added->type == TYPE_WKS ? is_other_of_service(old, added->rdata)
                                   : rdata_compare(added->type, old, added->rdata) != 0;
}

uint16_t look_type(const struct rr *rr)
{
    bool is_sig = rr->type == TYPE_RRSIG && get_u16(rr->rdata.bytes) == TYPE_NSEC3;
    return is_sig ? TYPE_NSEC3 : rr->type;
}

/* SPDX-License-Identifier: Apache-2.0
 * Making the apex of a zone that has no file. */
#include "zone/made.h"

#include "base/check.h"
#include "zone/txn.h"

#define SOA_LEN_MAX (2 * NAME_LEN_MAX + 20)

/* RFC 1035 s3.3.13 */
static uint16_t write_soa(const struct made_soa *soa, uint8_t *out)
{
    struct wr w = wr_over(out, SOA_LEN_MAX);
    wr_bytes(&w, soa->mname.wire, soa->mname.len);
    wr_bytes(&w, soa->rname.wire, soa->rname.len);
    wr_u32(&w, soa->serial);
    wr_u32(&w, soa->refresh);
    wr_u32(&w, soa->retry);
    wr_u32(&w, soa->expire);
    wr_u32(&w, soa->minimum);
    ASSERT(!w.bad);
    return (uint16_t)wr_len(&w);
}

struct zone *zone_from_soa(struct name name, const struct made_soa *soa)
{
    ASSERT(soa->ns_count > 0);
    struct zone *z = zone_new(name, CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    uint8_t rdata[SOA_LEN_MAX];
    struct rr rr = {name, TYPE_SOA, CLASS_IN, soa->ttl, {rdata, write_soa(soa, rdata)}};
    txn_add(t, &rr);
    rr.type = TYPE_NS;
    for (unsigned i = 0; i < soa->ns_count; i++) {
        rr.rdata = (struct rdata){soa->ns[i].wire, soa->ns[i].len};
        txn_add(t, &rr); /* one named twice is one */
    }
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

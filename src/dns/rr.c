/* SPDX-License-Identifier: Apache-2.0
 * Serial arithmetic and the SOA's fields. */
#include "dns/rr.h"

#include "base/check.h"

int serial_compare(uint32_t a, uint32_t b)
{
    uint32_t ahead = a - b;
    if (ahead == 0)
        return 0;
    if (ahead == 0x80000000u)
        return 2; /* RFC 1982 s3.2: undefined */
    return ahead < 0x80000000u ? 1 : -1;
}

struct soa soa_of(struct rdata rd)
{
    struct rd r = rd_over(rd.bytes, rd.len);
    struct soa soa = {0};
    soa.mname = rd_name(&r);
    soa.rname = rd_name(&r);
    soa.serial = rd_u32(&r);
    soa.refresh = rd_u32(&r);
    soa.retry = rd_u32(&r);
    soa.expire = rd_u32(&r);
    soa.minimum = rd_u32(&r);
    ASSERT(!r.bad && rd_left(&r) == 0);
    return soa;
}

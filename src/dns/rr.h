/* SPDX-License-Identifier: Apache-2.0
 * One resource record: a view of parts that lie elsewhere, in stored form. */
#ifndef REEVE_DNS_RR_H
#define REEVE_DNS_RR_H

#include "dns/codes.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

struct rr {
    struct name owner;
    uint16_t type, class;
    uint32_t ttl;
    struct rdata rdata;
};

/* RFC 1982: -1 a before b, 0 equal, 1 a after b, 2 undefined (distance 2^31). */
int serial_compare(uint32_t a, uint32_t b);

/* The fields of a SOA record's rdata, which is valid. */
struct soa {
    struct name mname, rname;
    uint32_t serial, refresh, retry, expire, minimum;
};
struct soa soa_of(struct rdata rd);

#endif

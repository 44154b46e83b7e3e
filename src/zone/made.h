/* SPDX-License-Identifier: Apache-2.0
 * A zone without a file: made from what its SOA and NS are to be, and filled by updates. */
#ifndef REEVE_ZONE_MADE_H
#define REEVE_ZONE_MADE_H

#include "zone/zone.h"

struct made_soa {
    struct name mname, rname;
    const struct name_buf *ns; /* at least one */
    unsigned ns_count;
    uint32_t refresh, retry, expire, minimum;
    uint32_t ttl; /* of both RRsets */
    uint32_t serial;
};

/* The zone with one published version that has a SOA and the NS at its apex. Addresses of name
 * servers inside the zone are for updates to add. Any thread. */
struct zone *zone_from_soa(struct name name, const struct made_soa *soa);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * ZONEVERSION (RFC 9660): which version of which zone an answer comes from. */
#include "edns/edns.h"

#include "zone/zone.h"

#define TYPE_SOA_SERIAL 0

#define ZONEVERSION_LEN 6

static enum rcode zoneversion_read(struct request *q, struct rd *payload)
{
    (void)q;
    return rd_left(payload) == 0 ? NOERROR : FORMERR; /* s3.2.1 */
}

/* The version that the answer is made of, or (SERVFAIL) the one that is expired. */
static const struct version *version_of(const struct request *q)
{
    return q->version ? q->version : q->zone ? q->zone->published : NULL;
}

/* s3.2: where the question's name is in a zone of ours, whatever the answer is. */
static uint16_t zoneversion_size(const struct request *q)
{
    const struct version *v = version_of(q);
    return v && v->soa.count ? ZONEVERSION_LEN : EDNS_ABSENT;
}

static void zoneversion_write(const struct request *q, struct wr *w)
{
    wr_u8(w, (uint8_t)q->zone->labels); /* the root counts 0 */
    wr_u8(w, TYPE_SOA_SERIAL);
    wr_u32(w, version_of(q)->serial);
}

/* s3.2.1: once. */
const struct edns_option edns_zoneversion = {
    .repeat = EDNS_REPEAT_FORMERR,
    .read = zoneversion_read,
    .size = zoneversion_size,
    .write = zoneversion_write,
};

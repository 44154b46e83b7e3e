/* SPDX-License-Identifier: Apache-2.0
 * ZONEVERSION (RFC 9660): which version of which zone an answer comes from. */
#include "edns/edns.h"

#include "zone/zone.h"

#define TYPE_SOA_SERIAL 0

static enum rcode zoneversion_read(struct request *q, struct rd *payload)
{
    q->edns.wants_zoneversion = true;
    return rd_left(payload) == 0 ? NOERROR : FORMERR; /* s3.2 */
}

/* s3.2: where the question's name is in a zone of ours, whatever the answer is. */
static uint16_t zoneversion_size(const struct request *q)
{
    return q->edns.wants_zoneversion && q->zone && q->version ? 6 : EDNS_ABSENT;
}

static void zoneversion_write(const struct request *q, struct wr *w)
{
    wr_u8(w, (uint8_t)q->zone->labels); /* the root counts 0 */
    wr_u8(w, TYPE_SOA_SERIAL);
    wr_u32(w, q->version->serial);
}

const struct edns_option edns_zoneversion = {
    .code = 19,
    .name = "zoneversion",
    .repeat = EDNS_REPEAT_FORMERR,
    .read = zoneversion_read,
    .size = zoneversion_size,
    .write = zoneversion_write,
};

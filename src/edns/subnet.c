/* SPDX-License-Identifier: Apache-2.0
 * Client subnet (RFC 7871): answers do not depend on it here, which scope 0 says; or, by setting,
 * nothing is said. */
#include "edns/edns.h"

#include <string.h>

#define FAMILY_V4 1
#define FAMILY_V6 2

/* s6: a family that is defined, as many address bytes as the source prefix needs, bits behind it
 * zero, scope 0. */
static bool is_well_formed(unsigned family, unsigned source, unsigned scope, const uint8_t *address,
                           size_t len)
{
    unsigned bits_max = family == FAMILY_V4 ? 32 : family == FAMILY_V6 ? 128 : 0;
    if (family > FAMILY_V6) /* none at all, 0, is what some send with a prefix of no bits */
        return false;
    if (source > bits_max || scope != 0 || len != (source + 7) / 8)
        return false;
    unsigned spare = (unsigned)len * 8 - source;
    return spare == 0 || (address[len - 1] & ((1u << spare) - 1)) == 0;
}

static enum rcode subnet_read(struct request *q, struct rd *payload)
{
    if (!q->self->echoes_subnet) /* s7.2.1: as if it were not known */
        return NOERROR;
    unsigned family = rd_u16(payload), source = rd_u8(payload), scope = rd_u8(payload);
    size_t len = rd_left(payload);
    const uint8_t *address = rd_bytes(payload, len);
    if (payload->bad || len > sizeof(q->edns.subnet) ||
        !is_well_formed(family, source, scope, address, len))
        return FORMERR; /* s6, s7.2.1 */
    q->edns.subnet_family = (uint8_t)family;
    q->edns.subnet_bits = (uint8_t)source;
    q->edns.subnet_len = (uint8_t)len;
    memcpy(q->edns.subnet, address, len);
    return NOERROR;
}

static uint16_t subnet_size(const struct request *q)
{
    return q->self->echoes_subnet ? (uint16_t)(4 + q->edns.subnet_len) : EDNS_ABSENT;
}

static void subnet_write(const struct request *q, struct wr *w)
{
    wr_u16(w, q->edns.subnet_family);
    wr_u8(w, q->edns.subnet_bits);
    wr_u8(w, 0); /* s7.2.1: good for all addresses */
    wr_bytes(w, q->edns.subnet, q->edns.subnet_len);
}

const struct edns_option edns_subnet = {
    .repeat = EDNS_REPEAT_FIRST,
    .read = subnet_read,
    .size = subnet_size,
    .write = subnet_write,
};

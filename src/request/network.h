/* SPDX-License-Identifier: Apache-2.0
 * The network that a peer belongs to, for limits that count many addresses as one: whoever has one
 * address of a network can mostly have, or forge, the others. */
#ifndef REEVE_REQUEST_NETWORK_H
#define REEVE_REQUEST_NETWORK_H

#include "base/wire.h"
#include "request/prefix.h"
#include "request/request.h"

/* How many leading bits of an address count. */
struct network_bits {
    uint8_t v4; /* 1 to 32 */
    uint8_t v6; /* 1 to 64 */
};

/* The leading bits of the address, the others 0. An IPv4-mapped IPv6 address is the IPv4 one. */
struct network {
    uint64_t prefix;   /* the first 8 bytes as a number */
    uint8_t bytes_len; /* 4 or 16: the family */
};

static inline struct network network_of(const union address *a, struct network_bits bits)
{
    const uint8_t *v4 = (const uint8_t *)&a->v4.sin_addr;
    if (a->any.sa_family != AF_INET) {
        const uint8_t *v6 = a->v6.sin6_addr.s6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
            return (struct network){get_u64(v6) & ~UINT64_C(0) << (64 - bits.v6), 16};
        v4 = v6 + 12;
    }
    uint64_t host = (uint64_t)get_u32(v4) << 32;
    return (struct network){host & ~UINT64_C(0) << (64 - bits.v4), 4};
}

/* As a prefix, to be shown. */
static inline struct prefix network_prefix(struct network n, struct network_bits bits)
{
    struct prefix p = {.len = n.bytes_len == 4 ? bits.v4 : bits.v6, .bytes_len = n.bytes_len};
    put_u64(p.bytes, n.prefix);
    return p;
}

#endif

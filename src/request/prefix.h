/* SPDX-License-Identifier: Apache-2.0
 * Address prefixes: 192.0.2.0/24, 2001:db8::/32, or an address alone. */
#ifndef REEVE_REQUEST_PREFIX_H
#define REEVE_REQUEST_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "request/request.h"

#define PREFIX_TEXT_MAX 64

struct prefix {
    uint8_t len;       /* bits */
    uint8_t bytes_len; /* 4 or 16: the family */
    uint8_t bytes[16]; /* bits behind len are 0 */
};

/* False for anything else, and for bits set behind the length. A prefix of IPv4-mapped IPv6
 * addresses (::ffff:192.0.2.0/120) becomes the IPv4 one. */
bool prefix_scan(const char *text, size_t len, struct prefix *out);
/* As the configuration has it: an address alone where all bits count. */
void prefix_show(const struct prefix *p, struct text *t);
/* IPv4-mapped IPv6 addresses count as IPv4: they are in 0.0.0.0/0 and not in ::/0. */
bool prefix_has(const struct prefix *p, const union address *a);
/* The same for an address in network order as A and AAAA records have it: 4 or 16 bytes. */
bool prefix_has_bytes(const struct prefix *p, const uint8_t *bytes, size_t len);

#endif

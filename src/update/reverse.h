/* SPDX-License-Identifier: Apache-2.0
 * Addresses as names: in-addr.arpa (RFC 1035 s3.5) and ip6.arpa (RFC 3596 s2.5). */
#ifndef REEVE_UPDATE_REVERSE_H
#define REEVE_UPDATE_REVERSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"
#include "request/request.h"

/* The name of an address; IPv4-mapped IPv6 is IPv4. */
void reverse_name(const union address *a, struct name_buf *out);
/* The address that such a name stands for, 4 or 16 bytes in network order: *len. False: it stands
 * for none, as networks and the names of RFC 2317 do. */
bool reverse_scan(struct name n, uint8_t bytes[16], size_t *len);

#endif

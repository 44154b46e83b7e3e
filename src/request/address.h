/* SPDX-License-Identifier: Apache-2.0
 * Addresses of sockets and peers: their length, their text, what makes two of them the same. */
#ifndef REEVE_REQUEST_ADDRESS_H
#define REEVE_REQUEST_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "request/request.h"

#define ADDRESS_TEXT_MAX 64 /* an IPv6 address, %interface, @port and the NUL */

struct address_text {
    char text[ADDRESS_TEXT_MAX];
};

/* False (and *out untouched) for anything but IPv4 and IPv6. */
bool address_read(const struct sockaddr_storage *from, union address *out);
socklen_t address_len(const union address *a);
/* Same family, address, port and, where it matters, interface. */
bool address_is_same(const union address *a, const union address *b);
/* Same family and host; ports may differ. An IPv4-mapped IPv6 address is the IPv4 one. */
bool address_is_same_host(const union address *a, const union address *b);
/* 0.0.0.0 or ::. */
bool address_is_wildcard(const union address *a);
/* "192.0.2.1@53", as in the configuration; gives t->text. */
const char *address_show(const union address *a, struct address_text *t);

/* In network order; both families have it at the same place. */
static inline in_port_t address_port(const union address *a)
{
    return a->v4.sin_port;
}

#endif

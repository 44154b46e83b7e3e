/* SPDX-License-Identifier: Apache-2.0
 * Addresses of sockets and peers. */
#include "request/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "address_port() reads both families by the IPv4 member");

bool address_read(const struct sockaddr_storage *from, union address *out)
{
    if (from->ss_family != AF_INET && from->ss_family != AF_INET6)
        return false;
    memset(out, 0, sizeof(*out));
    memcpy(out, from, from->ss_family == AF_INET ? sizeof(out->v4) : sizeof(out->v6));
    return true;
}

socklen_t address_len(const union address *a)
{
    return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

bool address_is_same(const union address *a, const union address *b)
{
    if (a->any.sa_family != b->any.sa_family || address_port(a) != address_port(b))
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
           !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr));
}

bool address_is_wildcard(const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

const char *address_show(const union address *a, struct address_text *t)
{
    char host[INET6_ADDRSTRLEN];
    bool is_v4 = a->any.sa_family == AF_INET;
    const void *bytes = is_v4 ? (const void *)&a->v4.sin_addr : (const void *)&a->v6.sin6_addr;
    ASSERT(inet_ntop(a->any.sa_family, bytes, host, sizeof(host)));
    char scope[16] = "";
    if (!is_v4 && a->v6.sin6_scope_id)
        snprintf(scope, sizeof(scope), "%%%u", a->v6.sin6_scope_id);
    snprintf(t->text, sizeof(t->text), "%s%s@%u", host, scope, ntohs(address_port(a)));
    return t->text;
}

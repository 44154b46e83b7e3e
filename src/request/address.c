/* SPDX-License-Identifier: Apache-2.0
 * Addresses of sockets and peers. */
#include "request/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

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

/* The host's bytes, with what is mapped laid open. */
static const uint8_t *host_of(const union address *a, size_t *len)
{
    *len = a->any.sa_family == AF_INET ? 4 : 16;
    if (*len == 4)
        return (const uint8_t *)&a->v4.sin_addr;
    bool is_mapped = IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
    *len = is_mapped ? 4 : 16;
    return a->v6.sin6_addr.s6_addr + (is_mapped ? 12 : 0);
}

bool address_is_same_host(const union address *a, const union address *b)
{
    size_t a_len, b_len;
    const uint8_t *a_host = host_of(a, &a_len), *b_host = host_of(b, &b_len);
    bool has_scope = a->any.sa_family == AF_INET6 && b->any.sa_family == AF_INET6;
    return a_len == b_len && memcmp(a_host, b_host, a_len) == 0 &&
           (!has_scope || a->v6.sin6_scope_id == b->v6.sin6_scope_id);
}

bool address_is_wildcard(const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

/* Without printf: every update's row in the change log has its peer. */
const char *address_show(const union address *a, struct address_text *out)
{
    char host[INET6_ADDRSTRLEN];
    struct text t;
    text_init(&t, out->text, sizeof(out->text));
    if (a->any.sa_family == AF_INET) {
        const uint8_t *byte = (const uint8_t *)&a->v4.sin_addr;
        for (unsigned i = 0; i < 4; i++) {
            text_add(&t, i ? "." : "");
            text_u32(&t, byte[i]);
        }
    } else {
        ASSERT(inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host)));
        text_add(&t, host);
        if (a->v6.sin6_scope_id) {
            text_char(&t, '%');
            text_u32(&t, a->v6.sin6_scope_id);
        }
    }
    text_char(&t, '@');
    text_u32(&t, ntohs(address_port(a)));
    ASSERT(!t.bad);
    return out->text;
}

/* SPDX-License-Identifier: Apache-2.0
 * Address prefixes. Both families are compared as bits of bytes in network order; an IPv4-mapped
 * IPv6 address or prefix is turned into IPv4 on the way in. */
#include "request/prefix.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/digits.h"

#define V4_LEN     4
#define V6_LEN     16
#define MAPPED_LEN 12 /* of ::ffff:0:0/96, RFC 4291 s2.5.5.2 */

static const uint8_t mapped[MAPPED_LEN] = {[10] = 0xff, [11] = 0xff};

/* Is a bit set behind the first `len`? */
static bool has_bits_behind(const uint8_t *bytes, size_t bytes_len, unsigned len)
{
    for (unsigned bit = len; bit < bytes_len * 8; bit++)
        if (bytes[bit / 8] & 0x80u >> bit % 8)
            return true;
    return false;
}

static void unmap(struct prefix *p)
{
    if (p->bytes_len != V6_LEN || p->len < MAPPED_LEN * 8 ||
        memcmp(p->bytes, mapped, MAPPED_LEN) != 0)
        return;
    memmove(p->bytes, p->bytes + MAPPED_LEN, V4_LEN);
    memset(p->bytes + V4_LEN, 0, V6_LEN - V4_LEN);
    p->bytes_len = V4_LEN;
    p->len = (uint8_t)(p->len - MAPPED_LEN * 8);
}

bool prefix_scan(const char *text, size_t len, struct prefix *out)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = len ? memchr(text, '/', len) : NULL;
    size_t address_len = slash ? (size_t)(slash - text) : len;
    if (address_len >= sizeof(address) || (len && memchr(text, 0, len)))
        return false;
    if (address_len)
        memcpy(address, text, address_len);
    address[address_len] = 0;
    struct prefix p = {0};
    if (inet_pton(AF_INET, address, p.bytes) == 1)
        p.bytes_len = V4_LEN;
    else if (inet_pton(AF_INET6, address, p.bytes) == 1)
        p.bytes_len = V6_LEN;
    else
        return false;
    uint64_t bits = p.bytes_len * 8u;
    if (slash && !digits_u64(slash + 1, len - address_len - 1, bits, &bits))
        return false;
    p.len = (uint8_t)bits;
    if (has_bits_behind(p.bytes, p.bytes_len, p.len))
        return false;
    unmap(&p);
    *out = p;
    return true;
}

void prefix_show(const struct prefix *p, struct text *t)
{
    char address[INET6_ADDRSTRLEN];
    inet_ntop(p->bytes_len == V4_LEN ? AF_INET : AF_INET6, p->bytes, address, sizeof(address));
    text_add(t, address);
    if (p->len < p->bytes_len * 8)
        text_fmt(t, "/%u", p->len);
}

bool prefix_has_bytes(const struct prefix *p, const uint8_t *bytes, size_t len)
{
    if (len == V6_LEN && memcmp(bytes, mapped, MAPPED_LEN) == 0) {
        bytes += MAPPED_LEN;
        len = V4_LEN;
    }
    if (len != p->bytes_len || memcmp(p->bytes, bytes, p->len / 8u) != 0)
        return false;
    unsigned rest = p->len % 8u;
    return rest == 0 || ((p->bytes[p->len / 8] ^ bytes[p->len / 8]) >> (8 - rest)) == 0;
}

bool prefix_has(const struct prefix *p, const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return prefix_has_bytes(p, (const uint8_t *)&a->v4.sin_addr, V4_LEN);
    return prefix_has_bytes(p, (const uint8_t *)&a->v6.sin6_addr, V6_LEN);
}

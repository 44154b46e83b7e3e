/* SPDX-License-Identifier: Apache-2.0
 * APL (RFC 3123): a list, also an empty one, of [!]family:address/prefix; zero bytes at the
 * address's end are left out on the wire. */
#include <string.h>

#include "base/digits.h"
#include "dns/kind.h"

enum { APL_IP4 = 1, APL_IP6 = 2 };

#define NEGATED  0x80
#define LEN_MASK 0x7f

static unsigned address_len(unsigned family)
{
    return family == APL_IP4 ? 4 : 16;
}

const char *kind_apl_span(struct rd *r)
{
    while (rd_left(r)) {
        unsigned family = rd_u16(r), prefix = rd_u8(r), len = rd_u8(r) & LEN_MASK;
        const uint8_t *address = rd_bytes(r, len);
        if (!address)
            return "rdata ends within an address prefix";
        if (family != APL_IP4 && family != APL_IP6)
            return "address family is neither 1 nor 2";
        if (prefix > address_len(family) * 8 || len > address_len(family))
            return "address prefix is longer than an address";
        if (len && address[len - 1] == 0)
            return "address prefix ends with a zero byte"; /* s4 */
    }
    return NULL;
}

static bool put_item(const char *p, size_t n, struct wr *out)
{
    const char *end = p + n, *colon, *slash;
    bool negated = n && *p == '!';
    p += negated;
    uint64_t family, prefix;
    if (!(colon = memchr(p, ':', (size_t)(end - p))) ||
        !(slash = memchr(colon, '/', (size_t)(end - colon))))
        return false;
    if (!digits_u64(p, (size_t)(colon - p), APL_IP6, &family) || family == 0)
        return false;
    unsigned len = address_len((unsigned)family);
    if (!digits_u64(slash + 1, (size_t)(end - slash) - 1, len * 8, &prefix))
        return false;
    uint8_t address[16];
    size_t text_len = (size_t)(slash - colon) - 1;
    if (!(family == APL_IP4 ? kind_ip4_read : kind_ip6_read)(colon + 1, text_len, address))
        return false;
    while (len && address[len - 1] == 0)
        len--;
    wr_u16(out, (uint16_t)family);
    wr_u8(out, (uint8_t)prefix);
    wr_u8(out, (uint8_t)(len | (negated ? NEGATED : 0)));
    wr_bytes(out, address, len);
    return true;
}

enum err kind_apl_scan(struct scan *s)
{
    static const char expected[] = "an address prefix like 1:192.0.2.0/24 or !2:2001:db8::/32";
    while (kind_next(s) == TOKEN_WORD)
        if (!put_item(s->tok.s, s->tok.len, s->out))
            return kind_fail(s, expected);
    return kind_end(s, expected);
}

void kind_apl_show(struct rd *r, struct text *t)
{
    while (rd_left(r)) {
        unsigned family = rd_u16(r), prefix = rd_u8(r), last = rd_u8(r), len = last & LEN_MASK;
        uint8_t address[16] = {0};
        memcpy(address, rd_bytes(r, len), len);
        struct rd whole = rd_over(address, sizeof(address));
        text_add(t, last & NEGATED ? "!" : "");
        text_u32(t, family);
        text_char(t, ':');
        (family == APL_IP4 ? kind_ip4_show : kind_ip6_show)(&whole, t);
        text_char(t, '/');
        text_u32(t, prefix);
        if (rd_left(r))
            text_char(t, ' ');
    }
}

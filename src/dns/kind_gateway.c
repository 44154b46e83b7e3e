/* SPDX-License-Identifier: Apache-2.0
 * The gateway of IPSECKEY (RFC 4025 s2.5) and the relay of AMTRELAY (RFC 8777 s4.2.4): an address
 * or a name, as a field before it says. */
#include "base/digits.h"
#include "dns/kind.h"

enum gateway_type { GATEWAY_NONE, GATEWAY_IP4, GATEWAY_IP6, GATEWAY_NAME };

static const char *span_by_type(unsigned type, struct rd *r)
{
    switch (type) {
    case GATEWAY_NONE:
        return NULL;
    case GATEWAY_IP4:
        return rd_bytes(r, 4) ? NULL : "rdata ends within the address";
    case GATEWAY_IP6:
        return rd_bytes(r, 16) ? NULL : "rdata ends within the address";
    case GATEWAY_NAME:
        return kind_name_span(r);
    default:
        return "unknown type of gateway";
    }
}

static enum err scan_by_type(unsigned type, struct scan *s)
{
    static const char expected[] = "\".\", since the type says that there is none";
    switch (type) {
    case GATEWAY_IP4:
        return kind_ip4_scan(s);
    case GATEWAY_IP6:
        return kind_ip6_scan(s);
    case GATEWAY_NAME:
        return kind_name_scan(s);
    default:
        break;
    }
    enum err e = kind_word(s, expected);
    return e != OK || kind_word_is(s, ".") ? e : kind_fail(s, expected);
}

static void show_by_type(unsigned type, struct rd *r, struct text *t)
{
    switch (type) {
    case GATEWAY_IP4:
        kind_ip4_show(r, t);
        break;
    case GATEWAY_IP6:
        kind_ip6_show(r, t);
        break;
    case GATEWAY_NAME:
        kind_name_show(r, t);
        break;
    default:
        text_char(t, '.');
    }
}

/* --- IPSECKEY: the type is the second byte --- */

const char *kind_gateway_span(struct rd *r)
{
    return span_by_type(r->start[1], r);
}

enum err kind_gateway_scan(struct scan *s)
{
    unsigned type = s->out->bad ? GATEWAY_NONE : s->start[1];
    if (type > GATEWAY_NAME)
        return kind_say(s, "unknown type of gateway: known are 0 to 3");
    return scan_by_type(type, s);
}

void kind_gateway_show(struct rd *r, struct text *t)
{
    show_by_type(r->start[1], r, t);
}

/* --- AMTRELAY: the type shares the second byte with the bit D, which are two fields in text --- */

#define RELAY_D    0x80
#define RELAY_MASK 0x7f

enum err kind_relay_type_scan(struct scan *s)
{
    uint64_t discovery = 0, type = 0;
    enum err e = kind_number(s, 1, "0 or 1, the discovery bit", &discovery);
    if (e == OK)
        e = kind_number(s, GATEWAY_NAME, "a relay type from 0 to 3", &type);
    wr_u8(s->out, (uint8_t)(discovery << 7 | type));
    return e;
}

void kind_relay_type_show(struct rd *r, struct text *t)
{
    uint8_t byte = rd_u8(r);
    text_u32(t, byte & RELAY_D ? 1 : 0);
    text_char(t, ' ');
    text_u32(t, byte & RELAY_MASK);
}

const char *kind_relay_span(struct rd *r)
{
    return span_by_type(r->start[1] & RELAY_MASK, r);
}

enum err kind_relay_scan(struct scan *s)
{
    return scan_by_type(s->out->bad ? GATEWAY_NONE : s->start[1] & RELAY_MASK, s);
}

void kind_relay_show(struct rd *r, struct text *t)
{
    show_by_type(r->start[1] & RELAY_MASK, r, t);
}

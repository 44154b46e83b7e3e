/* SPDX-License-Identifier: Apache-2.0
 * Addresses as names. */
#include "update/reverse.h"

#include "base/check.h"
#include "base/digits.h"

#define V4_LEN 4
#define V6_LEN 16

static const struct name in_addr = {(const uint8_t *)"\7in-addr\4arpa", 14};
static const struct name ip6 = {(const uint8_t *)"\3ip6\4arpa", 10};

static uint8_t *put_label(uint8_t *p, const char *text, size_t len)
{
    *p = (uint8_t)len;
    memcpy(p + 1, text, len);
    return p + 1 + len;
}

static void v4_name(const uint8_t bytes[V4_LEN], struct name_buf *out)
{
    uint8_t *p = out->wire;
    for (int i = V4_LEN - 1; i >= 0; i--) {
        char number[8];
        struct text t;
        text_init(&t, number, sizeof(number));
        text_u32(&t, bytes[i]);
        p = put_label(p, number, text_len(&t));
    }
    memcpy(p, in_addr.wire, in_addr.len);
    out->len = (uint8_t)(p + in_addr.len - out->wire);
}

static void v6_name(const uint8_t bytes[V6_LEN], struct name_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *p = out->wire;
    for (int i = V6_LEN - 1; i >= 0; i--) {
        p = put_label(p, &digits[bytes[i] & 15], 1);
        p = put_label(p, &digits[bytes[i] >> 4], 1);
    }
    memcpy(p, ip6.wire, ip6.len);
    out->len = (uint8_t)(p + ip6.len - out->wire);
}

void reverse_name(const union address *a, struct name_buf *out)
{
    if (a->any.sa_family == AF_INET)
        v4_name((const uint8_t *)&a->v4.sin_addr, out);
    else if (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        v4_name((const uint8_t *)&a->v6.sin6_addr + V6_LEN - V4_LEN, out);
    else
        v6_name((const uint8_t *)&a->v6.sin6_addr, out);
}

/* The next label as a number: decimal below 256 without zeros in front, or one hex digit. */
static bool scan_label(struct name n, bool is_hex, uint8_t *out)
{
    const char *text = (const char *)n.wire + 1;
    size_t len = n.wire[0];
    if (is_hex) {
        char c = len == 1 ? (char)name_fold[n.wire[1]] : ' ';
        bool is_digit = c >= '0' && c <= '9', is_letter = c >= 'a' && c <= 'f';
        *out = (uint8_t)(is_digit ? c - '0' : c - 'a' + 10);
        return is_digit || is_letter;
    }
    uint64_t v;
    if (!digits_u64(text, len, 255, &v) || (len > 1 && text[0] == '0'))
        return false;
    *out = (uint8_t)v;
    return true;
}

bool reverse_scan(struct name n, uint8_t bytes[16], size_t *len)
{
    bool is_v6 = name_is_under(n, ip6);
    if (!is_v6 && !name_is_under(n, in_addr))
        return false;
    size_t count = is_v6 ? V6_LEN : V4_LEN;
    unsigned labels = is_v6 ? 2 * V6_LEN : V4_LEN;
    if (name_labels(n) != labels + 2)
        return false;
    uint8_t found[V6_LEN] = {0};
    for (unsigned i = 0; i < labels; i++, n = name_parent(n)) {
        uint8_t v;
        if (!scan_label(n, is_v6, &v))
            return false;
        size_t at = count - 1 - (is_v6 ? i / 2 : i);
        found[at] = (uint8_t)(found[at] | (is_v6 && i % 2 ? v << 4 : v));
    }
    memcpy(bytes, found, count);
    *len = count;
    return true;
}

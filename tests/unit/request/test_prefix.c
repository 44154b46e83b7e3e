/* SPDX-License-Identifier: Apache-2.0
 * Prefixes: what is one, how it is shown, which addresses it has. */
#include <arpa/inet.h>
#include <string.h>

#include "base/attr.h"
#include "request/prefix.h"
#include "unit.h"

static const struct scan_row {
    const char *text, *shown; /* shown NULL: refused */
} scan_rows[] = {
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1/32", "192.0.2.1"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"128.0.0.0/1", "128.0.0.0/1"},
    {"10.0.0.0/8", "10.0.0.0/8"},
    {"2001:db8::/32", "2001:db8::/32"},
    {"2001:DB8:0:0::1", "2001:db8::1"},
    {"::/0", "::/0"},
    {"fd00::/8", "fd00::/8"},
    {"::1/128", "::1"},
    /* RFC 4291 s2.5.5.2 */
    {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::ffff:0:0/96", "0.0.0.0/0"},
    {"::fffe:0:0/95", "::fffe:0:0/95"},
    /* bits behind the length */
    {"192.0.2.1/24", NULL},
    {"192.0.2.128/24", NULL},
    {"64.0.0.0/1", NULL},
    {"2001:db8::1/64", NULL},
    {"::1/0", NULL},
    /* no prefix at all */
    {"", NULL},
    {"/", NULL},
    {"/24", NULL},
    {"192.0.2.0/", NULL},
    {"192.0.2.0/33", NULL},
    {"192.0.2.0/-1", NULL},
    {"192.0.2.0/24/24", NULL},
    {"192.0.2.0/ 24", NULL},
    {"192.0.2.0/0x8", NULL},
    {"::/129", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.0.0", NULL},
    {"2001:db8", NULL},
    {"fe80::1%eth0", NULL},
    {"www.example.com", NULL},
    {" 192.0.2.1", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", NULL},
};

Test(prefix, reads_and_shows_what_the_configuration_may_hold)
{
    for (size_t i = 0; i < ARRAY_LEN(scan_rows); i++) {
        const struct scan_row *row = &scan_rows[i];
        struct prefix p = {.len = 77};
        bool is_read = prefix_scan(row->text, strlen(row->text), &p);
        cr_expect_eq(is_read, row->shown != NULL, "%s", row->text);
        if (!is_read) {
            cr_expect_eq(p.len, 77, "%s: out was written", row->text);
            continue;
        }
        char buf[64];
        struct text t;
        text_init(&t, buf, sizeof(buf));
        prefix_show(&p, &t);
        cr_expect_str_eq(buf, row->shown);
    }
}

Test(prefix, does_not_read_behind_the_length_given)
{
    struct prefix p;
    cr_assert(prefix_scan("192.0.2.0/245", 12, &p));
    cr_expect_eq(p.len, 24);
    cr_expect_not(prefix_scan("192.0.2.1\0/24", 13, &p));
}

static const struct has_row {
    const char *prefix, *address;
    bool has;
} has_rows[] = {
    {"192.0.2.0/24", "192.0.2.0", true},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.0/24", "192.0.1.255", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.4/31", "192.0.2.5", true},
    {"192.0.2.4/31", "192.0.2.6", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0", "::1", false},
    {"::/0", "::1", true},
    {"::/0", "192.0.2.1", false},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"::1", "::1", true},
    {"::1", "::", false},
    /* IPv4 in IPv6's clothes */
    {"192.0.2.0/24", "::ffff:192.0.2.9", true},
    {"192.0.2.0/24", "::ffff:192.0.3.9", false},
    {"::/0", "::ffff:192.0.2.9", false},
    {"::ffff:192.0.2.0/120", "192.0.2.9", true},
};

Test(prefix, has_the_addresses_that_begin_with_it)
{
    for (size_t i = 0; i < ARRAY_LEN(has_rows); i++) {
        const struct has_row *row = &has_rows[i];
        struct prefix p;
        union address a = {0};
        cr_assert(prefix_scan(row->prefix, strlen(row->prefix), &p));
        if (strchr(row->address, ':')) {
            a.v6.sin6_family = AF_INET6;
            cr_assert_eq(inet_pton(AF_INET6, row->address, &a.v6.sin6_addr), 1);
        } else {
            a.v4.sin_family = AF_INET;
            cr_assert_eq(inet_pton(AF_INET, row->address, &a.v4.sin_addr), 1);
        }
        cr_expect_eq(prefix_has(&p, &a), row->has, "%s %s", row->prefix, row->address);
    }
}

Test(prefix, has_no_bytes_of_another_length)
{
    static const uint8_t bytes[16] = {192, 0, 2, 1};
    struct prefix p;
    cr_assert(prefix_scan("0.0.0.0/0", 9, &p));
    cr_expect(prefix_has_bytes(&p, bytes, 4));
    cr_expect_not(prefix_has_bytes(&p, bytes, 3));
    cr_expect_not(prefix_has_bytes(&p, bytes, 16));
    cr_expect_not(prefix_has_bytes(&p, bytes, 0));
}

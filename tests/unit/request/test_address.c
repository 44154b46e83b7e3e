/* SPDX-License-Identifier: Apache-2.0
 * Addresses as text: as the configuration has them. */
#include <arpa/inet.h>

#include "base/attr.h"
#include "request/address.h"
#include "unit.h"

static const struct row {
    int family;
    const char *host;
    uint32_t scope;
    uint16_t port;
    const char *text;
} rows[] = {
    {AF_INET, "192.0.2.1", 0, 53, "192.0.2.1@53"},
    {AF_INET, "0.0.0.0", 0, 0, "0.0.0.0@0"},
    {AF_INET, "255.255.255.255", 0, 65535, "255.255.255.255@65535"},
    {AF_INET6, "::", 0, 53, "::@53"},
    {AF_INET6, "2001:db8::1", 0, 5300, "2001:db8::1@5300"},
    {AF_INET6, "fe80::1", 2, 53, "fe80::1%2@53"},
    {AF_INET6, "fe80:1111:2222:3333:4444:5555:6666:7777", 4294967295u, 65535,
     "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295@65535"},
};

Test(address, is_shown_with_port_and_interface)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        union address a = {0};
        struct address_text text;
        a.any.sa_family = (sa_family_t)rows[i].family;
        void *bytes = rows[i].family == AF_INET ? (void *)&a.v4.sin_addr : &a.v6.sin6_addr;
        cr_assert_eq(inet_pton(rows[i].family, rows[i].host, bytes), 1);
        a.v4.sin_port = htons(rows[i].port); /* at the same place in both */
        if (rows[i].family == AF_INET6)
            a.v6.sin6_scope_id = rows[i].scope;
        cr_expect_str_eq(address_show(&a, &text), rows[i].text);
    }
}

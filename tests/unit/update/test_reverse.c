/* SPDX-License-Identifier: Apache-2.0
 * Addresses as names, both ways. */
#include "update/reverse.h"

#include <arpa/inet.h>

#include "base/attr.h"
#include "bed.h"

static const struct row {
    const char *address, *name;
} rows[] = {
    {"192.0.2.7", "7.2.0.192.in-addr.arpa."},
    {"0.0.0.255", "255.0.0.0.in-addr.arpa."},
    {"::ffff:192.0.2.7", "7.2.0.192.in-addr.arpa."},
    /* RFC 3596 s2.5 */
    {"4321:0:1:2:3:4:567:89ab",
     "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa."},
};

Test(reverse, names_addresses_as_the_rfcs_do)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        union address a = {0};
        struct name_buf n, expected = bed_name(rows[i].name);
        uint8_t bytes[16];
        size_t len = 0;
        if (inet_pton(AF_INET, rows[i].address, &a.v4.sin_addr) == 1)
            a.v4.sin_family = AF_INET;
        else {
            a.v6.sin6_family = AF_INET6;
            cr_assert_eq(inet_pton(AF_INET6, rows[i].address, &a.v6.sin6_addr), 1);
        }
        reverse_name(&a, &n);
        cr_expect(name_is_same(name_of(&n), name_of(&expected)), "%s", rows[i].address);
        cr_expect(reverse_scan(name_of(&n), bytes, &len));
        const uint8_t *raw = len == 4 && a.any.sa_family == AF_INET6
                                 ? (uint8_t *)&a.v6.sin6_addr + 12
                             : a.any.sa_family == AF_INET6 ? (uint8_t *)&a.v6.sin6_addr
                                                           : (uint8_t *)&a.v4.sin_addr;
        cr_expect_arr_eq(bytes, raw, len, "%s", rows[i].address);
    }
}

static const char *const others[] = {
    ".",
    "in-addr.arpa.",
    "2.0.192.in-addr.arpa.",
    "1.7.2.0.192.in-addr.arpa.",
    "256.2.0.192.in-addr.arpa.",
    "07.2.0.192.in-addr.arpa.",
    "x.2.0.192.in-addr.arpa.",
    "0-25.2.0.192.in-addr.arpa.",
    "7.2.0.192.in-addr.example.",
    "ip6.arpa.",
    "1.ip6.arpa.",
    "g.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.",
    "10.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.",
};

Test(reverse, other_names_stand_for_no_address)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct name_buf n = bed_name(others[i]);
        uint8_t bytes[16];
        size_t len;
        cr_expect_not(reverse_scan(name_of(&n), bytes, &len), "%s", others[i]);
    }
    struct name_buf upper =
        bed_name("B.A.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.IP6.ARPA.");
    uint8_t bytes[16];
    size_t len;
    cr_expect(reverse_scan(name_of(&upper), bytes, &len));
    cr_expect_eq(bytes[15], 0xab);
}

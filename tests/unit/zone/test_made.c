/* SPDX-License-Identifier: Apache-2.0
 * Zones without a file: what stands in a new one, against the zone file that says the same. */
#include "zone/made.h"
#include "zone_util.h"

Test(made, has_the_soa_and_the_name_servers)
{
    struct name_buf name = name_from("Lan.example."), mname = name_from("ns1.example."),
                    rname = name_from("hostmaster.lan.example.");
    struct name_buf ns[] = {name_from("ns2.example."), name_from("ns1.example."),
                            name_from("NS2.example.")};
    struct made_soa soa = {
        name_of(&mname), name_of(&rname), ns, 3, 3600, 600, 1209600, 300, 7200, 9};
    struct zone *z = zone_from_soa(name_of(&name), &soa);
    struct zone *same = zone_from_text(
        "Lan.example.", "$TTL 7200\n@ SOA ns1.example. hostmaster.lan.example. 9 1h 10m 14d 5m\n"
                        "@ NS ns1.example.\n@ NS ns2.example.\n");
    expect_same_bytes(z->published, same->published);
    cr_expect_eq(z->published->serial, 9);
    cr_expect_eq(z->published->negative_ttl, 300);
    zone_free(z);
    zone_free(same);
}

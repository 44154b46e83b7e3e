/* SPDX-License-Identifier: Apache-2.0
 * Looking at an open name: what is there and what is not, RRSIGs among the rest. */
#include "update/look.h"

#include "base/attr.h"
#include "bed.h"

#define SIG(type) "sig 60 RRSIG " type " 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"

static const char zone[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
                           "a 60 A 192.0.2.1\na 60 A 192.0.2.3\na 60 MX 1 Mail\n"
                           "sig 60 A 192.0.2.1\n" SIG("A")
                               SIG("TXT") "wks 60 WKS 192.0.2.1 6 25\nwks 60 WKS 192.0.2.1 17 25\n"
                                          "alias 60 CNAME a\nalias 60 NSEC b A\n";

static const struct edit *look(struct txn *t, const char *owner)
{
    struct name_buf name = bed_name(owner);
    return txn_look(t, name_of(&name), TYPE_ANY);
}

Test(look, finds_types_and_records)
{
    struct bed *b = bed_new(zone);
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    const struct edit *e = look(t, "a");
    struct look_range set = look_rrset(e, TYPE_A);
    cr_expect_eq(set.to - set.from, 2);
    set = look_rrset(e, TYPE_TXT);
    cr_expect_eq(set.to, set.from);
    cr_expect(look_has(e, TYPE_MX));
    cr_expect_not(look_has(e, TYPE_RRSIG));
    cr_expect_not(look_has(e, TYPE_CNAME));
    cr_expect(look_has_other_data(e));
    for (uint8_t i = 0; i < 5; i++) {
        uint8_t address[4] = {192, 0, 2, i};
        bool is_there = look_record(e, TYPE_A, (struct rdata){address, 4}) != NULL;
        cr_expect_eq(is_there, i == 1 || i == 3, "%u", i);
    }
    static const uint8_t mx[] = "\0\1\4mAIL\7example";
    const struct edit_entry *found = look_record(e, TYPE_MX, (struct rdata){mx, sizeof(mx)});
    cr_assert(found, "without regard to case");
    cr_expect_eq(found->ttl, 60);
    e = look(t, "sig");
    cr_expect(look_has(e, TYPE_RRSIG));
    e = look(t, "alias");
    cr_expect_not(look_has_other_data(e));
    e = look(t, "none");
    cr_expect_not(look_has(e, TYPE_A) || look_has(e, TYPE_RRSIG) || look_has_other_data(e));
    txn_abort(&t);
    bed_free(b);
}

Test(look, a_service_is_address_and_protocol)
{
    static const uint8_t same[] = {192, 0, 2, 1, 6, 0, 0, 0, 0x40}, ports[] = {192, 0, 2, 1, 6, 1},
                         udp[] = {192, 0, 2, 1, 17, 1}, address[] = {192, 0, 2, 2, 6, 1};
    struct bed *b = bed_new(zone);
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    const struct edit *e = look(t, "wks");
    cr_expect_null(look_service(e, (struct rdata){same, sizeof(same)}), "the record itself");
    const struct edit_entry *found = look_service(e, (struct rdata){ports, sizeof(ports)});
    cr_expect(found && found->bytes[4] == 6);
    found = look_service(e, (struct rdata){udp, sizeof(udp)});
    cr_expect(found && found->bytes[4] == 17);
    cr_expect_null(look_service(e, (struct rdata){address, sizeof(address)}));
    txn_abort(&t);
    bed_free(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * Nodes: RRsets in order, RRSIGs behind what they cover. */
#include "zone_util.h"

static void add(struct txn *t, struct name owner, uint16_t type, uint32_t ttl, const void *rdata,
                uint16_t len)
{
    struct rr rr = {owner, type, CLASS_IN, ttl, {rdata, len}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
}

Test(node, finds_rrsets_and_their_signatures)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    uint8_t sig[19 + 10] = {0};
    put_u16(sig, TYPE_AAAA);
    add(t, name_of(&apex), TYPE_RRSIG, 60, sig, sizeof(sig));
    put_u16(sig, TYPE_TXT); /* covers nothing that is there */
    add(t, name_of(&apex), TYPE_RRSIG, 60, sig, sizeof(sig));
    add(t, name_of(&apex), TYPE_AAAA, 60, "0123456789abcdef", 16);
    add(t, name_of(&apex), TYPE_A, 30, "\300\0\2\2", 4);
    add(t, name_of(&apex), TYPE_A, 30, "\300\0\2\1", 4);
    zone_publish(z, txn_seal(&t, NULL));
    const struct node *n = z->published->apex;
    struct rrset set, sigs;
    cr_assert(node_find_both(n, TYPE_A, &set, &sigs));
    cr_assert_eq(set.count, 2);
    cr_assert_eq(set.ttl, 30);
    cr_assert_eq(sigs.count, 0);
    cr_assert_eq(rrset_first(set).bytes[3], 1, "canonical order of rdata");
    cr_assert(node_find_both(n, TYPE_AAAA, &set, &sigs));
    cr_assert_eq(sigs.count, 1);
    cr_assert(!node_find(n, TYPE_TXT, &set));
    cr_assert(node_find_sigs(n, TYPE_TXT, &sigs));
    cr_assert(!node_find_sigs(n, TYPE_A, &sigs));
    cr_assert(!node_find(n, TYPE_RRSIG, &set), "signatures are found by what they cover");
    unsigned sets = 0;
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        sets++;
    cr_assert_eq(sets, 4);
    cr_assert_eq(z->published->record_count, 5);
    zone_free(z);
}

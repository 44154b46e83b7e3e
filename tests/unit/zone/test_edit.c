/* SPDX-License-Identifier: Apache-2.0
 * One owner with as many records as there can be: limits hold, and no single operation is
 * quadratic. */
#include <time.h>

#include "zone_util.h"

/* CPU time of an operation that takes milliseconds if it is linear and many seconds if it is
 * not. */
#define LINEAR_S 1.0

static double now_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static enum txn_effect add(struct txn *t, struct name owner, uint16_t type, uint32_t i)
{
    uint8_t text[5] = {4};
    put_u32(text + 1, i);
    struct rr rr = {
        owner, type, CLASS_IN, 60, {type == TYPE_TXT ? text : text + 1, type == TYPE_TXT ? 5 : 4}};
    return txn_add(t, &rr);
}

Test(edit, removes_a_large_rrset_in_one_go)
{
    enum { EACH = 30000 };
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_CHANGE);
    for (uint32_t i = 0; i < EACH; i++)
        cr_assert_eq(add(t, name_of(&apex), TYPE_A, i), TXN_DONE);
    for (uint32_t i = 0; i < EACH; i++)
        cr_assert_eq(add(t, name_of(&apex), TYPE_TXT, i), TXN_DONE);
    double start = now_s();
    cr_assert_eq(txn_remove_rrset(t, name_of(&apex), TYPE_A), TXN_DONE);
    cr_expect_lt(now_s() - start, LINEAR_S);
    cr_assert_eq(txn_remove_rrset(t, name_of(&apex), TYPE_A), TXN_NOTHING);
    struct version *v = txn_seal(&t, NULL);
    cr_expect_eq(v->record_count, EACH);
    cr_expect_eq(v->node_count, 1);
    zone_free(z);
}

Test(edit, refuses_what_a_node_cannot_count)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_CHANGE);
    for (uint32_t i = 0; i < TXN_NAME_RECORDS_MAX; i++)
        cr_assert_eq(add(t, name_of(&apex), TYPE_A, i), TXN_DONE);
    cr_expect_eq(add(t, name_of(&apex), TYPE_A, TXN_NAME_RECORDS_MAX), TXN_FULL);
    cr_expect_eq(add(t, name_of(&apex), TYPE_TXT, 0), TXN_FULL);
    cr_expect_eq(add(t, name_of(&apex), TYPE_A, 7), TXN_NOTHING, "what is there is not one more");
    struct version *v = txn_seal(&t, NULL);
    struct rrset set;
    cr_assert(node_find(v->apex, TYPE_A, &set));
    cr_expect_eq(set.count, TXN_NAME_RECORDS_MAX);
    t = txn_begin(z, TXN_CHANGE);
    cr_expect_eq(add(t, name_of(&apex), TYPE_TXT, 0), TXN_FULL);
    cr_expect_eq(
        txn_remove(t, name_of(&apex), TYPE_A, (struct rdata){(const uint8_t *)"\0\0\0", 4}),
        TXN_DONE);
    cr_expect_eq(add(t, name_of(&apex), TYPE_TXT, 0), TXN_DONE);
    txn_abort(&t);
    zone_free(z);
}

Test(edit, refuses_more_bytes_than_a_node_may_have)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    static uint8_t blob[RDATA_LEN_MAX];
    struct rr rr = {name_of(&apex), 65400, CLASS_IN, 60, {blob, sizeof(blob)}};
    uint32_t i = 0;
    enum txn_effect effect;
    do
        put_u32(blob, ++i);
    while ((effect = txn_add(t, &rr)) == TXN_DONE);
    cr_expect_eq(effect, TXN_FULL);
    cr_expect_eq(i - 1, TXN_NAME_BYTES_MAX / RDATA_LEN_MAX);
    struct version *v = txn_seal(&t, NULL);
    cr_expect_eq(v->record_count, i - 1);
    zone_free(z);
}

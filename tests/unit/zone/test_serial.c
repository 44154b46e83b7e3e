/* SPDX-License-Identifier: Apache-2.0
 * The serial moves forward only, whatever the policy and the clock say. */
#include "zone/serial.h"

#include "zone_util.h"

#define S INT64_C(1000000)

static const struct next_row {
    uint32_t current;
    enum serial_policy policy;
    int64_t now_us;
    uint32_t next;
} next_rows[] = {
    {1, SERIAL_INCREMENT, 0, 2},
    {2147483647u, SERIAL_INCREMENT, 0, 2147483648u},
    {4294967295u, SERIAL_INCREMENT, 0, 1}, /* RFC 2136 s7.11: not 0 */
    {0, SERIAL_INCREMENT, 0, 1},
    /* 2026-11-25 22:00:00 UTC is 1795644000 */
    {1, SERIAL_UNIXTIME, 1795644000 * S, 1795644000},
    {1795643999, SERIAL_UNIXTIME, 1795644000 * S + 999999, 1795644000},
    {1795644000, SERIAL_UNIXTIME, 1795644000 * S, 1795644001},   /* twice in a second */
    {1795644005, SERIAL_UNIXTIME, 1795644000 * S, 1795644006},   /* a clock set back */
    {3000000000u, SERIAL_UNIXTIME, 1795644000 * S, 3000000001u}, /* behind us in RFC 1982 */
    /* RFC 1982 s3.2: at a distance of 2^31 neither is ahead */
    {3943127648u, SERIAL_UNIXTIME, 1795644000 * S, 3943127649u},
    {4000000000u, SERIAL_UNIXTIME, 1795644000 * S, 1795644000}, /* ahead, round the end */
    {7, SERIAL_UNIXTIME, 0, 8},
    /* 2038 and on */
    {1, SERIAL_UNIXTIME, 2147483647 * S, 2147483647},
    {2147483647, SERIAL_UNIXTIME, 2147483648 * S, 2147483648u},
    {1, SERIAL_DATESERIAL, 1795644000 * S, 2026112500},
    {2026112499, SERIAL_DATESERIAL, 1795644000 * S, 2026112500},
    {2026112500, SERIAL_DATESERIAL, 1795644000 * S, 2026112501},
    {2026112599, SERIAL_DATESERIAL, 1795644000 * S, 2026112600}, /* the hundredth of a day */
    {2026112700, SERIAL_DATESERIAL, 1795644000 * S, 2026112701},
    {2026112500, SERIAL_DATESERIAL, 1795651199 * S, 2026112501}, /* 23:59:59 UTC */
    {2026112501, SERIAL_DATESERIAL, 1795651200 * S, 2026112600}, /* midnight UTC */
    {1, SERIAL_DATESERIAL, INT64_C(1) << 62, 2},                 /* no such date in 32 bits */
};

Test(serial, moves_forward_by_policy)
{
    for (size_t i = 0; i < ARRAY_LEN(next_rows); i++) {
        const struct next_row *row = &next_rows[i];
        uint32_t next = serial_next(row->current, row->policy, row->now_us);
        cr_expect_eq(next, row->next, "row %zu: %u", i, next);
        cr_expect_eq(serial_compare(next, row->current), 1, "row %zu", i);
        cr_expect_neq(next, 0, "row %zu", i);
    }
}

Test(serial, of_a_txn_is_set_and_all_else_of_the_soa_kept)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    uint8_t bytes[64];
    struct wr w = wr_over(bytes, sizeof(bytes));
    wr_bytes(&w, "\1M\0\1r\0", 6);
    for (uint32_t i = 5; i < 10; i++)
        wr_u32(&w, i);
    struct rr soa = {name_of(&apex), TYPE_SOA, CLASS_IN, 77, {bytes, (uint16_t)wr_len(&w)}};
    struct rr txt = {name_of(&apex), TYPE_TXT, CLASS_IN, 78, {(const uint8_t *)"\1a", 2}};
    struct txn *t = txn_begin(z, TXN_CHANGE);
    cr_expect_eq(txn_serial(t), 0, "without a SOA");
    cr_assert_eq(txn_add(t, &soa), TXN_DONE);
    cr_assert_eq(txn_add(t, &txt), TXN_DONE);
    cr_expect_eq(txn_serial(t), 5);
    txn_set_serial(t, 4294967295u);
    cr_expect_eq(txn_serial(t), 4294967295u);
    struct version *v = txn_seal(&t, NULL);
    cr_expect_eq(v->serial, 4294967295u);
    cr_expect_eq(v->soa.ttl, 77);
    cr_expect_eq(v->record_count, 2);
    struct soa now = soa_of(rrset_first(v->soa));
    cr_expect_eq(now.mname.wire[1], 'M');
    cr_expect(now.refresh == 6 && now.retry == 7 && now.expire == 8 && now.minimum == 9);
    zone_free(z);
}

Test(serial, is_all_that_alike_soas_may_differ_in)
{
    static const struct row {
        const char *name;
        uint32_t number[5];
        bool is_alike;
    } rows[] = {
        {"\1M\0\1r\0", {5, 6, 7, 8, 9}, true},   {"\1M\0\1r\0", {4000000000u, 6, 7, 8, 9}, true},
        {"\1m\0\1r\0", {5, 6, 7, 8, 9}, false}, /* case is kept */
        {"\1M\0\1s\0", {5, 6, 7, 8, 9}, false},  {"\1M\0\1r\0", {5, 7, 7, 8, 9}, false},
        {"\1M\0\1r\0", {5, 6, 7, 8, 10}, false},
    };
    uint8_t bytes[2][26];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct row *row = &rows[k * i];
            struct wr w = wr_over(bytes[k], sizeof(bytes[k]));
            wr_bytes(&w, row->name, 6);
            for (size_t n = 0; n < 5; n++)
                wr_u32(&w, row->number[n]);
            cr_assert_not(w.bad);
        }
        struct rdata a = {bytes[0], 26}, b = {bytes[1], 26}, longer = {bytes[1], 25};
        cr_expect_eq(soa_is_alike(a, b), rows[i].is_alike, "row %zu", i);
        cr_expect_eq(soa_is_alike(b, a), rows[i].is_alike, "row %zu", i);
        cr_expect_not(soa_is_alike(a, longer));
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * base/wire: reading and writing cursors with a sticky failure. */
#include <string.h>

#include "base/wire.h"
#include "unit.h"

static const uint8_t bytes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                12, 13, 14, 15, 16, 17, 18, 19, 20, 21};

Test(wire, numbers_are_read_in_network_order)
{
    struct rd r = rd_over(bytes, sizeof(bytes));
    cr_expect_eq(rd_u8(&r), 0x01);
    cr_expect_eq(rd_u16(&r), 0x0203);
    cr_expect_eq(rd_u32(&r), 0x04050607);
    cr_expect_eq(rd_u48(&r), 0x08090a0b0c0d);
    cr_expect_eq(rd_u64(&r), 0x0e0f101112131415);
    cr_expect_eq(rd_left(&r), 0);
    cr_expect(!r.bad);
}

Test(wire, reading_beyond_the_end_fails_for_good)
{
    struct rd r = rd_over(bytes, 3);
    cr_expect_eq(rd_u32(&r), 0);
    cr_expect(r.bad);
    cr_expect_eq(rd_u8(&r), 0);
    cr_expect_null(rd_bytes(&r, 0));
    cr_expect_eq(rd_left(&r), 3); /* and does not move */
}

Test(wire, nothing_can_be_read_at_the_end_without_failure)
{
    struct rd r = rd_over(bytes, 0);
    cr_expect_not_null(rd_bytes(&r, 0));
    cr_expect(!r.bad);
}

Test(wire, a_sub_cursor_ends_with_its_bytes)
{
    struct rd r = rd_over(bytes, sizeof(bytes));
    rd_u8(&r);
    struct rd sub = rd_sub(&r, 2);
    cr_expect_eq(rd_u16(&sub), 0x0203);
    cr_expect_eq(rd_u8(&sub), 0);
    cr_expect(sub.bad && !r.bad);
    cr_expect_eq(rd_u8(&r), 4);
}

Test(wire, a_sub_cursor_beyond_the_end_fails_both)
{
    struct rd r = rd_over(bytes, 3);
    struct rd sub = rd_sub(&r, 4);
    cr_expect(sub.bad && r.bad);
    cr_expect_eq(rd_left(&sub), 0);
}

Test(wire, numbers_are_written_in_network_order)
{
    uint8_t buf[sizeof(bytes)];
    struct wr w = wr_over(buf, sizeof(buf));
    wr_u8(&w, 0x01);
    wr_u16(&w, 0x0203);
    wr_u32(&w, 0x04050607);
    wr_u48(&w, 0x08090a0b0c0d);
    wr_u64(&w, 0x0e0f101112131415);
    cr_expect_eq(wr_len(&w), sizeof(bytes));
    cr_expect_eq(wr_left(&w), 0);
    cr_expect_arr_eq(buf, bytes, sizeof(bytes));
}

Test(wire, writing_beyond_the_end_writes_nothing_and_fails_for_good)
{
    uint8_t buf[4] = {0xaa, 0xaa, 0xaa, 0xaa};
    struct wr w = wr_over(buf, 3);
    wr_u32(&w, 1);
    cr_expect(w.bad);
    wr_u8(&w, 1);
    wr_bytes(&w, "x", 1);
    cr_expect_null(wr_room(&w, 0));
    cr_expect_eq(wr_len(&w), 0);
    static const uint8_t untouched[4] = {0xaa, 0xaa, 0xaa, 0xaa};
    cr_expect_arr_eq(buf, untouched, 4);
}

Test(wire, empty_bytes_need_no_source)
{
    uint8_t buf[1];
    struct wr w = wr_over(buf, 0);
    wr_bytes(&w, NULL, 0);
    cr_expect(!w.bad);
}

Test(wire, unchecked_access_is_in_network_order)
{
    uint8_t buf[8];
    put_u16(buf, 0x0102);
    cr_expect_eq(get_u16(buf), 0x0102);
    cr_expect_eq(buf[0], 1);
    put_u32(buf, 0x01020304);
    cr_expect_eq(get_u32(buf), 0x01020304);
    cr_expect_eq(buf[3], 4);
    put_u64(buf, 0x0102030405060708);
    cr_expect_eq(get_u64(buf), 0x0102030405060708);
    cr_expect_eq(buf[7], 8);
}

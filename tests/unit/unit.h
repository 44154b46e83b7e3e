/* SPDX-License-Identifier: Apache-2.0
 * What unit tests include: Criterion, with its assertions made anew under the same names and with
 * the same meaning. There are thousands of them, and in most files it was their expansion that took
 * the time to compile. cr_assert... end the test, cr_expect... let it go on; behind what is
 * compared there may be a format and its arguments, evaluated only on failure. */
#ifndef REEVE_TESTS_UNIT_H
#define REEVE_TESTS_UNIT_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"

/* The assertion `what` has failed; the format's first byte is not told. */
void unit_failed(const char *file, int line, const char *what, const char *fmt, ...)
    ATTR_PRINTF(4, 5);
/* Neither is NULL, and both say the same; what they say is told if this fails. */
bool unit_is_text(const char *actual, const char *expected);

#define UNIT_CHECK(go_on, is_true, what, ...)                       \
    do {                                                            \
        if (!(is_true)) {                                           \
            unit_failed(__FILE__, __LINE__, what, "-" __VA_ARGS__); \
            go_on();                                                \
        }                                                           \
    } while (0)
#define UNIT_ASSERT(...) UNIT_CHECK(criterion_abort_test, __VA_ARGS__)
#define UNIT_EXPECT(...) UNIT_CHECK(criterion_continue_test, __VA_ARGS__)

#undef cr_assert
#undef cr_assert_not
#undef cr_assert_null
#undef cr_assert_not_null
#undef cr_assert_eq
#undef cr_assert_neq
#undef cr_assert_lt
#undef cr_assert_leq
#undef cr_assert_gt
#undef cr_assert_geq
#undef cr_assert_str_eq
#undef cr_assert_arr_eq
#undef cr_expect
#undef cr_expect_not
#undef cr_expect_null
#undef cr_expect_not_null
#undef cr_expect_eq
#undef cr_expect_neq
#undef cr_expect_lt
#undef cr_expect_leq
#undef cr_expect_gt
#undef cr_expect_geq
#undef cr_expect_str_eq
#undef cr_expect_arr_eq
#undef cr_expect_arr_neq

/* clang-format off */
#define cr_assert(a, ...)           UNIT_ASSERT(a, #a, __VA_ARGS__)
#define cr_assert_not(a, ...)       UNIT_ASSERT(!(a), "not " #a, __VA_ARGS__)
#define cr_assert_null(a, ...)      UNIT_ASSERT((a) == NULL, #a " == NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...)  UNIT_ASSERT((a) != NULL, #a " != NULL", __VA_ARGS__)
#define cr_assert_eq(a, b, ...)     UNIT_ASSERT((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)    UNIT_ASSERT((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)     UNIT_ASSERT((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)    UNIT_ASSERT((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)     UNIT_ASSERT((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)    UNIT_ASSERT((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) UNIT_ASSERT(unit_is_text(a, b), #a " is " #b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, len, ...) \
    UNIT_ASSERT(memcmp(a, b, len) == 0, "as bytes, " #a " is " #b, __VA_ARGS__)
#define cr_expect(a, ...)           UNIT_EXPECT(a, #a, __VA_ARGS__)
#define cr_expect_not(a, ...)       UNIT_EXPECT(!(a), "not " #a, __VA_ARGS__)
#define cr_expect_null(a, ...)      UNIT_EXPECT((a) == NULL, #a " == NULL", __VA_ARGS__)
#define cr_expect_not_null(a, ...)  UNIT_EXPECT((a) != NULL, #a " != NULL", __VA_ARGS__)
#define cr_expect_eq(a, b, ...)     UNIT_EXPECT((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...)    UNIT_EXPECT((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)     UNIT_EXPECT((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...)    UNIT_EXPECT((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)     UNIT_EXPECT((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...)    UNIT_EXPECT((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) UNIT_EXPECT(unit_is_text(a, b), #a " is " #b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, len, ...) \
    UNIT_EXPECT(memcmp(a, b, len) == 0, "as bytes, " #a " is " #b, __VA_ARGS__)
#define cr_expect_arr_neq(a, b, len, ...) \
    UNIT_EXPECT(memcmp(a, b, len) != 0, "as bytes, " #a " is not " #b, __VA_ARGS__)
/* clang-format on */

#endif

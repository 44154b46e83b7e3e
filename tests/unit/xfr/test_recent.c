/* SPDX-License-Identifier: Apache-2.0
 * xfr/recent and xfr/step: rows without gaps within one budget, whatever is added in which order.
 */
#include "../zone/zone_util.h"
#include "xfr/recent.h"

static struct xfr_step *step(uint32_t from, uint32_t to, size_t len)
{
    struct diff d = {.bytes = calloc(len + 1, 1), .len = len, .serial_from = from, .serial_to = to};
    struct xfr_step *s = xfr_step_new(&d);
    cr_assert_null(d.bytes, "the bytes are the step's");
    return s;
}

/* So many bytes count for a step of len. */
static size_t size(size_t len)
{
    return sizeof(struct xfr_step) + len;
}

static void expect_row(const struct recent *r, uint32_t from, uint32_t newest)
{
    struct xfr_steps row = {0};
    cr_assert(recent_from(r, from, UINT64_MAX, &row), "from %u", from);
    cr_expect_eq(row.count, newest - from);
    for (unsigned i = 0; i < row.count; i++)
        cr_expect_eq(row.at[i]->diff.serial_from, from + i);
    xfr_steps_done(&row);
    cr_expect_null(row.at);
}

static void expect_none(const struct recent *r, uint32_t from)
{
    struct xfr_steps row = {0};
    cr_expect(!recent_from(r, from, UINT64_MAX, &row), "from %u", from);
    cr_expect_eq(row.count, 0);
}

Test(recent, gives_the_row_from_any_serial_that_it_has)
{
    struct recents all;
    struct recent r;
    recents_init(&all, 1 << 20);
    recent_init(&r);
    expect_none(&r, 0);
    for (uint32_t i = 0; i < 20; i++)
        recent_add(&all, &r, step(i, i + 1, 100));
    for (uint32_t i = 0; i < 20; i++)
        expect_row(&r, i, 20);
    expect_none(&r, 20);
    expect_none(&r, 21);
    cr_expect_eq(all.bytes, 20 * size(100));
    recent_clear(&all, &r);
    expect_none(&r, 19);
    cr_expect_eq(all.bytes, 0);
}

/* The rows that are out stay whole. */
Test(recent, keeps_to_the_budget_and_drops_the_oldest_of_all_zones)
{
    struct recents all;
    struct recent a, b;
    struct xfr_steps row = {0};
    recents_init(&all, 10 * size(100));
    recent_init(&a);
    recent_init(&b);
    for (uint32_t i = 0; i < 5; i++) {
        recent_add(&all, &a, step(i, i + 1, 100));
        recent_add(&all, &b, step(i, i + 1, 100));
    }
    cr_assert(recent_from(&a, 0, UINT64_MAX, &row));
    recent_add(&all, &b, step(5, 6, 100));
    expect_none(&a, 0);
    expect_row(&a, 1, 5);
    expect_row(&b, 0, 6);
    recent_add(&all, &b, step(6, 7, 100));
    expect_none(&b, 0);
    expect_row(&b, 1, 7);
    recents_configure(&all, 3 * size(100));
    cr_expect_eq(all.bytes, 3 * size(100));
    expect_none(&a, 4);
    expect_row(&b, 4, 7);
    cr_expect_eq(row.count, 5);
    cr_expect_eq(row.bytes, 500);
    cr_expect_eq(row.at[0]->diff.bytes[99], 0);
    xfr_steps_done(&row);
    recents_configure(&all, 0);
    expect_none(&b, 6);
    recent_clear(&all, &a);
    recent_clear(&all, &b);
    cr_expect_eq(all.bytes, 0);
}

/* Any serial is looked for in bounded time, however small the steps are. */
Test(recent, keeps_so_many_steps_of_a_zone_and_no_more)
{
    struct recents all;
    struct recent r, other;
    recents_init(&all, 1u << 30);
    recent_init(&r);
    recent_init(&other);
    recent_add(&all, &other, step(0, 1, 100));
    for (uint32_t i = 0; i < RECENT_STEPS_MAX + 10; i++)
        recent_add(&all, &r, step(i, i + 1, 10));
    expect_none(&r, 9);
    expect_row(&r, 10, RECENT_STEPS_MAX + 10);
    expect_row(&other, 0, 1);
    cr_expect_eq(all.bytes, RECENT_STEPS_MAX * size(10) + size(100));
    recent_clear(&all, &r);
    recent_add(&all, &r, step(1, 2, 10));
    expect_row(&r, 1, 2);
    recent_clear(&all, &r);
    recent_clear(&all, &other);
}

Test(recent, gives_no_more_bytes_than_are_wanted)
{
    struct recents all;
    struct recent r;
    struct xfr_steps row = {0};
    recents_init(&all, 1 << 20);
    recent_init(&r);
    for (uint32_t i = 0; i < 20; i++)
        recent_add(&all, &r, step(i, i + 1, 100));
    cr_expect(recent_from(&r, 15, 500, &row));
    cr_expect_eq(row.count, 5);
    xfr_steps_done(&row);
    cr_expect_not(recent_from(&r, 14, 500, &row));
    cr_expect_not(recent_from(&r, 19, 99, &row));
    cr_expect_eq(row.count, 0);
    recent_clear(&all, &r);
}

Test(recent, begins_anew_where_a_step_does_not_follow_or_is_too_large)
{
    struct recents all;
    struct recent r;
    recents_init(&all, 8 * size(100));
    recent_init(&r);
    recent_add(&all, &r, step(1, 2, 100));
    recent_add(&all, &r, step(2, 3, 100));
    recent_add(&all, &r, step(7, 8, 100)); /* 3 to 7 is missing */
    expect_none(&r, 1);
    expect_row(&r, 7, 8);
    recent_add(&all, &r, step(8, 9, 100 + size(100))); /* a quarter, and no more */
    expect_row(&r, 7, 9);
    recent_add(&all, &r, step(9, 10, 101 + size(100)));
    expect_none(&r, 7);
    expect_none(&r, 9);
    cr_expect_eq(all.bytes, 0);
    recent_add(&all, &r, step(10, 11, 0));
    expect_row(&r, 10, 11);
    recent_clear(&all, &r);
}

/* Against a row as it should be: serials in order, the newest ones. */
Test(recent, has_no_gap_whatever_is_done)
{
    enum { ZONES = 5 };
    uint64_t seed = 17;
    struct recents all;
    struct recent zone[ZONES];
    uint32_t serial[ZONES] = {0};
    recents_init(&all, 5000);
    for (int i = 0; i < ZONES; i++)
        recent_init(&zone[i]);
    for (int round = 0; round < 20000; round++) {
        uint32_t z = rnd(&seed, ZONES);
        switch (rnd(&seed, 40)) {
        case 0:
            recent_clear(&all, &zone[z]);
            break;
        case 1:
            recents_configure(&all, 1000 + rnd(&seed, 10000));
            break;
        case 2:
            serial[z] += 2; /* and the next one does not follow */
            break;
        default:
            recent_add(&all, &zone[z], step(serial[z], serial[z] + 1, rnd(&seed, 700)));
            serial[z]++;
        }
        cr_assert_leq(all.bytes, all.bytes_max);
        uint64_t bytes = 0;
        for (z = 0; z < ZONES; z++) {
            struct xfr_steps row = {0};
            struct list *first = zone[z].steps.next;
            if (first == &zone[z].steps)
                continue;
            uint32_t from = list_entry(first, struct xfr_step, recent)->diff.serial_from;
            cr_assert(recent_from(&zone[z], from, UINT64_MAX, &row));
            for (unsigned i = 0; i + 1 < row.count; i++)
                cr_assert_eq(row.at[i]->diff.serial_to, row.at[i + 1]->diff.serial_from);
            bytes += row.bytes + row.count * sizeof(struct xfr_step);
            xfr_steps_done(&row);
        }
        cr_assert_eq(bytes, all.bytes);
    }
    for (int i = 0; i < ZONES; i++)
        recent_clear(&all, &zone[i]);
}

Test(step, copies_and_counts_references)
{
    uint8_t bytes[] = {1, 2, 3};
    struct diff d = {.bytes = bytes, .len = 3, .added_at = 1, .serial_from = 4, .serial_to = 5};
    struct xfr_step *s = xfr_step_copy(&d);
    bytes[0] = 9;
    cr_expect_eq(xfr_step_hold(s), s);
    xfr_step_release(s);
    cr_expect_eq(s->diff.bytes[0], 1);
    cr_expect_eq(s->diff.added_at, 1);
    cr_expect_eq(s->diff.serial_to, 5);
    xfr_step_release(s);
    xfr_step_release(NULL);
    struct diff none = {0};
    xfr_step_release(xfr_step_copy(&none));
}

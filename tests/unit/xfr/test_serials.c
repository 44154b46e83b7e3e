/* SPDX-License-Identifier: Apache-2.0
 * xfr/serials: what was added is there, whatever was added; and little else. */
#include "xfr/serials.h"

#include "base/attr.h"
#include "../slow.h"
#include "unit.h"

static uint64_t dice_state;
static uint32_t dice(void)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice_state >> 32);
}

Test(serials, that_go_up_one_by_one_are_one_range_around_the_end_too)
{
    struct serials s = {0};
    cr_expect_not(serials_has(&s, 0), "empty");
    for (uint32_t i = 0; i < 100000; i++)
        serials_add(&s, 0xffff0000u + i, 0xffff0000u + i);
    cr_assert_eq(s.count, 1);
    cr_expect(serials_has(&s, 0xffff0000u) && serials_has(&s, 0xffffffffu) && serials_has(&s, 0));
    cr_expect(serials_has(&s, 0xffff0000u + 99999));
    cr_expect_not(serials_has(&s, 0xffff0000u + 100000));
    cr_expect_not(serials_has(&s, 0xfffeffffu));
}

/* Days of a date are near each other, a year that was mistyped is not. */
Test(serials, that_are_near_are_joined_first)
{
    struct serials s = {0};
    for (uint32_t day = 1; day <= 30; day++) {
        serials_add(&s, 2026110000u + 100 * day, 2026110000u + 100 * day);
        if (day == 15)
            serials_add(&s, 2062111500u, 2062111500u);
    }
    cr_expect(serials_has(&s, 2026110100u) && serials_has(&s, 2026113000u));
    cr_expect(serials_has(&s, 2062111500u));
    cr_expect_not(serials_has(&s, 2026113001u));
    cr_expect_not(serials_has(&s, 2027010100u));
    cr_expect_not(serials_has(&s, 2062111499u));
}

Test(serials, that_were_added_are_there)
{
    enum { ADDED = 200 };
    for (uint64_t seed = 1; seed <= cases(300, 100); seed++) {
        struct serials s = {0}, all = {0};
        uint32_t from[ADDED], to[ADDED], near = dice();
        dice_state = seed * 2654435761u;
        for (unsigned i = 0; i < ADDED; i++) {
            bool is_far = dice() % 8 == 0;
            from[i] = is_far ? dice() : near + dice() % 1000;
            to[i] = from[i] + (dice() % 4 ? dice() % 50 : dice() >> 2);
            near = is_far ? from[i] : near + dice() % 100;
            serials_add(&s, from[i], to[i]);
            cr_assert_leq(s.count, SERIALS_RANGES);
            for (unsigned k = 0; k <= i; k++)
                cr_assert(serials_has(&s, from[k]) && serials_has(&s, to[k]) &&
                              serials_has(&s, from[k] + (to[k] - from[k]) / 2),
                          "seed %llu: %u of %u", (unsigned long long)seed, k, i);
        }
        serials_add(&all, 7, 7);
        serials_add_all(&all, &s);
        cr_assert(serials_has(&all, 7));
        for (unsigned k = 0; k < ADDED; k++)
            cr_assert(serials_has(&all, from[k]) && serials_has(&all, to[k]));
    }
}

Test(serials, in_few_ranges_are_exact)
{
    struct serials s = {0};
    for (uint32_t i = 0; i < SERIALS_RANGES; i++)
        serials_add(&s, i * 1000, i * 1000 + 9);
    for (uint32_t i = 0; i < SERIALS_RANGES * 1000; i++)
        cr_assert_eq(serials_has(&s, i), i % 1000 <= 9, "%u", i);
}

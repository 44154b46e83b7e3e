/* SPDX-License-Identifier: Apache-2.0
 * What a restart knows of how long a secondary's data is good. */
#include "primary.h"

#define S INT64_C(1000000)

static int64_t left_s(struct bed *b)
{
    return (disk_zone(b, "z.example.")->entry->expires_us - b->now_us) / S;
}

/* Serial `serial` + 1, with nothing else that is new, good for so many seconds (RFC 7314). */
static void take_next(struct bed *b, uint32_t serial, uint32_t seconds)
{
    static const uint8_t opt[] = {0, 0, TYPE_OPT, 4, 0xd0, 0, 0, 0, 0, 0, 8, 0, 9, 0, 4};
    primary_look(b);
    primary_says(serial + 1);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, serial + 1);
    primary_soa(a, serial);
    primary_soa(a, serial + 1);
    primary_soa(a, serial + 1);
    wr_bytes(&a->w, opt, sizeof(opt));
    wr_u32(&a->w, seconds);
    put_u16(a->wire + 10, 1);
    primary_send(primary_call(), a);
    primary_rest(b);
}

/* What shortens the data's life is noted at once, what lengthens it once in a minute. */
Test(checked, data_lives_no_longer_by_a_restart)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, 10 * S); /* the first note is written */
    take_next(b, 1, 100);
    primary_pass(b, 2 * S);
    cr_assert_eq(left_s(b), 98);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(left_s(b), 98);
    disk_free(&d);
}

Test(checked, what_is_good_for_no_time_has_expired_after_a_restart)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, 10 * S);
    take_next(b, 1, 0);
    cr_assert_eq(bed_serial(b, "z.example."), -SERVFAIL);
    primary_pass(b, 2 * S);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(bed_serial(b, "z.example."), -SERVFAIL);
    disk_free(&d);
}

/* What was noted is in the future then, and would count as now. */
Test(checked, a_clock_set_back_does_not_lengthen_the_datas_life)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    primary_pass(b, 60 * S);
    cr_assert_eq(left_s(b), PRIMARY_EXPIRE - 60);
    b->now_us -= 3600 * S;
    disk_rest(b);
    primary_pass(b, 2 * S);
    cr_assert_eq(left_s(b), PRIMARY_EXPIRE - 62);
    disk_rest(b);
    primary_restart(b, PRIMARY_Z);
    cr_expect_eq(left_s(b), PRIMARY_EXPIRE - 62);
    disk_free(&d);
}

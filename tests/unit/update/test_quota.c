/* SPDX-License-Identifier: Apache-2.0
 * max-records: counted once, kept up to date by every update, counted anew after anything else. */
#include "base/attr.h"
#include "bed.h"

static const char zone[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
                           "a 60 A 192.0.2.1\na 60 TXT \"x\"\nb 60 A 192.0.2.1\nc 60 MX 1 a\n";
/* 6 records, 2 of them A */

static const uint16_t type_a[] = {TYPE_A};

static void with_counter(struct grant_count *counted)
{
    struct grant grants[] = {
        {.is_unsigned = true,
         .where = GRANT_ALL,
         .types = type_a,
         .type_count = 1,
         .records_max = 4,
         .counted = counted},
        {.is_unsigned = true, .where = GRANT_ALL},
    };
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, grants, 2);
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u y IN 60 MX 1 a"), NOERROR, "not of this grant");
    cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1\nu y IN 60 A 192.0.2.2"), REFUSED);
    cr_expect_str_eq(b->report.reason,
                     "updates[0] allows 4 records (max-records), and this would be more");
    cr_expect_eq(b->report.rule, 0);
    cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u z IN 60 A 192.0.2.1"), REFUSED);
    cr_expect_eq(bed_update(b, "u z IN 60 A 192.0.2.1\nu b ANY 0 A"), NOERROR, "one for one: %s",
                 b->report.reason);
    cr_expect_eq(bed_update(b, "u z IN 90 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u a ANY 0 A\nu a ANY 0 A"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u q IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u r IN 60 A 192.0.2.1"), REFUSED);
    /* the operator is not limited, and what he did is counted */
    struct update_actor peer = b->actor;
    b->actor = (struct update_actor){0};
    cr_expect_eq(bed_update(b, "u r IN 60 A 192.0.2.1"), NOERROR);
    b->actor = peer;
    cr_expect_eq(bed_update(b, "u r ANY 0 A"), NOERROR, "less is always allowed");
    cr_expect_eq(bed_update(b, "u q ANY 0 A"), NOERROR);
    cr_expect_eq(bed_update(b, "u r IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u s IN 60 A 192.0.2.1"), REFUSED);
    bed_free(b);
}

Test(quota, holds_with_and_without_a_memory)
{
    struct grant_count counted = {0};
    with_counter(&counted);
    cr_expect(counted.is_counted);
    cr_expect_eq(counted.records, 4);
    with_counter(NULL);
}

Test(quota, a_version_that_was_dropped_is_not_remembered)
{
    struct grant_count counted = {0};
    struct grant grants[] = {{.is_unsigned = true,
                              .where = GRANT_ALL,
                              .types = type_a,
                              .type_count = 1,
                              .records_max = 3,
                              .counted = &counted},
                             {.is_unsigned = true, .where = GRANT_ALL}};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, grants, 2);
    b->rules.is_strict = true;
    /* the first goes as far as being counted, and is dropped */
    counted =
        (struct grant_count){.records = 3, .zone_records = 7, .serial = 11, .is_counted = true};
    cr_expect_eq(bed_update(b, "u m IN 60 MX 1 a"), NOERROR); /* the same serial and size */
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1"), REFUSED);
    bed_free(b);
}

Test(quota, of_reverse_of_source_is_each_senders_own)
{
    struct grant_count counted = {0};
    struct grant grant = {
        .is_unsigned = true, .where = GRANT_REVERSE, .records_max = 1, .counted = &counted};
    struct bed *b = bed_new(zone); /* the senders' names are not in it */
    bed_peer(b, NULL, &grant, 1);
    cr_expect_eq(bed_update(b, "u x IN 60 PTR a"), REFUSED);
    cr_expect_not(counted.is_counted);
    bed_free(b);
}

Test(quota, who_only_asks_is_counted_and_not_remembered)
{
    struct grant_count counted = {0};
    struct grant grants[] = {{.is_unsigned = true,
                              .where = GRANT_ALL,
                              .types = type_a,
                              .type_count = 1,
                              .records_max = 3,
                              .counted = &counted},
                             {.is_unsigned = true, .where = GRANT_ALL}};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, grants, 2);
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    struct grant_count before = counted;
    b->actor.is_asking = true;
    cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1"), REFUSED);
    cr_expect_eq(bed_update(b, "u x IN 90 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(counted.serial, before.serial);
    cr_expect_eq(counted.records, before.records);
    bed_free(b);
}

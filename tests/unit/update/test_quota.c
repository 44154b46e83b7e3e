/* SPDX-License-Identifier: Apache-2.0
 * max-records: counted once, and kept up to date by whatever changes the zone. */
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
    cr_expect(counted.tip.is_counted);
    cr_expect_eq(counted.tip.records, 4);
    with_counter(NULL);
}

static struct bed *few_bed(struct grant_count *counted, uint32_t max)
{
    static struct grant grants[2];
    grants[0] = (struct grant){.is_unsigned = true,
                               .where = GRANT_ALL,
                               .types = type_a,
                               .type_count = 1,
                               .records_max = max,
                               .counted = counted};
    grants[1] = (struct grant){.is_unsigned = true, .where = GRANT_ALL};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, grants, 2);
    return b;
}

/* Another version may have the serial and the size of the one that the log did not take. */
Test(quota, a_version_that_was_dropped_is_not_remembered)
{
    struct grant_count counted = {0};
    struct bed *b = few_bed(&counted, 3);
    cr_expect_eq(bed_update(b, "u m IN 60 MX 1 a"), NOERROR);
    b->keeps_back = true;
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    zone_rollback(b->zone);
    b->keeps_back = false;
    cr_expect_eq(bed_update(b, "u n IN 60 MX 1 a"), NOERROR);
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1"), REFUSED);
    bed_free(b);
}

Test(quota, is_known_of_what_is_published_when_the_tip_falls_back)
{
    struct grant_count counted = {0};
    struct bed *b = few_bed(&counted, 3);
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR);
    cr_expect_eq(bed_update(b, "u x ANY 0 A"), NOERROR);
    cr_assert(counted.tip.is_counted && counted.tip.records == 2);
    b->keeps_back = true;
    for (unsigned i = 0; i < 3; i++) { /* a full disk */
        cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
        cr_expect_eq(counted.tip.records, 3);
        cr_expect_eq(counted.published.records, 2);
        zone_rollback(b->zone);
    }
    bed_free(b);
}

/* What merges, rollbacks and the ends of leases do: no update is run. */
Test(quota, follows_whatever_changes_the_zone)
{
    struct grant_count counted = {0};
    struct bed *b = few_bed(&counted, 3);
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR);
    struct name_buf owner = bed_name("b"), other = bed_name("a");
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    cr_expect_eq(txn_remove_rrset(t, name_of(&owner), TYPE_A), TXN_DONE);
    cr_expect_eq(txn_remove_rrset(t, name_of(&other), TYPE_TXT), TXN_DONE);
    bed_seal(b, &t);
    cr_expect(counted.tip.is_counted);
    cr_expect_eq(counted.tip.version, b->zone->tip->number);
    cr_expect_eq(counted.tip.records, 2);
    cr_expect_eq(bed_update(b, "u p IN 60 TXT p\nu q IN 60 TXT q"), NOERROR); /* more than 3 */
    cr_expect_eq(bed_update(b, "u y IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, "u z IN 60 A 192.0.2.1"), REFUSED);
    bed_free(b);
}

Test(quota, a_walk_in_slices_counts_what_one_at_once_does)
{
    struct grant_count counted = {0}, another = {0};
    struct bed *b = few_bed(&counted, 3);
    struct quota_walk *w = mem_alloc_zero(sizeof(*w));
    unsigned slices = 1;
    while (!quota_walk_some(w, &b->rules, b->zone->tip, 1))
        slices++;
    cr_expect_geq(slices, 4, "of four names");
    cr_expect(counted.tip.is_counted);
    cr_expect_eq(counted.tip.records, 2);
    /* other rules half way, as a new configuration has them: all names count for those */
    cr_expect_not(quota_walk_some(w, &b->rules, b->zone->tip, 3));
    ((struct grant *)(uintptr_t)b->rules.grants)->counted = &another;
    while (!quota_walk_some(w, &b->rules, b->zone->tip, 1))
        ;
    cr_expect(another.tip.is_counted);
    cr_expect_eq(another.tip.records, 2);
    /* given up half way and begun again */
    cr_expect_not(quota_walk_some(w, &b->rules, b->zone->tip, 3));
    *w = (struct quota_walk){0};
    while (!quota_walk_some(w, &b->rules, b->zone->tip, 2))
        ;
    cr_expect_eq(another.tip.records, 2);
    free(w);
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
    cr_expect_not(counted.tip.is_counted);
    bed_free(b);
}

Test(quota, who_only_asks_changes_no_number)
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
    cr_expect_eq(counted.tip.version, before.tip.version);
    cr_expect_eq(counted.tip.records, before.tip.records);
    bed_free(b);
}

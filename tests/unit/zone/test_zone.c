/* SPDX-License-Identifier: Apache-2.0
 * The life of versions and zones: what is pinned stays, what is not goes, in whatever order. */
#include <signal.h>

#include "zone_util.h"

static void add(struct txn *t, const char *owner, uint8_t last)
{
    struct name_buf n = name_from(owner);
    uint8_t address[4] = {192, 0, 2, last};
    struct rr rr = {name_of(&n), TYPE_A, CLASS_IN, 60, {address, sizeof(address)}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
}

static struct version *next(struct zone *z, const char *owner, uint8_t last)
{
    struct txn *t = txn_begin(z, TXN_CHANGE);
    add(t, owner, last);
    return txn_seal(&t, NULL);
}

static unsigned records_at(const struct version *v, const char *owner)
{
    struct name_buf n = name_from(owner);
    struct rrset set;
    const struct node *node = lookup_exact(v, name_of(&n));
    return node && node_find(node, TYPE_A, &set) ? set.count : 0;
}

static struct zone *zone_of(const char *name)
{
    struct name_buf n = name_from(name);
    return zone_new(name_of(&n), CLASS_IN);
}

struct dropped {
    unsigned count;
    struct zone *zone;
};

static void drop(void *arg, struct zone *z)
{
    struct dropped *d = arg;
    d->count++;
    d->zone = z;
}

Test(zone, that_is_retired_is_dropped_at_once_if_nobody_reads_it)
{
    struct dropped d = {0};
    struct zone *z = zone_of("example.");
    version_unpin(version_pin(z->published));
    zone_retire(z, drop, &d);
    cr_assert_eq(d.count, 1);
    cr_assert_eq(d.zone, z);
    zone_free(d.zone);
    zone_retire(NULL, drop, &d);
    cr_assert_eq(d.count, 1);
}

Test(zone, that_is_retired_waits_for_the_last_reader_of_any_version)
{
    struct dropped d = {0};
    struct zone *z = zone_of("example.");
    zone_publish(z, next(z, "a.example.", 1));
    const struct version *old = version_pin(z->published), *again = version_pin(z->published);
    zone_publish(z, next(z, "a.example.", 2));
    const struct version *new = version_pin(z->published);
    zone_retire(z, drop, &d);
    version_unpin(new);
    version_unpin(old);
    cr_assert_eq(d.count, 0);
    cr_expect_eq(records_at(again, "a.example."), 1);
    version_unpin(again);
    cr_assert_eq(d.count, 1);
    zone_free(d.zone);
}

Test(zone, takes_back_what_is_not_published_and_goes_on_from_there)
{
    struct zone *z = zone_of("example.");
    zone_publish(z, next(z, "a.example.", 1));
    struct version *published = z->published;
    const struct version *pinned = version_pin(published);
    size_t used = z->pool.used;
    next(z, "a.example.", 2);
    next(z, "b.example.", 3);
    next(z, "a.example.", 4);
    zone_rollback(z);
    cr_assert_eq(z->tip, published);
    cr_assert_eq(z->pool.used, used);
    cr_expect_eq(records_at(pinned, "a.example."), 1);
    zone_rollback(z); /* nothing to take back */
    zone_publish(z, next(z, "b.example.", 5));
    cr_expect_eq(records_at(z->published, "a.example."), 1);
    cr_expect_eq(records_at(z->published, "b.example."), 1);
    cr_expect_eq(records_at(pinned, "b.example."), 0);
    version_unpin(pinned);
    zone_free(z);
}

/* Pins given back in another order than taken: the oldest that is held keeps all that is newer. */
Test(zone, frees_versions_from_the_old_end_only)
{
    struct zone *z = zone_of("example.");
    const struct version *pin[4];
    for (uint8_t i = 0; i < 4; i++) {
        zone_publish(z, next(z, "a.example.", i));
        pin[i] = version_pin(z->published);
    }
    zone_publish(z, next(z, "a.example.", 4));
    version_unpin(pin[2]);
    version_unpin(pin[1]);
    cr_assert_eq(z->oldest, pin[0]);
    cr_expect_eq(records_at(pin[0], "a.example."), 1);
    cr_expect_eq(records_at(pin[3], "a.example."), 4);
    version_unpin(pin[0]);
    cr_assert_eq(z->oldest, pin[3]);
    version_unpin(pin[3]);
    cr_assert_eq(z->oldest, z->published);
    cr_assert_eq(z->oldest, z->tip);
    zone_free(z);
}

Test(zone, publishes_step_by_step_or_several_at_once)
{
    struct zone *z = zone_of("example.");
    struct version *first = next(z, "a.example.", 1);
    next(z, "a.example.", 2);
    struct version *third = next(z, "a.example.", 3);
    cr_expect_eq(records_at(z->published, "a.example."), 0);
    zone_publish(z, first);
    cr_expect_eq(records_at(z->published, "a.example."), 1);
    zone_publish(z, first);
    zone_publish(z, third);
    cr_expect_eq(records_at(z->published, "a.example."), 3);
    cr_expect_eq(z->oldest, third);
    zone_free(z);
}

Test(zone, that_is_read_cannot_be_freed, .signal = SIGABRT)
{
    struct zone *z = zone_of("example.");
    version_pin(z->published);
    zone_free(z);
}

Test(zone, is_never_published_backwards, .signal = SIGABRT)
{
    struct zone *z = zone_of("example.");
    struct version *v = z->published;
    const struct version *pinned = version_pin(v);
    zone_publish(z, next(z, "a.example.", 1));
    zone_publish(z, v);
    version_unpin(pinned);
}

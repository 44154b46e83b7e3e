/* SPDX-License-Identifier: Apache-2.0
 * What the log keeps of a zone goes by its age, whatever else happens to the zone; the server's
 * clock is the test's. */
#include "bed.h"

#define US_PER_S INT64_C(1000000)
#define HOUR_US  (3600 * US_PER_S)
#define ZONE     "  a.example: {file: a, updates: [{unsigned: yes, all: yes}]}\n"

static struct bed *start(const char *settings)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP, 1);
    bed_start(b, settings, ZONE);
    bed_settle(b);
    return b;
}

static void add(struct bed *b, const char *owner)
{
    const struct bed_change c = {"a.example.", owner, CLASS_IN, TYPE_A, 60, "192.0.2.7"};
    cr_assert_eq(bed_update(b, &c), NOERROR);
}

/* The clock moves by so much, step by step where something is due; gives how often it was. */
static unsigned pass(struct bed *b, int64_t us)
{
    unsigned fired = 0;
    int64_t end_us = b->now_us + us;
    bed_settle(b);
    for (int64_t at_us; (at_us = server_next_us(b->server)) <= end_us; fired++) {
        b->now_us = at_us > b->now_us ? at_us : b->now_us;
        server_time(b->server, b->now_us);
        bed_settle(b);
    }
    b->now_us = end_us;
    bed_settle(b);
    return fired;
}

static const struct server_zone *zone(struct bed *b)
{
    struct name_buf name;
    cr_assert_eq(name_scan("a.example.", 10, NAME_ROOT, &name, NULL), OK);
    return zone_owner(store_get(&b->server->store, name_of(&name)));
}

static uint64_t kept(struct bed *b)
{
    struct journal_history h;
    struct diag diag = {0};
    enum err err = journal_history(state_journal(b->server->state), zone(b)->log_id, &h, &diag);
    cr_assert_eq(err, OK, "%s", diag.text);
    return h.changes;
}

static uint64_t snapshots(const struct bed *b)
{
    return server_counters(b->server)->snapshots;
}

Test(aging, a_quiet_zone_forgets_and_is_left_alone)
{
    struct bed *b = start(", limits: {history-age: 2d}");
    add(b, "x.a.example.");
    pass(b, HOUR_US);
    add(b, "y.a.example.");
    cr_expect_eq(pass(b, 46 * HOUR_US), 0, "there is nothing to do for a long time");
    cr_expect_eq(kept(b), 2);
    uint64_t before = snapshots(b);
    pass(b, 4 * HOUR_US);
    cr_expect_eq(kept(b), 0);
    cr_expect_eq(server_counters(b->server)->changes_aged, 2);
    cr_expect_eq(snapshots(b), before + 1, "the first has both changes");
    cr_expect_eq(zone(b)->aging.place, 0, "there is nothing that could become too old");
    add(b, "z.a.example.");
    cr_expect_eq(kept(b), 1);
    pass(b, 51 * HOUR_US);
    cr_expect_eq(kept(b), 0, "and so on");
    bed_free(b);
}

Test(aging, a_busy_zone_is_not_looked_at_for_each_change)
{
    struct bed *b = start(", limits: {history-age: 2d}");
    unsigned fired = 0;
    for (unsigned i = 0; i < 1000; i++) { /* one in six minutes: 100 hours */
        char owner[40];
        snprintf(owner, sizeof(owner), "h%u.a.example.", i);
        add(b, owner);
        fired += pass(b, HOUR_US / 10);
    }
    cr_expect(kept(b) >= 480 && kept(b) <= 490, "%llu changes", (unsigned long long)kept(b));
    cr_expect_leq(fired, 52, "once in an hour, when the first is two days old");
    cr_expect_leq(snapshots(b), 4, "once in two days");
    bed_free(b);
}

Test(aging, a_new_limit_holds_and_a_restart_forgets_nothing)
{
    struct bed *b = start("");
    add(b, "x.a.example.");
    pass(b, 2 * HOUR_US);
    add(b, "y.a.example.");
    server_free(b->server);
    bed_start(b, "", ZONE);
    cr_expect_eq(pass(b, 60 * US_PER_S), 0);
    cr_expect_eq(kept(b), 2);
    bed_reload(b, ", limits: {history-age: 1h}", ZONE);
    pass(b, 60 * US_PER_S);
    cr_expect_eq(kept(b), 1);
    server_free(b->server);
    b->now_us += 24 * HOUR_US; /* it is down when the other one's time comes */
    bed_start(b, ", limits: {history-age: 1h}", ZONE);
    pass(b, 60 * US_PER_S);
    cr_expect_eq(kept(b), 0);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    bed_free(b);
}

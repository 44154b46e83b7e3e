/* SPDX-License-Identifier: Apache-2.0
 * Zones come, change, fail, go, and helpers are slow, late or many: what is served is always the
 * last good version. */
#include "../slow.h"
#include "bed.h"

#define TWO "  a.example: {file: a}\n  b.example: {file: b}\n"

static struct bed *two_zones(void)
{
    struct bed *b = bed_new();
    bed_file(b, "a", BED_TOP, 1);
    bed_file(b, "b", BED_TOP, 1);
    bed_start(b, "", TWO);
    return b;
}

Test(zones, answer_servfail_until_they_are_loaded)
{
    struct bed *b = two_zones();
    cr_expect_eq(bed_serial(b, "a.example."), -SERVFAIL);
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), 1);
    cr_expect_eq(bed_serial(b, "c.example."), -REFUSED);
    cr_expect_eq(server_counters(b->server)->zone_loads, 2);
    bed_free(b);
}

Test(zones, that_fail_first_answer_servfail_and_load_later)
{
    struct bed *b = bed_new();
    char status[128];
    bed_file(b, "a", BED_TOP, 1);
    bed_file(b, "b", "$TTL 300\nnonsense\n");
    bed_start(b, "", TWO);
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), 1);
    cr_expect_eq(bed_serial(b, "b.example."), -SERVFAIL);
    cr_expect_eq(server_counters(b->server)->zone_loads_failed, 1);
    cr_expect_str_eq(server_status(b->server, status), "2 zones, 1 not loaded");
    bed_file(b, "b", BED_TOP, 5);
    bed_reload(b, "", TWO);
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "b.example."), 5);
    cr_expect_str_eq(server_status(b->server, status), "2 zones");
    bed_free(b);
}

Test(zones, keep_their_last_good_version_when_a_reload_fails)
{
    struct bed *b = two_zones();
    bed_settle(b);
    bed_file(b, "a", BED_TOP "x.a.example. CNAME y\nx.a.example. A 192.0.2.1\n", 2);
    bed_file(b, "b", BED_TOP, 2);
    bed_reload(b, "", TWO);
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), 1);
    cr_expect_eq(bed_serial(b, "b.example."), 2);
    char path[80];
    snprintf(path, sizeof(path), "%s/b", b->dir);
    cr_assert_eq(unlink(path), 0);
    bed_reload(b, "", TWO);
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "b.example."), 2);
    bed_free(b);
}

Test(zones, come_and_go_with_the_configuration)
{
    struct bed *b = two_zones();
    bed_settle(b);
    bed_file(b, "c", BED_TOP, 7);
    bed_reload(b, "", "  B.example.: {file: b}\n  c.b.example: {file: c}\n");
    cr_expect_eq(bed_serial(b, "a.example."), -REFUSED, "gone at once");
    cr_expect_eq(bed_serial(b, "b.example."), 1, "still there while it is read again");
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "b.example."), 1);
    cr_expect_eq(bed_serial(b, "c.b.example."), 7);
    bed_reload(b, "", "  b.example: {file: c}\n");
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "b.example."), 7, "the same zone from another file");
    cr_expect_eq(bed_serial(b, "c.b.example."), -NXDOMAIN);
    bed_free(b);
}

Test(zones, removed_while_they_load_do_not_come_back)
{
    struct bed *b = two_zones();
    bed_reload(b, "", "  b.example: {file: b}\n");
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), -REFUSED);
    cr_expect_eq(bed_serial(b, "b.example."), 1);
    bed_reload(b, "", TWO);
    bed_reload(b, "", "  b.example: {file: b}\n");
    bed_file(b, "a", BED_TOP, 9);
    bed_reload(b, "", TWO);
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), 9, "removed, added again: read again");
    bed_free(b);
}

/* The reactor hears of any number of results by one wake-up. */
Test(zones, are_all_taken_in_when_many_load_within_one_turn)
{
    enum { ZONES = 200 };
    struct bed *b = bed_new();
    char zones[ZONES * 40], *at = zones, name[32];
    bed_file(b, "z", BED_TOP, 3);
    for (int i = 0; i < ZONES; i++)
        at += sprintf(at, "  z%d.example: {file: z}\n", i);
    bed_start(b, "", zones);
    bed_wait_wakes(b, ZONES);
    unsigned turns = 0;
    for (; bed_wait(b) && !server_collect(b->server, b->now_us); turns++)
        cr_assert_lt(turns, ZONES);
    for (int i = 0; i < ZONES; i++) {
        snprintf(name, sizeof(name), "z%d.example.", i);
        cr_assert_eq(bed_serial(b, name), 3, "%s", name);
    }
    bed_free(b);
}

/* A FIFO would be refused, so a file long enough to be still under way when the next reload
 * comes. */
static void slow_file(struct bed *b, const char *name, unsigned serial)
{
    bed_file(b, name, BED_TOP "$GENERATE 1-200000 h$ A 192.0.2.1\n", serial);
}

Test(zones, of_a_large_configuration_come_and_go_in_slices)
{
    enum { ZONES = 1500, SHARED = 500 };
    struct bed *b = bed_new();
    char *zones = mem_alloc(ZONES * 40), *at = zones, name[32];
    bed_file(b, "z", BED_TOP, 3);
    for (int i = 0; i < ZONES; i++)
        at += sprintf(at, "  z%d.example: {file: z}\n", i);
    bed_start(b, "", zones);
    cr_expect_eq(bed_serial(b, "z1499.example."), -SERVFAIL, "ours from the start, if not loaded");
    bed_settle(b);
    at = zones;
    for (int i = ZONES - SHARED; i < 2 * ZONES - SHARED; i++)
        at += sprintf(at, "  z%d.example: {file: z}\n", i);
    bed_reload(b, "", zones);
    cr_expect(!server_collect(b->server, b->now_us), "one turn does not do it all");
    bed_settle(b);
    for (int i = 0; i < 2 * ZONES - SHARED; i++) {
        snprintf(name, sizeof(name), "z%d.example.", i);
        cr_assert_eq(bed_serial(b, name), i < ZONES - SHARED ? -REFUSED : 3, "%s", name);
    }
    free(zones);
    bed_free(b);
}

Test(zones, get_their_new_version_however_fast_reloads_follow)
{
    struct bed *b = bed_new();
    slow_file(b, "a", 1);
    bed_start(b, ", limits: {load-threads: 1}", "  a.example: {file: a}\n");
    enum { RELOADS = 50 };
    for (int i = 0; i < RELOADS; i++)
        bed_reload(b, ", limits: {load-threads: 1}", "  a.example: {file: a}\n");
    cr_expect_leq(helpers_pending(b->server->helpers), 2, "reloads of one zone that waits are one");
    bed_file(b, "a", BED_TOP, 2);
    bed_reload(b, ", limits: {load-threads: 1}", "  a.example: {file: a}\n");
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), 2, "what the file says after the last reload");
    cr_expect_leq(server_counters(b->server)->zone_loads, 3);
    bed_free(b);
}

Test(zones, from_a_file_no_longer_configured_are_not_served)
{
    struct bed *b = bed_new();
    slow_file(b, "a", 1);
    bed_file(b, "b", "nonsense\n");
    bed_start(b, "", "  a.example: {file: a}\n");
    bed_reload(b, "", "  a.example: {file: b}\n");
    bed_settle(b);
    cr_expect_eq(bed_serial(b, "a.example."), -SERVFAIL);
    bed_free(b);
}

Test(zones, may_load_while_the_server_ends)
{
    struct bed *b = bed_new();
    unsigned each = cases(1000000, 250000);
    bed_file(b, "a",
             BED_TOP "$GENERATE 1-%u h$ A 192.0.2.1\n$GENERATE 1-%u i$ A 192.0.2.1\n"
                     "$GENERATE 1-%u j$ A 192.0.2.1\n$GENERATE 1-%u k$ A 192.0.2.1\n",
             1, each, each, each, each);
    bed_file(b, "b", BED_TOP, 1);
    bed_start(b, "", "  b.example: {file: b}\n");
    bed_settle(b);
    bed_reload(b, "", TWO);
    bed_wait_wakes(b, 2);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    server_free(b->server);
    clock_gettime(CLOCK_MONOTONIC, &end);
    b->server = NULL;
    int64_t ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    cr_expect_lt(ms, 2000, "so many records take longer: the load was cut short");
    bed_free(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * The helpers: every job given comes back once, in the end all memory is back, whenever the end
 * comes. */
#include "bed.h"

static struct name_buf named(const char *text)
{
    struct name_buf n;
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, &n, NULL), OK);
    return n;
}

static void give(struct bed *b, struct loader *l, const char *zone, const char *file,
                 uint64_t ticket)
{
    char path[96];
    struct name_buf n = named(zone);
    snprintf(path, sizeof(path), "%s/%s", b->dir, file);
    loader_load(l, name_of(&n), path, (struct load_limits){0}, LOADER_AWAITED, ticket);
}

static void collect(struct bed *b, struct loader *l, struct loaded *r)
{
    while (!loader_collect(l, r))
        cr_assert(bed_wait(b));
}

Test(loader, gives_each_job_back_once_with_its_ticket)
{
    enum { JOBS = 40 };
    struct bed *b = bed_new();
    bed_file(b, "good", BED_TOP, 4);
    bed_file(b, "bad", "@ A nonsense\n");
    struct loader *l = loader_new(3, bed_wake, b);
    cr_assert_not_null(l);
    bool is_back[JOBS] = {0};
    for (uint64_t i = 0; i < JOBS; i++)
        give(b, l, "example.", i % 4 == 3 ? "bad" : "good", i);
    for (unsigned left = JOBS; left > 0; left--) {
        struct loaded r;
        cr_assert_eq(loader_pending(l), left);
        collect(b, l, &r);
        cr_assert_lt(r.ticket, JOBS);
        cr_assert_not(is_back[r.ticket]);
        is_back[r.ticket] = true;
        cr_expect_eq(r.zone == NULL, r.ticket % 4 == 3);
        cr_expect_eq(r.diag.text[0] != 0, r.ticket % 4 == 3);
        cr_expect_eq(r.result.errors > 0, r.ticket % 4 == 3);
        loader_drop(l, r.zone);
    }
    struct loaded none;
    cr_expect_not(loader_collect(l, &none));
    loader_free(l);
    bed_free(b);
}

Test(loader, can_end_with_jobs_waiting_under_way_and_not_collected)
{
    struct bed *b = bed_new();
    bed_file(b, "small", BED_TOP, 1);
    bed_file(b, "large", BED_TOP "$GENERATE 1-1000000 h$ A 192.0.2.1\n", 1);
    for (unsigned round = 0; round < 20; round++) {
        struct loader *l = loader_new(2, bed_wake, b);
        b->wakes = 0;
        give(b, l, "small.", "small", 1);
        give(b, l, "large.", "large", 2);
        for (uint64_t i = 0; i < 20; i++)
            give(b, l, "other.", i % 2 ? "small" : "large", 3 + i);
        if (round % 2)
            bed_wait_wakes(b, 1);
        loader_free(l);
    }
    loader_free(NULL);
    bed_free(b);
}

Test(loader, needs_nobody_to_wake)
{
    struct bed *b = bed_new();
    bed_file(b, "small", BED_TOP, 1);
    struct loader *l = loader_new(1, NULL, NULL);
    give(b, l, "example.", "small", 1);
    struct loaded r;
    struct timespec end = bed_deadline(), now;
    do
        clock_gettime(CLOCK_REALTIME, &now);
    while (!loader_collect(l, &r) && now.tv_sec < end.tv_sec);
    cr_assert_eq(loader_pending(l), 0);
    cr_assert_not_null(r.zone);
    zone_free(r.zone);
    loader_free(l);
    bed_free(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * Looking after the log: trimming, backups, checks, the bound of the write-ahead log, threads. */
#include "bed.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../slow.h"
#include "base/attr.h"
#include "base/clock.h"
#include "log/journal_int.h"

static struct bed bed;

static void set_up(void)
{
    bed_init(&bed);
}

static void tear_down(void)
{
    bed_done(&bed);
}

TestSuite(keep, .init = set_up, .fini = tear_down, .timeout = 120);

/* --- trimming --- */

static uint64_t first_wanted;

static bool first_is(struct bed *b)
{
    struct journal_zone z;
    bed_zone_get(b, "a.", &z);
    return z.seq_first == first_wanted;
}

/* Diffs of seq 1..60 have 51..110 bytes. */
static void trim_to(uint64_t bytes, uint64_t age_us, uint64_t wanted)
{
    bed.options.history_bytes = bytes;
    bed.options.history_age_us = age_us;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 40, 2), OK);
    first_wanted = wanted;
    bed_until(&bed, first_is);
    struct bed_read r = bed_read(&bed, id, UINT64_MAX, 0, -1);
    cr_expect(r.result == OK && r.first == 60 && r.last == wanted);
}

Test(keep, history_is_cut_by_bytes)
{
    trim_to(90 + 89 + 88 + 87, 0, 37);
    bed_reopen(&bed);
    cr_expect_str_eq(bed.notices, "");
}

Test(keep, history_is_cut_by_age_but_never_beyond_the_snapshot)
{
    trim_to(1u << 20, 1000000, 41); /* all are of 1970 */
    cr_expect_eq(bed_append(&bed, 1, 61, 61), OK);
}

Test(keep, a_zone_whose_changes_are_all_cut_goes_on)
{
    struct journal_zone z;
    bed.options.history_bytes = 0;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 60, 2), OK);
    first_wanted = 0;
    bed_until(&bed, first_is);
    bed_reopen(&bed);
    bed_zone_get(&bed, "a.", &z);
    cr_expect(z.seq_last == 60 && z.snapshot_seq == 60);
    cr_expect_eq(bed_append(&bed, id, 60, 60), ERR_INVALID);
    cr_expect_eq(bed_append(&bed, id, 61, 62), OK, "%s", bed.diag.text);
    cr_expect_eq(bed_read(&bed, id, 1, 62, 1).result, ERR_INVALID);
    cr_expect_str_eq(bed.diag.text, "change 1 of the zone is missing");
}

Test(keep, new_limits_hold_from_the_next_flip_on)
{
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    bed.options.history_bytes = 0;
    journal_configure(bed.j, &bed.options);
    cr_assert_eq(bed_snapshot(&bed, id, 50, 2), OK);
    first_wanted = 51;
    bed_until(&bed, first_is);
}

/* A batch of the next changes of a zone, on its way while the other one is made. */
struct flight {
    struct bed_change made[BED_SLOTS];
    struct change changes[BED_SLOTS];
    struct journal_batch batch;
};

static void set_off(struct flight *f, uint64_t zone, uint64_t seq)
{
    f->batch = (struct journal_batch){.changes = f->changes, .count = BED_SLOTS};
    for (unsigned i = 0; i < BED_SLOTS; i++) {
        bed_change_make(&f->made[i], zone, seq + i, 100);
        f->changes[i] = f->made[i].change;
    }
    journal_commit(bed.j, &f->batch);
}

static void arrive(void)
{
    pthread_mutex_lock(&bed.lock);
    while (!bed.wakes)
        pthread_cond_wait(&bed.is_done, &bed.lock);
    bed.wakes--;
    pthread_mutex_unlock(&bed.lock);
    struct journal_batch *batch = journal_collect(bed.j);
    cr_assert(batch && batch->result == OK);
}

/* The thread always has a batch to do, and the zone is flipped before the last flip's history is
 * cut: what is kept does not grow with the load. */
Test(keep, history_is_cut_under_load_that_does_not_end)
{
    struct flight *flights = calloc(2, sizeof(*flights));
    enum { FLIP_EVERY = 4, BATCHES = 320, ROWS_MAX = 4096 };
    uint64_t most = 0;
    bed.options.history_bytes = 256 * 100;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    set_off(&flights[0], id, 1);
    for (unsigned i = 1; i <= BATCHES; i++) {
        struct journal_zone z;
        set_off(&flights[i % 2], id, 1 + i * BED_SLOTS);
        arrive();
        if (i % FLIP_EVERY)
            continue;
        cr_assert_eq(bed_snapshot(&bed, id, i * BED_SLOTS, 1), OK, "%s", bed.diag.text);
        bed_zone_get(&bed, "a.", &z);
        most = z.seq_last - z.seq_first > most ? z.seq_last - z.seq_first : most;
        journal_zone_done(&z);
    }
    arrive();
    cr_expect_leq(most, ROWS_MAX, "%llu changes of %u", (unsigned long long)most,
                  BATCHES * BED_SLOTS);
    free(flights);
}

/* What came while there was nothing to cut is not made up for at once, with commits waiting. */
Test(keep, a_batch_waits_for_a_few_steps_of_cutting_only)
{
    struct flight *flight = malloc(sizeof(*flight));
    enum { BATCHES = 320, ROWS_MIN = 2048 };
    struct journal_zone z;
    bed.options.history_bytes = 256 * 100;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (unsigned i = 0; i < BATCHES; i++) {
        set_off(flight, id, 1 + i * BED_SLOTS);
        arrive();
    }
    cr_assert_eq(bed_snapshot(&bed, id, BATCHES * BED_SLOTS, 1), OK, "%s", bed.diag.text);
    set_off(flight, id, 1 + BATCHES * BED_SLOTS);
    arrive();
    bed_zone_get(&bed, "a.", &z);
    cr_expect_geq(z.seq_last - z.seq_first, ROWS_MIN);
    journal_zone_done(&z);
    free(flight);
}

/* --- by age, of a zone that nobody flips --- */

static void aged_is(uint64_t zone, int64_t before_us, const struct journal_aged *wanted)
{
    struct journal_aged found = {0};
    enum err e = journal_trim_aged(bed.j, zone, before_us, &found, &bed.diag);
    cr_assert_eq(e, OK, "%s", bed.diag.text);
    cr_expect(found.cut == wanted->cut && found.has_more == wanted->has_more &&
                  found.wants_snapshot == wanted->wants_snapshot &&
                  found.oldest_us == wanted->oldest_us,
              "before %lld: %llu cut, more %d, wants snapshot %d, oldest %lld",
              (long long)before_us, (unsigned long long)found.cut, found.has_more,
              found.wants_snapshot, (long long)found.oldest_us);
}

Test(keep, changes_that_become_too_old_go_without_a_flip)
{
    struct journal_zone z;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a."), other = bed_zone(&bed, "b.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK); /* made at 1 to 60 us */
    cr_assert_eq(bed_append(&bed, other, 1, 3), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 40, 2), OK);
    aged_is(id, 1, &(struct journal_aged){.oldest_us = 1});
    aged_is(id, 31, &(struct journal_aged){.cut = 30, .has_more = true});
    aged_is(id, 31, &(struct journal_aged){.oldest_us = 31});
    bed_reopen(&bed);
    bed_zone_get(&bed, "a.", &z);
    cr_expect(z.seq_first == 31 && z.time_first_us == 31 && z.seq_last == 60);
    struct bed_read r = bed_read(&bed, id, UINT64_MAX, 0, -1);
    cr_expect(r.result == OK && r.first == 60 && r.last == 31);
    cr_expect_eq(bed_read(&bed, other, 1, 9, 1).count, 3);
}

Test(keep, changes_that_are_too_old_wait_for_a_snapshot_that_has_them)
{
    struct journal_zone z;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    aged_is(id, 2, &(struct journal_aged){.wants_snapshot = true}); /* there is none */
    cr_assert_eq(bed_snapshot(&bed, id, 20, 2), OK);
    aged_is(id, 31, &(struct journal_aged){.cut = 20, .wants_snapshot = true});
    aged_is(id, 31, &(struct journal_aged){.wants_snapshot = true});
    cr_assert_eq(bed_snapshot(&bed, id, 60, 2), OK);
    aged_is(id, 31, &(struct journal_aged){.cut = 10, .has_more = true});
    aged_is(id, 61, &(struct journal_aged){.cut = 30, .has_more = true});
    aged_is(id, 61, &(struct journal_aged){0});
    bed_reopen(&bed);
    bed_zone_get(&bed, "a.", &z);
    cr_expect(z.seq_first == 0 && z.time_first_us == 0 && z.seq_last == 60);
    cr_expect_eq(bed_append(&bed, id, 61, 61), OK, "%s", bed.diag.text);
}

/* The clock was an hour ahead when changes 3 and 4 were made. */
Test(keep, a_clock_that_was_set_back_keeps_nothing_for_long)
{
    const int64_t hour_us = INT64_C(3600000000);
    static struct bed_change made[6];
    struct change changes[6];
    struct journal_batch batch = {.changes = changes, .count = ARRAY_LEN(changes)};
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (unsigned i = 0; i < ARRAY_LEN(made); i++) {
        bed_change_make(&made[i], id, i + 1, 50);
        changes[i] = made[i].change;
        changes[i].time_us += i == 2 || i == 3 ? hour_us : 0;
    }
    cr_assert_eq(bed_commit(&bed, &batch), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 6, 1), OK);
    aged_is(id, 3, &(struct journal_aged){.cut = 2, .has_more = true});
    aged_is(id, 3, &(struct journal_aged){.oldest_us = 5});
    aged_is(id, 6, &(struct journal_aged){.cut = 3, .has_more = true});
    aged_is(id, 6, &(struct journal_aged){.oldest_us = 6});
}

Test(keep, a_long_history_is_cut_in_pieces)
{
    struct journal_aged found = {.has_more = true};
    uint64_t cut = 0;
    unsigned pieces = 0;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (uint64_t seq = 1; seq <= 80 * 64; seq += 64)
        cr_assert_eq(bed_append(&bed, id, seq, seq + 63), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 80 * 64, 1), OK);
    for (; found.has_more; pieces++) {
        cr_assert_eq(journal_trim_aged(bed.j, id, 80 * 64, &found, &bed.diag), OK);
        cr_expect_leq(found.cut, SCAN_ROWS_MAX);
        cut += found.cut;
    }
    cr_expect(cut == 80 * 64 - 1 && pieces == 3 && found.oldest_us == 80 * 64);
}

static uint64_t begun;

static bool old_parts_are_gone(struct bed *b)
{
    uint8_t *bytes = NULL;
    size_t len;
    enum err e = journal_snapshot_read(b->j, begun, 0, &bytes, &len, &b->diag);
    free(bytes);
    return e == ERR_ABSENT;
}

Test(keep, parts_of_snapshots_that_are_not_valid_go)
{
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (uint64_t i = 0; i < 4; i++) {
        struct journal_zone z;
        cr_assert_eq(bed_append(&bed, id, i + 1, i + 1), OK);
        bed_zone_get(&bed, "a.", &z);
        begun = z.snapshot;
        cr_assert_eq(bed_snapshot(&bed, id, i + 1, 3), OK);
        bed_until(&bed, old_parts_are_gone);
    }
    uint64_t half;
    cr_assert_eq(journal_snapshot_begin(bed.j, id, &half, &bed.diag), OK);
    cr_assert_eq(journal_snapshot_put(bed.j, half, 0, (const uint8_t *)"x", 1, &bed.diag), OK);
    bed_reopen(&bed);
    cr_assert_eq(bed_snapshot(&bed, id, 4, 3), OK);
    begun = half;
    bed_until(&bed, old_parts_are_gone);
}

/* --- sizes --- */

Test(keep, the_write_ahead_log_is_bounded)
{
    char path[200];
    struct stat st;
    uint64_t longest = 0;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (uint64_t seq = 1; seq <= 4000; seq++) {
        cr_assert_eq(bed_append(&bed, id, seq, seq), OK);
        if (seq % 100 == 0 && stat(bed_path(&bed, "reeve.db-wal", path), &st) == 0 &&
            (uint64_t)st.st_size > longest)
            longest = (uint64_t)st.st_size;
    }
    cr_expect_leq(longest, 9u << 20);
    cr_expect_gt(longest, 1u << 20);
    cr_expect_gt(journal_bytes(bed.j), 1000000);
}

/* --- backup and check --- */

static void on_fault(void *arg, const char *sentence)
{
    strcat((char *)arg, sentence);
    strcat((char *)arg, "\n");
}

Test(keep, a_backup_is_a_database_to_start_from)
{
    struct bed copy = bed;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    strcat(copy.dir, "/copy");
    copy.options.dir = copy.dir;
    cr_assert_eq(journal_backup(bed.j, copy.dir, &bed.diag), OK, "%s", bed.diag.text);
    cr_expect_eq(journal_backup(bed.j, copy.dir, &bed.diag), ERR_EXISTS);
    cr_expect_not_null(strstr(bed.diag.text, "is there already"));
    cr_expect_eq(journal_backup(bed.j, "/nonexistent/x", &bed.diag), ERR_SYSTEM);
    bed_open(&copy);
    cr_expect_str_eq(copy.notices, "");
    cr_expect_eq(bed_read(&copy, id, 1, 100, 1).count, 60);
    bed_close(&copy);
}

Test(keep, a_check_counts_and_tells_each_fault)
{
    static char faults[10000];
    struct journal_check sums;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 20, 3), OK);
    bed_zone(&bed, "b.");
    cr_assert_eq(journal_check(bed.j, on_fault, faults, &sums, &bed.diag), OK);
    cr_expect_str_eq(faults, "");
    cr_expect(sums.zones == 2 && sums.changes == 60 && sums.parts == 3 && sums.faults == 0);
    cr_expect_eq(sums.bytes, 3 * 5000 + 60 * (51 + 110) / 2);
}

Test(keep, a_check_reads_leases)
{
    static char faults[10000];
    static struct bed_lease l[300];
    struct journal_check sums;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (unsigned i = 0; i < ARRAY_LEN(l); i++)
        bed_lease_make(&l[i], i, 1000, 60);
    cr_assert_eq(bed_append_leases(&bed, id, 1, l, ARRAY_LEN(l)), OK);
    cr_assert_eq(journal_check(bed.j, on_fault, faults, &sums, &bed.diag), OK);
    cr_expect_str_eq(faults, "");
    cr_expect(sums.leases == ARRAY_LEN(l) && sums.faults == 0);
    cr_assert_eq(journal_enter(bed.j, NEED_WRITE, NULL), OK);
    cr_assert_eq(sql_exec(&bed.j->sql,
                          "UPDATE lease SET sum = sum + 1"
                          " WHERE record IN (SELECT record FROM lease LIMIT 2)",
                          NULL),
                 OK);
    journal_leave(bed.j);
    cr_assert_eq(journal_check(bed.j, on_fault, faults, &sums, &bed.diag), OK);
    cr_expect(sums.leases == ARRAY_LEN(l) - 2 && sums.faults == 2, "%s", faults);
    cr_expect_str_eq(faults, "a.: the lease of a record is damaged\n"
                             "a.: the lease of a record is damaged\n");
}

/* --- threads --- */

static atomic_bool is_over;

static void *look(void *arg)
{
    struct bed *b = arg;
    struct journal_check sums;
    struct journal_health health;
    struct name_buf buf;
    unsigned rounds = 0;
    while (!atomic_load(&is_over) || rounds < 3) {
        struct diag diag;
        struct journal_zone z;
        uint64_t seq;
        cr_assert_eq(journal_check(b->j, NULL, NULL, &sums, &diag), OK, "%s", diag.text);
        cr_assert_eq(sums.faults, 0);
        cr_assert_eq(journal_zone_get(b->j, bed_name("a.", &buf), &z, &diag), OK);
        journal_zone_done(&z);
        (void)journal_find_serial(b->j, 1, 5, &seq, &diag);
        journal_health(b->j, &health);
        cr_assert(health.is_well);
        (void)journal_bytes(b->j);
        rounds++;
    }
    return NULL;
}

static void *take_snapshots(void *arg)
{
    struct bed *b = arg;
    const size_t len = 100000;
    uint8_t *bytes = calloc(1, len);
    for (unsigned i = 0; i < 10; i++) {
        struct diag diag;
        struct journal_zone z;
        struct name_buf buf;
        uint64_t id = 0;
        cr_assert_eq(journal_zone_get(b->j, bed_name("a.", &buf), &z, &diag), OK);
        cr_assert_eq(journal_snapshot_begin(b->j, z.id, &id, &diag), OK);
        for (uint32_t part = 0; part < 5; part++)
            cr_assert_eq(journal_snapshot_put(b->j, id, part, bytes, len, &diag), OK);
        const struct journal_flip flip = {z.id, id, z.seq_last, (uint32_t)z.seq_last + 1, 5, NULL};
        cr_assert_eq(journal_snapshot_flip(b->j, &flip, &diag), OK, "%s", diag.text);
        journal_zone_done(&z);
    }
    return NULL;
}

static void *back_up(void *arg)
{
    struct bed *b = arg;
    char dir[200];
    for (unsigned i = 0; i < 3; i++) {
        struct diag diag;
        snprintf(dir, sizeof(dir), "%s/backup%u", b->dir, i);
        cr_assert_eq(journal_backup(b->j, dir, &diag), OK, "%s", diag.text);
    }
    return NULL;
}

Test(keep, helpers_and_commits_go_on_side_by_side)
{
    static void *(*const work[])(void *) = {look, take_snapshots, back_up};
    pthread_t threads[ARRAY_LEN(work)];
    bed.options.history_bytes = 5000;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a."), seq = 1;
    cr_assert_eq(bed_append(&bed, id, seq, seq + 9), OK);
    for (size_t i = 0; i < ARRAY_LEN(work); i++)
        pthread_create(&threads[i], NULL, work[i], &bed);
    for (seq += 10; seq < cases(2000, 1000); seq += 5)
        cr_assert_eq(bed_append(&bed, id, seq, seq + 4), OK, "%s", bed.diag.text);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < ARRAY_LEN(work); i++)
        pthread_join(threads[i], NULL);
    bed_reopen(&bed);
    cr_expect_str_eq(bed.notices, "");
    struct bed_read r = bed_read(&bed, id, UINT64_MAX, 0, -1);
    cr_expect_eq(r.first, seq - 1);
}

Test(keep, what_is_kept_of_a_history_is_counted)
{
    bed_open(&bed);
    struct journal_history h;
    uint64_t id = bed_zone(&bed, "a."), other = bed_zone(&bed, "b.");
    cr_assert_eq(journal_history(bed.j, id, &h, &bed.diag), OK);
    cr_expect(h.changes == 0 && h.bytes == 0 && h.seq_first == 0 && h.seq_last == 0);
    cr_assert_eq(bed_append(&bed, id, 1, 60), OK);
    cr_assert_eq(bed_append(&bed, other, 1, 3), OK);
    cr_assert_eq(journal_history(bed.j, id, &h, &bed.diag), OK);
    cr_expect(h.changes == 60 && h.seq_first == 1 && h.seq_last == 60);
    cr_expect_eq(h.bytes, (51 + 110) * 60 / 2);
}

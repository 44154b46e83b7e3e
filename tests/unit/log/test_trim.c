/* SPDX-License-Identifier: Apache-2.0
 * What cutting the history costs, and the sum that it remembers. */
#include "bed.h"

#include "base/attr.h"
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

TestSuite(trim, .init = set_up, .fini = tear_down, .timeout = 120);

/* All steps at once, whichever the thread does. */
static void trim_now(void)
{
    while (trim_step(bed.j))
        ;
}

/* The rows that were looked at to cut the history after a flip at seq. */
static uint64_t flip_cost(uint64_t zone, uint64_t seq)
{
    uint64_t before = bed.j->trim_rows; /* the last flip's are done: nobody is at it */
    cr_assert_eq(bed_snapshot(&bed, zone, seq, 1), OK, "%s", bed.diag.text);
    trim_now();
    return bed.j->trim_rows - before;
}

static uint64_t append_many(uint64_t zone, uint64_t seq, unsigned batches)
{
    for (unsigned i = 0; i < batches; i++, seq += BED_SLOTS)
        cr_assert_eq(bed_append(&bed, zone, seq + 1, seq + BED_SLOTS), OK, "%s", bed.diag.text);
    return seq;
}

static uint64_t first_kept(void)
{
    struct journal_zone z;
    bed_zone_get(&bed, "a.", &z);
    journal_zone_done(&z);
    return z.seq_first;
}

/* A flip looks at what is new and at the oldest ones, not at the 6400 that are kept. */
Test(trim, a_flip_costs_what_is_new_and_what_is_cut)
{
    enum { LONG = 100, KEPT = LONG * BED_SLOTS, NEW = BED_SLOTS, STEP = TRIM_ROWS_MAX + 1 };
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a."), seq = append_many(id, 0, LONG);
    cr_expect_geq(flip_cost(id, seq), KEPT, "all of them once");
    for (unsigned i = 0; i < 3; i++) {
        seq = append_many(id, seq, 1);
        cr_expect_leq(flip_cost(id, seq), NEW + STEP);
    }
    cr_expect_eq(first_kept(), 1);
    bed.options.history_bytes = 0;
    journal_configure(bed.j, &bed.options);
    cr_expect_leq(flip_cost(id, seq), KEPT + 3 * NEW + STEP, "all go");
    cr_expect_eq(first_kept(), 0);
    bed_reopen(&bed);
    seq = append_many(id, seq, 1);
    cr_expect_leq(flip_cost(id, seq), NEW + NEW + STEP);
}

/* Where cutting has to end, by its definition: counted from the flip's change down. */
static uint64_t first_by_definition(uint64_t first, uint64_t flipped, uint64_t last)
{
    uint64_t bytes = 0, seq = flipped;
    for (; seq >= first && seq > 0; seq--) {
        bytes += 50 + seq % 400; /* as bed_append() makes them */
        if (bytes > bed.options.history_bytes)
            break;
    }
    seq = seq < first ? first : seq + 1;
    return seq > last ? 0 : seq;
}

/* Appends, flips, new limits, starts, changes that are too old, and a connection that breaks, in an
 * order that says nothing. */
Test(trim, the_sum_is_right_whatever_happens_in_between)
{
    enum { ROUNDS = 120 };
    uint64_t first = 1, last = 0, state = 1;
    bed.options.history_bytes = 40000;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (unsigned i = 0; i < ROUNDS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        unsigned what = (unsigned)(state >> 33) % 8, some = (unsigned)(state >> 40) % 400;
        uint64_t flipped = last > some / 8 ? last - some / 8 : 0;
        struct journal_aged aged = {0};
        if (what < 4) {
            last = append_many(id, last, 1 + some / 100);
            first = first ? first : last - BED_SLOTS * (1 + some / 100) + 1;
            flipped = last - some / 8;
        }
        if (what == 4)
            bed.options.history_bytes = some * 200;
        if (what == 4)
            journal_configure(bed.j, &bed.options);
        if (what == 5)
            bed_reopen(&bed);
        if (what == 6) {
            cr_assert_eq(journal_trim_aged(bed.j, id, (int64_t)first + some / 4, &aged, &bed.diag),
                         OK);
            first = first_kept();
        }
        if (what == 7) {
            cr_assert_eq(journal_enter(bed.j, NEED_READ, &bed.diag), OK);
            bed.j->sql.is_broken = true;
            journal_leave(bed.j);
        }
        struct journal_zone z;
        bed_zone_get(&bed, "a.", &z);
        journal_zone_done(&z);
        flipped = flipped < z.snapshot_seq ? z.snapshot_seq : flipped;
        (void)flip_cost(id, flipped);
        first = first ? first_by_definition(first, flipped, last) : 0;
        cr_assert_eq(first_kept(), first, "round %u (%u)", i, what);
    }
}

static void flip_when(uint64_t zone, uint64_t seq, int64_t now_us)
{
    struct journal_flip flip = {
        .zone = zone, .seq = seq, .serial = (uint32_t)seq + 1, .now_us = now_us};
    cr_assert_eq(journal_snapshot_begin(bed.j, zone, &flip.snapshot, &bed.diag), OK);
    cr_assert_eq(journal_snapshot_flip(bed.j, &flip, &bed.diag), OK, "%s", bed.diag.text);
    trim_now();
}

/* Changes 1 to 20 are made at 1 to 20 us, but 3 and 4 at 1003 and 1004, when the clock was wrong.
 */
Test(trim, a_change_goes_when_it_is_older_than_history_age)
{
    static struct bed_change made[20];
    struct change changes[ARRAY_LEN(made)];
    struct journal_batch batch = {.changes = changes, .count = ARRAY_LEN(made)};
    bed.options.history_age_us = 100;
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (unsigned i = 0; i < ARRAY_LEN(made); i++) {
        bed_change_make(&made[i], id, i + 1, 50);
        changes[i] = made[i].change;
        changes[i].time_us += i == 2 || i == 3 ? 1000 : 0;
    }
    cr_assert_eq(bed_commit(&bed, &batch), OK);
    flip_when(id, 15, 100);
    cr_expect_eq(first_kept(), 1, "there was no time yet that is so long ago");
    flip_when(id, 15, 102);
    cr_expect_eq(first_kept(), 2);
    flip_when(id, 15, 105);
    cr_expect_eq(first_kept(), 3);
    flip_when(id, 15, 106);
    cr_expect_eq(first_kept(), 6, "those before it are not newer");
    flip_when(id, 15, 2000);
    cr_expect_eq(first_kept(), 16, "the others are needed");
}

/* Its new changes have the numbers of old ones: which are to be cut, or are, or stay. */
Test(trim, a_zone_that_begins_anew_keeps_what_comes)
{
    static const struct row {
        uint64_t history_bytes;
        unsigned first; /* of changes 1 to 20, after a flip at 15 */
        bool is_trimmed;
    } rows[] = {{0, 16, false}, {0, 16, true}, {6000, 1, true}}; /* the old ones have 5280 */
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        bed.options.history_bytes = rows[i].history_bytes;
        journal_configure(bed.j, &bed.options);
        (void)append_many(id, 0, 1);
        cr_assert_eq(bed_snapshot(&bed, id, BED_SLOTS, 1), OK);
        if (rows[i].is_trimmed)
            trim_now();
        cr_assert_eq(journal_zone_forget(bed.j, id, &bed.diag), OK, "%s", bed.diag.text);
        cr_assert_eq(bed_append(&bed, id, 1, 20), OK, "%s", bed.diag.text);
        trim_now();
        cr_expect_eq(first_kept(), 1);
        (void)flip_cost(id, 15);
        cr_expect_eq(first_kept(), rows[i].first, "row %u", i);
        cr_expect_eq(bed_read(&bed, id, 16, 20, 1).count, 5);
        cr_assert_eq(journal_zone_forget(bed.j, id, &bed.diag), OK, "%s", bed.diag.text);
    }
}

/* With the connection closed, as after a failure: changes that had been cut are there again, or, as
 * here, fewer are there than were counted. */
static void lose_changes(const char *sql)
{
    char path[200];
    sqlite3 *db;
    cr_assert_eq(journal_enter(bed.j, NEED_READ, &bed.diag), OK);
    revive_drop(bed.j);
    cr_assert_eq(sqlite3_open(bed_path(&bed, "reeve.db", path), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    journal_leave(bed.j);
}

Test(trim, a_connection_that_is_new_knows_nothing)
{
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a."), last = append_many(id, 0, 1);
    (void)flip_cost(id, last);
    lose_changes("DELETE FROM change WHERE seq <= 30");
    bed.options.history_bytes = 3315; /* of changes 31 to 64 */
    journal_configure(bed.j, &bed.options);
    (void)flip_cost(id, last);
    cr_expect_eq(first_kept(), 31);
}

/* SPDX-License-Identifier: Apache-2.0
 * Disks that fail: at every call, in every way, then a crash. What was acknowledged is there, what
 * was reported as failed is not, and commits go on when the disk does. */
#include "bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/faultvfs.h"
#include "../slow.h"
#include "base/attr.h"
#include "log/journal_int.h"

enum { ZONES = 2, MODEL_MAX = 4000, LEASES = 5, FAILED_MAX = 64 };

/* By record the attempt that made its lease; 0: it has none. */
struct leases {
    uint64_t of[LEASES];
};

/* What a zone has to have: for each change the attempt that was acknowledged, and its leases. */
static struct model {
    uint64_t id, count;
    uint64_t attempt[MODEL_MAX];
    struct leases leases;
} model[ZONES];

/* What a zone may have if an attempt that was reported as failed is found after all. */
static struct failed {
    unsigned zone;
    uint64_t count;
    struct leases leases;
} failed[FAILED_MAX];
static unsigned failures; /* since the last success, which means that none of them came through */

static struct bed bed;
static struct faultvfs *disk;
static uint64_t attempts, failed_zone, failed_count;

static void set_up(void)
{
    bed_init(&bed);
    disk = faultvfs_new("faulty");
    bed.options.vfs = "faulty";
    bed_open(&bed);
    bed.j->copy_max = 12; /* so that faults hit copying back as well */
    for (unsigned i = 0; i < ZONES; i++) {
        model[i].id = bed_zone(&bed, i ? "b.example." : "a.example.");
        model[i].count = 0;
        model[i].leases = (struct leases){0};
    }
    failures = 0;
}

static void tear_down(void)
{
    bed_done(&bed);
    faultvfs_free(disk);
}

TestSuite(fault, .timeout = 250);

/* A lease is made by the attempt, or one is dropped; and by how many it is follows from it too. */
static unsigned leases_make(struct leases *leases, struct bed_lease made[LEASES])
{
    unsigned count = attempts % 4;
    for (unsigned i = 0; i < count; i++) {
        unsigned record = (unsigned)(attempts / 4 + i) % LEASES;
        leases->of[record] = (attempts + i) % 3 ? attempts : 0;
        bed_lease_make(&made[i], record, (int64_t)attempts, leases->of[record] ? 60 : 0);
    }
    return count;
}

static void note(unsigned zone, unsigned count, const struct leases *leases, enum err e)
{
    struct model *m = &model[zone];
    failed_zone = zone;
    failed_count = e == OK ? 0 : count;
    if (e == OK) {
        for (unsigned i = 0; i < count; i++)
            m->attempt[++m->count] = attempts;
        m->leases = *leases;
        failures = 0;
        return;
    }
    if (failures <
        FAILED_MAX) /* those behind it have not even begun: the disk is not tried again */
        failed[failures++] = (struct failed){zone, m->count + count, *leases};
}

static enum err commit(unsigned zone, struct change *changes, unsigned count)
{
    struct journal_batch batch = {.changes = changes, .count = count};
    struct bed_lease made[LEASES];
    struct journal_lease views[LEASES];
    struct leases leases = model[zone].leases;
    struct change *last = &changes[count - 1];
    last->lease_count = leases_make(&leases, made);
    last->leases = views;
    for (unsigned i = 0; i < last->lease_count; i++)
        views[i] = made[i].lease;
    enum err e = bed_commit(&bed, &batch);
    bed.diag = batch.diag;
    cr_assert_neq(e, ERR_INVALID, "%s", batch.diag.text);
    note(zone, last->has_no_row ? 0 : count, &leases, e);
    return e;
}

/* A batch of `count` changes of a zone whose content is the number of the attempt. */
static enum err attempt(unsigned zone, unsigned count, size_t diff_len)
{
    struct model *m = &model[zone];
    struct change changes[8];
    uint8_t *diff = calloc(1, diff_len);
    attempts++;
    memcpy(diff, &attempts, sizeof(attempts));
    for (unsigned i = 0; i < count; i++)
        changes[i] = (struct change){.zone = m->id,
                                     .seq = m->count + 1 + i,
                                     .serial_from = (uint32_t)(m->count + i + 1),
                                     .serial_to = (uint32_t)(m->count + i + 2),
                                     .actor = "key k",
                                     .diff = diff,
                                     .diff_len = diff_len};
    enum err e = commit(zone, changes, count);
    free(diff);
    return e;
}

/* Nothing but leases, with a number that leases_make() has some for. */
static void attempt_leases(unsigned zone)
{
    struct change c = {.zone = model[zone].id, .seq = model[zone].count, .has_no_row = true};
    attempts += attempts % 4 == 3 ? 2 : 1;
    (void)commit(zone, &c, 1);
}

struct comparing {
    const struct model *m;
    uint64_t next;
    bool may_differ_behind;
};

static bool on_change(void *arg, const struct change *c)
{
    struct comparing *k = arg;
    uint64_t found;
    memcpy(&found, c->diff, sizeof(found));
    cr_assert_eq(c->seq, k->next);
    if (c->seq <= k->m->count)
        cr_assert_eq(found, k->m->attempt[c->seq], "change %llu is of attempt %llu",
                     (unsigned long long)c->seq, (unsigned long long)found);
    k->next++;
    return true;
}

/* As they were acknowledged; or, when doubts are allowed, as one attempt would have made them that
 * brought the zone's changes to that number. */
static void leases_are_there(unsigned zone, uint64_t have, bool may_be_in_doubt)
{
    static struct bed_leases found;
    struct leases leases;
    bed_leases_read(&bed, model[zone].id, &found);
    cr_assert(found.result == OK && found.damaged == 0, "%s", bed.diag.text);
    for (unsigned i = 0; i < LEASES; i++)
        leases.of[i] = found.lease_s[i] ? (uint64_t)found.expires_us[i] : 0;
    bool is_it =
        have == model[zone].count && memcmp(&leases, &model[zone].leases, sizeof(leases)) == 0;
    for (unsigned i = 0; may_be_in_doubt && i < failures; i++)
        is_it |= failed[i].zone == zone && failed[i].count == have &&
                 memcmp(&leases, &failed[i].leases, sizeof(leases)) == 0;
    cr_assert(is_it, "zone %u with %llu changes has leases of %llu %llu %llu %llu %llu", zone,
              (unsigned long long)have, (unsigned long long)leases.of[0],
              (unsigned long long)leases.of[1], (unsigned long long)leases.of[2],
              (unsigned long long)leases.of[3], (unsigned long long)leases.of[4]);
}

/* extra: changes of a batch in doubt that may be there. */
static void all_is_there_or(uint64_t extra_zone, uint64_t extra, bool is_crash)
{
    for (unsigned i = 0; i < ZONES; i++) {
        struct comparing k = {.m = &model[i], .next = 1};
        const struct journal_range range = {model[i].id, 1, UINT64_MAX, 1};
        enum err e = journal_read(bed.j, &range, on_change, &k, &bed.diag);
        cr_assert_eq(e, OK, "%s", bed.diag.text);
        uint64_t have = k.next - 1, want = model[i].count;
        cr_assert(have == want || (i == extra_zone && extra && have == want + extra),
                  "zone %u has %llu changes of %llu", i, (unsigned long long)have,
                  (unsigned long long)want);
        leases_are_there(i, have, is_crash);
    }
}

static void all_is_there(void)
{
    all_is_there_or(0, 0, false);
}

/* Zones, snapshots and steps of trimming that were written in their place, and not synced since,
 * may be torn in their midst: the log cannot tell that from damage, and says so. What it has is
 * whole all the same. */
static void crash(enum crash how, uint64_t seed)
{
    faultvfs_kill(disk);
    bed_close(&bed);
    faultvfs_crash(disk, how, seed);
    bed_open(&bed);
    cr_assert_null(strstr(bed.notices, "what is whole in it is in use"), "%s", bed.notices);
    if (how == CRASH_DROP)
        cr_assert_null(strstr(bed.notices, "2 "), "%s", bed.notices);
}

static bool is_well(struct bed *b)
{
    struct journal_health h;
    journal_health(b->j, &h);
    return h.is_well;
}

static bool commits_again(struct bed *b)
{
    return attempt(1, 1, 100) == OK && is_well(b);
}

static uint64_t script_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 40;
}

/* Some commits of which any may fail. */
static void script(uint64_t seed, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t r = script_random(&seed);
        attempt(r & 1, 1 + (r >> 1) % 4, 8 + (r >> 4) % 9000);
        if (r % 3 == 0)
            attempt_leases(r >> 2 & 1);
        if (i % 5 == 4)
            (void)bed_snapshot(&bed, model[0].id, model[0].count, 2);
    }
}

struct fault_row {
    enum fault_call call;
    int error;
    uint64_t count;
};

static const struct fault_row fault_rows[] = {
    {FAULT_WRITE, ENOSPC, 1},          {FAULT_WRITE, EIO, 1},         {FAULT_SYNC, EIO, 1},
    {FAULT_WRITE, ENOSPC, UINT64_MAX}, {FAULT_SYNC, EIO, UINT64_MAX}, {FAULT_SYNC, EIO, 3},
    {FAULT_WRITE, EDQUOT, 5},          {FAULT_READ, EIO, 1},          {FAULT_TRUNCATE, EIO, 2},
};

static void one_round(const struct fault_row *row, uint64_t at)
{
    static const enum crash how[] = {CRASH_DROP, CRASH_TORN};
    set_up();
    faultvfs_fail(disk, &(struct fault){row->call, at, row->count, row->error});
    script(at, 8);
    if (at % 3 == 0) { /* the crash comes while the disk still fails */
        uint64_t extra = failed_count, zone = failed_zone;
        crash(how[at & 1], at);
        all_is_there_or(zone, extra, true);
        tear_down();
        return;
    }
    faultvfs_clear(disk);
    bed_until(&bed, commits_again);
    script(at + 1, 4);
    all_is_there();
    crash(how[at & 1], at);
    all_is_there();
    cr_assert_eq(attempt(0, 1, 10), OK, "%s", bed.diag.text);
    tear_down();
}

static void all_rounds(enum fault_call call)
{
    unsigned step = 30 / cases(30, 3);
    for (size_t i = 0; i < ARRAY_LEN(fault_rows); i++)
        for (uint64_t at = 1; at <= 60 && fault_rows[i].call == call;
             at += at < 30 ? step : 5 * step)
            one_round(&fault_rows[i], at);
}

Test(fault, writes_fail_at_every_call)
{
    all_rounds(FAULT_WRITE);
}

Test(fault, syncs_fail_at_every_call)
{
    all_rounds(FAULT_SYNC);
}

Test(fault, reads_and_truncations_fail)
{
    all_rounds(FAULT_READ);
    all_rounds(FAULT_TRUNCATE);
}

Test(fault, a_crash_without_faults_loses_nothing_acknowledged)
{
    for (uint64_t seed = 0; seed < cases(40, 8); seed++) {
        set_up();
        script(seed, 10);
        crash(seed & 1 ? CRASH_TORN : CRASH_DROP, seed);
        all_is_there();
        script(seed, 3);
        crash(CRASH_TORN, seed);
        all_is_there();
        tear_down();
    }
}

Test(fault, the_reason_is_told_in_plain_words)
{
    static const struct row {
        int error;
        const char *words;
        enum err err;
    } rows[] = {
        {ENOSPC, "the disk is full", ERR_LIMIT},
        {EDQUOT, "the disk quota is used up", ERR_LIMIT},
        {EROFS, "the file system is read-only", ERR_IO},
        {EACCES, "no permission to write the state directory", ERR_IO},
        {EIO, "the disk reports an input/output error", ERR_IO},
    };
    set_up();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_health h;
        faultvfs_fail(disk, &(struct fault){FAULT_WRITE, 1, UINT64_MAX, rows[i].error});
        cr_expect_eq(attempt(0, 1, 100), rows[i].err);
        cr_expect_not_null(strstr(bed.diag.text, rows[i].words), "%s", bed.diag.text);
        journal_health(bed.j, &h);
        cr_expect(!h.is_well && strstr(h.reason, rows[i].words), "%s", h.reason);
        faultvfs_clear(disk);
        bed_until(&bed, is_well); /* by itself: the thread probes */
        cr_expect_eq(attempt(0, 1, 100), OK, "%s", bed.diag.text);
        all_is_there();
    }
    tear_down();
}

Test(fault, a_disk_that_cannot_be_opened_is_tried_again)
{
    set_up();
    faultvfs_fail(disk, &(struct fault){FAULT_WRITE, 1, 1, EIO});
    faultvfs_fail(disk, &(struct fault){FAULT_OPEN, 1, UINT64_MAX, EMFILE});
    cr_expect_eq(attempt(0, 1, 100), ERR_IO);
    cr_expect_eq(attempt(0, 1, 100), ERR_IO);
    cr_expect_not_null(strstr(bed.diag.text, "no file descriptor is left"), "%s", bed.diag.text);
    faultvfs_clear(disk);
    bed_until(&bed, is_well);
    cr_expect_eq(attempt(0, 2, 100), OK);
    all_is_there();
    tear_down();
}

Test(fault, a_full_disk_is_no_reason_not_to_start)
{
    set_up();
    cr_assert_eq(attempt(0, 3, 100), OK);
    bed_close(&bed);
    faultvfs_fail(disk, &(struct fault){FAULT_WRITE, 1, UINT64_MAX, ENOSPC});
    bed_open(&bed);
    cr_expect_not(is_well(&bed));
    all_is_there();
    cr_expect_eq(attempt(0, 1, 100), ERR_LIMIT);
    faultvfs_clear(disk);
    bed_until(&bed, is_well);
    cr_expect_eq(attempt(0, 1, 100), OK);
    tear_down();
}

static enum err commit_source(uint64_t seq, const char *identity)
{
    const struct journal_source source = {identity, (const uint8_t *)"base", 4};
    struct bed_change made;
    bed_change_make(&made, model[0].id, seq, 50);
    made.change.source = identity ? &source : NULL;
    struct journal_batch batch = {.changes = &made.change, .count = 1};
    return bed_commit(&bed, &batch);
}

static bool commits_the_second(struct bed *b)
{
    (void)b;
    return commit_source(2, NULL) == OK;
}

/* Nobody knew whether the batch was there, for the database could not be opened again. It was not:
 * what was noted before it still holds. */
Test(fault, what_a_file_was_stays_where_a_batch_in_doubt_is_not_there)
{
    struct journal_zone z;
    set_up();
    cr_assert_eq(commit_source(1, "first"), OK);
    faultvfs_fail(disk, &(struct fault){FAULT_WRITE, 1, 1, EIO});
    faultvfs_fail(disk, &(struct fault){FAULT_OPEN, 1, 1, EIO});
    cr_assert_eq(commit_source(2, "second"), ERR_IO);
    faultvfs_clear(disk);
    bed_until(&bed, commits_the_second);
    bed_zone_get(&bed, "a.example.", &z);
    cr_expect_str_eq(z.identity, "first");
    journal_zone_done(&z);
    tear_down();
}

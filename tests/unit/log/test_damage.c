/* SPDX-License-Identifier: Apache-2.0
 * Damaged files: what is whole is used, what is lost is told, nothing is guessed. */
#include "bed.h"

#include <fcntl.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../slow.h"
#include "base/attr.h"
#include "log/journal_int.h"

static struct bed bed;

enum { CHANGES = 60, SNAPSHOT_AT = 20, LEASES = 150 };

TestSuite(damage, .timeout = 250);

/* Record i of zone a. has a lease that is over at i + 1. */
static void fill_leases(uint64_t zone, uint64_t seq, unsigned from, unsigned to)
{
    static struct bed_lease l[LEASES];
    for (unsigned i = from; i < to; i++)
        bed_lease_make(&l[i - from], i, i + 1, 60);
    cr_assert_eq(bed_renew(&bed, zone, seq, l, to - from), OK, "%s", bed.diag.text);
}

/* Zone a. with changes, a snapshot, history and leases; zone b. with changes only. The files are as
 * after a kill: not all is copied back from the write-ahead log. */
static void fill(void)
{
    uint64_t a = bed_zone(&bed, "a."), b = bed_zone(&bed, "b.");
    cr_assert_eq(bed_append(&bed, a, 1, 30), OK);
    fill_leases(a, 30, 0, 100);
    cr_assert_eq(bed_snapshot(&bed, a, SNAPSHOT_AT, 4), OK);
    cr_assert_eq(bed_append(&bed, b, 1, 30), OK);
    bed_reopen(&bed);
    for (uint64_t i = 31; i <= CHANGES; i++) {
        cr_assert_eq(bed_append(&bed, a, i, i), OK);
        cr_assert_eq(bed_append(&bed, b, i, i), OK);
        if (i == 40)
            fill_leases(a, i, 100, LEASES);
    }
}

struct image {
    uint8_t *bytes;
    size_t len;
};

/* What a test has loaded stays until its process ends. */
static uint8_t *loaded[4];
static unsigned loaded_count;

static struct image load(const char *file)
{
    char path[200];
    struct stat st;
    int fd = open(bed_path(&bed, file, path), O_RDONLY);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    struct image i = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    cr_assert_eq(read(fd, i.bytes, i.len), (ssize_t)i.len);
    close(fd);
    cr_assert_lt(loaded_count, sizeof(loaded) / sizeof(loaded[0]));
    loaded[loaded_count++] = i.bytes;
    return i;
}

static void store(const char *file, const uint8_t *bytes, size_t len)
{
    char path[200];
    int fd = open(bed_path(&bed, file, path), O_WRONLY | O_CREAT | O_TRUNC, 0640);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static unsigned files_like(const char *pattern)
{
    char path[200];
    glob_t g;
    int rc = glob(bed_path(&bed, pattern, path), 0, NULL, &g);
    unsigned n = rc == 0 ? (unsigned)g.gl_pathc : 0;
    globfree(&g);
    return n;
}

/* How far a zone can be replayed: the last change that is given, from its snapshot on. */
static uint64_t replayed(const char *name)
{
    struct name_buf buf;
    struct journal_zone z;
    if (journal_zone_get(bed.j, bed_name(name, &buf), &z, &bed.diag) != OK)
        return 0;
    for (uint32_t i = 0; i < z.snapshot_parts; i++) {
        uint8_t *bytes = NULL;
        size_t len;
        cr_assert_eq(journal_snapshot_read(bed.j, z.snapshot, i, &bytes, &len, &bed.diag), OK);
        cr_assert(len == 5000 && bytes[0] == (uint8_t)(SNAPSHOT_AT + i));
        free(bytes);
    }
    cr_assert(!z.snapshot || z.snapshot_seq == SNAPSHOT_AT);
    struct bed_read r = bed_read(&bed, z.id, z.snapshot_seq + 1, UINT64_MAX, 1);
    cr_assert_eq(r.result, OK, "%s", bed.diag.text);
    cr_assert(r.count == 0 || (r.first == z.snapshot_seq + 1 && r.last - r.first + 1 == r.count));
    cr_assert_eq(r.count ? r.last : z.snapshot_seq, z.seq_last);
    journal_zone_done(&z);
    return z.seq_last;
}

/* How many leases zone a. has, each right. */
static unsigned leases_left(void)
{
    static struct bed_leases found;
    bed_leases_read(&bed, bed_zone(&bed, "a."), &found);
    cr_assert(found.result == OK && found.damaged == 0, "%s", bed.diag.text);
    for (unsigned i = 0; i < BED_LEASES_MAX; i++)
        cr_assert(!found.lease_s[i] || (i < LEASES && found.expires_us[i] == i + 1));
    return found.count;
}

static bool has_error(void)
{
    return strncmp(bed.notices, "2 ", 2) == 0 || strstr(bed.notices, "\n2 ");
}

/* Whatever is given is right; if anything is missing it is said. */
static void is_whole_or_said(const char *what)
{
    uint64_t a = replayed("a."), b = replayed("b.");
    cr_assert((a == CHANGES && b == CHANGES) || has_error() ||
                  (strstr(bed.notices, "1 the write-ahead log ends") && a + b == 2 * CHANGES - 1),
              "%s: %llu and %llu changes, and no word but: %s", what, (unsigned long long)a,
              (unsigned long long)b, bed.notices);
    cr_assert(leases_left() == LEASES || has_error(), "%s: leases are gone, and no word but: %s",
              what, bed.notices);
    cr_assert(!has_error() || files_like("*.damaged-*") > 0);
    cr_assert_eq(bed_append(&bed, bed_zone(&bed, "c."), 1, 1), OK, "%s", bed.diag.text);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Both files as a kill leaves them. */
static void killed(struct image *db, struct image *wal)
{
    bed_init(&bed);
    bed_open(&bed);
    fill();
    *db = load("reeve.db");
    *wal = load("reeve.db-wal");
    bed_done(&bed);
}

static void try_with(const struct image *db, const struct image *wal, const char *what)
{
    bed_init(&bed);
    store("reeve.db", db->bytes, db->len);
    store("reeve.db-wal", wal->bytes, wal->len);
    enum err e = bed_try_open(&bed);
    if (e == OK)
        is_whole_or_said(what);
    else
        cr_assert(e == ERR_EXISTS && strstr(bed.diag.text, "newer version"), "%s: %s", what,
                  bed.diag.text);
    bed_done(&bed);
}

Test(damage, what_a_kill_leaves_is_whole)
{
    struct image db, wal;
    killed(&db, &wal);
    cr_assert_gt(wal.len, 60 * 4096);
    bed_init(&bed);
    store("reeve.db", db.bytes, db.len);
    store("reeve.db-wal", wal.bytes, wal.len);
    bed_open(&bed);
    cr_expect(replayed("a.") == CHANGES && replayed("b.") == CHANGES);
    cr_expect_eq(leases_left(), LEASES);
    cr_expect_str_eq(bed.notices, "");
    bed_done(&bed);
}

Test(damage, bytes_changed_anywhere_are_found)
{
    struct image db, wal;
    killed(&db, &wal);
    uint64_t seed = 1;
    for (unsigned i = 0; i < cases(250, 40); i++) {
        char what[100];
        struct image *hit = i % 2 ? &db : &wal;
        size_t at = next_random(&seed) % hit->len;
        uint8_t was = hit->bytes[at], mask = (uint8_t)(1 + next_random(&seed) % 255);
        snprintf(what, sizeof(what), "%s at %zu with 0x%02x", i % 2 ? "database" : "log", at, mask);
        hit->bytes[at] ^= mask;
        try_with(&db, &wal, what);
        hit->bytes[at] = was;
    }
}

Test(damage, pages_lost_anywhere_are_found)
{
    struct image db, wal;
    killed(&db, &wal);
    uint64_t seed = 2;
    for (unsigned i = 0; i < cases(60, 18); i++) {
        char what[100];
        struct image hit = {malloc(db.len), db.len};
        memcpy(hit.bytes, db.bytes, db.len);
        size_t at = next_random(&seed) % (db.len / 512) * 512;
        if (i % 3 == 0)
            hit.len = at;
        else
            memset(hit.bytes + at, i % 3 == 1 ? 0 : (int)i, 512);
        snprintf(what, sizeof(what), "database, way %u at %zu", i % 3, at);
        try_with(&hit, &wal, what);
        free(hit.bytes);
    }
}

Test(damage, a_log_cut_within_a_frame_is_told)
{
    struct image db, wal;
    killed(&db, &wal);
    uint64_t seed = 3;
    for (unsigned i = 0; i < cases(30, 10); i++) {
        struct image cut = {wal.bytes, 32 + next_random(&seed) % (wal.len - 32)};
        struct wal_report r;
        walcheck_bytes(cut.bytes, cut.len, &r);
        bed_init(&bed);
        store("reeve.db", db.bytes, db.len);
        store("reeve.db-wal", cut.bytes, cut.len);
        bed_open(&bed);
        cr_expect_eq(replayed("a.") > 0, true);
        cr_expect_neq(replayed("b."), 0);
        bed_done(&bed);
    }
}

/* --- one thing at a time --- */

static void hit_with(const char *sql)
{
    bed_init(&bed);
    bed_open(&bed);
    fill();
    bed_close(&bed);
    bed_sql(&bed, sql);
    bed_open(&bed);
}

static void said(const char *sentence)
{
    cr_expect_not_null(strstr(bed.notices, sentence), "not \"%s\" in\n%s", sentence, bed.notices);
}

Test(damage, a_bad_change_ends_its_zone_there)
{
    hit_with("UPDATE change SET diff = zeroblob(length(diff)) WHERE zone = 1 AND seq = 41");
    cr_expect_eq(replayed("a."), 40);
    cr_expect_eq(replayed("b."), CHANGES);
    cr_expect_eq(leases_left(), LEASES);
    said("2 zone a.: changes 41 to 60, up to serial 61, are lost (change 41 of the zone is "
         "damaged)");
    said("is kept as");
    cr_expect_eq(files_like("reeve.db.damaged-*"), 1 + files_like("reeve.db.damaged-*-wal"));
    cr_expect_eq(bed_append(&bed, 1, 41, 42), OK, "%s", bed.diag.text);
    bed_reopen(&bed);
    cr_expect_str_eq(bed.notices, "");
    cr_expect_eq(replayed("a."), 42);
    bed_done(&bed);
}

Test(damage, a_change_that_is_missing_ends_its_zone_there)
{
    hit_with("DELETE FROM change WHERE zone = 2 AND seq = 7");
    cr_expect_eq(replayed("a."), CHANGES);
    cr_expect_eq(replayed("b."), 6);
    said("2 zone b.: changes 7 to 60, up to serial 61, are lost (change 7 is missing)");
    bed_done(&bed);
}

Test(damage, bad_history_does_not_touch_what_stands_behind_a_snapshot)
{
    hit_with("UPDATE change SET actor = 'key other' WHERE zone = 1 AND seq = 5");
    cr_expect_eq(replayed("a."), CHANGES);
    said("2 zone a.: the history up to change 5 is lost");
    struct bed_read r = bed_read(&bed, 1, UINT64_MAX, 0, -1);
    cr_expect(r.result == OK && r.first == CHANGES && r.last == 6);
    bed_done(&bed);
}

Test(damage, a_bad_snapshot_takes_its_zone_with_it)
{
    hit_with("UPDATE part SET rrs = zeroblob(5000) WHERE part = 2");
    cr_expect_eq(replayed("a."), 0);
    cr_expect_eq(replayed("b."), CHANGES);
    said("2 zone a.: its snapshot of change 20, serial 21 is damaged (part 2 of snapshot");
    said("2 zone a.: all of its dynamic changes are lost, it begins anew from its zone file");
    cr_expect_eq(bed_append(&bed, 1, 1, 2), OK, "%s", bed.diag.text);
    bed_done(&bed);
}

Test(damage, a_bad_zone_row_is_told)
{
    hit_with("UPDATE zone SET snapshot_seq = 3 WHERE id = 1");
    cr_expect_eq(replayed("b."), CHANGES);
    said("2 a zone's state is lost, or more than one: the row of zone number 1 is damaged");
    bed_done(&bed);
}

Test(damage, leases_that_are_damaged_are_lost_and_no_others)
{
    hit_with("UPDATE lease SET lease_s = lease_s + 1 WHERE expires_us < 4");
    cr_expect_eq(leases_left(), LEASES - 3);
    cr_expect(replayed("a.") == CHANGES && replayed("b.") == CHANGES);
    said("2 zone a.: leases lost: 3; their records are kept for good");
    bed_reopen(&bed);
    cr_expect_str_eq(bed.notices, "");
    cr_expect_eq(leases_left(), LEASES - 3);
    bed_done(&bed);
}

Test(damage, leases_of_what_is_no_record_are_lost)
{
    hit_with("INSERT INTO lease VALUES(1, x'03', 1, 1, 1)");
    said("2 zone a.: leases lost: 1;");
    cr_expect_eq(leases_left(), LEASES);
    bed_done(&bed);
}

/* Versions 1 and 2 had fewer tables, and what is damaged is not changed before it is saved. */
static void a_version_is_saved(unsigned version)
{
    struct journal_zone z;
    bed_init(&bed);
    bed_open(&bed);
    fill();
    struct journal_checked k = {1, 4711, 42};
    cr_assert_eq(journal_zones_set_checked(bed.j, &k, 1, &bed.diag), OK);
    bed_close(&bed);
    bed_sql(&bed, "DROP TABLE lease");
    if (version == 1)
        bed_sql(&bed, "DROP TABLE checked");
    bed_sql(&bed, version == 1 ? "PRAGMA user_version = 1" : "PRAGMA user_version = 2");
    bed_sql(&bed, "UPDATE change SET diff = zeroblob(length(diff)) WHERE zone = 1 AND seq = 41");
    bed_open(&bed);
    cr_expect_eq(replayed("a."), 40);
    cr_expect_eq(replayed("b."), CHANGES);
    said("2 zone a.: changes 41 to 60, up to serial 61, are lost");
    cr_expect_eq(leases_left(), 0);
    bed_zone_get(&bed, "a.", &z);
    cr_expect_eq(z.checked_us, version == 1 ? 0 : 4711);
    journal_zone_done(&z);
    bed_reopen(&bed);
    cr_expect_str_eq(bed.notices, "");
    bed_done(&bed);
}

Test(damage, a_database_of_version_1_is_saved_too)
{
    a_version_is_saved(1);
}

Test(damage, a_database_of_version_2_is_saved_too)
{
    a_version_is_saved(2);
}

Test(damage, when_a_primary_was_asked_is_saved_or_told_to_be_lost)
{
    struct journal_zone z;
    hit_with("INSERT INTO checked VALUES(2, 1, 2, 3)");
    said("2 zone b.: when its primary was last asked is lost");
    cr_expect_eq(replayed("b."), CHANGES);
    struct journal_checked k = {2, 4711, 42};
    cr_assert_eq(journal_zones_set_checked(bed.j, &k, 1, &bed.diag), OK);
    bed_close(&bed);
    bed_sql(&bed, "UPDATE change SET diff = zeroblob(length(diff)) WHERE zone = 1 AND seq = 41");
    bed_open(&bed);
    said("is kept as");
    bed_zone_get(&bed, "b.", &z);
    cr_expect(z.checked_us == 4711 && z.expire_s == 42);
    journal_zone_done(&z);
    bed_done(&bed);
}

Test(damage, a_file_that_is_no_database_is_kept_aside)
{
    bed_init(&bed);
    store("reeve.db", (const uint8_t *)"this is not a database at all, but some text", 44);
    bed_open(&bed);
    said("2 nothing in the damaged database can be read");
    cr_expect_eq(files_like("reeve.db.damaged-*"), 1);
    cr_expect_eq(bed_zone(&bed, "a."), 1);
    bed_done(&bed);
}

Test(damage, a_salvage_cut_short_is_finished)
{
    struct image db;
    bed_init(&bed);
    bed_open(&bed);
    fill();
    bed_close(&bed);
    db = load("reeve.db");
    store("reeve.db.salvaged", db.bytes, db.len);
    store("reeve.db", (const uint8_t *)"damaged", 7);
    store("reeve.db.part", (const uint8_t *)"half", 4);
    bed_open(&bed);
    cr_expect_eq(replayed("a."), CHANGES);
    said("2 the damaged database is kept as");
    cr_expect_eq(files_like("reeve.db.salvaged"), 0);
    bed_done(&bed);
}

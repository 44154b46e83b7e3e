/* SPDX-License-Identifier: Apache-2.0
 * The journal as its callers see it, on a disk without faults. */
#include "bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "../slow.h"

static struct bed bed;

static void set_up(void)
{
    bed_init(&bed);
    bed_open(&bed);
}

static void tear_down(void)
{
    bed_done(&bed);
}

TestSuite(journal, .init = set_up, .fini = tear_down, .timeout = 60);

/* --- opening --- */

Test(journal, makes_its_directory_and_a_database_that_others_cannot_read)
{
    struct stat st;
    char path[200];
    struct bed other = bed;
    strcat(other.dir, "/below");
    other.j = NULL;
    other.options.dir = other.dir;
    bed_open(&other);
    cr_assert_eq(stat(other.dir, &st), 0);
    cr_expect_eq(st.st_mode & 07, 0);
    bed_zone(&other, "example.");
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", other.dir, i ? "reeve.db-wal" : "reeve.db");
        cr_assert_eq(stat(path, &st), 0);
        cr_expect_eq(st.st_mode & 0777, 0640);
    }
    bed_close(&other);
}

/* As systemd makes it for a service whose user it makes too. */
Test(journal, follows_a_symbolic_link_to_its_directory)
{
    char path[200];
    struct bed other = bed;
    strcat(other.dir, "/link");
    other.j = NULL;
    other.options.dir = other.dir;
    cr_assert_eq(mkdir(bed_path(&bed, "private", path), 0700), 0);
    cr_assert_eq(symlink("private", other.dir), 0);
    bed_open(&other);
    uint64_t id = bed_zone(&other, "example.");
    cr_expect_eq(bed_append(&other, id, 1, 3), OK);
    bed_reopen(&other);
    cr_expect_eq(bed_zone(&other, "example."), id);
    cr_expect_eq(access(bed_path(&bed, "private/reeve.db", path), F_OK), 0);
    bed_close(&other);
}

Test(journal, says_what_is_wrong_with_a_directory)
{
    struct bed other = bed;
    other.j = NULL;
    other.options.dir = "/nonexistent/below";
    cr_expect_eq(bed_try_open(&other), ERR_SYSTEM);
    cr_expect_str_eq(other.diag.text, "the state directory /nonexistent/below cannot be made: No "
                                      "such file or directory");
    char path[200];
    close(open(bed_path(&bed, "file", path), O_CREAT | O_WRONLY, 0600));
    other.options.dir = path;
    cr_expect_eq(bed_try_open(&other), ERR_SYSTEM);
    cr_expect_not_null(strstr(other.diag.text, "Not a directory"));
}

Test(journal, is_for_one_server_at_a_time)
{
    struct bed other = bed;
    other.j = NULL;
    cr_expect_eq(bed_try_open(&other), ERR_SYSTEM);
    cr_expect_not_null(strstr(other.diag.text, "in use by another server"), "%s", other.diag.text);
    bed_close(&bed);
    bed_open(&bed);
}

Test(journal, refuses_what_a_newer_version_wrote)
{
    bed_zone(&bed, "example.");
    bed_close(&bed);
    bed_sql(&bed, "PRAGMA user_version = 4");
    cr_expect_eq(bed_try_open(&bed), ERR_EXISTS);
    cr_expect_not_null(strstr(bed.diag.text, "newer version of Reeve"), "%s", bed.diag.text);
    bed.j = NULL;
    bed_sql(&bed, "PRAGMA user_version = 3");
    bed_open(&bed);
    cr_expect_eq(bed_zone(&bed, "example."), 1);
}

/* As versions 1 and 2 left it: without what later ones note of secondaries, without leases. */
static void make_version_2(void)
{
    bed_close(&bed);
    bed_sql(&bed, "DROP TABLE lease");
    bed_sql(&bed, "PRAGMA user_version = 2");
}

static void make_version_1(void)
{
    make_version_2();
    bed_sql(&bed, "DROP TABLE checked");
    bed_sql(&bed, "PRAGMA user_version = 1");
}

Test(journal, takes_over_a_database_of_version_1)
{
    struct journal_zone z;
    uint64_t id = bed_zone(&bed, "example.");
    cr_assert_eq(bed_append(&bed, id, 1, 20), OK);
    make_version_1();
    bed_open(&bed);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.seq_last == 20 && z.checked_us == 0 && z.expire_s == 0);
    journal_zone_done(&z);
    struct journal_checked k = {id, 1234567890123456, 77};
    cr_assert_eq(journal_zones_set_checked(bed.j, &k, 1, &bed.diag), OK, "%s", bed.diag.text);
    bed_close(&bed);
    cr_expect_eq(bed_sql_number(&bed, "PRAGMA user_version"), 3);
    bed_open(&bed);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.seq_last == 20 && z.checked_us == 1234567890123456 && z.expire_s == 77);
    journal_zone_done(&z);
}

static void keeps_leases(uint64_t zone, uint64_t seq)
{
    struct bed_lease l;
    static struct bed_leases found;
    bed_leases_read(&bed, zone, &found);
    cr_expect(found.result == OK && found.count == 0, "%s", bed.diag.text);
    bed_lease_make(&l, 7, 4711, 60);
    cr_assert_eq(bed_append_leases(&bed, zone, seq, &l, 1), OK, "%s", bed.diag.text);
    bed_reopen(&bed);
    bed_leases_read(&bed, zone, &found);
    cr_expect(found.count == 1 && found.expires_us[7] == 4711);
    cr_expect_str_eq(bed.notices, "");
}

Test(journal, takes_over_a_database_of_version_2)
{
    struct journal_zone z;
    uint64_t id = bed_zone(&bed, "example.");
    struct journal_checked k = {id, 1234567890123456, 77};
    cr_assert_eq(journal_zones_set_checked(bed.j, &k, 1, &bed.diag), OK, "%s", bed.diag.text);
    cr_assert_eq(bed_append(&bed, id, 1, 20), OK);
    make_version_2();
    bed_open(&bed);
    cr_expect_str_eq(bed.notices, "");
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.seq_last == 20 && z.checked_us == 1234567890123456 && z.expire_s == 77);
    journal_zone_done(&z);
    keeps_leases(id, 21);
    make_version_1();
    bed_open(&bed);
    keeps_leases(id, 22);
}

Test(journal, keeps_when_each_secondary_was_checked_last)
{
    enum { ZONES = 300 };
    static struct journal_checked rows[ZONES];
    char name[40];
    struct journal_zone z;
    for (unsigned i = 0; i < ZONES; i++) {
        snprintf(name, sizeof(name), "z%u.example.", i);
        rows[i] = (struct journal_checked){bed_zone(&bed, name), 1000000 + i, i};
    }
    cr_assert_eq(journal_zones_set_checked(bed.j, rows, ZONES, &bed.diag), OK);
    rows[7].checked_us += 5;
    cr_assert_eq(journal_zones_set_checked(bed.j, rows + 7, 1, &bed.diag), OK);
    bed_reopen(&bed);
    for (unsigned i = 0; i < ZONES; i += 7) {
        snprintf(name, sizeof(name), "z%u.example.", i);
        bed_zone_get(&bed, name, &z);
        cr_expect_eq(z.checked_us, 1000000 + i + (i == 7 ? 5 : 0), "%u", i);
        cr_expect_eq(z.expire_s, i);
        journal_zone_done(&z);
    }
}

Test(journal, close_of_nothing_is_fine)
{
    journal_close(NULL);
}

/* --- commits --- */

Test(journal, changes_come_back_as_they_were_given)
{
    uint64_t zone = bed_zone(&bed, "example."), other = bed_zone(&bed, "example.org.");
    cr_assert_eq(bed_append(&bed, zone, 1, 1), OK);
    cr_assert_eq(bed_append(&bed, other, 1, 64), OK);
    cr_assert_eq(bed_append(&bed, zone, 2, 40), OK);
    for (int i = 0; i < 2; i++) {
        struct bed_read r = bed_read(&bed, zone, 1, UINT64_MAX, 1);
        cr_expect(r.result == OK && r.count == 40 && r.first == 1 && r.last == 40);
        r = bed_read(&bed, zone, 1, UINT64_MAX, -1);
        cr_expect(r.result == OK && r.count == 40 && r.first == 40 && r.last == 1);
        r = bed_read(&bed, zone, 5, 7, 1);
        cr_expect(r.result == OK && r.count == 3 && r.first == 5 && r.last == 7);
        r = bed_read(&bed, zone, 7, 5, -1);
        cr_expect(r.result == OK && r.count == 3 && r.first == 7 && r.last == 5);
        r = bed_read(&bed, zone, 41, 50, 1);
        cr_expect(r.result == OK && r.count == 0);
        r = bed_read(&bed, other, 0, 1000, 1);
        cr_expect(r.result == OK && r.count == 64);
        bed_reopen(&bed);
        cr_expect_str_eq(bed.notices, "");
    }
}

Test(journal, a_batch_that_does_not_follow_is_refused_whole)
{
    uint64_t zone = bed_zone(&bed, "example.");
    cr_assert_eq(bed_append(&bed, zone, 1, 3), OK);
    static const struct row {
        uint64_t first;
        const char *why;
    } rows[] = {
        {3, "change 3 does not follow change 3"},
        {1, "change 1 does not follow change 3"},
        {5, "change 5 does not follow change 3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_eq(bed_append(&bed, zone, rows[i].first, rows[i].first + 3), ERR_INVALID);
        cr_expect_str_eq(bed.diag.text, rows[i].why);
    }
    cr_expect_eq(bed_append(&bed, zone + 1, 1, 1), ERR_INVALID);
    cr_expect_str_eq(bed.diag.text, "no zone has number 2");
    cr_expect_eq(bed_append(&bed, zone, 4, 5), OK);
    cr_expect_eq(bed_read(&bed, zone, 1, 100, 1).count, 5);
    struct journal_health h;
    journal_health(bed.j, &h);
    cr_expect(h.is_well, "a batch's fault is not the disk's");
}

Test(journal, a_change_goes_on_from_the_serial_of_the_last)
{
    uint64_t zone = bed_zone(&bed, "example.");
    struct bed_change c;
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    bed_change_make(&c, zone, 1, 10);
    cr_assert_eq(bed_commit(&bed, &batch), OK);
    bed_change_make(&c, zone, 2, 10);
    c.change.serial_from = 7;
    cr_expect_eq(bed_commit(&bed, &batch), ERR_INVALID);
    cr_expect_str_eq(batch.diag.text, "change 2 goes from serial 7, the newest has 2");
}

Test(journal, long_texts_are_cut_and_none_is_empty)
{
    uint64_t zone = bed_zone(&bed, "example.");
    static char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    struct bed_change c;
    bed_change_make(&c, zone, 1, 0);
    c.change.actor = text;
    c.change.peer = NULL;
    c.change.rule = "";
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK);
    bed_close(&bed);
    cr_expect_eq(bed_sql_number(&bed, "SELECT length(actor) FROM change WHERE peer = ''"),
                 CHANGE_TEXT_MAX);
    bed_open(&bed);
    cr_expect_str_eq(bed.notices, "");
}

static bool keep_len(void *arg, const struct change *c)
{
    *(size_t *)arg = c->diff_len;
    return c->diff[c->diff_len - 1] == 'd';
}

Test(journal, a_diff_may_have_tens_of_megabytes)
{
    uint64_t zone = bed_zone(&bed, "example.");
    const size_t len = cases(20, 12) << 20;
    uint8_t *diff = malloc(len);
    memset(diff, 'd', len);
    struct bed_change c;
    bed_change_make(&c, zone, 1, 0);
    c.change.diff = diff;
    c.change.diff_len = len;
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    free(diff);
    bed_reopen(&bed);
    size_t found = 0;
    const struct journal_range range = {zone, 1, 1, 1};
    cr_assert_eq(journal_read(bed.j, &range, keep_len, &found, &bed.diag), OK);
    cr_expect_eq(found, len);
}

/* --- zones --- */

Test(journal, a_zone_is_known_by_its_name_in_any_case)
{
    struct name_buf buf;
    struct journal_zone z;
    cr_expect_eq(journal_zone_get(bed.j, bed_name("example.", &buf), &z, &bed.diag), ERR_ABSENT);
    uint64_t id = bed_zone(&bed, "Example.");
    cr_expect_eq(bed_zone(&bed, "eXAMPLE."), id);
    cr_expect_neq(bed_zone(&bed, "example.org."), id);
    bed_zone_get(&bed, "EXAMPLE.", &z);
    cr_expect(z.id == id && z.seq_last == 0 && z.seq_first == 0 && z.snapshot == 0 && !z.identity &&
              !z.base && z.removed_us == 0 && z.flags == 0 && z.replay_bytes == 0);
    cr_assert_eq(bed_append(&bed, id, 1, 3), OK);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.seq_last == 3 && z.seq_first == 1 && z.replay_bytes == 51 + 52 + 53);
}

Test(journal, flags_and_removal_are_kept)
{
    struct journal_zone z;
    uint64_t id = bed_zone(&bed, "example.");
    cr_assert_eq(journal_zone_set_flags(bed.j, id, JOURNAL_ZONE_FROZEN, &bed.diag), OK);
    cr_assert_eq(journal_zone_set_removed(bed.j, id, 12345, &bed.diag), OK);
    bed_reopen(&bed);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.flags == JOURNAL_ZONE_FROZEN && z.removed_us == 12345);
    cr_assert_eq(journal_zone_set_removed(bed.j, id, 0, &bed.diag), OK);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.flags == JOURNAL_ZONE_FROZEN && z.removed_us == 0);
    cr_expect_eq(journal_zone_set_flags(bed.j, 99, 0, &bed.diag), ERR_ABSENT);
    cr_expect_eq(journal_zone_set_removed(bed.j, 99, 0, &bed.diag), ERR_ABSENT);
}

static void source_is(const char *zone, const char *identity, size_t base_len, uint8_t fill)
{
    struct journal_zone z;
    bed_zone_get(&bed, zone, &z);
    cr_assert_not_null(z.identity);
    cr_expect_str_eq(z.identity, identity);
    cr_assert_eq(z.base_len, base_len);
    for (size_t i = 0; i < base_len; i++)
        cr_assert_eq(z.base[i], fill);
    journal_zone_done(&z);
}

Test(journal, the_source_comes_with_a_change_or_alone)
{
    uint64_t id = bed_zone(&bed, "example.");
    const size_t len = cases(16, 4) << 20;
    uint8_t *base = malloc(len);
    memset(base, 1, len);
    struct journal_source source = {"a 1 2", base, len};
    cr_assert_eq(journal_zone_set_source(bed.j, id, &source, &bed.diag), OK);
    source_is("example.", "a 1 2", len, 1);
    memset(base, 2, 100);
    source = (struct journal_source){"b 3 4", base, 100};
    struct bed_change c;
    bed_change_make(&c, id, 1, 10);
    c.change.kind = CHANGE_FILE;
    c.change.source = &source;
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK);
    bed_reopen(&bed);
    source_is("example.", "b 3 4", 100, 2);
    source = (struct journal_source){"c", base, 0};
    c.change.seq = 3; /* refused */
    cr_assert_eq(bed_commit(&bed, &batch), ERR_INVALID);
    source_is("example.", "b 3 4", 100, 2);
    cr_assert_eq(journal_zone_set_source(bed.j, id, &source, &bed.diag), OK);
    source_is("example.", "c", 0, 0);
    cr_expect_eq(journal_zone_set_source(bed.j, 99, &source, &bed.diag), ERR_ABSENT);
    free(base);
}

/* As of the newest change, and no other. */
Test(journal, the_source_comes_in_a_batch_without_a_change)
{
    uint64_t id = bed_zone(&bed, "example.");
    struct bed_change c;
    bed_change_make(&c, id, 1, 10);
    uint8_t base[50];
    memset(base, 2, sizeof(base));
    struct journal_source source = {"d 5 6", base, sizeof(base)};
    struct change all[] = {{.zone = id, .has_no_row = true, .source = &source}, c.change};
    struct journal_batch batch = {.changes = all, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    source_is("example.", "d 5 6", 50, 2);
    source.identity = "e";
    all[0].seq = 1;
    cr_expect_eq(bed_commit(&bed, &batch), ERR_INVALID, "there is no such change");
    source_is("example.", "d 5 6", 50, 2);
    batch = (struct journal_batch){.changes = all + 1, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    batch.changes = all;
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    bed_reopen(&bed);
    source_is("example.", "e", 50, 2);
    cr_expect_eq(bed_read(&bed, id, 1, 9, 1).count, 1, "and has left no row");
}

static void on_zone(void *arg, struct name name, const struct journal_zone *z)
{
    char text[NAME_TEXT_MAX], *out = arg;
    sprintf(out + strlen(out), "%s=%llu ", name_text(name, text), (unsigned long long)z->seq_last);
}

Test(journal, lists_its_zones)
{
    char out[200] = "";
    cr_assert_eq(journal_zones(bed.j, on_zone, out, &bed.diag), OK);
    cr_expect_str_eq(out, "");
    uint64_t id = bed_zone(&bed, "b.example.");
    bed_zone(&bed, "a.example.");
    bed_append(&bed, id, 1, 9);
    cr_assert_eq(journal_zones(bed.j, on_zone, out, &bed.diag), OK);
    cr_expect_str_eq(out, "b.example.=9 a.example.=0 ");
}

Test(journal, finds_a_change_by_the_serial_it_led_to)
{
    uint64_t id = bed_zone(&bed, "example."), seq = 0;
    for (uint64_t i = 1; i < 9000; i += 60)
        cr_assert_eq(bed_append(&bed, id, i, i + 59), OK);
    static const uint32_t found[] = {2, 77, 4900, 4903, 9001};
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        cr_assert_eq(journal_find_serial(bed.j, id, found[i], &seq, &bed.diag), OK);
        cr_expect_eq(seq, found[i] - 1);
    }
    cr_expect_eq(journal_find_serial(bed.j, id, 1, &seq, &bed.diag), ERR_ABSENT);
    cr_expect_str_eq(bed.diag.text, "serial 1 is not in the history");
    cr_expect_eq(journal_find_serial(bed.j, 99, 2, &seq, &bed.diag), ERR_ABSENT);
}

/* --- snapshots --- */

static void snapshot_is(uint64_t snapshot, uint64_t seq, uint32_t parts)
{
    for (uint32_t i = 0; i < parts; i++) {
        uint8_t *bytes = NULL;
        size_t len = 0;
        cr_assert_eq(journal_snapshot_read(bed.j, snapshot, i, &bytes, &len, &bed.diag), OK);
        cr_expect(len == 5000 && bytes[0] == (uint8_t)(seq + i) &&
                  bytes[4999] == (uint8_t)(seq + i));
        free(bytes);
    }
}

Test(journal, a_snapshot_is_valid_from_its_flip_on)
{
    struct journal_zone z;
    uint64_t id = bed_zone(&bed, "example."), begun = 0;
    cr_assert_eq(bed_append(&bed, id, 1, 20), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 10, 3), OK, "%s", bed.diag.text);
    cr_assert_eq(journal_snapshot_begin(bed.j, id, &begun, &bed.diag), OK);
    cr_assert_eq(journal_snapshot_put(bed.j, begun, 0, (const uint8_t *)"x", 1, &bed.diag), OK);
    for (int i = 0; i < 2; i++) {
        bed_zone_get(&bed, "example.", &z);
        cr_expect(z.snapshot && z.snapshot != begun && z.snapshot_seq == 10 &&
                  z.snapshot_parts == 3 && z.snapshot_serial == 11 && z.seq_last == 20);
        snapshot_is(z.snapshot, 10, 3);
        bed_reopen(&bed);
    }
    cr_assert_eq(bed_snapshot(&bed, id, 20, 2), OK, "%s", bed.diag.text);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.snapshot > begun && z.snapshot_seq == 20 && z.replay_bytes == 0);
    snapshot_is(z.snapshot, 20, 2);
}

Test(journal, a_flip_that_does_not_fit_is_refused)
{
    uint64_t id = bed_zone(&bed, "example."), other = bed_zone(&bed, "example.org."), begun = 0;
    cr_assert_eq(bed_append(&bed, id, 1, 20), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 10, 1), OK);
    cr_assert_eq(journal_snapshot_begin(bed.j, id, &begun, &bed.diag), OK);
    cr_assert_eq(journal_snapshot_put(bed.j, begun, 0, (const uint8_t *)"x", 1, &bed.diag), OK);
    const struct row {
        struct journal_flip flip;
        enum err err;
    } rows[] = {
        {{id, begun, 21, 22, 1, NULL}, ERR_INVALID}, /* ahead of the changes */
        {{id, begun, 9, 10, 1, NULL}, ERR_INVALID},  /* back */
        {{id, begun, 15, 16, 2, NULL}, ERR_INVALID}, /* a part is missing */
        {{id, begun, 15, 17, 1, NULL}, ERR_INVALID}, /* not the change's serial */
        {{other, begun, 0, 1, 1, NULL}, ERR_ABSENT},
        {{id, begun - 1, 15, 16, 1, NULL}, ERR_ABSENT}, /* the valid one */
        {{id, begun + 1, 15, 16, 1, NULL}, ERR_ABSENT},
        {{id, begun, 15, 16, 1, NULL}, OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(journal_snapshot_flip(bed.j, &rows[i].flip, &bed.diag), rows[i].err,
                     "row %zu: %s", i, bed.diag.text);
}

Test(journal, a_snapshot_given_up_takes_no_more_parts)
{
    uint64_t id = bed_zone(&bed, "example."), first = 0, second = 0;
    cr_assert_eq(journal_snapshot_begin(bed.j, id, &first, &bed.diag), OK);
    cr_assert_eq(journal_snapshot_begin(bed.j, id, &second, &bed.diag), OK);
    cr_expect_eq(journal_snapshot_put(bed.j, first, 0, (const uint8_t *)"x", 1, &bed.diag),
                 ERR_ABSENT);
    cr_expect_eq(journal_snapshot_put(bed.j, second, 0, (const uint8_t *)"x", 1, &bed.diag), OK);
    bed_reopen(&bed);
    cr_expect_eq(journal_snapshot_put(bed.j, second, 1, (const uint8_t *)"x", 1, &bed.diag),
                 ERR_ABSENT);
    cr_expect_eq(journal_snapshot_begin(bed.j, 99, &second, &bed.diag), ERR_ABSENT);
}

/* --- forgetting --- */

Test(journal, a_zone_that_is_forgotten_begins_anew)
{
    struct journal_zone z;
    uint64_t id = bed_zone(&bed, "example."), other = bed_zone(&bed, "other.");
    for (uint64_t i = 1; i <= 600; i += 50)
        cr_assert_eq(bed_append(&bed, id, i, i + 49), OK);
    cr_assert_eq(bed_append(&bed, other, 1, 20), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 10, 3), OK, "%s", bed.diag.text);
    cr_assert_eq(journal_zone_forget(bed.j, id, &bed.diag), OK, "%s", bed.diag.text);
    for (int i = 0; i < 2; i++) {
        bed_zone_get(&bed, "example.", &z);
        cr_expect_eq(z.id, id);
        cr_expect(z.snapshot == 0 && z.seq_last == 0 && z.seq_first == 0 && z.replay_bytes == 0);
        cr_expect_eq(bed_read(&bed, id, 1, INT64_MAX, 1).count, 0);
        cr_expect_eq(bed_read(&bed, other, 1, INT64_MAX, 1).count, 20);
        bed_reopen(&bed);
    }
    cr_expect_eq(journal_zone_forget(bed.j, id, &bed.diag), OK, "nothing is left of it");
    cr_assert_eq(bed_snapshot(&bed, id, 0, 2), OK, "%s", bed.diag.text);
    cr_assert_eq(bed_append(&bed, id, 1, 3), OK, "%s", bed.diag.text);
    bed_zone_get(&bed, "example.", &z);
    cr_expect(z.snapshot && z.snapshot_seq == 0 && z.seq_last == 3);
}

Test(journal, a_history_says_whether_its_serial_went_back)
{
    static struct bed_change c;
    struct journal_history h;
    uint64_t id = bed_zone(&bed, "example.");
    cr_assert_eq(bed_append(&bed, id, 1, 5), OK);
    cr_assert_eq(journal_history_after(bed.j, id, 0, &h, &bed.diag), OK);
    cr_expect_not(h.goes_back);
    bed_change_make(&c, id, 6, 10);
    c.change.serial_to = 2;
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    cr_assert_eq(journal_history_after(bed.j, id, 5, &h, &bed.diag), OK);
    cr_expect(h.goes_back && h.changes == 1);
    cr_assert_eq(journal_history_after(bed.j, id, 0, &h, &bed.diag), OK);
    cr_expect(h.goes_back && h.changes == 6);
    cr_assert_eq(journal_history_after(bed.j, id, 6, &h, &bed.diag), OK);
    cr_expect_not(h.goes_back);
}

struct serials_seen {
    unsigned count, max;
    uint32_t next;
    bool is_a_row;
};

static bool on_serials(void *arg, uint32_t from, uint32_t to)
{
    struct serials_seen *s = arg;
    s->is_a_row = s->is_a_row && (s->count == 0 || from == s->next);
    s->next = to;
    return ++s->count < s->max;
}

/* In more pieces than one. */
Test(journal, gives_the_serials_of_all_changes)
{
    uint64_t id = bed_zone(&bed, "example.");
    for (uint64_t i = 1; i <= 9000; i += 50)
        cr_assert_eq(bed_append(&bed, id, i, i + 49), OK);
    struct serials_seen all = {.max = UINT32_MAX, .is_a_row = true};
    cr_assert_eq(journal_serials(bed.j, id, on_serials, &all, &bed.diag), OK);
    cr_expect(all.count == 9000 && all.is_a_row, "%u", all.count);
    struct serials_seen some = {.max = 5000, .is_a_row = true};
    cr_assert_eq(journal_serials(bed.j, id, on_serials, &some, &bed.diag), OK);
    cr_expect_eq(some.count, 5000);
    struct serials_seen none = {.max = UINT32_MAX};
    cr_assert_eq(journal_serials(bed.j, 99, on_serials, &none, &bed.diag), OK);
    cr_expect_eq(none.count, 0);
}

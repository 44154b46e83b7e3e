/* SPDX-License-Identifier: Apache-2.0
 * Leases in the change log: written with their change, or alone and behind the newest one. */
#include "bed.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/faultvfs.h"
#include "base/attr.h"
#include "dns/rrtype.h"
#include "log/journal_int.h"

static struct bed bed;
static struct bed_lease made[BED_LEASES_MAX];
static struct bed_leases found;

static void set_up(void)
{
    bed_init(&bed);
    bed_open(&bed);
}

static void tear_down(void)
{
    bed_done(&bed);
}

TestSuite(leases, .init = set_up, .fini = tear_down, .timeout = 60);

static void make(unsigned count, int64_t expires_us, uint32_t lease_s)
{
    for (unsigned i = 0; i < count; i++)
        bed_lease_make(&made[i], i, expires_us + i, lease_s);
}

static void read_all(uint64_t zone)
{
    bed_leases_read(&bed, zone, &found);
    cr_assert_eq(found.result, OK, "%s", bed.diag.text);
    cr_assert_eq(found.damaged, 0);
}

Test(leases, come_with_a_change_and_are_there_after_a_start)
{
    uint64_t a = bed_zone(&bed, "a."), b = bed_zone(&bed, "b.");
    make(10, 1000, 60);
    cr_assert_eq(bed_append_leases(&bed, a, 1, made, 10), OK, "%s", bed.diag.text);
    make(3, 5000, 70);
    cr_assert_eq(bed_append_leases(&bed, b, 1, made, 3), OK);
    for (unsigned round = 0; round < 2; round++) {
        read_all(a);
        cr_expect_eq(found.count, 10);
        for (unsigned i = 0; i < 10; i++)
            cr_expect(found.expires_us[i] == 1000 + i && found.lease_s[i] == 60, "lease %u", i);
        read_all(b);
        cr_expect(found.count == 3 && found.expires_us[2] == 5002 && found.lease_s[2] == 70);
        bed_reopen(&bed);
        cr_expect_str_eq(bed.notices, "");
    }
    cr_expect_eq(bed_read(&bed, a, 1, 9, 1).count, 1);
    read_all(99);
    cr_expect_eq(found.count, 0);
}

Test(leases, are_done_in_their_order)
{
    uint64_t id = bed_zone(&bed, "a.");
    struct bed_lease l[5];
    bed_lease_make(&l[0], 1, 100, 10);
    bed_lease_make(&l[1], 2, 100, 10);
    bed_lease_make(&l[2], 1, 0, 0);
    bed_lease_make(&l[3], 2, 0, 0);
    bed_lease_make(&l[4], 1, 300, 30);
    cr_assert_eq(bed_append_leases(&bed, id, 1, l, 5), OK);
    read_all(id);
    cr_expect(found.count == 1 && found.expires_us[1] == 300 && found.lease_s[1] == 30);
    cr_assert_eq(bed_append_leases(&bed, id, 2, &l[2], 1), OK);
    cr_assert_eq(bed_append_leases(&bed, id, 3, &l[2], 1), OK, "it has none already");
    read_all(id);
    cr_expect_eq(found.count, 0);
}

Test(leases, alone_follow_the_newest_change_and_leave_none)
{
    uint64_t id = bed_zone(&bed, "a.");
    make(1, 100, 10);
    cr_assert_eq(bed_renew(&bed, id, 0, made, 1), OK, "a zone without changes: %s", bed.diag.text);
    cr_expect_eq(bed_renew(&bed, id, 1, made, 1), ERR_INVALID);
    cr_assert_eq(bed_append(&bed, id, 1, 5), OK);
    make(1, 200, 10);
    static const uint64_t refused[] = {0, 4, 6};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        cr_expect_eq(bed_renew(&bed, id, refused[i], made, 1), ERR_INVALID);
        cr_expect_not_null(strstr(bed.diag.text, "do not follow change 5"), "%s", bed.diag.text);
    }
    cr_expect_eq(bed_renew(&bed, 77, 0, made, 1), ERR_INVALID);
    read_all(id);
    cr_expect_eq(found.expires_us[0], 100);
    cr_assert_eq(bed_renew(&bed, id, 5, made, 1), OK, "%s", bed.diag.text);
    bed_reopen(&bed);
    read_all(id);
    cr_expect(found.count == 1 && found.expires_us[0] == 200);
    cr_expect_eq(bed_read(&bed, id, 1, 100, 1).count, 5);
    cr_assert_eq(bed_append(&bed, id, 6, 6), OK, "the next is still the sixth");
    struct journal_health h;
    journal_health(bed.j, &h);
    cr_expect(h.is_well, "a batch's fault is not the disk's");
}

Test(leases, alone_follow_a_snapshot_whose_changes_are_gone)
{
    uint64_t id = bed_zone(&bed, "a.");
    make(1, 100, 10);
    cr_assert_eq(bed_append(&bed, id, 1, 5), OK);
    cr_assert_eq(bed_snapshot(&bed, id, 5, 1), OK);
    bed_close(&bed);
    bed_sql(&bed, "DELETE FROM change");
    bed_open(&bed);
    cr_expect_eq(bed_renew(&bed, id, 0, made, 1), ERR_INVALID);
    cr_expect_eq(bed_renew(&bed, id, 5, made, 1), OK, "%s", bed.diag.text);
}

Test(leases, a_batch_may_mix_changes_and_renewals)
{
    uint64_t a = bed_zone(&bed, "a."), b = bed_zone(&bed, "b.");
    struct bed_change change[2];
    struct journal_lease one;
    bed_change_make(&change[0], a, 1, 10);
    bed_change_make(&change[1], a, 2, 10);
    bed_lease_make(&made[0], 0, 100, 10);
    one = made[0].lease;
    struct change all[] = {
        {.zone = b, .has_no_row = true, .leases = &one, .lease_count = 1},
        {.zone = a, .has_no_row = true, .leases = &one, .lease_count = 1},
        change[0].change,
        {.zone = a, .seq = 1, .has_no_row = true, .leases = &one, .lease_count = 1},
        change[1].change,
        {.zone = b, .has_no_row = true, .leases = &one, .lease_count = 1},
    };
    struct journal_batch batch = {.changes = all, .count = ARRAY_LEN(all)};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    cr_expect_eq(bed_read(&bed, a, 1, 9, 1).count, 2);
    read_all(b);
    cr_expect_eq(found.count, 1);
}

Test(leases, of_a_batch_that_is_refused_are_not_there)
{
    uint64_t id = bed_zone(&bed, "a.");
    struct bed_change change[2];
    bed_lease_make(&made[0], 0, 100, 10);
    bed_change_make(&change[0], id, 1, 10);
    bed_change_make(&change[1], id, 3, 10);
    change[0].change.leases = &made[0].lease;
    change[0].change.lease_count = 1;
    struct change both[] = {change[0].change, change[1].change};
    struct journal_batch batch = {.changes = both, .count = 2};
    cr_expect_eq(bed_commit(&bed, &batch), ERR_INVALID);
    read_all(id);
    cr_expect_eq(found.count, 0);
}

/* --- records --- */

struct wanted {
    struct journal_lease lease;
    bool is_found;
};

static bool look_for(void *arg, const struct journal_lease *l)
{
    for (struct wanted *w = arg; w->lease.owner.len; w++)
        if (!w->is_found && l->type == w->lease.type && name_is_equal(l->owner, w->lease.owner) &&
            rdata_compare(l->type, l->rdata, w->lease.rdata) == 0) {
            w->is_found = l->expires_us == w->lease.expires_us;
            return true;
        }
    cr_expect(false, "a lease of a record that has none, or a second one");
    return true;
}

#define RDATA(text)                               \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
#define NAME(text)                            \
    {                                         \
        (const uint8_t *)(text), sizeof(text) \
    }

Test(leases, are_of_records_as_they_compare)
{
    static uint8_t large[RDATA_LEN_MAX];
    memset(large, 'x', sizeof(large));
    const struct journal_lease given[] = {
        {NAME("\4Host\7example"), TYPE_MX, RDATA("\0\1\4Mail\7Example\0"), 1, 5},
        {NAME("\4hOST\7EXAMPLE"), TYPE_MX, RDATA("\0\1\4mAIL\7eXAMPLE\0"), 2, 5}, /* the same */
        {NAME("\4host\7example"), TYPE_MX, RDATA("\0\2\4mail\7example\0"), 3, 5},
        {NAME("\4host\7example"), TYPE_TXT, RDATA("\1a"), 4, 5},
        {NAME("\4host\7example"), TYPE_TXT, RDATA("\1A"), 5, 5},
        {NAME("\4host\7example"), 65280, RDATA(""), 6, 5},
        {NAME("\4host\7example"), 65280, {large, RDATA_LEN_MAX}, 7, 5},
        {NAME(""), 65280, RDATA(""), 8, 5},
    };
    uint64_t id = bed_zone(&bed, "example.");
    struct wanted wanted[ARRAY_LEN(given) + 1] = {0};
    struct bed_change c;
    bed_change_make(&c, id, 1, 10);
    c.change.leases = given;
    c.change.lease_count = ARRAY_LEN(given);
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    bed_reopen(&bed);
    cr_expect_str_eq(bed.notices, "");
    for (size_t i = 1; i < ARRAY_LEN(given); i++)
        wanted[i - 1].lease = given[i];
    uint64_t damaged;
    cr_assert_eq(journal_leases(bed.j, id, look_for, wanted, &damaged, &bed.diag), OK);
    for (size_t i = 1; i < ARRAY_LEN(given); i++)
        cr_expect(wanted[i - 1].is_found, "lease %zu", i);
}

/* --- many --- */

struct going_on {
    uint64_t zone, seq;
    unsigned count;
};

/* While leases are read, commits are not held up: this waits for one. */
static bool commit_one(void *arg, const struct journal_lease *l)
{
    struct going_on *g = arg;
    (void)l;
    g->count++;
    g->seq++;
    cr_assert_eq(bed_append(&bed, g->zone, g->seq, g->seq), OK, "%s", bed.diag.text);
    return g->count < 300;
}

Test(leases, are_read_while_commits_go_on)
{
    uint64_t id = bed_zone(&bed, "a."), damaged;
    make(BED_LEASES_MAX, 1000, 60);
    cr_assert_eq(bed_append_leases(&bed, id, 1, made, BED_LEASES_MAX), OK, "%s", bed.diag.text);
    read_all(id);
    cr_expect_eq(found.count, BED_LEASES_MAX);
    struct going_on g = {.zone = id, .seq = 1};
    cr_assert_eq(journal_leases(bed.j, id, commit_one, &g, &damaged, &bed.diag), OK);
    cr_expect_eq(g.count, 300, "false ends it");
}

static bool count_large(void *arg, const struct journal_lease *l)
{
    cr_assert_eq(l->rdata.len, 60000);
    ++*(unsigned *)arg;
    return true;
}

Test(leases, of_large_records_are_read_a_few_at_a_time)
{
    enum { COUNT = 50 }; /* 3 MB */
    uint64_t id = bed_zone(&bed, "a."), damaged;
    uint8_t *rdata = calloc(COUNT, 60000);
    struct journal_lease l[COUNT];
    struct bed_change c;
    unsigned count = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        rdata[i * 60000 + 59999] = (uint8_t)i;
        l[i] = (struct journal_lease){
            NAME("\4host\7example"), 65280, {rdata + i * 60000, 60000}, 1, 5};
    }
    bed_change_make(&c, id, 1, 10);
    c.change.leases = l;
    c.change.lease_count = COUNT;
    struct journal_batch batch = {.changes = &c.change, .count = 1};
    cr_assert_eq(bed_commit(&bed, &batch), OK, "%s", batch.diag.text);
    cr_assert_eq(journal_leases(bed.j, id, count_large, &count, &damaged, &bed.diag), OK);
    cr_expect_eq(count, COUNT);
    free(rdata);
}

/* --- what they cost --- */

/* Pages of the write-ahead log and syncs, for the cheaper half of 32 commits: now and then a page
 * of a table is full. */
static void cost(struct faultvfs *disk, uint64_t zone, uint64_t seq, unsigned leases,
                 uint32_t pages)
{
    unsigned cheap = 0;
    for (uint64_t i = 0; i < 32; i++) {
        uint32_t before = bed.j->sql.wal_pages;
        uint64_t syncs = faultvfs_calls(disk, FAULT_SYNC);
        bed_lease_make(&made[0], (unsigned)(i % 8), (int64_t)seq, 60);
        enum err e = leases ? bed_append_leases(&bed, zone, seq + i, made, leases)
                            : bed_append(&bed, zone, seq + i, seq + i);
        cr_assert_eq(e, OK, "%s", bed.diag.text);
        cr_assert_eq(faultvfs_calls(disk, FAULT_SYNC), syncs + 1);
        cheap += bed.j->sql.wal_pages - before <= pages;
    }
    cr_expect_geq(cheap, 16, "%u commits of 32 write %u pages", cheap, pages);
}

Test(leases, cost_nothing_where_there_are_none_and_a_page_where_there_are)
{
    bed_close(&bed);
    struct faultvfs *disk = faultvfs_new("counting");
    bed.options.vfs = "counting";
    bed_open(&bed);
    uint64_t id = bed_zone(&bed, "a.");
    cr_assert_eq(bed_append(&bed, id, 1, 1), OK);
    cost(disk, id, 2, 0, 1);
    cost(disk, id, 34, 1, 2);
    cost(disk, id, 66, 0, 1);
    bed_close(&bed);
    faultvfs_free(disk);
}

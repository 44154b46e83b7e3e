/* SPDX-License-Identifier: Apache-2.0
 * The change log's disk fails at the first, the second, the third ... call of each thing that the
 * server does with it, until the thing is done without coming so far.
 *
 * Whatever fails: an update is acknowledged or gets SERVFAIL, and is there whole or not at all;
 * queries are answered as before; all works again when the disk does, without a restart; and after
 * a power failure what was acknowledged is there, and the serial has not gone back. */
#include "../slow.h"
#include "disk.h"

#define SETTINGS ", limits: {history-age: 1m}"
#define AGE_US   INT64_C(120000000) /* more than that, and a timer is late */

/* What is done while the disk fails. Updates 1 to 3 were acknowledged before; update 4 comes in it.
 */
struct thing {
    const char *name;
    /* gives what was answered; SERVFAIL where update 4 is not sent */
    enum rcode (*run)(struct disk *d);
    /* all of it is there in the end, once the disk works; may be NULL */
    void (*is_done)(struct bed *b);
};

/* --- updates of two records each --- */

static size_t pair_message(uint8_t *wire, size_t cap, unsigned number)
{
    char first[32], second[32];
    uint8_t behind[512];
    const size_t head = DNS_HEADER_LEN + 11 + 4; /* the zone section: a.example. */
    snprintf(first, sizeof(first), "x%u.a.example.", number);
    snprintf(second, sizeof(second), "y%u.a.example.", number);
    const struct bed_change one = {"a.example.", first, CLASS_IN, TYPE_A, 60, "192.0.2.9"},
                            two = {"a.example.", second, CLASS_IN, TYPE_A, 60, "192.0.2.9"};
    size_t len = bed_update_message(wire, cap, &one);
    size_t more = bed_update_message(behind, sizeof(behind), &two) - head;
    cr_assert_leq(len + more, cap);
    memcpy(wire + len, behind + head, more);
    put_u16(wire + 8, 2);
    return len + more;
}

static enum rcode add_pair(struct bed *b, unsigned number)
{
    uint8_t wire[1024];
    bed_ask(b, TRANSPORT_TCP, wire, pair_message(wire, sizeof(wire), number));
    return (enum rcode)bed_rcode(b);
}

static bool has_name(struct bed *b, const char *name)
{
    unsigned rcode = disk_ask(b, name);
    cr_assert(rcode == NOERROR || rcode == NXDOMAIN, "%s: rcode %u", name, rcode);
    return rcode == NOERROR;
}

static bool has_pair(struct bed *b, unsigned number)
{
    char first[32], second[32];
    snprintf(first, sizeof(first), "x%u.a.example.", number);
    snprintf(second, sizeof(second), "y%u.a.example.", number);
    bool has_first = has_name(b, first);
    cr_assert_eq(has_first, has_name(b, second), "half of update %u", number);
    return has_first;
}

/* --- things --- */

static enum rcode do_update(struct disk *d)
{
    return add_pair(d->bed, 4);
}

static enum rcode do_snapshot(struct disk *d)
{
    disk_zone(d->bed, "a.example.")->replay_bytes += 1u << 30; /* worth one */
    enum rcode rcode = add_pair(d->bed, 4);
    disk_rest(d->bed);
    return rcode;
}

/* All changes are too old: there is a snapshot first, then they go. */
static enum rcode do_trim(struct disk *d)
{
    struct bed *b = d->bed;
    disk_rest(b);
    b->now_us += AGE_US;
    server_time(b->server, b->now_us);
    disk_rest(b);
    return SERVFAIL;
}

static void is_trimmed(struct bed *b)
{
    struct journal_history h;
    struct diag diag = {0};
    for (unsigned i = 0; i < 3; i++) { /* what failed is tried again within a minute */
        b->now_us += AGE_US;
        server_time(b->server, b->now_us);
        disk_rest(b);
    }
    const struct server_zone *z = disk_zone(b, "a.example.");
    cr_assert_eq(journal_history(state_journal(b->server->state), z->log_id, &h, &diag), OK, "%s",
                 diag.text);
    cr_assert_eq(h.changes, 0);
}

static enum rcode do_merge(struct disk *d)
{
    bed_file(d->bed, "a", BED_TOP "www A 192.0.2.1\nfile A 192.0.2.2\n", 1);
    bed_reload(d->bed, SETTINGS, DISK_A);
    disk_rest(d->bed);
    return SERVFAIL;
}

static void is_merged(struct bed *b)
{
    cr_assert(has_name(b, "file.a.example."));
}

static bool try_start(struct bed *b)
{
    struct server_hooks hooks = bed_hooks(b);
    struct diag diag = {0};
    b->waiting = 0;
    enum err e = server_new(bed_conf(b, SETTINGS, DISK_A), &hooks, &b->server, &diag);
    if (e != OK) {
        cr_assert(diag.text[0]); /* the operator is told */
        return false;
    }
    server_start(b->server, b->now_us);
    disk_rest(b);
    return true;
}

/* It starts, with the zone or without it for the time being, or says why it does not. */
static enum rcode do_start(struct disk *d)
{
    server_free(d->bed->server);
    if (!try_start(d->bed)) {
        faultvfs_clear(d->vfs);
        cr_assert(try_start(d->bed), "the disk works");
    }
    return SERVFAIL;
}

static const struct thing things[] = {
    {"update", do_update, NULL},    {"snapshot", do_snapshot, NULL}, {"trim", do_trim, is_trimmed},
    {"merge", do_merge, is_merged}, {"start", do_start, NULL},
};

/* --- rounds --- */

static void power_failure(struct disk *d)
{
    faultvfs_kill(d->vfs);
    server_free(d->bed->server);
    faultvfs_crash(d->vfs, CRASH_DROP, 0);
    cr_assert(try_start(d->bed));
}

static void updates_are(struct bed *b, bool has_fourth, bool has_fifth)
{
    cr_assert(has_name(b, "www.a.example."));
    for (unsigned i = 1; i <= 3; i++)
        cr_assert(has_pair(b, i), "update %u is lost", i);
    cr_assert_eq(has_pair(b, 4), has_fourth);
    cr_assert_eq(has_pair(b, 5), has_fifth);
}

/* False: the thing was done before the disk would have failed. */
static bool one_round(const struct thing *t, enum fault_call call, uint64_t at)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    bed_start(b, SETTINGS, DISK_A);
    disk_rest(b);
    for (unsigned i = 1; i <= 3; i++)
        cr_assert_eq(add_pair(b, i), NOERROR);
    uint64_t before = faultvfs_calls(d.vfs, call);
    faultvfs_fail(d.vfs, &(struct fault){call, at, 1, EIO});
    enum rcode rcode = t->run(&d);
    bool has_failed = faultvfs_calls(d.vfs, call) >= before + at;
    cr_assert(rcode == NOERROR || rcode == SERVFAIL, "rcode %d", rcode);
    if (t->run != do_start) /* it may come without the zone */
        updates_are(b, rcode == NOERROR, false);
    disk_recover(&d);
    updates_are(b, rcode == NOERROR, false);
    if (t->is_done)
        t->is_done(b);
    cr_assert_eq(add_pair(b, 5), NOERROR, "without a restart");
    int64_t serial = bed_serial(b, "a.example.");
    power_failure(&d);
    updates_are(b, rcode == NOERROR, true);
    cr_assert_eq(bed_serial(b, "a.example."), serial);
    disk_free(&d);
    return has_failed;
}

/* A thing has fewer calls of a kind than that. */
#define CALLS_MAX 200

static void all_rounds(const struct thing *t, enum fault_call call)
{
    uint64_t step = cases(1, 5);
    for (uint64_t at = 1; one_round(t, call, at); at += step)
        cr_assert_lt(at, CALLS_MAX, "%s: it never ends", t->name);
}

TestSuite(faults, .timeout = 250);

Test(faults, of_writes_lose_nothing_and_half_of_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(things); i++)
        all_rounds(&things[i], FAULT_WRITE);
}

Test(faults, of_syncs_lose_nothing_and_half_of_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(things); i++)
        all_rounds(&things[i], FAULT_SYNC);
}

Test(faults, of_reads_lose_nothing_and_half_of_nothing)
{
    for (size_t i = 0; i < ARRAY_LEN(things); i++)
        all_rounds(&things[i], FAULT_READ);
}

/* SPDX-License-Identifier: Apache-2.0
 * Zones that come while the disk does not do what it should, or other than they went. */
#include "../slow.h"
#include "disk.h"

/* Whatever write it is that fails first, once the disk has room the zone is there and takes
 * updates, without a restart and without a reload. */
Test(opening, on_a_full_disk_is_made_up_for, .timeout = 120)
{
    for (uint64_t at = 1; at <= 16; at += cases(1, 2)) {
        struct disk d = disk_new();
        struct bed *b = d.bed;
        bed_start(b, "", DISK_B);
        disk_rest(b);
        disk_fail(&d, FAULT_WRITE, at, ENOSPC);
        bed_reload(b, "", DISK_A DISK_B);
        disk_rest(b);
        disk_recover(&d);
        cr_assert_eq(disk_ask(b, "www.a.example."), NOERROR, "write %u failed", (unsigned)at);
        cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR, "write %u", (unsigned)at);
        cr_expect_null(disk_zone(b, "a.example.")->failure);
        cr_expect_not(server_wants_time(b->server));
        disk_restart(b, "", DISK_A DISK_B);
        cr_assert_eq(disk_ask(b, "x.a.example."), NOERROR, "write %u", (unsigned)at);
        cr_assert_eq(bed_serial(b, "a.example."), 2);
        disk_free(&d);
    }
}

/* A change in the log that no snapshot stands before could not be replayed: the zone's row was
 * written, its first snapshot was not, and then its file changes. */
static bool has_waited(struct disk *d, uint64_t at)
{
    struct bed *b = d->bed;
    disk_fail(d, FAULT_WRITE, at, ENOSPC);
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    struct server_zone *z = disk_zone(b, "a.example.");
    if (!z->is_kept || z->is_ready)
        return false;
    cr_expect_not_null(z->failure);
    bed_file(b, "a", BED_TOP "mail A 192.0.2.3\n", 1);
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    cr_expect_eq(z->seq_given, 0);
    cr_expect_eq(disk_add(b, "a.example.", "x.a.example."), SERVFAIL);
    disk_recover(d);
    cr_expect_eq(disk_ask(b, "mail.a.example."), NOERROR);
    cr_expect_eq(disk_ask(b, "www.a.example."), NXDOMAIN);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    disk_restart(b, "", DISK_A DISK_B);
    cr_expect_eq(disk_ask(b, "mail.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    return true;
}

Test(opening, that_has_no_snapshot_yet_takes_no_change_of_its_file, .timeout = 120)
{
    unsigned waited = 0;
    bool has_failed = true;
    for (uint64_t at = 1; has_failed; at += cases(1, 2)) {
        struct disk d = disk_new();
        bed_start(d.bed, "", DISK_B);
        disk_rest(d.bed);
        uint64_t before = faultvfs_calls(d.vfs, FAULT_WRITE);
        waited += has_waited(&d, at);
        has_failed = faultvfs_calls(d.vfs, FAULT_WRITE) >= before + at;
        disk_free(&d);
    }
    cr_expect_gt(waited, 0);
}

Test(opening, goes_to_and_fro_between_history_and_none)
{
    static const char none[] = "  a.example: {file: a}\n";
    struct disk d = disk_new();
    struct bed *b = d.bed;
    bed_start(b, "", DISK_A);
    disk_rest(b);
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    for (unsigned i = 0; i < 3; i++) {
        disk_send_add(b, "a.example.", "y.a.example.");
        server_turn(b->server); /* under way while the zone changes its kind */
        bed_reload(b, "", none);
        disk_rest(b);
        cr_expect_eq(disk_ask(b, "x.a.example."), NXDOMAIN, "the file alone");
        cr_expect_eq(disk_add(b, "a.example.", "z.a.example."), REFUSED);
        bed_reload(b, "", DISK_A);
        disk_rest(b);
        cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR, "what the log has is back");
        cr_expect_eq(disk_add(b, "a.example.", "z.a.example."), NOERROR);
    }
    disk_free(&d);
}

/* A zone that is added while the disk cannot be read is not given up. */
Test(opening, is_tried_again_when_the_log_cannot_be_read)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    bed_start(b, "", DISK_A DISK_B);
    disk_rest(b);
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    bed_reload(b, "", DISK_B);
    disk_rest(b);
    disk_fail(&d, FAULT_READ, 1, EIO);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    cr_assert_eq(disk_add(b, "b.example.", "x.b.example."), SERVFAIL);
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    cr_expect_eq(disk_ask(b, "x.a.example."), SERVFAIL);
    cr_expect(server_wants_time(b->server));
    disk_recover(&d);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR);
    cr_expect_eq(disk_add(b, "a.example.", "y.a.example."), NOERROR);
    disk_free(&d);
}

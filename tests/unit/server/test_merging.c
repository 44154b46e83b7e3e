/* SPDX-License-Identifier: Apache-2.0
 * A zone file's news on their way into the live zone: what comes in between, and what fails. */
#include "disk.h"

/* More RRsets than one turn does. */
enum { MANY = 4000 };

static void file_many(struct bed *b, unsigned serial, unsigned address)
{
    size_t cap = 200 + MANY * 40u, len = 0;
    char *text = mem_alloc(cap);
    for (unsigned i = 0; i < MANY; i++)
        len += (size_t)snprintf(text + len, cap - len, "h%u A 192.0.2.%u\n", i, address);
    bed_file(b, "a", BED_TOP "%s", serial, text);
    free(text);
}

static struct disk start_many(void)
{
    struct disk d = disk_new();
    file_many(d.bed, 1, 1);
    bed_start(d.bed, "", DISK_A);
    disk_rest(d.bed);
    return d;
}

/* The address that h0 has, 0: none. */
static unsigned address(struct bed *b, const char *name)
{
    return disk_ask(b, name) == NOERROR ? b->out[b->out_len - 1] : 0;
}

/* Turns until a merge of a.example has begun and is not over. */
static void until_merging(struct bed *b)
{
    while (!disk_zone(b, "a.example.")->changing) {
        cr_assert(bed_wait(b));
        (void)server_collect(b->server, b->now_us);
        server_turn(b->server);
    }
}

/* The file has that address everywhere, and its merge has begun. */
static void begin(struct bed *b, unsigned address)
{
    file_many(b, 1, address);
    bed_reload(b, "", DISK_A);
    until_merging(b);
}

/* An update that comes meanwhile. */
static void send_meanwhile(struct bed *b)
{
    disk_send_add(b, "a.example.", "x.a.example.");
    server_turn(b->server);
}

Test(merging, has_updates_of_its_zone_wait_and_not_those_of_others)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    bed_reload(b, "", DISK_A DISK_B);
    disk_rest(b);
    file_many(b, 1, 2);
    bed_reload(b, "", DISK_A DISK_B);
    until_merging(b);
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_send_add(b, "b.example.", "x.b.example.");
    server_turn(b->server);
    cr_expect_eq(b->server->updates.count, 1, "one waits for the merge");
    cr_expect_geq(b->server->commit.count, 1,
                  "one for the log, where a file that was read again may be");
    cr_expect_eq(address(b, "h0.a.example."), 1);
    disk_rest(b);
    cr_expect_eq(b->late_count, 2);
    cr_expect_eq(b->late[0], NOERROR);
    cr_expect_eq(b->late[1], NOERROR);
    cr_expect_eq(address(b, "h0.a.example."), 2);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3, "one step for the file, one for the update");
    disk_free(&d);
}

Test(merging, is_begun_anew_when_the_log_fails_beneath_it)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    file_many(b, 1, 2);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_until_committed(b); /* refused, and the server does not know it yet */
    bed_reload(b, "", DISK_A);
    /* the merge builds on what is refused */
    while (!disk_zone(b, "a.example.")->changing && b->server->commit.is_busy) {
        while (helpers_collect(b->server->helpers, b->server))
            ;
        sched_yield();
    }
    cr_assert_not_null(disk_zone(b, "a.example.")->changing);
    changing_turn(b->server);
    disk_rest(b);
    cr_expect_eq(b->late[0], SERVFAIL);
    disk_recover(&d);
    cr_expect_eq(address(b, "h0.a.example."), 2);
    cr_expect_eq(disk_ask(b, "x.a.example."), NXDOMAIN);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    disk_restart(b, "", DISK_A);
    cr_expect_eq(address(b, "h0.a.example."), 2);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    disk_free(&d);
}

Test(merging, that_the_log_does_not_take_is_done_when_it_does)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    bed_start(b, "", DISK_A);
    disk_rest(b);
    disk_fail(&d, FAULT_WRITE, 1, ENOSPC);
    bed_file(b, "a", BED_TOP "www A 192.0.2.2\nmail A 192.0.2.3\n", 1);
    bed_reload(b, "", DISK_A);
    disk_rest(b);
    cr_expect_eq(disk_ask(b, "mail.a.example."), NXDOMAIN, "not in the log, so not served");
    cr_expect_eq(bed_serial(b, "a.example."), 1);
    cr_expect_not_null(disk_zone(b, "a.example.")->failure);
    disk_recover(&d);
    cr_expect_eq(disk_ask(b, "mail.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    cr_expect_null(disk_zone(b, "a.example.")->failure);
    disk_restart(b, "", DISK_A);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    disk_free(&d);
}

/* The same when it is found at the start. */
Test(merging, that_the_log_does_not_take_at_the_start_is_done_when_it_does)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    bed_start(b, "", DISK_A);
    disk_rest(b);
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    server_free(b->server);
    bed_file(b, "a", BED_TOP "www A 192.0.2.2\nmail A 192.0.2.3\n", 1);
    bed_start(b, "", DISK_A);
    disk_fail(&d, FAULT_WRITE, 1, ENOSPC);
    disk_rest(b);
    bool is_in = bed_serial(b, "a.example.") == 3; /* the file came in before the disk failed */
    if (!is_in)
        cr_expect_eq(disk_ask(b, "mail.a.example."), NXDOMAIN);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR);
    faultvfs_clear(d.vfs);
    disk_recover(&d);
    cr_expect_eq(disk_ask(b, "mail.a.example."), NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_free(&d);
}

/* The file comes to have what an update did before: 192.0.2.2. */
static void follow_by_file(struct bed *b)
{
    cr_assert_eq(bed_update(b, &(struct bed_change){"a.example.", "www.a.example.", CLASS_IN,
                                                    TYPE_A, 300, "192.0.2.2"}),
                 NOERROR);
    cr_assert_eq(bed_update(b, &(struct bed_change){"a.example.", "www.a.example.", CLASS_NONE,
                                                    TYPE_A, 0, "192.0.2.1"}),
                 NOERROR);
    bed_file(b, "a", BED_TOP "www A 192.0.2.2\n", 1);
}

/* A later update is no change of the file's author, whatever became of the disk in between. */
static void expect_update_to_last(struct bed *b)
{
    cr_assert_eq(bed_update(b, &(struct bed_change){"a.example.", "www.a.example.", CLASS_IN,
                                                    TYPE_A, 300, "192.0.2.3"}),
                 NOERROR);
    cr_assert_eq(bed_update(b, &(struct bed_change){"a.example.", "www.a.example.", CLASS_NONE,
                                                    TYPE_A, 0, "192.0.2.2"}),
                 NOERROR);
    int64_t serial = bed_serial(b, "a.example.");
    disk_restart(b, "", DISK_A);
    cr_expect_eq(address(b, "www.a.example."), 3);
    cr_expect_eq(bed_serial(b, "a.example."), serial);
}

Test(merging, of_a_file_that_brings_nothing_new_counts_when_the_log_knows)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    bed_start(b, "", DISK_A);
    disk_rest(b);
    follow_by_file(b);
    disk_fail(&d, FAULT_WRITE, 1, ENOSPC);
    bed_reload(b, "", DISK_A);
    disk_rest(b);
    cr_expect_not_null(disk_zone(b, "a.example.")->failure, "the operator is told");
    disk_recover(&d);
    cr_expect_null(disk_zone(b, "a.example.")->failure);
    expect_update_to_last(b);
    disk_free(&d);
}

/* The same when it is found at the start, whichever write fails. */
Test(merging, of_a_file_that_brings_nothing_new_at_the_start_counts_when_the_log_knows)
{
    for (uint64_t at = 1; at <= 4; at++) {
        struct disk d = disk_new();
        struct bed *b = d.bed;
        bed_start(b, "", DISK_A);
        disk_rest(b);
        follow_by_file(b);
        server_free(b->server);
        disk_fail(&d, FAULT_WRITE, at, ENOSPC);
        bed_start(b, "", DISK_A);
        disk_rest(b);
        disk_recover(&d);
        cr_expect_null(disk_zone(b, "a.example.")->failure);
        expect_update_to_last(b);
        disk_free(&d);
    }
}

Test(merging, is_forgotten_with_its_zone)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    for (unsigned i = 0; i < 4; i++) {
        begin(b, 2 + i);
        unsigned told = b->late_count;
        send_meanwhile(b);
        bed_reload(b, "", DISK_B);
        disk_rest(b);
        cr_expect_eq(b->late_count, told + 1);
        cr_expect_eq(b->late[told], NOTAUTH, "it is run when the zone is gone");
        bed_reload(b, "", DISK_A);
        disk_rest(b);
        cr_expect_eq(address(b, "h0.a.example."), 2 + i);
        cr_expect_eq(bed_serial(b, "a.example."), 2 + i);
    }
    disk_free(&d);
}

Test(merging, under_way_at_the_end_is_not_waited_for)
{
    for (unsigned i = 0; i < 3; i++) {
        struct disk d = start_many();
        struct bed *b = d.bed;
        begin(b, 2);
        send_meanwhile(b);
        while (i >= 1 && !disk_zone(b, "a.example.")->is_merged)
            (void)server_collect(b->server, b->now_us);
        if (i == 2)
            bed_reload(b, "", DISK_A); /* to be read once more when the log has it */
        server_free(b->server);
        cr_expect_eq(b->waiting, 0);
        bed_start(b, "", DISK_A);
        disk_rest(b);
        cr_expect_eq(address(b, "h0.a.example."), 2);
        cr_expect_eq(bed_serial(b, "a.example."), 2);
        disk_free(&d);
    }
}

Test(merging, asked_for_again_and_again_ends_with_the_newest_file)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    for (unsigned i = 0; i < 12; i++) {
        file_many(b, 1, 2 + i);
        bed_reload(b, "", DISK_A);
        for (unsigned k = 0; k < i; k++) {
            (void)server_collect(b->server, b->now_us);
            server_turn(b->server);
        }
    }
    disk_rest(b);
    disk_rest(b);
    cr_expect_eq(address(b, "h0.a.example."), 13);
    cr_expect_eq(address(b, "h3999.a.example."), 13);
    disk_free(&d);
}

Test(merging, goes_on_while_the_server_waits_for_its_end)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    begin(b, 2);
    disk_send_add(b, "a.example.", "x.a.example.");
    cr_expect(server_flush(b->server, BED_WAIT_S * INT64_C(1000000)));
    cr_expect_eq(b->late_count, 1);
    cr_expect_eq(b->late[0], NOERROR);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_free(&d);
}

Test(merging, is_finished_before_an_orderly_end)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    begin(b, 2);
    cr_assert_neq(bed_serial(b, "a.example."), 2, "it takes more than a turn");
    cr_expect(server_flush(b->server, BED_WAIT_S * INT64_C(1000000)));
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    disk_free(&d);
}

/* What comes before a merge ends is not overtaken by what comes behind it. */
Test(merging, keeps_updates_in_order)
{
    struct disk d = start_many();
    struct bed *b = d.bed;
    begin(b, 2);
    send_meanwhile(b);
    cr_assert_not(list_is_empty(&b->server->updates.blocked));
    while (disk_zone(b, "a.example.")->changing)
        (void)server_collect(b->server, b->now_us);
    disk_send(b, &(struct bed_change){"a.example.", "x.a.example.", CLASS_ANY, TYPE_ANY, 0, NULL});
    disk_rest(b);
    cr_expect_eq(b->late_count, 2);
    cr_expect_eq(disk_ask(b, "x.a.example."), NXDOMAIN, "added, then deleted");
    disk_free(&d);
}

/* Nobody who has no grant makes us keep his messages. */
Test(merging, has_strangers_refused_at_once)
{
    static const char granted[] = "  a.example: {file: a, protect: none, "
                                  "updates: [{unsigned: yes, from: [192.0.2.0/24], all: yes}]}\n";
    struct disk d = disk_new();
    struct bed *b = d.bed;
    file_many(b, 1, 1);
    bed_start(b, "", granted);
    disk_rest(b);
    file_many(b, 1, 2);
    bed_reload(b, "", granted);
    until_merging(b);
    send_meanwhile(b);
    cr_expect_not_null(disk_zone(b, "a.example.")->changing);
    cr_assert_eq(b->late_count, 1);
    cr_expect_eq(b->late[0], REFUSED);
    cr_expect(list_is_empty(&b->server->updates.blocked));
    disk_rest(b);
    disk_free(&d);
}

/* One turn does a bounded part of all merges, however many there are. */
Test(merging, of_many_zones_goes_on_in_small_turns)
{
    enum { ZONES = 60 };
    struct disk d = disk_new();
    struct bed *b = d.bed;
    char zones[ZONES * 100] = "";
    for (unsigned i = 0; i < ZONES; i++)
        sprintf(zones + strlen(zones), DISK_ZONE("z%u.example", "a"), i);
    bed_start(b, "", zones);
    disk_rest(b);
    bed_file(b, "a", BED_TOP "www A 192.0.2.2\n", 1);
    bed_reload(b, "", zones);
    disk_rest(b);
    for (unsigned i = 0; i < ZONES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "www.z%u.example.", i);
        cr_expect_eq(address(b, name), 2, "%s", name);
    }
    disk_free(&d);
}

/* --- files that take too much away --- */

#define DYNAMIC "updates: [{unsigned: yes, all: yes}]"

/* The zone map as it is configured. */
static void guarded(char zones[200], const char *kind)
{
    snprintf(zones, 200, "  a.example: {file: a, shrink-limit: 50%%, %s}\n", kind);
}

/* SOA, NS and so many others. */
static void file_of(struct bed *b, unsigned serial, unsigned others)
{
    char text[2000] = "";
    for (unsigned i = 0; i < others; i++)
        sprintf(text + strlen(text), "h%u A 192.0.2.1\n", i);
    bed_file(b, "a", BED_TOP "%s", serial, text);
}

/* With ten others. */
static struct disk start_guarded(const char *zones)
{
    struct disk d = disk_new();
    file_of(d.bed, 1, 10);
    bed_start(d.bed, "", zones);
    disk_rest(d.bed);
    return d;
}

static void reread(struct bed *b, const char *zones, unsigned serial, unsigned others)
{
    file_of(b, serial, others);
    bed_reload(b, "", zones);
    disk_rest(b);
}

static const char *failure(struct bed *b)
{
    const char *text = disk_zone(b, "a.example.")->failure;
    return text ? text : "";
}

Test(merging, of_a_file_that_takes_too_much_away_is_the_operators_to_allow)
{
    static const char *const kinds[] = {DYNAMIC, "history: no"};
    for (unsigned i = 0; i < 2; i++) {
        char zones[200];
        guarded(zones, kinds[i]);
        struct disk d = start_guarded(zones);
        struct bed *b = d.bed;
        reread(b, zones, 2, 3);
        cr_expect_eq(bed_serial(b, "a.example."), 1);
        cr_expect_eq(disk_ask(b, "h9.a.example."), NOERROR);
        cr_expect_str_eq(failure(b),
                         "held back: the zone file takes away 7 of 12 records, more than the "
                         "shrink limit of 50%; `reevectl transfer a.example. --force` takes it");
        cr_expect_eq(b->server->count.zone_files_held, 1);
        cr_expect(merging_force(b->server, disk_zone(b, "a.example.")));
        disk_rest(b);
        cr_expect_eq(bed_serial(b, "a.example."), 2);
        cr_expect_eq(disk_ask(b, "h9.a.example."), NXDOMAIN);
        cr_expect_str_eq(failure(b), "");
        cr_expect_not(merging_force(b->server, disk_zone(b, "a.example.")));
        disk_free(&d);
    }
}

Test(merging, of_a_file_that_is_held_back_is_no_matter_of_a_restart)
{
    char zones[200];
    guarded(zones, DYNAMIC);
    struct disk d = start_guarded(zones);
    struct bed *b = d.bed;
    file_of(b, 2, 3);
    disk_restart(b, "", zones);
    cr_expect_eq(bed_serial(b, "a.example."), 1);
    cr_expect_not_null(strstr(failure(b), "held back: "));
    disk_send_add(b, "a.example.", "x.a.example.");
    disk_rest(b);
    cr_expect_eq(b->late[0], NOERROR, "the zone goes on as it is");
    cr_expect(merging_force(b->server, disk_zone(b, "a.example.")));
    disk_rest(b);
    cr_expect_eq(disk_ask(b, "h9.a.example."), NXDOMAIN);
    cr_expect_eq(disk_ask(b, "x.a.example."), NOERROR);
    cr_expect_str_eq(failure(b), "");
    disk_restart(b, "", zones);
    cr_expect_eq(disk_ask(b, "h9.a.example."), NXDOMAIN);
    cr_expect_str_eq(failure(b), "");
    disk_free(&d);
}

Test(merging, of_a_file_that_is_whole_again_needs_nobody)
{
    char zones[200];
    guarded(zones, DYNAMIC);
    struct disk d = start_guarded(zones);
    struct bed *b = d.bed;
    reread(b, zones, 2, 0);
    cr_expect_not_null(strstr(failure(b), "takes away 10 of 12 records"));
    reread(b, zones, 3, 4); /* 6 of 12: not more than the limit */
    cr_expect_str_eq(failure(b), "");
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    cr_expect_eq(disk_ask(b, "h4.a.example."), NXDOMAIN);
    disk_free(&d);
}

/* SPDX-License-Identifier: Apache-2.0
 * Leases through the server: they end by its clock, not while something about them is under way,
 * and what the log does not take has not happened. */
#include "disk.h"

#include "server/leases.h"

#define S        INT64_C(1000000)
#define MANY     (2 * LEASES_SLICE + 10)
#define LARGE    3000 /* records: more than are looked at in one turn */
#define OPT_CODE 2

static const char zones[] = "  a.example: {file: a, protect: none, updates: "
                            "[{unsigned: yes, all: yes, types: [A, NS], lease-range: 1s..1d}]}\n";

static struct disk start(void)
{
    struct disk d = disk_new();
    bed_start(d.bed, "", zones);
    disk_rest(d.bed);
    return d;
}

/* --- updates that ask for a lease --- */

static size_t leased(uint8_t *wire, size_t cap, const struct bed_change *c, uint32_t lease_s)
{
    size_t len = bed_update_message(wire, cap, c);
    struct wr w = wr_over(wire + len, cap - len);
    wr_u8(&w, 0);
    wr_u16(&w, TYPE_OPT);
    wr_u16(&w, 1232);
    wr_u32(&w, 0);
    wr_u16(&w, 8);
    wr_u16(&w, OPT_CODE);
    wr_u16(&w, 4);
    wr_u32(&w, lease_s);
    cr_assert_not(w.bad);
    wire[11] = 1; /* ARCOUNT */
    return len + wr_len(&w);
}

static struct bed_change added(const char *owner)
{
    return (struct bed_change){"a.example.", owner, CLASS_IN, TYPE_A, 60, "192.0.2.9"};
}

static void lease_change(struct bed *b, const struct bed_change *c, uint32_t lease_s)
{
    uint8_t wire[4096];
    bed_ask(b, TRANSPORT_TCP, wire, leased(wire, sizeof(wire), c, lease_s));
    cr_assert_eq(bed_rcode(b), NOERROR, "%s: %u", c->owner, bed_rcode(b));
}

static void lease(struct bed *b, const char *owner, uint32_t lease_s)
{
    struct bed_change c = added(owner);
    lease_change(b, &c, lease_s);
}

/* Given to the server; its answer comes later. */
static void give(struct bed *b, const struct bed_change *c, uint32_t lease_s)
{
    uint8_t wire[4096], out[SERVER_UDP_OUT_MAX];
    struct exchange x = {.in = wire, .out = out};
    x.in_len = lease_s ? leased(wire, sizeof(wire), c, lease_s)
                       : bed_update_message(wire, sizeof(wire), c);
    x.peer.transport = TRANSPORT_UDP;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_port = htons(40053);
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert(x.is_waiting);
}

/* h0, h1 and so on, many in a batch. */
static void lease_many(struct bed *b, unsigned count, uint32_t lease_s)
{
    char owner[40];
    for (unsigned i = 0; i < count; i++) {
        snprintf(owner, sizeof(owner), "h%u.a.example.", i);
        struct bed_change c = added(owner);
        give(b, &c, lease_s);
        if (i % 100 == 99)
            bed_commit(b);
    }
    disk_rest(b);
}

static unsigned remove_a(struct bed *b, const char *owner)
{
    struct bed_change c = {"a.example.", owner, CLASS_NONE, TYPE_A, 0, "192.0.2.9"};
    return bed_update(b, &c);
}

/* --- time --- */

/* The timers that are due by then fire, and what comes of them is durable. */
static void pass(struct bed *b, int64_t us)
{
    b->now_us += us;
    server_time(b->server, b->now_us);
    disk_rest(b);
}

static const struct zone_leases *leases_of(struct bed *b)
{
    return disk_zone(b, "a.example")->leases;
}

static size_t lease_count(struct bed *b)
{
    return leases_of(b) ? leases_of(b)->set.count : 0;
}

static unsigned has(struct bed *b, const char *owner)
{
    unsigned rcode = disk_ask(b, owner);
    cr_assert(rcode == NOERROR || rcode == NXDOMAIN, "%s: %u", owner, rcode);
    return rcode == NOERROR;
}

/* Granted one after the other, they end at the same moment: neither is taken for the other. */
Test(leases, end_when_they_are_over_as_one_change)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 61);
    pass(b, 1 * S);
    lease(b, "y.a.example.", 60);
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    cr_expect_eq(b->server->lease_count, 2);
    cr_expect_leq(server_next_us(b->server), b->now_us + 60 * S, "the loop wakes by then");
    pass(b, 60 * S - 1);
    cr_expect(has(b, "x.a.example.") && has(b, "y.a.example."));
    pass(b, 1);
    cr_expect_not(has(b, "x.a.example.") || has(b, "y.a.example."));
    cr_expect_eq(bed_serial(b, "a.example."), 4);
    cr_expect_null(leases_of(b), "nothing is left of them");
    cr_expect_eq(b->server->lease_count, 0);
    const struct counters *count = server_counters(b->server);
    cr_expect_eq(count->leases_granted, 2);
    cr_expect_eq(count->leases_renewed, 0);
    cr_expect_eq(count->leases_expired, 2);
    disk_free(&d);
}

Test(leases, are_renewed_without_a_new_serial_and_over_restarts)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    b->now_us += 50 * S;
    lease(b, "x.a.example.", 60);
    cr_expect_eq(bed_serial(b, "a.example."), 2);
    cr_expect_eq(server_counters(b->server)->leases_renewed, 1);
    disk_restart(b, "", zones);
    cr_expect_eq(lease_count(b), 1);
    pass(b, 59 * S);
    cr_expect(has(b, "x.a.example."));
    lease(b, "x.a.example.", 10);
    cr_expect_eq(bed_serial(b, "a.example."), 2, "the log goes on where it was");
    pass(b, 10 * S);
    cr_expect_not(has(b, "x.a.example."));
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    disk_restart(b, "", zones);
    cr_expect_not(has(b, "x.a.example."));
    cr_expect_eq(lease_count(b), 0);
    disk_free(&d);
}

Test(leases, that_ran_out_while_nobody_was_there_end_at_once)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    lease(b, "y.a.example.", 7200);
    b->now_us += 3600 * S;
    disk_restart(b, "", zones);
    cr_expect_leq(server_next_us(b->server), b->now_us);
    pass(b, 0);
    cr_expect_not(has(b, "x.a.example."));
    cr_expect(has(b, "y.a.example."));
    disk_free(&d);
}

Test(leases, do_not_end_while_a_renewal_is_under_way)
{
    struct disk d = start();
    struct bed *b = d.bed;
    struct bed_change x = added("x.a.example.");
    lease(b, "x.a.example.", 60);
    b->now_us += 59 * S;
    give(b, &x, 60);
    disk_until_committed(b);
    b->now_us += 30 * S;
    server_time(b->server, b->now_us);
    cr_expect_not(disk_zone(b, "a.example")->entry->zone->tip !=
                      disk_zone(b, "a.example")->entry->zone->published,
                  "nothing is being removed");
    disk_rest(b);
    cr_expect(has(b, "x.a.example."));
    pass(b, 29 * S);
    cr_expect(has(b, "x.a.example."));
    pass(b, 1 * S);
    cr_expect_not(has(b, "x.a.example."), "60 s after it was asked for");
    disk_free(&d);
}

Test(leases, that_the_log_does_not_let_end_end_later)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    pass(b, 60 * S);
    cr_expect(has(b, "x.a.example."), "what is not durable has not happened");
    cr_expect_eq(lease_count(b), 1);
    cr_expect_eq(server_counters(b->server)->leases_expired, 0);
    cr_expect_gt(server_next_us(b->server), b->now_us, "not at once again");
    cr_expect_leq(server_next_us(b->server), b->now_us + 1 * S);
    for (unsigned tries = 1; tries < 4; tries++) {
        cr_expect_eq(server_counters(b->server)->commits_failed, tries);
        pass(b, 1 * S - 1);
        cr_expect_eq(server_counters(b->server)->commits_failed, tries, "not before a second");
        pass(b, 1);
    }
    disk_recover(&d);
    for (unsigned i = 0; has(b, "x.a.example."); i++) {
        cr_assert_lt(i, 10);
        pass(b, 1 * S);
    }
    cr_expect_eq(bed_serial(b, "a.example."), 3);
    cr_expect_eq(lease_count(b), 0);
    disk_free(&d);
}

Test(leases, that_are_not_durable_are_none)
{
    struct disk d = start();
    struct bed *b = d.bed;
    struct bed_change x = added("x.a.example."), y = added("y.a.example.");
    lease(b, "x.a.example.", 60);
    disk_fail(&d, FAULT_WRITE, 1, EIO);
    give(b, &x, 3600);
    give(b, &y, 3600);
    disk_rest(b);
    cr_expect_eq(b->late[b->late_count - 1], SERVFAIL);
    cr_expect_eq(b->late[b->late_count - 2], SERVFAIL, "a renewal has to be durable, too");
    cr_expect_eq(lease_count(b), 1);
    disk_recover(&d);
    for (unsigned i = 0; has(b, "x.a.example."); i++) { /* by what it was granted before */
        cr_assert_lt(i, 100);
        pass(b, 1 * S);
    }
    disk_free(&d);
}

/* Each update is evaluated before the one ahead of it is durable. */
/* RFC 9664 s4.2: a refresh is the same message again. Who may only add has just made the record,
 * and is answered that it stays for longer; the log has not spoken yet of either. */
Test(leases, are_renewed_by_who_may_only_add_before_they_are_durable)
{
    static const char adders[] = "  a.example: {file: a, protect: none, updates: [{unsigned: yes, "
                                 "all: yes, types: [A], ops: [add], lease-range: 1s..1d}]}\n";
    for (unsigned fails = 0; fails < 2; fails++) {
        struct disk d = disk_new();
        struct bed *b = d.bed;
        struct bed_change x = added("x.a.example.");
        bed_start(b, "", adders);
        disk_rest(b);
        if (fails)
            disk_fail(&d, FAULT_WRITE, 1, EIO);
        give(b, &x, 60);
        disk_until_committed(b);
        give(b, &x, 600);
        give(b, &x, 30); /* which would let it go sooner: not for who may not delete it */
        server_turn(b->server);
        cr_expect_eq(b->late_count, 0, "nobody is told yet");
        disk_rest(b);
        cr_assert_eq(b->late_count, 3);
        for (unsigned i = 0; i < 3; i++)
            cr_expect_eq(b->late[i], fails ? SERVFAIL : NOERROR, "answer %u", i);
        cr_expect_eq(has(b, "x.a.example."), !fails);
        cr_expect_eq(lease_count(b), !fails);
        if (!fails) {
            pass(b, 600 * S - 1);
            cr_expect(has(b, "x.a.example."), "renewed for ten minutes");
            pass(b, 1);
            cr_expect_not(has(b, "x.a.example."));
        }
        disk_free(&d);
    }
}

Test(leases, follow_the_order_of_what_is_under_way)
{
    struct disk d = start();
    struct bed *b = d.bed;
    struct bed_change x = added("x.a.example."), y = added("y.a.example."),
                      gone = {"a.example.", "x.a.example.", CLASS_ANY, TYPE_A, 0, NULL};
    give(b, &x, 60);
    disk_until_committed(b);
    give(b, &y, 60);
    give(b, &gone, 0);
    give(b, &x, 0); /* for good this time */
    give(b, &y, 0);
    give(b, &y, 90);
    disk_rest(b);
    cr_expect_eq(lease_count(b), 1);
    disk_restart(b, "", zones);
    cr_expect_eq(lease_count(b), 1);
    pass(b, 89 * S);
    cr_expect(has(b, "x.a.example.") && has(b, "y.a.example."));
    pass(b, 1 * S);
    cr_expect(has(b, "x.a.example."));
    cr_expect_not(has(b, "y.a.example."));
    disk_free(&d);
}

Test(leases, end_by_the_wall_clock)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    lease(b, "y.a.example.", 120);
    pass(b, -3600 * S);
    cr_expect(has(b, "x.a.example."));
    pass(b, 61 * S);
    cr_expect(has(b, "x.a.example."), "it was set back, and is kept for as much longer");
    pass(b, 3600 * S - 2 * S);
    cr_expect(has(b, "x.a.example."));
    pass(b, 1 * S);
    cr_expect_not(has(b, "x.a.example."));
    pass(b, 60 * S);
    cr_expect_not(has(b, "y.a.example."));
    pass(b, -3600 * S);
    lease(b, "z.a.example.", 60);
    pass(b, 61 * S);
    cr_expect_not(has(b, "z.a.example."), "when the last one ended counts no more");
    disk_free(&d);
}

Test(leases, that_end_in_great_number_take_several_changes)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease_many(b, MANY, 60);
    int64_t serial = bed_serial(b, "a.example.");
    b->now_us += 60 * S;
    server_time(b->server, b->now_us);
    cr_expect_eq(lease_count(b), MANY, "not before they are durable");
    disk_rest(b);
    cr_expect_eq(lease_count(b), MANY - LEASES_SLICE, "a slice in one turn");
    for (unsigned i = 0; lease_count(b); i++) {
        cr_assert_lt(i, 5);
        pass(b, 1);
    }
    cr_expect_eq(bed_serial(b, "a.example."), serial + 3);
    cr_expect_eq(server_counters(b->server)->leases_expired, MANY);
    disk_free(&d);
}

/* A file that is merged in slices has a txn open, on what the zone was when it began. */
static void file_large(struct bed *b, unsigned address)
{
    size_t cap = 200 + LARGE * 40u, len = 0;
    char *text = mem_alloc(cap);
    for (unsigned i = 0; i < LARGE; i++)
        len += (size_t)snprintf(text + len, cap - len, "h%u A 192.0.2.%u\n", i, address);
    bed_file(b, "a", BED_TOP "%s", 1, text);
    free(text);
}

Test(leases, do_not_end_while_a_file_is_being_merged)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    file_large(b, 1);
    bed_start(b, "", zones);
    disk_rest(b);
    lease(b, "x.a.example.", 2);
    file_large(b, 2);
    bed_reload(b, "", zones);
    while (!disk_zone(b, "a.example")->changing) {
        cr_assert(bed_wait(b));
        (void)server_collect(b->server, b->now_us);
        server_turn(b->server);
    }
    b->now_us += 3 * S;
    server_time(b->server, b->now_us);
    cr_assert_not_null(disk_zone(b, "a.example")->changing);
    cr_expect_eq(leases_of(b)->ending, 0);
    disk_rest(b);
    cr_expect_eq(has(b, "x.a.example."), 1, "the zone is as it was but for the file");
    pass(b, 2 * S);
    cr_expect_eq(has(b, "x.a.example."), 0);
    cr_expect_eq(has(b, "h0.a.example."), 1);
    cr_expect_eq(b->out[b->out_len - 1], 2, "the file's news are not lost");
    disk_free(&d);
}

Test(leases, let_the_apex_keep_a_name_server)
{
    struct disk d = start();
    struct bed *b = d.bed;
    struct bed_change two = {"a.example.", "a.example.", CLASS_IN,
                             TYPE_NS,      300,          "ns2.example.net."},
                      one = {"a.example.", "a.example.", CLASS_NONE, TYPE_NS, 0, "ns.example.net."};
    lease_change(b, &two, 60);
    cr_assert_eq(bed_update(b, &one), NOERROR);
    int64_t serial = bed_serial(b, "a.example.");
    pass(b, 60 * S);
    cr_expect_eq(bed_serial(b, "a.example."), serial);
    cr_expect_eq(lease_count(b), 0, "it stays for good");
    disk_free(&d);
}

/* --- records that leave the zone in other ways --- */

Test(leases, are_lost_with_their_records)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    cr_assert_eq(remove_a(b, "x.a.example."), NOERROR);
    cr_expect_eq(lease_count(b), 0);
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    pass(b, 61 * S);
    cr_expect(has(b, "x.a.example."), "another record, without a lease");
    disk_restart(b, "", zones);
    pass(b, 61 * S);
    cr_expect(has(b, "x.a.example."));
    disk_free(&d);
}

Test(leases, stay_where_only_the_ttl_changes)
{
    struct disk d = start();
    struct bed *b = d.bed;
    struct bed_change second = {"a.example.", "x.a.example.", CLASS_IN, TYPE_A, 7, "192.0.2.10"};
    lease(b, "x.a.example.", 60);
    cr_assert_eq(bed_update(b, &second), NOERROR);
    cr_expect_eq(lease_count(b), 1);
    pass(b, 60 * S);
    cr_expect_eq(lease_count(b), 0);
    uint8_t wire[512];
    bed_ask(b, TRANSPORT_TCP, wire, bed_query(wire, "x.a.example.", TYPE_A));
    cr_expect_eq(get_u16(b->out + 6), 1, "the one that has no lease");
    disk_free(&d);
}

static void file_of(struct bed *b, unsigned count)
{
    size_t cap = 64 * (size_t)LARGE;
    char *text = mem_alloc(cap);
    size_t len = 0;
    text[0] = 0;
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, cap - len, "h%u A 192.0.2.1\n", i);
    bed_file(b, "a", BED_TOP "%s", 1, text);
    free(text);
}

/* The file takes a record with a lease away among many others, and brings it back. */
Test(leases, are_lost_in_changes_of_any_size)
{
    struct disk d = disk_new();
    struct bed *b = d.bed;
    file_of(b, LARGE);
    bed_start(b, "", zones);
    disk_rest(b);
    struct bed_change first = {"a.example.", "h0.a.example.", CLASS_IN, TYPE_A, 3600, "192.0.2.1"},
                      last = {"a.example.", "h2999.a.example.", CLASS_IN, TYPE_A,
                              3600,         "192.0.2.1"};
    first.ttl = last.ttl = 300;
    lease_change(b, &first, 60);
    lease_change(b, &last, 60);
    lease(b, "x.a.example.", 60);
    cr_assert_eq(lease_count(b), 3);
    file_of(b, 0);
    bed_reload(b, "", zones);
    disk_rest(b);
    cr_expect_not(has(b, "h0.a.example.") || has(b, "h2999.a.example."));
    cr_expect_eq(lease_count(b), 1);
    file_of(b, LARGE);
    bed_reload(b, "", zones);
    disk_rest(b);
    cr_expect(has(b, "h2999.a.example."));
    pass(b, 60 * S);
    cr_expect(has(b, "h0.a.example.") && has(b, "h2999.a.example."));
    cr_expect_not(has(b, "x.a.example."));
    disk_free(&d);
}

Test(leases, of_a_zone_that_is_removed_come_back_with_it)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    lease(b, "y.a.example.", 7200);
    bed_reload(b, "", DISK_B);
    disk_rest(b);
    cr_expect_eq(b->server->lease_count, 0);
    pass(b, 3600 * S);
    bed_reload(b, "", zones);
    disk_rest(b);
    pass(b, 0);
    cr_expect_not(has(b, "x.a.example."));
    cr_expect(has(b, "y.a.example."));
    cr_expect_eq(lease_count(b), 1);
    disk_free(&d);
}

/* So many are freed by a helper, which may still be at it when they are there again. */
Test(leases, of_a_zone_that_is_removed_come_back_in_great_number)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease_many(b, LARGE / 2, 7200);
    cr_assert_eq(lease_count(b), LARGE / 2);
    cr_assert_not(lease_set_is_small(&leases_of(b)->set));
    bed_reload(b, "", DISK_B);
    cr_expect_eq(b->server->lease_count, 0);
    bed_reload(b, "", zones);
    disk_rest(b);
    cr_expect(lease_count(b) == LARGE / 2 && b->server->lease_count == LARGE / 2);
    bed_reload(b, "", DISK_B);
    disk_free(&d); /* what the helpers have not begun goes with them */
}

/* --- what the log has --- */

static bool count_row(void *arg, const struct journal_lease *row)
{
    (void)row;
    ++*(unsigned *)arg;
    return true;
}

static unsigned rows_of(struct bed *b)
{
    unsigned count = 0;
    uint64_t damaged = 0;
    struct diag diag = {0};
    cr_assert_eq(journal_leases(state_journal(b->server->state), disk_zone(b, "a.example")->log_id,
                                count_row, &count, &damaged, &diag),
                 OK, "%s", diag.text);
    return count;
}

/* A row whose record is not in the zone, as a salvage of a damaged log may leave one behind. */
Test(leases, of_records_that_are_not_there_are_dropped)
{
    struct disk d = start();
    struct bed *b = d.bed;
    struct name_buf owner;
    cr_assert_eq(name_scan("z.a.example.", 12, NAME_ROOT, &owner, NULL), OK);
    cr_assert_eq(disk_add(b, "a.example.", "x.a.example."), NOERROR);
    const struct server_zone *z = disk_zone(b, "a.example");
    struct journal_lease row = {
        name_of(&owner), TYPE_A, {(const uint8_t *)"\1\2\3\4", 4}, b->now_us + 3600 * S, 3600};
    struct change c = {.zone = z->log_id,
                       .seq = z->seq_published,
                       .actor = "",
                       .peer = "",
                       .rule = "",
                       .leases = &row,
                       .lease_count = 1,
                       .has_no_row = true};
    struct journal_batch batch = {.changes = &c, .count = 1};
    struct journal *j = state_journal(b->server->state);
    journal_commit(j, &batch);
    while (!journal_collect(j))
        cr_assert(bed_wait(b));
    cr_assert_eq(batch.result, OK, "%s", batch.diag.text);
    cr_assert_eq(rows_of(b), 1);
    disk_restart(b, "", zones);
    pass(b, 0);
    cr_expect_eq(lease_count(b), 0);
    cr_expect_eq(rows_of(b), 0);
    cr_expect_eq(bed_serial(b, "a.example."), 2, "no record has gone");
    disk_free(&d);
}

Test(leases, leave_no_rows_behind)
{
    struct disk d = start();
    struct bed *b = d.bed;
    lease(b, "x.a.example.", 60);
    lease(b, "y.a.example.", 60);
    lease(b, "z.a.example.", 60);
    cr_expect_eq(rows_of(b), 3);
    cr_assert_eq(remove_a(b, "x.a.example."), NOERROR);
    cr_expect_eq(rows_of(b), 2);
    cr_assert_eq(disk_add(b, "a.example.", "y.a.example."), NOERROR);
    cr_expect_eq(rows_of(b), 1);
    pass(b, 60 * S);
    cr_expect_eq(rows_of(b), 0);
    disk_free(&d);
}

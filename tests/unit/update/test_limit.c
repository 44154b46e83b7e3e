/* SPDX-License-Identifier: Apache-2.0
 * Limits on what an update leaves: refused with the setting's name, and never for what was there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "bed.h"

static const char zone[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
                           "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 TXT \"x\"\n"
                           "_acme-challenge 60 TXT \"1\"\n";
/* 6 records in all */

static const struct row {
    struct update_limits limits;
    uint32_t per_name;
    const char *lines, *setting; /* NULL: allowed */
} rows[] = {
    {{.rrset_records = 2}, 0, "u a IN 60 A 192.0.2.3", "server.limits.update-records-per-rrset, 2"},
    {{.rrset_records = 3}, 0, "u a IN 60 A 192.0.2.3", NULL},
    {{.rrset_records = 2}, 0, "u a IN 60 A 192.0.2.1", NULL},
    {{.rrset_records = 2}, 0, "u a IN 90 A 192.0.2.1", NULL},
    {{.rrset_records = 2}, 0, "u a IN 60 A 192.0.2.3\nu a NONE 0 A 192.0.2.1", NULL},
    {{.rrset_records = 1}, 0, "u a IN 60 A 192.0.2.3\nu a NONE 0 A 192.0.2.1", NULL}, /* not more */
    {{.rrset_records = 1}, 0, "u a NONE 0 A 192.0.2.1", NULL},
    {{.rrset_records = 1},
     0,
     "u b IN 60 A 192.0.2.1\nu b IN 60 A 192.0.2.2",
     "update-records-per-rrset, 1"},
    {{.rrset_records = 1},
     0,
     "u b IN 60 A 192.0.2.1\nu c IN 60 A 192.0.2.2\nu b IN 60 TXT \"a\"",
     NULL},
    {{.name_records = 3}, 0, "u a IN 60 MX 1 a", "server.limits.update-records-per-name, 3"},
    {{.name_records = 4}, 0, "u a IN 60 MX 1 a", NULL},
    {{.name_records = 3}, 0, "u a IN 60 MX 1 a\nu a ANY 0 TXT", NULL},
    {{.zone_records = 6}, 0, "u b IN 60 A 192.0.2.1", "server.limits.update-zone-records, 6"},
    {{.zone_records = 7}, 0, "u b IN 60 A 192.0.2.1", NULL},
    {{.zone_records = 6}, 0, "u b IN 60 A 192.0.2.1\nu a ANY 0 TXT", NULL},
    {{.zone_records = 3}, 0, "u a ANY 0 TXT", NULL},
    {{.message_records = 1},
     0,
     "p a ANY 0 ANY\nu a ANY 0 TXT",
     "server.limits.update-message-records allows 1"},
    {{.message_records = 2}, 0, "p a ANY 0 ANY\nu a ANY 0 TXT", NULL},
    {{0}, 3, "u a IN 60 MX 1 a", "updates[0] allows, 3"},
    {{0}, 4, "u a IN 60 MX 1 a", NULL},
    {{0}, 1, "u a ANY 0 TXT", NULL},
};

Test(limit, names_the_setting_that_refuses)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct grant all = {
            .is_unsigned = true, .where = GRANT_ALL, .per_name_max = rows[i].per_name};
        struct bed *b = bed_new(zone);
        bed_peer(b, NULL, &all, 1);
        b->rules.limits = rows[i].limits;
        enum rcode rcode = bed_update(b, rows[i].lines);
        cr_expect_eq(rcode, rows[i].setting ? REFUSED : NOERROR, "row %zu: %u %s", i, rcode,
                     b->report.reason);
        if (rows[i].setting)
            cr_expect(strstr(b->report.reason, rows[i].setting), "%s", b->report.reason);
        b->actor = (struct update_actor){0};
        cr_expect_eq(bed_update(b, rows[i].lines), NOERROR, "the operator has no limits");
        bed_free(b);
    }
}

Test(limit, acme_has_eight_at_a_name_unless_written)
{
    struct grant acme = {.is_unsigned = true, .where = GRANT_ACME, .is_any_name = true};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, &acme, 1);
    char line[64] = "u _acme-challenge IN 60 TXT \"a\"";
    for (char c = 'a'; c < 'a' + 7; c++) {
        line[strlen(line) - 2] = c;
        cr_assert_eq(bed_update(b, line), NOERROR, "%s: %s", line, b->report.reason);
    }
    line[strlen(line) - 2] = 'z';
    cr_expect_eq(bed_update(b, line), REFUSED);
    acme.per_name_max = 9;
    cr_expect_eq(bed_update(b, line), NOERROR);
    bed_free(b);
}

/* 512 bytes that are kept, 12 of the header, 11 + 4 of the question, and 242 records of 12 + 256
 * bytes: 65395. */
Test(limit, is_what_a_message_holds)
{
    struct grant all = {.is_unsigned = true, .where = GRANT_ALL};
    struct bed *b = bed_new(zone);
    char line[600];
    bed_peer(b, NULL, &all, 1);
    for (int i = 0; i < 242; i++) {
        snprintf(line, sizeof(line), "u t IN 60 TXT \"%0255d\"", i);
        cr_assert_eq(bed_update(b, line), NOERROR, "%d: %s", i, b->report.reason);
    }
    snprintf(line, sizeof(line), "u t IN 60 TXT \"%0128d\"", 1);
    cr_expect_eq(bed_update(b, line), REFUSED, "65536 bytes");
    cr_expect(strstr(b->report.reason, "t.example. TXT: the RRset would not fit a message"), "%s",
              b->report.reason);
    snprintf(line, sizeof(line), "u t IN 60 TXT \"%0127d\"", 1);
    cr_expect_eq(bed_update(b, line), NOERROR, "65535 bytes: %s", b->report.reason);
    cr_expect_eq(bed_update(b, "u t IN 60 A 192.0.2.1"), NOERROR, "another RRset");
    bed_free(b);
}

Test(limit, of_memory_stops_a_message_that_writes_large_names_again_and_again)
{
    enum { EACH = 16, LEN = 60000 };
    struct name_buf large[2] = {bed_name("a"), bed_name("b")};
    struct grant all = {.is_unsigned = true, .where = GRANT_ALL};
    struct bed *b = bed_new(zone);
    uint8_t *rdata = mem_alloc_zero(LEN);
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    for (uint32_t i = 0; i < 2 * EACH; i++) {
        put_u32(rdata, i);
        struct rr rr = {name_of(&large[i % 2]), 65280, CLASS_IN, 60, {rdata, LEN}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(b->zone, txn_seal(&t, NULL));
    free(rdata);
    bed_peer(b, NULL, &all, 1);
    char *lines = mem_alloc_zero(1 << 16);
    for (int i = 0; i < 400; i++)
        sprintf(lines + strlen(lines), "u %c IN 60 A 10.0.%d.%d\n", 'a' + i % 2, i / 200, i % 200);
    cr_expect_eq(bed_update(b, lines), REFUSED);
    cr_expect(strstr(b->report.reason, "more work than one update may make"), "%s",
              b->report.reason);
    cr_expect_eq(bed_update(b, "u a IN 60 A 10.0.0.1\nu b IN 60 A 10.0.0.1"), NOERROR);
    free(lines);
    bed_free(b);
}

/* Two names of 200 records each, one record each of a type of its own if has_types. */
static void fill_large(struct bed *b, bool has_types)
{
    struct name_buf large[2] = {bed_name("large0"), bed_name("large1")};
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t rdata[4];
        put_u32(rdata, i);
        uint16_t type = has_types ? (uint16_t)(60000 + i / 2) : TYPE_A;
        struct rr rr = {name_of(&large[i % 2]), type, CLASS_IN, 60, {rdata, 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(b->zone, txn_seal(&t, NULL));
}

static const struct work_row {
    const char *line; /* %u: names in turns */
    unsigned names, times;
    bool has_types;
    enum rcode rcode;
} work_rows[] = {
    /* what lies open is not opened again: 200 of 20000 */
    {"u large%u ANY 0 MX\n", 1, 200, false, NOERROR},
    /* 200 each time */
    {"u large%u ANY 0 MX\n", 2, 99, false, NOERROR},
    {"u large%u ANY 0 MX\n", 2, 101, false, REFUSED},
    {"u large%u IN 60 TXT \"a\"\n", 2, 101, false, REFUSED},
    {"u new%u ANY 0 MX\n", 2, 200, false, NOERROR},
    /* 200 RRsets each time, which a prerequisite looks through */
    {"p large%u NONE 0 MX\n", 1, 100, true, NOERROR},
    {"p large%u NONE 0 MX\n", 1, 101, true, REFUSED},
    {"p large%u NONE 0 MX\n", 1, 101, false, NOERROR},
    /* and whoever deletes is asked about */
    {"u large%u ANY 0 MX\n", 1, 101, true, REFUSED},
};

Test(limit, of_work_stops_a_message_that_comes_to_large_names_again_and_again)
{
    struct grant all = {.is_unsigned = true, .where = GRANT_ALL};
    char *lines = mem_alloc(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(work_rows); i++) {
        const struct work_row *row = &work_rows[i];
        struct bed *b = bed_new(zone);
        b->rules.limits.work = 20000;
        fill_large(b, row->has_types);
        bed_peer(b, NULL, &all, 1);
        struct text t;
        text_init(&t, lines, 1 << 16);
        for (unsigned k = 0; k < row->times; k++) {
            const char *number = strchr(row->line, '%');
            text_fmt(&t, "%.*s%u%s", (int)(number - row->line), row->line, k % row->names,
                     number + 2);
        }
        cr_assert_not(t.bad);
        cr_expect_eq(bed_update(b, lines), row->rcode, "%zu: %s", i, b->report.reason);
        bool is_said = strstr(b->report.reason, "server.limits.update-work, 20000") != NULL;
        cr_expect_eq(is_said, row->rcode == REFUSED, "%zu: %s", i, b->report.reason);
        cr_expect_eq(b->count.updates_over_work, row->rcode == REFUSED);
        b->rules.limits.work = 0;
        cr_expect_eq(bed_update(b, lines), NOERROR, "no limit: %s", b->report.reason);
        bed_free(b);
    }
    free(lines);
}

/* protect: file: the names below a new zone cut are looked at until one is the file's. */
Test(limit, of_work_bounds_the_walk_below_a_zone_cut)
{
    struct grant all = {.is_unsigned = true, .where = GRANT_ALL};
    struct bed *b = bed_new(zone);
    bed_protect(b);
    bed_peer(b, NULL, &all, 1);
    cr_assert_eq(bed_update(b, "u a.sub IN 60 A 192.0.2.1\nu b.sub IN 60 A 192.0.2.1"), NOERROR);
    b->rules.limits.work = 2 * UPDATE_WORK_NAME - 1;
    cr_expect_eq(bed_update(b, "u sub IN 60 NS a."), REFUSED);
    cr_expect(strstr(b->report.reason, "server.limits.update-work"), "%s", b->report.reason);
    b->rules.limits.work = 3 * UPDATE_WORK_NAME;
    cr_expect_eq(bed_update(b, "u sub IN 60 NS a."), NOERROR, "%s", b->report.reason);
    bed_free(b);
}

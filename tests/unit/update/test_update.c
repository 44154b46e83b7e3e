/* SPDX-License-Identifier: Apache-2.0
 * The steps together: an UPDATE as clients send it, and the order of all checks. */
#include "base/attr.h"
#include "bed.h"

static const char zone[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
                           "www 60 A 192.0.2.1\n";

static const struct row {
    const char *lines;
    enum rcode rcode;
} rows[] = {
    /* each line lacks what the one before it failed by */
    {"p www ANY 0 A\np www IN 0 A 192.0.2.9\np none ANY 0 ANY\nu x.other. IN 60 MX 1 a\nu x IN 60 "
     "MX 1 a\nu x IN 60 A %",
     NXDOMAIN},
    {"p www ANY 0 A\np www IN 0 A 192.0.2.9\nu x.other. IN 60 MX 1 a\nu x IN 60 MX 1 a\nu x IN 60 "
     "A %",
     NXRRSET},
    {"p www ANY 0 A\np www IN 0 A 192.0.2.1\nu x.other. IN 60 MX 1 a\nu x IN 60 MX 1 a\nu x IN 60 "
     "A %",
     REFUSED},
    {"p www ANY 0 A\nu x IN 60 A 192.0.2.1\nu x.other. IN 60 MX 1 a\nu x IN 60 A %", NOTZONE},
    {"p www ANY 0 A\nu x IN 60 A 192.0.2.1\nu x IN 60 A %", FORMERR},
    {"p www ANY 0 A\nu x IN 60 A 192.0.2.1\nu x IN 60 A 192.0.2.2\nu x IN 60 A 192.0.2.3", REFUSED},
    {"p www ANY 0 A\nu x IN 60 A 192.0.2.1\nu x IN 60 A 192.0.2.2", NOERROR},
};

Test(update, checks_in_the_order_of_the_rfc)
{
    static const uint16_t types[] = {TYPE_A};
    struct grant grant = {.is_unsigned = true, .where = GRANT_ALL, .types = types, .type_count = 1};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, &grant, 1);
    b->rules.limits.rrset_records = 2;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum rcode rcode = bed_update(b, rows[i].lines);
        cr_expect_eq(rcode, rows[i].rcode, "row %zu: %u (%s)", i, rcode, b->report.reason);
    }
    cr_expect_eq(b->zone->tip->serial, 11);
    bed_free(b);
}

/* RFC 4703 s5.3: add if the name is free; else take over what has our DHCID; s5.5: remove. */
Test(update, a_dhcp_server_adds_takes_over_and_removes)
{
#define DHCID "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="
    struct grant grant = {.is_unsigned = true, .where = GRANT_DHCP};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, &grant, 1);
    static const char add[] = "p pc NONE 0 ANY\nu pc IN 60 A 10.0.0.1\nu pc IN 60 " DHCID;
    cr_expect_eq(bed_update(b, add), NOERROR, "%s", b->report.reason);
    cr_expect_eq(bed_update(b, add), YXDOMAIN);
    cr_expect_eq(
        bed_update(b, "p pc ANY 0 ANY\np pc IN 0 " DHCID "\nu pc ANY 0 A\nu pc IN 60 A 10.0.0.2"),
        NOERROR, "%s", b->report.reason);
    cr_expect(strstr(bed_dump(b), "pc.example. 60 A 10.0.0.2\n"));
    cr_expect_not(strstr(bed_dump(b), "10.0.0.1"));
    cr_expect_eq(bed_update(b, "p pc IN 0 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjFA=\n"
                               "u pc ANY 0 ANY"),
                 NXRRSET, "another client's");
    cr_expect_eq(bed_update(b, "p pc IN 0 " DHCID "\nu pc NONE 0 A 10.0.0.2"), NOERROR);
    cr_expect_eq(
        bed_update(b, "p pc IN 0 " DHCID "\np pc NONE 0 A\np pc NONE 0 AAAA\nu pc ANY 0 ANY"),
        NOERROR, "%s", b->report.reason);
    cr_expect_not(strstr(bed_dump(b), "pc.example."));
    bed_free(b);
}

Test(update, several_in_one_txn_move_the_serial_once)
{
    struct bed *b = bed_new(zone);
    b->actor = (struct update_actor){0};
    cr_expect_eq(bed_update(b, "u x IN 60 A 192.0.2.1"), NOERROR);
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    for (int i = 0; i < 3; i++) { /* the message is still x's: what is there is no change */
        struct name_buf name = bed_name(i == 0 ? "a" : i == 1 ? "b" : "c");
        struct rr rr = {name_of(&name), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\1\2\3\4", 4}};
        txn_add(t, &rr);
        cr_expect_eq(update_run(&b->q, &b->rules, &b->actor, t, &b->report), NOERROR);
        cr_expect(b->report.is_changed);
    }
    cr_expect_eq(txn_serial(t), 12);
    txn_abort(&t);
    bed_free(b);
}

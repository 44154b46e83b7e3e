/* SPDX-License-Identifier: Apache-2.0
 * The update section: the prescan of RFC 2136 s3.4.1 and the operations of s3.4.2, line by line. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "bed.h"

#define APEX "@ 300 SOA ns h %u 3600 900 1209600 300\n@ 300 NS ns\n"

/* before and after: beside the SOA and, where has_ns is not 'n', one NS. after NULL: as before,
 * with its serial. */
static const struct row {
    const char *before, *lines, *after;
    unsigned serial, ignored;
} rows[] = {
    /* s2.5.1 add */
    {"", "u www IN 60 A 192.0.2.1", "www 60 A 192.0.2.1", 11, 0},
    {"www 60 A 192.0.2.1", "u www IN 60 A 192.0.2.2", "www 60 A 192.0.2.1\nwww 60 A 192.0.2.2", 11,
     0},
    {"www 60 A 192.0.2.1", "u www IN 60 A 192.0.2.1", NULL, 10, 0},
    {"www 60 A 192.0.2.1", "u www IN 60 TXT \"a\"", "www 60 A 192.0.2.1\nwww 60 TXT \"a\"", 11, 0},
    {"", "u www IN 0 A 192.0.2.1", "www 0 A 192.0.2.1", 11, 0},
    {"", "u www IN 60 TYPE65280 \\# 0", "www 60 TYPE65280 \\# 0", 11, 0},
    {"", "u www IN 60 APL %", "www 60 APL", 11, 0},
    {"", "u *.www IN 60 A 192.0.2.1", "*.www 60 A 192.0.2.1", 11, 0},
    {"", "u x.*.www IN 60 A 192.0.2.1", "x.*.www 60 A 192.0.2.1", 11, 0},
    {"cut 60 NS ns.cut", "u www.cut IN 60 A 192.0.2.1", "cut 60 NS ns.cut\nwww.cut 60 A 192.0.2.1",
     11, 0},
    {"d 60 DNAME e", "u www.d IN 60 A 192.0.2.1", "d 60 DNAME e\nwww.d 60 A 192.0.2.1", 11, 0},
    /* the TTL of one record is that of its RRset (RFC 2181 s5.2) */
    {"www 60 A 192.0.2.1", "u www IN 90 A 192.0.2.1", "www 90 A 192.0.2.1", 11, 0},
    {"www 60 A 192.0.2.1", "u www IN 90 A 192.0.2.2", "www 90 A 192.0.2.1\nwww 90 A 192.0.2.2", 11,
     0},
    {"www 60 A 192.0.2.1\nwww 60 TXT \"a\"", "u www IN 90 A 192.0.2.1",
     "www 90 A 192.0.2.1\nwww 60 TXT \"a\"", 11, 0},
    /* the case of what is there stays */
    {"WWW 60 A 192.0.2.1", "u www IN 60 A 192.0.2.2", "WWW 60 A 192.0.2.1\nWWW 60 A 192.0.2.2", 11,
     0},
    {"www 60 PTR Host", "u www IN 60 PTR host", NULL, 10, 0},
    {"WWW 60 A 192.0.2.1", "u www ANY 0 ANY\nu www IN 60 A 192.0.2.1", NULL, 10, 0},
    /* s3.4.2.2: CNAME and other data */
    {"www 60 A 192.0.2.1", "u www IN 60 CNAME a", NULL, 10, 1},
    {"www 60 CNAME a", "u www IN 60 A 192.0.2.1", NULL, 10, 1},
    {"www 60 CNAME a", "u www IN 60 CNAME b", "www 60 CNAME b", 11, 0},
    {"www 60 CNAME a", "u www IN 90 CNAME b", "www 90 CNAME b", 11, 0},
    {"www 60 CNAME a", "u www IN 90 CNAME a", "www 90 CNAME a", 11, 0},
    {"www 60 CNAME a", "u www IN 60 CNAME A", NULL, 10, 0},
    {"", "u @ IN 60 CNAME a", NULL, 10, 1},
    {"www 60 A 192.0.2.1", "u www NONE 0 A 192.0.2.1\nu www IN 60 CNAME a", "www 60 CNAME a", 11,
     0},
    {"www 60 CNAME a", "u www ANY 0 CNAME\nu www IN 60 A 192.0.2.1", "www 60 A 192.0.2.1", 11, 0},
    {"", "u www IN 60 CNAME a\nu www IN 60 A 192.0.2.1", "www 60 CNAME a", 11, 1},
    {"", "u www IN 60 A 192.0.2.1\nu www IN 60 CNAME a", "www 60 A 192.0.2.1", 11, 1},
    {"www 60 NSEC a A", "u www IN 60 CNAME a", "www 60 NSEC a A\nwww 60 CNAME a", 11, 0},
    {"www 60 CNAME a", "u www IN 60 NSEC a A", "www 60 NSEC a A\nwww 60 CNAME a", 11, 0},
    {"www 60 KEY 256 3 5 AAAA", "u www IN 60 CNAME a", "www 60 KEY 256 3 5 AAAA\nwww 60 CNAME a",
     11, 0}, /* RFC 4035 s2.5 */
    /* RFC 6672 s5.2 */
    {"d 60 DNAME e", "u d IN 60 DNAME f", "d 60 DNAME f", 11, 0},
    {"d 60 CNAME e", "u d IN 60 DNAME f", NULL, 10, 1},
    {"d 60 DNAME e", "u d IN 60 CNAME f", NULL, 10, 1},
    {"d 60 DNAME e", "u d IN 60 TXT \"a\"", "d 60 DNAME e\nd 60 TXT \"a\"", 11, 0},
    {"", "u @ IN 60 DNAME f.", "@ 60 DNAME f.", 11, 0},
    /* s1.1.5: one WKS for address and protocol */
    {"www 60 WKS 192.0.2.1 6 25", "u www IN 60 WKS 192.0.2.1 6 80", "www 60 WKS 192.0.2.1 6 80", 11,
     0},
    {"www 60 WKS 192.0.2.1 6 25", "u www IN 60 WKS 192.0.2.1 17 80",
     "www 60 WKS 192.0.2.1 6 25\nwww 60 WKS 192.0.2.1 17 80", 11, 0},
    {"www 60 WKS 192.0.2.1 6 25", "u www IN 60 WKS 192.0.2.2 6 80",
     "www 60 WKS 192.0.2.1 6 25\nwww 60 WKS 192.0.2.2 6 80", 11, 0},
    /* s2.5.2 delete an RRset */
    {"www 60 A 192.0.2.1\nwww 60 A 192.0.2.2\nwww 60 TXT \"a\"", "u www ANY 0 A",
     "www 60 TXT \"a\"", 11, 0},
    {"www 60 A 192.0.2.1", "u www ANY 0 A", "", 11, 0},
    {"www 60 A 192.0.2.1", "u wWw ANY 0 A", "", 11, 0},
    {"www 60 A 192.0.2.1", "u www ANY 0 AAAA", NULL, 10, 0},
    {"", "u www ANY 0 A", NULL, 10, 0},
    {"*.w 60 A 192.0.2.1", "u x.w ANY 0 A", NULL, 10, 0},
    {"", "u @ ANY 0 SOA", NULL, 10, 1},
    {"", "u @ ANY 0 NS", NULL, 10, 1},
    {"@ 60 TXT \"a\"", "u @ ANY 0 TXT", "", 11, 0},
    {"cut 60 NS a\ncut 60 NS b", "u cut ANY 0 NS", "", 11, 0},
    {"www 60 A 192.0.2.1\nwww 60 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA",
     "u www ANY 0 RRSIG", "www 60 A 192.0.2.1", 11, 0},
    /* s2.5.3 delete a name */
    {"www 60 A 192.0.2.1\nwww 60 TXT \"a\"\na.www 60 A 192.0.2.1", "u www ANY 0 ANY",
     "a.www 60 A 192.0.2.1", 11, 0},
    {"a.www 60 A 192.0.2.1", "u www ANY 0 ANY", NULL, 10, 0},
    {"*.w 60 A 192.0.2.1\na.w 60 A 192.0.2.1", "u *.w ANY 0 ANY", "a.w 60 A 192.0.2.1", 11, 0},
    {"@ 60 TXT \"a\"\n@ 60 MX 1 a\n@ 60 CAA 0 issue \"a\"\nwww 60 A 192.0.2.1", "u @ ANY 0 ANY",
     "www 60 A 192.0.2.1", 11, 0},
    {"", "u @ ANY 0 ANY", NULL, 10, 0},
    {"cut 60 NS a\ncut 60 DS 1 13 2 "
     "0000000000000000000000000000000000000000000000000000000000000001",
     "u cut ANY 0 ANY", "", 11, 0},
    {"aaaa 60 NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A", "u aaaa ANY 0 ANY", "", 11, 0},
    {"aaaa 60 NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A", "u aaaa ANY 0 NSEC3", "", 11, 0},
    /* s2.5.4 delete a record */
    {"www 60 A 192.0.2.1\nwww 60 A 192.0.2.2", "u www NONE 0 A 192.0.2.1", "www 60 A 192.0.2.2", 11,
     0},
    {"www 60 A 192.0.2.1", "u www NONE 0 A 192.0.2.2", NULL, 10, 0},
    {"www 60 PTR Host", "u www NONE 0 PTR hOST", "", 11, 0},
    {"www 60 TYPE65280 \\# 1 01", "u www NONE 0 TYPE65280 \\# 1 01", "", 11, 0},
    {"", "u @ NONE 0 SOA ns h 10 3600 900 1209600 300", NULL, 10, 1},
    {"", "u @ NONE 0 SOA ns h 11 3600 900 1209600 300", NULL, 10, 0},
    {"", "u @ NONE 0 NS ns", NULL, 10, 1},
    {"", "u @ NONE 0 NS ns2", NULL, 10, 0},
    {"@ 300 NS ns2", "u @ NONE 0 NS ns2", "", 11, 0},
    {"@ 300 NS ns2", "u @ NONE 0 NS ns2\nu @ NONE 0 NS ns", "", 11, 1},
    {"cut 60 NS a", "u cut NONE 0 NS a", "", 11, 0}, /* s3.4.2.4: only the apex keeps its last */
    /* s3.6, s3.4.2.2: the SOA only forward, only where there is one */
    {"", "u @ IN 300 SOA ns h 11 3600 900 1209600 300", NULL, 11, 0},
    {"", "u @ IN 300 SOA ns h 2147483657 3600 900 1209600 300", NULL, 2147483657u, 0},
    {"", "u @ IN 300 SOA ns h 2147483658 3600 900 1209600 300", NULL, 10, 1}, /* undefined */
    {"", "u @ IN 300 SOA ns h 9 3600 900 1209600 300", NULL, 10, 1},
    {"", "u @ IN 300 SOA ns h 10 1 900 1209600 300", NULL, 10, 1},
    {"", "u @ IN 300 SOA ns h 10 3600 900 1209600 300", NULL, 10, 0},
    {"", "u @ IN 300 SOA ns h 0 3600 900 1209600 300", NULL, 10, 1}, /* s7.11 */
    {"", "u www IN 300 SOA ns h 11 3600 900 1209600 300", NULL, 10, 1},
    {"", "u @ IN 300 SOA ns h 20 3600 900 1209600 300\nu www IN 60 A 192.0.2.1",
     "www 60 A 192.0.2.1", 20, 0},
    {"", "u www IN 60 A 192.0.2.1\nu @ IN 300 SOA ns h 20 3600 900 1209600 300",
     "www 60 A 192.0.2.1", 20, 0},
    {"", "u @ IN 300 SOA ns h 20 3600 900 1209600 300\nu @ IN 300 SOA ns h 15 3600 900 1209600 300",
     NULL, 20, 1},
    /* RFC 1982 s3.2: ahead of the one before it, and behind the zone's */
    {"",
     "u @ IN 300 SOA ns h 2147483657 3600 900 1209600 300\n"
     "u @ IN 300 SOA ns h 5 3600 900 1209600 300",
     NULL, 2147483657u, 1},
    {"",
     "u @ IN 300 SOA ns h 2147483657 3600 900 1209600 300\n"
     "u @ IN 300 SOA ns h 2147483658 3600 900 1209600 300",
     NULL, 2147483657u, 1}, /* undefined */
    {"", "u @ ANY 0 SOA\nu @ IN 300 SOA ns h 11 3600 900 1209600 300", NULL, 11, 1},
    /* what cancels out moves nothing */
    {"www 60 A 192.0.2.1", "u www ANY 0 A\nu www IN 60 A 192.0.2.1", NULL, 10, 0},
    {"", "u www IN 60 A 192.0.2.1\nu www ANY 0 ANY", NULL, 10, 0},
    {"a 60 A 192.0.2.1\nb 60 A 192.0.2.1",
     "u a ANY 0 A\nu b ANY 0 A\nu b IN 60 A 192.0.2.1\nu a IN 60 A 192.0.2.1", NULL, 10, 0},
    /* in the order of the message */
    {"www 60 A 192.0.2.1", "u www IN 60 A 192.0.2.2\nu www ANY 0 A", "", 11, 0},
    {"www 60 A 192.0.2.1", "u www ANY 0 A\nu www IN 60 A 192.0.2.2", "www 60 A 192.0.2.2", 11, 0},
    {"", "", NULL, 10, 0},
};

static void check_row(const struct row *row)
{
    char text[2048];
    int len = snprintf(text, sizeof(text), APEX, 10);
    snprintf(text + len, sizeof(text) - (size_t)len, "%s\n", row->before);
    struct bed *b = bed_new(text);
    enum rcode rcode = bed_update(b, row->lines);
    cr_expect_eq(rcode, NOERROR, "%s: rcode %u (%s)", row->lines, rcode, b->report.reason);
    len = snprintf(text, sizeof(text), APEX, row->serial);
    snprintf(text + len, sizeof(text) - (size_t)len, "%s\n", row->after ? row->after : row->before);
    char *after = bed_dump_of(text);
    cr_expect_str_eq(bed_dump(b), after, "%s\n--- is\n%s--- is to be\n%s", row->lines, bed_dump(b),
                     after);
    cr_expect_eq(b->report.ignored, row->ignored, "%s: %u ignored", row->lines, b->report.ignored);
    cr_expect_eq(b->report.is_changed, row->serial != 10, "%s", row->lines);
    free(after);
    bed_free(b);
}

Test(op, leaves_what_the_rfc_says)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
}

Test(op, ignored_ones_are_refused_by_a_strict_zone)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[2048];
        int len = snprintf(text, sizeof(text), APEX, 10);
        snprintf(text + len, sizeof(text) - (size_t)len, "%s\n", rows[i].before);
        struct bed *b = bed_new(text);
        b->rules.is_strict = true;
        cr_expect_eq(bed_update(b, rows[i].lines), rows[i].ignored ? REFUSED : NOERROR, "%s",
                     rows[i].lines);
        cr_expect_eq(strstr(b->report.reason, "strict: yes") != NULL, rows[i].ignored > 0, "%s",
                     b->report.reason);
        bed_free(b);
    }
}

static const struct fault {
    const char *lines;
    enum rcode rcode;
} faults[] = {
    /* s3.4.1: zone, then class, type and form, record by record, all before anything is done */
    {"u www.other. IN 60 A 192.0.2.1", NOTZONE},
    {"u www.other. CH 60 AXFR %", NOTZONE},
    {"u www.other. ANY 60 A %01", NOTZONE},
    {"u www.other. IN 60 A %01", NOTZONE},
    {"u . ANY 0 ANY", NOTZONE},
    {"u www CH 60 A %c0000201", FORMERR},
    {"u www CLASS0 60 A %c0000201", FORMERR},
    {"u www IN 60 ANY %01", FORMERR},
    {"u www IN 60 ANY %", FORMERR},
    {"u www IN 60 AXFR %", FORMERR},
    {"u www IN 60 MAILA %", FORMERR},
    {"u www IN 60 MAILB %", FORMERR},
    {"u www IN 60 IXFR %", FORMERR},
    {"u www IN 60 TKEY %", FORMERR},
    {"u www IN 60 NXNAME %", FORMERR},
    {"u www IN 60 TYPE0 %", FORMERR},
    {"u www IN 60 A %", FORMERR},
    {"u www IN 60 A %c00002", FORMERR},
    {"u www IN 60 A %c000020101", FORMERR},
    {"u www IN 60 MX %000a", FORMERR},
    {"u www IN 60 TXT %", FORMERR},
    {"u www IN 60 CNAME %0561", FORMERR},
    {"u www IN 60 RRSIG %", FORMERR},
    {"u www ANY 60 A", FORMERR},
    {"u www ANY 0 A 192.0.2.1", FORMERR},
    {"u www ANY 0 A %01", FORMERR},
    {"u www ANY 0 ANY %01", FORMERR},
    {"u www ANY 1 ANY", FORMERR},
    {"u www ANY 0 AXFR", FORMERR},
    {"u www ANY 0 MAILB", FORMERR},
    {"u www ANY 0 TYPE0", FORMERR},
    {"u www NONE 60 A 192.0.2.1", FORMERR},
    {"u www NONE 0 A %", FORMERR},
    {"u www NONE 0 A %01", FORMERR},
    {"u www NONE 0 ANY %", FORMERR},
    {"u www NONE 0 ANY %01", FORMERR},
    {"u www NONE 0 AXFR %", FORMERR},
    {"u www NONE 0 RRSIG %", FORMERR},
    {"u www.other. ANY 0 ANY\nu www CH 0 A %", NOTZONE},
    {"u www CH 0 A %\nu www.other. ANY 0 ANY", FORMERR},
    {"u www IN 60 A 192.0.2.1\nu www ANY 1 A", FORMERR},
    {"u www IN 60 A 192.0.2.1\nu a.other. ANY 0 A", NOTZONE},
};

Test(op, faults_of_form_have_the_rcode_of_the_prescan_and_change_nothing)
{
    char text[256];
    snprintf(text, sizeof(text), APEX, 10);
    struct bed *b = bed_new(text);
    char *before = bed_dump_of(text);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        enum rcode rcode = bed_update(b, faults[i].lines);
        cr_expect_eq(rcode, faults[i].rcode, "%s: rcode %u (%s)", faults[i].lines, rcode,
                     b->report.reason);
        cr_expect_str_eq(bed_dump(b), before, "%s", faults[i].lines);
    }
    free(before);
    bed_free(b);
}

Test(op, moves_the_serial_by_the_zones_policy)
{
    char text[256];
    snprintf(text, sizeof(text), APEX, 10);
    struct bed *b = bed_new(text);
    b->rules.serial = SERIAL_UNIXTIME;
    cr_assert_eq(bed_update(b, "u a IN 1 A 192.0.2.1"), NOERROR);
    cr_expect_eq(b->zone->tip->serial, BED_NOW_US / 1000000);
    cr_expect_not(b->report.is_serial_set);
    cr_assert_eq(bed_update(b, "u @ IN 1 SOA ns h 2000000000 1 1 1 1"), NOERROR);
    cr_expect_eq(b->zone->tip->serial, 2000000000);
    cr_expect(b->report.is_serial_set);
    cr_assert_eq(bed_update(b, "u b IN 1 A 192.0.2.1"), NOERROR);
    cr_expect_eq(b->zone->tip->serial, 2000000001);
    bed_free(b);
}

static const struct protected_row {
    const char *lines;
    enum rcode rcode;
} protected_rows[] = {
    /* a name of the file's, whole */
    {"u www IN 60 A 192.0.2.9", REFUSED},
    {"u www IN 60 TXT \"a\"", REFUSED},
    {"u WWW ANY 0 A", REFUSED},
    {"u www ANY 0 ANY", REFUSED},
    {"u www NONE 0 A 192.0.2.1", REFUSED},
    {"u www IN 90 A 192.0.2.1", REFUSED},
    {"u www IN 60 CNAME a", REFUSED},
    /* what changes nothing */
    {"u www IN 60 A 192.0.2.1", NOERROR},
    {"u www NONE 0 A 192.0.2.9", NOERROR},
    {"u www ANY 0 TXT", NOERROR},
    /* names beside and below it */
    {"u a.www IN 60 A 192.0.2.1", NOERROR},
    {"u new IN 60 A 192.0.2.1", NOERROR},
    {"u new ANY 0 ANY", NOERROR},
    /* the apex, RRset by RRset */
    {"u @ IN 60 TXT \"a\"", REFUSED},
    {"u @ ANY 0 TXT", REFUSED},
    {"u @ ANY 0 ANY", REFUSED},
    {"u @ IN 300 NS ns2", REFUSED},
    {"u @ IN 300 SOA ns h 1000 1 1 1 1", REFUSED},
    {"u @ IN 60 MX 1 a", NOERROR},
    {"u @ ANY 0 MX", NOERROR},
    {"u @ ANY 0 SOA", NOERROR}, /* ignored as it is */
};

/* What a zone cut or a DNAME is above of is hidden by it: RFC 1034 s4.2.1, RFC 6672 s2.4. */
static const struct protected_row hiding_rows[] = {
    {"u sub IN 60 NS ns.other.", REFUSED},
    {"u SUB IN 60 DNAME other.", REFUSED},
    {"u b.deep IN 60 NS ns.other.", REFUSED},
    {"u deep IN 60 DNAME other.", REFUSED},
    {"u wild IN 60 NS ns.other.", REFUSED},
    {"u @ IN 60 DNAME other.", REFUSED},
    /* what hides nothing, or not of the file's */
    {"u sub IN 60 TXT \"a\"", NOERROR},
    {"u x.sub IN 60 NS ns.other.", NOERROR},
    {"u x.host.sub IN 60 DNAME other.", NOERROR},
    {"u subs IN 60 NS ns.other.", NOERROR},
    {"u new IN 60 NS ns.new\nu ns.new IN 60 A 192.0.2.1", NOERROR},
    {"u a.new IN 60 A 192.0.2.1\nu new IN 60 DNAME other.", NOERROR},
    {"u @ IN 60 NS ns.other.", REFUSED}, /* for another reason */
    /* the same, and gone */
    {"u cut IN 60 NS ns.cut", NOERROR},
    {"u new ANY 0 ANY", NOERROR},
};

Test(op, a_peer_may_not_hide_what_the_file_owns)
{
    static const uint16_t types[] = {TYPE_A, TYPE_TXT, TYPE_NS, TYPE_DNAME};
    struct grant grant = {
        .is_unsigned = true, .where = GRANT_ALL, .types = types, .type_count = ARRAY_LEN(types)};
    char text[512];
    int len = snprintf(text, sizeof(text), APEX, 10);
    snprintf(text + len, sizeof(text) - (size_t)len,
             "host.sub 60 A 192.0.2.1\na.b.deep 60 A 192.0.2.1\n*.wild 60 A 192.0.2.1\n"
             "cut 60 NS ns.cut\nns.cut 60 A 192.0.2.1\n");
    struct bed *b = bed_new(text);
    bed_protect(b);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(hiding_rows); i++) {
            bed_peer(b, NULL, &grant, 1);
            enum rcode rcode = bed_update(b, hiding_rows[i].lines);
            cr_expect_eq(rcode, hiding_rows[i].rcode, "%s: rcode %u (%s)", hiding_rows[i].lines,
                         rcode, b->report.reason);
            cr_expect_eq(strstr(b->report.reason, "owned by the zone file (protect: file)") != NULL,
                         rcode == REFUSED, "%s", b->report.reason);
        }
        /* what updates have put beside it makes no difference */
        cr_assert_eq(bed_update(b, "u a.sub IN 60 A 192.0.2.1\nu z.sub IN 60 A 192.0.2.1"),
                     NOERROR);
    }
    cr_assert_eq(bed_update(b, "u sub IN 60 NS ns.other."), REFUSED);
    cr_expect_str_eq(b->report.reason, "sub.example. NS: it would hide host.sub.example., owned by "
                                       "the zone file (protect: file)");
    b->actor = (struct update_actor){0};
    cr_expect_eq(bed_update(b, "u sub IN 60 NS ns.other."), NOERROR, "the operator may");
    bed_free(b);
}

Test(op, a_peer_may_not_touch_what_the_file_owns)
{
    char text[256];
    static const uint16_t types[] = {TYPE_A,  TYPE_TXT, TYPE_NS,   TYPE_SOA,
                                     TYPE_MX, TYPE_ANY, TYPE_CNAME};
    struct grant grant = {
        .is_unsigned = true, .where = GRANT_ALL, .types = types, .type_count = ARRAY_LEN(types)};
    int len = snprintf(text, sizeof(text), APEX, 10);
    snprintf(text + len, sizeof(text) - (size_t)len, "@ 60 TXT \"x\"\nwww 60 A 192.0.2.1\n");
    struct bed *b = bed_new(text);
    bed_protect(b);
    bed_peer(b, NULL, &grant, 1);
    for (size_t i = 0; i < ARRAY_LEN(protected_rows); i++) {
        enum rcode rcode = bed_update(b, protected_rows[i].lines);
        cr_expect_eq(rcode, protected_rows[i].rcode, "%s: rcode %u (%s)", protected_rows[i].lines,
                     rcode, b->report.reason);
        cr_expect_eq(strstr(b->report.reason, "owned by the zone file (protect: file)") != NULL,
                     rcode == REFUSED, "%s", b->report.reason);
    }
    b->actor = (struct update_actor){0};
    cr_expect_eq(bed_update(b, "u www ANY 0 ANY"), NOERROR, "the operator may");
    bed_free(b);
}

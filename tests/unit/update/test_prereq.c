/* SPDX-License-Identifier: Apache-2.0
 * Prerequisites, row by row of RFC 2136 s3.2.4 and line by line of the pseudo-code of s3.2.5. */
#include "base/attr.h"
#include "bed.h"

static const char zone[] =
    "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
    "ns 300 A 192.0.2.53\n"
    "www 300 A 192.0.2.1\nwww 300 A 192.0.2.2\nwww 300 TXT \"x\"\n"
    "mail 300 MX 10 Mail.Example.\n"
    "a.b 300 A 192.0.2.3\n"
    "*.w 300 TXT \"wild\"\n"
    "cut 300 NS ns.cut\nns.cut 300 A 192.0.2.4\n"
    "alias 300 CNAME www\n"
    "odd 300 TYPE65280 \\# 2 0102\n"
    "web 300 A 192.0.2.1\nweb 300 A 192.0.2.3\n"
    "mix 300 A 192.0.2.1\nmix 300 A 192.0.2.2\nmix 300 TYPE65280 \\# 5 c000020101\n"
    "sig 300 A 192.0.2.9\n"
    "sig 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
    "sig 300 RRSIG TXT 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
    "aaaa 300 NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A\n";

#define SIG(type) \
    "p sig IN 0 RRSIG " type " 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"

static const struct row {
    const char *lines;
    enum rcode rcode;
} rows[] = {
    /* s2.4.4 name in use */
    {"p www ANY 0 ANY", NOERROR},
    {"p WWW ANY 0 ANY", NOERROR},
    {"p @ ANY 0 ANY", NOERROR},
    {"p none ANY 0 ANY", NXDOMAIN},
    {"p b ANY 0 ANY", NXDOMAIN},  /* an empty non-terminal is not in use */
    {"p *.w ANY 0 ANY", NOERROR}, /* s1.1.3: literally */
    {"p x.w ANY 0 ANY", NXDOMAIN},
    {"p ns.cut ANY 0 ANY", NOERROR}, /* s7.18: glue is in the zone */
    {"p aaaa ANY 0 ANY", NOERROR},
    /* s2.4.1 RRset exists */
    {"p www ANY 0 A", NOERROR},
    {"p www ANY 0 AAAA", NXRRSET},
    {"p none ANY 0 A", NXRRSET},
    {"p alias ANY 0 CNAME", NOERROR},
    {"p alias ANY 0 A", NXRRSET}, /* s1.1.4: not followed */
    {"p odd ANY 0 TYPE65280", NOERROR},
    {"p sig ANY 0 RRSIG", NOERROR},
    {"p www ANY 0 RRSIG", NXRRSET},
    {"p aaaa ANY 0 NSEC3", NOERROR},
    {"p x.w ANY 0 TXT", NXRRSET},
    /* s2.4.5 name not in use */
    {"p none NONE 0 ANY", NOERROR},
    {"p b NONE 0 ANY", NOERROR},
    {"p www NONE 0 ANY", YXDOMAIN},
    {"p wWw NONE 0 ANY", YXDOMAIN},
    {"p aaaa NONE 0 ANY", YXDOMAIN},
    /* s2.4.3 RRset does not exist */
    {"p www NONE 0 AAAA", NOERROR},
    {"p none NONE 0 A", NOERROR},
    {"p www NONE 0 A", YXRRSET},
    {"p aaaa NONE 0 NSEC3", YXRRSET},
    /* s2.4.2 the very RRset: in any order, no more, no less */
    {"p www IN 0 A 192.0.2.1\np www IN 0 A 192.0.2.2", NOERROR},
    {"p www IN 0 A 192.0.2.2\np www IN 0 A 192.0.2.1", NOERROR},
    {"p www IN 0 A 192.0.2.2\np mail IN 0 MX 10 mail\np www IN 0 A 192.0.2.1", NOERROR},
    {"p www IN 0 A 192.0.2.1\np www IN 0 A 192.0.2.2\np www IN 0 A 192.0.2.1", NOERROR},
    {"p web IN 0 A 192.0.2.3\np www IN 0 A 192.0.2.2\np web IN 0 A 192.0.2.1\n"
     "p www IN 0 A 192.0.2.1",
     NOERROR},
    {"p web IN 0 A 192.0.2.2\np www IN 0 A 192.0.2.3\np web IN 0 A 192.0.2.1\n"
     "p www IN 0 A 192.0.2.1",
     NXRRSET},
    {"p mix IN 0 A 192.0.2.2\np mix IN 0 TYPE65280 \\# 5 c000020101\np mix IN 0 A 192.0.2.1",
     NOERROR},
    {"p www IN 0 A 192.0.2.1", NXRRSET},
    {"p www IN 0 A 192.0.2.1\np www IN 0 A 192.0.2.3", NXRRSET},
    {"p www IN 0 A 192.0.2.1\np www IN 0 A 192.0.2.2\np www IN 0 A 192.0.2.3", NXRRSET},
    {"p none IN 0 A 192.0.2.1", NXRRSET},
    {"p www IN 0 AAAA 2001:db8::1", NXRRSET},
    {"p mail IN 0 MX 10 mAIL", NOERROR}, /* s1.1.2: names without regard to case */
    {"p mail IN 0 MX 11 mail", NXRRSET},
    {"p odd IN 0 TYPE65280 \\# 2 0102", NOERROR},
    {"p odd IN 0 TYPE65280 \\# 2 0103", NXRRSET},
    {SIG("A") SIG("TXT"), NOERROR},
    {SIG("TXT") SIG("A"), NOERROR},
    {SIG("A"), NXRRSET},
    {"p aaaa IN 0 NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A", NOERROR},
    {"p aaaa IN 0 NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv TXT", NXRRSET},
    /* one record: TTL, then zone, then form, then the zone's data */
    {"p none ANY 1 ANY", FORMERR},
    {"p www.other. ANY 1 ANY", FORMERR},
    {"p www.other. CH 1 A %", FORMERR},
    {"p www.other. ANY 0 ANY", NOTZONE},
    {"p . ANY 0 ANY", NOTZONE},
    {"p www.other. CH 0 A %", NOTZONE},
    {"p www.other. ANY 0 ANY %01", NOTZONE},
    {"p www.other. IN 0 A %01", NOTZONE},
    {"p xexample. ANY 0 ANY", NOTZONE},
    {"p none ANY 0 ANY %01", FORMERR},
    {"p none ANY 0 A %c0000201", FORMERR},
    {"p none ANY 0 A %01", FORMERR}, /* malformed rdata is rdata */
    {"p www NONE 0 ANY %01", FORMERR},
    {"p www NONE 0 A 192.0.2.1", FORMERR},
    {"p www NONE 5 A", FORMERR},
    {"p www IN 5 A 192.0.2.1", FORMERR},
    {"p www IN 0 A %c00002", FORMERR},
    {"p www IN 0 A %", FORMERR},
    {"p www CH 0 A %", FORMERR},
    {"p www CLASS0 0 A %", FORMERR},
    {"p www CLASS65535 0 ANY %", FORMERR},
    /* types that are no data */
    {"p www IN 0 ANY %", FORMERR},
    {"p www IN 0 ANY %01", FORMERR},
    {"p www ANY 0 AXFR", FORMERR},
    {"p www NONE 0 MAILB", FORMERR},
    {"p www IN 0 IXFR %", FORMERR},
    {"p www ANY 0 TKEY", FORMERR},
    {"p www ANY 0 NXNAME", FORMERR},
    {"p www ANY 0 TYPE0", FORMERR},
    /* the first fault counts, record by record; equality comes behind all else (s3.2.5) */
    {"p none ANY 0 ANY\np www NONE 0 ANY", NXDOMAIN},
    {"p www NONE 0 ANY\np none ANY 0 ANY", YXDOMAIN},
    {"p none ANY 0 ANY\np www ANY 1 ANY", NXDOMAIN},
    {"p www ANY 1 ANY\np none ANY 0 ANY", FORMERR},
    {"p www.other. ANY 0 ANY\np none ANY 0 ANY", NOTZONE},
    {"p www IN 0 A 192.0.2.9\np none ANY 0 ANY", NXDOMAIN},
    {"p www IN 0 A 192.0.2.9\np www.other. ANY 0 ANY", NOTZONE},
    {"p www IN 0 A 192.0.2.9\np www NONE 0 A", YXRRSET},
    {"p www IN 0 A 192.0.2.9\np www IN 1 A 192.0.2.9", FORMERR},
    /* and prerequisites before the update section (s3.2 before s3.4) */
    {"p none ANY 0 ANY\nu www.other. IN 0 A 192.0.2.1", NXDOMAIN},
    {"p none ANY 0 ANY\nu www IN 0 A %01", NXDOMAIN},
    {"p www ANY 0 ANY\nu www.other. IN 0 A 192.0.2.1", NOTZONE},
};

Test(prereq, has_the_rcode_of_the_rfc)
{
    struct bed *b = bed_new(zone);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum rcode rcode = bed_update(b, rows[i].lines);
        cr_expect_eq(rcode, rows[i].rcode, "%s: rcode %u (%s)", rows[i].lines, rcode,
                     b->report.reason);
        cr_expect_not(b->report.is_changed);
    }
    bed_free(b);
}

Test(prereq, tells_which_record_failed)
{
    struct bed *b = bed_new(zone);
    bed_update(b, "p www ANY 0 ANY\np None ANY 0 AAAA\np www NONE 0 ANY");
    cr_expect_str_eq(b->report.reason, "None.example. AAAA: prerequisite: there is no such RRset");
    struct name_buf name = bed_name("none");
    cr_expect(name_is_equal(name_of(&b->report.name), name_of(&name)));
    cr_expect_eq(b->report.type, TYPE_AAAA);
    bed_free(b);
}

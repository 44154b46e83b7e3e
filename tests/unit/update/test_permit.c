/* SPDX-License-Identifier: Apache-2.0
 * Permission inside an update: its place in the order of checks, deletions by what is there, and
 * what a refusal says. */
#include "base/attr.h"
#include "bed.h"

static const char zone[] =
    "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
    "pc 60 A 10.0.0.1\npc 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=\n"
    "srv 60 A 10.0.0.2\nsrv 60 MX 1 a\n"
    "far 60 A 10.0.0.3\nfar 60 A 192.0.2.1\n"
    "del 60 NS ns\ndel 60 DS 1 13 2 "
    "0000000000000000000000000000000000000000000000000000000000000001\n"
    "0123456789abcdefghijklmnopqrstuv 60 NSEC3 1 0 0 - "
    "0123456789abcdefghijklmnopqrstuv A\n"
    "@ 60 A 10.0.0.4\n";

static const uint16_t txt[] = {TYPE_TXT};
static struct prefix within = {.len = 8, .bytes_len = 4, .bytes = {10}};
static struct name_buf pc;

/* 0: dhcp within 10/8; 1: TXT everywhere, add only; 2: a deny that comes too late */
static struct grant grants[3];

static struct bed *open_bed(void)
{
    struct bed *b = bed_new(zone);
    pc = bed_name("pc");
    struct name_buf key = bed_name("kea.");
    grants[0] =
        (struct grant){.key = key, .where = GRANT_DHCP, .within = &within, .within_count = 1};
    grants[1] = (struct grant){
        .key = key, .where = GRANT_ALL, .types = txt, .type_count = 1, .ops = GRANT_ADD};
    grants[2] = (struct grant){
        .key = key, .where = GRANT_NAME, .names = &pc, .name_count = 1, .is_deny = true};
    bed_peer(b, "kea.", grants, 3);
    return b;
}

static const struct row {
    const char *lines;
    enum rcode rcode;
    int rule;
    const char *reason;
} rows[] = {
    {"u x IN 60 A 10.1.1.1", NOERROR, 0, ""},
    {"u x IN 60 TXT \"a\"", NOERROR, 1, ""},
    {"u x IN 60 TXT \"a\"\nu x IN 60 A 10.1.1.1", NOERROR, 1, ""},
    {"u x IN 60 A 11.1.1.1", REFUSED, 0,
     "x.example. A: not granted, closest rule updates[0]: the address is not within what is "
     "granted"},
    {"u x IN 60 MX 1 a", REFUSED, 0,
     "x.example. MX: not granted, closest rule updates[0]: grants only A, AAAA, PTR, DHCID at any "
     "name"},
    {"u x ANY 0 TXT", REFUSED, 1,
     "x.example. TXT: not granted, closest rule updates[1]: grants only add"},
    {"u pc IN 60 MX 1 a", REFUSED, 2, "pc.example. MX: denied by updates[2]"},
    {"u x IN 60 A 10.1.1.1\nu X IN 60 MX 1 a\nu y IN 60 MX 1 a", REFUSED, 0,
     "X.example. MX: not granted"},
    /* whole names: every RRset inside a grant */
    {"u pc ANY 0 ANY", NOERROR, 0, ""},
    {"u srv ANY 0 ANY", REFUSED, 0, "srv.example. ANY: not granted"},
    {"u far ANY 0 ANY", REFUSED, 0, "far.example. ANY: not granted"},
    {"u far ANY 0 A", REFUSED, 0, "far.example. A: not granted"},
    {"u far NONE 0 A 10.0.0.3", NOERROR, 0, ""},
    {"u far NONE 0 A 192.0.2.1", REFUSED, 0, "far.example. A: not granted"},
    {"u del ANY 0 ANY", REFUSED, 0, ""},
    /* NSEC3 lies in a tree of its own, and was once deleted by who may not */
    {"u 0123456789abcdefghijklmnopqrstuv ANY 0 ANY", REFUSED, 0, ""},
    {"u none ANY 0 ANY", NOERROR, 0, ""},
    {"u none ANY 0 A", NOERROR, 0, ""},
    {"u none ANY 0 MX", REFUSED, 0, "none.example. MX: not granted"}, /* though it is not there */
    /* the apex' SOA and NS stay, so they do not count; what else is there does */
    {"u @ ANY 0 ANY", NOERROR, 0, ""},
    {"u @ ANY 0 NS", REFUSED, 0, "example. NS: not granted"},
    {"u @ ANY 0 SOA", REFUSED, 0, "example. SOA: not granted"},
    /* what the update itself puts there it may take away */
    {"u x IN 60 TXT \"a\"\nu x ANY 0 ANY", NOERROR, 1, ""},
    /* order: prerequisites, permission, form */
    {"p none ANY 0 ANY\nu x IN 60 MX 1 a", NXDOMAIN, -1, ""},
    {"u x CH 60 A %\nu x IN 60 MX 1 a", REFUSED, 0, "x.example. MX: not granted"},
    {"u x IN 60 MX 1 a\nu x.other. IN 60 A 10.1.1.1", REFUSED, 0, ""},
    {"u x.other. IN 60 A 10.1.1.1\nu x IN 60 A 10.1.1.1", NOTZONE, 0, ""},
    {"u x IN 60 A %01", FORMERR, -1, ""},
    {"u x IN 60 AXFR %", FORMERR, -1, ""},
};

Test(permit, follows_the_grants)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *b = open_bed();
        enum rcode rcode = bed_update(b, rows[i].lines);
        cr_expect_eq(rcode, rows[i].rcode, "%s: rcode %u (%s)", rows[i].lines, rcode,
                     b->report.reason);
        cr_expect_eq(b->report.rule, rows[i].rule, "%s: rule %d", rows[i].lines, b->report.rule);
        cr_expect_eq(strncmp(b->report.reason, rows[i].reason, strlen(rows[i].reason)), 0, "%s: %s",
                     rows[i].lines, b->report.reason);
        bed_free(b);
    }
}

Test(permit, the_offending_type_of_a_whole_name_is_reported)
{
    struct bed *b = open_bed();
    cr_assert_eq(bed_update(b, "u srv ANY 0 ANY"), REFUSED);
    cr_expect_eq(b->report.type, TYPE_MX);
    bed_free(b);
}

Test(permit, strangers_are_refused_before_the_form_is_looked_at)
{
    struct bed *b = open_bed();
    static const char *const lines[] = {"u x IN 60 A 10.1.1.1", "u x IN 60 A %01",
                                        "u x.other. IN 60 A 10.1.1.1", ""};
    b->actor.key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        cr_expect_eq(bed_update(b, lines[i]), REFUSED, "%s", lines[i]);
        cr_expect(strstr(b->report.reason, "not granted, no rule for unsigned updates"), "%s",
                  b->report.reason);
        cr_expect_eq(b->report.rule, -1);
    }
    bed_peer(b, "who.", grants, 3);
    cr_expect_eq(bed_update(b, "u x IN 60 A 10.1.1.1"), REFUSED);
    cr_expect(strstr(b->report.reason, "no rule for key who."), "%s", b->report.reason);
    bed_peer(b, "kea.", grants, 0);
    cr_expect_eq(bed_update(b, "u x IN 60 A 10.1.1.1"), REFUSED, "closed without grants");
    bed_free(b);
}

/* RFC 2136 s3.4.2.2, s1.1.5: what an addition takes the place of is deleted by it. */
Test(permit, who_may_only_add_replaces_nothing)
{
    static const char there[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
                                "c 60 CNAME a\nd 60 DNAME a.\nw 60 WKS 192.0.2.1 6 25\n";
    static const struct {
        const char *lines;
        enum rcode rcode;
    } asked[] = {
        {"u c IN 60 CNAME b", REFUSED},
        {"u d IN 60 DNAME b.", REFUSED},
        {"u w IN 60 WKS 192.0.2.1 6 80", REFUSED},
        {"u new IN 60 CNAME a\nu c IN 60 CNAME b", REFUSED},
        {"u c IN 60 CNAME A", NOERROR}, /* the same one, and with another TTL */
        {"u c IN 90 CNAME a", NOERROR},
        {"u w IN 60 WKS 192.0.2.1 17 80", NOERROR},
        {"u new IN 60 CNAME a\nu new IN 60 CNAME b", NOERROR},    /* its own */
        {"u @ IN 300 SOA ns h 11 3600 900 1209600 300", NOERROR}, /* the only way to change it */
    };
    static const uint16_t types[] = {TYPE_CNAME, TYPE_DNAME, TYPE_WKS, TYPE_SOA};
    struct grant all = {
        .is_unsigned = true, .where = GRANT_ALL, .types = types, .type_count = ARRAY_LEN(types)};
    struct grant add = all, deny = all;
    add.ops = GRANT_ADD;
    deny.ops = GRANT_DELETE;
    deny.is_deny = true;
    const struct grant denied[] = {deny, all};
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct bed *b = bed_new(there);
        bed_peer(b, NULL, &add, 1);
        cr_expect_eq(bed_update(b, asked[i].lines), asked[i].rcode, "%s: %s", asked[i].lines,
                     b->report.reason);
        if (asked[i].rcode == REFUSED)
            cr_expect(strstr(b->report.reason,
                             "it would replace another record: not granted, closest rule "
                             "updates[0]: grants only add"),
                      "%s", b->report.reason);
        bed_free(b);
        b = bed_new(there);
        bed_peer(b, NULL, denied, 2);
        cr_expect_eq(bed_update(b, asked[i].lines), asked[i].rcode, "%s: %s", asked[i].lines,
                     b->report.reason);
        if (asked[i].rcode == REFUSED)
            cr_expect(
                strstr(b->report.reason, "it would replace another record: denied by updates[0]"),
                "%s", b->report.reason);
        bed_free(b);
        b = bed_new(there);
        bed_peer(b, NULL, &all, 1);
        cr_expect_eq(bed_update(b, asked[i].lines), NOERROR, "%s: %s", asked[i].lines,
                     b->report.reason);
        bed_free(b);
    }
}

Test(permit, signing_types_and_the_apex_need_their_names_said)
{
    static const char *const lines[] = {
        "u del IN 60 DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000002",
        "u @ IN 60 DNSKEY 257 3 13 AAAA",
        "u @ IN 60 CDS 1 13 2 0000000000000000000000000000000000000000000000000000000000000002",
        "u @ IN 60 NSEC3PARAM 1 0 0 -",
        "u x IN 60 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA",
        "u x IN 60 NSEC a A",
        "u @ IN 60 NS a",
        "u @ IN 60 SOA ns h 11 1 1 1 1",
    };
    static const uint16_t types[] = {TYPE_DS,    TYPE_DNSKEY, TYPE_CDS, TYPE_NSEC3PARAM,
                                     TYPE_RRSIG, TYPE_NSEC,   TYPE_NS,  TYPE_SOA};
    struct grant all = {.is_unsigned = true, .where = GRANT_ALL}, named = all;
    named.types = types;
    named.type_count = ARRAY_LEN(types);
    struct bed *b = bed_new(zone);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        bed_peer(b, NULL, &all, 1);
        cr_expect_eq(bed_update(b, lines[i]), REFUSED, "%s", lines[i]);
        bed_peer(b, NULL, &named, 1);
        cr_expect_eq(bed_update(b, lines[i]), NOERROR, "%s: %s", lines[i], b->report.reason);
    }
    bed_free(b);
}

Test(permit, rate_is_taken_once_an_update_and_not_by_failed_prerequisites)
{
    struct grant_rate state = {0};
    struct bed *b = open_bed();
    grants[0].rate = 2;
    grants[0].state = &state;
    cr_expect_eq(bed_update(b, "p none ANY 0 ANY\nu x IN 60 A 10.1.1.1"), NXDOMAIN);
    cr_expect_eq(bed_update(b, "u x IN 60 A 10.1.1.1\nu x IN 60 A 10.1.1.2\nu y IN 60 A 10.1.1.3"),
                 NOERROR);
    cr_expect_eq(bed_update(b, "u x IN 60 A 10.1.1.4"), NOERROR);
    cr_expect_eq(bed_update(b, "u x IN 60 A 10.1.1.5"), REFUSED);
    cr_expect_str_eq(b->report.reason, "over the rate of updates[0], 2/s");
    cr_expect_eq(b->report.rule, 0);
    cr_expect_eq(bed_update(b, "u x IN 60 TXT \"a\""), NOERROR, "another rule has its own");
    b->q.now_us += 500000;
    cr_expect_eq(bed_update(b, "u x IN 60 A 10.1.1.5"), NOERROR);
    bed_free(b);
}

Test(permit, who_only_asks_takes_nothing_out_of_a_rate)
{
    struct grant_rate state = {0};
    struct grant grant = {.is_unsigned = true, .where = GRANT_ALL, .rate = 1, .state = &state};
    struct bed *b = bed_new("@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n");
    bed_peer(b, NULL, &grant, 1);
    b->actor.is_asking = true;
    for (unsigned i = 0; i < 3; i++)
        cr_expect_eq(bed_update(b, "u nobody ANY 0 ANY"), NOERROR, "%s", b->report.reason);
    b->actor.is_asking = false;
    cr_expect_eq(bed_update(b, "u nobody ANY 0 ANY"), NOERROR);
    b->actor.is_asking = true;
    cr_expect_eq(bed_update(b, "u nobody ANY 0 ANY"), REFUSED, "it sees the rate all the same");
    cr_expect_str_eq(b->report.reason, "over the rate of updates[0], 1/s");
    bed_free(b);
}

Test(permit, without_an_address_nothing_matches_that_needs_one)
{
    struct prefix anywhere = {.bytes_len = 4};
    struct grant rules[] = {
        {.is_unsigned = true, .where = GRANT_ALL, .from = &anywhere, .from_count = 1},
        {.is_unsigned = true, .where = GRANT_REVERSE},
    };
    struct bed *b = bed_new("@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n");
    bed_peer(b, NULL, rules, 1);
    b->actor.is_asking = true;
    cr_expect_eq(bed_update(b, "u a IN 60 A 192.0.2.1"), NOERROR, "%s", b->report.reason);
    b->peer.address.any.sa_family = AF_UNSPEC;
    cr_expect_eq(bed_update(b, "u b IN 60 A 192.0.2.1"), REFUSED);
    cr_expect(strstr(b->report.reason, "closest rule updates[0]: from another address"), "%s",
              b->report.reason);
    bed_peer(b, NULL, rules, 2);
    b->peer.address.any.sa_family = AF_UNSPEC;
    cr_expect_eq(bed_update(b, "u b IN 60 A 192.0.2.1"), REFUSED);
    bed_free(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * nsupdate's commands become the records that RFC 2136 s2.4 and s2.5 have for them, and what is no
 * such command is refused with its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "dns/message.h"
#include "server/nsupdate.h"
#include "unit.h"

#define ZONE "\7example"
static const struct name zone = {(const uint8_t *)ZONE, sizeof(ZONE)};

/* One record a line: "?" a prerequisite, "!" an update, then owner, TTL, class, type, rdata. */
static void show_section(const struct message *m, enum section s, char sign, struct text *t)
{
    static uint8_t room[RDATA_LEN_MAX];
    struct rr_reader reader = rr_reader_of(m, s);
    for (unsigned i = 0; i < m->count[s]; i++) {
        struct wr w = wr_over(room, sizeof(room));
        struct rr rr;
        char class[16], type[16];
        cr_assert_eq(rr_read(&reader, &w, &rr), RR_READ_OK);
        text_fmt(t, "%c ", sign);
        name_show(rr.owner, t);
        text_fmt(t, " %u %s %s", rr.ttl, class_text(rr.class, class), rrtype_text(rr.type, type));
        if (rr.rdata.len) {
            text_char(t, ' ');
            rdata_show(rr.type, rr.rdata, t);
        }
        text_char(t, '\n');
    }
}

static void read_part(const struct nsupdate_part *p, struct message *m)
{
    cr_assert(message_read_header(m, p->wire, p->len));
    cr_assert_eq(message_read(m), NOERROR);
    cr_assert_eq(message_opcode(m), OPCODE_UPDATE);
    cr_assert(name_is_equal(m->qname, zone));
    cr_assert_eq(m->qtype, TYPE_SOA);
    cr_assert_eq(m->qclass, CLASS_IN);
    cr_assert_eq(m->count[SECTION_ANSWER], p->prereqs);
    cr_assert_eq(m->count[SECTION_AUTHORITY], p->updates);
}

static void show(const struct nsupdate *n, char *buf, size_t cap)
{
    struct text t;
    text_init(&t, buf, cap);
    for (unsigned i = 0; i < n->count; i++) {
        struct message m;
        read_part(&n->part[i], &m);
        show_section(&m, SECTION_ANSWER, '?', &t);
        show_section(&m, SECTION_AUTHORITY, '!', &t);
    }
    cr_assert_not(t.bad);
}

static enum err read_text(const char *text, struct nsupdate *out, struct diag *diag)
{
    struct nsupdate_options options = {.zone = zone};
    return nsupdate_read(text, strlen(text), &options, out, diag);
}

static const struct row {
    const char *text, *records;
} rows[] = {
    /* s2.5.1 to s2.5.4 */
    {"update add www.example. 60 A 192.0.2.1\n", "! www.example. 60 IN A 192.0.2.1\n"},
    {"update add www.example. 60 IN A 192.0.2.1\n", "! www.example. 60 IN A 192.0.2.1\n"},
    {"update delete www.example. A\n", "! www.example. 0 ANY A\n"},
    {"update delete www.example.\n", "! www.example. 0 ANY ANY\n"},
    {"update delete www.example. ANY\n", "! www.example. 0 ANY ANY\n"},
    {"update delete www.example. TYPE65280\n", "! www.example. 0 ANY TYPE65280\n"},
    {"update delete www.example. A 192.0.2.1\n", "! www.example. 0 NONE A 192.0.2.1\n"},
    {"update delete www.example. 300 IN A 192.0.2.1\n", "! www.example. 0 NONE A 192.0.2.1\n"},
    {"update del www.example. TXT\n", "! www.example. 0 ANY TXT\n"},
    /* s2.4.1 to s2.4.5 */
    {"prereq yxrrset www.example. A\n", "? www.example. 0 ANY A\n"},
    {"prereq yxrrset www.example. A 192.0.2.1\n", "? www.example. 0 IN A 192.0.2.1\n"},
    {"prereq nxrrset www.example. IN A\n", "? www.example. 0 NONE A\n"},
    {"prereq yxdomain www.example.\n", "? www.example. 0 ANY ANY\n"},
    {"prereq nxdomain www.example.\n", "? www.example. 0 NONE ANY\n"},
    {"prereq yxrrset www.example. ANY\n", "? www.example. 0 ANY ANY\n"},
    {"prereq nxrrset www.example. ANY\n", "? www.example. 0 NONE ANY\n"},
    /* the short forms, in any case */
    {"ADD www.example. 60 a 192.0.2.1\nNXDOMAIN a.example.\ndel b.example.\n",
     "? a.example. 0 NONE ANY\n! www.example. 60 IN A 192.0.2.1\n! b.example. 0 ANY ANY\n"},
    /* the order is kept, and prerequisites go first */
    {"add b 1 A 192.0.2.2\nprereq nxdomain a\nadd a 1 A 192.0.2.1\nprereq yxdomain b\n",
     "? a.example. 0 NONE ANY\n? b.example. 0 ANY ANY\n"
     "! b.example. 1 IN A 192.0.2.2\n! a.example. 1 IN A 192.0.2.1\n"},
    /* owners: in the zone without a final dot, relative, the apex, wildcards, case kept */
    {"add www.example 60 A 192.0.2.1\n", "! www.example. 60 IN A 192.0.2.1\n"},
    {"add www 60 A 192.0.2.1\n", "! www.example. 60 IN A 192.0.2.1\n"},
    {"add example 60 A 192.0.2.1\n", "! example. 60 IN A 192.0.2.1\n"},
    {"add @ 60 A 192.0.2.1\n", "! example. 60 IN A 192.0.2.1\n"},
    {"add xexample 60 A 192.0.2.1\n", "! xexample.example. 60 IN A 192.0.2.1\n"},
    {"add *.W 60 A 192.0.2.1\n", "! *.W.example. 60 IN A 192.0.2.1\n"},
    {"add www.other. 60 A 192.0.2.1\n", "! www.other. 60 IN A 192.0.2.1\n"}, /* NOTZONE later */
    /* names in rdata are absolute, but for an origin */
    {"add a 60 CNAME www.example.net\n", "! a.example. 60 IN CNAME www.example.net.\n"},
    {"origin sub.example.\nadd a 60 CNAME b\nadd c.example. 60 MX 10 @\n",
     "! a.sub.example. 60 IN CNAME b.sub.example.\n! c.example. 60 IN MX 10 sub.example.\n"},
    /* TTLs */
    {"ttl 90\nadd a A 192.0.2.1\nadd b 60 A 192.0.2.1\n",
     "! a.example. 90 IN A 192.0.2.1\n! b.example. 60 IN A 192.0.2.1\n"},
    {"add a 1h A 192.0.2.1\n", "! a.example. 3600 IN A 192.0.2.1\n"},
    {"add a 2147483647 A 192.0.2.1\n", "! a.example. 2147483647 IN A 192.0.2.1\n"},
    /* rdata: quotes, comments, generic, empty, over lines */
    {"add a 60 TXT \"x; y\" z ; a comment\n; another\n", "! a.example. 60 IN TXT \"x; y\" \"z\"\n"},
    {"add a 60 TYPE65280 \\# 2 0102\n", "! a.example. 60 IN TYPE65280 \\# 2 0102\n"},
    {"add a 60 APL\n", "! a.example. 60 IN APL\n"},
    {"add a 60 TXT ( one\n two )\ndelete b\n",
     "! a.example. 60 IN TXT \"one\" \"two\"\n! b.example. 0 ANY ANY\n"},
    /* what else nsupdate knows */
    {"zone EXAMPLE\nclass IN\ndebug yes\nadd a 60 A 192.0.2.1\nshow\nsend\nanswer\n",
     "! a.example. 60 IN A 192.0.2.1\n"},
    {"add a 60 A 192.0.2.1\nquit\nno such command\n", "! a.example. 60 IN A 192.0.2.1\n"},
    {"add a 60 A 192.0.2.1\nsend\nadd b 60 A 192.0.2.1\n",
     "! a.example. 60 IN A 192.0.2.1\n! b.example. 60 IN A 192.0.2.1\n"},
    {"send\nprereq nxdomain a\n", "? a.example. 0 NONE ANY\n"},
    {"add a 60 A 192.0.2.1", "! a.example. 60 IN A 192.0.2.1\n"},
    {"\n \n\t\r\n; nothing\n", ""},
    {"", ""},
};

Test(nsupdate, makes_the_records_of_rfc_2136)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nsupdate n;
        struct diag diag = {0};
        char text[4096];
        cr_assert_eq(read_text(rows[i].text, &n, &diag), OK, "row %zu: %s", i, diag.text);
        show(&n, text, sizeof(text));
        cr_expect_str_eq(text, rows[i].records, "row %zu: %s", i, rows[i].text);
        cr_expect_leq(n.count, 1, "row %zu", i);
        nsupdate_done(&n);
    }
}

static const struct bad_row {
    const char *text, *sentence; /* a part of it */
} bad_rows[] = {
    {"bogus\n", "line 1: no such command: \"bogus\""},
    {"\n; x\nupdate change a\n", "line 3: no such update: \"change\""},
    {"update nxdomain a\n", "line 1: no such update"},
    {"prereq add a\n", "line 1: no such prerequisite"},
    {"update\n", "expected add or delete, found the end of the line"},
    {"\"add\" a\n", "found a quoted text"},
    {"add\n", "expected a name, found the end of the line"},
    {"add a..b 60 A 192.0.2.1\n", "empty label"},
    {"add a A 192.0.2.1\n", "expected a TTL"},
    {"add a 2147483648 A 192.0.2.1\n", "expected a TTL"},
    {"add a -1 A 192.0.2.1\n", "expected a TTL"},
    {"ttl x\n", "expected a TTL"},
    {"ttl 2147483648\n", "expected a TTL"},
    {"add a 60\n", "expected an RR type"},
    {"add a 60 CH A 192.0.2.1\n", "expected an RR type, found \"CH\""},
    {"add a 60 NOTYPE x\n", "expected an RR type, found \"NOTYPE\""},
    {"add a 60 ANY\n", "no zone has records of the type ANY"},
    {"add a 60 AXFR x\n", "no zone has records of the type AXFR"},
    {"delete a OPT x\n", "no zone has records of the type OPT"},
    {"delete a OPT\n", "no zone has records of the type OPT"},
    {"delete a 30 IN TSIG\n", "no zone has records of the type TSIG"},
    {"prereq yxrrset a TSIG\n", "no zone has records of the type TSIG"},
    {"prereq nxrrset a AXFR\n", "no zone has records of the type AXFR"},
    {"add a 60 A\n", "line 1: "},
    {"add a 60 A 192.0.2\n", "line 1: "},
    {"add a 60 A 192.0.2.1 more\n", "line 1: "},
    {"delete a A 192.0.2.1 more\n", "line 1: "},
    {"prereq nxdomain a A\n", "expected the end of the line, found \"A\""},
    {"prereq nxrrset a\n", "expected an RR type"},
    {"prereq nxrrset a A 192.0.2.1\n", "expected the end of the line"},
    {"prereq yxrrset a A 192.0.2\n", "line 1: "},
    {"zone example.net\n", "this is about the zone example."},
    {"zone\n", "expected a name"},
    {"class CH\n", "the class is IN here"},
    {"server 127.0.0.1\n", "\"server\" has no meaning here"},
    {"key k c2VjcmV0\n", "\"key\" has no meaning here"},
    {"local 127.0.0.1\n", "\"local\" has no meaning here"},
    {"gsstsig\n", "\"gsstsig\" has no meaning here"},
    {"add a 60 A 192.0.2.1\nsend\nprereq nxdomain b\n", "line 3: a prerequisite behind \"send\""},
    {"add a 60 TXT \"open\n", "line 1: "},
    {"add a 60 TXT ( open\n", "line 1: "},
    {"add a 60 TXT x )\n", "line 1: "},
    {"show \"open\n", "line 1: "},
};

Test(nsupdate, says_in_which_line_what_is_wrong)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
        struct nsupdate n;
        struct diag diag = {0};
        cr_expect_eq(read_text(bad_rows[i].text, &n, &diag), ERR_SYNTAX, "row %zu: %s", i,
                     bad_rows[i].text);
        cr_expect(strstr(diag.text, bad_rows[i].sentence), "row %zu: %s: %s", i, bad_rows[i].text,
                  diag.text);
        nsupdate_done(&n);
    }
}

Test(nsupdate, refuses_a_nul_byte)
{
    static const char text[] = "add a\0b 60 A 192.0.2.1\n";
    struct nsupdate_options options = {.zone = zone};
    struct nsupdate n;
    struct diag diag = {0};
    cr_assert_eq(nsupdate_read(text, sizeof(text) - 1, &options, &n, &diag), ERR_SYNTAX);
    nsupdate_done(&n);
}

/* `count` lines, each made from its number. */
static char *many(unsigned count, const char *fmt)
{
    char *text = mem_alloc((size_t)count * 80 + 1), *at = text;
    for (unsigned i = 0; i < count; i++)
        at += snprintf(at, 80, fmt, i);
    return text;
}

Test(nsupdate, cuts_long_texts_into_messages_that_keep_the_order)
{
    enum { COUNT = 10000 };
    char *text = many(COUNT, "add n%u 60 A 192.0.2.1\n");
    struct nsupdate n;
    struct diag diag = {0};
    unsigned seen = 0;
    cr_assert_eq(read_text(text, &n, &diag), OK, "%s", diag.text);
    cr_assert_eq(n.updates, COUNT);
    for (unsigned i = 0; i < n.count; i++) {
        struct message m;
        read_part(&n.part[i], &m);
        cr_assert_leq(n.part[i].updates, NSUPDATE_PART_RECORDS);
        struct rr_reader reader = rr_reader_of(&m, SECTION_AUTHORITY);
        uint8_t room[64];
        struct wr w = wr_over(room, sizeof(room));
        for (struct rr rr; rr_read(&reader, &w, &rr) == RR_READ_OK; seen++) {
            char want[32], name[NAME_TEXT_MAX];
            snprintf(want, sizeof(want), "n%u.example.", seen);
            cr_assert_str_eq(name_text(rr.owner, name), want);
            w = wr_over(room, sizeof(room));
        }
    }
    cr_assert_eq(seen, COUNT);
    nsupdate_done(&n);
    free(text);
}

Test(nsupdate, keeps_all_prerequisites_in_the_first_message)
{
    char *prereqs = many(1000, "prereq nxdomain p%u\n"),
         *adds = many(1000, "add n%u 60 A 192.0.2.1\n");
    size_t len = strlen(prereqs) + strlen(adds) + 1;
    char *text = mem_alloc(len);
    struct nsupdate n;
    struct diag diag = {0};
    snprintf(text, len, "%s%s", adds, prereqs);
    cr_assert_eq(read_text(text, &n, &diag), OK, "%s", diag.text);
    cr_assert_gt(n.count, 1);
    unsigned updates = 0;
    for (unsigned i = 0; i < n.count; i++) {
        struct message m;
        read_part(&n.part[i], &m);
        cr_assert_eq(n.part[i].prereqs, i == 0 ? 1000 : 0);
        updates += n.part[i].updates;
    }
    cr_assert_eq(updates, 1000);
    nsupdate_done(&n);
    free(text);
    free(prereqs);
    free(adds);
}

Test(nsupdate, refuses_prerequisites_that_fit_no_message)
{
    char *text = many(10000, "prereq nxdomain p%u\n");
    struct nsupdate n;
    struct diag diag = {0};
    cr_assert_eq(read_text(text, &n, &diag), ERR_LIMIT);
    cr_assert(strstr(diag.text, "the prerequisites do not fit one message"), "%s", diag.text);
    nsupdate_done(&n);
    free(text);
}

/* "add a 60 TYPE65280 \# LEN" and so many bytes */
static char *generic(unsigned len)
{
    char *text = mem_alloc(2 * (size_t)len + 64);
    int at = sprintf(text, "add a 60 TYPE65280 \\# %u ", len);
    memset(text + at, '0', 2 * (size_t)len);
    memcpy(text + at + 2 * (size_t)len, "\n", 2);
    return text;
}

Test(nsupdate, takes_a_record_as_long_as_a_message_and_none_longer)
{
    /* header, the zone section, the owner, the frame of a record */
    unsigned most = DNS_MESSAGE_MAX - DNS_HEADER_LEN - (sizeof(ZONE) + 4) - (2 + sizeof(ZONE)) - 10;
    for (unsigned more = 0; more < 2; more++) {
        char *text = generic(most + more);
        struct nsupdate n;
        struct diag diag = {0};
        cr_assert_eq(read_text(text, &n, &diag), more ? ERR_LIMIT : OK, "%s", diag.text);
        nsupdate_done(&n);
        free(text);
    }
}

Test(nsupdate, ends_when_nobody_waits_any_more)
{
    char *text = many(10000, "add n%u 60 A 192.0.2.1\n");
    atomic_bool is_canceled = true;
    struct nsupdate_options options = {.zone = zone, .is_canceled = &is_canceled};
    struct nsupdate n;
    cr_assert_eq(nsupdate_read(text, strlen(text), &options, &n, NULL), ERR_CANCELED);
    nsupdate_done(&n);
    free(text);
}

/* SPDX-License-Identifier: Apache-2.0
 * Incoming transfers: RFC 1995's own example, every rule of the grammar and of the messages by
 * hand, signed streams, limits, and random zones cut into messages anywhere. */
#include "in_util.h"

#define SOA(serial)  "@ SOA ns h " serial " 3600 900 1209600 300\n"

#define MESSAGES_MAX 5

/* --- what the records of a transfer may be --- */

static const struct row {
    const char *what;
    uint16_t qtype;
    uint32_t serial; /* ours */
    const char *message[MESSAGES_MAX];
    enum xfr_in_next next; /* at the last message; XFR_IN_MORE before it */
    const char *says;      /* BAD, REFUSED: a part of the sentence. WHOLE: the zone */
} rows[] = {
    /* RFC 5936 s2.2: the same SOA first and last */
    {"a zone in one message",
     TYPE_AXFR,
     0,
     {SOA("1") "@ NS ns\nns A 192.0.2.1\n" SOA("1")},
     XFR_IN_WHOLE,
     SOA("1") "@ NS ns\nns A 192.0.2.1\n"},
    {"one record a message",
     TYPE_AXFR,
     0,
     {SOA("1"), "@ NS ns\n", "ns A 192.0.2.1\n", SOA("1")},
     XFR_IN_WHOLE,
     SOA("1") "@ NS ns\nns A 192.0.2.1\n"},
    {"any order, names in turns",
     TYPE_AXFR,
     0,
     {SOA("1") "b TXT b\na TXT a\nb A 192.0.2.9\n", "z.a.b AAAA ::1\na TXT b\n@ NS ns\n",
      "b A 192.0.2.1\n" SOA("1")},
     XFR_IN_WHOLE,
     SOA("1") "@ NS ns\na TXT a\na TXT b\nb TXT b\nb A 192.0.2.1\nb A 192.0.2.9\nz.a.b AAAA ::1\n"},
    {"duplicates are ignored", /* s2.2 */
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\na TXT a\nb A 192.0.2.1\nA TXT a\n", SOA("1")},
     XFR_IN_WHOLE,
     SOA("1") "a TXT a\nb A 192.0.2.1\n"},
    {"occluded names and glue are data", /* s3.5 */
     TYPE_AXFR,
     0,
     {SOA("1") "cut NS ns.cut\nns.cut A 192.0.2.1\nd DNAME e\nx.d A 192.0.2.2\n" SOA("1")},
     XFR_IN_WHOLE,
     SOA("1") "cut NS ns.cut\nns.cut A 192.0.2.1\nd DNAME e\nx.d A 192.0.2.2\n"},
    {"NSEC3 alone", /* THREATS 36 */
     TYPE_AXFR,
     0,
     {SOA("1") "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv "
               "A\n" SOA("1")},
     XFR_IN_WHOLE,
     SOA("1") "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv "
              "A\n"},
    {"a SOA and nothing else", TYPE_AXFR, 0, {SOA("1") SOA("1")}, XFR_IN_WHOLE, SOA("1")},
    {"the closing SOA in another case",
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\n@ SOA NS H 1 3600 900 1209600 300\n"},
     XFR_IN_WHOLE,
     SOA("1") "a TXT a\n"},
    {"a first message with the SOA alone", TYPE_AXFR, 0, {SOA("1")}, XFR_IN_MORE, NULL},
    {"a zone that does not end",
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\n", "b TXT b\n"},
     XFR_IN_MORE,
     NULL},
    {"no SOA first", TYPE_AXFR, 0, {"a TXT a\n" SOA("1")}, XFR_IN_BAD, "first record"},
    {"another SOA at the end",
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\n" SOA("2")},
     XFR_IN_BAD,
     "not the first one"},
    {"a SOA that differs in a timer",
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\n@ SOA ns h 1 3601 900 1209600 300\n"},
     XFR_IN_BAD,
     "not the first one"},
    {"a SOA in the middle",
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\n" SOA("1") "b TXT b\n" SOA("1")},
     XFR_IN_BAD,
     "behind the SOA"},
    {"the SOA twice at the beginning",
     TYPE_AXFR,
     0,
     {SOA("1") SOA("1") "a TXT a\n" SOA("1")},
     XFR_IN_BAD,
     "behind the SOA"},
    {"differences where a zone was asked for",
     TYPE_AXFR,
     0,
     {SOA("2") SOA("1") "a TXT a\n" SOA("2") SOA("2")},
     XFR_IN_BAD,
     "not the first one"},
    {"a SOA below the apex",
     TYPE_AXFR,
     0,
     {SOA("1") "www SOA ns h 1 3600 900 1209600 300\n" SOA("1")},
     XFR_IN_BAD,
     "not at the apex"},
    {"out of the zone",
     TYPE_AXFR,
     0,
     {SOA("1") "a TXT a\nwww.other. TXT x\n" SOA("1")},
     XFR_IN_BAD,
     "www.other. TXT is out of the zone"},
    {"out of the zone by a label's middle",
     TYPE_AXFR,
     0,
     {SOA("1") "xexample. TXT x\n" SOA("1")},
     XFR_IN_BAD,
     "out of the zone"},
    {"above the zone",
     TYPE_AXFR,
     0,
     {SOA("1") ". NS ns\n" SOA("1")},
     XFR_IN_BAD,
     "out of the zone"},
    {"the first SOA is another zone's",
     TYPE_AXFR,
     0,
     {"other. SOA ns h 1 3600 900 1209600 300\n"},
     XFR_IN_BAD,
     "out of the zone"},

    /* RFC 1995 s4 */
    {"IXFR answered with a zone",
     TYPE_IXFR,
     1,
     {SOA("2") "a TXT a\n", "b TXT b\n" SOA("2")},
     XFR_IN_WHOLE,
     SOA("2") "a TXT a\nb TXT b\n"},
    {"IXFR answered with a zone that is a SOA",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("2")},
     XFR_IN_WHOLE,
     SOA("2")},
    {"up to date", TYPE_IXFR, 2, {SOA("2")}, XFR_IN_CURRENT, NULL},
    {"the primary is behind", TYPE_IXFR, 2, {SOA("1")}, XFR_IN_CURRENT, NULL},
    {"the primary is behind, over the wrap",
     TYPE_IXFR,
     5,
     {SOA("4294967295")},
     XFR_IN_CURRENT,
     NULL},
    {"as far ahead as behind", TYPE_IXFR, 0, {SOA("2147483648")}, XFR_IN_CURRENT, NULL},
    {"behind, and says it with a zone",
     TYPE_IXFR,
     2,
     {SOA("1") "a TXT a\n" SOA("1")},
     XFR_IN_CURRENT,
     NULL},
    {"ahead, and nothing else yet", TYPE_IXFR, 1, {SOA("2")}, XFR_IN_MORE, NULL},
    {"a zone behind a SOA alone", /* as PowerDNS sends it */
     TYPE_IXFR,
     1,
     {SOA("2"), "a TXT a\n", SOA("2")},
     XFR_IN_WHOLE,
     SOA("2") "a TXT a\n"},
    {"a step behind a SOA alone",
     TYPE_IXFR,
     1,
     {SOA("2"), SOA("1") "a TXT a\n" SOA("2") "b TXT b\n" SOA("2")},
     XFR_IN_STEPS,
     NULL},
    {"one step",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") "a TXT a\n" SOA("2") "b TXT b\n" SOA("2")},
     XFR_IN_STEPS,
     NULL},
    {"one step, one record a message but for the first",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1"), "a TXT a\n", SOA("2"), "b TXT b\n", SOA("2")},
     XFR_IN_STEPS,
     NULL},
    {"a step that changes the SOA alone",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") SOA("2") SOA("2")},
     XFR_IN_STEPS,
     NULL},
    {"three steps over the wrap",
     TYPE_IXFR,
     4294967294u,
     {SOA("1") SOA("4294967294") "a TXT a\n" SOA("4294967295") "a TXT b\n" SOA("4294967295")
          SOA("0") "c TXT c\n",
      SOA("0") "c TXT c\n" SOA("1") SOA("1")},
     XFR_IN_STEPS,
     NULL},
    {"differences that do not end",
     TYPE_IXFR,
     1,
     {SOA("3") SOA("1") SOA("2") "a TXT a\n"},
     XFR_IN_MORE,
     NULL},
    {"differences from another serial",
     TYPE_IXFR,
     1,
     {SOA("4") SOA("2") SOA("4") SOA("4")},
     XFR_IN_BAD,
     "from serial 2, ours is 1"},
    {"steps with a gap",
     TYPE_IXFR,
     1,
     {SOA("5") SOA("1") SOA("2") SOA("3") SOA("5") SOA("5")},
     XFR_IN_BAD,
     "from serial 3 behind those to 2"},
    {"a step back",
     TYPE_IXFR,
     2,
     {SOA("5") SOA("2") SOA("1") SOA("1") SOA("5") SOA("5")},
     XFR_IN_BAD,
     "which is not ahead"},
    {"a step on the spot", TYPE_IXFR, 2, {SOA("5") SOA("2") SOA("2")}, XFR_IN_BAD, "not ahead"},
    {"steps beyond the newest serial",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") SOA("3") SOA("2")},
     XFR_IN_BAD,
     "behind those to 3"},
    {"the newest SOA before the steps are there",
     TYPE_IXFR,
     1,
     {SOA("3") SOA("1") "a TXT a\n" SOA("2") "b TXT b\n" SOA("3")},
     XFR_IN_BAD,
     "from serial 3 behind those to 2"},
    {"another SOA at the end of the steps",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") SOA("2") "@ SOA ns h 2 1 1 1 1\n"},
     XFR_IN_BAD,
     "not the first one"},
    {"steps that lead to another SOA",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") "@ SOA ns h 2 1 1 1 1\n" SOA("2")},
     XFR_IN_BAD,
     "another SOA"},
    {"records behind the steps",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") SOA("2") SOA("2") "a TXT a\n"},
     XFR_IN_BAD,
     "behind the SOA"},
    {"out of the zone in a step",
     TYPE_IXFR,
     1,
     {SOA("2") SOA("1") "a.other. TXT a\n" SOA("2") SOA("2")},
     XFR_IN_BAD,
     "out of the zone"},
    {"an answer without records", TYPE_IXFR, 1, {""}, XFR_IN_REFUSED, "without records"},
    {"an answer without records to AXFR", TYPE_AXFR, 1, {""}, XFR_IN_REFUSED, "without records"},
};

static void expect_zone(struct xfr_in *x, const char *text, const char *what)
{
    struct zone *z = xfr_in_zone(x), *want = zone_from_text(ZONE, text);
    cr_assert(z->published == z->tip && z->published->soa.count == 1, "%s", what);
    expect_same_bytes(z->published, want->published);
    zone_free(z);
    zone_free(want);
}

static void expect_row(const struct row *r)
{
    static struct made m;
    struct xfr_in *x = start(r->qtype, r->serial);
    struct diag diag;
    for (unsigned i = 0; i < MESSAGES_MAX && r->message[i]; i++) {
        /* only the first has the question (RFC 5936 s2.2.2) */
        struct made_head head = head_of(i == 0 ? r->qtype : 0);
        bool is_last = i + 1 == MESSAGES_MAX || !r->message[i + 1];
        make(&m, &head, r->message[i]);
        enum xfr_in_next next = give(x, &m, &diag);
        cr_assert_eq(next, is_last ? r->next : XFR_IN_MORE, "%s, message %u: %d %s", r->what, i,
                     next, diag.text);
    }
    if (r->next == XFR_IN_BAD || r->next == XFR_IN_REFUSED)
        cr_assert(strstr(diag.text, r->says), "%s: %s", r->what, diag.text);
    if (r->next == XFR_IN_REFUSED)
        cr_assert_eq(xfr_in_rcode(x), NOERROR, "%s", r->what);
    if (r->next == XFR_IN_WHOLE)
        expect_zone(x, r->says, r->what);
    xfr_in_free(x);
}

Test(xfr_in, records_are_a_grammar)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(&rows[i]);
}

/* --- RFC 1995 s7 --- */

#define JAIN             "jain.ad.jp."
#define JAIN_SOA(serial) JAIN " SOA ns." JAIN " mohta." JAIN " " serial " 600 600 3600000 604800\n"
#define JAIN_NS          JAIN " NS ns." JAIN "\nns." JAIN " A 133.69.136.1\n"
#define JAIN_1           "$TTL 300\n" JAIN_SOA("1") JAIN_NS "nezu." JAIN " A 133.69.136.5\n"
#define JAIN_3                                                                          \
    "$TTL 300\n" JAIN_SOA("3") JAIN_NS "jain-bb." JAIN " A 133.69.136.3\njain-bb." JAIN \
                                       " A 192.41.197.2\n"

static const char *const jain_answers[] = {
    JAIN_3 JAIN_SOA("3"),
    JAIN_SOA("3") JAIN_SOA("1") "nezu." JAIN " A 133.69.136.5\n" JAIN_SOA(
        "2") "jain-bb." JAIN " A 133.69.136.4\njain-bb." JAIN
             " A 192.41.197.2\n" JAIN_SOA("2") "jain-bb." JAIN " A 133.69.136.4\n" JAIN_SOA(
                 "3") "jain-bb." JAIN " A 133.69.136.3\n" JAIN_SOA("3"),
    JAIN_SOA("3") JAIN_SOA("1") "nezu." JAIN " A 133.69.136.5\n" JAIN_SOA(
        "3") "jain-bb." JAIN " A 133.69.136.3\njain-bb." JAIN " A 192.41.197.2\n" JAIN_SOA("3"),
};

static struct zone *jain_applied(struct xfr_in *x, unsigned steps)
{
    struct zone *z = zone_from_text(JAIN, JAIN_1);
    struct xfr_steps row = xfr_in_steps(x);
    struct diag diag = {0};
    cr_assert_eq(row.count, steps);
    for (unsigned i = 0; i < row.count; i++) {
        const struct diff *d = &row.at[i]->diff;
        struct diff_bytes bytes = {d->bytes, d->len, d->added_at};
        struct txn *t = txn_begin(z, TXN_CHANGE);
        struct diff made;
        cr_assert_eq(txn_apply(t, &bytes, &diag), OK, "%s", diag.text);
        zone_publish(z, txn_seal(&t, &made));
        /* what the zone says of the change is what came */
        cr_assert(made.len == d->len && made.added_at == d->added_at &&
                  memcmp(made.bytes, d->bytes, d->len) == 0);
        cr_assert_eq(made.removed_count, d->removed_count);
        cr_assert_eq(made.added_count, d->added_count);
        cr_assert(made.serial_from == d->serial_from && made.serial_to == d->serial_to);
        diff_done(&made);
    }
    xfr_steps_done(&row);
    return z;
}

Test(xfr_in, takes_the_answers_of_rfc_1995_s7)
{
    static struct made m;
    static const unsigned steps[] = {0, 2, 1};
    struct name_buf apex = name_from(JAIN);
    struct zone *want = zone_from_text(JAIN, JAIN_3);
    for (unsigned i = 0; i < ARRAY_LEN(jain_answers); i++) {
        struct tsig_session none = {0};
        struct xfr_in_order order = {name_of(&apex), ID, TYPE_IXFR, 1, {0}};
        struct xfr_in *x = xfr_in_new(&order, &none);
        struct made_head head = {JAIN, ID, FLAG_QR | FLAG_AA, TYPE_IXFR};
        struct diag diag;
        make(&m, &head, jain_answers[i]);
        cr_assert_eq(give(x, &m, &diag), steps[i] ? XFR_IN_STEPS : XFR_IN_WHOLE, "%s", diag.text);
        cr_assert_eq(xfr_in_serial(x), 3);
        struct zone *z = steps[i] ? jain_applied(x, steps[i]) : xfr_in_zone(x);
        expect_same_bytes(z->published, want->published);
        zone_free(z);
        xfr_in_free(x);
    }
    zone_free(want);
}

/* --- what a message may be --- */

static const struct head_row {
    const char *what;
    struct made_head head;
    enum xfr_in_next first, later; /* as the first message of a transfer, and as the second */
    const char *says;
    enum rcode rcode;
} head_rows[] = {
    {"as it should be", {ZONE, ID, FLAG_QR | FLAG_AA, TYPE_AXFR}, XFR_IN_MORE, XFR_IN_MORE, "", 0},
    {"not authoritative, all else set", /* RFC 5936 s2.2.1: ignored */
     {ZONE, ID, FLAG_QR | FLAG_RD | FLAG_RA | 0x40 | FLAG_AD | FLAG_CD, TYPE_AXFR},
     XFR_IN_MORE,
     XFR_IN_MORE,
     "",
     0},
    {"without the question", {ZONE, ID, FLAG_QR, 0}, XFR_IN_BAD, XFR_IN_MORE, "no question", 0},
    {"another type asked",
     {ZONE, ID, FLAG_QR, TYPE_IXFR},
     XFR_IN_BAD,
     XFR_IN_BAD,
     "another question",
     0},
    {"another class asked",
     {ZONE, ID, FLAG_QR, TYPE_AXFR, CLASS_CH},
     XFR_IN_BAD,
     XFR_IN_BAD,
     "another question",
     0},
    {"another id",
     {ZONE, ID + 1, FLAG_QR, TYPE_AXFR},
     XFR_IN_BAD,
     XFR_IN_BAD,
     "message id 4712",
     0},
    {"no answer", {ZONE, ID, 0, TYPE_AXFR}, XFR_IN_BAD, XFR_IN_BAD, "not an answer", 0},
    {"another opcode",
     {ZONE, ID, FLAG_QR | 4 << 11, TYPE_AXFR},
     XFR_IN_BAD,
     XFR_IN_BAD,
     "not an answer",
     0},
    {"truncated", {ZONE, ID, FLAG_QR | FLAG_TC, TYPE_AXFR}, XFR_IN_BAD, XFR_IN_BAD, "truncated", 0},
    {"refused",
     {ZONE, ID, FLAG_QR | REFUSED, TYPE_AXFR},
     XFR_IN_REFUSED,
     XFR_IN_REFUSED,
     "answered REFUSED",
     REFUSED},
    {"refused, no question",
     {ZONE, ID, FLAG_QR | NOTIMP, 0},
     XFR_IN_REFUSED,
     XFR_IN_REFUSED,
     "answered NOTIMP",
     NOTIMP},
};

static void expect_head(const struct head_row *r, bool is_first)
{
    static struct made m;
    struct xfr_in *x = start(TYPE_AXFR, 0);
    struct diag diag;
    if (!is_first) {
        struct made_head good = head_of(TYPE_AXFR);
        make(&m, &good, SOA("1") "a TXT a\n");
        cr_assert_eq(give(x, &m, &diag), XFR_IN_MORE);
    }
    make(&m, &r->head, is_first ? SOA("1") : "b TXT b\n");
    enum xfr_in_next want = is_first ? r->first : r->later, next = give(x, &m, &diag);
    cr_assert_eq(next, want, "%s: %d %s", r->what, next, diag.text);
    if (want != XFR_IN_MORE)
        cr_assert(strstr(diag.text, r->says), "%s: %s", r->what, diag.text);
    cr_assert_eq(xfr_in_rcode(x), r->rcode, "%s", r->what);
    cr_assert_eq(xfr_in_wants_plain(x), is_first && r->rcode == NOTIMP, "%s", r->what);
    xfr_in_free(x);
}

Test(xfr_in, every_message_is_checked)
{
    for (size_t i = 0; i < ARRAY_LEN(head_rows); i++) {
        expect_head(&head_rows[i], true);
        expect_head(&head_rows[i], false);
    }
}

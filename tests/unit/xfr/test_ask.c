/* SPDX-License-Identifier: Apache-2.0
 * xfr/ask: questions byte for byte as the RFCs have them, and what of an answer is believed. */
#include "xfr/ask.h"

#include "base/attr.h"
#include "base/digits.h"
#include "unit.h"

#define NOW (1700000000LL * 1000000)

static const uint8_t ZONE[] = "\7EXample\3net";
static const uint8_t SOA[] =
    "\2ns\7EXample\3net\0\5admin\0\0\0\0\x07\0\0\x0e\x10\0\0\3\x84\0\x12\x75\0\0\0\1\x2c";
static const struct rdata soa = {SOA, sizeof(SOA) - 1};

static struct name zone(void)
{
    return (struct name){ZONE, sizeof(ZONE)};
}

static struct keyring *ring_of(const char *secret)
{
    static const uint8_t key_name[] = "\1k";
    struct keyring *ring = keyring_new();
    struct tsig_secret s = {(const uint8_t *)secret, strlen(secret), 0};
    struct diag diag = {0};
    cr_assert_eq(
        keyring_add(ring, (struct name){key_name, sizeof(key_name)}, "hmac-sha256", &s, 1, &diag),
        OK, "%s", diag.text);
    return ring;
}

/* --- questions --- */

#define QNAME "0745586d616d706c65036e657400"
#define QUESTION \
    "07455861"   \
    "6d706c65036e657400"
/* its owner points to the question, and so do its names' ends */
#define SOA_RR                                         \
    "c00c000600010000012c0020026e73c00c0561646d696e00" \
    "0000000700000e100000038400127500"                 \
    "0000012c"

static const struct ask_row {
    enum xfr_ask_kind kind;
    bool has_soa, wants_expire;
    const char *hex;
} ask_rows[] = {
    {XFR_ASK_SOA, false, false, "abcd00000001000000000000" QUESTION "00060001"},
    /* RFC 7314 s2: OPT with option 9, empty */
    {XFR_ASK_SOA, false, true,
     "abcd00000001000000000001" QUESTION "00060001"
     "00002904d0000000000004"
     "00090000"},
    {XFR_ASK_AXFR, false, false, "abcd00000001000000000000" QUESTION "00fc0001"},
    /* RFC 1995 s3: our SOA in authority */
    {XFR_ASK_IXFR, true, false, "abcd00000001000000010000" QUESTION "00fb0001" SOA_RR},
    /* RFC 1996 s4.5 and s3.7: opcode 4, AA, the new SOA in answer */
    {XFR_ASK_NOTIFY, true, false, "abcd24000001000100000000" QUESTION "00060001" SOA_RR},
    {XFR_ASK_NOTIFY, false, false, "abcd24000001000000000000" QUESTION "00060001"},
};

static struct xfr_ask ask_of(enum xfr_ask_kind kind)
{
    return (struct xfr_ask){.kind = kind, .zone = zone(), .id = 0xabcd};
}

/* As it is sent. */
static size_t write_signed(const struct xfr_ask *ask, struct tsig_session *tsig,
                           uint8_t out[XFR_ASK_MAX])
{
    size_t len = xfr_ask_write(ask, tsig, out);
    tsig_sign(tsig, out, &len, NOW);
    return len;
}

Test(ask, questions_are_as_the_rfcs_have_them)
{
    for (size_t i = 0; i < ARRAY_LEN(ask_rows); i++) {
        const struct ask_row *row = &ask_rows[i];
        uint8_t out[XFR_ASK_MAX], expected[512];
        struct wr w = wr_over(expected, sizeof(expected));
        cr_assert(base16_scan(row->hex, strlen(row->hex), &w), "row %zu", i);
        struct tsig_session tsig = {0};
        struct xfr_ask ask = ask_of(row->kind);
        ask.soa_ttl = 300;
        ask.wants_expire = row->wants_expire;
        if (row->has_soa)
            ask.soa = soa;
        size_t len = write_signed(&ask, &tsig, out);
        cr_expect_arr_eq(out, expected, wr_len(&w), "row %zu", i);
        cr_expect_eq(len, wr_len(&w), "row %zu: %zu", i, len);
        cr_expect_not(tsig.is_signed);
    }
}

Test(ask, the_longest_fits)
{
    uint8_t longest[NAME_LEN_MAX], rdata[2 * NAME_LEN_MAX + 20] = {0}, out[XFR_ASK_MAX];
    for (int i = 0; i < NAME_LEN_MAX - 1; i += 2) {
        longest[i] = 1;
        longest[i + 1] = (uint8_t)('a' + i / 2 % 26);
    }
    longest[NAME_LEN_MAX - 1] = 0;
    memcpy(rdata, longest, sizeof(longest));
    memcpy(rdata + NAME_LEN_MAX, longest, sizeof(longest));
    rdata[1] = 'x';
    rdata[NAME_LEN_MAX + 1] = 'y';
    struct keyring *ring = keyring_new();
    struct tsig_secret secret = {(const uint8_t *)"secret", 6, 0};
    struct name name = {longest, NAME_LEN_MAX};
    cr_assert_eq(keyring_add(ring, name, "hmac-sha512", &secret, 1, NULL), OK);
    struct tsig_session tsig = {0};
    struct xfr_ask ask = {.kind = XFR_ASK_IXFR, .zone = name, .wants_expire = true};
    ask.soa = (struct rdata){rdata, sizeof(rdata)};
    ask.key = keyring_find(ring, name);
    struct message m;
    size_t len = write_signed(&ask, &tsig, out);
    cr_assert(message_read_header(&m, out, len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_expect(m.tsig_at && m.opt_at && m.count[SECTION_AUTHORITY] == 1);
    tsig_session_done(&tsig);
    keyring_free(ring);
}

/* What is signed verifies on the other side. */
Test(ask, a_question_with_a_key_is_signed)
{
    uint8_t out[XFR_ASK_MAX];
    struct keyring *ring = ring_of("secret");
    struct tsig_session tsig = {0}, other = {0};
    struct xfr_ask ask = ask_of(XFR_ASK_NOTIFY);
    ask.key = keyring_at(ring, 0);
    size_t len = write_signed(&ask, &tsig, out);
    struct message m;
    cr_assert(message_read_header(&m, out, len) && message_read(&m) == NOERROR);
    cr_expect_eq(tsig_verify(&other, ring, &m, NOW), NOERROR);
    cr_expect(other.key);
    tsig_session_done(&tsig);
    tsig_session_done(&other);
    keyring_free(ring);
}

/* --- answers --- */

#define ANSWER(flags, counts) "abcd" flags counts QUESTION "00060001"
#define OPT(rcode, len)       "00002904d0" rcode "000000" len

static const struct reply_row {
    const char *what;
    enum xfr_ask_kind kind;
    enum xfr_reply_kind udp, tcp;
    enum rcode rcode;
    uint32_t serial;
    int64_t expire; /* -1: none */
    const char *hex;
} reply_rows[] = {
    {"a SOA", XFR_ASK_SOA, XFR_REPLY_OK, XFR_REPLY_OK, NOERROR, 7, -1,
     ANSWER("8400", "0001000100000000") SOA_RR},
    {"with EXPIRE", XFR_ASK_SOA, XFR_REPLY_OK, XFR_REPLY_OK, NOERROR, 7, 0x00012345,
     ANSWER("8400", "0001000100000001") SOA_RR OPT("00", "0008") "0009000400012345"},
    {"with an empty EXPIRE, and another option", XFR_ASK_SOA, XFR_REPLY_OK, XFR_REPLY_OK, NOERROR,
     7, -1, ANSWER("8400", "0001000100000001") SOA_RR OPT("00", "0009") "000900000003000141"},
    {"the question in other case", XFR_ASK_SOA, XFR_REPLY_OK, XFR_REPLY_OK, NOERROR, 7, -1,
     "abcd84000001000100000000"
     "076578414d706c65034e657400"
     "00060001" SOA_RR},
    {"another id", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     "abce84000001000100000000" QUESTION "00060001" SOA_RR},
    {"a question", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("0400", "0001000100000000") SOA_RR},
    {"another opcode", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("a400", "0001000100000000") SOA_RR},
    {"another name", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     "abcd84000001000100000000"
     "076578616d706c65036e657800"
     "00060001" SOA_RR},
    {"another type", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     "abcd84000001000100000000" QUESTION "00020001" SOA_RR},
    {"another class", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     "abcd84000001000100000000" QUESTION "00060003" SOA_RR},
    {"no question", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     "abcd84000000000000000000"},
    {"no question, but an error", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, FORMERR, 0, -1,
     "abcd80010000000000000000"},
    {"cut in the middle", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8400", "0001000100000000") "c00c0006"},
    {"three bytes", XFR_ASK_SOA, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, NOERROR, 0, -1, "abcd84"},
    {"TC", XFR_ASK_SOA, XFR_REPLY_TRUNCATED, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8600", "0001000000000000")},
    {"not authoritative", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8000", "0001000100000000") SOA_RR},
    {"no SOA", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8400", "0001000000000000")},
    {"two SOA", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8400", "0001000200000000") SOA_RR SOA_RR},
    {"a SOA of another zone", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8400", "0001000100000000") "00000600010000012c0016000000000007000000010000000100000001"
                                        "00000001"},
    {"a SOA of another class", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOERROR, 0, -1,
     ANSWER("8400", "0001000100000000") "c00c000600030000012c0020026e73c00c0561646d696e00"
                                        "0000000700000e100000038400127500"
                                        "0000012c"},
    {"a SOA in authority: a referral", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOERROR,
     0, -1, ANSWER("8400", "0001000000010000") SOA_RR},
    {"SERVFAIL", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, SERVFAIL, 0, -1,
     ANSWER("8002", "0001000000000000")},
    {"BADVERS", XFR_ASK_SOA, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, BADVERS, 0, -1,
     ANSWER("8000", "0001000000000001") "00002904d0"
                                        "01000000"
                                        "0000"},
    {"NOTIFY answered", XFR_ASK_NOTIFY, XFR_REPLY_OK, XFR_REPLY_OK, NOERROR, 0, -1,
     ANSWER("a400", "0001000000000000")},
    {"NOTIFY not authoritative here", XFR_ASK_NOTIFY, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOTAUTH,
     0, -1, ANSWER("a009", "0001000000000000")},
    {"NOTIFY not known", XFR_ASK_NOTIFY, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, NOTIMP, 0, -1,
     "abcda0040000000000000000"},
};

static void check_row(const struct reply_row *row, enum transport transport)
{
    uint8_t bytes[512];
    struct wr w = wr_over(bytes, sizeof(bytes));
    cr_assert(base16_scan(row->hex, strlen(row->hex), &w), "%s", row->what);
    struct xfr_ask ask = ask_of(row->kind);
    struct tsig_session tsig = {0};
    struct xfr_reply reply;
    struct diag diag = {0};
    ask.transport = transport;
    xfr_reply_read(&ask, &tsig, bytes, wr_len(&w), NOW, &reply, &diag);
    enum xfr_reply_kind wanted = transport == TRANSPORT_UDP ? row->udp : row->tcp;
    cr_expect_eq(reply.kind, wanted, "%s: %d %s", row->what, reply.kind, diag.text);
    cr_expect_eq(reply.rcode, row->rcode, "%s: %d", row->what, reply.rcode);
    cr_expect_eq(diag.text[0] != 0, wanted == XFR_REPLY_REFUSED, "%s: %s", row->what, diag.text);
    if (reply.kind != XFR_REPLY_OK)
        return;
    cr_expect_eq(reply.serial, row->serial, "%s", row->what);
    cr_expect_eq(reply.has_expire, row->expire >= 0, "%s", row->what);
    cr_expect(!reply.has_expire || reply.expire == row->expire, "%s", row->what);
}

Test(ask, of_an_answer_is_believed_what_the_rfcs_say)
{
    for (size_t i = 0; i < ARRAY_LEN(reply_rows); i++) {
        check_row(&reply_rows[i], TRANSPORT_UDP);
        check_row(&reply_rows[i], TRANSPORT_TCP);
    }
}

/* RFC 6891 s7: who knows EDNS has an OPT in whatever it answers. */
static const struct plain_row {
    const char *what, *hex;
    bool wants_plain;
} plain_rows[] = {
    {"FORMERR", ANSWER("8001", "0001000000000000"), true},
    {"FORMERR and nothing else", "abcd80010000000000000000", true},
    {"FORMERR with OPT", ANSWER("8001", "0001000000000001") OPT("00", "0000"), false},
    {"NOTIMP", ANSWER("8004", "0001000000000000"), true},
    {"BADVERS", ANSWER("8000", "0001000000000001") OPT("01", "0000"), true},
    {"SERVFAIL", ANSWER("8002", "0001000000000000"), false},
    {"REFUSED", ANSWER("8005", "0001000000000000"), false},
    {"a SOA", ANSWER("8400", "0001000100000000") SOA_RR, false},
    {"FORMERR to another question", "abce80010000000000000000", false},
};

Test(ask, it_is_seen_who_knows_no_edns)
{
    for (size_t i = 0; i < ARRAY_LEN(plain_rows); i++) {
        const struct plain_row *row = &plain_rows[i];
        uint8_t bytes[512];
        struct wr w = wr_over(bytes, sizeof(bytes));
        struct xfr_ask ask = ask_of(XFR_ASK_SOA);
        struct tsig_session tsig = {0};
        struct xfr_reply reply;
        struct diag diag = {0};
        cr_assert(base16_scan(row->hex, strlen(row->hex), &w), "%s", row->what);
        xfr_reply_read(&ask, &tsig, bytes, wr_len(&w), NOW, &reply, &diag);
        cr_expect_eq(reply.wants_plain, row->wants_plain, "%s", row->what);
    }
}

/* --- signed answers --- */

enum how { SIGNED, UNSIGNED, OTHER_SECRET, CHANGED, LATE, WRONG_KEY_SAID, BADTIME_SAID };

static const struct signed_row {
    enum how how;
    enum xfr_reply_kind udp, tcp;
    const char *sentence;
} signed_rows[] = {
    /* RFC 8945 s5.4: what does not verify is waited out, where others may send it */
    {SIGNED, XFR_REPLY_OK, XFR_REPLY_OK, ""},
    {UNSIGNED, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, "not signed"},
    {OTHER_SECRET, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, "BADSIG"},
    {CHANGED, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, "BADSIG"},
    {LATE, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, "another time"},
    {WRONG_KEY_SAID, XFR_REPLY_FOREIGN, XFR_REPLY_REFUSED, "BADKEY"},
    {BADTIME_SAID, XFR_REPLY_REFUSED, XFR_REPLY_REFUSED, "1000 s ahead"}, /* s5.4.3 */
};

/* The other side: verifies the question with its ring, and answers with NOERROR or what that
 * said. */
static size_t answer(const uint8_t *question, size_t len, const struct keyring *ring, enum how how,
                     uint8_t *out)
{
    struct message m;
    struct tsig_session tsig = {0};
    int64_t now = how == BADTIME_SAID ? NOW + 1000LL * 1000000 : NOW;
    cr_assert(message_read_header(&m, question, len) && message_read(&m) == NOERROR);
    enum rcode rc = tsig_verify(&tsig, ring, &m, now);
    struct build b;
    build_init(&b, out, XFR_ASK_MAX);
    cr_assert(build_question(&b, m.qname, m.qtype, m.qclass));
    build_header(&b, m.id, (uint16_t)(FLAG_QR | FLAG_AA | OPCODE_NOTIFY << 11 | rc));
    len = b.len;
    if (how != UNSIGNED)
        tsig_sign(&tsig, out, &len, now);
    if (how == CHANGED)
        out[13] ^= 0x20;
    tsig_session_done(&tsig);
    return len;
}

Test(ask, an_answer_to_what_was_signed_is_believed_when_it_is_signed)
{
    struct keyring *ring = ring_of("secret"), *other = ring_of("another"), *none = keyring_new();
    for (size_t i = 0; i < 2 * ARRAY_LEN(signed_rows); i++) {
        const struct signed_row *row = &signed_rows[i / 2];
        uint8_t question[XFR_ASK_MAX], bytes[XFR_ASK_MAX];
        struct tsig_session tsig = {0};
        struct xfr_ask ask = ask_of(XFR_ASK_NOTIFY);
        struct xfr_reply reply;
        struct diag diag = {0};
        ask.key = keyring_at(ring, 0);
        ask.transport = i % 2 ? TRANSPORT_TCP : TRANSPORT_UDP;
        size_t len = write_signed(&ask, &tsig, question);
        const struct keyring *theirs = row->how == OTHER_SECRET     ? other
                                       : row->how == WRONG_KEY_SAID ? none
                                                                    : ring;
        len = answer(question, len, theirs, row->how, bytes);
        int64_t now = row->how == LATE ? NOW + 1000LL * 1000000 : NOW;
        xfr_reply_read(&ask, &tsig, bytes, len, now, &reply, &diag);
        cr_expect_eq(reply.kind, i % 2 ? row->tcp : row->udp, "row %zu: %d %s", i, reply.kind,
                     diag.text);
        cr_expect(strstr(diag.text, row->sentence), "row %zu: %s", i, diag.text);
        cr_expect_not(reply.wants_plain, "row %zu", i);
        /* what was waited out does not keep the true one from being believed */
        len = answer(question, write_signed(&ask, &tsig, question), ring, SIGNED, bytes);
        xfr_reply_read(&ask, &tsig, bytes, len, NOW, &reply, &diag);
        cr_expect_eq(reply.kind, XFR_REPLY_OK, "row %zu", i);
        tsig_session_done(&tsig);
    }
    keyring_free(ring);
    keyring_free(other);
    keyring_free(none);
}

Test(ask, a_signature_that_nobody_asked_for_is_not_trusted)
{
    uint8_t question[XFR_ASK_MAX], bytes[XFR_ASK_MAX];
    struct keyring *ring = ring_of("secret");
    struct tsig_session tsig = {0}, none = {0};
    struct xfr_ask ask = ask_of(XFR_ASK_NOTIFY);
    struct xfr_reply reply;
    struct diag diag = {0};
    ask.key = keyring_at(ring, 0);
    size_t len = answer(question, write_signed(&ask, &tsig, question), ring, SIGNED, bytes);
    ask.key = NULL;
    xfr_reply_read(&ask, &none, bytes, len, NOW, &reply, &diag);
    cr_expect_eq(reply.kind, XFR_REPLY_FOREIGN);
    tsig_session_done(&tsig);
    keyring_free(ring);
}

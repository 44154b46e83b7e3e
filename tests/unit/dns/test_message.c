/* SPDX-License-Identifier: Apache-2.0
 * dns/message: what is a message and what is not (RFC 1035 s4, RFC 6891 s6.1, RFC 8945 s5.1, RFC
 * 9619). */
#include <string.h>

#include "base/attr.h"
#include "base/digits.h"
#include "dns/message.h"
#include "dns/print.h"
#include "unit.h"

/* Hex digits, with blanks where one likes. */
static size_t bytes_of(const char *hex, uint8_t *out, size_t cap)
{
    struct wr w = wr_over(out, cap);
    for (const char *s = hex; *s;) {
        size_t len = strcspn(s, " ");
        cr_assert(base16_scan(s, len, &w), "hex: %s", s);
        s += len + strspn(s + len, " ");
    }
    return wr_len(&w);
}

#define HEADER(qd, an, ns, ar) "1234 0000 " qd " " an " " ns " " ar " "
#define HEAD_Q                 HEADER("0001", "0000", "0000", "0000")
#define QUESTION               "0377777707 6578616d706c65 00 0001 0001 " /* www.example. A IN, at 12 */
#define OPT                    "00 0029 04d0 00000000 0000 "
#define TSIG                   "00 00fa 00ff 00000000 0000 "
#define A_RR                   "c00c 0001 0001 0000003c 0004 c0000201 "

struct row {
    const char *what, *hex;
    enum rcode rcode;
};

static const struct row rows[] = {
    {"one question", HEAD_Q QUESTION, NOERROR},
    {"nothing but a header", HEADER("0000", "0000", "0000", "0000"), NOERROR},
    {"a record in each section", HEADER("0001", "0001", "0001", "0001") QUESTION A_RR A_RR A_RR,
     NOERROR},
    {"the root as question", HEAD_Q "00 0001 0001", NOERROR},
    /* RFC 9619 s4 */
    {"two questions", HEADER("0002", "0000", "0000", "0000") QUESTION QUESTION, FORMERR},
    {"two questions promised, one there", HEADER("0002", "0000", "0000", "0000") QUESTION, FORMERR},
    /* counts that lie */
    {"no question, one promised", HEAD_Q, FORMERR},
    {"a question, none promised", HEADER("0000", "0000", "0000", "0000") QUESTION, FORMERR},
    {"answer promised", HEADER("0001", "0001", "0000", "0000") QUESTION, FORMERR},
    {"authority promised", HEADER("0001", "0000", "0001", "0000") QUESTION, FORMERR},
    {"additional promised", HEADER("0001", "0000", "0000", "0001") QUESTION, FORMERR},
    {"two promised, one there", HEADER("0001", "0002", "0000", "0000") QUESTION A_RR, FORMERR},
    {"65535 of each", HEADER("0001", "ffff", "ffff", "ffff") QUESTION A_RR, FORMERR},
    {"one promised, two there", HEADER("0001", "0001", "0000", "0000") QUESTION A_RR A_RR, FORMERR},
    {"a trailing byte", HEAD_Q QUESTION "00", FORMERR},
    /* ends in the middle */
    {"ends in the name", HEAD_Q "03777777", FORMERR},
    {"ends in a label", HEAD_Q "0377", FORMERR},
    {"ends behind the name", HEAD_Q "0377777700", FORMERR},
    {"ends in the type", HEAD_Q "0377777700 00", FORMERR},
    {"ends in the class", HEAD_Q "0377777700 0001 00", FORMERR},
    {"record ends in its owner", HEADER("0001", "0001", "0000", "0000") QUESTION "c0", FORMERR},
    {"record ends in its type", HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 00", FORMERR},
    {"record ends in its ttl",
     HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 0001 0001 0000", FORMERR},
    {"record ends before rdlength",
     HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 0001 0001 0000003c", FORMERR},
    {"record ends in rdlength",
     HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 0001 0001 0000003c 00", FORMERR},
    {"rdlength one too many",
     HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 0001 0001 0000003c 0005 c0000201",
     FORMERR},
    {"rdlength 65535",
     HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 0001 0001 0000003c ffff c0000201",
     FORMERR},
    /* the question's name: compression and label types */
    {"pointer to itself", HEAD_Q "c00c 0001 0001", FORMERR},
    {"pointer one byte ahead", HEAD_Q "c00d 0001 0001", FORMERR},
    {"pointer behind itself", HEAD_Q "c00e 0001 0001 00", FORMERR},
    {"pointer beyond the end", HEAD_Q "c0ff 0001 0001", FORMERR},
    {"label, then pointer to the label", HEAD_Q "0161c00c 0001 0001", FORMERR},
    {"half a pointer", HEAD_Q "0161c0", FORMERR},
    {"pointer to a zero of the header", HEAD_Q "c00b 0001 0001", FORMERR},
    {"label type 01", HEAD_Q "4100 0001 0001", FORMERR},
    {"label type 10", HEAD_Q "8100 0001 0001", FORMERR},
    /* RFC 6891 s6.1.1, s6.1.2 */
    {"OPT", HEADER("0001", "0000", "0000", "0001") QUESTION OPT, NOERROR},
    {"OPT before another record", HEADER("0001", "0000", "0000", "0002") QUESTION OPT A_RR,
     NOERROR},
    {"OPT behind another record", HEADER("0001", "0000", "0000", "0002") QUESTION A_RR OPT,
     NOERROR},
    {"OPT twice", HEADER("0001", "0000", "0000", "0002") QUESTION OPT OPT, FORMERR},
    {"OPT twice, apart", HEADER("0001", "0000", "0000", "0003") QUESTION OPT A_RR OPT, FORMERR},
    {"OPT in answer", HEADER("0001", "0001", "0000", "0000") QUESTION OPT, FORMERR},
    {"OPT in authority", HEADER("0001", "0000", "0001", "0000") QUESTION OPT, FORMERR},
    {"OPT with a name", HEADER("0001", "0000", "0000", "0001") QUESTION "0161" OPT, FORMERR},
    {"OPT with a pointer",
     HEADER("0001", "0000", "0000", "0001") QUESTION "c00c 0029 04d0 00000000 0000", FORMERR},
    /* RFC 8945 s5.1 */
    {"TSIG last", HEADER("0001", "0000", "0000", "0001") QUESTION TSIG, NOERROR},
    {"TSIG behind OPT", HEADER("0001", "0000", "0000", "0002") QUESTION OPT TSIG, NOERROR},
    {"TSIG before OPT", HEADER("0001", "0000", "0000", "0002") QUESTION TSIG OPT, FORMERR},
    {"TSIG twice", HEADER("0001", "0000", "0000", "0002") QUESTION TSIG TSIG, FORMERR},
    {"TSIG in answer", HEADER("0001", "0001", "0000", "0000") QUESTION TSIG, FORMERR},
    {"TSIG in authority", HEADER("0001", "0000", "0001", "0000") QUESTION TSIG, FORMERR},
};

Test(message, is_read_or_refused_as_a_whole)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t buf[512];
        size_t len = bytes_of(rows[i].hex, buf, sizeof(buf));
        uint8_t *wire = malloc(len); /* of exact size, for the sanitizer */
        memcpy(wire, buf, len);
        struct message m;
        cr_assert(message_read_header(&m, wire, len), "%s", rows[i].what);
        cr_expect_eq(message_read(&m), rows[i].rcode, "%s", rows[i].what);
        cr_expect_eq(m.id, 0x1234, "%s", rows[i].what);
        free(wire);
    }
}

Test(message, has_no_header_below_twelve_bytes)
{
    uint8_t wire[12] = {0x12, 0x34, 0x81, 0x05, 0, 1, 0, 2, 0, 3, 0, 4};
    struct message m;
    for (size_t len = 0; len < 12; len++)
        cr_expect_not(message_read_header(&m, wire, len), "%zu", len);
    cr_assert(message_read_header(&m, wire, 12));
    cr_expect_eq(m.id, 0x1234);
    cr_expect_eq(m.flags, 0x8105);
    cr_expect_eq(message_opcode(&m), OPCODE_QUERY);
    for (unsigned s = 0; s < SECTION_COUNT; s++)
        cr_expect_eq(m.count[s], s + 1);
    wire[2] = 0x28;
    cr_assert(message_read_header(&m, wire, 12));
    cr_expect_eq(message_opcode(&m), OPCODE_UPDATE);
}

Test(message, knows_its_question_even_if_the_rest_is_malformed)
{
    uint8_t wire[256];
    size_t len = bytes_of(HEADER("0001", "0001", "0000", "0000") QUESTION, wire, sizeof(wire));
    struct message m;
    char text[NAME_TEXT_MAX];
    cr_assert(message_read_header(&m, wire, len));
    cr_expect_eq(message_read(&m), FORMERR);
    cr_assert_neq(m.qname.len, 0);
    cr_expect_str_eq(name_text(m.qname, text), "www.example.");
    cr_expect_eq(m.qtype, TYPE_A);
    cr_expect_eq(m.qclass, CLASS_IN);
}

Test(message, notes_where_opt_and_tsig_stand)
{
    uint8_t wire[256];
    size_t len =
        bytes_of(HEADER("0001", "0000", "0000", "0003") QUESTION A_RR OPT TSIG, wire, sizeof(wire));
    struct message m;
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_expect_eq(m.opt_at, 12 + 17 + 16);
    cr_expect_eq(m.tsig_at, 12 + 17 + 16 + 11);
    len = bytes_of(HEAD_Q QUESTION, wire, sizeof(wire));
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_expect_eq(m.opt_at, 0);
    cr_expect_eq(m.tsig_at, 0);
}

/* No cut of a message is a message, and none is read beyond its end. */
Test(message, is_malformed_at_every_shorter_length)
{
    uint8_t whole[256];
    size_t len =
        bytes_of(HEADER("0001", "0001", "0000", "0001") QUESTION A_RR OPT, whole, sizeof(whole));
    for (size_t cut = 12; cut < len; cut++) {
        uint8_t *wire = malloc(cut);
        struct message m;
        memcpy(wire, whole, cut);
        cr_assert(message_read_header(&m, wire, cut));
        cr_expect_eq(message_read(&m), FORMERR, "%zu bytes", cut);
        free(wire);
    }
}

/* --- names --- */

/* RFC 1035 s4.1.4's example: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. */
static void make_example(uint8_t wire[93])
{
    memset(wire, 0, 93);
    memcpy(wire + 20, "\001F\003ISI\004ARPA", 12);
    memcpy(wire + 40, "\003FOO\300\024", 6);
    memcpy(wire + 64, "\300\032", 2);
}

Test(message_name, follows_the_example_of_rfc_1035)
{
    static const struct {
        size_t at, end;
        const char *name;
    } names[] = {
        {20, 32, "F.ISI.ARPA."}, {40, 46, "FOO.F.ISI.ARPA."}, {64, 66, "ARPA."}, {92, 93, "."}};
    uint8_t wire[93];
    make_example(wire);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t at = names[i].at;
        struct name_buf out;
        char text[NAME_TEXT_MAX];
        cr_expect_eq(message_name_end(wire, sizeof(wire), at), names[i].end, "%s", names[i].name);
        cr_assert(message_name(wire, sizeof(wire), &at, &out), "%s", names[i].name);
        cr_expect_eq(at, names[i].end, "%s", names[i].name);
        cr_expect_str_eq(name_text(name_of(&out), text), names[i].name);
    }
}

/* A name of `total` bytes, in labels of at most 63. */
static size_t put_long(uint8_t *p, size_t total)
{
    size_t left = total - 1, at = 0;
    while (left) {
        size_t label = left > 64 ? 63 : left - 1;
        if (left > 64 && left - 64 == 1)
            label--; /* a label of length 0 would end the name */
        p[at] = (uint8_t)label;
        memset(p + at + 1, 'a', label);
        at += label + 1;
        left -= label + 1;
    }
    p[at++] = 0;
    return at;
}

Test(message_name, has_255_bytes_at_most)
{
    uint8_t wire[600] = {0};
    for (size_t total = 250; total <= 258; total++) {
        size_t end = put_long(wire + 12, total), at = 12;
        struct name_buf out;
        cr_assert_eq(end, total);
        cr_expect_eq(message_name(wire, 12 + end, &at, &out), total <= 255, "%zu", total);
        cr_expect_eq(message_name_end(wire, 12 + end, 12) != 0, total <= 255, "%zu", total);
    }
}

/* The limit is on the name, however it is put together: labels, then a pointer to a name of 200
 * bytes. */
Test(message_name, has_255_bytes_at_most_through_pointers)
{
    for (size_t head = 2; head <= 62; head++) {
        uint8_t wire[400] = {0};
        size_t start = 12 + put_long(wire + 12, 200), at = start;
        struct name_buf out;
        wire[start] = (uint8_t)(head - 1);
        memset(wire + start + 1, 'b', head - 1);
        put_u16(wire + start + head, 0xc00c);
        bool is_read = message_name(wire, start + head + 2, &at, &out);
        cr_expect_eq(is_read, head + 200 <= 255, "%zu", head + 200);
        if (is_read) {
            cr_expect_eq(out.len, head + 200);
            cr_expect_eq(at, start + head + 2);
        }
    }
}

/* Each pointer to the one before it, the first to the root. A name has at most 127 labels, so
 * that whoever writes at least one before each pointer needs no more of these; longer chains
 * only cost time, again for every name that points to them. */
Test(message_name, reads_chains_of_pointers_that_go_back_up_to_a_limit)
{
    uint8_t wire[1000] = {0};
    size_t end = 13;
    for (unsigned i = 1; i <= 400; i++, end += 2) {
        size_t at = end;
        struct name_buf out;
        put_u16(wire + end, (uint16_t)(0xc000 | (i > 1 ? end - 2 : 12)));
        bool is_read = message_name(wire, end + 2, &at, &out);
        cr_assert_eq(is_read, i <= 127, "%u pointers", i);
        cr_assert(!is_read || (out.len == 1 && at == end + 2));
    }
}

Test(message_name, refuses_pointers_that_do_not_go_back_or_too_far)
{
    static const struct {
        const char *what, *hex; /* at 12, read from `from` */
        size_t from;
    } bad[] = {
        {"to itself", "c00c", 12},
        {"ahead", "c00e 00", 12},
        {"to its own label", "0161 c00c", 12},
        {"into its own label", "0161 c00d", 12},
        {"two that point to each other", "c00e c00c", 12},
        {"two that point to each other, from the second", "c00e c00c", 14},
        {"back, then ahead of where it came from", "0161 c010 c00c", 16},
        {"to a label type 10", "8000 c00c", 14},
        {"to a label cut by the end", "3f00 c00c", 14},
        {"beyond the end", "c3ff", 12},
        {"to the first byte of the header", "c000", 12},
        {"to the last byte of the header", "c00b", 12},
        {"to the last byte of the header, behind a label", "0161 c00b", 12},
        {"back, then to the header", "c00b c00c", 14},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t wire[64] = {0};
        size_t len = 12 + bytes_of(bad[i].hex, wire + 12, 52), at = bad[i].from;
        struct name_buf out;
        cr_expect_not(message_name(wire, len, &at, &out), "%s", bad[i].what);
    }
}

/* --- records --- */

/* Made and compressed by dnspython 2.3.0; the text below is what it was made from. */
static const char dnspython_hex[] = "12348500000100020003000303777777076578616d706c6503636f6d00000f"
                                    "0001c00c000f00010000012c0009000a046d61"
                                    "696cc010c00c000f00010000012c00140014046d61696c076578616d706c65"
                                    "036e657400c0100002000100000e100006036e"
                                    "7331c010c0100002000100000e100006036e7332c049c0100006000100000e"
                                    "100024c06204686f7374066d6173746572c010"
                                    "0000000100000002000000030000000400000005c02f000100010000003c00"
                                    "04c0000201025f78045f746370c02f00210001"
                                    "0000003c00080000000013c4c02f00002904d0000000000000";
static const char *const dnspython_text[SECTION_COUNT] = {
    "",
    "www.example.com. 300 IN MX 10 mail.example.com.\nwww.example.com. 300 IN MX 20 "
    "mail.example.net.\n",
    ("example.com. 3600 IN NS ns1.example.com.\nexample.com. 3600 IN NS ns2.example.net.\n"
     "example.com. 3600 IN SOA ns1.example.com. host.master.example.com. 1 2 3 4 5\n"),
    "mail.example.com. 60 IN A 192.0.2.1\n_x._tcp.mail.example.com. 60 IN SRV 0 0 5060 "
    "mail.example.com.\n",
};

Test(rr_reader, reads_what_dnspython_wrote)
{
    uint8_t wire[512], storage[4096];
    size_t len = bytes_of(dnspython_hex, wire, sizeof(wire));
    struct message m;
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR);
    for (unsigned s = SECTION_ANSWER; s < SECTION_COUNT; s++) {
        char buf[8192];
        struct text t;
        struct wr rdata = wr_over(storage, sizeof(storage));
        struct rr_reader reader = rr_reader_of(&m, (enum section)s);
        struct rr rr;
        enum rr_read got;
        text_init(&t, buf, sizeof(buf));
        while ((got = rr_read(&reader, &rdata, &rr)) == RR_READ_OK) {
            if (rr.type == TYPE_OPT)
                continue;
            print_rr(&rr, &t);
            text_char(&t, '\n');
        }
        cr_expect_eq(got, RR_READ_END);
        cr_expect_str_eq(buf, dnspython_text[s]);
    }
}

Test(rr_reader, refuses_rdata_that_does_not_fit_its_type)
{
    static const struct {
        const char *what, *rr;
        enum rr_read expect;
    } records[] = {
        {"A", "c00c 0001 0001 0000003c 0004 c0000201", RR_READ_OK},
        {"A of three bytes", "c00c 0001 0001 0000003c 0003 c00002", RR_READ_BAD},
        {"A of five bytes", "c00c 0001 0001 0000003c 0005 c000020100", RR_READ_BAD},
        {"NS compressed", "c00c 0002 0001 0000003c 0002 c00c", RR_READ_OK},
        {"NS and a byte", "c00c 0002 0001 0000003c 0003 c00c00", RR_READ_BAD},
        {"NS without an end", "c00c 0002 0001 0000003c 0002 0161", RR_READ_BAD},
        {"NS that points to itself", "c00c 0002 0001 0000003c 0002 c029", RR_READ_BAD},
        {"NS of half a pointer", "c00c 0002 0001 0000003c 0001 c0", RR_READ_BAD},
        {"MX without a name", "c00c 000f 0001 0000003c 0002 000a", RR_READ_BAD},
        {"TXT whose string is longer than the rdata", "c00c 0010 0001 0000003c 0002 0261",
         RR_READ_BAD},
        {"a type that nobody knows", "c00c ff00 0001 0000003c 0003 c00c00", RR_READ_OK},
        {"no rdata, as UPDATE has it", "c00c 0001 00ff 00000000 0000", RR_READ_OK},
        {"an owner that points ahead", "c0ff 0001 0001 0000003c 0004 c0000201", RR_READ_BAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        uint8_t wire[256], storage[1024];
        size_t len = bytes_of(HEADER("0001", "0001", "0000", "0000") QUESTION, wire, sizeof(wire));
        len += bytes_of(records[i].rr, wire + len, sizeof(wire) - len);
        struct message m;
        cr_assert(message_read_header(&m, wire, len));
        cr_assert_eq(message_read(&m), NOERROR, "%s", records[i].what);
        struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
        struct wr rdata = wr_over(storage, sizeof(storage));
        struct rr rr;
        cr_expect_eq(rr_read(&reader, &rdata, &rr), records[i].expect, "%s", records[i].what);
    }
}

/* The bytes behind the rdata would complete the name; they are the next record's. */
Test(rr_reader, keeps_a_name_within_its_rdata)
{
    uint8_t wire[256], storage[1024];
    size_t len = bytes_of(HEADER("0001", "0002", "0000", "0000") QUESTION
                          "c00c 0002 0001 0000003c 0002 0161 "
                          "00 0001 0001 0000003c 0004 c0000201",
                          wire, sizeof(wire));
    struct message m;
    struct rr rr;
    struct wr rdata = wr_over(storage, sizeof(storage));
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    cr_expect_eq(rr_read(&reader, &rdata, &rr), RR_READ_BAD);
}

Test(rr_reader, reads_a_ttl_of_32_bits_as_zero)
{
    uint8_t wire[256], storage[64];
    size_t len = bytes_of(HEADER("0001", "0002", "0000", "0000") QUESTION
                          "c00c 0001 0001 80000000 0004 c0000201 "
                          "c00c 0001 0001 7fffffff 0004 c0000202",
                          wire, sizeof(wire));
    struct message m;
    struct rr rr;
    struct wr rdata = wr_over(storage, sizeof(storage));
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    cr_assert_eq(rr_read(&reader, &rdata, &rr), RR_READ_OK);
    cr_expect_eq(rr.ttl, 0); /* RFC 2181 s8 */
    cr_assert_eq(rr_read(&reader, &rdata, &rr), RR_READ_OK);
    cr_expect_eq(rr.ttl, 0x7fffffff);
    cr_expect_eq(rr_read(&reader, &rdata, &rr), RR_READ_END);
}

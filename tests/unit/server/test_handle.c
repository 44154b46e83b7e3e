/* SPDX-License-Identifier: Apache-2.0
 * The pipeline from raw message to raw answer: what is dropped, what is refused how, what is
 * echoed, what is counted. */
#include "bed.h"

#include "base/digits.h"

/* header: id 1234, flags, counts */
#define HEAD(flags, counts) "1234" flags counts
#define QD1                 "0001000000000000"
#define NS_EXAMPLE          "026e73076578616d706c6500"
#define ASK                 NS_EXAMPLE "00010001"
#define OPT(ttl, rdata)     "00002904d0" ttl rdata
#define NO_OPCODE           "6e6f2073756368206f70636f64652068657265" /* "no such opcode here" */
#define OPT0                OPT("00000000", "0000")

static const struct row {
    const char *what, *in;
    /* of the answer, in hex: flags and counts; the rest of it is looked at where `rest` is set */
    const char *head, *rest;
} rows[] = {
    {"a query", HEAD("0000", QD1) ASK, "8400 0001 0001 0000 0000",
     ASK "c00c000100010000012c0004c0000235"},
    /* RFC 1035 s4.1.1, RFC 4035 s3.1.6: RD and CD come back, nothing else does; AD, RA, TC, AA, Z
     * and RCODE of a query mean nothing */
    {"RD", HEAD("0100", QD1) ASK, "8500 0001 0001 0000 0000", NULL},
    {"CD", HEAD("0010", QD1) ASK, "8410 0001 0001 0000 0000", NULL},
    {"every other bit", HEAD("06ef", QD1) ASK, "8400 0001 0001 0000 0000", NULL},
    {"case of the question",
     HEAD("0000", QD1) "024e53074578416d506c4500"
                       "00010001",
     "8400 0001 0001 0000 0000",
     "024e53074578416d506c45000001"
     "0001c00c000100010000012c0004c0000235"},
    {"NXDOMAIN", HEAD("0000", QD1) "026e78076578616d706c650000010001", "8403 0001 0000 0001 0000",
     NULL},
    {"not ours",
     HEAD("0100", QD1) "0474657374"
                       "0000010001",
     "8105 0001 0000 0000 0000",
     "0474657374"
     "0000010001"},
    {"the root", HEAD("0000", QD1) "0000020001", "8005 0001 0000 0000 0000", "0000020001"},
    /* opcodes: RFC 1035, 1996, 2136, 3425, 8490; the opcode comes back (RFC 1035 s4.1.1), its own
     * bits do not */
    {"IQUERY", HEAD("0800", QD1) ASK, "8804 0001 0000 0000 0000", ASK},
    {"STATUS", HEAD("1000", QD1) ASK, "9004 0001 0000 0000 0000", NULL},
    {"opcode 3", HEAD("1800", QD1) ASK, "9804 0001 0000 0000 0000", NULL},
    {"NOTIFY", HEAD("2400", QD1) "076578616d706c650000060001", "a005 0001 0000 0000 0000", NULL},
    {"UPDATE of a zone that takes none", HEAD("2800", QD1) "076578616d706c650000060001",
     "a805 0001 0000 0000 0000", NULL},
    {"DSO without question", HEAD("3000", "0000000000000000"), "b004 0000 0000 0000 0000", ""},
    {"DSO with its TLVs", HEAD("3000", "0000000000000000") "000100080000000100000001",
     "b004 0000 0000 0000 0000", ""},
    {"opcode 7", HEAD("3800", QD1) ASK, "b804 0001 0000 0000 0000", NULL},
    {"opcode 15", HEAD("7900", QD1) ASK, "f804 0001 0000 0000 0000", NULL},
    {"opcode 15 with OPT", HEAD("7800", "0001000000000001") ASK OPT0, "f804 0001 0000 0000 0001",
     ASK OPT("00000000", "0019000f00150015" NO_OPCODE)}, /* RFC 8914: 21, not supported */
    {"opcode 15, counts that lie", HEAD("7800", "ffffffffffffffff") ASK, "f804 0000 0000 0000 0000",
     ""},
    /* RFC 9619 */
    {"no question", HEAD("0000", "0000000000000000"), "8001 0000 0000 0000 0000", ""},
    {"no question, OPT", HEAD("0000", "0000000000000001") OPT0, "8001 0000 0000 0000 0001", OPT0},
    {"two questions", HEAD("0000", "0002000000000000") ASK ASK, "8001 0000 0000 0000 0000", ""},
    {"65535 questions", HEAD("0000", "ffff000000000000") ASK, "8001 0000 0000 0000 0000", ""},
    /* what can be read of the question is echoed, so that the asker sees which query went wrong */
    {"trailing byte", HEAD("0100", QD1) ASK "00", "8101 0001 0000 0000 0000", ASK},
    {"additional that is not there", HEAD("0000", "0001000000000001") ASK,
     "8001 0001 0000 0000 0000", ASK},
    {"cut question", HEAD("0000", QD1) "026e7307657861", "8001 0000 0000 0000 0000", ""},
    {"question of a pointer to itself", HEAD("0000", QD1) "c00c00010001",
     "8001 0000 0000 0000 0000", ""},
    /* RFC 6891 s6.1.1 */
    {"OPT", HEAD("0000", "0001000000000001") ASK OPT0, "8400 0001 0001 0000 0001",
     ASK "c00c000100010000012c0004c0000235" OPT0},
    {"OPT twice", HEAD("0000", "0001000000000002") ASK OPT0 OPT0, "8001 0001 0000 0000 0000", ASK},
    {"OPT in answer", HEAD("0000", "0001000100000000") ASK OPT0, "8001 0001 0000 0000 0000", ASK},
    /* s6.1.3: BADVERS is 16: 1 in our OPT, which is of version 0, and 0 in the header; RFC 3225 s3:
     * DO comes back */
    {"EDNS version 1", HEAD("0000", "0001000000000001") ASK OPT("00010000", "0000"),
     "8000 0001 0000 0000 0001", ASK OPT("01000000", "0000")},
    {"EDNS version 255 with DO and what else is not ours to read",
     HEAD("0000", "0001000000000001") ASK OPT("00ff8000", "0003ffffff"), "8000 0001 0000 0000 0001",
     ASK OPT("01008000", "0000")},
    {"EDNS version 1 without question", HEAD("0000", "0000000000000001") OPT("00010000", "0000"),
     "8000 0000 0000 0000 0001", OPT("01000000", "0000")},
    {"cut option", HEAD("0000", "0001000000000001") ASK OPT("00000000", "00050003000400"),
     "8001 0001 0000 0000 0001", ASK OPT0},
    {"unknown flags and option",
     HEAD("0000", "0001000000000001") ASK OPT("00007fff", "0006fde900020102"),
     "8400 0001 0001 0000 0001", ASK "c00c000100010000012c0004c0000235" OPT0},
    /* classes and types */
    {"class 42", HEAD("0000", QD1) NS_EXAMPLE "0001002a", "8005 0001 0000 0000 0000",
     NS_EXAMPLE "0001002a"},
    {"class NONE", HEAD("0000", QD1) NS_EXAMPLE "000100fe", "8005 0001 0000 0000 0000", NULL},
    {"class CH", HEAD("0000", QD1) NS_EXAMPLE "00010003", "8005 0001 0000 0000 0000", NULL},
    {"class 0", HEAD("0000", QD1) NS_EXAMPLE "00010000", "8005 0001 0000 0000 0000", NULL},
    {"type 65535", HEAD("0000", QD1) NS_EXAMPLE "ffff0001", "8400 0001 0000 0001 0000", NULL},
    {"type OPT in the question", HEAD("0000", QD1) NS_EXAMPLE "00290001",
     "8001 0001 0000 0000 0000", NULL},
    {"IXFR", HEAD("0000", QD1) "076578616d706c650000fb0001", "8005 0001 0000 0000 0000", NULL},
};

static size_t bytes_of(const char *hex, uint8_t *out, size_t cap)
{
    struct wr w = wr_over(out, cap);
    char digits[2048];
    size_t len = 0;
    for (; *hex; hex++)
        if (*hex != ' ')
            digits[len++] = *hex;
    cr_assert(base16_scan(digits, len, &w) && !w.bad);
    return wr_len(&w);
}

static struct bed *example(const char *settings)
{
    struct bed *b = bed_new();
    bed_file(b, "z", BED_TOP "ns A 192.0.2.53\n$GENERATE 1-200 big TXT text-$\n", 1);
    bed_start(b, settings, "  example: {file: z}\n");
    bed_settle(b);
    return b;
}

static void expect_row(const struct bed *b, const struct row *row, const char *how)
{
    uint8_t want[512] = {0x12, 0x34};
    size_t len = 2 + bytes_of(row->head, want + 2, sizeof(want) - 2);
    cr_assert_eq(len, DNS_HEADER_LEN);
    cr_assert_geq(b->out_len, len, "%s%s: %zu bytes", row->what, how, b->out_len);
    cr_expect_eq(memcmp(b->out, want, len), 0, "%s%s: flags %02x%02x", row->what, how, b->out[2],
                 b->out[3]);
    if (!row->rest)
        return;
    len += bytes_of(row->rest, want + len, sizeof(want) - len);
    cr_expect_eq(b->out_len, len, "%s%s: %zu bytes", row->what, how, b->out_len);
    cr_expect_eq(memcmp(b->out, want, b->out_len < len ? b->out_len : len), 0, "%s%s", row->what,
                 how);
}

Test(handle, answers_every_kind_of_message_as_the_rfcs_have_it)
{
    struct bed *b = example("");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t in[512];
        size_t len = bytes_of(rows[i].in, in, sizeof(in));
        bed_ask(b, TRANSPORT_UDP, in, len);
        expect_row(b, &rows[i], "");
        bed_ask(b, TRANSPORT_TCP, in, len);
        expect_row(b, &rows[i], " over TCP");
    }
    bed_free(b);
}

Test(handle, never_answers_what_is_short_or_an_answer)
{
    struct bed *b = example("");
    uint8_t in[512];
    size_t len = bytes_of(HEAD("0000", QD1) ASK, in, sizeof(in));
    for (size_t cut = 0; cut < DNS_HEADER_LEN; cut++)
        cr_expect_eq(bed_ask(b, TRANSPORT_UDP, in, cut), 0, "%zu", cut);
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        in[2] = (uint8_t)(0x80 | opcode << 3);
        cr_expect_eq(bed_ask(b, TRANSPORT_TCP, in, len), 0, "opcode %u", opcode);
        cr_expect_eq(bed_ask(b, TRANSPORT_UDP, in, DNS_HEADER_LEN), 0, "opcode %u", opcode);
    }
    const struct counters *c = server_counters(b->server);
    cr_expect_eq(c->dropped_short, DNS_HEADER_LEN);
    cr_expect_eq(c->dropped_response, 32);
    cr_expect_eq(c->answers, 0);
    bed_free(b);
}

/* CVE-2012-0206: a request in our own name, from our own port. Whatever it is answered with comes
 * in again, and that is the end of it. */
Test(handle, answers_none_of_its_own_answers)
{
    static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP};
    static uint8_t in[DNS_MESSAGE_MAX], again[DNS_MESSAGE_MAX];
    struct bed *b = example("");
    unsigned answered = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(transports); i++) {
        enum transport transport = transports[i % ARRAY_LEN(transports)];
        size_t len = bytes_of(rows[i / 2].in, in, sizeof(in));
        size_t out_len = bed_ask(b, transport, in, len);
        if (!out_len)
            continue;
        answered++;
        memcpy(again, b->out, out_len);
        cr_expect_eq(bed_ask(b, transport, again, out_len), 0, "%s", rows[i / 2].what);
    }
    cr_expect_eq(server_counters(b->server)->dropped_response, answered);
    cr_expect_gt(answered, ARRAY_LEN(rows));
    bed_free(b);
}

/* 64 at once, of all kinds, are answered as one by one. */
Test(handle, answers_a_batch_as_it_answers_each)
{
    struct bed *b = example("");
    static uint8_t in[SERVER_BATCH_MAX][512];
    uint8_t(*out)[SERVER_UDP_OUT_MAX] = mem_alloc(SERVER_BATCH_MAX * sizeof(*out));
    struct exchange x[SERVER_BATCH_MAX];
    memset(x, 0, sizeof(x));
    for (size_t first = 0; first < ARRAY_LEN(rows); first += 16) {
        for (size_t i = 0; i < SERVER_BATCH_MAX; i++) {
            x[i].in = in[i];
            x[i].in_len = bytes_of(rows[(first + i) % ARRAY_LEN(rows)].in, in[i], sizeof(in[i]));
            if (i % 5 == 4)
                in[i][2] |= 0x80;
            x[i].out = out[i];
            x[i].peer.transport = TRANSPORT_UDP;
        }
        server_handle(b->server, x, SERVER_BATCH_MAX, 1084000000000000);
        for (size_t i = 0; i < SERVER_BATCH_MAX; i++) {
            if (x[i].is_waiting) /* an UPDATE is answered in a later turn */
                continue;
            cr_expect_eq(x[i].out_len, bed_ask(b, TRANSPORT_UDP, in[i], x[i].in_len));
            cr_expect_eq(memcmp(out[i], b->out, x[i].out_len), 0, "%zu", i);
        }
    }
    server_handle(b->server, x, 0, 0);
    free(out);
    bed_free(b);
}

/* The longest question, the longest NSID and the smallest datagram: the question and an OPT always
 * fit (RFC 6891 s6.2.3). */
Test(handle, has_room_for_the_longest_question)
{
    char settings[300], text[300] = "";
    sprintf(settings, ", udp-size: 512, identity: %0255d", 0);
    struct bed *b = example(settings);
    for (int i = 0; i < 3; i++)
        sprintf(text + strlen(text), "%063d.", 0);
    sprintf(text + strlen(text), "%053d.example.", 0);
    uint8_t in[512];
    static const uint8_t opt[] = {0, 0, 41, 2, 0, 0, 0, 0x80, 0, 0, 4, 0, 3, 0, 0};
    size_t len = bed_query(in, text, TYPE_A);
    cr_assert_eq(len, DNS_HEADER_LEN + 255 + 4);
    bed_ask(b, TRANSPORT_UDP, in, len);
    cr_expect_eq(bed_rcode(b), NXDOMAIN);
    memcpy(in + len, opt, sizeof(opt));
    in[11] = 1;
    len += sizeof(opt);
    for (int t = TRANSPORT_UDP; t <= TRANSPORT_TCP; t++) {
        bed_ask(b, (enum transport)t, in, len);
        cr_expect_eq(bed_rcode(b), NXDOMAIN);
        cr_expect_leq(b->out_len, t == TRANSPORT_UDP ? 512 : 1024);
        struct message m;
        cr_assert(message_read_header(&m, b->out, b->out_len));
        cr_assert_eq(message_read(&m), NOERROR);
        cr_assert_neq(m.opt_at, 0);
        uint16_t rdlen = get_u16(b->out + m.opt_at + 9);
        cr_expect_eq(rdlen, t == TRANSPORT_UDP ? 0 : 4 + 255,
                     "an option that does not fit is left out");
    }
    in[len++] = 0;
    bed_ask(b, TRANSPORT_UDP, in, len);
    cr_expect_eq(bed_rcode(b), FORMERR);
    cr_expect_eq(b->out_len, DNS_HEADER_LEN + 255 + 4);
    bed_free(b);
}

/* RFC 2181 s9, RFC 6891 s6.2.3-6.2.5: what does not fit is cut at whole RRsets, and TC says so. */
Test(handle, truncates_to_what_both_sides_take)
{
    struct bed *b = example(", udp-size: 4096, edns-size: 1400");
    uint8_t in[512], *size = in + DNS_HEADER_LEN + 13 + 4 + 3;
    size_t len = bed_query(in, "big.example.", TYPE_TXT);
    cr_assert_eq(len, DNS_HEADER_LEN + 13 + 4u);
    bed_ask(b, TRANSPORT_UDP, in, len);
    cr_expect_eq(b->out_len, len);
    cr_expect_eq(b->out[2] & 0x02, 0x02);
    bed_ask(b, TRANSPORT_TCP, in, len);
    cr_expect_eq(b->out[2] & 0x02, 0);
    cr_expect_eq(get_u16(b->out + 6), 200);
    static const uint8_t opt[] = {0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 0};
    memcpy(in + len, opt, sizeof(opt));
    in[11] = 1;
    static const uint16_t sizes[] = {0, 1, 511, 512, 1232, 4096, 65535};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        put_u16(size, sizes[i]);
        bed_ask(b, TRANSPORT_UDP, in, len + sizeof(opt));
        cr_expect_eq(b->out_len, len + sizeof(opt), "%u: %zu", sizes[i], b->out_len);
        cr_expect_eq(b->out[2] & 0x02, 0x02);
        cr_expect_eq(get_u16(b->out + b->out_len - 8), 1400, "our own size");
    }
    cr_expect_eq(server_counters(b->server)->answers_truncated, 1 + ARRAY_LEN(sizes));
    bed_free(b);
}

static uint32_t lcg(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Whatever comes: no answer, or a well-formed one with the request's id and opcode, QR, and at most
 * one question. */
Test(handle, answers_mutations_with_well_formed_messages)
{
    struct bed *b = example(", udp-size: 512, limits: {refusals-per-source: 0}");
    uint32_t state = 1;
    uint64_t asked = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t in[600];
        size_t len = bytes_of(rows[lcg(&state) % ARRAY_LEN(rows)].in, in, sizeof(in));
        for (unsigned n = 1 + lcg(&state) % 4; n > 0; n--)
            in[lcg(&state) % len] = lcg(&state) % 2
                                        ? (uint8_t)lcg(&state)
                                        : (uint8_t[]){0, 1, 0xc0, 0xff, 12, 41}[lcg(&state) % 6];
        if (lcg(&state) % 8 == 0)
            len = lcg(&state) % (len + 1);
        bool is_request = len >= DNS_HEADER_LEN && !(in[2] & 0x80);
        cr_assert_eq(bed_ask(b, lcg(&state) % 2 ? TRANSPORT_TCP : TRANSPORT_UDP, in, len) > 0,
                     is_request);
        asked++;
        if (!is_request)
            continue;
        struct message m;
        cr_assert(message_read_header(&m, b->out, b->out_len), "%u", round);
        cr_assert_eq(message_read(&m), NOERROR, "%u", round);
        cr_assert_eq(m.id, get_u16(in));
        cr_assert_eq(m.flags & (FLAG_QR | FLAG_OPCODE_MASK),
                     FLAG_QR | (get_u16(in + 2) & FLAG_OPCODE_MASK));
        cr_assert_eq(m.flags & (FLAG_RA | FLAG_AD | 0x40), 0);
    }
    const struct counters *c = server_counters(b->server);
    cr_expect_eq(c->udp_queries + c->tcp_queries, asked);
    cr_expect_eq(c->answers + c->dropped_short + c->dropped_response, asked);
    cr_expect_eq(c->formerr + c->servfail + c->notimp + c->refused + c->badvers + c->nxdomain +
                     c->noerror + c->yxdomain + c->yxrrset + c->nxrrset + c->notauth + c->notzone,
                 c->answers);
    bed_free(b);
}

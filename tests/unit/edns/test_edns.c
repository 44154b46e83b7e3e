/* SPDX-License-Identifier: Apache-2.0
 * The EDNS driver and NSID, from the bytes of an OPT to the bytes of ours. */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "edns/edns.h"
#include "../slow.h"
#include "unit.h"

/* A query for "a." A with one record in additional, whose bytes are given. */
struct talk {
    uint8_t in[2048];
    size_t in_len;
    struct request q;
    struct self self;
    struct counters count;
    struct build answer;
    uint8_t out[4096];
};

static struct talk *talk_new(const uint8_t *record, size_t len)
{
    static const uint8_t head[] = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 'a', 0, 0, 1, 0, 1};
    struct talk *t = calloc(1, sizeof(*t));
    memcpy(t->in, head, sizeof(head));
    if (len)
        memcpy(t->in + sizeof(head), record, len);
    else
        t->in[11] = 0;
    t->in_len = sizeof(head) + len;
    t->self.udp_size_max = 1232;
    t->self.edns_size = 1400;
    t->self.nsid_len = 3;
    memcpy(t->self.nsid, "ns1", 3);
    t->q.self = &t->self;
    t->q.count = &t->count;
    t->q.answer = &t->answer;
    edns_clear(&t->q.edns);
    cr_assert(message_read_header(&t->q.msg, t->in, t->in_len));
    cr_assert_eq(message_read(&t->q.msg), NOERROR);
    return t;
}

/* What edns_write() adds to an answer with that code; the length in *len. */
static const uint8_t *talk_write(struct talk *t, enum rcode rcode, size_t limit, size_t *len)
{
    build_init(&t->answer, t->out, limit);
    cr_assert(build_question(&t->answer, t->q.msg.qname, t->q.msg.qtype, t->q.msg.qclass));
    cr_assert(edns_reserve(&t->q));
    t->q.rcode = rcode;
    size_t at = t->answer.len;
    edns_write(&t->q);
    *len = t->answer.len - at;
    cr_expect_eq(t->answer.reserved, 0);
    return t->out + at;
}

/* --- reading --- */

#define U16(n) (uint8_t)((n) >> 8), (uint8_t)(n)
#define OPT(size, rcode, version, flags, rdlen) \
    0, U16(41), U16(size), rcode, version, U16(flags), U16(rdlen)

/* clang-format off: bytes as in the RFCs, one row a case */
static const struct read_row {
    const char *name;
    uint8_t record[40];
    size_t len;
    enum rcode rcode;
    uint16_t client_size;
    bool dnssec_ok, want_nsid;
    unsigned unknown;
} read_rows[] = {
    {"plain", {OPT(1232, 0, 0, 0, 0)}, 11, NOERROR, 1232, false, false, 0},
    {"DO", {OPT(4096, 0, 0, 0x8000, 0)}, 11, NOERROR, 4096, true, false, 0},
    {"RFC 6891 s6.1.4: other flags are ignored",
     {OPT(4096, 0, 0, 0x7fff, 0)},
     11,
     NOERROR,
     4096,
     false,
     false,
     0},
    {"s6.2.3: less than 512 is 512", {OPT(10, 0, 0, 0, 0)}, 11, NOERROR, 512, false, false, 0},
    {"the rcode of a query is ignored",
     {OPT(1232, 7, 0, 0, 0)},
     11,
     NOERROR,
     1232,
     false,
     false,
     0},
    {"s6.1.3: version 1", {OPT(1232, 0, 1, 0x8000, 0)}, 11, BADVERS, 1232, true, false, 0},
    {"version 1 with options that version 0 cannot read",
     {OPT(1232, 0, 1, 0, 3), 0, 3, 9},
     14,
     BADVERS,
     1232,
     false,
     false,
     0},
    {"NSID", {OPT(1232, 0, 0, 0, 4), 0, 3, 0, 0}, 15, NOERROR, 1232, false, true, 0},
    {"RFC 5001 s2.2: a payload is ignored",
     {OPT(1232, 0, 0, 0, 6), 0, 3, 0, 2, 9, 9},
     17,
     NOERROR,
     1232,
     false,
     true,
     0},
    {"twice", {OPT(1232, 0, 0, 0, 8), 0, 3, 0, 0, 0, 3, 0, 0}, 19, NOERROR, 1232, false, true, 0},
    {"s6.1.2: unknown options are ignored",
     {OPT(1232, 0, 0, 0, 13), 0xff, 0, 0, 1, 7, 0, 3, 0, 0, 0xff, 1, 0, 0},
     24,
     NOERROR,
     1232,
     false,
     true,
     2},
    {"an option longer than the rest",
     {OPT(1232, 0, 0, 0x8000, 8), 0, 3, 0, 0, 0, 9, 0, 1},
     19,
     FORMERR,
     1232,
     true,
     false,
     0},
    {"half a head", {OPT(1232, 0, 0, 0, 3), 0, 3, 0}, 14, FORMERR, 1232, false, false, 0},
    {"one byte", {OPT(1232, 0, 0, 0, 1), 0}, 12, FORMERR, 1232, false, false, 0},
};
/* clang-format on */

Test(edns, reads_opt_or_says_why_not)
{
    for (size_t i = 0; i < ARRAY_LEN(read_rows); i++) {
        const struct read_row *row = &read_rows[i];
        struct talk *t = talk_new(row->record, row->len);
        cr_expect_eq(edns_read(&t->q), row->rcode, "%s", row->name);
        cr_expect(t->q.edns.is_present, "%s", row->name);
        cr_expect_eq(t->q.edns.client_size, row->client_size, "%s", row->name);
        cr_expect_eq(t->q.edns.dnssec_ok, row->dnssec_ok, "%s", row->name);
        cr_expect_eq(t->q.edns.seen >> EDNS_ROW_nsid & 1, row->want_nsid, "%s", row->name);
        cr_expect_eq(t->count.edns_unknown_option, row->unknown, "%s", row->name);
        cr_expect_eq(t->count.edns_queries, 1, "%s", row->name);
        free(t);
    }
}

Test(edns, does_nothing_without_opt)
{
    struct talk *t = talk_new(NULL, 0);
    size_t len;
    cr_expect_eq(edns_read(&t->q), NOERROR);
    cr_expect_eq(edns_apply(&t->q), NOERROR);
    cr_expect(!t->q.edns.is_present);
    cr_expect_eq(edns_answer_max(&t->q), 512);
    (void)talk_write(t, NOERROR, 512, &len);
    cr_expect_eq(len, 0); /* RFC 6891 s7 */
    cr_expect_eq(t->count.edns_queries, 0);
    free(t);
}

/* --- sizes --- */

Test(edns, limits_the_answer_to_what_both_sides_take)
{
    static const struct {
        uint16_t client, ours;
        enum transport transport;
        size_t max;
    } rows[] = {
        {4096, 1232, TRANSPORT_UDP, 1232},
        {1000, 1232, TRANSPORT_UDP, 1000},
        {0, 1232, TRANSPORT_UDP, 512},
        {512, 1232, TRANSPORT_TCP, DNS_MESSAGE_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t opt[] = {OPT(rows[i].client, 0, 0, 0, 0)};
        struct talk *t = talk_new(opt, sizeof(opt));
        t->self.udp_size_max = rows[i].ours;
        t->q.peer.transport = rows[i].transport;
        cr_expect_eq(edns_read(&t->q), NOERROR);
        cr_expect_eq(edns_answer_max(&t->q), rows[i].max, "row %zu", i);
        free(t);
    }
}

/* --- writing --- */

/* clang-format off */
static const struct write_row {
    const char *name;
    uint8_t record[20];
    size_t len;
    enum rcode rcode;
    uint8_t opt[20];
    size_t opt_len;
} write_rows[] = {
    {"our size, nothing else", {OPT(4096, 0, 0, 0, 0)}, 11, NOERROR, {OPT(1400, 0, 0, 0, 0)}, 11},
    {"RFC 3225 s3: DO is echoed", {OPT(4096, 0, 0, 0x8000, 0)}, 11, NXDOMAIN, {OPT(1400, 0, 0, 0x8000, 0)}, 11},
    {"the upper bits of the rcode, and version 0", {OPT(4096, 0, 1, 0, 0)}, 11, BADVERS, {OPT(1400, 1, 0, 0, 0)}, 11},
    {"all of them", {OPT(4096, 0, 0, 0, 0)}, 11, BADCOOKIE, {OPT(1400, 1, 0, 0, 0)}, 11},
    {"NSID", {OPT(4096, 0, 0, 0, 4), 0, 3, 0, 0}, 15, NOERROR, {OPT(1400, 0, 0, 0, 7), 0, 3, 0, 3, 'n', 's', '1'}, 18},
    {"no options after a bad one", {OPT(4096, 0, 0, 0, 7), 0, 3, 0, 0, 1, 1, 1}, 18, FORMERR, {OPT(1400, 0, 0, 0, 0)}, 11},
};
/* clang-format on */

Test(edns, writes_its_own_opt)
{
    for (size_t i = 0; i < ARRAY_LEN(write_rows); i++) {
        const struct write_row *row = &write_rows[i];
        struct talk *t = talk_new(row->record, row->len);
        size_t len;
        (void)edns_read(&t->q);
        const uint8_t *opt = talk_write(t, row->rcode, 1232, &len);
        cr_expect_eq(len, row->opt_len, "%s", row->name);
        cr_expect(len == row->opt_len && memcmp(opt, row->opt, len) == 0, "%s", row->name);
        cr_expect_eq(t->answer.count[SECTION_ADDITIONAL], 1, "%s", row->name);
        free(t);
    }
}

Test(edns, sends_no_nsid_where_none_is_configured)
{
    static const uint8_t record[] = {OPT(4096, 0, 0, 0, 4), 0, 3, 0, 0};
    struct talk *t = talk_new(record, sizeof(record));
    size_t len;
    t->self.nsid_len = 0;
    cr_expect_eq(edns_read(&t->q), NOERROR);
    (void)talk_write(t, NOERROR, 1232, &len);
    cr_expect_eq(len, EDNS_OPT_HEAD_LEN);
    free(t);
}

/* 12 + 7 bytes of header and question, 11 of OPT, 4 + 3 of NSID */
Test(edns, leaves_an_option_out_where_only_opt_fits)
{
    static const uint8_t record[] = {OPT(4096, 0, 0, 0, 4), 0, 3, 0, 0};
    struct talk *t = talk_new(record, sizeof(record));
    size_t len;
    cr_expect_eq(edns_read(&t->q), NOERROR);
    (void)talk_write(t, NOERROR, 37, &len);
    cr_expect_eq(len, 18);
    (void)talk_write(t, NOERROR, 36, &len);
    cr_expect_eq(len, 11);
    build_init(&t->answer, t->out, 29);
    cr_assert(build_question(&t->answer, t->q.msg.qname, t->q.msg.qtype, t->q.msg.qclass));
    cr_expect(!edns_reserve(&t->q));
    free(t);
}

/* --- whatever comes --- */

Test(edns, survives_any_rdata_and_never_writes_beyond_what_it_reserved)
{
    srand(20);
    for (unsigned i = 0; i < cases(200000, 30000); i++) {
        uint8_t record[64];
        size_t rdlen = (size_t)rand() % 40;
        const uint8_t head[] = {OPT(1232, 0, 0, 0, rdlen)};
        memcpy(record, head, sizeof(head));
        for (size_t k = 0; k < rdlen; k++)
            record[sizeof(head) + k] = (uint8_t)(rand() % 4 ? rand() % 6 : rand());
        struct talk *t = talk_new(record, sizeof(head) + rdlen);
        size_t len;
        enum rcode rc = edns_read(&t->q);
        cr_assert(rc == NOERROR || rc == FORMERR);
        (void)talk_write(t, rc, 64, &len);
        cr_assert_leq(t->answer.len, 64);
        free(t);
    }
}

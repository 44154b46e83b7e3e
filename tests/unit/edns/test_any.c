/* SPDX-License-Identifier: Apache-2.0
 * All options in all combinations: any of them, in any order, any number of times, of any length,
 * right and wrong, over both transports, into answers of any size. Whatever comes, the answer has
 * no byte beyond what was reserved, and its OPT is what RFC 6891 s6.1.2 has it be. */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "edns/edns.h"
#include "zone/store.h"

#include "../slow.h"
#include "unit.h"

#define ROUNDS    200000
#define OUT_MAX   1500
#define PLAIN_LEN 19 /* header and question for "a." A */
#define CANARY    0xc5

/* One that may be sent: with payloads that are right, then with any. */
static const struct sample {
    uint16_t code;
    unsigned lens[6]; /* of payloads that somebody might send; behind them any */
} samples[] = {
    {2, {8, 4}},
    {3, {0, 0, 3}},
    {8, {7, 4, 8, 11, 20}},
    {9, {0, 0, 4}},
    {10, {8, 24, 16, 40, 7, 41}},
    {11, {0, 0, 2}},
    {12, {0, 1, 100, 400}},
    {13, {3}},
    {14, {4}},
    {15, {2, 10}},
    {18, {1, 12}},
    {19, {0, 0, 0, 6}},
    {20, {2, 4}},
    {21, {2}},
    {65001, {0, 5}},
    {65535, {1}},
    {0, {0, 2}},
    {26946, {8}},
};

struct talk {
    uint8_t in[4096];
    struct request q;
    struct self self;
    struct counters count;
    struct build answer;
    struct zone zone;
    struct version version;
    struct store_entry entry;
    uint8_t out[OUT_MAX + 64];
};

static unsigned dice(unsigned sides)
{
    return (unsigned)rand() % sides;
}

static void put_payload(struct wr *w, const struct sample *s)
{
    unsigned len = dice(8) ? s->lens[dice(ARRAY_LEN(s->lens))] : dice(48);
    wr_u16(w, s->code);
    wr_u16(w, (uint16_t)len);
    for (unsigned i = 0; i < len; i++)
        wr_u8(w, (uint8_t)(dice(2) ? 0 : dice(256)));
    if (s->code == 8 && len >= 7) /* often a subnet that can be one */
        memcpy(w->at - len, "\0\1\x18\0\xc0\0\2", 7);
}

/* A query for "a." A with some options; now and then the last bytes of the OPT are missing. */
static size_t put_query(uint8_t *out)
{
    static const uint8_t head[] = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 'a', 0, 0, 1, 0, 1};
    struct wr w = wr_over(out, 4096);
    wr_bytes(&w, head, sizeof(head));
    wr_u8(&w, 0);
    wr_u16(&w, TYPE_OPT);
    wr_u16(&w, (uint16_t)(dice(3) ? 1232 : dice(5000)));
    wr_u32(&w, dice(16) ? 0x8000 * dice(2) : (uint32_t)dice(1 << 30));
    uint8_t *rdlen = wr_room(&w, 2), *start = w.at;
    for (unsigned n = dice(12); n > 0; n--)
        put_payload(&w, &samples[dice(ARRAY_LEN(samples))]);
    size_t len = (size_t)(w.at - start);
    if (len && dice(16) == 0)
        len -= 1 + dice((unsigned)len < 6 ? (unsigned)len : 6);
    put_u16(rdlen, (uint16_t)len);
    return (size_t)(start - out) + len;
}

/* A server that has something to say to every option. */
static void set_up(struct talk *t)
{
    static const char agent[] = "\2er\7example";
    t->self = (struct self){.udp_size_max = 1232, .edns_size = 1232, .keepalive = 100};
    t->self.nsid_len = (uint8_t)dice(256);
    t->self.echoes_subnet = dice(4);
    t->self.cookies.count = dice(3);
    t->self.wants_cookies = dice(2);
    if (dice(2)) {
        t->self.report_agent.len = sizeof(agent);
        memcpy(t->self.report_agent.wire, agent, sizeof(agent));
    }
    t->zone.labels = dice(4);
    t->self.nsec3_iterations_max = (uint16_t)dice(2500);
    t->entry.name =
        dice(2) ? (struct name_buf){.len = 3, .wire = "\1a"} : (struct name_buf){.len = 1};
    t->version.soa.count = 1;
    t->version.serial = 7;
    t->entry.expires_us = dice(2) ? 5000000 : -5;
    t->q = (struct request){.self = &t->self, .count = &t->count, .answer = &t->answer};
    t->q.peer.transport = dice(2) ? TRANSPORT_TCP : TRANSPORT_UDP;
    t->q.peer.address.any.sa_family = dice(2) ? AF_INET : AF_INET6;
    if (dice(4)) {
        t->q.zone = &t->zone;
        t->q.version = dice(4) ? &t->version : NULL;
        t->q.entry = &t->entry;
        t->zone.published = &t->version;
    }
}

/* What a zone would have: records until no more fit. */
static void fill(struct build *b)
{
    static uint8_t text[256];
    struct rr rr = {.owner = b->qname, .type = TYPE_TXT, .class = CLASS_IN, .rdata = {text, 2}};
    while (dice(6)) {
        text[0] = (uint8_t)dice(200);
        rr.rdata.len = (uint16_t)(text[0] + 1);
        while (build_rr(b, SECTION_ANSWER, &rr) && dice(2))
            ;
    }
}

/* Every option of the answer is whole, there once, and was asked for unless it may come unasked. */
static void check_opt(const struct talk *t, size_t at, uint32_t came)
{
    struct rd r = rd_over(t->out + at, t->answer.len - at);
    uint32_t seen = 0;
    cr_assert_eq(rd_u8(&r), 0);
    cr_assert_eq(rd_u16(&r), TYPE_OPT);
    cr_assert_eq(rd_u16(&r), 1232);
    cr_assert_eq(rd_u32(&r) & 0xff7fffu, 0); /* version 0, no flag but DO */
    struct rd options = rd_sub(&r, rd_u16(&r));
    cr_assert(!r.bad && rd_left(&r) == 0);
    while (rd_left(&options)) {
        uint16_t code = rd_u16(&options);
        (void)rd_sub(&options, rd_u16(&options));
        cr_assert(!options.bad);
        cr_assert_lt(code, 32);
        cr_assert(!(seen >> code & 1), "option %u twice", code);
        cr_assert(came >> code & 1 || code == 15 || code == 18, "option %u unasked", code);
        cr_assert(code != 12 && code != 20, "option %u in an answer", code);
        seen |= 1u << code;
    }
}

/* Which options below 32 are in the query, as far as it can be read. */
static uint32_t codes_of(const uint8_t *in, size_t len)
{
    struct rd r = rd_over(in + PLAIN_LEN + EDNS_OPT_HEAD_LEN, len - PLAIN_LEN - EDNS_OPT_HEAD_LEN);
    uint32_t codes = 0;
    while (rd_left(&r)) {
        uint16_t code = rd_u16(&r);
        (void)rd_sub(&r, rd_u16(&r));
        codes |= !r.bad && code < 32 ? 1u << code : 0;
    }
    return codes;
}

static uint8_t untouched[sizeof(((struct talk *)NULL)->out)];

static void one_round(struct talk *t)
{
    static const enum rcode rcodes[] = {NOERROR, NXDOMAIN, SERVFAIL, REFUSED, NOTIMP, NOTAUTH};
    set_up(t);
    size_t len = put_query(t->in);
    t->in[2] = (uint8_t)(dice(4) ? 0 : OPCODE_UPDATE << 3);
    cr_assert(message_read_header(&t->q.msg, t->in, len));
    cr_assert_eq(message_read(&t->q.msg), NOERROR);
    edns_clear(&t->q.edns);
    t->q.rcode = edns_read(&t->q);
    cr_assert(t->q.rcode == NOERROR || t->q.rcode == FORMERR || t->q.rcode == BADVERS);
    uint32_t came = t->q.rcode == NOERROR ? codes_of(t->in, len) : 0;
    if (t->q.rcode == NOERROR)
        t->q.rcode = edns_apply(&t->q);
    cr_assert(t->q.rcode != BADCOOKIE || t->self.wants_cookies);
    if (t->q.rcode == NOERROR)
        t->q.rcode = rcodes[dice(ARRAY_LEN(rcodes))];
    if (dice(4) == 0)
        edns_say(&t->q, EDE_OTHER, "a word that nobody knows the length of");
    edns_say_why(&t->q);
    size_t limit = dice(2) ? edns_answer_max(&t->q) : PLAIN_LEN + EDNS_OPT_HEAD_LEN + dice(300);
    if (limit > OUT_MAX)
        limit = OUT_MAX;
    memset(t->out + limit, CANARY, sizeof(t->out) - limit);
    size_t tsig = dice(4) ? 0 : dice((unsigned)limit - PLAIN_LEN - EDNS_OPT_HEAD_LEN + 1);
    build_init(&t->answer, t->out, limit);
    cr_assert(build_reserve(&t->answer, tsig));
    cr_assert(build_question(&t->answer, t->q.msg.qname, t->q.msg.qtype, t->q.msg.qclass));
    cr_assert(edns_reserve(&t->q));
    size_t reserved = t->q.edns.reserved;
    cr_assert_geq(reserved, EDNS_OPT_HEAD_LEN);
    fill(&t->answer);
    size_t at = t->answer.len;
    t->q.edns.is_unproven = dice(8) == 0;
    if (t->q.edns.is_unproven && !t->q.edns.has_error) /* it takes what the answer has left */
        reserved = limit - tsig - at;
    edns_write(&t->q);
    cr_assert_leq(t->answer.len - at, reserved);
    cr_assert_leq(t->answer.len, limit - tsig);
    cr_assert_eq(memcmp(t->out + limit, untouched, sizeof(t->out) - limit), 0);
    check_opt(t, at, came);
    struct message m;
    build_header(&t->answer, 1, FLAG_QR);
    cr_assert(message_read_header(&m, t->out, t->answer.len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_assert_eq(m.opt_at, at);
}

Test(any, options_stay_within_what_was_reserved, .timeout = 300)
{
    struct talk *t = calloc(1, sizeof(*t));
    srand(7891);
    memset(untouched, CANARY, sizeof(untouched));
    for (unsigned i = 0; i < cases(ROUNDS, ROUNDS / 4); i++)
        one_round(t);
    free(t);
}

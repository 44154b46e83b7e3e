/* SPDX-License-Identifier: Apache-2.0
 * For the tests of transfers to others: a client that asks for one, and takes it as it likes. */
#ifndef CLIENT_H
#define CLIENT_H

#include "bed.h"

/* A question for a transfer; serial -1: AXFR. */
static inline size_t client_question(uint8_t *wire, const char *zone, int64_t serial)
{
    size_t len = bed_query(wire, zone, serial < 0 ? TYPE_AXFR : TYPE_IXFR);
    if (serial < 0)
        return len;
    struct wr w = wr_over(wire + len, 128);
    put_u16(wire + 8, 1);
    bed_name(&w, zone);
    wr_u16(&w, TYPE_SOA);
    wr_u16(&w, CLASS_IN);
    wr_u32(&w, 0);
    wr_u16(&w, 22);
    wr_u16(&w, 0);
    wr_u32(&w, (uint32_t)serial);
    for (unsigned i = 0; i < 4; i++)
        wr_u32(&w, 0);
    return len + wr_len(&w);
}

/* The answer to that IPv4 address begins; NULL: it is one message, in b->out. */
static inline struct outflow *client_begin(struct bed *b, const char *zone, int64_t serial,
                                           uint32_t from)
{
    uint8_t wire[1024];
    struct exchange x = {.in = wire, .in_len = client_question(wire, zone, serial), .out = b->out};
    x.peer.transport = TRANSPORT_TCP;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_addr.s_addr = htonl(from);
    x.channel = b;
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert_not(x.is_waiting);
    cr_assert(!x.outflow || x.out_len == 0);
    b->out_len = x.out_len;
    return x.outflow;
}

/* What came of it. */
struct taken {
    unsigned messages, records, soas, waits;
    uint32_t first, last; /* serials */
};

static inline void client_take_message(struct bed *b, struct taken *t, size_t len)
{
    uint8_t *room = mem_alloc(RDATA_LEN_MAX);
    struct wr rdata = wr_over(room, RDATA_LEN_MAX);
    struct message m;
    struct rr rr;
    cr_assert(message_read_header(&m, b->out, len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    for (; rr_read(&reader, &rdata, &rr) == RR_READ_OK; rdata = wr_over(room, RDATA_LEN_MAX)) {
        t->records++;
        if (rr.type != TYPE_SOA)
            continue;
        t->last = soa_of(rr.rdata).serial;
        t->first = t->soas++ ? t->first : t->last;
    }
    free(room);
    t->messages++;
}

/* One message more, once it can be had. */
static inline enum outflow_next client_take(struct bed *b, struct outflow *f, struct taken *t)
{
    size_t len = 0;
    enum outflow_next next;
    while ((next = server_outflow_next(b->server, f, b->now_us, b->out, &len)) == OUTFLOW_LATER) {
        unsigned ready = b->outflows_ready;
        t->waits++;
        while (b->outflows_ready == ready) {
            cr_assert(bed_wait(b), "nobody says that more can be had");
            (void)server_collect(b->server, b->now_us);
        }
    }
    if (next != OUTFLOW_BROKEN)
        client_take_message(b, t, len);
    return next;
}

/* All the rest. */
static inline void client_finish(struct bed *b, struct outflow *f, struct taken *t)
{
    enum outflow_next next;
    while ((next = client_take(b, f, t)) == OUTFLOW_MESSAGE)
        ;
    cr_assert_eq(next, OUTFLOW_LAST);
    server_outflow_end(b->server, f, true);
}

#endif

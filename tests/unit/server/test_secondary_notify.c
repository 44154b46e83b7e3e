/* SPDX-License-Identifier: Apache-2.0
 * NOTIFY that comes to a zone that follows a primary: who is heeded, and when. */
#include "primary.h"

#define NO_SERIAL UINT32_MAX

/* From 192.0.2.N; gives the rcode of the answer. hint: one record, or NULL. */
static unsigned notify_with(struct bed *b, uint16_t class, const char *zone, unsigned from,
                            const struct wr *hint)
{
    uint8_t wire[1024], out[DNS_MESSAGE_MAX];
    size_t len = bed_query(wire, zone, TYPE_SOA);
    put_u16(wire + len - 2, class);
    wire[2] = OPCODE_NOTIFY << 3 | 0x04;
    if (hint) {
        memcpy(wire + len, hint->start, wr_len(hint));
        len += wr_len(hint);
        wire[7] = 1;
    }
    struct exchange x = {.in = wire, .in_len = len, .out = out};
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_port = htons(4711);
    x.peer.address.v4.sin_addr.s_addr = htonl(0xc0000200 + from);
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert_geq(x.out_len, DNS_HEADER_LEN);
    int aa = (out[3] & FLAG_RCODE_MASK) == NOERROR ? 0x04 : 0;
    cr_expect_eq(out[2], 0x80 | OPCODE_NOTIFY << 3 | aa, "QR, opcode, AA");
    cr_expect(out[0] == wire[0] && out[1] == wire[1]);
    cr_expect_eq(memcmp(out + DNS_HEADER_LEN, wire + DNS_HEADER_LEN, x.out_len - DNS_HEADER_LEN), 0,
                 "the question");
    return out[3] & FLAG_RCODE_MASK;
}

/* serial 0: without a hint. */
static unsigned notify_in_class(struct bed *b, uint16_t class, const char *zone, unsigned from,
                                uint32_t serial)
{
    struct primary_answer a = {.w = wr_over(a.wire, sizeof(a.wire))};
    if (serial)
        primary_soa(&a, serial);
    return notify_with(b, class, zone, from, serial ? &a.w : NULL);
}

static unsigned notify(struct bed *b, const char *zone, unsigned from, uint32_t serial)
{
    return notify_in_class(b, CLASS_IN, zone, from, serial);
}

Test(secondary, heeds_notify_of_its_primaries_only)
{
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    b->now_us += 60000000;
    cr_expect_eq(notify(b, "other.example.", 1, 0), NOTAUTH);
    cr_expect_eq(notify_in_class(b, CLASS_CH, "z.example.", 1, 5), NOTAUTH);
    cr_expect_eq(notify(b, "z.example.", 2, 5), REFUSED, "p2 is no primary of it");
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(b->server->refused.count, 3);
    cr_expect_eq(notify(b, "z.example.", 1, 1), NOERROR, "what we have");
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(notify(b, "z.example.", 1, 3), NOERROR);
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(notify(b, "z.example.", 1, 3), NOERROR);
    cr_assert_eq(primary_asked(), TYPE_IXFR);
    primary_gives_steps(1, 2);
    cr_expect_eq(bed_serial(b, "z.example."), 3);
    cr_expect_eq(primary.count, 0, "a thousand were one");
    disk_free(&d);
}

/* RFC 1996 s3.7: a SOA of the zone with our serial is no news. Any other record says nothing. */
Test(secondary, a_notify_has_no_serial_but_that_of_the_zones_own_soa)
{
    static const struct {
        const char *owner;
        uint16_t type, class, rdlen;
        bool is_heeded;
    } rows[] = {
        {"z.example.", TYPE_SOA, CLASS_IN, 22, true},
        {"Z.Example.", TYPE_SOA, CLASS_IN, 22, true},
        {"y.example.", TYPE_SOA, CLASS_IN, 22, false},
        {"example.", TYPE_SOA, CLASS_IN, 22, false},
        {"z.example.", TYPE_TXT, CLASS_IN, 22, false},
        {"z.example.", TYPE_SOA, CLASS_CH, 22, false},
        {"z.example.", TYPE_SOA, CLASS_ANY, 0, false},
    };
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t bytes[128];
        struct wr w = wr_over(bytes, sizeof(bytes));
        b->now_us += 5000000;
        bed_name(&w, rows[i].owner);
        wr_u16(&w, rows[i].type);
        wr_u16(&w, rows[i].class);
        wr_u32(&w, 0);
        wr_u16(&w, rows[i].rdlen);
        for (unsigned k = 0; k < rows[i].rdlen; k++)
            wr_u8(&w, k == 5); /* two root names, serial 1 */
        cr_expect_eq(notify_with(b, CLASS_IN, "z.example.", 1, &w), NOERROR);
        cr_expect_eq(primary.count, !rows[i].is_heeded, "row %zu", i);
        if (primary.count) {
            struct primary_answer *a = primary_answer(primary_call());
            cr_assert_eq(primary_asked(), TYPE_IXFR);
            primary_soa(a, 1);
            primary_send(primary_call(), a);
        }
    }
    disk_free(&d);
}

/* The type that p1 is asked for; 0: it is not asked. */
static unsigned asked_of_z(void)
{
    unsigned type = 0;
    for (unsigned i = 0; i < primary.count; i++) {
        struct message m;
        primary_question(primary.calls[i], &m);
        if (name_is_equal(m.qname, (struct name){(const uint8_t *)"\1z\7example", 11}))
            type = m.qtype;
    }
    return type;
}

/* Many zones look one after the other after a start, so what is told before the zone is open is
 * news that would wait; of what is no news nobody is asked. */
Test(secondary, heeds_a_notify_that_comes_before_the_zone_is_open)
{
    static const struct {
        uint32_t told[2]; /* 0: none; NO_SERIAL: without one */
        unsigned asked;
    } rows[] = {{{0, 0}, 0},
                {{1, 0}, 0},
                {{3, 0}, TYPE_IXFR},
                {{3, 1}, TYPE_IXFR},
                {{1, 3}, TYPE_IXFR},
                {{NO_SERIAL, 1}, TYPE_IXFR},
                {{1, NO_SERIAL}, TYPE_IXFR}};
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    char zones[8192] = PRIMARY_Z;
    for (unsigned i = 0; i < 60; i++) /* asked whole, by turns, all of p2 */
        sprintf(zones + strlen(zones), "  z%u.example: {primaries: [p2]}\n", i);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        server_free(b->server);
        b->waiting = 0;
        primary_start(b, zones);
        for (unsigned k = 0; k < 2 && rows[i].told[k]; k++) {
            uint32_t serial = rows[i].told[k] == NO_SERIAL ? 0 : rows[i].told[k];
            cr_expect_eq(notify(b, "z.example.", 1, serial), NOERROR);
        }
        cr_assert_not(disk_zone(b, "z.example.")->secondary->is_open);
        disk_rest(b);
        cr_expect_eq(asked_of_z(), rows[i].asked, "row %zu", i);
    }
    disk_free(&d);
}

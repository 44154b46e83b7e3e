/* SPDX-License-Identifier: Apache-2.0
 * The options one by one, from the bytes of a query's to the bytes of the answer's. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/digits.h"
#include "edns/edns.h"
#include "zone/store.h"
#include "zone/zone.h"
#include "unit.h"

#define OPTION_MAX 64

struct talk {
    uint8_t in[512];
    struct request q;
    struct self self;
    struct counters count;
    struct build answer;
    uint8_t out[1024];
};

static size_t unhex(const char *hex, uint8_t *out)
{
    struct wr w = wr_over(out, OPTION_MAX);
    cr_assert(base16_scan(hex, strlen(hex), &w), "%s", hex);
    return wr_len(&w);
}

/* A query for "a." A with the options, in hex with their heads. */
static struct talk *talk_new(const char *options)
{
    static const uint8_t head[] = {0, 1, 0, 0, 0, 1, 0,  0,    0,    0, 0, 1, 1, 'a', 0,
                                   0, 1, 0, 1, 0, 0, 41, 0x10, 0x00, 0, 0, 0, 0, 0};
    struct talk *t = calloc(1, sizeof(*t));
    memcpy(t->in, head, sizeof(head));
    size_t len = unhex(options, t->in + sizeof(head) + 1);
    t->in[sizeof(head)] = (uint8_t)len;
    t->self.udp_size_max = t->self.edns_size = 1232;
    t->q.self = &t->self;
    t->q.count = &t->count;
    t->q.answer = &t->answer;
    edns_clear(&t->q.edns);
    cr_assert(message_read_header(&t->q.msg, t->in, sizeof(head) + 1 + len));
    cr_assert_eq(message_read(&t->q.msg), NOERROR);
    return t;
}

static void from(struct talk *t, int family, const char *address)
{
    union address *a = &t->q.peer.address;
    a->any.sa_family = (sa_family_t)family;
    cr_assert_eq(inet_pton(family, address,
                           family == AF_INET ? (void *)&a->v4.sin_addr : (void *)&a->v6.sin6_addr),
                 1);
}

static void secret(struct hash_key *key, const char *hex)
{
    uint8_t bytes[OPTION_MAX];
    cr_assert_eq(unhex(hex, bytes), 16);
    key->k0 = key->k1 = 0;
    for (unsigned i = 8; i-- > 0;) {
        key->k0 = key->k0 << 8 | bytes[i];
        key->k1 = key->k1 << 8 | bytes[8 + i];
    }
}

/* The options of the answer, in hex with their heads, are these. */
static void expect(struct talk *t, const char *options, const char *row)
{
    uint8_t want[OPTION_MAX];
    size_t len = unhex(options, want);
    build_init(&t->answer, t->out, sizeof(t->out));
    cr_assert(build_question(&t->answer, t->q.msg.qname, t->q.msg.qtype, t->q.msg.qclass));
    cr_assert(edns_reserve(&t->q));
    size_t at = t->answer.len;
    edns_write(&t->q);
    cr_assert_eq(t->answer.len - at, EDNS_OPT_HEAD_LEN + len, "%s", row);
    cr_assert_arr_eq(t->out + at + EDNS_OPT_HEAD_LEN, want, len, "%s", row);
}

/* --- cookies: RFC 9018 appendix A --- */

#define OLD_SECRET "dd3bdf9344b678b185a6f5cb60fca715"
#define NEW_SECRET "445536bcd2513298075a5d379663c962"
#define SECRET     "e5e973e5a6b2a43f48e7dc849e37bfcf"

static const struct cookie_row {
    const char *name;
    int family;
    bool is_good;
    const char *from;
    int64_t now_s;
    const char *secrets[2];
    const char *sent, *answered;
} cookie_rows[] = {
    {"A.1: a client without a server cookie",
     AF_INET,
     false,
     "198.51.100.100",
     1559731985,
     {SECRET},
     "000a00082464c4abcf10c957",
     "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480"},
    {"A.2: the same client, 40 minutes later",
     AF_INET,
     true,
     "198.51.100.100",
     1559734385,
     {SECRET},
     "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480",
     "000a00182464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
    {"A.3: one of two hours, which s4.3 has as too old",
     AF_INET,
     false,
     "203.0.113.203",
     1559734700,
     {SECRET},
     "000a0018fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
     "000a0018fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
    {"the same while it is young: reserved bytes are hashed as they came (s4.2)",
     AF_INET,
     true,
     "203.0.113.203",
     1559727985 + 1000,
     {SECRET},
     "000a0018fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
     "000a0018fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
    {"A.4: IPv6, and the secret is another one since",
     AF_INET6,
     true,
     "2001:db8:220:1:59de:d0f4:8769:82b8",
     1559741961,
     {NEW_SECRET, OLD_SECRET},
     "000a001822681ab97d52c298010000005cf7c57926556bd0934c72f8",
     "000a001822681ab97d52c298010000005cf7c609a6bb79d16625507a"},
    {"within half an hour it stays the same",
     AF_INET,
     true,
     "198.51.100.100",
     1559731985 + 1700,
     {SECRET},
     "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480",
     "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480"},
};

Test(options, cookies_are_those_of_rfc_9018)
{
    for (size_t i = 0; i < ARRAY_LEN(cookie_rows); i++) {
        const struct cookie_row *row = &cookie_rows[i];
        struct talk *t = talk_new(row->sent);
        from(t, row->family, row->from);
        t->q.now_us = row->now_s * 1000000;
        for (; t->self.cookies.count < 2 && row->secrets[t->self.cookies.count];
             t->self.cookies.count++)
            secret(&t->self.cookies.at[t->self.cookies.count], row->secrets[t->self.cookies.count]);
        cr_expect_eq(edns_read(&t->q), NOERROR, "%s", row->name);
        cr_expect_eq(edns_apply(&t->q), NOERROR, "%s", row->name);
        cr_expect_eq(t->q.edns.has_good_cookie, row->is_good, "%s", row->name);
        expect(t, row->answered, row->name);
        free(t);
    }
}

/* Good or not, by RFC 9018 s4.3: an hour old, five minutes ahead; and of another client. */
Test(options, cookies_age_and_belong_to_an_address)
{
    static const struct {
        int64_t now_s;
        const char *from;
        bool is_good;
    } rows[] = {
        {1559731985, "198.51.100.100", true},         {1559731985 + 3600, "198.51.100.100", true},
        {1559731985 + 3601, "198.51.100.100", false}, {1559731985 - 300, "198.51.100.100", true},
        {1559731985 - 301, "198.51.100.100", false},  {1559731985, "198.51.100.101", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct talk *t = talk_new("000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480");
        from(t, AF_INET, rows[i].from);
        t->q.now_us = rows[i].now_s * 1000000;
        t->self.cookies.count = 1;
        t->self.wants_cookies = true;
        secret(&t->self.cookies.at[0], SECRET);
        cr_expect_eq(edns_read(&t->q), NOERROR);
        cr_expect_eq(edns_apply(&t->q), rows[i].is_good ? NOERROR : BADCOOKIE, "row %zu", i);
        cr_expect_eq(t->q.edns.has_good_cookie, rows[i].is_good, "row %zu", i);
        free(t);
    }
}

/* RFC 9018 s4.4: precisely 24 bytes, though more of them would begin with one of ours. */
Test(options, cookies_of_another_length_or_content_are_not_ours)
{
    static const struct {
        const char *name, *sent;
        bool is_good;
    } rows[] = {
        {"as it was made", "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29480", true},
        {"longer", "000a00202464c4abcf10c957010000005cf79f111f8130c3eee294800000000000000000",
         false},
        {"shorter", "000a00172464c4abcf10c957010000005cf79f111f8130c3eee294", false},
        {"another hash", "000a00182464c4abcf10c957010000005cf79f111f8130c3eee29481", false},
        {"another client's", "000a00182464c4abcf10c958010000005cf79f111f8130c3eee29480", false},
        {"another time", "000a00182464c4abcf10c957010000005cf79f121f8130c3eee29480", false},
        /* s4.1; the hashes are right, SipHash-2-4 over all that is before them and the address */
        {"of version 2", "000a00182464c4abcf10c957020000005cf79f116187d0e51e7646e7", false},
        {"of version 0", "000a00182464c4abcf10c957000000005cf79f1129b715bd0a88999c", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct talk *t = talk_new(rows[i].sent);
        from(t, AF_INET, "198.51.100.100");
        t->q.now_us = (int64_t)1559731985 * 1000000;
        t->self.cookies.count = 1;
        secret(&t->self.cookies.at[0], SECRET);
        cr_expect_eq(edns_read(&t->q), NOERROR, "%s", rows[i].name);
        cr_expect_eq(edns_apply(&t->q), NOERROR, "%s", rows[i].name);
        cr_expect_eq(t->q.edns.has_good_cookie, rows[i].is_good, "%s", rows[i].name);
        free(t);
    }
}

/* --- lengths --- */

static const struct read_row {
    const char *name, *sent;
    enum transport transport;
    enum rcode rcode;
    const char *answered;
} read_rows[] = {
    {"RFC 7873 s5.2.2: a cookie of 7", "000a000701020304050607", TRANSPORT_UDP, FORMERR, ""},
    {"of 9", "000a0009010203040506070809", TRANSPORT_UDP, FORMERR, ""},
    {"of 15", "000a000f010203040506070809010203040506", TRANSPORT_UDP, FORMERR, ""},
    {"of 41",
     "000a0029"
     "0102030405060708010203040506070801020304050607080102030405060708010203040506070809",
     TRANSPORT_UDP, FORMERR, ""},
    {"RFC 7828 s3.3.1: keepalive over UDP is ignored", "000b0000", TRANSPORT_UDP, NOERROR, ""},
    {"even if it says a time", "000b00020001", TRANSPORT_UDP, NOERROR, ""},
    {"over TCP it is answered", "000b0000", TRANSPORT_TCP, NOERROR, "000b00020064"},
    {"a client says no time", "000b00020001", TRANSPORT_TCP, FORMERR, ""},
    {"RFC 7871: scope 0",
     "00080007000118"
     "00c00002",
     TRANSPORT_UDP, NOERROR,
     "00080007000118"
     "00c00002"},
    {"source 0", "0008000400010000", TRANSPORT_UDP, NOERROR, "0008000400010000"},
    {"s6: bits behind the prefix",
     "00080007000117"
     "00c00003",
     TRANSPORT_UDP, FORMERR, ""},
    {"bytes behind the prefix",
     "00080008000118"
     "00c0000200",
     TRANSPORT_UDP, FORMERR, ""},
    {"a scope in a query",
     "00080007000118"
     "18c00002",
     TRANSPORT_UDP, FORMERR, ""},
    {"an unknown family", "0008000400030000", TRANSPORT_UDP, FORMERR, ""},
    {"no family, as clients say that they want no subnet", "0008000400000000", TRANSPORT_UDP,
     NOERROR, "0008000400000000"},
    {"more than an address has",
     "00080009000121"
     "00c000020100",
     TRANSPORT_UDP, FORMERR, ""},
    {"half a head", "0008000300010000", TRANSPORT_UDP, FORMERR, ""},
    {"RFC 9660 s3.2.1: ZONEVERSION is empty", "0013000100", TRANSPORT_UDP, FORMERR, ""},
    {"and comes once", "0013000000130000", TRANSPORT_UDP, FORMERR, ""},
    {"RFC 9567: in a query it means nothing", "0012000101", TRANSPORT_UDP, NOERROR, ""},
    {"RFC 8914: nor an error", "000f00020000", TRANSPORT_UDP, NOERROR, ""},
};

Test(options, are_read_as_the_rfcs_say)
{
    for (size_t i = 0; i < ARRAY_LEN(read_rows); i++) {
        const struct read_row *row = &read_rows[i];
        struct talk *t = talk_new(row->sent);
        t->q.peer.transport = row->transport;
        t->self.keepalive = 100;
        t->self.echoes_subnet = true;
        t->self.cookies.count = 1;
        cr_expect_eq(edns_read(&t->q), row->rcode, "%s", row->name);
        if (row->rcode == NOERROR)
            cr_expect_eq(edns_apply(&t->q), NOERROR, "%s", row->name);
        expect(t, row->answered, row->name);
        /* by which the connection learns what its client was told */
        cr_expect_eq(t->count.keepalives_told, strncmp(row->answered, "000b", 4) == 0, "%s",
                     row->name);
        free(t);
    }
}

/* RFC 9664 s4: in UPDATE only, LEASE or LEASE and KEY-LEASE; the form comes back. */
Test(options, lease_the_records_of_an_update)
{
    static const struct {
        const char *name, *sent;
        enum opcode opcode;
        enum rcode read, rcode; /* what reading gives, and the answer */
        const char *answered;
    } rows[] = {
        {"LEASE", "0002000400000708", OPCODE_UPDATE, NOERROR, NOERROR, "000200040000003c"},
        {"LEASE and KEY-LEASE", "000200080000070800015180", OPCODE_UPDATE, NOERROR, NOERROR,
         "000200080000003c0000003d"},
        {"an update that fails", "0002000400000708", OPCODE_UPDATE, NOERROR, REFUSED, ""},
        {"nothing", "00020000", OPCODE_UPDATE, FORMERR, FORMERR, ""},
        {"two bytes", "000200020708", OPCODE_UPDATE, FORMERR, FORMERR, ""},
        {"five bytes", "000200050000070800", OPCODE_UPDATE, FORMERR, FORMERR, ""},
        {"nine bytes", "00020009000007080001518000", OPCODE_UPDATE, FORMERR, FORMERR, ""},
        {"twice", "00020004000007080002000400000009", OPCODE_UPDATE, NOERROR, NOERROR,
         "000200040000003c"},
        {"in a query", "0002000400000708", OPCODE_QUERY, NOERROR, NOERROR, ""},
        {"of any form", "000200020708", OPCODE_QUERY, NOERROR, NOERROR, ""},
        {"in a NOTIFY", "0002000400000708", OPCODE_NOTIFY, NOERROR, NOERROR, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct talk *t = talk_new(rows[i].sent);
        t->q.msg.flags = (uint16_t)(rows[i].opcode << 11);
        cr_expect_eq(edns_read(&t->q), rows[i].read, "%s", rows[i].name);
        bool has_lease = *rows[i].answered || rows[i].rcode == REFUSED;
        bool has_both = rows[i].sent[7] == '8';
        cr_expect_eq(t->q.edns.lease_s, has_lease ? 1800 : 0, "%s", rows[i].name);
        cr_expect_eq(t->q.edns.key_lease_s,
                     has_both    ? 86400
                     : has_lease ? 1800
                                 : 0,
                     "%s", rows[i].name);
        t->q.edns.lease_s = 60; /* as granted */
        t->q.edns.key_lease_s = 61;
        t->q.rcode = rows[i].rcode;
        expect(t, rows[i].answered, rows[i].name);
        free(t);
    }
}

Test(options, are_counted_once_in_a_message)
{
    /* twice, in the wrong place, or not known: all the same */
    struct talk *t = talk_new("00030000000300000009000000020000000b0000fde900000014000200ff");
    const struct counters *c = &t->count;
    cr_expect_eq(edns_read(&t->q), NOERROR);
    cr_expect_eq(c->edns_queries, 1);
    cr_expect_eq(c->edns_option_nsid, 1);
    cr_expect_eq(c->edns_option_expire, 1);
    cr_expect_eq(c->edns_option_lease, 1);
    cr_expect_eq(c->edns_option_keepalive, 1);
    cr_expect_eq(c->edns_option_cookie, 0);
    cr_expect_eq(c->edns_unknown_option, 2);
    free(t);
}

Test(options, say_the_version_of_the_zone)
{
    struct talk *t = talk_new("00130000");
    struct zone zone = {.labels = 1};
    struct version version = {.serial = 0x01020304, .soa.count = 1};
    cr_expect_eq(edns_read(&t->q), NOERROR);
    expect(t, "", "no zone of ours");
    t->q.zone = &zone;
    t->q.version = &version;
    expect(t, "00130006010001020304", "RFC 9660 s2.1");
    t->q.version = NULL;
    zone.published = &version;
    expect(t, "00130006010001020304", "s3.2: of an expired zone, with SERVFAIL");
    free(t);
}

/* RFC 7314 s3.2: what is left of a secondary's time, in whole seconds. */
Test(options, say_for_how_long_data_is_good)
{
    static const struct {
        int64_t left_us;
        const char *answered;
    } rows[] = {
        {5999999, "0009000400000005"},  {1000000, "0009000400000001"},
        {999999, "0009000400000000"},   {0, "0009000400000000"},
        {-1, "0009000400000000"}, /* the timer that ends it is about to fire */
        {-5000000, "0009000400000000"}, {INT64_C(2147483647) * 1000000, "000900047fffffff"},
    };
    struct version version = {.soa.count = 1};
    struct store_entry entry = {.name = {.len = 3, .wire = "\1a"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct talk *t = talk_new("00090000");
        cr_expect_eq(edns_read(&t->q), NOERROR);
        t->q.now_us = 1559731985000000;
        entry.expires_us = t->q.now_us + rows[i].left_us;
        t->q.entry = &entry;
        expect(t, "", "RFC 7314 s3.3: no data");
        t->q.version = &version;
        expect(t, rows[i].answered, rows[i].answered);
        free(t);
    }
}

Test(options, say_why_and_whom_to_tell)
{
    struct talk *t = talk_new("");
    cr_expect_eq(edns_read(&t->q), NOERROR);
    edns_say(&t->q, EDE_PROHIBITED, "no");
    edns_say(&t->q, EDE_NOT_READY, "a second word");
    expect(t, "000f000400126e6f", "RFC 8914 s2");
    struct diag diag;
    cr_assert_eq(name_scan("er.example", 10, NAME_ROOT, &t->self.report_agent, &diag), OK);
    expect(t, "000f000400126e6f0012000c026572076578616d706c6500", "RFC 9567 s5");
    free(t);
}

/* Room for that many bytes behind the OPT's head. */
static const struct room_row {
    const char *name;
    size_t room;
    enum transport transport;
    unsigned flags;
    const char *options;
} room_rows[] = {
    {"all", 8, TRANSPORT_UDP, 0, "000f000400126e6f"},
    {"the text goes first", 7, TRANSPORT_UDP, 0, "000f00020012"},
    {"the code alone", 6, TRANSPORT_UDP, 0, "000f00020012"},
    {"RFC 8914 s3: none, and TC", 5, TRANSPORT_UDP, FLAG_TC, ""},
    {"over TCP nobody could ask again", 5, TRANSPORT_TCP, 0, ""},
};

Test(options, an_error_without_room_truncates_the_answer)
{
    for (size_t i = 0; i < ARRAY_LEN(room_rows); i++) {
        const struct room_row *r = &room_rows[i];
        uint8_t want[OPTION_MAX];
        size_t len = unhex(r->options, want), at = DNS_HEADER_LEN + 3 + 4;
        struct talk *t = talk_new("");
        t->q.peer.transport = r->transport;
        cr_assert_eq(edns_read(&t->q), NOERROR);
        edns_say(&t->q, EDE_PROHIBITED, "no");
        build_init(&t->answer, t->out, at + EDNS_OPT_HEAD_LEN + r->room);
        cr_assert(build_question(&t->answer, t->q.msg.qname, t->q.msg.qtype, t->q.msg.qclass));
        cr_assert(edns_reserve(&t->q));
        edns_write(&t->q);
        cr_assert_eq(t->answer.len, at + EDNS_OPT_HEAD_LEN + len, "%s", r->name);
        cr_assert_arr_eq(t->out + at + EDNS_OPT_HEAD_LEN, want, len, "%s", r->name);
        cr_expect_eq(t->q.answer_flags, r->flags, "%s", r->name);
        free(t);
    }
}

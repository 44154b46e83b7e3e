/* SPDX-License-Identifier: Apache-2.0
 * xfr/out: what a client hears is the zone, or the differences, record by record and byte by byte,
 * in messages that any client takes. */
#include "heard.h"
#include "xfr/in.h"
#include "../slow.h"

/* --- whole zones --- */

static char *file_read(const char *path)
{
    const size_t cap = 1 << 20;
    char *text = malloc(cap);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    size_t len = fread(text, 1, cap - 1, f);
    fclose(f);
    text[len] = '\0';
    return text;
}

/* What was heard is SOA, the rest of `want`, the same SOA. */
static void expect_zone(void)
{
    size_t count = c.heard.count;
    cr_assert_geq(count, 2);
    cr_expect_eq(c.heard.at[0].type, TYPE_SOA);
    cr_assert_eq(heard_compare(&c.heard.at[0], &c.heard.at[count - 1]), 0);
    for (size_t i = 1; i + 1 < count; i++)
        cr_assert_neq(c.heard.at[i].type, TYPE_SOA, "record %zu", i);
    qsort(c.heard.at, count - 1, sizeof(*c.heard.at), heard_compare);
    heard_sort(&want);
    expect_same_records(&c.heard, 0, count - 1, &want);
}

static void hear_whole(const struct zone *z, const struct xfr_filter *filter)
{
    struct diag diag = {0};
    struct xfr_out *x = xfr_out_whole(&c.head, z->published, filter);
    cr_assert_eq(client_hear(&c, x, &diag), XFR_OUT_LAST, "%s", diag.text);
}

Test(out, whole_zone_of_all_types)
{
    char *text = file_read(TEST_DATA "/../../zones/types.example.zone");
    struct name_buf apex = name_from("types.example.");
    struct zone *z = zone_from_text("types.example.", text);
    heard_from_text(&want, "types.example.", text);
    client_start(&c, name_of(&apex), TYPE_AXFR);
    hear_whole(z, NULL);
    cr_expect_gt(want.count, 120);
    expect_zone();
    free(text);
    zone_free(z);
    done();
}

/* Names of every depth, in every case, that end in one another, in several messages; NSEC3 and
 * signatures among them. */
static void fill_random(struct zone *z, uint64_t seed, unsigned count)
{
    static const uint16_t named[] = {TYPE_NS, TYPE_CNAME, TYPE_PTR, TYPE_MX, TYPE_MINFO, TYPE_SRV};
    struct name apex = name_of(&z->name);
    struct txn *t = txn_begin(z, TXN_BUILD);
    soa_set(t, 7);
    while (count > 0) {
        struct record r = record_random(&seed, apex);
        struct name_buf label = name_from((const char *[]){"host-1", "HOST-1", "x"}[rnd(&seed, 3)]),
                        more;
        uint8_t digits[3] = {2, (uint8_t)('a' + rnd(&seed, 26)), (uint8_t)('a' + rnd(&seed, 26))};
        struct name_buf serial = {4, {2, digits[1], digits[2], 0}};
        if (rnd(&seed, 2) && name_join(name_of(&label), name_of(&r.owner), &more))
            r.owner = more;
        if (name_join(name_of(&serial), name_of(&r.owner), &more) && rnd(&seed, 8))
            r.owner = more;
        uint8_t rdata[2 * NAME_LEN_MAX + 8] = {0};
        struct rr rr = record_rr(&r);
        rr.ttl = 300;
        if (rnd(&seed, 2)) { /* with names that lie below, beside and out of the zone */
            struct name_buf target = name_random(&seed, rnd(&seed, 4) ? apex : NAME_ROOT, 3);
            rr.type = named[rnd(&seed, ARRAY_LEN(named))];
            size_t head = rr.type == TYPE_MX ? 2 : rr.type == TYPE_SRV ? 6 : 0;
            memcpy(rdata + head, target.wire, target.len);
            memcpy(rdata + head + target.len, r.owner.wire, r.owner.len);
            rr.rdata = (struct rdata){rdata, (uint16_t)(head + target.len)};
            if (rr.type == TYPE_MINFO)
                rr.rdata.len = (uint16_t)(rr.rdata.len + r.owner.len);
        }
        enum txn_effect effect = txn_add(t, &rr);
        cr_assert_neq(effect, TXN_TTL);
        count--;
    }
    zone_publish(z, txn_seal(&t, NULL));
}

/* All records as the nodes have them. */
static void want_nodes(const struct version *v)
{
    struct walk w;
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            for (struct rdata d = rrset_first(s); d.bytes; d = rrset_next(s, d)) {
                struct rr rr = {node_owner(n), s.type, CLASS_IN, s.ttl, d};
                heard_add(&want, &rr);
            }
    cr_assert_eq(want.count, v->record_count);
}

static void random_zone(const char *apex_text, const char *question, uint64_t seed)
{
    struct name_buf apex = name_from(apex_text), qname = name_from(question);
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    const unsigned count = cases(20000, 6000);
    fill_random(z, seed, count);
    want_nodes(z->published);
    cr_assert_gt(want.count, count / 2);
    client_start(&c, name_of(&qname), TYPE_AXFR);
    hear_whole(z, NULL);
    cr_expect_gt(c.heard.messages, count / 2000);
    for (unsigned i = 0; i < c.heard.messages; i++) {
        cr_expect_leq(c.heard.len[i], XFR_OUT_FILL);
        if (i + 1 < c.heard.messages)
            cr_expect_gt(c.heard.len[i], XFR_OUT_FILL - 600);
    }
    expect_zone();
    zone_free(z);
    done();
}

Test(out, keeps_every_byte_of_many_names)
{
    random_zone("zone.example.", "zone.example.", 0x9e3779b97f4a7c15);
    random_zone("zone.Example.", "ZONE.example.",
                5); /* s3.4: case kept, the question's is its own */
    random_zone(".", ".", 6);
    random_zone("a.", "a.", 7);
}

/* From one of ours to another, byte for byte. */
Test(out, is_taken_in_whole)
{
    struct name_buf apex = name_from("zone.Example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct tsig_session none = {0};
    struct diag diag = {0};
    static uint8_t wire[DNS_MESSAGE_MAX];
    fill_random(z, 10, 20000);
    client_start(&c, name_of(&apex), TYPE_AXFR);
    struct xfr_in_order order = {.zone = name_of(&apex), .id = c.head.id, .qtype = TYPE_AXFR};
    struct xfr_in *in = xfr_in_new(&order, &none);
    struct xfr_out *x = xfr_out_whole(&c.head, z->published, NULL);
    enum xfr_out_next sent;
    enum xfr_in_next taken;
    do {
        size_t len;
        sent = xfr_out_next(x, c.now_us, wire, &len, &diag);
        taken = xfr_in_message(in, wire, len, c.now_us, &diag);
    } while (sent == XFR_OUT_MESSAGE && taken == XFR_IN_MORE);
    cr_assert_eq(sent, XFR_OUT_LAST);
    cr_assert_eq(taken, XFR_IN_WHOLE, "%s", diag.text);
    struct zone *copy = xfr_in_zone(in);
    expect_same_bytes(z->published, copy->published);
    xfr_in_free(in);
    xfr_out_free(x);
    zone_free(copy);
    zone_free(z);
    done();
}

/* --- limits --- */

/* A zone with one record of `len` bytes rdata of a type without names, in an owner's name. */
static struct zone *zone_with(const char *owner_text, size_t len)
{
    static uint8_t rdata[RDATA_LEN_MAX];
    struct zone *z = zone_from_text("example.", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n");
    struct name_buf owner = name_from(owner_text);
    struct txn *t = txn_begin(z, TXN_CHANGE);
    memset(rdata, 'x', sizeof(rdata));
    struct rr rr = {name_of(&owner), 65400, CLASS_IN, 300, {rdata, (uint16_t)len}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    struct name_buf behind = name_from("z.example.");
    rr = (struct rr){name_of(&behind), TYPE_A, CLASS_IN, 300, {rdata, 4}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

static void ask_example(void)
{
    static struct name_buf apex;
    apex = name_from("example.");
    client_start(&c, name_of(&apex), TYPE_AXFR);
}

/* Room for rdata: the message less header, owner and what is fixed. */
#define LARGEST (DNS_MESSAGE_MAX - 12 - (int)sizeof("\3big\7example") - 10)

Test(out, gives_a_large_record_a_message_of_its_own)
{
    static const size_t lens[] = {16000, 16300, 16400, 40000, LARGEST - 1, LARGEST};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct zone *z = zone_with("big.example.", lens[i]);
        want_nodes(z->published);
        ask_example();
        hear_whole(z, NULL);
        cr_expect_eq(c.heard.messages, lens[i] == 16000 ? 1 : 3, "%zu: %u", lens[i],
                     c.heard.messages);
        expect_zone();
        zone_free(z);
        done();
    }
}

Test(out, breaks_off_at_a_record_that_fits_no_message)
{
    struct zone *z = zone_with("big.example.", LARGEST + 1);
    struct diag diag = {0};
    ask_example();
    cr_expect_eq(first_failure(xfr_out_whole(&c.head, z->published, NULL), &diag), XFR_OUT_BROKEN);
    cr_expect(strstr(diag.text, "big.example. TYPE65400"), "%s", diag.text);
    zone_free(z);
    done();
}

/* What a stream is, is seen by its second record; also when that is a large one. */
Test(out, first_message_has_two_records)
{
    struct zone *z = zone_from_text("example.", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n");
    struct txn *t = txn_begin(z, TXN_CHANGE);
    static uint8_t rdata[50000];
    struct name_buf apex = name_from("example.");
    struct rr rr = {name_of(&apex), 65400, CLASS_IN, 300, {rdata, sizeof(rdata)}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    zone_publish(z, txn_seal(&t, NULL));
    want_nodes(z->published);
    ask_example();
    hear_whole(z, NULL);
    cr_expect_eq(c.heard.messages, 2);
    cr_expect_gt(c.heard.len[0], sizeof(rdata));
    expect_zone();
    zone_free(z);
    done();
}

Test(out, has_the_options_in_every_message)
{
    static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 9, 0, 0};
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    fill_random(z, 8, 3000);
    want_nodes(z->published);
    client_start(&c, name_of(&apex), TYPE_IXFR);
    c.head.opt = opt;
    c.head.opt_len = sizeof(opt);
    hear_whole(z, NULL);
    cr_expect_gt(c.heard.messages, 2);
    for (unsigned i = 0; i < c.heard.messages; i++)
        cr_expect_leq(c.heard.len[i], XFR_OUT_FILL);
    expect_zone();
    zone_free(z);
    done();
}

/* --- signatures --- */

static struct keyring *key_named(const char *name_text, const char *algorithm)
{
    struct keyring *ring = keyring_new();
    struct name_buf name = name_from(name_text);
    struct tsig_secret secret = {(const uint8_t *)"0123456789abcdef", 16, 0};
    struct diag diag = {0};
    cr_assert_eq(keyring_add(ring, name_of(&name), algorithm, &secret, 1, &diag), OK, "%s",
                 diag.text);
    return ring;
}

/* The request is signed by the client and verified as the server does. */
static void sign_request(struct keyring *ring, struct tsig_session *server)
{
    uint8_t wire[1024] = {0};
    size_t len = DNS_HEADER_LEN;
    struct message m;
    put_u16(wire, c.head.id);
    put_u16(wire + 4, 1);
    memcpy(wire + len, c.head.qname.wire, c.head.qname.len);
    put_u16(wire + len + c.head.qname.len, c.head.qtype);
    put_u16(wire + len + c.head.qname.len + 2, CLASS_IN);
    len += c.head.qname.len + 4u;
    tsig_session_start(&c.asking, keyring_at(ring, 0));
    tsig_sign(&c.asking, wire, &len, c.now_us);
    cr_assert(message_read_header(&m, wire, len));
    cr_assert_eq(message_read(&m), NOERROR);
    cr_assert_eq(tsig_verify(server, ring, &m, c.now_us), NOERROR);
}

static void signed_stream(const char *key, const char *algorithm)
{
    struct name_buf apex = name_from("zone.example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct keyring *ring = key_named(key, algorithm);
    struct tsig_session server = {0};
    fill_random(z, 9, 5000);
    want_nodes(z->published);
    client_start(&c, name_of(&apex), TYPE_AXFR);
    sign_request(ring, &server);
    c.head.tsig = &server;
    struct xfr_out *x = xfr_out_whole(&c.head, z->published, NULL);
    tsig_session_done(&server); /* the stream has its own */
    struct diag diag = {0};
    cr_assert_eq(client_hear(&c, x, &diag), XFR_OUT_LAST);
    cr_expect_gt(c.heard.messages, 3);
    for (unsigned i = 0; i < c.heard.messages; i++)
        cr_expect_leq(c.heard.len[i], XFR_OUT_FILL);
    expect_zone();
    zone_free(z);
    done();
    keyring_free(ring);
}

Test(out, signs_every_message)
{
    signed_stream("k.", "hmac-sha256");
    signed_stream("a-key.with.a.longer.name.than.most.others.have.", "hmac-sha512");
}

/* The signature needs room: 65 bytes less for the record. */
Test(out, leaves_room_for_the_signature_behind_a_large_record)
{
    const size_t room = sizeof("\1k") + 10 + sizeof("\13hmac-sha256") + 16 + 32;
    struct keyring *ring = key_named("k.", "hmac-sha256");
    for (size_t more = 0; more < 2; more++) {
        struct zone *z = zone_with("big.example.", LARGEST - room + more);
        struct tsig_session server = {0};
        struct diag diag = {0};
        want_nodes(z->published);
        ask_example();
        sign_request(ring, &server);
        c.head.tsig = &server;
        enum xfr_out_next next = first_failure(xfr_out_whole(&c.head, z->published, NULL), &diag);
        cr_expect_eq(next, more ? XFR_OUT_BROKEN : XFR_OUT_LAST, "%s", diag.text);
        if (!more)
            expect_zone();
        tsig_session_done(&server);
        zone_free(z);
        done();
    }
    keyring_free(ring);
}

/* --- filters --- */

static bool shows_some(void *arg, struct name owner, struct rrset set)
{
    unsigned *asked = arg;
    ++*asked;
    return set.type == TYPE_A && owner.wire[1] == 'w';
}

Test(out, shows_what_the_filter_does_and_the_soa)
{
    struct zone *z = zone_from_text("example.", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n"
                                                "ns A 192.0.2.1\nw A 192.0.2.2\nw TXT a\n"
                                                "ww A 192.0.2.3\nw.ns A 192.0.2.4\n");
    unsigned asked = 0;
    struct xfr_filter filter = {&asked, shows_some};
    heard_from_text(&want, "example.",
                    "$TTL 300\n@ SOA ns h 1 2 3 4 5\nw A 192.0.2.2\n"
                    "ww A 192.0.2.3\nw.ns A 192.0.2.4\n");
    ask_example();
    hear_whole(z, &filter);
    expect_zone();
    cr_expect_eq(asked, 6);
    zone_free(z);
    done();
}

static bool shows_last(void *arg, struct name owner, struct rrset set)
{
    (void)set;
    unsigned *asked = arg;
    ++*asked;
    return owner.wire[1] == 'z';
}

/* A call that finds little must not take long. */
Test(out, pauses_when_much_is_hidden)
{
    enum { NAMES = 50000 };
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    soa_set(t, 1);
    for (unsigned i = 0; i <= NAMES; i++) {
        char text[32];
        snprintf(text, sizeof(text), i < NAMES ? "n%u.example." : "z.example.", i);
        struct name_buf owner = name_from(text);
        struct rr rr = {name_of(&owner), TYPE_A, CLASS_IN, 300, {(const uint8_t *)"\300\0\2\1", 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    unsigned asked = 0, before = 0, calls = 0;
    struct xfr_filter filter = {&asked, shows_last};
    struct diag diag = {0};
    ask_example();
    struct xfr_out *x = xfr_out_whole(&c.head, z->published, &filter);
    static uint8_t wire[DNS_MESSAGE_MAX];
    enum xfr_out_next next;
    size_t len;
    do {
        next = xfr_out_next(x, c.now_us, wire, &len, &diag);
        cr_expect_leq(asked - before, 1025);
        before = asked;
        calls++;
        if (next != XFR_OUT_PAUSE)
            client_read(&c, wire, len);
    } while (next != XFR_OUT_LAST);
    cr_expect_eq(c.heard.count, 3);
    cr_expect_eq(asked, NAMES + 1);
    cr_expect_gt(calls, 40);
    xfr_out_free(x);
    zone_free(z);
    done();
}

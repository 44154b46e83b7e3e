/* SPDX-License-Identifier: Apache-2.0
 * Images: what is written comes back byte for byte, and damaged chunks are refused, whatever is
 * damaged. */
#include "zone/base.h"
#include "zone/image.h"
#include "zone_util.h"
#include "../slow.h"

#define ZONE                                                                                    \
    "$TTL 300\n@ SOA ns h 7 2 3 4 5\n@ NS ns\n@ NSEC3PARAM 1 0 0 -\nns A 192.0.2.1\n"           \
    "ns A 192.0.2.2\nns TXT \"x\"\n*.W CNAME ns\nd NS ns.d\nd DS 1 13 2 "                       \
    "0000000000000000000000000000000000000000000000000000000000000000\nns.d AAAA 2001:db8::1\n" \
    "a RRSIG A 13 2 300 20300101000000 20200101000000 1 example. aaaa\n"                        \
    "a RRSIG MX 13 2 300 20300101000000 20200101000000 1 example. aaaa\n"                       \
    "00000000000000000000000000000000 NSEC3 1 0 0 - 10000000000000000000000000000000 A\n"       \
    "00000000000000000000000000000000 RRSIG NSEC3 13 2 300 20300101000000 20200101000000 1 "    \
    "example. aaaa\n"

/* A zone filled from the chunks of the version; NULL: one was refused. */
static struct zone *copy_of(const struct version *v, size_t *chunks)
{
    struct zone *z = zone_new(name_of(&v->zone->name), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct image_writer w;
    struct diag diag;
    size_t len;
    image_writer_start(&w, v);
    *chunks = 0;
    for (uint8_t *chunk; (chunk = image_next(&w, &len)); ++*chunks) {
        cr_assert_eq(image_load(t, chunk, len, &diag), OK, "%s", diag.text);
        free(chunk);
    }
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

Test(image, of_a_zone_comes_back_byte_for_byte)
{
    struct zone *z = zone_from_text("example.", ZONE);
    size_t chunks;
    struct zone *copy = copy_of(z->published, &chunks);
    cr_expect_eq(chunks, 1);
    expect_same_bytes(z->published, copy->published);
    cr_expect(copy->published->nsec3_param.is_set);
    cr_expect_eq(copy->published->serial, 7);
    struct name_buf cut = name_from("x.d.example.");
    struct lookup found;
    lookup_find(copy->published, name_of(&cut), &found);
    cr_expect_eq(found.kind, LOOKUP_CUT, "flags of the tree are set anew");
    zone_free(copy);
    zone_free(z);
}

Test(image, of_an_empty_zone_has_no_chunks)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct image_writer w;
    size_t len;
    image_writer_start(&w, z->published);
    cr_expect_null(image_next(&w, &len));
    cr_expect_null(image_next(&w, &len));
    zone_free(z);
}

/* Whole nodes fill chunks; one that is larger than a chunk has its own. */
Test(image, is_cut_between_nodes)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    static uint8_t rdata[60000];
    for (uint32_t i = 0; i < 40; i++) {
        char text[32];
        snprintf(text, sizeof(text), "h%02u.example.", i);
        struct name_buf owner = name_from(text);
        uint32_t records = i == 20 ? 10 : 1;
        for (uint32_t k = 0; k < records; k++) {
            put_u32(rdata, k);
            struct rr rr = {name_of(&owner), 65400, CLASS_IN, 60, {rdata, sizeof(rdata)}};
            cr_assert_eq(txn_add(t, &rr), TXN_DONE);
        }
    }
    zone_publish(z, txn_seal(&t, NULL));
    struct image_writer w;
    size_t len, count = 0;
    bool was_large = false;
    image_writer_start(&w, z->published);
    for (uint8_t *chunk; (chunk = image_next(&w, &len)); count++) {
        was_large = was_large || len > 600000;
        cr_expect(len <= IMAGE_CHUNK_LEN || len > 600000);
        free(chunk);
    }
    cr_expect(was_large);
    cr_expect_eq(count, 11, "4 nodes each, and the large one alone: %zu", count);
    size_t chunks;
    struct zone *copy = copy_of(z->published, &chunks);
    cr_expect_eq(chunks, count);
    expect_same_bytes(z->published, copy->published);
    zone_free(copy);
    zone_free(z);
}

static uint8_t *only_chunk(const struct zone *z, size_t *len)
{
    struct image_writer w;
    image_writer_start(&w, z->published);
    uint8_t *chunk = image_next(&w, len);
    cr_assert_not_null(chunk);
    return chunk;
}

static enum err try_load(const char *apex_text, const uint8_t *bytes, size_t len, struct diag *diag)
{
    struct name_buf apex = name_from(apex_text);
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    *diag = (struct diag){0};
    enum err e = image_load(t, bytes, len, diag);
    txn_abort(&t);
    zone_free(z);
    return e;
}

Test(image, need_not_be_aligned)
{
    struct zone *z = zone_from_text("example.", ZONE);
    struct diag diag;
    size_t len;
    uint8_t *chunk = only_chunk(z, &len), *odd = malloc(len + 4);
    for (size_t by = 0; by < 4; by++) {
        memcpy(odd + by, chunk, len);
        cr_expect_eq(try_load("example.", odd + by, len, &diag), OK);
    }
    free(odd);
    free(chunk);
    zone_free(z);
}

/* One node each: "a.example." with the A records 192.0.2.1 and 192.0.2.2 and a TXT, in host order:
 * 8 chunk head, 8 node head, 11 owner, then A at 27: type, count, ttl, len, records at 39 and 45,
 * and TXT at 51. */
#define NODE "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 TXT \"x\"\n"

static const struct row {
    const char *what;
    size_t at;
    uint8_t len, bytes[4];
    const char *says;
} rows[] = {
    {"another mark", 0, 1, {0}, "not of a known format"},
    {"another format", 3, 1, {2}, "not of a known format"},
    {"more nodes", 7, 1, {2}, "ends within a node"},
    {"fewer nodes", 7, 1, {0}, "bytes behind the last node"},
    {"node smaller than its head", 8, 1, {7}, "ends within a node"},
    {"node of no size", 8, 1, {0}, "ends within a node"},
    {"node larger than the chunk", 8, 1, {200}, "ends within a node"},
    {"node of 4 GiB", 8, 4, {0xff, 0xff, 0xff, 0xff}, "ends within a node"},
    {"node cut in its owner", 8, 1, {12}, "malformed owner"},
    {"no RRsets", 12, 1, {0}, "differ in length"},
    {"one RRset fewer", 12, 1, {1}, "differ in length"},
    {"one RRset more", 12, 1, {3}, "a node ends within an RRset"},
    {"says that it has NS", 14, 1, {1}, "says wrongly"},
    {"owner length 0", 15, 1, {0}, "malformed owner"},
    {"owner length shorter", 15, 1, {10}, "malformed owner"},
    {"owner with a long label", 16, 1, {64}, "malformed owner"},
    {"owner without end", 26, 1, {60}, "malformed owner"},
    {"owner elsewhere", 19, 1, {'y'}, "owner out of the zone"},
    {"type 0", 27, 1, {0}, "no zone can have"},
    {"type OPT", 27, 1, {41}, "no zone can have"},
    {"type AAAA", 27, 1, {28}, "malformed rdata"},
    {"no records", 29, 1, {0}, "no zone can have"},
    {"one record fewer", 29, 1, {1}, "longer than its records"},
    {"one record more", 29, 1, {3}, "ends within a record"},
    {"RRset longer than its node", 35, 1, {100}, "longer than its node"},
    {"RRset of 4 GiB", 35, 4, {0xff, 0xff, 0xff, 0xff}, "longer than its node"},
    {"RRset shorter", 35, 1, {11}, "ends within a record"},
    {"record longer", 40, 1, {5}, "malformed rdata"},
    {"record far too long", 39, 1, {0xff}, "ends within a record"},
    {"records out of order", 44, 1, {3}, "records out of order"},
    {"record twice", 44, 1, {2}, "records out of order"},
};

/* Nodes that are well formed and that no txn makes. */
static const struct {
    const char *what, *text;
    size_t at;
    uint8_t len, bytes[4];
    const char *says;
} odd_nodes[] = {
    {"RRsets out of order",
     "a 60 A 192.0.2.1\na 60 TYPE65400 \\# 0\n",
     27,
     2,
     {0x79, 0xff},
     "RRsets out of order"},
    {"an RRset twice",
     "a 60 TYPE65399 \\# 0\na 60 TYPE65400 \\# 0\n",
     27,
     2,
     {0x78, 0xff},
     "RRsets out of order"},
    {"NSEC3 beside TXT",
     "a 60 TXT x\na 60 TYPE65400 \\# 26 010000000014"
     "0000000000000000000000000000000000000000\n",
     43,
     2,
     {50, 0},
     "NSEC3 beside other RRsets"},
    {"RRSIGs over two types",
     "a 60 RRSIG A 13 2 300 20300101000000 20200101000000 1 . aaaa\n"
     "a 60 RRSIG A 13 2 300 20300101000000 20200101000000 1 . bbbb\n",
     39 + 24 + 2,
     2,
     {0, 15},
     "RRSIGs over two types"},
};

Test(image, with_a_node_that_no_txn_makes_is_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(odd_nodes); i++) {
        struct zone *z = zone_from_text("example.", odd_nodes[i].text);
        size_t len;
        uint8_t *chunk = only_chunk(z, &len);
        struct diag diag;
        cr_assert_eq(try_load("example.", chunk, len, &diag), OK);
        memcpy(chunk + odd_nodes[i].at, odd_nodes[i].bytes, odd_nodes[i].len);
        cr_expect_eq(try_load("example.", chunk, len, &diag), ERR_INVALID, "%s", odd_nodes[i].what);
        cr_expect(strstr(diag.text, odd_nodes[i].says), "%s: %s", odd_nodes[i].what, diag.text);
        free(chunk);
        zone_free(z);
    }
}

Test(image, with_any_damage_is_refused)
{
    struct zone *z = zone_from_text("example.", NODE);
    size_t len;
    uint8_t *chunk = only_chunk(z, &len), *damaged = malloc(len);
    struct diag diag;
    cr_assert_eq(len, 68, "%zu", len);
    cr_assert_eq(try_load("example.", chunk, len, &diag), OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memcpy(damaged, chunk, len);
        memcpy(damaged + rows[i].at, rows[i].bytes, rows[i].len);
        cr_expect_eq(try_load("example.", damaged, len, &diag), ERR_INVALID, "%s", rows[i].what);
        cr_expect(strstr(diag.text, rows[i].says), "%s: %s", rows[i].what, diag.text);
    }
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + 1); /* exactly as long, so that a sanitizer sees the end */
        memcpy(part, chunk, cut);
        cr_expect_eq(try_load("example.", part, cut, &diag), ERR_INVALID, "cut at %zu", cut);
        free(part);
    }
    cr_expect_eq(try_load("example.net.", chunk, len, &diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "owner out of the zone"), "%s", diag.text);
    free(damaged);
    free(chunk);
    zone_free(z);
}

Test(image, with_a_name_twice_is_refused_and_the_first_stands)
{
    struct zone *z = zone_from_text("example.", NODE), *copy = zone_from_text("example.", "");
    size_t len;
    uint8_t *chunk = only_chunk(z, &len);
    struct txn *t = txn_begin(copy, TXN_BUILD);
    struct diag diag;
    cr_expect_eq(image_load(t, chunk, len, &diag), OK);
    cr_expect_eq(image_load(t, chunk, len, &diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "two nodes of one name"), "%s", diag.text);
    zone_publish(copy, txn_seal(&t, NULL));
    expect_same_bytes(z->published, copy->published);
    cr_expect_eq(copy->pool.used, (z->tip->byte_count + 7) / 8 * 8);
    free(chunk);
    zone_free(copy);
    zone_free(z);
}

/* Whatever is accepted can be read through and hashed without a sanitizer's complaint. */
Test(image, of_random_bytes_does_no_harm)
{
    uint64_t seed = 7;
    struct zone *z = zone_from_text("example.", ZONE);
    size_t len, accepted = 0;
    uint8_t *chunk = only_chunk(z, &len), *damaged = malloc(len);
    for (unsigned round = 0; round < cases(20000, 4000); round++) {
        struct name_buf apex = name_from("example.");
        struct zone *copy = zone_new(name_of(&apex), CLASS_IN);
        struct txn *t = txn_begin(copy, TXN_BUILD);
        struct diag diag;
        memcpy(damaged, chunk, len);
        for (uint32_t n = 1 + rnd(&seed, 3); n > 0; n--)
            damaged[rnd(&seed, (uint32_t)len)] = (uint8_t)rnd(&seed, 256);
        if (image_load(t, damaged, len, &diag) == OK) {
            accepted++;
            zone_publish(copy, txn_seal(&t, NULL));
            base_release(base_make(copy->published));
        } else
            txn_abort(&t);
        zone_free(copy);
    }
    cr_expect_gt(accepted, 100, "TTLs and addresses may have any value: %zu", accepted);
    free(damaged);
    free(chunk);
    zone_free(z);
}

/* SPDX-License-Identifier: Apache-2.0
 * Keys of the tree: their order is canonical order, and no key is a prefix of another. */
#include "zone/tree.h"
#include "zone_util.h"

static int key_compare(const struct tree_key *a, const struct tree_key *b)
{
    unsigned len = a->len < b->len ? a->len : b->len;
    int d = memcmp(a->at, b->at, len);
    return d ? d : (int)a->len - (int)b->len;
}

static int sign(int d)
{
    return (d > 0) - (d < 0);
}

Test(tree, orders_all_bytes_as_rfc_4034_does)
{
    for (unsigned x = 0; x < 256; x++)
        for (unsigned y = 0; y < 256; y++) {
            uint8_t xw[] = {1, (uint8_t)x, 0}, yw[] = {1, (uint8_t)y, 0};
            struct name a = {xw, 3}, b = {yw, 3};
            struct tree_key ka, kb;
            tree_key(a, 1, &ka);
            tree_key(b, 1, &kb);
            cr_assert_eq(sign(key_compare(&ka, &kb)), sign(name_compare(a, b)), "%u against %u", x,
                         y);
        }
}

Test(tree, orders_random_names_as_rfc_4034_does)
{
    uint64_t seed = 7;
    struct name_buf apex = name_from("Zone.Example.");
    for (int i = 0; i < 200000; i++) {
        struct name_buf a = name_random(&seed, name_of(&apex), 4),
                        b = name_random(&seed, name_of(&apex), 4);
        struct tree_key ka, kb;
        tree_key(name_of(&a), apex.len, &ka);
        tree_key(name_of(&b), apex.len, &kb);
        cr_assert_eq(sign(key_compare(&ka, &kb)), sign(name_compare(name_of(&a), name_of(&b))));
        unsigned len = ka.len < kb.len ? ka.len : kb.len;
        if (ka.len != kb.len)
            cr_assert_neq(memcmp(ka.at, kb.at, len), 0, "no key is a prefix of another");
    }
}

/* RFC 4034 s6.1 gives this order. */
Test(tree, orders_the_example_of_rfc_4034)
{
    static const char *const names[] = {
        "example.",         "a.example.",      "yljkjljk.a.example.",
        "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
        "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
    for (unsigned i = 1; i < ARRAY_LEN(names); i++) {
        struct name_buf a = name_from(names[i - 1]), b = name_from(names[i]);
        struct tree_key ka, kb;
        tree_key(name_of(&a), 1, &ka);
        tree_key(name_of(&b), 1, &kb);
        cr_expect_lt(key_compare(&ka, &kb), 0, "%s before %s", names[i - 1], names[i]);
    }
}

Test(tree, spells_the_longest_names)
{
    uint8_t wire[NAME_LEN_MAX];
    unsigned at = 0;
    for (int i = 0; i < 3; i++, at += 64) {
        wire[at] = 63;
        memset(wire + at + 1, 0xff, 63);
    }
    wire[at] = 61;
    memset(wire + at + 1, 0xff, 61);
    wire[254] = 0;
    struct tree_key key;
    tree_key((struct name){wire, 255}, 1, &key);
    cr_assert_eq(key.len, 2 * (63 * 3 + 61) + 4 + 1);
}

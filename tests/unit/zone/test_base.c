/* SPDX-License-Identifier: Apache-2.0
 * The digests of a zone file: what they tell apart, what not, and that malformed ones are refused.
 */
#include "zone/base.h"
#include "zone_util.h"

#define TOP "$TTL 300\n@ SOA ns.example. h.example. 7 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

static struct rrset find(const struct zone *z, const char *owner, struct rrset_id id)
{
    struct name_buf name = name_from(owner);
    return node_get(lookup_exact(z->published, name_of(&name)), id);
}

/* What is one RRset and what is another, of the owner a.example. */
static const struct row {
    const char *what, *one, *other;
    struct rrset_id id;
    bool is_same;
} rows[] = {
    {"the same", "a A 192.0.2.1\n", "a A 192.0.2.1\n", {TYPE_A, 0}, true},
    {"another address", "a A 192.0.2.1\n", "a A 192.0.2.2\n", {TYPE_A, 0}, false},
    {"another TTL", "a A 192.0.2.1\n", "a 301 A 192.0.2.1\n", {TYPE_A, 0}, false},
    {"another order",
     "a A 192.0.2.1\na A 192.0.2.2\n",
     "a A 192.0.2.2\na A 192.0.2.1\n",
     {TYPE_A, 0},
     true},
    {"one more", "a A 192.0.2.1\n", "a A 192.0.2.1\na A 192.0.2.2\n", {TYPE_A, 0}, false},
    {"case of the owner", "a A 192.0.2.1\n", "A A 192.0.2.1\n", {TYPE_A, 0}, true},
    {"case in names (RFC 4034 s6.2)", "a MX 1 b.net.\n", "a MX 1 B.Net.\n", {TYPE_MX, 0}, true},
    {"case in text", "a TXT x\n", "a TXT X\n", {TYPE_TXT, 0}, false},
    {"where strings end", "a TXT xy z\n", "a TXT x yz\n", {TYPE_TXT, 0}, false},
    {"one string or two", "a TXT x\n", "a TXT x \"\"\n", {TYPE_TXT, 0}, false},
    {"RRSIGs over another type",
     "a RRSIG MX 13 2 300 20300101000000 20200101000000 1 example. aaaa\n"
     "a RRSIG A 13 2 300 20300101000000 20200101000000 1 example. aaaa\n",
     "a RRSIG MX 13 2 300 20300101000000 20200101000000 1 example. bbbb\n"
     "a RRSIG A 13 2 300 20300101000000 20200101000000 1 example. aaaa\n",
     {TYPE_RRSIG, TYPE_A},
     true},
    {"RRSIGs over the type",
     "a RRSIG A 13 2 300 20300101000000 20200101000000 1 example. bbbb\n",
     "a RRSIG A 13 2 300 20300101000000 20200101000000 1 example. aaaa\n",
     {TYPE_RRSIG, TYPE_A},
     false},
    {"the serial", "a SOA ns h 1 2 3 4 5\n", "a SOA ns h 2 2 3 4 5\n", {TYPE_SOA, 0}, true},
    {"refresh", "a SOA ns h 1 2 3 4 5\n", "a SOA ns h 1 3 3 4 5\n", {TYPE_SOA, 0}, false},
    {"minimum", "a SOA ns h 1 2 3 4 5\n", "a SOA ns h 1 2 3 4 6\n", {TYPE_SOA, 0}, false},
    {"name in the SOA", "a SOA ns h 1 2 3 4 5\n", "a SOA ns i 1 2 3 4 5\n", {TYPE_SOA, 0}, false},
};

Test(base, tells_apart_what_an_author_changes)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[2][512];
        snprintf(text[0], sizeof(text[0]), "$TTL 300\n%s", rows[i].one);
        snprintf(text[1], sizeof(text[1]), "$TTL 300\n%s", rows[i].other);
        struct zone *one = zone_from_text("example.", text[0]),
                    *other = zone_from_text("example.", text[1]);
        struct base *b = base_make(one->published);
        struct name_buf owner = name_from("a.example.");
        struct rrset set = find(other, "a.example.", rows[i].id);
        uint64_t digest;
        cr_assert(set.count > 0);
        cr_assert(base_find(b, name_of(&owner), rows[i].id, &digest), "%s", rows[i].what);
        cr_expect_eq(digest == base_digest(b, set), rows[i].is_same, "%s", rows[i].what);
        base_release(b);
        zone_free(one);
        zone_free(other);
    }
}

Test(base, knows_names_and_rrsets)
{
    struct zone *z = zone_from_text(
        "example.", TOP "x.y TXT a\ns RRSIG A 13 2 300 20300101000000 20200101000000 1 example. "
                        "aaaa\n00000000000000000000000000000000 NSEC3 1 0 0 - "
                        "10000000000000000000000000000000 A\n");
    struct base *b = base_make(z->published);
    struct name_buf apex = name_from("EXAMPLE."), y = name_from("y.example."),
                    x = name_from("x.Y.example."), s = name_from("s.example."),
                    h = name_from("00000000000000000000000000000000.example.");
    cr_expect(base_has_name(b, name_of(&apex)));
    cr_expect(base_has_name(b, name_of(&x)));
    cr_expect(base_has_name(b, name_of(&h)));
    cr_expect_not(base_has_name(b, name_of(&y)), "an empty non-terminal has no RRset");
    cr_expect_not(base_has_name(NULL, name_of(&apex)));
    cr_expect(base_has_rrset(b, name_of(&apex), TYPE_NS));
    cr_expect(base_has_rrset(b, name_of(&h), TYPE_NSEC3));
    cr_expect(base_has_rrset(b, name_of(&s), TYPE_RRSIG));
    cr_expect_not(base_has_rrset(b, name_of(&s), TYPE_A));
    cr_expect_not(base_has_rrset(b, name_of(&x), TYPE_A));
    cr_expect_not(base_has_rrset(b, name_of(&x), TYPE_AAAA), "beyond the types that it has");
    cr_expect_not(base_has_rrset(NULL, name_of(&x), TYPE_TXT));
    uint32_t serial = 0;
    cr_expect(base_serial(b, &serial));
    cr_expect_eq(serial, 7);
    cr_expect_not(base_serial(NULL, &serial));
    uint64_t digest;
    cr_expect_not(base_find(NULL, name_of(&x), (struct rrset_id){TYPE_TXT, 0}, &digest));
    base_release(b);
    base_release(NULL);
    zone_free(z);
}

/* Every name and RRset of a large zone is found, in what was made and in what was read, and few
 * that are not there. */
Test(base, comes_back_from_its_bytes)
{
    enum { NAMES = 20000 };
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    char text[32];
    for (int i = 0; i < NAMES; i++) {
        snprintf(text, sizeof(text), "h%d.example.", i);
        struct name_buf owner = name_from(text);
        struct rr rr = {name_of(&owner), TYPE_A, CLASS_IN, 60, {(const uint8_t *)"\300\0\2\1", 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
        rr.type = 65400;
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    struct base *made = base_make(z->published), *read;
    size_t len;
    uint8_t *bytes = base_write(made, &len);
    struct diag diag;
    cr_expect_leq(len, NAMES * 2 * 24, "bytes: %zu", len);
    cr_assert_eq(base_read(bytes, len, &read, &diag), OK);
    uint32_t serial;
    cr_expect_not(base_serial(read, &serial));
    for (int i = 0; i < NAMES; i++) {
        snprintf(text, sizeof(text), "H%d.example.", i);
        struct name_buf owner = name_from(text);
        struct rrset set = find(z, text, (struct rrset_id){TYPE_A, 0});
        uint64_t digest = 0;
        cr_assert(base_has_name(read, name_of(&owner)));
        cr_assert(base_has_rrset(read, name_of(&owner), 65400));
        cr_assert(base_find(read, name_of(&owner), (struct rrset_id){TYPE_A, 0}, &digest));
        cr_assert_eq(digest, base_digest(made, set));
        snprintf(text, sizeof(text), "g%d.example.", i);
        owner = name_from(text);
        cr_assert_not(base_has_name(made, name_of(&owner)));
    }
    free(bytes);
    base_release(made);
    base_release(base_hold(read));
    cr_expect(base_has_rrset(read, name_of(&apex), TYPE_A) == false);
    base_release(read);
    zone_free(z);
}

static const struct damage {
    const char *what;
    size_t at;
    uint8_t byte;
    const char *says;
} damages[] = {
    {"another format", 0, 2, "known format"},    {"a SOA or not", 17, 2, "known format"},
    {"one row fewer", 25, 2, "not as long"},     {"one row more", 25, 4, "not as long"},
    {"4 billion rows", 22, 0xff, "not as long"}, {"the last row first", 26 + 40, 0, "out of order"},
};

Test(base, of_malformed_bytes_is_refused)
{
    struct zone *z = zone_from_text("example.", TOP);
    struct base *b = base_make(z->published), *out;
    size_t len;
    uint8_t *bytes = base_write(b, &len), *damaged = malloc(len);
    struct diag diag;
    cr_assert_eq(len, 26 + 3 * 20);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        memcpy(damaged, bytes, len);
        damaged[damages[i].at] = damages[i].byte;
        if (damages[i].at == 26 + 40)
            memset(damaged + 26 + 40, 0, 12);
        cr_expect_eq(base_read(damaged, len, &out, &diag), ERR_INVALID, "%s", damages[i].what);
        cr_expect(strstr(diag.text, damages[i].says), "%s: %s", damages[i].what, diag.text);
    }
    memcpy(damaged + 26, bytes + 46, 20); /* the second row twice */
    memcpy(damaged, bytes, 26);
    memcpy(damaged + 46, bytes + 46, 20);
    cr_expect_eq(base_read(damaged, len, &out, &diag), ERR_INVALID);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = memcpy(malloc(cut + 1), bytes, cut);
        cr_expect_eq(base_read(part, cut, &out, &diag), ERR_INVALID, "cut at %zu", cut);
        free(part);
    }
    free(damaged);
    free(bytes);
    base_release(b);
    zone_free(z);
}

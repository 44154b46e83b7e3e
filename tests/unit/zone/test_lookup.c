/* SPDX-License-Identifier: Apache-2.0
 * Lookups against what the RFCs say of a list of names: existence, cuts, DNAMEs, wildcards, closest
 * enclosers, NSEC. */
#include "base/digits.h"
#include "zone_util.h"
#include "../slow.h"

enum { NAMES_MAX = 60 };

struct owner {
    struct name_buf name;
    uint16_t type;
};

struct list_zone {
    unsigned count;
    struct owner owner[NAMES_MAX];
    struct name_buf apex;
};

static const struct owner *exact(const struct list_zone *l, struct name n)
{
    for (unsigned i = 0; i < l->count; i++)
        if (name_is_equal(name_of(&l->owner[i].name), n))
            return &l->owner[i];
    return NULL;
}

/* RFC 4592 s2.2.3, RFC 8020: a name exists if it or something below it has records. */
static bool exists(const struct list_zone *l, struct name n)
{
    for (unsigned i = 0; i < l->count; i++)
        if (name_is_under(name_of(&l->owner[i].name), n))
            return true;
    return false;
}

static void expect_node(const struct lookup *got, const struct owner *want)
{
    cr_assert_eq(got->node != NULL, want != NULL);
    if (want)
        cr_assert(name_is_equal(node_owner(got->node), name_of(&want->name)));
}

static void check_absent(const struct list_zone *l, struct name q, const struct lookup *got)
{
    struct name encloser = q;
    while (!exists(l, encloser))
        encloser = name_parent(encloser);
    char text[NAME_TEXT_MAX];
    cr_assert(name_is_equal(got->encloser, encloser), "%s", name_text(q, text));
    struct name_buf star;
    cr_assert(name_wildcard_of(encloser, &star));
    const struct owner *w = exact(l, name_of(&star));
    enum lookup_kind kind = w                           ? LOOKUP_WILDCARD
                            : exists(l, name_of(&star)) ? LOOKUP_WILDCARD_EMPTY
                                                        : LOOKUP_ABSENT;
    cr_assert_eq(got->kind, kind);
    expect_node(got, w);
}

static void check_one(const struct list_zone *l, struct name q, const struct lookup *got)
{
    unsigned labels = name_labels(q), apex_labels = name_labels(name_of(&l->apex));
    /* from the apex down: the topmost one counts */
    for (unsigned depth = apex_labels; depth <= labels; depth++) {
        struct name up = name_suffix(q, labels - depth);
        const struct owner *o = exact(l, up);
        bool is_cut = o && o->type == TYPE_NS && depth > apex_labels;
        bool is_dname = o && o->type == TYPE_DNAME && depth < labels;
        if (is_cut || is_dname) {
            cr_assert_eq(got->kind, is_cut ? LOOKUP_CUT : LOOKUP_DNAME);
            cr_assert_eq(got->is_exact, is_cut && depth == labels);
            expect_node(got, o);
            return;
        }
    }
    const struct owner *o = exact(l, q);
    if (o || exists(l, q)) {
        cr_assert_eq(got->kind, o ? LOOKUP_NODE : LOOKUP_EMPTY);
        expect_node(got, o);
        cr_assert(name_is_equal(got->encloser, q));
        return;
    }
    check_absent(l, q, got);
}

/* The owner with NSEC at or before the name in canonical order. */
static void check_nsec(const struct list_zone *l, const struct version *v, struct name q)
{
    const struct owner *want = NULL;
    for (unsigned i = 0; i < l->count; i++) {
        const struct owner *o = &l->owner[i];
        if (o->type == TYPE_NSEC && name_compare(name_of(&o->name), q) <= 0 &&
            (!want || name_compare(name_of(&o->name), name_of(&want->name)) > 0))
            want = o;
    }
    const struct node *got = lookup_nsec(v, q);
    if (got) /* few nodes have one here, so the walk may give up, but never finds a wrong one */
        cr_assert(want && name_is_equal(node_owner(got), name_of(&want->name)));
}

static struct zone *build(const struct list_zone *l)
{
    struct zone *z = zone_new(name_of(&l->apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    static const uint8_t nsec[] = {0, 0, 1, 0x40};
    for (unsigned i = 0; i < l->count; i++) {
        const struct owner *o = &l->owner[i];
        struct rdata rd = o->type == TYPE_A      ? (struct rdata){(const uint8_t *)"\1\2\3\4", 4}
                          : o->type == TYPE_NSEC ? (struct rdata){nsec, sizeof(nsec)}
                                                 : (struct rdata){(const uint8_t *)"", 1};
        struct rr rr = {name_of(&o->name), o->type, CLASS_IN, 60, rd};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

static void make_list(struct list_zone *l, uint64_t *seed, const uint16_t *types,
                      unsigned type_count)
{
    l->count = 1;
    l->owner[0] = (struct owner){l->apex, TYPE_A};
    for (unsigned tries = rnd(seed, NAMES_MAX); tries > 0; tries--) {
        struct name_buf n = name_random(seed, name_of(&l->apex), 4);
        if (!exact(l, name_of(&n)))
            l->owner[l->count++] = (struct owner){n, types[rnd(seed, type_count)]};
    }
}

Test(lookup, agrees_with_a_list_of_names)
{
    static const uint16_t types[] = {TYPE_A, TYPE_A, TYPE_A, TYPE_A, TYPE_A, TYPE_NS, TYPE_DNAME};
    uint64_t seed = 5;
    static struct list_zone l;
    for (unsigned round = 0; round < cases(400, 80); round++) {
        l.apex = round % 2 ? name_from("zone.example.") : name_from(".");
        make_list(&l, &seed, types, ARRAY_LEN(types));
        struct zone *z = build(&l);
        static struct name_buf q[LOOKUP_BATCH_MAX];
        struct lookup_job jobs[LOOKUP_BATCH_MAX];
        struct lookup got[LOOKUP_BATCH_MAX];
        for (unsigned batch = 0; batch < 8; batch++) {
            for (unsigned i = 0; i < LOOKUP_BATCH_MAX; i++) {
                q[i] = name_random(&seed, name_of(&l.apex), 5);
                jobs[i] = (struct lookup_job){z->published, name_of(&q[i]), &got[i]};
            }
            lookup_batch(jobs, LOOKUP_BATCH_MAX);
            for (unsigned i = 0; i < LOOKUP_BATCH_MAX; i++) {
                check_one(&l, name_of(&q[i]), &got[i]);
                cr_assert_eq(lookup_exact(z->published, name_of(&q[i])) != NULL,
                             exact(&l, name_of(&q[i])) != NULL);
            }
        }
        zone_free(z);
    }
}

/* The names at and below one: as many as the list has, in canonical order. */
static void check_below(const struct list_zone *l, const struct version *v, struct name q)
{
    struct walk w;
    struct name last = {0};
    unsigned want = 0, got = 0;
    for (unsigned i = 0; i < l->count; i++)
        want += name_is_under(name_of(&l->owner[i].name), q);
    walk_start_at(&w, v, q);
    for (const struct node *n; (n = walk_next(&w)); got++) {
        cr_assert(name_is_under(node_owner(n), q));
        cr_assert(got == 0 || name_compare(last, node_owner(n)) < 0);
        last = node_owner(n);
    }
    cr_assert_eq(got, want);
}

Test(lookup, walks_over_the_names_below_one)
{
    static const uint16_t types[] = {TYPE_A, TYPE_NS};
    uint64_t seed = 7;
    static struct list_zone l;
    for (unsigned round = 0; round < cases(300, 100); round++) {
        l.apex = round % 2 ? name_from("zone.example.") : name_from(".");
        make_list(&l, &seed, types, ARRAY_LEN(types));
        struct zone *z = build(&l);
        for (int i = 0; i < 200; i++) {
            struct name_buf q = name_random(&seed, name_of(&l.apex), 4);
            check_below(&l, z->published, name_of(&q));
        }
        zone_free(z);
    }
}

Test(lookup, finds_the_nsec_at_or_before_a_name)
{
    static const uint16_t types[] = {TYPE_NSEC, TYPE_NSEC, TYPE_NSEC, TYPE_A};
    uint64_t seed = 9;
    static struct list_zone l;
    l.apex = name_from("zone.example.");
    for (unsigned round = 0; round < cases(300, 100); round++) {
        make_list(&l, &seed, types, ARRAY_LEN(types));
        struct zone *z = build(&l);
        for (int i = 0; i < 200; i++) {
            struct name_buf q = name_random(&seed, name_of(&l.apex), 5);
            check_nsec(&l, z->published, name_of(&q));
        }
        zone_free(z);
    }
}

/* Owners are the hashes 1000..., 3000..., 5000... in base32hex; RFC 5155 s7.1: the last one covers
 * past the end. */
Test(lookup, finds_the_nsec3_that_matches_or_covers_a_hash)
{
    static const char *const owners[] = {"20000000000000000000000000000000.example.",
                                         "60000000000000000000000000000000.example.",
                                         "A0000000000000000000000000000000.example."};
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    uint8_t nsec3[26] = {1, 0, 0, 0, 0, 20};
    for (unsigned i = 0; i < ARRAY_LEN(owners); i++) {
        struct name_buf o = name_from(owners[i]);
        struct rr rr = {name_of(&o), TYPE_NSEC3, CLASS_IN, 60, {nsec3, sizeof(nsec3)}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    /* base32hex "2" is 00010, so 0x10 is the first byte of the first one; 0x30 and 0x50 of the
     * others */
    static const struct {
        uint8_t first;
        int match, cover;
    } rows[] = {{0x10, 0, 0}, {0x11, -1, 0}, {0x30, 1, 1}, {0x2f, -1, 0},
                {0x50, 2, 2}, {0xff, -1, 2}, {0x00, -1, 2}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t hash[NSEC3_HASH_LEN] = {rows[i].first};
        const struct node *m = lookup_nsec3(z->published, hash),
                          *c = lookup_nsec3_cover(z->published, hash);
        cr_assert_eq(m != NULL, rows[i].match >= 0, "row %u", i);
        struct name_buf want = name_from(owners[rows[i].cover]);
        cr_assert(c && name_is_equal(node_owner(c), name_of(&want)), "row %u", i);
    }
    struct name_buf o = name_from(owners[0]);
    struct lookup got;
    lookup_find(z->published, name_of(&apex), &got);
    cr_assert_null(lookup_exact(z->published, name_of(&o)),
                   "NSEC3 owners are no names of the zone");
    zone_free(z);
}

static void add_rr(struct txn *t, struct name owner, uint16_t type, const uint8_t *rdata,
                   uint16_t len)
{
    struct rr rr = {owner, type, CLASS_IN, 60, {rdata, len}};
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
}

/* RFC 5155 s10.4: while a new salt is brought in both chains stand in the zone, and NSEC3PARAM says
 * which one is whole. The covering record is the last one before the hash of that chain. */
Test(lookup, keeps_to_the_chain_of_nsec3param)
{
    struct name_buf apex = name_from("example."), owner;
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    static const uint8_t param[] = {1, 0, 0, 5, 1, 0xaa};
    add_rr(t, name_of(&apex), TYPE_NSEC3PARAM, param, sizeof(param));
    /* owners 00..., 04..., 08... up to f8...; every eighth belongs to the chain, others differ from
     * it in one parameter */
    for (unsigned i = 0; i < 256; i += 4) {
        uint8_t nsec3[7 + 20] = {1, 0, 0, 5, 1, 0xaa, 20}, hash[NSEC3_HASH_LEN] = {(uint8_t)i},
                          bare[6 + 20];
        char text[64];
        struct text shown;
        nsec3[3] = i % 32 == 4 ? 6 : 5;
        nsec3[5] = i % 32 == 8 ? 0xab : 0xaa;
        nsec3[0] = i % 32 == 12 ? 2 : 1;
        memcpy(bare, (uint8_t[6]){1, 0, 0, 5, 0, 20}, 6);
        memset(bare + 6, 0, 20);
        text_init(&shown, text, sizeof(text));
        base32hex_show(hash, sizeof(hash), &shown);
        text_add(&shown, ".example.");
        owner = name_from(text);
        if (i % 32 <= 12)
            add_rr(t, name_of(&owner), TYPE_NSEC3, nsec3, sizeof(nsec3));
        else
            add_rr(t, name_of(&owner), TYPE_NSEC3, bare, sizeof(bare));
    }
    zone_publish(z, txn_seal(&t, NULL));
    for (unsigned i = 0; i < 256; i++) {
        uint8_t hash[NSEC3_HASH_LEN] = {(uint8_t)i, 1},
                want[NSEC3_HASH_LEN] = {(uint8_t)(i / 32 * 32)};
        cr_expect_eq(lookup_nsec3_cover(z->published, hash), lookup_nsec3(z->published, want), "%u",
                     i);
    }
    zone_free(z);
}

/* A zone may say what it likes; finding out that nothing fits must not cost a walk through all of
 * it. */
Test(lookup, gives_up_where_no_nsec3_is_of_the_chain)
{
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    static const uint8_t param[] = {1, 0, 0, 5, 0};
    add_rr(t, name_of(&apex), TYPE_NSEC3PARAM, param, sizeof(param));
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t nsec3[6 + 20] = {1, 0, 0, 6, 0, 20};
        char text[64];
        snprintf(text, sizeof(text), "%032u.example.", i);
        struct name_buf owner = name_from(text);
        add_rr(t, name_of(&owner), TYPE_NSEC3, nsec3, sizeof(nsec3));
    }
    zone_publish(z, txn_seal(&t, NULL));
    uint8_t hash[NSEC3_HASH_LEN] = {0x80};
    for (unsigned i = 0; i < cases(20000, 4000); i++)
        cr_assert_null(lookup_nsec3_cover(z->published, hash));
    zone_free(z);
}

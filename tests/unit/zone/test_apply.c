/* SPDX-License-Identifier: Apache-2.0
 * Diffs made again: over an image of any version they lead to the newest one, byte for byte, and
 * with their parts exchanged they lead back; malformed ones are refused. */
#include "zone_util.h"
#include "../slow.h"

enum { ROUNDS = 300, RUNS = 6 };

/* A few changes; names are taken away and put back, in another case too. */
static void change(struct txn *t, uint64_t *seed, struct name apex)
{
    struct record r = record_random(seed, apex);
    struct rr rr = record_rr(&r);
    switch (rnd(seed, 10)) {
    case 0:
        if (r.owner.len > apex.len)
            txn_remove_name(t, rr.owner);
        break;
    case 1:
        txn_remove_rrset(t, rr.owner, r.type);
        break;
    case 2:
    case 3:
        txn_remove(t, rr.owner, r.type, rr.rdata);
        break;
    case 4:
        txn_remove(t, rr.owner, r.type, rr.rdata);
        txn_add(t, &rr);
        break;
    default:
        txn_add(t, &rr);
    }
}

static struct diff_bytes bytes_of(const struct diff *d)
{
    return (struct diff_bytes){d->bytes, d->len, d->added_at};
}

/* The diff that undoes d; its bytes are malloc'd. */
static struct diff_bytes inverse_of(const struct diff *d)
{
    uint8_t *bytes = malloc(d->len + 1);
    size_t added = d->len - d->added_at;
    memcpy(bytes, d->bytes + d->added_at, added);
    memcpy(bytes + added, d->bytes, d->added_at);
    return (struct diff_bytes){bytes, d->len, added};
}

static void undo(struct txn *t, const struct diff *d)
{
    struct diff_bytes inverse = inverse_of(d);
    struct diag diag = {0};
    cr_assert_eq(txn_apply(t, &inverse, &diag), OK, "%s", diag.text);
    free((void *)(uintptr_t)inverse.bytes);
}

static void redo(struct txn *t, const struct diff *d)
{
    struct diff_bytes bytes = bytes_of(d);
    struct diag diag = {0};
    cr_assert_eq(txn_apply(t, &bytes, &diag), OK, "%s", diag.text);
}

static void run(uint64_t seed)
{
    static struct diff diffs[ROUNDS];
    struct name_buf apex = name_from("zone.Example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    const struct version *first = NULL;
    uint32_t start = rnd(&seed, ROUNDS / 2);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (i == start)
            first = version_pin(z->tip);
        struct txn *t = txn_begin(z, TXN_CHANGE);
        for (uint32_t n = rnd(&seed, i % 16 ? 8 : 200); n > 0; n--)
            change(t, &seed, name_of(&apex));
        if (rnd(&seed, 5))
            soa_set(t, i);
        for (uint32_t n = rnd(&seed, 2) * rnd(&seed, 40); n > 0; n--)
            txn_diff_some(t, 1 + rnd(&seed, 10));
        zone_publish(z, txn_seal(&t, &diffs[i]));
    }
    const struct version *last = version_pin(z->tip);

    struct txn *t; /* at start: everything in one building txn */
    struct zone *built = copy_begin(first, &t);
    for (uint32_t i = start; i < ROUNDS; i++)
        redo(t, &diffs[i]);
    zone_publish(built, txn_seal(&t, NULL));
    expect_same_bytes(last, built->published);

    struct zone *stepped = copy_begin(first, &t); /* one txn each, as a secondary has them */
    zone_publish(stepped, txn_seal(&t, NULL));
    for (uint32_t i = start; i < ROUNDS; i++) {
        struct diff again;
        t = txn_begin(stepped, TXN_CHANGE);
        redo(t, &diffs[i]);
        zone_publish(stepped, txn_seal(&t, &again));
        cr_assert_eq(again.len, diffs[i].len);
        cr_assert_eq(memcmp(again.bytes, diffs[i].bytes, again.len), 0);
        diff_done(&again);
    }
    expect_same_bytes(last, stepped->published);

    for (uint32_t i = ROUNDS; i-- > start;) { /* and back */
        t = txn_begin(z, TXN_CHANGE);
        undo(t, &diffs[i]);
        zone_publish(z, txn_seal(&t, NULL));
    }
    expect_same_bytes(first, z->published);
    expect_same_bytes(last, built->published);
    version_unpin(first);
    version_unpin(last);
    for (uint32_t i = 0; i < ROUNDS; i++)
        diff_done(&diffs[i]);
    zone_free(stepped);
    zone_free(built);
    zone_free(z);
}

Test(apply, of_all_diffs_leads_to_the_last_version_and_back)
{
    for (uint64_t i = 0; i < cases(RUNS, RUNS / 2); i++)
        run(0x9e3779b97f4a7c15 * (i + 1));
}

/* A SOA that is not the zone's is a record like others. */
Test(apply, of_a_soa_below_the_apex_can_be_undone)
{
    struct zone *z = zone_from_text("example.", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n");
    const struct version *first = version_pin(z->published);
    struct name_buf below = name_from("a.example.");
    uint8_t rdata[22] = {0};
    struct rr rr = {name_of(&below), TYPE_SOA, CLASS_IN, 300, {rdata, sizeof(rdata)}};
    struct txn *t = txn_begin(z, TXN_CHANGE);
    struct diff d;
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    zone_publish(z, txn_seal(&t, &d));
    cr_expect_eq(d.added_count, 1);
    t = txn_begin(z, TXN_CHANGE);
    undo(t, &d);
    zone_publish(z, txn_seal(&t, NULL));
    expect_same_bytes(first, z->published);
    diff_done(&d);
    version_unpin(first);
    zone_free(z);
}

#define OLD "$TTL 300\n@ SOA ns h 1 2 3 4 5\nns A 192.0.2.1\nUpper NS Ns.Net.\nc A 192.0.2.3\n"

/* The diff from OLD as the functions below make it: what the owner is spelled like must survive. */
Test(apply, keeps_the_case_of_names)
{
    struct zone *z = zone_from_text("example.", OLD);
    const struct version *first = version_pin(z->published);
    struct name_buf upper = name_from("uPPER.example."), other = name_from("c.example."),
                    target = name_from("nS.nET.");
    struct rr rr = {name_of(&upper), TYPE_NS, CLASS_IN, 300, {target.wire, target.len}};
    struct txn *t = txn_begin(z, TXN_CHANGE);
    cr_assert_eq(txn_remove_name(t, name_of(&upper)), TXN_DONE);
    cr_assert_eq(txn_remove_name(t, name_of(&other)), TXN_DONE);
    cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    struct diff d;
    zone_publish(z, txn_seal(&t, &d));
    cr_expect_eq(d.removed_count, 2);
    cr_expect_eq(d.added_count, 1, "the case of a name in rdata is a difference");
    const struct node *n = lookup_exact(z->published, name_of(&upper));
    struct name_buf kept = name_from("Upper.example.");
    cr_expect(name_is_same(node_owner(n), name_of(&kept)), "that of an owner is kept");
    struct zone *copy = copy_begin(first, &t);
    redo(t, &d);
    zone_publish(copy, txn_seal(&t, NULL));
    expect_same_bytes(z->published, copy->published);
    diff_done(&d);
    version_unpin(first);
    zone_free(copy);
    zone_free(z);
}

/* Records as a diff has them: owner, type, class, TTL, length, rdata. */
#define NS_OWNER    "\2ns\7example\0"
#define IN_300      "\0\1\0\0\1\54"
#define A(last)     "\0\1" IN_300 "\0\4\300\0\2" last
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct row {
    const char *what;
    const uint8_t *bytes;
    size_t len, added_at;
    const char *says; /* NULL: fine */
} rows[] = {
    {"removes and adds", BYTES(NS_OWNER A("\1") NS_OWNER A("\2")), 26, NULL},
    {"nothing", BYTES(""), 0, NULL},
    {"parts beyond the end", BYTES(NS_OWNER A("\1")), 27, "shorter than its first part"},
    {"removes what is not there", BYTES(NS_OWNER A("\2")), 26, "not there"},
    {"removes twice", BYTES(NS_OWNER A("\1") NS_OWNER A("\1")), 52, "not there"},
    {"adds what is there", BYTES(NS_OWNER A("\1")), 0, "is there"},
    {"adds with another TTL", BYTES(NS_OWNER "\0\1\0\1\0\0\1\55\0\4\300\0\2\2"), 0, "TTL"},
    {"another class", BYTES(NS_OWNER "\0\1\0\3\0\0\1\54\0\4\300\0\2\2"), 0, "no zone can have"},
    {"a question's type", BYTES(NS_OWNER "\0\377" IN_300 "\0\0"), 0, "no zone can have"},
    {"type 0", BYTES(NS_OWNER "\0\0" IN_300 "\0\0"), 0, "no zone can have"},
    {"out of the zone", BYTES("\2ns\7examplf\0" A("\2")), 0, "out of the zone"},
    {"above the zone", BYTES("\0" A("\2")), 0, "out of the zone"},
    {"compressed owner", BYTES("\300\0" A("\2")), 0, "ends within a record"},
    {"short address", BYTES(NS_OWNER "\0\1" IN_300 "\0\3\300\0\2"), 0, "malformed rdata"},
    {"RRSIG of one byte", BYTES(NS_OWNER "\0\56" IN_300 "\0\1\0"), 0, "malformed rdata"},
    {"RRSIG of one byte removed", BYTES(NS_OWNER "\0\56" IN_300 "\0\1\0"), 23, "malformed rdata"},
    {"rdata beyond the end", BYTES(NS_OWNER "\0\1" IN_300 "\0\5\300\0\2\1"), 0,
     "ends within a record"},
    {"part ends within a record", BYTES(NS_OWNER A("\1") NS_OWNER A("\2")), 25,
     "ends within a record"},
};

Test(apply, refuses_what_does_not_fit_the_zone)
{
    static const enum txn_mode modes[] = {TXN_CHANGE, TXN_BUILD};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
            struct zone *z = zone_from_text("example.", OLD);
            struct zone *copy = NULL;
            struct txn *t = NULL;
            if (modes[m] == TXN_CHANGE)
                t = txn_begin(z, TXN_CHANGE);
            else
                copy = copy_begin(z->published, &t);
            uint8_t *exact = memcpy(malloc(rows[i].len + 1), rows[i].bytes, rows[i].len);
            struct diff_bytes d = {exact, rows[i].len, rows[i].added_at};
            struct diag diag = {0};
            enum err e = txn_apply(t, &d, &diag);
            cr_expect_eq(e, rows[i].says ? ERR_INVALID : OK, "%s", rows[i].what);
            cr_expect(!rows[i].says || strstr(diag.text, rows[i].says), "%s: %s", rows[i].what,
                      diag.text);
            free(exact);
            txn_abort(&t);
            zone_free(copy);
            zone_free(z);
        }
}

/* Every cut and every flipped byte of a real diff: OK or ERR_INVALID, never an assertion. */
Test(apply, of_damaged_bytes_does_no_harm)
{
    uint64_t seed = 11;
    struct zone *z = zone_from_text("example.", OLD);
    struct name_buf apex = name_from("example.");
    for (unsigned round = 0; round < cases(3000, 1000); round++) {
        struct diff d;
        struct txn *t = txn_begin(z, TXN_CHANGE);
        for (uint32_t n = 1 + rnd(&seed, 8); n > 0; n--)
            change(t, &seed, name_of(&apex));
        txn_seal(&t, &d);
        zone_rollback(z);
        size_t len = d.len ? d.len - rnd(&seed, 3) % d.len : 0;
        uint8_t *bytes = memcpy(malloc(len + 1), d.bytes, len);
        if (len && rnd(&seed, 4))
            bytes[rnd(&seed, (uint32_t)len)] ^= (uint8_t)(1u << rnd(&seed, 8));
        struct diff_bytes damaged = {bytes, len, d.added_at};
        struct diag diag;
        t = txn_begin(z, TXN_CHANGE);
        enum err e = txn_apply(t, &damaged, &diag);
        cr_expect(e == OK || e == ERR_INVALID);
        txn_abort(&t);
        free(bytes);
        diff_done(&d);
    }
    zone_free(z);
}

/* --- as a transfer brings it --- */

#define TEXT "@ 300 SOA ns h 1 2 3 4 5\n@ 300 NS ns\nw 300 A 192.0.2.1\n"

/* The difference that adds w A 192.0.2.LAST with that TTL; its bytes are static. */
static struct diff_bytes adding(uint8_t last, uint8_t ttl)
{
    static uint8_t bytes[64];
    static const uint8_t head[] = "\1w\7example\0\0\1\0\1\0\0\1,\0\4\300\0\2";
    memcpy(bytes, head, sizeof(head) - 1);
    bytes[18] = ttl;
    bytes[sizeof(head) - 1] = last;
    return (struct diff_bytes){bytes, sizeof(head), 0};
}

Test(apply, takes_what_is_there_only_if_it_is_to)
{
    static const struct row {
        uint8_t last, ttl;
        bool takes_present;
        enum err result;
        unsigned present;
    } present_rows[] = {
        {1, 44, false, ERR_INVALID, 0}, {1, 44, true, OK, 1},          {2, 44, true, OK, 0},
        {1, 45, true, ERR_INVALID, 0},  {2, 45, true, ERR_INVALID, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(present_rows); i++) {
        const struct row *r = &present_rows[i];
        struct zone *z = zone_from_text("example.", TEXT);
        struct txn *t = txn_begin(z, TXN_CHANGE);
        struct diff_bytes d = adding(r->last, r->ttl);
        struct diff_at at = {.takes_present = r->takes_present};
        size_t budget = 10;
        struct diag diag = {0};
        cr_expect_eq(txn_apply_some(t, &d, &at, &budget, &diag), r->result, "row %zu: %s", i,
                     diag.text);
        cr_expect_eq(at.present, r->present, "row %zu", i);
        txn_abort(&t);
        zone_free(z);
    }
}

/* Two names with many records, in turns: a slice is no longer for that. */
Test(apply, counts_what_large_names_cost)
{
    enum { RECORDS = 3000, STEPS = 40, BUDGET = 256 };
    static uint8_t bytes[STEPS * 30];
    struct name_buf apex = name_from("example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct diag diag = {0};
    for (unsigned i = 0; i < 2 * RECORDS; i++) {
        struct name_buf owner = name_from(i < RECORDS ? "a.example." : "b.example.");
        uint8_t address[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
        struct rr rr = {name_of(&owner), TYPE_A, CLASS_IN, 300, {address, 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    struct wr w = wr_over(bytes, sizeof(bytes));
    for (unsigned i = 0; i < STEPS; i++) {
        struct name_buf owner = name_from(i % 2 ? "a.example." : "b.example.");
        wr_bytes(&w, owner.wire, owner.len);
        wr_u16(&w, TYPE_A);
        wr_u16(&w, CLASS_IN);
        wr_u32(&w, 300);
        wr_u16(&w, 4);
        wr_u32(&w, 0xc0000200 + i);
    }
    cr_assert_not(w.bad);
    struct diff_bytes d = {bytes, wr_len(&w), 0};
    struct diff_at at = {0};
    t = txn_begin(z, TXN_CHANGE);
    unsigned slices = 0;
    for (; at.bytes < d.len; slices++) {
        size_t budget = BUDGET;
        cr_assert_eq(txn_apply_some(t, &d, &at, &budget, &diag), OK, "%s", diag.text);
    }
    cr_expect_geq(txn_reopened(t), (uint64_t)STEPS * RECORDS);
    cr_expect_geq(slices, STEPS / 4, "%u slices of %u records", slices, STEPS);
    txn_abort(&t);
    zone_free(z);
}

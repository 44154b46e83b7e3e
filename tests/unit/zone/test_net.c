/* SPDX-License-Identifier: Apache-2.0
 * Nets of changes: applied at once they lead where all the changes lead one by one, and back; what
 * cancels out is not in them. */
#include "zone/net.h"
#include "zone/serial.h"
#include "zone_util.h"
#include "../slow.h"

enum { ROUNDS = 200, RUNS = 6 };

/* Both have the same RRsets, byte for byte; the case of owners is not compared: a name that went
 * and came back may be spelled in another way. */
static void expect_same_sets(const struct version *a, const struct version *b)
{
    struct walk wa, wb;
    walk_start(&wa, a);
    walk_start(&wb, b);
    for (;;) {
        const struct node *na = walk_next(&wa), *nb = walk_next(&wb);
        cr_assert_eq(na == NULL, nb == NULL);
        if (!na)
            break;
        cr_assert(name_is_equal(node_owner(na), node_owner(nb)));
        cr_assert_eq(na->size, nb->size);
        cr_assert_eq(memcmp(na->bytes + na->owner_len, nb->bytes + nb->owner_len,
                            na->size - sizeof(*na) - na->owner_len),
                     0);
    }
    cr_assert_eq(a->record_count, b->record_count);
}

static void change(struct txn *t, uint64_t *seed, struct name apex)
{
    struct record r = record_random(seed, apex);
    struct rr rr = record_rr(&r);
    if (rnd(seed, 8) == 0 && r.owner.len > apex.len)
        txn_remove_name(t, rr.owner);
    else if (rnd(seed, 3) == 0)
        txn_remove(t, rr.owner, r.type, rr.rdata);
    else
        txn_add(t, &rr);
}

static struct diff_bytes bytes_of(const struct diff *d)
{
    return (struct diff_bytes){d->bytes, d->len, d->added_at};
}

/* The net applied to a copy of `from` gives `to`. */
static void expect_leads(const struct net *n, const struct version *from, const struct version *to)
{
    struct txn *t;
    struct diff_bytes d;
    struct diag diag = {0};
    struct zone *z = copy_begin(from, &t);
    uint8_t *bytes = net_write(n, &d);
    cr_assert_eq(txn_apply(t, &d, &diag), OK, "%s", diag.text);
    if (to->soa.count)
        txn_set_serial(t, to->serial);
    zone_publish(z, txn_seal(&t, NULL));
    expect_same_sets(to, z->published);
    free(bytes);
    zone_free(z);
}

static void run(uint64_t seed)
{
    struct name_buf apex = name_from("zone.Example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    enum { FORTH, BACK, COMPARED, NOTHING, NETS };
    struct net *nets[NETS];
    for (int i = 0; i < NETS; i++)
        nets[i] = net_new(name_of(&apex), CLASS_IN);
    const struct version *first = NULL;
    struct diag diag = {0};
    struct txn *t = txn_begin(z, TXN_BUILD);
    soa_set(t, 7);
    zone_publish(z, txn_seal(&t, NULL));
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct diff d;
        if (i == ROUNDS / 4)
            first = version_pin(z->tip);
        t = txn_begin(z, TXN_CHANGE);
        for (uint32_t n = rnd(&seed, i % 16 ? 8 : 400); n > 0; n--)
            change(t, &seed, name_of(&apex));
        if (rnd(&seed, 5))
            soa_set(t, 8 + i);
        zone_publish(z, txn_seal(&t, &d));
        struct diff_bytes bytes = bytes_of(&d);
        for (int n = FORTH; first && n <= BACK; n++)
            cr_assert_eq(net_add(nets[n], &bytes, i, &diag), OK, "%s", diag.text);
        diff_done(&d);
    }
    net_settle(nets[FORTH], NET_FORTH);
    net_settle(nets[BACK], NET_BACK);
    cr_expect_gt(net_count(nets[FORTH]), 0);
    expect_leads(nets[FORTH], first, z->tip);
    expect_leads(nets[BACK], z->tip, first);

    net_add_versions(nets[COMPARED], first, z->tip); /* the same found by comparing */
    net_settle(nets[COMPARED], NET_BACK);
    cr_expect_eq(net_count(nets[COMPARED]), net_count(nets[BACK]));
    expect_leads(nets[COMPARED], z->tip, first);

    net_add_versions(nets[NOTHING], first, z->tip);
    net_add_versions(nets[NOTHING], z->tip, first);
    net_settle(nets[NOTHING], NET_FORTH);
    cr_expect_eq(net_count(nets[NOTHING]), 0, "there and back is nothing");
    version_unpin(first);
    for (int i = 0; i < NETS; i++)
        net_free(nets[i]);
    zone_free(z);
}

Test(net, leads_where_the_changes_lead_and_back)
{
    for (uint64_t i = 0; i < cases(RUNS, RUNS / 2); i++)
        run(0x9e3779b97f4a7c15 * (i + 1));
}

#define TOP "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n"

/* What leads from one text of a zone to another, a sign and owner, TTL and type each. */
static void net_text(const char *from, const char *to, enum net_direction direction, char *out,
                     size_t cap)
{
    struct zone *a = zone_from_text("example.", from), *b = zone_from_text("example.", to);
    struct net *n = net_new(name_of(&a->name), CLASS_IN);
    struct text t;
    char type[16];
    net_add_versions(n, a->published, b->published);
    net_settle(n, direction);
    text_init(&t, out, cap);
    for (size_t i = 0; i < net_count(n); i++) {
        struct rr rr;
        text_char(&t, net_get(n, i, &rr, NULL) == NET_ADDED ? '+' : '-');
        name_show(rr.owner, &t);
        text_fmt(&t, " %u %s;", rr.ttl, rrtype_text(rr.type, type));
    }
    net_free(n);
    zone_free(a);
    zone_free(b);
}

Test(net, of_two_versions_is_what_differs)
{
    static const struct row {
        const char *from, *to, *net;
    } rows[] = {
        {TOP, TOP, ""},
        {TOP, TOP "a A 192.0.2.1\n", "+a.example. 300 A;"},
        {TOP "a A 192.0.2.1\n", TOP, "-a.example. 300 A;"},
        {TOP "a A 192.0.2.1\na A 192.0.2.2\n", TOP "a A 192.0.2.2\na A 192.0.2.3\n",
         "-a.example. 300 A;+a.example. 300 A;"},
        {TOP "a 60 A 192.0.2.1\n", TOP "a 300 A 192.0.2.1\n",
         "-a.example. 60 A;+a.example. 300 A;"},
        {TOP "b A 192.0.2.1\n", TOP "b 60 A 192.0.2.1\n", "-b.example. 300 A;+b.example. 60 A;"},
        {TOP "A A 192.0.2.1\n", TOP "a A 192.0.2.1\n", ""},
        {TOP, "$TTL 300\n@ SOA ns h 9 2 3 4 5\n@ NS ns\n", ""}, /* only the serial */
        {TOP, "$TTL 300\n@ SOA ns h 9 2 3 4 6\n@ NS ns\n", "-example. 300 SOA;+example. 300 SOA;"},
        {TOP, "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ 300 NS ns\n",
         "-example. 300 SOA;+example. 60 SOA;"},
        {TOP "b A 192.0.2.1\na.b A 192.0.2.1\n", TOP "a.b TXT x\n",
         "-b.example. 300 A;-a.b.example. 300 A;+a.b.example. 300 TXT;"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        net_text(rows[i].from, rows[i].to, NET_FORTH, text, sizeof(text));
        cr_expect_str_eq(text, rows[i].net, "row %zu", i);
        net_text(rows[i].to, rows[i].from, NET_BACK, text, sizeof(text));
        cr_expect_str_eq(text, rows[i].net, "row %zu, back", i);
    }
}

/* A change that adds an address to a name of one letter, or takes it away. */
struct step {
    char owner, sign;
    uint8_t address;
    bool is_left_out;
};

static void step(struct net *n, const struct step *s)
{
    uint8_t bytes[64];
    struct diag diag = {0};
    struct wr w = wr_over(bytes, sizeof(bytes));
    wr_u8(&w, 1);
    wr_u8(&w, (uint8_t)s->owner);
    wr_bytes(&w, "\7example", 9);
    wr_u16(&w, TYPE_A);
    wr_u16(&w, CLASS_IN);
    wr_u32(&w, 60);
    wr_u16(&w, 4);
    wr_u32(&w, 0xC0000200 + s->address);
    struct diff_bytes d = {bytes, wr_len(&w), s->sign == '-' ? wr_len(&w) : 0};
    cr_assert_eq(net_add(n, &d, 0, &diag), OK, "%s", diag.text);
    if (s->is_left_out)
        cr_assert_eq(net_leave_out(n, &d, &diag), OK, "%s", diag.text);
}

Test(net, leaves_out_whole_rrsets_and_counts_those_that_matter)
{
    static const struct step steps[] = {
        {'a', '+', 1, false}, {'b', '+', 1, true},  {'c', '+', 1, false}, {'A', '-', 2, false},
        {'B', '+', 2, false}, {'d', '+', 1, true},  {'d', '-', 1, false}, {'c', '+', 2, true},
        {'e', '-', 1, false}, {'C', '-', 1, false}, {'f', '+', 1, true},  {'f', '+', 2, true},
    };
    struct name_buf apex = name_from("example.");
    struct net *n = net_new(name_of(&apex), CLASS_IN);
    struct text t;
    char text[256];
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        step(n, &steps[i]);
    net_settle(n, NET_FORTH);
    text_init(&t, text, sizeof(text));
    for (size_t i = 0; i < net_count(n); i++) {
        struct rr rr;
        text_char(&t, net_get(n, i, &rr, NULL) == NET_ADDED ? '+' : '-');
        name_show(rr.owner, &t);
    }
    cr_expect_str_eq(text, "-A.example.+a.example.-e.example.");
    cr_expect_eq(net_left_out(n), 3, "b, c and f; of d there is nothing");
    net_free(n);
}

#define A_RECORD "\1a\7example\0\0\1\0\1\0\0\1\54\0\4\300\0\2\1"
#define A_LEN    (sizeof(A_RECORD) - 1)

Test(net, refuses_malformed_changes)
{
    static const struct row {
        const char *bytes;
        size_t len, added_at;
        enum err e;
    } rows[] = {
        {"", 0, 0, OK},
        {A_RECORD, A_LEN, 0, OK},
        {A_RECORD, A_LEN, A_LEN, OK},
        {A_RECORD A_RECORD, 2 * A_LEN, A_LEN, OK},
        {A_RECORD, A_LEN, A_LEN + 1, ERR_INVALID},  /* beyond the end */
        {A_RECORD, A_LEN, 5, ERR_INVALID},          /* parts that share a record */
        {A_RECORD, A_LEN - 1, 0, ERR_INVALID},      /* cut */
        {A_RECORD "\0", A_LEN + 1, 0, ERR_INVALID}, /* and more */
        {"\1a\0\0\1\0\1\0\0\1\54\0\4\300\0\2\1", 17, 0, ERR_INVALID}, /* out of the zone */
    };
    struct name_buf apex = name_from("example.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net *n = net_new(name_of(&apex), CLASS_IN);
        struct diff_bytes d = {(const uint8_t *)rows[i].bytes, rows[i].len, rows[i].added_at};
        struct diag diag = {0};
        cr_expect_eq(net_add(n, &d, 0, &diag), rows[i].e, "row %zu: %s", i, diag.text);
        cr_expect_eq(diag.text[0] != 0, rows[i].e != OK, "row %zu", i);
        net_free(n);
    }
}

Test(net, of_a_record_that_comes_and_goes_is_one_record_or_none)
{
    struct name_buf apex = name_from("example.");
    struct net *n = net_new(name_of(&apex), CLASS_IN);
    struct diff_bytes add = {(const uint8_t *)A_RECORD, A_LEN, 0},
                      both = {(const uint8_t *)A_RECORD A_RECORD, 2 * A_LEN, A_LEN};
    const unsigned changes = cases(100000, 20000);
    for (unsigned i = 0; i < changes; i++)
        cr_assert_eq(net_add(n, i ? &both : &add, i, NULL), OK);
    net_settle(n, NET_FORTH);
    struct rr rr;
    uint32_t tag;
    cr_assert_eq(net_count(n), 1);
    cr_expect_eq(net_get(n, 0, &rr, &tag), NET_ADDED);
    cr_expect_eq(tag, changes - 1, "that of the last change");
    cr_expect_eq(rr.ttl, 300);
    net_free(n);
    net_free(NULL);
}

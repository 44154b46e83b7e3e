/* SPDX-License-Identifier: Apache-2.0
 * Leases: by record, by time, held; and everything at random against a table that has a place for
 * each record there can be. */
#include "update/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "dns/rrtype.h"
#include "../slow.h"
#include "unit.h"

#define RDATA(text)                               \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
#define NAME(text)                            \
    {                                         \
        (const uint8_t *)(text), sizeof(text) \
    }

static struct lease_set set;

static void set_up(void)
{
    lease_set_init(&set, (struct hash_key){4711, 42});
}

static void tear_down(void)
{
    lease_set_done(&set);
}

TestSuite(lease, .init = set_up, .fini = tear_down, .timeout = 120);

static const struct name host = NAME("\4host\7example"), loud = NAME("\4HOST\7example"),
                         other = NAME("\5other\7example");
static const struct rdata address = RDATA("\xc0\0\2\1"), next_address = RDATA("\xc0\0\2\2");

static void put(struct name owner, struct rdata rdata, int64_t expires_us)
{
    lease_set_put(&set, &(struct lease){owner, TYPE_A, rdata, expires_us, 60});
}

static bool has(struct name owner, struct rdata rdata)
{
    struct lease l;
    return lease_set_get(&set, owner, TYPE_A, rdata, &l);
}

Test(lease, a_set_without_any_says_so)
{
    struct lease l;
    cr_expect_not(has(host, address));
    cr_expect_not(lease_set_drop(&set, host, TYPE_A, address));
    cr_expect_not(lease_set_take_due(&set, INT64_MAX, &l));
    cr_expect_eq(lease_set_next_us(&set), INT64_MAX);
    lease_set_hold(&set, host, TYPE_A, address);
    lease_set_release(&set, host, TYPE_A, address);
    lease_set_each(&set, (struct name){0}, NULL, NULL);
    lease_set_each(&set, host, NULL, NULL);
    lease_set_done(NULL);
}

Test(lease, a_record_is_owner_type_and_rdata_as_they_compare)
{
    static const struct row {
        struct name owner;
        struct rdata rdata;
        uint16_t type;
        bool is_same;
    } rows[] = {
        {NAME("\4HOST\7exAMPLE"), RDATA("\0\1\4mail\7example\0"), TYPE_MX, true},
        {NAME("\4host\7example"), RDATA("\0\1\4MAIL\7Example\0"), TYPE_MX, true},
        {NAME("\4host\7example"), RDATA("\0\2\4mail\7example\0"), TYPE_MX, false},
        {NAME("\4host\7example"), RDATA("\0\1\4mail\6exampl\0"), TYPE_MX, false},
        {NAME("\4host\7example"), RDATA("\0\1\4mail\7example\0"), 65280, false},
        {NAME("\5hosts\7example"), RDATA("\0\1\4mail\7example\0"), TYPE_MX, false},
        {NAME("\4host\3bar"), RDATA("\4mail"), TYPE_TXT, true},
        {NAME("\4host\3bar"), RDATA("\4Mail"), TYPE_TXT, false}, /* RFC 4034 s6.2: not folded */
        {NAME("\4host\3bar"), RDATA(""), 65280, true},
        {NAME("\4host\3bar"), RDATA("\0"), 65280, false},
    };
    static const struct lease there[] = {
        {NAME("\4host\7example"), TYPE_MX, RDATA("\0\1\4mail\7example\0"), 11, 1},
        {NAME("\4host\3bar"), TYPE_TXT, RDATA("\4mail"), 12, 2},
        {NAME("\4host\3bar"), 65280, RDATA(""), 13, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        lease_set_put(&set, &there[i]);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lease l;
        bool is_there = lease_set_get(&set, rows[i].owner, rows[i].type, rows[i].rdata, &l);
        cr_expect_eq(is_there, rows[i].is_same, "row %zu", i);
    }
    cr_expect_eq(set.count, ARRAY_LEN(there));
}

Test(lease, a_lease_is_replaced_where_the_record_has_one)
{
    struct lease l;
    put(host, address, 1000);
    put(other, address, 2000);
    lease_set_put(&set, &(struct lease){loud, TYPE_A, address, 3000, 7});
    cr_expect_eq(set.count, 2);
    cr_assert(lease_set_get(&set, host, TYPE_A, address, &l));
    cr_expect(l.expires_us == 3000 && l.lease_s == 7 && l.type == TYPE_A);
    cr_expect(name_is_same(l.owner, loud), "written as it was last");
    cr_expect_eq(lease_set_next_us(&set), 2000);
    l.expires_us = 500; /* from the set's own view */
    lease_set_put(&set, &l);
    cr_expect_eq(lease_set_next_us(&set), 500);
    cr_assert(lease_set_get(&set, host, TYPE_A, address, &l));
    cr_expect(l.rdata.len == 4 && memcmp(l.rdata.bytes, address.bytes, 4) == 0);
}

Test(lease, those_that_are_over_come_in_order_and_are_held)
{
    struct lease l;
    put(host, address, 3000);
    put(host, next_address, 1000);
    put(other, address, 2000);
    cr_expect_not(lease_set_take_due(&set, 999, &l));
    cr_assert(lease_set_take_due(&set, 1000, &l));
    cr_expect(name_is_equal(l.owner, host) && l.rdata.bytes[3] == 2 && l.expires_us == 1000);
    cr_expect_not(lease_set_take_due(&set, 1999, &l));
    cr_expect_eq(lease_set_next_us(&set), 2000);
    cr_assert(lease_set_take_due(&set, 9999, &l));
    cr_expect(name_is_equal(l.owner, other));
    lease_set_release(&set, host, TYPE_A, next_address); /* what was to end it failed */
    cr_expect_eq(lease_set_next_us(&set), 1000);
    cr_assert(lease_set_take_due(&set, 9999, &l));
    cr_expect_eq(l.expires_us, 1000);
    cr_expect(lease_set_drop(&set, l.owner, l.type, l.rdata));
    cr_assert(lease_set_take_due(&set, 9999, &l));
    cr_expect_eq(l.expires_us, 3000);
    cr_expect_not(lease_set_take_due(&set, 9999, &l));
    cr_expect_eq(set.count, 2);
}

Test(lease, holds_are_counted)
{
    put(host, address, 1000);
    lease_set_hold(&set, host, TYPE_A, address);
    lease_set_hold(&set, host, TYPE_A, address);
    put(host, address, 1500); /* made longer meanwhile */
    cr_expect_eq(lease_set_next_us(&set), INT64_MAX);
    lease_set_release(&set, host, TYPE_A, address);
    cr_expect_eq(lease_set_next_us(&set), INT64_MAX);
    lease_set_release(&set, host, TYPE_A, address);
    cr_expect_eq(lease_set_next_us(&set), 1500);
    lease_set_release(&set, host, TYPE_A, address);
    lease_set_hold(&set, host, TYPE_A, address);
    cr_expect_eq(lease_set_next_us(&set), INT64_MAX, "released more than it was held before");
}

Test(lease, one_that_is_made_again_is_not_held)
{
    lease_set_hold(&set, host, TYPE_A, address); /* there is none yet */
    put(host, address, 1000);
    cr_expect_eq(lease_set_next_us(&set), 1000);
    lease_set_hold(&set, host, TYPE_A, address);
    cr_expect(lease_set_drop(&set, host, TYPE_A, address));
    put(host, address, 2000);
    cr_expect_eq(lease_set_next_us(&set), 2000);
    lease_set_release(&set, host, TYPE_A, address);
    cr_expect_eq(lease_set_next_us(&set), 2000);
}

static bool count_to(void *arg, const struct lease *l)
{
    unsigned *left = arg;
    (void)l;
    return --*left > 0;
}

Test(lease, looking_ends_when_told_to)
{
    unsigned left = 2;
    for (uint8_t i = 0; i < 10; i++)
        put(host, (struct rdata){(const uint8_t[]){192, 0, 2, i}, 4}, i);
    lease_set_each(&set, host, count_to, &left);
    cr_expect_eq(left, 0);
    left = 2;
    lease_set_each(&set, (struct name){0}, count_to, &left);
    cr_expect_eq(left, 0);
    left = 20;
    lease_set_each(&set, other, count_to, &left);
    cr_expect_eq(left, 20);
}

/* --- at random --- */

/* Record number i is of owner i % OWNERS; the last owner has CROWD more. */
enum { OWNERS = 400, PER_OWNER = 10, CROWD = 3000, RECORDS = OWNERS * PER_OWNER + CROWD };

static struct model {
    bool is_there;
    uint32_t lease_s, holds;
    int64_t expires_us;
} model[RECORDS];

static struct made {
    uint8_t owner[20], rdata[2000];
    struct lease lease;
} made;

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static void case_at_random(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] >= 'a' && p[i] <= 'z' && draw(2))
            p[i] = (uint8_t)(p[i] - 32);
}

static unsigned owner_number(unsigned i)
{
    return i < OWNERS * PER_OWNER ? i % OWNERS : OWNERS - 1;
}

/* The record with that number, in some writing; what is not a name's case is its own. */
static const struct lease *make(unsigned i)
{
    unsigned number = i / OWNERS;
    struct lease *l = &made.lease;
    memset(l, 0, sizeof(*l));
    memcpy(made.owner, "\4h000\7example", 14);
    for (unsigned k = 0, left = owner_number(i); k < 3; k++, left /= 10)
        made.owner[2 + k] = (uint8_t)('0' + left % 10);
    case_at_random(made.owner, 14);
    memcpy(made.rdata, (const uint8_t[]){(uint8_t)(i >> 8), (uint8_t)i}, 2);
    memcpy(made.rdata + 2, "\5check\4mail\7example", 20);
    l->rdata.len = 20;
    if (number % 3 == 0) {
        l->type = TYPE_MX;
        made.rdata[2] = 4;
        memcpy(made.rdata + 2, "\4mail\7example", 14);
        l->rdata.len = 16;
        case_at_random(made.rdata + 2, 14);
    } else if (number % 3 == 1) {
        l->type = 65280; /* case counts: the record's own */
        made.rdata[4] = i & 1 ? 'c' : 'C';
        l->rdata.len = (uint16_t)(4 + i % 7);
    } else {
        l->type = 65281;
        memset(made.rdata + 20, 'x', sizeof(made.rdata) - 20);
        l->rdata.len = (uint16_t)(20 + i % 1900);
    }
    l->owner = (struct name){made.owner, 14};
    l->rdata.bytes = made.rdata;
    return l;
}

static unsigned number_of(const struct lease *l)
{
    unsigned i = (unsigned)l->rdata.bytes[0] << 8 | l->rdata.bytes[1];
    cr_assert_lt(i, RECORDS);
    const struct lease *same = make(i);
    cr_assert(name_is_equal(l->owner, same->owner) && l->type == same->type &&
              rdata_compare(l->type, l->rdata, same->rdata) == 0);
    cr_assert(model[i].is_there, "record %u", i);
    cr_assert(l->expires_us == model[i].expires_us && l->lease_s == model[i].lease_s);
    return i;
}

static int64_t first_us(void)
{
    int64_t first = INT64_MAX;
    for (unsigned i = 0; i < RECORDS; i++)
        if (model[i].is_there && !model[i].holds && model[i].expires_us < first)
            first = model[i].expires_us;
    return first;
}

static void put_random(unsigned i)
{
    struct lease l = *make(i);
    struct model *m = &model[i];
    m->holds = m->is_there ? m->holds : 0;
    m->is_there = true;
    m->expires_us = l.expires_us = (int64_t)draw(1000);
    m->lease_s = l.lease_s = (uint32_t)draw(100);
    lease_set_put(&set, &l);
}

static void drop_random(unsigned i)
{
    const struct lease *l = make(i);
    cr_assert_eq(lease_set_drop(&set, l->owner, l->type, l->rdata), model[i].is_there);
    model[i] = (struct model){0};
}

static void get_random(unsigned i)
{
    struct lease found, l = *make(i);
    cr_assert_eq(lease_set_get(&set, l.owner, l.type, l.rdata, &found), model[i].is_there);
    if (model[i].is_there)
        cr_assert_eq(number_of(&found), i);
}

static void hold_random(unsigned i)
{
    const struct lease *l = make(i);
    lease_set_hold(&set, l->owner, l->type, l->rdata);
    model[i].holds += model[i].is_there;
}

static void release_random(unsigned i)
{
    const struct lease *l = make(i);
    lease_set_release(&set, l->owner, l->type, l->rdata);
    model[i].holds -= model[i].holds > 0;
}

static void take_random(unsigned i)
{
    struct lease l;
    int64_t now_us = (int64_t)draw(200), first = first_us();
    (void)i;
    cr_assert_eq(lease_set_next_us(&set), first);
    cr_assert_eq(lease_set_take_due(&set, now_us, &l), first <= now_us);
    if (first > now_us)
        return;
    cr_assert_eq(l.expires_us, first);
    unsigned taken = number_of(&l);
    cr_assert_eq(model[taken].holds, 0);
    model[taken].holds = 1;
}

static bool was_seen[RECORDS];

static bool see(void *arg, const struct lease *l)
{
    unsigned i = number_of(l);
    cr_assert_not(was_seen[i], "record %u comes twice", i);
    was_seen[i] = true;
    ++*(unsigned *)arg;
    return true;
}

static void each_random(unsigned i)
{
    bool is_all = i % 8 == 0;
    struct lease l = *make(i);
    uint8_t owner[20];
    unsigned seen = 0, wanted = 0;
    memcpy(owner, made.owner, sizeof(owner)); /* made is written over meanwhile */
    memset(was_seen, 0, sizeof(was_seen));
    lease_set_each(&set, is_all ? (struct name){0} : (struct name){owner, l.owner.len}, see, &seen);
    for (unsigned k = 0; k < RECORDS; k++)
        wanted += model[k].is_there && (is_all || owner_number(k) == owner_number(i));
    cr_assert_eq(seen, wanted);
}

static const struct step {
    void (*run)(unsigned i);
    unsigned weight; /* of 1000, while the set grows; puts and drops change places else */
} steps[] = {
    {put_random, 450},     {drop_random, 150}, {get_random, 200}, {hold_random, 50},
    {release_random, 100}, {take_random, 40},  {each_random, 10},
};

static void step_random(bool is_shrinking)
{
    unsigned i = (unsigned)draw(RECORDS), left = (unsigned)draw(1000), k = 0;
    for (; left >= steps[k].weight; k++)
        left -= steps[k].weight;
    steps[is_shrinking && k < 2 ? 1 - k : k].run(i);
}

Test(lease, is_what_a_simple_table_would_be)
{
    size_t most = 0;
    seed = 1;
    for (unsigned n = 0; n < cases(100000, 40000); n++) {
        step_random(n / 20000 % 2 == 1);
        most = set.count > most ? set.count : most;
    }
    cr_expect_gt(most, RECORDS / 3, "%zu: the table has hardly grown", most);
    each_random(0);
    for (unsigned i = 0; i < RECORDS; i++)
        drop_random(i);
    cr_expect_eq(set.count, 0);
    cr_expect_eq(lease_set_next_us(&set), INT64_MAX);
}

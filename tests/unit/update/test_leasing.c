/* SPDX-License-Identifier: Apache-2.0
 * Which records of an update get which lease (RFC 9664), and who may set it. */
#include "base/attr.h"
#include "bed.h"

static const char zone[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"
                           "www 60 A 192.0.2.1\nold 60 A 192.0.2.1\n";

#define DAY       86400u
#define KEY_RDATA "%0200030801020304"

/* What the report says of leases, as "OWNER TYPE SECONDS" lines. */
static const char *leases_of(struct bed *b)
{
    struct text t;
    text_init(&t, b->text, sizeof(b->text));
    for (unsigned i = 0; i < b->report.lease_count; i++) {
        const struct update_lease *l = &b->report.leases[i];
        char name[NAME_TEXT_MAX], type[16];
        text_fmt(&t, "%s %s %u\n", name_text(l->owner, name), rrtype_text(l->type, type),
                 l->lease_s);
    }
    return b->text;
}

static void ask(struct bed *b, unsigned len, uint32_t lease_s, uint32_t key_lease_s)
{
    b->q.edns = (struct edns){.lease_len = (uint8_t)len,
                              .lease_s = lease_s,
                              .key_lease_s = len == 8 ? key_lease_s : lease_s};
}

static const struct row {
    const char *name;
    struct grant grant;
    unsigned len; /* of the option; 0: none */
    uint32_t lease_s, key_lease_s;
    const char *lines;
    const char *leases;
    uint32_t granted_s, key_granted_s;
} rows[] = {
    {"nothing asked, nothing given", {0}, 0, 0, 0, "u a IN 60 A 192.0.2.1", "", 0, 0},
    {"given by the grant",
     {.lease_s = 900},
     0,
     0,
     0,
     "u a IN 60 A 192.0.2.1",
     "a.example. A 900\n",
     0,
     0},
    {"asked for", {0}, 4, 1800, 0, "u a IN 60 A 192.0.2.1", "a.example. A 1800\n", 1800, 1800},
    {"both",
     {.lease_s = 900},
     4,
     1800,
     0,
     "u a IN 60 A 192.0.2.1",
     "a.example. A 1800\n",
     1800,
     1800},
    {"s8: at least 30 s", {0}, 4, 0, 0, "u a IN 60 A 192.0.2.1", "a.example. A 30\n", 30, 30},
    {"s8: at most a day, a week for KEY",
     {0},
     8,
     UINT32_MAX,
     UINT32_MAX,
     "u a IN 60 A 192.0.2.1\nu a IN 60 KEY " KEY_RDATA,
     "a.example. A 86400\na.example. KEY 604800\n",
     DAY,
     7 * DAY},
    {"s4.3: LEASE alone is for KEY as well",
     {0},
     4,
     UINT32_MAX,
     0,
     "u a IN 60 A 192.0.2.1\nu a IN 60 KEY " KEY_RDATA,
     "a.example. A 86400\na.example. KEY 86400\n",
     DAY,
     DAY},
    {"the grant's range",
     {.lease = {60, 120}, .key_lease = {10, 20}},
     8,
     300,
     1,
     "u a IN 60 A 192.0.2.1\nu a IN 60 KEY " KEY_RDATA,
     "a.example. A 120\na.example. KEY 10\n",
     120,
     10},
    {"s5.3: a refresh changes nothing and is granted",
     {0},
     4,
     1800,
     0,
     "u www IN 60 A 192.0.2.1",
     "www.example. A 1800\n",
     1800,
     1800},
    {"s4: what is removed is removed for good",
     {0},
     4,
     1800,
     0,
     "u a IN 60 A 192.0.2.1\nu a ANY 0 A\nu b IN 60 A 192.0.2.1",
     "b.example. A 1800\n",
     1800,
     1800},
    {"what is ignored gets none", {0}, 4, 1800, 0, "u www IN 60 CNAME a", "", 1800, 1800},
    {"nor the SOA", {0}, 4, 1800, 0, "u @ IN 300 SOA ns h 20 3600 900 1209600 300", "", 1800, 1800},
    {"nothing is added", {.lease = {60, 120}}, 8, 300, 300, "u old ANY 0 ANY", "", 120, 300},
};

static const uint16_t types[] = {TYPE_A, TYPE_KEY, TYPE_CNAME, TYPE_SOA};

Test(leasing, is_as_asked_within_the_grant)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct grant grant = rows[i].grant;
        grant.is_unsigned = true;
        grant.where = GRANT_ALL;
        grant.types = types;
        grant.type_count = ARRAY_LEN(types);
        struct bed *b = bed_new(zone);
        bed_peer(b, NULL, &grant, 1);
        b->rules.gives_leases = grant_lease_s(&grant) != 0;
        ask(b, rows[i].len, rows[i].lease_s, rows[i].key_lease_s);
        cr_expect_eq(bed_update(b, rows[i].lines), NOERROR, "%s: %s", rows[i].name,
                     b->report.reason);
        cr_expect_str_eq(leases_of(b), rows[i].leases, "%s: %s", rows[i].name, leases_of(b));
        cr_expect_eq(b->q.edns.lease_s, rows[i].granted_s, "%s", rows[i].name);
        cr_expect_eq(b->q.edns.key_lease_s, rows[i].key_granted_s, "%s", rows[i].name);
        bed_free(b);
    }
}

/* s7: the client counts with the one lease that the answer says. */
Test(leasing, is_one_for_all_records_of_a_message)
{
    struct name_buf a = bed_name("a"), b_name = bed_name("b");
    struct grant grants[] = {{.is_unsigned = true,
                              .where = GRANT_NAME,
                              .names = &a,
                              .name_count = 1,
                              .lease = {60, 120}},
                             {.is_unsigned = true,
                              .where = GRANT_NAME,
                              .names = &b_name,
                              .name_count = 1,
                              .lease = {60, 240}}};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, grants, 2);
    ask(b, 4, 3600, 0);
    cr_expect_eq(bed_update(b, "u b IN 60 A 192.0.2.1\nu a IN 60 A 192.0.2.1"), NOERROR);
    cr_expect_str_eq(leases_of(b), "b.example. A 120\na.example. A 120\n");
    cr_expect_eq(b->q.edns.lease_s, 120);
    bed_free(b);
}

static struct lease_set set_of(struct name owner, uint32_t lease_s)
{
    struct lease_set set;
    struct lease lease = {owner,
                          TYPE_A,
                          {(const uint8_t *)"\300\0\2\1", 4},
                          BED_NOW_US + (int64_t)lease_s * 1000000,
                          lease_s};
    lease_set_init(&set, (struct hash_key){1, 2});
    lease_set_put(&set, &lease);
    return set;
}

/* A lease lets a record go: of what was there, only who may delete it can make that sooner. */
Test(leasing, of_who_may_only_add_is_never_shorter)
{
    static const struct {
        const char *lines;
        uint32_t asked_s;
        const char *leases;
    } tried[] = {
        {"u old IN 60 A 192.0.2.1", 60, ""}, /* permanent */
        {"u www IN 60 A 192.0.2.1", 60, ""}, /* has 1000 s */
        {"u www IN 7 A 192.0.2.1", 60, ""},  /* with another TTL, too */
        {"u www IN 60 A 192.0.2.1", 2000, "www.example. A 2000\n"},
        {"u www IN 60 A 192.0.2.1", 0, "www.example. A 0\n"},   /* for good */
        {"u new IN 60 A 192.0.2.1", 60, "new.example. A 60\n"}, /* its own */
    };
    struct name_buf www = bed_name("www");
    for (unsigned ops = GRANT_ADD; ops <= (GRANT_ADD | GRANT_DELETE); ops += GRANT_DELETE)
        for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
            struct grant grant = {.is_unsigned = true, .where = GRANT_ALL, .ops = ops};
            struct bed *b = bed_new(zone);
            struct lease_set set = set_of(name_of(&www), 1000);
            bed_peer(b, NULL, &grant, 1);
            b->rules.leases = &set;
            ask(b, tried[i].asked_s ? 4 : 0, tried[i].asked_s, 0);
            cr_expect_eq(bed_update(b, tried[i].lines), NOERROR);
            if (ops == GRANT_ADD)
                cr_expect_str_eq(leases_of(b), tried[i].leases, "row %zu", i);
            else
                cr_expect_eq(b->report.lease_count, 1, "row %zu", i);
            lease_set_done(&set);
            bed_free(b);
        }
}

Test(leasing, leaves_alone_what_the_zone_file_has)
{
    struct grant grant = {.is_unsigned = true, .where = GRANT_ALL};
    struct bed *b = bed_new(zone);
    bed_peer(b, NULL, &grant, 1);
    bed_protect(b);
    ask(b, 4, 60, 0);
    cr_expect_eq(bed_update(b, "u www IN 60 A 192.0.2.1\nu new IN 60 A 192.0.2.1"), NOERROR, "%s",
                 b->report.reason);
    cr_expect_str_eq(leases_of(b), "new.example. A 60\n");
    bed_free(b);
}

/* The operator asks for nothing, and what an operator adds is permanent. */
Test(leasing, ends_where_an_operator_adds)
{
    struct name_buf www = bed_name("www");
    struct bed *b = bed_new(zone);
    struct lease_set set = set_of(name_of(&www), 1000);
    b->actor = (struct update_actor){0};
    cr_expect_eq(bed_update(b, "u www IN 60 A 192.0.2.1"), NOERROR);
    cr_expect_str_eq(leases_of(b), "", "no lease is anywhere");
    b->rules.leases = &set;
    cr_expect_eq(bed_update(b, "u www IN 60 A 192.0.2.1"), NOERROR);
    cr_expect_str_eq(leases_of(b), "www.example. A 0\n");
    lease_set_done(&set);
    bed_free(b);
}

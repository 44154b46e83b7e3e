/* SPDX-License-Identifier: Apache-2.0
 * Grants as a table: each form of WHERE with what it matches and what it just misses. */
#include "update/grant.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/attr.h"
#include "bed.h"

/* A grant as a row says it: lists are words with blanks between. */
struct spec {
    enum grant_where where;
    const char *names; /* "any": is_any_name */
    const char *types;
    const char *from, *within;
    struct grant rest; /* numbers and flags */
};

struct made {
    struct grant grant;
    struct name_buf names[4];
    uint16_t types[8];
    struct prefix from[4], within[4];
};

/* The next word, or NULL. */
static const char *next_word(const char **list, size_t *len)
{
    const char *word = *list ? *list + strspn(*list, " ") : NULL;
    *len = word ? strcspn(word, " ") : 0;
    *list = word ? word + *len : NULL;
    return *len ? word : NULL;
}

static void make_prefixes(const char *list, struct prefix *out, unsigned *count)
{
    size_t len;
    for (const char *w; (w = next_word(&list, &len)); (*count)++)
        cr_assert(prefix_scan(w, len, &out[*count]), "%s", w);
}

static void make(const struct spec *spec, const char *key, struct made *m)
{
    *m = (struct made){.grant = spec->rest};
    struct grant *g = &m->grant;
    const char *names = spec->names, *types = spec->types;
    size_t len;
    g->where = spec->where;
    g->is_any_name = names && !strcmp(names, "any");
    for (const char *w; !g->is_any_name && (w = next_word(&names, &len)); g->name_count++) {
        char word[64] = {0};
        memcpy(word, w, len);
        m->names[g->name_count] = bed_name(word);
    }
    for (const char *w; (w = next_word(&types, &len)); g->type_count++)
        cr_assert(rrtype_scan(w, len, &m->types[g->type_count]), "%s", w);
    make_prefixes(spec->from, m->from, &g->from_count);
    make_prefixes(spec->within, m->within, &g->within_count);
    g->names = m->names;
    g->types = g->type_count ? m->types : NULL;
    g->from = m->from;
    g->within = m->within;
    if (!g->is_unsigned) {
        g->key = bed_name(key);
        g->self = g->key;
    }
}

#define KEY "host.example."

static const struct row {
    struct spec spec;
    enum grant_op op;
    const char *owner;
    uint16_t type;
    uint32_t ttl;
    const char *address; /* of an A or AAAA record */
    enum grant_miss miss;
} rows[] = {
    /* name */
    {{GRANT_NAME, "www mail"}, GRANT_ADD, "www", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_NAME, "www mail"}, GRANT_ADD, "MAIL", TYPE_TXT, 60, NULL, GRANT_MATCH},
    {{GRANT_NAME, "www mail"}, GRANT_ADD, "a.www", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_NAME, "www mail"}, GRANT_ADD, "@", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_NAME, "*.www"}, GRANT_ADD, "a.www", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_NAME, "*.www"}, GRANT_ADD, "*.www", TYPE_A, 60, NULL, GRANT_MATCH},
    /* under */
    {{GRANT_UNDER, "apps"}, GRANT_ADD, "apps", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_UNDER, "apps"}, GRANT_ADD, "a.b.apps", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_UNDER, "apps"}, GRANT_ADD, "*.apps", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_UNDER, "apps"}, GRANT_ADD, "xapps", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_UNDER, "apps"}, GRANT_ADD, "@", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    /* self, below-self */
    {{GRANT_SELF}, GRANT_ADD, "host", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_SELF}, GRANT_ADD, "HOST", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_SELF}, GRANT_ADD, "a.host", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_SELF}, GRANT_ADD, "xhost", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_BELOW_SELF}, GRANT_ADD, "a.host", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_BELOW_SELF}, GRANT_ADD, "b.a.host", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_BELOW_SELF}, GRANT_ADD, "host", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_BELOW_SELF}, GRANT_ADD, "xhost", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    /* acme */
    {{GRANT_ACME, "www @"}, GRANT_ADD, "_acme-challenge.www", TYPE_TXT, 60, NULL, GRANT_MATCH},
    {{GRANT_ACME, "www @"}, GRANT_ADD, "_ACME-Challenge.www", TYPE_TXT, 60, NULL, GRANT_MATCH},
    {{GRANT_ACME, "www @"}, GRANT_ADD, "_acme-challenge", TYPE_TXT, 300, NULL, GRANT_MATCH},
    {{GRANT_ACME, "www"}, GRANT_ADD, "_acme-challenge", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "www"}, GRANT_ADD, "www", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "www"}, GRANT_ADD, "_acme-challenge.api", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "www"}, GRANT_ADD, "_acme-challenge.a.www", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "www"}, GRANT_ADD, "_acme-challengf.www", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "www"}, GRANT_ADD, "_acme-challenge.www", TYPE_A, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ACME, "www"}, GRANT_ADD, "_acme-challenge.www", TYPE_CNAME, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ACME, "www"},
     GRANT_ADD,
     "_acme-challenge.www",
     TYPE_TXT,
     301,
     NULL,
     GRANT_OUT_OF_LIMITS},
    {{GRANT_ACME, "www", .rest = {.ttl_max = 900}},
     GRANT_ADD,
     "_acme-challenge.www",
     TYPE_TXT,
     900,
     NULL,
     GRANT_MATCH},
    {{GRANT_ACME, "www"}, GRANT_DELETE, "_acme-challenge.www", TYPE_TXT, 0, NULL, GRANT_MATCH},
    {{GRANT_ACME, "www"}, GRANT_DELETE, "_acme-challenge.www", TYPE_ANY, 0, NULL, GRANT_MATCH},
    {{GRANT_ACME, "*.www"}, GRANT_ADD, "_acme-challenge.www", TYPE_TXT, 60, NULL, GRANT_MATCH},
    {{GRANT_ACME, "any"}, GRANT_ADD, "_acme-challenge.a.b.c", TYPE_TXT, 60, NULL, GRANT_MATCH},
    {{GRANT_ACME, "any"}, GRANT_ADD, "_acme-challenge", TYPE_TXT, 60, NULL, GRANT_MATCH},
    {{GRANT_ACME, "any"}, GRANT_ADD, "www", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "any"}, GRANT_ADD, "a._acme-challenge", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_ACME, "any"}, GRANT_ADD, "@", TYPE_TXT, 60, NULL, GRANT_OTHER_NAME},
    /* dhcp */
    {{GRANT_DHCP}, GRANT_ADD, "pc", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_DHCP}, GRANT_ADD, "pc", TYPE_AAAA, 60, NULL, GRANT_MATCH},
    {{GRANT_DHCP}, GRANT_ADD, "pc", TYPE_DHCID, 60, NULL, GRANT_MATCH},
    {{GRANT_DHCP}, GRANT_ADD, "pc", TYPE_PTR, 60, NULL, GRANT_MATCH},
    {{GRANT_DHCP}, GRANT_ADD, "pc", TYPE_TXT, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_DHCP}, GRANT_ADD, "pc", TYPE_CNAME, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_DHCP, .types = "A DHCID TXT"}, GRANT_ADD, "pc", TYPE_DHCID, 60, NULL, GRANT_MATCH},
    {{GRANT_DHCP, .types = "A DHCID TXT"}, GRANT_ADD, "pc", TYPE_AAAA, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_DHCP, .types = "A DHCID TXT"}, GRANT_ADD, "pc", TYPE_TXT, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_DHCP}, GRANT_DELETE, "pc", TYPE_ANY, 0, NULL, GRANT_MATCH},
    /* reverse-of-source: from 192.0.2.7 */
    {{GRANT_REVERSE}, GRANT_ADD, "7.2.0.192.in-addr.arpa.", TYPE_PTR, 60, NULL, GRANT_MATCH},
    {{GRANT_REVERSE}, GRANT_ADD, "8.2.0.192.in-addr.arpa.", TYPE_PTR, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_REVERSE}, GRANT_ADD, "www", TYPE_PTR, 60, NULL, GRANT_OTHER_NAME},
    /* all, and the default types */
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL}, GRANT_ADD, "a.b", TYPE_CNAME, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL}, GRANT_ADD, "a.b", 65280, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL}, GRANT_ADD, "a.b", TYPE_NS, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_NS, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_SOA, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "a", TYPE_SOA, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "a", TYPE_DS, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_DNSKEY, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_CDS, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_CDNSKEY, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_NSEC3PARAM, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_CSYNC, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "@", TYPE_ZONEMD, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "a", TYPE_RRSIG, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "a", TYPE_NSEC, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_ADD, "a", TYPE_NSEC3, 60, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL}, GRANT_DELETE, "@", TYPE_SOA, 0, NULL, GRANT_OTHER_TYPE},
    {{GRANT_ALL, .types = "DS NS SOA"}, GRANT_ADD, "a", TYPE_DS, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL, .types = "DS NS SOA"}, GRANT_ADD, "@", TYPE_NS, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL, .types = "DS NS SOA"}, GRANT_ADD, "@", TYPE_SOA, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL, .types = "DS NS SOA"}, GRANT_ADD, "a", TYPE_A, 60, NULL, GRANT_OTHER_TYPE},
    /* source */
    {{GRANT_ALL, .from = "10.0.0.0/8 192.0.2.0/24"}, GRANT_ADD, "a", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL, .from = "10.0.0.0/8 192.0.2.8"},
     GRANT_ADD,
     "a",
     TYPE_A,
     60,
     NULL,
     GRANT_OTHER_SOURCE},
    /* operations */
    {{GRANT_ALL, .rest = {.ops = GRANT_ADD}}, GRANT_ADD, "a", TYPE_A, 60, NULL, GRANT_MATCH},
    {{GRANT_ALL, .rest = {.ops = GRANT_ADD}}, GRANT_DELETE, "a", TYPE_A, 0, NULL, GRANT_OTHER_OP},
    {{GRANT_ALL, .rest = {.ops = GRANT_DELETE}}, GRANT_ADD, "a", TYPE_A, 60, NULL, GRANT_OTHER_OP},
    {{GRANT_ALL, .rest = {.ops = GRANT_DELETE}}, GRANT_DELETE, "a", TYPE_ANY, 0, NULL, GRANT_MATCH},
    {{GRANT_ALL, .rest = {.ops = GRANT_ADD | GRANT_DELETE}},
     GRANT_DELETE,
     "a",
     TYPE_A,
     0,
     NULL,
     GRANT_MATCH},
    /* ttl */
    {{GRANT_ALL, .rest = {.ttl_min = 30, .ttl_max = 3600}},
     GRANT_ADD,
     "a",
     TYPE_A,
     30,
     NULL,
     GRANT_MATCH},
    {{GRANT_ALL, .rest = {.ttl_min = 30, .ttl_max = 3600}},
     GRANT_ADD,
     "a",
     TYPE_A,
     3600,
     NULL,
     GRANT_MATCH},
    {{GRANT_ALL, .rest = {.ttl_min = 30, .ttl_max = 3600}},
     GRANT_ADD,
     "a",
     TYPE_A,
     29,
     NULL,
     GRANT_OUT_OF_LIMITS},
    {{GRANT_ALL, .rest = {.ttl_min = 30, .ttl_max = 3600}},
     GRANT_ADD,
     "a",
     TYPE_A,
     3601,
     NULL,
     GRANT_OUT_OF_LIMITS},
    {{GRANT_ALL, .rest = {.ttl_min = 30, .ttl_max = 3600}},
     GRANT_DELETE,
     "a",
     TYPE_A,
     0,
     NULL,
     GRANT_MATCH},
    /* within */
    {{GRANT_DHCP, .within = "10.0.0.0/8"}, GRANT_ADD, "a", TYPE_A, 60, "10.1.2.3", GRANT_MATCH},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_ADD,
     "a",
     TYPE_A,
     60,
     "11.1.2.3",
     GRANT_OUT_OF_LIMITS},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_ADD,
     "a",
     TYPE_AAAA,
     60,
     "2001:db8::1",
     GRANT_OUT_OF_LIMITS},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_ADD,
     "a",
     TYPE_AAAA,
     60,
     "::ffff:10.1.2.3",
     GRANT_MATCH},
    {{GRANT_DHCP, .within = "10.0.0.0/8 2001:db8::/32"},
     GRANT_ADD,
     "a",
     TYPE_AAAA,
     60,
     "2001:db8::1",
     GRANT_MATCH},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_DELETE,
     "a",
     TYPE_A,
     0,
     "11.1.2.3",
     GRANT_OUT_OF_LIMITS},
    {{GRANT_DHCP, .within = "10.0.0.0/8"}, GRANT_DELETE, "a", TYPE_A, 0, NULL, GRANT_MATCH},
    {{GRANT_DHCP, .within = "10.0.0.0/8"}, GRANT_ADD, "a", TYPE_DHCID, 60, NULL, GRANT_MATCH},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_ADD,
     "3.2.1.10.in-addr.arpa.",
     TYPE_PTR,
     60,
     NULL,
     GRANT_MATCH},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_ADD,
     "3.2.1.11.in-addr.arpa.",
     TYPE_PTR,
     60,
     NULL,
     GRANT_OUT_OF_LIMITS},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_ADD,
     "1.10.in-addr.arpa.",
     TYPE_PTR,
     60,
     NULL,
     GRANT_OUT_OF_LIMITS},
    {{GRANT_DHCP, .within = "10.0.0.0/8"},
     GRANT_DELETE,
     "3.2.1.11.in-addr.arpa.",
     TYPE_PTR,
     0,
     NULL,
     GRANT_OUT_OF_LIMITS},
    /* the first miss from the left is the one that is told */
    {{GRANT_NAME, "www", .types = "TXT", .from = "10.0.0.0/8"},
     GRANT_ADD,
     "a",
     TYPE_A,
     60,
     NULL,
     GRANT_OTHER_SOURCE},
    {{GRANT_NAME, "www", .types = "TXT"}, GRANT_ADD, "a", TYPE_A, 60, NULL, GRANT_OTHER_NAME},
    {{GRANT_NAME, "www", .types = "TXT", .rest = {.ops = GRANT_DELETE}},
     GRANT_ADD,
     "www",
     TYPE_A,
     60,
     NULL,
     GRANT_OTHER_TYPE},
    {{GRANT_NAME, "www", .types = "A", .rest = {.ops = GRANT_DELETE, .ttl_max = 1}},
     GRANT_ADD,
     "www",
     TYPE_A,
     60,
     NULL,
     GRANT_OTHER_OP},
};

static void ask_row(struct bed *b, const struct row *row, struct name_buf *owner, uint8_t rdata[16],
                    struct grant_question *q)
{
    struct name_buf apex = bed_name(strstr(row->owner, "arpa.") ? "arpa." : BED_ZONE);
    static struct name_buf zone;
    zone = apex;
    *owner = bed_name(row->owner);
    *q = (struct grant_question){
        .zone = name_of(&zone),
        .key = b->actor.key,
        .from = &b->peer.address,
        .op = row->op,
        .owner = name_of(owner),
        .type = row->type,
        .ttl = row->ttl,
    };
    if (!row->address)
        return;
    bool is_v6 = row->type == TYPE_AAAA;
    cr_assert_eq(inet_pton(is_v6 ? AF_INET6 : AF_INET, row->address, rdata), 1);
    q->rdata = (struct rdata){rdata, is_v6 ? 16 : 4};
}

#define ZONE "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n"

Test(grant, matches_what_its_words_say)
{
    struct bed *b = bed_new(ZONE);
    bed_peer(b, KEY, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct made m;
        struct name_buf owner;
        struct grant_question q;
        uint8_t rdata[16];
        char why[256];
        struct text t;
        text_init(&t, why, sizeof(why));
        make(&rows[i].spec, KEY, &m);
        ask_row(b, &rows[i], &owner, rdata, &q);
        enum grant_miss miss = grant_match(&m.grant, &q, &t);
        cr_expect_eq(miss, rows[i].miss, "row %zu, %s: %d, not %d (%s)", i, rows[i].owner, miss,
                     rows[i].miss, why);
        cr_expect_eq(why[0] != 0, miss != GRANT_MATCH, "row %zu", i);
        cr_expect_eq(grant_match(&m.grant, &q, NULL), miss);
        /* the same for another key, and without one */
        make(&rows[i].spec, "other.example.", &m);
        cr_expect_eq(grant_match(&m.grant, &q, NULL), GRANT_OTHER_KEY, "row %zu", i);
        make(&rows[i].spec, KEY, &m);
        q.key = NULL;
        cr_expect_eq(grant_match(&m.grant, &q, NULL), GRANT_OTHER_KEY, "row %zu", i);
        /* what a grant for unsigned updates grants it does not grant to keys */
        m.grant.is_unsigned = true;
        m.grant.self.len = 0;
        enum grant_miss self = m.grant.where == GRANT_SELF || m.grant.where == GRANT_BELOW_SELF
                                   ? GRANT_OTHER_NAME
                                   : rows[i].miss;
        cr_expect_eq(grant_match(&m.grant, &q, NULL), self, "row %zu", i);
        q.key = b->actor.key;
        cr_expect_eq(grant_match(&m.grant, &q, NULL), GRANT_OTHER_KEY, "row %zu", i);
    }
    bed_free(b);
}

Test(grant, from_an_unknown_address_only_what_needs_none)
{
    struct bed *b = bed_new(ZONE);
    bed_peer(b, KEY, NULL, 0);
    struct made m;
    struct name_buf zone = bed_name(BED_ZONE);
    struct grant_question q = {.zone = name_of(&zone),
                               .key = b->actor.key,
                               .op = GRANT_ADD,
                               .owner = name_of(&zone),
                               .type = TYPE_A};
    make(&(struct spec){GRANT_ALL}, KEY, &m);
    cr_expect_eq(grant_match(&m.grant, &q, NULL), GRANT_MATCH);
    make(&(struct spec){GRANT_ALL, .from = "0.0.0.0/0 ::/0"}, KEY, &m);
    cr_expect_eq(grant_match(&m.grant, &q, NULL), GRANT_OTHER_SOURCE);
    make(&(struct spec){GRANT_REVERSE}, KEY, &m);
    cr_expect_eq(grant_match(&m.grant, &q, NULL), GRANT_OTHER_NAME);
    bed_free(b);
}

Test(grant, the_first_that_matches_decides)
{
    struct bed *b = bed_new(ZONE);
    bed_peer(b, KEY, NULL, 0);
    struct made m[4];
    static const struct spec specs[] = {
        {GRANT_NAME, "www", .types = "TXT"},
        {GRANT_NAME, "secret", .rest = {.is_deny = true}},
        {GRANT_UNDER, "@", .types = "A"},
        {GRANT_NAME, "mail", .types = "A MX"},
    };
    struct grant grants[4];
    for (size_t i = 0; i < 4; i++) {
        make(&specs[i], KEY, &m[i]);
        grants[i] = m[i].grant;
    }
    static const struct {
        const char *owner;
        uint16_t type;
        bool is_allowed;
        int rule;
    } asked[] = {
        {"www", TYPE_TXT, true, 0},   {"www", TYPE_A, true, 2},
        {"secret", TYPE_A, false, 1}, {"mail", TYPE_A, true, 2},
        {"mail", TYPE_MX, true, 3},   {"mail", TYPE_TXT, false, 2}, /* 2 and 3 come equally far */
        {"www", TYPE_MX, false, 0},   {"other", TYPE_MX, false, 2},
    };
    struct name_buf zone = bed_name(BED_ZONE);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct name_buf owner = bed_name(asked[i].owner);
        struct grant_question q = {.zone = name_of(&zone),
                                   .key = b->actor.key,
                                   .op = GRANT_ADD,
                                   .owner = name_of(&owner),
                                   .type = asked[i].type,
                                   .ttl = 60};
        int rule;
        cr_expect_eq(grants_allow(grants, 4, &q, &rule), asked[i].is_allowed, "row %zu", i);
        cr_expect_eq(rule, asked[i].rule, "row %zu: %d", i, rule);
    }
    struct grant_question q = {
        .zone = name_of(&zone), .op = GRANT_ADD, .owner = name_of(&zone), .type = TYPE_A};
    int rule = 7;
    cr_expect_not(grants_allow(NULL, 0, &q, &rule));
    cr_expect_eq(rule, -1);
    bed_free(b);
}

static const struct shown {
    struct spec spec;
    const char *text;
} shown[] = {
    {{GRANT_ACME, "www @"}, "{key: host.example, acme: [www, apex]}"},
    {{GRANT_ACME, "any"}, "{key: host.example, acme: [any]}"},
    {{GRANT_NAME, "www ns.other. *.a", .types = "A AAAA TYPE65280"},
     "{key: host.example, name: [www, ns.other., \"*.a\"], types: [A, AAAA, TYPE65280]}"},
    {{GRANT_UNDER, "apps", .rest = {.ops = GRANT_DELETE}},
     "{key: host.example, under: [apps], ops: [delete]}"},
    {{GRANT_SELF, .rest = {.lease_s = 3600}}, "{key: host.example, self: yes, lease: 3600s}"},
    {{GRANT_SELF, .rest = {.lease = {60, 7200}, .key_lease = {30, 90}}},
     "{key: host.example, self: yes, lease-range: 60s..7200s, key-lease-range: 30s..90s}"},
    {{GRANT_ACME, "www", .rest = {.lease_s = GRANT_LEASE_NONE}},
     "{key: host.example, acme: [www], lease: 0s}"},
    {{GRANT_BELOW_SELF, .rest = {.is_deny = true}},
     "{key: host.example, below-self: yes, deny: yes}"},
    {{GRANT_REVERSE, .rest = {.is_unsigned = true}}, "{unsigned: yes, reverse-of-source: yes}"},
    {{GRANT_DHCP, .from = "10.0.0.0/8 fd00::/8", .within = "10.1.0.0/16"},
     "{key: host.example, from: [10.0.0.0/8, \"fd00::/8\"], dhcp: yes, within: [10.1.0.0/16]}"},
    {{GRANT_ALL, .rest = {.records_max = 5000,
                          .per_name_max = 4,
                          .ttl_min = 30,
                          .ttl_max = 3600,
                          .rate = 20,
                          .ops = GRANT_ADD | GRANT_DELETE}},
     "{key: host.example, all: yes, max-records: 5000, max-per-name: 4, ttl: 30..3600, rate: "
     "20/s}"},
    {{GRANT_ALL, .rest = {.ttl_min = 30}}, "{key: host.example, all: yes, ttl: 30..2147483647}"},
};

Test(grant, is_shown_in_the_words_of_the_configuration)
{
    struct name_buf zone = bed_name(BED_ZONE);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        struct made m;
        char text[512];
        struct text t;
        text_init(&t, text, sizeof(text));
        make(&shown[i].spec, KEY, &m);
        grant_show(&m.grant, name_of(&zone), &t);
        cr_expect_str_eq(text, shown[i].text);
    }
}

static const struct missed {
    struct spec spec;
    const char *owner;
    uint16_t type;
    const char *text;
} missed[] = {
    {{GRANT_ACME, "www"}, "www", TYPE_A, "grants only TXT at _acme-challenge.www.example."},
    {{GRANT_ACME, "any"}, "www", TYPE_A, "grants only TXT at _acme-challenge of any name"},
    {{GRANT_DHCP}, "www", TYPE_TXT, "grants only A, AAAA, PTR, DHCID at any name"},
    {{GRANT_NAME, "a b", .types = "A"}, "www", TYPE_TXT, "grants only A at a.example., b.example."},
    {{GRANT_UNDER, "a"}, "www", TYPE_TXT, "grants only the default types at a.example. and below"},
    {{GRANT_SELF}, "www", TYPE_TXT, "grants only the default types at host.example."},
    {{GRANT_BELOW_SELF},
     "www",
     TYPE_TXT,
     "grants only the default types at names below host.example."},
    {{GRANT_REVERSE},
     "www",
     TYPE_TXT,
     "grants only the default types at the name of the sender's address"},
    {{GRANT_ALL, .from = "10.0.0.0/8"}, "www", TYPE_TXT, "from another address"},
    {{GRANT_ALL, .rest = {.ops = GRANT_DELETE}}, "www", TYPE_TXT, "grants only delete"},
    {{GRANT_ALL, .rest = {.ttl_max = 30}}, "www", TYPE_TXT, "TTL 60 is not in 0..30"},
    {{GRANT_ALL, .within = "10.0.0.0/8"},
     "www",
     TYPE_PTR,
     "the address is not within what is granted"},
};

Test(grant, a_miss_is_told_in_words)
{
    struct bed *b = bed_new(ZONE);
    bed_peer(b, KEY, NULL, 0);
    struct name_buf zone = bed_name(BED_ZONE);
    for (size_t i = 0; i < ARRAY_LEN(missed); i++) {
        struct made m;
        char text[512];
        struct text t;
        struct name_buf owner = bed_name(missed[i].owner);
        struct grant_question q = {.zone = name_of(&zone),
                                   .key = b->actor.key,
                                   .op = GRANT_ADD,
                                   .from = &b->peer.address,
                                   .owner = name_of(&owner),
                                   .type = missed[i].type,
                                   .ttl = 60};
        text_init(&t, text, sizeof(text));
        make(&missed[i].spec, KEY, &m);
        cr_expect_neq(grant_match(&m.grant, &q, &t), GRANT_MATCH);
        cr_expect_str_eq(text, missed[i].text);
    }
    bed_free(b);
}

Test(grant, rate_is_a_seconds_worth_at_most)
{
    struct grant_rate state = {0};
    struct grant g = {.rate = 20, .state = &state};
    int64_t now = BED_NOW_US;
    for (int i = 0; i < 20; i++)
        cr_assert(grant_take_rate(&g, now), "%d", i);
    cr_expect_not(grant_take_rate(&g, now));
    cr_expect_not(grant_take_rate(&g, now + 49999));
    cr_expect(grant_take_rate(&g, now + 50000));
    cr_expect_not(grant_take_rate(&g, now + 50000));
    now += 3600 * INT64_C(1000000);
    for (int i = 0; i < 20; i++)
        cr_assert(grant_take_rate(&g, now), "%d", i);
    cr_expect_not(grant_take_rate(&g, now), "an hour saves up no more than a second");
    cr_expect_not(grant_take_rate(&g, now - 5000000), "a clock set back gives nothing");
    cr_expect(grant_take_rate(&g, now - 4900000), "and goes on from there");
}

Test(grant, rate_is_not_lost_between_many_small_steps)
{
    struct grant_rate state = {0};
    struct grant g = {.rate = 3, .state = &state};
    unsigned taken = 0;
    for (int64_t now = BED_NOW_US; now < BED_NOW_US + 10 * 1000000; now += 100)
        taken += grant_take_rate(&g, now);
    cr_expect(taken >= 32 && taken <= 33, "%u in 10 s at 3/s with 3 at hand", taken);
}

Test(grant, without_rate_or_state_there_is_no_limit)
{
    struct grant_rate state = {0};
    struct grant g = {.state = &state}, h = {.rate = 1};
    for (int i = 0; i < 100; i++) {
        cr_assert(grant_take_rate(&g, 1));
        cr_assert(grant_take_rate(&h, 1));
    }
    struct grant huge = {.rate = UINT32_MAX, .state = &state};
    cr_expect(grant_take_rate(&huge, BED_NOW_US));
}

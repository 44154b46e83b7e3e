/* SPDX-License-Identifier: Apache-2.0
 * Grants: every form of the grammar, and what is said of what is none. */
#include "conf/updates.h"

#include "base/attr.h"
#include "dns/rrtype.h"
#include "load.h"

static struct conf_faults faults;

/* A zone example.com with the rules, and keys web1, web1.example.com, kea and rev. */
static struct conf *load(const char *rules)
{
    char text[2000];
    snprintf(text, sizeof(text),
             "keys: {web1: &, web1.example.com: &, kea: &, rev.: &}\n"
             "zones:\n"
             "  example.com: {file: x, updates: [\n%s]}\n",
             rules);
    return load_text(text, &faults);
}

static struct conf *load_well(const char *rules)
{
    return load_is_well(load(rules), &faults, rules);
}

Test(updates, have_one_place_where_they_hold)
{
    static const struct row {
        const char *rule;
        enum grant_where where;
        const char *name; /* the first of names, or NULL */
        unsigned count;
        bool is_any;
    } rows[] = {
        {"{key: web1, name: www}", GRANT_NAME, "www.example.com.", 1, false},
        {"{key: web1, name: [www, apex]}", GRANT_NAME, "www.example.com.", 2, false},
        {"{key: web1, under: [apps]}", GRANT_UNDER, "apps.example.com.", 1, false},
        {"{key: web1, under: any}", GRANT_UNDER, "example.com.", 1, false},
        {"{key: web1, name: [www, any]}", GRANT_UNDER, "example.com.", 1, false},
        {"{key: web1, acme: [www, apex]}", GRANT_ACME, "www.example.com.", 2, false},
        {"{key: web1, acme: [any]}", GRANT_ACME, NULL, 0, true},
        {"{key: web1, acme: ['*', www]}", GRANT_ACME, "www.example.com.", 1, true},
        {"{key: web1, self: yes}", GRANT_SELF, NULL, 0, false},
        {"{key: web1, below-self: yes}", GRANT_BELOW_SELF, NULL, 0, false},
        {"{key: kea, dhcp: yes}", GRANT_DHCP, NULL, 0, false},
        {"{key: kea, dhcp: yes, types: [A]}", GRANT_DHCP, NULL, 0, false},
        {"{key: rev, reverse-of-source: yes}", GRANT_REVERSE, NULL, 0, false},
        {"{key: web1, all: yes}", GRANT_ALL, NULL, 0, false},
        {"{key: web1, all: yes, self: no, dhcp: no}", GRANT_ALL, NULL, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct conf *c = load_well(r->rule);
        cr_assert_eq(c->zones[0].grant_count, 1);
        const struct grant *g = &c->zones[0].grants[0];
        cr_expect_eq(g->where, r->where, "%s", r->rule);
        cr_expect_eq(g->is_any_name, r->is_any, "%s", r->rule);
        cr_assert_eq(g->name_count, r->count, "%s: %u", r->rule, g->name_count);
        if (r->name)
            load_name_is(name_of(&g->names[0]), r->name);
        conf_free(c);
    }
}

/* What the change log keeps of a rule: short, whatever it lists. */
Test(updates, have_a_short_label_for_the_change_log)
{
    static const struct row {
        const char *rule, *label;
    } rows[] = {
        {"{key: web1, acme: [www, apex]}", "acme www apex"},
        {"{key: web1, acme: [any]}", "acme any"},
        {"{key: web1, under: [apps], types: [A]}", "under apps"},
        {"{key: web1, self: yes}", "self"},
        {"{key: kea, dhcp: yes, within: [10.0.0.0/8]}", "dhcp"},
        {"{key: web1, all: yes}", "all"},
        {"{key: web1, name: [a-name-that-is-long-by-itself, another-one-that-is-as-long-as-that, "
         "x, y]}",
         "name a-name-that-is-long-by-itself and 3 more"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_well(rows[i].rule);
        cr_expect_str_eq(c->zones[0].grants[0].label, rows[i].label);
        conf_free(c);
    }
}

/* CONFIG: relative key names are taken under the zone. */
Test(updates, of_a_key_itself_are_in_the_zone)
{
    static const struct row {
        const char *rule, *key, *self;
    } rows[] = {
        {"{key: web1, self: yes}", "web1.", "web1.example.com."},
        {"{key: WEB1, below-self: yes}", "web1.", "web1.example.com."},
        {"{key: web1.example.com, self: yes}", "web1.example.com.", "web1.example.com."},
        {"{key: Web1.Example.com., self: yes}", "web1.example.com.", "web1.example.com."},
        {"{key: rev, self: yes}", "rev.", "rev.example.com."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_well(rows[i].rule);
        const struct grant *g = &c->zones[0].grants[0];
        load_name_is(name_of(&g->key), rows[i].key);
        load_name_is(name_of(&g->self), rows[i].self);
        conf_free(c);
    }
}

Test(updates, have_no_limit_unless_written)
{
    struct conf *c = load_well("{key: web1, all: yes}");
    const struct grant *g = &c->zones[0].grants[0];
    cr_expect_not(g->is_deny);
    cr_expect_not(g->is_unsigned);
    cr_expect_null(g->types);
    cr_expect(!g->state && !g->counted);
    cr_expect_eq(g->ops, GRANT_ADD | GRANT_DELETE);
    cr_expect_eq(g->self.len, 0);
    cr_expect_eq(g->from_count + g->within_count + g->type_count, 0);
    cr_expect_eq(g->records_max + g->per_name_max + g->ttl_min + g->ttl_max + g->rate + g->lease_s,
                 0);
    conf_free(c);
}

Test(updates, have_every_limit_that_is_written)
{
    struct conf *c = load_well(
        "{key: web1, all: yes, deny: yes, from: [10.0.0.0/8, '2001:db8::/32', 192.0.2.1],\n"
        " types: [A, aaaa, TYPE65280, SOA], ops: [delete], max-records: 5000, max-per-name: 4,\n"
        " ttl: 30..1h, rate: 20/s, within: 10.1.0.0/16},\n"
        "{unsigned: yes, from: 127.0.0.1, all: yes, ops: [add, delete]}");
    cr_assert_eq(c->zones[0].grant_count, 2);
    const struct grant *g = c->zones[0].grants;
    cr_expect(g->is_deny);
    cr_assert_eq(g->from_count, 3);
    cr_expect_eq(g->from[0].len, 8);
    cr_expect_eq(g->from[0].bytes[0], 10);
    cr_expect_eq(g->from[1].bytes_len, 16);
    cr_expect_eq(g->from[2].len, 32);
    static const uint16_t types[] = {1, 28, 65280, 6};
    cr_assert_eq(g->type_count, ARRAY_LEN(types));
    cr_expect_arr_eq(g->types, types, sizeof(types));
    cr_expect_eq(g->ops, GRANT_DELETE);
    cr_expect_eq(g->records_max, 5000);
    cr_expect_eq(g->per_name_max, 4);
    cr_expect_eq(g->ttl_min, 30);
    cr_expect_eq(g->ttl_max, 3600);
    cr_expect_eq(g->rate, 20);
    cr_assert(g->state && g->counted);
    cr_expect_not(g->counted->tip.is_counted || g->counted->published.is_counted);
    cr_expect_eq(g->state->at_us, 0);
    cr_assert_eq(g->within_count, 1);
    cr_expect_eq(g->within[0].len, 16);
    cr_expect(g[1].is_unsigned);
    cr_expect_eq(g[1].key.len, 0);
    cr_expect_eq(g[1].ops, GRANT_ADD | GRANT_DELETE);
    conf_free(c);
}

/* RFC 9664 s8: 30 seconds to a day, and to 7 days for KEY; CONFIG: acme has a lease of 1h. */
Test(updates, say_for_how_long)
{
    static const struct row {
        const char *rule;
        uint32_t lease_s;
        struct grant_range lease, key_lease;
    } rows[] = {
        {"{key: web1, all: yes}", 0, {30, 86400}, {30, 604800}},
        {"{key: web1, all: yes, lease: 1h}", 3600, {30, 86400}, {30, 604800}},
        {"{key: web1, all: yes, lease: 2d}", 172800, {30, 172800}, {30, 604800}},
        {"{key: web1, all: yes, lease: 10}", 10, {10, 86400}, {30, 604800}},
        {"{key: web1, all: yes, lease: 2h, lease-range: 1h..2h}", 7200, {3600, 7200}, {30, 604800}},
        {"{key: web1, all: yes, lease-range: 60..1d, key-lease-range: 1h..90d}",
         0,
         {60, 86400},
         {3600, 7776000}},
        {"{key: web1, acme: [www]}", 3600, {30, 86400}, {30, 604800}},
        {"{key: web1, acme: [www], lease: 5m}", 300, {30, 86400}, {30, 604800}},
        {"{key: web1, acme: [www], lease-range: 30s..5m}", 300, {30, 300}, {30, 604800}},
        {"{key: web1, acme: [www], lease: 0}", 0, {30, 86400}, {30, 604800}},
        {"{key: web1, all: yes, lease: 0}", 0, {30, 86400}, {30, 604800}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_well(rows[i].rule);
        const struct grant *g = &c->zones[0].grants[0];
        struct grant_range lease = grant_lease(g), key_lease = grant_key_lease(g);
        cr_expect_eq(grant_lease_s(g), rows[i].lease_s, "%s", rows[i].rule);
        cr_expect_eq(lease.min, rows[i].lease.min, "%s", rows[i].rule);
        cr_expect_eq(lease.max, rows[i].lease.max, "%s", rows[i].rule);
        cr_expect_eq(key_lease.min, rows[i].key_lease.min, "%s", rows[i].rule);
        cr_expect_eq(key_lease.max, rows[i].key_lease.max, "%s", rows[i].rule);
        conf_free(c);
    }
}

Test(updates, may_be_none)
{
    struct conf *c = load_well("");
    cr_expect_eq(c->zones[0].grant_count, 0);
    cr_expect_not(c->zones[0].has_history);
    conf_free(c);
}

static const struct wrong_rule {
    const char *rule;
    unsigned column;
    const char *text; /* begins so */
} wrong_rules[] = {
    {"{all: yes}", 1,
     "the rule says nothing about who may do it: it needs \"key\", or \"unsigned: yes\" for"},
    {"{unsigned: no, all: yes}", 1, "the rule says nothing about who"},
    {"{key: web1}", 1, "the rule says nothing about where it holds: name, under, acme, self, "},
    {"{key: web1, all: no}", 1, "the rule says nothing about where"},
    {"{key: web1, unsigned: yes, all: yes}", 23,
     "\"unsigned\" cannot stand beside \"key\" in one rule"},
    {"{key: web1, name: [a], all: yes}", 29, "\"all\" cannot stand beside \"name\" in one rule"},
    {"{key: web1, acme: [a], dhcp: yes, all: yes}", 30, "\"dhcp\" cannot stand beside \"acme\""},
    {"{key: web2, all: yes}", 7, "there is no key \"web2\", did you mean \"web1\"?"},
    {"{key: kae, all: yes}", 7, "there is no key \"kae\", did you mean \"kea\"?"},
    {"{key: zzzzzzzz, all: yes}", 7, "there is no key \"zzzzzzzz\""},
    {"{key: 'off', all: yes}", 7, "there is no key \"off\""},
    {"{key: a..b, all: yes}", 7, "\"a..b\" is not the name of a key: "},
    {"{key: web1., self: yes}", 7, "key \"web1.\" has no name in zone \"example.com\""},
    {"{unsigned: yes, self: yes}", 12,
     "an unsigned update has no key whose name \"self\" could be"},
    {"{unsigned: yes, below-self: yes}", 12, "an unsigned update has no key"},
    {"{key: web1, all: yes, types: [AAA]}", 31,
     "\"AAA\" is not a type of records, did you mean \"AAAA\"?"},
    {"{key: web1, all: yes, types: [A, AXFR]}", 34, "\"AXFR\" is not a type of records"},
    {"{key: web1, all: yes, types: [ANY]}", 31, "\"ANY\" is not a type of records"},
    {"{key: web1, all: yes, types: [TYPE0]}", 31, "\"TYPE0\" is not a type of records"},
    {"{key: web1, all: yes, types: []}", 30,
     "\"zones.*.updates.*.types\" takes one, or a list of 1 to 1000, not a list"},
    {"{key: web1, all: yes, ops: [add, modify]}", 34,
     "\"modify\" is neither \"add\" nor \"delete\""},
    {"{key: web1, all: yes, from: 10.0.0.1/8}", 29,
     "\"10.0.0.1/8\" is not an address, or a prefix"},
    {"{key: web1, all: yes, within: [10.0.0.0/33]}", 32, "\"10.0.0.0/33\" is not an address"},
    {"{key: web1, all: yes, ttl: 300}", 28,
     "\"zones.*.updates.*.ttl\" takes MIN..MAX, each from 0 to 2147483647, not \"300\""},
    {"{key: web1, all: yes, ttl: 300..30}", 28, "\"zones.*.updates.*.ttl\" takes MIN..MAX"},
    {"{key: web1, all: yes, ttl: 0..0}", 28, "\"zones.*.updates.*.ttl\" takes MIN..MAX"},
    {"{key: web1, all: yes, ttl: ..30}", 28, "\"zones.*.updates.*.ttl\" takes MIN..MAX"},
    {"{key: web1, all: yes, ttl: 30..}", 28, "\"zones.*.updates.*.ttl\" takes MIN..MAX"},
    {"{key: web1, all: yes, ttl: 0..2147483648}", 28, "\"zones.*.updates.*.ttl\" takes MIN"},
    {"{key: web1, all: yes, rate: 20}", 29,
     "\"zones.*.updates.*.rate\" takes a number like 20/s from 1 to 1000000, not \"20\""},
    {"{key: web1, all: yes, rate: 0/s}", 29, "\"zones.*.updates.*.rate\" takes"},
    {"{key: web1, all: yes, rate: /s}", 29, "\"zones.*.updates.*.rate\" takes"},
    {"{key: web1, all: yes, max-records: 0}", 36, "\"zones.*.updates.*.max-records\" takes"},
    {"{key: web1, all: yes, lease: forever}", 30, "\"zones.*.updates.*.lease\" takes"},
    {"{key: web1, all: yes, lease-range: 0..1h}", 36,
     "\"zones.*.updates.*.lease-range\" takes MIN..MAX, each from 1 to 2147483647, not \"0..1h\""},
    {"{key: web1, all: yes, lease-range: 2h..1h}", 36, "\"zones.*.updates.*.lease-range\" takes"},
    {"{key: web1, all: yes, key-lease-range: 1h}", 40,
     "\"zones.*.updates.*.key-lease-range\" takes"},
    {"{key: web1, all: yes, lease: 2h, lease-range: 30s..1h}", 47,
     "\"lease-range\" leaves out the rule's lease of 7200s"},
    {"{key: web1, all: yes, lease: 10s, lease-range: 30s..1h}", 48,
     "\"lease-range\" leaves out the rule's lease of 10s"},
    {"{cert: ci.example.net, all: yes}", 2, "\"zones.*.updates.*.cert\" is not supported yet"},
    {"{sig0: k, all: yes}", 2, "\"zones.*.updates.*.sig0\" is not supported yet"},
    {"{key: web1, al: yes}", 13,
     "unknown setting \"al\" in \"zones.*.updates.*\", did you mean \"all\"?"},
    {"{key: web1, key: web1, all: yes}", 13, "\"key\" is given twice"},
    {"all", 1, "a rule is a map like {key: web1, name: [www]}, not text"},
    {"[all]", 1, "a rule is a map like {key: web1, name: [www]}, not a list"},
    {"{key: [web1], all: yes}", 7, "\"zones.*.updates.*.key\" takes a name of 1 to 1020 bytes"},
    {"{key: web1, self: maybe}", 19, "\"zones.*.updates.*.self\" takes yes or no"},
};

Test(updates, say_what_is_wrong_and_where)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong_rules); i++) {
        const struct wrong_rule *r = &wrong_rules[i];
        bool is_anywhere = strstr(r->text, "twice") != NULL;
        const struct load_fault fault = {4, is_anywhere ? 0 : r->column, r->text};
        load_is_refused(load(r->rule), &faults, r->rule, &fault);
    }
}

Test(updates, are_a_list)
{
    static const struct row {
        const char *yaml, *text;
    } rows[] = {
        {"zones: {a.example: {file: x, updates: all}}",
         "\"zones.*.updates\" takes a list of maps, not \"all\""},
        {"zones: {a.example: {file: x, updates: {key: k, all: yes}}}",
         "\"zones.*.updates\" takes a list of maps, not a map"},
        {"zones: {a.example: {file: x, updates: [{unsigned: yes, all: yes}], updates: [{unsigned: "
         "yes, all: yes}]}}",
         "\"updates\" is given twice, first at line 1, column 30"},
        {"zones: {a.example: {file: x, updates: }}",
         "\"zones.*.updates\" has no value; it takes a list of maps"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_null(conf_load_bytes(rows[i].yaml, strlen(rows[i].yaml), "/f", &faults));
        cr_expect_eq(faults.count, 1);
        cr_expect_str_eq(faults.list[0].text, rows[i].text);
    }
}

Test(updates, of_a_name_too_long_below_the_zone_are_refused)
{
    static const char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char yaml[1500];
    int len =
        snprintf(yaml, sizeof(yaml),
                 "keys: {? %s.%s.%s.%s : {secret: c2VjcmV0LXNlY3JldA==}}\n"
                 "zones: {example.com: {file: x, updates: [{key: %s.%s.%s.%s, self: yes}]}}\n",
                 label, label, label, label, label, label, label, label);
    cr_expect_null(conf_load_bytes(yaml, (size_t)len, "/f", &faults));
    cr_expect_eq(faults.count, 1);
    cr_expect_not_null(strstr(faults.list[0].text, "is too long below the zone"), "%s",
                       faults.list[0].text);
}

/* A name is in CONFIG's configurations 4 to 6, without what later versions add. */
Test(updates, of_the_configurations_that_people_write_load)
{
    static const char *const rows[] = {
        "keys: {web1: &, web2: &}\n"
        "zones:\n"
        "  example.com:\n"
        "    file: example.com.zone\n"
        "    updates:\n"
        "      - {key: web1, acme: [www, apex]}\n"
        "      - {key: web2, acme: [api]}\n"
        "  acme.example.com:\n"
        "    soa: {ns: [ns1.example.com., ns2.example.com.]}\n"
        "    updates: [{key: web1, self: yes, types: [TXT], lease: 1h}]\n",
        "keys: {external-dns: &, cert-manager: &}\n"
        "zones:\n"
        "  k8s.example.com:\n"
        "    soa: {ns: [ns1.example.com.]}\n"
        "    updates:\n"
        "      - {key: external-dns, all: yes, types: [A, AAAA, CNAME, TXT, SRV], "
        "max-records: 5000}\n"
        "      - {key: cert-manager, acme: [any]}\n",
        "keys: {kea: &}\n"
        "zones:\n"
        "  lan.example.com: {file: lan.zone, updates: [{key: kea, dhcp: yes, within: "
        "[10.0.0.0/8], lease: 2d}]}\n"
        "  10.in-addr.arpa: {soa: {ns: [ns1.lan.example.com.]}, updates: [{key: kea, dhcp: "
        "yes, lease: 2d}]}\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_is_well(load_text(rows[i], &faults), &faults, rows[i]);
        conf_free(c);
    }
}

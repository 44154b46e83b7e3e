/* SPDX-License-Identifier: Apache-2.0
 * What zones say of other servers: primaries, secondaries, who may have the zone; and what is said
 * of what contradicts itself. */
#include "conf/replication.h"

#include "base/attr.h"
#include "load.h"

static struct conf_faults faults;

#define KNOWN                                                                     \
    "keys: {xfr: &, k8s: &}\n"                                                    \
    "remotes: {ns1: {address: 192.0.2.1, key: xfr}, ns2: {address: 192.0.2.2},\n" \
    "          hidden: {address: 192.0.2.10, key: xfr}}\n"

static struct conf *load(const char *zone)
{
    char text[2000];
    snprintf(text, sizeof(text), KNOWN "zones: {a.example: {\n%s}}\n", zone);
    return load_text(text, &faults);
}

static struct conf *load_well(const char *zone)
{
    return load_is_well(load(zone), &faults, zone);
}

/* CONFIG, rule 3, and who keeps a history unless it says otherwise. */
Test(replication, primaries_make_a_secondary)
{
    static const struct row {
        const char *zone;
        enum conf_zone_type type;
        bool has_history;
    } rows[] = {
        {"file: x", CONF_PRIMARY, false},
        {"file: x, type: primary", CONF_PRIMARY, false},
        {"primaries: hidden", CONF_SECONDARY, true},
        {"primaries: [hidden, ns1], type: secondary", CONF_SECONDARY, true},
        {"type: SECONDARY, primaries: [hidden], history: yes", CONF_SECONDARY, true},
        {"soa: {ns: ns1}, secondaries: [ns1]", CONF_PRIMARY, true},
        {"file: x, secondaries: [ns1]", CONF_PRIMARY, true},
        {"file: x, secondaries: [ns1], history: no", CONF_PRIMARY, false},
        {"file: x, transfer: [ns1]", CONF_PRIMARY, true},
        {"file: x, transfer: [{unsigned: yes}]", CONF_PRIMARY, true},
        {"file: x, transfer: [ns1], history: no", CONF_PRIMARY, false},
        {"file: x, transfer: []", CONF_PRIMARY, false},
        {"file: x, notify: [ns1]", CONF_PRIMARY, false},
        {"file: x, forward-updates: no, shrink-limit: off", CONF_PRIMARY, false},
        {"primaries: [hidden], serial: increment, strict: no, protect: file", CONF_SECONDARY, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_well(rows[i].zone);
        cr_expect_eq(c->zones[0].type, rows[i].type, "%s", rows[i].zone);
        cr_expect_eq(c->zones[0].has_history, rows[i].has_history, "%s", rows[i].zone);
        conf_free(c);
    }
}

Test(replication, a_zone_has_none_unless_written)
{
    struct conf *c = load_well("file: x");
    const struct conf_zone *z = &c->zones[0];
    cr_expect_eq(z->primary_count + z->secondary_count + z->transfer_count, 0);
    cr_expect_not(z->forwards_updates);
    cr_expect_eq(z->wait_count + z->shrink_percent, 0);
    conf_free(c);
}

Test(replication, primaries_are_in_their_order)
{
    struct conf *c = load_well("primaries: [ns2, hidden], forward-updates: yes, shrink-limit: 50%");
    const struct conf_zone *z = &c->zones[0];
    cr_expect(!z->file && !z->soa);
    cr_assert_eq(z->primary_count, 2);
    cr_expect_str_eq(z->primaries[0]->text, "ns2");
    cr_expect_str_eq(z->primaries[1]->text, "hidden");
    cr_expect(z->primaries[0] >= c->remotes && z->primaries[0] < c->remotes + c->remote_count);
    cr_expect(z->forwards_updates);
    cr_expect_eq(z->shrink_percent, 50);
    cr_expect_eq(z->secondary_count + z->transfer_count, 0, "its primaries may not have it");
    conf_free(c);
}

/* CONFIG, rule 5. */
Test(replication, secondaries_are_told_and_may_transfer_others_are_only_told)
{
    struct conf *c = load_well("file: x, notify: [hidden], secondaries: [ns2, ns1]");
    const struct conf_zone *z = &c->zones[0];
    static const char *const told[] = {"ns2", "ns1", "hidden"};
    cr_assert_eq(z->secondary_count, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_expect_str_eq(z->secondaries[i]->text, told[i]);
    cr_assert_eq(z->transfer_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_str_eq(z->transfer[i].where, "secondaries");
        cr_expect_eq(z->transfer[i].index, i);
        cr_expect_eq(z->transfer[i].remote, z->secondaries[i]);
        cr_expect_not(z->transfer[i].is_deny);
        cr_expect_eq(z->transfer[i].scope, XFR_WHOLE);
    }
    conf_free(c);
}

Test(replication, rules_of_transfer_come_behind_those_of_secondaries)
{
    struct conf *c = load_well(
        "file: x, secondaries: ns1, updates: [{key: k8s, all: yes}],\n"
        "transfer: [ns2, {unsigned: yes, from: [10.0.0.0/8, '::1'], deny: yes},\n"
        " {key: K8S, scope: granted}, {key: xfr, from: 192.0.2.0/24, unsigned: no, deny: no}]");
    const struct conf_zone *z = &c->zones[0];
    const struct xfr_rule *r = z->transfer;
    cr_assert_eq(z->transfer_count, 5);
    cr_expect_str_eq(r[0].where, "secondaries");
    for (unsigned i = 1; i < 5; i++) {
        cr_expect_str_eq(r[i].where, "transfer");
        cr_expect_eq(r[i].index, i - 1);
    }
    cr_expect_str_eq(r[1].remote->text, "ns2");
    cr_expect(!r[2].remote && r[2].key.len == 0 && r[2].is_deny && r[2].scope == XFR_WHOLE);
    cr_assert_eq(r[2].from_count, 2);
    cr_expect_eq(r[2].from[0].len, 8);
    cr_expect_eq(r[2].from[1].len, 128);
    load_name_is(r[3].key, "k8s.");
    cr_expect(!r[3].remote && r[3].scope == XFR_GRANTED && !r[3].is_deny && r[3].from_count == 0);
    load_name_is(r[4].key, "xfr.");
    cr_expect(!r[4].is_deny && r[4].from_count == 1);
    conf_free(c);
}

/* With 100,000 zones it is the memory that counts. */
Test(replication, zones_that_say_the_same_share_it)
{
#define SAME "secondaries: [ns1, ns2], transfer: [{key: xfr, from: 10.0.0.0/8}]"
    static const char yaml[] = KNOWN "zones:\n"
                                     "  a.example: {file: a, " SAME "}\n"
                                     "  b.example: {file: b, " SAME "}\n"
                                     "  c.example: {file: c, secondaries: [ns1, ns2]}\n"
                                     "  d.example: {file: d, secondaries: [ns2, ns1]}\n"
                                     "  e.example: {primaries: [hidden], " SAME "}\n"
                                     "  f.example: {primaries: [hidden], " SAME "}\n"
                                     "  g.example: {file: g}\n"
                                     "  h.example: {file: h, notify: [ns2]}\n";
    struct conf *c = load_text(yaml, &faults);
    cr_assert_not_null(c, "%s", faults.list[0].text);
    const struct conf_zone *z = c->zones;
    cr_expect(z[0].transfer == z[1].transfer && z[0].secondaries == z[1].secondaries);
    cr_expect_eq(z[1].transfer_count, 3);
    cr_expect_eq(z[2].transfer_count, 2);
    cr_expect_str_eq(z[3].secondaries[0]->text, "ns2");
    cr_expect_eq(z[3].transfer[0].remote, z[3].secondaries[0]);
    cr_expect(z[4].primaries == z[5].primaries && z[4].transfer == z[5].transfer);
    cr_expect_eq(z[5].primary_count, 1);
    cr_expect_eq(z[6].transfer_count + z[6].secondary_count + z[6].primary_count, 0);
    cr_expect_eq(z[7].transfer_count, 0);
    cr_expect_eq(z[7].secondary_count, 1);
    conf_free(c);
}

/* What is granted is the zone's own, and so is the fault of a list that is the neighbour's. */
Test(replication, what_depends_on_the_zone_is_its_own)
{
    static const char yaml[] =
        KNOWN "zones:\n"
              "  a.example: {file: a, secondaries: [ns1], transfer: [{key: k8s, scope: granted}],\n"
              "    updates: [{key: k8s, all: yes}], wait-secondaries: {count: 1}}\n"
              "  b.example: {file: b, secondaries: [ns1], transfer: [{key: k8s, scope: granted}]}\n"
              "  c.example: {file: c, secondaries: [ns1], wait-secondaries: {count: 2}}\n";
    cr_assert_null(load_text(yaml, &faults));
    cr_assert_eq(faults.errors, 2);
    cr_expect_not_null(strstr(faults.list[0].text, "needs \"updates\""), "%s", faults.list[0].text);
    cr_expect_not_null(strstr(faults.list[1].text, "waits for 2 of 1"), "%s", faults.list[1].text);
}

Test(replication, waits_for_one_secondary_and_three_seconds_unless_said)
{
    static const struct row {
        const char *zone;
        uint32_t count, ms;
    } rows[] = {
        {"file: x, secondaries: [ns1], wait-secondaries: {}", 1, 3000},
        {"file: x, secondaries: [ns1, ns2], wait-secondaries: {count: 2}", 2, 3000},
        {"file: x, secondaries: [ns1], notify: [ns2], wait-secondaries: {count: 2}", 2, 3000},
        {"soa: {ns: a}, secondaries: ns1, wait-secondaries: {timeout: 250ms}", 1, 250},
        {"file: x, secondaries: ns1", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_well(rows[i].zone);
        cr_expect_eq(c->zones[0].wait_count, rows[i].count, "%s", rows[i].zone);
        cr_expect_eq(c->zones[0].wait_ms, rows[i].ms, "%s", rows[i].zone);
        conf_free(c);
    }
}

#define BESIDE "cannot stand beside \"primaries\", where the zone comes from and is changed"

static const struct wrong {
    const char *zone;
    unsigned column;  /* line 5 */
    const char *text; /* begins so */
} wrongs[] = {
    {"type: secondary", 7, "\"secondary\" needs \"primaries\""},
    {"type: secondary, file: x", 7, "\"secondary\" needs \"primaries\""},
    {"type: primary, primaries: [hidden]", 7,
     "a zone with \"primaries\" is secondary, not primary"},
    {"primaries: [hidden], file: x", 28, "\"file\" " BESIDE},
    {"primaries: [hidden], soa: {ns: a}", 27, "\"soa\" " BESIDE},
    {"primaries: [hidden], updates: []", 31, "\"updates\" " BESIDE},
    {"primaries: [hidden], serial: unixtime", 30, "\"serial\" " BESIDE},
    {"primaries: [hidden], strict: yes", 30, "\"strict\" " BESIDE},
    {"primaries: [hidden], protect: none", 31, "\"protect\" " BESIDE},
    {"primaries: [hidden], secondaries: [ns1], wait-secondaries: {}", 60,
     "\"wait-secondaries\" " BESIDE},
    {"primaries: [hidden], history: no", 31, "a zone with \"primaries\" cannot be without history"},
    {"primaries: []", 12, "\"zones.*.primaries\" takes one, or a list of 1 to 100"},
    {"primaries: [hiden]", 13, "there is no remote \"hiden\", did you mean \"hidden\"?"},
    {"primaries: Hidden", 12, "there is no remote \"Hidden\", did you mean \"hidden\"?"},
    {"primaries: 192.0.2.1", 12, "there is no remote \"192.0.2.1\""},
    {"primaries: [ns1, ns2, ns1]", 23, "remote \"ns1\" is given twice"},
    {"primaries: {ns1: x}", 12, "\"zones.*.primaries\" takes one, or a list"},
    {"file: x, secondaries: [ns1, ns1]", 29, "remote \"ns1\" is given twice"},
    {"file: x, secondaries: [ns1], notify: [ns2, ns1]", 44, "remote \"ns1\" is given twice"},
    {"file: x, notify: [sn1]", 19, "there is no remote \"sn1\", did you mean \"ns1\"?"},
    {"file: x, forward-updates: yes", 27, "\"forward-updates\" needs \"primaries\""},
    {"soa: {ns: a}, shrink-limit: 50%", 29, "\"shrink-limit\" needs \"file\" or \"primaries\""},
    {"file: x, shrink-limit: 50", 24,
     "\"zones.*.shrink-limit\" takes off, or a part from 1% to 99%, not \"50\""},
    {"file: x, shrink-limit: 0%", 24, "\"zones.*.shrink-limit\" takes off, or a part"},
    {"file: x, shrink-limit: 100%", 24, "\"zones.*.shrink-limit\" takes off, or a part"},
    {"file: x, shrink-limit: '%'", 24, "\"zones.*.shrink-limit\" takes off, or a part"},
    {"file: x, shrink-limit: ''", 24, "\"zones.*.shrink-limit\" takes off, or a part"},
    {"file: x, shrink-limit: -1%", 24, "\"zones.*.shrink-limit\" takes off, or a part"},
    {"file: x, wait-secondaries: {count: 1}", 36,
     "\"wait-secondaries\" waits for 1 of 0 secondaries"},
    {"file: x, wait-secondaries: {}", 28, "\"wait-secondaries\" waits for 1 of 0 secondaries"},
    {"file: x, secondaries: [ns1], wait-secondaries: {count: 2}", 56,
     "\"wait-secondaries\" waits for 2 of 1 secondaries"},
    {"file: x, secondaries: [ns1], wait-secondaries: {count: 0}", 56,
     "\"zones.*.wait-secondaries.count\" takes a number from 1 to 1000, not \"0\""},
    {"file: x, secondaries: [ns1], wait-secondaries: 1", 48,
     "\"zones.*.wait-secondaries\" takes a map, not \"1\""},
    {"file: x, secondaries: [ns1], wait-secondaries: {timeout: 0}", 58,
     "\"zones.*.wait-secondaries.timeout\" takes a duration from 10ms to 10m, not \"0\""},
    {"file: x, secondaries: [ns1], wait-secondaries: {timout: 1s}", 49,
     "unknown setting \"timout\" in \"zones.*.wait-secondaries\", did you mean \"timeout\"?"},
    {"file: x, transfer: ns1", 20,
     "\"zones.*.transfer\" takes a list of remotes and maps, not \"ns1\""},
    {"file: x, transfer: {key: xfr}", 20,
     "\"zones.*.transfer\" takes a list of remotes and maps, not a map"},
    {"file: x, transfer: [ns3]", 21, "there is no remote \"ns3\", did you mean \"ns1\"?"},
    {"file: x, transfer: [xfr]", 21, "there is no remote \"xfr\""},
    {"file: x, transfer: [ns1, ns2, ns1]", 31, "remote \"ns1\" is given twice"},
    {"file: x, transfer: ['']", 21,
     "a rule is the name of a remote or a map like {key: web1}, not nothing"},
    {"file: x, transfer: [[ns1]]", 21,
     "a rule is the name of a remote or a map like {key: web1}, not a list"},
    {"file: x, transfer: [{}]", 21, "the rule says nothing about who may have it"},
    {"file: x, transfer: [{from: 10.0.0.0/8}]", 21, "the rule says nothing about who may have it"},
    {"file: x, transfer: [{unsigned: no}]", 21, "the rule says nothing about who may have it"},
    {"file: x, transfer: [{key: xfr, unsigned: yes}]", 42,
     "\"unsigned\" cannot stand beside \"key\" in one rule"},
    {"file: x, transfer: [{key: xfr, remote: ns1}]", 32,
     "unknown setting \"remote\" in \"zones.*.transfer.*\""},
    {"file: x, transfer: [{key: xft}]", 27, "there is no key \"xft\", did you mean \"xfr\"?"},
    {"file: x, transfer: [{key: ns1}]", 27, "there is no key \"ns1\""},
    {"file: x, transfer: [{key: xfr, from: [10.0.0.1/8]}]", 39,
     "\"10.0.0.1/8\" is not an address, or a prefix"},
    {"file: x, transfer: [{key: xfr, scope: all}]", 39,
     "\"zones.*.transfer.*.scope\" takes whole or granted, not \"all\""},
    {"file: x, transfer: [{key: xfr, scope: granted}]", 39, "\"scope: granted\" needs \"updates\""},
    {"file: x, updates: [{key: xfr, all: yes}], transfer: [{unsigned: yes, scope: granted}]", 77,
     "\"scope: granted\" cannot stand beside \"unsigned\""},
    {"file: x, updates: [{key: xfr, all: yes}], transfer: [{key: xfr, deny: yes, scope: granted}]",
     83, "\"scope: granted\" cannot stand beside \"deny\""},
    {"primaries: [hidden], transfer: [{key: xfr, scope: granted}]", 51,
     "\"scope: granted\" needs \"updates\""},
};

Test(replication, says_what_is_wrong_and_where)
{
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        const struct wrong *r = &wrongs[i];
        const struct load_fault fault = {5, r->column, r->text};
        load_is_refused(load(r->zone), &faults, r->zone, &fault);
    }
}

/* The key is there twice, which is the only fault. */
Test(replication, lists_given_twice_are_one_fault)
{
    static const char *const rows[] = {
        "file: x, transfer: [ns1], transfer: [ns2, ns1]",
        "file: x, secondaries: [ns1], secondaries: [ns1]",
        "primaries: [ns1], primaries: [ns2]",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_null(load(rows[i]), "%s", rows[i]);
        cr_expect_eq(faults.count, 1, "%s: %u", rows[i], faults.count);
        cr_expect_not_null(strstr(faults.list[0].text, "is given twice, first at line"));
    }
}

/* CONFIG's configurations 2 to 5, without what later versions add. */
Test(replication, of_the_configurations_that_people_write_loads)
{
    static const char *const rows[] = {
        "server: {listen: [192.0.2.10, \"2001:db8::10\"]}\n"
        "keys: {xfr: &}\n"
        "remotes:\n"
        "  ns1: {address: 203.0.113.1, key: xfr}\n"
        "  ns2: {address: 203.0.113.2, key: xfr}\n"
        "zones:\n"
        "  example.com: {file: example.com.zone, secondaries: [ns1, ns2]}\n",
        "keys: {xfr: &}\n"
        "remotes: {hidden: {address: 192.0.2.10, key: xfr}}\n"
        "zones:\n"
        "  example.com: {primaries: [hidden]}\n",
        "keys: {web1: &, web2: &}\n"
        "remotes: {ns1: {address: 203.0.113.1}}\n"
        "zones:\n"
        "  example.com:\n"
        "    file: example.com.zone\n"
        "    secondaries: [ns1]\n"
        "    wait-secondaries: {count: 1, timeout: 3s}\n"
        "    updates:\n"
        "      - {key: web1, acme: [www, apex]}\n"
        "      - {key: web2, acme: [api]}\n",
        "keys: {external-dns: &, cert-manager: &}\n"
        "zones:\n"
        "  k8s.example.com:\n"
        "    soa: {ns: [ns1.example.com.]}\n"
        "    transfer: [{key: external-dns, scope: granted}]\n"
        "    updates:\n"
        "      - {key: external-dns, all: yes, types: [A, AAAA, CNAME, TXT, SRV], "
        "max-records: 5000}\n"
        "      - {key: cert-manager, acme: [any]}\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load_is_well(load_text(rows[i], &faults), &faults, rows[i]);
        cr_expect(c->zones[0].has_history);
        conf_free(c);
    }
}

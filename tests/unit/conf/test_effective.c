/* SPDX-License-Identifier: Apache-2.0
 * The printed configuration: what it shows, and that it is a configuration of the same meaning. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "request/address.h"
#include "unit.h"

static struct conf_faults faults;

static char *shown_of(const struct conf *c, size_t *len)
{
    char *shown = NULL;
    FILE *out = open_memstream(&shown, len);
    conf_effective(c, out);
    fclose(out);
    return shown;
}

static void text_is_same(const char *a, const char *b)
{
    cr_expect_str_eq(a ? a : "(none)", b ? b : "(none)");
}

static void names_are_same(const struct name_buf *a, const struct name_buf *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        cr_expect(name_is_same(name_of(&a[i]), name_of(&b[i])));
}

static void prefixes_are_same(const struct prefix *a, const struct prefix *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        cr_expect(a[i].len == b[i].len && a[i].bytes_len == b[i].bytes_len &&
                  memcmp(a[i].bytes, b[i].bytes, a[i].bytes_len) == 0);
}

static void grants_are_same(const struct grant *a, const struct grant *b)
{
    cr_expect(a->is_deny == b->is_deny && a->is_unsigned == b->is_unsigned &&
              a->where == b->where && a->is_any_name == b->is_any_name && a->ops == b->ops);
    cr_expect(a->records_max == b->records_max && a->per_name_max == b->per_name_max &&
              a->ttl_min == b->ttl_min && a->ttl_max == b->ttl_max && a->rate == b->rate);
    names_are_same(&a->key, &b->key, 1);
    names_are_same(&a->self, &b->self, 1);
    cr_assert(a->name_count == b->name_count && a->type_count == b->type_count &&
              a->from_count == b->from_count && a->within_count == b->within_count);
    names_are_same(a->names, b->names, a->name_count);
    prefixes_are_same(a->from, b->from, a->from_count);
    prefixes_are_same(a->within, b->within, a->within_count);
    for (unsigned i = 0; i < a->type_count; i++)
        cr_expect_eq(a->types[i], b->types[i]);
    cr_expect_eq(!a->state, !b->state);
}

static void soas_are_same(const struct conf_soa *a, const struct conf_soa *b)
{
    cr_assert_eq(!a, !b);
    if (!a)
        return;
    names_are_same(&a->mname, &b->mname, 1);
    names_are_same(&a->rname, &b->rname, 1);
    cr_assert_eq(a->ns_count, b->ns_count);
    names_are_same(a->ns, b->ns, a->ns_count);
    cr_expect(a->refresh == b->refresh && a->retry == b->retry && a->expire == b->expire &&
              a->minimum == b->minimum && a->ttl == b->ttl);
}

static void keys_are_same(const struct conf *a, const struct conf *b)
{
    cr_assert_eq(a->key_count, b->key_count);
    for (unsigned i = 0; i < a->key_count; i++) {
        names_are_same(&a->keys[i].name, &b->keys[i].name, 1);
        text_is_same(a->keys[i].algorithm, b->keys[i].algorithm);
        cr_expect_eq(a->keys[i].previous_until_us, b->keys[i].previous_until_us);
        text_is_same(a->keys[i].secret_file, b->keys[i].secret_file);
        text_is_same(a->keys[i].previous_file, b->keys[i].previous_file);
    }
}

static void remotes_are_same(const struct conf *a, const struct conf *b)
{
    cr_assert_eq(a->remote_count, b->remote_count);
    for (unsigned i = 0; i < a->remote_count; i++) {
        const struct remote *ra = &a->remotes[i], *rb = &b->remotes[i];
        text_is_same(ra->text, rb->text);
        names_are_same(&ra->key, &rb->key, 1);
        cr_expect_eq(ra->source.any.sa_family, rb->source.any.sa_family);
        cr_expect(ra->source.any.sa_family == AF_UNSPEC ||
                  address_is_same(&ra->source, &rb->source));
        cr_assert_eq(ra->address_count, rb->address_count);
        for (unsigned k = 0; k < ra->address_count; k++)
            cr_expect(address_is_same(&ra->addresses[k], &rb->addresses[k]));
    }
}

static void remote_is_same(const struct remote *a, const struct remote *b)
{
    text_is_same(a ? a->text : NULL, b ? b->text : NULL);
}

static void rules_are_same(const struct xfr_rule *a, const struct xfr_rule *b)
{
    text_is_same(a->where, b->where);
    remote_is_same(a->remote, b->remote);
    cr_expect_eq(a->key.len, b->key.len);
    cr_expect(a->key.len == 0 || name_is_same(a->key, b->key));
    cr_expect(a->index == b->index && a->is_deny == b->is_deny && a->scope == b->scope);
    cr_assert_eq(a->from_count, b->from_count);
    prefixes_are_same(a->from, b->from, a->from_count);
}

static void replications_are_same(const struct conf_zone *a, const struct conf_zone *b)
{
    cr_expect(a->type == b->type && a->forwards_updates == b->forwards_updates &&
              a->wait_count == b->wait_count && a->wait_ms == b->wait_ms &&
              a->shrink_percent == b->shrink_percent);
    cr_assert(a->primary_count == b->primary_count && a->secondary_count == b->secondary_count &&
              a->transfer_count == b->transfer_count);
    for (unsigned i = 0; i < a->primary_count; i++)
        remote_is_same(a->primaries[i], b->primaries[i]);
    for (unsigned i = 0; i < a->secondary_count; i++)
        remote_is_same(a->secondaries[i], b->secondaries[i]);
    for (unsigned i = 0; i < a->transfer_count; i++)
        rules_are_same(&a->transfer[i], &b->transfer[i]);
}

static void zones_are_same(const struct conf *a, const struct conf *b)
{
    cr_assert_eq(a->zone_count, b->zone_count);
    for (unsigned i = 0; i < a->zone_count; i++) {
        cr_expect(name_is_same(a->zones[i].name, b->zones[i].name));
        text_is_same(a->zones[i].file, b->zones[i].file);
        soas_are_same(a->zones[i].soa, b->zones[i].soa);
        cr_expect_eq(a->zones[i].serial, b->zones[i].serial);
        cr_expect_eq(a->zones[i].protect, b->zones[i].protect);
        cr_expect_eq(a->zones[i].is_strict, b->zones[i].is_strict);
        cr_expect_eq(a->zones[i].has_history, b->zones[i].has_history);
        replications_are_same(&a->zones[i], &b->zones[i]);
        cr_assert_eq(a->zones[i].grant_count, b->zones[i].grant_count);
        for (unsigned k = 0; k < a->zones[i].grant_count; k++)
            grants_are_same(&a->zones[i].grants[k], &b->zones[i].grants[k]);
    }
}

/* Every member of every row, compared as its C type. */
#define SAME_YES_NO(m)    cr_expect_eq(a->m, b->m, #m)
#define SAME_COUNT(m)     cr_expect_eq(a->m, b->m, #m)
#define SAME_SIZE(m)      cr_expect_eq(a->m, b->m, #m)
#define SAME_DURATION(m)  cr_expect_eq(a->m, b->m, #m)
#define SAME_PERIOD(m)    cr_expect_eq(a->m, b->m, #m)
#define SAME_SOCKET(m)    text_is_same(a->m, b->m)
#define SAME_FILE(m)      text_is_same(a->m, b->m)
#define SAME_DOMAIN(m)    cr_expect(name_is_same(name_of(&a->m), name_of(&b->m)), #m)
#define SAME_RATE(m)      cr_expect_eq(a->m, b->m, #m)
#define SAME_WHEN(m)      cr_expect_eq(a->m, b->m, #m)
#define SAME_LEVEL(m)     cr_expect_eq(a->m, b->m, #m)
#define SAME_FORM(m)      cr_expect_eq(a->m, b->m, #m)
#define SAME_TARGET(m)    cr_expect_eq(a->m, b->m, #m)
#define SAME_TEXT(m)      text_is_same(a->m, b->m)
#define SAME_HOST_TEXT(m) text_is_same(a->m, b->m)
#define SAME_PATH(m)      text_is_same(a->m, b->m)
#define SAME_PREFIXES(m)                      \
    cr_assert_eq(a->m.count, b->m.count);     \
    for (unsigned i = 0; i < a->m.count; i++) \
    cr_expect_arr_eq(&a->m.items[i], &b->m.items[i], sizeof(a->m.items[i]))
#define SAME_LISTEN(m)                        \
    cr_assert_eq(a->m.count, b->m.count);     \
    for (unsigned i = 0; i < a->m.count; i++) \
    cr_expect_arr_eq(&a->m.items[i].address, &b->m.items[i].address, sizeof(a->m.items[i].address))

static void confs_are_same(const struct conf *a, const struct conf *b)
{
#define SETTING(path, member, kind, preset, min, max, what) SAME_##kind(member);
#include "conf/settings.tbl.h"
#undef SETTING
    keys_are_same(a, b);
    remotes_are_same(a, b);
    zones_are_same(a, b);
}

static const char awkward[] =
    "server:\n"
    "  listen: [127.0.0.1@5300, {address: '::1'}, '::1@5300']\n"
    "  identity: \"it's # a: 'test' \\\\ \xC3\xBC {x}\"\n"
    "  version: 'on'\n"
    "  user: '- x'\n"
    "  state-dir: 'state dir: #1'\n"
    "  minimal-responses: off\n"
    "  udp-size: 00512\n"
    "  rate-limit: {exempt: 2001:db8::/32}\n"
    "  limits: {tcp-idle: 0500ms, tcp-unsent: 128K, zone-records-max: 4294967295}\n"
    "log: {level: DEBUG, form: json, to: journal}\n"
    "zones:\n"
    "  '*.example': {file: /a/b}\n"
    "  .: {file: '~'}\n"
    "  \"it's.example\": {file: 'null'}\n"
    "  \"\\\\000\\\\001\\\"\\xfc\\\\.\\\\@.Example\": {file: \"q'q\"}\n";

static const char dynamic[] =
    "server: {rate-limit: {responses: 20, exempt: [192.0.2.1, '::/0', 10.0.0.0/8], window: 2m},\n"
    "  limits: {history-age: 5400, history-size: 1G, update-pending: 7}}\n"
    "control: {socket: 'run/it''s.sock', group: off}\n"
    "keys:\n"
    "  web1: {secret: c2VjcmV0LXNlY3JldC1zZWNyZXQ=, algorithm: hmac-sha512, previous: b2xkb2xk,\n"
    "         previous-until: 2026-11-30T12:00:01Z}\n"
    "  'off': {secret: b2ZmLi4u}\n"
    "  'a b\\.c': {secret: b2ZmLi4u}\n"
    "  none: {secret: off}\n"
    "zones:\n"
    "  a.example:\n"
    "    type: primary\n"
    "    soa: {ns: [ns1, '@', \"it's\", 'off'], mname: 'off', rname: 'no', refresh: 90m, ttl: 0}\n"
    "    serial: unixtime\n"
    "    updates:\n"
    "      - {key: 'off', self: yes, types: [TXT, type731]}\n"
    "      - {key: 'a b\\.c', below-self: yes, deny: yes, ops: delete}\n"
    "      - {key: web1, acme: any, rate: 5/s}\n"
    "      - {key: web1, acme: [www, '@'], ttl: 1m..1h, max-per-name: 2, all: no}\n"
    "      - {unsigned: yes, from: [127.0.0.1, '::/0'], reverse-of-source: yes}\n"
    "  b.example:\n"
    "    file: b\n"
    "    strict: yes\n"
    "    protect: none\n"
    "    updates:\n"
    "      - {key: web1, dhcp: yes, within: 10.0.0.0/8, max-records: 100}\n"
    "      - {key: web1, name: ['*.x', '#y', 'a: b'], ops: [add, delete]}\n"
    "      - {key: web1, under: any}\n"
    "      - {key: web1, all: yes}\n"
    "  c.example: {file: c, updates: [], history: yes}\n";

static const char replicated[] =
    "keys: {xfr: {secret: c2VjcmV0LXNlY3JldC1zZWNyZXQ=}}\n"
    "remotes:\n"
    "  ns1: {address: ['2001:db8::1@5300', '::1'], key: XFR., source: '2001:db8::9'}\n"
    "  \"it's: #1\": {address: 192.0.2.1, source: 192.0.2.9@1053}\n"
    "  '- {x}': {address: 192.0.2.3@54}\n"
    "  'off': {address: 192.0.2.4}\n"
    "zones:\n"
    "  a.example: {primaries: ['off', \"it's: #1\"], forward-updates: yes, shrink-limit: 99%}\n"
    "  b.example:\n"
    "    type: secondary\n"
    "    primaries: ns1\n"
    "    secondaries: [\"it's: #1\"]\n"
    "    notify: 'off'\n"
    "  c.example:\n"
    "    file: x\n"
    "    secondaries: [ns1, \"it's: #1\"]\n"
    "    wait-secondaries: {count: 2, timeout: 1500ms}\n"
    "    shrink-limit: 5%\n"
    "    updates: [{key: xfr, all: yes}]\n"
    "    transfer:\n"
    "      - '- {x}'\n"
    "      - {unsigned: yes, from: ['::/0', 10.0.0.0/8], deny: yes}\n"
    "      - {key: xfr, scope: granted, unsigned: no}\n"
    "      - {key: xfr, scope: whole}\n"
    "  d.example: {soa: {ns: a}, transfer: [], notify: [ns1], wait-secondaries: {}}\n"
    "  e.example: {file: x, transfer: ['off'], history: no, shrink-limit: off}\n";

Test(effective, is_a_configuration_of_the_same_meaning_elsewhere)
{
    static const char *const yamls[] = {"", "zones: {example.com: {file: x}}", awkward, dynamic,
                                        replicated};
    for (size_t i = 0; i < ARRAY_LEN(yamls); i++) {
        size_t len;
        struct conf *a =
            conf_load_bytes(yamls[i], strlen(yamls[i]), "/etc/reeve/reeved.yaml", &faults);
        cr_assert_not_null(a, "%s: %s", yamls[i], faults.list[0].text);
        char *shown = shown_of(a, &len);
        struct conf *b = conf_load_bytes(shown, len, "/tmp/elsewhere.yaml", &faults);
        cr_assert_not_null(b, "%u:%u %s\n%s", faults.list[0].at.line, faults.list[0].at.column,
                           faults.list[0].text, shown);
        confs_are_same(a, b);
        free(shown);
        conf_free(a);
        conf_free(b);
    }
}

Test(effective, makes_relative_paths_absolute)
{
    static const char yaml[] = "server: {state-dir: s}\nzones: {example.com: {file: x.zone}}";
    char cwd[4096], expected[5000];
    cr_assert_not_null(getcwd(cwd, sizeof(cwd)));
    struct conf *a = conf_load_bytes(yaml, strlen(yaml), "conf/f.yaml", &faults);
    cr_assert_not_null(a);
    size_t len;
    char *shown = shown_of(a, &len);
    struct conf *b = conf_load_bytes(shown, len, "/x/f.yaml", &faults);
    cr_assert_not_null(b);
    snprintf(expected, sizeof(expected), "%s/conf/x.zone", cwd);
    cr_expect_str_eq(b->zones[0].file, expected);
    snprintf(expected, sizeof(expected), "%s/conf/s", cwd);
    cr_expect_str_eq(b->state_dir, expected);
    free(shown);
    conf_free(a);
    conf_free(b);
}

Test(effective, shows_no_secret)
{
    static const char yaml[] = "keys: {k: {secret: aGVsbG8taGVsbG8=, previous: d29ybGQtd29ybGQ=}}";
    struct conf *c = conf_load_bytes(yaml, strlen(yaml), "/f", &faults);
    cr_assert_not_null(c, "%s", faults.list[0].text);
    size_t len;
    char *shown = shown_of(c, &len);
    cr_expect_null(strstr(shown, "aGVsbG8"));
    cr_expect_null(strstr(shown, "d29ybGQ"));
    cr_expect_not_null(strstr(shown, "secret: off"));
    cr_expect_not_null(strstr(shown, "previous: off"));
    free(shown);
    conf_free(c);
}

Test(effective, takes_the_longest_names_of_zones)
{
    char yaml[2000], *at = yaml + sprintf(yaml, "zones:\n  ? '");
    for (unsigned label = 0; label < 4; label++) {
        for (unsigned i = 0; i < (label < 3 ? 63 : 61); i++)
            at += sprintf(at, "\\%03u", label);
        *at++ = '.';
    }
    at += sprintf(at, "'\n  : {file: x}\n");
    struct conf *a = conf_load_bytes(yaml, (size_t)(at - yaml), "/f", &faults);
    cr_assert_not_null(a, "%s", faults.list[0].text);
    cr_assert_eq(a->zones[0].name.len, NAME_LEN_MAX);
    size_t len;
    char *shown = shown_of(a, &len);
    struct conf *b = conf_load_bytes(shown, len, "/f", &faults);
    cr_assert_not_null(b, "%u:%u %s", faults.list[0].at.line, faults.list[0].at.column,
                       faults.list[0].text);
    zones_are_same(a, b);
    free(shown);
    conf_free(a);
    conf_free(b);
}

/* The value and the origin behind `key: `, blanks made one. */
static bool has_line(const char *shown, const char *line)
{
    for (const char *at = shown; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *want = line, *got = at + strspn(at, " ");
        for (; *want && *got == *want; want++, got++)
            if (*want == ' ')
                got += strspn(got, " ") - 1;
        if (!*want && (*got == '\n' || !*got))
            return true;
    }
    return false;
}

Test(effective, shows_every_setting_with_its_origin)
{
    static const char yaml[] = "server:\n"
                               "  identity: ns1\n"
                               "  listen:\n"
                               "    - 192.0.2.1\n"
                               "zones:\n"
                               "  example.com:\n"
                               "    file: x.zone\n";
    static const char *const lines[] = {
        "- 192.0.2.1 # /e/f.yaml:4:7",   "identity: ns1 # /e/f.yaml:2:13",
        "version: off # default",        "tcp-idle: 10s # default",
        "tcp-unsent: 256K # default",    "level: info # default",
        "example.com.: # /e/f.yaml:6:3", "file: /e/x.zone # /e/f.yaml:7:11",
    };
    struct conf *c = conf_load_bytes(yaml, strlen(yaml), "/e/f.yaml", &faults);
    cr_assert_not_null(c);
    size_t len;
    char *shown = shown_of(c, &len);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        cr_expect(has_line(shown, lines[i]), "%s in\n%s", lines[i], shown);
#define SETTING(path, member, kind, preset, min, max, what) \
    cr_expect_not_null(strstr(shown, strrchr(path, '.') + 1), path);
#include "conf/settings.tbl.h"
#undef SETTING
    free(shown);
    conf_free(c);
}

Test(effective, the_documentation_is_the_configuration_of_defaults)
{
    char *shown = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&shown, &len);
    conf_document(out);
    fclose(out);
    struct conf *a = conf_load_bytes(shown, len, "/f", &faults),
                *b = conf_load_bytes("", 0, "/f", &faults);
    cr_assert_not_null(a, "%u:%u %s", faults.list[0].at.line, faults.list[0].at.column,
                       faults.list[0].text);
    cr_assert_not_null(b);
    confs_are_same(a, b);
    conf_free(a);
    conf_free(b);
    free(shown);
}

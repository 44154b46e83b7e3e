/* SPDX-License-Identifier: Apache-2.0
 * Remotes: where they are, with which key, and what is said of what is none. */
#include "conf/remotes.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "request/address.h"
#include "unit.h"

static struct conf_faults faults;

static struct conf *load(const char *remotes)
{
    char yaml[2000];
    int len =
        snprintf(yaml, sizeof(yaml), "keys: {Xfr.: {secret: c2VjcmV0LXNlY3JldA==}}\n%s", remotes);
    return conf_load_bytes(yaml, (size_t)len, "/etc/reeve/f", &faults);
}

static void address_is(const union address *a, const char *expected)
{
    struct address_text text;
    cr_expect_str_eq(address_show(a, &text), expected);
}

Test(remotes, have_addresses_and_perhaps_a_key)
{
    struct conf *c = load("remotes:\n"
                          "  ns2: {address: [192.0.2.2@5300, '2001:db8::2', '::1@1'], key: xfr}\n"
                          "  Ns1: {address: 192.0.2.1}\n"
                          "  'a b': {address: 198.51.100.1, source: 198.51.100.9}\n"
                          "  6: {address: '2001:db8::6', source: '2001:db8::9@1053'}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(faults.count, 0);
    cr_assert_eq(c->remote_count, 4);
    static const char *const names[] = {"6", "Ns1", "a b", "ns2"};
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_str_eq(c->remotes[i].text, names[i]);
        cr_expect_str_eq(c->written_remotes[i].text, names[i]);
    }
    const struct remote *r = &c->remotes[3];
    char text[NAME_TEXT_MAX];
    cr_assert_eq(r->address_count, 3);
    address_is(&r->addresses[0], "192.0.2.2@5300");
    address_is(&r->addresses[1], "2001:db8::2@53");
    address_is(&r->addresses[2], "::1@1");
    cr_expect_str_eq(name_text(name_of(&r->key), text), "xfr.", "in lower case, as in the keyring");
    cr_expect_eq(r->source.any.sa_family, AF_UNSPEC);
    cr_expect_eq(c->remotes[1].key.len, 0);
    address_is(&c->remotes[1].addresses[0], "192.0.2.1@53");
    address_is(&c->remotes[2].source, "198.51.100.9@0");
    address_is(&c->remotes[0].source, "2001:db8::9@1053");
    conf_free(c);
}

Test(remotes, none_is_fine)
{
    static const char *const rows[] = {"remotes: {}\n", "remotes:\n", "zones: {}\n"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load(rows[i]);
        cr_assert_not_null(c, "%s", rows[i]);
        cr_expect_eq(c->remote_count, 0);
        conf_free(c);
    }
}

static const struct wrong_remote {
    const char *yaml;
    unsigned column;  /* line 2, the last one */
    const char *text; /* begins so */
} wrong_remotes[] = {
    {"remotes: x", 10, "\"remotes\" takes a map, not text"},
    {"remotes: [x]", 10, "\"remotes\" takes a map, not a list"},
    {"remotes: {a: 192.0.2.1}", 14, "\"remotes.*\" takes a map, not text"},
    {"remotes: {a: }", 11, "remote \"a\" needs \"address\""},
    {"remotes: {a: {key: xfr}}", 11, "remote \"a\" needs \"address\""},
    {"remotes: {a: {address: }}", 24, "\"remotes.*.address\" has no value"},
    {"remotes: {a: {address: []}}", 24, "\"remotes.*.address\" takes one, or a list of 1 to 16"},
    {"remotes: {a: {address: ns1.example.}}", 24,
     "\"ns1.example.\" is not ADDRESS or ADDRESS@PORT with an IPv4 or IPv6 address"},
    {"remotes: {a: {address: '192.0.2.1:53'}}", 24,
     "\"192.0.2.1:53\" is not ADDRESS or ADDRESS@PORT, did you mean \"192.0.2.1@53\"?"},
    {"remotes: {a: {address: [192.0.2.1, 192.0.2.1@0]}}", 36, "\"192.0.2.1@0\" is not ADDRESS"},
    {"remotes: {a: {address: [192.0.2.1, 192.0.2.1@53]}}", 36,
     "address \"192.0.2.1@53\" is given twice"},
    {"remotes: {a: {address: 0.0.0.0}}", 24, "\"0.0.0.0\" is no address of a server"},
    {"remotes: {a: {address: '::'}}", 24, "\"::\" is no address of a server"},
    {"remotes: {a: {address: 192.0.2.1, key: xfrr}}", 40,
     "there is no key \"xfrr\", did you mean \"Xfr.\"?"},
    {"remotes: {a: {address: 192.0.2.1, key: a..b}}", 40, "\"a..b\" is not the name of a key: "},
    {"remotes: {a: {address: 192.0.2.1, key: [xfr]}}", 40, "\"remotes.*.key\" takes a name"},
    {"remotes: {a: {address: 192.0.2.1, source: '::1'}}", 43,
     "\"::1\" as the source of remote \"a\" is of another family than an address of it"},
    {"remotes: {a: {address: ['::1', 192.0.2.1], source: '::1'}}", 52,
     "\"::1\" as the source of remote \"a\" is of another family than an address of it"},
    {"remotes: {a: {address: 192.0.2.1, source: eth0}}", 43, "\"eth0\" is not ADDRESS"},
    {"remotes: {a: {address: 192.0.2.1, source: [a]}}", 43,
     "\"remotes.*.source\" takes ADDRESS or ADDRESS@PORT, not a list"},
    {"remotes: {a: {adress: 192.0.2.1}}", 15,
     "unknown setting \"adress\" in \"remotes.*\", did you mean \"address\"?"},
    {"remotes: {a: {address: 192.0.2.1, tls: x}}", 35, "\"remotes.*.tls\" is not supported yet"},
    {"remotes: {a: {address: 192.0.2.1}, a: {address: 192.0.2.2}}", 36,
     "remote \"a\" is given twice, first at line 2, column 11"},
    {"remotes: {'': {address: 192.0.2.1}}", 11, "\"\" is not the name of a remote"},
    {"remotes: {\"a\\tb\": {address: 192.0.2.1}}", 11, "\"a?b\" is not the name of a remote"},
};

Test(remotes, say_what_is_wrong_and_where)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong_remotes); i++) {
        const struct wrong_remote *r = &wrong_remotes[i];
        cr_expect_null(load(r->yaml), "%s", r->yaml);
        const struct conf_fault *f = &faults.list[0];
        cr_expect_eq(faults.count, 1, "%s: %u faults, %s", r->yaml, faults.count,
                     faults.list[1].text);
        cr_expect(f->at.line == 2 && f->at.column == r->column, "%s: at %u:%u", r->yaml, f->at.line,
                  f->at.column);
        cr_expect(strncmp(f->text, r->text, strlen(r->text)) == 0, "%s: %s", r->yaml, f->text);
    }
}

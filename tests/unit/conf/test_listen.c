/* SPDX-License-Identifier: Apache-2.0
 * Listen addresses: forms, ports, and what is said of the wrong ones. */
#include "conf/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit.h"

Test(listen, scans_addresses_with_and_without_port)
{
    static const struct row {
        const char *text;
        int family;
        const char *address;
        uint16_t port;
    } rows[] = {
        {"127.0.0.1", AF_INET, "127.0.0.1", 53},
        {"127.0.0.1@5300", AF_INET, "127.0.0.1", 5300},
        {"0.0.0.0@1", AF_INET, "0.0.0.0", 1},
        {"::", AF_INET6, "::", 53},
        {"::1@5300", AF_INET6, "::1", 5300},
        {"2001:db8::10@65535", AF_INET6, "2001:db8::10", 65535},
        {"fe80::1%1@53", AF_INET6, "fe80::1", 53},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct conf_listen l;
        char shown[INET6_ADDRSTRLEN];
        cr_assert(listen_scan(r->text, &l), "%s", r->text);
        cr_expect_eq(l.address.ss_family, r->family, "%s", r->text);
        const struct sockaddr_in *v4 = (const void *)&l.address;
        const struct sockaddr_in6 *v6 = (const void *)&l.address;
        bool is_v4 = r->family == AF_INET;
        cr_expect_eq(l.address_len, is_v4 ? sizeof(*v4) : sizeof(*v6));
        inet_ntop(r->family, is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr,
                  shown, sizeof(shown));
        cr_expect_str_eq(shown, r->address);
        cr_expect_eq(ntohs(is_v4 ? v4->sin_port : v6->sin6_port), r->port, "%s", r->text);
    }
}

Test(listen, takes_the_interface_of_a_link_local_address)
{
    struct conf_listen l;
    const struct sockaddr_in6 *v6 = (const void *)&l.address;
    cr_assert(listen_scan("fe80::1%7", &l));
    cr_expect_eq(v6->sin6_scope_id, 7);
    cr_assert(listen_scan("fe80::1%lo", &l));
    cr_expect_neq(v6->sin6_scope_id, 0);
    cr_expect_not(listen_scan("fe80::1%no-such-if", &l));
    cr_expect_not(listen_scan("fe80::1%", &l));
    cr_expect_not(listen_scan("fe80::1%0", &l));
}

Test(listen, refuses_what_is_no_address)
{
    static const char *const rows[] = {
        "",
        "@",
        "@53",
        "localhost",
        "127.0.0.1@",
        "127.0.0.1@0",
        "127.0.0.1@65536",
        "127.0.0.1@ 53",
        "127.0.0.1@-1",
        "127.0.0.1@53@53",
        "127.0.0.1 @53",
        "127.1",
        "256.0.0.1",
        "1.2.3",
        "127.0.0.1:53",
        "[::1]",
        "::1@x",
        ":::",
        "1::2::3",
        "*",
        "any",
        "127.0.0.1%lo",
        "0x7f.0.0.1",
        "127.0.0.1/8",
        ("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:"
         "0000:"
         "0000@53"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf_listen l = {.address_len = 99};
        cr_expect_not(listen_scan(rows[i], &l), "%s", rows[i]);
        cr_expect_eq(l.address_len, 99, "%s", rows[i]);
    }
}

static struct conf_faults faults;

Test(listen, says_what_is_wrong_and_where)
{
    static const struct row {
        const char *yaml;
        unsigned line, column;
        const char *text;
    } rows[] = {
        {"server: {listen: []}", 1, 18, "\"server.listen\" has no address"},
        {"server: {listen: }", 1, 18, "\"server.listen\" has no address"},
        {"server: {listen: localhost}", 1, 18,
         "\"localhost\" is not ADDRESS or ADDRESS@PORT with an IPv4 or IPv6 address"},
        {"server: {listen: [127.0.0.1, 'fe80::1%nope']}", 1, 30,
         "\"fe80::1%nope\" is not ADDRESS or ADDRESS@PORT with an IPv4 or IPv6 address and an "
         "interface of this machine"},
        {"server: {listen: [127.0.0.1:53]}", 1, 19,
         "\"127.0.0.1:53\" is not ADDRESS or ADDRESS@PORT, did you mean \"127.0.0.1@53\"?"},
        {"server: {listen: ['[::1]:53']}", 1, 19,
         "\"[::1]:53\" is not ADDRESS or ADDRESS@PORT, did you mean \"::1@53\"?"},
        {"server: {listen: ['[::1]']}", 1, 19,
         "\"[::1]\" is not ADDRESS or ADDRESS@PORT, did you mean \"::1\"?"},
        {"server: {listen: ['::1#53']}", 1, 19,
         "\"::1#53\" is not ADDRESS or ADDRESS@PORT, did you mean \"::1@53\"?"},
        {"server: {listen: [[127.0.0.1]]}", 1, 19,
         "a listen address is ADDRESS or ADDRESS@PORT, not a list"},
        {"server:\n  listen:\n    -\n", 3, 6,
         "a listen address is ADDRESS or ADDRESS@PORT, not nothing"},
        {"server: {listen: [{}]}", 1, 19, "a listen address given as a map needs \"address\""},
        {"server: {listen: {address: ['::1']}}", 1, 28,
         "\"server.listen.*.address\" takes ADDRESS or ADDRESS@PORT, not a list"},
        {"server: {listen: [{address: '::1', tls: x}]}", 1, 36,
         "\"server.listen.*.tls\" is not supported yet"},
        {"server: {listen: [{adress: '::1'}]}", 1, 20,
         "unknown setting \"adress\" in \"server.listen.*\", did you mean \"address\"?"},
        {"server: {listen: [127.0.0.1, '::1', 127.0.0.1@53]}", 1, 37,
         "listen address \"127.0.0.1@53\" is given twice, first at line 1, column 19"},
        {"server: {listen: ['::1', '0::1']}", 1, 26,
         "listen address \"0::1\" is given twice, first at line 1, column 19"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        cr_expect_null(conf_load_bytes(r->yaml, strlen(r->yaml), "f", &faults), "%s", r->yaml);
        const struct conf_fault *f = &faults.list[0];
        cr_expect_eq(faults.count, 1, "%s: %u faults", r->yaml, faults.count);
        cr_expect(f->at.line == r->line && f->at.column == r->column, "%s: at %u:%u", r->yaml,
                  f->at.line, f->at.column);
        cr_expect_str_eq(f->text, r->text);
    }
}

Test(listen, takes_one_entry_a_list_and_maps)
{
    static const char *const rows[] = {
        "server: {listen: '::1@5300'}",
        "server:\n  listen: ::1@5300\n",
        "server: {listen: ['::1@5300']}",
        "server:\n  listen:\n  - ::1@5300\n",
        "server: {listen: {address: '::1@5300'}}",
        "server: {listen: [{address: '::1@5300'}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = conf_load_bytes(rows[i], strlen(rows[i]), "f", &faults);
        cr_assert_not_null(c, "%s: %s", rows[i], faults.list[0].text);
        cr_assert_eq(c->listen.count, 1);
        cr_expect_str_eq(c->listen.items[0].text, "::1@5300");
        cr_expect_neq(c->listen.items[0].at.line, 0);
        conf_free(c);
    }
}

Test(listen, has_a_limit_of_entries)
{
    char *yaml = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    fputs("server:\n  listen:\n", out);
    for (unsigned i = 0; i < 257; i++)
        fprintf(out, "  - 127.0.%u.%u\n", i / 256, i % 256);
    fclose(out);
    cr_expect_null(conf_load_bytes(yaml, len, "f", &faults));
    cr_expect_eq(faults.count, 1);
    cr_expect_str_eq(faults.list[0].text, "\"server.listen\" takes at most 256 addresses, not 257");
    struct conf *c = conf_load_bytes(yaml, len - strlen("  - 127.0.1.0\n"), "f", &faults);
    cr_assert_not_null(c);
    cr_expect_eq(c->listen.count, 256);
    conf_free(c);
    free(yaml);
}

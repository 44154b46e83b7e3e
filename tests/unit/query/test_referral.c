/* SPDX-License-Identifier: Apache-2.0
 * Glue in referrals (RFC 9471), and what happens where it does not fit. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "unit.h"

/* RFC 9471 s2.1 to s2.3 */
static const char zone_test[] = "$TTL 86400\n"
                                "test.           SOA . . 1 2 3 4 5\n"
                                "test.           NS ns.test.\n"
                                "ns.test.        A 192.0.2.53\n"
                                "foo.test.       NS ns1.foo.test.\n"
                                "foo.test.       NS ns2.foo.test.\n"
                                "ns1.foo.test.   A 192.0.2.1\n"
                                "ns2.foo.test.   AAAA 2001:db8::2:2\n"
                                "bar.test.       NS ns1.foo.test.\n"
                                "bar.test.       NS ns2.foo.test.\n"
                                "mixed.test.     NS ns.test.\n"
                                "mixed.test.     NS ns.example.\n"
                                "mixed.test.     NS absent.test.\n";

static const struct world_row rows[] = {
    {"s2.1 in-domain", "www.foo.test. A", ASK_PLAIN,
     "NOERROR\nns foo.test. 86400 NS ns1.foo.test.\nns foo.test. 86400 NS ns2.foo.test.\n"
     "ad ns1.foo.test. 86400 A 192.0.2.1\nad ns2.foo.test. 86400 AAAA 2001:db8::2:2\n"},
    {"s2.2 sibling", "www.bar.test. A", ASK_PLAIN,
     "NOERROR\nns bar.test. 86400 NS ns1.foo.test.\nns bar.test. 86400 NS ns2.foo.test.\n"
     "ad ns1.foo.test. 86400 A 192.0.2.1\nad ns2.foo.test. 86400 AAAA 2001:db8::2:2\n"},
    {"addresses that are not glue, and none", "www.mixed.test. A", ASK_PLAIN,
     "NOERROR\nns mixed.test. 86400 NS absent.test.\nns mixed.test. 86400 NS ns.example.\nns "
     "mixed.test. 86400 NS ns.test.\n"
     "ad ns.test. 86400 A 192.0.2.53\n"},
};

Test(referral, has_the_glue_of_rfc_9471)
{
    struct world *w = world_new();
    world_add(w, "test.", zone_test);
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

/* A delegation to `count` servers below `under`, each with an A and an AAAA. */
static struct world *open_large(unsigned count, const char *under)
{
    static char text[1 << 16];
    size_t len = (size_t)sprintf(text, "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\nother NS n.\n");
    for (unsigned i = 0; i < count; i++)
        len += (size_t)sprintf(text + len,
                               "d NS s%u.%s\ns%u.%s A 192.0.2.1\ns%u.%s AAAA 2001:db8::1\n", i,
                               under, i, under, i, under);
    struct world *w = world_new();
    world_add(w, "z.", text);
    return w;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
        count++;
    return count;
}

/* s3.1: all of it or TC */
Test(referral, sets_tc_where_glue_of_the_zone_itself_does_not_fit)
{
    struct world *w = open_large(13, "d");
    const char *got = world_ask_sized(w, "www.d.z. A", ASK_EDNS, 512);
    cr_expect_eq(strncmp(got, "NOERROR tc\n", 11), 0, "%s", got);
    cr_expect_eq(count_of(got, " NS "), 13, "%s", got);
    got = world_ask_sized(w, "www.d.z. A", ASK_EDNS, 4096);
    cr_expect_eq(strncmp(got, "NOERROR\n", 8), 0, "%s", got);
    cr_expect_eq(count_of(got, " A ") + count_of(got, " AAAA "), 26, "%s", got);
    world_free(w);
}

/* s3.2: what fits, without TC */
Test(referral, drops_glue_of_siblings_silently)
{
    struct world *w = open_large(13, "other");
    const char *got = world_ask_sized(w, "www.d.z. A", ASK_EDNS, 512);
    cr_expect_eq(strncmp(got, "NOERROR\n", 8), 0, "%s", got);
    cr_expect_eq(count_of(got, " NS "), 13, "%s", got);
    cr_expect_gt(count_of(got, "ad "), 5, "%s", got);
    world_free(w);
}

Test(referral, sends_all_glue_of_more_servers_than_one_batch_over_tcp)
{
    struct world *w = open_large(150, "d");
    const char *got = world_ask(w, "www.d.z. A", ASK_TCP);
    cr_expect_eq(strncmp(got, "NOERROR\n", 8), 0);
    cr_expect_eq(count_of(got, " NS "), 150);
    cr_expect_eq(count_of(got, "\nad "), 300);
    world_free(w);
}

/* RFC 2181 s9: an RRset is whole or not there */
Test(referral, is_empty_with_tc_where_the_ns_do_not_fit)
{
    struct world *w = open_large(150, "other");
    cr_expect_str_eq(world_ask_sized(w, "www.d.z. A", ASK_EDNS, 512), "NOERROR tc\n");
    cr_expect_str_eq(world_ask(w, "www.d.z. A", ASK_PLAIN), "NOERROR tc\n");
    world_free(w);
}

/* SPDX-License-Identifier: Apache-2.0
 * Matching and following names: wildcards, CNAME, DNAME, negative answers, several zones. */
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "unit.h"

/* --- RFC 4592 s2.2.1, with rdata for what it leaves open --- */

static const char zone_4592[] =
    "$ORIGIN example.\n"
    "example.                 3600 IN  SOA   ns.example.com. h.example.com. 1 2 3 4 5\n"
    "example.                 3600     NS    ns.example.com.\n"
    "example.                 3600     NS    ns.example.net.\n"
    "*.example.               3600     TXT   \"this is a wildcard\"\n"
    "*.example.               3600     MX    10 host1.example.\n"
    "sub.*.example.           3600     TXT   \"this is not a wildcard\"\n"
    "host1.example.           3600     A     192.0.2.1\n"
    "_ssh._tcp.host1.example. 3600     SRV   1 2 22 host1.example.\n"
    "_ssh._tcp.host2.example. 3600     SRV   1 2 22 host1.example.\n"
    "subdel.example.          3600     NS    ns.example.com.\n"
    "subdel.example.          3600     NS    ns.example.net.\n";

#define SOA_4592 "ns example. 5 SOA ns.example.com. h.example.com. 1 2 3 4 5\n"

static const struct world_row rows_4592[] = {
    {"synthesised", "host3.example. MX", ASK_PLAIN,
     "NOERROR aa\nan host3.example. 3600 MX 10 host1.example.\n"},
    {"no data there", "host3.example. A", ASK_PLAIN, "NOERROR aa\n" SOA_4592},
    {"two labels", "foo.bar.example. TXT", ASK_PLAIN,
     "NOERROR aa\nan foo.bar.example. 3600 TXT \"this is a wildcard\"\n"},
    {"host1 exists", "host1.example. MX", ASK_PLAIN, "NOERROR aa\n" SOA_4592},
    {"sub.* exists", "sub.*.example. MX", ASK_PLAIN, "NOERROR aa\n" SOA_4592},
    {"_tcp.host1 exists", "_telnet._tcp.host1.example. SRV", ASK_PLAIN, "NXDOMAIN aa\n" SOA_4592},
    {"subdel is a cut", "host.subdel.example. A", ASK_PLAIN,
     "NOERROR\nns subdel.example. 3600 NS ns.example.com.\nns subdel.example. 3600 NS "
     "ns.example.net.\n"},
    {"* exists", "ghost.*.example. MX", ASK_PLAIN, "NXDOMAIN aa\n" SOA_4592},
    {"s2.2.2: host2 is an empty non-terminal", "host2.example. MX", ASK_PLAIN,
     "NOERROR aa\n" SOA_4592},
    {"and so is _tcp.host2", "_tcp.host2.example. MX", ASK_PLAIN, "NOERROR aa\n" SOA_4592},
    {"below it nothing is synthesised", "x.host2.example. MX", ASK_PLAIN, "NXDOMAIN aa\n" SOA_4592},
    {"s2.1.1: the wildcard itself is a name", "*.example. TXT", ASK_PLAIN,
     "NOERROR aa\nan *.example. 3600 TXT \"this is a wildcard\"\n"},
    {"RFC 4343: case is folded and echoed", "HoSt3.eXample. MX", ASK_PLAIN,
     "NOERROR aa\nan HoSt3.eXample. 3600 MX 10 host1.example.\n"},
};

Test(chase, synthesises_from_wildcards_as_in_rfc_4592)
{
    struct world *w = world_new();
    world_add(w, "example.", zone_4592);
    world_check(w, rows_4592, ARRAY_LEN(rows_4592));
    world_free(w);
}

/* s2.2.2 again: the wildcard is an empty non-terminal */
Test(chase, has_no_data_where_the_wildcard_is_an_empty_non_terminal)
{
    static const struct world_row rows[] = {
        {"matched by it", "x.b.example. A", ASK_PLAIN,
         "NOERROR aa\nns example. 5 SOA . . 1 2 3 4 5\n"},
        {"it blocks nothing else", "x.example. A", ASK_PLAIN,
         "NXDOMAIN aa\nns example. 5 SOA . . 1 2 3 4 5\n"},
    };
    struct world *w = world_new();
    world_add(w, "example.", "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\nsub.*.b A 192.0.2.1\n");
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

/* --- RFC 2308 --- */

Test(chase, gives_negative_answers_the_smaller_of_ttl_and_minimum)
{
    static const struct world_row rows[] = {
        {"MINIMUM is smaller", "x.a. A", ASK_PLAIN, "NXDOMAIN aa\nns a. 600 SOA . . 1 2 3 4 600\n"},
        {"the TTL is smaller", "x.b. A", ASK_PLAIN, "NXDOMAIN aa\nns b. 300 SOA . . 1 2 3 4 600\n"},
        {"no data", "b. A", ASK_PLAIN, "NOERROR aa\nns b. 300 SOA . . 1 2 3 4 600\n"},
        {"asked for it keeps its TTL", "a. SOA", ASK_PLAIN,
         "NOERROR aa\nan a. 3600 SOA . . 1 2 3 4 600\n"},
        /* s2.2.1 with RFC 6604: the end of the chain decides, and names its zone */
        {"at the end of a chain, name error", "c1.a. A", ASK_PLAIN,
         "NXDOMAIN aa\nan c1.a. 60 CNAME x.b.\nns b. 300 SOA . . 1 2 3 4 600\n"},
        {"at the end of a chain, no data", "c2.a. A", ASK_PLAIN,
         "NOERROR aa\nan c2.a. 60 CNAME b.\nns b. 300 SOA . . 1 2 3 4 600\n"},
    };
    struct world *w = world_new();
    world_add(w, "a.",
              "@ 3600 SOA . . 1 2 3 4 600\n@ 60 NS n.\nc1 60 CNAME x.b.\nc2 60 CNAME b.\n");
    world_add(w, "b.", "@ 300 SOA . . 1 2 3 4 600\n@ 60 NS n.\n");
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

/* --- CNAME --- */

static const char zone_cname[] =
    "$TTL 60\n"
    "@      SOA . . 1 2 3 4 5\n"
    "@      NS n.\n"
    "a      CNAME b\n"
    "b      CNAME c\n"
    "c      A 192.0.2.3\n"
    "out    CNAME www.elsewhere.\n"
    "other  CNAME host.other.\n"
    "gone   CNAME host.unloaded.\n"
    "self   CNAME self\n"
    "loop1  CNAME loop2\n"
    "loop2  CNAME loop3\n"
    "loop3  CNAME loop2\n"
    "cut    CNAME x.sub\n"
    "sub    NS ns.sub\n"
    "ns.sub A 192.0.2.4\n"
    "*.w    CNAME c\n"
    "l1 CNAME l2\nl2 CNAME l3\nl3 CNAME l4\nl4 CNAME l5\nl5 A 192.0.2.5\n";

static const struct world_row rows_cname[] = {
    {"followed", "a.z. A", ASK_PLAIN,
     "NOERROR aa\nan a.z. 60 CNAME b.z.\nan b.z. 60 CNAME c.z.\nan c.z. 60 A 192.0.2.3\n"},
    {"asked for by type", "a.z. CNAME", ASK_PLAIN, "NOERROR aa\nan a.z. 60 CNAME b.z.\n"},
    {"RFC 4035 s2.5: NSEC is no question to the target", "a.z. NSEC", ASK_PLAIN,
     "NOERROR aa\nns z. 5 SOA . . 1 2 3 4 5\n"},
    {"ANY does not follow", "a.z. ANY", ASK_PLAIN, "NOERROR aa\nan a.z. 60 CNAME b.z.\n"},
    {"no data at the end", "a.z. MX", ASK_PLAIN,
     "NOERROR aa\nan a.z. 60 CNAME b.z.\nan b.z. 60 CNAME c.z.\nns z. 5 SOA . . 1 2 3 4 5\n"},
    {"out of our zones", "out.z. A", ASK_PLAIN, "NOERROR aa\nan out.z. 60 CNAME www.elsewhere.\n"},
    {"into another zone of ours", "other.z. A", ASK_PLAIN,
     "NOERROR aa\nan other.z. 60 CNAME host.other.\nan host.other. 60 A 192.0.2.9\n"},
    {"into a zone that is not loaded", "gone.z. A", ASK_PLAIN,
     "NOERROR aa\nan gone.z. 60 CNAME host.unloaded.\n"},
    {"to itself", "self.z. A", ASK_PLAIN, "NOERROR aa\nan self.z. 60 CNAME self.z.\n"},
    {"loop", "loop1.z. A", ASK_PLAIN,
     "NOERROR aa\nan loop1.z. 60 CNAME loop2.z.\nan loop2.z. 60 CNAME loop3.z.\nan loop3.z. 60 "
     "CNAME loop2.z.\n"},
    {"to a referral", "cut.z. A", ASK_PLAIN,
     "NOERROR aa\nan cut.z. 60 CNAME x.sub.z.\nns sub.z. 60 NS ns.sub.z.\nad ns.sub.z. 60 A "
     "192.0.2.4\n"},
    {"by a wildcard", "x.y.w.z. A", ASK_PLAIN,
     "NOERROR aa\nan x.y.w.z. 60 CNAME c.z.\nan c.z. 60 A 192.0.2.3\n"},
};

Test(chase, follows_cname_through_all_zones_and_ends)
{
    struct world *w = world_new();
    world_add(w, "z.", zone_cname);
    world_add(w, "other.", "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\nhost A 192.0.2.9\n");
    world_add_unloaded(w, "unloaded.");
    world_check(w, rows_cname, ARRAY_LEN(rows_cname));
    cr_expect_eq(w->count.chains_cut, 0);
    world_free(w);
}

Test(chase, cuts_a_chain_at_the_limit)
{
    static const struct world_row cut[] = {
        {"three steps", "l1.z. A", ASK_PLAIN,
         "NOERROR aa\nan l1.z. 60 CNAME l2.z.\nan l2.z. 60 CNAME l3.z.\nan l3.z. 60 CNAME l4.z.\n"},
    };
    static const struct world_row whole[] = {
        {"four are needed", "l1.z. A", ASK_PLAIN,
         "NOERROR aa\nan l1.z. 60 CNAME l2.z.\nan l2.z. 60 CNAME l3.z.\nan l3.z. 60 CNAME "
         "l4.z.\nan l4.z. 60 CNAME l5.z.\n"
         "an l5.z. 60 A 192.0.2.5\n"},
    };
    struct world *w = world_new();
    world_add(w, "z.", zone_cname);
    w->self.chain_max = 3;
    world_check(w, cut, ARRAY_LEN(cut));
    cr_expect_eq(w->count.chains_cut, 1);
    w->self.chain_max = 5;
    world_check(w, whole, ARRAY_LEN(whole));
    cr_expect_eq(w->count.chains_cut, 1);
    world_free(w);
}

/* --- DNAME: RFC 6672 table 1 and s2.2, s3.1 --- */

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char zone_com[] = "$TTL 60\n"
                               "com.           SOA . . 1 2 3 4 5\n"
                               "com.           NS n.\n"
                               "example.com.   300 DNAME example.net.\n"
                               "example.com.   A 192.0.2.1\n"
                               "x.sub.com.     DNAME example.net.\n"
                               "y.com.         DNAME y.example.net.\n"
                               "cyc.com.       DNAME cyc.com.\n"
                               "grow.com.      DNAME c.grow.com.\n"
                               "long.com.      DNAME " LABEL_63 "." LABEL_63 "." LABEL_63 ".net.\n"
                               "alias.com.     CNAME a.example.com.\n";

static const struct world_row rows_dname[] = {
    {"com. no match", "com. DNAME", ASK_PLAIN, "NOERROR aa\nns com. 5 SOA . . 1 2 3 4 5\n"},
    {"[0] the owner is not redirected", "example.com. A", ASK_PLAIN,
     "NOERROR aa\nan example.com. 60 A 192.0.2.1\n"},
    {"[0] DNAME", "example.com. DNAME", ASK_PLAIN,
     "NOERROR aa\nan example.com. 300 DNAME example.net.\n"},
    {"one label, with the DNAME's TTL", "a.example.com. A", ASK_PLAIN,
     "NOERROR aa\nan example.com. 300 DNAME example.net.\nan a.example.com. 300 CNAME "
     "a.example.net.\n"
     "an a.example.net. 60 A 192.0.2.7\n"},
    {"two labels", "a.b.example.com. A", ASK_PLAIN,
     "NXDOMAIN aa\nan example.com. 300 DNAME example.net.\nan a.b.example.com. 300 CNAME "
     "a.b.example.net.\n"
     "ns net. 5 SOA . . 1 2 3 4 5\n"},
    {"not by labels' parts", "ab.x.com. A", ASK_PLAIN,
     "NXDOMAIN aa\nns com. 5 SOA . . 1 2 3 4 5\n"},
    {"deeper owner", "a.x.sub.com. A", ASK_PLAIN,
     "NOERROR aa\nan x.sub.com. 60 DNAME example.net.\nan a.x.sub.com. 60 CNAME a.example.net.\n"
     "an a.example.net. 60 A 192.0.2.7\n"},
    {"deeper target", "a.y.com. A", ASK_PLAIN,
     "NXDOMAIN aa\nan y.com. 60 DNAME y.example.net.\nan a.y.com. 60 CNAME a.y.example.net.\n"
     "ns net. 5 SOA . . 1 2 3 4 5\n"},
    {"to itself", "a.cyc.com. A", ASK_PLAIN,
     "NOERROR aa\nan cyc.com. 60 DNAME cyc.com.\nan a.cyc.com. 60 CNAME a.cyc.com.\n"},
    {"by a CNAME", "alias.com. A", ASK_PLAIN,
     "NOERROR aa\nan alias.com. 60 CNAME a.example.com.\nan example.com. 300 DNAME example.net.\n"
     "an a.example.com. 300 CNAME a.example.net.\nan a.example.net. 60 A 192.0.2.7\n"},
    {"the CNAME by type", "a.b.example.com. CNAME", ASK_PLAIN,
     "NOERROR aa\nan example.com. 300 DNAME example.net.\nan a.b.example.com. 300 CNAME "
     "a.b.example.net.\n"},
    {"s2.2: too long", LABEL_63 ".long.com. A", ASK_PLAIN,
     "YXDOMAIN aa\nan long.com. 60 DNAME " LABEL_63 "." LABEL_63 "." LABEL_63 ".net.\n"},
    {"the case of the question stays", "A.eXample.COM. A", ASK_PLAIN,
     "NOERROR aa\nan eXample.COM. 300 DNAME example.net.\nan A.eXample.COM. 300 CNAME "
     "A.example.net.\n"
     "an A.example.net. 60 A 192.0.2.7\n"},
};

static struct world *open_dname(void)
{
    struct world *w = world_new();
    world_add(w, "com.", zone_com);
    world_add(w, "net.", "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\na.example A 192.0.2.7\n");
    return w;
}

Test(chase, substitutes_dname_as_in_rfc_6672)
{
    struct world *w = open_dname();
    world_check(w, rows_dname, ARRAY_LEN(rows_dname));
    world_free(w);
}

Test(chase, ends_a_dname_that_grows_and_writes_it_once)
{
    struct world *w = open_dname();
    w->self.chain_max = 3;
    static const struct world_row rows[] = {
        {"three steps", "a.grow.com. A", ASK_PLAIN,
         "NOERROR aa\nan grow.com. 60 DNAME c.grow.com.\nan a.grow.com. 60 CNAME a.c.grow.com.\n"
         "an a.c.grow.com. 60 CNAME a.c.c.grow.com.\nan a.c.c.grow.com. 60 CNAME "
         "a.c.c.c.grow.com.\n"},
    };
    world_check(w, rows, ARRAY_LEN(rows));
    cr_expect_eq(w->count.chains_cut, 1);
    w->self.chain_max = 500; /* more than there is room for */
    cr_expect_eq(strncmp(world_ask(w, "a.grow.com. A", ASK_TCP), "YXDOMAIN aa\n", 12), 0);
    world_free(w);
}

/* RFC 6672 s2.2's shortloop needs the root zone */
Test(chase, substitutes_with_the_root_as_target)
{
    struct world *w = world_new();
    world_add(w, ".", "$TTL 60\n. SOA . . 1 2 3 4 5\n. NS n.\nx. DNAME .\n");
    static const struct world_row rows[] = {
        {"shortloop.x.x.", "shortloop.x.x. A", ASK_PLAIN,
         "NXDOMAIN aa\nan x. 60 DNAME .\nan shortloop.x.x. 60 CNAME shortloop.x.\nan shortloop.x. "
         "60 CNAME shortloop.\n"
         "ns . 5 SOA . . 1 2 3 4 5\n"},
    };
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

/* --- occluded names, and zones above and below each other --- */

Test(chase, does_not_answer_with_what_a_cut_or_a_dname_hides)
{
    static const struct world_row rows[] = {
        {"below a cut", "deep.sub.z. TXT", ASK_PLAIN,
         "NOERROR\nns sub.z. 60 NS ns.sub.z.\nad ns.sub.z. 60 A 192.0.2.1\n"},
        {"at a cut", "sub.z. TXT", ASK_PLAIN,
         "NOERROR\nns sub.z. 60 NS ns.sub.z.\nad ns.sub.z. 60 A 192.0.2.1\n"},
        {"NS of the cut", "sub.z. NS", ASK_PLAIN,
         "NOERROR\nns sub.z. 60 NS ns.sub.z.\nad ns.sub.z. 60 A 192.0.2.1\n"},
        {"ANY at the cut", "sub.z. ANY", ASK_PLAIN,
         "NOERROR\nns sub.z. 60 NS ns.sub.z.\nad ns.sub.z. 60 A 192.0.2.1\n"},
        {"cut below a cut", "x.deeper.sub.z. A", ASK_PLAIN,
         "NOERROR\nns sub.z. 60 NS ns.sub.z.\nad ns.sub.z. 60 A 192.0.2.1\n"},
        {"below a DNAME", "hidden.d.z. A", ASK_PLAIN,
         "NOERROR aa\nan d.z. 60 DNAME e.\nan hidden.d.z. 60 CNAME hidden.e.\n"},
    };
    struct world *w = world_new();
    world_add(w, "z.",
              "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\nsub NS ns.sub\nsub TXT a\nns.sub A "
              "192.0.2.1\ndeep.sub TXT b\n"
              "deeper.sub NS n.\nd DNAME e.\nhidden.d A 192.0.2.2\n");
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

static const char parent[] =
    "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\nchild NS n.\nchild DS 1 8 2 " LABEL_63 "a\n"
    "plain NS n.\nfar NS n.\n";
static const char child[] = "$TTL 60\n@ SOA . . 9 9 9 9 9\n@ NS n.\n@ A 192.0.2.1\n";

/* RFC 4035 s3.1.4.1, RFC 5155 s7.2.4 */
Test(chase, asks_the_parent_for_ds_if_it_has_it)
{
    static const struct world_row rows[] = {
        {"both: the parent", "child.p. DS", ASK_PLAIN,
         "NOERROR aa\nan child.p. 60 DS 1 8 2 "
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"},
        {"both: other types from the child", "child.p. A", ASK_PLAIN,
         "NOERROR aa\nan child.p. 60 A 192.0.2.1\n"},
        {"both, no DS", "plain.p. DS", ASK_PLAIN, "NOERROR aa\nns p. 5 SOA . . 1 2 3 4 5\n"},
        {"child and grandparent: the child", "kid.far.p. DS", ASK_PLAIN,
         "NOERROR aa\nns kid.far.p. 9 SOA . . 9 9 9 9 9\n"},
        {"child only", "q. DS", ASK_PLAIN, "NOERROR aa\nns q. 9 SOA . . 9 9 9 9 9\n"},
        {"below the child's apex", "x.child.p. DS", ASK_PLAIN,
         "NXDOMAIN aa\nns child.p. 9 SOA . . 9 9 9 9 9\n"},
    };
    struct world *w = world_new();
    world_add(w, "p.", parent);
    world_add(w, "child.p.", child);
    world_add(w, "plain.p.", child);
    world_add(w, "kid.far.p.", child);
    world_add(w, "q.", child);
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

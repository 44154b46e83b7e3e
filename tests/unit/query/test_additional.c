/* SPDX-License-Identifier: Apache-2.0
 * Additional data with minimal responses on and off. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "unit.h"

static const char zone[] = "$TTL 60\n"
                           "@      SOA . . 1 2 3 4 5\n"
                           "@      NS ns\n"
                           "@      NS ns.elsewhere.\n"
                           "ns     A 192.0.2.53\n"
                           "h      A 192.0.2.1\n"
                           "h      AAAA 2001:db8::1\n"
                           "mx     MX 1 h\n"
                           "mx     MX 2 h\n"
                           "srv    SRV 0 0 1 h\n"
                           "kx     KX 1 h\n"
                           "afsdb  AFSDB 1 h\n"
                           "rt     RT 1 x25\n"
                           "x25    X25 311061700956\n"
                           "naptr  NAPTR 1 1 \"s\" \"\" \"\" srv\n"
                           "svcb   SVCB 1 h2\n"
                           "h2     A 192.0.2.2\n"
                           "h2     SVCB 1 . port=99\n"
                           "dot    HTTPS 1 .\n"
                           "dot    A 192.0.2.3\n"
                           "alias  HTTPS 0 .\n"
                           "alias  A 192.0.2.4\n"
                           "out    MX 1 mail.elsewhere.\n"
                           "ptr    PTR h\n"
                           "glue   MX 1 h.cut\n"
                           "cut    NS h.cut\n"
                           "h.cut  A 192.0.2.5\n"
                           "hidden MX 1 h.dname\n"
                           "dname  DNAME elsewhere.\n"
                           "h.dname A 192.0.2.6\n"
                           "wild   MX 1 h.w\n"
                           "*.w    A 192.0.2.7\n";

#define H    "ad h.z. 60 A 192.0.2.1\nad h.z. 60 AAAA 2001:db8::1\n"
#define NS   "ns z. 60 NS ns.z.\nns z. 60 NS ns.elsewhere.\n"
#define NS_A "ad ns.z. 60 A 192.0.2.53\n"

static const struct world_row rows[] = {
    {"minimal", "mx.z. MX", ASK_PLAIN,
     "NOERROR aa\nan mx.z. 60 MX 1 h.z.\nan mx.z. 60 MX 2 h.z.\n"},
    {"MX, each target once", "mx.z. MX", ASK_FULL,
     "NOERROR aa\nan mx.z. 60 MX 1 h.z.\nan mx.z. 60 MX 2 h.z.\n" NS H NS_A},
    {"SRV", "srv.z. SRV", ASK_FULL, "NOERROR aa\nan srv.z. 60 SRV 0 0 1 h.z.\n" NS H NS_A},
    {"KX", "kx.z. KX", ASK_FULL, "NOERROR aa\nan kx.z. 60 KX 1 h.z.\n" NS H NS_A},
    {"AFSDB", "afsdb.z. AFSDB", ASK_FULL, "NOERROR aa\nan afsdb.z. 60 AFSDB 1 h.z.\n" NS H NS_A},
    {"RFC 1183 s3.3: RT and X25", "rt.z. RT", ASK_FULL,
     "NOERROR aa\nan rt.z. 60 RT 1 x25.z.\n" NS "ad x25.z. 60 X25 \"311061700956\"\n" NS_A},
    {"RFC 3403: NAPTR and SRV", "naptr.z. NAPTR", ASK_FULL,
     "NOERROR aa\nan naptr.z. 60 NAPTR 1 1 \"s\" \"\" \"\" srv.z.\n" NS
     "ad srv.z. 60 SRV 0 0 1 h.z.\n" NS_A},
    {"RFC 9460 s4.1: SVCB", "svcb.z. SVCB", ASK_FULL,
     "NOERROR aa\nan svcb.z. 60 SVCB 1 h2.z.\n" NS
     "ad h2.z. 60 A 192.0.2.2\nad h2.z. 60 SVCB 1 . port=99\n" NS_A},
    {"RFC 9460 s2.5.2: ServiceMode \".\" is the owner", "dot.z. HTTPS", ASK_FULL,
     "NOERROR aa\nan dot.z. 60 HTTPS 1 .\n" NS "ad dot.z. 60 A 192.0.2.3\n" NS_A},
    {"s2.5.1: AliasMode \".\" is nobody", "alias.z. HTTPS", ASK_FULL,
     "NOERROR aa\nan alias.z. 60 HTTPS 0 .\n" NS NS_A},
    {"out of the zone", "out.z. MX", ASK_FULL,
     "NOERROR aa\nan out.z. 60 MX 1 mail.elsewhere.\n" NS NS_A},
    {"not glue", "glue.z. MX", ASK_FULL, "NOERROR aa\nan glue.z. 60 MX 1 h.cut.z.\n" NS NS_A},
    {"not what a DNAME hides", "hidden.z. MX", ASK_FULL,
     "NOERROR aa\nan hidden.z. 60 MX 1 h.dname.z.\n" NS NS_A},
    {"not from a wildcard", "wild.z. MX", ASK_FULL,
     "NOERROR aa\nan wild.z. 60 MX 1 h.w.z.\n" NS NS_A},
    {"PTR has none", "ptr.z. PTR", ASK_FULL, "NOERROR aa\nan ptr.z. 60 PTR h.z.\n" NS NS_A},
    {"the answer is not repeated", "ns.z. A", ASK_FULL,
     "NOERROR aa\nan ns.z. 60 A 192.0.2.53\n" NS},
    {"NS is not repeated", "z. NS", ASK_FULL,
     "NOERROR aa\nan z. 60 NS ns.z.\nan z. 60 NS ns.elsewhere.\n" NS_A},
    {"RFC 8109 s4.1: NS always with addresses", "z. NS", ASK_PLAIN,
     "NOERROR aa\nan z. 60 NS ns.z.\nan z. 60 NS ns.elsewhere.\n" NS_A},
    {"no NS beside a negative answer", "h.z. MX", ASK_FULL,
     "NOERROR aa\nns z. 5 SOA . . 1 2 3 4 5\n"},
};

Test(additional, has_what_each_type_asks_for)
{
    struct world *w = world_new();
    world_add(w, "z.", zone);
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

/* RFC 8109 s4.1: the root's servers are below delegations */
Test(additional, has_glue_for_a_question_for_ns)
{
    static const struct world_row priming[] = {
        {"priming", ". NS", ASK_PLAIN,
         "NOERROR aa\nan . 60 NS a.root-servers.net.\nad a.root-servers.net. 60 A 198.41.0.4\n"
         "ad a.root-servers.net. 60 AAAA 2001:503:ba3e::2:30\n"},
    };
    struct world *w = world_new();
    world_add(
        w, ".",
        "$TTL 60\n. SOA . . 1 2 3 4 5\n. NS a.root-servers.net.\nnet. NS a.gtld-servers.net.\n"
        "a.root-servers.net. A 198.41.0.4\na.root-servers.net. AAAA 2001:503:ba3e::2:30\n");
    world_check(w, priming, ARRAY_LEN(priming));
    world_free(w);
}

/* A node with `count` MX, each to a name of its own with an A. */
static struct world *open_many(unsigned count)
{
    static char text[1 << 15];
    size_t len = (size_t)sprintf(text, "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\n");
    for (unsigned i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, "m MX %u h%u\nh%u A 192.0.2.1\n", i, i, i);
    struct world *w = world_new();
    world_add(w, "z.", text);
    return w;
}

Test(additional, looks_up_a_bounded_number_of_targets)
{
    struct world *w = open_many(100);
    const char *got = world_ask(w, "m.z. MX", ASK_TCP | ASK_FULL);
    unsigned count = 0;
    for (const char *p = strstr(got, "\nad "); p; p = strstr(p + 1, "\nad "))
        count++;
    cr_expect_eq(count, 16, "%s", got);
    world_free(w);
}

/* RFC 2181 s9 */
Test(additional, is_dropped_without_tc_where_it_does_not_fit)
{
    struct world *w = open_many(16);
    const char *got = world_ask_sized(w, "m.z. MX", ASK_EDNS | ASK_FULL, 512);
    cr_expect_eq(strncmp(got, "NOERROR aa\n", 11), 0, "%s", got);
    cr_expect(strstr(got, "an m.z. 60 MX 15 h15.z.\n"), "%s", got);
    cr_expect(strstr(got, "\nad "), "%s", got);
    cr_expect(!strstr(got, "ad h15.z."), "%s", got);
    world_free(w);
}

/* How many names there are in additional, and whether `text` has TC. */
static unsigned additional_names(const char *text)
{
    unsigned count = 0;
    char last[300] = "", name[300];
    for (const char *line = text; (line = strstr(line, "\nad ")); line += 4) {
        cr_assert_eq(sscanf(line + 4, "%299s", name), 1);
        count += strcmp(name, last) != 0;
        memcpy(last, name, sizeof(name));
    }
    cr_expect_null(strstr(text, " tc\n"));
    return count;
}

#define MANY 60

/* CVE-2024-11187: what one question has us look up is bounded, however many names the answer has;
 * the answer itself is whole. */
Test(additional, of_many_targets_only_some_are_looked_up)
{
    static const char *const types[] = {"MX 1", "SRV 0 0 1", "KX 1", "NS"};
    static char text[40000];
    struct world *w = world_new();
    size_t len = (size_t)snprintf(text, sizeof(text), "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS h0\n");
    for (unsigned i = 0; i < MANY; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "h%u A 192.0.2.1\nh%u AAAA 2001:db8::1\n", i, i);
        for (size_t k = 0; k < ARRAY_LEN(types); k++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s h%u\n",
                                    k == 3 ? "@" : (const char *[]){"mx", "srv", "kx"}[k], types[k],
                                    i);
    }
    world_add(w, "z.", text);
    static const char *const questions[] = {"mx.z. MX", "srv.z. SRV", "kx.z. KX", "z. NS"};
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        const char *got = world_ask(w, questions[i], ASK_FULL | ASK_TCP);
        unsigned answers = 0;
        for (const char *line = got; (line = strstr(line, "\nan ")); line += 4)
            answers++;
        cr_expect_eq(answers, MANY, "%s", questions[i]);
        cr_expect_leq(additional_names(got), 16, "%s", questions[i]);
        cr_expect_gt(additional_names(got), 0, "%s", questions[i]);
    }
    world_free(w);
}

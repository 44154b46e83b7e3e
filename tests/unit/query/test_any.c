/* SPDX-License-Identifier: Apache-2.0
 * ANY and RRSIG in a zone without signatures; signed ones are in test_denial_nsec.c. */
#include "base/attr.h"
#include "world.h"
#include "unit.h"

static const struct world_row rows[] = {
    {"RFC 8482 s4.1: one RRset, the smallest", "a.z. ANY", ASK_PLAIN,
     "NOERROR aa\nan a.z. 60 A 192.0.2.1\n"},
    {"s4.4: all over TCP", "a.z. ANY", ASK_TCP,
     "NOERROR aa\nan a.z. 60 A 192.0.2.1\nan a.z. 60 AAAA 2001:db8::1\nan a.z. 60 TXT \"a longer "
     "text\"\n"},
    {"no name", "b.z. ANY", ASK_PLAIN, "NXDOMAIN aa\nns z. 5 SOA . . 1 2 3 4 5\n"},
    {"empty non-terminal", "c.z. ANY", ASK_PLAIN, "NOERROR aa\nns z. 5 SOA . . 1 2 3 4 5\n"},
    {"wildcard", "x.w.z. ANY", ASK_PLAIN, "NOERROR aa\nan x.w.z. 60 A 192.0.2.2\n"},
    {"no signatures", "a.z. RRSIG", ASK_PLAIN, "NOERROR aa\nns z. 5 SOA . . 1 2 3 4 5\n"},
};

Test(any, is_answered_small_over_udp_and_whole_over_tcp)
{
    struct world *w = world_new();
    world_add(w, "z.",
              "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\na TXT \"a longer text\"\na AAAA "
              "2001:db8::1\na A 192.0.2.1\n"
              "d.c A 192.0.2.3\n*.w A 192.0.2.2\n");
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

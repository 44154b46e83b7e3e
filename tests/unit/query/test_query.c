/* SPDX-License-Identifier: Apache-2.0
 * Which questions are answered at all, and with which code. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "unit.h"

static const struct world_row rows[] = {
    {"not ours", "www.example. A", ASK_PLAIN, "REFUSED\n"},
    {"above ours", ". NS", ASK_PLAIN, "REFUSED\n"},
    {"not loaded", "x.unloaded. A", ASK_PLAIN, "SERVFAIL\n"},
    {"RFC 1034 s3.7.1: class ANY without authority", "a.z. ANY A", ASK_PLAIN,
     "NOERROR\nan a.z. 60 A 192.0.2.1\n"},
    {"class ANY, name error", "b.z. ANY A", ASK_PLAIN, "NXDOMAIN\nns z. 5 SOA . . 1 2 3 4 5\n"},
    {"class HS", "a.z. HS A", ASK_PLAIN, "REFUSED\n"},
    {"class NONE", "a.z. NONE A", ASK_PLAIN, "REFUSED\n"},
    {"RFC 9824 s3.5", "a.z. NXNAME", ASK_PLAIN, "FORMERR\n"},
    {"OPT is no question", "a.z. OPT", ASK_PLAIN, "FORMERR\n"},
    {"nor is TSIG", "a.z. TSIG", ASK_PLAIN, "FORMERR\n"},
    {"TKEY", "a.z. TKEY", ASK_PLAIN, "NOTIMP\n"},
    {"MAILA", "a.z. MAILA", ASK_PLAIN, "NOTIMP\n"},
    {"MAILB", "a.z. MAILB", ASK_PLAIN, "NOTIMP\n"},
    {"RFC 3597: an unknown type", "a.z. TYPE65280", ASK_PLAIN,
     "NOERROR aa\nns z. 5 SOA . . 1 2 3 4 5\n"},
    {"and one that has data", "t.z. TYPE65280", ASK_PLAIN,
     "NOERROR aa\nan t.z. 60 TYPE65280 \\# 2 ABCD\n"},
};

Test(query, answers_refuses_or_fails)
{
    struct world *w = world_new();
    world_add(w, "z.",
              "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\na A 192.0.2.1\nt TYPE65280 \\# 2 abcd\n");
    world_add_unloaded(w, "unloaded.");
    world_check(w, rows, ARRAY_LEN(rows));
    world_free(w);
}

/* RFC 2181 s9: the answer is whole or not there, and TC says so */
Test(query, never_cuts_an_answer)
{
    struct world *w = world_new();
    char text[4096] = "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS n.\nc CNAME big\n";
    for (int i = 0; i < 10; i++) {
        char record[128];
        snprintf(record, sizeof(record),
                 "\nbig TXT %d aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
        strcat(text, record);
    }
    strcat(text, "\n");
    world_add(w, "z.", text);
    cr_expect_str_eq(world_ask(w, "big.z. TXT", ASK_PLAIN), "NOERROR aa tc\n");
    cr_expect_str_eq(world_ask(w, "c.z. TXT", ASK_PLAIN),
                     "NOERROR aa tc\nan c.z. 60 CNAME big.z.\n");
    const char *got = world_ask(w, "c.z. TXT", ASK_TCP);
    cr_expect_eq(strncmp(got, "NOERROR aa\n", 11), 0, "%s", got);
    world_free(w);
}

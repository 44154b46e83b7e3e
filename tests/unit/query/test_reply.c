/* SPDX-License-Identifier: Apache-2.0
 * What holds for every answer, whatever its size limit: it can be read, RRsets and their signatures
 * are whole, TC says that something needed is missing, and only then it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "../slow.h"
#include "unit.h"

#define ROUNDS 3000

static const char *const names[] = {
    "example.",         "a.example.",     "mc.a.example.",
    "b.example.",       "mc.b.example.",  "c.example.",
    "x.c.example.",     "ml.example.",    "ns1.example.",
    "x.w.example.",     "a.z.w.example.", "y.w.example.",
    "a.c.x.w.example.", "xx.example.",    "to-wild.z.",
    "to-nothing.z.",    "to-child.z.",    "x.d.z.",
    "many.z.",          "x.large.z.",     "z.",
};
static const char *const types[] = {"A", "MX", "NS", "DS", "SOA", "DNSKEY", "TXT", "AAAA"};

static struct world *open_world(const char *signed_zone)
{
    struct world *w = world_new();
    char text[8192] = "$TTL 60\n@ SOA . . 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nto-wild CNAME "
                      "a.z.w.example.\nto-nothing CNAME ml.example.\n"
                      "to-child CNAME mc.a.example.\nd DNAME w.example.\n";
    for (int i = 0; i < 20; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof(text) - at,
                 "many MX %d m%d\nm%d A 192.0.2.2\nlarge NS n%d.large\nn%d.large A 192.0.2.3\n", i,
                 i, i, i, i);
    }
    world_add(w, "z.", text);
    world_add_file(w, "example.", signed_zone);
    return w;
}

/* Length of "an owner ttl type", with what is covered if that is an RRSIG: what the lines of one
 * RRset have in common. */
static size_t head_len(const char *line)
{
    size_t len = 0;
    int words = 4;
    for (int i = 0; i < words; i++) {
        len += i > 0;
        if (i == 3 && strncmp(line + len, "RRSIG ", 6) == 0)
            words = 5;
        len += strcspn(line + len, " \n");
    }
    return len;
}

static unsigned count_heads(const char *text, const char *head, size_t len)
{
    unsigned count = 0;
    for (const char *line = text; line && *line;
         line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        count += strncmp(line, head, len) == 0 && line[len] == ' ';
    return count;
}

/* The lines of answer and authority. */
static unsigned count_needed(const char *text)
{
    unsigned count = 0;
    for (const char *line = text; line && *line;
         line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        count += strncmp(line, "an ", 3) == 0 || strncmp(line, "ns ", 3) == 0;
    return count;
}

static void check_pair(const char *question, unsigned size, const char *small, const char *whole)
{
    bool is_cut = strstr(small, " tc\n") != NULL;
    cr_assert(!strstr(whole, " tc\n"), "%s", question);
    for (const char *line = strchr(small, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        size_t len = head_len(line);
        cr_assert_eq(count_heads(small, line, len), count_heads(whole, line, len),
                     "%s at %u: %.*s\n%s---\n%s", question, size, (int)len, line, small, whole);
    }
    if (!is_cut)
        cr_assert_eq(count_needed(small), count_needed(whole), "%s at %u\n%s---\n%s", question,
                     size, small, whole);
}

static void check_zone(const char *signed_zone)
{
    struct world *w = open_world(signed_zone);
    char *whole = malloc(sizeof(w->shown));
    srand(7);
    for (unsigned i = 0; i < cases(ROUNDS, ROUNDS / 3); i++) {
        char question[128];
        unsigned ask = (rand() % 2 ? ASK_DO : ASK_EDNS) | (rand() % 2 ? ASK_FULL : 0);
        unsigned size = 512 + (unsigned)rand() % 1200;
        snprintf(question, sizeof(question), "%s %s", names[(size_t)rand() % ARRAY_LEN(names)],
                 types[(size_t)rand() % ARRAY_LEN(types)]);
        strcpy(whole, world_ask(w, question, ask | ASK_TCP));
        check_pair(question, size, world_ask_sized(w, question, ask, (uint16_t)size), whole);
    }
    free(whole);
    world_free(w);
}

Test(reply, is_whole_or_says_tc_in_a_zone_with_nsec)
{
    check_zone("query/rfc4035.zone");
}

Test(reply, is_whole_or_says_tc_in_a_zone_with_nsec3)
{
    check_zone("query/rfc5155.zone");
}

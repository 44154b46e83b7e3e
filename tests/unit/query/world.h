/* SPDX-License-Identifier: Apache-2.0
 * A server without a server for tests of answers: zones from text, a question in, the answer out as
 * text. */
#ifndef REEVE_TESTS_QUERY_WORLD_H
#define REEVE_TESTS_QUERY_WORLD_H

#include "query/query.h"
#include "zone/store.h"

#define WORLD_ZONES_MAX 8

struct world {
    struct self self; /* change it before asking */
    struct counters count;
    struct store store;
    struct digest digest;
    struct arena arena;
    struct zone *zones[WORLD_ZONES_MAX];
    unsigned zone_count;
    char shown[1 << 17]; /* the last answer */
    uint8_t wire[DNS_MESSAGE_MAX];
    size_t wire_len;
};

/* minimal responses, chains up to 16 steps, up to 100 NSEC3 iterations, 4096 bytes over UDP */
struct world *world_new(void);
void world_free(struct world *w);

/* Zone text as in a file; an error in it fails the test. */
void world_add(struct world *w, const char *origin, const char *text);
/* The same from a file in tests/data. */
void world_add_file(struct world *w, const char *origin, const char *path);
/* A zone that is configured and not loaded. */
void world_add_unloaded(struct world *w, const char *origin);

enum ask {
    ASK_PLAIN = 0,
    ASK_DO = 1 << 0,   /* EDNS with DO */
    ASK_EDNS = 1 << 1, /* EDNS without */
    ASK_TCP = 1 << 2,
    ASK_FULL = 1 << 3 /* minimal responses off */
};

/* question: "name type" or "name class type". The answer: a line with rcode and flags ("NXDOMAIN
 * aa"), then one line for each record: section (an, ns, ad), owner, TTL, class if it is not IN,
 * type, rdata; of an RRSIG only type covered, algorithm and labels. OPT is left out. */
const char *world_ask(struct world *w, const char *question, unsigned ask);
/* The same over UDP with a payload size of the client's. */
const char *world_ask_sized(struct world *w, const char *question, unsigned ask, uint16_t size);

/* Are these the same lines, in whatever order? Both as world_ask() has them. */
bool world_is_same(const char *a, const char *b);

struct world_row {
    const char *name, *question;
    unsigned ask;
    const char *answer;
};
/* Asks each row's question and fails with what differs. */
void world_check(struct world *w, const struct world_row *rows, size_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Makes messages that are wrong in a way that gets far: valid ones of every kind whose structure is
 * changed, most of them signed after that.
 *
 * A message is made as a draft (mutator_int.h): a list of records, each with its section. Up to
 * four steps change the draft: counts, names, types, classes, TTLs, lengths, options; records
 * moved, doubled, left out. It is written, perhaps with pointers that lead astray, a share of them
 * has a few bytes spoilt, and then it is signed, so that what is wrong gets past the signature; a
 * share of the signatures has a flaw of its own. One message in four is as valid as it began.
 *
 * Message `number` of a seed is always the same but for the time that its signature says, and for
 * a cookie and a serial that the server gave (mutator_learn()).
 *
 * Zones that it asks for: example., signed.example., signed3.example., copy.example. Keys: one for
 * each algorithm of TSIG, with the algorithm's name; the secret is the SHA-256 of that name. */
#ifndef TESTS_TOOLS_MUTATOR_H
#define TESTS_TOOLS_MUTATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mutator;

struct mutant {
    const char *kind; /* what it was before: "update", "query" ... */
    const char *key;  /* NULL: not signed */
    unsigned steps;   /* changes to the draft */
    bool is_spoilt;   /* bytes changed after it was written */
    bool is_sound;    /* the signature is right */
};

/* samples: path of tests/data/rdata.txt. Ends the program if that cannot be read. */
struct mutator *mutator_new(uint64_t seed, const char *samples);
/* NULL is fine. */
void mutator_free(struct mutator *m);

/* Writes message `number` to out, of max bytes (512 at least); gives back its length. now_s: wall
 * clock. */
size_t mutator_write(struct mutator *m, uint64_t number, int64_t now_s, uint8_t *out, size_t max,
                     struct mutant *what);
/* Whatever the server sent: a cookie in it, or a serial, is in later messages. */
void mutator_learn(struct mutator *m, const uint8_t *answer, size_t len);
/* Spoils some of the `len` bytes as a bad line would; gives back the new length, up to max. */
size_t mutator_spoil(struct mutator *m, uint8_t *p, size_t len, size_t max);
/* A number below `below`, not of any message. */
uint32_t mutator_draw(struct mutator *m, uint32_t below);

#endif

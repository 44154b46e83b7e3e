/* SPDX-License-Identifier: Apache-2.0
 * What the files of the mutator share: the draft of a message, and drawing. */
#ifndef TESTS_TOOLS_MUTATOR_INT_H
#define TESTS_TOOLS_MUTATOR_INT_H

#include "base/attr.h"
#include "base/wire.h"
#include "dns/codes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "mutator.h"

#define OWNER_MAX       400 /* longer than a name may be */
#define RECORDS_MAX     48
#define POOL_MAX        (1u << 18)
#define SAMPLES_MAX     1000
#define COOKIE_LEN      24
#define SOA_NUMBERS_LEN 20 /* behind its names */
#define KEYS            6

/* What a record's owner is written as instead of its labels. */
enum pointing { POINT_NOWHERE, POINT_SELF, POINT_AHEAD, POINT_HEADER, POINT_BACK, POINT_COUNT };

struct record {
    enum section section;
    uint8_t owner[OWNER_MAX];
    unsigned owner_len;
    enum pointing pointing;
    uint16_t type, class;
    uint32_t ttl;
    const uint8_t *rdata; /* in the pool, or the sample's */
    unsigned rdata_len;
    int len_lie; /* added to the length that is written */
};

struct draft {
    uint16_t id, flags;
    struct record record[RECORDS_MAX]; /* in the order in which each section has them */
    unsigned count;
    int count_lie[SECTION_COUNT];
    bool is_compressed;
    const uint8_t *tail; /* behind the last record */
    unsigned tail_len;
    uint8_t pool[POOL_MAX];
    unsigned pool_len;
};

struct sample {
    uint16_t type;
    uint16_t len;
    uint8_t *bytes;
};

struct mutator {
    uint64_t seed, state;
    struct draft draft;
    struct sample sample[SAMPLES_MAX];
    unsigned sample_count;
    uint8_t cookie[COOKIE_LEN];
    uint32_t serial; /* that a zone has had */
};

static inline bool chance(struct mutator *m, unsigned percent)
{
    return mutator_draw(m, 100) < percent;
}

#define PICK(m, table) ((table)[mutator_draw(m, ARRAY_LEN(table))])

/* --- mutator_make.c: valid messages --- */

/* A draft of any kind; gives back the kind's name. */
const char *make_any(struct mutator *m);
/* The next record; an overfull draft's last one is written over. */
struct record *make_record(struct mutator *m, enum section s, uint16_t type, uint16_t class,
                           uint32_t ttl);
/* One with an owner and rdata that are drawn, as it may stand in a zone. */
struct record *make_data(struct mutator *m, enum section s);
void make_owner(struct mutator *m, struct record *r);
/* Room in the pool; what is there is kept, and less is given when there is none left. */
uint8_t *make_room(struct mutator *m, unsigned *len);
/* A record's rdata, to be changed: a copy in the pool with `more` bytes behind it. */
uint8_t *make_own(struct mutator *m, struct record *r, unsigned more);
void make_fill(struct mutator *m, uint8_t *p, size_t len);

/* --- mutator_step.c: changes --- */

void step_any(struct mutator *m);

/* --- mutator_sign.c --- */

/* Appends a signature to the message (room permitting); gives back whether it is right. */
bool sign_message(struct mutator *m, const char *key, int64_t now_s, struct wr *w);
/* The algorithm's name for a number below KEYS, which is the key's as well. */
const char *sign_key(unsigned i);

#endif

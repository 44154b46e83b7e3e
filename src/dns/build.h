/* SPDX-License-Identifier: Apache-2.0
 * Building messages: header, question, records with compression, and taking back what did not fit.
 *
 * A build writes into the caller's buffer and never beyond its limit less what is reserved (for OPT
 * and TSIG). A step either writes all it was asked for or nothing and says false; what an RRset's
 * failed step wrote is taken back, so an RRset is never cut. Names are compressed against what was
 * written before with case kept: a pointer is only made to equal bytes, except that an owner name
 * may point into the question's name where it is equal but for case (which is then the question's:
 * RFC 4343 s4 leaves it free, and 0x20 mixing would cost room otherwise). */
#ifndef REEVE_DNS_BUILD_H
#define REEVE_DNS_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/codes.h"
#include "dns/name.h"
#include "dns/rr.h"

#define BUILD_NAMES_MAX  240 /* suffixes remembered for compression; later ones are written out */
#define BUILD_NAMES_HASH 512

/* A suffix that stands in the message: its first label, and the entry that is the rest of it. */
struct build_name {
    uint16_t at, slot;
    uint8_t rest; /* 1 + index, 0: the root */
};

struct build {
    uint8_t *wire;
    size_t len, limit; /* limit: most bytes the message may have, reserved ones included */
    size_t reserved;
    uint16_t count[SECTION_COUNT];
    struct name qname; /* in wire; len 0: none */
    /* the owner written last, and where it stands: RRsets of one node come together */
    struct name_buf owner;
    size_t owner_at; /* 0: none */
    /* the last name written less its first label, and the entry it has: neighbours share it */
    struct name_buf tail;
    unsigned tail_entry; /* 0: none */
    unsigned names;
    struct build_name name[BUILD_NAMES_MAX];
    uint8_t name_hash[BUILD_NAMES_HASH]; /* 1 + index of an entry, 0: empty; linear probing */
};

/* Room is left for the header; the other fields are as in an empty message. cap >= 12. */
void build_init(struct build *b, uint8_t *wire, size_t limit);
/* Writes id, flags and counts; any time, last wins. */
void build_header(struct build *b, uint16_t id, uint16_t flags);
bool build_question(struct build *b, struct name qname, uint16_t qtype, uint16_t qclass);

/* Room kept for what is written at the end; false: there is less. Given back with build_release. */
bool build_reserve(struct build *b, size_t bytes);
void build_release(struct build *b, size_t bytes);
/* Bytes that can still be written. */
static inline size_t build_room(const struct build *b)
{
    return b->limit - b->reserved - b->len;
}

/* `count` records of one RRset, each in `data` as its length (2 bytes, network order) and its rdata
 * in stored form; all of them or none. owner may be the question's name in other case: then the
 * question's case is shown. */
bool build_records(struct build *b, enum section s, struct name owner, uint16_t type,
                   uint16_t class, uint32_t ttl, const uint8_t *data, unsigned count);
/* An RRset whose owner may be known to stand in the message already, at the offset owner_at; 0: it
 * is looked for. */
struct build_rrset {
    struct name owner;
    size_t owner_at;
    uint16_t type, class;
    uint32_t ttl;
    const uint8_t *data; /* count times as in build_records() */
    unsigned count;
};
bool build_rrset(struct build *b, enum section s, const struct build_rrset *set);
bool build_rr(struct build *b, enum section s, const struct rr *rr);
/* Room for one record that the caller writes whole, owner and all, without compression (OPT, TSIG);
 * NULL: there is less. */
uint8_t *build_record_room(struct build *b, enum section s, size_t len);
/* Takes back the last bytes of such a record. */
static inline void build_trim(struct build *b, size_t bytes)
{
    b->len -= bytes;
}

/* A mark to come back to: everything written after it is gone, names for compression included. */
struct build_mark {
    size_t len;
    unsigned names;
    uint16_t count[SECTION_COUNT];
};
struct build_mark build_mark(const struct build *b);
void build_undo(struct build *b, struct build_mark mark);

#endif

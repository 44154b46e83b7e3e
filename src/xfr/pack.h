/* SPDX-License-Identifier: Apache-2.0
 * The packer of transfers: fills a message with the records of one RRset after the other, quickly.
 *
 * Names are compressed with case kept (RFC 5936 s3.4), against the apex, the owner written before
 * and, where RFC 3597 s4 allows it in rdata, suffixes of names in the same message. These are in a
 * table of one place for each hash: what falls into the same place pushes the older one out, so
 * that looking one up is one comparison and the worst that strange names do is to be written out.
 * The names are remembered as views of where they came from, which must stay until the message is
 * done. */
#ifndef REEVE_XFR_PACK_H
#define REEVE_XFR_PACK_H

#include "dns/codes.h"
#include "dns/name.h"
#include "dns/rrtype.h"

#define PACK_NAMES_BITS 9
/* Types with names that may be compressed are below it: all of RFC 1035 (RFC 3597 s4). */
#define PACK_TYPES      32

/* A suffix that stands in a message. */
struct pack_name {
    const uint8_t *wire;
    uint32_t message; /* in which one */
    uint16_t at;
    uint8_t len;
};

struct pack {
    uint8_t *wire;
    size_t len;
    size_t fill;                /* a message beyond it takes no record more, */
    size_t limit;               /* and none goes beyond this one */
    unsigned records;           /* in this message */
    unsigned records_min;       /* so many may go beyond `fill` */
    uint32_t message;           /* number of this one */
    struct name apex, owner;    /* owner: of the record before */
    uint16_t apex_at, owner_at; /* where they stand; 0: nowhere */
    const struct rrtype_info *compressed[PACK_TYPES]; /* NULL: no names to compress */
    struct pack_name name[1 << PACK_NAMES_BITS];
};

/* Names at or below the apex, spelled as it is here, are compressed best. */
void pack_init(struct pack *p, struct name apex);
/* A new message, with room for the header only; wire: DNS_MESSAGE_MAX bytes, `fill` as above less
 * `reserved` bytes for what the caller appends. */
struct pack_room {
    size_t fill, reserved;
    unsigned records_min;
};
void pack_start(struct pack *p, uint8_t *wire, const struct pack_room *room);
/* First of all. */
void pack_question(struct pack *p, struct name qname, uint16_t qtype, uint16_t qclass);

/* Records on their way: what is left of an RRset. */
struct pack_set {
    struct name owner;
    uint16_t type;
    uint8_t fixed[8];          /* type, class and TTL as on the wire */
    const uint8_t *data, *end; /* length (2 bytes) and rdata of each record */
};
enum pack_result {
    PACK_DONE, /* nothing is left */
    PACK_FULL, /* the next record does not fit: the message takes nothing more */
    PACK_BAD   /* the next record's rdata is malformed */
};
enum pack_result pack_records(struct pack *p, struct pack_set *s);

#endif

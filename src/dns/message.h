/* SPDX-License-Identifier: Apache-2.0
 * Reading messages (RFC 1035 s4).
 *
 * message_read() checks the whole structure once: header, one question at most per RFC 9619, every
 * record's frame in every section, one OPT at most and only in additional (RFC 6891 s6.1.1), one
 * TSIG at most and only as the last record (RFC 8945 s5.1), nothing behind the last record. After
 * that, records are read one by one with struct rr_reader. Compression pointers go strictly
 * backward (each one before the name it is part of) and are at most 127 in one name, so that
 * reading ends, and soon. None goes into the header: a name stands there by chance only, and is
 * another one once the message has another ID or one record more, as when it is signed. */
#ifndef REEVE_DNS_MESSAGE_H
#define REEVE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/codes.h"
#include "dns/name.h"
#include "dns/rr.h"

struct message {
    const uint8_t *wire;
    size_t len;
    uint16_t id, flags; /* flags: the second header word, host order */
    uint16_t count[SECTION_COUNT];
    size_t section_at[SECTION_COUNT];
    size_t opt_at, tsig_at; /* where that record's owner starts, 0: there is none */
    /* in wire where it is not compressed, else in qname_buf; len 0: no question */
    struct name qname;
    uint16_t qtype, qclass;
    struct name_buf qname_buf;
};

static inline enum opcode message_opcode(const struct message *m)
{
    return (enum opcode)((m->flags & FLAG_OPCODE_MASK) >> 11);
}

/* Reads the header only; false if there are fewer than 12 bytes. */
bool message_read_header(struct message *m, const uint8_t *wire, size_t len);
/* Reads the rest of it. NOERROR or FORMERR; after FORMERR the header fields are valid, and qname
 * too if its len is not 0 (so that an error answer can echo the question). The message must outlive
 * m; m is not to be copied. */
enum rcode message_read(struct message *m);

/* A name at *at in a message of len bytes, decompressed into out; *at moves behind it. False:
 * malformed. */
bool message_name(const uint8_t *wire, size_t len, size_t *at, struct name_buf *out);
/* Where the name at `at` ends, without reading behind pointers; 0: malformed. */
size_t message_name_end(const uint8_t *wire, size_t len, size_t at);

/* The records of one section in order, after message_read() has said NOERROR: it has checked the
 * frame of each; the rdata is checked here. */
struct rr_reader {
    const struct message *m;
    size_t at;
    unsigned left;
    size_t owner_at;    /* where the last record's owner stands; 0: none was read */
    bool is_same_owner; /* it was a pointer to that of the record before */
    struct name_buf owner;
};
struct rr_reader rr_reader_of(const struct message *m, enum section s);
enum rr_read { RR_READ_OK, RR_READ_END, RR_READ_BAD };
/* RR_READ_BAD: this record is malformed; the next call goes on behind it. rdata goes to *rdata
 * (room for RDATA_LEN_MAX is always enough), which moves on. UPDATE's records of class ANY and NONE
 * may have empty rdata: with rdlen 0 the rdata is not checked and has len 0. */
enum rr_read rr_read(struct rr_reader *reader, struct wr *rdata, struct rr *out);

#endif

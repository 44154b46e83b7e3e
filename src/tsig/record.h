/* SPDX-License-Identifier: Apache-2.0
 * The TSIG record (RFC 8945 s4.2), and what a MAC is computed over (s4.3). */
#ifndef REEVE_TSIG_RECORD_H
#define REEVE_TSIG_RECORD_H

#include <stdint.h>

#include "base/wire.h"
#include "dns/message.h"
#include "dns/name.h"
#include "tsig/key.h"

/* The fixed parts: type, class, TTL, rdlength; and in the rdata time, fudge, MAC size, original id,
 * error, other length. */
#define TSIG_FRAME_LEN 10
#define TSIG_FIXED_LEN 16
#define TSIG_TIME_LEN  6

struct tsig_record {
    struct name name;      /* in name_buf */
    struct name algorithm; /* in the message */
    uint64_t time_s;
    uint16_t fudge, mac_size, original_id, error, other_len;
    const uint8_t *mac, *other; /* in the message */
    struct name_buf name_buf;
};

/* The record of m, which has one. FORMERR: class is not ANY, TTL is not 0, or the rdata is not
 * exactly its fields. */
enum rcode tsig_record_read(struct tsig_record *r, const struct message *m);
/* Appends the record; the MAC, error and other data are those of r. */
void tsig_record_write(const struct tsig_record *r, struct wr *w);

/* Which of a record's fields are digested: all variables, or, in a message that follows a signed
 * one, time and fudge (s5.3.1). */
enum tsig_cover { TSIG_VARIABLES, TSIG_TIMERS };

/* The message as it was signed: the header's id is the original one, its ARCOUNT does not count the
 * TSIG record, which begins at the end of it. */
struct tsig_body {
    uint8_t header[DNS_HEADER_LEN];
    const uint8_t *rest; /* behind the header */
    size_t rest_len;
};
/* Of len bytes of wire, with `extra` records (the TSIG's) taken off ARCOUNT. */
void tsig_body_set(struct tsig_body *body, const uint8_t *wire, size_t len, uint16_t original_id,
                   uint16_t extra);

/* A MAC begun with the one before it: the request's, or the stream's last (s4.3.1). len 0: there is
 * none. */
void tsig_mac_start(struct mac *mac, const uint8_t *before, uint8_t len);
/* The rest of it: message and fields. Writes the key's whole MAC. */
void tsig_mac_end(struct mac *mac, const struct tsig_key *key, const struct tsig_body *body,
                  const struct tsig_record *r, enum tsig_cover cover, uint8_t out[TSIG_MAC_MAX]);

#endif

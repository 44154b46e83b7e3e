/* SPDX-License-Identifier: Apache-2.0
 * One message in flight: who sent it and how, what it says, and the answer as it is being made.
 *
 * A request belongs to the server's batch and lives until its answer is written; everything it
 * points to lives at least as long. The stages of the pipeline (server/handle.c) fill it from top
 * to bottom. */
#ifndef REEVE_REQUEST_REQUEST_H
#define REEVE_REQUEST_REQUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/hash.h"
#include "dns/build.h"
#include "dns/message.h"
#include "request/counter.h"
#include "tsig/tsig.h"
#include "zone/lookup.h"

struct store;
struct store_entry;
struct version;
struct zone;

enum transport { TRANSPORT_UDP, TRANSPORT_TCP };

/* IPv4 or IPv6 with port, in network order. */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct peer {
    union address address;
    enum transport transport;
};

/* What DNS cookies are made with (RFC 9018): the first; and what is accepted: all. Two during a
 * rollover (s5). */
#define COOKIE_SECRETS_MAX 2
struct cookie_secrets {
    unsigned count;
    struct hash_key at[COOKIE_SECRETS_MAX];
};

/* What this server says about itself, and what it allows; made from the configuration, shared by
 * all requests. */
struct self {
    uint8_t nsid_len; /* 0: no NSID option */
    uint8_t nsid[255];
    char version[256], identity[256]; /* version.bind and hostname.bind/id.server; empty: REFUSED */
    uint16_t udp_size_max;            /* largest answer over UDP, whatever the client says */
    uint16_t edns_size;               /* what our OPT advertises */
    bool minimal_responses;
    struct name_buf report_agent;  /* RFC 9567; len 0: none */
    uint16_t keepalive;            /* RFC 7828: units of 100 ms that a TCP connection may be idle */
    bool echoes_subnet;            /* RFC 7871 with scope 0; else it is ignored */
    bool wants_cookies;            /* over UDP who sends a cookie must have a good one */
    struct cookie_secrets cookies; /* none: no cookies */
    uint16_t nsec3_iterations_max; /* RFC 9276 s3.2 */
    uint16_t chain_max;            /* CNAME and DNAME steps in one answer */
};

/* EDNS(0) as the driver in edns/ read it. */
struct edns {
    bool is_present;
    bool dnssec_ok;
    uint8_t version;
    bool has_good_cookie; /* the client is at its address */
    bool is_cookie_kept;  /* and is answered with the same cookie */
    bool has_error;
    bool is_unproven;     /* too many NSEC3 iterations (RFC 9276): the answer goes without proof */
    uint8_t cookie_len;   /* 0: none that is answered */
    uint8_t lease_len;    /* 4, or 8 with KEY-LEASE; 0: none came, or it means nothing */
    uint16_t client_size; /* what the client advertised; EDNS_PLAIN_SIZE at least */
    uint16_t error;       /* RFC 8914, with has_error */
    uint32_t reserved;    /* bytes kept for our OPT */
    uint32_t seen;        /* bit EDNS_ROW_x: option x came */
    uint32_t options;     /* bit EDNS_ROW_x: there is room in `reserved` for it */
    /* What options brought, set with the above; not cleared. */
    uint8_t cookie[40];
    uint32_t lease_s, key_lease_s; /* RFC 9664: as asked, then as granted */
    uint8_t subnet_family, subnet_bits, subnet_len, subnet[16];
};

/* An answer without EDNS over UDP, and the least that a client can say (RFC 6891 s6.2.3). */
#define EDNS_PLAIN_SIZE 512

/* No OPT has come. */
static inline void edns_clear(struct edns *e)
{
    memset(e, 0, offsetof(struct edns, cookie));
    e->client_size = EDNS_PLAIN_SIZE;
}

struct request {
    struct peer peer;
    int64_t now_us; /* wall clock */
    const struct self *self;
    const struct store *store;
    struct counters *count;
    struct arena *arena;   /* reset before the next request is answered */
    struct digest *digest; /* this thread's, for NSEC3 */

    struct message msg;
    struct tsig_session tsig; /* of a signed request; all zero: unsigned */
    struct edns edns;
    char error_text[128]; /* of edns.error; not cleared */

    /* where the question leads: set by query_locate() */
    const struct store_entry *entry; /* NULL: not ours */
    const struct zone *zone;
    const struct version *version; /* what is published; NULL with an entry: it is not loaded */
    struct lookup lookup;          /* of msg.qname in version */

    struct build *answer;
    enum rcode rcode;
    uint16_t answer_flags; /* AA, TC ... without QR, opcode, RD, rcode */
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Grants: who may change what in a zone. One evaluator, for live updates and for `explain`.
 *
 * A grant is {identity, [from], where, [types], [ops], [limits]}; the first one that matches a
 * change decides it, and what none matches is refused. Names in a grant are absolute here; the
 * configuration completed them with the zone's name. Default types are all but SOA, NS at the apex
 * and those that signing makes or needs (DNSKEY, CDS, CDNSKEY, DS... only by explicit name). */
#ifndef REEVE_UPDATE_GRANT_H
#define REEVE_UPDATE_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "dns/name.h"
#include "dns/rr.h"
#include "request/prefix.h"
#include "request/request.h"
#include "tsig/tsig.h"

enum grant_where {
    GRANT_NAME,       /* name: owner is one of names */
    GRANT_UNDER,      /* under: one of names or below */
    GRANT_SELF,       /* self: owner is the key's name */
    GRANT_BELOW_SELF, /* below-self: strictly below it */
    GRANT_ACME,       /* acme: "_acme-challenge" right above one of names, or of any name */
    GRANT_DHCP,       /* dhcp: any name, with the types of a DHCP server */
    GRANT_REVERSE,    /* reverse-of-source: the name of the peer's address in in-addr.arpa/ip6.arpa */
    GRANT_ALL
};

enum grant_op { GRANT_ADD = 1, GRANT_DELETE = 2 };

/* A token bucket; the only part of a grant that changes. */
struct grant_rate {
    int64_t at_us;
    uint32_t tokens_milli;
};

struct grant {
    bool is_deny;     /* deny: yes */
    bool is_unsigned; /* unsigned: yes; key is empty then */
    struct name_buf key;  /* in lower case */
    struct name_buf self; /* self, below-self: the name in the zone that the key stands for */
    const struct prefix *from; /* any of; none: from anywhere */
    unsigned from_count;
    enum grant_where where;
    bool is_any_name; /* acme: [any] */
    const struct name_buf *names;
    unsigned name_count;
    const uint16_t *types; /* NULL: the default types */
    unsigned type_count;
    unsigned ops;         /* of enum grant_op; both unless written */
    uint32_t records_max; /* max-records: records in the zone that this grant covers; 0: no limit */
    uint32_t per_name_max;
    uint32_t ttl_min, ttl_max; /* max 0: no limit */
    uint32_t rate;             /* updates per second of this key; 0: no limit */
    uint32_t lease_s;          /* lease: kept for the lease issue; 0: none */
    const struct prefix *within; /* addresses in A, AAAA (and PTR owners) must lie in one of */
    unsigned within_count;
    struct grant_rate *state; /* of `rate`; NULL: no limit */
};

/* One change that somebody wants to make. */
struct grant_question {
    struct name zone;           /* apex */
    const struct tsig_key *key; /* verified; NULL: unsigned */
    const union address *from;
    enum grant_op op;
    struct name owner;
    uint16_t type;      /* ANY: all RRsets of the name */
    uint32_t ttl;       /* of a record that is added */
    struct rdata rdata; /* likewise */
};

/* Why a grant does not match, from far to near: who came furthest is "closest". */
enum grant_miss {
    GRANT_MATCH,
    GRANT_OTHER_KEY,
    GRANT_OTHER_SOURCE,
    GRANT_OTHER_NAME,
    GRANT_OTHER_TYPE,
    GRANT_OTHER_OP,
    GRANT_OUT_OF_LIMITS /* ttl, within */
};

/* How the grant stands to the question; a sentence about a miss goes to *why (may be NULL). */
enum grant_miss grant_match(const struct grant *g, const struct grant_question *question,
                            struct text *why);

/* The first grant that matches: true if it allows; *rule is its index, or that of the one that came
 * closest, or -1. */
bool grants_allow(const struct grant *grants, unsigned count,
                  const struct grant_question *question, int *rule);

/* Takes one update out of the grant's rate; false: over it. */
bool grant_take_rate(const struct grant *g, int64_t now_us);

/* The grant in the words of the configuration: "{key: web1, acme: [www, apex]}". */
void grant_show(const struct grant *g, struct name zone, struct text *t);

#endif

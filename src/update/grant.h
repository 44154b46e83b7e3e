/* SPDX-License-Identifier: Apache-2.0
 * Grants: who may change what in a zone. One evaluator, for live updates and for `explain`.
 *
 * A grant is {identity, [from], where, [types], [ops], [limits]}; the first one that matches a
 * change decides it, and what none matches is refused. Names in a grant are absolute here; the
 * configuration completed them with the zone's name. Default types are all but SOA, NS at the apex
 * and those that signing makes or needs (DNSKEY, CDS, CDNSKEY, DS... only by explicit name).
 *
 * acme and dhcp bring types of their own; `types` narrows them. What acme limits (TTL, records at a
 * name, lease) is taken from here where the grant says nothing else, so the configuration need not
 * fill it in. Nothing here allocates; a match costs a few comparisons of names.
 *
 * Leases (RFC 9664): whatever a grant says of them, a client that asks for one gets it, as near to
 * what it asked for as the grant's range has it. `lease` is for records of clients that do not. */
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
    GRANT_REVERSE, /* reverse-of-source: the name of the peer's address in in-addr.arpa/ip6.arpa */
    GRANT_ALL
};

/* An addition that takes the place of another record (CNAME, DNAME, WKS: s3.4.2.2 and s1.1.5 of RFC
 * 2136) needs both. The SOA does not: nothing can delete it. */
enum grant_op { GRANT_ADD = 1, GRANT_DELETE = 2 };

/* What acme grants at most where the grant itself does not say, and for how long. */
#define GRANT_ACME_TTL_MAX      300
#define GRANT_ACME_PER_NAME_MAX 8
#define GRANT_ACME_LEASE_S      3600

/* Leases that a client may ask for where the grant does not say (RFC 9664 s8). */
#define GRANT_LEASE_MIN_S       30
#define GRANT_LEASE_MAX_S       86400
#define GRANT_KEY_LEASE_MAX_S   604800
#define GRANT_LEASE_NONE        UINT32_MAX /* `lease: 0` */

/* The two parts of a grant that change. All zero at first. */

/* A token bucket that holds one second's worth. */
struct grant_rate {
    int64_t at_us;
    uint32_t tokens_milli;
};
/* Records of the zone that the grant covers: see quota.h. */
struct grant_count {
    struct grant_counted {
        uint64_t records;
        uint64_t version; /* number of the zone's version that has so many */
        bool is_counted;
    } tip, published;
    uint64_t coming; /* of the names counted so far */
    const void *by;  /* who counts; NULL: nobody */
};

/* Seconds; all zero: not said. */
struct grant_range {
    uint32_t min, max;
};
static inline uint32_t grant_clamp(struct grant_range range, uint32_t s)
{
    return s < range.min ? range.min : s > range.max ? range.max : s;
}

struct grant {
    bool is_deny;        /* deny: yes */
    bool is_unsigned;    /* unsigned: yes; key is empty then */
    struct name_buf key; /* in lower case, as in the keyring */
    /* self, below-self: the name in the zone that the key stands for: the key's own, or for a key
     * elsewhere ("web1") its name completed with the zone's */
    struct name_buf self;
    const struct prefix *from; /* any of; none: from anywhere */
    unsigned from_count;
    enum grant_where where;
    bool is_any_name;  /* acme: [any] */
    const char *label; /* grant_show_label(), for the change log; NULL: none was made */
    const struct name_buf *names;
    unsigned name_count;
    const uint16_t *types; /* NULL: the default types */
    unsigned type_count;
    unsigned ops;         /* of enum grant_op; both unless written, and 0 is both */
    uint32_t records_max; /* max-records: records in the zone that this grant covers; 0: no limit */
    uint32_t per_name_max;
    uint32_t ttl_min, ttl_max; /* max 0: no limit */
    uint32_t rate;             /* updates per second of this key; 0: no limit */
    /* lease: what is added is kept for so long unless its client asks for something else; 0: not
     * said. It lies in `lease`. */
    uint32_t lease_s;
    struct grant_range lease, key_lease; /* lease-range, key-lease-range */
    /* addresses in A and AAAA, and those that owners of PTR stand for, must lie in one of */
    const struct prefix *within;
    unsigned within_count;
    struct grant_rate *state;    /* of `rate`; NULL: no limit */
    struct grant_count *counted; /* of `records_max`; NULL: counted anew for each update */
};

/* One change that somebody wants to make. */
struct grant_question {
    struct name zone;           /* apex */
    const struct tsig_key *key; /* verified; NULL: unsigned */
    const union address *from;  /* NULL: not known; no `from` and no reverse-of-source matches it */
    enum grant_op op;
    struct name owner; /* in the zone */
    /* ANY: to delete all RRsets of a name where there are none. Where there are, each of them is a
     * question of its own: a whole name may be deleted if every RRset there is inside a grant. */
    uint16_t type;
    uint32_t ttl;       /* of a record that is added */
    struct rdata rdata; /* of a record that is added or deleted; len 0: a whole RRset */
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

/* How the grant stands to the question; a sentence about a miss goes to *why (may be NULL). `deny`
 * is left to the caller: such a grant matches what it denies. */
enum grant_miss grant_match(const struct grant *g, const struct grant_question *question,
                            struct text *why);

/* The first grant that matches: true if it allows; *rule is its index, or that of the one that came
 * closest, or -1. */
bool grants_allow(const struct grant *grants, unsigned count, const struct grant_question *question,
                  int *rule);

/* The grant is for this actor, whatever is changed: key and source match, and it is not a deny. */
bool grant_is_for(const struct grant *g, const struct grant_question *question);
/* Where and types of the grant have this owner and type: what its limits count. */
bool grant_covers(const struct grant *g, const struct grant_question *question);
/* max-per-name as written, or the preset's; 0: no limit. */
uint32_t grant_per_name_max(const struct grant *g);

/* As written, or the preset's; 0: for good. */
uint32_t grant_lease_s(const struct grant *g);
/* Some of them has one. */
bool grants_give_leases(const struct grant *grants, unsigned count);
/* What a client may ask for. */
struct grant_range grant_lease(const struct grant *g);
/* The same with KEY-LEASE. */
struct grant_range grant_key_lease(const struct grant *g);

/* Takes one update out of the grant's rate; false: over it. */
bool grant_take_rate(const struct grant *g, int64_t now_us);

/* Only where it holds, in short: "acme www apex". */
#define GRANT_LABEL_MAX 80
void grant_show_label(const struct grant *g, struct name zone, struct text *t);
/* The grant in the words of the configuration: "{key: web1, acme: [www, apex]}". */
void grant_show(const struct grant *g, struct name zone, struct text *t);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Response rate limiting: what is sent over UDP to one network is bounded, whoever asks in its name
 * (reflection: a forged source has us flood its owner).
 *
 * Answers count by network and by what they say, so that a resolver that asks for many names is not
 * taken for a flood about one: see the classes. A network over the rate of a bucket gets nothing
 * from it, but for every slip-th answer, which goes out truncated and without data, so that a real
 * resolver behind that network asks again over TCP; of errors, which are as short as that, the
 * answer itself. Who goes on is behind by up to `window` seconds and gets no other answer until it
 * has kept quiet. Never limited: TCP, a client with a good cookie (RFC 7873 s5.2.3), one that signs
 * with a key of ours, and the networks in `exempt`.
 *
 * The memory is that of the table (base/bucket.h), which also says how unlikely it is that somebody
 * is limited because of others: with the 32768 sets of the default table some 1 in 10^9 for each
 * network and name. A table that is too small forgets those that are least over their rate. What a
 * limited answer costs is the lookup of its name; it is not composed. */
#ifndef REEVE_SERVER_RRL_H
#define REEVE_SERVER_RRL_H

#include "base/bucket.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "request/network.h"
#include "request/request.h"

/* clang-format off */
/*    class             setting        text         all answers that have in common: the network, and */
#define RRL_CLASS_LIST(X)                                                                          \
    X(RRL_RESPONSES,    rrl_responses, "answers")   /* the name that has the data, or has none of that
                                                       type; what a wildcard or DNAME makes is one */ \
    X(RRL_NXDOMAIN,     rrl_nxdomain,  "nxdomain")  /* the zone */                                  \
    X(RRL_REFERRALS,    rrl_referrals, "referrals") /* the zone cut */                              \
    X(RRL_ERRORS,       rrl_errors,    "errors")    /* nothing else */                              \
    X(RRL_ALL,          rrl_all,       "all")       /* nothing else, whatever the class */
/* clang-format on */

enum rrl_class {
#define X(class, setting, text) class,
    RRL_CLASS_LIST(X)
#undef X
        RRL_CLASS_COUNT
};

enum rrl_verdict { RRL_SEND, RRL_SLIP, RRL_DROP };

struct rrl {
    bool is_on;
    struct network_bits bits;
    uint32_t slip, table_size;
    struct bucket_rate rate[RRL_CLASS_COUNT];
    uint32_t per_second[RRL_CLASS_COUNT]; /* 0: no limit */
    const struct conf_prefixes *exempt;   /* the configuration's */
    struct universal_key key;
    struct buckets buckets;
    struct log_rate log;
};

/* All zero before. Takes what the configuration says, which must stay as long as it is used; what
 * is known of networks is kept if the table has the same size. */
void rrl_configure(struct rrl *r, const struct conf *conf);
void rrl_done(struct rrl *r);

/* One answer: what it is about, and where it counts. */
struct rrl_case {
    enum rrl_class class;    /* not RRL_ALL */
    uint64_t hash, hash_all; /* of its buckets; hash_all is set if RRL_ALL has a limit */
};

/* The case of an answer to q, before it is made; is_decided: q->rcode is it, else q was looked up.
 * Its buckets are on their way into the cache then: to be called for a whole batch before the first
 * is judged. */
void rrl_case_of(const struct rrl *r, const struct request *q, bool is_decided,
                 struct rrl_case *out);
/* Counts the answer, which would go out over UDP: with exemptions, counters and the log. */
enum rrl_verdict rrl_judge(struct rrl *r, const struct request *q, const struct rrl_case *c);

/* Which limits an answer has, if it goes out over UDP to who has neither cookie nor key. */
struct rrl_about {
    const char *class;
    struct name name;                    /* len 0: the network alone; may lie in `room` */
    uint32_t per_second, all_per_second; /* 0: no limit */
    struct prefix network;
    const struct prefix *exempt; /* that the address is in; NULL: none */
    struct name_buf room;
};
/* Of the answer to a query that was looked up. Counts nothing. */
void rrl_explain(const struct rrl *r, const struct request *q, struct rrl_about *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Who is refused too often: what comes from there is turned away before it costs anything.
 *
 * A source is a network (see settings rate-limit.ipv4-prefix, -ipv6-prefix) and a transport, since
 * over UDP anybody can send in its name. What counts are refusals (REFUSED, NOTAUTH: also wrong
 * signatures) of updates, notifies and signed messages, never what is allowed, and nothing that a
 * key of ours has signed: who has one is known, and its network is not to suffer from its faults.
 * Beyond `refusals-per-source` in a second nothing of the kind is looked at any more, signatures
 * neither: over TCP it is answered REFUSED (with the reason for who sends an OPT), over UDP every
 * rate-limit.slip-th gets an empty truncated answer, so that a client whose network somebody else
 * uses finds its way over TCP, and the rest nothing. All refusals are charged, also of what was
 * under way, up to GUARD_DEBT_S seconds' worth, so that the rate holds in the long run.
 *
 * Plain queries are not its business (rrl.h). */
#ifndef REEVE_SERVER_GUARD_H
#define REEVE_SERVER_GUARD_H

#include "base/bucket.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "request/network.h"
#include "request/request.h"

#define GUARD_SOURCES 16384 /* remembered, 16 bytes each */
#define GUARD_DEBT_S  10
/* Refusals of one source that go to the ring (refused.h): so many at once, then one in so long. */
#define GUARD_KEPT    20
#define GUARD_KEPT_NS INT64_C(500000000)

struct guard {
    struct network_bits bits;
    uint32_t slip;
    struct bucket_rate refusals, kept;
    struct hash_key key;
    struct buckets buckets;
    struct log_rate log;
};

/* All zero before. */
void guard_configure(struct guard *g, const struct conf *conf);
void guard_done(struct guard *g);

enum guard_verdict { GUARD_OPEN, GUARD_ANSWERS, GUARD_DROPS };
/* Is a message from there, of the kind that it guards against, turned away? Counts and logs it
 * then. */
enum guard_verdict guard_ask(struct guard *g, const struct peer *peer, int64_t now_us,
                             struct counters *count);
/* A message of that kind was turned down. Is this one to be remembered for the operator? Not, if
 * there were many of that source that nobody we know has signed. */
bool guard_note(struct guard *g, const struct request *q, enum rcode rcode);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Who is refused too often. */
#include "server/guard.h"

#include "base/random.h"

/* Lines in a second about sources that come to the limit. */
#define GUARD_LOGS_PER_SECOND 10

/* What a source's buckets are for. */
enum purpose { REFUSALS, KEPT };

void guard_configure(struct guard *g, const struct conf *conf)
{
    g->bits = (struct network_bits){(uint8_t)conf->rrl_ipv4_prefix, (uint8_t)conf->rrl_ipv6_prefix};
    g->slip = conf->rrl_slip;
    g->refusals = bucket_rate(conf->refusals_per_source, GUARD_DEBT_S);
    g->kept = (struct bucket_rate){GUARD_KEPT_NS, GUARD_KEPT * GUARD_KEPT_NS, 0};
    if (g->buckets.sets)
        return;
    random_bytes(&g->key, sizeof(g->key));
    buckets_init(&g->buckets, (size_t)2 * GUARD_SOURCES);
}

void guard_done(struct guard *g)
{
    buckets_done(&g->buckets);
}

static uint64_t hash_of(const struct guard *g, const struct peer *peer, enum purpose purpose)
{
    struct network from = network_of(&peer->address, g->bits);
    const uint64_t key[] = {from.prefix, from.bytes_len | (uint64_t)peer->transport << 8 |
                                             (uint64_t)purpose << 16};
    return hash_bytes(&g->key, key, sizeof(key));
}

static void log_begun(struct guard *g, const struct peer *peer, int64_t now_us)
{
    char network[PREFIX_TEXT_MAX];
    struct prefix prefix = network_prefix(network_of(&peer->address, g->bits), g->bits);
    uint64_t suppressed;
    struct text t;
    if (!log_is_on(LOG_INFO_LEVEL) ||
        !log_rate_is_open(&g->log, GUARD_LOGS_PER_SECOND, now_us, &suppressed))
        return;
    text_init(&t, network, sizeof(network));
    prefix_show(&prefix, &t);
    log_info("turned away, refused too often", {"network", network},
             {"transport", peer->transport == TRANSPORT_UDP ? "udp" : "tcp"},
             {"rule", "server.limits.refusals-per-source"},
             {"suppressed", LOG_SUPPRESSED(suppressed)});
}

enum guard_verdict guard_ask(struct guard *g, const struct peer *peer, int64_t now_us,
                             struct counters *count)
{
    unsigned held;
    if (g->refusals.cost_ns == 0)
        return GUARD_OPEN;
    uint64_t hash = hash_of(g, peer, REFUSALS);
    enum bucket_verdict v = buckets_look(&g->buckets, hash, &g->refusals, now_us, &held);
    if (LIKELY(v == BUCKET_PASSES))
        return GUARD_OPEN;
    count->turned_away++;
    if (v == BUCKET_FAILS_FIRST)
        log_begun(g, peer, now_us);
    bool is_answered = peer->transport == TRANSPORT_TCP || (g->slip && (held + 1) % g->slip == 0);
    return is_answered ? GUARD_ANSWERS : GUARD_DROPS;
}

bool guard_note(struct guard *g, const struct request *q, enum rcode rcode)
{
    unsigned held;
    if (tsig_is_verified(&q->tsig))
        return true;
    bool counts = (rcode == REFUSED || rcode == NOTAUTH) && g->refusals.cost_ns;
    if (counts && buckets_take(&g->buckets, hash_of(g, &q->peer, REFUSALS), &g->refusals, q->now_us,
                               &held) == BUCKET_FAILS_FIRST)
        log_begun(g, &q->peer, q->now_us);
    uint64_t kept = hash_of(g, &q->peer, KEPT);
    return buckets_take(&g->buckets, kept, &g->kept, q->now_us, &held) == BUCKET_PASSES;
}

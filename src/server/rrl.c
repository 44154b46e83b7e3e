/* SPDX-License-Identifier: Apache-2.0
 * Response rate limiting: what an answer is about, and whether it is one too many. */
#include "server/rrl.h"

#include "base/random.h"
#include "zone/store.h"

/* Lines in a second about networks that come to a limit. */
#define RRL_LOGS_PER_SECOND 10

/* --- settings --- */

void rrl_configure(struct rrl *r, const struct conf *conf)
{
    uint32_t rates[] = {
#define X(class, setting, text) conf->setting,
        RRL_CLASS_LIST(X)
#undef X
    };
    r->is_on = false;
    for (unsigned i = 0; i < RRL_CLASS_COUNT; i++) {
        uint32_t rate = rates[i] || i == RRL_ALL ? rates[i] : conf->rrl_responses;
        r->per_second[i] = rate;
        r->rate[i] = bucket_rate(rate, conf->rrl_window_s);
        r->is_on = r->is_on || rate;
    }
    r->slip = conf->rrl_slip;
    r->bits = (struct network_bits){(uint8_t)conf->rrl_ipv4_prefix, (uint8_t)conf->rrl_ipv6_prefix};
    r->exempt = &conf->rrl_exempt;
    if (r->is_on && r->buckets.sets && r->table_size == conf->rrl_table_size)
        return;
    buckets_done(&r->buckets);
    r->table_size = conf->rrl_table_size;
    random_bytes(&r->key, sizeof(r->key));
    if (r->is_on)
        buckets_init(&r->buckets, r->table_size);
}

void rrl_done(struct rrl *r)
{
    buckets_done(&r->buckets);
}

/* --- what an answer is about --- */

/* What an answer is about. */
struct subject {
    enum rrl_class class; /* not RRL_ALL */
    struct name name;     /* len 0: the network alone */
};

/* Names as the zone has them where it has them; those that were asked for may be written in any
 * case. */
static inline struct subject subject_of_lookup(const struct request *q, struct name_buf *room)
{
    const struct lookup *l = &q->lookup;
    switch (l->kind) {
    case LOOKUP_NODE:
    case LOOKUP_DNAME:
    case LOOKUP_WILDCARD:
        return (struct subject){RRL_RESPONSES, node_owner(l->node)};
    case LOOKUP_CUT:
        if (q->msg.qtype != TYPE_DS || !l->is_exact)
            return (struct subject){RRL_REFERRALS, node_owner(l->node)};
        return (struct subject){RRL_RESPONSES, node_owner(l->node)};
    case LOOKUP_ABSENT:
        return (struct subject){RRL_NXDOMAIN, name_of(&q->entry->name)};
    default: /* what is empty has no node: the name that was asked for, or that of the wildcard's
                parent */
        room->len = l->encloser.len;
        name_lower(l->encloser, room->wire);
        return (struct subject){RRL_RESPONSES, name_of(room)};
    }
}

/* As far as it is known before the answer is made. is_decided: q->rcode is it; else q->lookup is
 * set where there is a q->version. */
static inline struct subject subject_of(const struct request *q, bool is_decided,
                                        struct name_buf *room)
{
    struct subject error = {.class = RRL_ERRORS}, plain = {.class = RRL_RESPONSES};
    if (UNLIKELY(is_decided))
        return q->rcode == NOERROR ? plain : error;
    if (LIKELY(q->version))
        return subject_of_lookup(q, room);
    return q->msg.qclass == CLASS_CH ? plain : error;
}

/* --- where an answer counts --- */

static uint64_t hash_of(const struct rrl *r, struct network from, enum rrl_class class,
                        struct name name)
{
    uint64_t head[] = {from.prefix,
                       from.bytes_len | (uint64_t) class << 8 | (uint64_t)name.len << 16};
    return hash_universal(&r->key, head, name.wire, name.len);
}

void rrl_case_of(const struct rrl *r, const struct request *q, bool is_decided,
                 struct rrl_case *out)
{
    struct network from = network_of(&q->peer.address, r->bits);
    struct name_buf room;
    struct subject about = subject_of(q, is_decided, &room);
    out->class = about.class;
    out->hash = hash_of(r, from, about.class, about.name);
    buckets_prefetch(&r->buckets, out->hash);
    if (r->rate[RRL_ALL].cost_ns) {
        out->hash_all = hash_of(r, from, RRL_ALL, (struct name){0});
        buckets_prefetch(&r->buckets, out->hash_all);
    }
}

/* --- judging --- */

/* The first prefix in `exempt` that has the address, or NULL. */
static const struct prefix *find_exempt(const struct rrl *r, const union address *a)
{
    for (unsigned i = 0; i < r->exempt->count; i++)
        if (prefix_has(&r->exempt->items[i], a))
            return &r->exempt->items[i];
    return NULL;
}

static bool is_exempt(const struct rrl *r, const struct request *q)
{
    return q->edns.has_good_cookie || tsig_is_verified(&q->tsig) ||
           (r->exempt->count && find_exempt(r, &q->peer.address));
}

static const char *const class_texts[] = {
#define X(class, setting, text) text,
    RRL_CLASS_LIST(X)
#undef X
};

static struct prefix prefix_of(const struct rrl *r, const struct request *q)
{
    return network_prefix(network_of(&q->peer.address, r->bits), r->bits);
}

static void log_begun(struct rrl *r, const struct request *q, enum rrl_class class)
{
    char network[PREFIX_TEXT_MAX], zone[NAME_TEXT_MAX], name[NAME_TEXT_MAX];
    struct prefix prefix = prefix_of(r, q);
    uint64_t suppressed;
    struct text t;
    if (!log_is_on(LOG_INFO_LEVEL) ||
        !log_rate_is_open(&r->log, RRL_LOGS_PER_SECOND, q->now_us, &suppressed))
        return;
    text_init(&t, network, sizeof(network));
    prefix_show(&prefix, &t);
    log_info("rate limited", {"network", network}, {"class", class_texts[class]},
             {"zone", q->entry ? name_text(name_of(&q->entry->name), zone) : NULL},
             {"name", q->msg.qname.len ? name_text(q->msg.qname, name) : NULL},
             {"suppressed", LOG_SUPPRESSED(suppressed)});
}

static void count(struct counters *c, enum rrl_class class, enum rrl_verdict verdict)
{
    c->rrl_limited++;
    c->rrl_slipped += verdict == RRL_SLIP;
    c->rrl_nxdomain += class == RRL_NXDOMAIN;
    c->rrl_referrals += class == RRL_REFERRALS;
    c->rrl_errors += class == RRL_ERRORS;
}

/* Takes one from the buckets that the answer has. The class whose limit is reached, or
 * RRL_CLASS_COUNT. */
static inline enum rrl_class take(struct rrl *r, const struct rrl_case *c, int64_t now_us,
                                  enum bucket_verdict *verdict, unsigned *held)
{
    const struct bucket_rate *rate = &r->rate[c->class], *all = &r->rate[RRL_ALL];
    *verdict = BUCKET_PASSES;
    if (rate->cost_ns)
        *verdict = buckets_take(&r->buckets, c->hash, rate, now_us, held);
    if (UNLIKELY(*verdict != BUCKET_PASSES))
        return c->class;
    if (all->cost_ns)
        *verdict = buckets_take(&r->buckets, c->hash_all, all, now_us, held);
    return LIKELY(*verdict == BUCKET_PASSES) ? RRL_CLASS_COUNT : RRL_ALL;
}

enum rrl_verdict rrl_judge(struct rrl *r, const struct request *q, const struct rrl_case *c)
{
    enum bucket_verdict bucket;
    unsigned held;
    if (is_exempt(r, q))
        return RRL_SEND;
    enum rrl_class reached = take(r, c, q->now_us, &bucket, &held);
    if (LIKELY(reached == RRL_CLASS_COUNT))
        return RRL_SEND;
    enum rrl_verdict verdict = r->slip && (held + 1) % r->slip == 0 ? RRL_SLIP : RRL_DROP;
    count(q->count, c->class, verdict);
    if (bucket == BUCKET_FAILS_FIRST)
        log_begun(r, q, reached);
    return verdict == RRL_SLIP && c->class == RRL_ERRORS ? RRL_SEND : verdict;
}

/* --- for the operator --- */

void rrl_explain(const struct rrl *r, const struct request *q, struct rrl_about *out)
{
    struct subject about = subject_of(q, false, &out->room);
    out->class = class_texts[about.class];
    out->name = about.name;
    out->per_second = r->per_second[about.class];
    out->all_per_second = r->per_second[RRL_ALL];
    out->network = prefix_of(r, q);
    out->exempt = find_exempt(r, &q->peer.address);
}

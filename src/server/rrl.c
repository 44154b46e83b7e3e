/* SPDX-License-Identifier: Apache-2.0
 * Response rate limiting: what an answer is about, and whether it is one too many. */
#include "server/rrl.h"

#include <string.h>

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
    if (r->is_on && r->buckets.all && r->table_size == conf->rrl_table_size)
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

static struct rrl_subject subject_of_lookup(const struct request *q)
{
    const struct lookup *l = &q->lookup;
    struct name qname = q->msg.qname;
    switch (l->kind) {
    case LOOKUP_CUT:
        if (q->msg.qtype != TYPE_DS || !l->is_exact)
            return (struct rrl_subject){RRL_REFERRALS, node_owner(l->node)};
        return (struct rrl_subject){RRL_RESPONSES, qname};
    case LOOKUP_DNAME:
    case LOOKUP_WILDCARD:
        return (struct rrl_subject){RRL_RESPONSES, node_owner(l->node)};
    case LOOKUP_WILDCARD_EMPTY:
        return (struct rrl_subject){RRL_RESPONSES, l->encloser};
    case LOOKUP_ABSENT:
        return (struct rrl_subject){RRL_NXDOMAIN, name_of(&q->entry->name)};
    default:
        return (struct rrl_subject){RRL_RESPONSES, qname};
    }
}

struct rrl_subject rrl_subject_of(const struct request *q, bool is_decided)
{
    struct rrl_subject error = {.class = RRL_ERRORS}, plain = {.class = RRL_RESPONSES};
    if (is_decided)
        return q->rcode == NOERROR ? plain : error;
    if (LIKELY(q->version))
        return subject_of_lookup(q);
    return q->msg.qclass == CLASS_CH ? plain : error;
}

/* --- where an answer counts --- */

/* Network, class and name are the key of a bucket. It is hashed in whole words: loops over bytes,
 * which end elsewhere for each name, would cost more than the hash. */
#define KEY_HEAD      2
#define KEY_WORDS_MAX (KEY_HEAD + (NAME_LEN_MAX + 7) / 8)

/* RFC 4343: ASCII letters in lower case, eight bytes at once. */
static uint64_t fold(uint64_t bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t low = bytes & each * 0x7f;
    uint64_t from_a = low + each * (0x80 - 'A'), behind_z = low + each * (0x7f - 'Z');
    return bytes | (from_a & ~behind_z & ~bytes & each * 0x80) >> 2;
}

static uint64_t eight(const uint8_t *p)
{
    uint64_t bytes;
    memcpy(&bytes, p, sizeof(bytes));
    return bytes;
}

/* How many words the name has, folded; the last two may overlap. */
static unsigned name_words(struct name n, uint64_t *out)
{
    unsigned count = 0;
    if (n.len < 8) {
        uint64_t bytes = 0;
        for (unsigned i = 0; i < n.len; i++)
            bytes |= (uint64_t)n.wire[i] << 8 * i;
        out[0] = fold(bytes);
        return n.len > 0;
    }
    for (unsigned at = 0; at + 8u < n.len; at += 8)
        out[count++] = fold(eight(n.wire + at));
    out[count++] = fold(eight(n.wire + n.len - 8));
    return count;
}

static uint64_t hash_of(const struct rrl *r, struct network from, enum rrl_class class,
                        struct name name)
{
    uint64_t key[KEY_WORDS_MAX];
    key[0] = from.prefix;
    key[1] = from.bytes_len | (uint64_t) class << 8 | (uint64_t)name.len << 16;
    return hash_words(&r->key, key, KEY_HEAD + name_words(name, key + KEY_HEAD));
}

struct rrl_case rrl_case_of(const struct rrl *r, const struct request *q, bool is_decided)
{
    struct rrl_case c = {.subject = rrl_subject_of(q, is_decided),
                         .from = network_of(&q->peer.address, r->bits)};
    c.hash = hash_of(r, c.from, c.subject.class, c.subject.name);
    buckets_prefetch(&r->buckets, c.hash);
    if (r->rate[RRL_ALL].cost_ns) {
        c.hash_all = hash_of(r, c.from, RRL_ALL, (struct name){0});
        buckets_prefetch(&r->buckets, c.hash_all);
    }
    return c;
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
           find_exempt(r, &q->peer.address);
}

static const char *const class_texts[] = {
#define X(class, setting, text) text,
    RRL_CLASS_LIST(X)
#undef X
};

static void log_begun(struct rrl *r, const struct request *q, enum rrl_class class,
                      struct network from)
{
    char network[PREFIX_TEXT_MAX], zone[NAME_TEXT_MAX], name[NAME_TEXT_MAX];
    struct prefix prefix = network_prefix(from, r->bits);
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

/* RRL_CLASS_COUNT: no limit is reached. */
static enum rrl_class take(struct rrl *r, const struct rrl_case *c, int64_t now_us,
                           enum bucket_verdict *verdict, unsigned *held)
{
    const enum rrl_class classes[] = {c->subject.class, RRL_ALL};
    const uint64_t hashes[] = {c->hash, c->hash_all};
    for (unsigned i = 0; i < ARRAY_LEN(classes); i++) {
        const struct bucket_rate *rate = &r->rate[classes[i]];
        if (rate->cost_ns == 0)
            continue;
        *verdict = buckets_take(&r->buckets, hashes[i], rate, now_us, held);
        if (UNLIKELY(*verdict != BUCKET_PASSES))
            return classes[i];
    }
    return RRL_CLASS_COUNT;
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
    count(q->count, c->subject.class, verdict);
    if (bucket == BUCKET_FAILS_FIRST)
        log_begun(r, q, reached, c->from);
    return verdict == RRL_SLIP && c->subject.class == RRL_ERRORS ? RRL_SEND : verdict;
}

/* --- for the operator --- */

void rrl_explain(const struct rrl *r, const struct request *q, struct rrl_about *out)
{
    struct rrl_subject subject = rrl_subject_of(q, false);
    *out = (struct rrl_about){
        .class = class_texts[subject.class],
        .name = subject.name,
        .per_second = r->per_second[subject.class],
        .all_per_second = r->per_second[RRL_ALL],
        .network = network_prefix(network_of(&q->peer.address, r->bits), r->bits),
        .exempt = find_exempt(r, &q->peer.address),
    };
}

/* SPDX-License-Identifier: Apache-2.0
 * The pipeline of a batch: read all, look all names up together, answer each.
 *
 * The stages are in the order of DESIGN's "way of a message". A request leaves the first stage as
 * one of: dropped (nothing that we may answer), decided (an rcode, no data), or to be looked up.
 * The lookups of all run in lock step (zone/lookup.h); then each answer is composed in one shared
 * build, straight into its exchange. */
#include "base/check.h"
#include "edns/edns.h"
#include "query/query.h"
#include "request/address.h"
#include "server/server_int.h"

enum stage { STAGE_DROP, STAGE_DECIDED, STAGE_LOOK_UP, STAGE_ANSWER };

/* Refusals logged in a second; the rest is counted. */
#define REFUSED_LOGS_PER_SECOND 10

static enum stage decide(struct request *q, enum rcode rc)
{
    q->rcode = rc;
    return STAGE_DECIDED;
}

/* What is no request is not answered, or two servers could answer each other for ever. */
static bool is_request(struct request *q, const struct exchange *x)
{
    if (!message_read_header(&q->msg, x->in, x->in_len)) {
        q->count->dropped_short++;
        return false;
    }
    if (q->msg.flags & FLAG_QR) {
        q->count->dropped_response++;
        return false;
    }
    return true;
}

static enum stage read_query(struct request *q)
{
    enum rcode rc = message_read(&q->msg);
    if (rc == NOERROR)
        rc = edns_read(q);
    if (rc == NOERROR && q->msg.qname.len == 0)
        rc = FORMERR; /* RFC 9619: nothing to answer without a question */
    if (rc == NOERROR)
        rc = edns_apply(q);
    if (rc != NOERROR)
        return decide(q, rc);
    return query_locate(q) ? STAGE_LOOK_UP : STAGE_ANSWER;
}

static enum stage read_request(struct server *s, struct request *q, const struct exchange *x,
                               int64_t now_us)
{
    q->peer = x->peer;
    q->now_us = now_us;
    q->self = &s->self;
    q->store = &s->store;
    q->count = &s->count;
    q->arena = &s->arena;
    q->digest = &s->digest;
    q->answer = &s->build;
    q->edns = (struct edns){.client_size = EDNS_PLAIN_SIZE};
    q->entry = NULL;
    q->zone = NULL;
    q->version = NULL;
    q->rcode = NOERROR;
    q->answer_flags = 0;
    if (!is_request(q, x))
        return STAGE_DROP;
    if (message_opcode(&q->msg) == OPCODE_QUERY)
        return read_query(q);
    /* the question is echoed where there is one (RFC 1996, RFC 2136), but a fault in the rest is
     * not looked for */
    if (message_read(&q->msg) == NOERROR)
        edns_read(q);
    return decide(q, NOTIMP);
}

static void log_refused(struct server *s, const struct request *q)
{
    uint64_t suppressed;
    if (!log_is_on(LOG_INFO_LEVEL) ||
        !log_rate_is_open(&s->refused_rate, REFUSED_LOGS_PER_SECOND, q->now_us, &suppressed))
        return;
    struct address_text from;
    char name[NAME_TEXT_MAX], type[16];
    log_info("query refused", {"from", address_show(&q->peer.address, &from)},
             {"name", q->msg.qname.len ? name_text(q->msg.qname, name) : NULL},
             {"type", rrtype_text(q->msg.qtype, type)},
             {"rule", q->entry ? "not served here" : "no zone of ours"},
             {"suppressed", LOG_SUPPRESSED(suppressed)});
}

static void count_answer(struct server *s, const struct request *q)
{
    struct counters *c = &s->count;
    uint64_t *by_rcode[] = {
        [NOERROR] = &c->noerror,   [FORMERR] = &c->formerr, [SERVFAIL] = &c->servfail,
        [NXDOMAIN] = &c->nxdomain, [NOTIMP] = &c->notimp,   [REFUSED] = &c->refused,
        [BADVERS] = &c->badvers};
    if ((unsigned)q->rcode < ARRAY_LEN(by_rcode) && by_rcode[q->rcode])
        (*by_rcode[q->rcode])++;
    c->answers++;
    c->answers_truncated += (q->answer_flags & FLAG_TC) != 0;
    if (q->rcode == REFUSED)
        log_refused(s, q);
}

/* Header bits that an answer takes over from its request: RD (RFC 1035 s4.1.1), and CD (RFC 4035
 * s3.1.6). */
static uint16_t header_flags(const struct request *q)
{
    uint16_t flags = (uint16_t)(FLAG_QR | (q->msg.flags & FLAG_OPCODE_MASK) | q->answer_flags);
    if (message_opcode(&q->msg) == OPCODE_QUERY)
        flags |= q->msg.flags & (FLAG_RD | FLAG_CD);
    return (uint16_t)(flags | ((unsigned)q->rcode & FLAG_RCODE_MASK));
}

/* The longest question and an OPT without options fit the smallest answer. */
_Static_assert(DNS_HEADER_LEN + NAME_LEN_MAX + 4 + EDNS_OPT_HEAD_LEN <= EDNS_PLAIN_SIZE,
               "every answer has room to begin");

static void write_answer(struct server *s, struct request *q, struct exchange *x, enum stage stage)
{
    struct build *b = q->answer;
    build_init(b, x->out, edns_answer_max(q));
    bool fits = !q->msg.qname.len || build_question(b, q->msg.qname, q->msg.qtype, q->msg.qclass);
    fits = edns_reserve(q) && fits;
    ASSERT(fits);
    if (stage != STAGE_DECIDED) {
        query_answer(q);
        arena_reset(&s->arena);
    }
    edns_write(q);
    build_header(b, q->msg.id, header_flags(q));
    x->out_len = b->len;
    count_answer(s, q);
}

void server_handle(struct server *s, struct exchange *x, unsigned count, int64_t now_us)
{
    struct lookup_job jobs[SERVER_BATCH_MAX];
    enum stage stage[SERVER_BATCH_MAX];
    unsigned job_count = 0;
    ASSERT(count <= SERVER_BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct request *q = &s->request[i];
        s->count.udp_queries += x[i].peer.transport == TRANSPORT_UDP;
        s->count.tcp_queries += x[i].peer.transport == TRANSPORT_TCP;
        x[i].out_len = 0;
        stage[i] = read_request(s, q, &x[i], now_us);
        if (stage[i] == STAGE_LOOK_UP)
            jobs[job_count++] = (struct lookup_job){q->version, q->msg.qname, &q->lookup};
    }
    if (job_count)
        lookup_batch(jobs, job_count);
    for (unsigned i = 0; i < count; i++)
        if (stage[i] != STAGE_DROP)
            write_answer(s, &s->request[i], &x[i], stage[i]);
}

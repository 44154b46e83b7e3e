/* SPDX-License-Identifier: Apache-2.0
 * The pipeline of a batch: read all, look all names up together, answer each.
 *
 * The stages are in the order of DESIGN's "way of a message". A request leaves the first stage as
 * one of: dropped (nothing that we may answer), decided (an rcode, no data), an UPDATE, or to be
 * looked up. The lookups of all run in lock step (zone/lookup.h); then each answer is composed in
 * one shared build, straight into its exchange. An UPDATE is queued and comes here a second time
 * when it is run (update.c); most of their answers come when the change log has them (commit.h). */
#include <stdio.h>

#include "base/check.h"
#include "edns/edns.h"
#include "query/query.h"
#include "request/address.h"
#include "server/server_int.h"

enum stage {
    STAGE_DROP,
    STAGE_TURNED_AWAY,
    STAGE_DECIDED,
    STAGE_QUEUE,
    STAGE_UPDATE,
    STAGE_FORWARD,
    STAGE_NOTIFY,
    STAGE_TRANSFER,
    STAGE_LOOK_UP,
    STAGE_ANSWER
};

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

static bool is_transfer(const struct request *q)
{
    return q->msg.qtype == TYPE_AXFR || q->msg.qtype == TYPE_IXFR;
}

/* A question that no data answers. */
static enum stage decline_query(struct server *s, struct request *q, enum rcode rc)
{
    struct refusal_cause cause = {.rcode = rc, .reason = "no zone of ours"};
    if (rc == REFUSED && q->msg.qclass == CLASS_CH)
        cause.reason = "not served here";
    else if (rc == REFUSED)
        cause.ede = EDE_NOT_AUTHORITATIVE;
    if (rc == REFUSED)
        refusal_note(s, q, &cause);
    else if (rc == SERVFAIL && q->entry->is_expired)
        edns_say(q, EDE_INVALID_DATA, "the zone has expired here");
    else if (rc == SERVFAIL)
        edns_say(q, EDE_NOT_READY, "the zone is not loaded");
    return decide(q, rc);
}

static enum stage read_query(struct server *s, struct request *q)
{
    enum rcode rc = edns_apply(q);
    if (UNLIKELY(q->msg.qname.len == 0)) /* RFC 9619 s4 */
        return decide(q, edns_cookie_rcode(q));
    if (rc != NOERROR)
        return decide(q, rc);
    if (UNLIKELY(is_transfer(q)))
        return STAGE_TRANSFER;
    if (LIKELY(query_locate(q)))
        return STAGE_LOOK_UP;
    rc = query_verdict(q);
    return rc == NOERROR ? STAGE_ANSWER : decline_query(s, q, rc);
}

void request_init(struct server *s, struct request *q, const struct peer *peer, int64_t now_us)
{
    q->peer = *peer;
    q->now_us = now_us;
    q->self = &s->self;
    q->store = &s->store;
    q->count = &s->count;
    q->arena = &s->arena;
    q->digest = &s->digest;
    q->answer = &s->build;
    edns_clear(&q->edns);
    q->entry = NULL;
    q->zone = NULL;
    q->version = NULL;
    q->rcode = NOERROR;
    q->answer_flags = 0;
}

static void count_tsig(struct counters *c, const struct tsig_session *t)
{
    c->tsig_verified += t->error == NOERROR && t->key;
    c->tsig_badkey += t->error == BADKEY;
    c->tsig_badsig += t->error == BADSIG;
    c->tsig_badtime += t->error == BADTIME;
    c->tsig_badtrunc += t->error == BADTRUNC;
}

static const char *tsig_reason(unsigned error)
{
    switch (error) {
    case BADKEY:
        return "BADKEY: no such key, or not with this algorithm";
    case BADSIG:
        return "BADSIG: not signed with our secret of this key";
    case BADTIME:
        return "BADTIME: signed at another time, look at the clocks";
    default:
        return "BADTRUNC: the signature is shortened too much";
    }
}

/* RFC 8945 s5.2: who asks is settled before anything else is looked at. */
static enum rcode authenticate(struct server *s, struct request *q)
{
    if (LIKELY(!q->msg.tsig_at))
        return NOERROR;
    enum rcode rc = tsig_verify(&q->tsig, s->keyring, &q->msg, q->now_us);
    count_tsig(&s->count, &q->tsig);
    if (rc == NOTAUTH) {
        struct refusal_cause cause = {.rcode = rc, .reason = tsig_reason(q->tsig.error)};
        refusal_note(s, q, &cause);
    }
    return rc;
}

/* Signature, OPT, of a message whose form was read: what came of that. A signature that
 * is malformed is answered with our OPT as well. */
static enum rcode read_rest(struct server *s, struct request *q, enum rcode form)
{
    if (form != NOERROR)
        return form;
    enum rcode rc = authenticate(s, q), edns = edns_read(q);
    if (UNLIKELY(rc == NOTAUTH))
        edns_say(q, EDE_PROHIBITED, tsig_reason(q->tsig.error));
    return rc == NOERROR ? edns : rc;
}

/* The same of what is no query: no cookie is required, but who has a good one is where it says. */
static enum rcode read_with_cookie(struct server *s, struct request *q, enum rcode form)
{
    enum rcode rc = read_rest(s, q, form);
    (void)edns_apply(q);
    return rc;
}

static enum rcode read_whole(struct server *s, struct request *q)
{
    return read_with_cookie(s, q, message_read(&q->msg));
}

static enum stage read_update(struct server *s, struct request *q)
{
    enum rcode rc = message_read(&q->msg);
    if (rc == NOERROR && forward_is_for(s, q))
        return STAGE_FORWARD;
    rc = read_with_cookie(s, q, rc);
    return rc == NOERROR ? STAGE_UPDATE : decide(q, rc);
}

/* What more may cost than its answer is asked about its source first (guard.h). */
static bool is_turned_away(struct server *s, const struct exchange *x, int64_t now_us,
                           enum stage *out)
{
    static const enum stage stages[] = {
        [GUARD_ANSWERS] = STAGE_TURNED_AWAY, [GUARD_DROPS] = STAGE_DROP};
    if (x->path || s->is_asking) /* it was asked when it came */
        return false;
    enum guard_verdict v = guard_ask(&s->guard, &x->peer, now_us, &s->count);
    if (v == GUARD_OPEN)
        return false;
    *out = stages[v];
    return true;
}

static enum stage read_request(struct server *s, struct request *q, const struct exchange *x,
                               int64_t now_us)
{
    request_init(s, q, &x->peer, now_us);
    if (!is_request(q, x))
        return STAGE_DROP;
    enum stage away;
    if (UNLIKELY(message_opcode(&q->msg) != OPCODE_QUERY) && is_turned_away(s, x, now_us, &away))
        return away;
    if (message_opcode(&q->msg) == OPCODE_UPDATE) /* nothing is looked at before its turn comes */
        return x->path ? read_update(s, q) : STAGE_QUEUE;
    enum rcode rc = message_read(&q->msg);
    if (UNLIKELY(q->msg.tsig_at) && is_turned_away(s, x, now_us, &away))
        return away;
    if (LIKELY(message_opcode(&q->msg) == OPCODE_QUERY)) {
        rc = read_rest(s, q, rc);
        return LIKELY(rc == NOERROR) ? read_query(s, q) : decide(q, rc);
    }
    rc = read_with_cookie(s, q, rc);
    if (message_opcode(&q->msg) == OPCODE_NOTIFY)
        return rc == NOERROR ? STAGE_NOTIFY : decide(q, rc);
    edns_say(q, EDE_NOT_SUPPORTED, "no such opcode here");
    /* the question is echoed where there is one (RFC 1996), but a fault in the rest is not looked
     * for */
    return decide(q, rc == NOTAUTH ? rc : NOTIMP);
}

/* --- refusals --- */

static void refusal_log(const struct request *q, const struct refusal *r, uint64_t suppressed)
{
    struct address_text from;
    char key[NAME_TEXT_MAX], zone[NAME_TEXT_MAX], name[NAME_TEXT_MAX], type[16], rcode[16];
    bool is_update = r->opcode == OPCODE_UPDATE;
    log_info(is_update        ? "update refused"
             : is_transfer(q) ? "transfer refused"
                              : "query refused",
             {"from", address_show(&q->peer.address, &from)},
             {"transport", q->peer.transport == TRANSPORT_UDP ? "udp" : "tcp"},
             {"key", r->key.len ? name_text(name_of(&r->key), key) : NULL},
             {"zone", r->zone.len ? name_text(name_of(&r->zone), zone) : NULL},
             {"name", r->name.len ? name_text(name_of(&r->name), name) : NULL},
             {"type", r->name.len ? rrtype_text(r->type, type) : NULL},
             {"rcode", rcode_text(r->rcode, rcode)}, {"rule", r->reason},
             {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* name_copy() for a name that may not be there. */
static void keep_name(struct name_buf *out, struct name n)
{
    out->len = 0;
    if (n.len)
        name_copy(out, n);
}

/* A zone of ours, also where the message was not looked at so far (BADKEY); len 0: none. */
static struct name zone_asked(const struct request *q)
{
    const struct store_entry *e = q->entry;
    if (!e && message_opcode(&q->msg) == OPCODE_UPDATE && q->msg.qname.len)
        e = store_get(q->store, q->msg.qname);
    return e ? name_of(&e->name) : (struct name){0};
}

static void refusal_fill(struct refusal *r, const struct request *q,
                         const struct refusal_cause *cause)
{
    struct name key = q->tsig.key ? tsig_key_name(q->tsig.key) : name_of(&q->tsig.name);
    r->now_us = q->now_us;
    r->from = q->peer.address;
    r->transport = q->peer.transport;
    r->opcode = message_opcode(&q->msg);
    r->rcode = (uint16_t)cause->rcode;
    r->error = q->tsig.is_signed ? q->tsig.error : NOERROR;
    keep_name(&r->key, q->tsig.is_signed ? key : (struct name){0});
    keep_name(&r->zone, zone_asked(q));
    keep_name(&r->name, cause->name.len ? cause->name : q->msg.qname);
    r->type = cause->name.len ? cause->type : q->msg.qtype;
    snprintf(r->reason, sizeof(r->reason), "%s", cause->reason);
}

/* The reason is for the client as well, if it sent an OPT. */
static void say_refusal(struct request *q, const struct refusal_cause *cause)
{
    bool has_key = q->tsig.key && q->tsig.error == NOERROR;
    if (!cause->names_rules || has_key) /* else answer_compose() has a word for everybody */
        edns_say(q, cause->ede ? cause->ede : ede_of(cause->rcode), cause->reason);
}

/* Plain queries are not remembered: anybody can send a thousand, and what the operator looks for
 * would be gone. A transfer is asked for over TCP, mostly by one of ours. Of one source only some
 * are. */
void refusal_note(struct server *s, struct request *q, const struct refusal_cause *cause)
{
    say_refusal(q, cause);
    bool is_kept = message_opcode(&q->msg) != OPCODE_QUERY || q->tsig.is_signed ||
                   (is_transfer(q) && q->entry && q->peer.transport == TRANSPORT_TCP);
    uint64_t suppressed = 0;
    if (s->is_asking)
        return;
    is_kept = is_kept && guard_note(&s->guard, q, cause->rcode);
    bool is_logged =
        log_is_on(LOG_INFO_LEVEL) &&
        log_rate_is_open(&s->refused_rate, REFUSED_LOGS_PER_SECOND, q->now_us, &suppressed);
    struct refusal plain;
    if (!is_kept && !is_logged)
        return;
    struct refusal *r = is_kept ? refused_next(&s->refused) : &plain;
    refusal_fill(r, q, cause);
    if (is_logged)
        refusal_log(q, r, suppressed);
}

static void count_answer(struct server *s, struct request *q)
{
    struct counters *c = &s->count;
    uint64_t *by_rcode[] = {
        [NOERROR] = &c->noerror,    [FORMERR] = &c->formerr, [SERVFAIL] = &c->servfail,
        [NXDOMAIN] = &c->nxdomain,  [NOTIMP] = &c->notimp,   [REFUSED] = &c->refused,
        [YXDOMAIN] = &c->yxdomain,  [YXRRSET] = &c->yxrrset, [NXRRSET] = &c->nxrrset,
        [NOTAUTH] = &c->notauth,    [NOTZONE] = &c->notzone, [BADVERS] = &c->badvers,
        [BADCOOKIE] = &c->badcookie};
    if ((unsigned)q->rcode < ARRAY_LEN(by_rcode) && by_rcode[q->rcode])
        (*by_rcode[q->rcode])++;
    c->answers++;
    c->answers_truncated += (q->answer_flags & FLAG_TC) != 0;
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

/* Room for the TSIG goes before all else (RFC 8945 s5.3). Over UDP without EDNS a long question may
 * find no place beside a long key name, and an unknown key with an unknown algorithm's name may not
 * fit at all: then the answer goes without. */
static size_t reserve_tsig(struct request *q)
{
    size_t room = LIKELY(!q->tsig.is_signed) ? 0 : tsig_room(&q->tsig);
    if (room && !build_reserve(q->answer, room)) {
        tsig_session_done(&q->tsig);
        room = 0;
    }
    return room;
}

size_t answer_compose(struct server *s, struct request *q, uint8_t *out, enum compose how)
{
    struct build *b = q->answer;
    build_init(b, out, edns_answer_max(q));
    size_t tsig = reserve_tsig(q);
    if (UNLIKELY(q->rcode != NOERROR))
        edns_say_why(q); /* what query_answer() decides needs no word */
    bool fits = !q->msg.qname.len || build_question(b, q->msg.qname, q->msg.qtype, q->msg.qclass);
    if (UNLIKELY(!edns_reserve(q))) { /* it has bits of the rcode, and goes before the question */
        build_init(b, out, edns_answer_max(q));
        tsig = reserve_tsig(q);
        fits = false;
        (void)edns_reserve(q);
    }
    ASSERT(fits || tsig);
    if (!fits)
        q->answer_flags |= FLAG_TC;
    else if (how == COMPOSE_QUERY) {
        query_answer(q);
        arena_reset(&s->arena);
    }
    if (q->edns.reserved)
        edns_write(q);
    build_header(b, q->msg.id, header_flags(q));
    size_t len = b->len;
    if (tsig) {
        build_release(b, tsig);
        tsig_sign(&q->tsig, out, &len, q->now_us);
    }
    count_answer(s, q);
    return len;
}

/* Somebody looks for news, as secondaries do (RFC 1034 s4.3.5). The entry is the one with the
 * longest name that the question's ends in, so equal lengths are equal names. */
static void soa_asked(struct server *s, struct request *q)
{
    struct server_zone *z = zone_owner(q->entry);
    struct xfr_question who = {q->tsig.key, &q->peer.address};
    if (q->msg.qname.len != q->entry->name.len || q->version->soa.count == 0)
        return;
    if (z->peers && !s->is_asking)
        peers_heard(s, z, &who, PEER_ASKED_SOA, q->version->serial);
}

/* Over TCP it is said to whom it is meant for. */
static void say_turned_away(struct request *q)
{
    if (message_opcode(&q->msg) != OPCODE_QUERY) /* else it was read */
        (void)message_read(&q->msg);
    (void)edns_read(q);
    edns_say(q, EDE_PROHIBITED, "too much from this network was refused");
}

/* As little as can be said: over UDP that TCP is open, else REFUSED and why; not signed. */
static size_t turn_away(struct server *s, struct request *q, uint8_t *out)
{
    struct build *b = q->answer;
    bool is_udp = q->peer.transport == TRANSPORT_UDP;
    q->rcode = is_udp ? NOERROR : REFUSED;
    q->answer_flags = is_udp ? FLAG_TC : 0;
    if (!is_udp)
        say_turned_away(q);
    build_init(b, out, edns_answer_max(q));
    if (q->msg.qname.len)
        (void)build_question(b, q->msg.qname, q->msg.qtype, q->msg.qclass);
    if (edns_reserve(q))
        edns_write(q);
    build_header(b, q->msg.id, header_flags(q));
    s->count.answers++;
    s->count.answers_truncated += is_udp;
    s->count.refused += !is_udp;
    return b->len;
}

static bool is_query(enum stage stage)
{
    return stage == STAGE_LOOK_UP || stage == STAGE_ANSWER;
}

static bool is_rated(const struct server *s, const struct request *q)
{
    return s->rrl.is_on && q->peer.transport == TRANSPORT_UDP && !s->is_asking;
}

/* Response rate limiting, of the batch's queries together. */
static void rate_queries(struct server *s, const enum stage *stage, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (is_query(stage[i]) && is_rated(s, &s->request[i]))
            rrl_case_of(&s->rrl, &s->request[i], false, &s->rrl_case[i]);
}

/* False: x has what is sent instead of the answer, or nothing. */
static bool is_within_rate(struct server *s, struct request *q, struct exchange *x,
                           enum stage stage)
{
    struct rrl_case *c = &s->rrl_case[q - s->request];
    if (!is_rated(s, q))
        return true;
    if (!is_query(stage))
        rrl_case_of(&s->rrl, q, true, c);
    enum rrl_verdict v = rrl_judge(&s->rrl, q, c);
    if (LIKELY(v == RRL_SEND))
        return true;
    if (v == RRL_DROP)
        return false;
    q->rcode = NOERROR;
    q->answer_flags = FLAG_TC;
    x->out_len = answer_compose(s, q, x->out, COMPOSE_DECIDED);
    return false;
}

bool answer_is_within_rate(struct server *s, struct request *q, struct exchange *x)
{
    return !s->rrl.is_on || is_within_rate(s, q, x, STAGE_DECIDED);
}

static void queue_update(struct server *s, struct request *q, struct exchange *x)
{
    struct refusal_cause cause = {.rcode = SERVFAIL};
    x->is_waiting = update_take(s, x, &cause.reason);
    if (x->is_waiting)
        return;
    q->rcode = read_whole(s, q); /* a signed request has a signed answer */
    if (q->rcode != NOERROR)
        return;
    q->rcode = SERVFAIL;
    refusal_note(s, q, &cause);
}

static void handle_one(struct server *s, struct request *q, struct exchange *x, enum stage stage)
{
    x->is_waiting = false;
    if (stage == STAGE_DROP)
        return;
    if (stage == STAGE_TURNED_AWAY) {
        x->out_len = turn_away(s, q, x->out);
        return;
    }
    if (stage == STAGE_QUEUE)
        queue_update(s, q, x);
    if (stage == STAGE_UPDATE)
        x->is_waiting = !update_handle(s, q, x);
    if (stage == STAGE_FORWARD)
        x->is_waiting = !forward_handle(s, q, x);
    if (stage == STAGE_NOTIFY)
        notify_handle(s, q);
    if (stage == STAGE_TRANSFER && !transfer_handle(s, q, x))
        return;
    if (x->is_waiting)
        return;
    if (UNLIKELY(s->rrl.is_on) && !is_within_rate(s, q, x, stage))
        return;
    if (UNLIKELY(is_query(stage) && q->msg.qtype == TYPE_SOA && q->version))
        soa_asked(s, q);
    x->out_len = answer_compose(s, q, x->out, is_query(stage) ? COMPOSE_QUERY : COMPOSE_DECIDED);
}

/* A key that is taken out of the configuration is not kept by the last message that it signed. */
static void session_end(struct request *q)
{
    if (UNLIKELY(q->tsig.is_signed))
        tsig_session_done(&q->tsig);
}

void server_handle(struct server *s, struct exchange *x, unsigned count, int64_t now_us)
{
    struct lookup_job jobs[SERVER_BATCH_MAX];
    enum stage stage[SERVER_BATCH_MAX];
    unsigned job_count = 0;
    ASSERT(count <= SERVER_BATCH_MAX);
    server_now(s, now_us);
    for (unsigned i = 0; i < count; i++) {
        struct request *q = &s->request[i];
        s->count.udp_queries += x[i].peer.transport == TRANSPORT_UDP && !x[i].path;
        s->count.tcp_queries += x[i].peer.transport == TRANSPORT_TCP && !x[i].path;
        x[i].out_len = 0;
        x[i].outflow = NULL;
        stage[i] = read_request(s, q, &x[i], now_us);
        if (stage[i] == STAGE_LOOK_UP)
            jobs[job_count++] = (struct lookup_job){q->version, q->msg.qname, &q->lookup};
    }
    if (job_count)
        lookup_batch(jobs, job_count);
    if (UNLIKELY(s->rrl.is_on))
        rate_queries(s, stage, count);
    for (unsigned i = 0; i < count; i++) {
        handle_one(s, &s->request[i], &x[i], stage[i]);
        session_end(&s->request[i]);
    }
}

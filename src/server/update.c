/* SPDX-License-Identifier: Apache-2.0
 * Opcode UPDATE, the server's part of it: the zone section (RFC 2136 s3.1), a txn on the tip, and
 * the answer when the change log has the change.
 *
 * Updates are queued as they come and run in slices at the end of each turn, so that a burst of
 * them never stands between a query and its answer. One for a zone that is being changed in slices
 * (changing.h) waits until that is done. A large one is changed in slices itself (sliced.c).
 *
 * A verdict that rests on data is answered when that data is durable: at once where the tip is
 * published, else behind the changes that it saw. Should the log not take those, the verdict was
 * about a zone that never was, and the answer is SERVFAIL. A refusal is such a verdict as well:
 * what a limit, the rules of a whole name or `strict` refuse is there, or not, in that version of
 * the zone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"
#include "request/address.h"
#include "server/leases.h"
#include "server/updating.h"

struct pending_update {
    struct pending pending;
    struct reply reply;
    struct waiter waiter;
};

/* Updates run in one turn: about 6 us each. */
#define UPDATE_SLICE           16
/* What they may cost together, about 0.5 ms: the one that goes beyond is the last of its turn. A
 * record of a message counts as so many that are looked at in the zone (update_report.work). */
#define UPDATE_SLICE_WORK      50000
#define UPDATE_RECORD_WORK     50
/* What one of them may cost, once its message is read; then it goes on in slices (sliced.c). */
#define UPDATE_TURN_WORK       20000
/* Bytes of messages that wait. */
#define UPDATE_QUEUE_LEN       (16u << 20)
/* When half of what may wait does, a client gets no more than this part of it all, in messages and
 * in bytes; so many messages in any case, as has UDP. */
#define UPDATE_SHARES          8
#define UPDATE_SHARE_LEAST     16
/* This part is for clients that are known to be where they say, over TCP. */
#define UPDATE_TCP_SHARES      4

/* Lines about secondaries that did not have one in time. */
#define WAITED_LOGS_PER_SECOND 2

/* A message that waits. */
struct queued {
    struct list link;
    struct peer peer;
    struct reply_path path;
    size_t len;
    uint8_t bytes[];
};

void reply_keep(struct reply *r, const struct request *q)
{
    r->peer = q->peer;
    r->id = q->msg.id;
    r->flags = q->msg.flags;
    r->qtype = q->msg.qtype;
    r->qclass = q->msg.qclass;
    name_copy(&r->qname, q->msg.qname);
    r->edns = q->edns;
    if (r->edns.has_error)
        memcpy(r->error_text, q->error_text, sizeof(r->error_text));
    tsig_session_copy(&r->tsig, &q->tsig);
    r->rcode = q->rcode;
}

struct request *reply_open(struct server *s, struct reply *r, int64_t now_us)
{
    struct request *q = &s->late;
    *q = (struct request){.peer = r->peer,
                          .now_us = now_us,
                          .self = &s->self,
                          .store = &s->store,
                          .count = &s->count,
                          .arena = &s->arena,
                          .digest = &s->digest,
                          .answer = &s->build,
                          .edns = r->edns,
                          .tsig = r->tsig, /* its reference too */
                          .rcode = r->rcode};
    q->msg.id = r->id;
    q->msg.flags = r->flags;
    q->msg.qname = name_of(&r->qname);
    q->msg.qtype = r->qtype;
    q->msg.qclass = r->qclass;
    if (q->edns.has_error)
        memcpy(q->error_text, r->error_text, sizeof(q->error_text));
    return q;
}

void reply_send(struct server *s, struct reply *r, enum rcode rcode, int64_t now_us)
{
    struct request *q = reply_open(s, r, now_us);
    q->rcode = rcode;
    if (rcode == SERVFAIL) {
        q->edns.has_error = false; /* what was said of another verdict */
        edns_say(q, EDE_NOT_READY, "the change log did not take it");
    }
    size_t len = answer_compose(s, q, s->late_out, COMPOSE_DECIDED);
    tsig_session_done(&q->tsig);
    s->hooks.reply(s->hooks.arg, &r->peer, &r->path, s->late_out, len);
}

static void log_waited(struct server *s, const struct reply *r)
{
    uint64_t suppressed;
    char zone[NAME_TEXT_MAX];
    struct address_text from;
    if (!log_rate_is_open(&s->waited_rate, WAITED_LOGS_PER_SECOND, s->now_us, &suppressed))
        return;
    log_warn("update answered before its secondaries have it",
             {"zone", name_text(name_of(&r->qname), zone)},
             {"from", address_show(&r->peer.address, &from)},
             {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* The secondaries have it, or there was no time left: it is durable either way. */
static void on_waited(struct server *s, struct waiter *w, bool has)
{
    struct pending_update *u = container_of(w, struct pending_update, waiter);
    s->waiting--;
    s->count.updates_wait_timeouts += !has;
    if (!has)
        log_waited(s, &u->reply);
    reply_send(s, &u->reply, u->reply.rcode, s->now_us);
    free(u);
}

/* A change is in: `wait-secondaries` says that so many of them are to have it first. */
static bool waits_for_secondaries(struct server *s, struct pending_update *u)
{
    struct server_zone *z = u->pending.zone;
    if (!u->pending.version || !z || z->conf->wait_count == 0)
        return false;
    u->waiter = (struct waiter){
        .serial = u->pending.version->serial, .count = z->conf->wait_count, .done = on_waited};
    return !waiter_start(s, z, &u->waiter, s->now_us + (int64_t)z->conf->wait_ms * 1000);
}

static void on_done(struct server *s, struct pending *p, enum err result)
{
    struct pending_update *u = container_of(p, struct pending_update, pending);
    bool waits = result == OK && waits_for_secondaries(s, u);
    enum rcode rcode = result == OK ? u->reply.rcode : SERVFAIL;
    s->count.updates_lost += result != OK;
    s->count.updates_done += result == OK && p->version;
    s->count.updates_unchanged += rcode == NOERROR && !p->version;
    pending_release(p);
    if (waits) {
        s->waiting++;
        return;
    }
    reply_send(s, &u->reply, rcode, s->now_us);
    free(u);
}

/* "updates[0] (acme www)" */
static void describe_rule(const struct update_rules *rules, int rule, struct text *t)
{
    text_add(t, "updates[");
    text_u32(t, (unsigned)rule);
    text_char(t, ']');
    if (!rules->grants[rule].label)
        return;
    text_add(t, " (");
    text_add(t, rules->grants[rule].label);
    text_char(t, ')');
}

static void describe(struct pending *p, const struct request *q, const struct update_report *report)
{
    struct address_text from;
    struct text t;
    text_init(&t, p->actor, sizeof(p->actor)); /* a long key name is cut */
    text_add(&t, q->tsig.key ? "key " : "unsigned");
    if (q->tsig.key) {
        name_show(tsig_key_name(q->tsig.key), &t);
        t.at[-1] = '\0'; /* keys are written without the final dot */
    }
    text_init(&t, p->peer, sizeof(p->peer));
    text_add(&t, address_show(&q->peer.address, &from));
    text_add(&t, q->peer.transport == TRANSPORT_UDP ? " udp" : " tcp");
    text_init(&t, p->rule, sizeof(p->rule));
    if (report->rule >= 0)
        describe_rule(&zone_owner(q->entry)->rules, report->rule, &t);
}

/* The verdict waits for the log; the txn becomes part of it where it has changed something. */
static void wait_for_log(struct server *s, struct request *q, struct exchange *x, struct outcome *o)
{
    struct server_zone *z = zone_owner(q->entry);
    struct pending_update *u = mem_alloc_zero(sizeof(*u));
    pending_init(&u->pending, z, CHANGE_UPDATE, q->now_us, on_done);
    if (o->txn) {
        describe(&u->pending, q, &o->report);
        pending_seal(&u->pending, &o->txn);
    }
    u->pending.leases = o->leases;
    reply_keep(&u->reply, q);
    s->hooks.hold(s->hooks.arg, x, &u->reply.path);
    commit_give(s, &u->pending);
}

static void log_ignored(struct server *s, const struct request *q,
                        const struct update_report *report)
{
    uint64_t suppressed;
    char zone[NAME_TEXT_MAX], key[NAME_TEXT_MAX];
    struct address_text from;
    s->count.updates_ignored += report->ignored;
    if (!report->ignored || !log_is_on(LOG_INFO_LEVEL) ||
        !log_rate_is_open(&s->ignored_rate, REFUSED_LOGS_PER_SECOND, q->now_us, &suppressed))
        return;
    log_info("update ignored in part, RFC 2136 s3.4.2 has it so",
             {"from", address_show(&q->peer.address, &from)},
             {"key", q->tsig.key ? name_text(tsig_key_name(q->tsig.key), key) : NULL},
             {"zone", name_text(name_of(&q->entry->name), zone)},
             {"operations", LOG_U64(report->ignored)}, {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* Some grant of the zone is for who asks: only of such clients anything is kept for long. */
static bool is_known(const struct request *q, const struct update_rules *rules)
{
    struct grant_question question = {.key = q->tsig.key, .from = &q->peer.address};
    for (unsigned i = 0; i < rules->grant_count; i++)
        if (grant_is_for(&rules->grants[i], &question))
            return true;
    return false;
}

/* What a prerequisite says of the zone (RFC 2136 s3.2), or that all went well: nobody is refused.
 */
static bool is_no_refusal(enum rcode rc)
{
    return rc == NOERROR || rc == YXDOMAIN || rc == YXRRSET || rc == NXDOMAIN || rc == NXRRSET;
}

/* A verdict about what is in the zone, as far as can be told from the rcode. */
static bool rests_on_data(enum rcode rc)
{
    return is_no_refusal(rc) || rc == REFUSED;
}

static bool turn_down(struct server *s, struct request *q, enum rcode rcode, const char *why)
{
    struct refusal_cause cause = {.rcode = rcode, .reason = why};
    q->rcode = rcode;
    refusal_note(s, q, &cause);
    return true;
}

static void say_outcome(struct server *s, struct request *q, const struct update_report *report)
{
    if (q->rcode == NOERROR)
        log_ignored(s, q, report);
    else if (!is_no_refusal(q->rcode)) {
        struct refusal_cause cause = {.rcode = q->rcode,
                                      .reason = report->reason,
                                      .names_rules = true,
                                      .name = name_of(&report->name),
                                      .type = report->type};
        refusal_note(s, q, &cause);
    }
}

static void note_work(struct server *s, const struct request *q, const struct update_report *report)
{
    unsigned records = (unsigned)q->msg.count[SECTION_ANSWER] + q->msg.count[SECTION_AUTHORITY];
    s->updates.work += report->work + (uint64_t)records * UPDATE_RECORD_WORK;
}

static const char no_grant[] = "no grant of the zone is for this client";

bool update_conclude(struct server *s, struct request *q, struct exchange *x, struct outcome *o)
{
    struct server_zone *z = zone_owner(q->entry);
    struct zone *data = q->entry->zone;
    if (q->rcode != NOERROR || !o->report.is_changed)
        txn_abort(&o->txn);
    say_outcome(s, q, &o->report);
    bool changes = o->txn || o->leases.count;
    if (!changes && (data->tip == data->published || !rests_on_data(q->rcode))) {
        s->count.updates_unchanged += q->rcode == NOERROR;
        return true;
    }
    if (!changes && !is_known(q, &z->rules))
        return q->rcode == REFUSED || turn_down(s, q, REFUSED, no_grant);
    wait_for_log(s, q, x, o);
    return false;
}

/* Runs the update on the tip. True: q->rcode is the answer now. */
static bool run(struct server *s, struct request *q, struct exchange *x)
{
    struct server_zone *z = zone_owner(q->entry);
    struct update_actor actor = {.key = q->tsig.key, .peer = &q->peer};
    struct outcome o = {.txn = txn_begin(q->entry->zone, TXN_CHANGE)};
    const struct update_given given = {q, &z->rules, &actor, o.txn, &o.report};
    struct update *u = update_begin(&given);
    ASSERT(u); /* the arena is empty */
    if (UNLIKELY(!update_some(u, &given, sliced_has_room(s) ? UPDATE_TURN_WORK : UINT64_MAX))) {
        note_work(s, q, &o.report);
        sliced_start(s, q, x, u, &o);
        return false;
    }
    q->rcode = o.report.rcode;
    if (UNLIKELY(o.report.lease_count))
        leases_note(z, &o.report, q->now_us, &o.leases);
    arena_reset(&s->arena);
    note_work(s, q, &o.report);
    return update_conclude(s, q, x, &o);
}

/* --- the queue --- */

static struct queued *queued_of(struct list *link)
{
    return list_entry(link, struct queued, link);
}

void update_queue_init(struct update_queue *u)
{
    struct hash_key key;
    random_bytes(&key, sizeof(key));
    list_init(&u->ready);
    list_init(&u->blocked);
    limit_init(&u->messages, key);
    limit_init(&u->kib, key);
}

static void queue_drop(struct server *s, struct list *l)
{
    LIST_EACH(link, l) {
        struct queued *m = queued_of(link);
        s->hooks.reply(s->hooks.arg, &m->peer, &m->path, s->late_out, 0);
        free(m);
    }
    list_init(l);
}

void update_queue_done(struct server *s)
{
    queue_drop(s, &s->updates.ready);
    queue_drop(s, &s->updates.blocked);
    limit_done(&s->updates.messages);
    limit_done(&s->updates.kib);
}

/* What a message counts for in a client's bytes. */
static uint32_t kib_of(size_t len)
{
    return (uint32_t)((sizeof(struct queued) + len + 1023) / 1024);
}

static void queue_add(struct server *s, const struct exchange *x, struct list *where)
{
    struct queued *m = mem_alloc(sizeof(*m) + x->in_len);
    m->peer = x->peer;
    m->len = x->in_len;
    memcpy(m->bytes, x->in, x->in_len);
    list_add_last(where, &m->link);
    s->updates.count++;
    s->updates.udp_count += m->peer.transport == TRANSPORT_UDP;
    s->updates.bytes += m->len;
    (void)limit_take(&s->updates.messages, &m->peer.address, UINT32_MAX);
    (void)limit_take_many(&s->updates.kib, &m->peer.address, kib_of(m->len), UINT32_MAX);
    s->hooks.hold(s->hooks.arg, x, &m->path);
}

static void queue_remove(struct update_queue *u, struct queued *m)
{
    list_remove(&m->link);
    u->count--;
    u->udp_count -= m->peer.transport == TRANSPORT_UDP;
    u->bytes -= m->len;
    limit_give(&u->messages, &m->peer.address);
    limit_give_many(&u->kib, &m->peer.address, kib_of(m->len));
}

static uint32_t at_least(uint32_t n)
{
    return n < UPDATE_SHARE_LEAST ? UPDATE_SHARE_LEAST : n;
}

/* Has the client its share of what may wait, or UDP, where anybody can be many clients, all of its
 * own? */
static bool is_over_share(const struct server *s, const struct exchange *x, unsigned pending)
{
    const struct update_queue *u = &s->updates;
    const union address *client = &x->peer.address;
    uint32_t max = s->conf->update_pending;
    if (x->peer.transport == TRANSPORT_UDP &&
        u->udp_count >= at_least(max - max / UPDATE_TCP_SHARES))
        return true;
    if (pending < max / 2 && u->bytes < UPDATE_QUEUE_LEN / 2)
        return false;
    return limit_count(&u->messages, client) >= at_least(max / UPDATE_SHARES) ||
           limit_count(&u->kib, client) + kib_of(x->in_len) >
               UPDATE_QUEUE_LEN / 1024 / UPDATE_SHARES;
}

bool update_take(struct server *s, const struct exchange *x, const char **why)
{
    unsigned pending = commit_count(s) + s->updates.count + s->updates.sliced + s->waiting;
    s->count.updates++;
    if (pending >= s->conf->update_pending || s->updates.bytes + x->in_len > UPDATE_QUEUE_LEN) {
        s->count.updates_over_pending++;
        *why = "too many updates wait (server.limits.update-pending)";
        return false;
    }
    if (is_over_share(s, x, pending)) {
        s->count.updates_over_share++;
        *why = "too many updates wait, and too many of them are this client's";
        return false;
    }
    queue_add(s, x, &s->updates.ready);
    return true;
}

/* Runs the oldest one, and lets go of it. */
static void run_next(struct server *s)
{
    struct queued *m = queued_of(s->updates.ready.next);
    struct exchange x = {.peer = m->peer,
                         .channel = m->path.channel,
                         .path = &m->path,
                         .in = m->bytes,
                         .in_len = m->len,
                         .out = s->late_out};
    queue_remove(&s->updates, m);
    server_handle(s, &x, 1, s->now_us);
    /* one that waits further holds its channel once more */
    s->hooks.reply(s->hooks.arg, &m->peer, &m->path, s->late_out, x.is_waiting ? 0 : x.out_len);
    free(m);
}

bool update_turn(struct server *s)
{
    s->updates.work = 0;
    for (unsigned i = 0; i < UPDATE_SLICE && s->updates.work < UPDATE_SLICE_WORK &&
                         !list_is_empty(&s->updates.ready);
         i++)
        run_next(s);
    return list_is_empty(&s->updates.ready);
}

static void move_all(struct list *from, struct list *to)
{
    LIST_EACH(link, from) {
        list_remove(link);
        list_add_last(to, link);
    }
}

/* They came before those that are ready: a client that sends one behind the other has them run in
 * that order. */
void update_unblock(struct update_queue *u)
{
    move_all(&u->ready, &u->blocked);
    move_all(&u->blocked, &u->ready);
}

/* --- one update --- */

static bool block(struct server *s, const struct exchange *x)
{
    queue_add(s, x, &s->updates.blocked);
    return false;
}

bool update_gate(const struct server_zone *z, enum update_side side, struct refusal_cause *cause)
{
    *cause = (struct refusal_cause){.rcode = NOERROR};
    if (z->conf->type == CONF_SECONDARY)
        *cause = (struct refusal_cause){
            .rcode = NOTIMP,
            .reason = side == UPDATE_OF_OPERATOR  ? "the zone is a secondary: it is changed at its "
                                                    "primary"
                      : z->conf->forwards_updates ? "the zone is a secondary: its primaries decide"
                                                  : "the zone is a secondary, and passes no "
                                                    "updates on"};
    else if (!z->conf->has_history)
        *cause = (struct refusal_cause){.rcode = REFUSED,
                                        .reason = "the zone has no updates in the configuration"};
    else if (!z->is_kept || !z->is_ready)
        *cause = (struct refusal_cause){.rcode = SERVFAIL,
                                        .reason = "the zone is not ready to be changed"};
    else if (z->is_frozen && side == UPDATE_OF_PEER)
        *cause = (struct refusal_cause){.rcode = REFUSED, .reason = "the zone is frozen"};
    return cause->rcode == NOERROR;
}

bool update_handle(struct server *s, struct request *q, struct exchange *x)
{
    /* s3.1.1: one zone, named by its SOA */
    if (q->msg.qname.len == 0 || q->msg.qtype != TYPE_SOA)
        return turn_down(s, q, FORMERR, "the zone section does not name one zone by its SOA");
    q->entry = store_get(&s->store, q->msg.qname);
    if (!q->entry || q->msg.qclass != CLASS_IN) { /* s3.1.2 */
        q->entry = NULL;
        return turn_down(s, q, NOTAUTH, "no zone of ours");
    }
    struct server_zone *z = zone_owner(q->entry);
    struct refusal_cause cause;
    if (!update_gate(z, UPDATE_OF_PEER, &cause))
        return turn_down(s, q, cause.rcode, cause.reason);
    if (!z->changing)
        counting_consider(s, z, q);
    if (!z->changing)
        return run(s, q, x);
    return is_known(q, &z->rules) ? block(s, x) : turn_down(s, q, REFUSED, no_grant);
}

/* SPDX-License-Identifier: Apache-2.0
 * UPDATE to a secondary, passed on to its primaries (RFC 2136 s6).
 *
 * The usual course: the message is sent on as it came, under an id of our own; whoever has signed
 * it has signed the original id with it (RFC 8945 s4.2), so the signature holds, and whether it is
 * right and what it allows is the primary's to say. What comes back goes to the client with its own
 * id. Nothing of the zone's is looked at here.
 *
 * It goes over TCP, on a connection of its own, whatever the client has used (s6.2 allows that): so
 * an address that cannot be reached is known not to have had it, and the next one is tried (s6.5).
 * Once all of it is on its way it is never sent again, since the primary may have carried it out,
 * and a second time its prerequisites would fail, or undo what came in between. The client of such
 * a one is answered SERVFAIL and does not know, as ever; whether to try again (s4.6) is its to say.
 * What a primary refuses is charged to the client here (guard.h), unless a key of ours has signed
 * it: the primary sees all of them come from this server, and would turn its transfers away as
 * well. Servers that are each other's primaries pass an update round and round: the same bytes are
 * under way only a few times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"
#include "base/wire.h"
#include "edns/edns.h"
#include "request/address.h"
#include "server/server_int.h"

/* Bytes of messages under way; their number is `server.limits.updates-forwarded`. */
#define FORWARD_BYTES_MAX   (16u << 20)
/* Addresses of primaries that one update is offered to. */
#define FORWARD_TARGETS_MAX 16
/* The same bytes under way at once. */
#define FORWARD_ALIKE_MAX   4
/* For a connection, and then for the answer. */
#define FORWARD_TCP_US      5000000
/* Until the client is told; nsupdate waits longer. */
#define FORWARD_US          20000000

struct target {
    union address to, source;
};

struct forward {
    struct list link; /* in server.forwards */
    struct call call;
    struct timer timer; /* the end of all tries */
    struct peer client;
    struct reply_path path;
    struct name_buf zone;
    uint64_t hash; /* of the message behind its id */
    uint16_t client_id, id;
    unsigned target_at, target_count;
    struct target targets[FORWARD_TARGETS_MAX];
    size_t len;
    uint8_t bytes[]; /* the message; its id is that of the try under way */
};

static struct forward *forward_of(struct list *link)
{
    return list_entry(link, struct forward, link);
}

void forwards_init(struct forwards *all)
{
    *all = (struct forwards){0};
    list_init(&all->list);
}

/* The client's channel is let go of, with an answer or (len 0) without. */
static void end(struct server *s, struct forward *f, const uint8_t *bytes, size_t len)
{
    call_end(s, &f->call, false);
    timer_stop(&s->timers, &f->timer);
    list_remove(&f->link);
    s->forwards.count--;
    s->forwards.bytes -= f->len;
    s->hooks.reply(s->hooks.arg, &f->client, &f->path, bytes, len);
    free(f);
}

void forwards_done(struct server *s)
{
    LIST_EACH(link, &s->forwards.list)
        end(s, forward_of(link), s->late_out, 0);
}

/* --- answers of our own --- */

/* q's message was read, but nobody has looked at its signature. One of a key of ours is answered
 * with a signature; of others nothing is said, they may be good at the primary. */
static void decline(struct server *s, struct request *q, enum ede ede, const char *reason)
{
    struct refusal_cause cause = {.rcode = SERVFAIL, .reason = reason, .ede = ede};
    bool is_ours = tsig_verify(&q->tsig, s->keyring, &q->msg, q->now_us) == NOERROR;
    q->tsig.error = NOERROR;
    (void)edns_read(q);
    refusal_note(s, q, &cause); /* with the name of the key, whoever's it is */
    if (!is_ours)
        tsig_session_done(&q->tsig);
    q->rcode = SERVFAIL;
}

/* The client's message once more. */
static struct request *request_of(struct server *s, struct forward *f)
{
    struct request *q = &s->late;
    put_u16(f->bytes, f->client_id);
    *q = (struct request){0};
    request_init(s, q, &f->client, s->now_us);
    bool is_read =
        message_read_header(&q->msg, f->bytes, f->len) && message_read(&q->msg) == NOERROR;
    ASSERT(is_read); /* as it was before */
    return q;
}

static void give_up(struct server *s, struct forward *f, const char *reason)
{
    struct request *q = request_of(s, f);
    char text[DIAG_TEXT_MAX];
    snprintf(text, sizeof(text), "no primary took the update: %s", reason);
    s->count.updates_forward_failed++;
    decline(s, q, EDE_NETWORK_ERROR, text);
    size_t len = answer_compose(s, q, s->late_out, COMPOSE_DECIDED);
    tsig_session_done(&q->tsig);
    end(s, f, s->late_out, len);
}

/* The primary's answer is a refusal. Its reason is in the primary's log, the client's address here.
 */
static void note_refused(struct server *s, struct forward *f, enum rcode rcode)
{
    struct request *q = request_of(s, f);
    struct refusal_cause cause = {.rcode = rcode, .reason = "a primary has refused it"};
    cause.ede = EDE_OTHER;
    (void)tsig_verify(&q->tsig, s->keyring, &q->msg, q->now_us);
    refusal_note(s, q, &cause);
    tsig_session_done(&q->tsig);
}

/* --- asking --- */

static void ask(struct server *s, struct forward *f)
{
    const struct target *t = &f->targets[f->target_at];
    random_bytes(&f->id, sizeof(f->id));
    put_u16(f->bytes, f->id);
    f->call.to = (struct peer){t->to, TRANSPORT_TCP};
    f->call.source = t->source;
    f->call.wait_us = FORWARD_TCP_US;
    call_start(s, &f->call, f->bytes, f->len);
}

/* An answer of an update of the zone. Nothing is made of what does not fit. */
static bool is_answer(const struct forward *f, const uint8_t *bytes, size_t len)
{
    struct message m;
    return message_read_header(&m, bytes, len) && m.id == f->id && m.flags & FLAG_QR &&
           message_opcode(&m) == OPCODE_UPDATE && message_read(&m) == NOERROR &&
           (m.qname.len == 0 || name_is_equal(m.qname, name_of(&f->zone)));
}

static enum call_verdict on_message(struct server *s, struct call *c, const uint8_t *bytes,
                                    size_t len)
{
    struct forward *f = container_of(c, struct forward, call);
    if (!is_answer(f, bytes, len))
        return CALL_STRANGE;
    if (f->client.transport == TRANSPORT_UDP && len > SERVER_UDP_OUT_MAX) {
        give_up(s, f, "its answer is too long for UDP");
        return CALL_HEARD;
    }
    unsigned rcode = get_u16(bytes + 2) & FLAG_RCODE_MASK;
    if (rcode == REFUSED || rcode == NOTAUTH)
        note_refused(s, f, (enum rcode)rcode);
    memcpy(s->late_out, bytes, len);
    put_u16(s->late_out, f->client_id);
    s->count.updates_forwarded++;
    call_end(s, c, true);
    end(s, f, s->late_out, len);
    return CALL_HEARD;
}

static void on_failed(struct server *s, struct call *c, const char *reason)
{
    struct forward *f = container_of(c, struct forward, call);
    if (!c->is_sent && ++f->target_at < f->target_count)
        ask(s, f);
    else
        give_up(s, f, reason);
}

static const struct call_kind forward_kind = {on_message, on_failed};

static void on_time(void *arg, struct timer *t)
{
    give_up(arg, container_of(t, struct forward, timer), "they took too long");
}

/* --- what is to be passed on --- */

bool forward_is_for(const struct server *s, const struct request *q)
{
    const struct store_entry *e =
        q->msg.qname.len && q->msg.qtype == TYPE_SOA && q->msg.qclass == CLASS_IN
            ? store_get(&s->store, q->msg.qname)
            : NULL;
    const struct server_zone *z = e ? zone_owner(e) : NULL;
    return z && z->conf->type == CONF_SECONDARY && z->conf->forwards_updates;
}

/* s6.1: those that the zone comes from. They are copied: the configuration may be another one by
 * the time they are asked. */
static void take_targets(struct forward *f, const struct conf_zone *c)
{
    for (unsigned i = 0; i < c->primary_count; i++) {
        const struct remote *r = c->primaries[i];
        for (unsigned k = 0; k < r->address_count && f->target_count < FORWARD_TARGETS_MAX; k++)
            f->targets[f->target_count++] = (struct target){r->addresses[k], r->source};
    }
}

/* Whether the client has sent the same once more before it was answered; and how many others have.
 */
static bool is_repeated(const struct forwards *all, const struct exchange *x, uint16_t id,
                        uint64_t hash, unsigned *alike)
{
    LIST_EACH(link, &all->list) {
        const struct forward *f = forward_of(link);
        if (f->hash != hash || f->len != x->in_len)
            continue;
        ++*alike;
        if (f->client_id == id && f->client.transport == x->peer.transport &&
            address_is_same(&f->client.address, &x->peer.address))
            return true;
    }
    return false;
}

static const char *refuse(struct server *s, size_t len, unsigned alike)
{
    if (s->forwards.count >= s->conf->updates_forwarded)
        return "too many updates are being passed on";
    if (s->forwards.bytes + len > FORWARD_BYTES_MAX)
        return "too many bytes of updates are being passed on";
    if (alike >= FORWARD_ALIKE_MAX)
        return "the same update is being passed on already, perhaps in a circle of primaries";
    return NULL;
}

bool forward_handle(struct server *s, struct request *q, struct exchange *x)
{
    const size_t head = sizeof(uint16_t); /* the id */
    uint64_t hash = hash_bytes(&s->store.key, x->in + head, x->in_len - head);
    unsigned alike = 0;
    q->entry = store_get(&s->store, q->msg.qname);
    if (is_repeated(&s->forwards, x, q->msg.id, hash, &alike))
        return false; /* the answer to the first one will do */
    const char *why_not = refuse(s, x->in_len, alike);
    if (why_not) {
        s->count.updates_over_forwarded++;
        decline(s, q, EDE_NOT_READY, why_not);
        return true;
    }
    struct forward *f = mem_alloc_zero(sizeof(*f) + x->in_len);
    f->call.kind = &forward_kind;
    f->call.is_urgent = f->call.is_fresh = true;
    f->timer.fire = on_time;
    f->client = x->peer;
    name_copy(&f->zone, q->msg.qname);
    f->hash = hash;
    f->client_id = q->msg.id;
    f->len = x->in_len;
    memcpy(f->bytes, x->in, x->in_len);
    take_targets(f, zone_owner(q->entry)->conf);
    list_add_last(&s->forwards.list, &f->link);
    s->forwards.count++;
    s->forwards.bytes += f->len;
    s->hooks.hold(s->hooks.arg, x, &f->path);
    timer_set(&s->timers, &f->timer, q->now_us + FORWARD_US);
    ask(s, f);
    return false;
}

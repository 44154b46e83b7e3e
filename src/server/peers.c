/* SPDX-License-Identifier: Apache-2.0
 * The secondaries of a zone: what each of them has, and telling them of news (RFC 1996).
 *
 * Of each, xfr/notify.h says when it is told; here its message is sent as a call, and what comes
 * back, and what transfers say of it (peers_heard()), is noted. Its timer stands at the next try,
 * or at the moment when the log is to say that it is behind. Nothing of this is in the change log:
 * after a start each is told once, and what it has is known when it asks. */
#include "server/peers.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"
#include "request/address.h"
#include "xfr/access.h"

/* A secondary that takes longer has something to be said of in the log; usually it is milliseconds.
 */
#define BEHIND_LOG_US   30000000
/* Of all zones: one server that is down may be the secondary of thousands. */
#define LOGS_PER_SECOND 10
/* Over TCP: for the connection, and then for the answer. */
#define TCP_WAIT_US     10000000
/* A message that has not left the queue yet is looked at again. */
#define QUEUED_WAIT_US  1000000

/* A NOTIFY on its way. */
struct telling {
    struct call call;
    struct xfr_ask ask;
    struct tsig_session tsig;
    struct follower *of;
    unsigned address;
    struct diag doubt; /* why something that came was no answer */
};

static const struct conf_zone *conf_of(const struct follower *f)
{
    return f->zone->conf;
}

static const struct version *published(const struct server_zone *z)
{
    return z->entry->zone ? z->entry->zone->published : NULL;
}

/* --- what is known --- */

static bool is_not_newer(uint32_t serial, uint32_t than)
{
    int order = serial_compare(serial, than);
    return order == 0 || order == -1;
}

/* What it has did not come from here: our serial went back, or it has other primaries. */
static bool is_ahead(const struct follower *f)
{
    const struct version *v = published(f->zone);
    return f->notify.is_known && v && serial_compare(f->notify.has, v->serial) == 1;
}

bool follower_has(const struct follower *f, uint32_t serial)
{
    return f->notify.is_known && !is_ahead(f) && is_not_newer(serial, f->notify.has);
}

bool follower_is_current(const struct follower *f)
{
    const struct version *v = published(f->zone);
    return v && follower_has(f, v->serial);
}

unsigned peers_having(const struct server_zone *z, uint32_t serial)
{
    unsigned count = 0;
    for (unsigned i = 0; z->peers && i < z->peers->count; i++)
        count += follower_serves(z->peers->list[i], serial);
    return count;
}

static void set_error(struct follower *f, int64_t now_us, const char *text)
{
    free(f->error);
    f->error = mem_string(text);
    f->error_us = now_us;
}

enum follower_state follower_state(const struct follower *f)
{
    if (follower_is_current(f))
        return FOLLOWER_CURRENT;
    if (f->notify.has_given_up)
        return FOLLOWER_FAILED;
    if (is_ahead(f))
        return FOLLOWER_AHEAD;
    if (f->notify.is_known)
        return FOLLOWER_BEHIND;
    return f->is_told && !f->notify.is_owed ? FOLLOWER_TOLD : FOLLOWER_UNKNOWN;
}

const char *follower_state_text(enum follower_state state)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        FOLLOWER_STATE_LIST(X)
#undef X
    };
    return texts[state];
}

/* One line for each change that lasts: with every update each of them is behind for a moment. */
static void say_state(struct server *s, struct follower *f)
{
    char zone[NAME_TEXT_MAX];
    uint64_t suppressed;
    enum follower_state state = follower_state(f);
    bool is_bad =
        state == FOLLOWER_FAILED || ((state == FOLLOWER_BEHIND || state == FOLLOWER_AHEAD) &&
                                     s->now_us - f->behind_us >= BEHIND_LOG_US);
    bool is_good = state == FOLLOWER_CURRENT || state == FOLLOWER_TOLD;
    if (is_bad ? f->said == state : !is_good || f->said == FOLLOWER_UNKNOWN)
        return;
    f->said = is_bad ? state : FOLLOWER_UNKNOWN;
    if (!log_rate_is_open(&s->following_rate, LOGS_PER_SECOND, s->now_us, &suppressed))
        return;
    name_text(name_of(&f->zone->entry->name), zone);
    LOG_EVENT(is_bad ? LOG_WARN_LEVEL : LOG_NOTICE_LEVEL,
              is_bad ? "secondary does not follow" : "secondary follows again", {"zone", zone},
              {"secondary", f->remote->text}, {"state", follower_state_text(state)},
              {"serial", f->notify.is_known ? LOG_U64(f->notify.has) : NULL},
              {"reason", is_bad ? f->error : NULL}, {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* --- sending --- */

static void drop_telling(struct server *s, struct follower *f, bool may_reuse)
{
    struct telling *t = f->telling;
    if (!t)
        return;
    f->telling = NULL;
    call_end(s, &t->call, may_reuse);
    tsig_session_done(&t->tsig);
    free(t);
}

static void step(struct server *s, struct follower *f, enum notify_event_kind kind,
                 uint32_t serial);

static enum call_verdict on_message(struct server *s, struct call *c, const uint8_t *bytes,
                                    size_t len)
{
    struct telling *t = container_of(c, struct telling, call);
    struct follower *f = t->of;
    struct xfr_reply reply;
    struct diag diag = {0};
    xfr_reply_read(&t->ask, &t->tsig, bytes, len, s->now_us, &reply, &diag);
    if (reply.kind == XFR_REPLY_FOREIGN) {
        if (diag.text[0])
            t->doubt = diag;
        return CALL_STRANGE; /* it may be forged, and the true one still come */
    }
    f->heard_us = s->now_us;
    f->address = t->address % f->remote->address_count; /* they may be fewer by now */
    f->is_told = true;
    /* RFC 8945 s5.2.3: it has not looked at the message, and a clock may be right by the next try
     */
    bool is_untimely = reply.kind == XFR_REPLY_REFUSED && t->tsig.error == BADTIME;
    drop_telling(s, f, reply.kind == XFR_REPLY_OK);
    if (reply.kind == XFR_REPLY_OK) {
        step(s, f, NOTIFY_ANSWERED, 0);
        return CALL_HEARD;
    }
    s->count.notifies_refused++;
    set_error(f, s->now_us, diag.text[0] ? diag.text : "an answer cut short");
    step(s, f, is_untimely ? NOTIFY_FAILED : NOTIFY_REFUSED, 0);
    return CALL_HEARD;
}

static void on_failed(struct server *s, struct call *c, const char *reason)
{
    struct telling *t = container_of(c, struct telling, call);
    struct follower *f = t->of;
    set_error(f, s->now_us, t->doubt.text[0] ? t->doubt.text : reason);
    drop_telling(s, f, false);
    step(s, f, NOTIFY_FAILED, 0);
}

static const struct call_kind telling_kind = {on_message, on_failed};

/* The SOA as it is now: its serial is the newest (RFC 1996 s3.7). */
static void fill_ask(struct follower *f, struct xfr_ask *ask, struct tsig_key *key)
{
    const struct version *v = published(f->zone);
    *ask = (struct xfr_ask){.kind = XFR_ASK_NOTIFY, .zone = name_of(&f->zone->entry->name)};
    random_bytes(&ask->id, sizeof(ask->id));
    ask->soa = rrset_first(v->soa);
    ask->soa_ttl = v->soa.ttl;
    ask->key = key;
}

/* Each try of a round goes to the next address, from the one that answered last. */
static void tell(struct server *s, struct follower *f, enum transport transport)
{
    const struct remote *r = f->remote;
    uint8_t bytes[XFR_ASK_MAX];
    struct tsig_key *key = keyring_find(s->keyring, name_of(&r->key));
    f->told_with = keyring_fingerprint(s->keyring, name_of(&r->key));
    if (r->key.len && !key) {
        set_error(f, s->now_us, "its key is revoked"); /* and nothing is sent unsigned instead */
        return;
    }
    struct telling *t = mem_alloc_zero(sizeof(*t));
    f->telling = t;
    t->of = f;
    t->address = (f->address + f->notify.tries - 1) % r->address_count;
    fill_ask(f, &t->ask, r->key.len ? key : NULL);
    t->ask.transport = transport;
    t->call.kind = &telling_kind;
    t->call.to = (struct peer){r->addresses[t->address], transport};
    t->call.source = r->source;
    t->call.is_urgent = conf_of(f)->wait_count > 0;
    t->call.wait_us =
        transport == TRANSPORT_TCP ? TCP_WAIT_US : f->notify.wake_us - s->now_us + QUEUED_WAIT_US;
    s->count.notifies_sent++;
    t->call.tsig = &t->tsig;
    call_start(s, &t->call, bytes, xfr_ask_write(&t->ask, &t->tsig, bytes));
    t->ask.soa = (struct rdata){0}; /* the version may go */
}

static void set_timer(struct server *s, struct follower *f)
{
    int64_t at = f->notify.wake_us;
    int64_t say = f->behind_us && f->notify.is_known && f->said == FOLLOWER_UNKNOWN
                      ? f->behind_us + BEHIND_LOG_US
                      : INT64_MAX;
    timer_set(&s->timers, &f->timer, at < say ? at : say);
}

static void step(struct server *s, struct follower *f, enum notify_event_kind kind, uint32_t serial)
{
    struct notify_event e = {kind, s->now_us, serial};
    enum notify_act act = notify_step(&f->notify, &e);
    if (act != NOTIFY_WAIT || !f->notify.is_sent)
        drop_telling(s, f, false);
    if (act != NOTIFY_WAIT)
        tell(s, f, act == NOTIFY_SEND_TCP ? TRANSPORT_TCP : TRANSPORT_UDP);
    say_state(s, f);
    set_timer(s, f);
}

static void on_time(void *arg, struct timer *timer)
{
    struct server *s = arg;
    struct follower *f = container_of(timer, struct follower, timer);
    if (s->now_us < f->notify.wake_us) {
        say_state(s, f);
        set_timer(s, f);
    } else if (f->telling && f->telling->call.state == CALL_QUEUED) {
        timer_set(&s->timers, &f->timer, s->now_us + QUEUED_WAIT_US);
    } else {
        if (f->telling)
            set_error(f, s->now_us,
                      f->telling->doubt.text[0] ? f->telling->doubt.text : "no answer");
        step(s, f, NOTIFY_TIME, 0);
    }
}

/* --- news --- */

static void news(struct server *s, struct follower *f)
{
    const struct version *v = published(f->zone);
    if (!v || !v->soa.count)
        return;
    bool is_current = follower_has(f, v->serial), is_moved = f->is_moved;
    f->behind_us = is_current ? 0 : f->behind_us ? f->behind_us : s->now_us;
    f->is_moved = false;
    step(s, f, NOTIFY_SERIAL, v->serial);
    /* one that is under way goes on in the new way with its next try */
    if (is_moved && !is_current && f->error && !f->notify.is_sent)
        step(s, f, NOTIFY_AGAIN, 0);
}

void peers_published(struct server *s, struct server_zone *z)
{
    for (unsigned i = 0; z->peers && i < z->peers->count; i++)
        news(s, z->peers->list[i]);
}

void peers_tell_all(struct server *s, struct server_zone *z)
{
    for (unsigned i = 0; z->peers && i < z->peers->count; i++)
        step(s, z->peers->list[i], NOTIFY_AGAIN, 0);
}

/* --- what transfers say --- */

static bool is_from(const struct follower *f, const struct xfr_question *who)
{
    struct xfr_rule rule = {.remote = f->remote};
    return xfr_rule_match(&rule, who, NULL) == XFR_MATCH;
}

/* The one that asks. Several behind one address and key cannot be told apart: what one of them has
 * taken is noted of the first that does not have it yet, and what one has says nothing. */
static struct follower *find(const struct server_zone *z, const struct xfr_question *who,
                             enum peer_event what, uint32_t serial)
{
    struct follower *first = NULL, *best = NULL;
    unsigned count = 0;
    for (unsigned i = 0; z->peers && i < z->peers->count; i++) {
        struct follower *f = z->peers->list[i];
        if (!is_from(f, who))
            continue;
        first = first ? first : f;
        best = best || follower_has(f, serial) ? best : f;
        count++;
    }
    if (count <= 1)
        return first;
    return what == PEER_TAKEN ? best : NULL;
}

/* What it took was the newest when it began to, so that what it lacks yet came after that: with
 * updates all the time it never has the newest, and is not ever further behind for that. */
static void catch_up(struct follower *f, uint32_t serial)
{
    if (f->behind_us && serial == f->takes && f->takes_us > f->behind_us)
        f->behind_us = f->takes_us;
}

static void has(struct server *s, struct follower *f, enum peer_event what, uint32_t serial)
{
    if (what == PEER_TAKEN)
        catch_up(f, serial);
    f->notify.has = serial;
    f->notify.is_known = true;
    if (follower_is_current(f)) {
        f->lag_us = f->behind_us ? s->now_us - f->behind_us : f->lag_us;
        f->behind_us = 0;
    } else if (!f->behind_us) {
        f->behind_us = s->now_us;
    }
    step(s, f, NOTIFY_HAS, serial);
    if (what == PEER_HAS)
        serving_note(s, f, serial);
    else
        serving_look(s, f);
}

void peers_look(struct server *s, struct server_zone *z)
{
    for (unsigned i = 0; z->peers && i < z->peers->count; i++)
        serving_look(s, z->peers->list[i]);
}

void peers_heard(struct server *s, struct server_zone *z, const struct xfr_question *who,
                 enum peer_event what, uint32_t serial)
{
    struct follower *f = find(z, who, what, serial);
    if (!f)
        return;
    f->heard_us = s->now_us;
    f->is_told = true;
    if (what != PEER_ASKED_SOA && what != PEER_HAS)
        f->is_taking = what == PEER_TAKES;
    if (what == PEER_TAKES) {
        f->takes = serial;
        f->takes_us = s->now_us;
    }
    /* a transfer that took long does not take back what another one has brought meanwhile */
    if (what == PEER_HAS || (what == PEER_TAKEN && !follower_has(f, serial)))
        has(s, f, what, serial);
    else if (what == PEER_BROKE_OFF)
        set_error(f, s->now_us, "it broke a transfer off");
}

/* --- the clock --- */

static void shift(int64_t *at_us, int64_t by_us)
{
    if (*at_us)
        *at_us += by_us;
}

/* The timers themselves are set back with all others. */
void peers_clock(struct server_zone *z, int64_t by_us)
{
    for (unsigned i = 0; z->peers && i < z->peers->count; i++) {
        struct follower *f = z->peers->list[i];
        notify_shift(&f->notify, by_us);
        shift(&f->behind_us, by_us);
        shift(&f->takes_us, by_us);
        shift(&f->heard_us, by_us);
        shift(&f->error_us, by_us);
    }
}

/* --- what is configured --- */

static struct follower *follower_new(struct server_zone *z)
{
    struct follower *f = mem_alloc_zero(sizeof(*f));
    uint64_t seed;
    random_bytes(&seed, sizeof(seed));
    notify_init(&f->notify, seed);
    f->zone = z;
    f->timer.fire = on_time;
    f->look_timer.fire = serving_on_time;
    return f;
}

static void follower_free(struct server *s, struct follower *f)
{
    if (!f)
        return;
    drop_telling(s, f, false);
    serving_stop(s, f);
    timer_stop(&s->timers, &f->timer);
    free(f->error);
    free(f);
}

/* One that shares no address with what it was is another server. */
static bool is_same(const struct remote *a, const struct remote *b)
{
    if (strcmp(a->text, b->text) != 0)
        return false;
    for (unsigned i = 0; i < a->address_count; i++)
        if (remote_has_address(b, &a->addresses[i]))
            return true;
    return false;
}

/* Reached in the same way: with a key of the same name, at the same addresses, from the same one.
 */
static bool is_reached_alike(const struct remote *a, const struct remote *b)
{
    bool is_alike =
        a->address_count == b->address_count && a->key.len == b->key.len &&
        (!a->key.len || name_is_equal(name_of(&a->key), name_of(&b->key))) &&
        a->source.any.sa_family == b->source.any.sa_family &&
        (a->source.any.sa_family == AF_UNSPEC || address_is_same(&a->source, &b->source));
    for (unsigned i = 0; is_alike && i < a->address_count; i++)
        is_alike = address_is_same(&a->addresses[i], &b->addresses[i]);
    return is_alike;
}

/* Takes the one that was it so far out of the list. */
static struct follower *take_old(struct server *s, struct peers *old, const struct remote *remote)
{
    for (unsigned i = 0; old && i < old->count; i++) {
        struct follower *f = old->list[i];
        if (!f || !is_same(f->remote, remote))
            continue;
        old->list[i] = NULL;
        f->is_moved = f->is_moved || !is_reached_alike(f->remote, remote) ||
                      f->told_with != keyring_fingerprint(s->keyring, name_of(&remote->key));
        return f;
    }
    return NULL;
}

static void list_free(struct server *s, struct peers *p)
{
    for (unsigned i = 0; p && i < p->count; i++)
        follower_free(s, p->list[i]);
    free(p);
}

void peers_configure(struct server *s, struct server_zone *z)
{
    const struct conf_zone *c = z->conf;
    struct peers *old = z->peers;
    z->peers = NULL;
    if (c->secondary_count) {
        struct peers *p =
            mem_alloc_zero(sizeof(*p) + c->secondary_count * sizeof(struct follower *));
        p->count = c->secondary_count;
        for (unsigned i = 0; i < p->count; i++) {
            struct follower *f = take_old(s, old, c->secondaries[i]);
            p->list[i] = f ? f : follower_new(z);
            p->list[i]->remote = c->secondaries[i];
            p->list[i]->address %= c->secondaries[i]->address_count;
        }
        z->peers = p;
    }
    list_free(s, old);
    peers_published(s, z); /* who is new, or has moved, is told; the others have been */
    waiters_check(s, z);
}

void peers_free(struct server *s, struct server_zone *z)
{
    list_free(s, z->peers);
    z->peers = NULL;
}

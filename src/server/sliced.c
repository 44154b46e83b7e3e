/* SPDX-License-Identifier: Apache-2.0
 * Updates that take more than one turn: thousands of records in one message, or fewer that go to
 * and fro between large names.
 *
 * Such an update begins like all others; when its time in the turn is over, it goes on as a change
 * in slices (changing.h). Its txn stays open, other updates of the zone wait, and queries are
 * answered from what is published. By then it has read its message, which goes. Where the rules
 * are others meanwhile, since the configuration was read again, it begins anew. */
#include <stdlib.h>

#include "base/arena.h"
#include "server/leases.h"
#include "server/updating.h"

/* So many at once, of all zones: each has up to a request's memory. */
#define SLICED_MAX 64

struct sliced {
    struct changing changing;
    struct reply reply;
    struct arena arena; /* of the request */
    struct update *update;
    uint64_t reload; /* that its rules come from */
    struct outcome outcome;
};

bool sliced_has_room(const struct server *s)
{
    return s->updates.sliced < SLICED_MAX;
}

static struct sliced *sliced_of(struct changing *c)
{
    return container_of(c, struct sliced, changing);
}

static void sliced_free(struct server *s, struct sliced *d)
{
    s->updates.sliced--;
    arena_done(&d->arena);
    free(d);
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    struct sliced *d = sliced_of(c);
    struct server_zone *z = c->zone;
    struct update_report *report = &d->outcome.report;
    struct request *q = reply_open(s, &d->reply, s->now_us);
    struct update_actor actor = {.key = q->tsig.key, .peer = &q->peer};
    q->arena = &d->arena;
    if (d->reload != z->reload) {
        d->reload = z->reload;
        txn_abort(&c->txn);
        c->txn = txn_begin(z->entry->zone, TXN_CHANGE);
        update_again(d->update, report);
    }
    const struct update_given given = {q, &z->rules, &actor, c->txn, report};
    bool is_over = update_some(d->update, &given, SLICED_WORK);
    d->reply.tsig = q->tsig;
    d->reply.edns = q->edns;
    if (!is_over)
        return CHANGING_MORE;
    d->reply.rcode = report->rcode;
    if (report->lease_count)
        leases_note(z, report, s->now_us, &d->outcome.leases);
    return report->rcode == NOERROR && report->is_changed ? CHANGING_APPLIED : CHANGING_GIVE_UP;
}

/* What was frozen meanwhile does not change any more. */
static void gate_again(const struct server_zone *z, struct request *q, struct outcome *o)
{
    struct refusal_cause cause;
    if (q->rcode != NOERROR || update_gate(z, UPDATE_OF_PEER, &cause))
        return;
    q->rcode = cause.rcode;
    lease_rows_done(&o->leases);
    o->leases = (struct lease_rows){0};
    snprintf(o->report.reason, sizeof(o->report.reason), "%s", cause.reason);
}

static void conclude(struct server *s, struct sliced *d)
{
    struct server_zone *z = d->changing.zone;
    struct request *q = reply_open(s, &d->reply, s->now_us);
    struct exchange x = {.peer = d->reply.peer,
                         .channel = d->reply.path.channel,
                         .path = &d->reply.path,
                         .out = s->late_out};
    size_t len = 0;
    q->entry = z->entry;
    if (d->reload != z->reload)
        d->outcome.report.rule = -1; /* it is of rules that are gone */
    gate_again(z, q, &d->outcome);
    if (update_conclude(s, q, &x, &d->outcome))
        len = answer_compose(s, q, s->late_out, COMPOSE_DECIDED);
    s->hooks.reply(s->hooks.arg, &d->reply.peer, &d->reply.path, s->late_out, len);
    tsig_session_done(&q->tsig);
    sliced_free(s, d);
}

static void seal(struct server *s, struct changing *c)
{
    struct sliced *d = sliced_of(c);
    d->outcome.txn = c->txn;
    conclude(s, d);
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    struct sliced *d = sliced_of(c);
    if (why == CHANGING_GAVE_UP) {
        conclude(s, d);
        return;
    }
    s->count.updates_lost++;
    lease_rows_done(&d->outcome.leases);
    reply_send(s, &d->reply, SERVFAIL, s->now_us);
    sliced_free(s, d);
}

static const struct changing_kind sliced_kind = {.apply = apply, .seal = seal, .drop = drop};

void sliced_start(struct server *s, struct request *q, struct exchange *x, struct update *u,
                  const struct outcome *o)
{
    struct sliced *d = mem_alloc_zero(sizeof(*d));
    struct server_zone *z = zone_owner(q->entry);
    d->arena = s->arena;
    server_arena_init(&s->arena);
    d->update = u;
    d->outcome = *o;
    d->outcome.txn = NULL;
    d->reload = z->reload;
    reply_keep(&d->reply, q);
    s->hooks.hold(s->hooks.arg, x, &d->reply.path);
    s->updates.sliced++;
    changing_adopt(s, z, &d->changing, &sliced_kind, o->txn);
}

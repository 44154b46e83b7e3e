/* SPDX-License-Identifier: Apache-2.0
 * The verb rollback: what has changed since a serial is undone, as one new change.
 *
 * The history is read and its net made in a task. Then the zone is held (server/changing.h: updates
 * are parked) until nothing of it waits for the log any more, a second, short task adds what has
 * come in meanwhile, and the inverse is applied in slices. So updates may come as fast as they
 * like: there is no race to win. Whoever asked may go away at any time: what is not sealed by then
 * is dropped, what is sealed is committed.
 *
 * RRsets that the zone file has changed since stay as they are: the file says what they are, and is
 * what has to be changed. Keys stay as well; the leases of records that go end
 * with them, and what comes back has none (leases.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "server/changing.h"
#include "server/history.h"
#include "zone/serial.h"

/* Different actors that a dry run names; those that come later are not told apart. */
#define ROLLBACK_ACTORS_MAX 256

/* A change that is to be undone, for the dry run. */
struct undone {
    uint32_t serial, actor;
};

struct rollback {
    struct history h;
    uint32_t serial; /* to go back to */
    enum serial_policy policy;
    uint64_t from, read; /* changes behind `from` up to `read` are in the net */
    struct net *net;
    uint32_t commits, file_commits;
    uint32_t count[2]; /* records removed and added by the rollback */
    struct diff_bytes todo;
    bool is_dry;
    bool has_leases; /* the zone has, while it is asked */
    struct undone *undone;
    size_t undone_cap;
    char *actor[ROLLBACK_ACTORS_MAX];
    uint32_t actor_count;

    enum rollback_stage { ROLLBACK_READ, ROLLBACK_HOLD, ROLLBACK_SETTLE, ROLLBACK_APPLY } stage;
    struct undo *undo;   /* NULL: not begun, or over */
    const char *failure; /* why the undo is over without an effect */
    uint32_t serial_new; /* 0: not committed */
};

/* The change to the zone; goes on without the call once it is sealed. */
struct undo {
    struct changing changing;
    struct pending pending;
    struct rollback *rollback; /* NULL: whoever asked is gone */
    bool is_held, is_ready;    /* the tip is durable; `todo` is there */
    size_t at;                 /* of todo, that is done */
    uint32_t serial;
};

static struct rollback *rollback_of(struct history *h)
{
    return container_of(h, struct rollback, h);
}

static void rollback_clear(struct history *h)
{
    struct rollback *r = rollback_of(h);
    net_free(r->net);
    free((void *)(uintptr_t)r->todo.bytes);
    free(r->undone);
    for (uint32_t i = 0; i < r->actor_count; i++)
        free(r->actor[i]);
}

static void rollback_end(struct control_call *call)
{
    struct rollback *r = call->state;
    if (r->undo) {
        r->undo->rollback = NULL; /* gives up at its next slice */
        helpers_wake(call->server->helpers);
    }
    history_end(call);
}

/* --- reading --- */

/* The actor's number; the last one stands for all that there is no room for. */
static uint32_t actor_number(struct rollback *r, const char *actor)
{
    for (uint32_t i = r->actor_count; i-- > 0;)
        if (strcmp(r->actor[i], actor) == 0)
            return i;
    if (r->actor_count == ROLLBACK_ACTORS_MAX - 1)
        actor = "others";
    if (r->actor_count == ROLLBACK_ACTORS_MAX)
        return ROLLBACK_ACTORS_MAX - 1;
    r->actor[r->actor_count] = mem_string(actor);
    return r->actor_count++;
}

static void undone_note(struct rollback *r, const struct change *c)
{
    if (r->commits == r->undone_cap) {
        r->undone_cap = r->undone_cap ? r->undone_cap * 2 : 64;
        r->undone = mem_grow(r->undone, r->undone_cap * sizeof(*r->undone));
    }
    r->undone[r->commits] = (struct undone){c->serial_to, actor_number(r, c->actor)};
}

static bool on_change(void *arg, const struct change *c)
{
    struct rollback *r = arg;
    struct diff_bytes d = {c->diff, c->diff_len, c->added_at};
    if (!history_check(&r->h, net_add(r->net, &d, r->commits, &r->h.diag)))
        return false;
    if (r->is_dry)
        undone_note(r, c);
    if (c->kind == CHANGE_FILE && !history_check(&r->h, net_leave_out(r->net, &d, &r->h.diag)))
        return false;
    r->commits++;
    r->file_commits += c->kind == CHANGE_FILE;
    r->read = c->seq;
    return history_goes_on(&r->h);
}

/* What is not in the net yet, up to h.seq. */
static bool read_on(struct rollback *r, struct journal *j)
{
    struct history *h = &r->h;
    struct journal_range range = {h->log_id, r->read + 1, h->seq, 1};
    if (r->read < h->seq)
        history_check(h, journal_read(j, &range, on_change, r, &h->diag));
    return h->result == OK && history_goes_on(h);
}

static void settle(struct rollback *r)
{
    struct rr rr;
    net_settle(r->net, NET_BACK);
    for (size_t i = 0; i < net_count(r->net); i++)
        r->count[net_get(r->net, i, &rr, NULL)]++;
}

/* What it would do, record by record, each with the change that is undone by it. */
static void show_net(struct rollback *r)
{
    struct rr rr;
    uint32_t tag;
    size_t len;
    for (size_t i = 0; i < net_count(r->net); i++) {
        bool is_added = net_get(r->net, i, &rr, &tag) == NET_ADDED;
        json_t *row = history_record(&r->h, is_added ? "+" : "-", &rr, &len);
        control_put_number(row, "serial", r->undone[tag].serial);
        control_put_text(row, "actor", r->actor[r->undone[tag].actor]);
        if (!history_row(&r->h, row, len))
            return;
    }
}

static json_t *summary(const struct rollback *r, uint32_t serial)
{
    json_t *fields = json_object();
    control_put_number(fields, "to", r->serial);
    if (r->count[NET_REMOVED] + r->count[NET_ADDED] > 0)
        control_put_number(fields, "serial", serial);
    control_put_number(fields, "commits", r->commits - r->file_commits);
    control_put_number(fields, "file_commits", r->file_commits);
    control_put_number(fields, "file_rrsets", net_left_out(r->net));
    json_object_set_new(fields, "has_leases", json_boolean(r->has_leases));
    control_put_number(fields, "removed", r->count[NET_REMOVED]);
    control_put_number(fields, "added", r->count[NET_ADDED]);
    return fields;
}

static void rollback_run(struct history *h)
{
    struct rollback *r = rollback_of(h);
    struct journal *j = history_journal(h);
    if (!j || !history_check(h, history_find(h, j, r->serial, &r->from)))
        return;
    r->read = r->from;
    if (!read_on(r, j) || !r->is_dry)
        return;
    settle(r);
    json_t *head = summary(r, serial_next(h->serial, r->policy, clock_wall_us()));
    json_object_set_new(head, "is_dry", json_true());
    if (history_line(h, head))
        show_net(r);
}

/* The second time: updates wait. */
static void rollback_settle_run(struct history *h)
{
    struct rollback *r = rollback_of(h);
    struct journal *j = history_journal(h);
    if (!j || !read_on(r, j))
        return;
    settle(r);
    r->todo.bytes = net_write(r->net, &r->todo);
}

/* --- undoing --- */

static struct undo *undo_of(struct changing *c)
{
    return container_of(c, struct undo, changing);
}

static void undo_free(struct undo *u)
{
    struct rollback *r = u->rollback;
    if (r) {
        r->undo = NULL;
        control_resume(r->h.call);
    }
    free(u);
}

/* Bytes of the next records of a part of the diff. */
static size_t slice_len(struct rd part, const struct diff_of *of)
{
    struct rr rr;
    for (unsigned n = 0; n < CHANGING_SLICE && rd_left(&part) > 0; n++)
        if (diff_read(&part, of, &rr))
            return rd_left(&part) + (size_t)(part.at - part.start); /* txn_apply() says why */
    return (size_t)(part.at - part.start);
}

static enum err apply_slice(struct undo *u, struct txn *t, struct diag *diag)
{
    const struct diff_bytes *d = &u->rollback->todo;
    const struct zone *z = txn_zone(t);
    bool is_removed = u->at < d->added_at;
    size_t end = is_removed ? d->added_at : d->len;
    struct diff_of of = {name_of(&z->name), z->class};
    size_t len = slice_len(rd_over(d->bytes + u->at, end - u->at), &of);
    struct diff_bytes slice = {d->bytes + u->at, len, is_removed ? len : 0};
    u->at += len;
    return txn_apply(t, &slice, diag);
}

/* Held from the moment that this is called for the first time. */
static enum changing_next undo_apply(struct server *s, struct changing *c)
{
    struct undo *u = undo_of(c);
    struct rollback *r = u->rollback;
    const struct zone *data = c->zone->entry->zone;
    if (!r)
        return CHANGING_GIVE_UP;
    if (!u->is_ready) {
        if (!u->is_held && data->tip == data->published) {
            u->is_held = true;
            control_resume(r->h.call);
        }
        return CHANGING_WAIT;
    }
    if (u->at < r->todo.len && apply_slice(u, c->txn, &r->h.diag) != OK) {
        r->failure = r->h.diag.text;
        return CHANGING_GIVE_UP;
    }
    if (u->at < r->todo.len)
        return CHANGING_MORE;
    (void)s;
    u->serial = serial_next(data->tip->serial, c->zone->conf->serial, u->pending.now_us);
    txn_set_serial(c->txn, u->serial);
    return CHANGING_APPLIED;
}

static void log_done(const struct undo *u, const struct server_zone *z)
{
    char text[NAME_TEXT_MAX];
    log_notice("zone rolled back", {"zone", name_text(name_of(&z->entry->name), text)},
               {"serial", LOG_U64(u->serial)}, {"as", u->pending.rule}, {"by", u->pending.actor});
}

static void undo_done(struct server *s, struct pending *p, enum err result)
{
    struct undo *u = container_of(p, struct undo, pending);
    struct rollback *r = u->rollback;
    if (p->zone && result == OK) {
        log_done(u, p->zone);
        snapshot_consider(s, p->zone);
    }
    if (r && result == OK)
        r->serial_new = u->serial;
    else if (r)
        r->failure = "the change log did not take it; the zone is as it was";
    pending_release(p);
    undo_free(u);
}

static void undo_seal(struct server *s, struct changing *c)
{
    struct undo *u = undo_of(c);
    pending_init(&u->pending, c->zone, CHANGE_ROLLBACK, u->pending.now_us, undo_done);
    pending_seal(&u->pending, &c->txn);
    commit_give(s, &u->pending);
}

static void undo_drop(struct server *s, struct changing *c, enum changing_end why)
{
    static const char *const reasons[] = {
        [CHANGING_GAVE_UP] = "it was given up",
        [CHANGING_LOG_FAILED] = "the change log failed meanwhile; the zone is as it was",
        [CHANGING_ZONE_GOES] = "the zone was removed, or loaded anew, meanwhile",
    };
    struct undo *u = undo_of(c);
    (void)s;
    if (u->rollback && !u->rollback->failure)
        u->rollback->failure = reasons[why];
    undo_free(u);
}

static const struct changing_kind undo_kind = {
    .apply = undo_apply, .seal = undo_seal, .drop = undo_drop};

/* --- the call --- */

/* The zone, if it may be rolled back now and is what was read. */
static struct server_zone *zone_of(struct control_call *call, enum control_next *next)
{
    const struct rollback *r = call->state;
    struct store_entry *e = store_get(&call->server->store, name_of(&r->h.zone));
    struct server_zone *z = e ? zone_owner(e) : NULL;
    if (!z || e->zone != r->h.version->zone || !z->is_kept)
        *next = control_fail(call, "the zone was removed, or loaded anew, meanwhile");
    else if (z->is_frozen)
        *next = control_fail(call, "the zone is frozen");
    else if (!z->is_ready)
        *next = control_fail(call, "the zone is not ready to be changed: its first snapshot is "
                                   "not written yet");
    else
        return z;
    return NULL;
}

static enum control_next rollback_hold(struct control_call *call)
{
    struct rollback *r = call->state;
    enum control_next next;
    struct server_zone *z = zone_of(call, &next);
    if (!z)
        return next;
    struct undo *u = mem_alloc_zero(sizeof(*u));
    u->rollback = r;
    u->pending.now_us = clock_wall_us();
    snprintf(u->pending.actor, sizeof(u->pending.actor), "%s", call->who);
    snprintf(u->pending.rule, sizeof(u->pending.rule), "to %u", r->serial);
    r->undo = u;
    r->stage = ROLLBACK_HOLD;
    changing_start(call->server, z, &u->changing, &undo_kind);
    return CONTROL_WAIT;
}

static enum control_next rollback_answer(struct control_call *call)
{
    struct rollback *r = call->state;
    if (r->failure)
        return control_fail(call, "nothing was rolled back: %s", r->failure);
    return control_answer(call, summary(r, r->serial_new));
}

/* Between the two tasks: the zone is held, or was dropped. */
static enum control_next rollback_step_hold(struct control_call *call)
{
    struct rollback *r = call->state;
    if (!r->undo)
        return rollback_answer(call);
    if (!r->undo->is_held)
        return CONTROL_WAIT;
    r->h.seq = r->undo->changing.zone->seq_published;
    r->h.run = rollback_settle_run;
    r->stage = ROLLBACK_SETTLE;
    return history_start_with(&r->h, call->step);
}

static enum control_next rollback_step_settle(struct control_call *call)
{
    struct rollback *r = call->state;
    if (!r->h.is_over)
        return CONTROL_WAIT;
    if (r->h.result != OK)
        return control_fail(call, "%s", r->h.diag.text);
    if (r->todo.len == 0 || !r->undo)
        return rollback_answer(call); /* what is held goes with the call */
    r->undo->is_ready = true;
    r->stage = ROLLBACK_APPLY;
    helpers_wake(call->server->helpers);
    return CONTROL_WAIT;
}

static enum control_next rollback_step(struct control_call *call)
{
    struct rollback *r = call->state;
    switch (r->stage) {
    case ROLLBACK_READ:
        if (r->is_dry || !r->h.is_over || r->h.result != OK)
            return history_step(call);
        return rollback_hold(call);
    case ROLLBACK_HOLD:
        return rollback_step_hold(call);
    case ROLLBACK_SETTLE:
        return rollback_step_settle(call);
    case ROLLBACK_APPLY:
        break;
    }
    return r->undo ? CONTROL_WAIT : rollback_answer(call);
}

enum control_next control_roll_back(struct control_call *call)
{
    enum control_next next;
    struct rollback *r = history_new(call, sizeof(*r), HISTORY_KEPT, &next);
    if (!r)
        return next;
    struct server_zone *z = zone_of(call, &next);
    r->h.clear = rollback_clear;
    r->h.run = rollback_run;
    call->end = rollback_end;
    if (!z)
        return next;
    if (z->secondary)
        return control_fail(call, "the zone is a secondary: it is changed at its primary");
    r->net = net_new(name_of(&r->h.zone), CLASS_IN);
    r->policy = z->conf->serial;
    r->is_dry = control_is_set(call, "dry-run");
    r->has_leases = z->leases != NULL;
    (void)control_number(call, "serial", &r->serial);
    return history_start_with(&r->h, rollback_step);
}

/* SPDX-License-Identifier: Apache-2.0
 * The verb update: an operator's change, in nsupdate's words, as one transaction of any size.
 *
 * The text is read in a helper thread. What it asks for is done in slices (changing.h): message by
 * message, and one that takes long in several. It is durable before it is answered, like an UPDATE.
 * A client that goes away before the change is begun takes it along; later ones do not matter. A
 * dry run does the same and ends without a trace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_diff.h"
#include "server/control_int.h"
#include "server/leases.h"
#include "server/nsupdate.h"
#include "server/updating.h"

struct edit_zone {
    struct changing changing;
    struct pending pending;
    struct server *server;
    struct control_call *call; /* NULL: nobody waits any more */
    struct task *task;         /* NULL: the text is read */
    unsigned holders;          /* the call, the task, the change under way */
    struct name_buf zone;
    bool is_dry_run;
    char who[PENDING_TEXT_MAX];
    /* read in the helper thread */
    struct control_body body;
    struct nsupdate script;
    struct diag diag;
    enum err result;
    unsigned at;           /* the part to be run */
    struct update *update; /* of it; NULL: not begun */
    struct arena arena;    /* its memory */
    struct update_report report;
    /* the outcome */
    bool is_over, is_changed;
    enum rcode rcode; /* not NOERROR: `reason` says why */
    char reason[DIAG_TEXT_MAX];
    uint32_t serial, ignored;
    uint32_t removed, added;
    struct diff diff; /* of a dry run */
    struct lease_rows leases;
    struct control_diff shown;
};

static void release(struct edit_zone *e)
{
    if (--e->holders > 0)
        return;
    control_body_free(e->server, &e->body);
    nsupdate_done(&e->script);
    diff_done(&e->diff);
    lease_rows_done(&e->leases);
    arena_done(&e->arena);
    free(e);
}

static void fail(struct edit_zone *e, enum rcode rcode, const char *why)
{
    e->rcode = rcode;
    snprintf(e->reason, sizeof(e->reason), "%s", why);
}

static void finish(struct edit_zone *e)
{
    e->is_over = true;
    if (e->call)
        control_resume(e->call);
}

/* --- the change --- */

static struct edit_zone *edit_of(struct changing *c)
{
    return container_of(c, struct edit_zone, changing);
}

/* A slice of the part; true: it is over. The grants are asked nothing: there is no peer. */
static bool run_some(struct server *s, struct edit_zone *e)
{
    const struct nsupdate_part *part = &e->script.part[e->at];
    struct update_actor operator= {.goes_on = e->at + 1 < e->script.count};
    struct request *q = &s->late;
    *q = (struct request){.now_us = s->now_us, .count = &s->count, .arena = &e->arena};
    bool is_read =
        message_read_header(&q->msg, part->wire, part->len) && message_read(&q->msg) == NOERROR;
    ASSERT(is_read);
    const struct update_given given = {q, &e->changing.zone->rules, &operator, e->changing.txn,
                                       &e->report};
    if (!e->update)
        e->update = update_begin(&given);
    ASSERT(e->update); /* the arena was empty */
    if (!update_some(e->update, &given, SLICED_WORK))
        return false;
    leases_note(e->changing.zone, &e->report, s->now_us, &e->leases);
    e->update = NULL;
    e->at++;
    arena_reset(&e->arena);
    return true;
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    struct edit_zone *e = edit_of(c);
    if (!run_some(s, e))
        return CHANGING_MORE;
    if (e->report.rcode != NOERROR) {
        fail(e, e->report.rcode, e->report.reason);
        return CHANGING_GIVE_UP;
    }
    e->ignored += e->report.ignored;
    e->is_changed = e->report.is_changed;
    return e->at == e->script.count ? CHANGING_APPLIED : CHANGING_MORE;
}

static void note_diff(struct edit_zone *e, const struct diff *d)
{
    e->serial = d->serial_to;
    uint32_t soa = control_diff_is_serial_only(d); /* is not worth telling of */
    e->removed = d->removed_count - soa;
    e->added = d->added_count - soa;
}

static void on_done(struct server *s, struct pending *p, enum err result)
{
    (void)s;
    struct edit_zone *e = container_of(p, struct edit_zone, pending);
    if (result == ERR_CANCELED)
        fail(e, SERVFAIL, "the zone was removed meanwhile");
    else if (result != OK)
        fail(e, SERVFAIL, "the change log did not take it, nothing was changed");
    pending_release(p);
    finish(e);
    release(e);
}

static void give(struct server *s, struct edit_zone *e)
{
    snprintf(e->pending.actor, sizeof(e->pending.actor), "%s", e->who);
    e->pending.leases = e->leases;
    e->leases = (struct lease_rows){0};
    commit_give(s, &e->pending);
}

/* What changes nothing waits as well: it may rest on what is not durable yet. */
static void seal(struct server *s, struct changing *c)
{
    struct edit_zone *e = edit_of(c);
    e->serial = c->zone->entry->zone->tip->serial;
    if (e->is_dry_run) {
        txn_preview(&c->txn, &e->diff);
        if (e->is_changed)
            note_diff(e, &e->diff);
        finish(e);
        release(e);
        return;
    }
    pending_init(&e->pending, c->zone, CHANGE_CONTROL, s->now_us, on_done);
    if (e->is_changed) {
        pending_seal(&e->pending, &c->txn);
        note_diff(e, &e->pending.diff);
    } else
        txn_abort(&c->txn);
    give(s, e);
}

/* It was found wanting. So was the version that it was for, perhaps: see update.c. */
static void give_up(struct server *s, struct edit_zone *e)
{
    const struct zone *data = e->changing.zone->entry->zone;
    lease_rows_done(&e->leases);
    if (data->tip == data->published) {
        finish(e);
        release(e);
        return;
    }
    pending_init(&e->pending, e->changing.zone, CHANGE_CONTROL, s->now_us, on_done);
    give(s, e);
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    struct edit_zone *e = edit_of(c);
    if (why == CHANGING_GAVE_UP) {
        give_up(s, e);
        return;
    }
    if (why == CHANGING_LOG_FAILED)
        fail(e, SERVFAIL, "the change log fails, nothing was changed");
    else if (why == CHANGING_ZONE_GOES)
        fail(e, SERVFAIL, "the zone was removed meanwhile");
    finish(e);
    release(e);
}

static const struct changing_kind edit_kind = {.apply = apply, .seal = seal, .drop = drop};

/* --- reading the text --- */

static void read_run(struct task *t, void *arg)
{
    struct edit_zone *e = arg;
    struct nsupdate_options options = {name_of(&e->zone), &t->is_canceled};
    e->result = nsupdate_read(e->body.text, e->body.len, &options, &e->script, &e->diag);
    if (e->result == OK && e->script.count == 0)
        e->result = err_say(&e->diag, ERR_SYNTAX, "there is no update in the text");
}

static void start(struct edit_zone *e)
{
    struct server *s = e->server;
    struct store_entry *entry = store_get(&s->store, name_of(&e->zone));
    struct refusal_cause cause = {SERVFAIL, .reason = "the zone was removed meanwhile"};
    if (!entry || !update_gate(zone_owner(entry), UPDATE_OF_OPERATOR, &cause)) {
        fail(e, cause.rcode, cause.reason);
        finish(e);
        return;
    }
    e->holders++;
    changing_start(s, zone_owner(entry), &e->changing, &edit_kind);
}

static void read_done(void *arg)
{
    struct edit_zone *e = arg;
    if (e->result == OK) {
        start(e);
        return;
    }
    fail(e, FORMERR, e->diag.text);
    finish(e);
}

static void read_free(void *arg)
{
    struct edit_zone *e = arg;
    e->task = NULL;
    control_body_free(e->server, &e->body);
    release(e);
}

/* --- the answer --- */

static void edit_end(struct control_call *call)
{
    struct edit_zone *e = call->state;
    e->call = NULL;
    if (e->task)
        task_cancel(e->task);
    control_diff_done(&e->shown);
    release(e);
}

static json_t *outcome(const struct edit_zone *e)
{
    json_t *fields = json_object();
    control_put_name(fields, "zone", name_of(&e->zone));
    json_object_set_new(fields, "dry_run", json_boolean(e->is_dry_run));
    json_object_set_new(fields, "changed", json_boolean(e->is_changed));
    control_put_number(fields, "serial", e->serial);
    control_put_number(fields, "removed", e->removed);
    control_put_number(fields, "added", e->added);
    control_put_number(fields, "ignored", e->ignored);
    return fields;
}

static enum control_next refuse(struct control_call *call, const struct edit_zone *e)
{
    char rcode[16], why[DIAG_TEXT_MAX + 32];
    json_t *fields = json_object();
    bool is_text = e->result != OK;
    snprintf(why, sizeof(why), "%s%s%s", is_text ? "" : rcode_text(e->rcode, rcode),
             is_text ? "" : ": ", e->reason);
    json_object_set_new(fields, "ok", json_false());
    control_put_text(fields, "error", why);
    control_put_text(fields, "rcode", rcode_text(e->rcode, rcode));
    return control_finish(call, fields);
}

static enum control_next edit_step(struct control_call *call)
{
    struct edit_zone *e = call->state;
    if (!e->is_over)
        return CONTROL_WAIT;
    if (e->rcode != NOERROR)
        return refuse(call, e);
    if (e->is_dry_run && !control_diff_is_over(&e->shown)) {
        json_t *fields = json_object();
        control_put_text(fields, "diff", control_diff_some(&e->shown));
        return control_more(call, fields);
    }
    return control_answer(call, outcome(e));
}

static enum control_next edit_step_first(struct control_call *call)
{
    struct edit_zone *e = call->state;
    if (!e->is_over)
        return CONTROL_WAIT;
    if (e->is_dry_run && e->is_changed && e->rcode == NOERROR)
        control_diff_init(&e->shown, &e->diff, name_of(&e->zone));
    call->step = edit_step;
    return edit_step(call);
}

enum control_next control_update(struct control_call *call)
{
    enum control_next next;
    struct refusal_cause cause;
    struct diag diag = {0};
    const struct store_entry *entry = control_zone_of(call, &next);
    if (!entry)
        return next;
    if (!call->body)
        return control_fail(call, "there is no update in the text ahead of the request");
    if (!update_gate(zone_owner(entry), UPDATE_OF_OPERATOR, &cause))
        return control_fail(call, "%s", cause.reason);
    struct edit_zone *e = mem_alloc_zero(sizeof(*e));
    e->server = call->server;
    e->call = call;
    e->holders = 2;
    server_arena_init(&e->arena);
    e->is_dry_run = control_is_set(call, "dry-run");
    name_copy(&e->zone, name_of(&entry->name));
    snprintf(e->who, sizeof(e->who), "%s", call->who);
    e->body = control_body_take(call);
    call->state = e;
    call->end = edit_end;
    call->step = edit_step_first;
    struct task_job job = {e, read_run, read_done, read_free};
    if (task_start(&call->server->controls.tasks, &job, &e->task, &diag) != OK)
        return control_fail(call, "%s", diag.text);
    return CONTROL_WAIT;
}

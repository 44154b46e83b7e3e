/* SPDX-License-Identifier: Apache-2.0
 * What the verb zone says of a zone whose changes are kept: how it differs from its file, and its
 * history. A thread walks through the pinned version and asks the change log. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_work.h"
#include "server/server_int.h"
#include "zone/load.h"
#include "zone/lookup.h"

/* Names between two looks at whether anybody still waits. */
#define WALK_SLICE 1024

struct about {
    struct work work;
    json_t *fields; /* begun by the verb */
    struct journal *journal;
    const struct version *version; /* pinned */
    const struct base *base;       /* held; NULL: a secondary's */
    struct helpers *helpers;       /* who free what is large */
    char *identity;
    bool has_file;
    uint64_t log_id;
    /* what came of it */
    uint64_t dynamic, changed;
    bool is_file_same;
    struct journal_history history;
    enum err result; /* of the log */
    struct diag diag;
};

static struct about *about_of(struct work *w)
{
    return container_of(w, struct about, work);
}

static void about_free(struct work *w)
{
    struct about *a = about_of(w);
    json_decref(a->fields);
    version_unpin(a->version);
    base_drop(a->helpers, a->base);
    free(a->identity);
    free(a);
}

/* --- in the thread --- */

/* The SOA's serial moves with every change: it is nobody's. */
static void count_node(struct about *a, const struct node *n)
{
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
        uint64_t digest;
        if (s.type == TYPE_SOA)
            continue;
        if (!base_find(a->base, node_owner(n), rrset_id(s), &digest))
            a->dynamic += s.count;
        else
            a->changed += digest != base_digest(a->base, s);
    }
}

static void count_records(struct about *a)
{
    struct walk walk;
    const struct node *n;
    walk_start(&walk, a->version);
    for (unsigned i = 0; a->base && (n = walk_next(&walk)); i++) {
        if (i % WALK_SLICE == 0 && atomic_load(work_canceled(&a->work)))
            return;
        count_node(a, n);
    }
}

static bool on_change(void *arg, const struct change *c)
{
    struct about *a = arg;
    json_t *last = json_object();
    control_put_number(last, "serial", c->serial_to);
    control_put_number(last, "time_us", (uint64_t)c->time_us);
    control_put_text(last, "kind", change_kind_text(c->kind));
    control_put_text(last, "actor", c->actor);
    control_put_text(last, "peer", c->peer);
    json_object_set_new(a->fields, "last_change", last);
    return true;
}

static bool on_first(void *arg, const struct change *c)
{
    struct about *a = arg;
    control_put_number(a->fields, "history_from", c->serial_from);
    return true;
}

static enum err history_read(struct about *a)
{
    enum err e = journal_history(a->journal, a->log_id, &a->history, &a->diag);
    if (e != OK || a->history.changes == 0)
        return e;
    uint64_t first = a->history.seq_first, last = a->history.seq_last;
    struct journal_range ends[] = {{a->log_id, first, first, 1}, {a->log_id, last, last, 1}};
    e = journal_read(a->journal, &ends[0], on_first, a, &a->diag);
    return e == OK ? journal_read(a->journal, &ends[1], on_change, a, &a->diag) : e;
}

static void about_run(struct work *w)
{
    struct about *a = about_of(w);
    a->is_file_same = a->has_file && a->identity && load_source_is_same(a->identity);
    count_records(a);
    a->result = history_read(a);
}

/* --- the answer --- */

static enum control_next about_step(struct control_call *call, struct work *w)
{
    struct about *a = about_of(w);
    json_t *fields = a->fields;
    a->fields = NULL;
    if (a->has_file)
        json_object_set_new(fields, "is_file_same", json_boolean(a->is_file_same));
    if (a->base) {
        control_put_number(fields, "dynamic", a->dynamic);
        control_put_number(fields, "changed", a->changed);
    }
    if (a->result != OK)
        control_put_text(fields, "history_fault", a->diag.text);
    control_put_number(fields, "history", a->history.changes);
    control_put_number(fields, "history_bytes", a->history.bytes);
    control_put_number(fields, "history_bytes_max", call->server->conf->history_size);
    return control_answer(call, fields);
}

enum control_next about_zone(struct control_call *call, const struct store_entry *e, json_t *fields)
{
    static const struct work_kind kind = {about_run, about_step, about_free};
    const struct server_zone *z = e->owner;
    const struct conf_zone *c = zones_configured(call->server, name_of(&e->name));
    struct journal *j = state_journal(call->server->state);
    if (!z->is_kept || (!z->base && !z->secondary) || !j)
        return control_answer(call, fields);
    struct about *a = mem_alloc_zero(sizeof(*a));
    json_object_set_new(fields, "ready", json_boolean(z->is_ready));
    a->fields = fields;
    a->journal = j;
    a->version = version_pin(e->zone->published);
    a->base = z->base ? base_hold(z->base) : NULL;
    a->helpers = call->server->helpers;
    a->identity = mem_string(z->identity);
    a->has_file = c && c->file;
    a->log_id = z->log_id;
    return work_start(call, &a->work, &kind);
}

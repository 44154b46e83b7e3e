/* SPDX-License-Identifier: Apache-2.0
 * The verb plan: what `reload` would do.
 *
 * First the live zones are pinned, in slices; then a thread reads and compares (plan.c); then
 * secrets are compared here, where the keyring in force is, and the rows go out. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "server/control_work.h"
#include "server/keyrule.h"
#include "server/plan.h"
#include "server/server_int.h"

/* Zones pinned, and keys compared, in one step: about a microsecond each, and some of that. */
#define PIN_SLICE 512
#define KEY_SLICE 64

struct planning {
    struct work work;
    struct server *server;
    struct plan plan;
    struct conf *conf; /* as it is on disk now; NULL: it has faults */
    struct conf_faults *faults;
    char *path;
    unsigned pinned, key; /* the next zone to pin, the next key to compare */
    unsigned group;       /* of the next row to send, */
    size_t row;           /* and its number */
};

static struct planning *planning_of(struct work *w)
{
    return container_of(w, struct planning, work);
}

static void live_free(struct planning *g)
{
    for (unsigned i = 0; i < g->pinned; i++) {
        struct plan_live *live = &g->plan.live[i];
        if (live->version)
            version_unpin(live->version);
        base_drop(g->server->helpers, live->base);
        free(live->identity);
    }
    free(g->plan.live);
}

static void planning_free(struct work *w)
{
    struct planning *g = planning_of(w);
    live_free(g);
    conf_release(g->server);
    for (unsigned i = 0; i < PLAN_GROUPS; i++)
        json_decref(g->plan.rows[i]);
    conf_free(g->conf);
    free(g->faults);
    free(g->path);
    free(g);
}

/* --- in the thread --- */

static void planning_run(struct work *w)
{
    struct planning *g = planning_of(w);
    g->conf = conf_load(g->path, g->faults);
    if (!g->conf)
        return;
    g->plan.new = g->conf;
    g->plan.is_canceled = work_canceled(w);
    g->plan.now_us = clock_wall_us();
    plan_run(&g->plan);
}

/* --- afterwards --- */

/* True: all are compared. Keys that are new or gone are told of already. */
static bool secrets_compare(struct planning *g)
{
    const struct keyring *old = g->server->keyring, *new = g->conf->keyring;
    struct tsig_key *key;
    for (unsigned n = 0; n < KEY_SLICE; n++) {
        char name[NAME_TEXT_MAX];
        if (!(key = keyring_at(new, g->key++)))
            return true;
        const struct tsig_key *before = keyring_find(old, tsig_key_name(key));
        if (!before || tsig_key_is_same(before, key))
            continue;
        json_t *row =
            plan_row(&g->plan, PLAN_KEYS, "~", keyrule_key_text(tsig_key_name(key), name));
        if (row)
            control_put_text(row, "what", "another secret or algorithm, or another end of one");
    }
    return false;
}

/* Rows of the next line; the last line has what is left of the last group. */
static json_t *some_rows(struct planning *g)
{
    json_t *list = json_array();
    while (g->group < PLAN_GROUPS && json_array_size(list) < CONTROL_SLICE_ROWS) {
        if (g->row < json_array_size(g->plan.rows[g->group])) {
            json_array_append(list, json_array_get(g->plan.rows[g->group], g->row++));
        } else {
            g->group++;
            g->row = 0;
        }
    }
    return list;
}

static enum control_next refused(struct control_call *call, const struct planning *g)
{
    json_t *fields = json_object();
    json_object_set_new(fields, "ok", json_false());
    control_put_text(fields, "error", "the configuration has faults, a reload would be refused");
    json_object_set_new(fields, "faults", control_faults(g->faults, g->path));
    return control_finish(call, fields);
}

static enum control_next last_line(struct control_call *call, const struct planning *g)
{
    json_t *fields = json_object();
    unsigned failed = g->plan.failed, held = g->plan.held;
    uint64_t rows = 0;
    char text[100];
    for (unsigned i = 0; i < PLAN_GROUPS; i++)
        rows += json_array_size(g->plan.rows[i]);
    json_object_set_new(fields, "ok", json_boolean(failed + held == 0));
    control_put_number(fields, "rows", rows);
    control_put_number(fields, "left_out", g->plan.left_out);
    control_put_number(fields, "held", held);
    if (held)
        snprintf(text, sizeof(text), "%u zone%s would not load, %u would be held back", failed,
                 failed == 1 ? "" : "s", held);
    else
        snprintf(text, sizeof(text), "%u zone%s would not load", failed, failed == 1 ? "" : "s");
    if (failed + held)
        control_put_text(fields, "error", text);
    json_object_set_new(fields, "faults", control_faults(g->faults, g->path));
    return control_finish(call, fields);
}

static enum control_next planning_step(struct control_call *call, struct work *w)
{
    struct planning *g = planning_of(w);
    if (!g->conf)
        return refused(call, g);
    if (g->key <= g->conf->key_count && !secrets_compare(g))
        return CONTROL_MORE;
    g->key = g->conf->key_count + 1;
    json_t *list = some_rows(g);
    if (json_array_size(list) == 0) {
        json_decref(list);
        return last_line(call, g);
    }
    json_t *fields = json_object();
    json_object_set_new(fields, "plan", list);
    return control_more(call, fields);
}

/* --- before --- */

static void pinning_end(struct control_call *call)
{
    planning_free(call->state);
}

static void pin(struct planning *g, unsigned i)
{
    const struct store_entry *e = store_get(&g->server->store, g->plan.old->zones[i].name);
    const struct server_zone *z = e ? e->owner : NULL;
    if (!z || !e->zone || !e->zone->published->apex)
        return;
    g->plan.live[i].version = version_pin(e->zone->published);
    if (z->is_kept) {
        g->plan.live[i].is_kept = true;
        g->plan.live[i].base = z->base ? base_hold(z->base) : NULL;
        g->plan.live[i].identity = z->identity ? mem_string(z->identity) : NULL;
        g->plan.live[i].log_id = z->log_id;
        g->plan.live[i].seq = z->seq_published;
    }
}

static enum control_next pinning_step(struct control_call *call)
{
    static const struct work_kind kind = {planning_run, planning_step, planning_free};
    struct planning *g = call->state;
    unsigned count = g->plan.old->zone_count;
    unsigned end = count - g->pinned > PIN_SLICE ? g->pinned + PIN_SLICE : count;
    while (g->pinned < end)
        pin(g, g->pinned++);
    return end < count ? CONTROL_MORE : work_start(call, &g->work, &kind);
}

enum control_next control_plan(struct control_call *call)
{
    struct planning *g = mem_alloc_zero(sizeof(*g));
    g->server = call->server;
    g->plan.old = conf_hold(call->server);
    g->plan.state = call->server->state;
    g->plan.live = mem_alloc_zero((g->plan.old->zone_count + 1) * sizeof(*g->plan.live));
    g->path = mem_string(g->plan.old->path);
    g->faults = mem_alloc_zero(sizeof(*g->faults));
    call->state = g;
    call->end = pinning_end;
    call->step = pinning_step;
    return pinning_step(call);
}

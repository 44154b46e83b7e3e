/* SPDX-License-Identifier: Apache-2.0
 * Verbs about the server as a whole: status, stats, reload, stop, log-level. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "server/control_int.h"
#include "server/server_int.h"

/* Slots of the store looked at in one step: some 0.2 ms. */
#define STORE_SLICE 16384
/* Zones named in one answer; the rest is counted. */
#define FAILED_MAX  100

/* --- status --- */

/* A walk over all zones in slices. */
struct tally {
    size_t at, cap; /* next slot; size of the table when the walk began */
    uint64_t zones, loading, failed, records;
    uint64_t secondaries, awaited, expired, held;
    json_t *failures;
};

static void tally_free(struct control_call *call)
{
    struct tally *t = call->state;
    json_decref(t->failures);
    free(t);
}

static void tally_zone(struct tally *t, const struct store_entry *e)
{
    const struct server_zone *z = e->owner;
    t->zones++;
    t->loading += z->is_loading;
    t->secondaries += z->secondary != NULL;
    t->awaited += z->secondary && !e->zone && !z->is_loading && !z->failure;
    t->expired += e->is_expired;
    t->held += z->is_held || secondary_is_held(z);
    if (e->zone)
        t->records += e->zone->published->record_count;
    if (!z->failure)
        return;
    t->failed++;
    if (json_array_size(t->failures) >= FAILED_MAX)
        return;
    json_t *row = json_object();
    control_put_name(row, "zone", name_of(&e->name));
    control_put_text(row, "reason", z->failure);
    control_put_text(row, "serving", e->zone ? "last good version" : "SERVFAIL");
    json_array_append_new(t->failures, row);
}

/* True: all were seen. A table that changed its size meanwhile is walked anew. */
static bool tally_some(struct tally *t, const struct store *store)
{
    if (t->cap != store->cap) {
        json_array_clear(t->failures);
        *t = (struct tally){.cap = store->cap, .failures = t->failures};
    }
    size_t end = t->cap - t->at > STORE_SLICE ? t->at + STORE_SLICE : t->cap;
    for (; t->at < end; t->at++)
        if (store->slots[t->at])
            tally_zone(t, store->slots[t->at]);
    return t->at == t->cap;
}

static void tally_begin(struct control_call *call, enum control_next (*step)(struct control_call *))
{
    struct tally *t = mem_alloc_zero(sizeof(*t));
    t->cap = call->server->store.cap;
    t->failures = json_array();
    call->state = t;
    call->end = tally_free;
    call->step = step;
}

static void tally_put(struct tally *t, json_t *fields)
{
    control_put_number(fields, "zones", t->zones);
    control_put_number(fields, "loading", t->loading);
    control_put_number(fields, "not_loaded", t->failed);
    control_put_number(fields, "records", t->records);
    control_put_number(fields, "secondaries", t->secondaries);
    control_put_number(fields, "not_transferred", t->awaited);
    control_put_number(fields, "expired", t->expired);
    control_put_number(fields, "held", t->held);
    json_object_set(fields, "failures", t->failures);
}

/* What became of updates and of the change log that takes them. */
static void updates_put(const struct server *s, json_t *fields)
{
    const struct counters *c = &s->count;
    const struct journal *j = state_journal(s->state);
    struct journal_health health;
    control_put_number(fields, "updates", c->updates);
    control_put_number(fields, "updates_done", c->updates_done + c->updates_unchanged);
    control_put_number(fields, "updates_queued", s->updates.count);
    control_put_number(fields, "commits_pending", commit_count(s));
    control_put_number(fields, "leases", s->lease_count);
    control_put_number(fields, "leases_expired", c->leases_expired);
    control_put_number(fields, "refused", s->refused.count);
    control_put_number(fields, "tsig_failed",
                       c->tsig_badkey + c->tsig_badsig + c->tsig_badtime + c->tsig_badtrunc);
    if (!j)
        return;
    journal_health(j, &health);
    json_object_set_new(fields, "journal_well", json_boolean(health.is_well));
    control_put_number(fields, "journal_since_us", (uint64_t)health.since_us);
    if (!health.is_well)
        control_put_text(fields, "journal_fault", health.reason);
    control_put_number(fields, "journal_bytes", journal_bytes(j));
    control_put_number(fields, "commit_took_us", (uint64_t)s->commit.took_us);
}

static void cookies_put(const struct server *s, json_t *fields)
{
    const struct cookies *c = &s->cookies;
    control_put_text(fields, "cookies",
                     !s->self.cookies.count ? "off"
                     : c->is_own            ? "own secret"
                                            : "secrets of the configuration");
    if (c->is_own)
        control_put_number(fields, "cookies_since_us", (uint64_t)c->since_us);
    control_put_number(fields, "cookies_good", s->count.cookies_good);
    control_put_number(fields, "cookies_bad", s->count.cookies_bad);
}

static void rate_limits_put(const struct server *s, json_t *fields)
{
    json_object_set_new(fields, "rate_limits", json_boolean(s->rrl.is_on));
    control_put_number(fields, "rate_limited", s->count.rrl_limited);
    control_put_number(fields, "rate_slipped", s->count.rrl_slipped);
}

static enum control_next status_step(struct control_call *call)
{
    struct tally *t = call->state;
    const struct server *s = call->server;
    if (!tally_some(t, &s->store))
        return CONTROL_MORE;
    json_t *fields = json_object();
    control_put_text(fields, "version", REEVE_VERSION);
    control_put_number(fields, "pid", (uint64_t)getpid());
    control_put_number(fields, "uptime_s",
                       (uint64_t)(clock_mono_us() - s->controls.started_us) / 1000000);
    control_put_text(fields, "configuration", s->conf->path);
    tally_put(t, fields);
    control_put_number(fields, "queries", s->count.udp_queries + s->count.tcp_queries);
    control_put_number(fields, "answers", s->count.answers);
    cookies_put(s, fields);
    rate_limits_put(s, fields);
    updates_put(s, fields);
    control_put_number(fields, "reloads", s->count.reloads);
    control_put_number(fields, "reloads_failed", s->count.reloads_failed);
    return control_answer(call, fields);
}

enum control_next control_status(struct control_call *call)
{
    tally_begin(call, status_step);
    return status_step(call);
}

/* --- stats --- */

enum control_next control_stats(struct control_call *call)
{
    const struct control_hooks *hooks = &call->server->controls.hooks;
    const struct counters *count = &call->server->count;
    json_t *list = json_array(), *fields = json_object();
    json_t *row;
    if (hooks->count)
        hooks->count(hooks->arg);
#define X(name, text)                              \
    row = json_object();                           \
    control_put_text(row, "name", #name);          \
    control_put_number(row, "value", count->name); \
    control_put_text(row, "what", text);           \
    json_array_append_new(list, row);
    COUNTER_LIST(X)
#undef X
    json_object_set_new(fields, "counters", list);
    return control_answer(call, fields);
}

/* --- reload --- */

static enum control_next reload_tally_step(struct control_call *call)
{
    struct tally *t = call->state;
    if (!tally_some(t, &call->server->store))
        return CONTROL_MORE;
    json_t *fields = json_object();
    tally_put(t, fields);
    json_object_update(fields, call->outcome); /* warnings */
    return control_answer(call, fields);
}

static enum control_next reload_over_step(struct control_call *call)
{
    if (!call->outcome)
        return CONTROL_WAIT; /* woken for nothing */
    if (json_object_get(call->outcome, "error")) {
        json_t *outcome = call->outcome;
        call->outcome = NULL;
        return control_finish(call, outcome);
    }
    tally_begin(call, reload_tally_step);
    return reload_tally_step(call);
}

static enum control_next reload_all(struct control_call *call)
{
    const struct control_hooks *hooks = &call->server->controls.hooks;
    struct diag diag = {0};
    if (!hooks->reload)
        return control_fail(call, "a reload is not possible here");
    call->waits_reload = true;
    call->step = reload_over_step;
    if (hooks->reload(hooks->arg, call->who, &diag) != OK) {
        call->waits_reload = false;
        return control_fail(call, "%s", diag.text);
    }
    return CONTROL_WAIT;
}

/* Of zones by name: each is read again, the configuration is not. */
struct zone_reload {
    size_t count;
    struct name_buf name[];
};

static void zone_reload_free(struct control_call *call)
{
    free(call->state);
}

/* One zone's outcome as a row; NULL: it still loads. */
static json_t *zone_outcome(const struct server *s, struct name name)
{
    const struct store_entry *e = store_get(&s->store, name);
    const struct server_zone *z = e ? e->owner : NULL;
    if (z && z->is_loading)
        return NULL;
    json_t *row = json_object();
    control_put_name(row, "zone", name);
    if (!z)
        control_put_text(row, "reason", "removed meanwhile");
    else if (z->failure)
        control_put_text(row, "reason", z->failure);
    else if (e->zone)
        control_put_number(row, "serial", e->zone->published->serial);
    else
        control_put_text(row, "state", "not transferred yet");
    return row;
}

static enum control_next zone_reload_step(struct control_call *call)
{
    const struct zone_reload *r = call->state;
    json_t *list = json_array();
    unsigned failed = 0;
    for (size_t i = 0; i < r->count; i++) {
        json_t *row = zone_outcome(call->server, name_of(&r->name[i]));
        if (!row) {
            json_decref(list);
            call->waits_loads = true;
            return CONTROL_WAIT;
        }
        failed += json_object_get(row, "reason") != NULL;
        json_array_append_new(list, row);
    }
    json_t *fields = json_object();
    json_object_set_new(fields, "ok", json_boolean(!failed));
    if (failed)
        control_put_text(fields, "error",
                         "not all could be loaded; what was served before still is");
    json_object_set_new(fields, "reloaded", list);
    return control_finish(call, fields);
}

/* Zones named in one request. */
#define RELOAD_ZONES_MAX 256

static enum control_next reload_named(struct control_call *call, const json_t *zones)
{
    enum control_next next;
    size_t count = json_array_size(zones);
    if (count > RELOAD_ZONES_MAX)
        return control_fail_usage(call, "at most %d zones at once", RELOAD_ZONES_MAX);
    struct zone_reload *r = mem_alloc(sizeof(*r) + count * sizeof(r->name[0]));
    call->state = r;
    call->end = zone_reload_free;
    call->step = zone_reload_step;
    r->count = count;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(zones, i));
        if (!control_name(call, text, &r->name[i], &next))
            return next;
        if (!store_get(&call->server->store, name_of(&r->name[i])))
            return control_fail(call, "no zone \"%.200s\" here", text);
    }
    log_notice("reload of zones requested", {"zones", LOG_U64(count)}, {"by", call->who});
    server_reload_by(call->server, call->who);
    for (size_t i = 0; i < count; i++)
        zones_load(call->server, name_of(&r->name[i]));
    return zone_reload_step(call);
}

enum control_next control_reload(struct control_call *call)
{
    const json_t *zones = json_object_get(call->request, "zones");
    return json_array_size(zones) ? reload_named(call, zones) : reload_all(call);
}

/* --- stop, log-level --- */

enum control_next control_stop(struct control_call *call)
{
    const struct control_hooks *hooks = &call->server->controls.hooks;
    if (!hooks->stop)
        return control_fail(call, "to stop is not possible here");
    log_notice("stop requested", {"by", call->who});
    enum control_next next = control_answer(call, NULL);
    hooks->stop(hooks->arg);
    return next;
}

static const struct level {
    enum log_level level;
    const char *text;
} levels[] = {
#define X(name, priority, text) {name, text},
    LOG_LEVEL_LIST(X)
#undef X
};

static const char *level_now(void)
{
    const char *text = levels[0].text;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (log_is_on(levels[i].level))
            text = levels[i].text;
    return text;
}

enum control_next control_loglevel(struct control_call *call)
{
    const char *want = control_text(call, "level");
    size_t i = 0;
    while (want && i < ARRAY_LEN(levels) && strcmp(levels[i].text, want) != 0)
        i++;
    if (i == ARRAY_LEN(levels))
        return control_fail_usage(call,
                                  "\"%.100s\" is no level: error, warning, notice, info or "
                                  "debug",
                                  want);
    if (want) {
        log_notice("log level changed until the next reload", {"level", want}, {"by", call->who});
        log_set_level(levels[i].level);
    }
    json_t *fields = json_object();
    control_put_text(fields, "level", level_now());
    return control_answer(call, fields);
}

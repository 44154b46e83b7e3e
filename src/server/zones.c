/* SPDX-License-Identifier: Apache-2.0
 * The zones of the server: asked for by the configuration, filled by the helpers.
 *
 * A zone that does not load never stops the others. Before its first good load it is in the store
 * without data (SERVFAIL); after that the last good one stays until a newer one is whole.
 *
 * A reload goes through the configuration in slices, one a turn of the reactor, and then through
 * the store for what is configured no more: 50,000 zones in one turn would hold queries up for 0.1
 * s.
 *
 * Of each zone one load is under way at a time. A reload that comes meanwhile leaves a note, and
 * the load is done once more at its end: however fast reloads come, each zone moves on, and the
 * helpers' queue is never longer than the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/leases.h"
#include "server/server_int.h"
#include "update/quota.h"

/* --- freeing --- */

/* A zone that nobody has pinned, and what its file was: freed by a helper, large ones take long. */
struct zone_drop {
    struct job job;
    struct zone *zone;       /* or NULL */
    const struct base *base; /* or NULL */
};

static void zone_drop_run(struct job *t)
{
    struct zone_drop *d = container_of(t, struct zone_drop, job);
    zone_free(d->zone);
    base_release(d->base);
    *d = (struct zone_drop){.job = d->job};
}

static void zone_drop_free(struct job *t)
{
    struct zone_drop *d = container_of(t, struct zone_drop, job);
    zone_free(d->zone);
    base_release(d->base);
    free(d);
}

static void zone_drop_done(void *owner, struct job *t)
{
    (void)owner;
    zone_drop_free(t);
}

static const struct job_kind zone_drop_kind = {zone_drop_run, zone_drop_done, zone_drop_free};

void zone_drop(void *helpers, struct zone *zone)
{
    struct zone_drop *d = mem_alloc_zero(sizeof(*d));
    d->zone = zone;
    helpers_give(helpers, &d->job, &zone_drop_kind, PACE_FIRST);
}

void base_drop(struct helpers *h, const struct base *base)
{
    if (!base_is_large(base))
        return base_release(base);
    struct zone_drop *d = mem_alloc_zero(sizeof(*d));
    d->base = base;
    helpers_give(h, &d->job, &zone_drop_kind, PACE_FIRST);
}

/* What belongs to the live data that goes: the log's numbers, the base, changes under way. */
static void forget_data(struct server *s, struct server_zone *z)
{
    changing_forget(s, z);
    commit_forget(s, z);
    leases_forget(s, z);
    transfer_forget(s, z);
    aging_forget(s, z);
    zone_retire(z->entry->zone, zone_drop, s->helpers);
    z->entry->zone = NULL;
    base_drop(s->helpers, z->base);
    z->base = NULL;
    free(z->identity);
    z->identity = NULL;
    z->is_kept = z->is_ready = z->is_frozen = z->is_snapshotting = z->is_merged = false;
    z->seq_given = z->seq_published = z->replay_bytes = 0;
    z->log_id = 0;
    z->is_owed = false;
    z->retry_us = 0;
}

/* --- a note in the log that nobody waits for: the zone was removed --- */

struct note {
    struct job job;
    struct state *state;
    uint64_t log_id;
    int64_t removed_us;
};

static void note_run(struct job *t)
{
    struct note *n = container_of(t, struct note, job);
    struct diag diag = {0};
    struct journal *j = state_open(n->state, &diag);
    enum err e = j ? journal_zone_set_removed(j, n->log_id, n->removed_us, &diag) : ERR_IO;
    if (e != OK)
        log_warn("not noted in the change log", {"reason", diag.text});
}

static void note_free(struct job *t)
{
    free(container_of(t, struct note, job));
}

static void note_done(void *owner, struct job *t)
{
    (void)owner;
    note_free(t);
}

static const struct job_kind note_kind = {note_run, note_done, note_free};

static void removal_note(struct server *s, uint64_t log_id)
{
    struct note *n = mem_alloc_zero(sizeof(*n));
    n->state = s->state;
    n->log_id = log_id;
    n->removed_us = s->now_us;
    helpers_give(s->helpers, &n->job, &note_kind, PACE_LOG);
}

/* --- what is configured --- */

static void owner_free(struct server_zone *z)
{
    base_release(z->base);
    free(z->identity);
    free(z->failure);
    free(z->twice);
    free(z);
}

static void zone_remove(struct server *s, struct server_zone *z)
{
    char text[NAME_TEXT_MAX];
    log_notice("zone removed", {"zone", name_text(name_of(&z->entry->name), text)},
               {"state", z->is_kept ? "kept" : NULL});
    if (z->is_kept)
        removal_note(s, z->log_id);
    waiters_forget(s, z);
    peers_free(s, z);
    secondary_free(s, z);
    forget_data(s, z);
    store_remove(&s->store, z->entry);
    owner_free(z);
}

void zone_rules_set(struct server_zone *z)
{
    const struct conf_zone *c = z->conf;
    z->rules.grants = c->grants;
    z->rules.grant_count = c->grant_count;
    z->rules.gives_leases = grants_give_leases(c->grants, c->grant_count);
    z->rules.serial = c->serial;
    z->rules.is_strict = c->is_strict;
    z->rules.protect = c->file && c->protect == CONF_PROTECT_FILE ? z->base : NULL;
}

static void rules_limits(const struct conf *conf, struct update_limits *l)
{
    l->rrset_records = conf->update_rrset_records;
    l->name_records = conf->update_name_records;
    l->zone_records = conf->update_zone_records;
    l->message_records = conf->update_message_records;
    l->work = conf->update_work;
}

void zone_fail(struct server_zone *z, const char *why)
{
    free(z->failure);
    z->failure = why[0] ? mem_string(why) : NULL;
}

/* What an opening depends on: a result of another one is not what is wanted any more. */
static uint64_t source_hash(const struct server *s, const struct conf_zone *c)
{
    char buf[8192];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    text_fmt(&t, "%d %d %s ", c->has_history, c->primary_count > 0, c->file ? c->file : "");
    for (unsigned i = 0; c->soa && i < c->soa->ns_count; i++)
        name_show(name_of(&c->soa->ns[i]), &t);
    return hash_bytes(&s->store.key, buf, text_len(&t));
}

/* While the server starts all helpers read the change log, later only the one that is for it. */
static enum pace pace_of(const struct server *s, const struct server_zone *z,
                         const struct opening *o)
{
    if (o->has_history && !o->live && (s->reload > 1 || z->entry->zone))
        return PACE_LOG;
    return z->entry->zone ? PACE_BEHIND : PACE_AWAITED;
}

static void open_zone(struct server *s, struct server_zone *z)
{
    const struct conf_zone *c = z->conf;
    struct opening *o = mem_alloc_zero(sizeof(*o));
    z->ticket = o->ticket = ++s->last_ticket;
    z->source = source_hash(s, c);
    z->is_loading = true;
    z->is_wanted_again = z->is_stale = z->is_owed = false;
    name_copy(&o->name, c->name);
    memcpy(o->by, s->reload_by, sizeof(o->by));
    o->path = mem_string(c->file);
    if (c->soa)
        opening_set_soa(o, c->soa);
    o->has_history = c->has_history;
    o->is_secondary = c->primary_count > 0;
    o->serial = c->serial;
    o->shrink_percent = z->takes_all ? 0 : c->shrink_percent;
    z->takes_all = false;
    o->limits.records_max = s->conf->zone_records_max;
    o->limits.is_canceled = helpers_is_ending(s->helpers);
    o->state = s->state;
    o->lease_key = s->store.key;
    if (c->has_history && z->is_kept) {
        o->live = version_pin(z->entry->zone->published);
        o->base = z->base ? base_hold(z->base) : NULL; /* none: it was a secondary */
        o->identity = mem_string(z->identity);
        o->log.id = z->log_id;
    }
    helpers_give(s->helpers, &o->job, &opening_kind, pace_of(s, z, o));
}

/* Its data is to have a snapshot in the log before anything changes it: a change that stands there
 * without what it is a change of could not be replayed. */
static bool awaits_snapshot(const struct server_zone *z)
{
    return z->is_kept && !z->is_ready && z->conf->has_history;
}

void zone_want_again(struct server *s, struct server_zone *z)
{
    if (secondary_is_open(z))
        return; /* its news do not come from here */
    if (z->is_loading || z->is_merged || awaits_snapshot(z))
        z->is_wanted_again = true;
    else
        open_zone(s, z);
}

/* What failed is tried again after so long: a disk that is full is full for a while, and an
 * operator who has made room likes to see it noticed. */
#define RETRY_US 5000000

void zone_retry_later(struct server *s, struct server_zone *z, enum retry what)
{
    z->is_owed = z->is_owed || what == RETRY_FILE;
    if (!z->retry_us)
        z->retry_us = s->now_us + RETRY_US;
    if (!s->retry_at_us || z->retry_us < s->retry_at_us)
        s->retry_at_us = z->retry_us;
}

static void retry(struct server *s, struct server_zone *z)
{
    bool is_owed = z->is_owed;
    z->retry_us = 0;
    z->is_owed = false;
    if (is_owed)
        zone_want_again(s, z);
    snapshot_consider(s, z);
}

/* A clock that was set back is no reason to wait longer. */
static bool is_due(int64_t at_us, int64_t now_us)
{
    return at_us <= now_us || at_us - now_us > RETRY_US;
}

void zones_retry(struct server *s)
{
    if (!s->retry_at_us || !is_due(s->retry_at_us, s->now_us))
        return;
    s->retry_at_us = 0;
    STORE_EACH(e, &s->store) {
        struct server_zone *z = e->owner;
        if (z->retry_us && is_due(z->retry_us, s->now_us))
            retry(s, z);
        else if (z->retry_us && (!s->retry_at_us || z->retry_us < s->retry_at_us))
            s->retry_at_us = z->retry_us;
    }
}

static void configure(struct server *s, const struct conf_zone *c)
{
    struct name name = c->name;
    struct store_entry *e = store_get(&s->store, name);
    if (!e) {
        struct server_zone *z = mem_alloc_zero(sizeof(*z));
        e = z->entry = store_add(&s->store, name);
        e->owner = z;
        e->expires_us = INT64_MAX;
        recent_init(&z->recent);
        list_init(&z->waiters);
    }
    struct server_zone *z = e->owner;
    z->reload = s->reload;
    z->conf = c;
    zone_rules_set(z);
    rules_limits(s->conf, &z->rules.limits);
    peers_configure(s, z);
    secondary_configure(s, z);
    leases_wake(s, z); /* a secondary has none */
    aging_wake(s, z);
    zone_look_at_nsec3(s, z);
    z->is_stale = z->is_loading && (z->is_stale || z->source != source_hash(s, c));
    zone_want_again(s, z);
}

const struct conf_zone *zones_configured(const struct server *s, struct name name)
{
    const struct conf *conf = s->conf;
    unsigned low = 0, high = conf->zone_count; /* in canonical order */
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        int d = name_compare(conf->zones[mid].name, name);
        if (d == 0)
            return &conf->zones[mid];
        if (d < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

void zones_load(struct server *s, struct name name)
{
    const struct conf_zone *c = zones_configured(s, name);
    if (c)
        configure(s, c);
}

/* Zones taken in hand in one turn: about a microsecond each. */
#define RELOAD_SLICE 256

/* Removes up to a slice of the zones that this reload did not meet; false: there are more. */
static bool remove_missing(struct server *s)
{
    struct server_zone *gone[RELOAD_SLICE];
    unsigned count = 0;
    STORE_EACH(e, &s->store) {
        struct server_zone *z = e->owner;
        if (z->reload != s->reload && count < RELOAD_SLICE)
            gone[count++] = z;
    }
    for (unsigned i = 0; i < count; i++)
        zone_remove(s, gone[i]);
    return count < RELOAD_SLICE;
}

static void reload_some(struct server *s)
{
    unsigned end = s->conf->zone_count - s->reload_at > RELOAD_SLICE ? s->reload_at + RELOAD_SLICE
                                                                     : s->conf->zone_count;
    while (s->reload_at < end)
        configure(s, &s->conf->zones[s->reload_at++]);
    if (end == s->conf->zone_count && remove_missing(s)) {
        s->is_reloading = false;
        old_confs_free(s); /* no zone refers to them any more */
    } else {
        helpers_wake(s->helpers);
    }
}

void zones_reload(struct server *s)
{
    s->reload++;
    s->reload_at = 0;
    s->is_reloading = true;
    reload_some(s);
}

void zones_settle(struct server *s)
{
    STORE_EACH(e, &s->store)
        changing_forget(s, zone_owner(e));
}

void zones_free(struct server *s)
{
    STORE_EACH(e, &s->store) {
        struct server_zone *z = e->owner;
        waiters_forget(s, z);
        peers_free(s, z);
        secondary_free(s, z);
        transfer_forget(s, z);
        aging_forget(s, z);
        leases_free(s, z);
        zone_free(e->zone);
        owner_free(z);
    }
    store_done(&s->store);
}

/* --- what comes of it --- */

static void log_loaded(const struct opening *o, const struct zone *zone, const struct zone *old)
{
    char text[NAME_TEXT_MAX];
    const struct version *v = zone->published;
    name_text(name_of(&o->name), text);
    log_info("zone loaded", {"zone", text}, {"serial", LOG_U64(v->serial)},
             {"records", LOG_U64(v->record_count)}, {"names", LOG_U64(v->node_count)},
             {"warnings", o->result.warnings ? LOG_U64(o->result.warnings) : NULL},
             {"from", o->log.snapshot   ? "change log"
                      : o->path         ? "file"
                      : o->is_secondary ? "primary"
                                        : "soa"},
             {"ms", LOG_U64((uint64_t)o->took_us / 1000)});
    if (old && serial_compare(v->serial, old->published->serial) < 0)
        log_warn("serial went back, secondaries will not follow", {"zone", text},
                 {"old", LOG_U64(old->published->serial)}, {"new", LOG_U64(v->serial)});
}

static void log_failed(const struct opening *o, const struct zone *serving)
{
    char text[NAME_TEXT_MAX];
    log_error("zone not loaded", {"zone", name_text(name_of(&o->name), text)},
              {"reason", o->diag.text}, {"errors", LOG_U64(o->result.errors)},
              {"serving", serving ? "last good version" : "SERVFAIL"});
}

/* The zone was not live, or comes anew from its file: its data is replaced. */
void zone_take(struct server *s, struct server_zone *z, struct opening *o)
{
    struct zone *fresh = o->zone;
    o->zone = NULL;
    forget_data(s, z);
    z->entry->zone = fresh;
    quota_forget(&z->rules);
    z->data_ticket = o->ticket;
    z->loaded_us = s->now_us;
    zone_published(s, z);
    if (!o->has_history || !o->log.id) /* the log could not take it in yet */
        return;
    z->is_kept = true;
    z->is_ready = o->log.snapshot != 0;
    z->is_frozen = o->log.flags & JOURNAL_ZONE_FROZEN;
    z->log_id = o->log.id;
    z->seq_given = z->seq_published = o->log.seq_last;
    z->is_traced = o->log.seq_last == 0;
    z->replay_bytes = o->log.replay_bytes;
    z->oldest_us = o->log.time_first_us;
    if (o->has_change) /* what the file was counts when the change is durable */
        source_take_old(z, o);
    else
        source_adopt(z, o);
    leases_take(s, z, o);
    aging_wake(s, z);
    snapshot_consider(s, z);
}

/* A secondary's state of the log is in, or there is none. */
static void take_secondary(struct server *s, struct server_zone *z, struct opening *o)
{
    zone_fail(z, o->has_failed ? o->diag.text : "");
    s->count.zone_loads += o->zone != NULL;
    s->count.zone_loads_failed += o->has_failed;
    s->count.zones_damaged += o->is_damaged;
    if (o->has_failed)
        log_failed(o, z->entry->zone);
    if (o->zone) {
        log_loaded(o, o->zone, z->entry->zone);
        zone_take(s, z, o);
    } else if (z->is_kept) {
        source_adopt(z, o); /* none: what it had as a primary */
    }
    if (o->has_failed && o->is_passing)
        zone_retry_later(s, z, RETRY_FILE);
    else if (!o->has_failed)
        secondary_opened(s, z, o);
    opening_drop(s->helpers, o);
}

/* A zone without history is replaced as a whole, which may be held back, too. */
static void consider_size(const struct zone *old, struct opening *o)
{
    const struct zone *fresh = o->zone;
    if (!old || !fresh || o->has_history ||
        !opening_is_shrinking(o, old->published->record_count, fresh->published->record_count))
        return;
    o->theirs = o->zone; /* goes with the opening */
    o->zone = NULL;
}

static void take_result(struct server *s, struct server_zone *z, struct opening *o)
{
    consider_size(z->entry->zone, o);
    z->is_held = o->is_held;
    s->count.zone_files_held += o->is_held;
    zone_fail(z, o->has_failed ? o->diag.text : "");
    s->count.zone_loads += !o->has_failed;
    s->count.zone_loads_failed += o->has_failed;
    if (o->has_failed)
        log_failed(o, o->zone ? o->zone : z->entry->zone);
    bool has_data = o->zone;
    if (has_data) {
        log_loaded(o, o->zone, z->entry->zone);
        zone_take(s, z, o);
    }
    if (o->has_failed && o->is_passing)
        zone_retry_later(s, z, RETRY_FILE);
    if (has_data && o->has_change) {
        merging_commit(s, z, o, NULL);
        return;
    }
    if (!has_data && o->plan) {
        z->loaded_us = s->now_us;
        merging_start(s, z, o);
        return;
    }
    opening_drop(s->helpers, o);
}

static void opening_job_run(struct job *t)
{
    opening_run(container_of(t, struct opening, job));
}

static void opening_job_done(void *owner, struct job *t)
{
    struct server *s = owner;
    struct opening *o = container_of(t, struct opening, job);
    struct store_entry *e = store_get(&s->store, name_of(&o->name));
    struct server_zone *z = e ? e->owner : NULL;
    if (o->live)
        version_unpin(o->live);
    if (!z || z->ticket != o->ticket) {
        opening_drop(s->helpers, o); /* removed meanwhile */
        return;
    }
    z->is_loading = false;
    if (z->is_stale || (o->live && !z->is_kept)) /* the log is to be read again first */
        opening_drop(s->helpers, o);
    else if (o->is_secondary)
        take_secondary(s, z, o);
    else
        take_result(s, z, o);
    if (z->is_wanted_again)
        zone_want_again(s, z);
}

static void opening_job_drop(struct job *t)
{
    struct opening *o = container_of(t, struct opening, job);
    if (o->live)
        version_unpin(o->live);
    opening_free(o);
}

const struct job_kind opening_kind = {opening_job_run, opening_job_done, opening_job_drop};

/* Results taken in one turn: each is a few pointers and two log lines. */
#define COLLECT_MAX 64

bool zones_collect(struct server *s)
{
    unsigned taken = 0;
    while (taken < COLLECT_MAX && helpers_collect(s->helpers, s))
        taken++;
    if (taken == COLLECT_MAX)
        helpers_wake(s->helpers); /* what is left may have no wake-up of its own any more */
    if (!list_is_empty(&s->changing))
        changing_turn(s);
    if (s->is_reloading)
        reload_some(s);
    return helpers_pending(s->helpers) == 0 && !s->is_reloading && s->merged == 0;
}

const char *server_status(const struct server *s, char buf[128])
{
    unsigned loading = 0, failed = 0;
    STORE_EACH(e, &s->store) {
        const struct server_zone *z = e->owner;
        loading += z->is_loading;
        failed += z->failure && !z->is_loading;
    }
    int n = snprintf(buf, 128, "%zu zone%s", s->store.count, s->store.count == 1 ? "" : "s");
    if (loading)
        n += snprintf(buf + n, 128 - (size_t)n, ", %u loading", loading);
    if (failed)
        snprintf(buf + n, 128 - (size_t)n, ", %u not loaded", failed);
    return buf;
}

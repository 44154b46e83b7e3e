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
#include "base/clock.h"
#include "server/server_int.h"

static void drop(void *loader, struct zone *zone)
{
    loader_drop(loader, zone);
}

static void owner_free(struct server_zone *z)
{
    free(z->failure);
    free(z);
}

static void zone_remove(struct server *s, struct server_zone *z)
{
    char text[NAME_TEXT_MAX];
    log_notice("zone removed", {"zone", name_text(name_of(&z->entry->name), text)});
    zone_retire(z->entry->zone, drop, s->loader);
    store_remove(&s->store, z->entry);
    owner_free(z);
}

/* NULL: it is not there. */
static const struct conf_zone *find_configured(const struct conf *conf, struct name name)
{
    unsigned low = 0, high = conf->zone_count; /* in canonical order */
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        int d = name_compare(name_of(&conf->zones[mid].name), name);
        if (d == 0)
            return &conf->zones[mid];
        if (d < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static uint64_t file_hash(const struct server *s, const struct conf_zone *c)
{
    return c->file ? hash_bytes(&s->store.key, c->file, strlen(c->file)) : 0;
}

static void load(struct server *s, struct server_zone *z, const struct conf_zone *c)
{
    struct load_limits limits = {.records_max = s->conf->zone_records_max};
    z->ticket = ++s->last_ticket;
    z->file = file_hash(s, c);
    z->is_loading = true;
    z->is_wanted_again = z->is_stale = false;
    if (!c->file) { /* nothing to load from: it answers SERVFAIL */
        z->is_loading = false;
        return;
    }
    loader_load(s->loader, name_of(&c->name), c->file, limits,
                z->entry->zone ? LOADER_BEHIND : LOADER_AWAITED, z->ticket);
}

static void configure(struct server *s, const struct conf_zone *c)
{
    struct name name = name_of(&c->name);
    struct store_entry *e = store_get(&s->store, name);
    if (!e) {
        struct server_zone *z = mem_alloc_zero(sizeof(*z));
        e = z->entry = store_add(&s->store, name);
        e->owner = z;
    }
    struct server_zone *z = e->owner;
    z->reload = s->reload;
    if (z->is_loading) {
        z->is_wanted_again = true;
        z->is_stale = z->is_stale || z->file != file_hash(s, c);
    } else
        load(s, z, c);
}

const struct conf_zone *zones_configured(const struct server *s, struct name name)
{
    return find_configured(s->conf, name);
}

void zones_load(struct server *s, struct name name)
{
    const struct conf_zone *c = find_configured(s->conf, name);
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
    if (end == s->conf->zone_count && remove_missing(s))
        s->is_reloading = false;
    else
        loader_wake(s->loader);
}

void zones_reload(struct server *s)
{
    s->reload++;
    s->reload_at = 0;
    s->is_reloading = true;
    reload_some(s);
}

void zones_free(struct server *s)
{
    STORE_EACH(e, &s->store) {
        zone_free(e->zone);
        owner_free(e->owner);
    }
    store_done(&s->store);
}

static void log_loaded(const struct loaded *r, const struct zone *old)
{
    char text[NAME_TEXT_MAX];
    const struct version *v = r->zone->published;
    name_text(name_of(&r->name), text);
    log_info("zone loaded", {"zone", text}, {"serial", LOG_U64(v->serial)},
             {"records", LOG_U64(v->record_count)}, {"names", LOG_U64(v->node_count)},
             {"warnings", r->result.warnings ? LOG_U64(r->result.warnings) : NULL},
             {"ms", LOG_U64((uint64_t)r->took_us / 1000)});
    if (old && serial_compare(v->serial, old->published->serial) < 0)
        log_warn("serial went back, secondaries will not follow", {"zone", text},
                 {"old", LOG_U64(old->published->serial)}, {"new", LOG_U64(v->serial)});
}

static void log_failed(const struct loaded *r, const struct zone *old)
{
    char text[NAME_TEXT_MAX];
    log_error("zone not loaded", {"zone", name_text(name_of(&r->name), text)},
              {"reason", r->diag.text}, {"errors", LOG_U64(r->result.errors)},
              {"serving", old ? "last good version" : "SERVFAIL"});
}

static char *copy_text(const char *text)
{
    size_t len = strlen(text) + 1;
    return memcpy(mem_alloc(len), text, len);
}

/* The result becomes what is served, or is logged as what went wrong. */
static void take_result(struct server *s, struct store_entry *e, struct loaded *r)
{
    struct server_zone *z = e->owner;
    free(z->failure);
    z->failure = r->zone ? NULL : copy_text(r->diag.text);
    z->loaded_us = clock_wall_us();
    if (!r->zone) {
        s->count.zone_loads_failed++;
        log_failed(r, e->zone);
        return;
    }
    s->count.zone_loads++;
    log_loaded(r, e->zone);
    zone_retire(e->zone, drop, s->loader);
    e->zone = r->zone;
}

static void take(struct server *s, struct loaded *r)
{
    struct store_entry *e = store_get(&s->store, name_of(&r->name));
    struct server_zone *z = e ? e->owner : NULL;
    if (!z || z->ticket != r->ticket) {
        loader_drop(s->loader, r->zone); /* removed meanwhile */
        return;
    }
    z->is_loading = false;
    if (z->is_stale)
        loader_drop(s->loader, r->zone);
    else
        take_result(s, e, r);
    const struct conf_zone *c =
        z->is_wanted_again ? find_configured(s->conf, name_of(&e->name)) : NULL;
    if (c) /* else a newer configuration is without it, and its reload has yet to come here */
        load(s, z, c);
}

/* Results taken in one turn: each is a few pointers and two log lines. */
#define COLLECT_MAX 64

bool zones_collect(struct server *s)
{
    struct loaded r;
    unsigned taken = 0;
    for (; taken < COLLECT_MAX && loader_collect(s->loader, &r); taken++)
        take(s, &r);
    if (taken == COLLECT_MAX)
        loader_wake(s->loader); /* what is left may have no wake-up of its own any more */
    if (s->is_reloading)
        reload_some(s);
    return loader_pending(s->loader) == 0 && !s->is_reloading;
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

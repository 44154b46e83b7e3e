/* SPDX-License-Identifier: Apache-2.0
 * A zone file's news, applied to the live zone.
 *
 * The plan came from a helper and is a list of RRsets to set or remove; it is right whatever
 * updates have done meanwhile. A turn does a slice of it, then a slice of the diff, so that queries
 * are answered in between; updates for the zone wait. A usual edit is done within one slice.
 * Then the version goes the way of every change: into the log, with what the file was, and out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/server_int.h"

/* RRsets in one turn: about a microsecond each, some more with large ones. */
#define MERGING_SLICE 256

struct pending_file {
    struct pending pending;
    struct opening *opening; /* what the file was: identity and base */
    uint8_t *base;
};

void source_take_old(struct server_zone *z, struct opening *o)
{
    z->base = o->base;
    o->base = NULL;
    z->identity = o->log.identity;
    o->log.identity = NULL;
    zone_rules_set(z);
}

void source_adopt(struct server_zone *z, struct opening *o)
{
    base_release(z->base);
    z->base = o->new_base;
    o->new_base = NULL;
    free(z->identity);
    z->identity = o->new_identity;
    o->new_identity = NULL;
    zone_rules_set(z);
}

static void log_merged(const struct server_zone *z, const struct opening *o,
                       const struct merge_result *r)
{
    char text[NAME_TEXT_MAX];
    log_info("zone file merged", {"zone", name_text(name_of(&z->entry->name), text)},
             {"serial", LOG_U64(z->entry->zone->published->serial)}, {"set", LOG_U64(r->set)},
             {"removed", LOG_U64(r->removed)},
             {"conflicts", r->conflicts ? LOG_U64(r->conflicts) : NULL},
             {"ms", LOG_U64((uint64_t)o->took_us / 1000)});
}

static void on_done(struct server *s, struct pending *p, enum err result)
{
    struct pending_file *f = container_of(p, struct pending_file, pending);
    struct server_zone *z = p->zone;
    s->merged--;
    helpers_wake(s->helpers); /* a reload may be over now */
    if (z)
        z->is_merged = false;
    if (z && result == OK) {
        source_adopt(z, f->opening);
        log_merged(z, f->opening, &f->opening->merged);
        snapshot_consider(s, z);
    } else if (z) {
        zone_fail(z, "the change log did not take what is new in the zone file");
    }
    if (z && z->is_wanted_again)
        zone_want_again(s, z);
    pending_release(p);
    opening_free(f->opening);
    free(f->base);
    free(f);
}

/* The version waits for the log; its source with it. */
void merging_commit(struct server *s, struct server_zone *z, struct opening *o, struct txn **t)
{
    struct pending_file *f = mem_alloc_zero(sizeof(*f));
    pending_init(&f->pending, z, CHANGE_FILE, s->now_us, on_done);
    f->opening = o;
    snprintf(f->pending.actor, sizeof(f->pending.actor), "file %.290s",
             o->path ? o->path : "soa of the configuration");
    f->base = base_write(o->new_base, &f->pending.source.base_len);
    f->pending.source.base = f->base;
    f->pending.source.identity = o->new_identity ? o->new_identity : "";
    if (t)
        pending_seal(&f->pending, t);
    else { /* the opening has built it */
        f->pending.version = z->entry->zone->tip;
        f->pending.diff = o->change;
        o->change = (struct diff){0};
    }
    z->is_merged = true;
    s->merged++;
    commit_give(s, &f->pending);
}

/* Updates may come again. */
static void merging_free(struct server *s, struct merging *m)
{
    update_unblock(&s->updates);
    m->zone->merging = NULL;
    list_remove(&m->link);
    opening_free(m->opening);
    free(m);
}

void merging_start(struct server *s, struct server_zone *z, struct opening *o)
{
    struct merging *m = mem_alloc_zero(sizeof(*m));
    ASSERT(!z->merging);
    m->zone = z;
    m->opening = o;
    m->txn = txn_begin(z->entry->zone, TXN_CHANGE);
    z->merging = m;
    list_add_last(&s->merging, &m->link);
    merging_turn(s);
}

static void note_source_only(struct server *s, struct merging *m)
{
    struct server_zone *z = m->zone;
    txn_abort(&m->txn);
    source_note(s, z->log_id, m->opening);
    source_adopt(z, m->opening);
}

/* A slice; true: it is over. */
static bool merging_step(struct server *s, struct merging *m)
{
    char text[NAME_TEXT_MAX];
    struct opening *o = m->opening;
    struct merge_sink sink = {.arg = text, .conflict = opening_log_conflict};
    name_text(name_of(&m->zone->entry->name), text);
    if (!m->is_applied) {
        m->is_applied = merge_apply_some(o->plan, m->txn, MERGING_SLICE, o->serial, s->now_us,
                                         &sink, &m->result);
        return false;
    }
    if (!txn_is_touched(m->txn)) {
        note_source_only(s, m);
        return true;
    }
    if (!txn_diff_some(m->txn, MERGING_SLICE))
        return false;
    o->merged = m->result;
    merging_commit(s, m->zone, o, &m->txn);
    m->opening = NULL;
    return true;
}

void merging_turn(struct server *s)
{
    LIST_EACH(link, &s->merging) {
        struct merging *m = list_entry(link, struct merging, link);
        struct server_zone *z = m->zone;
        /* a usual edit in one go: applied, compared, sealed */
        bool is_over = merging_step(s, m) || (m->is_applied && merging_step(s, m));
        if (!is_over)
            continue;
        merging_free(s, m);
        if (z->is_wanted_again)
            zone_want_again(s, z);
    }
    if (!list_is_empty(&s->merging))
        helpers_wake(s->helpers);
}

void merging_drop(struct server *s, struct server_zone *z)
{
    txn_abort(&z->merging->txn);
    merging_free(s, z->merging);
}

void merging_abort(struct server *s, struct server_zone *z)
{
    if (!z->merging)
        return;
    merging_drop(s, z);
    zone_want_again(s, z);
}

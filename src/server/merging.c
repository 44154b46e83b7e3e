/* SPDX-License-Identifier: Apache-2.0
 * A zone file's news, applied to the live zone.
 *
 * The plan came from a helper and is a list of RRsets to set or remove; it is right whatever
 * updates have done meanwhile. It is applied in slices (changing.h) and goes into the log with what
 * the file was; that alone goes there where the live zone has all of it already, for it counts when
 * it is durable: a later start would take a file that it does not know for the author's news. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/server_int.h"

struct merging {
    struct changing changing;
    struct opening *opening; /* with the plan */
    struct merge_result result;
};

struct pending_file {
    struct pending pending;
    struct opening *opening; /* what the file was: identity and base */
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
    const struct base *old = z->base;
    z->base = o->new_base;
    o->new_base = old; /* freed with the opening */
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
        if (p->version)
            log_merged(z, f->opening, &f->opening->merged);
    } else if (z) {
        zone_fail(z, "the change log did not take what is new in the zone file");
        zone_retry_later(s, z, RETRY_FILE);
    }
    if (z && z->is_wanted_again)
        zone_want_again(s, z);
    pending_release(p);
    opening_drop(s->helpers, f->opening);
    free(f);
}

/* The version waits for the log; its source with it. */
void merging_commit(struct server *s, struct server_zone *z, struct opening *o, struct txn **t)
{
    struct pending_file *f = mem_alloc_zero(sizeof(*f));
    pending_init(&f->pending, z, CHANGE_FILE, s->now_us, on_done);
    f->opening = o;
    const char *path = o->path ? o->path : "soa of the configuration";
    if (o->by[0])
        snprintf(f->pending.actor, sizeof(f->pending.actor), "file %.200s (reload by %s)", path,
                 o->by);
    else
        snprintf(f->pending.actor, sizeof(f->pending.actor), "file %.290s", path);
    f->pending.source =
        (struct journal_source){o->new_identity ? o->new_identity : "", o->base_bytes, o->base_len};
    if (t && txn_is_touched(*t)) {
        pending_seal(&f->pending, t);
    } else if (t) {
        txn_abort(t);
    } else { /* the opening has built it */
        f->pending.version = z->entry->zone->tip;
        f->pending.diff = o->change;
        o->change = (struct diff){0};
    }
    z->is_merged = true;
    s->merged++;
    commit_give(s, &f->pending);
}

static struct merging *merging_of(struct changing *c)
{
    return container_of(c, struct merging, changing);
}

static void merging_free(struct server *s, struct merging *m)
{
    s->merged--;
    if (m->opening)
        opening_drop(s->helpers, m->opening);
    free(m);
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    struct merging *m = merging_of(c);
    struct opening *o = m->opening;
    char text[NAME_TEXT_MAX];
    struct merge_sink sink = {.arg = text, .conflict = opening_log_conflict};
    name_text(name_of(&c->zone->entry->name), text);
    return merge_apply_some(o->plan, c->txn, CHANGING_SLICE, o->serial, s->now_us, &sink,
                            &m->result)
               ? CHANGING_APPLIED
               : CHANGING_MORE;
}

static void seal(struct server *s, struct changing *c)
{
    struct merging *m = merging_of(c);
    m->opening->merged = m->result;
    merging_commit(s, c->zone, m->opening, &c->txn);
    m->opening = NULL;
    merging_free(s, m);
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    struct server_zone *z = c->zone;
    merging_free(s, merging_of(c));
    z->is_merged = false;
    if (why != CHANGING_ZONE_GOES)
        zone_want_again(s, z);
}

static const struct changing_kind merging_kind = {.apply = apply, .seal = seal, .drop = drop};

bool merging_force(struct server *s, struct server_zone *z)
{
    if (!z->is_held)
        return false;
    z->takes_all = true;
    zone_want_again(s, z);
    return true;
}

void merging_start(struct server *s, struct server_zone *z, struct opening *o)
{
    struct merging *m = mem_alloc_zero(sizeof(*m));
    m->opening = o;
    z->is_merged = true; /* no other one before this is over */
    s->merged++;
    changing_start(s, z, &m->changing, &merging_kind);
}

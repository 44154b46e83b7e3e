/* SPDX-License-Identifier: Apache-2.0
 * Snapshots: what is published and durable, written into the change log by a helper, so that a
 * start has few changes to replay.
 *
 * The first one of a zone makes it ready to be changed. Later ones are made when the changes since
 * are worth it, or are to go because of their age. The helper reads a version that the reactor
 * holds pinned for it. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "server/server_int.h"
#include "zone/image.h"

struct snapshot {
    struct job job;
    struct state *state;
    const atomic_bool *is_ending;
    struct name_buf name; /* to find the zone again */
    uint64_t ticket;      /* of its data: another one is another zone */
    const struct version *version;
    uint64_t log_id, seq, replay_bytes;
    int64_t now_us;
    char *identity; /* with base: of a first snapshot, else NULL */
    const struct base *base;
    enum err result;
    struct diag diag;
    uint64_t bytes;
    int64_t took_us;
};

static void snapshot_free(struct snapshot *w)
{
    free(w->identity);
    free(w);
}

static enum err write_parts(struct snapshot *w, struct journal *j, struct journal_flip *flip)
{
    struct image_writer image;
    size_t len;
    enum err e = OK;
    image_writer_start(&image, w->version);
    for (uint8_t *part; e == OK && (part = image_next(&image, &len)); free(part)) {
        if (atomic_load(w->is_ending)) {
            free(part);
            return ERR_CANCELED;
        }
        e = journal_snapshot_put(j, flip->snapshot, flip->parts++, part, len, &w->diag);
        w->bytes += len;
    }
    return e;
}

static void snapshot_run(struct job *t)
{
    struct snapshot *w = container_of(t, struct snapshot, job);
    struct journal *j = state_open(w->state, &w->diag);
    struct journal_source source = {.identity = w->identity};
    struct journal_flip flip = {
        .zone = w->log_id, .seq = w->seq, .serial = w->version->serial, .now_us = w->now_us};
    int64_t start = clock_mono_us();
    w->result = j ? journal_snapshot_begin(j, w->log_id, &flip.snapshot, &w->diag) : ERR_IO;
    if (w->result == OK)
        w->result = write_parts(w, j, &flip);
    if (w->result == OK) {
        if (w->identity) {
            source.base = base_write(w->base, &source.base_len);
            flip.source = &source;
        }
        w->result = journal_snapshot_flip(j, &flip, &w->diag);
        free((void *)(uintptr_t)source.base);
    }
    w->took_us = clock_mono_us() - start;
}

static void note_outcome(struct server *s, struct server_zone *z, const struct snapshot *w)
{
    bool is_first = !z->is_ready;
    if (w->result == OK) {
        z->replay_bytes -= w->replay_bytes;
        z->is_ready = true;
        aging_snapshot(s, z);
    } else {
        zone_retry_later(s, z, RETRY_SNAPSHOT);
    }
    if (is_first)
        zone_fail(z, w->result == OK ? "" : w->diag.text);
    if (is_first && z->is_ready && z->is_wanted_again)
        zone_want_again(s, z);
    if (is_first && z->is_ready)
        secondary_ready(s, z);
}

static void snapshot_done(void *owner, struct job *t)
{
    struct server *s = owner;
    struct snapshot *w = container_of(t, struct snapshot, job);
    char text[NAME_TEXT_MAX];
    struct store_entry *e = store_get(&s->store, name_of(&w->name));
    struct server_zone *z = e ? zone_owner(e) : NULL;
    name_text(name_of(&w->name), text);
    version_unpin(w->version);
    base_drop(s->helpers, w->base);
    if (z && z->data_ticket == w->ticket) {
        z->is_snapshotting = false;
        note_outcome(s, z, w);
    }
    if (w->result == OK) {
        s->count.snapshots++;
        log_debug("snapshot written", {"zone", text}, {"bytes", LOG_U64(w->bytes)},
                  {"ms", LOG_U64((uint64_t)w->took_us / 1000)});
    } else if (w->result != ERR_CANCELED) {
        s->count.snapshots_failed++;
        log_error("snapshot not written", {"zone", text}, {"reason", w->diag.text},
                  {"updates", z && !z->is_ready ? "answered SERVFAIL" : "go on"});
    }
    snapshot_free(w);
}

/* The helpers have ended; the server frees its zones, pinned or not, after this. */
static void snapshot_drop(struct job *t)
{
    struct snapshot *w = container_of(t, struct snapshot, job);
    version_unpin(w->version);
    base_release(w->base);
    snapshot_free(w);
}

static const struct job_kind snapshot_kind = {snapshot_run, snapshot_done, snapshot_drop};

static void snapshot_start(struct server *s, struct server_zone *z)
{
    struct snapshot *w = mem_alloc_zero(sizeof(*w));
    z->is_snapshotting = true;
    w->state = s->state;
    w->is_ending = helpers_is_ending(s->helpers);
    name_copy(&w->name, name_of(&z->entry->name));
    w->ticket = z->data_ticket;
    w->version = version_pin(z->entry->zone->published);
    w->log_id = z->log_id;
    w->seq = z->seq_published;
    w->replay_bytes = z->replay_bytes;
    w->now_us = s->now_us;
    if (!z->is_ready && z->base) { /* a secondary has none */
        w->identity = mem_string(z->identity ? z->identity : "");
        w->base = base_hold(z->base);
    }
    helpers_give(s->helpers, &w->job, &snapshot_kind, PACE_LOG);
}

/* A large zone is worth more changes: writing it anew costs more than replaying some. */
static bool is_worth_it(const struct server *s, const struct server_zone *z)
{
    uint64_t half = z->entry->zone->published->byte_count / 2;
    uint64_t after = s->conf->snapshot_after > half ? s->conf->snapshot_after : half;
    return z->replay_bytes >= after;
}

void snapshot_consider(struct server *s, struct server_zone *z)
{
    if (!z->is_kept || z->is_snapshotting || z->retry_us)
        return;
    if (!z->is_ready || z->is_aged || is_worth_it(s, z))
        snapshot_start(s, z);
}

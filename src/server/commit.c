/* SPDX-License-Identifier: Apache-2.0
 * The usual course: UPDATEs of one turn are given one by one; commit_turn() makes a batch of them;
 * the log syncs it while the next turns evaluate more against the tips; commit_collect() publishes,
 * answers, and hands over what came meanwhile. No timer: the batch grows with the load.
 *
 * When the log refuses a batch, every change that waits is built on it or may be, so all of them
 * fail, the tips fall back to what is published, and the next change tries the log anew. */
#include "server/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/leases.h"
#include "server/server_int.h"
#include "update/quota.h"

/* A full disk refuses many batches. */
#define FAILURES_LOGGED_PER_SECOND 2

static struct pending *pending_of(struct list *link)
{
    return list_entry(link, struct pending, link);
}

void pending_init(struct pending *p, struct server_zone *z, enum change_kind kind, int64_t now_us,
                  pending_done_fn done)
{
    p->zone = z;
    p->data = z->entry->zone;
    p->pin = version_pin(p->data->published);
    p->kind = kind;
    p->now_us = now_us;
    p->done = done;
    list_init(&p->link);
}

void pending_seal(struct pending *p, struct txn **t)
{
    p->version = txn_seal(t, &p->diff);
    quota_note(&p->zone->rules, p->version, &p->diff);
}

void pending_release(struct pending *p)
{
    version_unpin(p->pin);
    diff_done(&p->diff);
    xfr_steps_done(&p->steps);
    lease_rows_done(&p->leases);
}

void commit_give(struct server *s, struct pending *p)
{
    list_add_last(&s->commit.open, &p->link);
    s->commit.count++;
    if (p->zone->leases || p->leases.count)
        leases_give(s, p);
}

/* Of all its rows in the log. */
static uint64_t bytes_of(const struct pending *p)
{
    return p->steps.count ? p->steps.bytes : p->diff.len;
}

static void change_fill(struct change *c, const struct pending *p, const struct diff *d,
                        uint64_t seq)
{
    *c = (struct change){
        .zone = p->zone->log_id,
        .seq = seq,
        .serial_from = d->serial_from,
        .serial_to = d->serial_to,
        .time_us = p->now_us,
        .kind = p->kind,
        .actor = p->actor,
        .peer = p->peer,
        .rule = p->rule,
        .diff = d->bytes,
        .diff_len = d->len,
        .added_at = d->added_at,
        .removed_count = d->removed_count,
        .added_count = d->added_count,
        .source = p->source.identity ? &p->source : NULL,
    };
}

static void batch_add(struct commit *c, struct pending *p)
{
    for (unsigned i = 0; i < p->steps.count; i++)
        change_fill(&c->changes[c->batch.count++], p, &p->steps.at[i]->diff, ++p->zone->seq_given);
    if (!p->steps.count)
        change_fill(&c->changes[c->batch.count++], p, &p->diff,
                    p->version ? ++p->zone->seq_given : p->zone->seq_given);
    struct change *last = &c->changes[c->batch.count - 1];
    last->leases = p->leases.at;
    last->lease_count = p->leases.count;
    last->has_no_row = !p->version;
}

/* Moves changes from `open` to `batch`, up to the bounds. A zone that was removed has nothing to
 * commit. */
static void batch_fill(struct commit *c)
{
    size_t bytes = 0;
    unsigned taken = 0;
    c->batch.count = 0;
    LIST_EACH(link, &c->open) {
        struct pending *p = pending_of(link);
        ASSERT(p->steps.count <= COMMIT_STEPS_MAX);
        if (taken == COMMIT_BATCH_MAX || bytes >= COMMIT_BATCH_BYTES || !leases_look(p, 0) ||
            c->batch.count + (p->steps.count ? p->steps.count : 1) > COMMIT_BATCH_MAX)
            break;
        list_remove(link);
        list_add_last(&c->under_way, link);
        taken++;
        if (!p->zone || (!p->version && !p->leases.count && !p->source.identity))
            continue;
        bytes += bytes_of(p) + p->source.base_len + p->leases.bytes;
        batch_add(c, p);
    }
}

/* Every zone that somebody waits for falls back to what is published. */
static void roll_back(struct server *s, struct list *waiting)
{
    LIST_EACH(link, waiting) {
        struct pending *p = pending_of(link);
        struct server_zone *z = p->zone;
        if (!z || z->entry->zone != p->data)
            continue;
        changing_abort(s, z);
        zone_rollback(p->data);
        z->seq_given = z->seq_published;
    }
}

/* The log knows of changes that we do not: it was read before they came in. So it is read again;
 * not at once if that did not help a moment ago. */
static void read_again(struct server *s, struct list *waiting)
{
    LIST_EACH(link, waiting) {
        struct server_zone *z = pending_of(link)->zone;
        if (!z || !z->is_kept)
            continue;
        z->is_kept = false;
        secondary_close(s, z);
        if (z->is_reread)
            zone_retry_later(s, z, RETRY_FILE);
        else
            zone_want_again(s, z);
        z->is_reread = !z->is_reread;
    }
}

/* They are told in the turns that come. */
static void settle(struct commit *c, struct list *waiting, enum err result)
{
    LIST_EACH(link, waiting) {
        pending_of(link)->result = pending_of(link)->zone ? result : ERR_CANCELED;
        list_remove(link);
        list_add_last(&c->settled, link);
    }
}

/* Leases that are put into memory in the time of one answer. */
#define LEASES_PER_ANSWER 32

static bool tell_some(struct server *s, unsigned budget)
{
    struct commit *c = &s->commit;
    while (budget > 0 && !list_is_empty(&c->settled)) {
        struct pending *p = pending_of(c->settled.next);
        unsigned cost = 1 + p->leases.count / LEASES_PER_ANSWER;
        budget -= cost < budget ? cost : budget;
        list_remove(&p->link);
        c->count--;
        if (p->has_leases && p->zone)
            leases_settle(s, p, p->result);
        p->done(s, p, p->result);
    }
    return list_is_empty(&c->settled);
}

static void publish_all(struct server *s)
{
    LIST_EACH(link, &s->commit.under_way) {
        struct pending *p = pending_of(link);
        struct server_zone *z = p->zone;
        if (!p->version || !z || z->entry->zone != p->data)
            continue;
        zone_publish(p->data, p->version);
        quota_published(&z->rules, p->version);
        z->seq_published += p->steps.count ? p->steps.count : 1;
        z->is_reread = false;
        z->replay_bytes += bytes_of(p);
        transfer_changed(s, z, p); /* takes the diff */
        zone_published(s, z);
        s->count.commit_changes++;
        if (UNLIKELY(!z->oldest_us)) {
            z->oldest_us = p->now_us;
            aging_wake(s, z);
        }
        snapshot_consider(s, z);
    }
}

static void log_failed(struct server *s)
{
    const struct journal_batch *batch = &s->commit.batch;
    uint64_t suppressed;
    if (log_rate_is_open(&s->commit.failed_rate, FAILURES_LOGGED_PER_SECOND, s->now_us,
                         &suppressed))
        log_error("changes not taken, the change log failed", {"reason", batch->diag.text},
                  {"changes", LOG_U64(batch->count)}, {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* The log has done, or refused, the batch. */
static void batch_end(struct server *s)
{
    struct commit *c = &s->commit;
    s->count.commits += c->batch.count > 0;
    if (c->batch.result == OK) {
        publish_all(s);
        settle(c, &c->under_way, OK);
        return;
    }
    s->count.commits_failed++;
    log_failed(s);
    roll_back(s, &c->under_way);
    roll_back(s, &c->open);
    if (c->batch.result == ERR_INVALID)
        read_again(s, &c->under_way);
    settle(c, &c->under_way, c->batch.result);
    settle(c, &c->open, c->batch.result);
}

/* The oldest one may have to be looked through for records with leases before it can go. */
static bool is_first_ready(struct commit *c, unsigned budget)
{
    return list_is_empty(&c->open) || leases_look(pending_of(c->open.next), budget);
}

static void hand_over(struct server *s)
{
    struct commit *c = &s->commit;
    while (!c->is_busy && !list_is_empty(&c->open) && is_first_ready(c, 0)) {
        batch_fill(c);
        c->batch.result = OK;
        c->batch.diag.text[0] = '\0';
        if (c->batch.count > 0) {
            c->is_busy = true;
            journal_commit(state_journal(s->state), &c->batch);
        } else {
            batch_end(s); /* nothing to make durable: they waited for others */
        }
    }
}

bool commit_turn(struct server *s)
{
    bool is_ready = is_first_ready(&s->commit, COMMIT_LOOK_MAX);
    hand_over(s);
    return tell_some(s, COMMIT_TELL_MAX) && is_ready;
}

void commit_collect(struct server *s)
{
    struct journal *j = state_journal(s->state);
    if (!s->commit.is_busy || !j || !journal_collect(j))
        return;
    s->commit.is_busy = false;
    s->commit.took_us = s->commit.batch.took_us;
    batch_end(s);
    hand_over(s);
}

bool commit_is_idle(const struct server *s)
{
    return s->commit.count == 0;
}

unsigned commit_count(const struct server *s)
{
    return s->commit.count;
}

static void forget_in(struct list *waiting, const struct server_zone *z)
{
    LIST_EACH(link, waiting) {
        struct pending *p = pending_of(link);
        if (p->zone == z)
            p->zone = NULL;
    }
}

void commit_forget(struct server *s, const struct server_zone *z)
{
    forget_in(&s->commit.open, z);
    forget_in(&s->commit.under_way, z);
    forget_in(&s->commit.settled, z);
}

void commit_drop(struct server *s)
{
    struct commit *c = &s->commit;
    settle(c, &c->under_way, ERR_CANCELED);
    settle(c, &c->open, ERR_CANCELED);
    while (!tell_some(s, COMMIT_TELL_MAX))
        ;
}

void commit_init(struct commit *c)
{
    list_init(&c->open);
    list_init(&c->under_way);
    list_init(&c->settled);
    c->batch.changes = c->changes;
}

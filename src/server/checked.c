/* SPDX-License-Identifier: Apache-2.0
 * When a secondary's data was last known to be good, noted in the change log: after a restart it
 * expires when it would have.
 *
 * Not every look at a primary is worth a sync of the disk: a zone is noted once in a minute, which
 * makes its data expire up to so much too early after a restart, and at once where what is noted
 * would make it last too long. The notes of many zones go in one transaction.
 *
 * Of a zone that is a primary nothing is noted: as a secondary again it begins anew, with what it
 * has at that moment (opening.c forgets what a start finds of it). */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/secondary.h"

#define US_PER_S  1000000
/* Of one zone, notes that only lengthen its data's life. */
#define EVERY_US  (60 * (int64_t)US_PER_S)
/* For others to come along. */
#define GATHER_US US_PER_S
/* Rows of one transaction: some milliseconds of the log's time. */
#define BATCH_MAX 1000

struct notes {
    struct job job;
    struct state *state;
    unsigned count;
    enum err result;
    struct diag diag;
    struct journal_checked rows[];
};

static void notes_run(struct job *t)
{
    struct notes *n = container_of(t, struct notes, job);
    struct journal *j = state_open(n->state, &n->diag);
    n->result = j ? journal_zones_set_checked(j, n->rows, n->count, &n->diag) : ERR_IO;
}

static void notes_drop(struct job *t)
{
    free(container_of(t, struct notes, job));
}

static void log_failed(const struct notes *n)
{
    if (n->result != OK)
        log_warn("not noted when primaries were asked last", {"zones", LOG_U64(n->count)},
                 {"reason", n->diag.text});
}

static void notes_done(void *owner, struct job *t)
{
    struct server *s = owner;
    struct notes *n = container_of(t, struct notes, job);
    log_failed(n);
    s->secondaries.is_noting = false;
    if (!list_is_empty(&s->secondaries.noting))
        timer_set(&s->timers, &s->secondaries.timer, s->now_us);
    free(n);
}

static const struct job_kind notes_kind = {notes_run, notes_done, notes_drop};

/* What the machine makes of it after a restart: 0 would stand for the SOA's. */
static uint32_t expire_s(const struct refresh *r)
{
    int64_t left = (r->expires_us - r->checked_us) / US_PER_S;
    return left < 1 ? 1 : left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

static struct notes *notes_new(const struct server *s, unsigned max)
{
    struct notes *n = mem_alloc_zero(sizeof(*n) + max * sizeof(n->rows[0]));
    n->state = s->state;
    return n;
}

static void write_some(struct server *s)
{
    struct secondaries *all = &s->secondaries;
    if (all->is_noting)
        return;
    struct notes *n = notes_new(s, BATCH_MAX);
    while (n->count < BATCH_MAX && !list_is_empty(&all->noting)) {
        struct secondary *sec = list_entry(all->noting.next, struct secondary, noting);
        list_remove(&sec->noting);
        sec->noted_us = sec->refresh.checked_us;
        sec->noted_expire_s = expire_s(&sec->refresh);
        n->rows[n->count++] = (struct journal_checked){
            .zone = sec->log_id, .checked_us = sec->noted_us, .expire_s = sec->noted_expire_s};
    }
    all->is_noting = true;
    helpers_give(s->helpers, &n->job, &notes_kind, PACE_LOG);
}

static void on_timer(void *arg, struct timer *t)
{
    (void)t;
    write_some(arg);
}

bool checked_flush(struct server *s)
{
    if (!list_is_empty(&s->secondaries.noting))
        write_some(s);
    return !s->secondaries.is_noting;
}

static void forget_done(void *owner, struct job *t)
{
    (void)owner;
    log_failed(container_of(t, struct notes, job));
    notes_drop(t);
}

static const struct job_kind forget_kind = {notes_run, forget_done, notes_drop};

void checked_forget(struct server *s, const struct secondary *sec)
{
    if (!sec->zone->is_kept || !sec->log_id)
        return;
    struct notes *n = notes_new(s, 1);
    n->rows[n->count++] = (struct journal_checked){.zone = sec->log_id};
    helpers_give(s->helpers, &n->job, &forget_kind, PACE_LOG); /* behind what is being noted */
}

void secondaries_init(struct secondaries *all)
{
    all->diff_max = SECONDARY_DIFF_MAX;
    all->apply_max = SECONDARY_APPLY_MAX;
    list_init(&all->noting);
    all->timer.fire = on_timer;
}

void checked_note(struct server *s, struct secondary *sec)
{
    const struct refresh *r = &sec->refresh;
    int64_t noted_until = sec->noted_us + (int64_t)sec->noted_expire_s * US_PER_S;
    int64_t later = r->checked_us - sec->noted_us; /* less than 0: the clock was set back */
    bool is_shorter = r->expires_us < noted_until - US_PER_S;
    if (!sec->zone->is_kept || later == 0 || !list_is_empty(&sec->noting))
        return;
    if (later > 0 && later < EVERY_US && !is_shorter)
        return;
    list_add_last(&s->secondaries.noting, &sec->noting);
    if (s->secondaries.timer.place == 0 && !s->secondaries.is_noting)
        timer_set(&s->timers, &s->secondaries.timer, s->now_us + GATHER_US);
}

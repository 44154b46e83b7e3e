/* SPDX-License-Identifier: Apache-2.0
 * The age of what the log keeps (limits.history-age): a timer for each zone, set to when its oldest
 * change is too old, and a job that has the log drop what is.
 *
 * Changes that the newest snapshot does not have are needed: then a new one is made first, which
 * happens to a zone no more often than once in history-age. A zone that is changed all the time
 * would have something to drop at any time, so a timer is late on purpose. */
#include <stdlib.h>

#include "base/arena.h"
#include "server/server_int.h"

#define US_PER_S                   INT64_C(1000000)
/* How late: a part of history-age, but not more than so much. */
#define LATE_PARTS                 16
#define LATE_MAX_US                (3600 * US_PER_S)
/* Not before so much time has passed since the zone was loaded, or the configuration: at a start
 * there is better to do. */
#define PAUSE_US                   (10 * US_PER_S)
/* What failed is tried again after so long. */
#define RETRY_US                   (60 * US_PER_S)
#define FAILURES_LOGGED_PER_SECOND 2

struct aging {
    struct job job;
    struct state *state;
    const atomic_bool *is_ending;
    struct name_buf name; /* to find the zone again */
    uint64_t ticket;      /* of its data: another one is another zone */
    uint64_t log_id;
    int64_t before_us;
    uint64_t cut;
    struct journal_aged found;
    enum err result;
    struct diag diag;
};

static void aging_run(struct job *t)
{
    struct aging *w = container_of(t, struct aging, job);
    struct journal *j = state_open(w->state, &w->diag);
    w->result = j ? OK : ERR_IO;
    do {
        if (w->result == OK)
            w->result = journal_trim_aged(j, w->log_id, w->before_us, &w->found, &w->diag);
        if (w->result == OK)
            w->cut += w->found.cut;
    } while (w->result == OK && w->found.has_more && !atomic_load(w->is_ending));
}

static void note_outcome(struct server *s, struct server_zone *z, const struct aging *w)
{
    z->is_aging = false;
    if (w->result != OK) {
        timer_set(&s->timers, &z->aging, s->now_us + RETRY_US);
        return;
    }
    z->is_aged = w->found.wants_snapshot;
    z->oldest_us = z->is_aged ? z->oldest_us : w->found.oldest_us;
    if (z->is_aged)
        snapshot_consider(s, z);
    else
        aging_wake(s, z);
}

static void log_failed(struct server *s, const struct aging *w, const char *zone)
{
    uint64_t suppressed;
    if (log_rate_is_open(&s->aging_rate, FAILURES_LOGGED_PER_SECOND, s->now_us, &suppressed))
        log_warn("changes beyond history-age not dropped", {"zone", zone}, {"reason", w->diag.text},
                 {"suppressed", LOG_SUPPRESSED(suppressed)});
}

static void aging_done(void *owner, struct job *t)
{
    struct server *s = owner;
    struct aging *w = container_of(t, struct aging, job);
    char text[NAME_TEXT_MAX];
    struct store_entry *e = store_get(&s->store, name_of(&w->name));
    struct server_zone *z = e ? zone_owner(e) : NULL;
    name_text(name_of(&w->name), text);
    s->count.changes_aged += w->cut;
    if (w->cut > 0)
        log_debug("changes beyond history-age dropped", {"zone", text},
                  {"changes", LOG_U64(w->cut)});
    if (w->result != OK)
        log_failed(s, w, text);
    if (z && z->data_ticket == w->ticket && z->is_aging)
        note_outcome(s, z, w);
    free(w);
}

static void aging_drop(struct job *t)
{
    free(container_of(t, struct aging, job));
}

static const struct job_kind aging_kind = {aging_run, aging_done, aging_drop};

static int64_t age_us(const struct server *s)
{
    return (int64_t)s->conf->history_age_s * US_PER_S;
}

static void start(struct server *s, struct server_zone *z)
{
    struct aging *w = mem_alloc_zero(sizeof(*w));
    z->is_aging = true;
    w->state = s->state;
    w->is_ending = helpers_is_ending(s->helpers);
    name_copy(&w->name, name_of(&z->entry->name));
    w->ticket = z->data_ticket;
    w->log_id = z->log_id;
    w->before_us = s->now_us - age_us(s);
    helpers_give(s->helpers, &w->job, &aging_kind, PACE_LOG);
}

static void on_timer(void *arg, struct timer *t)
{
    struct server_zone *z = container_of(t, struct server_zone, aging);
    if (z->is_kept && !z->is_aging)
        start(arg, z);
}

/* A change whose time has not come yet was made with a clock that was wrong. */
void aging_wake(struct server *s, struct server_zone *z)
{
    int64_t age = age_us(s), now_us = s->now_us;
    int64_t late = age / LATE_PARTS < LATE_MAX_US ? age / LATE_PARTS : LATE_MAX_US;
    if (!z->is_kept || !z->oldest_us || z->is_aging || z->is_aged)
        return;
    int64_t at_us = (z->oldest_us < now_us ? z->oldest_us : now_us) + age + late;
    at_us = at_us < now_us + PAUSE_US ? now_us + PAUSE_US : at_us;
    if (z->aging.place && z->aging.at_us <= at_us)
        return; /* too early does no harm, and reloads may come faster than that */
    z->aging.fire = on_timer;
    timer_set(&s->timers, &z->aging, at_us);
}

void aging_snapshot(struct server *s, struct server_zone *z)
{
    if (!z->is_aged)
        return;
    z->is_aged = false;
    start(s, z);
}

void aging_forget(struct server *s, struct server_zone *z)
{
    timer_stop(&s->timers, &z->aging);
    z->oldest_us = 0;
    z->is_aging = z->is_aged = false;
}

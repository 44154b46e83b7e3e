/* SPDX-License-Identifier: Apache-2.0
 * Opening the change log on demand: two helpers may ask at the same time, and the reactor looks. */
#include "server/state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"

struct state {
    pthread_mutex_t lock;         /* of opening */
    pthread_mutex_t options_lock; /* of options, never held while the disk is waited for */
    _Atomic(struct journal *) journal;
    char *dir;
    struct journal_options options;
    state_wake_fn wake;
    void *wake_arg;
};

static void on_notice(void *arg, enum journal_severity severity, const char *sentence)
{
    (void)arg;
    static const enum log_level level[] = {[JOURNAL_NOTICE] = LOG_NOTICE_LEVEL,
                                           [JOURNAL_WARNING] = LOG_WARN_LEVEL,
                                           [JOURNAL_ERROR] = LOG_ERROR_LEVEL};
    LOG_EVENT(level[severity], "change log", {"notice", sentence});
}

static void options_set(struct state *s, const struct conf *conf)
{
    s->options.history_bytes = conf->history_size;
    s->options.history_age_us = (uint64_t)conf->history_age_s * 1000000;
}

static struct journal_options options_get(struct state *s)
{
    pthread_mutex_lock(&s->options_lock);
    struct journal_options options = s->options;
    pthread_mutex_unlock(&s->options_lock);
    return options;
}

struct state *state_new(const struct conf *conf, state_wake_fn wake, void *wake_arg)
{
    struct state *s = mem_alloc_zero(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->options_lock, NULL);
    s->dir = mem_string(conf->state_dir);
    s->options = (struct journal_options){.dir = s->dir, .notice = on_notice};
    options_set(s, conf);
    s->wake = wake;
    s->wake_arg = wake_arg;
    return s;
}

void state_free(struct state *s)
{
    if (!s)
        return;
    journal_close(state_journal(s));
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->options_lock);
    free(s->dir);
    free(s);
}

void state_configure(struct state *s, const struct conf *conf)
{
    if (strcmp(conf->state_dir, s->dir) != 0)
        log_warn("takes effect at the next start", {"setting", "server.state-dir"});
    pthread_mutex_lock(&s->options_lock);
    options_set(s, conf);
    pthread_mutex_unlock(&s->options_lock);
    if (state_journal(s))
        journal_configure(state_journal(s), &s->options);
}

struct journal *state_open(struct state *s, struct diag *diag)
{
    struct journal *j;
    pthread_mutex_lock(&s->lock);
    j = state_journal(s);
    struct journal_options options = options_get(s);
    if (!j && journal_open(&options, s->wake, s->wake_arg, &j, diag) == OK) {
        atomic_store(&s->journal, j);
        options = options_get(s); /* others may have come meanwhile */
        journal_configure(j, &options);
    }
    pthread_mutex_unlock(&s->lock);
    return state_journal(s);
}

struct journal *state_journal(const struct state *s)
{
    return atomic_load(&((struct state *)(uintptr_t)s)->journal);
}

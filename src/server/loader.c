/* SPDX-License-Identifier: Apache-2.0
 * The helpers: a queue of jobs in, a queue of results out, one mutex for both.
 *
 * The helpers log the faults of a zone file themselves, line by line as they come: there may be
 * many, and the log sink may be used from any thread. What the reactor gets is the sum. */
#include "server/loader.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

/* Lines logged of one zone file; the rest is counted in the summary. */
#define LOADER_LINES_MAX 20

struct job {
    struct list link;
    struct zone *drop; /* to be freed; then the rest is not set */
    char *path;
    struct load_limits limits;
    enum loader_pace pace;
    unsigned lines;
    struct loaded loaded;
};

struct loader {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list jobs, results;
    unsigned pending; /* reactor's thread only */
    unsigned idle;    /* helpers that wait for work */
    bool is_ending;
    atomic_bool is_canceled; /* the same, for loads under way */
    loader_wake_fn wake;
    void *wake_arg;
    unsigned thread_count;
    pthread_t threads[];
};

static void job_free(struct job *j)
{
    zone_free(j->drop);
    zone_free(j->loaded.zone);
    free(j->path);
    free(j);
}

static void on_line(void *arg, enum master_severity severity, const char *line)
{
    struct job *j = arg;
    char zone[NAME_TEXT_MAX];
    if (j->lines++ >= LOADER_LINES_MAX)
        return;
    name_text(name_of(&j->loaded.name), zone);
    if (severity == MASTER_ERROR)
        log_error("zone file error", {"zone", zone}, {"at", line});
    else
        log_warn("zone file warning", {"zone", zone}, {"at", line});
}

static void job_load(struct job *j)
{
    struct loaded *r = &j->loaded;
    struct load_sink sink = {.arg = j, .line = on_line};
    int64_t start = clock_mono_us();
    r->zone = load_zone_file(name_of(&r->name), j->path, &j->limits, &sink, &r->result, &r->diag);
    r->took_us = clock_mono_us() - start;
}

void loader_wake(struct loader *l)
{
    if (l->wake)
        l->wake(l->wake_arg);
}

/* The next job, NULL at the end. */
static struct job *job_take(struct loader *l)
{
    struct job *j = NULL;
    pthread_mutex_lock(&l->lock);
    l->idle++;
    while (list_is_empty(&l->jobs) && !l->is_ending)
        pthread_cond_wait(&l->work, &l->lock);
    l->idle--;
    if (!l->is_ending) {
        j = list_entry(l->jobs.next, struct job, link);
        list_remove(&j->link);
    }
    pthread_mutex_unlock(&l->lock);
    return j;
}

/* From here on the thread runs where no other one wants to, and gives way at once: on a processor
 * that it shares with the reactor, lower priorities still cost a query a whole slice of 3 ms. There
 * is no way back without privileges. */
static void step_back(void)
{
    struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_IDLE, &none); /* this thread, on Linux */
}

static void *helper(void *arg)
{
    struct loader *l = arg;
    bool is_behind = false;
    for (struct job *j; (j = job_take(l));) {
        if (j->drop) {
            job_free(j);
            continue;
        }
        if (j->pace == LOADER_BEHIND && !is_behind) {
            step_back();
            is_behind = true;
        }
        job_load(j);
        pthread_mutex_lock(&l->lock);
        list_add_last(&l->results, &j->link);
        pthread_mutex_unlock(&l->lock);
        loader_wake(l);
    }
    return NULL;
}

struct loader *loader_new(unsigned threads, loader_wake_fn wake, void *wake_arg)
{
    struct loader *l = mem_alloc_zero(sizeof(*l) + threads * sizeof(pthread_t));
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    list_init(&l->jobs);
    list_init(&l->results);
    l->wake = wake;
    l->wake_arg = wake_arg;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; l->thread_count < threads; l->thread_count++)
        if (pthread_create(&l->threads[l->thread_count], NULL, helper, l) != 0)
            break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (l->thread_count == 0) {
        loader_free(l);
        return NULL;
    }
    return l;
}

static void jobs_free(struct list *jobs)
{
    LIST_EACH(it, jobs)
        job_free(list_entry(it, struct job, link));
    list_init(jobs);
}

void loader_free(struct loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_ending = true;
    atomic_store(&l->is_canceled, true);
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (unsigned i = 0; i < l->thread_count; i++)
        pthread_join(l->threads[i], NULL);
    jobs_free(&l->jobs);
    jobs_free(&l->results);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* Memory is given back before more of it is taken. */
static void job_give(struct loader *l, struct job *j)
{
    pthread_mutex_lock(&l->lock);
    if (j->drop)
        list_add_first(&l->jobs, &j->link);
    else
        list_add_last(&l->jobs, &j->link);
    if (l->idle) /* the others look again before they wait */
        pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
}

void loader_load(struct loader *l, struct name zone, const char *path, struct load_limits limits,
                 enum loader_pace pace, uint64_t ticket)
{
    struct job *j = mem_alloc_zero(sizeof(*j));
    size_t len = strlen(path) + 1;
    j->path = memcpy(mem_alloc(len), path, len);
    j->limits = limits;
    j->pace = pace;
    j->limits.is_canceled = &l->is_canceled;
    j->loaded.ticket = ticket;
    name_copy(&j->loaded.name, zone);
    l->pending++;
    job_give(l, j);
}

void loader_drop(struct loader *l, struct zone *zone)
{
    if (!zone)
        return;
    struct job *j = mem_alloc_zero(sizeof(*j));
    j->drop = zone;
    job_give(l, j);
}

unsigned loader_pending(const struct loader *l)
{
    return l->pending;
}

bool loader_collect(struct loader *l, struct loaded *out)
{
    struct job *j = NULL;
    pthread_mutex_lock(&l->lock);
    if (!list_is_empty(&l->results)) {
        j = list_entry(l->results.next, struct job, link);
        list_remove(&j->link);
    }
    pthread_mutex_unlock(&l->lock);
    if (!j)
        return false;
    ASSERT(l->pending > 0);
    l->pending--;
    *out = j->loaded;
    j->loaded.zone = NULL;
    job_free(j);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0
 * The helpers: a queue of jobs in, a queue of finished ones out, one mutex for both. */
#include "server/helpers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/check.h"

struct helpers {
    pthread_mutex_t lock;
    pthread_cond_t work, log_work;
    struct list jobs, log_jobs, finished;
    unsigned pending; /* reactor's thread only */
    unsigned idle;    /* helpers that wait for work */
    bool is_ending;
    atomic_bool is_canceled; /* the same, for jobs under way */
    helpers_wake_fn wake;
    void *wake_arg;
    unsigned thread_count;
    pthread_t threads[];
};

static struct job *job_of(struct list *link)
{
    return list_entry(link, struct job, link);
}

void helpers_wake(struct helpers *h)
{
    if (h->wake)
        h->wake(h->wake_arg);
}

/* The next job, NULL at the end. */
static struct job *job_take(struct helpers *h, struct list *jobs, pthread_cond_t *work)
{
    struct job *t = NULL;
    pthread_mutex_lock(&h->lock);
    h->idle += jobs == &h->jobs;
    while (list_is_empty(jobs) && !h->is_ending)
        pthread_cond_wait(work, &h->lock);
    h->idle -= jobs == &h->jobs;
    if (!h->is_ending) {
        t = job_of(jobs->next);
        list_remove(&t->link);
    }
    pthread_mutex_unlock(&h->lock);
    return t;
}

static void job_run(struct helpers *h, struct job *t)
{
    t->kind->run(t);
    pthread_mutex_lock(&h->lock);
    list_add_last(&h->finished, &t->link);
    pthread_mutex_unlock(&h->lock);
    helpers_wake(h);
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
    struct helpers *h = arg;
    bool is_behind = false;
    for (struct job *t; (t = job_take(h, &h->jobs, &h->work));) {
        if (t->pace == PACE_BEHIND && !is_behind) {
            step_back();
            is_behind = true;
        }
        job_run(h, t);
    }
    return NULL;
}

/* One that never steps back: who holds the change log's gate and does not run holds up every commit
 * behind it. */
static void *log_helper(void *arg)
{
    struct helpers *h = arg;
    for (struct job *t; (t = job_take(h, &h->log_jobs, &h->log_work));)
        job_run(h, t);
    return NULL;
}

struct helpers *helpers_new(unsigned threads, helpers_wake_fn wake, void *wake_arg)
{
    struct helpers *h = mem_alloc_zero(sizeof(*h) + (threads + 1) * sizeof(pthread_t));
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->work, NULL);
    pthread_cond_init(&h->log_work, NULL);
    list_init(&h->jobs);
    list_init(&h->log_jobs);
    list_init(&h->finished);
    h->wake = wake;
    h->wake_arg = wake_arg;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; h->thread_count < threads + 1; h->thread_count++) {
        void *(*what)(void *) = h->thread_count == 0 ? log_helper : helper;
        if (pthread_create(&h->threads[h->thread_count], NULL, what, h) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (h->thread_count < 2) {
        helpers_free(h);
        return NULL;
    }
    return h;
}

/* To drop one may give another: the last pin of a zone that was removed goes. */
static void jobs_drop(struct helpers *h)
{
    struct list *lists[] = {&h->jobs, &h->log_jobs, &h->finished};
    for (unsigned i = 0; i < ARRAY_LEN(lists);) {
        if (list_is_empty(lists[i])) {
            i++;
            continue;
        }
        struct job *t = job_of(lists[i]->next);
        list_remove(&t->link);
        t->kind->drop(t);
        i = 0;
    }
}

void helpers_end(struct helpers *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->is_ending = true;
    atomic_store(&h->is_canceled, true);
    pthread_cond_broadcast(&h->work);
    pthread_cond_signal(&h->log_work);
    pthread_mutex_unlock(&h->lock);
    for (; h->thread_count > 0; h->thread_count--)
        pthread_join(h->threads[h->thread_count - 1], NULL);
}

void helpers_free(struct helpers *h)
{
    if (!h)
        return;
    helpers_end(h);
    jobs_drop(h);
    pthread_cond_destroy(&h->work);
    pthread_cond_destroy(&h->log_work);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

const atomic_bool *helpers_is_ending(const struct helpers *h)
{
    return &h->is_canceled;
}

void helpers_give(struct helpers *h, struct job *t, const struct job_kind *kind, enum pace pace)
{
    t->kind = kind;
    t->pace = pace;
    h->pending += pace != PACE_FIRST;
    pthread_mutex_lock(&h->lock);
    if (pace == PACE_FIRST)
        list_add_first(&h->jobs, &t->link);
    else
        list_add_last(pace == PACE_LOG ? &h->log_jobs : &h->jobs, &t->link);
    if (pace == PACE_LOG)
        pthread_cond_signal(&h->log_work);
    else if (h->idle) /* the others look again before they wait */
        pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
}

unsigned helpers_pending(const struct helpers *h)
{
    return h->pending;
}

bool helpers_collect(struct helpers *h, void *owner)
{
    struct job *t = NULL;
    pthread_mutex_lock(&h->lock);
    if (!list_is_empty(&h->finished)) {
        t = job_of(h->finished.next);
        list_remove(&t->link);
    }
    pthread_mutex_unlock(&h->lock);
    if (!t)
        return false;
    ASSERT(t->pace == PACE_FIRST || h->pending > 0);
    h->pending -= t->pace != PACE_FIRST;
    t->kind->done(owner, t);
    return true;
}

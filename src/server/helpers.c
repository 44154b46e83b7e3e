/* SPDX-License-Identifier: Apache-2.0
 * The helpers: a queue of jobs in, a queue of finished ones out, one mutex for both. */
#include "server/helpers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"

struct helpers {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list jobs, finished;
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
static struct job *job_take(struct helpers *h)
{
    struct job *t = NULL;
    pthread_mutex_lock(&h->lock);
    h->idle++;
    while (list_is_empty(&h->jobs) && !h->is_ending)
        pthread_cond_wait(&h->work, &h->lock);
    h->idle--;
    if (!h->is_ending) {
        t = job_of(h->jobs.next);
        list_remove(&t->link);
    }
    pthread_mutex_unlock(&h->lock);
    return t;
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
    for (struct job *t; (t = job_take(h));) {
        if (t->pace == PACE_BEHIND && !is_behind) {
            step_back();
            is_behind = true;
        }
        t->kind->run(t);
        pthread_mutex_lock(&h->lock);
        list_add_last(&h->finished, &t->link);
        pthread_mutex_unlock(&h->lock);
        helpers_wake(h);
    }
    return NULL;
}

struct helpers *helpers_new(unsigned threads, helpers_wake_fn wake, void *wake_arg)
{
    struct helpers *h = mem_alloc_zero(sizeof(*h) + threads * sizeof(pthread_t));
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->work, NULL);
    list_init(&h->jobs);
    list_init(&h->finished);
    h->wake = wake;
    h->wake_arg = wake_arg;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; h->thread_count < threads; h->thread_count++)
        if (pthread_create(&h->threads[h->thread_count], NULL, helper, h) != 0)
            break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (h->thread_count == 0) {
        helpers_free(h);
        return NULL;
    }
    return h;
}

static void jobs_drop(struct list *jobs)
{
    LIST_EACH(it, jobs) {
        struct job *t = job_of(it);
        list_remove(it);
        t->kind->drop(t);
    }
}

void helpers_free(struct helpers *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->is_ending = true;
    atomic_store(&h->is_canceled, true);
    pthread_cond_broadcast(&h->work);
    pthread_mutex_unlock(&h->lock);
    for (unsigned i = 0; i < h->thread_count; i++)
        pthread_join(h->threads[i], NULL);
    jobs_drop(&h->jobs);
    jobs_drop(&h->finished);
    pthread_cond_destroy(&h->work);
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
        list_add_last(&h->jobs, &t->link);
    if (h->idle) /* the others look again before they wait */
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

/* SPDX-License-Identifier: Apache-2.0
 * The helpers: queues of jobs in, a queue of finished ones out, one mutex for all. */
#include "server/helpers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/check.h"

/* Jobs, and the threads that do them: one for LANE_LOG and LANE_READ, the number that was asked for
 * for LANE_TAKE, and as many for LANE_ANY. */
enum lane_id { LANE_LOG, LANE_READ, LANE_TAKE, LANE_ANY, LANE_COUNT };
struct lane {
    struct list jobs;
    pthread_cond_t work;
};

struct helpers {
    pthread_mutex_t lock;
    struct lane lane[LANE_COUNT];
    struct list finished;
    unsigned pending; /* reactor's thread only */
    unsigned idle;    /* helpers that wait for work */
    bool is_ending;
    atomic_bool is_canceled; /* the same, for jobs under way */
    atomic_bool never_steps_back;
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
static struct job *job_take(struct helpers *h, enum lane_id id)
{
    struct job *t = NULL;
    struct lane *lane = &h->lane[id];
    pthread_mutex_lock(&h->lock);
    h->idle += id == LANE_ANY;
    while (list_is_empty(&lane->jobs) && !h->is_ending)
        pthread_cond_wait(&lane->work, &h->lock);
    h->idle -= id == LANE_ANY;
    if (!h->is_ending) {
        t = job_of(lane->jobs.next);
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

void helpers_step_back(struct helpers *h, bool do_so)
{
    atomic_store(&h->never_steps_back, !do_so);
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
    for (struct job *t; (t = job_take(h, LANE_ANY));) {
        if (t->pace == PACE_BEHIND && !is_behind && !atomic_load(&h->never_steps_back)) {
            step_back();
            is_behind = true;
        }
        job_run(h, t);
    }
    return NULL;
}

/* Those that never step back: who holds the change log's gate and does not run holds up every
 * commit behind it. */
static void *log_helper(void *arg)
{
    struct helpers *h = arg;
    for (struct job *t; (t = job_take(h, LANE_LOG));)
        job_run(h, t);
    return NULL;
}

static void *read_helper(void *arg)
{
    struct helpers *h = arg;
    for (struct job *t; (t = job_take(h, LANE_READ));)
        job_run(h, t);
    return NULL;
}

static void *take_helper(void *arg)
{
    struct helpers *h = arg;
    for (struct job *t; (t = job_take(h, LANE_TAKE));)
        job_run(h, t);
    return NULL;
}

struct helpers *helpers_new(unsigned threads, helpers_wake_fn wake, void *wake_arg)
{
    /* one of each, then the others of LANE_TAKE and LANE_ANY by turns */
    static void *(*const what[LANE_COUNT])(void *) = {[LANE_LOG] = log_helper,
                                                      [LANE_READ] = read_helper,
                                                      [LANE_TAKE] = take_helper,
                                                      [LANE_ANY] = helper};
    unsigned count = LANE_TAKE + 2 * threads;
    struct helpers *h = mem_alloc_zero(sizeof(*h) + count * sizeof(pthread_t));
    pthread_mutex_init(&h->lock, NULL);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        pthread_cond_init(&h->lane[i].work, NULL);
        list_init(&h->lane[i].jobs);
    }
    list_init(&h->finished);
    h->wake = wake;
    h->wake_arg = wake_arg;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; h->thread_count < count; h->thread_count++) {
        unsigned i = h->thread_count, id = i < LANE_COUNT ? i : LANE_TAKE + i % 2;
        if (pthread_create(&h->threads[i], NULL, what[id], h) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (h->thread_count < LANE_COUNT) {
        helpers_free(h);
        return NULL;
    }
    return h;
}

/* To drop one may give another: the last pin of a zone that was removed goes. */
static void jobs_drop(struct helpers *h)
{
    struct list *lists[] = {&h->lane[LANE_ANY].jobs, &h->lane[LANE_LOG].jobs,
                            &h->lane[LANE_READ].jobs, &h->lane[LANE_TAKE].jobs, &h->finished};
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
    for (unsigned i = 0; i < LANE_COUNT; i++)
        pthread_cond_broadcast(&h->lane[i].work);
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
    for (unsigned i = 0; i < LANE_COUNT; i++)
        pthread_cond_destroy(&h->lane[i].work);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

const atomic_bool *helpers_is_ending(const struct helpers *h)
{
    return &h->is_canceled;
}

/* Is somebody who waits for loads and the like to wait for it? */
static bool is_counted(enum pace pace)
{
    return pace != PACE_FIRST && pace != PACE_READ && pace != PACE_TAKE;
}

void helpers_give(struct helpers *h, struct job *t, const struct job_kind *kind, enum pace pace)
{
    static const enum lane_id ids[] = {
        [PACE_AWAITED] = LANE_ANY, [PACE_BEHIND] = LANE_ANY, [PACE_FIRST] = LANE_ANY,
        [PACE_LOG] = LANE_LOG,     [PACE_READ] = LANE_READ,  [PACE_TAKE] = LANE_TAKE};
    enum lane_id id = ids[pace];
    struct lane *lane = &h->lane[id];
    t->kind = kind;
    t->pace = pace;
    h->pending += is_counted(pace);
    pthread_mutex_lock(&h->lock);
    if (pace == PACE_FIRST)
        list_add_first(&lane->jobs, &t->link);
    else
        list_add_last(&lane->jobs, &t->link);
    if (id != LANE_ANY || h->idle) /* the others look again before they wait */
        pthread_cond_signal(&lane->work);
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
    ASSERT(!is_counted(t->pace) || h->pending > 0);
    h->pending -= is_counted(t->pace);
    t->kind->done(owner, t);
    return true;
}

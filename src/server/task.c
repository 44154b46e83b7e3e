/* SPDX-License-Identifier: Apache-2.0
 * Work in threads of their own. */
#include "server/task.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

void task_set_init(struct task_set *set, void (*wake)(void *arg), void *wake_arg)
{
    list_init(&set->all);
    set->wake = wake;
    set->wake_arg = wake_arg;
}

static void end(struct task *t)
{
    pthread_join(t->thread, NULL);
    list_remove(&t->link);
    if (!atomic_load(&t->is_canceled))
        t->done(t->arg);
    t->free(t->arg);
    free(t);
}

void task_set_done(struct task_set *set)
{
    LIST_EACH(link, &set->all) {
        atomic_store(&list_entry(link, struct task, link)->is_canceled, true);
    }
    LIST_EACH(link, &set->all) {
        end(list_entry(link, struct task, link));
    }
}

void task_collect(struct task_set *set)
{
    LIST_EACH(link, &set->all) {
        struct task *t = list_entry(link, struct task, link);
        if (atomic_load(&t->is_over))
            end(t);
    }
}

static void *thread(void *arg)
{
    struct task *t = arg;
    t->run(t, t->arg);
    atomic_store(&t->is_over, true);
    if (t->set->wake)
        t->set->wake(t->set->wake_arg);
    return NULL;
}

/* The thread is to get no signal: they are all the loop's. */
static int thread_start(struct task *t)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&t->thread, NULL, thread, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum err task_start(struct task_set *set, const struct task_job *job, struct task **out,
                    struct diag *diag)
{
    ASSERT(job->run && job->done && job->free);
    struct task *t = mem_alloc_zero(sizeof(*t));
    t->set = set;
    t->arg = job->arg;
    t->run = job->run;
    t->done = job->done;
    t->free = job->free;
    int error = thread_start(t);
    if (error) {
        t->free(t->arg);
        free(t);
        return err_say(diag, ERR_SYSTEM, "no thread for it: %s", strerror(error));
    }
    list_add_last(&set->all, &t->link);
    *out = t;
    return OK;
}

void task_cancel(struct task *t)
{
    atomic_store(&t->is_canceled, true);
}

/* SPDX-License-Identifier: Apache-2.0
 * One piece of work in a thread of its own, for a request of the control socket that takes long.
 *
 * The work gets its own copy of what it needs, or pinned versions, and never touches a live zone.
 * Whoever waits for it may give it up; then it is still waited for at the server's end. */
#ifndef REEVE_SERVER_TASK_H
#define REEVE_SERVER_TASK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/list.h"

struct task {
    struct list link;
    pthread_t thread;
    atomic_bool is_over;     /* the thread has done all but ending */
    atomic_bool is_canceled; /* nobody waits any more: end soon */
    struct task_set *set;
    void *arg;
    void (*run)(struct task *t, void *arg); /* in the thread */
    void (*done)(void *arg);                /* on the reactor's thread; not after task_cancel() */
    void (*free)(void *arg);                /* on the reactor's thread, once, last */
};

struct task_set {
    struct list all;
    void (*wake)(void *arg); /* called from the threads: have task_collect() called */
    void *wake_arg;
};

void task_set_init(struct task_set *set, void (*wake)(void *arg), void *wake_arg);
/* Cancels all and waits for them. */
void task_set_done(struct task_set *set);
/* Calls done() and free() of those that are over. */
void task_collect(struct task_set *set);

/* arg is the task's from here on, also when this fails. */
struct task_job {
    void *arg;
    void (*run)(struct task *t, void *arg);
    void (*done)(void *arg);
    void (*free)(void *arg);
};
enum err task_start(struct task_set *set, const struct task_job *job, struct task **out,
                    struct diag *diag);
/* done() will not be called; free() will, when the thread has ended. */
void task_cancel(struct task *t);

#endif

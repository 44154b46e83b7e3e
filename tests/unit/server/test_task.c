/* SPDX-License-Identifier: Apache-2.0
 * Work in threads: each is done once, and freed once, whether or not somebody waits. */
#include "bed.h"
#include "server/task.h"

struct work {
    atomic_uint runs;
    unsigned done, freed;
};

static void run(struct task *t, void *arg)
{
    (void)t;
    atomic_fetch_add(&((struct work *)arg)->runs, 1);
}

static void run_until_canceled(struct task *t, void *arg)
{
    run(t, arg);
    while (!atomic_load(&t->is_canceled))
        sched_yield();
}

static void done(void *arg)
{
    ((struct work *)arg)->done++;
}

static void freed(void *arg)
{
    ((struct work *)arg)->freed++;
}

Test(task, is_collected_once)
{
    enum { TASKS = 20 };
    struct bed *b = bed_new();
    struct task_set set;
    struct work w = {0};
    struct task_job job = {&w, run, done, freed};
    task_set_init(&set, bed_wake, b);
    for (unsigned i = 0; i < TASKS; i++) {
        struct task *t;
        cr_assert_eq(task_start(&set, &job, &t, NULL), OK);
    }
    while (w.freed < TASKS) {
        cr_assert(bed_wait(b));
        task_collect(&set);
    }
    cr_expect_eq(atomic_load(&w.runs), TASKS);
    cr_expect_eq(w.done, TASKS);
    task_set_done(&set);
    cr_expect_eq(w.freed, TASKS);
    bed_free(b);
}

Test(task, that_is_given_up_is_freed_and_not_done)
{
    struct bed *b = bed_new();
    struct task_set set;
    struct work w = {0};
    struct task_job job = {&w, run_until_canceled, done, freed};
    struct task *first, *second;
    task_set_init(&set, bed_wake, b);
    cr_assert_eq(task_start(&set, &job, &first, NULL), OK);
    cr_assert_eq(task_start(&set, &job, &second, NULL), OK);
    task_cancel(first);
    while (!w.freed) {
        cr_assert(bed_wait(b));
        task_collect(&set);
    }
    cr_expect_eq(w.freed, 1);
    task_set_done(&set); /* ends the second */
    cr_expect_eq(w.freed, 2);
    cr_expect_eq(w.done, 0);
    bed_free(b);
}

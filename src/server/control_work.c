/* SPDX-License-Identifier: Apache-2.0
 * The life of a call's piece of work. */
#include "server/control_work.h"

#include "server/server_int.h"

static void run(struct task *t, void *arg)
{
    struct work *w = arg;
    w->self = t;
    w->kind->run(w);
}

static void done(void *arg)
{
    struct work *w = arg;
    w->is_over = true;
    control_resume(w->call);
}

static void task_free(void *arg)
{
    struct work *w = arg;
    w->task = NULL;
    if (!w->call) /* else its answer is still to be made: end() frees it */
        w->kind->free(w);
}

static void end(struct control_call *call)
{
    struct work *w = call->state;
    w->call = NULL;
    if (w->task)
        task_cancel(w->task); /* task_free() follows when it has ended */
    else
        w->kind->free(w);
}

static enum control_next step(struct control_call *call)
{
    struct work *w = call->state;
    return w->is_over ? w->kind->step(call, w) : CONTROL_WAIT;
}

enum control_next work_start(struct control_call *call, struct work *w,
                             const struct work_kind *kind)
{
    struct diag diag = {0};
    w->kind = kind;
    w->call = call;
    call->state = w;
    call->end = end;
    call->step = step;
    struct task_job job = {w, run, done, task_free};
    if (task_start(&call->server->controls.tasks, &job, &w->task, &diag) != OK)
        return control_fail(call, "%s", diag.text);
    return CONTROL_WAIT;
}

const atomic_bool *work_canceled(const struct work *w)
{
    return &w->self->is_canceled;
}

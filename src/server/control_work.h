/* SPDX-License-Identifier: Apache-2.0
 * A call that is answered by one piece of work in a thread of its own (task.h): embedded in what
 * the work is about.
 *
 *   work_start(call, &x->work, &kind)  begins it; from here on x is the work's to free
 *   kind.run                           in the thread: reads what x has, leaves in x what came of it
 *   kind.step                          on the reactor's thread, once it is over: answers
 *   kind.free                          once, when neither the thread nor the call needs x any more
 *
 * A client that goes away does not end the thread; work_canceled() tells it. */
#ifndef REEVE_SERVER_CONTROL_WORK_H
#define REEVE_SERVER_CONTROL_WORK_H

#include <stdbool.h>

#include "server/control_int.h"
#include "server/task.h"

struct work;

struct work_kind {
    void (*run)(struct work *w);
    enum control_next (*step)(struct control_call *call, struct work *w);
    void (*free)(struct work *w); /* on the reactor's thread */
};

struct work {
    const struct work_kind *kind;
    struct control_call *call; /* NULL: nobody waits any more */
    struct task *task;         /* NULL: it is over */
    bool is_over;
    struct task *self; /* for the thread */
};

/* What the verb's function returns. */
enum control_next work_start(struct control_call *call, struct work *w,
                             const struct work_kind *kind);
/* For run(): set when nobody waits for it any more. */
const atomic_bool *work_canceled(const struct work *w);

#endif

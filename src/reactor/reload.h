/* SPDX-License-Identifier: Apache-2.0
 * Reading the configuration again while queries go on.
 *
 * The file may be large, so a helper thread reads and checks it; the loop gets the finished struct
 * conf, or the faults. At most one is under way: a request during it makes one more follow, so that
 * what was written before the last request is always read. */
#ifndef REEVE_REACTOR_RELOAD_H
#define REEVE_REACTOR_RELOAD_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "conf/conf.h"

/* conf: the receiver's; NULL: see faults, which may be warnings otherwise. */
typedef void (*reload_done_fn)(void *arg, struct conf *conf, const struct conf_faults *faults);

struct reload {
    struct ev_loop *ev;
    ev_async finished;
    reload_done_fn done;
    void *arg;
    char *path;
    pthread_t thread;
    bool is_running, is_wanted;
    struct conf *conf; /* the thread's result; read after it has ended */
    struct conf_faults *faults;
};

/* done is called on the loop, once for every reading of path. */
void reload_init(struct reload *r, struct ev_loop *ev, const char *path, reload_done_fn done,
                 void *arg);
/* Waits for the thread. */
void reload_done(struct reload *r);
/* A reading is under way or will follow: what `done` is just told about is not the last word. */
bool reload_is_busy(const struct reload *r);
/* Within `done`: says in the log what the faults are. */
void reload_faults_log(const struct reload *r);
/* ERR_SYSTEM: no thread could be made, and nothing will follow. */
enum err reload_start(struct reload *r, struct diag *diag);

#endif

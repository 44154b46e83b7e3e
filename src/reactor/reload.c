/* SPDX-License-Identifier: Apache-2.0
 * Reading the configuration again, in a helper thread. */
#include "reactor/reload.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "reactor/turn.h"

static void *run(void *arg)
{
    struct reload *r = arg;
    r->conf = conf_load(r->path, r->faults);
    ev_async_send(r->ev, &r->finished);
    return NULL;
}

/* The thread is to get no signal: they are all the loop's. */
static int thread_start(struct reload *r)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum err reload_start(struct reload *r, struct diag *diag)
{
    if (r->is_running) {
        r->is_wanted = true;
        return OK;
    }
    int error = thread_start(r);
    if (error)
        return err_say(diag, ERR_SYSTEM, "no thread for it: %s", strerror(error));
    r->is_running = true;
    return OK;
}

static void on_finished(struct ev_loop *ev, ev_async *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("new configuration");
    struct reload *r = container_of(w, struct reload, finished);
    ASSERT(r->is_running);
    pthread_join(r->thread, NULL); /* at its end, or a few instructions before */
    r->is_running = false;
    struct conf *conf = r->conf;
    r->conf = NULL;
    r->done(r->arg, conf, r->faults);
    if (!r->is_wanted)
        return;
    r->is_wanted = false;
    if (reload_start(r, NULL) != OK) {
        r->faults->count = r->faults->left_out = r->faults->errors = 0;
        r->done(r->arg, NULL, r->faults);
    }
}

bool reload_is_busy(const struct reload *r)
{
    return r->is_running || r->is_wanted;
}

void reload_faults_log(const struct reload *r)
{
    const struct conf_faults *faults = r->faults;
    char place[DIAG_TEXT_MAX + CONF_FAULT_TEXT_MAX];
    for (unsigned i = 0; i < faults->count; i++) {
        const struct conf_fault *f = &faults->list[i];
        snprintf(place, sizeof(place), "%s:%u:%u: %s", r->path, f->at.line, f->at.column, f->text);
        if (f->is_warning)
            log_warn("configuration doubtful", {"warning", place});
        else
            log_error("configuration faulty", {"fault", place});
    }
    if (faults->left_out)
        log_error("configuration faulty", {"file", r->path},
                  {"more-faults", LOG_U64(faults->left_out)});
}

void reload_init(struct reload *r, struct ev_loop *ev, const char *path, reload_done_fn done,
                 void *arg)
{
    *r = (struct reload){.ev = ev, .done = done, .arg = arg};
    r->path = memcpy(mem_alloc(strlen(path) + 1), path, strlen(path) + 1);
    r->faults = mem_alloc_zero(sizeof(*r->faults));
    ev_async_init(&r->finished, on_finished);
    ev_set_priority(&r->finished, TURN_CONTROL);
    ev_async_start(ev, &r->finished);
}

void reload_done(struct reload *r)
{
    if (r->is_running)
        pthread_join(r->thread, NULL);
    ev_async_stop(r->ev, &r->finished);
    conf_free(r->conf);
    free(r->path);
    free(r->faults);
}

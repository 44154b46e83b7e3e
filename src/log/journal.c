/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing, the thread, the queue of batches, what others may know of the log's state.
 *
 * The thread's order: batches first, one at a time; chores (copying the write-ahead log back,
 * trimming, probing a disk that failed) when there is no batch, and now and then under load. */
#include "log/journal_int.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

/* --- what others may know --- */

void journal_notice(struct journal *j, enum journal_severity severity, const char *fmt, ...)
{
    char sentence[DIAG_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    if (j->notice)
        j->notice(j->notice_arg, severity, sentence);
}

void journal_set_health(struct journal *j, enum err e, const struct diag *why)
{
    int64_t now_us = clock_wall_us();
    pthread_mutex_lock(&j->lock);
    struct journal_health *h = &j->health;
    if (h->is_well != (e == OK))
        h->since_us = now_us;
    h->is_well = e == OK;
    snprintf(h->reason, sizeof(h->reason), "%s", e == OK ? "" : why->text);
    if (e != OK)
        j->has_chores = true; /* to probe */
    pthread_mutex_unlock(&j->lock);
}

void journal_health(const struct journal *j, struct journal_health *out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&j->lock;
    pthread_mutex_lock(lock);
    *out = j->health;
    pthread_mutex_unlock(lock);
}

uint64_t journal_bytes(const struct journal *j)
{
    return atomic_load_explicit(&j->bytes, memory_order_relaxed);
}

void journal_measure(struct journal *j)
{
    char wal[PATH_MAX];
    if (files_path(wal, j->path, "-wal", NULL) == OK)
        atomic_store_explicit(&j->bytes, files_size(j->path) + files_size(wal),
                              memory_order_relaxed);
}

void journal_configure(struct journal *j, const struct journal_options *options)
{
    pthread_mutex_lock(&j->lock);
    j->history_bytes = options->history_bytes;
    j->history_age_us = options->history_age_us;
    pthread_mutex_unlock(&j->lock);
}

void journal_want_chores(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->has_chores = true;
    pthread_cond_signal(&j->work);
    pthread_mutex_unlock(&j->lock);
}

void journal_want_steps(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->has_steps = true;
    pthread_mutex_unlock(&j->lock);
    journal_want_chores(j);
}

/* --- through the gate --- */

enum err journal_enter(struct journal *j, enum journal_need need, struct diag *diag)
{
    gate_enter(&j->gate);
    enum err e = revive(j, need, diag);
    if (e != OK) {
        gate_leave(&j->gate);
        return e;
    }
    if (need != NEED_READ)
        e = sql_set_lazy(&j->sql, need == NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        journal_leave(j);
    return e;
}

void journal_leave(struct journal *j)
{
    if (j->sql.is_broken)
        revive_drop(j);
    gate_leave(&j->gate);
}

/* --- the queue --- */

void journal_commit(struct journal *j, struct journal_batch *batch)
{
    pthread_mutex_lock(&j->lock);
    list_add_last(&j->queue, &batch->link);
    pthread_mutex_unlock(&j->lock);
    pthread_cond_signal(&j->work); /* not before: the thread would wake only to wait for the lock */
}

static struct journal_batch *first_of(struct journal *j, struct list *head)
{
    struct journal_batch *batch = NULL;
    pthread_mutex_lock(&j->lock);
    if (!list_is_empty(head)) {
        batch = list_entry(head->next, struct journal_batch, link);
        list_remove(&batch->link);
    }
    pthread_mutex_unlock(&j->lock);
    return batch;
}

struct journal_batch *journal_collect(struct journal *j)
{
    return first_of(j, &j->finished);
}

static void wait_until(struct journal *j, int64_t mono_us)
{
    const struct timespec at = {mono_us / 1000000, mono_us % 1000000 * 1000};
    (void)pthread_cond_timedwait(&j->work, &j->lock, &at);
}

enum turn { TURN_BATCH, TURN_STEP, TURN_CHORES, TURN_END };

/* What is next, of what is there now; -1: nothing yet. */
static int turn_now(const struct journal *j, int64_t now_us, int64_t step_us, int64_t idle_us)
{
    if (!list_is_empty(&j->queue))
        return j->has_steps && !j->is_ending && now_us >= step_us ? TURN_STEP : TURN_BATCH;
    if (j->is_ending)
        return TURN_END;
    return j->has_chores && now_us >= idle_us ? TURN_CHORES : -1;
}

/* Chores wait until there was no batch for IDLE_US, steps under load until step_us (0: are due). */
static enum turn turn_wait(struct journal *j, int64_t step_us, struct journal_batch **out)
{
    int turn;
    int64_t idle_us = INT64_MAX;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        int64_t now_us = j->has_chores ? clock_mono_us() : 0;
        if (j->has_chores && idle_us == INT64_MAX)
            idle_us = now_us + IDLE_US;
        turn = turn_now(j, now_us, step_us, idle_us);
        if (turn >= 0)
            break;
        if (j->has_chores)
            wait_until(j, idle_us);
        else
            pthread_cond_wait(&j->work, &j->lock);
    }
    if (turn == TURN_BATCH) {
        *out = list_entry(j->queue.next, struct journal_batch, link);
        list_remove(&(*out)->link);
    }
    pthread_mutex_unlock(&j->lock);
    return (enum turn)turn;
}

static void finish(struct journal *j, struct journal_batch *batch)
{
    pthread_mutex_lock(&j->lock);
    list_add_last(&j->finished, &batch->link);
    pthread_mutex_unlock(&j->lock);
    if (j->wake)
        j->wake(j->wake_arg);
}

/* --- the thread --- */

static void copy_back(struct journal *j, uint32_t pages_min)
{
    if (journal_enter(j, NEED_WRITE, NULL) != OK)
        return;
    if (j->sql.wal_pages >= pages_min)
        (void)sql_checkpoint(&j->sql, NULL);
    journal_measure(j);
    journal_leave(j);
}

static void probe(struct journal *j, int64_t *probed_us)
{
    int64_t now_us = clock_mono_us();
    if (now_us - *probed_us >= PROBE_EVERY_US) {
        *probed_us = now_us;
        commit_probe(j);
    }
    if (!j->health.is_well)
        journal_want_chores(j);
}

static void step(struct journal *j)
{
    if (trim_step(j))
        journal_want_steps(j);
    copy_back(j, j->copy_max);
}

static void chores(struct journal *j, int64_t *probed_us)
{
    pthread_mutex_lock(&j->lock);
    bool has_steps = j->has_steps;
    j->has_chores = j->has_steps = false; /* who wants another meanwhile sets it again */
    pthread_mutex_unlock(&j->lock);
    if (!j->health.is_well) {
        probe(j, probed_us);
        if (has_steps)
            journal_want_steps(j);
    } else if (has_steps) {
        step(j);
    }
    if (j->health.is_well)
        copy_back(j, j->copy_idle);
}

static void batch_done(struct journal *j, struct journal_batch *batch)
{
    uint32_t pages = commit_run(j, batch);
    finish(j, batch);
    if (pages >= j->copy_max)
        copy_back(j, j->copy_max);
    else if (pages >= j->copy_idle)
        journal_want_chores(j);
}

static void *run(void *arg)
{
    struct journal *j = arg;
    int64_t step_us = clock_mono_us(), probed_us = 0;
    unsigned changes = 0; /* that a step is owed for */
    for (;;) {
        struct journal_batch *batch = NULL;
        enum turn turn = turn_wait(j, step_us, &batch);
        if (turn == TURN_END)
            return NULL;
        if (turn == TURN_BATCH) {
            changes += batch->count;
            if (changes > CHORES_OWED_MAX * CHORE_EVERY_CHANGES)
                changes = CHORES_OWED_MAX * CHORE_EVERY_CHANGES;
            batch_done(j, batch);
            step_us = changes < CHORE_EVERY_CHANGES ? step_us : 0;
            continue;
        }
        if (turn == TURN_STEP)
            step(j);
        else
            chores(j, &probed_us);
        changes -= changes < CHORE_EVERY_CHANGES ? changes : CHORE_EVERY_CHANGES;
        step_us = changes < CHORE_EVERY_CHANGES ? clock_mono_us() + CHORE_EVERY_US : 0;
    }
}

static enum err thread_start(struct journal *j, struct diag *diag)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&j->thread, NULL, run, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return err_say(diag, ERR_SYSTEM, "the change log's thread: %s", strerror(rc));
    j->has_thread = true;
    return OK;
}

/* --- opening and closing --- */

static struct journal *journal_new(const struct journal_options *options, journal_wake_fn wake,
                                   void *wake_arg)
{
    struct journal *j = calloc(1, sizeof(*j));
    ASSERT(j);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->work, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&j->lock, NULL);
    gate_init(&j->gate);
    list_init(&j->queue);
    list_init(&j->finished);
    j->vfs = options->vfs ? strdup(options->vfs) : NULL;
    j->dir_fd = -1;
    j->copy_idle = CHECKPOINT_PAGES_IDLE;
    j->copy_max = CHECKPOINT_PAGES_MAX;
    j->wake = wake;
    j->wake_arg = wake_arg;
    j->notice = options->notice;
    j->notice_arg = options->notice_arg;
    j->history_bytes = options->history_bytes;
    j->history_age_us = options->history_age_us;
    j->health = (struct journal_health){.is_well = true, .since_us = clock_wall_us()};
    return j;
}

enum err journal_open(const struct journal_options *options, journal_wake_fn wake, void *wake_arg,
                      struct journal **out, struct diag *diag)
{
    struct journal *j = journal_new(options, wake, wake_arg);
    enum err e = files_path(j->dir, options->dir, "", diag);
    if (e == OK)
        e = files_lock_open(j, diag);
    if (e == OK)
        e = open_first(j, diag);
    if (e == OK)
        e = thread_start(j, diag);
    if (e != OK) {
        journal_close(j);
        return e;
    }
    *out = j;
    return OK;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->has_thread) {
        pthread_mutex_lock(&j->lock);
        j->is_ending = true;
        pthread_cond_signal(&j->work);
        pthread_mutex_unlock(&j->lock);
        pthread_join(j->thread, NULL);
    }
    ASSERT(!j->backup); /* helpers are done before */
    if (j->sql.db && j->is_settled && !j->sql.is_broken)
        (void)sql_empty_wal(&j->sql, NULL); /* else the next start does it */
    sql_close(&j->sql);
    if (j->dir_fd >= 0)
        close(j->dir_fd);
    gate_done(&j->gate);
    pthread_cond_destroy(&j->work);
    pthread_mutex_destroy(&j->lock);
    free(j->doubts);
    lease_undo_done(&j->undo);
    free(j->trims);
    free(j->trim_turns);
    free(j->vfs);
    free(j);
}

/* SPDX-License-Identifier: Apache-2.0
 * The secrets of DNS cookies (RFC 9018 s5), and when good cookies are wanted.
 *
 * Secrets come from a file of the operator's, who shares them between servers and rolls them over,
 * or they are this server's own: drawn once, kept in the state directory so that clients' cookies
 * outlive a restart, and replaced after a while. Of one server alone the new secret can be used at
 * once; the one before it stays accepted. The files are read and written at the start and by
 * helpers; a secret that cannot be kept is used all the same. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/random.h"
#include "base/secret.h"
#include "edns/cookiefile.h"
#include "server/server_int.h"

#define US_PER_S  INT64_C(1000000)
#define FILE_NAME "cookies.secret"

/* Load is over after so many seconds in a row below the limit. */
#define CALM_S    10

/* --- our own --- */

/* Secrets on their way from or to their file. */
struct keeping {
    struct job job;
    char path[PATH_MAX];
    struct cookie_secrets secrets; /* to be written; count 0: to be read, or drawn and written */
    int64_t since_us;              /* wall clock: drawn; 0: now */
    enum err result;               /* of keeping them */
    struct diag diag;
};

static void keeping_free(struct keeping *k)
{
    secret_wipe(&k->secrets, sizeof(k->secrets));
    free(k);
}

static struct keeping *keeping_new(const struct server *s)
{
    struct keeping *k = mem_alloc_zero(sizeof(*k));
    snprintf(k->path, sizeof(k->path), "%s/" FILE_NAME, s->conf->state_dir);
    return k;
}

/* What is there but cannot be used is the operator's to look at: it is not written over. */
static void keeping_run(struct job *j)
{
    struct keeping *k = container_of(j, struct keeping, job);
    if (k->secrets.count == 0) {
        k->result = cookiefile_read(k->path, &k->secrets, &k->since_us, &k->diag);
        if (k->result == OK)
            return;
        random_bytes(&k->secrets.at[0], sizeof(k->secrets.at[0]));
        k->secrets.count = 1;
        if (k->result != ERR_ABSENT)
            return;
    }
    k->result = cookiefile_write(k->path, &k->secrets, SECRETFILE_REPLACE, &k->diag);
}

enum err cookies_copy(const char *state_dir, const char *dir, bool *has, struct diag *diag)
{
    struct cookie_secrets secrets;
    char from[PATH_MAX], to[PATH_MAX];
    int64_t changed_us;
    *has = false;
    if ((size_t)snprintf(from, PATH_MAX, "%s/" FILE_NAME, state_dir) >= PATH_MAX ||
        (size_t)snprintf(to, PATH_MAX, "%s/" FILE_NAME, dir) >= PATH_MAX)
        return err_say(diag, ERR_LIMIT, "the path is too long");
    enum err e = cookiefile_read(from, &secrets, &changed_us, diag);
    if (e != OK)
        return e == ERR_ABSENT ? OK : e;
    e = cookiefile_write(to, &secrets, SECRETFILE_NEW, diag);
    secret_wipe(&secrets, sizeof(secrets));
    *has = e == OK;
    return e;
}

void cookies_copy_undo(const char *dir)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, PATH_MAX, "%s/" FILE_NAME, dir) < PATH_MAX)
        unlink(path);
}

static void log_unkept(const struct keeping *k)
{
    if (k->result != OK)
        log_info("the secret of DNS cookies is not kept, another start has another one",
                 {"reason", k->diag.text});
}

static bool wants_own(const struct server *s)
{
    return s->conf->cookies && s->conf->cookie_secrets.count == 0;
}

/* The time to replace those in use. */
static void rotate_at(struct server *s, int64_t since_us)
{
    struct cookies *c = &s->cookies;
    c->since_us = since_us > 0 && since_us < s->now_us ? since_us : s->now_us;
    timer_set(&s->timers, &c->rotate, c->since_us + s->conf->cookie_lifetime_s * US_PER_S);
}

static void take(struct server *s, const struct keeping *k)
{
    log_unkept(k);
    if (!wants_own(s)) /* any more */
        return;
    s->self.cookies = k->secrets;
    s->cookies.is_own = true;
    rotate_at(s, k->since_us);
}

static void keeping_done(void *owner, struct job *j)
{
    struct keeping *k = container_of(j, struct keeping, job);
    take(owner, k);
    keeping_free(k);
}

static void written(void *owner, struct job *j)
{
    (void)owner;
    struct keeping *k = container_of(j, struct keeping, job);
    log_unkept(k);
    keeping_free(k);
}

static void keeping_drop(struct job *j)
{
    keeping_free(container_of(j, struct keeping, job));
}

static const struct job_kind keeping_kind = {keeping_run, keeping_done, keeping_drop};
static const struct job_kind writing_kind = {keeping_run, written, keeping_drop};

static void on_rotate(void *arg, struct timer *t)
{
    (void)t;
    struct server *s = arg;
    struct cookie_secrets *all = &s->self.cookies;
    all->at[1] = all->at[0];
    random_bytes(&all->at[0], sizeof(all->at[0]));
    all->count = 2;
    rotate_at(s, s->now_us);
    log_info("the secret of DNS cookies is replaced");
    struct keeping *k = keeping_new(s);
    k->secrets = *all;
    helpers_give(s->helpers, &k->job, &writing_kind, PACE_LOG);
}

static void own_start(struct server *s)
{
    struct keeping *k = keeping_new(s);
    if (s->self.cookies.count) { /* the operator's were in use, and are until these are there */
        helpers_give(s->helpers, &k->job, &keeping_kind, PACE_LOG);
        return;
    }
    keeping_run(&k->job);
    take(s, k);
    keeping_free(k);
}

/* --- load --- */

/* Once in a second. */
static void on_watch(void *arg, struct timer *t)
{
    struct server *s = arg;
    struct cookies *c = &s->cookies;
    uint64_t came = s->count.udp_queries - c->udp_before;
    bool is_load = came >= s->conf->cookies_load;
    c->udp_before += came;
    c->calm_s = is_load ? 0 : c->calm_s + 1;
    bool is_wanted = is_load || (s->self.wants_cookies && c->calm_s < CALM_S);
    if (is_wanted != s->self.wants_cookies)
        log_notice(is_wanted ? "over UDP good cookies are wanted from now on"
                             : "over UDP good cookies are no longer wanted",
                   {"queries_per_second", LOG_U64(came)});
    s->self.wants_cookies = is_wanted;
    timer_set(&s->timers, t, s->now_us + US_PER_S);
}

static void watch_configure(struct server *s)
{
    struct cookies *c = &s->cookies;
    if (s->conf->cookies_required == CONF_UNDER_LOAD) {
        c->udp_before = s->count.udp_queries;
        timer_set(&s->timers, &c->watch, s->now_us + US_PER_S);
        return;
    }
    timer_stop(&s->timers, &c->watch);
    s->self.wants_cookies = s->conf->cookies_required == CONF_ALWAYS;
}

/* --- all of it --- */

void cookies_configure(struct server *s)
{
    struct cookies *c = &s->cookies;
    c->rotate.fire = on_rotate;
    c->watch.fire = on_watch;
    watch_configure(s);
    if (wants_own(s)) {
        if (c->is_own)
            rotate_at(s, c->since_us);
        else
            own_start(s);
        return;
    }
    timer_stop(&s->timers, &c->rotate);
    c->is_own = false;
    s->self.cookies = s->conf->cookies ? s->conf->cookie_secrets : (struct cookie_secrets){0};
}

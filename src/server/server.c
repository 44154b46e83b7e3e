/* SPDX-License-Identifier: Apache-2.0
 * The server: what is made of a configuration, and what is done with the next one. */
#include "server/server.h"

#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/check.h"
#include "base/random.h"
#include "base/secret.h"
#include "server/secondary.h"

/* Arena of one request: the largest need is an UPDATE of 64 KiB, its records laid open. */
#define REQUEST_ARENA_BLOCK 65536
#define REQUEST_ARENA_MAX   (4u << 20)

void server_arena_init(struct arena *a)
{
    arena_init(a, REQUEST_ARENA_BLOCK, REQUEST_ARENA_MAX);
}

static void lists_init(struct server *s)
{
    list_init(&s->changing);
    list_init(&s->outflows);
    list_init(&s->waiters_over);
    update_queue_init(&s->updates);
    commit_init(&s->commit);
    forwards_init(&s->forwards);
    calls_init(&s->calls);
    secondaries_init(&s->secondaries);
}

/* What a configuration says of limits and transfers. */
static void limits_configure(struct server *s)
{
    rrl_configure(&s->rrl, s->conf);
    guard_configure(&s->guard, s->conf);
    calls_configure(s, s->conf->transfers_in, s->conf->transfers_in_per_primary);
    recents_configure(&s->recents, s->conf->recent_changes);
}

/* The keys go on from those in force: when they were used last. */
static void keyring_take(struct server *s, struct conf *conf)
{
    struct keyring *old = s->keyring;
    s->keyring = conf->keyring;
    conf->keyring = NULL;
    keyring_inherit(s->keyring, old);
    keyring_free(old);
}

static bool needs_state(const struct conf *conf)
{
    for (unsigned i = 0; i < conf->zone_count; i++)
        if (conf->zones[i].has_history)
            return true;
    return false;
}

/* A state directory that cannot be used is told of now, not with the first update. */
static enum err state_check(struct server *s, struct diag *diag)
{
    return !needs_state(s->conf) || state_open(s->state, diag) ? OK : ERR_IO;
}

enum err server_new(struct conf *conf, const struct server_hooks *hooks, struct server **out,
                    struct diag *diag)
{
    struct server *s = mem_alloc_zero(sizeof(*s));
    struct hash_key key;
    random_bytes(&key, sizeof(key));
    s->conf = conf;
    s->hooks = *hooks;
    lists_init(s);
    self_from_conf(&s->self, conf);
    keyring_take(s, conf);
    store_init(&s->store, key);
    controls_init(&s->controls, hooks->wake, hooks->arg);
    server_arena_init(&s->arena);
    recents_init(&s->recents, conf->recent_changes);
    limits_configure(s);
    s->state = state_new(conf, hooks->wake, hooks->arg);
    s->helpers = helpers_new(conf->load_threads, hooks->wake, hooks->arg);
    enum err e = OK;
    if (!s->helpers || !digest_init(&s->digest))
        e = err_say(diag, ERR_SYSTEM, "no helper threads, or no SHA-1 in the system's library");
    if (e == OK)
        e = state_check(s, diag);
    if (e == OK)
        helpers_step_back(s->helpers, conf->loads_step_back);
    if (e != OK) {
        server_free(s);
        return e;
    }
    *out = s;
    return OK;
}

const struct conf *conf_hold(struct server *s)
{
    s->conf_holds++;
    return s->conf;
}

void conf_release(struct server *s)
{
    ASSERT(s->conf_holds > 0);
    s->conf_holds--;
    if (!s->is_reloading)
        old_confs_free(s);
}

void old_confs_free(struct server *s)
{
    if (s->conf_holds)
        return;
    for (struct old_conf *o = s->old_confs, *next; o; o = next) {
        next = o->next;
        conf_free(o->conf);
        free(o);
    }
    s->old_confs = NULL;
}

static void sessions_done(struct server *s)
{
    for (unsigned i = 0; i < SERVER_BATCH_MAX; i++)
        tsig_session_done(&s->request[i].tsig);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    calls_stop(&s->calls);
    secondaries_end(s); /* what has come of transfers goes to the helpers */
    controls_done(&s->controls);
    waiters_end(s);
    helpers_end(s->helpers); /* they use the change log, which uses what commits hold */
    state_free(s->state);
    commit_drop(s);
    update_queue_done(s);
    forwards_done(s);
    zones_settle(s);
    helpers_free(s->helpers); /* takes what the others have let go of, and unpins zones */
    zones_free(s);
    timers_done(&s->timers);
    sessions_done(s);
    keyring_free(s->keyring);
    digest_done(&s->digest);
    rrl_done(&s->rrl);
    guard_done(&s->guard);
    arena_done(&s->arena);
    old_confs_free(s);
    conf_free(s->conf);
    secret_wipe(&s->self.cookies, sizeof(s->self.cookies));
    free(s);
}

void server_start(struct server *s, int64_t now_us)
{
    s->now_us = s->started_us = now_us;
    cookies_configure(s);
    zones_reload(s);
    while (s->is_reloading) /* nobody waits yet, and a zone of ours is not to be REFUSED */
        (void)zones_collect(s);
}

bool server_collect(struct server *s, int64_t now_us)
{
    server_now(s, now_us);
    s->changing_steps = 0;
    commit_collect(s);
    zones_retry(s);
    bool is_complete = zones_collect(s);
    controls_collect(&s->controls);
    return is_complete;
}

/* Timers fired in one turn: most send a message. */
#define TIMERS_SLICE 32

int64_t server_next_us(const struct server *s)
{
    return timers_next(&s->timers);
}

/* A clock is set back by more than this only when it was wrong: timers are not to wait for it. */
#define CLOCK_BACK_US 1000000

void server_now(struct server *s, int64_t now_us)
{
    int64_t back_us = s->now_us - now_us;
    s->now_us = now_us;
    if (LIKELY(back_us < CLOCK_BACK_US))
        return;
    log_notice("the clock was set back", {"seconds", LOG_U64((uint64_t)back_us / 1000000)});
    timers_shift(&s->timers, -back_us);
    secondaries_clock(s, -back_us);
    STORE_EACH(e, &s->store)
        peers_clock(zone_owner(e), -back_us);
}

void server_time(struct server *s, int64_t now_us)
{
    server_now(s, now_us);
    (void)timers_run(&s->timers, now_us, TIMERS_SLICE, s);
}

/* What is left over has the loop turn again at once. */
void server_turn(struct server *s)
{
    s->changing_steps = 0;
    if (LIKELY(server_is_idle(s)))
        return; /* a turn with nothing but queries */
    bool has_run_all = update_turn(s);
    bool has_told_all = commit_turn(s);
    if (!has_run_all || !has_told_all)
        s->hooks.wake(s->hooks.arg);
}

/* Between two looks at what the log has done, when there is nothing else to do any more. */
#define FLUSH_STEP_US 500

bool server_flush(struct server *s, int64_t max_us)
{
    struct timespec step = {.tv_nsec = FLUSH_STEP_US * 1000};
    waiters_end(s);
    for (int64_t waited = 0; waited < max_us; waited += FLUSH_STEP_US) {
        while (!update_turn(s))
            ;
        while (!commit_turn(s))
            ;
        bool is_noted = checked_flush(s);
        if (server_is_idle(s) && list_is_empty(&s->changing) && is_noted)
            return true;
        nanosleep(&step, NULL);
        (void)server_collect(s, s->now_us); /* what some updates wait for goes on */
    }
    return server_is_idle(s); /* of a change in slices nobody has been told anything yet */
}

/* What is settled at start and stays until the next one. */
static void fixed_check(const struct conf *old, const struct conf *new)
{
    if (new->load_threads != old->load_threads)
        log_notice("takes effect at the next start", {"setting", "server.limits.load-threads"});
    if (new->realtime != old->realtime)
        log_notice("takes effect at the next start", {"setting", "server.realtime"});
    /* threads that have done it cannot go back */
    if (old->loads_step_back && !new->loads_step_back)
        log_notice("takes effect at the next start", {"setting", "server.limits.loads-step-back"});
}

void server_reload_by(struct server *s, const char *who)
{
    snprintf(s->reload_by, sizeof(s->reload_by), "%s", who);
}

enum err server_reload(struct server *s, struct conf *conf, int64_t now_us, struct diag *diag)
{
    (void)diag; /* nothing in here can fail yet */
    server_now(s, now_us);
    fixed_check(s->conf, conf);
    self_from_conf(&s->self, conf);
    keyring_take(s, conf);
    state_configure(s->state, conf);
    struct old_conf *old = mem_alloc(sizeof(*old));
    *old = (struct old_conf){s->old_confs, s->conf};
    s->old_confs = old;
    s->conf = conf;
    limits_configure(s);
    helpers_step_back(s->helpers, s->conf->loads_step_back);
    cookies_configure(s);
    zones_reload(s);
    s->count.reloads++;
    return OK;
}

const struct conf *server_conf(const struct server *s)
{
    return s->conf;
}

struct counters *server_counters(struct server *s)
{
    return &s->count;
}

bool server_wants_time(const struct server *s)
{
    return s->retry_at_us != 0;
}

bool server_is_idle(const struct server *s)
{
    return commit_is_idle(s) && update_is_idle(&s->updates);
}

bool server_is_durable(const struct server *s)
{
    struct journal *j = state_journal(s->state);
    struct journal_health health = {.is_well = true};
    if (j)
        journal_health(j, &health);
    return health.is_well;
}

const struct keyring *server_keyring(const struct server *s)
{
    return s->keyring;
}

/* SPDX-License-Identifier: Apache-2.0
 * The reactor.
 *
 * All watchers, in the order in which a turn runs them (turn.h):
 *
 *   priority       watcher                                    callback
 *   TURN_CONTROL   ev_signal TERM INT HUP USR1                on_stop on_stop on_reload on_counters
 *   TURN_CONTROL   ev_async  a helper or the log is done      on_loaded
 *   TURN_CONTROL   ev_async  a new configuration is read      reload.c
 *   TURN_CONTROL   ev_timer  watchdog, progress, drain        on_watchdog on_progress on_drain_end
 *   TURN_CONTROL   ev_timer  what failed is tried again       on_retry
 *   TURN_UDP       ev_io     each UDP socket                  intake.c
 *   TURN_CONN      ev_io     each TCP connection              conn.c
 *   TURN_CONN      ev_io     each control connection          control.c
 *   TURN_CONN      ev_io     each question to another server  dial.c
 *   TURN_TIMER     ev_timer  the next TCP deadline            tcp.c
 *   TURN_TIMER     ev_timer  each control connection's        control.c
 *   TURN_TIMER     ev_timer  the server's timers              alarm.c
 *   TURN_TIMER     ev_timer  the next deadline of a question  dial.c
 *   TURN_ACCEPT    ev_io     each listening TCP socket        intake.c
 *   TURN_ACCEPT    ev_io     the control socket               control.c
 *   end of turn    ev_prepare                                 on_turn_end
 *
 * The life: LOADING until the first loads are in, then SERVING; RELOADING from SIGHUP until the new
 * configuration's zones are loaded, or refused; DRAINING after the first SIGTERM. Queries are
 * answered in all of them but the last. */
#include "reactor/loop.h"

#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "request/address.h"
#include "reactor/alarm.h"
#include "reactor/control.h"
#include "reactor/dial.h"
#include "reactor/drops.h"
#include "reactor/intake.h"
#include "reactor/process.h"
#include "reactor/reload.h"
#include "reactor/systemd.h"
#include "reactor/tcp.h"
#include "reactor/turn.h"
#include "server/control.h"
#include "server/server.h"

/* While zones load: how often the service manager hears of it, and how long it may then wait for
 * the next word. */
#define PROGRESS_EVERY_S     2.0
#define PROGRESS_TRUST_US    30000000
/* At start: how long what is asked may wait in the sockets for the zones that are soon there, so
 * that a restart is not seen as SERVFAIL. */
#define START_WAIT_S         3.0
/* While something failed: how often the server looks whether it is time to try again. */
#define RETRY_EVERY_S        1.0
/* When stopping: how long peers may take to read their last answers. */
#define DRAIN_S              5.0
/* When stopping: how long the change log may take for the last changes. */
#define DRAIN_US             5000000
/* Descriptors for all but TCP connections and calls: epoll, log, zone files and their includes. */
#define DESCRIPTORS_RESERVED 64

enum loop_state { LOOP_LOADING, LOOP_SERVING, LOOP_RELOADING, LOOP_DRAINING };

struct loop {
    struct ev_loop *ev;
    struct server *server;
    struct udp *udp;
    struct turn_share share; /* of tcp and dial */
    struct tcp tcp;
    struct dial dial;
    struct intake intake;
    struct control_set control;
    struct reload reload;
    char reload_by[64];       /* who asked for it last */
    struct diag reload_fault; /* of the last reload; no text: it took effect */
    ev_signal on_term, on_int, on_hup, on_usr1;
    ev_async loaded;
    ev_timer watchdog, progress, retry, start_wait, drain_end;
    struct alarm alarm;
    ev_prepare drained, turn_end;
    enum loop_state state;
    int exit_code;
    uint32_t connections_max; /* what descriptors allow */
};

static void status_show(struct loop *l, void (*tell)(const char *))
{
    char buf[128];
    tell(server_status(l->server, buf));
}

/* --- sockets --- */

/* For the control socket: the operator goes before a client. */
static bool spare_descriptor(void *arg)
{
    return tcp_give_way(&((struct loop *)arg)->tcp);
}

static void listeners_log(struct loop *l)
{
    struct address_text text;
    LIST_EACH(link, &l->intake.listens.all) {
        struct listener *listener = listen_of(link);
        if (listener->is_new || l->state == LOOP_LOADING)
            log_info("listening", {"address", address_show(&listener->address, &text)},
                     {"transport", listener->transport == TRANSPORT_UDP ? "udp" : "tcp"});
    }
}

/* How many connections there may be; says so when it is fewer than configured. */
static uint32_t connections_allowed(const struct conf *conf)
{
    uint64_t others =
        DESCRIPTORS_RESERVED + dial_descriptors(conf) + 2 * (uint64_t)conf->listen.count;
    uint64_t allowed = process_descriptors(conf->tcp_connections + others);
    uint64_t left = allowed > others ? allowed - others : 1;
    if (left < conf->tcp_connections)
        log_warn(
            "fewer tcp connections than configured, raise the limit of open files (LimitNOFILE)",
            {"configured", LOG_U64(conf->tcp_connections)}, {"possible", LOG_U64(left)});
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/* At once, or when the wait at start is over. */
static void reading_start(struct loop *l)
{
    if (ev_is_active(&l->start_wait))
        return;
    listen_start(&l->intake.listens, l->ev, TRANSPORT_UDP);
    listen_start(&l->intake.listens, l->ev, TRANSPORT_TCP);
}

/* The sockets that listen_open() has opened are in force, with the limits of the server's
 * configuration. */
static void configuration_apply(struct loop *l)
{
    struct listen_set *listens = &l->intake.listens;
    listeners_log(l);
    tcp_configure(&l->tcp, server_conf(l->server), l->connections_max);
    listen_commit(listens, server_conf(l->server), l->ev, intake_empty);
    reading_start(l);
    control_commit(&l->control, server_conf(l->server));
}

/* --- loading and reloading --- */

/* In a helper's thread. */
static void wake(void *arg)
{
    struct loop *l = arg;
    ev_async_send(l->ev, &l->loaded);
}

/* LOADING or RELOADING is over. */
static void settle(struct loop *l)
{
    char status[128];
    ev_timer_stop(l->ev, &l->progress);
    if (l->state == LOOP_LOADING) {
        ev_timer_stop(l->ev, &l->start_wait);
        reading_start(l);
    }
    log_notice(l->state == LOOP_LOADING ? "started" : "reload over",
               {"state", server_status(l->server, status)});
    l->state = LOOP_SERVING;
    status_show(l, systemd_ready);
    if (!reload_is_busy(&l->reload))
        control_reload_over(l->server, l->reload_fault.text[0] ? l->reload_fault.text : NULL,
                            l->reload.faults);
}

static void collect(struct loop *l)
{
    bool is_complete = server_collect(l->server, clock_wall_us());
    if (is_complete &&
        (l->state == LOOP_LOADING || (l->state == LOOP_RELOADING && !reload_is_busy(&l->reload))))
        settle(l);
}

static void on_loaded(struct ev_loop *ev, ev_async *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("zones loaded");
    collect(container_of(w, struct loop, loaded));
}

/* Runs while the server wants time to pass. */
static void on_retry(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)revents;
    struct loop *l = container_of(w, struct loop, retry);
    collect(l);
    if (!server_wants_time(l->server))
        ev_timer_stop(ev, w);
}

static void on_progress(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    systemd_extend(PROGRESS_TRUST_US);
    status_show(container_of(w, struct loop, progress), systemd_status);
}

static void on_start_wait(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    reading_start(container_of(w, struct loop, start_wait));
}

static void on_watchdog(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)w;
    (void)revents;
    systemd_ping();
}

/* who: NULL for a signal. */
static enum err reload_request(void *arg, const char *who, struct diag *diag)
{
    struct loop *l = arg;
    if (l->state == LOOP_DRAINING)
        return err_say(diag, ERR_CANCELED, "the server stops");
    log_notice("reload requested", {"file", l->reload.path}, {"by", who});
    snprintf(l->reload_by, sizeof(l->reload_by), "%s", who ? who : "signal");
    enum err e = reload_start(&l->reload, diag);
    if (e != OK) {
        server_counters(l->server)->reloads_failed++;
        log_error("reload failed, nothing changed", {"reason", diag->text});
        return e;
    }
    if (l->state == LOOP_LOADING)
        return OK; /* the manager still waits for the first READY, which covers both */
    l->state = LOOP_RELOADING;
    systemd_reloading("reading the configuration");
    ev_timer_again(l->ev, &l->progress);
    return OK;
}

static void on_reload(struct ev_loop *ev, ev_signal *w, int revents)
{
    (void)ev;
    (void)revents;
    struct diag diag = {0};
    (void)reload_request(container_of(w, struct loop, on_hup), NULL, &diag);
}

/* What is settled at start and stays until the next one. */
static void fixed_check(const struct conf *old, const struct conf *new)
{
    if (strcmp(old->user ? old->user : "", new->user ? new->user : "") != 0)
        log_warn("another server.user takes effect at the next start only",
                 {"user", new->user ? new->user : "off"});
}

/* All or, with a sentence, nothing; takes conf. */
static enum err configuration_take(struct loop *l, struct conf *conf, struct diag *diag)
{
    struct listen_set *listens = &l->intake.listens;
    enum err e = listen_open(listens, conf, diag);
    if (e == OK) {
        e = control_open(&l->control, conf, diag);
        if (e != OK)
            control_rollback(&l->control);
    }
    if (e != OK) {
        listen_rollback(listens);
        conf_free(conf);
        return e;
    }
    fixed_check(server_conf(l->server), conf);
    server_reload_by(l->server, l->reload_by);
    e = server_reload(l->server, conf, clock_wall_us(), diag);
    if (e != OK) {
        listen_rollback(listens);
        control_rollback(&l->control);
        return e;
    }
    systemd_log_setup(server_conf(l->server));
    l->connections_max = connections_allowed(server_conf(l->server));
    configuration_apply(l);
    return OK;
}

static void on_conf(void *arg, struct conf *conf, const struct conf_faults *faults)
{
    (void)faults; /* reload.c knows them */
    struct loop *l = arg;
    struct diag diag = {0};
    if (l->state == LOOP_DRAINING) {
        conf_free(conf);
        return;
    }
    reload_faults_log(&l->reload);
    if (!conf)
        err_say(&diag, ERR_INVALID, "the configuration has faults");
    if (conf && configuration_take(l, conf, &diag) == OK) {
        log_notice("configuration taken", {"file", l->reload.path});
        diag.text[0] = 0; /* a notice of no consequence may stand in it */
    } else {
        server_counters(l->server)->reloads_failed++;
        log_error("reload failed, nothing changed", {"reason", diag.text});
    }
    l->reload_fault = diag;
    if (l->state == LOOP_SERVING) /* it was asked for before the first loads were in */
        l->state = LOOP_RELOADING;
    collect(l);
}

/* --- answers that come later --- */

static void on_turn_end(struct ev_loop *ev, ev_prepare *w, int revents)
{
    (void)revents;
    struct loop *l = container_of(w, struct loop, turn_end);
    server_turn(l->server);
    udp_flush(l->udp);
    intake_turn(&l->intake, ev_now(ev));
    if (server_wants_time(l->server) && !ev_is_active(&l->retry))
        ev_timer_again(ev, &l->retry);
    alarm_look(&l->alarm);
}

static void hold(void *arg, const struct exchange *x, struct reply_path *path)
{
    struct loop *l = arg;
    if (x->path)
        *path = *x->path;
    if (x->peer.transport == TRANSPORT_TCP) {
        path->channel = x->channel;
        conn_hold(x->channel);
    } else if (x->path) {
        listen_hold(path->channel);
    } else {
        udp_hold(l->udp, x, path);
    }
}

static void reply(void *arg, const struct peer *peer, struct reply_path *path, const uint8_t *bytes,
                  size_t len)
{
    struct loop *l = arg;
    if (peer->transport == TRANSPORT_TCP)
        conn_answer(path->channel, bytes, len);
    else
        udp_answer(l->udp, peer, path, bytes, len);
}

/* --- questions to other servers --- */

static void call_dial(void *arg, struct call *c)
{
    struct loop *l = arg;
    dial_call(&l->dial, c);
}

static void call_dial_pause(void *arg, struct call *c)
{
    struct loop *l = arg;
    dial_pause(&l->dial, c);
}

static void call_hang_up(void *arg, struct call *c, bool may_reuse)
{
    struct loop *l = arg;
    dial_hang_up(&l->dial, c, may_reuse);
}

/* --- stopping --- */

static void on_drained(struct ev_loop *ev, ev_prepare *w, int revents)
{
    (void)revents;
    if (!container_of(w, struct loop, drained)->tcp.conns)
        ev_break(ev, EVBREAK_ALL);
}

static void on_drain_end(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)revents;
    log_warn("connections cut that did not take their answers",
             {"count", LOG_U64(container_of(w, struct loop, drain_end)->tcp.conns)});
    ev_break(ev, EVBREAK_ALL);
}

static void drain(struct loop *l)
{
    l->state = LOOP_DRAINING;
    systemd_stopping("answering what is there");
    ev_timer_stop(l->ev, &l->progress);
    ev_timer_stop(l->ev, &l->start_wait);
    LIST_EACH(link, &l->intake.listens.all) {
        intake_empty(listen_of(link));
    }
    if (!server_flush(l->server, DRAIN_US))
        log_error("stopping without the change log's word on the last changes");
    udp_flush(l->udp);
    listen_done(&l->intake.listens, l->ev);
    control_stop_accepting(&l->control);
    tcp_drain(&l->tcp);
    ev_timer_start(l->ev, &l->drain_end);
    ev_prepare_start(l->ev, &l->drained);
}

static void on_stop(struct ev_loop *ev, ev_signal *w, int revents)
{
    (void)revents;
    struct loop *l = w->data;
    if (l->state == LOOP_DRAINING) {
        log_warn("second signal, stopped at once", {"signal", strsignal(w->signum)});
        l->exit_code = 1;
        ev_break(ev, EVBREAK_ALL);
        return;
    }
    log_notice("stopping", {"signal", strsignal(w->signum)});
    drain(l);
}

/* As SIGTERM, but asking twice is no hurry. */
static void stop_request(void *arg)
{
    struct loop *l = arg;
    if (l->state != LOOP_DRAINING)
        drain(l);
}

/* --- counters --- */

/* Those that the kernel keeps. */
static void counters_renew(void *arg)
{
    struct loop *l = arg;
    drops_count(&l->intake.listens, server_counters(l->server), clock_wall_us());
}

static void on_counters(struct ev_loop *ev, ev_signal *w, int revents)
{
    (void)ev;
    (void)revents;
    struct loop *l = container_of(w, struct loop, on_usr1);
    const struct counters *count = server_counters(l->server);
    counters_renew(l);
#define X(name, text) log_notice("counter", {"name", #name}, {"value", LOG_U64(count->name)});
    COUNTER_LIST(X)
#undef X
}

/* --- set-up --- */

static void signal_start(struct loop *l, ev_signal *w,
                         void (*fn)(struct ev_loop *, ev_signal *, int), int number)
{
    ev_signal_init(w, fn, number);
    ev_set_priority(w, TURN_CONTROL);
    w->data = l;
    ev_signal_start(l->ev, w);
}

static void watchers_init(struct loop *l)
{
    double ping_s = (double)systemd_watchdog_us() / 2e6;
    signal_start(l, &l->on_term, on_stop, SIGTERM);
    signal_start(l, &l->on_int, on_stop, SIGINT);
    signal_start(l, &l->on_hup, on_reload, SIGHUP);
    signal_start(l, &l->on_usr1, on_counters, SIGUSR1);
    process_hear_signals();
    ev_async_init(&l->loaded, on_loaded);
    ev_set_priority(&l->loaded, TURN_CONTROL);
    ev_async_start(l->ev, &l->loaded);
    ev_timer_init(&l->watchdog, on_watchdog, ping_s, ping_s);
    ev_set_priority(&l->watchdog, TURN_CONTROL);
    if (ping_s > 0)
        ev_timer_start(l->ev, &l->watchdog);
    ev_timer_init(&l->progress, on_progress, PROGRESS_EVERY_S, PROGRESS_EVERY_S);
    ev_set_priority(&l->progress, TURN_CONTROL);
    ev_timer_init(&l->retry, on_retry, RETRY_EVERY_S, RETRY_EVERY_S);
    ev_set_priority(&l->retry, TURN_CONTROL);
    ev_timer_init(&l->start_wait, on_start_wait, START_WAIT_S, 0.0);
    ev_timer_init(&l->drain_end, on_drain_end, DRAIN_S, 0.0);
    ev_prepare_init(&l->drained, on_drained);
    ev_prepare_init(&l->turn_end, on_turn_end);
    ev_prepare_start(l->ev, &l->turn_end);
}

/* Sockets of the service manager first: what they cover need not be opened. */
static enum err sockets_open(struct loop *l, const struct conf *conf, struct diag *diag)
{
    int first, count = systemd_sockets(&first);
    for (int fd = first; fd < first + count; fd++) {
        enum err e = listen_adopt(&l->intake.listens, fd, conf, diag);
        if (e != OK)
            return e;
    }
    return listen_open(&l->intake.listens, conf, diag);
}

enum err loop_new(struct conf *conf, struct loop **out, struct diag *diag)
{
    struct loop *l = mem_alloc_zero(sizeof(*l));
    intake_init(&l->intake);
    l->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    control_init(&l->control, l->ev);
    enum err e = l->ev ? OK : err_say(diag, ERR_SYSTEM, "no event loop: epoll is not available");
    if (e == OK)
        e = sockets_open(l, conf, diag);
    if (e == OK) {
        l->connections_max = connections_allowed(conf);
        if (conf->user)
            e = process_become(conf->user, diag);
    }
    if (e == OK) /* as that user, who will have to replace and to remove it */
        e = control_open(&l->control, conf, diag);
    if (e != OK) {
        conf_free(conf);
        loop_free(l);
        return e;
    }
    watchers_init(l);
    reload_init(&l->reload, l->ev, conf->path, on_conf, l);
    const struct server_hooks hooks = {.arg = l,
                                       .wake = wake,
                                       .hold = hold,
                                       .reply = reply,
                                       .outflow_ready = conn_outflow_ready,
                                       .outflow_late = conn_outflow_late,
                                       .dial = call_dial,
                                       .dial_pause = call_dial_pause,
                                       .hang_up = call_hang_up};
    e = server_new(conf, &hooks, &l->server, diag);
    if (e != OK) {
        reload_done(&l->reload);
        loop_free(l);
        return e;
    }
    l->udp = udp_new(l->server);
    l->share = (struct turn_share){.between = intake_between, .arg = &l->intake};
    alarm_init(&l->alarm, l->ev, l->server);
    dial_init(&l->dial, l->ev, l->server, &l->share);
    tcp_init(&l->tcp, l->ev, l->server, &l->intake.listens, &l->share);
    intake_start(&l->intake, l->udp, &l->tcp, server_counters(l->server));
    const struct control_hooks asked = {
        .arg = l, .reload = reload_request, .stop = stop_request, .count = counters_renew};
    control_set_hooks(l->server, &asked);
    control_start(&l->control, l->server, spare_descriptor, l);
    *out = l;
    return OK;
}

int loop_run(struct loop *l)
{
    struct diag diag = {0};
    if (process_be_prompt(server_conf(l->server)->realtime, &diag) != OK)
        log_warn("no realtime priority", {"reason", diag.text});
    ev_timer_start(l->ev, &l->start_wait);
    configuration_apply(l);
    ev_timer_again(l->ev, &l->progress);
    server_start(l->server, clock_wall_us());
    collect(l);
    ev_run(l->ev, 0);
    const struct counters *count = server_counters(l->server);
    log_notice("stopped", {"udp", LOG_U64(count->udp_queries)},
               {"tcp", LOG_U64(count->tcp_queries)}, {"answers", LOG_U64(count->answers)});
    return l->exit_code;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->ev)
        control_done(&l->control);
    if (l->server) {
        tcp_done(&l->tcp);
        reload_done(&l->reload);
        server_free(l->server); /* before the loop: its helpers wake it */
        dial_done(&l->dial);
        alarm_done(&l->alarm);
        udp_free(l->udp);
    }
    if (l->ev) {
        listen_done(&l->intake.listens, l->ev);
        ev_loop_destroy(l->ev);
    }
    free(l);
}

void loop_libraries_show(FILE *out)
{
    fprintf(out, "libev %d.%d", ev_version_major(), ev_version_minor());
}

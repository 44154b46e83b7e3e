/* SPDX-License-Identifier: Apache-2.0
 * Connections of the control socket.
 *
 * A connection alternates between a line and its answer. What the request wants next (struct
 * control_next) and what is unsent decide what is watched, in one function, conn_rearm(). A step
 * runs when the socket can be written to: so a client that reads slowly is served slowly, and epoll
 * gives each ready connection one step in a turn. */
#include "reactor/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "ctl/verb.h"
#include "reactor/turn.h"
#include "server/control.h"

/* First size of the buffer for lines. */
#define IN_SMALL 4096

enum next { KEEP, CLOSE };

struct control_conn {
    ev_io io;
    ev_timer deadline;
    struct list link;
    struct control_set *set;
    struct control_client *client;
    enum control_next next; /* of the request under way; CONTROL_DONE: there is none */
    char *in, *out;
    size_t in_len, in_cap;
    size_t out_at, out_end, out_cap; /* out_at..out_end is unsent */
    bool is_ended;                   /* the client sends no more, or is not read any more */
};

static struct control_conn *conn_of(struct list *link)
{
    return list_entry(link, struct control_conn, link);
}

static size_t unsent(const struct control_conn *c)
{
    return c->out_end - c->out_at;
}

/* --- for server/ --- */

static void on_reply(void *arg, const char *bytes, size_t len)
{
    struct control_conn *c = arg;
    if (c->out_at == c->out_end)
        c->out_at = c->out_end = 0;
    if (c->out_cap - c->out_end < len) {
        size_t cap = c->out_end + len > 2 * c->out_cap ? c->out_end + len : 2 * c->out_cap;
        char *out = mem_alloc(cap);
        if (c->out_end)
            memcpy(out, c->out, c->out_end);
        secret_free_plain(c->out);
        c->out = out;
        c->out_cap = cap;
    }
    memcpy(c->out + c->out_end, bytes, len);
    c->out_end += len;
}

static void on_wake(void *arg)
{
    struct control_conn *c = arg;
    ev_feed_event(c->set->ev, &c->io, EV_CUSTOM);
}

/* --- steps --- */

static bool is_fatal(int error)
{
    return error != EAGAIN && error != EINTR;
}

/* Room for a line of full length and its newline. */
static bool has_room(const struct control_conn *c)
{
    return c->in_len <= CONTROL_LINE_MAX;
}

static enum next conn_read(struct control_conn *c)
{
    if (c->is_ended || !has_room(c))
        return KEEP;
    if (c->in_len == c->in_cap) {
        c->in_cap = c->in_cap ? 2 * c->in_cap : IN_SMALL;
        if (c->in_cap > CONTROL_LINE_MAX)
            c->in_cap = CONTROL_LINE_MAX + 1;
        c->in = mem_grow(c->in, c->in_cap);
    }
    ssize_t n = recv(c->io.fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
    if (n < 0)
        return is_fatal(errno) ? CLOSE : KEEP;
    if (!n)
        c->is_ended = true;
    c->in_len += (size_t)n;
    return KEEP;
}

static enum next conn_write(struct control_conn *c)
{
    if (!unsent(c))
        return KEEP;
    ssize_t n = send(c->io.fd, c->out + c->out_at, unsent(c), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return is_fatal(errno) ? CLOSE : KEEP;
    secret_wipe(c->out + c->out_at, (size_t)n); /* it may have been the secret of a new key */
    c->out_at += (size_t)n;
    if (!unsent(c) && c->out_cap > CONTROL_UNSENT_MAX) {
        free(c->out);
        c->out = NULL;
        c->out_at = c->out_end = c->out_cap = 0;
    }
    return KEEP;
}

/* Length of the line that is next; false: it is not here as a whole. The last one before the end
 * needs no newline. */
static bool line_find(const struct control_conn *c, size_t *len)
{
    const char *end = c->in_len ? memchr(c->in, '\n', c->in_len) : NULL;
    *len = end ? (size_t)(end - c->in) : c->in_len;
    return end || (c->is_ended && c->in_len && has_room(c));
}

static void line_drop(struct control_conn *c, size_t len)
{
    size_t used = len < c->in_len ? len + 1 : len;
    c->in_len -= used;
    memmove(c->in, c->in + used, c->in_len);
}

/* What comes after a line that is too long cannot be told apart from the rest of it. */
static void line_refuse(struct control_conn *c)
{
    struct control_port port = {.arg = c, .reply = on_reply};
    control_refuse(&port, "the line is too long; longer texts go ahead as {\"part\": ...}");
    c->is_ended = true;
    c->in_len = 0;
}

/* One step of the request under way, or the begin of the next. */
static void conn_work(struct control_conn *c)
{
    size_t len;
    if (unsent(c) >= CONTROL_UNSENT_MAX || c->next == CONTROL_WAIT)
        return;
    if (c->next == CONTROL_MORE) {
        c->next = control_step(c->client);
    } else if (line_find(c, &len)) {
        c->next = control_begin(c->client, c->in, len);
        line_drop(c, len);
    } else if (!has_room(c)) {
        line_refuse(c);
    }
}

/* --- waiting --- */

static void deadline_set(struct control_conn *c, double s)
{
    c->deadline.repeat = s;
    ev_timer_again(c->set->ev, &c->deadline); /* 0: stops it */
}

static void events_set(struct control_conn *c, int events)
{
    struct ev_loop *ev = c->set->ev;
    if (ev_is_active(&c->io) && events == (c->io.events & (EV_READ | EV_WRITE)))
        return;
    ev_io_stop(ev, &c->io);
    ev_io_modify(&c->io, events);
    ev_io_start(ev, &c->io);
}

/* The only place that decides what we wait for. CLOSE: for nothing any more. */
static enum next conn_rearm(struct control_conn *c)
{
    size_t len;
    bool has_line = line_find(c, &len) || (!has_room(c) && !c->is_ended);
    bool is_idle = c->next == CONTROL_DONE && !has_line && !unsent(c);
    bool has_work = unsent(c) || c->next == CONTROL_MORE || (c->next == CONTROL_DONE && has_line);
    if (is_idle && c->is_ended)
        return CLOSE;
    events_set(c, (has_work ? EV_WRITE : 0) | (c->is_ended || !has_room(c) ? 0 : EV_READ));
    if (is_idle && !c->in_len)
        deadline_set(c, CONTROL_IDLE_S);
    else
        deadline_set(c, c->next == CONTROL_WAIT && !unsent(c) ? 0.0 : CONTROL_STALL_S);
    list_remove(&c->link);
    list_add_last(&c->set->conns, &c->link);
    return KEEP;
}

static void conn_close(struct control_conn *c)
{
    struct control_set *set = c->set;
    ev_io_stop(set->ev, &c->io);
    ev_timer_stop(set->ev, &c->deadline);
    control_free(c->client);
    close(c->io.fd);
    list_remove(&c->link);
    set->count--;
    free(c->in);
    secret_free_plain(c->out);
    free(c);
}

static void conn_run(struct control_conn *c, int revents)
{
    enum next next = KEEP;
    if (revents & EV_CUSTOM && c->next == CONTROL_WAIT)
        c->next = CONTROL_MORE;
    if (revents & EV_WRITE)
        next = conn_write(c);
    if (next == KEEP && revents & EV_READ)
        next = conn_read(c);
    if (next == KEEP) {
        conn_work(c);
        next = conn_write(c);
    }
    if (next == KEEP)
        next = conn_rearm(c);
    if (next == CLOSE)
        conn_close(c);
}

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    TURN_WATCH("control connection");
    conn_run(container_of(w, struct control_conn, io), revents);
}

static void on_deadline(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    conn_close(container_of(w, struct control_conn, deadline));
}

/* --- connections come --- */

static void conn_new(struct control_set *set, int fd)
{
    struct ucred cred = {0};
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        close(fd); /* nobody's requests are not answered */
        return;
    }
    struct control_conn *c = mem_alloc_zero(sizeof(*c));
    struct control_peer peer = {.uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
    struct control_port port = {.arg = c, .reply = on_reply, .wake = on_wake};
    c->set = set;
    c->client = control_new(set->server, &peer, &port);
    ev_io_init(&c->io, on_io, fd, 0);
    ev_set_priority(&c->io, TURN_CONN);
    ev_init(&c->deadline, on_deadline);
    ev_set_priority(&c->deadline, TURN_TIMER);
    list_add_last(&set->conns, &c->link);
    set->count++;
    conn_run(c, EV_READ);
}

/* The one that has asked nothing for longest; NULL: all have something under way. */
static struct control_conn *idlest(struct control_set *set)
{
    LIST_EACH(link, &set->conns) {
        struct control_conn *c = conn_of(link);
        if (c->next == CONTROL_DONE && !unsent(c))
            return c;
    }
    return NULL;
}

static void on_turned_away(void *arg, const char *bytes, size_t len)
{
    const int *fd = arg;
    (void)!send(*fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void turn_away(int fd)
{
    struct control_port port = {.arg = &fd, .reply = on_turned_away};
    control_refuse(&port, "too many requests are under way on the control socket");
    close(fd);
}

static bool is_starved(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_resume(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)revents;
    ev_io_start(ev, &container_of(w, struct control_set, resume)->accept);
}

/* The operator goes before a client, who may have taken the last descriptor; -1: nobody is there,
 * or there is none to be had. The one who waits would wake us again and again. */
static int connection_take(struct control_set *set)
{
    int fd = accept4(set->accept.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 || !is_starved(errno))
        return fd;
    if (set->give_way(set->arg))
        fd = accept4(set->accept.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && is_starved(errno)) {
        ev_io_stop(set->ev, &set->accept);
        ev_timer_set(&set->resume, CONTROL_PAUSE_S, 0.0);
        ev_timer_start(set->ev, &set->resume);
    }
    return fd;
}

static void on_accept(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    (void)revents;
    TURN_WATCH("control accept");
    struct control_set *set = container_of(w, struct control_set, accept);
    int fd = connection_take(set);
    if (fd < 0)
        return;
    struct control_conn *idle = set->count < CONTROL_CONNS_MAX ? NULL : idlest(set);
    if (idle)
        conn_close(idle);
    if (set->count < CONTROL_CONNS_MAX)
        conn_new(set, fd);
    else
        turn_away(fd);
}

/* --- the socket --- */

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static char *text_copy(const char *text)
{
    return text ? memcpy(mem_alloc(strlen(text) + 1), text, strlen(text) + 1) : NULL;
}

/* The file stays, its group changes. */
static enum err regroup(struct control_set *set, const struct conf *conf, struct diag *diag)
{
    if (set->now.fd < 0 || is_same_text(conf->control_group, set->group))
        return OK;
    set->is_regrouped = true;
    return control_socket_regroup(&set->now, conf->control_group, diag);
}

/* The state directory may not be there before the first start, and the socket may be in it. */
static void state_dir_make(const struct conf *conf)
{
    size_t len = strlen(conf->state_dir);
    if (strncmp(conf->control_socket, conf->state_dir, len) == 0 &&
        conf->control_socket[len] == '/')
        (void)mkdir(conf->state_dir, 0750); /* if that fails, the socket says why */
}

enum err control_open(struct control_set *set, const struct conf *conf, struct diag *diag)
{
    const char *path = conf->control_socket;
    bool is_default = conf->origins[CONF_SET_control_socket].at.line == 0;
    ASSERT(!set->has_next && !set->is_regrouped);
    if (is_same_text(path, set->now.path) && (!path || control_socket_is_there(&set->now)))
        return regroup(set, conf, diag);
    set->next = CONTROL_SOCKET_NONE;
    if (path)
        state_dir_make(conf);
    enum err e = path ? control_socket_open(path, conf->control_group, &set->next, diag) : OK;
    if (e != OK && !is_default)
        return e;
    if (e != OK)
        log_notice("no control socket, reevectl has nothing to talk to", {"reason", diag->text});
    set->has_next = true;
    return OK;
}

static void accept_start(struct control_set *set)
{
    if (!set->server || set->now.fd < 0)
        return;
    ev_io_init(&set->accept, on_accept, set->now.fd, EV_READ);
    ev_set_priority(&set->accept, TURN_ACCEPT);
    ev_io_start(set->ev, &set->accept);
}

void control_commit(struct control_set *set, const struct conf *conf)
{
    free(set->group);
    set->group = text_copy(conf->control_group);
    set->is_regrouped = false;
    if (!set->has_next)
        return;
    control_stop_accepting(set);
    control_socket_close(&set->now);
    set->now = set->next;
    set->next = CONTROL_SOCKET_NONE;
    set->has_next = false;
    accept_start(set);
    if (set->now.fd >= 0)
        log_info("control socket open", {"path", set->now.path});
}

void control_rollback(struct control_set *set)
{
    if (set->is_regrouped)
        (void)control_socket_regroup(&set->now, set->group, NULL);
    set->is_regrouped = false;
    control_socket_close(&set->next);
    set->has_next = false;
}

/* --- set-up --- */

void control_init(struct control_set *set, struct ev_loop *ev)
{
    *set = (struct control_set){.ev = ev, .now = CONTROL_SOCKET_NONE, .next = CONTROL_SOCKET_NONE};
    list_init(&set->conns);
    ev_io_init(&set->accept, on_accept, -1, EV_READ);
    ev_timer_init(&set->resume, on_resume, 0.0, 0.0);
}

void control_start(struct control_set *set, struct server *server, bool (*give_way)(void *arg),
                   void *arg)
{
    set->server = server;
    set->give_way = give_way;
    set->arg = arg;
    accept_start(set);
}

void control_stop_accepting(struct control_set *set)
{
    ev_io_stop(set->ev, &set->accept);
    ev_timer_stop(set->ev, &set->resume);
}

void control_done(struct control_set *set)
{
    control_stop_accepting(set);
    LIST_EACH(link, &set->conns) {
        conn_close(conn_of(link));
    }
    control_rollback(set);
    control_socket_close(&set->now);
    free(set->group);
    set->group = NULL;
}

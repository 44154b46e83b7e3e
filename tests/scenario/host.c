/* SPDX-License-Identifier: Apache-2.0
 * The server in this process. Zone files go to a directory of their own, since the server's
 * helpers read files; the change log goes to a directory inside, through a VFS that can fail. */
#include "host.h"

#include "base/attr.h"
#include "base/log.h"
#include "base/text.h"
#include "sent.h"
#include "tools/faultvfs.h"
#include "tsig/tsig.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOST_CONF_MAX   65536
#define HOST_LOAD_S_MAX 60
#define HOST_EPOCH_US \
    INT64_C(1084000000000000) /* May 2004: within the signatures of RFC 4035's example */

struct host {
    const struct script *script;
    struct server *server;
    struct faultvfs *disk; /* under the change log */
    unsigned waiting;      /* answers that come later */
    struct list laters;    /* answers that nobody waits for but a step behind */
    struct sent sent;      /* what it asks others */
    char dir[64];
    int64_t now_us;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_woken;
};

/* Called from the loaders' threads. */
static void wake(void *arg)
{
    struct host *h = arg;
    pthread_mutex_lock(&h->lock);
    h->is_woken = true;
    pthread_cond_signal(&h->woken);
    pthread_mutex_unlock(&h->lock);
}

/* The way back of an answer that comes later; who asked may have stopped waiting for it. */
struct later {
    struct list link;            /* in host.laters, once nobody waits */
    struct host_exchange *outer; /* NULL: nobody waits */
    bool is_over;
    size_t len;
    uint8_t answer[DNS_MESSAGE_MAX];
};

static void hold(void *arg, const struct exchange *x, struct reply_path *path)
{
    struct host *h = arg;
    struct later *before = x->channel, *later = mem_alloc_zero(sizeof(*later));
    later->outer = x->path ? before->outer : x->channel;
    list_init(&later->link);
    *path = (struct reply_path){.channel = later};
    later->outer->later = later;
    h->waiting++;
}

static void reply(void *arg, const struct peer *peer, struct reply_path *path, const uint8_t *bytes,
                  size_t len)
{
    struct host *h = arg;
    struct later *later = path->channel;
    struct host_exchange *outer = later->outer;
    (void)peer;
    h->waiting--;
    if (!outer) {
        later->is_over = true;
        later->len = len;
        memcpy(later->answer, bytes, len);
        return;
    }
    if (outer->later == later) { /* else it is held once more */
        outer->later = NULL;
        outer->len = len;
        memcpy(outer->answer, bytes, len);
    }
    free(later);
}

static void dial(void *arg, struct call *c)
{
    struct host *h = arg;
    sent_dial(&h->sent, c, h->now_us);
}

static void dial_pause(void *arg, struct call *c)
{
    struct host *h = arg;
    sent_pause(&h->sent, c, h->now_us);
}

static void hang_up(void *arg, struct call *c, bool may_reuse)
{
    struct host *h = arg;
    (void)may_reuse;
    sent_hang_up(&h->sent, c);
}

static void outflow_ready(void *arg, void *channel, struct outflow *f)
{
    struct host_exchange *x = channel;
    (void)arg;
    (void)f;
    x->is_ready = true;
}

/* Transfers are taken at once. */
static void outflow_late(void *arg, void *channel, struct outflow *f)
{
    (void)arg;
    (void)channel;
    (void)f;
}

/* Until a helper or the change log has something. */
static bool wait_for_wake(struct host *h)
{
    struct timespec end;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += HOST_LOAD_S_MAX;
    pthread_mutex_lock(&h->lock);
    while (!h->is_woken && rc == 0)
        rc = pthread_cond_timedwait(&h->woken, &h->lock, &end);
    h->is_woken = false;
    pthread_mutex_unlock(&h->lock);
    return rc == 0;
}

/* Turns of the loop until nothing is under way and everybody has an answer that the change log has
 * to do with. */
static bool settle(struct host *h)
{
    for (;;) {
        bool is_complete = server_collect(h->server, h->now_us);
        while (server_next_us(h->server) <= h->now_us)
            server_time(h->server, h->now_us);
        server_turn(h->server);
        if (is_complete && server_is_idle(h->server))
            return true;
        if (!wait_for_wake(h))
            return false;
    }
}

static bool write_file(const char *path, const char *s, size_t len)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    bool is_whole = fwrite(s, 1, len, f) == len;
    return fclose(f) == 0 && is_whole;
}

/* One line: the name, and a map of the settings behind what stands there first. */
static void write_map(const char *name, const char *first, const struct script_setting *settings,
                      struct text *t)
{
    const char *comma = first[0] ? ", " : "";
    text_fmt(t, "  \"%s\": {%s", name, first);
    for (const struct script_setting *s = settings; s; s = s->next, comma = ", ")
        text_fmt(t, "%s%s: %s", comma, s->key, s->value);
    text_add(t, "}\n");
}

/* Settings with the same first part make one map: {limits: {a: 1, b: 2}}. */
static void write_settings(const struct script *script, struct text *t)
{
    text_add(t, "server: {listen: 127.0.0.1@5300, state-dir: state");
    for (const struct script_setting *s = script->settings; s; s = s->next)
        if (!strchr(s->key, '.'))
            text_fmt(t, ", %s: %s", s->key, s->value);
    text_add(t, ", limits: {load-threads: 1");
    for (const struct script_setting *s = script->settings; s; s = s->next)
        if (strncmp(s->key, "limits.", 7) == 0)
            text_fmt(t, ", %s: %s", s->key + 7, s->value);
    text_add(t, "}}\nkeys:\n");
    for (const struct script_setting *k = script->keys; k; k = k->next)
        text_fmt(t, "  \"%s\": {secret: \"%s\"}\n", k->key, k->value);
    text_add(t, script->remotes ? "remotes:\n" : "");
    for (const struct script_remote *r = script->remotes; r; r = r->next) {
        write_map(r->name, "", r->settings, t);
    }
    text_add(t, "zones:\n");
}

static void write_zone(const struct script_zone *z, unsigned number, struct text *t)
{
    char file[32];
    snprintf(file, sizeof(file), "file: zone-%u", number);
    write_map(z->name, z->text ? file : "", z->options, t);
}

static bool write_zones(struct host *h, const struct script *script, struct text *t)
{
    unsigned number = 0;
    for (const struct script_zone *z = script->zones; z; z = z->next, number++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/zone-%u", h->dir, number);
        if (z->text && !write_file(path, z->text, z->text_len))
            return false;
        write_zone(z, number, t);
    }
    return !t->bad;
}

static struct conf *make_conf(struct host *h, const struct script *script, struct diag *diag)
{
    char *bytes = mem_alloc(HOST_CONF_MAX), path[80];
    struct conf_faults *faults = mem_alloc(sizeof(*faults));
    struct conf *conf = NULL;
    struct text t;
    text_init(&t, bytes, HOST_CONF_MAX);
    write_settings(script, &t);
    snprintf(path, sizeof(path), "%s/reeved.yaml", h->dir);
    if (!write_zones(h, script, &t))
        err_say(diag, ERR_IO, "%s: zones not written to %s", script->path, h->dir);
    else if (!(conf = conf_load_bytes(bytes, text_len(&t), path, faults)))
        err_say(diag, ERR_INVALID, "%s: configuration: %s", script->path, faults->list[0].text);
    free(faults);
    free(bytes);
    return conf;
}

static enum err start(struct host *h, struct diag *diag)
{
    const struct server_hooks hooks = {.arg = h,
                                       .wake = wake,
                                       .hold = hold,
                                       .reply = reply,
                                       .dial = dial,
                                       .dial_pause = dial_pause,
                                       .hang_up = hang_up,
                                       .outflow_ready = outflow_ready,
                                       .outflow_late = outflow_late};
    struct conf *conf = make_conf(h, h->script, diag);
    if (!conf)
        return ERR_INVALID;
    enum err e = server_new(conf, &hooks, &h->server, diag);
    if (e != OK)
        return e;
    server_start(h->server, h->now_us);
    return settle(h) ? OK
                     : err_say(diag, ERR_SYSTEM, "%s: not settled after %d s", h->script->path,
                               HOST_LOAD_S_MAX);
}

static void stop(struct host *h)
{
    server_free(h->server);
    h->server = NULL;
    sent_done(&h->sent);
    LIST_EACH(link, &h->laters) {
        free(list_entry(link, struct later, link));
    }
    list_init(&h->laters);
}

struct host *host_new(const struct script *script, struct diag *diag)
{
    struct host *h = mem_alloc_zero(sizeof(*h));
    const char *tmp = getenv("TMPDIR");
    h->script = script;
    h->now_us = HOST_EPOCH_US;
    sent_init(&h->sent);
    list_init(&h->laters);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->woken, NULL);
    h->disk = faultvfs_new("scenario");
    sqlite3_vfs_register(sqlite3_vfs_find("scenario"), 1);
    snprintf(h->dir, sizeof(h->dir), "%s/reeve-scenario-XXXXXX",
             tmp && strlen(tmp) < 32 ? tmp : "/tmp");
    if (!mkdtemp(h->dir)) {
        err_say(diag, ERR_SYSTEM, "%s: %s", h->dir, strerror(errno));
        h->dir[0] = 0;
        host_free(h);
        return NULL;
    }
    if (start(h, diag) != OK) {
        host_free(h);
        return NULL;
    }
    return h;
}

/* --- steps without an answer --- */

static enum err do_reload(struct host *h, struct diag *diag)
{
    struct conf *conf = make_conf(h, h->script, diag);
    if (!conf || server_reload(h->server, conf, h->now_us, diag) != OK)
        return ERR_INVALID;
    return settle(h) ? OK : err_say(diag, ERR_SYSTEM, "reload did not end");
}

/* The change log tries the disk again in its own time. */
static void wait_for_log(struct host *h)
{
    struct timespec end, next;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += HOST_LOAD_S_MAX;
    do {
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_nsec += next.tv_nsec < 990000000 ? 10000000 : 0;
        pthread_mutex_lock(&h->lock);
        (void)pthread_cond_timedwait(&h->woken, &h->lock, &next);
        pthread_mutex_unlock(&h->lock);
    } while (!server_is_durable(h->server) && next.tv_sec < end.tv_sec);
}

static void do_fault(struct host *h, const struct script_step *step)
{
    static const struct fault faults[] = {
        [DISK_WRITE] = {.call = FAULT_WRITE, .count = 1, .error = EIO},
        [DISK_SYNC] = {.call = FAULT_SYNC, .count = 1, .error = EIO},
        [DISK_READ] = {.call = FAULT_READ, .count = 1, .error = EIO},
        [DISK_FULL] = {.call = FAULT_WRITE, .count = UINT64_MAX, .error = ENOSPC},
    };
    struct fault f = faults[step->fault];
    f.at = step->fault_count ? step->fault_count : 1;
    faultvfs_clear(h->disk);
    if (step->fault != DISK_WORKS)
        faultvfs_fail(h->disk, &f);
    else
        wait_for_log(h);
}

/* The zone's text is the step's from now on: the host's own, so that a script can be played
 * again. */
static void file_set(const struct script_step *step)
{
    step->zone->text = step->text;
    step->zone->text_len = step->text_len;
}

/* The oldest answer that was to come later. */
static enum err take_later(struct host *h, const struct script_step *step, struct diag *diag)
{
    char text[16];
    if (list_is_empty(&h->laters))
        return err_say(diag, ERR_INVALID, "no answer was to come later");
    struct later *later = list_entry(h->laters.next, struct later, link);
    if (!later->is_over)
        return err_say(diag, ERR_INVALID, "there is no answer yet");
    unsigned rcode = later->len < DNS_HEADER_LEN ? SCRIPT_RCODE_DROPPED : later->answer[3] & 15u;
    list_remove(&later->link);
    free(later);
    if (!(step->rcodes >> rcode & 1))
        return err_say(diag, ERR_INVALID, "the answer is %s", rcode_text(rcode, text));
    return OK;
}

/* What is due on the way happens on the way, each at its time. */
static enum err do_after(struct host *h, uint64_t ms, struct diag *diag)
{
    int64_t end_us = h->now_us + (int64_t)ms * 1000;
    for (;;) {
        int64_t server_us = server_next_us(h->server), call_us = sent_next_us(&h->sent);
        int64_t next_us = server_us < call_us ? server_us : call_us;
        if (next_us > end_us)
            break;
        h->now_us = next_us > h->now_us ? next_us : h->now_us;
        sent_time(&h->sent, h->server, h->now_us);
        if (!settle(h))
            return err_say(diag, ERR_SYSTEM, "not settled");
    }
    h->now_us = end_us;
    return settle(h) ? OK : err_say(diag, ERR_SYSTEM, "not settled");
}

enum err host_do(struct host *h, const struct script_step *step, struct diag *diag)
{
    enum err e;
    switch (step->kind) {
    case STEP_FILE:
        file_set(step);
        return do_reload(h, diag);
    case STEP_RELOAD:
        return do_reload(h, diag);
    case STEP_CRASH:
        faultvfs_kill(h->disk);
        stop(h);
        faultvfs_crash(h->disk, CRASH_DROP, 0);
        return start(h, diag);
    case STEP_RESTART:
        stop(h);
        return start(h, diag);
    case STEP_AFTER:
        return do_after(h, step->after_ms, diag);
    case STEP_ANSWER:
        return take_later(h, step, diag);
    case STEP_SENT:
        e = sent_check(&h->sent, h->server, h->script, step, h->now_us, diag);
        return settle(h) ? e : ERR_SYSTEM;
    case STEP_FAIL:
        do_fault(h, step);
        return OK;
    case STEP_ASK:
        break;
    }
    return ERR_INVALID;
}

static void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char below[PATH_MAX];
        if (e->d_name[0] == '.' ||
            snprintf(below, sizeof(below), "%s/%s", path, e->d_name) >= (int)sizeof(below))
            continue;
        if (unlink(below) != 0)
            remove_dir(below);
    }
    closedir(d);
    rmdir(path);
}

void host_free(struct host *h)
{
    if (!h)
        return;
    stop(h);
    if (h->disk)
        faultvfs_free(h->disk);
    if (h->dir[0])
        remove_dir(h->dir);
    pthread_cond_destroy(&h->woken);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static struct name_buf key_name(const char *text)
{
    struct name_buf n = {0};
    (void)name_scan(text, strlen(text), NAME_ROOT, &n, NULL);
    return n;
}

/* What is sent: the step's bytes, signed if it has a key, in memory of their exact size. */
static uint8_t *message_make(struct host *h, const struct script_step *step, size_t *len)
{
    uint8_t room[DNS_MESSAGE_MAX + 1024];
    *len = step->wire_len;
    memcpy(room, step->wire, step->wire_len);
    if (step->key) {
        struct tsig_session session = {0};
        struct name_buf name = key_name(step->key);
        tsig_session_start(&session, keyring_find(server_keyring(h->server), name_of(&name)));
        tsig_sign(&session, room, len, h->now_us);
        tsig_session_done(&session);
    }
    uint8_t *in = mem_alloc(*len ? *len : 1);
    memcpy(in, room, *len);
    return in;
}

static void exchange_make(struct host *h, struct host_exchange *x, struct exchange *inner)
{
    size_t cap = x->transport == SCRIPT_TCP ? DNS_MESSAGE_MAX : SERVER_UDP_OUT_MAX;
    x->answer = mem_alloc(cap);
    x->later = NULL;
    *inner = (struct exchange){.out = x->answer, .channel = x};
    inner->in = message_make(h, x->step, &inner->in_len);
    inner->peer.transport = x->transport == SCRIPT_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    inner->peer.address.v4.sin_family = AF_INET;
    inner->peer.address.v4.sin_port = htons(40053);
    inner->peer.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* The first message is the answer, the others stand behind it. */
static void keep_message(struct host_exchange *x, const uint8_t *bytes, size_t len)
{
    if (x->len == 0) {
        memcpy(x->answer, bytes, len);
        x->len = len;
        return;
    }
    x->more = mem_grow(x->more, x->more_len + 2 + len);
    put_u16(x->more + x->more_len, (uint16_t)len);
    memcpy(x->more + x->more_len + 2, bytes, len);
    x->more_len += 2 + len;
}

/* Turns until the outflow has more; false: nobody says so. */
static bool await(struct host *h, struct host_exchange *x)
{
    while (!x->is_ready) {
        if (!wait_for_wake(h))
            return false;
        (void)server_collect(h->server, h->now_us);
    }
    x->is_ready = false;
    return true;
}

/* All messages of a transfer. What breaks off is no answer. */
static void collect_outflow(struct host *h, struct host_exchange *x, struct outflow *f)
{
    uint8_t *bytes = mem_alloc(DNS_MESSAGE_MAX);
    enum outflow_next next = OUTFLOW_LATER;
    for (bool goes_on = true; goes_on;) {
        size_t len = 0;
        next = server_outflow_next(h->server, f, h->now_us, bytes, &len);
        if (next == OUTFLOW_MESSAGE || next == OUTFLOW_LAST)
            keep_message(x, bytes, len);
        goes_on = next == OUTFLOW_MESSAGE || (next == OUTFLOW_LATER && await(h, x));
    }
    server_outflow_end(h->server, f, next == OUTFLOW_LAST);
    if (next != OUTFLOW_LAST)
        x->len = 0;
    free(bytes);
}

void host_ask(struct host *h, struct host_exchange *x, unsigned count)
{
    struct exchange inner[SERVER_BATCH_MAX];
    for (unsigned i = 0; i < count; i++)
        exchange_make(h, &x[i], &inner[i]);
    server_handle(h->server, inner, count, h->now_us);
    for (unsigned i = 0; i < count; i++) {
        if (!inner[i].is_waiting)
            x[i].len = inner[i].out_len;
        if (inner[i].outflow)
            collect_outflow(h, &x[i], inner[i].outflow);
        free((void *)(uintptr_t)inner[i].in);
    }
    if (h->waiting > 0)
        (void)settle(h);
    for (unsigned i = 0; i < count; i++) {
        if (!x[i].later)
            continue;
        x[i].later->outer = NULL;
        list_add_last(&h->laters, &x[i].later->link);
    }
}

void host_exchange_done(struct host_exchange *x, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(x[i].answer);
        free(x[i].more);
        x[i].answer = x[i].more = NULL;
    }
}

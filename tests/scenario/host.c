/* SPDX-License-Identifier: Apache-2.0
 * The server in this process. Zone files go to a directory of their own, since the server's
 * loaders read files. */
#include "host.h"

#include "base/attr.h"
#include "base/log.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
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
    struct server *server;
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

static bool wait_for_loads(struct host *h)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += HOST_LOAD_S_MAX;
    while (!server_collect(h->server)) {
        int rc = 0;
        pthread_mutex_lock(&h->lock);
        while (!h->is_woken && rc == 0)
            rc = pthread_cond_timedwait(&h->woken, &h->lock, &end);
        h->is_woken = false;
        pthread_mutex_unlock(&h->lock);
        if (rc != 0)
            return false;
    }
    return true;
}

static bool write_file(const char *path, const char *s, size_t len)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    bool is_whole = fwrite(s, 1, len, f) == len;
    return fclose(f) == 0 && is_whole;
}

/* Settings with the same first part make one map: {limits: {a: 1, b: 2}}. */
static void write_settings(const struct script *script, struct text *t)
{
    text_add(t, "server: {listen: 127.0.0.1@5300");
    for (const struct script_setting *s = script->settings; s; s = s->next)
        if (!strchr(s->key, '.'))
            text_fmt(t, ", %s: %s", s->key, s->value);
    text_add(t, ", limits: {load-threads: 1");
    for (const struct script_setting *s = script->settings; s; s = s->next)
        if (strncmp(s->key, "limits.", 7) == 0)
            text_fmt(t, ", %s: %s", s->key + 7, s->value);
    text_add(t, "}}\nzones:\n");
}

static bool write_zones(struct host *h, const struct script *script, struct text *t)
{
    unsigned number = 0;
    for (const struct script_zone *z = script->zones; z; z = z->next, number++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/zone-%u", h->dir, number);
        if (!write_file(path, z->text, z->text_len))
            return false;
        text_fmt(t, "  \"%s\": {file: zone-%u}\n", z->name, number);
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

struct host *host_new(const struct script *script, struct diag *diag)
{
    struct host *h = mem_alloc_zero(sizeof(*h));
    const char *tmp = getenv("TMPDIR");
    h->now_us = HOST_EPOCH_US;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->woken, NULL);
    snprintf(h->dir, sizeof(h->dir), "%s/reeve-scenario-XXXXXX",
             tmp && strlen(tmp) < 32 ? tmp : "/tmp");
    if (!mkdtemp(h->dir)) {
        err_say(diag, ERR_SYSTEM, "%s: %s", h->dir, strerror(errno));
        h->dir[0] = 0;
        host_free(h);
        return NULL;
    }
    struct conf *conf = make_conf(h, script, diag);
    if (!conf) {
        host_free(h);
        return NULL;
    }
    h->server = server_new(conf, wake, h);
    server_start(h->server);
    if (!wait_for_loads(h)) {
        err_say(diag, ERR_SYSTEM, "%s: zones still loading after %d s", script->path,
                HOST_LOAD_S_MAX);
        host_free(h);
        return NULL;
    }
    return h;
}

static void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(path);
}

void host_free(struct host *h)
{
    if (!h)
        return;
    server_free(h->server);
    if (h->dir[0])
        remove_dir(h->dir);
    pthread_cond_destroy(&h->woken);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void host_ask(struct host *h, struct host_exchange *x, unsigned count)
{
    struct exchange inner[SERVER_BATCH_MAX];
    for (unsigned i = 0; i < count; i++) {
        size_t cap = x[i].transport == SCRIPT_TCP ? DNS_MESSAGE_MAX : SERVER_UDP_OUT_MAX;
        uint8_t *in = mem_alloc(x[i].step->wire_len ? x[i].step->wire_len : 1);
        memcpy(in, x[i].step->wire, x[i].step->wire_len);
        x[i].answer = mem_alloc(cap);
        inner[i] = (struct exchange){.in = in, .in_len = x[i].step->wire_len, .out = x[i].answer};
        inner[i].peer.transport = x[i].transport == SCRIPT_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
        inner[i].peer.address.v4.sin_family = AF_INET;
        inner[i].peer.address.v4.sin_port = htons(40053);
        inner[i].peer.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    server_handle(h->server, inner, count, h->now_us);
    for (unsigned i = 0; i < count; i++) {
        x[i].len = inner[i].out_len;
        free((void *)(uintptr_t)inner[i].in);
    }
}

void host_exchange_done(struct host_exchange *x, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(x[i].answer);
        x[i].answer = NULL;
    }
}

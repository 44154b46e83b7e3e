/* SPDX-License-Identifier: Apache-2.0
 * For the tests of server/: a server in this process over zone files in a directory of its own. */
#ifndef BED_H
#define BED_H

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/wire.h"
#include "dns/lex.h"
#include "server/server_int.h"
#include "../scratch.h"
#include "unit.h"

/* Waiting for helpers: far more than they need, so that only a hang fails. */
#define BED_WAIT_S   30

#define BED_LATE_MAX 256

#define BED_TOP                                         \
    "$TTL 300\n"                                        \
    "@ SOA ns.example.net. h.example.net. %u 2 3 4 5\n" \
    "@ NS ns.example.net.\n"

struct bed {
    struct server *server;
    char dir[48];
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_woken; /* as the reactor's ev_async: many calls before the callback runs are one */
    unsigned wakes;
    uint8_t out[DNS_MESSAGE_MAX];
    size_t out_len;
    unsigned waiting; /* answers that come later */
    /* their rcodes in the order in which they came */
    uint8_t late[BED_LATE_MAX];
    unsigned late_count;
    unsigned outflows_ready, outflows_late; /* calls of the hooks */
    int64_t now_us;
};

#define BED_NOW_US 1084000000000000

/* Called from the loaders' threads. */
static inline void bed_wake(void *arg)
{
    struct bed *b = arg;
    pthread_mutex_lock(&b->lock);
    b->is_woken = true;
    b->wakes++;
    pthread_cond_broadcast(&b->woken);
    pthread_mutex_unlock(&b->lock);
}

static inline struct timespec bed_deadline(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += BED_WAIT_S;
    return end;
}

/* Until a helper has something; false: nobody woke us. */
static inline bool bed_wait(struct bed *b)
{
    struct timespec end = bed_deadline();
    int rc = 0;
    pthread_mutex_lock(&b->lock);
    while (!b->is_woken && rc == 0)
        rc = pthread_cond_timedwait(&b->woken, &b->lock, &end);
    b->is_woken = false;
    pthread_mutex_unlock(&b->lock);
    return rc == 0;
}

/* Until helpers have called `count` times, without taking anything from them. */
static inline void bed_wait_wakes(struct bed *b, unsigned count)
{
    struct timespec end = bed_deadline();
    int rc = 0;
    pthread_mutex_lock(&b->lock);
    while (b->wakes < count && rc == 0)
        rc = pthread_cond_timedwait(&b->woken, &b->lock, &end);
    pthread_mutex_unlock(&b->lock);
    cr_assert_eq(rc, 0, "%u of %u loads", b->wakes, count);
}

/* The way back of an answer that comes later: it becomes the bed's newest one. */
static inline void bed_hold(void *arg, const struct exchange *x, struct reply_path *path)
{
    struct bed *b = arg;
    *path = (struct reply_path){.channel = x->channel};
    b->waiting++;
}

static inline void bed_reply(void *arg, const struct peer *peer, struct reply_path *path,
                             const uint8_t *bytes, size_t len)
{
    struct bed *b = arg;
    (void)peer;
    (void)path;
    b->waiting--;
    memcpy(b->out, bytes, len);
    b->out_len = len;
    if (len >= DNS_HEADER_LEN && b->late_count < BED_LATE_MAX)
        b->late[b->late_count++] = bytes[3] & FLAG_RCODE_MASK;
}

static inline void bed_outflow_ready(void *arg, void *channel, struct outflow *f)
{
    struct bed *b = arg;
    (void)channel;
    (void)f;
    b->outflows_ready++;
}

static inline void bed_outflow_late(void *arg, void *channel, struct outflow *f)
{
    struct bed *b = arg;
    (void)channel;
    (void)f;
    b->outflows_late++;
}

static inline struct server_hooks bed_hooks(struct bed *b)
{
    return (struct server_hooks){.arg = b,
                                 .wake = bed_wake,
                                 .hold = bed_hold,
                                 .reply = bed_reply,
                                 .outflow_ready = bed_outflow_ready,
                                 .outflow_late = bed_outflow_late};
}

/* Until the change log has answered all that waits for it. */
static inline void bed_commit(struct bed *b)
{
    server_turn(b->server);
    while (b->waiting > 0) {
        cr_assert(bed_wait(b), "an answer waits and nobody wakes the reactor");
        (void)server_collect(b->server, b->now_us);
        server_turn(b->server);
    }
}

static inline void bed_settle(struct bed *b)
{
    while (!server_collect(b->server, b->now_us)) {
        server_turn(b->server);
        cr_assert(bed_wait(b), "loads are pending and nobody wakes the reactor");
    }
}

static inline void bed_file(struct bed *b, const char *name, const char *fmt, ...)
{
    char path[96], beside[112];
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    snprintf(beside, sizeof(beside), "%s.new", path);
    FILE *f = fopen(beside, "w");
    cr_assert_not_null(f);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    cr_assert_eq(fclose(f), 0);
    cr_assert_eq(rename(beside, path), 0);
}

/* settings: what stands between the braces of `server`; zones: lines of the map `zones`. */
static inline struct conf *bed_conf(struct bed *b, const char *settings, const char *zones)
{
    struct conf_faults *faults = mem_alloc(sizeof(*faults));
    size_t cap = strlen(settings) + strlen(zones) + 128;
    char *text = mem_alloc(cap), path[80];
    int len = snprintf(text, cap, "server: {listen: 127.0.0.1@5300, state-dir: .%s}\nzones:\n%s",
                       settings, zones);
    snprintf(path, sizeof(path), "%s/reeved.yaml", b->dir);
    struct conf *conf = conf_load_bytes(text, (size_t)len, path, faults);
    cr_assert_not_null(conf, "%s", faults->list[0].text);
    conf->load_threads = 1; /* threads are most of what a start costs with sanitizers */
    free(text);
    free(faults);
    return conf;
}

static inline struct bed *bed_new(void)
{
    struct bed *b = mem_alloc_zero(sizeof(*b));
    scratch_new("server", b->dir, sizeof(b->dir));
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->woken, NULL);
    b->now_us = BED_NOW_US;
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, NULL);
    return b;
}

static inline void bed_start(struct bed *b, const char *settings, const char *zones)
{
    struct server_hooks hooks = bed_hooks(b);
    struct diag diag = {0};
    cr_assert_eq(server_new(bed_conf(b, settings, zones), &hooks, &b->server, &diag), OK, "%s",
                 diag.text);
    server_start(b->server, b->now_us);
}

static inline void bed_reload(struct bed *b, const char *settings, const char *zones)
{
    struct diag diag = {0};
    cr_assert_eq(server_reload(b->server, bed_conf(b, settings, zones), b->now_us, &diag), OK, "%s",
                 diag.text);
}

static inline void bed_free(struct bed *b)
{
    server_free(b->server);
    DIR *d = opendir(b->dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(b->dir);
    pthread_cond_destroy(&b->woken);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* One message, copied to memory of just its size so that a sanitizer sees reads beyond it. */
static inline size_t bed_ask(struct bed *b, enum transport transport, const uint8_t *in, size_t len)
{
    uint8_t *copy = mem_alloc(len),
            *out = mem_alloc(transport == TRANSPORT_TCP ? DNS_MESSAGE_MAX : SERVER_UDP_OUT_MAX);
    memcpy(copy, in, len);
    struct exchange x = {.in = copy, .in_len = len, .out = out};
    x.peer.transport = transport;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_port = htons(40053);
    server_handle(b->server, &x, 1, b->now_us);
    memcpy(b->out, out, x.out_len);
    b->out_len = x.out_len;
    if (x.is_waiting)
        bed_commit(b);
    free(out);
    free(copy);
    return b->out_len;
}

/* The question as a message; its length. */
static inline size_t bed_query(uint8_t *wire, const char *name, uint16_t type)
{
    static const uint8_t head[] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    struct name_buf n;
    struct diag diag = {0};
    cr_assert_eq(name_scan(name, strlen(name), NAME_ROOT, &n, &diag), OK, "%s", diag.text);
    memcpy(wire, head, sizeof(head));
    memcpy(wire + sizeof(head), n.wire, n.len);
    put_u16(wire + sizeof(head) + n.len, type);
    put_u16(wire + sizeof(head) + n.len + 2, CLASS_IN);
    return sizeof(head) + n.len + 4u;
}

static inline unsigned bed_rcode(const struct bed *b)
{
    cr_assert_geq(b->out_len, DNS_HEADER_LEN);
    return b->out[3] & FLAG_RCODE_MASK;
}

/* An UPDATE of that zone that adds (class IN) or deletes (NONE, ANY) one record, unsigned. text:
 * the rdata in presentation form, NULL: none. Gives the answer's rcode, once it is durable. */
struct bed_change {
    const char *zone, *owner;
    uint16_t class, type;
    uint32_t ttl;
    const char *text;
};

static inline void bed_name(struct wr *w, const char *name)
{
    struct name_buf n;
    cr_assert_eq(name_scan(name, strlen(name), NAME_ROOT, &n, NULL), OK);
    wr_bytes(w, n.wire, n.len);
}

static inline size_t bed_update_message(uint8_t *wire, size_t cap, const struct bed_change *c)
{
    static const uint8_t head[] = {0x12, 0x35, 0x28, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    struct wr w = wr_over(wire, cap);
    wr_bytes(&w, head, sizeof(head));
    bed_name(&w, c->zone);
    wr_u16(&w, TYPE_SOA);
    wr_u16(&w, CLASS_IN);
    bed_name(&w, c->owner);
    wr_u16(&w, c->type);
    wr_u16(&w, c->class);
    wr_u32(&w, c->ttl);
    uint8_t *len_at = wr_room(&w, 2), *start = w.at;
    if (c->text) {
        struct lex lex;
        lex_init(&lex, c->text, strlen(c->text));
        cr_assert_eq(rdata_scan(c->type, &lex, NAME_ROOT, &w, NULL), OK, "%s", c->text);
    }
    put_u16(len_at, (uint16_t)(w.at - start));
    cr_assert_not(w.bad);
    return wr_len(&w);
}

static inline unsigned bed_update(struct bed *b, const struct bed_change *c)
{
    uint8_t wire[4096];
    bed_ask(b, TRANSPORT_TCP, wire, bed_update_message(wire, sizeof(wire), c));
    return bed_rcode(b);
}

/* The serial that a zone is served with, or -rcode. */
static inline int64_t bed_serial(struct bed *b, const char *zone)
{
    uint8_t wire[512];
    struct message m;
    uint8_t room[1024];
    struct wr w = wr_over(room, sizeof(room));
    struct rr rr;
    bed_ask(b, TRANSPORT_UDP, wire, bed_query(wire, zone, TYPE_SOA));
    if (bed_rcode(b) != NOERROR)
        return -(int64_t)bed_rcode(b);
    cr_assert(message_read_header(&m, b->out, b->out_len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rr_reader reader = rr_reader_of(&m, SECTION_ANSWER);
    cr_assert_eq(rr_read(&reader, &w, &rr), RR_READ_OK, "%s", zone);
    return soa_of(rr.rdata).serial;
}

#endif

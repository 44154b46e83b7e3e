/* SPDX-License-Identifier: Apache-2.0
 * For the tests of commits, merges and openings: a bed whose change log lies on a disk that can
 * fail, and updates whose answers are not waited for. */
#ifndef DISK_H
#define DISK_H

#include <sqlite3.h>

#include "../../tools/faultvfs.h"
#include "bed.h"

#define DISK_ZONE(name, file) \
    "  " name ": {file: " file ", protect: none, updates: [{unsigned: yes, all: yes}]}\n"
#define DISK_A        DISK_ZONE("a.example", "a")
#define DISK_B        DISK_ZONE("b.example", "b")

/* More than the server waits before it tries again what failed. */
#define DISK_RETRY_US 6000000

struct disk {
    struct bed *bed;
    struct faultvfs *vfs;
};

/* Failures are what these tests make. */
static inline void disk_no_log(enum log_level level, const char *message,
                               const struct log_field *fields, int count)
{
    (void)level;
    (void)message;
    (void)fields;
    (void)count;
}

static inline struct disk disk_new(void)
{
    struct disk d = {bed_new(), faultvfs_new("bed")};
    sqlite3_vfs_register(sqlite3_vfs_find("bed"), 1);
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, disk_no_log);
    bed_file(d.bed, "a", BED_TOP "www A 192.0.2.1\n", 1);
    bed_file(d.bed, "b", BED_TOP "www A 192.0.2.1\n", 1);
    return d;
}

static inline void disk_free(struct disk *d)
{
    bed_free(d->bed);
    faultvfs_free(d->vfs);
}

static inline void disk_fail(struct disk *d, enum fault_call call, uint64_t at, int error)
{
    faultvfs_fail(d->vfs, &(struct fault){call, at, UINT64_MAX, error});
}

/* The message is given to the server, and nothing else happens. */
static inline void disk_send(struct bed *b, const struct bed_change *c)
{
    uint8_t wire[4096], out[SERVER_UDP_OUT_MAX];
    struct exchange x = {.in = wire, .out = out};
    x.in_len = bed_update_message(wire, sizeof(wire), c);
    x.peer.transport = TRANSPORT_UDP;
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_port = htons(40053);
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert(x.is_waiting, "an update that is decided at once");
}

static inline void disk_send_add(struct bed *b, const char *zone, const char *owner)
{
    disk_send(b, &(struct bed_change){zone, owner, CLASS_IN, TYPE_A, 60, "192.0.2.9"});
}

static inline unsigned disk_add(struct bed *b, const char *zone, const char *owner)
{
    return bed_update(b, &(struct bed_change){zone, owner, CLASS_IN, TYPE_A, 60, "192.0.2.9"});
}

static inline unsigned disk_ask(struct bed *b, const char *name)
{
    uint8_t wire[512];
    bed_ask(b, TRANSPORT_TCP, wire, bed_query(wire, name, TYPE_A));
    return bed_rcode(b);
}

/* Turns until the log has said something, without telling anybody: a batch stays under way for the
 * server until the next server_collect(). */
static inline void disk_until_committed(struct bed *b)
{
    server_turn(b->server);
    cr_assert(b->server->commit.is_busy, "nothing was given to the log");
    cr_assert(bed_wait(b));
}

/* Turns until nothing is under way and everybody has an answer. */
static inline void disk_rest(struct bed *b)
{
    for (;;) {
        bool is_complete = server_collect(b->server, b->now_us);
        server_turn(b->server);
        if (is_complete && b->waiting == 0 && server_is_idle(b->server))
            return;
        cr_assert(bed_wait(b), "something is under way and nobody wakes the reactor");
    }
}

/* Until somebody wakes us, or 10 ms have passed. */
static inline void disk_look_up(struct bed *b)
{
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    next.tv_nsec += next.tv_nsec < 990000000 ? 10000000 : 0;
    pthread_mutex_lock(&b->lock);
    (void)pthread_cond_timedwait(&b->woken, &b->lock, &next);
    pthread_mutex_unlock(&b->lock);
}

/* Until the log can be written again. The thread of its own may have tried while the disk still
 * failed, with nothing that counts against the log's health; for a while after that everybody is
 * refused. */
static inline void disk_until_writable(struct disk *d)
{
    struct journal *j = state_journal(d->bed->server->state);
    const uint64_t no_zone = UINT64_MAX >> 1;
    for (unsigned i = 0; j && journal_zone_set_source(j, no_zone, NULL, NULL) != ERR_ABSENT; i++) {
        cr_assert_lt(i, BED_WAIT_S * 100u, "the change log cannot be written");
        disk_look_up(d->bed);
    }
}

/* The disk works again, and time passes, for the server by its clock, until the log has noticed in
 * its own time and what failed has been tried anew. */
static inline void disk_recover(struct disk *d)
{
    struct server *s = d->bed->server;
    faultvfs_clear(d->vfs);
    disk_until_writable(d);
    for (unsigned i = 0; !server_is_durable(s) || server_wants_time(s); i++) {
        cr_assert_lt(i, BED_WAIT_S * 100u, "not recovered");
        disk_look_up(d->bed);
        d->bed->now_us += DISK_RETRY_US;
        disk_rest(d->bed);
    }
}

static inline struct server_zone *disk_zone(struct bed *b, const char *zone)
{
    struct name_buf n;
    cr_assert_eq(name_scan(zone, strlen(zone), NAME_ROOT, &n, NULL), OK);
    struct store_entry *e = store_get(&b->server->store, name_of(&n));
    cr_assert_not_null(e);
    return zone_owner(e);
}

static inline void disk_restart(struct bed *b, const char *settings, const char *zones)
{
    server_free(b->server);
    b->waiting = 0;
    bed_start(b, settings, zones);
    disk_rest(b);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * See bed.h. */
#include "bed.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "dns/rrtype.h"
#include "../scratch.h"

static void on_wake(void *arg)
{
    struct bed *b = arg;
    pthread_mutex_lock(&b->lock);
    b->wakes++;
    pthread_cond_signal(&b->is_done);
    pthread_mutex_unlock(&b->lock);
}

static void on_notice(void *arg, enum journal_severity severity, const char *sentence)
{
    struct bed *b = arg;
    pthread_mutex_lock(&b->lock);
    int n = snprintf(b->notices + b->notices_len, sizeof(b->notices) - b->notices_len, "%d %s\n",
                     (int)severity, sentence);
    if ((size_t)n < sizeof(b->notices) - b->notices_len)
        b->notices_len += (size_t)n;
    pthread_mutex_unlock(&b->lock);
}

void bed_init(struct bed *b)
{
    memset(b, 0, sizeof(*b));
    scratch_new("log", b->dir, sizeof(b->dir));
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->is_done, NULL);
    b->options = (struct journal_options){
        .dir = b->dir, .history_bytes = 64u << 20, .notice = on_notice, .notice_arg = b};
}

static void remove_files(const char *dir)
{
    char path[400];
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path) != 0) {
            remove_files(path);
        }
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

void bed_done(struct bed *b)
{
    bed_close(b);
    remove_files(b->dir);
    pthread_cond_destroy(&b->is_done);
    pthread_mutex_destroy(&b->lock);
}

enum err bed_try_open(struct bed *b)
{
    b->notices_len = 0;
    b->notices[0] = '\0';
    b->diag.text[0] = '\0';
    return journal_open(&b->options, on_wake, b, &b->j, &b->diag);
}

void bed_open(struct bed *b)
{
    enum err e = bed_try_open(b);
    cr_assert_eq(e, OK, "%s", b->diag.text);
}

void bed_close(struct bed *b)
{
    journal_close(b->j);
    b->j = NULL;
}

void bed_reopen(struct bed *b)
{
    bed_close(b);
    bed_open(b);
}

const char *bed_path(const struct bed *b, const char *file, char out[200])
{
    snprintf(out, 200, "%s/%s", b->dir, file);
    return out;
}

/* --- changes --- */

static uint8_t diff_byte(uint64_t zone, uint64_t seq, size_t at)
{
    return (uint8_t)(zone * 131 + seq * 31 + at * 7 + (at >> 8));
}

void bed_change_make(struct bed_change *c, uint64_t zone, uint64_t seq, size_t diff_len)
{
    cr_assert_leq(diff_len, sizeof(c->diff));
    snprintf(c->actor, sizeof(c->actor), "key k%llu", (unsigned long long)seq);
    for (size_t i = 0; i < diff_len; i++)
        c->diff[i] = diff_byte(zone, seq, i);
    c->change = (struct change){
        .zone = zone,
        .seq = seq,
        .serial_from = (uint32_t)seq,
        .serial_to = (uint32_t)seq + 1,
        .time_us = (int64_t)seq,
        .kind = CHANGE_UPDATE,
        .actor = c->actor,
        .peer = "192.0.2.7@4711 tcp",
        .rule = "updates[0]",
        .diff = c->diff,
        .diff_len = diff_len,
        .added_at = diff_len / 2,
        .removed_count = 1,
        .added_count = 2,
    };
}

bool bed_change_is(const struct change *c, uint64_t zone, uint64_t seq)
{
    char actor[40];
    snprintf(actor, sizeof(actor), "key k%llu", (unsigned long long)seq);
    for (size_t i = 0; i < c->diff_len; i++)
        if (c->diff[i] != diff_byte(zone, seq, i))
            return false;
    return c->zone == zone && c->seq == seq && c->serial_from == (uint32_t)seq &&
           c->serial_to == (uint32_t)seq + 1 && c->time_us == (int64_t)seq &&
           c->kind == CHANGE_UPDATE && strcmp(c->actor, actor) == 0 &&
           strcmp(c->peer, "192.0.2.7@4711 tcp") == 0 && strcmp(c->rule, "updates[0]") == 0 &&
           c->added_at == c->diff_len / 2 && c->removed_count == 1 && c->added_count == 2 &&
           !c->source;
}

enum err bed_commit(struct bed *b, struct journal_batch *batch)
{
    journal_commit(b->j, batch);
    pthread_mutex_lock(&b->lock);
    while (!b->wakes)
        pthread_cond_wait(&b->is_done, &b->lock);
    b->wakes--;
    pthread_mutex_unlock(&b->lock);
    cr_assert_eq(journal_collect(b->j), batch);
    cr_assert_null(journal_collect(b->j));
    return batch->result;
}

enum err bed_append(struct bed *b, uint64_t zone, uint64_t first, uint64_t last)
{
    struct change changes[BED_SLOTS];
    struct journal_batch batch = {.changes = changes, .count = (unsigned)(last - first + 1)};
    cr_assert_leq(batch.count, BED_SLOTS);
    struct bed_change *made = malloc(batch.count * sizeof(*made));
    for (unsigned i = 0; i < batch.count; i++) {
        bed_change_make(&made[i], zone, first + i, 50 + (first + i) % 400);
        changes[i] = made[i].change;
    }
    enum err e = bed_commit(b, &batch);
    b->diag = batch.diag;
    free(made);
    return e;
}

/* --- zones and reading --- */

struct name bed_name(const char *text, struct name_buf *out)
{
    const struct name none = {0};
    cr_assert_eq(name_scan(text, strlen(text), none, out, NULL), OK);
    return name_of(out);
}

uint64_t bed_zone(struct bed *b, const char *name)
{
    struct name_buf buf;
    struct journal_zone z;
    enum err e = journal_zone_make(b->j, bed_name(name, &buf), &z, &b->diag);
    cr_assert_eq(e, OK, "%s", b->diag.text);
    journal_zone_done(&z);
    return z.id;
}

void bed_zone_get(struct bed *b, const char *name, struct journal_zone *out)
{
    struct name_buf buf;
    enum err e = journal_zone_get(b->j, bed_name(name, &buf), out, &b->diag);
    cr_assert_eq(e, OK, "%s", b->diag.text);
}

struct counting {
    struct bed_read read;
    uint64_t zone;
};

static bool on_change(void *arg, const struct change *c)
{
    struct counting *k = arg;
    cr_expect(bed_change_is(c, k->zone, c->seq), "change %llu is not what was written",
              (unsigned long long)c->seq);
    if (k->read.count++ == 0)
        k->read.first = c->seq;
    k->read.last = c->seq;
    return true;
}

struct bed_read bed_read(struct bed *b, uint64_t zone, uint64_t from, uint64_t to, int step)
{
    struct counting k = {.zone = zone};
    const struct journal_range range = {zone, from, to, step};
    k.read.result = journal_read(b->j, &range, on_change, &k, &b->diag);
    return k.read;
}

/* --- leases --- */

void bed_lease_make(struct bed_lease *l, unsigned number, int64_t expires_us, uint32_t lease_s)
{
    struct name_buf name;
    char text[40];
    snprintf(text, sizeof(text), "h%u.example.", number);
    bed_name(text, &name);
    cr_assert_leq(name.len, sizeof(l->owner));
    memcpy(l->owner, name.wire, name.len);
    memcpy(l->rdata, (uint8_t[]){10, 0, (uint8_t)(number >> 8), (uint8_t)number}, 4);
    l->lease = (struct journal_lease){.owner = {l->owner, name.len},
                                      .type = TYPE_A,
                                      .rdata = {l->rdata, 4},
                                      .expires_us = expires_us,
                                      .lease_s = lease_s};
}

static enum err commit_leases(struct bed *b, struct change *c, const struct bed_lease *leases,
                              unsigned count)
{
    struct journal_lease *views = calloc(count, sizeof(*views));
    struct journal_batch batch = {.changes = c, .count = 1};
    for (unsigned i = 0; i < count; i++)
        views[i] = leases[i].lease;
    c->leases = views;
    c->lease_count = count;
    enum err e = bed_commit(b, &batch);
    b->diag = batch.diag;
    free(views);
    return e;
}

enum err bed_append_leases(struct bed *b, uint64_t zone, uint64_t seq,
                           const struct bed_lease *leases, unsigned count)
{
    struct bed_change made;
    bed_change_make(&made, zone, seq, 50);
    return commit_leases(b, &made.change, leases, count);
}

enum err bed_renew(struct bed *b, uint64_t zone, uint64_t seq, const struct bed_lease *leases,
                   unsigned count)
{
    struct change c = {.zone = zone, .seq = seq, .has_no_row = true};
    return commit_leases(b, &c, leases, count);
}

static bool on_lease(void *arg, const struct journal_lease *l)
{
    struct bed_leases *out = arg;
    struct bed_lease same;
    cr_assert_eq(l->rdata.len, 4);
    unsigned number = (unsigned)l->rdata.bytes[2] << 8 | l->rdata.bytes[3];
    cr_assert_lt(number, BED_LEASES_MAX);
    bed_lease_make(&same, number, 0, 0);
    cr_assert(l->type == TYPE_A && name_is_same(l->owner, same.lease.owner) &&
              memcmp(l->rdata.bytes, same.rdata, 4) == 0);
    cr_assert(l->lease_s && !out->lease_s[number], "record %u has one lease", number);
    out->expires_us[number] = l->expires_us;
    out->lease_s[number] = l->lease_s;
    out->count++;
    return true;
}

void bed_leases_read(struct bed *b, uint64_t zone, struct bed_leases *out)
{
    memset(out, 0, sizeof(*out));
    out->result = journal_leases(b->j, zone, on_lease, out, &out->damaged, &b->diag);
}

enum err bed_snapshot(struct bed *b, uint64_t zone, uint64_t seq, uint32_t parts)
{
    uint64_t id = 0;
    enum err e = journal_snapshot_begin(b->j, zone, &id, &b->diag);
    uint8_t bytes[5000];
    for (uint32_t i = 0; e == OK && i < parts; i++) {
        memset(bytes, (int)(seq + i), sizeof(bytes));
        e = journal_snapshot_put(b->j, id, i, bytes, sizeof(bytes), &b->diag);
    }
    const struct journal_flip flip = {.zone = zone,
                                      .snapshot = id,
                                      .seq = seq,
                                      .serial = (uint32_t)seq + 1,
                                      .parts = parts,
                                      .now_us = clock_wall_us()};
    return e == OK ? journal_snapshot_flip(b->j, &flip, &b->diag) : e;
}

/* --- beside the journal --- */

int64_t bed_sql_number(const struct bed *b, const char *sql)
{
    char path[200];
    sqlite3 *db;
    sqlite3_stmt *s;
    int64_t n = -1;
    cr_assert_null(b->j);
    cr_assert_eq(sqlite3_open(bed_path(b, "reeve.db", path), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    int rc = sqlite3_step(s);
    cr_assert(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    if (rc == SQLITE_ROW)
        n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

void bed_sql(const struct bed *b, const char *sql)
{
    (void)bed_sql_number(b, sql);
}

void bed_until(struct bed *b, bool (*holds)(struct bed *b))
{
    const struct timespec pause = {0, 1000000};
    int64_t end_us = clock_mono_us() + 20000000;
    while (!holds(b)) {
        cr_assert_lt(clock_mono_us(), end_us, "it never came to hold");
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * A damaged database: what is whole in it goes into a new one, and it is kept aside.
 *
 * Of each zone: its row, its source, its snapshot if all parts are good, the changes behind it up
 * to the first that is not, and below it those that reach up to it without a gap. Without a good
 * snapshot, changes are of use only if they begin with the zone's first and there never was one.
 * And each lease that is good, even if the change that made it is lost: one whose record is not
 * there means nothing.
 *
 * The copy is made beside the damaged files and gets its name reeve.db.salvaged when it is complete
 * and on the disk; then the damaged files are moved aside and it takes their place. A kill before
 * that name leaves things as they were, one after it is finished by the next start. */
#include "log/journal_int.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

struct salvage {
    struct journal *j;
    struct sql from, to;
    char name[NAME_TEXT_MAX];
};

#define LOST(s, ...) journal_notice((s)->j, JOURNAL_ERROR, __VA_ARGS__)

/* Ends the transaction and begins the next, so that none is large. */
static enum err enough(struct sql *to, struct diag *diag)
{
    enum err e = sql_end(to, OK, diag);
    if (e == OK && to->wal_pages >= CHECKPOINT_PAGES_MAX)
        e = sql_checkpoint(to, diag);
    return e == OK ? sql_begin(to, diag) : e;
}

/* --- the parts of a zone --- */

static bool are_parts_good(struct salvage *s, const struct zone_row *z)
{
    struct diag why = {0};
    for (uint32_t i = 0; i < z->snapshot_parts; i++) {
        struct bytes b;
        enum err e = part_get(&s->from, z->snapshot, i, &b, &why);
        (void)sql_stmt(&s->from, STMT_PART_GET);
        if (e != OK) {
            LOST(s, "zone %s: its snapshot of change %llu, serial %u is damaged (%s)", s->name,
                 (unsigned long long)z->snapshot_seq, z->snapshot_serial, why.text);
            return false;
        }
    }
    return true;
}

static enum err copy_parts(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < z->snapshot_parts; i++) {
        struct bytes b;
        e = part_get(&s->from, z->snapshot, i, &b, diag);
        if (e == OK)
            e = part_put(&s->to, z->snapshot, i, b.at, b.len, diag);
        (void)sql_stmt(&s->from, STMT_PART_GET);
        if (e == OK)
            e = enough(&s->to, diag);
    }
    return e;
}

static enum err snapshot_row_put(struct sql *to, const struct zone_row *z, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(to, STMT_SNAPSHOT_PUT);
    sqlite3_bind_int64(s, 1, (int64_t)z->snapshot);
    sqlite3_bind_int64(s, 2, (int64_t)z->id);
    return sql_run(to, s, diag, "salvage");
}

/* Where copying changes stands. */
struct run {
    uint64_t zone;
    int step;
    uint64_t next; /* the one wanted */
    uint32_t serial;
    bool has_serial;
    uint64_t count;
};

static bool is_wanted(const struct run *r, const struct change *c)
{
    uint32_t joint = r->step > 0 ? c->serial_from : c->serial_to;
    return c->seq == r->next && (!r->has_serial || joint == r->serial);
}

/* ERR_INVALID: from here on they are damaged or missing, why says it; ERR_ABSENT: no more. */
static enum err copy_change(struct salvage *s, struct run *r, sqlite3_stmt *from, struct diag *why,
                            struct diag *diag)
{
    struct change c;
    enum err e = sql_row(&s->from, from, why, "reading changes");
    if (e == ERR_ABSENT)
        return e;
    if (e != OK || change_read(from, r->zone, &c, why) != OK)
        return ERR_INVALID;
    if (!is_wanted(r, &c))
        return err_say(why, ERR_INVALID, "change %llu is missing", (unsigned long long)r->next);
    e = change_put(&s->to, &c, diag);
    if (e != OK)
        return e == ERR_INVALID ? ERR_IO : e;
    r->next = r->step > 0 ? c.seq + 1 : c.seq - 1;
    r->serial = r->step > 0 ? c.serial_to : c.serial_from;
    r->has_serial = true;
    return ++r->count % READ_ROWS_MAX ? OK : enough(&s->to, diag);
}

static enum err copy_run(struct salvage *s, struct run *r, struct diag *why, struct diag *diag)
{
    bool up = r->step > 0;
    sqlite3_stmt *from = sql_stmt(&s->from, up ? STMT_CHANGES_UP : STMT_CHANGES_DOWN);
    sqlite3_bind_int64(from, 1, (int64_t)r->zone);
    sqlite3_bind_int64(from, 2, up ? (int64_t)r->next : 0);
    sqlite3_bind_int64(from, 3, up ? INT64_MAX : (int64_t)r->next);
    enum err e;
    while ((e = copy_change(s, r, from, why, diag)) == OK)
        ;
    sqlite3_reset(from);
    return e;
}

/* Which was the newest, as far as the tree still tells. */
static void tell_changes(struct salvage *s, const struct run *r, const struct diag *why)
{
    sqlite3_stmt *stmt = sql_stmt(&s->from, STMT_CHANGE_HEAD);
    sqlite3_bind_int64(stmt, 1, (int64_t)r->zone);
    if (sql_row(&s->from, stmt, NULL, "newest") == OK) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        LOST(s, "zone %s: changes %llu to %llu, up to serial %u, are lost (%s)", s->name,
             (unsigned long long)r->next, (unsigned long long)(seq > r->next ? seq : r->next),
             (uint32_t)sqlite3_column_int64(stmt, 1), why->text);
    } else {
        LOST(s, "zone %s: changes from %llu on are lost (%s)", s->name, (unsigned long long)r->next,
             why->text);
    }
    sqlite3_reset(stmt);
}

/* The changes behind the snapshot, which are the zone's state. */
static enum err copy_later(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct diag why = {0};
    struct run r = {z->id, 1, z->snapshot_seq + 1, z->snapshot_serial, z->snapshot != 0, 0};
    enum err e = copy_run(s, &r, &why, diag);
    if (e != ERR_INVALID)
        return e == ERR_ABSENT ? OK : e;
    tell_changes(s, &r, &why);
    return OK;
}

/* The changes that the snapshot has in it already: history. */
static enum err copy_earlier(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct diag why = {0};
    struct run r = {z->id, -1, z->snapshot_seq, z->snapshot_serial, true, 0};
    enum err e = z->snapshot ? copy_run(s, &r, &why, diag) : OK;
    if (e != ERR_INVALID)
        return e == ERR_ABSENT ? OK : e;
    LOST(s, "zone %s: the history up to change %llu is lost (%s); its records are not touched",
         s->name, (unsigned long long)r.next, why.text);
    return OK;
}

static enum err copy_source(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct journal_source source;
    enum err e = source_get(&s->from, z->id, &source, diag);
    if (e == OK)
        e = source_put(&s->to, z->id, &source, diag);
    else if (e != ERR_ABSENT)
        LOST(s, "zone %s: what was noted of its file is lost, it will be compared as a whole",
             s->name);
    (void)sql_stmt(&s->from, STMT_SOURCE_GET);
    return s->to.is_broken ? e : OK;
}

/* Without it, the data counts as good from the start on. */
static enum err copy_checked(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct journal_checked k;
    enum err e = checked_get(&s->from, z->id, &k, diag);
    if (e == OK)
        return checked_put(&s->to, &k, diag);
    if (e != ERR_ABSENT)
        LOST(s, "zone %s: when its primary was last asked is lost", s->name);
    return OK;
}

/* ERR_ABSENT: no more, or no way to read them. */
static enum err copy_some_leases(struct salvage *s, struct lease_slice *slice, uint64_t *lost,
                                 struct diag *diag)
{
    struct diag why = {0};
    enum err next = lease_slice_next(&s->from, slice, &why), e = OK;
    if (next == ERR_ABSENT)
        return next;
    *lost += slice->damaged;
    for (unsigned i = 0; e == OK && i < slice->count; i++)
        e = lease_put(&s->to, slice->zone, &slice->rows[i], diag);
    if (e == OK && next != OK)
        LOST(s, "zone %s: leases are lost (%s); their records are kept for good", s->name,
             why.text);
    if (e == OK)
        e = enough(&s->to, diag);
    return e != OK || next == OK ? e : ERR_ABSENT;
}

static enum err copy_leases(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct lease_slice *slice = lease_slice_new(z->id);
    uint64_t lost = 0;
    enum err e;
    while ((e = copy_some_leases(s, slice, &lost, diag)) == OK)
        ;
    lease_slice_free(slice);
    if (lost)
        LOST(s, "zone %s: leases lost: %llu; their records are kept for good", s->name,
             (unsigned long long)lost);
    return e == ERR_ABSENT ? OK : e;
}

/* --- zones --- */

/* Without its snapshot, a zone begins anew from its file. */
static enum err copy_bare(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct zone_row bare = {
        .id = z->id, .name = z->name, .flags = z->flags, .removed_us = z->removed_us};
    LOST(s, "zone %s: all of its dynamic changes are lost, it begins anew from its zone file",
         s->name);
    return zone_row_put(&s->to, &bare, diag);
}

static enum err copy_zone(struct salvage *s, const struct zone_row *z, struct diag *diag)
{
    struct zone_row row = *z;
    zone_row_text(z, s->name);
    if (z->snapshot && !are_parts_good(s, z))
        return copy_bare(s, z, diag);
    enum err e = z->snapshot ? copy_parts(s, z, diag) : OK;
    if (e == OK && z->snapshot)
        e = snapshot_row_put(&s->to, z, diag);
    if (e == OK)
        e = zone_row_put(&s->to, &row, diag);
    if (e == OK)
        e = copy_source(s, z, diag);
    if (e == OK)
        e = copy_checked(s, z, diag);
    if (e == OK)
        e = copy_leases(s, z, diag);
    if (e == OK)
        e = copy_later(s, z, diag);
    return e == OK ? copy_earlier(s, z, diag) : e;
}

/* The next row, good or not: ERR_ABSENT: that was the last; ERR_INVALID: damaged. */
static enum err zone_next(struct salvage *s, uint64_t *at, struct zone_row *out, struct diag *why)
{
    sqlite3_stmt *stmt = sql_stmt(&s->from, STMT_ZONE_AFTER);
    sqlite3_bind_int64(stmt, 1, (int64_t)*at);
    enum err e = sql_row(&s->from, stmt, why, "reading zones");
    if (e == OK) {
        uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 0);
        e = zone_row_read(stmt, out, why);
        sqlite3_reset(stmt);
        *at = id > *at ? id : INT64_MAX; /* a damaged tree may lead in a circle */
    } else if (e != ERR_ABSENT) {
        *at = INT64_MAX; /* there is no way past it */
    }
    return e;
}

static enum err copy_zones(struct salvage *s, struct diag *diag)
{
    struct zone_row z;
    struct diag why = {0};
    uint64_t at = 0, zones = 0;
    enum err e = sql_begin(&s->to, diag);
    while (e == OK && at < INT64_MAX) {
        enum err next = zone_next(s, &at, &z, &why);
        if (next == ERR_ABSENT)
            break;
        if (next == OK) {
            e = copy_zone(s, &z, diag);
            zones++;
        } else {
            LOST(s, "a zone's state is lost, or more than one: %s", why.text);
        }
        if (e == OK)
            e = enough(&s->to, diag);
    }
    journal_notice(s->j, JOURNAL_WARNING, "%llu zones were found in the damaged database",
                   (unsigned long long)zones);
    return sql_end(&s->to, e, diag);
}

/* --- the whole --- */

static enum err copy_all(struct salvage *s, struct diag *diag)
{
    struct diag why = {0};
    if (sql_open(&s->from, s->j->path, s->j->vfs, CONN_SALVAGE, &why) != OK) {
        LOST(s, "nothing in the damaged database can be read (%s): all dynamic changes are lost",
             why.text);
        return OK;
    }
    enum err e = copy_zones(s, diag);
    sql_close(&s->from);
    return e;
}

static enum err copy_into(struct salvage *s, const char *path, struct diag *diag)
{
    enum err e = files_make(path, s->j->vfs, diag);
    if (e == OK)
        e = sql_open(&s->to, path, s->j->vfs, CONN_LIVE, diag);
    if (e == OK)
        e = copy_all(s, diag);
    if (e == OK)
        e = sql_empty_wal(&s->to, diag);
    sql_close(&s->to);
    return e;
}

enum err salvage(struct journal *j, const char *why, struct diag *diag)
{
    char part[PATH_MAX], wal[PATH_MAX], whole[PATH_MAX];
    struct salvage s = {.j = j};
    journal_notice(j, JOURNAL_ERROR, "the database %s is damaged: %s", j->path, why);
    revive_drop(j);
    enum err e = files_path(part, j->path, ".part", diag);
    if (e == OK)
        e = files_path(wal, part, "-wal", diag);
    if (e == OK)
        e = files_path(whole, j->path, ".salvaged", diag);
    if (e == OK)
        e = copy_into(&s, part, diag);
    unlink(wal); /* emptied, or of a copy that failed */
    if (e == OK)
        e = files_rename(part, whole, diag);
    if (e != OK) {
        unlink(part);
        return err_note(diag, e, "saving what is whole in the damaged database");
    }
    e = salvage_finish(j, diag);
    return e == OK ? open_live(j, diag) : e;
}

static enum err move_if_there(const char *from, const char *to, struct diag *diag)
{
    return files_is_there(from) ? files_rename(from, to, diag) : OK;
}

enum err salvage_finish(struct journal *j, struct diag *diag)
{
    char whole[PATH_MAX], wal[PATH_MAX], aside[PATH_MAX], aside_wal[PATH_MAX];
    enum err e = files_path(whole, j->path, ".salvaged", diag);
    if (e != OK || !files_is_there(whole))
        return e;
    files_aside(j->path, clock_wall_us(), aside);
    e = files_path(wal, j->path, "-wal", diag);
    if (e == OK)
        e = files_path(aside_wal, aside, "-wal", diag);
    if (e == OK)
        e = files_sync_dir(j, diag);
    if (e == OK)
        e = move_if_there(wal, aside_wal, diag);
    if (e == OK)
        e = move_if_there(j->path, aside, diag);
    if (e == OK)
        e = files_rename(whole, j->path, diag);
    if (e == OK)
        e = files_sync_dir(j, diag);
    if (e == OK)
        journal_notice(j, JOURNAL_ERROR,
                       "the damaged database is kept as %s; what is whole in it is in use", aside);
    return e;
}

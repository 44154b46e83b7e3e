/* SPDX-License-Identifier: Apache-2.0
 * What the log knows of zones. */
#include "log/journal_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"

void journal_zone_done(struct journal_zone *z)
{
    free(z->identity);
    free(z->base);
    z->identity = NULL;
    z->base = NULL;
}

/* --- reading --- */

static void source_open(struct journal_zone *out, const struct journal_source *source)
{
    out->identity = strdup(source->identity);
    out->base = malloc(source->base_len ? source->base_len : 1);
    ASSERT(out->identity && out->base);
    memcpy(out->base, source->base, source->base_len);
    out->base_len = source->base_len;
}

static enum err source_load(struct sql *c, struct journal_zone *out, struct diag *diag)
{
    struct journal_source source;
    enum err e = source_get(c, out->id, &source, diag);
    if (e == ERR_ABSENT)
        return OK;
    if (e == OK) {
        source_open(out, &source);
        (void)sql_stmt(c, STMT_SOURCE_GET);
    }
    return e;
}

static enum err checked_load(struct sql *c, struct journal_zone *out, struct diag *diag)
{
    struct journal_checked k;
    enum err e = checked_get(c, out->id, &k, diag);
    if (e == OK) {
        out->checked_us = k.checked_us;
        out->expire_s = k.expire_s;
    }
    return e == ERR_ABSENT ? OK : e;
}

static enum err first_load(struct sql *c, struct journal_zone *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_FIRST);
    sqlite3_bind_int64(s, 1, (int64_t)out->id);
    enum err e = sql_row(c, s, diag, "oldest change");
    if (e == OK) {
        out->seq_first = (uint64_t)sqlite3_column_int64(s, 0);
        out->time_first_us = sqlite3_column_int64(s, 1);
    }
    sqlite3_reset(s);
    return e == ERR_ABSENT ? OK : e;
}

static enum err zone_load(struct sql *c, const struct zone_row *row, struct journal_zone *out,
                          struct diag *diag)
{
    struct head head;
    struct journal_zone z = {
        .id = row->id,
        .snapshot = row->snapshot,
        .snapshot_seq = row->snapshot_seq,
        .snapshot_parts = row->snapshot_parts,
        .snapshot_serial = row->snapshot_serial,
        .flags = row->flags,
        .removed_us = row->removed_us,
    };
    enum err e = head_find(c, row, &head, diag);
    if (e == OK)
        e = first_load(c, &z, diag);
    if (e == OK)
        e = checked_load(c, &z, diag);
    if (e == OK)
        e = source_load(c, &z, diag);
    if (e != OK)
        return e;
    z.seq_last = head.seq;
    *out = z;
    return OK;
}

/* Adds the sizes of some changes behind *at; ERR_ABSENT: there are no more. */
static enum err sizes_add(struct journal *j, uint64_t zone, uint64_t *at, uint64_t *sum,
                          struct diag *diag)
{
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e;
    sqlite3_stmt *s = sql_stmt(&j->sql, STMT_CHANGE_SIZES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    sqlite3_bind_int64(s, 2, (int64_t)*at);
    sqlite3_bind_int64(s, 3, SCAN_ROWS_MAX);
    unsigned count = 0;
    while ((e = sql_row(&j->sql, s, diag, "sizes of changes")) == OK) {
        *at = (uint64_t)sqlite3_column_int64(s, 0);
        *sum += (uint64_t)sqlite3_column_int64(s, 1);
        count++;
    }
    journal_leave(j);
    return e == ERR_ABSENT && count == SCAN_ROWS_MAX ? OK : e;
}

static enum err replay_bytes(struct journal *j, struct journal_zone *z, struct diag *diag)
{
    uint64_t at = z->snapshot_seq;
    enum err e;
    while ((e = sizes_add(j, z->id, &at, &z->replay_bytes, diag)) == OK)
        ;
    return e == ERR_ABSENT ? OK : e;
}

/* A database that could not be made yet, on a full disk, knows no zone: that is no failure. */
static bool is_made(const struct journal *j)
{
    struct stat st;
    return stat(j->path, &st) == 0 ? st.st_size > 0 : errno != ENOENT;
}

enum err journal_zone_get(struct journal *j, struct name name, struct journal_zone *out,
                          struct diag *diag)
{
    struct zone_row row;
    struct journal_zone z;
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return is_made(j) ? e : ERR_ABSENT;
    e = zone_row_by_name(&j->sql, name, &row, diag);
    if (e == OK)
        e = zone_load(&j->sql, &row, &z, diag);
    journal_leave(j);
    if (e != OK)
        return e;
    e = replay_bytes(j, &z, diag);
    if (e == OK)
        *out = z;
    else
        journal_zone_done(&z);
    return e;
}

enum err journal_zones(struct journal *j, journal_zone_fn fn, void *arg, struct diag *diag)
{
    struct zone_row row = {0};
    for (;;) {
        struct journal_zone z;
        enum err e = journal_enter(j, NEED_READ, diag);
        if (e != OK)
            return e;
        e = zone_row_after(&j->sql, row.id, &row, diag);
        if (e == OK)
            e = zone_load(&j->sql, &row, &z, diag);
        journal_leave(j);
        if (e != OK)
            return e == ERR_ABSENT ? OK : e;
        e = replay_bytes(j, &z, diag);
        if (e == OK)
            fn(arg, name_of(&row.name), &z);
        journal_zone_done(&z);
        if (e != OK)
            return e;
    }
}

/* --- writing --- */

static enum err make_row(struct sql *c, struct name name, struct diag *diag)
{
    struct zone_row row = {.name = {.len = name.len}};
    name_lower(name, row.name.wire);
    enum err e = sql_begin(c, diag);
    if (e != OK)
        return e;
    struct zone_row there;
    e = zone_row_by_name(c, name, &there, diag);
    if (e == ERR_ABSENT)
        e = zone_row_put(c, &row, diag);
    return sql_end(c, e, diag);
}

enum err journal_zone_make(struct journal *j, struct name name, struct journal_zone *out,
                           struct diag *diag)
{
    enum err e = journal_zone_get(j, name, out, diag);
    if (e != ERR_ABSENT)
        return e;
    e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        return e;
    e = make_row(&j->sql, name, diag);
    journal_leave(j);
    return e == OK ? journal_zone_get(j, name, out, diag) : e;
}

/* A change of a few columns of the row. */
struct edit {
    const uint32_t *flags;
    const int64_t *removed_us;
};

static enum err edit_row(struct journal *j, uint64_t zone, const struct edit *edit,
                         struct diag *diag)
{
    struct zone_row row;
    enum err e = journal_enter(j, NEED_WRITE, diag);
    if (e != OK)
        return e;
    e = sql_begin(&j->sql, diag);
    if (e == OK) {
        e = zone_row_by_id(&j->sql, zone, &row, diag);
        if (e == OK) {
            row.flags = edit->flags ? *edit->flags : row.flags;
            row.removed_us = edit->removed_us ? *edit->removed_us : row.removed_us;
            e = zone_row_put(&j->sql, &row, diag);
        }
        e = sql_end(&j->sql, e, diag);
    }
    journal_leave(j);
    return e;
}

enum err journal_zone_set_flags(struct journal *j, uint64_t zone, uint32_t flags, struct diag *diag)
{
    return edit_row(j, zone, &(struct edit){.flags = &flags}, diag);
}

enum err journal_zone_set_removed(struct journal *j, uint64_t zone, int64_t removed_us,
                                  struct diag *diag)
{
    return edit_row(j, zone, &(struct edit){.removed_us = &removed_us}, diag);
}

static enum err source_delete(struct sql *c, uint64_t zone, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_SOURCE_DELETE);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    return sql_run(c, s, diag, "source");
}

enum err journal_zone_set_source(struct journal *j, uint64_t zone,
                                 const struct journal_source *source, struct diag *diag)
{
    struct zone_row row;
    enum err e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        return e;
    e = zone_row_by_id(&j->sql, zone, &row, diag);
    if (e == OK && source)
        e = source_put(&j->sql, zone, source, diag);
    else if (e == OK)
        e = source_delete(&j->sql, zone, diag);
    journal_leave(j);
    return e;
}

enum err journal_zones_set_checked(struct journal *j, const struct journal_checked *rows,
                                   unsigned count, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        return e;
    e = sql_begin(&j->sql, diag);
    if (e == OK) {
        for (unsigned i = 0; e == OK && i < count; i++)
            e = checked_put(&j->sql, &rows[i], diag);
        e = sql_end(&j->sql, e, diag);
    }
    journal_leave(j);
    return e;
}

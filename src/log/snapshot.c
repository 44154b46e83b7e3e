/* SPDX-License-Identifier: Apache-2.0
 * Snapshots: begun, filled part by part, made valid by one row. */
#include "log/journal_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static enum err set_state(struct sql *c, uint64_t snapshot, enum snapshot_state state,
                          struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_SNAPSHOT_SET);
    sqlite3_bind_int64(s, 1, (int64_t)snapshot);
    sqlite3_bind_int64(s, 2, state);
    return sql_run(c, s, diag, "snapshot");
}

/* It is there, of this zone (0: of any), and in that state. */
static enum err want_state(struct sql *c, uint64_t snapshot, uint64_t zone,
                           enum snapshot_state state, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_SNAPSHOT_STATE);
    sqlite3_bind_int64(s, 1, (int64_t)snapshot);
    enum err e = sql_row(c, s, diag, "snapshot");
    bool is_so = e == OK && sqlite3_column_int64(s, 0) == state &&
                 (!zone || (uint64_t)sqlite3_column_int64(s, 1) == zone);
    sqlite3_reset(s);
    if (e == OK && !is_so)
        return err_say(diag, ERR_ABSENT, "snapshot %llu was given up",
                       (unsigned long long)snapshot);
    return e;
}

enum err snapshot_drop(struct sql *c, uint64_t snapshot, struct diag *diag)
{
    return set_state(c, snapshot, STATE_GARBAGE, diag);
}

static enum err begin_in(struct sql *c, uint64_t zone, uint64_t *out, struct diag *diag)
{
    struct zone_row row;
    enum err e = zone_row_by_id(c, zone, &row, diag);
    if (e != OK)
        return e;
    sqlite3_stmt *s = sql_stmt(c, STMT_SNAPSHOT_ABANDON);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    e = sql_run(c, s, diag, "snapshot");
    if (e != OK)
        return e;
    s = sql_stmt(c, STMT_SNAPSHOT_BEGIN);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    e = sql_run(c, s, diag, "snapshot");
    *out = (uint64_t)sqlite3_last_insert_rowid(c->db);
    return e;
}

enum err journal_snapshot_begin(struct journal *j, uint64_t zone, uint64_t *snapshot,
                                struct diag *diag)
{
    uint64_t id = 0;
    enum err e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        return e;
    e = sql_begin(&j->sql, diag);
    if (e == OK)
        e = sql_end(&j->sql, begin_in(&j->sql, zone, &id, diag), diag);
    j->has_garbage = true;
    journal_leave(j);
    if (e == OK)
        *snapshot = id;
    return e;
}

enum err journal_snapshot_put(struct journal *j, uint64_t snapshot, uint32_t part,
                              const uint8_t *bytes, size_t len, struct diag *diag)
{
    /* the parts of a large one are synced one by one: a commit would wait for all of them */
    enum err e = journal_enter(j, part == 0 ? NEED_WRITE_IN_PLACE : NEED_WRITE, diag);
    if (e != OK)
        return e;
    e = want_state(&j->sql, snapshot, 0, STATE_BUILDING, diag);
    if (e == OK)
        e = part_put(&j->sql, snapshot, part, bytes, len, diag);
    if (e == OK && j->sql.wal_pages >= j->copy_max)
        (void)sql_checkpoint(&j->sql, NULL); /* the part is safe whatever comes of it */
    journal_leave(j);
    return e;
}

static enum err parts_are(struct sql *c, const struct journal_flip *flip, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_PART_COUNT);
    sqlite3_bind_int64(s, 1, (int64_t)flip->snapshot);
    enum err e = sql_row(c, s, diag, "snapshot");
    int64_t count = e == OK ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    if (e == OK && count != flip->parts)
        return err_say(diag, ERR_INVALID, "snapshot %llu has %lld parts of %u",
                       (unsigned long long)flip->snapshot, (long long)count, flip->parts);
    return e;
}

/* The serial that the snapshot's change led to, as far as the change is there. */
static enum err serial_is(struct sql *c, const struct journal_flip *flip, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_SERIALS);
    sqlite3_bind_int64(s, 1, (int64_t)flip->zone);
    sqlite3_bind_int64(s, 2, (int64_t)flip->seq);
    sqlite3_bind_int64(s, 3, 1);
    enum err e = sql_row(c, s, diag, "snapshot");
    bool is_it = e == OK && (uint64_t)sqlite3_column_int64(s, 0) == flip->seq;
    uint32_t serial = e == OK ? (uint32_t)sqlite3_column_int64(s, 1) : 0;
    sqlite3_reset(s);
    if (is_it && serial != flip->serial)
        return err_say(diag, ERR_INVALID, "a snapshot of serial %u, its change %llu leads to %u",
                       flip->serial, (unsigned long long)flip->seq, serial);
    return e == ERR_ABSENT ? OK : e;
}

static enum err flip_in(struct sql *c, const struct journal_flip *flip, struct diag *diag)
{
    struct zone_row row;
    struct head head;
    enum err e = want_state(c, flip->snapshot, flip->zone, STATE_BUILDING, diag);
    if (e == OK)
        e = parts_are(c, flip, diag);
    if (e == OK)
        e = serial_is(c, flip, diag);
    if (e == OK)
        e = zone_row_by_id(c, flip->zone, &row, diag);
    if (e == OK)
        e = head_find(c, &row, &head, diag);
    if (e == OK && (flip->seq > head.seq || (row.snapshot && flip->seq < row.snapshot_seq)))
        e = err_say(diag, ERR_INVALID, "a snapshot of change %llu, the zone has %llu to %llu",
                    (unsigned long long)flip->seq, (unsigned long long)row.snapshot_seq,
                    (unsigned long long)head.seq);
    if (e == OK && row.snapshot)
        e = set_state(c, row.snapshot, STATE_GARBAGE, diag);
    if (e == OK)
        e = set_state(c, flip->snapshot, STATE_VALID, diag);
    if (e == OK && flip->source)
        e = source_put(c, flip->zone, flip->source, diag);
    if (e != OK)
        return e;
    row.snapshot = flip->snapshot;
    row.snapshot_seq = flip->seq;
    row.snapshot_parts = flip->parts;
    row.snapshot_serial = flip->serial;
    return zone_row_put(c, &row, diag);
}

enum err journal_snapshot_flip(struct journal *j, const struct journal_flip *flip,
                               struct diag *diag)
{
    enum err e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        return e;
    e = sql_begin(&j->sql, diag);
    if (e == OK)
        e = sql_end(&j->sql, flip_in(&j->sql, flip, diag), diag);
    if (e == OK) {
        j->has_garbage = true;
        trim_grow(j, flip);
    }
    journal_leave(j);
    if (e == OK)
        journal_want_steps(j);
    return e;
}

static uint8_t *bytes_new(const struct bytes *b)
{
    uint8_t *copy = malloc(b->len ? b->len : 1);
    ASSERT(copy);
    memcpy(copy, b->at, b->len);
    return copy;
}

enum err journal_snapshot_read(struct journal *j, uint64_t snapshot, uint32_t part, uint8_t **bytes,
                               size_t *len, struct diag *diag)
{
    struct bytes found;
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e;
    e = part_get(&j->sql, snapshot, part, &found, diag);
    if (e == OK) {
        *bytes = bytes_new(&found);
        *len = found.len;
        (void)sql_stmt(&j->sql, STMT_PART_GET);
    }
    journal_leave(j);
    return e;
}

/* SPDX-License-Identifier: Apache-2.0
 * Rows of the table lease, which are read in slices like changes; and taking back what a failed
 * commit may have done to them.
 *
 * A row's key is the record in canonical form (RFC 4034 s6.2): owner, type, rdata, so that equal
 * records have one row. */
#include "log/journal_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/wire.h"

#define RECORD_MAX (NAME_LEN_MAX + 2 + RDATA_LEN_MAX)

/* --- rows --- */

static uint64_t lease_sum(uint64_t zone, struct bytes record, int64_t expires_us, uint32_t lease_s)
{
    uint8_t room[20];
    struct wr w = wr_over(room, sizeof(room));
    wr_u64(&w, zone);
    wr_u64(&w, (uint64_t)expires_us);
    wr_u32(&w, lease_s);
    ASSERT(!w.bad);
    return row_sum(row_sum('l', room, wr_len(&w)), record.at, record.len);
}

static size_t record_write(const struct journal_lease *l, uint8_t out[RECORD_MAX])
{
    ASSERT(l->owner.len);
    name_lower(l->owner, out);
    out[l->owner.len] = (uint8_t)(l->type >> 8);
    out[l->owner.len + 1] = (uint8_t)l->type;
    rdata_canonical(l->type, l->rdata, out + l->owner.len + 2);
    return (size_t)l->owner.len + 2 + l->rdata.len;
}

/* False: it is none. */
static bool record_read(struct bytes record, struct journal_lease *out)
{
    struct rd r = rd_over(record.at, record.len);
    out->owner = rd_name(&r);
    out->type = rd_u16(&r);
    if (r.bad || rd_left(&r) > RDATA_LEN_MAX)
        return false;
    out->rdata = (struct rdata){r.at, (uint16_t)rd_left(&r)};
    return rdata_check(out->type, out->rdata, NULL);
}

static void bind_record(sqlite3_stmt *s, uint64_t zone, struct bytes record)
{
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    sqlite3_bind_blob64(s, 2, record.len ? (const void *)record.at : "", record.len, SQLITE_STATIC);
}

/* lease_s 0: there shall be none. */
static enum err row_put(struct sql *c, uint64_t zone, struct bytes record, int64_t expires_us,
                        uint32_t lease_s, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, lease_s ? STMT_LEASE_PUT : STMT_LEASE_DELETE);
    bind_record(s, zone, record);
    if (lease_s) {
        sqlite3_bind_int64(s, 3, expires_us);
        sqlite3_bind_int64(s, 4, lease_s);
        sqlite3_bind_int64(s, 5, (int64_t)lease_sum(zone, record, expires_us, lease_s));
    }
    return sql_run(c, s, diag, "lease");
}

enum err lease_put(struct sql *c, uint64_t zone, const struct journal_lease *lease,
                   struct diag *diag)
{
    uint8_t *room = mem_alloc(RECORD_MAX);
    const struct bytes record = {room, record_write(lease, room)};
    enum err e = row_put(c, zone, record, lease->expires_us, lease->lease_s, diag);
    free(room);
    return e;
}

/* --- changing them, so that it can be taken back --- */

void lease_undo_start(struct lease_undo *u)
{
    ASSERT(!u->is_wanted);
    u->count = 0;
    u->len = 0;
}

void lease_undo_done(struct lease_undo *u)
{
    free(u->rows);
    free(u->room);
    *u = (struct lease_undo){0};
}

/* The record, at the end of the room. */
static struct bytes undo_record(struct lease_undo *u, const struct journal_lease *lease)
{
    if (u->cap - u->len < RECORD_MAX) {
        u->cap = u->cap ? u->cap * 2 : (size_t)2 * RECORD_MAX;
        u->room = mem_grow(u->room, u->cap);
    }
    return (struct bytes){u->room + u->len, record_write(lease, u->room + u->len)};
}

static void undo_add(struct lease_undo *u, const struct lease_undo_row *row)
{
    if (u->count == u->rows_cap) {
        u->rows_cap = u->rows_cap ? u->rows_cap * 2 : 16;
        u->rows = mem_grow(u->rows, u->rows_cap * sizeof(*u->rows));
    }
    u->rows[u->count++] = *row;
    u->len += row->len;
}

/* What there was; lease_s 0: none, or one that is damaged. */
static enum err row_get(struct sql *c, uint64_t zone, struct bytes record,
                        struct lease_undo_row *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_LEASE_GET);
    bind_record(s, zone, record);
    enum err e = sql_row(c, s, diag, "lease");
    if (e == OK) {
        int64_t expires_us = sqlite3_column_int64(s, 0);
        uint32_t lease_s = (uint32_t)sqlite3_column_int64(s, 1);
        if ((uint64_t)sqlite3_column_int64(s, 2) == lease_sum(zone, record, expires_us, lease_s)) {
            out->expires_us = expires_us;
            out->lease_s = lease_s;
        }
        sqlite3_reset(s);
    }
    sqlite3_clear_bindings(s);
    return e == ERR_ABSENT ? OK : e;
}

enum err lease_change(struct sql *c, uint64_t zone, const struct journal_lease *lease,
                      struct lease_undo *undo, struct diag *diag)
{
    const struct bytes record = undo_record(undo, lease);
    struct lease_undo_row was = {.zone = zone, .at = undo->len, .len = record.len};
    enum err e = row_get(c, zone, record, &was, diag);
    if (e != OK)
        return e;
    undo_add(undo, &was);
    return row_put(c, zone, record, lease->expires_us, lease->lease_s, diag);
}

enum err lease_undo_run(struct sql *c, const struct lease_undo *u, struct diag *diag)
{
    enum err e = OK;
    for (size_t i = u->count; e == OK && i-- > 0;) {
        const struct lease_undo_row *r = &u->rows[i];
        const struct bytes record = {u->room + r->at, r->len};
        e = row_put(c, r->zone, record, r->expires_us, r->lease_s, diag);
    }
    return e;
}

/* --- slices --- */

struct lease_slice *lease_slice_new(uint64_t zone)
{
    struct lease_slice *s = mem_alloc_zero(sizeof(*s));
    s->zone = zone;
    s->cap = READ_BYTES_MAX + RECORD_MAX;
    s->room = mem_alloc(s->cap);
    return s;
}

void lease_slice_free(struct lease_slice *s)
{
    if (!s)
        return;
    free(s->room);
    free(s);
}

static bool is_behind(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int d = len ? memcmp(a.at, b.at, len) : 0;
    return d > 0 || (d == 0 && a.len > b.len);
}

/* A damaged tree may lead in a circle. */
static enum err slice_add(struct lease_slice *slice, sqlite3_stmt *s, struct diag *diag)
{
    const struct bytes found = {sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0)};
    if (found.len > RECORD_MAX || !is_behind(found, slice->last))
        return err_say(diag, ERR_INVALID, "the table of leases is damaged");
    ASSERT(found.len <= slice->cap - slice->len);
    uint8_t *at = slice->room + slice->len;
    memcpy(at, found.at, found.len);
    slice->len += found.len;
    slice->last = (struct bytes){at, found.len};
    struct journal_lease l = {
        .expires_us = sqlite3_column_int64(s, 1),
        .lease_s = (uint32_t)sqlite3_column_int64(s, 2),
    };
    uint64_t sum = (uint64_t)sqlite3_column_int64(s, 3);
    if (sum == lease_sum(slice->zone, slice->last, l.expires_us, l.lease_s) &&
        record_read(slice->last, &l))
        slice->rows[slice->count++] = l;
    else
        slice->damaged++;
    return OK;
}

enum err lease_slice_next(struct sql *c, struct lease_slice *slice, struct diag *diag)
{
    if (slice->is_end)
        return ERR_ABSENT;
    if (slice->last.len)
        memmove(slice->room, slice->last.at, slice->last.len);
    slice->last.at = slice->room;
    slice->len = slice->last.len;
    slice->count = slice->damaged = 0;
    sqlite3_stmt *s = sql_stmt(c, STMT_LEASES_AFTER);
    bind_record(s, slice->zone, slice->last);
    sqlite3_bind_int64(s, 3, READ_ROWS_MAX);
    enum err e = OK;
    unsigned rows = 0;
    while (slice->len < READ_BYTES_MAX && (e = sql_row(c, s, diag, "reading leases")) == OK) {
        rows++;
        e = slice_add(slice, s, diag);
        if (e != OK)
            break;
    }
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    slice->is_end = e != OK && rows < READ_ROWS_MAX;
    return e == ERR_ABSENT ? OK : e;
}

static enum err slice_read(struct journal *j, struct lease_slice *slice, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e == ERR_ABSENT ? ERR_IO : e;
    e = lease_slice_next(&j->sql, slice, diag);
    journal_leave(j);
    return e;
}

enum err journal_leases(struct journal *j, uint64_t zone, journal_lease_fn fn, void *arg,
                        uint64_t *damaged, struct diag *diag)
{
    struct lease_slice *slice = lease_slice_new(zone);
    bool goes_on = true;
    enum err e = OK;
    *damaged = 0;
    while (goes_on && (e = slice_read(j, slice, diag)) == OK) {
        *damaged += slice->damaged;
        for (unsigned i = 0; goes_on && i < slice->count; i++)
            goes_on = fn(arg, &slice->rows[i]);
    }
    lease_slice_free(slice);
    return !goes_on || e == ERR_ABSENT ? OK : e;
}

/* SPDX-License-Identifier: Apache-2.0
 * Reading changes: in pieces, so that commits go on in between, each row copied out and held
 * against its checksum and its neighbour. */
#include "log/journal_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "dns/rr.h"

/* Rows copied out of the database; the texts and diffs lie behind one another in `room`. */
struct piece {
    struct change rows[READ_ROWS_MAX];
    unsigned count;
    uint8_t *room;
    size_t len, cap;
    enum err end; /* OK: there may be more; ERR_ABSENT: that was all; else what is wrong */
};

static void *piece_copy(struct piece *p, const void *bytes, size_t len)
{
    ASSERT(len <= p->cap - p->len);
    void *at = p->room + p->len;
    if (len)
        memcpy(at, bytes, len);
    p->len += len;
    return at;
}

static void piece_grow(struct piece *p, size_t len)
{
    p->cap = len > READ_BYTES_MAX ? len : READ_BYTES_MAX;
    p->room = realloc(p->room, p->cap);
    ASSERT(p->room);
}

/* False: it does not fit behind the others. */
static bool piece_add(struct piece *p, const struct change *c)
{
    size_t texts[] = {strlen(c->actor) + 1, strlen(c->peer) + 1, strlen(c->rule) + 1};
    size_t need = texts[0] + texts[1] + texts[2] + c->diff_len;
    if (need > p->cap - p->len) {
        if (p->count)
            return false;
        piece_grow(p, need);
    }
    struct change *row = &p->rows[p->count++];
    *row = *c;
    row->actor = piece_copy(p, c->actor, texts[0]);
    row->peer = piece_copy(p, c->peer, texts[1]);
    row->rule = piece_copy(p, c->rule, texts[2]);
    row->diff = piece_copy(p, c->diff, c->diff_len);
    return true;
}

/* Where reading stands. */
struct reading {
    struct journal *j;
    struct journal_range range; /* from <= to: what is left to read */
    struct change last;         /* seq 0: none yet; else its seq and serials */
    struct piece piece;
};

/* Rows of a zone follow one another in number and in serial. */
static enum err follows(const struct reading *r, const struct change *c, struct diag *diag)
{
    const struct change *last = &r->last;
    bool up = r->range.step > 0;
    uint64_t want = !last->seq ? r->range.from : up ? last->seq + 1 : last->seq - 1;
    if (c->seq != want && (last->seq || up))
        return err_say(diag, ERR_INVALID, "change %llu of the zone is missing",
                       (unsigned long long)want);
    if (!last->seq)
        return OK;
    const struct change *first = up ? last : c, *second = up ? c : last;
    if (first->serial_to != second->serial_from)
        return err_say(diag, ERR_INVALID,
                       "change %llu of the zone goes from serial %u, the one before it to %u",
                       (unsigned long long)second->seq, second->serial_from, first->serial_to);
    return OK;
}

static void advance(struct reading *r, const struct change *c)
{
    r->last = *c;
    if (r->range.step > 0)
        r->range.from = c->seq + 1;
    else
        r->range.to = c->seq - 1;
}

static enum err fill_from(struct reading *r, sqlite3_stmt *s, struct diag *diag)
{
    struct piece *p = &r->piece;
    struct change c;
    enum err e = OK;
    while (p->count < READ_ROWS_MAX &&
           (e = sql_row(&r->j->sql, s, diag, "reading changes")) == OK) {
        e = change_read(s, r->range.zone, &c, diag);
        if (e == OK)
            e = follows(r, &c, diag);
        if (e != OK || !piece_add(p, &c))
            break;
        advance(r, &c);
    }
    return e;
}

static enum err fill(struct reading *r, struct diag *diag)
{
    struct piece *p = &r->piece;
    p->count = 0;
    p->len = 0;
    if (r->range.from > r->range.to)
        return p->end = ERR_ABSENT;
    enum err e = journal_enter(r->j, NEED_READ, diag);
    if (e != OK)
        return p->end = e == ERR_ABSENT ? ERR_IO : e;
    sqlite3_stmt *s = sql_stmt(&r->j->sql, r->range.step > 0 ? STMT_CHANGES_UP : STMT_CHANGES_DOWN);
    sqlite3_bind_int64(s, 1, (int64_t)r->range.zone);
    sqlite3_bind_int64(s, 2, (int64_t)r->range.from);
    sqlite3_bind_int64(s, 3, (int64_t)r->range.to);
    p->end = fill_from(r, s, diag);
    sqlite3_reset(s);
    journal_leave(r->j);
    return p->end;
}

static struct reading *reading_new(struct journal *j, const struct journal_range *range)
{
    struct reading *r = calloc(1, sizeof(*r));
    ASSERT(r);
    r->j = j;
    r->range = *range;
    if (range->from > range->to) {
        r->range.from = range->to;
        r->range.to = range->from;
    }
    /* SQLite's numbers have a sign, and the first change is 1 */
    if (r->range.from == 0)
        r->range.from = 1;
    if (r->range.to > INT64_MAX)
        r->range.to = INT64_MAX;
    piece_grow(&r->piece, 0);
    return r;
}

enum err journal_read(struct journal *j, const struct journal_range *range, journal_change_fn fn,
                      void *arg, struct diag *diag)
{
    ASSERT(range->step == 1 || range->step == -1);
    struct reading *r = reading_new(j, range);
    bool goes_on = true;
    enum err e = OK;
    while (goes_on && e == OK) {
        e = fill(r, diag);
        for (unsigned i = 0; goes_on && i < r->piece.count; i++)
            goes_on = fn(arg, &r->piece.rows[i]);
    }
    free(r->piece.room);
    free(r);
    return !goes_on || e == ERR_ABSENT ? OK : e;
}

/* --- by serial --- */

static enum err scan_some(struct journal *j, uint64_t zone, uint32_t serial, uint64_t *at,
                          bool *is_found, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e;
    sqlite3_stmt *s = sql_stmt(&j->sql, STMT_CHANGE_SERIALS);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    sqlite3_bind_int64(s, 2, (int64_t)*at);
    sqlite3_bind_int64(s, 3, SCAN_ROWS_MAX);
    unsigned count = 0;
    while (!*is_found && (e = sql_row(&j->sql, s, diag, "finding a serial")) == OK) {
        *at = (uint64_t)sqlite3_column_int64(s, 0);
        *is_found = (uint32_t)sqlite3_column_int64(s, 1) == serial;
        count++;
    }
    sqlite3_reset(s);
    journal_leave(j);
    return e == ERR_ABSENT && count == SCAN_ROWS_MAX ? OK : e;
}

enum err journal_find_serial(struct journal *j, uint64_t zone, uint32_t serial, uint64_t *seq,
                             struct diag *diag)
{
    uint64_t at = INT64_MAX;
    bool is_found = false;
    enum err e = scan_some(j, zone, serial, &at, &is_found, diag);
    while (e == OK && !is_found) {
        at--;
        e = scan_some(j, zone, serial, &at, &is_found, diag);
    }
    if (e == OK)
        *seq = at;
    return e == ERR_ABSENT ? err_say(diag, e, "serial %u is not in the history", serial) : e;
}

/* Some more behind *at; ERR_ABSENT: that was all. */
static enum err serials_piece(struct journal *j, uint64_t zone, uint64_t *at, journal_serials_fn fn,
                              void *arg, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e == ERR_ABSENT ? ERR_IO : e;
    sqlite3_stmt *s = sql_stmt(&j->sql, STMT_CHANGE_SIZES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    sqlite3_bind_int64(s, 2, (int64_t)*at);
    sqlite3_bind_int64(s, 3, SCAN_ROWS_MAX);
    unsigned count = 0;
    bool goes_on = true;
    while (goes_on && (e = sql_row(&j->sql, s, diag, "change log")) == OK) {
        *at = (uint64_t)sqlite3_column_int64(s, 0);
        goes_on =
            fn(arg, (uint32_t)sqlite3_column_int64(s, 2), (uint32_t)sqlite3_column_int64(s, 3));
        count++;
    }
    sqlite3_reset(s);
    journal_leave(j);
    return e == ERR_ABSENT && count == SCAN_ROWS_MAX ? OK : goes_on ? e : ERR_ABSENT;
}

enum err journal_serials(struct journal *j, uint64_t zone, journal_serials_fn fn, void *arg,
                         struct diag *diag)
{
    uint64_t at = 0;
    enum err e = OK;
    while (e == OK)
        e = serials_piece(j, zone, &at, fn, arg, diag);
    return e == ERR_ABSENT ? OK : e;
}

/* --- how much there is --- */

/* The next rows; *rows fewer than asked for: that was all. */
static enum err history_piece(struct journal *j, uint64_t zone, struct journal_history *h,
                              unsigned *rows, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_READ, diag);
    *rows = 0;
    if (e != OK)
        return e;
    sqlite3_stmt *s = sql_stmt(&j->sql, STMT_CHANGE_SIZES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    sqlite3_bind_int64(s, 2, (int64_t)h->seq_last);
    sqlite3_bind_int64(s, 3, SCAN_ROWS_MAX);
    for (; (e = sql_row(&j->sql, s, diag, "change log")) == OK; ++*rows) {
        h->seq_last = (uint64_t)sqlite3_column_int64(s, 0);
        h->seq_first = h->seq_first ? h->seq_first : h->seq_last;
        uint64_t bytes = (uint64_t)sqlite3_column_int64(s, 1);
        h->bytes += bytes;
        h->largest = bytes > h->largest ? bytes : h->largest;
        h->goes_back = h->goes_back || serial_compare((uint32_t)sqlite3_column_int64(s, 3),
                                                      (uint32_t)sqlite3_column_int64(s, 2)) != 1;
        h->changes++;
    }
    sqlite3_reset(s);
    journal_leave(j);
    return e == ERR_ABSENT ? OK : e;
}

enum err journal_history_after(struct journal *j, uint64_t zone, uint64_t seq,
                               struct journal_history *out, struct diag *diag)
{
    unsigned rows = SCAN_ROWS_MAX;
    enum err e = OK;
    *out = (struct journal_history){.seq_last = seq};
    while (e == OK && rows == SCAN_ROWS_MAX)
        e = history_piece(j, zone, out, &rows, diag);
    return e;
}

enum err journal_history(struct journal *j, uint64_t zone, struct journal_history *out,
                         struct diag *diag)
{
    return journal_history_after(j, zone, 0, out, diag);
}

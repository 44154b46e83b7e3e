/* SPDX-License-Identifier: Apache-2.0
 * Trimming: what a flip left over goes in steps, each a small transaction of the thread between
 * commits. Nobody waits for it to be durable: what is there again after a power failure goes again.
 *
 * First the parts of snapshots that are not valid. Then, for each zone that was flipped, its
 * history: of the changes up to the snapshot's, the oldest go while their diffs together are more
 * than history_bytes, and those older than history_age. They are deleted from the oldest one up, so
 * that at no moment there is a gap.
 *
 * The sum of what a zone keeps is not found anew at each flip, but remembered: changes are added
 * once, when a flip has them, and taken off when they are cut. So a flip costs as much as is new
 * and as goes, and at most one step's rows of what stays, however much that is. Nothing is
 * remembered over a start or a failure of the connection: the zone's next flip adds all that is
 * there, in steps that only read.
 *
 * What is known to be too much goes before more is added: under load that never ends no step would
 * ever delete else.
 *
 * A zone that is not flipped keeps its changes, however large they are together: they are needed.
 * But those that the snapshot has and that become too old go without a flip: whoever knows when
 * that is has journal_trim_aged() called. */
#include "log/journal_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* --- what is remembered --- */

/* Where the zone stands, or would. */
static size_t place(const struct journal *j, uint64_t zone)
{
    size_t low = 0, high = j->trim_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (j->trims[middle].zone < zone)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct trim *trim_find(struct journal *j, uint64_t zone)
{
    size_t at = place(j, zone);
    return at < j->trim_count && j->trims[at].zone == zone ? &j->trims[at] : NULL;
}

static void trims_grow(struct journal *j)
{
    j->trim_cap = j->trim_cap ? j->trim_cap * 2 : 16;
    j->trims = realloc(j->trims, j->trim_cap * sizeof(*j->trims));
    j->trim_turns = realloc(j->trim_turns, j->trim_cap * sizeof(*j->trim_turns));
    ASSERT(j->trims && j->trim_turns);
}

/* Made if need be. Zones come in the order of their numbers when they are many. */
static struct trim *trim_get(struct journal *j, uint64_t zone)
{
    size_t at = place(j, zone);
    if (at < j->trim_count && j->trims[at].zone == zone)
        return &j->trims[at];
    if (j->trim_count == j->trim_cap)
        trims_grow(j);
    memmove(&j->trims[at + 1], &j->trims[at], (j->trim_count - at) * sizeof(*j->trims));
    j->trim_count++;
    j->trims[at] = (struct trim){.zone = zone};
    return &j->trims[at];
}

void trim_grow(struct journal *j, const struct journal_flip *flip)
{
    struct trim *t = trim_get(j, flip->zone);
    if (!t->is_wanted)
        j->trim_turns[j->trim_wanted++] = t->zone;
    t->is_wanted = true;
    t->at = flip->seq;
    t->now_us = flip->now_us;
}

static void done(struct journal *j, struct trim *t)
{
    t->is_wanted = false;
    j->trim_turns[j->trim_turn] = j->trim_turns[--j->trim_wanted];
}

void trim_unlearn(struct journal *j)
{
    for (size_t i = 0; i < j->trim_count; i++)
        j->trims[i].upto = j->trims[i].bytes = 0;
}

void trim_forget(struct journal *j, uint64_t zone)
{
    struct trim *t = trim_find(j, zone);
    if (t)
        t->upto = t->bytes = t->at = 0; /* a turn that it may have finds nothing to do */
}

/* --- snapshots --- */

static enum err first_value(struct sql *c, enum stmt_id id, uint64_t of, uint64_t *out)
{
    sqlite3_stmt *s = sql_stmt(c, id);
    if (of)
        sqlite3_bind_int64(s, 1, (int64_t)of);
    enum err e = sql_row(c, s, NULL, "trimming");
    if (e == OK)
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return e;
}

static enum err remove_row(struct sql *c, enum stmt_id id, uint64_t snapshot, uint64_t part)
{
    sqlite3_stmt *s = sql_stmt(c, id);
    sqlite3_bind_int64(s, 1, (int64_t)snapshot);
    if (id == STMT_PART_DELETE)
        sqlite3_bind_int64(s, 2, (int64_t)part);
    return sql_run(c, s, NULL, "trimming");
}

/* One part, and with the last one the snapshot's row. ERR_ABSENT: there is no garbage. */
static enum err garbage_step(struct sql *c)
{
    uint64_t snapshot = 0, part = 0;
    enum err e = first_value(c, STMT_SNAPSHOT_GARBAGE_ANY, 0, &snapshot);
    if (e != OK)
        return e;
    e = first_value(c, STMT_PART_FIRST, snapshot, &part);
    if (e == OK)
        e = remove_row(c, STMT_PART_DELETE, snapshot, part);
    if (e == OK)
        e = first_value(c, STMT_PART_FIRST, snapshot, &part);
    return e == ERR_ABSENT ? remove_row(c, STMT_SNAPSHOT_DELETE, snapshot, 0) : e;
}

/* --- history --- */

/* Adds changes that are new since the last flip. */
static void learn_step(struct journal *j, struct trim *t)
{
    sqlite3_stmt *s = sql_stmt(&j->sql, STMT_CHANGE_SIZES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)t->zone);
    sqlite3_bind_int64(s, 2, (int64_t)t->upto);
    sqlite3_bind_int64(s, 3, SCAN_ROWS_MAX);
    enum err e = OK;
    unsigned count = 0;
    while (t->upto < t->at && (e = sql_row(&j->sql, s, NULL, "trimming")) == OK) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);
        count++;
        t->bytes += seq <= t->at ? (uint64_t)sqlite3_column_int64(s, 1) : 0;
        t->upto = seq < t->at ? seq : t->at;
    }
    sqlite3_reset(s);
    j->trim_rows += count;
    if (e == ERR_ABSENT && count < SCAN_ROWS_MAX)
        t->upto = t->at; /* the newest ones went before */
}

struct row {
    uint64_t seq, bytes;
    int64_t time_us;
};

/* The oldest ones, as many as make one step. ERR_ABSENT: these are all. */
static enum err oldest(struct journal *j, const struct trim_cut *cut,
                       struct row rows[TRIM_ROWS_MAX], unsigned *count)
{
    uint64_t bytes = 0;
    enum err e = OK;
    sqlite3_stmt *s = sql_stmt(&j->sql, STMT_CHANGE_SIZES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)cut->zone);
    sqlite3_bind_int64(s, 2, 0);
    sqlite3_bind_int64(s, 3, TRIM_ROWS_MAX);
    *count = 0;
    while (bytes < TRIM_BYTES_MAX && (e = sql_row(&j->sql, s, NULL, "trimming")) == OK) {
        struct row *r = &rows[*count];
        r->seq = (uint64_t)sqlite3_column_int64(s, 0);
        r->bytes = (uint64_t)sqlite3_column_int64(s, 1);
        r->time_us = sqlite3_column_int64(s, 4);
        j->trim_rows++;
        if (r->seq > cut->at) {
            e = ERR_ABSENT;
            break;
        }
        bytes += r->bytes;
        ++*count;
    }
    sqlite3_reset(s);
    return e == ERR_ABSENT && *count == TRIM_ROWS_MAX ? OK : e;
}

/* How many of them go. Where the clock was set back, a change is as old as one behind it, as far as
 * both are among these. */
static unsigned count_cut(const struct trim_cut *cut, const struct row *rows, unsigned count)
{
    unsigned gone = 0;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        if (bytes < cut->bytes || rows[i].time_us < cut->since_us)
            gone = i + 1;
        bytes += rows[i].bytes;
    }
    return gone;
}

static enum err delete_rows(struct sql *c, uint64_t zone, const struct row *rows, unsigned count)
{
    enum err e = sql_begin(c, NULL);
    if (e != OK)
        return e;
    for (unsigned i = 0; e == OK && i < count; i++) {
        sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_DELETE);
        sqlite3_bind_int64(s, 1, (int64_t)zone);
        sqlite3_bind_int64(s, 2, (int64_t)rows[i].seq);
        e = sql_run(c, s, NULL, "trimming");
    }
    return sql_end(c, e, NULL);
}

static void take_off(struct journal *j, uint64_t zone, const struct row *rows, unsigned count)
{
    struct trim *t = trim_find(j, zone);
    for (unsigned i = 0; t && i < count && rows[i].seq <= t->upto; i++)
        t->bytes -= rows[i].bytes < t->bytes ? rows[i].bytes : t->bytes;
}

enum err trim_cut_step(struct journal *j, const struct trim_cut *cut)
{
    struct row rows[TRIM_ROWS_MAX] = {0};
    unsigned count = 0;
    enum err found = oldest(j, cut, rows, &count);
    if (found != OK && found != ERR_ABSENT)
        return found;
    unsigned gone = count_cut(cut, rows, count);
    enum err e = gone ? delete_rows(&j->sql, cut->zone, rows, gone) : OK;
    if (e != OK)
        return e;
    take_off(j, cut->zone, rows, gone);
    return gone < count ? ERR_ABSENT : found;
}

struct keep {
    uint64_t bytes;
    int64_t since_us;
};

static struct keep keep_at(struct journal *j, int64_t now_us)
{
    pthread_mutex_lock(&j->lock);
    struct keep k = {j->history_bytes, INT64_MIN};
    if (j->history_age_us && j->history_age_us < (uint64_t)now_us)
        k.since_us = now_us - (int64_t)j->history_age_us;
    pthread_mutex_unlock(&j->lock);
    return k;
}

static void history_step(struct journal *j)
{
    j->trim_turn = (j->trim_turn + 1) % j->trim_wanted;
    struct trim *t = trim_find(j, j->trim_turns[j->trim_turn]);
    ASSERT(t && t->is_wanted);
    const struct keep keep = keep_at(j, t->now_us);
    const struct trim_cut cut = {
        .zone = t->zone,
        .at = t->upto,
        .bytes = t->bytes > keep.bytes ? t->bytes - keep.bytes : 0,
        .since_us = keep.since_us,
    };
    enum err e = cut.bytes || t->upto == t->at ? trim_cut_step(j, &cut) : ERR_ABSENT;
    if (e != ERR_ABSENT)
        return;
    if (t->upto == t->at)
        done(j, t);
    else
        learn_step(j, t);
}

bool trim_step(struct journal *j)
{
    if (journal_enter(j, NEED_WRITE_IN_PLACE, NULL) != OK)
        return j->has_garbage || j->trim_wanted; /* the disk may come back */
    if (j->has_garbage)
        j->has_garbage = garbage_step(&j->sql) != ERR_ABSENT;
    if (!j->has_garbage && j->trim_wanted)
        history_step(j);
    bool has_more = j->has_garbage || j->trim_wanted;
    journal_leave(j);
    return has_more;
}

/* --- by age --- */

struct look {
    uint64_t first; /* the oldest one; 0: there is none */
    uint64_t aged;  /* the newest of those looked at that are too old; 0: none is */
    uint64_t snapshot_seq;
    int64_t oldest_us; /* of those looked at */
};

/* At the oldest ones. */
static enum err aged_look(struct sql *c, uint64_t zone, int64_t before_us, struct look *out,
                          struct diag *diag)
{
    struct zone_row row;
    enum err e = zone_row_by_id(c, zone, &row, diag);
    if (e != OK)
        return e == ERR_ABSENT ? err_say(diag, ERR_INVALID, "the zone is not known") : e;
    *out = (struct look){.snapshot_seq = row.snapshot_seq, .oldest_us = INT64_MAX};
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_TIMES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)zone);
    sqlite3_bind_int64(s, 2, SCAN_ROWS_MAX);
    while ((e = sql_row(c, s, diag, "trimming")) == OK) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);
        int64_t time_us = sqlite3_column_int64(s, 1);
        out->first = out->first ? out->first : seq;
        out->aged = time_us < before_us ? seq : out->aged;
        out->oldest_us = time_us < out->oldest_us ? time_us : out->oldest_us;
    }
    return e == ERR_ABSENT ? OK : e;
}

/* All of them; each step through the gate by itself. */
static enum err cut_all(struct journal *j, const struct trim_cut *cut, struct diag *diag)
{
    enum err e = OK;
    while (e == OK) {
        e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
        if (e != OK)
            return e;
        e = trim_cut_step(j, cut);
        journal_leave(j);
    }
    return e == ERR_ABSENT ? OK : err_say(diag, e, "old changes could not be removed");
}

enum err journal_trim_aged(struct journal *j, uint64_t zone, int64_t before_us,
                           struct journal_aged *out, struct diag *diag)
{
    struct look look = {0};
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e;
    e = aged_look(&j->sql, zone, before_us, &look, diag);
    journal_leave(j);
    if (e != OK)
        return e;
    struct journal_aged found = {.wants_snapshot = look.aged > look.snapshot_seq};
    const struct trim_cut cut = {
        .zone = zone,
        .at = found.wants_snapshot ? look.snapshot_seq : look.aged,
        .bytes = UINT64_MAX,
    };
    found.has_more = look.aged && !found.wants_snapshot;
    found.oldest_us = look.aged || !look.first ? 0 : look.oldest_us;
    if (look.first && look.first <= cut.at) {
        found.cut = cut.at - look.first + 1;
        e = cut_all(j, &cut, diag);
    }
    if (e == OK)
        *out = found;
    return e;
}

/* SPDX-License-Identifier: Apache-2.0
 * Trimming: what a flip left over goes in steps, each a small transaction of the thread between
 * commits. Nobody waits for it to be durable: what is there again after a power failure goes again.
 *
 * First the parts of snapshots that are not valid. Then, for each zone that was flipped, its
 * history: from the snapshot's change down, rows stay while their diffs together are within
 * history_bytes and none is older than history_age. Where that ends is found in steps that only
 * read; rows are then deleted from the oldest one up, so that at no moment there is a gap.
 *
 * A zone that is flipped again meanwhile is not begun anew, but once more when it is done: under
 * load that never ends no step would ever delete else.
 *
 * A zone that is not flipped keeps its changes, however large they are together: they are needed.
 * But those that the snapshot has and that become too old go without a flip: whoever knows when
 * that is has journal_trim_aged() called. */
#include "log/journal_int.h"

#include <stdlib.h>

#include "base/check.h"

void trim_grow(struct journal *j, const struct journal_flip *flip)
{
    struct trim fresh = {.zone = flip->zone, .at = flip->seq + 1, .now_us = flip->now_us};
    for (size_t i = 0; i < j->trim_count; i++)
        if (j->trims[i].zone == flip->zone) {
            j->trims[i].next_at = fresh.at;
            j->trims[i].next_us = fresh.now_us;
            return;
        }
    if (j->trim_count == j->trim_cap) {
        j->trim_cap = j->trim_cap ? j->trim_cap * 2 : 16;
        j->trims = realloc(j->trims, j->trim_cap * sizeof(*j->trims));
        ASSERT(j->trims);
    }
    j->trims[j->trim_count++] = fresh;
}

static void done(struct journal *j, struct trim *t)
{
    if (t->next_at) {
        *t = (struct trim){.zone = t->zone, .at = t->next_at, .now_us = t->next_us};
        j->trim_turn++;
    } else {
        *t = j->trims[--j->trim_count];
    }
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

struct keep {
    uint64_t bytes;
    int64_t since_us;
};

/* ERR_ABSENT: all that is there stays. */
static enum err look_step(struct sql *c, struct trim *t, const struct keep *keep)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_SIZES_DOWN);
    sqlite3_bind_int64(s, 1, (int64_t)t->zone);
    sqlite3_bind_int64(s, 2, (int64_t)t->at);
    sqlite3_bind_int64(s, 3, SCAN_ROWS_MAX);
    enum err e = OK;
    unsigned count = 0;
    while (!t->is_cutting && (e = sql_row(c, s, NULL, "trimming")) == OK) {
        t->at = (uint64_t)sqlite3_column_int64(s, 0);
        t->bytes += (uint64_t)sqlite3_column_int64(s, 1);
        t->is_cutting = t->bytes > keep->bytes || sqlite3_column_int64(s, 2) < keep->since_us;
        count++;
    }
    sqlite3_reset(s);
    return e == ERR_ABSENT && count == SCAN_ROWS_MAX ? OK : e;
}

/* The oldest ones, as many as make one step. ERR_ABSENT: these are all. */
static enum err oldest(struct sql *c, const struct trim *t, uint64_t seqs[TRIM_ROWS_MAX],
                       unsigned *count)
{
    uint64_t bytes = 0;
    enum err e = OK;
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_SIZES_UP);
    sqlite3_bind_int64(s, 1, (int64_t)t->zone);
    sqlite3_bind_int64(s, 2, 0);
    sqlite3_bind_int64(s, 3, TRIM_ROWS_MAX);
    *count = 0;
    while (bytes < TRIM_BYTES_MAX && (e = sql_row(c, s, NULL, "trimming")) == OK) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);
        if (seq > t->at) {
            e = ERR_ABSENT;
            break;
        }
        seqs[(*count)++] = seq;
        bytes += (uint64_t)sqlite3_column_int64(s, 1);
    }
    sqlite3_reset(s);
    return e == ERR_ABSENT && *count == TRIM_ROWS_MAX ? OK : e;
}

enum err trim_cut_step(struct sql *c, const struct trim *t)
{
    uint64_t seqs[TRIM_ROWS_MAX];
    unsigned count = 0;
    enum err found = oldest(c, t, seqs, &count), e = found;
    if ((e != OK && e != ERR_ABSENT) || count == 0)
        return e;
    e = sql_begin(c, NULL);
    if (e != OK)
        return e;
    for (unsigned i = 0; e == OK && i < count; i++) {
        sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_DELETE);
        sqlite3_bind_int64(s, 1, (int64_t)t->zone);
        sqlite3_bind_int64(s, 2, (int64_t)seqs[i]);
        e = sql_run(c, s, NULL, "trimming");
    }
    e = sql_end(c, e, NULL);
    return e == OK ? found : e;
}

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
    j->trim_turn = j->trim_turn < j->trim_count ? j->trim_turn : 0;
    struct trim *t = &j->trims[j->trim_turn];
    const struct keep keep = keep_at(j, t->now_us);
    enum err e = t->is_cutting ? trim_cut_step(&j->sql, t) : look_step(&j->sql, t, &keep);
    if (e == ERR_ABSENT)
        done(j, t);
}

bool trim_step(struct journal *j)
{
    if (journal_enter(j, NEED_WRITE_IN_PLACE, NULL) != OK)
        return j->has_garbage || j->trim_count; /* the disk may come back */
    if (j->has_garbage)
        j->has_garbage = garbage_step(&j->sql) != ERR_ABSENT;
    if (!j->has_garbage && j->trim_count)
        history_step(j);
    bool has_more = j->has_garbage || j->trim_count;
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
static enum err cut_all(struct journal *j, const struct trim *t, struct diag *diag)
{
    enum err e = OK;
    while (e == OK) {
        e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
        if (e != OK)
            return e;
        e = trim_cut_step(&j->sql, t);
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
    struct trim t = {.zone = zone, .at = found.wants_snapshot ? look.snapshot_seq : look.aged};
    found.has_more = look.aged && !found.wants_snapshot;
    found.oldest_us = look.aged || !look.first ? 0 : look.oldest_us;
    if (look.first && look.first <= t.at) {
        found.cut = t.at - look.first + 1;
        e = cut_all(j, &t, diag);
    }
    if (e == OK)
        *out = found;
    return e;
}

/* SPDX-License-Identifier: Apache-2.0
 * The connection's life: opened, dropped after a failure, opened anew.
 *
 * After any failure that is not about the rows themselves the connection is closed, without writing
 * anything, and SQLite reads the write-ahead log again on opening. What that shows need not be on
 * the disk yet: a commit whose sync failed may stand there whole, in the kernel's memory only, and
 * the kernel will not write it again. So before anything new is written, the log's file is written
 * over itself and synced, copied into the database, synced, and emptied ("settled"): then all that
 * is seen is durable. Without the first step a power failure could bring back a log that lacks its
 * end beside a database that has it.
 *
 * The rule for a batch whose commit failed: found after opening and settled, it is durable and gets
 * OK; not found, it is gone for good; found but not settled, it is reported as failed and noted as
 * a doubt, and the next settling takes it away before anybody can read it: the changes, and what
 * it did to leases. A batch of nothing but leases and sources leaves nothing to be found by, and
 * always counts as the last. A server that is killed before that settling may find it at its next
 * start, like one that is killed between a commit and its answer. */
#include "log/journal_int.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

void revive_drop(struct journal *j)
{
    if (j->backup) {
        sqlite3_backup_finish(j->backup); /* whoever runs it sees that it is gone */
        j->backup = NULL;
    }
    sql_close(&j->sql);
    trim_unlearn(j);
    j->is_settled = false;
}

/* --- doubts --- */

static bool has_doubts(const struct journal *j)
{
    return j->doubt_count > 0 || j->undo.is_wanted;
}

static struct doubt *doubt_find(struct journal *j, uint64_t zone)
{
    for (size_t i = 0; i < j->doubt_count; i++)
        if (j->doubts[i].zone == zone)
            return &j->doubts[i];
    return NULL;
}

void revive_doubt_grow(struct journal *j, const struct journal_batch *batch)
{
    j->undo.is_wanted = j->undo.count > 0;
    for (unsigned i = 0; i < batch->count; i++) {
        const struct change *c = &batch->changes[i];
        uint64_t seq_kept = c->has_no_row ? c->seq : c->seq - 1;
        if (c->has_no_row && !c->source)
            continue;
        struct doubt *d = doubt_find(j, c->zone);
        if (!d) {
            if (j->doubt_count == j->doubt_cap) {
                j->doubt_cap = j->doubt_cap ? j->doubt_cap * 2 : 16;
                j->doubts = realloc(j->doubts, j->doubt_cap * sizeof(*j->doubts));
                ASSERT(j->doubts);
            }
            d = &j->doubts[j->doubt_count++];
            *d = (struct doubt){c->zone, seq_kept, false};
        }
        if (seq_kept < d->seq_kept)
            d->seq_kept = seq_kept;
        d->has_source |= c->source != NULL;
    }
}

/* A source that came with a change taken away says what the file was like when it was merged, which
 * it is not: none at all makes the next load compare everything. */
static enum err doubts_resolve(struct journal *j, struct diag *diag)
{
    struct sql *c = &j->sql;
    if (!has_doubts(j))
        return OK;
    enum err e = sql_begin(c, diag);
    if (e != OK)
        return e;
    for (size_t i = 0; e == OK && i < j->doubt_count; i++) {
        const struct doubt *d = &j->doubts[i];
        sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_DELETE_BEYOND);
        sqlite3_bind_int64(s, 1, (int64_t)d->zone);
        sqlite3_bind_int64(s, 2, (int64_t)d->seq_kept);
        e = sql_run(c, s, diag, "taking back a failed commit");
        if (e == OK && d->has_source && sqlite3_changes(c->db) > 0) {
            s = sql_stmt(c, STMT_SOURCE_DELETE);
            sqlite3_bind_int64(s, 1, (int64_t)d->zone);
            e = sql_run(c, s, diag, "taking back a failed commit");
        }
    }
    if (e == OK && j->undo.is_wanted)
        e = lease_undo_run(c, &j->undo, diag);
    e = sql_end(c, e, diag);
    if (e == OK) {
        j->doubt_count = 0;
        j->undo.is_wanted = false;
    }
    return e;
}

/* --- opening --- */

enum err revive_settle(struct journal *j, struct diag *diag)
{
    if (j->is_settled)
        return OK;
    enum err e = sql_rewrite_wal(&j->sql, diag);
    if (e == OK)
        e = sql_empty_wal(&j->sql, diag);
    if (e == OK)
        e = doubts_resolve(j, diag);
    j->is_settled = e == OK;
    journal_measure(j);
    return e;
}

/* Why it failed is kept, so that those who come before the next attempt are told as well. */
static enum err trouble_keep(struct journal *j, enum err e, struct diag *diag)
{
    if (j->sql.is_broken)
        revive_drop(j);
    j->trouble_err = e;
    return err_say(diag, e, "%s", j->trouble.text);
}

static bool is_too_soon(int64_t failed_us)
{
    return failed_us && clock_mono_us() - failed_us < REVIVE_PAUSE_US;
}

enum err revive_now(struct journal *j, struct diag *diag)
{
    revive_drop(j);
    enum err e = open_live(j, &j->trouble);
    j->open_failed_us = e == OK ? 0 : clock_mono_us();
    return e == OK ? OK : trouble_keep(j, e, diag);
}

static enum err settle_again(struct journal *j, struct diag *diag)
{
    enum err e = revive_settle(j, &j->trouble);
    j->settle_failed_us = e == OK ? 0 : clock_mono_us();
    return e == OK ? OK : trouble_keep(j, e, diag);
}

enum err revive(struct journal *j, enum journal_need need, struct diag *diag)
{
    if (j->sql.is_broken)
        revive_drop(j);
    enum err e = OK;
    if (!j->sql.db)
        e = is_too_soon(j->open_failed_us) ? err_say(diag, j->trouble_err, "%s", j->trouble.text)
                                           : revive_now(j, diag);
    if (e != OK || j->is_settled || (need == NEED_READ && !has_doubts(j)))
        return e;
    return is_too_soon(j->settle_failed_us) ? err_say(diag, j->trouble_err, "%s", j->trouble.text)
                                            : settle_again(j, diag);
}

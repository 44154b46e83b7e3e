/* SPDX-License-Identifier: Apache-2.0
 * Opening: the database as a server finds it at its start, looked at before it is used.
 *
 * The order matters: a salvage that a kill cut short is finished; the write-ahead log is looked at
 * before SQLite opens it (which silently ends it at the first bad frame); structure and rows are
 * checked; then the log is emptied and one row is written, which shows that the disk takes it. */
#include "log/journal_int.h"

#include "base/check.h"
#include "base/clock.h"

/* A new database comes to its name when it is complete, so an empty file at that name is damage. */
static enum err make(struct journal *j, struct diag *diag)
{
    char fresh[PATH_MAX], wal[PATH_MAX];
    enum err e = files_path(fresh, j->path, ".new", diag);
    if (e == OK)
        e = files_path(wal, j->path, "-wal", diag);
    if (e == OK && files_is_there(wal)) {
        char aside[PATH_MAX];
        files_aside(wal, clock_wall_us(), aside);
        e = files_rename(wal, aside, diag);
        journal_notice(j, JOURNAL_ERROR,
                       "the database %s is gone but its write-ahead log was there, kept as %s",
                       j->path, aside);
    }
    if (e == OK)
        e = files_make(fresh, j->vfs, diag);
    if (e == OK)
        e = files_rename(fresh, j->path, diag);
    return e == OK ? files_sync_dir(j, diag) : e;
}

enum err open_live(struct journal *j, struct diag *diag)
{
    enum err e = files_is_there(j->path) ? OK : make(j, diag);
    return e == OK ? sql_open(&j->sql, j->path, j->vfs, CONN_LIVE, diag) : e;
}

/* Unfinished snapshots of an earlier run are of no use. */
static enum err abandon_all(struct journal *j, struct diag *diag)
{
    struct sql *c = &j->sql;
    enum err e = sql_row(c, sql_stmt(c, STMT_SNAPSHOT_BUILDING_ANY), diag, "snapshot");
    (void)sql_stmt(c, STMT_SNAPSHOT_BUILDING_ANY);
    if (e == OK)
        e = sql_run(c, sql_stmt(c, STMT_SNAPSHOT_ABANDON_ALL), diag, "snapshot");
    j->has_garbage = true; /* the first chore looks */
    return e == ERR_ABSENT ? OK : e;
}

/* --- what a start finds --- */

/* The frames that SQLite will not take are kept in a copy. */
static enum err wal_keep(struct journal *j, const char *wal, struct diag *diag)
{
    struct wal_report r;
    enum err e = walcheck_file(wal, &r, diag);
    if (e != OK || r.state == WAL_WHOLE)
        return e;
    if (r.state == WAL_TORN) {
        journal_notice(
            j, JOURNAL_WARNING,
            "the write-ahead log ends in an incomplete transaction, which is left out: after a "
            "power "
            "failure, one that nobody was told of; else its end is damaged, and the last changes "
            "are lost");
        return OK;
    }
    char aside[PATH_MAX];
    files_aside(wal, clock_wall_us(), aside);
    e = files_copy(wal, aside, diag);
    if (e != OK)
        return e;
    j->is_wal_cut = true;
    journal_notice(j, JOURNAL_ERROR,
                   "the write-ahead log is damaged behind frame %llu of %llu: at least %llu "
                   "transactions are lost; it is kept as %s",
                   (unsigned long long)r.good, (unsigned long long)r.frames,
                   (unsigned long long)r.commits_cut, aside);
    return OK;
}

static void on_fault(void *arg, const char *sentence)
{
    journal_notice(arg, JOURNAL_WARNING, "%s", sentence);
}

/* Where each zone stands, so that what may be missing can be told. */
static void tell_heads(struct journal *j)
{
    char name[NAME_TEXT_MAX];
    struct zone_row z = {0};
    for (unsigned i = 0; i < LOST_SENTENCES_MAX; i++) {
        struct head h;
        if (zone_row_after(&j->sql, z.id, &z, NULL) != OK || head_find(&j->sql, &z, &h, NULL) != OK)
            return;
        journal_notice(j, JOURNAL_ERROR,
                       "zone %s goes on from change %llu, serial %u: later changes may be lost",
                       zone_row_text(&z, name), (unsigned long long)h.seq, h.serial);
    }
}

/* OK: open and whole. ERR_INVALID: damaged. */
static enum err open_checked(struct journal *j, struct diag *diag)
{
    struct journal_check report;
    enum err e = open_live(j, diag);
    if (e == OK)
        e = check_all(j, &(struct fault_sink){.fn = on_fault, .arg = j}, &report, diag);
    if (e == OK && report.faults)
        e = err_say(diag, ERR_INVALID, "%llu faults in the database",
                    (unsigned long long)report.faults);
    return e;
}

/* A disk that is full now is no reason not to start: zones are there to be answered from. */
static enum err open_writable(struct journal *j, struct diag *diag)
{
    struct diag why;
    enum err e = revive_settle(j, &why);
    if (e == OK)
        e = abandon_all(j, &why);
    if (e == OK)
        e = sql_run(&j->sql, sql_stmt(&j->sql, STMT_PROBE), &why, "change log");
    if (e == OK)
        return OK;
    if (e != ERR_LIMIT)
        return err_say(diag, e, "%s: %s", j->path, why.text);
    journal_set_health(j, e, &why);
    return OK;
}

enum err open_first(struct journal *j, struct diag *diag)
{
    char wal[PATH_MAX];
    enum err e = files_path(wal, j->path, "-wal", diag);
    if (e == OK)
        e = salvage_finish(j, diag);
    if (e == OK && files_is_there(j->path))
        e = wal_keep(j, wal, diag);
    if (e != OK)
        return e;
    struct diag why;
    e = open_checked(j, &why);
    if (e == ERR_INVALID)
        e = salvage(j, why.text, &why);
    if (e == ERR_LIMIT && !files_is_there(j->path)) { /* a new one, and no room for it yet */
        journal_set_health(j, e, &why);
        return OK;
    }
    if (e != OK)
        return err_say(diag, e, "%s: %s", j->path, why.text);
    if (j->is_wal_cut)
        tell_heads(j);
    return open_writable(j, diag);
}

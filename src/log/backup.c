/* SPDX-License-Identifier: Apache-2.0
 * A copy of the database while commits go on: SQLite's backup in steps of a few pages.
 *
 * What the same connection writes between two steps goes into the copy as well, so it never has to
 * start again, and it is of the moment of its last step. */
#include "log/journal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

static enum err begin(struct journal *j, sqlite3 *to, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_READ, diag);
    if (e != OK)
        return e;
    if (j->backup) {
        e = err_say(diag, ERR_EXISTS, "another backup is under way");
    } else {
        j->backup = sqlite3_backup_init(to, "main", j->sql.db, "main");
        if (!j->backup)
            e = err_say(diag, ERR_IO, "backup: %s", sqlite3_errmsg(to));
    }
    journal_leave(j);
    return e;
}

/* ERR_ABSENT: complete. */
static enum err step(struct journal *j, struct diag *diag)
{
    gate_enter(&j->gate);
    if (!j->backup) { /* the connection was opened anew */
        gate_leave(&j->gate);
        return err_say(diag, ERR_IO, "backup: the database failed meanwhile");
    }
    int rc = sqlite3_backup_step(j->backup, BACKUP_PAGES);
    enum err e = rc == SQLITE_OK ? OK
                 : rc == SQLITE_DONE
                     ? ERR_ABSENT
                     : err_say(diag, (rc & 0xFF) == SQLITE_FULL ? ERR_LIMIT : ERR_IO, "backup: %s",
                               sqlite3_errstr(rc));
    if (e != OK) {
        sqlite3_backup_finish(j->backup);
        j->backup = NULL;
    }
    journal_leave(j);
    return e;
}

static enum err copy_to(struct journal *j, const char *path, struct diag *diag)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    enum err e = rc == SQLITE_OK
                     ? begin(j, to, diag)
                     : err_say(diag, ERR_IO, "%s cannot be opened: %s", path, sqlite3_errstr(rc));
    while (e == OK)
        e = step(j, diag);
    sqlite3_close(to);
    return e == ERR_ABSENT ? OK : e;
}

enum err journal_backup(struct journal *j, const char *dir, struct diag *diag)
{
    char path[PATH_MAX], part[PATH_MAX];
    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return err_say(diag, ERR_SYSTEM, "%s cannot be made: %s", dir, strerror(errno));
    enum err e = files_path(path, dir, "/reeve.db", diag);
    if (e == OK)
        e = files_path(part, path, ".part", diag);
    if (e == OK && files_is_there(path))
        e = err_say(diag, ERR_EXISTS, "%s is there already", path);
    if (e == OK)
        e = files_fresh(part, diag);
    if (e != OK)
        return e;
    e = copy_to(j, part, diag);
    if (e == OK)
        e = files_rename(part, path, diag);
    if (e != OK)
        unlink(part);
    return e;
}

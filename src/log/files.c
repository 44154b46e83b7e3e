/* SPDX-License-Identifier: Apache-2.0
 * The database as files: the directory and its lock, making, copying, moving aside. */
#include "log/journal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"

enum { DIR_MODE = 0750, FILE_MODE = 0640 };

enum err files_path(char out[PATH_MAX], const char *a, const char *b, struct diag *diag)
{
    int n = snprintf(out, PATH_MAX, "%s%s", a, b);
    return n > 0 && n < PATH_MAX ? OK : err_say(diag, ERR_LIMIT, "the path %.100s is too long", a);
}

/* SQLITE_OPEN_NOFOLLOW refuses a symbolic link anywhere in a path; systemd makes the state
 * directory one for a service with DynamicUser. */
static enum err resolve(struct journal *j, struct diag *diag)
{
    char *real = realpath(j->dir, NULL);
    if (!real)
        return err_say(diag, ERR_SYSTEM, "the state directory %s cannot be found: %s", j->dir,
                       strerror(errno));
    enum err e = files_path(j->dir, real, "", diag);
    if (e == OK)
        e = files_path(j->path, real, "/reeve.db", diag);
    free(real);
    return e;
}

/* The lock is the directory's own, so that a kill leaves nothing behind. */
enum err files_lock_open(struct journal *j, struct diag *diag)
{
    if (mkdir(j->dir, DIR_MODE) != 0 && errno != EEXIST)
        return err_say(diag, ERR_SYSTEM, "the state directory %s cannot be made: %s", j->dir,
                       strerror(errno));
    j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dir_fd < 0)
        return err_say(diag, ERR_SYSTEM, "the state directory %s cannot be opened: %s", j->dir,
                       strerror(errno));
    if (flock(j->dir_fd, LOCK_EX | LOCK_NB) == 0)
        return resolve(j, diag);
    if (errno == EWOULDBLOCK)
        return err_say(diag, ERR_SYSTEM,
                       "the state directory %s is in use by another server: stop it, or give this "
                       "one a directory of its own",
                       j->dir);
    return err_say(diag, ERR_SYSTEM, "the state directory %s cannot be locked: %s", j->dir,
                   strerror(errno));
}

bool files_is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

uint64_t files_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

enum err files_sync_dir(const struct journal *j, struct diag *diag)
{
    return fsync(j->dir_fd) == 0 ? OK : err_say(diag, ERR_IO, "%s: %s", j->dir, strerror(errno));
}

/* SQLite would take the umask's mode; its own files beside the database take the database's. */
enum err files_fresh(const char *path, struct diag *diag)
{
    static const char *const beside[] = {"-wal", "-journal", "-shm", ""};
    char old[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(beside); i++)
        if (files_path(old, path, beside[i], diag) == OK)
            unlink(old);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return err_say(diag, errno == ENOSPC || errno == EDQUOT ? ERR_LIMIT : ERR_IO,
                       "%s cannot be made: %s", path, strerror(errno));
    close(fd);
    return OK;
}

enum err files_make(const char *path, const char *vfs, struct diag *diag)
{
    enum err e = files_fresh(path, diag);
    if (e != OK)
        return e;
    struct sql c = {0};
    int rc = sqlite3_open_v2(
        path, &c.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, vfs);
    e = rc == SQLITE_OK ? OK : sql_fail(&c, rc, diag, path);
    if (e == OK)
        e = sql_exec(&c,
                     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 4096;"
                     "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;",
                     diag);
    if (e == OK)
        e = schema_make(&c, diag);
    if (e == OK)
        e = sql_exec(&c, "PRAGMA journal_mode = WAL", diag);
    sql_close(&c);
    if (e != OK)
        unlink(path);
    return e;
}

void files_aside(const char *path, int64_t wall_us, char out[PATH_MAX])
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    char when[40];
    if (!gmtime_r(&s, &tm) || strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm) == 0)
        snprintf(when, sizeof(when), "%lld", (long long)s);
    snprintf(out, PATH_MAX, "%s.damaged-%s", path, when);
    for (unsigned i = 2; files_is_there(out); i++)
        snprintf(out, PATH_MAX, "%s.damaged-%s.%u", path, when, i);
}

static enum err copy_all(int from, int to)
{
    ssize_t n;
    while ((n = sendfile(to, from, NULL, 1u << 20)) > 0)
        ;
    return n == 0 && fsync(to) == 0 ? OK : ERR_IO;
}

enum err files_copy(const char *from, const char *to, struct diag *diag)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return err_say(diag, ERR_IO, "%s cannot be read: %s", from, strerror(errno));
    int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    enum err e = out < 0 ? ERR_IO : copy_all(in, out);
    if (e != OK)
        err_say(diag, e, "%s cannot be copied to %s: %s", from, to, strerror(errno));
    if (out >= 0)
        close(out);
    close(in);
    return e;
}

enum err files_rename(const char *from, const char *to, struct diag *diag)
{
    return rename(from, to) == 0
               ? OK
               : err_say(diag, ERR_IO, "%s cannot be renamed to %s: %s", from, to, strerror(errno));
}

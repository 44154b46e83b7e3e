/* SPDX-License-Identifier: Apache-2.0
 * Secrets on disk.
 *
 * A file is written beside the one it replaces, synced, renamed over it, and the folder is synced:
 * whatever happens between, there is the old file or the new one. */
#include "base/secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

#define US_PER_S  INT64_C(1000000)
#define NS_PER_US 1000

/* --- reading --- */

/* Who else could have read the secret, or put another one there. */
static enum err check_file(int fd, struct secretfile *out, struct diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_say(diag, ERR_IO, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_say(diag, ERR_INVALID, "not a regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_say(diag, ERR_INVALID, "belongs to user %u, neither to us nor to root",
                       (unsigned)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IRWXO))
        return err_say(diag, ERR_INVALID,
                       "mode %04o lets others read or write the secret (wants 0600 or 0640)",
                       (unsigned)st.st_mode & 07777u);
    out->changed_us = st.st_mtim.tv_sec * US_PER_S + st.st_mtim.tv_nsec / NS_PER_US;
    return OK;
}

/* All of the file, up to one byte more than it may have. */
static enum err read_all(int fd, struct secretfile *out, struct diag *diag)
{
    while (out->len <= out->len_max) {
        ssize_t n = read(fd, out->text + out->len, out->len_max + 1 - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_say(diag, ERR_IO, "%s", strerror(errno));
        if (n == 0)
            return OK;
        out->len += (size_t)n;
    }
    return err_say(diag, ERR_LIMIT, "has more than %zu bytes", out->len_max);
}

enum err secretfile_read(const char *path, size_t len_max, struct secretfile *out,
                         struct diag *diag)
{
    *out = (struct secretfile){0};
    /* not to wait for somebody who writes into a pipe; check_file() refuses one */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_say(diag, errno == ENOENT ? ERR_ABSENT : ERR_IO, "%s: %s", path,
                       strerror(errno));
    out->text = secret_alloc(len_max + 1);
    out->len_max = len_max;
    enum err e = check_file(fd, out, diag);
    if (e == OK)
        e = read_all(fd, out, diag);
    close(fd);
    if (e == OK)
        return OK;
    secretfile_done(out);
    return err_note(diag, e, "%s", path);
}

void secretfile_done(struct secretfile *f)
{
    secret_free(f->text, f->len_max + 1);
    *f = (struct secretfile){0};
}

/* --- writing --- */

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* The owner and group of the file that is replaced, and the group's right to read. */
static bool keep_owner(int fd, const char *path)
{
    struct stat old, new;
    if (stat(path, &old) != 0)
        return errno == ENOENT;
    if (fstat(fd, &new) != 0)
        return false;
    if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) &&
        fchown(fd, old.st_uid, old.st_gid) != 0)
        return false;
    return fchmod(fd, S_IRUSR | S_IWUSR | (old.st_mode & S_IRGRP)) == 0;
}

static bool sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    if (len >= sizeof(folder))
        return false;
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(len ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* link() does not replace what is there, rename() does. */
static bool put_in_place(const char *beside, const char *to, enum secretfile_write how)
{
    if (how == SECRETFILE_REPLACE)
        return rename(beside, to) == 0;
    return link(beside, to) == 0 && unlink(beside) == 0;
}

/* The file at the end of a link; the path itself if there is none. */
static const char *resolve(const char *path, char room[PATH_MAX])
{
    return realpath(path, room) ? room : path;
}

enum err secretfile_write(const char *path, const char *text, size_t len, enum secretfile_write how,
                          struct diag *diag)
{
    char room[PATH_MAX], beside[PATH_MAX];
    const char *to = how == SECRETFILE_REPLACE ? resolve(path, room) : path;
    if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", to) >= sizeof(beside))
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(ENAMETOOLONG));
    int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(errno));
    bool ok =
        (how == SECRETFILE_NEW || keep_owner(fd, to)) && write_all(fd, text, len) && fsync(fd) == 0;
    int fault = errno;
    close(fd);
    if (ok) {
        ok = put_in_place(beside, to, how);
        fault = errno;
    }
    if (!ok) {
        unlink(beside);
        return err_say(diag, fault == EEXIST ? ERR_EXISTS : ERR_IO, "%s: %s", path,
                       strerror(fault));
    }
    if (!sync_folder_of(to))
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(errno));
    return OK;
}

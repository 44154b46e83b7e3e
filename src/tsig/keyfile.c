/* SPDX-License-Identifier: Apache-2.0
 * Key files on disk: read when they are kept well, written whole or not at all.
 *
 * A file is written beside the one it replaces, synced, renamed over it, and the folder is synced:
 * whatever happens between, there is the old file or the new one. */
#include "tsig/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digits.h"
#include "base/random.h"
#include "base/secret.h"

#define US_PER_S 1000000
/* two lines of algorithm, name, base64 and time */
#define FILE_TEXT_MAX   \
    (TSIG_SECRETS_MAX * \
     (TSIG_ALGORITHM_TEXT_MAX + NAME_TEXT_MAX + TSIG_SECRET_LEN_MAX * 4 / 3 + 64))

/* --- reading --- */

/* Who else could have read the secret, or put another one there. */
static enum err check_file(int fd, struct diag *diag)
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
    return OK;
}

/* All of the file, up to one byte more than it may have. */
static enum err read_all(int fd, char *text, size_t *len, struct diag *diag)
{
    *len = 0;
    while (*len <= KEYFILE_LEN_MAX) {
        ssize_t n = read(fd, text + *len, KEYFILE_LEN_MAX + 1 - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_say(diag, ERR_IO, "%s", strerror(errno));
        if (n == 0)
            return OK;
        *len += (size_t)n;
    }
    return err_say(diag, ERR_LIMIT, "has more than %d bytes", KEYFILE_LEN_MAX);
}

static enum err read_open(int fd, const struct keyfile_want *want, struct keyfile *out,
                          struct diag *diag)
{
    size_t len;
    char *text = secret_alloc(KEYFILE_LEN_MAX + 1);
    enum err e = check_file(fd, diag);
    if (e == OK)
        e = read_all(fd, text, &len, diag);
    if (e == OK)
        e = keyfile_parse(text, len, want, out, diag);
    secret_free(text, KEYFILE_LEN_MAX + 1);
    return e;
}

enum err keyfile_read(const char *path, const struct keyfile_want *want, struct keyfile *out,
                      struct diag *diag)
{
    *out = (struct keyfile){0};
    /* not to wait for somebody who writes into a pipe; check_file() refuses one */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(errno));
    enum err e = read_open(fd, want, out, diag);
    close(fd);
    return e == OK ? OK : err_note(diag, e, "%s", path);
}

/* --- making secrets --- */

static void put_random(struct keyfile *k, size_t len)
{
    random_bytes(k->room, len);
    k->secret[0] = (struct tsig_secret){k->room, len, 0};
}

enum err keyfile_generate(struct keyfile *out, struct name name, const char *algorithm,
                          struct diag *diag)
{
    uint8_t mac_min;
    const struct tsig_algorithm *a = tsig_algorithm_scan(algorithm, strlen(algorithm), &mac_min);
    *out = (struct keyfile){0};
    if (!a || strlen(algorithm) >= sizeof(out->algorithm))
        return err_say(diag, ERR_INVALID, "unknown algorithm \"%.64s\"", algorithm);
    name_copy(&out->name, name);
    memcpy(out->algorithm, algorithm, strlen(algorithm) + 1);
    out->room = secret_alloc(TSIG_SECRETS_MAX * TSIG_SECRET_LEN_MAX);
    put_random(out, a->mac_len);
    out->count = 1;
    return OK;
}

void keyfile_rotate(struct keyfile *k, int64_t until_us)
{
    uint8_t mac_min;
    const struct tsig_algorithm *a =
        tsig_algorithm_scan(k->algorithm, strlen(k->algorithm), &mac_min);
    ASSERT(a && k->count > 0);
    uint8_t *second = k->room + TSIG_SECRET_LEN_MAX;
    struct tsig_secret old = {second, k->secret[0].len, until_us};
    memmove(second, k->secret[0].bytes, old.len);
    put_random(k, a->mac_len);
    k->secret[1] = old;
    k->count = 2;
}

/* --- writing --- */

static void show_time(int64_t us, struct text *t)
{
    struct tm tm;
    time_t s = (time_t)((us + US_PER_S - 1) / US_PER_S); /* never ends earlier than it should */
    gmtime_r(&s, &tm);
    text_fmt(t, " until %04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void show_file(const struct keyfile *k, struct text *t)
{
    for (unsigned i = 0; i < k->count; i++) {
        if (k->name.len) {
            text_fmt(t, "%s:", k->algorithm);
            name_show(name_of(&k->name), t);
            text_char(t, ':');
        }
        base64_show(k->secret[i].bytes, k->secret[i].len, t);
        if (k->secret[i].until_us)
            show_time(k->secret[i].until_us, t);
        text_char(t, '\n');
    }
    ASSERT(!t->bad);
}

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

static bool write_open(int fd, const char *path, const struct keyfile *k, enum keyfile_write how)
{
    char *room = secret_alloc(FILE_TEXT_MAX);
    struct text t;
    text_init(&t, room, FILE_TEXT_MAX);
    show_file(k, &t);
    bool ok = (how == KEYFILE_NEW || keep_owner(fd, path)) && write_all(fd, room, text_len(&t)) &&
              fsync(fd) == 0;
    secret_free(room, FILE_TEXT_MAX);
    return ok;
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
static bool put_in_place(const char *beside, const char *to, enum keyfile_write how)
{
    if (how == KEYFILE_REPLACE)
        return rename(beside, to) == 0;
    return link(beside, to) == 0 && unlink(beside) == 0;
}

/* The file at the end of a link; the path itself if there is none. */
static const char *resolve(const char *path, char room[PATH_MAX])
{
    return realpath(path, room) ? room : path;
}

enum err keyfile_write(const char *path, const struct keyfile *k, enum keyfile_write how,
                       struct diag *diag)
{
    char room[PATH_MAX], beside[PATH_MAX];
    const char *to = how == KEYFILE_REPLACE ? resolve(path, room) : path;
    ASSERT(k->count > 0 && (k->name.len == 0 || k->algorithm[0]));
    if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", to) >= sizeof(beside))
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(ENAMETOOLONG));
    int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(errno));
    bool ok = write_open(fd, to, k, how);
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

/* --- the names of kept files --- */

enum err keyfile_name_show(struct name key, const char *suffix, char out[KEYFILE_NAME_MAX],
                           struct diag *diag)
{
    char name[NAME_TEXT_MAX];
    struct name_buf lower = {.len = key.len};
    struct text t;
    if (name_is_root(key))
        return err_say(diag, ERR_INVALID, "\".\" is not the name of a key");
    name_lower(key, lower.wire);
    name_text(name_of(&lower), name);
    name[strlen(name) - 1] = '\0'; /* the final dot */
    text_init(&t, out, KEYFILE_NAME_MAX);
    for (const char *s = name; *s; s++)
        if (*s == '/')
            text_escaped(&t, '/');
        else
            text_char(&t, *s);
    text_add(&t, suffix);
    return t.bad ? err_say(diag, ERR_LIMIT, "the name is too long for that of a file") : OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

enum keyfile_kind keyfile_name_scan(const char *file, struct name_buf *out, struct diag *diag)
{
    bool is_revoked = ends_with(file, KEYFILE_SUFFIX_REVOKED);
    if (file[0] == '.' || (!is_revoked && !ends_with(file, KEYFILE_SUFFIX)))
        return KEYFILE_OTHER;
    size_t len = strlen(file) - strlen(is_revoked ? KEYFILE_SUFFIX_REVOKED : KEYFILE_SUFFIX);
    if (len == 0 || name_scan(file, len, NAME_ROOT, out, diag) != OK)
        return KEYFILE_ODD;
    return is_revoked ? KEYFILE_REVOKED : KEYFILE_KEPT;
}

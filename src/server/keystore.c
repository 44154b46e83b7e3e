/* SPDX-License-Identifier: Apache-2.0
 * Files of keys: made, rotated, put aside, copied. */
#include "server/keystore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/secretfile.h"
#include "conf/when.h"

#define FOLDER "/keys"

static enum err path_join(char out[PATH_MAX], const char *dir, const char *rest, struct diag *diag)
{
    if ((size_t)snprintf(out, PATH_MAX, "%s%s", dir, rest) < PATH_MAX)
        return OK;
    return err_say(diag, ERR_LIMIT, "the path is too long");
}

static enum err folder_make(const char *path, mode_t mode, struct diag *diag)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return OK;
    return err_say(diag, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
}

static enum err folder_sync(const char *path, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        (void)err_say(diag, ERR_IO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok ? OK : ERR_IO;
}

/* --- making one --- */

enum err keystore_new(const char *state_dir, struct name name, const char *algorithm,
                      char path[PATH_MAX], struct keyfile *out, struct diag *diag)
{
    char file[KEYFILE_NAME_MAX], folder[PATH_MAX];
    *out = (struct keyfile){0};
    enum err e = keyfile_name_show(name, KEYFILE_SUFFIX, file, diag);
    if (e == OK)
        e = keyfile_generate(out, name, algorithm, diag);
    if (e == OK)
        e = path_join(folder, state_dir, FOLDER, diag);
    if (e == OK)
        e = folder_make(state_dir, 0750, diag);
    if (e == OK)
        e = folder_make(folder, 0700, diag);
    if (e == OK) /* also one that was there: who made it may have come no further */
        e = folder_sync(state_dir, diag);
    if (e == OK && (size_t)snprintf(path, PATH_MAX, "%s/%s", folder, file) >= PATH_MAX)
        e = err_say(diag, ERR_LIMIT, "the path is too long");
    if (e == OK)
        e = keyfile_write(path, out, SECRETFILE_NEW, diag);
    if (e != OK)
        keyfile_done(out);
    return e;
}

/* --- a new secret --- */

/* There is room for two: whoever signs with the older one has not been told of the newer one yet.
 */
static enum err check_overlap(const struct keystore_rotation *r, const struct keyfile *k,
                              struct diag *diag)
{
    char until[WHEN_TEXT_MAX];
    if (r->is_forced || k->count < TSIG_SECRETS_MAX)
        return OK;
    int64_t until_us = k->secret[TSIG_SECRETS_MAX - 1].until_us;
    if (until_us && until_us <= r->now_us)
        return OK;
    return err_say(
        diag, ERR_EXISTS,
        "the secret before this one is accepted %s%s, another rotation would end it now: "
        "--force does that",
        until_us ? "until " : "for good", until_us ? when_show(until_us, until) : "");
}

enum err keystore_rotate(const struct keystore_rotation *r, struct keyfile *out, struct diag *diag)
{
    struct keyfile_want want = {.name = r->name};
    enum err e = keyfile_read(r->path, &want, out, diag);
    if (e != OK)
        return e;
    e = check_overlap(r, out, diag);
    if (e != OK) {
        keyfile_done(out);
        return e;
    }
    if (!out->algorithm[0]) {
        ASSERT(strlen(r->algorithm) < sizeof(out->algorithm));
        memcpy(out->algorithm, r->algorithm, strlen(r->algorithm) + 1);
    }
    name_copy(&out->name, r->name);
    keyfile_rotate(out, r->until_us);
    e = keyfile_write(r->path, out, SECRETFILE_REPLACE, diag);
    if (e != OK)
        keyfile_done(out);
    return e;
}

/* --- putting one aside --- */

enum err keystore_revoke(const char *path, char aside[PATH_MAX], struct diag *diag)
{
    static const char more[] = KEYFILE_SUFFIX_REVOKED;
    char folder[PATH_MAX];
    enum err e = path_join(aside, path, more + strlen(KEYFILE_SUFFIX), diag);
    if (e == OK && rename(path, aside) != 0)
        e = err_say(diag, errno == ENOENT ? ERR_ABSENT : ERR_IO, "%s: %s", path, strerror(errno));
    if (e != OK) {
        aside[0] = '\0';
        return e;
    }
    memcpy(folder, path, strlen(path) + 1);
    *strrchr(folder, '/') = '\0';
    return folder_sync(folder, diag);
}

/* --- copies --- */

static enum err file_copy(const char *from, const char *to, struct diag *diag)
{
    struct secretfile f;
    enum err e = secretfile_read(from, KEYFILE_LEN_MAX, &f, diag);
    if (e == OK)
        e = secretfile_write(to, f.text, f.len, SECRETFILE_NEW, diag);
    secretfile_done(&f);
    return e;
}

static enum err entries_copy(DIR *dir, const char *from, const char *to, unsigned *count,
                             struct diag *diag)
{
    enum err e = OK;
    for (struct dirent *entry; e == OK && (entry = readdir(dir));) {
        char source[PATH_MAX], copy[PATH_MAX];
        struct name_buf name;
        enum keyfile_kind kind = keyfile_name_scan(entry->d_name, &name, NULL);
        if (kind != KEYFILE_KEPT && kind != KEYFILE_REVOKED)
            continue;
        if ((size_t)snprintf(source, PATH_MAX, "%s/%s", from, entry->d_name) >= PATH_MAX ||
            (size_t)snprintf(copy, PATH_MAX, "%s/%s", to, entry->d_name) >= PATH_MAX)
            return err_say(diag, ERR_LIMIT, "the path is too long");
        e = file_copy(source, copy, diag);
        *count += e == OK;
    }
    return e;
}

void keystore_copy_undo(const char *dir, const struct keystore_copied *made)
{
    char folder[PATH_MAX], path[PATH_MAX];
    struct name_buf name;
    if (!made->is_made || path_join(folder, dir, FOLDER, NULL) != OK)
        return;
    DIR *all = opendir(folder);
    if (!all)
        return;
    for (struct dirent *entry; (entry = readdir(all));) {
        enum keyfile_kind kind = keyfile_name_scan(entry->d_name, &name, NULL);
        if ((kind == KEYFILE_KEPT || kind == KEYFILE_REVOKED) &&
            (size_t)snprintf(path, PATH_MAX, "%s/%s", folder, entry->d_name) < PATH_MAX)
            unlink(path);
    }
    closedir(all);
    rmdir(folder);
}

enum err keystore_copy(const char *state_dir, const char *dir, struct keystore_copied *out,
                       struct diag *diag)
{
    char from[PATH_MAX], to[PATH_MAX];
    *out = (struct keystore_copied){0};
    enum err e = path_join(from, state_dir, FOLDER, diag);
    if (e == OK)
        e = path_join(to, dir, FOLDER, diag);
    if (e != OK)
        return e;
    DIR *all = opendir(from);
    if (!all)
        return errno == ENOENT ? OK : err_say(diag, ERR_IO, "%s: %s", from, strerror(errno));
    out->is_made = mkdir(to, 0700) == 0;
    if (!out->is_made)
        e = err_say(diag, ERR_IO, "%s cannot be made: %s", to, strerror(errno));
    if (e == OK)
        e = entries_copy(all, from, to, &out->count, diag);
    if (e == OK)
        e = folder_sync(to, diag);
    if (e != OK)
        keystore_copy_undo(dir, out);
    closedir(all);
    return e;
}

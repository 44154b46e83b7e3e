/* SPDX-License-Identifier: Apache-2.0
 * See faultvfs.h. A file's synced content is kept in memory; writes since then as one range. */
#include "faultvfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 512, TRACKED_MAX = 64, SECTOR = 512 };

struct tracked {
    char path[PATH_LEN];
    ino_t inode;
    unsigned opens;
    uint8_t *synced;
    size_t synced_len, synced_cap;
    size_t low, high; /* written since the last sync */
    bool is_deleted;
};

struct faultvfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t lock;
    struct fault faults[FAULT_CALLS];
    uint64_t calls[FAULT_CALLS];
    int error; /* the last one put in */
    bool is_dead;
    struct tracked files[TRACKED_MAX];
    unsigned count;
};

struct file {
    sqlite3_file base;
    struct faultvfs *v;
    struct tracked *t;
    sqlite3_file *real;
};

/* --- faults --- */

/* The error that this call gets, 0: none. */
static int fault_of(struct faultvfs *v, enum fault_call call)
{
    pthread_mutex_lock(&v->lock);
    struct fault *f = &v->faults[call];
    int error = 0;
    v->calls[call]++;
    if (v->is_dead) {
        error = EIO;
    } else if (f->count && f->at && --f->at == 0) {
        error = f->error;
        if (f->count != UINT64_MAX)
            f->count--;
        f->at = 1;
    }
    if (error)
        v->error = error;
    pthread_mutex_unlock(&v->lock);
    return error;
}

void faultvfs_fail(struct faultvfs *v, const struct fault *f)
{
    pthread_mutex_lock(&v->lock);
    v->faults[f->call] = *f;
    pthread_mutex_unlock(&v->lock);
}

void faultvfs_clear(struct faultvfs *v)
{
    pthread_mutex_lock(&v->lock);
    memset(v->faults, 0, sizeof(v->faults));
    pthread_mutex_unlock(&v->lock);
}

uint64_t faultvfs_calls(struct faultvfs *v, enum fault_call call)
{
    pthread_mutex_lock(&v->lock);
    uint64_t n = v->calls[call];
    pthread_mutex_unlock(&v->lock);
    return n;
}

void faultvfs_kill(struct faultvfs *v)
{
    pthread_mutex_lock(&v->lock);
    v->is_dead = true;
    pthread_mutex_unlock(&v->lock);
}

/* --- files as they are --- */

static uint8_t *read_whole(const char *path, size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *len = fd >= 0 && fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
    uint8_t *bytes = malloc(*len + 1);
    if (*len && read(fd, bytes, *len) != (ssize_t)*len)
        abort();
    if (fd >= 0)
        close(fd);
    return bytes;
}

static struct tracked *tracked_get(struct faultvfs *v, const char *path)
{
    struct stat st = {0};
    struct tracked *t = NULL;
    (void)stat(path, &st);
    for (unsigned i = 0; i < v->count && !t; i++)
        if (strcmp(v->files[i].path, path) == 0)
            t = &v->files[i];
    if (t && t->inode == st.st_ino && !t->is_deleted)
        return t;
    if (!t) {
        if (v->count == TRACKED_MAX || strlen(path) >= PATH_LEN)
            abort();
        t = &v->files[v->count++];
        strcpy(t->path, path);
    }
    free(t->synced);
    t->synced = read_whole(path, &t->synced_len);
    t->synced_cap = t->synced_len;
    t->inode = st.st_ino;
    t->low = SIZE_MAX;
    t->high = 0;
    t->is_deleted = false;
    return t;
}

/* Bytes that are new are zero. The room doubles: a sanitizer's realloc() copies all of it each
 * time. */
static void synced_resize(struct tracked *t, size_t len)
{
    if (len > t->synced_cap) {
        t->synced_cap = 2 * len;
        t->synced = realloc(t->synced, t->synced_cap);
    }
    if (len > t->synced_len)
        memset(t->synced + t->synced_len, 0, len - t->synced_len);
    t->synced_len = len;
}

/* What was written since the last sync is on the disk now, and the length as well. */
static void tracked_sync(struct file *f)
{
    struct tracked *t = f->t;
    sqlite3_int64 len = 0;
    f->real->pMethods->xFileSize(f->real, &len);
    synced_resize(t, (size_t)len);
    size_t high = t->high < t->synced_len ? t->high : t->synced_len;
    if (t->low < high)
        f->real->pMethods->xRead(f->real, t->synced + t->low, (int)(high - t->low),
                                 (sqlite3_int64)t->low);
    t->low = SIZE_MAX;
    t->high = 0;
}

static void write_whole(const char *path, const uint8_t *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        abort();
    close(fd);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void tear(struct tracked *t, uint64_t *seed)
{
    size_t now_len;
    uint8_t *now = read_whole(t->path, &now_len);
    size_t len = next_random(seed) & 1 ? now_len : t->synced_len;
    synced_resize(t, len);
    for (size_t at = 0; at < len && at < now_len; at += SECTOR) {
        size_t n = len - at < SECTOR ? len - at : SECTOR;
        n = now_len - at < n ? now_len - at : n;
        if (next_random(seed) & 1)
            memcpy(t->synced + at, now + at, n);
    }
    free(now);
}

void faultvfs_crash(struct faultvfs *v, enum crash how, uint64_t seed)
{
    for (unsigned i = 0; i < v->count; i++) {
        struct tracked *t = &v->files[i];
        struct stat st;
        if (t->opens)
            abort();
        if (t->is_deleted || stat(t->path, &st) != 0 || st.st_ino != t->inode)
            continue;
        if (how == CRASH_TORN)
            tear(t, &seed);
        write_whole(t->path, t->synced, t->synced_len);
        t->low = SIZE_MAX;
        t->high = 0;
    }
    v->is_dead = false;
    faultvfs_clear(v);
}

/* --- the methods --- */

#define REAL(f) (((struct file *)(f))->real)

static int f_close(sqlite3_file *f)
{
    struct file *file = (struct file *)f;
    if (file->t)
        file->t->opens--;
    return file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
}

static int f_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    if (fault_of(((struct file *)f)->v, FAULT_READ))
        return SQLITE_IOERR_READ;
    return REAL(f)->pMethods->xRead(REAL(f), to, n, at);
}

static void touched(struct tracked *t, size_t at, size_t n)
{
    if (t && n) {
        t->low = at < t->low ? at : t->low;
        t->high = at + n > t->high ? at + n : t->high;
    }
}

static int f_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    struct file *file = (struct file *)f;
    int error = fault_of(file->v, FAULT_WRITE);
    if (error == ENOSPC || error == EDQUOT)
        n /= 2;
    else if (error)
        return SQLITE_IOERR_WRITE;
    touched(file->t, (size_t)at, (size_t)n);
    int rc = file->real->pMethods->xWrite(file->real, from, n, at);
    return error == ENOSPC ? SQLITE_FULL : error ? SQLITE_IOERR_WRITE : rc;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 len)
{
    if (fault_of(((struct file *)f)->v, FAULT_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    return REAL(f)->pMethods->xTruncate(REAL(f), len);
}

static int f_sync(sqlite3_file *f, int flags)
{
    struct file *file = (struct file *)f;
    if (fault_of(file->v, FAULT_SYNC)) {
        if (file->t) {
            file->t->low = SIZE_MAX;
            file->t->high = 0;
        }
        return SQLITE_IOERR_FSYNC;
    }
    int rc = file->real->pMethods->xSync(file->real, flags);
    if (rc == SQLITE_OK && file->t)
        tracked_sync(file);
    return rc;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), out);
}

static int f_lock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int f_reserved(sqlite3_file *f, int *out)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int f_traits(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

/* Version 1: no shared memory, which exclusive locking does without. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_traits,
};

static int v_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    struct file *file = (struct file *)f;
    file->base.pMethods = NULL;
    file->v = v;
    file->t = NULL;
    file->real = (sqlite3_file *)(file + 1);
    if (fault_of(v, FAULT_OPEN))
        return SQLITE_CANTOPEN;
    int rc = v->real->xOpen(v->real, path, file->real, flags, out);
    if (rc != SQLITE_OK)
        return rc;
    file->base.pMethods = &methods;
    if (path) {
        file->t = tracked_get(v, path);
        file->t->opens++;
    }
    return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    if (v->is_dead)
        return SQLITE_IOERR_DELETE;
    for (unsigned i = 0; i < v->count; i++)
        if (strcmp(v->files[i].path, path) == 0)
            v->files[i].is_deleted = true;
    return v->real->xDelete(v->real, path, sync);
}

static int v_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    return v->real->xAccess(v->real, path, flags, out);
}

static int v_full(sqlite3_vfs *vfs, const char *path, int n, char *out)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    return v->real->xFullPathname(v->real, path, n, out);
}

static int v_random(sqlite3_vfs *vfs, int n, char *out)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    return v->real->xRandomness(v->real, n, out);
}

static int v_wait(sqlite3_vfs *vfs, int us)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    return v->real->xSleep(v->real, us);
}

static int v_time(sqlite3_vfs *vfs, double *out)
{
    struct faultvfs *v = (struct faultvfs *)vfs;
    return v->real->xCurrentTime(v->real, out);
}

static int v_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)n;
    (void)out;
    return ((struct faultvfs *)vfs)->error;
}

struct faultvfs *faultvfs_new(const char *name)
{
    struct faultvfs *v = calloc(1, sizeof(*v));
    v->real = sqlite3_vfs_find(NULL);
    pthread_mutex_init(&v->lock, NULL);
    v->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct file) + v->real->szOsFile,
        .mxPathname = v->real->mxPathname,
        .zName = name,
        .xOpen = v_open,
        .xDelete = v_delete,
        .xAccess = v_access,
        .xFullPathname = v_full,
        .xRandomness = v_random,
        .xSleep = v_wait,
        .xCurrentTime = v_time,
        .xGetLastError = v_error,
    };
    sqlite3_vfs_register(&v->vfs, 0);
    return v;
}

void faultvfs_free(struct faultvfs *v)
{
    sqlite3_vfs_unregister(&v->vfs);
    for (unsigned i = 0; i < v->count; i++)
        free(v->files[i].synced);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

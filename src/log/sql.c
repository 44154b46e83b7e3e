/* SPDX-License-Identifier: Apache-2.0
 * One SQLite connection: opening it the way we want it, its statements, what its failures mean. */
#include "log/journal_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/check.h"

/* --- failures --- */

struct meaning {
    int code;
    enum err err;
    const char *text;
};

/* By the system's error, which says more than SQLite's code. */
static const struct meaning by_errno[] = {
    {ENOSPC, ERR_LIMIT, "the disk is full"},
    {EDQUOT, ERR_LIMIT, "the disk quota is used up"},
    {EROFS, ERR_IO, "the file system is read-only"},
    {EACCES, ERR_IO, "no permission to write the state directory"},
    {EPERM, ERR_IO, "no permission to write the state directory"},
    {EFBIG, ERR_LIMIT, "the file size limit is reached"},
    {EMFILE, ERR_IO, "no file descriptor is left"},
    {ENFILE, ERR_IO, "no file descriptor is left"},
};

static const struct meaning by_code[] = {
    {SQLITE_FULL, ERR_LIMIT, "the disk is full"},
    {SQLITE_READONLY, ERR_IO, "the state directory is read-only"},
    {SQLITE_PERM, ERR_IO, "no permission to write the state directory"},
    {SQLITE_CANTOPEN, ERR_IO, "the database cannot be opened"},
    {SQLITE_BUSY, ERR_IO, "the database is in use by another program"},
    {SQLITE_LOCKED, ERR_IO, "the database is in use by another program"},
    {SQLITE_CORRUPT, ERR_INVALID, "the database is damaged"},
    {SQLITE_NOTADB, ERR_INVALID, "the file is not a database"},
    {SQLITE_TOOBIG, ERR_LIMIT, "the value is too large for the database"},
    {SQLITE_NOMEM, ERR_IO, "out of memory"},
    {SQLITE_IOERR, ERR_IO, "the disk reports an input/output error"},
};

static const struct meaning *find(const struct meaning *rows, size_t count, int code)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

enum err sql_fail(struct sql *c, int rc, struct diag *diag, const char *what)
{
    int primary = rc & 0xFF;
    int system = c->system_error ? c->system_error : c->db ? sqlite3_system_errno(c->db) : 0;
    const struct meaning *m = NULL;
    if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY)
        m = find(by_errno, ARRAY_LEN(by_errno), system);
    if (!m)
        m = find(by_code, ARRAY_LEN(by_code), primary);
    c->is_broken = true;
    if (!m)
        return err_say(diag, ERR_INVALID, "%s: %s (SQLite %d)", what, sqlite3_errstr(rc), rc);
    if (primary == SQLITE_IOERR && m->code == SQLITE_IOERR && system)
        return err_say(diag, m->err, "%s: %s (%s, SQLite %d)", what, m->text, strerror(system), rc);
    return err_say(diag, m->err, "%s: %s (SQLite %d)", what, m->text, rc);
}

/* --- statements --- */

sqlite3_stmt *sql_stmt(struct sql *c, enum stmt_id id)
{
    ASSERT(c->db && c->stmts[id]);
    sqlite3_reset(c->stmts[id]);
    return c->stmts[id];
}

/* SQLite keeps the system's error for other calls than a failing COMMIT, so its VFS is asked. */
static int step(struct sql *c, sqlite3_stmt *s)
{
    sqlite3_vfs *vfs = NULL;
    int rc = sqlite3_step(s);
    if ((rc & 0xFF) == SQLITE_IOERR &&
        sqlite3_file_control(c->db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) == SQLITE_OK && vfs)
        c->system_error = vfs->xGetLastError(vfs, 0, NULL);
    return rc;
}

enum err sql_row(struct sql *c, sqlite3_stmt *s, struct diag *diag, const char *what)
{
    int rc = step(c, s);
    if (rc == SQLITE_ROW)
        return OK;
    sqlite3_reset(s);
    if (rc == SQLITE_DONE)
        return err_say(diag, ERR_ABSENT, "%s: not there", what);
    return sql_fail(c, rc, diag, what);
}

enum err sql_run(struct sql *c, sqlite3_stmt *s, struct diag *diag, const char *what)
{
    int rc = step(c, s);
    sqlite3_reset(s);
    /* blobs of the caller's stay bound else */
    sqlite3_clear_bindings(s);
    ASSERT(rc != SQLITE_ROW);
    return rc == SQLITE_DONE ? OK : sql_fail(c, rc, diag, what);
}

enum err sql_set_lazy(struct sql *c, bool is_lazy, struct diag *diag)
{
    if (is_lazy == c->is_lazy)
        return OK;
    c->is_lazy = is_lazy;
    return sql_exec(c, is_lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", diag);
}

enum err sql_begin(struct sql *c, struct diag *diag)
{
    return sql_run(c, sql_stmt(c, STMT_BEGIN), diag, "begin");
}

enum err sql_end(struct sql *c, enum err e, struct diag *diag)
{
    if (e == OK) {
        e = sql_run(c, sql_stmt(c, STMT_COMMIT), diag, "commit");
        if (e == OK)
            return OK;
    }
    if (!sqlite3_get_autocommit(c->db)) /* some failures have rolled back already */
        (void)sql_run(c, sql_stmt(c, STMT_ROLLBACK), NULL, "rollback");
    return e;
}

enum err sql_exec(struct sql *c, const char *sql, struct diag *diag)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? OK : sql_fail(c, rc, diag, "database");
}

/* --- opening --- */

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sql *c = arg;
    (void)db;
    (void)name;
    c->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

/* Exclusive locking has to be set before the first access: it keeps the index of the write-ahead
 * log in our memory. secure_delete would overwrite what is trimmed: pages written for nothing. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA temp_store = MEMORY;";

static enum err sql_settings(struct sql *c, enum sql_use use, struct diag *diag)
{
    char sql[80], cache[80];
    snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit = %lld", (long long)WAL_BYTES_KEPT);
    snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%d", CACHE_KB_MAX); /* in kB */
    sqlite3_extended_result_codes(c->db, 1);
    /* closing must not write: what to do with a log of doubtful content is revive.c's decision */
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_wal_hook(c->db, on_commit, c); /* instead of SQLite's own, which copies back */
    /* asked before the lock is: that would fail with an error that says nothing of it */
    if (sqlite3_db_readonly(c->db, "main") == 1 && use == CONN_LIVE)
        return sql_fail(c, SQLITE_READONLY, diag, "database");
    enum err e = sql_exec(c, settings, diag);
    if (e == OK)
        e = sql_exec(c, cache, diag);
    if (e == OK && use == CONN_SALVAGE)
        return sql_exec(c, "PRAGMA query_only = ON", diag);
    if (e == OK)
        e = sql_exec(c, "PRAGMA journal_mode = WAL", diag);
    return e == OK ? sql_exec(c, sql, diag) : e;
}

static enum err prepare_all(struct sql *c, struct diag *diag)
{
    static const char *const sql[] = {
#define STMT(name, text) [name] = text,
#include "log/stmts.tbl.h"
#undef STMT
    };
    for (unsigned i = 0; i < STMT_COUNT; i++) {
        int rc =
            sqlite3_prepare_v3(c->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->stmts[i], NULL);
        if (rc == SQLITE_ERROR) {
            c->is_broken = true;
            return err_say(diag, ERR_INVALID, "the database is damaged: %s", sqlite3_errmsg(c->db));
        }
        if (rc != SQLITE_OK)
            return sql_fail(c, rc, diag, "database");
    }
    return OK;
}

enum err sql_open(struct sql *c, const char *path, const char *vfs, enum sql_use use,
                  struct diag *diag)
{
    *c = (struct sql){0};
    int rc = sqlite3_open_v2(path, &c->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                                 SQLITE_OPEN_EXRESCODE,
                             vfs);
    enum err e = rc == SQLITE_OK ? sql_settings(c, use, diag) : sql_fail(c, rc, diag, path);
    if (e == OK)
        e = schema_check(c, use, diag);
    if (e == OK)
        e = prepare_all(c, diag);
    if (e != OK)
        sql_close(c);
    return e;
}

void sql_close(struct sql *c)
{
    for (unsigned i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(c->stmts[i]);
    int rc = sqlite3_close(c->db);
    ASSERT(rc == SQLITE_OK); /* busy: a statement or a backup of ours is left */
    *c = (struct sql){0};
}

/* --- the write-ahead log, the structure --- */

static enum err checkpoint(struct sql *c, int mode, struct diag *diag)
{
    int left = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, mode, &left, &copied);
    if (rc != SQLITE_OK)
        return sql_fail(c, rc, diag, "copying the write-ahead log");
    ASSERT(left == copied); /* nobody else reads */
    c->wal_pages = 0;
    return OK;
}

static int rewrite(sqlite3_file *f, sqlite3_int64 len)
{
    uint8_t room[PAGE_LEN * 4];
    int rc = SQLITE_OK;
    for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < len; at += (sqlite3_int64)sizeof(room)) {
        int n = len - at < (sqlite3_int64)sizeof(room) ? (int)(len - at) : (int)sizeof(room);
        rc = f->pMethods->xRead(f, room, n, at);
        if (rc == SQLITE_OK)
            rc = f->pMethods->xWrite(f, room, n, at);
    }
    return rc == SQLITE_OK && len ? f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) : rc;
}

enum err sql_rewrite_wal(struct sql *c, struct diag *diag)
{
    sqlite3_file *f = NULL;
    sqlite3_int64 len = 0;
    int rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f);
    if (rc == SQLITE_OK && f && f->pMethods) {
        rc = f->pMethods->xFileSize(f, &len);
        if (rc == SQLITE_OK)
            rc = rewrite(f, len);
    }
    return rc == SQLITE_OK ? OK : sql_fail(c, rc, diag, "the write-ahead log");
}

enum err sql_checkpoint(struct sql *c, struct diag *diag)
{
    return checkpoint(c, SQLITE_CHECKPOINT_PASSIVE, diag);
}

enum err sql_empty_wal(struct sql *c, struct diag *diag)
{
    return checkpoint(c, SQLITE_CHECKPOINT_TRUNCATE, diag);
}

void fault_say(struct fault_sink *sink, const char *fmt, ...)
{
    char sentence[DIAG_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    if (sink->count++ < LOST_SENTENCES_MAX && sink->fn)
        sink->fn(sink->arg, sentence);
}

enum err sql_structure(struct sql *c, struct fault_sink *sink, struct diag *diag)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA quick_check(20)", -1, &s, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        if (text && strcmp(text, "ok") != 0)
            fault_say(sink, "database structure: %s", text);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(s);
    if ((rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_NOTADB)
        fault_say(sink, "database structure: %s", sqlite3_errstr(rc));
    else if (rc != SQLITE_DONE)
        return sql_fail(c, rc, diag, "checking the database");
    return OK;
}

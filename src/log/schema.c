/* SPDX-License-Identifier: Apache-2.0
 * The tables and the version of their layout. */
#include "log/journal_int.h"

#include <stdio.h>

#include "base/attr.h"

/* "Reev": what file(1) and we know the database by. */
#define APPLICATION_ID 0x52656576
/* One more with every change of the tables; a server reads its own version, and makes it of those
 * before. */
#define SCHEMA_VERSION 3

/* A change is the one thing that is written per update, so its table is nothing but its key's tree:
 * a commit dirties one page of it most of the time, and no other. The diff stands last: columns in
 * front of a large value are read without it. */
/* Of secondaries, when a primary last said that their data is good, and for how long. A table of
 * its own, since it is written far more often than what stands beside it. */
#define CHECKED_TABLE                                                                    \
    "TABLE IF NOT EXISTS checked"                                                        \
    "(zone INTEGER PRIMARY KEY, checked_us INTEGER NOT NULL, expire_s INTEGER NOT NULL," \
    " sum INTEGER NOT NULL) STRICT;"
/* Until when records are kept. The record is in canonical form: owner, type, rdata. */
#define LEASE_TABLE                                                                 \
    "TABLE IF NOT EXISTS lease(zone INTEGER NOT NULL, record BLOB NOT NULL,"        \
    " expires_us INTEGER NOT NULL, lease_s INTEGER NOT NULL, sum INTEGER NOT NULL," \
    " PRIMARY KEY(zone, record)) WITHOUT ROWID, STRICT;"

static const char tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;"
    "CREATE TABLE zone(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " flags INTEGER NOT NULL, removed_us INTEGER NOT NULL,"
    " snapshot INTEGER NOT NULL, snapshot_seq INTEGER NOT NULL,"
    " snapshot_parts INTEGER NOT NULL, snapshot_serial INTEGER NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE source(zone INTEGER PRIMARY KEY, identity TEXT NOT NULL,"
    " sum INTEGER NOT NULL, base BLOB NOT NULL) STRICT;"
    "CREATE TABLE change(zone INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " serial_from INTEGER NOT NULL, serial_to INTEGER NOT NULL, time_us INTEGER NOT NULL,"
    " kind TEXT NOT NULL, actor TEXT NOT NULL, peer TEXT NOT NULL, rule TEXT NOT NULL,"
    " added_at INTEGER NOT NULL, removed INTEGER NOT NULL, added INTEGER NOT NULL,"
    " sum INTEGER NOT NULL, diff BLOB NOT NULL,"
    " PRIMARY KEY(zone, seq)) WITHOUT ROWID, STRICT;"
    "CREATE TABLE snapshot(id INTEGER PRIMARY KEY AUTOINCREMENT, zone INTEGER NOT NULL,"
    " state INTEGER NOT NULL) STRICT;"
    "CREATE TABLE part(snapshot INTEGER NOT NULL, part INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " rrs BLOB NOT NULL, PRIMARY KEY(snapshot, part)) WITHOUT ROWID, STRICT;"
    "CREATE " CHECKED_TABLE "CREATE " LEASE_TABLE
    "INSERT INTO meta(key, value) VALUES('probe', 0);";

static enum err pragma_get(struct sql *c, const char *sql, int64_t *out, struct diag *diag)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc == SQLITE_ROW ? OK : sql_fail(c, rc, diag, "database");
}

enum err schema_make(struct sql *c, struct diag *diag)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             APPLICATION_ID, SCHEMA_VERSION);
    enum err e = sql_exec(c, "BEGIN IMMEDIATE", diag);
    if (e == OK)
        e = sql_exec(c, tables, diag);
    return e == OK ? sql_exec(c, sql, diag) : e;
}

/* Tables that earlier versions did not have, and which are empty then: of secondaries nothing is
 * known yet, and all records are kept for good. */
static const struct addition {
    int64_t since;
    const char *make, *make_beside;
} additions[] = {
    {2, "CREATE " CHECKED_TABLE, "CREATE TEMP " CHECKED_TABLE},
    {3, "CREATE " LEASE_TABLE, "CREATE TEMP " LEASE_TABLE},
};

/* A failure closes the connection, which takes back what was begun. What is damaged is not touched:
 * it gets the tables beside it, for this connection only. */
static enum err migrate(struct sql *c, int64_t version, enum sql_use use, struct diag *diag)
{
    bool is_beside = use == CONN_SALVAGE;
    char end[80] = "PRAGMA query_only = ON";
    if (!is_beside)
        snprintf(end, sizeof(end), "PRAGMA user_version = %d; COMMIT", SCHEMA_VERSION);
    enum err e = sql_exec(c, is_beside ? "PRAGMA query_only = OFF" : "BEGIN IMMEDIATE", diag);
    for (size_t i = 0; e == OK && i < ARRAY_LEN(additions); i++)
        if (additions[i].since > version)
            e = sql_exec(c, is_beside ? additions[i].make_beside : additions[i].make, diag);
    return e == OK ? sql_exec(c, end, diag) : e;
}

enum err schema_check(struct sql *c, enum sql_use use, struct diag *diag)
{
    int64_t application = 0, version = 0;
    enum err e = pragma_get(c, "PRAGMA application_id", &application, diag);
    if (e == OK)
        e = pragma_get(c, "PRAGMA user_version", &version, diag);
    if (e != OK)
        return e;
    if (application == APPLICATION_ID && version > SCHEMA_VERSION)
        return err_say(diag, ERR_EXISTS,
                       "the database was written by a newer version of Reeve (layout %lld, this "
                       "version knows %d): start that version, or use another state directory",
                       (long long)version, SCHEMA_VERSION);
    if (application == APPLICATION_ID && version >= 1 && version < SCHEMA_VERSION)
        return migrate(c, version, use, diag);
    if (application != APPLICATION_ID || version != SCHEMA_VERSION) {
        c->is_broken = true;
        return err_say(diag, ERR_INVALID, "the database's head is not one of Reeve's");
    }
    return OK;
}

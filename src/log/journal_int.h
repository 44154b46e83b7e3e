/* SPDX-License-Identifier: Apache-2.0
 * What the files of log/ share: the connection, the gate in front of it, rows, and struct journal.
 *
 * There is one connection, in SQLite's exclusive locking mode (no shared memory file, no lock calls
 * per commit). Whoever uses it holds the gate, which is first come, first served: a commit waits
 * for at most one bounded piece of work of each helper. The queue has a lock of its own that nobody
 * holds over a system call, so the reactor never waits for the disk. */
#ifndef REEVE_LOG_JOURNAL_INT_H
#define REEVE_LOG_JOURNAL_INT_H

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "log/journal.h"

/* --- limits --- */

#define PAGE_LEN              4096
/* The write-ahead log is copied into the database when the thread is idle and the log has this many
 * pages, and at once when it has CHECKPOINT_PAGES_MAX of them, so its file is bounded: 8 MiB plus
 * one transaction. Between both, a busy server overwrites the same few pages many times in the log
 * before they are copied once. */
#define CHECKPOINT_PAGES_IDLE 256
#define CHECKPOINT_PAGES_MAX  2048
#define WAL_BYTES_KEPT        ((int64_t)CHECKPOINT_PAGES_MAX * (PAGE_LEN + 24))
/* What SQLite holds of the database's pages in memory; some 7 % more with what it has around them.
 */
#define CACHE_KB_MAX          16384
/* No batch for so long: idle. */
#define IDLE_US               20000
/* Under load, a chore (a step of trimming) is done this often between commits, and one for so many
 * changes: steps delete TRIM_ROWS_MAX of them, so what goes keeps pace with what comes. A batch
 * waits for a few of them only. */
#define CHORE_EVERY_US        100000
#define CHORE_EVERY_CHANGES   64
#define CHORES_OWED_MAX       4
/* A connection that could not be opened is tried again after so long. */
#define REVIVE_PAUSE_US       100000
/* While unwell and without commits, the thread probes the disk this often. */
#define PROBE_EVERY_US        1000000
/* One piece of reading under the gate. */
#define READ_ROWS_MAX         128
#define READ_BYTES_MAX        (1u << 20)
#define SCAN_ROWS_MAX         4096
/* One step of trimming. */
#define TRIM_ROWS_MAX         256
#define TRIM_BYTES_MAX        (1u << 20)
/* Pages of one step of a backup. */
#define BACKUP_PAGES          64
/* SQLite checks the structure of databases up to this size when they are opened and asked; it takes
 * about a millisecond per MiB. Larger ones are covered by the rows' checksums alone. */
#define STRUCTURE_BYTES_MAX   (256u << 20)
/* A larger row cannot be stored (SQLite's own limit is 1,000,000,000). */
#define ROW_BYTES_MAX         900000000u
/* Faults of one check that are told one by one. */
#define LOST_SENTENCES_MAX    100

/* --- gate --- */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    uint64_t next, serving;
};
void gate_init(struct gate *g);
void gate_done(struct gate *g);
void gate_enter(struct gate *g);
void gate_leave(struct gate *g);

/* --- connection --- */

#define ZONE_COLUMNS \
    "id, name, flags, removed_us, snapshot, snapshot_seq, snapshot_parts, snapshot_serial, sum"
#define CHANGE_COLUMNS                                                                          \
    "seq, serial_from, serial_to, time_us, kind, actor, peer, rule, added_at, removed, added, " \
    "sum, diff"
#define SNAPSHOT_BUILDING "0"
#define SNAPSHOT_VALID    "1"
#define SNAPSHOT_GARBAGE  "2"
enum snapshot_state { STATE_BUILDING, STATE_VALID, STATE_GARBAGE };

enum stmt_id {
#define STMT(name, sql) name,
#include "log/stmts.tbl.h"
#undef STMT
    STMT_COUNT
};

struct sql {
    sqlite3 *db; /* NULL: closed */
    sqlite3_stmt *stmts[STMT_COUNT];
    uint32_t wal_pages; /* after the last commit, as far as they are not copied back */
    int system_error;   /* errno of the failure that broke it, if known */
    bool is_lazy;       /* commits are not synced */
    bool is_broken;     /* a call failed in a way after which nothing is taken for granted */
};

enum sql_use { CONN_LIVE, CONN_SALVAGE };

/* Opens an existing file and prepares everything. ERR_INVALID: damaged, or not ours. */
enum err sql_open(struct sql *c, const char *path, const char *vfs, enum sql_use use,
                  struct diag *diag);
/* Without a checkpoint: what is not copied back yet stays in the write-ahead log. NULL db is
 * fine. */
void sql_close(struct sql *c);
/* Says in plain words what SQLite's code means, notes that the connection is broken if it is. */
enum err sql_fail(struct sql *c, int rc, struct diag *diag, const char *what);
/* Runs SQL that is not in the table. */
enum err sql_exec(struct sql *c, const char *sql, struct diag *diag);
/* Reset, ready for binding. */
sqlite3_stmt *sql_stmt(struct sql *c, enum stmt_id id);
/* Steps a statement that gives no rows; resets it. */
enum err sql_run(struct sql *c, sqlite3_stmt *s, struct diag *diag, const char *what);
/* Steps a statement for its first or next row: OK, ERR_ABSENT (and reset), or the failure (and
 * reset). */
enum err sql_row(struct sql *c, sqlite3_stmt *s, struct diag *diag, const char *what);
enum err sql_begin(struct sql *c, struct diag *diag);
/* e OK: commits; else rolls back and returns e. */
enum err sql_end(struct sql *c, enum err e, struct diag *diag);
/* From the next transaction on: is each synced when it is committed? */
enum err sql_set_lazy(struct sql *c, bool is_lazy, struct diag *diag);
/* Copies all of the write-ahead log into the database and empties its file. */
enum err sql_empty_wal(struct sql *c, struct diag *diag);
/* Writes what can be read of the write-ahead log's file over itself and syncs it: after a sync that
 * failed, what is read may be in the kernel's memory only, and counts as clean there. */
enum err sql_rewrite_wal(struct sql *c, struct diag *diag);
/* As sql_empty_wal(), but the file keeps its length. */
enum err sql_checkpoint(struct sql *c, struct diag *diag);
/* SQLite's own look at pages and trees; fault per finding. */
typedef void (*journal_fault_fn)(void *arg, const char *sentence);
struct fault_sink {
    journal_fault_fn fn;
    void *arg;
    uint64_t count;
};
void fault_say(struct fault_sink *sink, const char *fmt, ...) ATTR_PRINTF(2, 3);
enum err sql_structure(struct sql *c, struct fault_sink *sink, struct diag *diag);

/* Tables, version. */
enum err schema_make(struct sql *c, struct diag *diag);
enum err schema_check(struct sql *c, enum sql_use use, struct diag *diag);

/* --- rows --- */

/* The sum of these bytes behind what `sum` is of: a letter per table to begin with. */
uint64_t row_sum(uint64_t sum, const void *bytes, size_t len);

/* A row of the table zone; text in struct name_buf's lower case. */
struct zone_row {
    uint64_t id;
    struct name_buf name;
    uint32_t flags;
    int64_t removed_us;
    uint64_t snapshot, snapshot_seq;
    uint32_t snapshot_parts, snapshot_serial;
};
/* From a statement that selects ZONE_COLUMNS, after sql_row() gave OK; ERR_INVALID: damaged. */
enum err zone_row_read(sqlite3_stmt *s, struct zone_row *out, struct diag *diag);
/* id 0: a new one, which is set. */
enum err zone_row_put(struct sql *c, struct zone_row *row, struct diag *diag);
enum err zone_row_by_id(struct sql *c, uint64_t id, struct zone_row *out, struct diag *diag);
enum err zone_row_by_name(struct sql *c, struct name name, struct zone_row *out, struct diag *diag);
/* The first with an id above `after`; ERR_ABSENT: none. */
enum err zone_row_after(struct sql *c, uint64_t after, struct zone_row *out, struct diag *diag);
const char *zone_row_text(const struct zone_row *row, char buf[NAME_TEXT_MAX]);

/* Views into the row, good until the statement is stepped or reset. ERR_ABSENT: no source. */
enum err source_get(struct sql *c, uint64_t zone, struct journal_source *out, struct diag *diag);
enum err source_put(struct sql *c, uint64_t zone, const struct journal_source *source,
                    struct diag *diag);

/* ERR_ABSENT: never checked. */
enum err checked_get(struct sql *c, uint64_t zone, struct journal_checked *out, struct diag *diag);
enum err checked_put(struct sql *c, const struct journal_checked *checked, struct diag *diag);

enum err change_put(struct sql *c, const struct change *change, struct diag *diag);
/* From a statement that selects CHANGE_COLUMNS: views into the row. */
enum err change_read(sqlite3_stmt *s, uint64_t zone, struct change *out, struct diag *diag);
/* What the next change of a zone has to follow. */
struct head {
    uint64_t seq;
    uint32_t serial;
    bool has_serial;
};
enum err head_find(struct sql *c, const struct zone_row *zone, struct head *out, struct diag *diag);

enum err part_put(struct sql *c, uint64_t snapshot, uint32_t part, const uint8_t *bytes, size_t len,
                  struct diag *diag);
/* A view; ERR_ABSENT, ERR_INVALID: damaged. */
struct bytes {
    const uint8_t *at;
    size_t len;
};
enum err part_get(struct sql *c, uint64_t snapshot, uint32_t part, struct bytes *out,
                  struct diag *diag);

/* leases.c. One row of another kind: lease_s 0 drops it. */
enum err lease_put(struct sql *c, uint64_t zone, const struct journal_lease *lease,
                   struct diag *diag);
/* What a batch found where it wrote: a batch that was reported as failed, and may have come
 * through, is taken back by writing that. */
struct lease_undo_row {
    uint64_t zone;
    size_t at, len; /* the record, in the room */
    int64_t expires_us;
    uint32_t lease_s; /* 0: there was none */
};
struct lease_undo {
    struct lease_undo_row *rows;
    size_t count, rows_cap;
    uint8_t *room;
    size_t len, cap;
    bool is_wanted;
};
/* Forgets the batch before, which must not be wanted any more. */
void lease_undo_start(struct lease_undo *u);
void lease_undo_done(struct lease_undo *u);
enum err lease_undo_run(struct sql *c, const struct lease_undo *u, struct diag *diag);
/* lease_put(), and notes in the undo what there was. */
enum err lease_change(struct sql *c, uint64_t zone, const struct journal_lease *lease,
                      struct lease_undo *undo, struct diag *diag);
/* A zone's leases, some at a time. */
struct lease_slice {
    uint64_t zone;
    struct journal_lease rows[READ_ROWS_MAX];
    unsigned count, damaged;
    /* private: the rows' bytes, and where the last one's are */
    uint8_t *room;
    size_t len, cap;
    struct bytes last;
    bool is_end;
};
struct lease_slice *lease_slice_new(uint64_t zone);
void lease_slice_free(struct lease_slice *s);
/* The next ones, copied out. ERR_ABSENT: there are no more. On another failure those before it are
 * in the slice, and there is no going on. */
enum err lease_slice_next(struct sql *c, struct lease_slice *slice, struct diag *diag);

/* --- the journal --- */

/* A batch whose fate the disk did not let us know was reported as failed: what is found of it is
 * taken away. */
struct doubt {
    uint64_t zone, seq_kept;
    bool has_source;
};

/* What trimming remembers of a zone that was flipped since the start. */
struct trim {
    uint64_t zone;
    uint64_t upto, bytes; /* the diffs of all changes up to this one that are there; 0: not known */
    uint64_t at;          /* of the last flip: changes behind this one stay */
    int64_t now_us;       /* of the last flip */
    bool is_wanted;       /* its history is to be cut to the limits */
};

/* Which of a zone's changes are cut, the oldest first. */
struct trim_cut {
    uint64_t zone;
    uint64_t at;      /* none behind this one */
    uint64_t bytes;   /* until the diffs of those that went are so many; UINT64_MAX: all */
    int64_t since_us; /* and any made before */
};

struct journal {
    char dir[PATH_MAX];
    char path[PATH_MAX]; /* of the database */
    char *vfs;
    int dir_fd; /* locked while we use it */
    journal_wake_fn wake;
    void *wake_arg;
    journal_notice_fn notice;
    void *notice_arg;
    pthread_t thread;
    bool has_thread;
    uint32_t copy_idle, copy_max; /* CHECKPOINT_PAGES_IDLE and _MAX; tests set lower ones */

    pthread_mutex_t lock; /* of these; never held over a system call */
    pthread_cond_t work;
    struct list queue, finished;
    bool is_ending;
    bool has_chores; /* for when there are no batches */
    bool has_steps;  /* that are done under load too, now and then */
    uint64_t history_bytes, history_age_us;
    struct journal_health health;

    struct gate gate; /* in front of these */
    struct sql sql;
    bool is_settled; /* the write-ahead log had nothing of an earlier connection */
    int64_t open_failed_us, settle_failed_us; /* monotonic; 0: the last attempt did not fail */
    enum err trouble_err;
    struct diag trouble;
    bool is_wal_cut; /* found damaged at the start */
    struct doubt *doubts;
    size_t doubt_count, doubt_cap;
    struct lease_undo undo; /* of the batch at hand; wanted: of one in doubt */
    struct trim *trims;     /* by their numbers */
    size_t trim_count, trim_cap;
    uint64_t *trim_turns; /* the zones that are wanted; trim_turn: whose turn it is */
    size_t trim_wanted, trim_turn;
    uint64_t trim_rows; /* looked at so far: what trimming costs, for tests */
    bool has_garbage;   /* snapshots that are not valid */
    sqlite3_backup *backup;

    _Atomic(uint64_t) bytes;
};

/* What is written in its place only need not be durable when the gate is left: whatever is written
 * behind it and synced brings it along, since the write-ahead log is synced from its front. So ten
 * thousand zones that are new do not wait for ten thousand syncs. */
enum journal_need { NEED_READ, NEED_WRITE_IN_PLACE, NEED_WRITE };
/* Through the gate with a connection that is good for it; else the gate is left and the reason
 * returned. */
enum err journal_enter(struct journal *j, enum journal_need need, struct diag *diag);
/* Back; a connection that broke is closed. */
void journal_leave(struct journal *j);
void journal_notice(struct journal *j, enum journal_severity severity, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
void journal_set_health(struct journal *j, enum err e, const struct diag *why);
/* The thread has something to do when it is idle; or, in steps, under load as well. */
void journal_want_chores(struct journal *j);
void journal_want_steps(struct journal *j);
void journal_measure(struct journal *j);

/* open.c. ERR_LIMIT: no room. */
enum err open_first(struct journal *j, struct diag *diag);
enum err open_live(struct journal *j, struct diag *diag);

/* check.c: every row, in pieces. */
enum err check_all(struct journal *j, struct fault_sink *sink, struct journal_check *out,
                   struct diag *diag);

/* revive.c: behind the gate. The connection is closed and opened anew. */
enum err revive_now(struct journal *j, struct diag *diag);
void revive_drop(struct journal *j);
/* Opens it if need be and the last attempt was long enough ago. */
enum err revive(struct journal *j, enum journal_need need, struct diag *diag);
/* Empties the write-ahead log: from here on, all that is seen is durable; then doubts are
 * resolved. */
enum err revive_settle(struct journal *j, struct diag *diag);
void revive_doubt_grow(struct journal *j, const struct journal_batch *batch);

/* commit.c: one batch, by the thread. Gives the pages in the write-ahead log. */
uint32_t commit_run(struct journal *j, struct journal_batch *batch);
void commit_probe(struct journal *j);

/* snapshot.c: its parts are garbage from here on. */
enum err snapshot_drop(struct sql *c, uint64_t snapshot, struct diag *diag);

/* trim.c. True: there is more. */
bool trim_step(struct journal *j);
/* A step that deletes changes. ERR_ABSENT: there are no more that go. */
enum err trim_cut_step(struct journal *j, const struct trim_cut *cut);
/* The zone's history is to be cut to the limits. */
void trim_grow(struct journal *j, const struct journal_flip *flip);
/* The zone begins anew: changes that it has from now on are others under the same numbers. */
void trim_forget(struct journal *j, uint64_t zone);
/* What is there need not be what was there. */
void trim_unlearn(struct journal *j);

/* files.c: the database as files. */
/* Makes the directory j->dir if its parent is there, locks it, and sets j->dir and j->path to where
 * it and the database really are. */
enum err files_lock_open(struct journal *j, struct diag *diag);
/* An empty file with our mode instead of what is there. */
enum err files_fresh(const char *path, struct diag *diag);
/* Makes a database with tables at the path, instead of what is there. */
enum err files_make(const char *path, const char *vfs, struct diag *diag);
bool files_is_there(const char *path);
uint64_t files_size(const char *path);
/* "PATH.damaged-20260801T123456Z" or with a number behind it: not there yet. */
void files_aside(const char *path, int64_t wall_us, char out[PATH_MAX]);
enum err files_copy(const char *from, const char *to, struct diag *diag);
enum err files_rename(const char *from, const char *to, struct diag *diag);
enum err files_sync_dir(const struct journal *j, struct diag *diag);
enum err files_path(char out[PATH_MAX], const char *a, const char *b, struct diag *diag);

/* walcheck.c: the write-ahead log as it lies there, before SQLite cuts it at the first bad frame.
 */
enum wal_state { WAL_WHOLE, WAL_TORN, WAL_DAMAGED };
struct wal_report {
    enum wal_state state;
    uint64_t frames;      /* in all, of this round of the log */
    uint64_t good;        /* frames up to the last good transaction */
    uint64_t commits_cut; /* transactions behind it, at least */
};
enum err walcheck_file(const char *path, struct wal_report *out, struct diag *diag);
void walcheck_bytes(const uint8_t *bytes, size_t len, struct wal_report *out);

/* salvage.c: with nobody else at it yet. The damaged files are kept aside and what is whole is in a
 * new database. */
enum err salvage(struct journal *j, const char *why, struct diag *diag);
/* A salvage that was cut short after its copy was complete. */
enum err salvage_finish(struct journal *j, struct diag *diag);

#endif

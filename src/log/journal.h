/* SPDX-License-Identifier: Apache-2.0
 * The change log: every change of every zone, durable before it is acknowledged, and the snapshots
 * that make starting fast.
 *
 * One database in the state directory (SQLite, WAL, synchronous=FULL), used from the log's own
 * thread. What a change is stands in struct change; its diff is what IXFR sends. Each row carries a
 * checksum over its content, and changes of a zone are numbered without gaps: a change is accepted
 * only if it follows the newest one of its zone (compare and swap), so that a shared engine could
 * stand behind this interface.
 *
 * Threads: journal_commit() and journal_collect() are the reactor's and never wait. Everything else
 * waits for the disk, is called from helper threads only (any number at once), and holds up commits
 * for no longer than one bounded piece of work.
 *
 * Failure: a batch that fails leaves nothing behind, and the connection is opened anew before the
 * next one; whether the disk is full, read-only or broken is in the batch's diag. What is found
 * damaged is never used: journal_open() keeps a damaged database aside, saves what is whole into a
 * new one, and says what is lost. */
#ifndef REEVE_LOG_JOURNAL_H
#define REEVE_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "dns/name.h"
#include "dns/rdata.h"

struct journal;

/* --- changes --- */

/* clang-format off */
/*    name               text (in the database and in `reevectl log`) */
#define CHANGE_KIND_LIST(X)                                                                        \
    X(CHANGE_UPDATE,     "update")                                                                 \
    X(CHANGE_FILE,       "file")                                                                   \
    X(CHANGE_TRANSFER,   "transfer")                                                               \
    X(CHANGE_SIGN,       "sign")                                                                   \
    X(CHANGE_LEASE,      "lease")                                                                  \
    X(CHANGE_ROLLBACK,   "rollback")                                                               \
    X(CHANGE_CONTROL,    "control")
/* clang-format on */

enum change_kind {
#define X(name, text) name,
    CHANGE_KIND_LIST(X)
#undef X
};
const char *change_kind_text(enum change_kind kind);

#define CHANGE_TEXT_MAX 512 /* bytes of actor, peer or rule; longer ones are cut */

/* What the zone's file was like when it was last loaded; goes in with the change that it made. */
struct journal_source {
    const char *identity; /* the files read, with size and time of each: compared as text */
    const uint8_t *base;  /* base_write() of zone/base.h */
    size_t base_len;
};

/* Until when a record is kept (RFC 9664). */
struct journal_lease {
    struct name owner;
    uint16_t type;
    struct rdata rdata;
    int64_t expires_us; /* wall clock */
    uint32_t lease_s;   /* as it was granted; 0: the record is kept for good, or is gone */
};

struct change {
    uint64_t zone; /* struct journal_zone's id */
    uint64_t seq;  /* 1 for a zone's first */
    uint32_t serial_from, serial_to;
    int64_t time_us; /* wall clock */
    enum change_kind kind;
    const char *actor; /* "key web1", "file example.com.zone", "root (uid 0)" */
    const char *peer;  /* "192.0.2.7@4711 tcp"; "" */
    const char *rule;  /* "updates[0] (acme www)", in old rows "updates[0]"; "" */
    /* as struct diff of zone/txn.h: records removed, then added, uncompressed wire */
    const uint8_t *diff;
    size_t diff_len, added_at;
    uint32_t removed_count, added_count;
    const struct journal_source *source; /* CHANGE_FILE, when appended; NULL when read, or none */
    /* What becomes of the leases of these records, in the same transaction, in this order; when
     * appended. */
    const struct journal_lease *leases;
    unsigned lease_count;
    /* Nothing changes but leases (renewals), or what the file was (it has what is live already):
     * there is no row in the history, and seq is that of the zone's newest change (0: none), which
     * it follows. */
    bool has_no_row;
};

/* --- opening --- */

typedef void (*journal_wake_fn)(void *arg);

/* What the operator should know: a sentence without a full stop, for the log. JOURNAL_ERROR says
 * what is lost. Called while opening by the opener, later by the journal's thread. */
enum journal_severity { JOURNAL_NOTICE, JOURNAL_WARNING, JOURNAL_ERROR };
typedef void (*journal_notice_fn)(void *arg, enum journal_severity severity, const char *sentence);

struct journal_options {
    const char *dir;        /* the state directory; made (0750) if its parent exists */
    const char *vfs;        /* SQLite VFS to use; NULL: the system's. Tests put faults in here */
    uint64_t history_bytes; /* changes kept beyond the snapshot, per zone: bytes of diffs */
    uint64_t history_age_us;
    journal_notice_fn notice; /* NULL: nobody is told */
    void *notice_arg;
};

/* Opens or makes the database (0640) and starts the thread, with all signals blocked in it; wake is
 * called from it when journal_collect() has something. ERR_SYSTEM, ERR_IO: the directory cannot be
 * used (not there, not writable, in use by another server), and diag says what to do. A damaged
 * database is no error: see above; a full disk is none either, commits fail until it has room. */
enum err journal_open(const struct journal_options *options, journal_wake_fn wake, void *wake_arg,
                      struct journal **out, struct diag *diag);
/* Finishes what was given to it. NULL is fine. */
void journal_close(struct journal *j);
/* The limits of a new configuration. */
void journal_configure(struct journal *j, const struct journal_options *options);

/* --- committing: the reactor's --- */

struct journal_batch {
    struct list link;       /* the journal's while it has the batch */
    struct change *changes; /* all their pointers live until the batch is collected */
    unsigned count;
    /* the outcome */
    enum err result; /* OK: all durable. ERR_INVALID: does not follow; else the disk's: none is */
    struct diag diag;
    int64_t took_us;
};
/* Commits the batch as one transaction. Batches are done in the order given; the caller gives the
 * next one when it knows what became of the last. */
void journal_commit(struct journal *j, struct journal_batch *batch);
/* A batch that is done, NULL: none. */
struct journal_batch *journal_collect(struct journal *j);

/* --- zones --- */

/* What the log knows of a zone. */
struct journal_zone {
    uint64_t id;
    uint64_t seq_last;     /* of the newest change; 0: none */
    uint64_t seq_first;    /* of the oldest change kept; 0: none */
    int64_t time_first_us; /* when that was made */
    uint64_t snapshot;     /* id of the valid snapshot; 0: none */
    uint64_t snapshot_seq; /* it has all changes up to this one */
    uint32_t snapshot_parts;
    uint32_t snapshot_serial;
    uint64_t replay_bytes; /* of the diffs behind the snapshot */
    uint32_t flags;        /* enum journal_zone_flag */
    int64_t checked_us; /* of a secondary: when a primary last said what its serial is; 0: never */
    uint32_t expire_s;  /* how long its data was good then (RFC 7314) */
    int64_t removed_us; /* since when the configuration is without it; 0: it is there */
    char *identity;     /* of struct journal_source, NULL: none; malloc'd */
    uint8_t *base;      /* NULL: none; malloc'd */
    size_t base_len;
};
enum journal_zone_flag { JOURNAL_ZONE_FROZEN = 1 };
void journal_zone_done(struct journal_zone *z);

/* ERR_ABSENT: not known. */
enum err journal_zone_get(struct journal *j, struct name name, struct journal_zone *out,
                          struct diag *diag);
/* Makes the row; if there is one, the same as journal_zone_get(). */
enum err journal_zone_make(struct journal *j, struct name name, struct journal_zone *out,
                           struct diag *diag);
enum err journal_zone_set_flags(struct journal *j, uint64_t zone, uint32_t flags,
                                struct diag *diag);
/* removed_us 0: it is back. Its state is kept. */
enum err journal_zone_set_removed(struct journal *j, uint64_t zone, int64_t removed_us,
                                  struct diag *diag);
/* The zone begins anew: its snapshot and all its changes go. For copies, whose data is had
 * elsewhere: what is damaged, or is to be replaced as a whole. No batch with a change of it is
 * under way. If it fails half way the snapshot is gone all the same, and it is to be called again.
 */
enum err journal_zone_forget(struct journal *j, uint64_t zone, struct diag *diag);
/* When the primaries of secondaries were last asked with success, and for how long the data was
 * good then; several in one transaction. */
struct journal_checked {
    uint64_t zone;
    int64_t checked_us;
    uint32_t expire_s;
};
enum err journal_zones_set_checked(struct journal *j, const struct journal_checked *rows,
                                   unsigned count, struct diag *diag);
/* The file was read again and nothing in the zone changed: only the source is noted. source NULL:
 * the zone has no file any more. */
enum err journal_zone_set_source(struct journal *j, uint64_t zone,
                                 const struct journal_source *source, struct diag *diag);
/* Every zone known, removed ones too; the view lives until fn returns. */
typedef void (*journal_zone_fn)(void *arg, struct name name, const struct journal_zone *z);
enum err journal_zones(struct journal *j, journal_zone_fn fn, void *arg, struct diag *diag);

/* --- reading changes --- */

/* False: stop here. The view lives until it returns. */
typedef bool (*journal_change_fn)(void *arg, const struct change *c);

/* Changes from seq `from` on, in order; `step` 1 or -1 (newest first). Commits go on in between.
 * ERR_INVALID: one is damaged or missing, diag says which; those before it were given. */
struct journal_range {
    uint64_t zone, from, to; /* inclusive */
    int step;
};
enum err journal_read(struct journal *j, const struct journal_range *range, journal_change_fn fn,
                      void *arg, struct diag *diag);
/* The newest change that led to (serial_to) that serial. ERR_ABSENT: it is not in the history. */
enum err journal_find_serial(struct journal *j, uint64_t zone, uint32_t serial, uint64_t *seq,
                             struct diag *diag);

/* The serials of all changes that are kept, oldest first. False: stop here. It is called while
 * commits wait. */
typedef bool (*journal_serials_fn)(void *arg, uint32_t serial_from, uint32_t serial_to);
enum err journal_serials(struct journal *j, uint64_t zone, journal_serials_fn fn, void *arg,
                         struct diag *diag);

/* What is kept of the zone's changes. */
struct journal_history {
    uint64_t changes, bytes;      /* bytes of diffs */
    uint64_t largest;             /* of these, those of one change */
    bool goes_back;               /* some change leads to a serial that is not ahead (RFC 1982) */
    uint64_t seq_first, seq_last; /* 0: none */
};
enum err journal_history(struct journal *j, uint64_t zone, struct journal_history *out,
                         struct diag *diag);
/* The same of the changes behind `seq` only. */
enum err journal_history_after(struct journal *j, uint64_t zone, uint64_t seq,
                               struct journal_history *out, struct diag *diag);

/* --- leases --- */

/* All leases of a zone, in an order that says nothing, names in lower case; the view lives until fn
 * returns, false ends it. Commits go on in between: one made or renewed meanwhile may come or not.
 * *damaged counts rows that are not as they were written: they are left out, and their records stay
 * for good. After a salvage there may be leases of records that are lost, which mean nothing. */
typedef bool (*journal_lease_fn)(void *arg, const struct journal_lease *lease);
enum err journal_leases(struct journal *j, uint64_t zone, journal_lease_fn fn, void *arg,
                        uint64_t *damaged, struct diag *diag);

/* --- snapshots --- */

/* A new snapshot, not valid yet, in place of any that was begun for the zone and not finished. */
enum err journal_snapshot_begin(struct journal *j, uint64_t zone, uint64_t *snapshot,
                                struct diag *diag);
/* Part numbers count from 0. */
enum err journal_snapshot_put(struct journal *j, uint64_t snapshot, uint32_t part,
                              const uint8_t *bytes, size_t len, struct diag *diag);
/* From now on the zone's snapshot is this one; in the same transaction goes the source, where there
 * is one (a zone's first snapshot). Then, in small steps, the old one's parts go, and changes that
 * the history limits no longer cover at now_us. */
struct journal_flip {
    uint64_t zone, snapshot, seq;
    uint32_t serial, parts;
    const struct journal_source *source;
    int64_t now_us; /* wall clock */
};
enum err journal_snapshot_flip(struct journal *j, const struct journal_flip *flip,
                               struct diag *diag);
/* One part of the zone's valid snapshot, malloc'd. ERR_INVALID: damaged. */
enum err journal_snapshot_read(struct journal *j, uint64_t snapshot, uint32_t part, uint8_t **bytes,
                               size_t *len, struct diag *diag);

/* --- looking after it --- */

/* Changes from before before_us go, the oldest first, as far as the zone's snapshot has them: a
 * piece of bounded length. Where the clock was set back, a change is as old as one behind it. What
 * goes may be there again after a power failure. */
struct journal_aged {
    uint64_t cut;        /* changes that went */
    bool has_more;       /* call again */
    bool wants_snapshot; /* others are too old, and needed until there is a newer snapshot */
    int64_t oldest_us; /* neither of both: when the oldest one that stays was made; 0: none does */
};
enum err journal_trim_aged(struct journal *j, uint64_t zone, int64_t before_us,
                           struct journal_aged *out, struct diag *diag);

/* A consistent copy of the database as DIR/reeve.db while commits go on; DIR is made. */
enum err journal_backup(struct journal *j, const char *dir, struct diag *diag);
/* Reads every row; `fault` gets a sentence for each that is not as it should be. */
struct journal_check {
    uint64_t zones, changes, leases, parts, bytes, faults;
};
enum err journal_check(struct journal *j, void (*fault)(void *arg, const char *sentence), void *arg,
                       struct journal_check *out, struct diag *diag);
/* Of the files: any thread, never waits. */
uint64_t journal_bytes(const struct journal *j);
/* Whether the last commit or probe succeeded; if not, why and since when. Any thread. */
struct journal_health {
    bool is_well;
    int64_t since_us; /* wall clock */
    char reason[DIAG_TEXT_MAX];
};
void journal_health(const struct journal *j, struct journal_health *out);

#endif

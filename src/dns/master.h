/* SPDX-License-Identifier: Apache-2.0
 * Zone files (RFC 1035 s5): $ORIGIN, $TTL (RFC 2308 s4), $INCLUDE, $GENERATE, and records one by
 * one to a callback.
 *
 * The reader knows syntax only; what a zone must be is zone/check's and txn's business. It reads
 * regular files, a window at a time, and never keeps more than one record. Faults are reported one
 * by one and reading goes on with the next entry, up to MASTER_FAULTS_MAX. Runs in helper threads:
 * no global state.
 *
 * Where RFC 1035 is silent it does what BIND does: an owner is whatever stands first on a line;
 * then class and TTL in either order, each optional, then the type. An included file begins with
 * the owner of the including one and cannot change its origin or owner, but its $TTL stays in
 * force. A record without a TTL has the one of $TTL, else that of the last record with one
 * (warning), else, if it is a SOA, its minimum, which then counts as $TTL (warning). */
#ifndef REEVE_DNS_MASTER_H
#define REEVE_DNS_MASTER_H

#include <stdint.h>

#include "base/err.h"
#include "dns/rr.h"

#define MASTER_INCLUDE_DEPTH_MAX 16
/* Files included in all: nested includes multiply. */
#define MASTER_INCLUDES_MAX      10000
#define MASTER_FAULTS_MAX        100
/* Warnings reported; more are only counted. */
#define MASTER_WARNINGS_MAX      100
/* Records one $GENERATE may make; more is a fault. */
#define MASTER_GENERATE_MAX      1000000
/* Records that all of them together may make: twice the addresses of 10.0.0.0/8. */
#define MASTER_GENERATED_MAX     (1u << 25)
/* Bytes of one entry, comments inside its parentheses included: 65535 bytes of rdata take 262140 as
 * \DDD escapes. */
#define MASTER_ENTRY_MAX         (4u << 20)

struct master_where {
    const char *file;      /* as it was opened */
    uint32_t line, column; /* from 1 */
};

enum master_severity { MASTER_ERROR, MASTER_WARNING };

/* A file that was opened for reading: what it was like then. */
struct master_source {
    const char *path;
    uint64_t size;
    int64_t mtime_ns;
};

struct master_sink {
    void *arg;
    /* A record in stored form; the views live until the callback returns. Not OK stops reading and
     * is what master_read_file() returns. `where` is where the record's type stands. A record whose
     * meaning is wrong is the callback's own to report and to count; it returns OK then. */
    enum err (*record)(void *arg, const struct rr *rr, const struct master_where *where);
    /* One fault or warning; the sentence says what was read and what was expected. May be NULL. */
    void (*fault)(void *arg, enum master_severity severity, const struct master_where *where,
                  const char *sentence);
    /* Each file, included ones too, before its first entry is read. May be NULL. */
    void (*file)(void *arg, const struct master_source *source);
};

struct master_options {
    struct name origin;   /* initial $ORIGIN: the zone's name */
    uint16_t class;       /* records of another class are faults */
    uint32_t records_max; /* 0: no limit */
};

struct master_result {
    uint64_t records, bytes;
    uint32_t faults, warnings;
};

/* OK: read to the end without faults. ERR_SYNTAX: faults were reported (all of them, or the first
 * MASTER_FAULTS_MAX); diag has the first. ERR_IO: the file could not be read; ERR_LIMIT: more than
 * records_max; diag says why. Else what record() returned. result may not be NULL; it is filled in
 * every case. */
enum err master_read_file(const char *path, const struct master_options *options,
                          const struct master_sink *sink, struct master_result *result,
                          struct diag *diag);
/* The same over bytes; `name` stands for the file in faults, and $INCLUDE is relative to the
 * current directory. */
enum err master_read_bytes(const char *name, const char *s, size_t len,
                           const struct master_options *options, const struct master_sink *sink,
                           struct master_result *result, struct diag *diag);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * From a zone file to a zone: read, build, check. Runs in helper threads; touches nothing that is
 * live. */
#ifndef REEVE_ZONE_LOAD_H
#define REEVE_ZONE_LOAD_H

#include <stdatomic.h>

#include "dns/master.h"
#include "zone/zone.h"

/* Errors of one load after which it ends, and warnings said at most; more warnings are only
 * counted. */
#define LOAD_ERRORS_MAX   100
#define LOAD_WARNINGS_MAX 100

/* What ends a load early. */
struct load_limits {
    uint32_t records_max; /* 0: none */
    /* set by another thread: the result is not wanted any more; may be NULL */
    const atomic_bool *is_canceled;
};

/* Every fault and warning, one line each: "file:line:column: sentence". Where the zone as a whole
 * is wrong the sentence is "owner: sentence", and line and column are there if it has errors or
 * has_places says that reading the file once more for them is worth it. The line is not kept;
 * `sentence` is the part of it behind the place. */
struct load_sink {
    void *arg;
    void (*line)(void *arg, enum master_severity severity, const char *line, const char *sentence);
    /* What was read, once, whether it was fit or not: for load_source_is_same(), or kept as text.
     * malloc'd, and the callee's from here on. May be NULL. */
    void (*identity)(void *arg, char *identity);
    bool has_places;
};

struct load_result {
    uint64_t records, bytes, errors, warnings;
};

/* The zone with one published version, or NULL: then at least one error was said (none where it was
 * cancelled), and diag holds the first of them. */
struct zone *load_zone_file(struct name name, const char *path, const struct load_limits *limits,
                            const struct load_sink *sink, struct load_result *result,
                            struct diag *diag);

/* Are all files that the identity tells of as they were when they were read, by size and time of
 * their last change? A file that was changed less than LOAD_SETTLED_NS before it was read could be
 * changed again without a trace in either, so it is never the same. */
#define LOAD_SETTLED_NS INT64_C(2000000000)
bool load_source_is_same(const char *identity);

#endif

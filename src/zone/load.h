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

/* Every fault and warning, one line each: "file:line:column: sentence" for what stands in the file,
 * "file: owner: sentence" for what the zone as a whole lacks. The line is not kept. */
struct load_sink {
    void *arg;
    void (*line)(void *arg, enum master_severity severity, const char *line);
};

struct load_result {
    uint64_t records, bytes, errors, warnings;
};

/* The zone with one published version, or NULL: then at least one error was said (none where it was
 * cancelled), and diag holds the first of them. */
struct zone *load_zone_file(struct name name, const char *path, const struct load_limits *limits,
                            const struct load_sink *sink, struct load_result *result,
                            struct diag *diag);

#endif

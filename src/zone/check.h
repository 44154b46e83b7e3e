/* SPDX-License-Identifier: Apache-2.0
 * What a zone must be and what it should be, beyond the syntax of its records: checked on a whole
 * version.
 *
 * Errors make a zone file unfit to be served, warnings do not; which is which follows
 * named-checkzone and kzonecheck (where they differ, check.c says why). Reads only; any thread that
 * may read the version may call it. */
#ifndef REEVE_ZONE_CHECK_H
#define REEVE_ZONE_CHECK_H

#include "dns/master.h"
#include "zone/version.h"

/* Errors, and warnings, said at most in one check; the rest is only counted. */
#define CHECK_FAULTS_MAX 100

struct check_sink {
    void *arg;
    /* One fault; `owner` is the name and `type` the record it is about (0: all of the name). */
    void (*fault)(void *arg, enum master_severity severity, struct name owner, uint16_t type,
                  const char *sentence);
};

struct check_result {
    uint64_t errors, warnings;
};

/* Kept in a message for an OPT with a cookie and for the longest TSIG: who sends them gets answers
 * and transfers as well. */
#define CHECK_ROOM_KEPT 512
/* Can everybody get it? A message holds header, question, and each of its records behind a pointer
 * to the owner. Where names in the rdata may be compressed nothing is said but of more than 65535
 * bytes. */
bool check_fits_message(struct name owner, struct rrset s);

/* Fit to be served: result->errors is 0. */
void zone_check(const struct version *v, const struct check_sink *sink,
                struct check_result *result);

#endif

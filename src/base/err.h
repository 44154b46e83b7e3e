/* SPDX-License-Identifier: Apache-2.0
 * Failures of the world (disk, system, input files): a code for the caller, a sentence for the
 * operator.
 *
 * Our own bugs are ASSERTs, a peer's faults are enum rcode. Nothing below server/ logs; it fills a
 * diag and returns, and one place above logs it, once. */
#ifndef REEVE_BASE_ERR_H
#define REEVE_BASE_ERR_H

#include <stdbool.h>

#include "base/attr.h"

/* clang-format off */
/*        name         what it is */
#define ERR_LIST(X)                                                                                \
    X(OK,          "ok")                                                                           \
    X(ERR_SYNTAX,  "malformed input")                                                              \
    X(ERR_LIMIT,   "limit reached")                                                                \
    X(ERR_IO,      "input/output error")                                                           \
    X(ERR_SYSTEM,  "system call failed")                                                           \
    X(ERR_EXISTS,  "exists already")                                                               \
    X(ERR_ABSENT,  "not found")                                                                    \
    X(ERR_INVALID, "not valid")                                                                    \
    X(ERR_CANCELED, "cancelled")
/* clang-format on */

enum err {
#define X(name, text) name,
    ERR_LIST(X)
#undef X
};

#define DIAG_TEXT_MAX 512

/* One sentence about a failure, without a full stop, cut at DIAG_TEXT_MAX. All zero is "nothing
 * said". */
struct diag {
    char text[DIAG_TEXT_MAX];
};

/* The table's text for a code. */
const char *err_text(enum err e);

/* Sets the sentence and returns e, so that a failing step reads: return err_say(diag, ERR_IO,
 * "..."). diag may be NULL. */
enum err err_say(struct diag *diag, enum err e, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* Puts context in front of what is already said ("context: sentence") and returns e. diag may be
 * NULL. */
enum err err_note(struct diag *diag, enum err e, const char *fmt, ...) ATTR_PRINTF(3, 4);

#endif

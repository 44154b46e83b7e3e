/* SPDX-License-Identifier: Apache-2.0
 * The keys that `reevectl key` keeps: files in STATE-DIR/keys (tsig/keyfile.h says how they are
 * named), which the configuration reads.
 *
 * Everything here waits for the disk: helpers' threads only. Secrets lie in secret memory, and
 * nothing here shows them. */
#ifndef REEVE_SERVER_KEYSTORE_H
#define REEVE_SERVER_KEYSTORE_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "dns/name.h"
#include "tsig/keyfile.h"

/* Makes the folder (0700), a key, and its file. ERR_EXISTS: there is one. *out is the caller's to
 * keyfile_done(), *path where it is. */
enum err keystore_new(const char *state_dir, struct name name, const char *algorithm,
                      char path[PATH_MAX], struct keyfile *out, struct diag *diag);

/* The file gets a new secret; the newest one of before is accepted until then. ERR_EXISTS: one
 * older than that is accepted yet, and would be no more, unless is_forced. algorithm: of the key,
 * where the file itself names none. */
struct keystore_rotation {
    const char *path;
    struct name name;
    const char *algorithm;
    int64_t now_us, until_us; /* wall clock */
    bool is_forced;
};
enum err keystore_rotate(const struct keystore_rotation *r, struct keyfile *out, struct diag *diag);

/* The file is kept aside as a revoked one, in place of an older one of that name. After a failure
 * aside is empty if it is where it was; else it is aside, but may be back after a power failure. */
enum err keystore_revoke(const char *path, char aside[PATH_MAX], struct diag *diag);

struct keystore_copied {
    bool is_made; /* the folder DIR/keys */
    unsigned count;
};

/* Copies of all files of keys, revoked ones too, as DIR/keys (0700, and 0600), which must not be
 * there. No folder of keys is no failure: nothing is made; nor is anything left of a failure. */
enum err keystore_copy(const char *state_dir, const char *dir, struct keystore_copied *out,
                       struct diag *diag);
/* Takes away what keystore_copy() has made, if it has. */
void keystore_copy_undo(const char *dir, const struct keystore_copied *made);

#endif

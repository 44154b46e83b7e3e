/* SPDX-License-Identifier: Apache-2.0
 * Files that hold secrets: read when they are kept well, written whole or not at all.
 *
 * What is read lies in secret memory (base/secret.h), and nothing that a file says gets into a
 * diag, because it may be the secret in the wrong place. These functions wait for the disk: they
 * are for start, helpers and reevectl. */
#ifndef REEVE_BASE_SECRETFILE_H
#define REEVE_BASE_SECRETFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct secretfile {
    char *text;          /* from secret_alloc(); NULL: none */
    size_t len, len_max; /* len_max + 1 bytes were allocated */
    int64_t changed_us;  /* wall clock: when the file was written */
};

/* Reads a regular file (links to it are followed: that is how Kubernetes and systemd hand out
 * secrets) that belongs to us or to root, that its group at most may read and nobody else at all.
 * ERR_ABSENT: there is none; ERR_IO: it cannot be opened or read; ERR_INVALID: it is not such a
 * file; ERR_LIMIT: it has more than len_max bytes. diag begins with the path. After a failure *out
 * is all zero. */
enum err secretfile_read(const char *path, size_t len_max, struct secretfile *out,
                         struct diag *diag);
/* Wipes and frees it. All zero is fine. */
void secretfile_done(struct secretfile *f);

enum secretfile_write {
    SECRETFILE_NEW,    /* there must be no such file yet: ERR_EXISTS */
    SECRETFILE_REPLACE /* one that is there keeps its owner and group, and whether the group reads
                          it */
};
/* The file is there whole and synced, with mode 0600, or as it was before: ERR_IO. A link stays and
 * what it leads to is replaced. */
enum err secretfile_write(const char *path, const char *text, size_t len, enum secretfile_write how,
                          struct diag *diag);

#endif

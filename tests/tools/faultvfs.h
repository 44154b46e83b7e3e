/* SPDX-License-Identifier: Apache-2.0
 * A disk that fails on demand: a SQLite VFS in front of the system's.
 *
 * It knows what of each file has been synced. faultvfs_crash() gives the files exactly that, as a
 * power failure does, or (CRASH_TORN) for each sector that was not synced the old or the new
 * content by chance. A sync that fails behaves as Linux's: what it should have written counts as
 * clean afterwards, so a later sync succeeds without writing it. Any number of threads. */
#ifndef REEVE_TESTS_TOOLS_FAULTVFS_H
#define REEVE_TESTS_TOOLS_FAULTVFS_H

#include <stdint.h>

struct faultvfs;

enum fault_call { FAULT_WRITE, FAULT_SYNC, FAULT_OPEN, FAULT_TRUNCATE, FAULT_READ, FAULT_CALLS };

struct fault {
    enum fault_call call;
    uint64_t at;    /* 1: the next such call */
    uint64_t count; /* so many from there on fail; UINT64_MAX: until faultvfs_clear() */
    int error;      /* errno; ENOSPC and EDQUOT write half of the bytes first */
};

/* Registers it under the name, which has to live as long. */
struct faultvfs *faultvfs_new(const char *name);
void faultvfs_free(struct faultvfs *v);
/* One fault at a time for each kind of call. */
void faultvfs_fail(struct faultvfs *v, const struct fault *f);
void faultvfs_clear(struct faultvfs *v);
uint64_t faultvfs_calls(struct faultvfs *v, enum fault_call call);
/* From now on every call fails: nothing can be saved any more. */
void faultvfs_kill(struct faultvfs *v);
/* With no file open: the files become what a crash at the kill leaves, and calls succeed again. */
enum crash { CRASH_DROP, CRASH_TORN };
void faultvfs_crash(struct faultvfs *v, enum crash how, uint64_t seed);

#endif

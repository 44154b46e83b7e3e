/* SPDX-License-Identifier: Apache-2.0
 * Memory for secrets: kept out of swap and core dumps, guarded by pages that fault, and wiped when
 * it is given back.
 *
 * That is what the cryptographic library's secure heap gives, once secret_setup() has made it.
 * Before that, without it, and when it is full, the memory is ordinary memory; wiped it is always.
 * It holds secrets while they are read and handed over: what the library makes of a key (OpenSSL
 * 3.0 takes none of the heap for it) lies in ordinary memory and is wiped by the library. Any
 * thread may take and give back. */
#ifndef REEVE_BASE_SECRET_H
#define REEVE_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

/* Some 200 key files at once; below the 8 MiB that systemd and most kernels let a process lock. */
#define SECRET_HEAP_LEN (256u << 10)

/* Makes the heap; once, before threads start and before the first key is read. OK; ERR_EXISTS: it
 * has been made before; ERR_LIMIT: it is there, but could not be locked or guarded (the limit of
 * locked memory is too low); ERR_SYSTEM: there is none. Whatever it says, all below works; the
 * caller tells the operator what diag says. */
enum err secret_setup(struct diag *diag);
bool secret_is_locked_up(const void *p); /* p lies in the secure heap */

/* Aborts where mem_alloc() does. */
ATTR_NOT_NULL void *secret_alloc(size_t len);
/* Wipes all of the len bytes that were asked for. NULL is fine. */
void secret_free(void *p, size_t len);

/* free(), of ordinary memory, that wipes all of it: for libraries that are given secrets. NULL is
 * fine. */
void secret_free_plain(void *p);

/* Overwrites in a way that no compiler leaves out. */
void secret_wipe(void *p, size_t len);
/* In a time that does not depend on the bytes. */
bool secret_is_equal(const void *a, const void *b, size_t len);

#endif

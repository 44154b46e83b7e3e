/* SPDX-License-Identifier: Apache-2.0
 * Memory with one lifetime: taken piece by piece, given back all at once.
 *
 * An arena grows by blocks up to its limit; arena_reset() keeps the first block, so that a
 * request's memory costs no malloc in steady state. Pieces are never freed one by one. Not for more
 * than one thread. Out of memory aborts; a size that a peer can influence is bounded by the limit,
 * and arena_alloc() says NULL at the limit. */
#ifndef REEVE_BASE_ARENA_H
#define REEVE_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena_block;

struct arena {
    struct arena_block *first, *last;
    uint8_t *at, *end;
    size_t held;  /* bytes in all blocks */
    size_t limit; /* bytes that all blocks together may have */
};

/* Takes a first block of block_len bytes. */
void arena_init(struct arena *a, size_t block_len, size_t limit);
void arena_done(struct arena *a);
/* Everything taken before is gone; the first block stays. */
void arena_reset(struct arena *a);
/* Everything in it becomes zero, in a way that no compiler leaves out: it held secrets. */
void arena_wipe(struct arena *a);
/* Aligned for any type, not cleared; NULL when the limit is reached. */
void *arena_alloc(struct arena *a, size_t len);
void *arena_copy(struct arena *a, const void *bytes, size_t len);
/* A copy ended by NUL. */
char *arena_string(struct arena *a, const char *bytes, size_t len);

/* malloc, calloc and realloc that abort when there is no memory: what they are asked for is bounded
 * by a named limit or by the operator's own data. Their memory is given back with free(). */
ATTR_NOT_NULL void *mem_alloc(size_t len);
ATTR_NOT_NULL void *mem_alloc_zero(size_t len);
ATTR_NOT_NULL void *mem_grow(void *p, size_t len);
/* A copy of a string; NULL gives NULL. */
char *mem_string(const char *s);

#endif

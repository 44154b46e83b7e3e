/* SPDX-License-Identifier: Apache-2.0
 * Memory of one zone: pieces of exact size without headers, and all of it given back at once.
 *
 * Sizes are rounded up to 8 bytes; a freed piece goes to the list of its size and is used again for
 * that size. The owner knows the size of what it frees. Chunks grow with the zone (a small zone
 * holds 4 KiB, a large one 2 MiB-aligned chunks that can be huge pages: at once while it is loaded,
 * each when it is full once it is served). Only one thread at a time allocates or frees; others may
 * read what lies in pieces. */
#ifndef REEVE_ZONE_POOL_H
#define REEVE_ZONE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Larger pieces come from malloc; they are part of the pool all the same. */
#define POOL_PIECE_MAX 4096

struct pool_chunk;
struct pool_big;
struct pool_free_piece;

struct pool {
    uint8_t *at, *end;
    struct pool_chunk *chunks;
    struct pool_big *big;
    struct pool_free_piece **free_lists; /* by size / 8, made at the first free */
    size_t held;                         /* bytes taken from the system */
    size_t used;                         /* bytes in pieces that are in use */
    bool is_served;
};

void pool_init(struct pool *p);
/* Gives back everything; any thread, once nobody uses the pieces. */
void pool_done(struct pool *p);
/* From now on no pool_alloc() may take long: the system clears a huge page in one go, which took 5
 * ms on a virtual machine, small ones as they are touched. */
void pool_serve(struct pool *p);
/* Aligned to 8, not cleared. */
void *pool_alloc(struct pool *p, size_t size);
void pool_free(struct pool *p, void *piece, size_t size);

#endif

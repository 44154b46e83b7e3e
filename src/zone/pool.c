/* SPDX-License-Identifier: Apache-2.0
 * Pools: bump allocation in chunks, free lists of exact size.
 *
 * Exact sizes mean that there is nothing to merge or to compact: a zone that changes keeps asking
 * for the sizes that it gave back. What is left at the end of a chunk when a piece does not fit is
 * lost, at most POOL_PIECE_MAX of a chunk. */
#include "zone/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/check.h"

#define CHUNK_LEN_MIN 4096
/* A huge page of x86-64: random walks over a big zone miss the TLB otherwise. */
#define CHUNK_LEN_MAX ((size_t)2 << 20)

struct pool_chunk {
    struct pool_chunk *next;
    size_t len;
    bool is_mapped;
};

struct pool_big {
    struct pool_big *next, *prev;
    size_t size;
    uint8_t bytes[] __attribute__((aligned(8)));
};

struct pool_free_piece {
    struct pool_free_piece *next;
};

#define FREE_LISTS (POOL_PIECE_MAX / 8 + 1)

/* What a freed piece holds in builds that check slowly: who reads on there, which no sanitizer
 * sees, finds nonsense. */
#define FREED_BYTE 0xdb

static size_t round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

void pool_init(struct pool *p)
{
    *p = (struct pool){0};
}

void pool_done(struct pool *p)
{
    for (struct pool_chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        if (c->is_mapped)
            munmap(c, c->len);
        else
            free(c);
    }
    for (struct pool_big *b = p->big, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(p->free_lists);
    *p = (struct pool){0};
}

/* len bytes at a multiple of len, by mapping twice as much and giving back the ends; NULL: the
 * system has no more. */
static void *map_aligned(size_t len)
{
    uint8_t *p = mmap(NULL, 2 * len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t head = (len - (uintptr_t)p % len) % len;
    if (head)
        munmap(p, head);
    munmap(p + head + len, len - head);
    return p + head;
}

void pool_serve(struct pool *p)
{
    p->is_served = true;
}

static void chunk_add(struct pool *p)
{
    struct pool_chunk *full = p->chunks;
    if (full && full->is_mapped)
        madvise(full, full->len, MADV_HUGEPAGE);
    size_t len = CHUNK_LEN_MIN;
    while (len < p->held && len < CHUNK_LEN_MAX)
        len *= 2;
    void *mapped = len == CHUNK_LEN_MAX ? map_aligned(len) : NULL;
    if (mapped)
        madvise(mapped, len, p->is_served ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    struct pool_chunk *c = mapped ? mapped : mem_alloc(len);
    *c = (struct pool_chunk){p->chunks, len, mapped};
    p->chunks = c;
    p->at = (uint8_t *)c + round_up(sizeof(*c));
    p->end = (uint8_t *)c + len;
    p->held += len;
}

static void *big_alloc(struct pool *p, size_t size)
{
    struct pool_big *b = mem_alloc(sizeof(*b) + size);
    *b = (struct pool_big){.next = p->big, .size = size};
    if (b->next)
        b->next->prev = b;
    p->big = b;
    p->held += size;
    return b->bytes;
}

static void big_free(struct pool *p, void *piece)
{
    struct pool_big *b = container_of(piece, struct pool_big, bytes);
    if (b->next)
        b->next->prev = b->prev;
    if (b->prev)
        b->prev->next = b->next;
    else
        p->big = b->next;
    p->held -= b->size;
    free(b);
}

void *pool_alloc(struct pool *p, size_t size)
{
    size = round_up(size);
    ASSERT(size > 0);
    p->used += size;
    if (size > POOL_PIECE_MAX - sizeof(struct pool_chunk))
        return big_alloc(p, size);
    if (p->free_lists && p->free_lists[size / 8]) {
        struct pool_free_piece *piece = p->free_lists[size / 8];
        p->free_lists[size / 8] = piece->next;
        return piece;
    }
    if ((size_t)(p->end - p->at) < size)
        chunk_add(p);
    void *piece = p->at;
    p->at += size;
    return piece;
}

void pool_free(struct pool *p, void *piece, size_t size)
{
    size = round_up(size);
    ASSERT(piece && size > 0 && p->used >= size);
    p->used -= size;
#ifdef REEVE_CHECK_SLOW
    memset(piece, FREED_BYTE, size);
#endif
    if (size > POOL_PIECE_MAX - sizeof(struct pool_chunk)) {
        big_free(p, piece);
        return;
    }
    if (!p->free_lists)
        p->free_lists = mem_alloc_zero(FREE_LISTS * sizeof(struct pool_free_piece *));
    struct pool_free_piece *f = piece;
    f->next = p->free_lists[size / 8];
    p->free_lists[size / 8] = f;
}

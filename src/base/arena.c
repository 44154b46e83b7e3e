/* SPDX-License-Identifier: Apache-2.0
 * Arenas, and the allocation functions that do not fail. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct arena_block {
    struct arena_block *next;
    size_t len;
    alignas(max_align_t) uint8_t bytes[];
};

static void *checked(void *p, size_t len)
{
    if (!p) {
        fprintf(stderr, "<0>reeved: out of memory (%zu bytes)\n", len);
        abort();
    }
    return p;
}

void *mem_alloc(size_t len)
{
    return checked(malloc(len ? len : 1), len);
}

/* What is fresh from the system is zero already: of a large table, pages that stay unused are never
 * touched. */
void *mem_alloc_zero(size_t len)
{
    return checked(calloc(1, len ? len : 1), len);
}

void *mem_grow(void *old, size_t len)
{
    return checked(realloc(old, len ? len : 1), len);
}

static void block_add(struct arena *a, size_t len)
{
    struct arena_block *b = mem_alloc(sizeof(*b) + len);
    b->next = NULL;
    b->len = len;
    if (a->last)
        a->last->next = b;
    else
        a->first = b;
    a->last = b;
    a->at = b->bytes;
    a->end = b->bytes + len;
    a->held += len;
}

void arena_init(struct arena *a, size_t block_len, size_t limit)
{
    ASSERT(block_len > 0 && block_len <= limit);
    *a = (struct arena){.limit = limit};
    block_add(a, block_len);
}

static void blocks_free(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_done(struct arena *a)
{
    blocks_free(a->first);
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    struct arena_block *first = a->first;
    blocks_free(first->next);
    first->next = NULL;
    a->last = first;
    a->at = first->bytes;
    a->end = first->bytes + first->len;
    a->held = first->len;
}

void arena_wipe(struct arena *a)
{
    for (struct arena_block *b = a->first; b; b = b->next)
        explicit_bzero(b->bytes, b->len);
}

void *arena_alloc(struct arena *a, size_t len)
{
    const size_t align = alignof(max_align_t);
    if (len > a->limit)
        return NULL;
    len = (len + align - 1) & ~(align - 1);
    if ((size_t)(a->end - a->at) < len) {
        size_t want = a->first->len > len ? a->first->len : len;
        if (a->held + want > a->limit)
            return NULL;
        block_add(a, want);
    }
    void *p = a->at;
    a->at += len;
    return p;
}

void *arena_copy(struct arena *a, const void *bytes, size_t len)
{
    void *p = arena_alloc(a, len);
    return p ? memcpy(p, bytes, len) : NULL;
}

char *arena_string(struct arena *a, const char *bytes, size_t len)
{
    char *p = arena_alloc(a, len + 1);
    if (p) {
        memcpy(p, bytes, len);
        p[len] = '\0';
    }
    return p;
}

char *mem_string(const char *s)
{
    size_t len = s ? strlen(s) + 1 : 0;
    return s ? memcpy(mem_alloc(len), s, len) : NULL;
}

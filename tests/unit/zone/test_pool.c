/* SPDX-License-Identifier: Apache-2.0
 * Pools: pieces do not overlap, freed sizes are used again, everything goes at once. */
#include "zone/pool.h"

#include <unistd.h>

#include "zone_util.h"
#include "../slow.h"

Test(pool, pieces_keep_what_was_written)
{
    enum { COUNT = 5000 };
    static uint8_t *piece[COUNT];
    static uint32_t size[COUNT];
    struct pool p;
    uint64_t seed = 11;
    size_t in_use = 0;
    pool_init(&p);
    for (unsigned round = 0; round < cases(20, 8); round++)
        for (int i = 0; i < COUNT; i++) {
            if (piece[i]) {
                for (uint32_t k = 0; k < size[i]; k++)
                    cr_assert_eq(piece[i][k], (uint8_t)i);
                in_use -= (size[i] + 7) & ~7u;
                pool_free(&p, piece[i], size[i]);
                piece[i] = NULL;
            }
            if (rnd(&seed, 3)) {
                size[i] = 1 + rnd(&seed, rnd(&seed, 50) ? 200 : 20000);
                piece[i] = pool_alloc(&p, size[i]);
                cr_assert_eq((uintptr_t)piece[i] % 8, 0);
                memset(piece[i], i & 0xff, size[i]);
                in_use += (size[i] + 7) & ~7u;
            }
            cr_assert_eq(p.used, in_use);
        }
    pool_done(&p);
}

Test(pool, uses_freed_sizes_again)
{
    struct pool p;
    pool_init(&p);
    void *piece = pool_alloc(&p, 100);
    size_t held = p.held;
    for (int i = 0; i < 10000; i++) {
        pool_free(&p, piece, 100);
        piece = pool_alloc(&p, 97); /* the same size in units of 8 */
    }
    cr_assert_eq(p.held, held);
    pool_done(&p);
}

/* Whether the kernel says of the pages around a place that they are to become huge ("hg"). */
static bool is_to_be_huge(const void *place)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    cr_assert(maps);
    char line[4096];
    bool is_huge = false, is_here = false, is_found = false;
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            is_here = from <= (uintptr_t)place && (uintptr_t)place < to;
        if (is_here && !strncmp(line, "VmFlags:", 8)) {
            is_huge = strstr(line, " hg") != NULL;
            is_found = true;
        }
    }
    fclose(maps);
    cr_assert(is_found);
    return is_huge;
}

/* The newest of so many bytes in small pieces */
static void *filled(struct pool *p, size_t bytes)
{
    void *piece = NULL;
    for (size_t size = 0; size < bytes; size += 1024)
        piece = pool_alloc(p, 1024);
    return piece;
}

Test(pool, takes_huge_pages_while_loading_and_no_new_ones_once_served)
{
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
        cr_skip_test("the kernel has no huge pages");
    struct pool p;
    pool_init(&p);
    void *loaded = filled(&p, 8 << 20);
    cr_assert(is_to_be_huge(loaded));
    pool_serve(&p);
    void *first = filled(&p, 2 << 20);
    cr_assert_not(is_to_be_huge(first));
    void *next = filled(&p, 2 << 20);
    cr_assert_not(is_to_be_huge(next));
    cr_assert(is_to_be_huge(first));
    cr_assert(is_to_be_huge(loaded));
    pool_done(&p);
}

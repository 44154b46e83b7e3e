/* SPDX-License-Identifier: Apache-2.0
 * Pools: pieces do not overlap, freed sizes are used again, everything goes at once. */
#include "zone/pool.h"
#include "zone_util.h"

Test(pool, pieces_keep_what_was_written)
{
    enum { COUNT = 5000 };
    static uint8_t *piece[COUNT];
    static uint32_t size[COUNT];
    struct pool p;
    uint64_t seed = 11;
    size_t in_use = 0;
    pool_init(&p);
    for (int round = 0; round < 20; round++)
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

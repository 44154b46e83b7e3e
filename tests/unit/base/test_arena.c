/* SPDX-License-Identifier: Apache-2.0
 * base/arena: pieces, limit, reset. */
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "unit.h"

Test(arena, pieces_are_aligned_and_do_not_overlap)
{
    struct arena a;
    arena_init(&a, 256, 4096);
    uint8_t *piece[20];
    for (int i = 0; i < 20; i++) {
        piece[i] = arena_alloc(&a, (size_t)i + 1);
        cr_assert_not_null(piece[i]);
        cr_expect_eq((uintptr_t)piece[i] % alignof(max_align_t), 0);
        memset(piece[i], i, (size_t)i + 1);
    }
    for (int i = 0; i < 20; i++)
        for (int j = 0; j <= i; j++)
            cr_assert_eq(piece[i][j], i);
    arena_done(&a);
}

Test(arena, the_limit_is_an_answer_and_not_the_end)
{
    struct arena a;
    arena_init(&a, 64, 256);
    cr_expect_not_null(arena_alloc(&a, 64));
    cr_expect_null(arena_alloc(&a, 257));
    cr_expect_null(arena_alloc(&a, SIZE_MAX));
    cr_expect_null(arena_alloc(&a, SIZE_MAX - 8));
    int pieces = 0;
    while (arena_alloc(&a, 64))
        pieces++;
    cr_expect_eq(pieces, 3);
    cr_expect_leq(a.held, 256);
    arena_done(&a);
}

Test(arena, a_piece_larger_than_a_block_gets_its_own)
{
    struct arena a;
    arena_init(&a, 64, 1 << 20);
    uint8_t *p = arena_alloc(&a, 10000);
    cr_assert_not_null(p);
    memset(p, 1, 10000);
    arena_done(&a);
}

Test(arena, reset_gives_the_first_block_again)
{
    struct arena a;
    arena_init(&a, 64, 4096);
    void *first = arena_alloc(&a, 16);
    for (int i = 0; i < 10; i++)
        arena_alloc(&a, 64);
    cr_expect_gt(a.held, 64);
    arena_reset(&a);
    cr_expect_eq(a.held, 64);
    cr_expect_eq(arena_alloc(&a, 16), first);
    arena_done(&a);
}

Test(arena, copies)
{
    struct arena a;
    arena_init(&a, 64, 64);
    cr_expect_arr_eq(arena_copy(&a, "abc", 3), "abc", 3);
    cr_expect_str_eq(arena_string(&a, "abcdef", 3), "abc");
    cr_expect_null(arena_copy(&a, "abc", 65));
    cr_expect_null(arena_string(&a, "", 64));
    arena_done(&a);
}

Test(arena, done_twice_is_fine)
{
    struct arena a;
    arena_init(&a, 64, 64);
    arena_done(&a);
    arena_done(&a);
}

Test(arena, a_block_above_the_limit_is_a_bug, .signal = SIGABRT)
{
    struct arena a;
    arena_init(&a, 65, 64);
}

Test(arena, wiped_of_all_that_it_held)
{
    struct arena a;
    arena_init(&a, 64, 1024);
    char *first = arena_string(&a, "secret", 6), *own = arena_alloc(&a, 500);
    memset(own, 's', 500);
    char *third = arena_string(&a, "secret", 6);
    arena_wipe(&a);
    cr_expect_eq(first[0] | first[5] | third[0] | third[5], 0);
    for (unsigned i = 0; i < 500; i++)
        cr_expect_eq(own[i], 0);
    arena_done(&a);
    arena_wipe(&a);
}

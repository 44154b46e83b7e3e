/* SPDX-License-Identifier: Apache-2.0
 * The store finds what a list finds. */
#include "zone/store.h"
#include "zone_util.h"

enum { NAMES = 300 };

static const struct name_buf *naive_find(const struct name_buf *names, const bool *in,
                                         struct name n, unsigned skip)
{
    const struct name_buf *best = NULL;
    for (int i = 0; i < NAMES; i++)
        if (in[i] && name_is_under(n, name_of(&names[i])) && names[i].len + skip <= n.len &&
            (!best || names[i].len > best->len))
            best = &names[i];
    return best;
}

static void expect_same(const struct store_entry *e, const struct name_buf *want)
{
    cr_assert_eq(e != NULL, want != NULL);
    if (e)
        cr_assert(name_is_equal(name_of(&e->name), name_of(want)));
}

Test(store, finds_the_longest_match_while_zones_come_and_go)
{
    static struct name_buf names[NAMES];
    static bool in[NAMES];
    uint64_t seed = 3;
    struct store s;
    store_init(&s, (struct hash_key){1, 2});
    for (int i = 0; i < NAMES; i++) {
        bool is_new;
        do {
            names[i] = name_random(&seed, NAME_ROOT, 5);
            is_new = true;
            for (int k = 0; k < i; k++)
                is_new = is_new && !name_is_equal(name_of(&names[i]), name_of(&names[k]));
        } while (!is_new);
    }
    for (int round = 0; round < 5000; round++) {
        int i = (int)rnd(&seed, NAMES);
        if (in[i])
            store_remove(&s, store_get(&s, name_of(&names[i])));
        else
            store_add(&s, name_of(&names[i]));
        in[i] = !in[i];
        struct name_buf n = name_random(&seed, NAME_ROOT, 6);
        expect_same(store_find(&s, name_of(&n)), naive_find(names, in, name_of(&n), 0));
        expect_same(store_find_above(&s, name_of(&n)), naive_find(names, in, name_of(&n), 1));
    }
    store_done(&s);
}

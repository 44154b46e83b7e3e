/* SPDX-License-Identifier: Apache-2.0
 * Edit distance and what it makes of words. */
#include "conf/suggest.h"

#include <string.h>

#include "base/attr.h"
#include "unit.h"

Test(suggest, counts_the_least_edits)
{
    static const struct row {
        const char *a, *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"zones", "zones", 0},
        {"Zones", "zONES", 0},
        {"", "abc", 3},
        {"abc", "", 3},
        {"kitten", "sitting", 3},
        {"lisetn", "listen", 1} /* neighbours swapped */,
        {"zone", "zones", 1},
        {"level", "lvl", 2},
        {"ab", "ba", 1},
        {"abcd", "badc", 2},
        {"flaw", "lawn", 2},
        {"tcp_idle", "tcp-idle", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        cr_expect_eq(suggest_distance(r->a, strlen(r->a), r->b, strlen(r->b)), r->distance,
                     "%s, %s", r->a, r->b);
        cr_expect_eq(suggest_distance(r->b, strlen(r->b), r->a, strlen(r->a)), r->distance,
                     "%s, %s", r->b, r->a);
    }
}

Test(suggest, takes_words_of_the_longest_length)
{
    char a[SUGGEST_LEN_MAX], b[SUGGEST_LEN_MAX];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    cr_assert_eq(suggest_distance(a, sizeof(a), b, sizeof(b)), SUGGEST_LEN_MAX);
}

Test(suggest, offers_the_nearest_and_nothing_that_is_far)
{
    static const char *const candidates[] = {"listen", "limits", "log", "level", "warning"};
    static const struct row {
        const char *word, *best;
    } rows[] = {
        {"lisen", "listen"},
        {"limit", "limits"},
        {"lgo", "log"},
        {"levle", "level"},
        {"warn", "warning"},
        {"lo", "log"},
        {"frobnicate", NULL},
        {"listening-addresses", NULL},
        {"x", NULL},
        {"", NULL},
        {"listenlistenlistenlistenlistenlistenlistenlistenlistenlistenlistenlisten", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct suggest s = suggest_for(rows[i].word);
        for (size_t k = 0; k < ARRAY_LEN(candidates); k++)
            suggest_offer(&s, candidates[k], strlen(candidates[k]));
        if (rows[i].best)
            cr_expect_str_eq(s.best, rows[i].best, "%s", rows[i].word);
        else
            cr_expect_null(s.best, "%s", rows[i].word);
    }
}

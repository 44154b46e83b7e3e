/* SPDX-License-Identifier: Apache-2.0
 * Words of a set. */
#include "conf/word.h"
#include "unit.h"

Test(word, finds_words_in_any_case)
{
    const struct word *set = word_set(SETTING_LEVEL);
    cr_expect_eq(word_find(set, "error")->value, LOG_ERROR_LEVEL);
    cr_expect_eq(word_find(set, "WARNING")->value, LOG_WARN_LEVEL);
    cr_expect_eq(word_find(set, "Debug")->value, LOG_DEBUG_LEVEL);
    cr_expect_null(word_find(set, "warn"));
    cr_expect_null(word_find(set, ""));
    cr_expect_eq(word_find(word_set(SETTING_YES_NO), "on")->value, 1);
    cr_expect_eq(word_find(word_set(SETTING_YES_NO), "false")->value, 0);
    cr_expect_eq(word_find(word_set(SETTING_FORM), "json")->value, LOG_JSON);
    cr_expect_eq(word_find(word_set(SETTING_TARGET), "journal")->value, CONF_LOG_JOURNAL);
}

Test(word, kinds_without_words_have_no_set)
{
    cr_expect_null(word_set(SETTING_COUNT));
    cr_expect_null(word_set(SETTING_LATER));
}

Test(word, shows_a_set_as_a_sentence)
{
    char room[100];
    struct text t;
    text_init(&t, room, sizeof(room));
    word_show_all(word_set(SETTING_LEVEL), &t);
    cr_expect_str_eq(room, "error, warning, notice, info or debug");
    text_init(&t, room, sizeof(room));
    word_show_all(word_set(SETTING_FORM), &t);
    cr_expect_str_eq(room, "logfmt or json");
}

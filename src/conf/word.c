/* SPDX-License-Identifier: Apache-2.0
 * Sets of words, made from the lists of the enums they stand for. */
#include "conf/word.h"

#include <string.h>
#include <strings.h>

#include "conf/suggest.h"

const struct word *word_set(enum setting_kind kind)
{
    static const struct word yes_no[] = {{"yes", 1},  {"no", 0},    {"on", 1}, {"off", 0},
                                         {"true", 1}, {"false", 0}, {0}};
    static const struct word levels[] = {
#define X(name, priority, text) {text, name},
        LOG_LEVEL_LIST(X)
#undef X
            {0}};
    static const struct word forms[] = {
#define X(name, text) {text, name},
        LOG_FORM_LIST(X)
#undef X
            {0}};
    static const struct word targets[] = {
#define X(name, text) {text, name},
        CONF_LOG_TARGET_LIST(X)
#undef X
            {0}};
    switch (kind) {
    case SETTING_YES_NO:
        return yes_no;
    case SETTING_LEVEL:
        return levels;
    case SETTING_FORM:
        return forms;
    case SETTING_TARGET:
        return targets;
    default:
        return NULL;
    }
}

const struct word *word_find(const struct word *set, const char *text)
{
    for (; set->text; set++)
        if (strcasecmp(set->text, text) == 0)
            return set;
    return NULL;
}

void word_show_all(const struct word *set, struct text *t)
{
    for (const struct word *w = set; w->text; w++) {
        text_add(t, w == set ? "" : w[1].text ? ", " : " or ");
        text_add(t, w->text);
    }
}

const char *word_suggest(const struct word *set, const char *text)
{
    struct suggest near = suggest_for(text);
    for (const struct word *w = set; w->text; w++)
        suggest_offer(&near, w->text, strlen(w->text));
    return near.best;
}

/* SPDX-License-Identifier: Apache-2.0
 * Sets of words, made from the lists of the enums they stand for. */
#include "conf/word.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "conf/suggest.h"

static const struct word yes_no[] = {{"yes", 1},  {"no", 0},    {"on", 1}, {"off", 0},
                                     {"true", 1}, {"false", 0}, {0}};
#define X(name, text)           {text, name},
#define Y(name, priority, text) {text, name},
static const struct word levels[] = {LOG_LEVEL_LIST(Y){0}};
static const struct word forms[] = {LOG_FORM_LIST(X){0}};
static const struct word targets[] = {CONF_LOG_TARGET_LIST(X){0}};
static const struct word algorithms[] = {{"hmac-md5", 0},
                                         {"hmac-sha1", 0},
                                         {"hmac-sha224", 0},
                                         {"hmac-sha256", 0},
                                         {"hmac-sha384", 0},
                                         {"hmac-sha512", 0},
                                         {0}};
static const struct word serials[] = {SERIAL_POLICY_LIST(X){0}};
static const struct word protects[] = {CONF_PROTECT_LIST(X){0}};
static const struct word whens[] = {CONF_WHEN_LIST(X){0}};
static const struct word scopes[] = {CONF_SCOPE_LIST(X){0}};
static const struct word zone_types[] = {CONF_ZONE_TYPE_LIST(X){0}};
#undef X
#undef Y

static const struct word *const sets[] = {
    [SETTING_YES_NO] = yes_no,    [SETTING_LEVEL] = levels,         [SETTING_FORM] = forms,
    [SETTING_TARGET] = targets,   [SETTING_ALGORITHM] = algorithms, [SETTING_SERIAL] = serials,
    [SETTING_PROTECT] = protects, [SETTING_ZONE_TYPE] = zone_types, [SETTING_SCOPE] = scopes,
    [SETTING_WHEN] = whens,
};

const struct word *word_set(enum setting_kind kind)
{
    return kind < ARRAY_LEN(sets) ? sets[kind] : NULL;
}

const char *word_text(enum setting_kind kind, int value)
{
    const struct word *w = word_set(kind);
    while (w->text && w->value != value)
        w++;
    ASSERT(w->text);
    return w->text;
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

/* SPDX-License-Identifier: Apache-2.0
 * The table of settings, made from its rows. */
#include "conf/setting.h"

#include <string.h>

#include "base/check.h"
#include "conf/suggest.h"
#include "conf/word.h"

/* clang-format off */
const struct setting setting_rows[] = {
#define SETTING(path, member, kind, preset, min, max, what)                                        \
    {path, SETTING_##kind, preset, min, max, what, offsetof(struct conf, member), 0},
#define ENTRY(path, type, member, place, kind, min, max, what)                                     \
    {path, SETTING_##kind, NULL, min, max, what, offsetof(struct type, member),                    \
     offsetof(struct type, place)},
#define LATER(path)                                                                                \
    {path, SETTING_LATER, NULL, 0, 0, "", 0, 0},
#include "conf/settings.tbl.h"
#undef SETTING
#undef ENTRY
#undef LATER
};
/* clang-format on */
const unsigned setting_row_count = ARRAY_LEN(setting_rows);

static const struct setting *const rows_end = setting_rows + ARRAY_LEN(setting_rows);

const struct setting *setting_find(const char *path)
{
    for (const struct setting *s = setting_rows; s < rows_end; s++)
        if (strcmp(s->path, path) == 0)
            return s;
    return NULL;
}

/* What of the row's path is below `path`, or NULL. */
static const char *below(const struct setting *s, const char *path)
{
    size_t len = strlen(path);
    if (len == 0)
        return s->path;
    return strncmp(s->path, path, len) == 0 && s->path[len] == '.' ? s->path + len + 1 : NULL;
}

bool setting_is_map(const char *path)
{
    for (const struct setting *s = setting_rows; s < rows_end; s++)
        if (below(s, path))
            return true;
    return false;
}

bool setting_is_global(const struct setting *s)
{
    return s->preset != NULL;
}

static const char *suggest_elsewhere(const char *key)
{
    for (const struct setting *s = setting_rows; s < rows_end; s++) {
        const char *dot = strrchr(s->path, '.');
        if (dot && strcmp(dot + 1, key) == 0 && s->kind != SETTING_LATER && !strchr(s->path, '*'))
            return s->path;
    }
    return NULL;
}

const char *setting_suggest(const char *path, const char *key, char room[SETTING_PATH_MAX])
{
    const char *elsewhere = suggest_elsewhere(key);
    if (elsewhere)
        return elsewhere;
    struct suggest near = suggest_for(key);
    for (const struct setting *s = setting_rows; s < rows_end; s++) {
        const char *rest = below(s, path);
        if (rest && *rest != '*')
            suggest_offer(&near, rest, strcspn(rest, "."));
    }
    if (!near.best)
        return NULL;
    struct text t;
    text_init(&t, room, SETTING_PATH_MAX);
    text_bytes(&t, near.best, near.best_len);
    return room;
}

/* --- what a setting takes --- */

struct unit {
    uint64_t factor;
    const char *text;
};

static void show_unit(struct text *t, uint64_t v, const struct unit *units)
{
    while (units->factor > 1 && (v == 0 || v % units->factor != 0))
        units++;
    text_fmt(t, "%llu%s", (unsigned long long)(v / units->factor), units->text);
}

static void show_range(struct text *t, const struct setting *s, const struct unit *units)
{
    show_unit(t, s->min, units);
    text_add(t, " to ");
    show_unit(t, s->max, units);
}

const char *setting_expects(const struct setting *s, char room[SETTING_EXPECTS_MAX])
{
    static const struct unit ones[] = {{1, ""}},
                             sizes[] = {{1u << 30, "G"}, {1u << 20, "M"}, {1u << 10, "K"}, {1, ""}},
                             times[] = {{86400000, "d"},
                                        {3600000, "h"},
                                        {60000, "m"},
                                        {1000, "s"},
                                        {1, "ms"}};
    struct text t;
    text_init(&t, room, SETTING_EXPECTS_MAX);
    switch (s->kind) {
    case SETTING_YES_NO:
        text_add(&t, "yes or no");
        break;
    case SETTING_COUNT:
        text_add(&t, "a number from ");
        show_range(&t, s, ones);
        break;
    case SETTING_SIZE:
        text_add(&t, "a size from ");
        show_range(&t, s, sizes);
        break;
    case SETTING_DURATION:
        text_add(&t, "a duration from ");
        show_range(&t, s, times);
        break;
    case SETTING_TEXT:
    case SETTING_HOST_TEXT:
    case SETTING_PATH:
        text_add(&t, s->kind == SETTING_PATH ? "a path of " : "text of ");
        show_range(&t, s, ones);
        text_add(&t, " bytes without control characters");
        break;
    case SETTING_LISTEN:
        text_fmt(&t, "at most %u addresses", (unsigned)s->max);
        break;
    case SETTING_ADDRESS:
        text_add(&t, "ADDRESS or ADDRESS@PORT");
        break;
    case SETTING_LEVEL:
    case SETTING_FORM:
    case SETTING_TARGET:
        word_show_all(word_set(s->kind), &t);
        break;
    case SETTING_LATER:
        break;
    }
    ASSERT(!t.bad);
    return room;
}

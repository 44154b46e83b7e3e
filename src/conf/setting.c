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
#define ENTRY(path, type, member, place, kind, preset, min, max, what)                             \
    {path, SETTING_##kind, preset, min, max, what, offsetof(struct type, member),                  \
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
    return s - setting_rows < CONF_SETTING_COUNT;
}

bool setting_is_in(const struct setting *s, const char *path)
{
    const char *rest = below(s, path);
    return rest && !strchr(rest, '.');
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

static const struct unit ones[] = {{1, ""}}, percents[] = {{1, "%"}},
                         sizes[] = {{1u << 30, "G"}, {1u << 20, "M"}, {1u << 10, "K"}, {1, ""}},
                         times[] = {{86400000, "d"},
                                    {3600000, "h"},
                                    {60000, "m"},
                                    {1000, "s"},
                                    {1, "ms"}},
                         periods[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};

/* What is said around the range, by kind; without units there is no range in it. */
static const struct expectation {
    const char *before;
    const struct unit *units;
    const char *after;
} expectations[] = {
    [SETTING_YES_NO] = {"yes or no", NULL, ""},
    [SETTING_COUNT] = {"a number from ", ones, ""},
    [SETTING_SIZE] = {"a size from ", sizes, ""},
    [SETTING_DURATION] = {"a duration from ", times, ""},
    [SETTING_PERIOD] = {"a duration from ", periods, ""},
    [SETTING_TEXT] = {"text of ", ones, " bytes without control characters"},
    [SETTING_HOST_TEXT] = {"text of ", ones, " bytes without control characters"},
    [SETTING_NAME] = {"a name of ", ones, " bytes without control characters"},
    [SETTING_PATH] = {"a path of ", ones, " bytes without control characters"},
    [SETTING_FILE] = {"off, or a path of ", ones, " bytes without control characters"},
    [SETTING_DOMAIN] = {"off, or the name of a domain", NULL, ""},
    [SETTING_SOCKET] = {"a path of ", ones, " bytes in all, or off"},
    [SETTING_PREFIXES] = {"off, or a prefix, or a list of ", ones, " prefixes"},
    [SETTING_ADDRESS] = {"ADDRESS or ADDRESS@PORT", NULL, ""},
    [SETTING_SECRET] = {"base64 of ", ones, " bytes, or off"},
    [SETTING_TIME] = {"a time like 2026-11-30 or 2026-11-30T12:00:00Z", NULL, ""},
    [SETTING_LIST] = {"one, or a list of ", ones, ""},
    [SETTING_RANGE] = {"MIN..MAX, each from ", ones, ""},
    [SETTING_RATE] = {"a number like 20/s from ", ones, ""},
    [SETTING_PERCENT] = {"off, or a part from ", percents, ""},
    [SETTING_ENDPOINT] = {"ADDRESS or ADDRESS@PORT", NULL, ""},
    [SETTING_SOA] = {"a map", NULL, ""},
    [SETTING_WAIT] = {"a map", NULL, ""},
    [SETTING_UPDATES] = {"a list of maps", NULL, ""},
    [SETTING_TRANSFER] = {"a list of remotes and maps", NULL, ""},
    [SETTING_LATER] = {"", NULL, ""},
};

void setting_show_number(const struct setting *s, uint64_t v, struct text *t)
{
    ASSERT(expectations[s->kind].units);
    show_unit(t, v, expectations[s->kind].units);
}

static void show_expected(const struct setting *s, struct text *t)
{
    if (s->kind == SETTING_LISTEN) {
        text_fmt(t, "at most %u addresses", (unsigned)s->max);
        return;
    }
    const struct expectation *e = &expectations[s->kind];
    text_add(t, e->before);
    if (e->units)
        show_range(t, s, e->units);
    text_add(t, e->after);
}

const char *setting_expects(const struct setting *s, char room[SETTING_EXPECTS_MAX])
{
    struct text t;
    text_init(&t, room, SETTING_EXPECTS_MAX);
    const struct word *words = word_set(s->kind);
    if (words && s->kind != SETTING_YES_NO)
        word_show_all(words, &t);
    else
        show_expected(s, &t);
    ASSERT(!t.bad);
    return room;
}

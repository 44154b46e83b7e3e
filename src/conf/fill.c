/* SPDX-License-Identifier: Apache-2.0
 * Walking the document: what a key means, what to say of one that means nothing. */
#include "conf/fill.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/fault.h"
#include "conf/keys.h"
#include "conf/listen.h"
#include "conf/remotes.h"
#include "conf/value.h"
#include "conf/zones.h"

const char *fill_string(struct fill *f, const struct item *n)
{
    const char *copy = arena_string(&f->conf->arena, n->text, n->len);
    if (!copy)
        fault_add(f->faults, n->at, "the configuration is too large");
    return copy;
}

void *fill_alloc(struct fill *f, const struct item *n, size_t len)
{
    void *room = arena_alloc(&f->conf->arena, len);
    if (!room)
        fault_add(f->faults, n->at, "the configuration is too large");
    return room;
}

bool fill_is_map(struct fill *f, const struct item *n, const char *path)
{
    if (n->kind == ITEM_MAP)
        return true;
    if (item_is_empty(n))
        return true;
    const char *hint =
        n->kind == ITEM_TEXT && strchr(n->text, ':') ? " (is a blank missing after a colon?)" : "";
    if (*path)
        fault_add(f->faults, n->at, "\"%s\" takes a map, not %s%s", path, item_kind_text(n), hint);
    else
        fault_add(f->faults, n->at, "the configuration is a map of settings, not %s%s",
                  item_kind_text(n), hint);
    return false;
}

/* --- keys given twice --- */

static int compare_keys(const void *pa, const void *pb)
{
    const struct item *a = *(const struct item *const *)pa, *b = *(const struct item *const *)pb;
    int order = strcmp(a->text, b->text);
    return order ? order : conf_at_compare(a->at, b->at);
}

/* Sorted, because a map may have as many keys as the file has room for. */
static void check_duplicates(struct fill *f, const struct item *map)
{
    unsigned count = map->count / 2, i = 0;
    if (count < 2)
        return;
    const struct item **keys = mem_alloc(count * sizeof(struct item *));
    for (const struct item *key = map->first; key; key = key->next->next)
        keys[i++] = key;
    qsort(keys, count, sizeof(struct item *), compare_keys);
    const struct item *first = keys[0];
    for (i = 1; i < count; i++)
        if (strcmp(keys[i]->text, first->text) != 0)
            first = keys[i];
        else
            fault_add(f->faults, keys[i]->at,
                      "\"%.*s\" is given twice, first at line %u, column %u", QUOTED(keys[i]->text),
                      first->at.line, first->at.column);
    free(keys);
}

/* --- keys --- */

/* Where a key leads, or false: too long, or not one word of a path. */
static bool join_path(const char *path, const char *key, char joined[SETTING_PATH_MAX])
{
    struct text t;
    text_init(&t, joined, SETTING_PATH_MAX);
    text_add(&t, path);
    text_add(&t, *path ? "." : "");
    text_add(&t, key);
    return !t.bad && *key && !strpbrk(key, ".*");
}

static void say_unknown(struct fill *f, const struct item *key, const char *path)
{
    char room[SETTING_PATH_MAX];
    const char *meant = fault_is_full(f->faults) ? NULL : setting_suggest(path, key->text, room);
    fault_add(f->faults, key->at, "unknown setting \"%.*s\"%s%s%s%s%s%s", QUOTED(key->text),
              *path ? " in \"" : "", path, *path ? "\"" : "", meant ? ", did you mean \"" : "",
              meant ? meant : "", meant ? "\"?" : "");
}

static void fill_entry(struct fill *f, const struct item *key, const char *path, void *entry)
{
    const struct item *value = key->next;
    char joined[SETTING_PATH_MAX];
    if (!join_path(path, key->text, joined)) {
        say_unknown(f, key, path);
        return;
    }
    const struct setting *s = setting_find(joined);
    if (s && s->kind == SETTING_LATER)
        fault_add(f->faults, key->at, "\"%s\" is not supported yet", joined);
    else if (s && s->kind == SETTING_LISTEN)
        listen_read(f, s, value);
    else if (s)
        value_read(f, s, value, entry);
    else if (strcmp(joined, "zones") == 0)
        zones_read(f, value);
    else if (strcmp(joined, "keys") == 0)
        keys_read(f, value);
    else if (strcmp(joined, "remotes") == 0)
        remotes_read(f, value);
    else if (setting_is_map(joined))
        fill_map(f, value, joined, NULL);
    else
        say_unknown(f, key, path);
}

void fill_map(struct fill *f, const struct item *n, const char *path, void *entry)
{
    if (!fill_is_map(f, n, path))
        return;
    check_duplicates(f, n);
    for (const struct item *key = n->first; key; key = key->next->next)
        fill_entry(f, key, path, entry);
}

/* --- defaults --- */

/* The default of a list has its entries between blanks. */
static void fill_preset_list(struct fill *f, const struct setting *s)
{
    struct item list = {.kind = ITEM_LIST, .text = ""}, entries[8];
    struct item **end = &list.first;
    for (const char *at = s->preset; *at; list.count++) {
        size_t len = strcspn(at, " ");
        ASSERT(list.count < ARRAY_LEN(entries));
        struct item *n = &entries[list.count];
        *n = (struct item){.kind = ITEM_TEXT,
                           .text = arena_string(&f->conf->arena, at, len),
                           .len = (uint32_t)len};
        *end = n;
        end = &n->next;
        at += len + strspn(at + len, " ");
    }
    listen_read(f, s, &list);
}

/* Read as if they stood in the file, so that there is one way for a value to come in. */
void fill_presets(struct fill *f)
{
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const struct setting *s = &setting_rows[i];
        struct item n = {.kind = ITEM_TEXT, .text = s->preset, .len = (uint32_t)strlen(s->preset)};
        if (s->kind == SETTING_LISTEN)
            fill_preset_list(f, s);
        else
            value_read(f, s, &n, NULL);
    }
    ASSERT(f->faults->count == 0);
}

void fill_entry_presets(struct fill *f, const char *path, void *entry)
{
    for (const struct setting *s = setting_rows; s < setting_rows + setting_row_count; s++)
        if (!setting_is_global(s) && s->preset && *s->preset && setting_is_in(s, path)) {
            struct item n = {
                .kind = ITEM_TEXT, .text = s->preset, .len = (uint32_t)strlen(s->preset)};
            value_read(f, s, &n, entry);
        }
}

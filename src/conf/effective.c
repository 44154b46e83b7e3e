/* SPDX-License-Identifier: Apache-2.0
 * The configuration printed: as it took effect (conf_effective), and as it could be
 * (conf_document).
 *
 * Both are walks over the rows of the table, whose order is the order of the file; a map is opened
 * when a path enters it. */
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/conf.h"
#include "conf/setting.h"
#include "conf/when.h"
#include "conf/word.h"

enum {
    INDENT = 2,
    ORIGIN_COLUMN = 48, /* where the comments stand, unless the value is longer */
    CWD_MAX = 4096,
    NUMBER_MAX = 48,
};

/* --- scalars --- */

/* A plain scalar of YAML that nothing can take for something else. */
static bool is_plain(const char *text)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_"
    static const char letters[] = LETTERS, letters_inside[] = LETTERS "-@";
    return strspn(text, letters) > 0 && text[strspn(text, letters_inside)] == '\0';
}

/* In single quotes nothing but the quote itself is special, and no text here has control characters
 * (value.c). Other escapes would make a long zone name too long for a key: YAML reads 1024
 * characters. Returns the characters printed. */
static int show_scalar(const char *text, FILE *out)
{
    if (is_plain(text))
        return fprintf(out, "%s", text);
    int n = 2;
    fputc('\'', out);
    for (; *text; text++, n++) {
        if (*text == '\'')
            n += fprintf(out, "'");
        fputc(*text, out);
    }
    fputc('\'', out);
    return n;
}

static void show_origin(const struct conf *c, struct conf_at at, int column, FILE *out)
{
    fprintf(out, "%*s# ", column < ORIGIN_COLUMN ? ORIGIN_COLUMN - column : 1, "");
    if (at.line == 0) {
        fputs("default\n", out);
        return;
    }
    for (const char *s = c->path; *s; s++)
        fputc((unsigned char)*s < 0x20 || *s == 0x7F ? '?' : *s, out);
    fprintf(out, ":%u:%u\n", at.line, at.column);
}

/* A relative path is good from where this process is: say where that is. */
static int show_path(const char *path, FILE *out)
{
    char cwd[CWD_MAX * 2 + 2];
    if (path[0] == '/' || strlen(path) >= CWD_MAX || !getcwd(cwd, CWD_MAX))
        return show_scalar(path, out);
    size_t len = strlen(cwd);
    snprintf(cwd + len, sizeof(cwd) - len, "/%s", path);
    return show_scalar(cwd, out);
}

/* --- maps --- */

/* Prints the keys of the maps that lead to `path` and are not open after `before`; returns the last
 * word of the path. */
static const char *enter_maps(const char *before, const char *path, FILE *out)
{
    int depth = 0;
    bool is_open = true;
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1, depth++) {
        size_t len = (size_t)(dot - path) + 1;
        if (is_open && strncmp(before, path, len) != 0)
            is_open = false;
        if (is_open)
            before += len;
        else
            fprintf(out, "%*s%.*s:\n", depth * INDENT, "", (int)len - 1, path);
    }
    return path;
}

static int depth_of(const char *path)
{
    int depth = 0;
    for (; *path; path++)
        depth += *path == '.';
    return depth;
}

/* --- effective --- */

static void show_listens(const struct conf *c, int indent, FILE *out)
{
    for (unsigned i = 0; i < c->listen.count; i++) {
        const struct conf_listen *item = &c->listen.items[i];
        int column = fprintf(out, "%*s- ", indent, "");
        column += show_scalar(item->text, out);
        show_origin(c, item->at, column, out);
    }
}

static int show_list(const struct conf_texts *list, FILE *out)
{
    int n = fprintf(out, "[");
    for (unsigned i = 0; i < list->count; i++) {
        n += fprintf(out, "%s", i ? ", " : "");
        n += show_scalar(list->items[i].text, out);
    }
    return n + fprintf(out, "]");
}

static int show_global(const struct conf *c, const struct setting *s, FILE *out)
{
    const void *member = (const char *)c + s->member;
    const struct conf_texts *list =
        s->kind == SETTING_PREFIXES ? &((const struct conf_prefixes *)member)->written : NULL;
    const char *text = c->origins[s - setting_rows].text;
    bool is_path = setting_is_path(s);
    if (list && list->count)
        return show_list(list, out);
    return is_path && *(const char *const *)member ? show_path(text, out) : show_scalar(text, out);
}

static void show_setting(const struct conf *c, const struct setting *s, const char *key, FILE *out)
{
    int indent = depth_of(s->path) * INDENT;
    if (s->kind == SETTING_LISTEN) {
        fprintf(out, "%*s%s:\n", indent, "", key);
        show_listens(c, indent + INDENT, out);
        return;
    }
    int column = fprintf(out, "%*s%s: ", indent, "", key);
    column += show_global(c, s, out);
    show_origin(c, c->origins[s - setting_rows].at, column, out);
}

/* --- entries of maps and lists --- */

static int show_number(const struct setting *s, uint64_t v, FILE *out)
{
    char room[NUMBER_MAX];
    struct text t;
    text_init(&t, room, sizeof(room));
    setting_show_number(s, v, &t);
    return fprintf(out, "%s%s", room, s->kind == SETTING_RATE ? "/s" : "");
}

/* The value of a row in the struct that one entry fills; what value.c reads. */
static int show_value(const struct setting *s, const void *member, FILE *out)
{
    char room[WHEN_TEXT_MAX];
    const struct conf_range *range;
    switch (s->kind) {
    case SETTING_YES_NO:
        return show_scalar(word_text(s->kind, *(const bool *)member), out);
    case SETTING_COUNT:
    case SETTING_PERIOD:
    case SETTING_DURATION:
    case SETTING_RATE:
        return show_number(s, *(const uint32_t *)member, out);
    case SETTING_PERCENT:
        return *(const uint32_t *)member ? show_number(s, *(const uint32_t *)member, out)
                                         : fprintf(out, "off");
    case SETTING_RANGE:
        range = member;
        return fprintf(out, "%u..%u", range->min, range->max);
    case SETTING_LIST:
        return show_list(member, out);
    case SETTING_PATH:
        return show_path(*(const char *const *)member, out);
    case SETTING_SECRET:
        return show_scalar("off", out);
    case SETTING_TIME:
        return show_scalar(when_show(*(const int64_t *)member, room), out);
    case SETTING_NAME:
    case SETTING_ENDPOINT:
    case SETTING_ALGORITHM:
        return show_scalar(*(const char *const *)member, out);
    default:
        return show_scalar(word_text(s->kind, *(const int *)member), out);
    }
}

static void show_entries(const struct conf *c, const char *path, const void *entry, int indent,
                         FILE *out);

static void show_updates(const struct conf *c, const struct conf_zone *z, int indent, FILE *out)
{
    for (unsigned i = 0; i < z->grant_count; i++) {
        int column = fprintf(out, "%*s-", indent, "");
        show_origin(c, z->updates[i].at, column, out);
        show_entries(c, "zones.*.updates.*", &z->updates[i], indent + INDENT, out);
    }
}

static void show_transfer(const struct conf *c, const struct conf_zone *z, int indent, FILE *out)
{
    for (unsigned i = 0; i < z->written.transfer_count; i++) {
        const struct conf_transfer *t = &z->written.transfer[i];
        int column = fprintf(out, "%*s-", indent, "");
        if (t->remote.text)
            column += fprintf(out, " ") + show_scalar(t->remote.text, out);
        show_origin(c, t->at, column, out);
        if (!t->remote.text)
            show_entries(c, "zones.*.transfer.*", t, indent + INDENT, out);
    }
}

static bool has_below(const struct setting *s)
{
    return s->kind == SETTING_SOA || s->kind == SETTING_WAIT || s->kind == SETTING_UPDATES ||
           s->kind == SETTING_TRANSFER;
}

/* A map, or a list of maps: its key with the origin, then what is in it. */
static void show_below(const struct conf *c, const struct setting *s, const void *entry, int indent,
                       FILE *out)
{
    const char *key = strrchr(s->path, '.') + 1;
    const struct conf_zone *z = entry;
    bool is_empty = (s->kind == SETTING_UPDATES && z->grant_count == 0) ||
                    (s->kind == SETTING_TRANSFER && z->written.transfer_count == 0);
    int column = fprintf(out, "%*s%s:%s", indent, "", key, is_empty ? " []" : "");
    show_origin(c, *(const struct conf_at *)(const void *)((const char *)entry + s->place), column,
                out);
    if (s->kind == SETTING_UPDATES)
        show_updates(c, z, indent + INDENT, out);
    else if (s->kind == SETTING_TRANSFER)
        show_transfer(c, z, indent + INDENT, out);
    else if (s->kind == SETTING_WAIT)
        show_entries(c, s->path, z, indent + INDENT, out);
    else
        show_entries(c, s->path, z->soa, indent + INDENT, out);
}

/* What was written, and what has a default. */
static void show_entries(const struct conf *c, const char *path, const void *entry, int indent,
                         FILE *out)
{
    for (unsigned i = CONF_SETTING_COUNT; i < setting_row_count; i++) {
        const struct setting *s = &setting_rows[i];
        const struct conf_at *at = (const void *)((const char *)entry + s->place);
        if (s->kind == SETTING_LATER || !setting_is_in(s, path) || (!s->preset && at->line == 0))
            continue;
        if (has_below(s)) {
            show_below(c, s, entry, indent, out);
            continue;
        }
        int column = fprintf(out, "%*s%s: ", indent, "", strrchr(s->path, '.') + 1);
        column += show_value(s, (const char *)entry + s->member, out);
        show_origin(c, *at, column, out);
    }
}

static void show_name(const struct conf *c, struct name name, struct conf_at at, FILE *out)
{
    char text[NAME_TEXT_MAX];
    int column = fprintf(out, "%*s", INDENT, "");
    column += show_scalar(name_text(name, text), out);
    column += fprintf(out, ":");
    show_origin(c, at, column, out);
}

static void show_keys(const struct conf *c, FILE *out)
{
    unsigned given = 0;
    for (unsigned i = 0; i < c->key_count; i++)
        given += c->keys[i].at.line != 0;
    fprintf(out, "keys:%s # secrets of this file are not shown\n", given ? "" : " {}");
    for (unsigned i = 0; i < c->key_count; i++) {
        const struct conf_key *k = &c->keys[i];
        char text[NAME_TEXT_MAX];
        if (k->at.line) {
            show_name(c, name_of(&k->name), k->at, out);
            show_entries(c, "keys.*", k, 2 * INDENT, out);
        } else {
            fprintf(out, "%*s# %s is %s in the state directory\n", INDENT, "",
                    name_text(name_of(&k->name), text), k->is_revoked ? "revoked" : "kept");
        }
    }
}

static void show_remotes(const struct conf *c, FILE *out)
{
    fprintf(out, "remotes:%s\n", c->remote_count ? "" : " {}");
    for (unsigned i = 0; i < c->remote_count; i++) {
        const struct conf_remote *r = &c->written_remotes[i];
        int column = fprintf(out, "%*s", INDENT, "");
        column += show_scalar(r->text, out);
        column += fprintf(out, ":");
        show_origin(c, r->at, column, out);
        show_entries(c, "remotes.*", r, 2 * INDENT, out);
    }
}

static void show_zones(const struct conf *c, FILE *out)
{
    fprintf(out, "zones:%s\n", c->zone_count ? "" : " {}");
    for (unsigned i = 0; i < c->zone_count; i++) {
        show_name(c, c->zones[i].name, c->zones[i].at, out);
        show_entries(c, "zones.*", &c->zones[i], 2 * INDENT, out);
    }
}

void conf_effective(const struct conf *c, FILE *out)
{
    const char *before = "";
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const struct setting *s = &setting_rows[i];
        show_setting(c, s, enter_maps(before, s->path, out), out);
        before = s->path;
    }
    show_keys(c, out);
    show_remotes(c, out);
    show_zones(c, out);
}

/* --- document --- */

/* In comments: there is no entry that all would want. */
static void document_entries(FILE *out)
{
    fprintf(out, "\n# Each entry of these maps and lists may have, \"*\" being its name:\n");
    for (unsigned i = CONF_SETTING_COUNT; i < setting_row_count; i++) {
        const struct setting *s = &setting_rows[i];
        char room[SETTING_EXPECTS_MAX];
        if (s->kind == SETTING_LATER)
            continue;
        bool has_preset = s->preset && *s->preset;
        fprintf(out, "# %s: %s (%s%s%s)\n", s->path, s->what, setting_expects(s, room),
                has_preset ? "; default " : "", has_preset ? s->preset : "");
    }
}

void conf_document(FILE *out)
{
    const char *before = "";
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const struct setting *s = &setting_rows[i];
        char room[SETTING_EXPECTS_MAX];
        const char *key = enter_maps(before, s->path, out);
        int indent = depth_of(s->path) * INDENT;
        fprintf(out, "%*s# %s (%s)\n%*s%s: ", indent, "", s->what, setting_expects(s, room), indent,
                "", key);
        if (s->kind == SETTING_LISTEN) {
            fputc('[', out);
            for (const char *at = s->preset; *at; at += strcspn(at, " "), at += strspn(at, " "))
                fprintf(out, "%s'%.*s'", at == s->preset ? "" : ", ", (int)strcspn(at, " "), at);
            fputc(']', out);
        } else {
            show_scalar(s->preset, out);
        }
        fputc('\n', out);
        before = s->path;
    }
    fprintf(out, "keys: {}\nremotes: {}\nzones: {}\n");
    document_entries(out);
}

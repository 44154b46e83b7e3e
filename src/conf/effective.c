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

enum {
    INDENT = 2,
    ORIGIN_COLUMN = 48, /* where the comments stand, unless the value is longer */
    CWD_MAX = 4096,
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

static void show_setting(const struct conf *c, const struct setting *s, const char *key, FILE *out)
{
    int indent = depth_of(s->path) * INDENT;
    if (s->kind == SETTING_LISTEN) {
        fprintf(out, "%*s%s:\n", indent, "", key);
        show_listens(c, indent + INDENT, out);
        return;
    }
    const struct conf_origin *origin = &c->origins[s - setting_rows];
    int column = fprintf(out, "%*s%s: ", indent, "", key);
    column +=
        s->kind == SETTING_PATH ? show_path(origin->text, out) : show_scalar(origin->text, out);
    show_origin(c, origin->at, column, out);
}

static void show_zones(const struct conf *c, FILE *out)
{
    fprintf(out, "zones:%s\n", c->zone_count ? "" : " {}");
    for (unsigned i = 0; i < c->zone_count; i++) {
        const struct conf_zone *z = &c->zones[i];
        char name[NAME_TEXT_MAX];
        int column = fprintf(out, "%*s", INDENT, "");
        column += show_scalar(name_text(name_of(&z->name), name), out);
        column += fprintf(out, ":");
        show_origin(c, z->at, column, out);
        column = fprintf(out, "%*sfile: ", 2 * INDENT, "");
        column += show_path(z->file, out);
        show_origin(c, z->file_at, column, out);
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
    show_zones(c, out);
}

/* --- document --- */

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
    fprintf(out, "zones: {}\n");
}

/* SPDX-License-Identifier: Apache-2.0
 * Values by kind. Every refusal has the same sentence: what the setting takes, and what was found
 * instead. */
#include "conf/value.h"

#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digits.h"
#include "conf/fault.h"
#include "conf/listen.h"
#include "conf/word.h"

/* The C types behind the kinds are what the stores below say they are. */
_Static_assert(sizeof(enum log_level) == sizeof(int) && sizeof(enum log_form) == sizeof(int) &&
                   sizeof(enum conf_log_target) == sizeof(int),
               "words are stored as int");

enum { HOST_NAME_LEN_MAX = 255 };

static void say_wrong(struct fill *f, const struct setting *s, const struct item *n)
{
    char room[SETTING_EXPECTS_MAX];
    const char *expects = setting_expects(s, room);
    if (item_is_empty(n)) {
        fault_add(f->faults, n->at, "\"%s\" has no value; it takes %s", s->path, expects);
    } else if (n->kind != ITEM_TEXT) {
        fault_add(f->faults, n->at, "\"%s\" takes %s, not %s", s->path, expects, item_kind_text(n));
    } else {
        const struct word *set = word_set(s->kind);
        const char *meant = set ? word_suggest(set, n->text) : NULL;
        fault_add(f->faults, n->at, "\"%s\" takes %s, not \"%.*s\"%s%s%s", s->path, expects,
                  QUOTED(n->text), meant ? ", did you mean \"" : "", meant ? meant : "",
                  meant ? "\"?" : "");
    }
}

/* --- kinds: each stores and says true, or says false and stores nothing --- */

static bool read_number(const struct setting *s, const struct item *n, void *member)
{
    uint64_t v;
    bool is_number = s->kind == SETTING_COUNT  ? digits_u64(n->text, n->len, UINT64_MAX, &v)
                     : s->kind == SETTING_SIZE ? digits_size(n->text, n->len, &v)
                                               : digits_duration_ms(n->text, n->len, &v);
    if (!is_number || v < s->min || v > s->max)
        return false;
    if (s->kind == SETTING_SIZE)
        *(uint64_t *)member = v;
    else
        *(uint32_t *)member = (uint32_t)v;
    return true;
}

static bool read_word(const struct setting *s, const struct item *n, void *member)
{
    const struct word *w = word_find(word_set(s->kind), n->text);
    if (!w)
        return false;
    if (s->kind == SETTING_YES_NO)
        *(bool *)member = w->value;
    else
        memcpy(member, &w->value, sizeof(w->value));
    return true;
}

/* C0, DEL, C1, the two Unicode line ends and what YAML cannot hold (U+FEFF, U+FFFE, U+FFFF), as
 * UTF-8. */
static bool is_control(const unsigned char *c)
{
    return c[0] < 0x20 || c[0] == 0x7F || (c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F) ||
           (c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9)) ||
           (c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF) ||
           (c[0] == 0xEF && c[1] == 0xBF && c[2] >= 0xBE);
}

static bool is_text(const struct setting *s, const struct item *n)
{
    if (n->len < s->min || n->len > s->max)
        return false;
    for (const char *c = n->text; *c; c++)
        if (is_control((const unsigned char *)c))
            return false;
    return true;
}

static bool read_host(struct fill *f, const struct item *n, void *member)
{
    char name[HOST_NAME_LEN_MAX + 1] = "";
    if (gethostname(name, sizeof(name) - 1) != 0 || !*name) {
        fault_add(f->faults, n->at, "this machine has no host name");
        return true;
    }
    *(const char **)member = arena_string(&f->conf->arena, name, strlen(name));
    return true;
}

static bool read_text(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    if (!is_text(s, n))
        return false;
    if (s->kind == SETTING_HOST_TEXT && strcmp(n->text, "hostname") == 0)
        return read_host(f, n, member);
    *(const char **)member = strcmp(n->text, "off") == 0 ? NULL : fill_string(f, n);
    return true;
}

/* Relative files start where the configuration file is, wherever the server was started. */
static bool read_path(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    if (!is_text(s, n))
        return false;
    size_t dir_len = n->text[0] == '/' ? 0 : f->dir_len;
    char *path = fill_alloc(f, n, dir_len + n->len + 1);
    if (path) {
        memcpy(path, f->conf->path, dir_len);
        memcpy(path + dir_len, n->text, n->len + 1);
    }
    *(const char **)member = path;
    return true;
}

static bool read_kind(struct fill *f, const struct setting *s, const struct item *n, void *base)
{
    void *member = (char *)base + s->member;
    switch (s->kind) {
    case SETTING_COUNT:
    case SETTING_SIZE:
    case SETTING_DURATION:
        return read_number(s, n, member);
    case SETTING_TEXT:
    case SETTING_HOST_TEXT:
        return read_text(f, s, n, member);
    case SETTING_PATH:
        return read_path(f, s, n, member);
    case SETTING_ADDRESS:
        return listen_read_address(f, n, base);
    default:
        return read_word(s, n, member);
    }
}

void value_read(struct fill *f, const struct setting *s, const struct item *n, void *entry)
{
    bool is_global = setting_is_global(s);
    ASSERT(is_global || entry);
    if (n->kind != ITEM_TEXT || item_is_empty(n) ||
        !read_kind(f, s, n, is_global ? (void *)f->conf : entry)) {
        say_wrong(f, s, n);
    } else if (is_global) {
        struct conf_origin *origin = &f->conf->origins[s - setting_rows];
        const char *path =
            s->kind == SETTING_PATH ? *(const char **)((char *)f->conf + s->member) : NULL;
        *origin = (struct conf_origin){path ? path : fill_string(f, n), n->at};
    } else {
        *(struct conf_at *)((char *)entry + s->place) = n->at;
    }
}

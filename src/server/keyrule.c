/* SPDX-License-Identifier: Apache-2.0
 * A rule of `updates` from a few words. */
#include "server/keyrule.h"

#include <ctype.h>
#include <string.h>

#include "base/attr.h"
#include "conf/conf.h"

static const struct where {
    const char *word;
    bool takes_names;
} wheres[] = {
    {"acme", true},        {"name", true},  {"under", true},
    {"self", false},       {"dhcp", false}, {"reverse-of-source", false},
    {"below-self", false}, {"all", false},
};

static const struct where *where_find(const char *word, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(wheres); i++)
        if (strlen(wheres[i].word) == len && memcmp(wheres[i].word, word, len) == 0)
            return &wheres[i];
    return NULL;
}

/* A text of YAML, quoted where that is not sure to be needless. */
static void scalar_show(const char *text, size_t len, struct text *t)
{
    bool is_plain = len > 0 && text[0] != '-';
    for (size_t i = 0; i < len; i++)
        is_plain = is_plain && (isalnum((unsigned char)text[i]) || memchr("._-", text[i], 3));
    if (!is_plain)
        text_char(t, '\'');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            text_char(t, '\'');
        text_char(t, text[i]);
    }
    if (!is_plain)
        text_char(t, '\'');
}

const char *keyrule_key_text(struct name key, char room[NAME_TEXT_MAX])
{
    name_text(key, room);
    if (!name_is_root(key))
        room[strlen(room) - 1] = '\0';
    return room;
}

static enum err names_show(const char *at, const struct where *w, struct text *t, struct diag *diag)
{
    const char *between = "";
    for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        text_add(t, between);
        scalar_show(at, len, t);
        between = ", ";
        at += len;
    }
    if (w->takes_names && !*between)
        return err_say(diag, ERR_INVALID, "%s wants names: \"%s www\"", w->word, w->word);
    if (!w->takes_names && *between)
        return err_say(diag, ERR_INVALID, "%s takes no names", w->word);
    return OK;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            return false;
    return true;
}

enum err keyrule_show(const char *wanted, struct name key, char out[KEYRULE_TEXT_MAX],
                      struct diag *diag)
{
    char name[NAME_TEXT_MAX], quoted[2 * NAME_TEXT_MAX];
    struct text t;
    wanted += strspn(wanted, " ");
    size_t len = strcspn(wanted, " ");
    const struct where *w = where_find(wanted, len);
    if (!w || !is_printable(wanted))
        return err_say(diag, ERR_INVALID,
                       "what it is for begins with acme, name, under, self, below-self, dhcp, "
                       "reverse-of-source or all");
    text_init(&t, quoted, sizeof(quoted));
    keyrule_key_text(key, name);
    scalar_show(name, strlen(name), &t);
    text_init(&t, out, KEYRULE_TEXT_MAX);
    text_fmt(&t, "{key: %s, %s: %s", quoted, w->word, w->takes_names ? "[" : "yes");
    enum err e = names_show(wanted + len, w, &t, diag);
    text_add(&t, w->takes_names ? "]}" : "}");
    if (e == OK && t.bad)
        e = err_say(diag, ERR_INVALID, "so many names are for the configuration to list");
    return e == OK ? conf_check_grant(out, quoted, diag) : e;
}

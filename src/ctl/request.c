/* SPDX-License-Identifier: Apache-2.0
 * Command line to request, by the rows of the verb table. */
#include "ctl/request.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digits.h"

/* The words not looked at yet. */
struct words {
    char **at, **end;
    bool has_ended_options; /* "--" was there */
    unsigned positions;     /* of the verb's arguments taken so far */
};

static const char *word_take(struct words *w)
{
    return w->at < w->end ? *w->at++ : NULL;
}

/* --- one argument --- */

static enum err number_put(json_t *json, const struct verb_arg *a, const char *text,
                           struct diag *diag)
{
    uint64_t v;
    if (!digits_u64(text, strlen(text), UINT32_MAX, &v))
        return err_say(diag, ERR_SYNTAX, "%s should be a number, not \"%s\"", a->name, text);
    json_object_set_new(json, a->name, json_integer((json_int_t)v));
    return OK;
}

static enum err text_put(json_t *json, const struct verb_arg *a, const char *text,
                         struct diag *diag)
{
    json_t *value = json_string(text);
    if (!value)
        return err_say(diag, ERR_SYNTAX, "%s is not UTF-8", a->name);
    if (a->kind != VERB_NAMES) {
        json_object_set_new(json, a->name, value);
        return OK;
    }
    json_t *list = json_object_get(json, a->name);
    if (!list) {
        list = json_array();
        json_object_set_new(json, a->name, list);
    }
    json_array_append_new(list, value);
    return OK;
}

/* The server's working directory is another one. */
static enum err path_put(json_t *json, const struct verb_arg *a, const char *text,
                         struct diag *diag)
{
    char path[PATH_MAX], cwd[PATH_MAX];
    if (text[0] == '/')
        return text_put(json, a, text, diag);
    if (!getcwd(cwd, sizeof(cwd)) ||
        (size_t)snprintf(path, sizeof(path), "%s/%s", cwd, text) >= sizeof(path))
        return err_say(diag, ERR_SYNTAX, "%s: the path is too long", text);
    return text_put(json, a, path, diag);
}

static enum err value_put(struct ctl_request *r, const struct verb_arg *a, const char *text,
                          struct diag *diag)
{
    switch (a->kind) {
    case VERB_NUMBER:
        return number_put(r->json, a, text, diag);
    case VERB_PATH:
        return path_put(r->json, a, text, diag);
    case VERB_FILE:
        r->file = text;
        return OK;
    case VERB_INPUT:
        r->input = text;
        return OK;
    case VERB_YES:
        json_object_set_new(r->json, a->name, json_true());
        return OK;
    case VERB_TEXT:
    case VERB_NAME:
    case VERB_NAMES:
        break;
    }
    return text_put(r->json, a, text, diag);
}

/* --- options --- */

/* Those of every verb. False: it is none of them. */
static bool common_option(struct words *w, struct ctl_request *r, const char *word, enum err *e,
                          struct diag *diag)
{
    *e = OK;
    if (strcmp(word, "--json") == 0) {
        r->is_json = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        r->is_help = true;
    } else if (strcmp(word, "--version") == 0) {
        r->is_version = true;
    } else if (strcmp(word, "--socket") == 0) {
        r->socket = word_take(w);
        if (!r->socket)
            *e = err_say(diag, ERR_SYNTAX, "--socket needs a path");
    } else {
        return false;
    }
    return true;
}

static enum err verb_option(struct words *w, struct ctl_request *r, const char *word,
                            struct diag *diag)
{
    const struct verb *v = &verb_table[r->verb];
    const struct verb_arg *a = NULL;
    if (word[1] == '-')
        a = verb_arg_find(v, word + 2);
    else if (word[1] && !word[2])
        a = verb_arg_of_letter(v, word[1]);
    if (!a || a->place != VERB_OPTION)
        return err_say(diag, ERR_SYNTAX, "%s has no option %s", v->name, word);
    const char *value = a->kind == VERB_YES ? "" : word_take(w);
    if (!value)
        return err_say(diag, ERR_SYNTAX, "%s needs a value", word);
    return value_put(r, a, value, diag);
}

/* --- positions --- */

static enum err position_put(struct words *w, struct ctl_request *r, const char *word,
                             struct diag *diag)
{
    const struct verb *v = &verb_table[r->verb];
    unsigned skip = w->positions;
    for (const struct verb_arg *a = v->args; a->name; a++) {
        if (a->place == VERB_OPTION || (skip && a->place != VERB_REST)) {
            skip -= a->place != VERB_OPTION;
            continue;
        }
        w->positions += a->place != VERB_REST;
        return value_put(r, a, word, diag);
    }
    return err_say(diag, ERR_SYNTAX, "what is \"%s\"? %s takes no more", word, v->name);
}

static enum err positions_check(const struct words *w, const struct ctl_request *r,
                                struct diag *diag)
{
    const struct verb *v = &verb_table[r->verb];
    unsigned position = 0;
    for (const struct verb_arg *a = v->args; a->name; a++) {
        if (a->place == VERB_MUST && position >= w->positions)
            return err_say(diag, ERR_SYNTAX, "%s needs %s", v->name, a->what);
        position += a->place != VERB_OPTION;
    }
    return OK;
}

static bool wants_input(const struct verb *v)
{
    const struct verb_arg *a = v->args;
    while (a->name && a->kind != VERB_INPUT)
        a++;
    return a->name != NULL;
}

/* --- the whole line --- */

/* A verb may be two words. */
static enum err verb_take(struct words *w, struct ctl_request *r, const char *word,
                          struct diag *diag)
{
    char both[64];
    int len = w->at < w->end ? snprintf(both, sizeof(both), "%s %s", word, *w->at) : -1;
    if (len > 0 && len < (int)sizeof(both)) {
        r->verb = verb_find(verb_alias(both));
        if (r->verb != VERB_COUNT) {
            w->at++;
            return OK;
        }
    }
    r->verb = verb_find(verb_alias(word));
    if (r->verb == VERB_COUNT)
        return err_say(diag, ERR_SYNTAX, "no such verb: %s", word);
    return OK;
}

static enum err word_read(struct words *w, struct ctl_request *r, const char *word,
                          struct diag *diag)
{
    enum err e;
    if (strcmp(word, "--") == 0 && !w->has_ended_options) {
        w->has_ended_options = true;
        return OK;
    }
    bool is_option = word[0] == '-' && word[1] && !w->has_ended_options;
    if (is_option && common_option(w, r, word, &e, diag))
        return e;
    if (r->verb != VERB_COUNT)
        return is_option ? verb_option(w, r, word, diag) : position_put(w, r, word, diag);
    if (is_option)
        return err_say(diag, ERR_SYNTAX, "no such option: %s", word);
    if (strcmp(word, "help") == 0) {
        r->is_help = true;
        return OK;
    }
    return verb_take(w, r, word, diag);
}

enum err ctl_request_read(int argc, char **argv, struct ctl_request *out, struct diag *diag)
{
    struct words w = {.at = argv + 1, .end = argv + argc};
    struct ctl_request r = {.verb = VERB_COUNT, .json = json_object()};
    enum err e = OK;
    for (const char *word; e == OK && (word = word_take(&w));)
        e = word_read(&w, &r, word, diag);
    r.is_help = r.is_help || (e == OK && r.verb == VERB_COUNT && !r.is_version);
    if (e == OK && !r.is_help && !r.is_version) {
        json_object_set_new(r.json, "verb", json_string(verb_table[r.verb].name));
        r.has_input = wants_input(&verb_table[r.verb]);
        e = positions_check(&w, &r, diag);
    }
    if (e != OK)
        ctl_request_done(&r);
    else
        *out = r;
    return e;
}

void ctl_request_done(struct ctl_request *r)
{
    json_decref(r->json);
    r->json = NULL;
}

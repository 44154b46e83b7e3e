/* SPDX-License-Identifier: Apache-2.0
 * Clients of the control socket: a line becomes a call of a verb, its answer becomes lines.
 *
 * A client has one call at a time, embedded in it: a call is over when its function or its step
 * says CONTROL_DONE, which it does with the answer's last line given. A client that goes away ends
 * its call at any time. */
#include "server/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/secret.h"
#include "server/control_frame.h"
#include "server/control_int.h"
#include "server/server_int.h"

#define WHO_MAX 64

struct control_client {
    struct list link;
    struct server *server;
    struct control_port port;
    char who[WHO_MAX];
    struct control_call call; /* verb NULL: none is under way */
    char *body;               /* text sent ahead so far */
    size_t body_len, body_cap;
    bool is_body_bad; /* it was too long: the request that it is for has to fail */
    bool is_over;     /* the last line of the answer is given */
};

typedef enum control_next (*verb_fn)(struct control_call *call);

static const verb_fn verb_functions[VERB_COUNT] = {
#define VERB(id, ...) [VERB_##id] = control_##id,
#include "ctl/verb.tbl.h"
#undef VERB
};

static struct control_client *client_of(struct control_call *call)
{
    return container_of(call, struct control_client, call);
}

/* --- output --- */

static const char out_of_memory[] = "{\"ok\": false, \"error\": \"out of memory\"}\n";

/* Takes line. The secret of a new key may be in it: what jansson frees is wiped, and so is this. */
static void line_send(const struct control_port *port, json_t *line)
{
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(line);
    if (text) {
        port->reply(port->arg, text, strlen(text));
        port->reply(port->arg, "\n", 1);
    } else {
        port->reply(port->arg, out_of_memory, sizeof(out_of_memory) - 1);
    }
    secret_free_plain(text);
}

enum control_next control_finish(struct control_call *call, json_t *fields)
{
    struct control_client *c = client_of(call);
    ASSERT(!c->is_over);
    c->is_over = true;
    line_send(&c->port, fields);
    return CONTROL_DONE;
}

enum control_next control_answer(struct control_call *call, json_t *fields)
{
    json_t *line = json_object();
    json_object_set_new(line, "ok", json_true());
    json_object_update(line, fields);
    json_decref(fields);
    return control_finish(call, line);
}

enum control_next control_more(struct control_call *call, json_t *fields)
{
    json_t *line = json_object();
    json_object_set_new(line, "more", json_true());
    json_object_update(line, fields);
    json_decref(fields);
    line_send(&client_of(call)->port, line);
    return CONTROL_MORE;
}

static json_t *failure(const char *why)
{
    json_t *line = json_object();
    json_object_set_new(line, "ok", json_false());
    control_put_text(line, "error", why);
    return line;
}

#define SENTENCE_MAX (DIAG_TEXT_MAX + NAME_TEXT_MAX)

enum control_next control_fail(struct control_call *call, const char *fmt, ...)
{
    char why[SENTENCE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return control_finish(call, failure(why));
}

enum control_next control_fail_usage(struct control_call *call, const char *fmt, ...)
{
    char why[SENTENCE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    json_t *line = failure(why);
    json_object_set_new(line, "usage", json_true());
    return control_finish(call, line);
}

void control_refuse(const struct control_port *port, const char *why)
{
    line_send(port, failure(why));
}

void control_put_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    if (!value) { /* not UTF-8 */
        size_t cap = strlen(text) * 4 + 1;
        char *safe = mem_alloc(cap);
        struct text t;
        text_init(&t, safe, cap);
        for (const char *s = text; *s; s++)
            if ((unsigned char)*s < 0x80)
                text_char(&t, *s);
            else
                text_fmt(&t, "\\x%02X", (unsigned)(unsigned char)*s);
        value = json_string(safe);
        free(safe);
    }
    json_object_set_new(object, key, value);
}

void control_put_number(json_t *object, const char *key, uint64_t v)
{
    json_object_set_new(object, key, json_integer((json_int_t)v));
}

void control_put_name(json_t *object, const char *key, struct name name)
{
    char text[NAME_TEXT_MAX];
    control_put_text(object, key, name_text(name, text));
}

/* --- text sent ahead --- */

static void body_drop(struct control_client *c)
{
    ASSERT(c->server->controls.body_bytes >= c->body_cap);
    c->server->controls.body_bytes -= c->body_cap;
    free(c->body);
    c->body = NULL;
    c->body_len = c->body_cap = 0;
    c->is_body_bad = false;
}

struct control_body control_body_take(struct control_call *call)
{
    struct control_client *c = client_of(call);
    struct control_body body = {c->body, c->body_len, c->body_cap};
    c->body = NULL;
    c->body_len = c->body_cap = 0;
    call->body = NULL;
    call->body_len = 0;
    return body;
}

void control_body_free(struct server *s, struct control_body *body)
{
    ASSERT(s->controls.body_bytes >= body->cap);
    s->controls.body_bytes -= body->cap;
    free(body->text);
    *body = (struct control_body){0};
}

/* False: no room. */
static bool body_make_room(struct control_client *c, size_t len)
{
    struct controls *all = &c->server->controls;
    if (c->body_cap - c->body_len >= len)
        return true;
    size_t cap = c->body_cap ? c->body_cap : CONTROL_LINE_MAX;
    while (cap - c->body_len < len)
        cap *= 2;
    if (cap > CONTROL_BODY_MAX || all->body_bytes - c->body_cap + cap > CONTROL_BODIES_MAX)
        return false;
    c->body = mem_grow(c->body, cap);
    all->body_bytes += cap - c->body_cap;
    c->body_cap = cap;
    return true;
}

static void body_add(struct control_client *c, const char *part, size_t len)
{
    if (c->is_body_bad)
        return;
    if (!body_make_room(c, len)) {
        body_drop(c);
        c->is_body_bad = true;
        return;
    }
    if (len) /* an empty one may come before there is any memory */
        memcpy(c->body + c->body_len, part, len);
    c->body_len += len;
}

/* --- arguments --- */

static bool is_list_of_texts(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_array(value);
}

/* What the value should have been; NULL: it is. */
static const char *kind_fault(enum verb_kind kind, const json_t *value)
{
    switch (kind) {
    case VERB_TEXT:
    case VERB_NAME:
        return json_is_string(value) ? NULL : "a text";
    case VERB_NAMES:
        return is_list_of_texts(value) ? NULL : "a list of texts";
    case VERB_PATH:
        return json_is_string(value) && json_string_value(value)[0] == '/' ? NULL
                                                                           : "an absolute path";
    case VERB_NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
                       json_integer_value(value) <= UINT32_MAX
                   ? NULL
                   : "a number from 0 to 4294967295";
    case VERB_YES:
        return json_is_boolean(value) ? NULL : "true or false";
    case VERB_FILE:
    case VERB_INPUT:
        break;
    }
    return "left to the client";
}

/* True: all are there and as they should be; else *next is the answer. */
static bool check_arguments(struct control_call *call, enum control_next *next)
{
    const char *key;
    json_t *value;
    json_object_foreach(call->request, key, value)
    {
        const struct verb_arg *a = verb_arg_find(call->verb, key);
        if (strcmp(key, "verb") == 0)
            continue;
        const char *fault = a ? kind_fault(a->kind, value) : NULL;
        if (!a || fault) {
            *next = a ? control_fail_usage(call, "\"%s\" should be %s", key, fault)
                      : control_fail_usage(call, "%s has no \"%.100s\"", call->verb->name, key);
            return false;
        }
    }
    for (const struct verb_arg *a = call->verb->args; a->name; a++) {
        if (a->place == VERB_MUST && !json_object_get(call->request, a->name)) {
            *next = control_fail_usage(call, "%s needs \"%s\"", call->verb->name, a->name);
            return false;
        }
    }
    return true;
}

const char *control_text(const struct control_call *call, const char *arg)
{
    return json_string_value(json_object_get(call->request, arg));
}

bool control_is_set(const struct control_call *call, const char *arg)
{
    return json_is_true(json_object_get(call->request, arg));
}

bool control_number(const struct control_call *call, const char *arg, uint32_t *out)
{
    const json_t *value = json_object_get(call->request, arg);
    if (!value)
        return false;
    *out = (uint32_t)json_integer_value(value);
    return true;
}

bool control_name(struct control_call *call, const char *text, struct name_buf *out,
                  enum control_next *next)
{
    struct diag diag = {0};
    if (name_scan(text, strlen(text), NAME_ROOT, out, &diag) == OK)
        return true;
    *next = control_fail_usage(call, "\"%.200s\" is no name: %s", text, diag.text);
    return false;
}

bool control_name_in(struct control_call *call, struct name zone, const char *text,
                     struct name_buf *out, enum control_next *next)
{
    struct diag diag = {0};
    size_t len = strlen(text);
    if (name_scan(text, len, zone, out, &diag) != OK) {
        *next = control_fail_usage(call, "\"%.200s\" is no name: %s", text, diag.text);
        return false;
    }
    struct name_buf absolute; /* without its final dot, as zones are typed too */
    if (name_scan(text, len, NAME_ROOT, &absolute, NULL) == OK &&
        name_is_under(name_of(&absolute), zone))
        *out = absolute;
    if (name_is_under(name_of(out), zone))
        return true;
    *next = control_fail_usage(call, "%.200s is not in the zone", text);
    return false;
}

struct store_entry *control_zone_of(struct control_call *call, enum control_next *next)
{
    struct name_buf name;
    char text[NAME_TEXT_MAX];
    if (!control_name(call, control_text(call, "zone"), &name, next))
        return NULL;
    struct store_entry *e = store_get(&call->server->store, name_of(&name));
    if (!e)
        *next = control_fail(call, "no zone %s here", name_text(name_of(&name), text));
    return e;
}

/* --- a call's life --- */

static void answer_end(struct control_client *c)
{
    struct control_call *call = &c->call;
    if (call->end)
        call->end(call);
    json_decref(call->outcome);
    json_decref(call->request);
    c->call = (struct control_call){0};
    body_drop(c);
}

/* A call's function has said `next`. */
static enum control_next settle(struct control_client *c, enum control_next next)
{
    ASSERT((next == CONTROL_DONE) == c->is_over);
    if (next == CONTROL_DONE)
        answer_end(c);
    else
        ASSERT(c->call.step);
    return next;
}

static enum control_next call_begin(struct control_client *c)
{
    struct control_call *call = &c->call;
    enum control_next next;
    const char *name = json_string_value(json_object_get(call->request, "verb"));
    if (!name)
        return control_fail_usage(call, "a request needs a \"verb\"");
    enum verb_id id = verb_find(name);
    if (id == VERB_COUNT)
        return control_fail_usage(call, "no such verb: \"%.100s\"", name);
    if (c->is_body_bad)
        return control_fail(call, "the text is longer than %zu MiB, or than there is room for now",
                            CONTROL_BODY_MAX >> 20);
    call->verb = &verb_table[id];
    call->body = c->body;
    call->body_len = c->body_len;
    return check_arguments(call, &next) ? verb_functions[id](call) : next;
}

enum control_next control_begin(struct control_client *c, const char *line, size_t len)
{
    struct diag diag = {0};
    ASSERT(!c->call.server);
    c->is_over = false;
    c->call = (struct control_call){.server = c->server, .who = c->who};
    if (control_frame_read(line, len, &c->call.request, &diag) != OK)
        return settle(c, control_fail_usage(&c->call, "%s", diag.text));
    const json_t *part = json_object_get(c->call.request, "part");
    if (json_is_string(part) && json_object_size(c->call.request) == 1) {
        body_add(c, json_string_value(part), json_string_length(part));
        json_decref(c->call.request);
        c->call = (struct control_call){0};
        return CONTROL_DONE;
    }
    return settle(c, call_begin(c));
}

enum control_next control_step(struct control_client *c)
{
    ASSERT(c->call.step);
    return settle(c, c->call.step(&c->call));
}

void control_resume(struct control_call *call)
{
    const struct control_port *port = &client_of(call)->port;
    port->wake(port->arg);
}

/* --- clients --- */

struct control_client *control_new(struct server *s, const struct control_peer *peer,
                                   const struct control_port *port)
{
    struct control_client *c = mem_alloc_zero(sizeof(*c));
    c->server = s;
    c->port = *port;
    snprintf(c->who, sizeof(c->who), peer->uid ? "uid %u" : "root (uid %u)", peer->uid);
    list_add_last(&s->controls.clients, &c->link);
    return c;
}

void control_free(struct control_client *c)
{
    if (!c)
        return;
    answer_end(c);
    list_remove(&c->link);
    free(c);
}

void control_set_hooks(struct server *s, const struct control_hooks *hooks)
{
    s->controls.hooks = *hooks;
}

void controls_init(struct controls *c, void (*wake)(void *arg), void *wake_arg)
{
    list_init(&c->clients);
    task_set_init(&c->tasks, wake, wake_arg);
    json_set_alloc_funcs(malloc, secret_free_plain); /* the same heap: the order does not matter */
    c->started_us = clock_mono_us();
}

void controls_done(struct controls *c)
{
    ASSERT(list_is_empty(&c->clients));
    task_set_done(&c->tasks);
}

void controls_collect(struct controls *c)
{
    task_collect(&c->tasks);
    LIST_EACH(link, &c->clients) {
        struct control_client *client = list_entry(link, struct control_client, link);
        if (client->call.waits_loads)
            control_resume(&client->call);
    }
}

json_t *control_faults(const struct conf_faults *faults, const char *path)
{
    json_t *list = json_array();
    char place[DIAG_TEXT_MAX + CONF_FAULT_TEXT_MAX];
    for (unsigned i = 0; i < faults->count; i++) {
        const struct conf_fault *f = &faults->list[i];
        json_t *row = json_object();
        snprintf(place, sizeof(place), "%s:%u:%u: %s%s", path, f->at.line, f->at.column,
                 f->is_warning ? "warning: " : "", f->text);
        control_put_text(row, "fault", place);
        json_array_append_new(list, row);
    }
    return list;
}

void control_reload_over(struct server *s, const char *error, const struct conf_faults *faults)
{
    LIST_EACH(link, &s->controls.clients) {
        struct control_call *call = &list_entry(link, struct control_client, link)->call;
        if (!call->waits_reload)
            continue;
        call->waits_reload = false;
        call->outcome = error ? failure(error) : json_object();
        if (faults->count)
            json_object_set_new(call->outcome, "faults", control_faults(faults, s->conf->path));
        control_resume(call);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * For the files of server/ that answer verbs: what a verb gets and how it answers.
 *
 * A verb is a row in ctl/verb.tbl.h and a function control_<id>() in a control_<group>.c. The
 * function either answers at once, or sets `step` (and `end`, to free `state`) and says
 * CONTROL_MORE or CONTROL_WAIT. Its arguments were checked against the row. */
#ifndef REEVE_SERVER_CONTROL_INT_H
#define REEVE_SERVER_CONTROL_INT_H

#include <jansson.h>

#include "base/attr.h"
#include "base/list.h"
#include "ctl/verb.h"
#include "server/control.h"
#include "server/task.h"

/* Text put into one line of a long answer. */
#define CONTROL_SLICE_LEN  32768
/* Rows put into one line of a long answer. */
#define CONTROL_SLICE_ROWS 256

struct control_call {
    struct server *server;
    const struct verb *verb;
    json_t *request;
    const char *who;  /* "root (uid 0)": the actor of a change */
    const char *body; /* text sent ahead, NULL: none; may hold any bytes but NUL */
    size_t body_len;
    void *state; /* the verb's */
    enum control_next (*step)(struct control_call *call);
    void (*end)(struct control_call *call); /* frees state; NULL: nothing to free */
    bool waits_reload;                      /* control_reload_over() sets `outcome` and resumes */
    bool waits_loads;                       /* resumed whenever loads were collected */
    json_t *outcome;
};

/* The server's side of all clients, in struct server. */
struct controls {
    struct list clients;
    struct task_set tasks;
    struct control_hooks hooks;
    size_t body_bytes; /* of all clients */
    int64_t started_us;
};
void controls_init(struct controls *c, void (*wake)(void *arg), void *wake_arg);
/* All clients are freed before. */
void controls_done(struct controls *c);
/* After loads were collected: tasks that are over, calls that wait for loads. */
void controls_collect(struct controls *c);

/* --- answering; each gives CONTROL_DONE or CONTROL_MORE to return --- */

/* The last line: fields and "ok": true. Takes fields, which may be NULL. */
enum control_next control_answer(struct control_call *call, json_t *fields);
/* A line before the last. */
enum control_next control_more(struct control_call *call, json_t *fields);
/* The last line: "ok": false with the sentence. */
enum control_next control_fail(struct control_call *call, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* The same for a request that is wrong in itself. */
enum control_next control_fail_usage(struct control_call *call, const char *fmt, ...)
    ATTR_PRINTF(2, 3);
/* The last line as fields, which say "ok" themselves. Takes fields. */
enum control_next control_finish(struct control_call *call, json_t *fields);

/* The text sent ahead as the caller's own, for a helper thread, say; all zero: there is none. It
 * counts as the clients' text until it is given back, at the latest before the server ends. */
struct control_body {
    char *text;
    size_t len, cap;
};
struct control_body control_body_take(struct control_call *call);
void control_body_free(struct server *s, struct control_body *body);

/* control_step() of a call that waits is to be called. */
void control_resume(struct control_call *call);

/* --- fields --- */

/* A text that may be anything: what is not UTF-8 is shown as \xHH. */
void control_put_text(json_t *object, const char *key, const char *text);
void control_put_number(json_t *object, const char *key, uint64_t v);
struct name;
void control_put_name(json_t *object, const char *key, struct name name);
/* What is to be put as "faults": they are shown whatever the verb is. */
json_t *control_faults(const struct conf_faults *faults, const char *path);

/* --- arguments --- */

/* NULL: left out. */
const char *control_text(const struct control_call *call, const char *arg);
bool control_is_set(const struct control_call *call, const char *arg);
/* False: left out. */
bool control_number(const struct control_call *call, const char *arg, uint32_t *out);
struct name_buf;
/* The argument as a name; false: *next is an answer that says what is wrong. */
bool control_name(struct control_call *call, const char *text, struct name_buf *out,
                  enum control_next *next);
/* The same with a name at or below the zone, absolute or as it would stand in its file. */
bool control_name_in(struct control_call *call, struct name zone, const char *text,
                     struct name_buf *out, enum control_next *next);
struct store_entry;
/* The zone that "zone" names; NULL: *next is the answer. */
struct store_entry *control_zone_of(struct control_call *call, enum control_next *next);

/* control_about.c: the answer to the verb zone, begun with fields, which it takes. */
enum control_next about_zone(struct control_call *call, const struct store_entry *e,
                             json_t *fields);

/* --- the verbs --- */

#define VERB(id, ...) enum control_next control_##id(struct control_call *call);
#include "ctl/verb.tbl.h"
#undef VERB

#endif

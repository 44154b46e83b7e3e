/* SPDX-License-Identifier: Apache-2.0
 * What the verbs about history have in common: a task that reads the change log, and rows that flow
 * from it to the client of a call, no faster than the client takes them.
 *
 * The task gets a pinned version and numbers, never the live zone. Whatever the history's size, a
 * few lines wait between the task and its call. */
#ifndef REEVE_SERVER_HISTORY_H
#define REEVE_SERVER_HISTORY_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/server_int.h"
#include "zone/net.h"

/* Lines that wait for the client. */
#define HISTORY_LINES_MAX 4

/* Begins the struct of a verb, which history_new() makes. */
struct history {
    struct control_call *call; /* NULL: nobody waits any more */
    struct task *task;         /* NULL: none runs */

    struct task_set *tasks;
    struct helpers *helpers;

    /* what the task is given */
    struct state *state;
    struct name_buf zone;
    uint64_t log_id, seq;          /* seq: of the newest change that is published */
    uint32_t serial;               /* after it */
    const struct version *version; /* with all changes up to seq; pinned */
    const struct base *base;       /* held; NULL: the zone is not kept in the log */
    void (*run)(struct history *h);
    /* Frees what the verb has added to the struct; may be NULL. */
    void (*clear)(struct history *h);

    /* what comes of it */
    enum err result; /* not OK: diag is the answer */
    struct diag diag;
    json_t *last; /* fields of the last line */
    bool is_over;

    /* under way to the call */
    json_t *rows; /* the task's: of the next line */
    size_t rows_len;
    char *text; /* the task's: room for a record */
    size_t text_cap;
    pthread_mutex_t lock;
    pthread_cond_t taken;
    bool is_given_up; /* with lock */
    json_t *line[HISTORY_LINES_MAX];
    unsigned line_count;
    atomic_bool is_stopped; /* what is_given_up says, for others to look at */
};

enum history_need { HISTORY_KEPT, HISTORY_SERVED };
/* Of the zone that the call names, size bytes, the rest zero, and the call's state from here on.
 * NULL: *next is the answer: there is no such zone, it is not loaded, or (HISTORY_KEPT) has no
 * history. */
void *history_new(struct control_call *call, size_t size, enum history_need need,
                  enum control_next *next);
/* Has run() called in a task; its rows and what it leaves in `last` become the answer. */
enum control_next history_start(struct history *h);
/* The same with a step of the verb's own, which looks at is_over. */
enum control_next history_start_with(struct history *h,
                                     enum control_next (*step)(struct control_call *call));
/* The step of history_start(). */
enum control_next history_step(struct control_call *call);
/* What the call's `end` is; the struct goes when the task has ended. */
void history_end(struct control_call *call);

/* --- in the task --- */

/* False: nobody waits any more, end soon. */
bool history_goes_on(struct history *h);
/* Takes the row, which goes out with others in a line's "rows". text_len: of the texts in it,
 * about. False: as above. */
bool history_row(struct history *h, json_t *row, size_t text_len);
/* A line of its own, behind the rows so far. Takes fields. */
bool history_line(struct history *h, json_t *fields);
/* The log; NULL: cannot be opened, result and diag say so. */
struct journal *history_journal(struct history *h);
/* e becomes the result, unless it is OK or there is one already; gives whether all is well. */
bool history_check(struct history *h, enum err e);

/* A record as a row: "op" ("+", "-"), "name", "owner" (the name as it would stand in the zone's
 * file), "ttl", "type", "rdata". len: of its texts. */
json_t *history_record(struct history *h, const char *op, const struct rr *rr, size_t *len);
/* What a change is, without its records. */
json_t *history_change(const struct change *c);

/* The records of a change, without a SOA of which only the serial has moved. */
struct change_walk {
    struct rd rd;
    struct diff_of of;
    size_t added_at;
    bool skips_soa;
    const char *why; /* not NULL: it ended for this */
};
void change_walk_start(struct change_walk *w, struct name zone, const struct change *c);
/* False: at the end, or why is set. */
bool change_walk_next(struct change_walk *w, struct rr *rr, enum net_way *way);

/* The change after which the zone had that serial: 0 or one not kept any more where it is the state
 * that the history begins with. ERR_ABSENT: diag says how far the history goes back. */
enum err history_find(struct history *h, struct journal *j, uint32_t serial, uint64_t *seq);
/* What changes above `from` up to `to` have done in all; not settled. NULL: result says why. */
struct net *history_net(struct history *h, struct journal *j, uint64_t from, uint64_t to);

/* --- for others --- */

/* The verb export with --at or --dynamic. */
enum control_next history_export(struct control_call *call);

#endif

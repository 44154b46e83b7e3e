/* SPDX-License-Identifier: Apache-2.0
 * A task that reads for a call, and the lines between them.
 *
 * The call's side takes one line a step; the task waits while HISTORY_LINES_MAX are not taken. The
 * call may end at any time: the task is told, ends at its next row, and the struct goes then. */
#include "server/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/serial.h"

/* --- the call's side --- */

static void history_free(struct history *h)
{
    if (h->clear)
        h->clear(h);
    for (unsigned i = 0; i < h->line_count; i++)
        json_decref(h->line[i]);
    json_decref(h->rows);
    json_decref(h->last);
    if (h->version)
        version_unpin(h->version);
    base_drop(h->helpers, h->base);
    pthread_cond_destroy(&h->taken);
    pthread_mutex_destroy(&h->lock);
    free(h->text);
    free(h);
}

void history_end(struct control_call *call)
{
    struct history *h = call->state;
    h->call = NULL;
    if (!h->task) {
        history_free(h);
        return;
    }
    atomic_store(&h->is_stopped, true);
    pthread_mutex_lock(&h->lock);
    h->is_given_up = true;
    pthread_cond_signal(&h->taken);
    pthread_mutex_unlock(&h->lock);
    task_cancel(h->task); /* task_free() follows when it has ended */
}

void *history_new(struct control_call *call, size_t size, enum history_need need,
                  enum control_next *next)
{
    char text[NAME_TEXT_MAX];
    struct store_entry *e = control_zone_of(call, next);
    if (!e)
        return NULL;
    struct server_zone *z = e->owner;
    name_text(name_of(&e->name), text);
    if (!e->zone || !e->zone->published->apex) {
        *next = control_fail(call, "zone %s is not loaded", text);
        return NULL;
    }
    if (need == HISTORY_KEPT && !z->is_kept) {
        *next = control_fail(call, "zone %s has no history%s", text,
                             z->conf->has_history ? " yet: it is being read from the change log"
                                                  : ": it has no updates in the configuration");
        return NULL;
    }
    struct history *h = mem_alloc_zero(size);
    h->call = call;
    h->tasks = &call->server->controls.tasks;
    h->helpers = call->server->helpers;
    h->state = call->server->state;
    name_copy(&h->zone, name_of(&e->zone->name));
    h->log_id = z->log_id;
    h->seq = z->seq_published;
    h->version = version_pin(e->zone->published);
    h->serial = h->version->serial;
    h->base = z->is_kept && z->base ? base_hold(z->base) : NULL;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->taken, NULL);
    call->state = h;
    call->end = history_end;
    return h;
}

static void task_run(struct task *t, void *arg)
{
    (void)t;
    struct history *h = arg;
    h->run(h);
    if (h->rows && h->result == OK) {
        json_t *rows = h->rows;
        h->rows = NULL;
        if (!h->last)
            h->last = json_object();
        json_object_set_new(h->last, "rows", rows);
    }
}

static void task_done(void *arg)
{
    struct history *h = arg;
    h->is_over = true;
    control_resume(h->call);
}

static void task_free(void *arg)
{
    struct history *h = arg;
    h->task = NULL;
    if (!h->call)
        history_free(h);
}

enum control_next history_start_with(struct history *h,
                                     enum control_next (*step)(struct control_call *call))
{
    struct control_call *call = h->call;
    struct task_job job = {h, task_run, task_done, task_free};
    struct diag diag = {0};
    h->is_over = false;
    call->step = step;
    call->waits_loads = true; /* a line may come at any time */
    if (task_start(h->tasks, &job, &h->task, &diag) != OK)
        return control_fail(call, "%s", diag.text);
    return CONTROL_WAIT;
}

enum control_next history_start(struct history *h)
{
    return history_start_with(h, history_step);
}

/* NULL: none waits. */
static json_t *line_take(struct history *h)
{
    json_t *line = NULL;
    pthread_mutex_lock(&h->lock);
    if (h->line_count > 0) {
        line = h->line[0];
        h->line_count--;
        for (unsigned i = 0; i < h->line_count; i++)
            h->line[i] = h->line[i + 1];
        pthread_cond_signal(&h->taken);
    }
    pthread_mutex_unlock(&h->lock);
    return line;
}

enum control_next history_step(struct control_call *call)
{
    struct history *h = call->state;
    json_t *line = line_take(h);
    if (line)
        return control_more(call, line);
    if (!h->is_over)
        return CONTROL_WAIT;
    if (h->result != OK)
        return control_fail(call, "%s", h->diag.text);
    json_t *last = h->last;
    h->last = NULL;
    return control_answer(call, last);
}

/* --- the task's side --- */

bool history_goes_on(struct history *h)
{
    return !atomic_load(&h->is_stopped);
}

bool history_check(struct history *h, enum err e)
{
    if (h->result == OK)
        h->result = e;
    return h->result == OK;
}

static bool line_give(struct history *h, json_t *line)
{
    pthread_mutex_lock(&h->lock);
    while (h->line_count == HISTORY_LINES_MAX && !h->is_given_up)
        pthread_cond_wait(&h->taken, &h->lock);
    bool is_given_up = h->is_given_up;
    if (!is_given_up)
        h->line[h->line_count++] = line;
    pthread_mutex_unlock(&h->lock);
    if (is_given_up)
        json_decref(line);
    else
        h->tasks->wake(h->tasks->wake_arg);
    return !is_given_up;
}

static bool rows_flush(struct history *h)
{
    if (!h->rows)
        return history_goes_on(h);
    json_t *line = json_object();
    json_object_set_new(line, "rows", h->rows);
    h->rows = NULL;
    h->rows_len = 0;
    return line_give(h, line);
}

bool history_row(struct history *h, json_t *row, size_t text_len)
{
    if (!h->rows)
        h->rows = json_array();
    json_array_append_new(h->rows, row);
    h->rows_len += text_len;
    return json_array_size(h->rows) < CONTROL_SLICE_ROWS && h->rows_len < CONTROL_SLICE_LEN
               ? history_goes_on(h)
               : rows_flush(h);
}

bool history_line(struct history *h, json_t *fields)
{
    if (rows_flush(h))
        return line_give(h, fields);
    json_decref(fields);
    return false;
}

struct journal *history_journal(struct history *h)
{
    struct journal *j = state_open(h->state, &h->diag);
    return history_check(h, j ? OK : ERR_IO) ? j : NULL;
}

/* --- rows --- */

/* As in the zone's file: without the zone's name and the dot before it. */
static void owner_put(json_t *row, struct name zone, struct name owner)
{
    char text[NAME_TEXT_MAX], apex[NAME_TEXT_MAX];
    size_t len = strlen(name_text(owner, text)), cut = strlen(name_text(zone, apex));
    if (owner.len == zone.len) {
        control_put_text(row, "owner", "@");
        return;
    }
    if (!name_is_root(zone)) {
        struct name_buf part; /* the labels before the zone's, as a name of its own */
        part.len = (uint8_t)(owner.len - zone.len + 1);
        memcpy(part.wire, owner.wire, part.len - 1u);
        part.wire[part.len - 1] = 0;
        len = strlen(name_text(name_of(&part), text));
        cut = 1;
    }
    text[len - cut] = '\0'; /* the final dot */
    control_put_text(row, "owner", text);
}

json_t *history_record(struct history *h, const char *op, const struct rr *rr, size_t *len)
{
    json_t *row = json_object();
    char type[16];
    struct text t;
    size_t cap = RDATA_TEXT_MAX(rr->rdata.len);
    if (cap > h->text_cap) {
        h->text = mem_grow(h->text, cap);
        h->text_cap = cap;
    }
    text_init(&t, h->text, h->text_cap);
    rdata_show(rr->type, rr->rdata, &t);
    ASSERT(!t.bad);
    control_put_text(row, "op", op);
    control_put_name(row, "name", rr->owner);
    owner_put(row, name_of(&h->zone), rr->owner);
    control_put_number(row, "ttl", rr->ttl);
    control_put_text(row, "type", rrtype_text(rr->type, type));
    control_put_text(row, "rdata", h->text);
    *len = text_len(&t) + 2u * rr->owner.len;
    return row;
}

json_t *history_change(const struct change *c)
{
    json_t *row = json_object();
    control_put_number(row, "serial", c->serial_to);
    control_put_number(row, "serial_from", c->serial_from);
    control_put_number(row, "time_us", (uint64_t)c->time_us);
    control_put_text(row, "kind", change_kind_text(c->kind));
    control_put_text(row, "actor", c->actor);
    control_put_text(row, "peer", c->peer);
    control_put_text(row, "rule", c->rule);
    return row;
}

/* --- changes --- */

static bool soa_of_part(struct rd part, const struct diff_of *of, struct rr *rr)
{
    return rd_left(&part) > 0 && !diff_read(&part, of, rr) && rr->type == TYPE_SOA &&
           rr->owner.len == of->zone.len;
}

void change_walk_start(struct change_walk *w, struct name zone, const struct change *c)
{
    struct rr a, b;
    ASSERT(c->added_at <= c->diff_len);
    *w = (struct change_walk){
        .rd = rd_over(c->diff, c->diff_len), .of = {zone, CLASS_IN}, .added_at = c->added_at};
    w->skips_soa =
        soa_of_part(rd_over(c->diff, c->added_at), &w->of, &a) &&
        soa_of_part(rd_over(c->diff + c->added_at, c->diff_len - c->added_at), &w->of, &b) &&
        a.ttl == b.ttl && soa_is_alike(a.rdata, b.rdata);
}

bool change_walk_next(struct change_walk *w, struct rr *rr, enum net_way *way)
{
    while (rd_left(&w->rd) > 0) {
        *way = (size_t)(w->rd.at - w->rd.start) < w->added_at ? NET_REMOVED : NET_ADDED;
        w->why = diff_read(&w->rd, &w->of, rr);
        if (w->why)
            return false;
        if (!w->skips_soa || rr->type != TYPE_SOA || rr->owner.len != w->of.zone.len)
            return true;
    }
    return false;
}

/* --- serials --- */

/* What the oldest change is. */
static bool on_oldest(void *arg, const struct change *c)
{
    struct change *oldest = arg;
    *oldest = (struct change){.seq = c->seq, .serial_from = c->serial_from};
    return false;
}

#define OLDEST_TRIES 3

static enum err oldest_find(struct history *h, struct journal *j, struct change *out)
{
    struct journal_zone z;
    enum err e = journal_zone_get(j, name_of(&h->zone), &z, &h->diag);
    *out = (struct change){0};
    if (e != OK)
        return e;
    struct journal_range range = {h->log_id, z.seq_first, z.seq_first, 1};
    if (z.seq_first)
        e = journal_read(j, &range, on_oldest, out, &h->diag);
    journal_zone_done(&z);
    return e;
}

enum err history_find(struct history *h, struct journal *j, uint32_t serial, uint64_t *seq)
{
    struct change oldest;
    if (serial == h->serial) { /* also when there is no change yet */
        *seq = h->seq;
        return OK;
    }
    enum err e = journal_find_serial(j, h->log_id, serial, seq, &h->diag);
    if (e != ERR_ABSENT)
        return e;
    e = oldest_find(h, j, &oldest);
    for (unsigned i = 0; e == ERR_INVALID && i < OLDEST_TRIES; i++)
        e = oldest_find(h, j, &oldest); /* trimmed between the two looks */
    if (e != OK)
        return e;
    if (!oldest.seq)
        return err_say(&h->diag, ERR_ABSENT, "the zone has no changes before serial %u", h->serial);
    if (oldest.serial_from != serial)
        return err_say(&h->diag, ERR_ABSENT,
                       "serial %u is not in the history, which goes back to serial %u", serial,
                       oldest.serial_from);
    *seq = oldest.seq - 1;
    return OK;
}

/* --- nets --- */

struct net_reading {
    struct history *h;
    struct net *net;
    uint32_t tag;
};

static bool on_net_change(void *arg, const struct change *c)
{
    struct net_reading *r = arg;
    struct diff_bytes d = {c->diff, c->diff_len, c->added_at};
    return history_check(r->h, net_add(r->net, &d, r->tag++, &r->h->diag)) && history_goes_on(r->h);
}

struct net *history_net(struct history *h, struct journal *j, uint64_t from, uint64_t to)
{
    struct net_reading r = {h, net_new(name_of(&h->zone), CLASS_IN), 0};
    struct journal_range range = {h->log_id, from + 1, to, 1};
    enum err e = OK;
    if (from < to)
        e = journal_read(j, &range, on_net_change, &r, &h->diag);
    if (history_check(h, e) && history_check(h, history_goes_on(h) ? OK : ERR_CANCELED))
        return r.net;
    net_free(r.net);
    return NULL;
}

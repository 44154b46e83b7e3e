/* SPDX-License-Identifier: Apache-2.0
 * Verbs that read the history of a zone: log, diff, blame. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/digits.h"
#include "conf/when.h"
#include "server/history.h"
#include "zone/load.h"
#include "zone/lookup.h"

/* --- log --- */

struct log_reading {
    struct history h;
    char *by;             /* who, NULL: anybody */
    struct name_buf name; /* len 0: any */
    int64_t since_us;
    uint32_t left; /* changes that may still be told of */
    bool has_records;
};

static struct log_reading *log_of(struct history *h)
{
    return container_of(h, struct log_reading, h);
}

static void log_clear(struct history *h)
{
    free(log_of(h)->by);
}

/* "web1" is the key web1; what else an actor may be is written as it is shown. */
static bool is_by(const char *actor, const char *who)
{
    return strcasecmp(actor, who) == 0 ||
           (strncmp(actor, "key ", 4) == 0 && strcasecmp(actor + 4, who) == 0);
}

static bool is_wanted(const struct log_reading *l, struct name owner)
{
    return l->name.len == 0 || name_is_equal(owner, name_of(&l->name));
}

/* Counts the records that are asked for. */
static enum err log_count(struct log_reading *l, const struct change *c, unsigned count[2])
{
    struct change_walk w;
    struct rr rr;
    enum net_way way;
    change_walk_start(&w, name_of(&l->h.zone), c);
    while (change_walk_next(&w, &rr, &way))
        count[way] += is_wanted(l, rr.owner);
    return w.why ? err_say(&l->h.diag, ERR_INVALID, "serial %u: change %s", c->serial_to, w.why)
                 : OK;
}

static bool log_records(struct log_reading *l, const struct change *c)
{
    struct change_walk w;
    struct rr rr;
    enum net_way way;
    size_t len;
    bool goes_on = true;
    change_walk_start(&w, name_of(&l->h.zone), c);
    while (goes_on && change_walk_next(&w, &rr, &way)) {
        if (!is_wanted(l, rr.owner))
            continue;
        json_t *row = history_record(&l->h, way == NET_ADDED ? "+" : "-", &rr, &len);
        goes_on = history_row(&l->h, row, len);
    }
    return goes_on;
}

static bool on_log_change(void *arg, const struct change *c)
{
    struct log_reading *l = arg;
    unsigned count[2] = {0};
    if (c->time_us < l->since_us)
        return false;
    if (l->by && !is_by(c->actor, l->by))
        return history_goes_on(&l->h);
    if (!history_check(&l->h, log_count(l, c, count)))
        return false;
    if (l->name.len && count[NET_REMOVED] + count[NET_ADDED] == 0)
        return history_goes_on(&l->h);
    json_t *row = history_change(c);
    control_put_number(row, "removed", count[NET_REMOVED]);
    control_put_number(row, "added", count[NET_ADDED]);
    bool goes_on = history_row(&l->h, row, strlen(c->actor) + strlen(c->peer) + strlen(c->rule));
    return goes_on && (!l->has_records || log_records(l, c)) && --l->left > 0;
}

static void log_run(struct history *h)
{
    struct log_reading *l = log_of(h);
    struct journal *j = history_journal(h);
    struct journal_range range = {h->log_id, h->seq, 1, -1};
    if (j && h->seq > 0 && l->left > 0)
        history_check(h, journal_read(j, &range, on_log_change, l, &h->diag));
}

/* "2h" back from now, or a date. */
static bool since_scan(const char *text, int64_t *out)
{
    uint64_t ms;
    if (!digits_duration_ms(text, strlen(text), &ms))
        return when_scan(text, out);
    int64_t now_us = clock_wall_us();
    *out = ms < (uint64_t)now_us / 1000 ? now_us - (int64_t)ms * 1000 : 0;
    return true;
}

static char *who_of(const char *text)
{
    char *who = mem_string(text);
    size_t len = who ? strlen(who) : 0;
    if (len > 1 && who[len - 1] == '.') /* a key's name is kept without it */
        who[len - 1] = '\0';
    return who;
}

enum control_next control_log(struct control_call *call)
{
    enum control_next next;
    struct log_reading *l = history_new(call, sizeof(*l), HISTORY_KEPT, &next);
    const char *name = control_text(call, "name"), *since = control_text(call, "since");
    if (!l)
        return next;
    l->h.run = log_run;
    l->h.clear = log_clear;
    l->by = who_of(control_text(call, "key"));
    l->has_records = control_is_set(call, "records");
    if (!control_number(call, "limit", &l->left))
        l->left = UINT32_MAX;
    if (name && !control_name_in(call, name_of(&l->h.zone), name, &l->name, &next))
        return next;
    if (since && !since_scan(since, &l->since_us))
        return control_fail_usage(
            call, "\"%.100s\" is no time: 2h, 3d, 2026-11-30 or 2026-11-30T12:00:00Z", since);
    return history_start(&l->h);
}

/* --- diff --- */

struct diff_reading {
    struct history h;
    uint32_t from, to;
    char *path; /* of the zone file; NULL: of serials */
    struct load_limits limits;
    struct zone *file;
};

static struct diff_reading *diff_of_history(struct history *h)
{
    return container_of(h, struct diff_reading, h);
}

static void diff_clear(struct history *h)
{
    free(diff_of_history(h)->path);
    zone_free(diff_of_history(h)->file);
}

/* The net as rows. */
static void net_show(struct history *h, struct net *n, enum net_direction direction)
{
    unsigned count[2] = {0};
    struct rr rr;
    size_t len;
    bool goes_on = true;
    net_settle(n, direction);
    for (size_t i = 0; goes_on && i < net_count(n); i++) {
        enum net_way way = net_get(n, i, &rr, NULL);
        json_t *row = history_record(h, way == NET_ADDED ? "+" : "-", &rr, &len);
        count[way]++;
        goes_on = history_row(h, row, len);
    }
    h->last = json_object();
    control_put_number(h->last, "removed", count[NET_REMOVED]);
    control_put_number(h->last, "added", count[NET_ADDED]);
}

static void diff_run(struct history *h)
{
    struct diff_reading *d = diff_of_history(h);
    struct journal *j = history_journal(h);
    uint64_t from = 0, to = 0;
    if (!j || !history_check(h, history_find(h, j, d->from, &from)) ||
        !history_check(h, history_find(h, j, d->to, &to)))
        return;
    struct net *n = from <= to ? history_net(h, j, from, to) : history_net(h, j, to, from);
    if (!n)
        return;
    net_show(h, n, from <= to ? NET_FORTH : NET_BACK);
    control_put_number(h->last, "from", d->from);
    control_put_number(h->last, "to", d->to);
    net_free(n);
}

static void diff_file_run(struct history *h)
{
    struct diff_reading *d = diff_of_history(h);
    struct load_sink sink = {0}; /* the first error is in the diag, and that is the answer */
    struct load_result result = {0};
    d->file = load_zone_file(name_of(&h->zone), d->path, &d->limits, &sink, &result, &h->diag);
    if (!history_check(h, d->file ? OK : ERR_INVALID))
        return;
    struct net *n = net_new(name_of(&h->zone), CLASS_IN);
    net_add_versions(n, d->file->published, h->version);
    net_show(h, n, NET_FORTH);
    control_put_text(h->last, "file", d->path);
    control_put_number(h->last, "to", h->serial);
    net_free(n);
}

/* "A" or "A..B". */
static bool serials_scan(const char *text, struct diff_reading *d)
{
    const char *dots = strstr(text, "..");
    uint64_t from, to = d->to;
    size_t len = dots ? (size_t)(dots - text) : strlen(text);
    if (!digits_u64(text, len, UINT32_MAX, &from) ||
        (dots && !digits_u64(dots + 2, strlen(dots + 2), UINT32_MAX, &to)))
        return false;
    d->from = (uint32_t)from;
    d->to = (uint32_t)to;
    return true;
}

static enum control_next diff_file(struct control_call *call, struct diff_reading *d)
{
    const struct conf_zone *c = zones_configured(call->server, name_of(&d->h.zone));
    if (!c || !c->file)
        return control_fail(call, "the zone has no file");
    d->path = mem_string(c->file);
    d->limits.records_max = call->server->conf->zone_records_max;
    d->limits.is_canceled = &d->h.is_stopped;
    d->h.run = diff_file_run;
    return history_start(&d->h);
}

enum control_next control_diff(struct control_call *call)
{
    enum control_next next;
    bool is_file = control_is_set(call, "file");
    const char *serials = control_text(call, "serials");
    if (is_file == (serials != NULL))
        return control_fail_usage(call, "diff needs SERIAL, SERIAL..SERIAL or --file");
    struct diff_reading *d =
        history_new(call, sizeof(*d), is_file ? HISTORY_SERVED : HISTORY_KEPT, &next);
    if (!d)
        return next;
    d->h.clear = diff_clear;
    if (is_file)
        return diff_file(call, d);
    d->h.run = diff_run;
    d->to = d->h.serial;
    if (!serials_scan(serials, d))
        return control_fail_usage(call, "\"%.100s\" is no serial, nor two with .. between them",
                                  serials);
    return history_start(&d->h);
}

/* --- blame --- */

/* RRsets of one name whose last change is looked for: those that it has, or, if it has none, those
 * that were removed last. */
#define BLAME_SETS_MAX 1024

struct blame_set {
    struct rrset_id id;
    bool is_found;
};

struct blame_reading {
    struct history h;
    struct name_buf name;
    struct blame_set *set;
    unsigned count, found;
    bool has_none; /* the name has nothing */
};

static struct blame_reading *blame_of(struct history *h)
{
    return container_of(h, struct blame_reading, h);
}

static void blame_clear(struct history *h)
{
    free(blame_of(h)->set);
}

static json_t *blame_row(json_t *row, struct rrset_id id)
{
    char type[16];
    control_put_text(row, "type", rrtype_text(id.type, type));
    if (id.covered)
        control_put_text(row, "covered", rrtype_text(id.covered, type));
    return row;
}

static struct blame_set *blame_find(struct blame_reading *b, struct rrset_id id)
{
    for (unsigned i = 0; i < b->count; i++)
        if (rrset_order(b->set[i].id) == rrset_order(id))
            return &b->set[i];
    if (!b->has_none || b->count == BLAME_SETS_MAX)
        return NULL; /* not there any more */
    b->set[b->count] = (struct blame_set){.id = id};
    return &b->set[b->count++];
}

static bool on_blame_change(void *arg, const struct change *c)
{
    struct blame_reading *b = arg;
    struct change_walk w;
    struct rr rr;
    enum net_way way;
    change_walk_start(&w, name_of(&b->h.zone), c);
    while (change_walk_next(&w, &rr, &way)) {
        if (!name_is_equal(rr.owner, name_of(&b->name)))
            continue;
        struct rrset_id id = {rr.type, rr.type == TYPE_RRSIG ? get_u16(rr.rdata.bytes) : 0};
        struct blame_set *s = blame_find(b, id);
        if (!s || s->is_found)
            continue;
        s->is_found = true;
        b->found++;
        json_t *row = blame_row(history_change(c), id);
        json_object_set_new(row, "is_removed", json_boolean(b->has_none));
        if (!history_row(&b->h, row, strlen(c->actor)))
            return false;
    }
    if (w.why)
        history_check(
            &b->h, err_say(&b->h.diag, ERR_INVALID, "serial %u: change %s", c->serial_to, w.why));
    return !w.why && (b->has_none ? b->found == 0 : b->found < b->count) && history_goes_on(&b->h);
}

/* RRsets that no change of the history has touched. */
static void blame_rest(struct blame_reading *b, const struct node *n)
{
    for (unsigned i = 0; i < b->count; i++) {
        struct rrset_id id = b->set[i].id;
        uint64_t digest;
        if (b->set[i].is_found)
            continue;
        bool is_files = b->h.base && base_find(b->h.base, name_of(&b->name), id, &digest) &&
                        digest == base_digest(b->h.base, node_get(n, id));
        json_t *row = blame_row(json_object(), id);
        control_put_text(row, "source", is_files ? "zone file" : "before the history");
        history_row(&b->h, row, 0);
    }
}

static const struct node *blame_node(const struct blame_reading *b)
{
    return lookup_exact(b->h.version, name_of(&b->name));
}

static void blame_run(struct history *h)
{
    struct blame_reading *b = blame_of(h);
    struct journal *j = history_journal(h);
    const struct node *n = blame_node(b);
    struct journal_range range = {h->log_id, h->seq, 1, -1};
    b->set = mem_alloc_zero(sizeof(*b->set) * (n ? n->rrset_count + 1u : BLAME_SETS_MAX));
    b->has_none = !n;
    if (n)
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            b->set[b->count++].id = rrset_id(s);
    if (!j ||
        (h->seq > 0 && !history_check(h, journal_read(j, &range, on_blame_change, b, &h->diag))))
        return;
    if (n)
        blame_rest(b, n);
    else if (b->found == 0)
        history_check(h, err_say(&h->diag, ERR_ABSENT,
                                 "the name has no records, and the history knows of none"));
}

enum control_next control_blame(struct control_call *call)
{
    enum control_next next;
    struct blame_reading *b = history_new(call, sizeof(*b), HISTORY_KEPT, &next);
    if (!b)
        return next;
    b->h.run = blame_run;
    b->h.clear = blame_clear;
    if (!control_name_in(call, name_of(&b->h.zone), control_text(call, "name"), &b->name, &next))
        return next;
    return history_start(&b->h);
}

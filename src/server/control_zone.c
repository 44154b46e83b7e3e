/* SPDX-License-Identifier: Apache-2.0
 * Verbs about zones as they are now: zones, zone, export. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "dns/print.h"
#include "server/control_int.h"
#include "server/history.h"
#include "server/leases.h"
#include "server/server_int.h"
#include "zone/lookup.h"

/* --- zones: in canonical order, by slices --- */

static const char *state_of(const struct store_entry *e)
{
    const struct server_zone *z = e->owner;
    if (z->is_loading)
        return "loading";
    if (z->failure)
        return e->zone ? "last good version" : "not loaded";
    if (e->is_expired)
        return "expired";
    return e->zone ? "serving" : "not transferred yet";
}

static json_t *zone_row(const struct store_entry *e)
{
    const struct server_zone *z = e->owner;
    json_t *row = json_object();
    control_put_name(row, "zone", name_of(&e->name));
    control_put_text(row, "type", z->secondary ? "secondary" : "primary");
    if (e->zone) {
        control_put_number(row, "serial", e->zone->published->serial);
        control_put_number(row, "records", e->zone->published->record_count);
    }
    control_put_text(row, "state", state_of(e));
    return row;
}

/* The first zone of the configuration behind the name (at it, if `last` has no length). */
static unsigned zones_after(const struct conf *conf, struct name last)
{
    unsigned low = 0, high = conf->zone_count;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (!last.len || name_compare(conf->zones[mid].name, last) > 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static void zones_free_state(struct control_call *call)
{
    free(call->state);
}

/* The state is the name of the last zone told of: a reload between two slices does no harm. */
static enum control_next zones_step(struct control_call *call)
{
    struct name_buf *last = call->state;
    const struct conf *conf = call->server->conf;
    unsigned at = zones_after(conf, name_of(last)), rows = 0;
    json_t *list = json_array(), *fields = json_object();
    for (; at < conf->zone_count && rows < CONTROL_SLICE_ROWS; at++, rows++) {
        name_copy(last, conf->zones[at].name);
        const struct store_entry *e = store_get(&call->server->store, name_of(last));
        if (e)
            json_array_append_new(list, zone_row(e));
    }
    json_object_set_new(fields, "zones", list);
    return at < conf->zone_count ? control_more(call, fields) : control_answer(call, fields);
}

enum control_next control_zones(struct control_call *call)
{
    call->state = mem_alloc_zero(sizeof(struct name_buf));
    call->end = zones_free_state;
    call->step = zones_step;
    return zones_step(call);
}

/* --- zone --- */

static const char *const serial_texts[] = {
#define X(name, text) [name] = text,
    SERIAL_POLICY_LIST(X)
#undef X
};

static void put_version(json_t *fields, const struct version *v)
{
    control_put_number(fields, "serial", v->serial);
    control_put_number(fields, "records", v->record_count);
    control_put_number(fields, "names", v->node_count);
    control_put_number(fields, "bytes", v->byte_count);
    json_object_set_new(fields, "signed", json_boolean(v->is_signed));
}

static void put_leases(json_t *fields, const struct lease_set *set)
{
    int64_t next_us = lease_set_next_us(set);
    control_put_number(fields, "leases", set->count);
    if (next_us < INT64_MAX)
        control_put_number(fields, "lease_next_us", next_us > 0 ? (uint64_t)next_us : 0);
}

enum control_next control_zone(struct control_call *call)
{
    enum control_next next;
    const struct store_entry *e = control_zone_of(call, &next);
    if (!e)
        return next;
    const struct server_zone *z = e->owner;
    const struct conf_zone *c = zones_configured(call->server, name_of(&e->name));
    json_t *fields = zone_row(e);
    if (e->zone)
        put_version(fields, e->zone->published);
    if (c && c->file)
        control_put_text(fields, "file", c->file);
    if (z->loaded_us)
        control_put_number(fields, "loaded_us", (uint64_t)z->loaded_us);
    if (z->failure)
        control_put_text(fields, "failure", z->failure);
    if (c) {
        control_put_number(fields, "grants", c->grant_count);
        control_put_text(fields, "serial_policy", serial_texts[c->serial]);
    }
    if (z->is_frozen)
        json_object_set_new(fields, "frozen", json_true());
    if (z->leases)
        put_leases(fields, &z->leases->set);
    peers_describe(z, fields);
    control_put_number(fields, "now_us", (uint64_t)call->server->now_us);
    secondary_describe(z, fields);
    return about_zone(call, e, fields);
}

/* --- export --- */

/* Where a walk through a pinned version stands. */
struct export
{
    const struct version *v;
    struct walk walk;
    const struct node *node; /* NULL: at the end */
    struct rrset set;
    struct rdata rdata; /* the next record; bytes NULL: set is done */
    bool is_soa_next;   /* the apex's SOA stands before all else */
    uint64_t records;
    char *text;
    size_t cap;
};

static void export_free(struct control_call *call)
{
    struct export *x = call->state;
    version_unpin(x->v);
    free(x->text);
    free(x);
}

static void set_start(struct export *x, struct rrset set)
{
    ASSERT(set.count && set.data); /* a node has at least one RRset, an RRset one record */
    x->set = set;
    x->rdata = rrset_first(set);
}

static void node_start(struct export *x, const struct node *n)
{
    x->node = n;
    if (n)
        set_start(x, node_first(n));
}

/* The record to print; false: all are printed. */
static bool export_next(struct export *x, struct rr *out)
{
    if (x->is_soa_next) {
        x->is_soa_next = false;
        *out = (struct rr){node_owner(x->v->apex), TYPE_SOA, x->v->zone->class, x->v->soa.ttl,
                           rrset_first(x->v->soa)};
        return true;
    }
    while (x->node && (!x->rdata.bytes || (x->set.type == TYPE_SOA && x->node == x->v->apex))) {
        struct rrset set = node_next(x->node, x->set);
        if (set.count)
            set_start(x, set);
        else
            node_start(x, walk_next(&x->walk));
    }
    if (!x->node)
        return false;
    *out = (struct rr){node_owner(x->node), x->set.type, x->v->zone->class, x->set.ttl, x->rdata};
    x->rdata = rrset_next(x->set, x->rdata);
    return true;
}

static void text_make_room(struct export *x, struct text *t, size_t need)
{
    size_t len = text_len(t);
    if (x->cap - len >= need)
        return;
    x->cap = len + need;
    x->text = mem_grow(x->text, x->cap);
    t->start = x->text;
    t->at = x->text + len;
    t->end = x->text + x->cap - 1;
}

static enum control_next export_step(struct control_call *call)
{
    struct export *x = call->state;
    struct rr rr;
    struct text t;
    bool has_more = true;
    text_init(&t, x->text, x->cap);
    while (text_len(&t) < CONTROL_SLICE_LEN && (has_more = export_next(x, &rr))) {
        text_make_room(x, &t, PRINT_RR_MAX(rr.rdata.len) + 2);
        print_rr(&rr, &t);
        text_char(&t, '\n');
        x->records++;
    }
    ASSERT(!t.bad);
    json_t *fields = json_object();
    control_put_text(fields, "text", x->text);
    if (has_more)
        return control_more(call, fields);
    control_put_number(fields, "serial", x->v->serial);
    control_put_number(fields, "records", x->records);
    return control_answer(call, fields);
}

enum control_next control_export(struct control_call *call)
{
    enum control_next next;
    struct store_entry *e = control_zone_of(call, &next);
    char name[NAME_TEXT_MAX];
    uint32_t at;
    if (!e)
        return next;
    if (control_number(call, "at", &at) || control_is_set(call, "dynamic"))
        return history_export(call);
    if (!e->zone || !e->zone->published->apex)
        return control_fail(call, "zone %s is not loaded", name_text(name_of(&e->name), name));
    struct export *x = mem_alloc_zero(sizeof(*x));
    x->v = version_pin(e->zone->published);
    x->cap = CONTROL_SLICE_LEN + PRINT_RR_MAX(512);
    x->text = mem_alloc(x->cap);
    x->is_soa_next = x->v->soa.count > 0;
    walk_start(&x->walk, x->v);
    node_start(x, walk_next(&x->walk));
    call->state = x;
    call->end = export_free;
    call->step = export_step;
    return export_step(call);
}

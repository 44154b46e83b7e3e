/* SPDX-License-Identifier: Apache-2.0
 * What a zone's file would do: it is read and compared as a reload does it (opening.c), and merged
 * into a copy of what is served, which is thrown away. */
#include <stdlib.h>

#include "base/arena.h"
#include "server/control_int.h"
#include "server/opening.h"
#include "server/plan.h"
#include "zone/image.h"

/* One side of a conflict. */
#define SET_TEXT_MAX 256

/* What is said of one zone. */
struct telling {
    json_t *conflicts, *faults;
};

static void on_line(void *arg, enum master_severity severity, const char *line)
{
    struct telling *told = arg;
    if (severity != MASTER_ERROR || json_array_size(told->faults) >= PLAN_FAULTS_MAX)
        return;
    json_t *row = json_object();
    control_put_text(row, "fault", line);
    json_array_append_new(told->faults, row);
}

static void put_set(json_t *row, const char *key, struct rrset set)
{
    char text[SET_TEXT_MAX];
    struct text t;
    text_init(&t, text, sizeof(text));
    if (!set.count)
        text_add(&t, "none");
    for (struct rdata r = set.count ? rrset_first(set) : (struct rdata){0}; r.bytes && !t.bad;
         r = rrset_next(set, r)) {
        text_add(&t, text_len(&t) ? " | " : "");
        rdata_show(set.type, r, &t);
    }
    control_put_text(row, key, text);
}

static void on_conflict(void *arg, const struct merge_conflict *c)
{
    struct telling *told = arg;
    char type[16];
    if (json_array_size(told->conflicts) >= PLAN_CONFLICTS_MAX)
        return;
    json_t *row = json_object();
    control_put_name(row, "name", c->owner);
    control_put_text(row, "type", rrtype_text(c->covered ? c->covered : c->type, type));
    put_set(row, "file", c->theirs);
    put_set(row, "update", c->ours);
    json_array_append_new(told->conflicts, row);
}

/* A zone of its own with the same content. */
static struct zone *copy_of(const struct version *v)
{
    struct zone *copy = zone_new(name_of(&v->zone->name), v->zone->class);
    struct txn *t = txn_begin(copy, TXN_BUILD);
    struct image_writer w;
    uint8_t *bytes;
    size_t len;
    enum err e = OK;
    image_writer_start(&w, v);
    while (e == OK && (bytes = image_next(&w, &len))) {
        e = image_load(t, bytes, len, NULL);
        free(bytes);
    }
    if (e != OK) {
        txn_abort(&t);
        zone_free(copy);
        return NULL;
    }
    zone_publish(copy, txn_seal(&t, NULL));
    return copy;
}

/* Records without the SOA, which moves with its serial. */
static uint32_t but_soa(const struct diff *d, uint32_t count)
{
    return count - (d->serial_from != d->serial_to && count > 0);
}

static void say_merged(struct plan *p, const struct opening *o, const struct diff *d,
                       const struct merge_result *result, const struct telling *told)
{
    char name[NAME_TEXT_MAX];
    json_t *row = plan_row(p, PLAN_RECORDS, "~", name_text(name_of(&o->name), name));
    if (!row)
        return;
    control_put_number(row, "added", but_soa(d, d->added_count));
    control_put_number(row, "removed", but_soa(d, d->removed_count));
    control_put_number(row, "serial_from", d->serial_from);
    control_put_number(row, "serial_to",
                       o->has_history ? d->serial_to : o->theirs->published->serial);
    control_put_number(row, "conflicts", o->has_history ? result->conflicts : 0);
    if (o->has_history)
        json_object_set(row, "conflict_list", told->conflicts);
}

/* The plan of the merge is done to a copy. */
static void merge_try(struct plan *p, struct opening *o, struct telling *told)
{
    struct merge_sink sink = {.arg = told, .conflict = on_conflict};
    struct merge_result result = {0};
    struct diff diff = {0};
    struct zone *copy = copy_of(o->live);
    if (!copy)
        return;
    struct txn *t = txn_begin(copy, TXN_CHANGE);
    (void)merge_apply_some(o->plan, t, SIZE_MAX, o->serial, p->now_us, &sink, &result);
    (void)txn_seal(&t, &diff);
    if (diff.len > 0)
        say_merged(p, o, &diff, &result, told);
    diff_done(&diff);
    zone_free(copy);
}

static void say_failed(struct plan *p, const struct opening *o, struct telling *told)
{
    char name[NAME_TEXT_MAX];
    json_t *row = plan_row(p, PLAN_RECORDS, "!", name_text(name_of(&o->name), name));
    p->failed++;
    if (!row)
        return;
    control_put_text(row, "what", o->diag.text);
    json_object_set(row, "faults", told->faults);
}

/* As zones.c sets one up; a zone whose changes are not kept comes anew from its file, which is told
 * of as what would differ. */
static struct opening *opening_for(struct plan *p, const struct conf_zone *c,
                                   const struct plan_live *live)
{
    struct opening *o = mem_alloc_zero(sizeof(*o));
    name_copy(&o->name, name_of(&c->name));
    o->path = mem_string(c->file);
    if (c->soa)
        opening_set_soa(o, c->soa);
    o->serial = c->serial;
    o->limits.records_max = p->new->zone_records_max;
    o->limits.is_canceled = p->is_canceled;
    o->live = live->version;
    if (live->version && live->base && c->has_history) {
        o->has_history = true;
        o->base = base_hold(live->base);
        o->identity = mem_string(live->identity);
    } else if (live->version) {
        o->base = base_make(live->version);
    }
    return o;
}

uint64_t plan_file(struct plan *p, const struct conf_zone *new, const struct plan_live *live)
{
    struct telling told = {json_array(), json_array()};
    struct opening *o = opening_for(p, new, live);
    o->on_line = on_line;
    o->on_line_arg = &told;
    opening_run(o);
    uint64_t records = o->zone ? o->zone->published->record_count : 0;
    if (atomic_load(p->is_canceled))
        ; /* nobody wants to know */
    else if (o->has_failed)
        say_failed(p, o, &told);
    else if (o->plan && merge_count(o->plan) > 0)
        merge_try(p, o, &told);
    opening_free(o);
    json_decref(told.conflicts);
    json_decref(told.faults);
    return records;
}

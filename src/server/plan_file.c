/* SPDX-License-Identifier: Apache-2.0
 * What a zone's file would do: it is read and compared as a reload does it (opening.c), and merged
 * into a copy of what is served, which is thrown away. Who made the live side of a conflict is
 * looked for in the change log, newest change first. */
#include <stdlib.h>

#include "base/arena.h"
#include "server/control_int.h"
#include "server/history.h"
#include "server/opening.h"
#include "server/plan.h"
#include "zone/image.h"

/* One side of a conflict. */
#define SET_TEXT_MAX 256

/* What is said of one zone. */
struct telling {
    json_t *conflicts, *faults;
    struct told_conflict {
        struct name_buf owner;
        struct rrset_id id;
        json_t *row;  /* of conflicts */
        bool has_who; /* the last change of the RRset is found */
    } conflict[PLAN_CONFLICTS_MAX];
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
    size_t n = json_array_size(told->conflicts);
    if (n >= PLAN_CONFLICTS_MAX)
        return;
    json_t *row = json_object();
    told->conflict[n] = (struct told_conflict){.id = {c->type, c->covered}, .row = row};
    name_copy(&told->conflict[n].owner, c->owner);
    control_put_name(row, "name", c->owner);
    control_put_text(row, "type", rrtype_text(c->covered ? c->covered : c->type, type));
    put_set(row, "file", c->theirs);
    put_set(row, "update", c->ours);
    json_array_append_new(told->conflicts, row);
}

/* --- whose changes they are --- */

struct who_reading {
    struct telling *told;
    struct name zone;
    const atomic_bool *is_canceled;
    size_t left; /* conflicts whose last change is not found */
};

static void who_note(struct who_reading *r, const struct rr *rr, const struct change *c)
{
    struct rrset_id id = {rr->type, rr->type == TYPE_RRSIG ? get_u16(rr->rdata.bytes) : 0};
    for (size_t i = 0; i < json_array_size(r->told->conflicts); i++) {
        struct told_conflict *t = &r->told->conflict[i];
        if (t->has_who || rrset_order(t->id) != rrset_order(id) ||
            !name_is_equal(name_of(&t->owner), rr->owner))
            continue;
        control_put_text(t->row, "actor", c->actor);
        control_put_text(t->row, "kind", change_kind_text(c->kind));
        control_put_number(t->row, "serial", c->serial_to);
        control_put_number(t->row, "time_us", (uint64_t)c->time_us);
        t->has_who = true;
        r->left--;
    }
}

static bool on_change(void *arg, const struct change *c)
{
    struct who_reading *r = arg;
    struct change_walk w;
    struct rr rr;
    enum net_way way;
    change_walk_start(&w, r->zone, c);
    while (r->left > 0 && change_walk_next(&w, &rr, &way))
        who_note(r, &rr, c);
    return r->left > 0 && !w.why && !atomic_load(r->is_canceled);
}

/* What is not in the history any more, or cannot be read, stays without. */
static void who_find(struct plan *p, const struct opening *o, const struct plan_live *live,
                     struct telling *told)
{
    struct journal *j = state_journal(p->state);
    struct who_reading r = {told, name_of(&o->name), p->is_canceled,
                            json_array_size(told->conflicts)};
    struct journal_range range = {live->log_id, live->seq, 1, -1};
    struct diag diag;
    if (j && live->seq > 0 && r.left > 0)
        (void)journal_read(j, &range, on_change, &r, &diag);
}

/* --- the merge --- */

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
static void merge_try(struct plan *p, struct opening *o, const struct plan_live *live,
                      struct telling *told)
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
    if (diff.len > 0 && o->has_history)
        who_find(p, o, live, told);
    if (diff.len > 0)
        say_merged(p, o, &diff, &result, told);
    diff_done(&diff);
    zone_free(copy);
}

static void say_failed(struct plan *p, const struct opening *o, struct telling *told)
{
    char name[NAME_TEXT_MAX];
    json_t *row = plan_row(p, PLAN_RECORDS, "!", name_text(name_of(&o->name), name));
    p->failed += !o->is_held;
    p->held += o->is_held;
    if (!row)
        return;
    control_put_text(row, "what", o->diag.text);
    json_object_set_new(row, "held", json_boolean(o->is_held));
    json_object_set(row, "faults", told->faults);
}

/* As zones.c sets one up; a zone whose changes are not kept comes anew from its file, which is told
 * of as what would differ. */
static struct opening *opening_for(struct plan *p, const struct conf_zone *c,
                                   const struct plan_live *live)
{
    struct opening *o = mem_alloc_zero(sizeof(*o));
    name_copy(&o->name, c->name);
    o->path = mem_string(c->file);
    if (c->soa)
        opening_set_soa(o, c->soa);
    o->serial = c->serial;
    o->limits.records_max = p->new->zone_records_max;
    o->limits.is_canceled = p->is_canceled;
    o->live = live->version;
    if (c->has_history && live->is_kept) {
        o->has_history = true;
        o->base = live->base ? base_hold(live->base) : NULL; /* none: it was a secondary */
        o->identity = mem_string(live->identity);
    } else if (live->version) {
        o->base = base_make(live->version);
    }
    /* one that is new to the change log comes as its file has it */
    o->shrink_percent = c->has_history && !live->is_kept ? 0 : c->shrink_percent;
    return o;
}

uint64_t plan_file(struct plan *p, const struct conf_zone *new, const struct plan_live *live)
{
    struct telling told = {.conflicts = json_array(), .faults = json_array()};
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
        merge_try(p, o, live, &told);
    opening_free(o);
    json_decref(told.conflicts);
    json_decref(told.faults);
    return records;
}

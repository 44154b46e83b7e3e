/* SPDX-License-Identifier: Apache-2.0
 * Leases: rows on their way into the log, what is in memory, and the timer that ends them.
 *
 * The usual course: an update notes rows (leases_note), they are given with it (leases_give, which
 * holds them), the log takes them, they are put into memory (leases_settle). When the first one is
 * over the timer fires, ends what is due in one txn, and gives that the same way. */
#include "server/leases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/server_int.h"
#include "zone/lookup.h"

#define US_PER_S   INT64_C(1000000)
/* What a zone whose leases could not be ended waits. */
#define RETRY_US   US_PER_S
/* Leases that end one by one, all the time, make one change in so long. */
#define GATHER_US  100000
/* Changes that end leases and are not in the log yet, of one zone. */
#define ENDING_MAX 8
/* Records looked at when a change is given. */
#define LOOK_SLICE 512

/* --- rows --- */

void lease_rows_add(struct lease_rows *rows, const struct journal_lease *row)
{
    if (rows->count == rows->cap) {
        rows->cap = rows->cap ? 2 * rows->cap : 4;
        rows->at = mem_grow(rows->at, rows->cap * sizeof(*rows->at));
    }
    size_t len = (size_t)row->owner.len + row->rdata.len;
    uint8_t *bytes = mem_alloc(len);
    memcpy(bytes, row->owner.wire, row->owner.len);
    if (row->rdata.len)
        memcpy(bytes + row->owner.len, row->rdata.bytes, row->rdata.len);
    struct journal_lease *copy = &rows->at[rows->count++];
    *copy = *row;
    copy->owner.wire = bytes;
    copy->rdata.bytes = bytes + row->owner.len;
    rows->bytes += len + sizeof(*row);
}

void lease_rows_done(struct lease_rows *rows)
{
    for (unsigned i = 0; i < rows->count; i++)
        free((uint8_t *)(uintptr_t)rows->at[i].owner.wire);
    free(rows->at);
    *rows = (struct lease_rows){0};
}

/* It has a lease, or will have one if what is under way succeeds. */
static bool may_have(const struct zone_leases *l, struct name owner, uint16_t type,
                     struct rdata rdata)
{
    struct lease lease;
    return lease_set_get(&l->set, owner, type, rdata, &lease) ||
           (l->coming.count && lease_set_get(&l->coming, owner, type, rdata, &lease));
}

void leases_note(const struct server_zone *z, const struct update_report *report, int64_t now_us,
                 struct lease_rows *rows)
{
    for (unsigned i = 0; i < report->lease_count; i++) {
        const struct update_lease *u = &report->leases[i];
        struct journal_lease row = {u->owner, u->type, u->rdata, 0, u->lease_s};
        if (u->lease_s)
            row.expires_us = now_us + (int64_t)u->lease_s * US_PER_S;
        else if (!z->leases || !may_have(z->leases, u->owner, u->type, u->rdata))
            continue; /* permanent already */
        lease_rows_add(rows, &row);
    }
}

/* --- memory --- */

static struct zone_leases *leases_of(struct server *s, struct server_zone *z);

static void arm(struct server *s, struct zone_leases *l)
{
    const struct server_zone *z = l->zone;
    int64_t at_us = lease_set_next_us(&l->set);
    if (at_us < INT64_MAX && z->conf->type == CONF_SECONDARY)
        at_us = s->now_us;
    if (l->not_before_us > s->now_us + RETRY_US)
        l->not_before_us = 0; /* the clock was set back */
    if (l->ending >= ENDING_MAX)
        at_us = INT64_MAX; /* until one of them has been told of */
    else if (at_us < l->not_before_us)
        at_us = l->not_before_us;
    timer_set(&s->timers, &l->timer, at_us);
}

/* Nothing is left to remember. */
static void consider_end(struct server *s, struct server_zone *z)
{
    struct zone_leases *l = z->leases;
    if (l->set.count || l->under_way)
        arm(s, l);
    else
        leases_forget(s, z);
}

/* Nobody refers to them any more. */
static void drop_run(struct job *t)
{
    struct zone_leases *l = container_of(t, struct zone_leases, job);
    lease_set_done(&l->set);
    lease_set_done(&l->coming);
}

static void drop_free(struct job *t)
{
    drop_run(t);
    free(container_of(t, struct zone_leases, job));
}

static void drop_done(void *owner, struct job *t)
{
    (void)owner;
    drop_free(t);
}

static const struct job_kind drop_kind = {drop_run, drop_done, drop_free};

static struct zone_leases *take_out(struct server *s, struct server_zone *z)
{
    struct zone_leases *l = z->leases;
    if (!l)
        return NULL;
    s->lease_count -= l->set.count;
    timer_stop(&s->timers, &l->timer);
    z->leases = NULL;
    z->rules.leases = z->rules.coming = NULL;
    return l;
}

void leases_forget(struct server *s, struct server_zone *z)
{
    struct zone_leases *l = take_out(s, z);
    if (l && lease_set_is_small(&l->set) && lease_set_is_small(&l->coming))
        drop_free(&l->job);
    else if (l)
        helpers_give(s->helpers, &l->job, &drop_kind, PACE_FIRST);
}

void leases_free(struct server *s, struct server_zone *z)
{
    struct zone_leases *l = take_out(s, z);
    if (l)
        drop_free(&l->job);
}

void leases_wake(struct server *s, struct server_zone *z)
{
    if (z->leases) {
        z->leases->not_before_us = 0;
        arm(s, z->leases);
    }
}

static void coming_add(struct zone_leases *l, const struct journal_lease *row)
{
    struct lease lease = {.lease_s = 0};
    (void)lease_set_get(&l->coming, row->owner, row->type, row->rdata, &lease);
    lease.type = row->type;
    lease.expires_us = row->expires_us; /* the newest is what the tip has */
    lease.owner = row->owner;           /* what it had is a view of what is replaced */
    lease.rdata = row->rdata;
    lease.lease_s++;
    lease_set_put(&l->coming, &lease);
}

static void coming_drop(struct zone_leases *l, const struct journal_lease *row)
{
    struct lease lease;
    if (!lease_set_get(&l->coming, row->owner, row->type, row->rdata, &lease))
        return;
    if (lease.lease_s <= 1) {
        (void)lease_set_drop(&l->coming, row->owner, row->type, row->rdata);
        return;
    }
    lease.owner = row->owner;
    lease.rdata = row->rdata;
    lease.lease_s--;
    lease_set_put(&l->coming, &lease);
}

/* --- changes on their way --- */

bool leases_has_record(const struct version *v, struct name owner, uint16_t type,
                       struct rdata rdata)
{
    struct rrset_id id = {type, 0};
    if (!name_is_under(owner, name_of(&v->zone->name)))
        return false;
    if (type == TYPE_RRSIG)
        id.covered = get_u16(rdata.bytes);
    struct rrset set = node_get(lookup_exact(v, owner), id);
    for (struct rdata r = rrset_first(set); r.bytes; r = rrset_next(set, r))
        if (rdata_compare(type, r, rdata) == 0)
            return true;
    return false;
}

/* A record that the change removes, and does not put back with another TTL. */
static void look_at(struct pending *p, const struct rr *rr)
{
    struct zone_leases *l = p->zone->leases;
    if (!may_have(l, rr->owner, rr->type, rr->rdata) ||
        leases_has_record(p->version, rr->owner, rr->type, rr->rdata))
        return;
    struct journal_lease row = {rr->owner, rr->type, rr->rdata, 0, 0};
    lease_rows_add(&p->leases, &row);
    lease_set_hold(&l->set, rr->owner, rr->type, rr->rdata);
}

bool leases_look(struct pending *p, unsigned budget)
{
    const struct diff *d = &p->diff;
    if (!p->has_leases || !p->version || !p->zone || p->looked_at >= d->added_at)
        return true;
    const struct zone *z = p->data;
    struct diff_of of = {name_of(&z->name), z->class};
    struct rd r = rd_over(d->bytes + p->looked_at, d->added_at - p->looked_at);
    struct rr rr;
    while (budget-- > 0 && rd_left(&r) > 0) {
        const char *fault = diff_read(&r, &of, &rr);
        ASSERT(!fault);
        look_at(p, &rr);
    }
    p->looked_at = d->added_at - rd_left(&r);
    return p->looked_at == d->added_at;
}

void leases_give(struct server *s, struct pending *p)
{
    struct zone_leases *l = leases_of(s, p->zone);
    p->has_leases = true;
    l->under_way++;
    for (unsigned i = 0; i < p->leases.count; i++) {
        const struct journal_lease *row = &p->leases.at[i];
        if (row->lease_s)
            coming_add(l, row);
        lease_set_hold(&l->set, row->owner, row->type, row->rdata);
    }
    (void)leases_look(p, LOOK_SLICE);
    arm(s, l);
}

static void settle_row(struct server *s, struct zone_leases *l, const struct journal_lease *row)
{
    struct lease lease = {row->owner, row->type, row->rdata, row->expires_us, row->lease_s};
    size_t before = l->set.count;
    if (row->lease_s) {
        lease_set_put(&l->set, &lease);
        s->count.leases_granted += l->set.count > before;
        s->count.leases_renewed += l->set.count == before;
    } else {
        (void)lease_set_drop(&l->set, row->owner, row->type, row->rdata);
    }
    s->lease_count += l->set.count - before;
}

void leases_settle(struct server *s, struct pending *p, enum err result)
{
    struct zone_leases *l = p->zone->leases;
    ASSERT(l && l->under_way > 0);
    for (unsigned i = 0; i < p->leases.count; i++) {
        const struct journal_lease *row = &p->leases.at[i];
        if (row->lease_s)
            coming_drop(l, row);
        if (result == OK)
            settle_row(s, l, row);
        lease_set_release(&l->set, row->owner, row->type, row->rdata);
    }
    l->under_way--;
    consider_end(s, p->zone);
}

/* --- ending --- */

/* The RRset is in the zone exactly as the zone file has it. */
static bool is_files(const struct server_zone *z, struct name owner, struct rrset set)
{
    uint64_t digest;
    return z->base && base_find(z->base, owner, rrset_id(set), &digest) &&
           digest == base_digest(z->base, set);
}

static bool stays(const struct server_zone *z, struct txn *t, const struct lease *lease)
{
    struct rrset_id id = {lease->type, lease->type == TYPE_RRSIG ? get_u16(lease->rdata.bytes) : 0};
    struct rrset set = node_get(lookup_exact(z->entry->zone->tip, lease->owner), id);
    bool is_apex = lease->owner.len == z->entry->name.len;
    if (set.count && is_files(z, lease->owner, set))
        return true;
    if (!is_apex || lease->type != TYPE_NS)
        return is_apex && lease->type == TYPE_SOA;
    return node_get(txn_find(t, lease->owner), id).count <= 1;
}

bool leases_end(const struct server_zone *z, struct txn *t, const struct lease *lease)
{
    return leases_has_record(z->entry->zone->tip, lease->owner, lease->type, lease->rdata) &&
           !stays(z, t, lease) &&
           txn_remove(t, lease->owner, lease->type, lease->rdata) == TXN_DONE;
}

bool leases_move_serial(const struct server *s, const struct server_zone *z, struct txn *t)
{
    const struct version *tip = z->entry->zone->tip;
    bool is_changed = txn_is_different(t);
    if (is_changed && tip->soa.count)
        txn_set_serial(t, serial_next(tip->serial, z->conf->serial, s->now_us));
    return is_changed;
}

struct pending_end {
    struct pending pending;
    unsigned removed; /* records */
};

static void on_ended(struct server *s, struct pending *p, enum err result)
{
    struct pending_end *e = container_of(p, struct pending_end, pending);
    struct zone_leases *l = p->zone ? p->zone->leases : NULL;
    s->count.leases_expired += result == OK ? e->removed : 0;
    if (l) {
        l->ending--;
        if (result != OK)
            l->not_before_us = s->now_us + RETRY_US;
        arm(s, l);
    }
    pending_release(p);
    free(e);
}

/* Holds what it takes, a slice of it. */
static void take_due(struct server *s, struct zone_leases *l, struct pending_end *e, struct txn *t)
{
    struct pending *p = &e->pending;
    bool is_secondary = l->zone->conf->type == CONF_SECONDARY;
    struct lease due;
    while (p->leases.count < LEASES_SLICE && txn_bytes(t) < LEASES_SLICE_BYTES &&
           lease_set_take_due(&l->set, is_secondary ? INT64_MAX : s->now_us, &due)) {
        struct journal_lease row = {due.owner, due.type, due.rdata, 0, 0};
        lease_rows_add(&p->leases, &row);
        if (!is_secondary)
            e->removed += leases_end(l->zone, t, &due);
    }
}

/* The first `count` of them, once. */
static void release(struct zone_leases *l, const struct lease_rows *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        lease_set_release(&l->set, rows->at[i].owner, rows->at[i].type, rows->at[i].rdata);
}

static void end_some(struct server *s, struct zone_leases *l)
{
    struct server_zone *z = l->zone;
    struct pending_end *e = mem_alloc_zero(sizeof(*e));
    struct txn *t = txn_begin(z->entry->zone, TXN_CHANGE);
    pending_init(&e->pending, z, CHANGE_LEASE, s->now_us, on_ended);
    take_due(s, l, e, t);
    if (leases_move_serial(s, z, t))
        pending_seal(&e->pending, &t);
    else
        txn_abort(&t);
    snprintf(e->pending.actor, sizeof(e->pending.actor), "lease");
    snprintf(e->pending.rule, sizeof(e->pending.rule), "expired");
    l->ending++;
    unsigned taken = e->pending.leases.count;
    l->not_before_us = s->now_us + (lease_set_next_us(&l->set) > s->now_us ? GATHER_US : 1);
    commit_give(s, &e->pending); /* holds them as well */
    release(l, &e->pending.leases, taken);
    arm(s, l);
}

/* What ends leases is the server's own doing: it waits for an operator who has frozen the zone, and
 * for whoever has a txn open. */
static bool can_end(const struct server_zone *z)
{
    return z->is_kept && z->is_ready && !z->is_frozen && !z->changing;
}

static void on_timer(void *arg, struct timer *t)
{
    struct server *s = arg;
    struct zone_leases *l = container_of(t, struct zone_leases, timer);
    const struct server_zone *z = l->zone;
    bool is_secondary = z->conf->type == CONF_SECONDARY;
    int64_t next_us = lease_set_next_us(&l->set); /* INT64_MAX: all are held */
    bool is_due = next_us <= s->now_us || (is_secondary && next_us < INT64_MAX);
    is_due = is_due && l->not_before_us <= s->now_us;
    if (is_due && can_end(z)) {
        end_some(s, l);
        return;
    }
    if (is_due)
        l->not_before_us = s->now_us + RETRY_US;
    arm(s, l);
}

/* --- beginning --- */

static struct zone_leases *leases_of(struct server *s, struct server_zone *z)
{
    if (z->leases)
        return z->leases;
    struct zone_leases *l = mem_alloc_zero(sizeof(*l));
    l->zone = z;
    l->timer.fire = on_timer;
    lease_set_init(&l->set, s->store.key);
    lease_set_init(&l->coming, s->store.key);
    z->leases = l;
    z->rules.leases = &l->set;
    z->rules.coming = &l->coming;
    return l;
}

void leases_take(struct server *s, struct server_zone *z, struct opening *o)
{
    if (o->leases.count == 0)
        return;
    struct zone_leases *l = leases_of(s, z);
    lease_set_done(&l->set);
    l->set = o->leases;
    o->leases = (struct lease_set){0};
    s->lease_count += l->set.count;
    arm(s, l);
}

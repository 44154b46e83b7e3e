/* SPDX-License-Identifier: Apache-2.0
 * The verbs leases and expire: which records of a zone are kept for how long yet, and an end to
 * that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_int.h"
#include "server/leases.h"
#include "server/server_int.h"
#include "zone/lookup.h"

#define US_PER_S    1000000
/* Records looked at in one step: about 0.1 us each. */
#define LEASES_LOOK 2048

/* --- leases --- */

/* A walk through a pinned version, or a look at one name of it, that stops at what has a lease: in
 * the order of the zone, and over several steps, which the set of leases is not made for. */
struct listing {
    const struct version *v;
    struct name_buf name; /* of the zone */
    struct walk walk;
    bool is_one; /* node is all there is */
    const struct node *node;
    uint64_t count;
    char *text;
    size_t cap;
};

static void listing_free(struct control_call *call)
{
    struct listing *l = call->state;
    version_unpin(l->v);
    free(l->text);
    free(l);
}

static void put_lease(struct listing *l, json_t *rows, const struct lease *lease, int64_t now_us)
{
    char type[16];
    struct text t;
    json_t *row = json_object();
    int64_t left_us = lease->expires_us - now_us;
    size_t need = RDATA_TEXT_MAX(lease->rdata.len);
    if (l->cap < need) {
        l->text = mem_grow(l->text, need);
        l->cap = need;
    }
    text_init(&t, l->text, l->cap);
    rdata_show(lease->type, lease->rdata, &t);
    control_put_name(row, "name", node_owner(l->node)); /* a lease has it in some case */
    control_put_text(row, "type", rrtype_text(lease->type, type));
    control_put_text(row, "rdata", l->text);
    control_put_number(row, "lease_s", lease->lease_s);
    control_put_number(row, "expires_us", (uint64_t)lease->expires_us);
    control_put_number(row, "remaining_s", left_us > 0 ? (uint64_t)left_us / US_PER_S : 0);
    json_array_append_new(rows, row);
    l->count++;
}

/* Gives how many records were looked at. */
static unsigned list_node(struct listing *l, const struct lease_set *set, int64_t now_us,
                          json_t *rows)
{
    unsigned looked = 0;
    for (struct rrset s = node_first(l->node); s.count; s = node_next(l->node, s))
        for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) {
            struct lease lease;
            looked++;
            if (lease_set_get(set, node_owner(l->node), s.type, r, &lease))
                put_lease(l, rows, &lease, now_us);
        }
    return looked;
}

static enum control_next listing_step(struct control_call *call)
{
    struct listing *l = call->state;
    const struct store_entry *e = store_get(&call->server->store, name_of(&l->name));
    const struct zone_leases *leases =
        e && e->zone == l->v->zone ? zone_owner(e)->leases : NULL; /* gone, or all are over */
    json_t *rows = json_array(), *fields = json_object();
    unsigned looked = 0;
    while (leases && l->node && looked < LEASES_LOOK &&
           json_array_size(rows) < CONTROL_SLICE_ROWS) {
        looked += list_node(l, &leases->set, call->server->now_us, rows);
        l->node = l->is_one ? NULL : walk_next(&l->walk);
    }
    json_object_set_new(fields, "leases", rows);
    if (leases && l->node)
        return control_more(call, fields);
    control_put_number(fields, "count", l->count);
    return control_answer(call, fields);
}

enum control_next control_leases(struct control_call *call)
{
    enum control_next next;
    struct name_buf name;
    const struct store_entry *e = control_zone_of(call, &next);
    const char *text = control_text(call, "name");
    if (!e || (text && !control_name_in(call, name_of(&e->name), text, &name, &next)))
        return next;
    if (!e->zone)
        return control_fail(call, "the zone is not loaded");
    struct listing *l = mem_alloc_zero(sizeof(*l));
    l->v = version_pin(e->zone->published);
    name_copy(&l->name, name_of(&e->name));
    call->state = l;
    call->end = listing_free;
    call->step = listing_step;
    l->is_one = text != NULL;
    if (l->is_one) {
        l->node = lookup_exact(l->v, name_of(&name));
    } else {
        walk_start(&l->walk, l->v);
        l->node = walk_next(&l->walk);
    }
    return listing_step(call);
}

/* --- expire --- */

/* The change goes on without the call once it is begun. */
struct ending {
    struct changing changing;
    struct pending pending;
    struct control_call *call; /* NULL: nobody waits any more */
    unsigned holders;          /* the call, and what is under way */
    struct name_buf name;
    char who[PENDING_TEXT_MAX];
    struct lease_rows rows;
    unsigned removed, ended; /* records; leases */
    uint32_t serial;
    bool is_over;
    const char *failure; /* NULL: it is done */
};

static void release(struct ending *e)
{
    if (--e->holders > 0)
        return;
    lease_rows_done(&e->rows);
    free(e);
}

static void finish(struct ending *e, const char *failure)
{
    e->failure = failure;
    e->is_over = true;
    if (e->call)
        control_resume(e->call);
    release(e);
}

static struct ending *ending_of(struct changing *c)
{
    return container_of(c, struct ending, changing);
}

static bool gather(void *arg, const struct lease *lease)
{
    struct ending *e = arg;
    struct journal_lease row = {lease->owner, lease->type, lease->rdata, 0, 0};
    lease_rows_add(&e->rows, &row);
    return true;
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    struct ending *e = ending_of(c);
    const struct server_zone *z = c->zone;
    if (z->leases)
        lease_set_each(&z->leases->set, name_of(&e->name), gather, e);
    for (unsigned i = 0; i < e->rows.count; i++) {
        const struct journal_lease *row = &e->rows.at[i];
        struct lease lease = {row->owner, row->type, row->rdata, 0, 0};
        e->removed += leases_end(z, c->txn, &lease);
    }
    e->ended = e->rows.count;
    e->serial = z->entry->zone->tip->serial;
    if (leases_move_serial(s, z, c->txn))
        e->serial = txn_serial(c->txn);
    return e->ended ? CHANGING_APPLIED : CHANGING_GIVE_UP;
}

static void on_done(struct server *s, struct pending *p, enum err result)
{
    struct ending *e = container_of(p, struct ending, pending);
    (void)s;
    pending_release(p);
    finish(e, result == OK ? NULL : "the change log did not take it, nothing was changed");
}

static void seal(struct server *s, struct changing *c)
{
    struct ending *e = ending_of(c);
    struct pending *p = &e->pending;
    char name[NAME_TEXT_MAX];
    pending_init(p, c->zone, CHANGE_LEASE, s->now_us, on_done);
    snprintf(p->actor, sizeof(p->actor), "%s", e->who);
    snprintf(p->rule, sizeof(p->rule), "expire %.200s", name_text(name_of(&e->name), name));
    if (e->removed)
        pending_seal(p, &c->txn);
    else
        txn_abort(&c->txn);
    p->leases = e->rows;
    e->rows = (struct lease_rows){0};
    commit_give(s, p);
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    static const char *const reasons[] = {
        [CHANGING_GAVE_UP] = "no record at that name has a lease",
        [CHANGING_LOG_FAILED] = "the change log fails, nothing was changed",
        [CHANGING_ZONE_GOES] = "the zone was removed meanwhile",
    };
    (void)s;
    finish(ending_of(c), reasons[why]);
}

static const struct changing_kind ending_kind = {.apply = apply, .seal = seal, .drop = drop};

static void ending_end(struct control_call *call)
{
    struct ending *e = call->state;
    e->call = NULL;
    release(e);
}

static enum control_next ending_step(struct control_call *call)
{
    const struct ending *e = call->state;
    if (!e->is_over)
        return CONTROL_WAIT;
    if (e->failure)
        return control_fail(call, "%s", e->failure);
    json_t *fields = json_object();
    control_put_name(fields, "name", name_of(&e->name));
    control_put_number(fields, "serial", e->serial);
    control_put_number(fields, "leases", e->ended);
    control_put_number(fields, "removed", e->removed);
    return control_answer(call, fields);
}

enum control_next control_expire(struct control_call *call)
{
    enum control_next next;
    struct refusal_cause cause;
    struct name_buf name;
    const struct store_entry *entry = control_zone_of(call, &next);
    if (!entry ||
        !control_name_in(call, name_of(&entry->name), control_text(call, "name"), &name, &next))
        return next;
    if (!update_gate(zone_owner(entry), UPDATE_OF_OPERATOR, &cause))
        return control_fail(call, "%s", cause.reason);
    struct ending *e = mem_alloc_zero(sizeof(*e));
    e->call = call;
    e->holders = 2;
    e->name = name;
    snprintf(e->who, sizeof(e->who), "%s", call->who);
    call->state = e;
    call->end = ending_end;
    call->step = ending_step;
    changing_start(call->server, zone_owner(entry), &e->changing, &ending_kind);
    return ending_step(call);
}

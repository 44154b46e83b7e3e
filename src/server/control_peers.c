/* SPDX-License-Identifier: Apache-2.0
 * Verbs about the servers that a zone is shared with: peers, notify, wait. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "request/address.h"
#include "server/peers.h"
#include "server/secondary.h"

/* --- what is known of them --- */

static void put_time(json_t *row, const char *key, int64_t us)
{
    if (us > 0 && us < INT64_MAX)
        control_put_number(row, key, (uint64_t)us);
}

static json_t *follower_row(const struct follower *f)
{
    struct address_text address;
    const struct zone *zone = f->zone->entry->zone;
    json_t *row = json_object();
    enum follower_state state = follower_state(f);
    control_put_text(row, "name", f->remote->text);
    control_put_text(row, "address", address_show(&f->remote->addresses[f->address], &address));
    control_put_text(row, "state", follower_state_text(state));
    if (f->notify.is_known)
        control_put_number(row, "serial", f->notify.has);
    if (f->notify.is_known && zone && state != FOLLOWER_CURRENT) {
        if (serial_compare(f->notify.has, zone->published->serial) == -1)
            control_put_number(row, "behind", zone->published->serial - f->notify.has);
        put_time(row, "behind_since_us", f->behind_us);
    }
    if (f->lag_us)
        control_put_number(row, "lag_us", (uint64_t)f->lag_us);
    if (f->is_taking)
        json_object_set_new(row, "transfer", json_true());
    put_time(row, "heard_us", f->heard_us);
    if (f->error) {
        control_put_text(row, "error", f->error);
        put_time(row, "error_us", f->error_us);
    }
    if (f->notify.is_owed)
        put_time(row, "next_us", f->notify.wake_us);
    return row;
}

void peers_describe(const struct server_zone *z, json_t *out)
{
    if (!z->peers)
        return;
    json_t *list = json_array();
    for (unsigned i = 0; i < z->peers->count; i++)
        json_array_append_new(list, follower_row(z->peers->list[i]));
    json_object_set_new(out, "secondaries", list);
}

/* --- peers: of one zone, or of all in slices --- */

static json_t *zone_row(const struct server_zone *z)
{
    json_t *row = json_object();
    control_put_name(row, "zone", name_of(&z->entry->name));
    if (z->entry->zone)
        control_put_number(row, "serial", z->entry->zone->published->serial);
    peers_describe(z, row);
    secondary_describe(z, row);
    return row;
}

static bool has_peers(const struct server_zone *z)
{
    return z->peers || z->secondary;
}

static void peers_end(struct control_call *call)
{
    free(call->state);
}

/* Slots of the store looked at for one line, and servers told of in it, of all its zones: some 0.3
 * ms for either. One zone is told of whole. */
#define PEERS_SLOTS 2048
#define PEERS_ROWS  64

static unsigned count_of(const struct server_zone *z)
{
    return (z->peers ? z->peers->count : 0) + (z->secondary ? z->secondary->primary_count : 0);
}

/* The state is the place in the store: one that moves meanwhile is shown twice, or not. */
static enum control_next peers_step(struct control_call *call)
{
    size_t *at = call->state;
    const struct store *store = &call->server->store;
    unsigned rows = 0;
    json_t *list = json_array(), *fields = json_object();
    size_t end = *at + PEERS_SLOTS < store->cap ? *at + PEERS_SLOTS : store->cap;
    for (; *at < end && rows < PEERS_ROWS; (*at)++) {
        const struct store_entry *e = store->slots[*at];
        if (!e || !has_peers(zone_owner(e)))
            continue;
        json_array_append_new(list, zone_row(zone_owner(e)));
        rows += count_of(zone_owner(e));
    }
    if (rows == 0 && *at < store->cap) {
        json_decref(list);
        json_decref(fields);
        return CONTROL_MORE;
    }
    json_object_set_new(fields, "zones", list);
    control_put_number(fields, "now_us", (uint64_t)call->server->now_us);
    return *at < store->cap ? control_more(call, fields) : control_answer(call, fields);
}

enum control_next control_peers(struct control_call *call)
{
    enum control_next next;
    if (!control_text(call, "zone")) {
        call->state = mem_alloc_zero(sizeof(size_t));
        call->end = peers_end;
        call->step = peers_step;
        return peers_step(call);
    }
    const struct store_entry *e = control_zone_of(call, &next);
    if (!e)
        return next;
    json_t *list = json_array(), *fields = json_object();
    json_array_append_new(list, zone_row(zone_owner(e)));
    json_object_set_new(fields, "zones", list);
    control_put_number(fields, "now_us", (uint64_t)call->server->now_us);
    return control_answer(call, fields);
}

/* --- notify --- */

/* The zone, if it has secondaries and is loaded; NULL: *next is the answer. */
static struct server_zone *zone_with_secondaries(struct control_call *call, enum control_next *next)
{
    char text[NAME_TEXT_MAX];
    const struct store_entry *e = control_zone_of(call, next);
    if (!e)
        return NULL;
    name_text(name_of(&e->name), text);
    if (zone_owner(e)->peers && e->zone)
        return zone_owner(e);
    *next =
        control_fail(call, e->zone ? "zone %s has no secondaries" : "zone %s is not loaded", text);
    return NULL;
}

enum control_next control_notify(struct control_call *call)
{
    enum control_next next;
    struct server_zone *z = zone_with_secondaries(call, &next);
    if (!z)
        return next;
    peers_tell_all(call->server, z);
    return control_answer(call, zone_row(z));
}

/* --- wait --- */

/* Seconds, unless the operator says how many, and the most he can say. */
#define WAIT_S     60
#define WAIT_S_MAX 3600

struct waiting {
    struct waiter waiter;
    struct control_call *call;
    bool is_over, has;
};

static void wait_end(struct control_call *call)
{
    struct waiting *w = call->state;
    if (!w->is_over)
        waiter_cancel(call->server, &w->waiter);
    free(w);
}

static void wait_done(struct server *s, struct waiter *waiter, bool has)
{
    struct waiting *w = container_of(waiter, struct waiting, waiter);
    (void)s;
    w->is_over = true;
    w->has = has;
    control_resume(w->call);
}

static enum control_next wait_fail(struct control_call *call, const struct server_zone *z,
                                   uint32_t serial)
{
    char buf[NAME_TEXT_MAX];
    struct text t;
    if (!z->peers) /* by a reload meanwhile */
        return control_fail(call,
                            "zone %s has no secondaries any more, there is nobody to wait for",
                            name_text(name_of(&z->entry->name), buf));
    text_init(&t, buf, sizeof(buf)); /* a long list is cut */
    for (unsigned i = 0; i < z->peers->count; i++) {
        const struct follower *f = z->peers->list[i];
        if (follower_serves(f, serial))
            continue;
        text_fmt(&t, "%s %s", text_len(&t) ? "," : "", f->remote->text);
        if (follower_has(f, serial))
            text_add(&t, " (has it, does not serve it yet)");
        else if (f->notify.is_known)
            text_fmt(&t, " (%u)", f->notify.has);
    }
    return control_fail(call, "serial %u is not known to be at:%s", serial, buf);
}

static enum control_next wait_step(struct control_call *call)
{
    struct waiting *w = call->state;
    if (!w->is_over)
        return CONTROL_WAIT;
    const struct store_entry *e;
    enum control_next next;
    if (!w->has && (e = control_zone_of(call, &next)))
        return wait_fail(call, zone_owner(e), w->waiter.serial);
    if (!w->has)
        return next;
    json_t *fields = json_object();
    control_put_text(fields, "zone", control_text(call, "zone"));
    control_put_number(fields, "serial", w->waiter.serial);
    return control_answer(call, fields);
}

enum control_next control_wait(struct control_call *call)
{
    enum control_next next;
    struct server *s = call->server;
    struct server_zone *z = zone_with_secondaries(call, &next);
    uint32_t seconds = WAIT_S;
    if (!z)
        return next;
    if (control_number(call, "timeout", &seconds) && seconds > WAIT_S_MAX)
        return control_fail_usage(call, "at most %d seconds", WAIT_S_MAX);
    struct waiting *w = mem_alloc_zero(sizeof(*w));
    w->call = call;
    w->waiter.serial = z->entry->zone->published->serial;
    (void)control_number(call, "serial", &w->waiter.serial);
    w->waiter.count = z->peers->count;
    w->waiter.done = wait_done;
    call->state = w;
    call->end = wait_end;
    call->step = wait_step;
    w->is_over = w->has = waiter_start(s, z, &w->waiter, s->now_us + (int64_t)seconds * 1000000);
    return wait_step(call);
}

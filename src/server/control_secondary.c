/* SPDX-License-Identifier: Apache-2.0
 * Verbs about secondary zones: refresh, transfer; and what is told of them elsewhere. */
#include "base/check.h"
#include "request/address.h"
#include "server/control_int.h"
#include "server/secondary.h"

/* --- what is told --- */

static void put_time(json_t *object, const char *key, int64_t us)
{
    if (us > 0 && us < INT64_MAX)
        control_put_number(object, key, (uint64_t)us);
}

static json_t *primary_row(const struct primary *p)
{
    json_t *row = json_object(), *addresses = json_array();
    int64_t failing_us = 0;
    control_put_text(row, "name", p->text);
    for (unsigned i = 0; i < p->address_count; i++) {
        struct address_text at;
        json_array_append_new(addresses, json_string(address_show(&p->addresses[i], &at)));
        if (p->failing_us[i] && (!failing_us || p->failing_us[i] < failing_us))
            failing_us = p->failing_us[i];
    }
    json_object_set_new(row, "addresses", addresses);
    if (p->has_serial)
        control_put_number(row, "serial", p->serial);
    put_time(row, "heard_us", p->heard_us);
    put_time(row, "failing_since_us", failing_us);
    put_time(row, "failed_us", p->failed_us);
    if (p->error[0])
        control_put_text(row, "error", p->error);
    return row;
}

static json_t *held_row(const struct held *h)
{
    json_t *row = json_object();
    control_put_number(row, "serial", h->serial);
    control_put_number(row, "lost", h->lost);
    control_put_number(row, "of", h->of);
    put_time(row, "since_us", h->since_us);
    return row;
}

static const char *doing(const struct secondary *sec)
{
    if (sec->taking)
        return "taking a transfer";
    if (sec->is_waiting)
        return "waiting for the change log";
    if (sec->call.state == CALL_OVER && !sec->incoming)
        return NULL;
    if (sec->act.kind == REFRESH_PROBE)
        return "asking for the serial";
    return sec->call.state == CALL_QUEUED ? "waiting for its turn to transfer" : "transferring";
}

void secondary_describe(const struct server_zone *z, json_t *out)
{
    const struct secondary *sec = z->secondary;
    json_t *list = json_array();
    if (!sec) {
        json_decref(list);
        return;
    }
    for (unsigned i = 0; i < sec->primary_count; i++)
        json_array_append_new(list, primary_row(&sec->primaries[i]));
    json_object_set_new(out, "primaries", list);
    if (!sec->is_open)
        return;
    const char *now = doing(sec);
    if (now)
        control_put_text(out, "doing", now);
    else
        put_time(out, "next_us", sec->refresh.wake_us);
    put_time(out, "checked_us", sec->refresh.checked_us);
    put_time(out, "expires_us", sec->refresh.expires_us);
    put_time(out, "expired_us", sec->expired_us);
    if (sec->held.is_set)
        json_object_set_new(out, "held", held_row(&sec->held));
}

/* --- refresh, transfer --- */

/* The zone's; NULL: *next is the answer. */
static struct secondary *secondary_of(struct control_call *call, enum control_next *next)
{
    const struct store_entry *e = control_zone_of(call, next);
    struct secondary *sec = e ? zone_owner(e)->secondary : NULL;
    if (e && !sec)
        *next = control_fail(call, "the zone has no primaries: it is not a secondary here");
    if (sec && !sec->is_open) {
        *next = control_fail(call, "the zone is still being read from the change log");
        return NULL;
    }
    return sec;
}

static enum control_next ask(struct control_call *call, struct secondary *sec,
                             enum refresh_event_kind kind)
{
    char zone[NAME_TEXT_MAX];
    json_t *fields = json_object();
    struct name name = name_of(&sec->zone->entry->name);
    log_notice(kind == REFRESH_FORCED ? "transfer requested" : "refresh requested",
               {"zone", name_text(name, zone)}, {"by", call->who},
               {"force", sec->is_unguarded ? "yes" : NULL});
    secondary_step(call->server, sec, &(struct refresh_event){.kind = kind});
    control_put_name(fields, "zone", name);
    secondary_describe(sec->zone, fields);
    return control_answer(call, fields);
}

enum control_next control_refresh(struct control_call *call)
{
    enum control_next next;
    struct secondary *sec = secondary_of(call, &next);
    return sec ? ask(call, sec, REFRESH_ASKED) : next;
}

/* A zone file that is held back is taken in the same words; true: *next is the answer. */
static bool take_file(struct control_call *call, enum control_next *next)
{
    char zone[NAME_TEXT_MAX];
    const struct store_entry *e = control_zone_of(call, next);
    struct server_zone *z = e ? zone_owner(e) : NULL;
    if (z && (z->secondary || !control_is_set(call, "force")))
        return false;
    if (z && !merging_force(call->server, z))
        *next = control_fail(call, "no file of the zone is held back, and it has no primaries");
    else if (z) {
        json_t *fields = json_object();
        log_notice("zone file that was held back is taken",
                   {"zone", name_text(name_of(&e->name), zone)}, {"by", call->who});
        control_put_name(fields, "zone", name_of(&e->name));
        *next = control_answer(call, fields);
    }
    return true;
}

enum control_next control_transfer(struct control_call *call)
{
    enum control_next next;
    if (take_file(call, &next))
        return next;
    struct secondary *sec = secondary_of(call, &next);
    if (!sec)
        return next;
    sec->is_unguarded = sec->is_unguarded || control_is_set(call, "force"); /* of one under way */
    return ask(call, sec, REFRESH_FORCED);
}

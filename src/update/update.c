/* SPDX-License-Identifier: Apache-2.0
 * An UPDATE from its sections to its rcode, step by step in the order of RFC 2136 s3. */
#include "update/update.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "update/update_int.h"

enum rcode update_say(struct update *u, enum rcode rcode, const struct item *item, const char *fmt,
                      ...)
{
    struct text t;
    text_init(&t, u->report->reason, sizeof(u->report->reason));
    if (item) {
        char name[NAME_TEXT_MAX], type[16];
        text_fmt(&t, "%s %s: ", name_text(item->rr.owner, name), rrtype_text(item->rr.type, type));
        name_copy(&u->report->name, item->rr.owner);
        u->report->type = item->rr.type;
    }
    va_list args;
    va_start(args, fmt);
    size_t len = text_len(&t);
    vsnprintf(u->report->reason + len, sizeof(u->report->reason) - len, fmt, args);
    va_end(args);
    return rcode;
}

enum rcode update_work(struct update *u, const struct item *item, uint64_t records)
{
    uint32_t max = u->rules->limits.work;
    u->report->work += records;
    if (!update_is_peers(u) || max == 0 || u->report->work <= max)
        return NOERROR;
    u->q->count->updates_over_work++;
    return update_say(u, REFUSED, item,
                      "more records of the zone to look at than server.limits.update-work, %u",
                      max);
}

void *update_alloc(struct update *u, size_t len)
{
    void *p = arena_alloc(u->q->arena, len);
    if (!p) {
        u->q->count->arena_full++;
        update_say(u, SERVFAIL, NULL, "the memory for one request is used up");
    }
    return p;
}

struct grant_question update_question(const struct update *u, enum grant_op op, struct name owner,
                                      uint16_t type)
{
    const struct peer *peer = u->actor->peer;
    bool is_known = peer && peer->address.any.sa_family != AF_UNSPEC;
    return (struct grant_question){
        .zone = u->apex,
        .key = u->actor->key,
        .from = is_known ? &peer->address : NULL,
        .op = op,
        .owner = owner,
        .type = type,
    };
}

static enum rcode check_size(struct update *u)
{
    const struct message *m = &u->q->msg;
    uint32_t max = u->rules->limits.message_records;
    uint32_t count = (uint32_t)m->count[SECTION_ANSWER] + m->count[SECTION_AUTHORITY];
    if (!update_is_peers(u) || max == 0 || count <= max)
        return NOERROR;
    return update_say(u, REFUSED, NULL,
                      "%u records in one update, server.limits.update-message-records allows %u",
                      count, max);
}

/* s3.6: the serial moves with every change; what the update itself set is ahead already. */
static enum rcode move_serial(struct update *u)
{
    uint32_t before = u->zone->tip->serial;
    if (u->actor->goes_on)
        return NOERROR;
    u->report->is_changed = txn_is_different(u->txn);
    if (u->report->is_changed && u->zone->tip->soa.count && txn_serial(u->txn) == before)
        txn_set_serial(u->txn, serial_next(before, u->rules->serial, u->q->now_us));
    return NOERROR;
}

enum rcode update_run(struct request *q, const struct update_rules *rules,
                      const struct update_actor *actor, struct txn *txn,
                      struct update_report *report)
{
    static enum rcode (*const steps[])(struct update *) = {
        check_size, items_read,  prereqs_check, ops_permit, ops_run,
        ops_limit,  move_serial, quota_check,   ops_lease,
    };
    const struct zone *zone = txn_zone(txn);
    struct update u = {.q = q,
                       .rules = rules,
                       .actor = actor,
                       .txn = txn,
                       .report = report,
                       .zone = zone,
                       .apex = name_of(&zone->name)};
    *report = (struct update_report){.rule = -1};
    for (size_t i = 0; i < ARRAY_LEN(steps) && report->rcode == NOERROR; i++)
        report->rcode = steps[i](&u);
    return report->rcode;
}

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

/* What a step does with each record of one section, before all and after all of them. */
struct step {
    enum rcode (*begin)(struct update *u); /* NULL: nothing; so are the others */
    enum step_over { ONCE, PREREQS, OPS } over;
    unsigned cost; /* of one record, about, in the unit of update_report.work */
    enum rcode (*one)(struct update *u, struct item *item);
    enum rcode (*end)(struct update *u);
};

/* The first ones read the message, which may be gone later: see update_some(). */
#define STEPS_READING 3

/* clang-format off */
static const struct step steps[] = {
    /* begin           over    cost  one             end                RFC 2136 */
    {check_size,       ONCE,      0, NULL,           NULL},
    {prereqs_start,    PREREQS,  10, prereq_read,    NULL},
    {ops_start,        OPS,      10, op_read,        NULL},
    {NULL,             PREREQS,  50, prereq_check,   NULL},           /* s3.2 */
    {prereqs_collect,  PREREQS,  20, prereq_collect, NULL},
    {NULL,             PREREQS, 100, prereq_sort,    NULL},
    {NULL,             PREREQS,  20, prereq_compare, NULL},
    {ops_permit,       OPS,      50, op_permit,      ops_take_rates}, /* s3.3 */
    {NULL,             OPS,       5, op_prescan,     NULL},           /* s3.4.1 */
    {NULL,             OPS,     200, op_run,         NULL},           /* s3.4.2 */
    {NULL,             OPS,     100, op_limit,       ops_limit},
    {move_serial,      ONCE,      0, NULL,           NULL},           /* s3.6 */
    {quota_start,      OPS,      20, quota_look,     quota_check},
    {ops_lease,        OPS,      20, op_lease,       NULL},
};
/* clang-format on */

/* A record that is laid open is counted once, and then written, and looked through. */
#define WORK_FACTOR   4

static const struct items *items_of(const struct update *u, const struct step *s)
{
    static const struct items none = {0};
    return s->over == PREREQS ? &u->prereqs : s->over == OPS ? &u->ops : &none;
}

/* The step at hand, as far as the budget goes. True: it is over, or the update is. */
static bool step_some(struct update *u, const struct step *s, uint64_t *budget)
{
    enum rcode *rcode = &u->report->rcode;
    if (!u->is_begun && s->begin)
        *rcode = s->begin(u);
    u->is_begun = true;
    const struct items *items = items_of(u, s);
    while (*rcode == NOERROR && u->at < items->count) {
        if (*budget == 0 && u->step >= STEPS_READING)
            return false;
        uint64_t before = u->report->work;
        u->spent = s->cost;
        *rcode = s->one(u, &items->at[u->at++]);
        uint64_t spent = u->spent + (u->report->work - before) * WORK_FACTOR;
        *budget -= spent < *budget ? spent : *budget;
    }
    if (*rcode == NOERROR && s->end)
        *rcode = s->end(u);
    return true;
}

static void given_take(struct update *u, const struct update_given *given)
{
    u->q = given->q;
    u->rules = given->rules;
    u->actor = given->actor;
    u->txn = given->txn;
    u->report = given->report;
    u->zone = txn_zone(given->txn);
    u->apex = name_of(&u->zone->name);
}

struct update *update_begin(const struct update_given *given)
{
    struct update *u = arena_alloc(given->q->arena, sizeof(*u));
    if (!u)
        return NULL;
    *u = (struct update){0};
    *given->report = (struct update_report){.rule = -1};
    return u;
}

bool update_some(struct update *u, const struct update_given *given, uint64_t budget)
{
    given_take(u, given);
    while (u->report->rcode == NOERROR && u->step < ARRAY_LEN(steps)) {
        if (!step_some(u, &steps[u->step], &budget))
            return false;
        u->step++;
        u->at = 0;
        u->is_begun = false;
    }
    return true;
}

void update_again(struct update *u, struct update_report *report)
{
    struct items prereqs = u->prereqs, ops = u->ops;
    ASSERT(u->step >= STEPS_READING);
    for (unsigned i = 0; i < ops.count; i++) {
        ops.at[i].is_done = ops.at[i].was_there = false;
        ops.at[i].rule = -1;
    }
    *u = (struct update){.prereqs = prereqs, .ops = ops, .step = STEPS_READING};
    *report = (struct update_report){.rule = -1};
}

enum rcode update_run(struct request *q, const struct update_rules *rules,
                      const struct update_actor *actor, struct txn *txn,
                      struct update_report *report)
{
    const struct update_given given = {q, rules, actor, txn, report};
    struct update u = {0};
    *report = (struct update_report){.rule = -1};
    bool is_over = update_some(&u, &given, UINT64_MAX);
    ASSERT(is_over);
    return report->rcode;
}

/* SPDX-License-Identifier: Apache-2.0
 * The verb explain update: what an UPDATE would get, and what each rule says to it.
 *
 * It is run by what runs UPDATEs, on the zone as it is, in slices as those that are large, and
 * taken back. Nothing is taken out of rates, nothing counted or remembered. It waits where an
 * UPDATE would be parked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_explain.h"
#include "server/control_int.h"
#include "server/nsupdate.h"
#include "server/updating.h"
#include "update/quota.h"

/* Rules told of; more are only counted. */
#define EXPLAIN_RULES_MAX 256
/* Text of one rule. */
#define EXPLAIN_TEXT_MAX  2048
/* Text that is asked about: one message at most anyway. */
#define EXPLAIN_ASKED_MAX 65536

struct asking {
    struct changing changing;
    struct control_call *call; /* NULL: nobody waits any more */
    unsigned holders;          /* the call, and what is under way */
    struct nsupdate script;
    struct tsig_key *key; /* held; NULL: unsigned */
    struct peer peer;
    struct arena arena;    /* of the update */
    struct update *update; /* NULL: not begun */
    struct update_report report;
    uint64_t reload; /* that its rules come from */
    bool is_over, is_told;
    enum rcode rcode;
    char reason[DIAG_TEXT_MAX];
    json_t *fields;          /* the answer; NULL: there was no zone to ask */
    struct quota_walk *walk; /* NULL: nothing had to be counted */
};

static void release(struct asking *a)
{
    if (--a->holders > 0)
        return;
    nsupdate_done(&a->script);
    tsig_key_release(a->key);
    json_decref(a->fields);
    arena_done(&a->arena);
    free(a->walk);
    free(a);
}

static struct asking *asking_of(struct changing *c)
{
    return container_of(c, struct asking, changing);
}

/* --- the rules --- */

/* The operation that the verdict is about: the one named, else the first. */
struct asked {
    struct rr_reader reader;
    struct rr rr;
    struct name_buf owner;
    uint8_t rdata[RDATA_LEN_MAX];
};

static bool is_about(const struct rr *rr, const struct update_report *report)
{
    return report->name.len == 0 || (name_is_equal(rr->owner, name_of(&report->name)) &&
                                     (rr->type == report->type || rr->type == TYPE_ANY));
}

static void asked_find(const struct message *m, const struct update_report *report,
                       struct asked *out)
{
    bool has_one = false;
    out->reader = rr_reader_of(m, SECTION_AUTHORITY);
    for (;;) {
        struct rr rr;
        struct wr room = wr_over(out->rdata, sizeof(out->rdata));
        if (rr_read(&out->reader, &room, &rr) != RR_READ_OK)
            break;
        bool is_it = is_about(&rr, report);
        if (has_one && !is_it)
            continue;
        has_one = true;
        out->rr = rr;
        name_copy(&out->owner, rr.owner);
        if (is_it)
            break;
    }
    out->rr.owner = name_of(&out->owner);
}

static struct grant_question question_of(const struct asking *a, const struct asked *asked,
                                         const struct update_report *report)
{
    const struct rr *rr = &asked->rr;
    bool is_add = report->op ? report->op == GRANT_ADD : rr->class == CLASS_IN;
    bool is_here = a->peer.address.any.sa_family != AF_UNSPEC;
    return (struct grant_question){
        .zone = name_of(&a->changing.zone->entry->name),
        .key = a->key,
        .from = is_here ? &a->peer.address : NULL,
        .op = is_add ? GRANT_ADD : GRANT_DELETE,
        .owner = rr->owner,
        /* a whole name is asked about type by type; a prerequisite's type is not an operation's */
        .type = report->op ? report->type : rr->type,
        .ttl = is_add ? rr->ttl : 0,
        .rdata = rr->rdata, /* without a length where an RRset is deleted */
    };
}

/* "no: other key", "yes", "denies", "not reached" */
static json_t *rule_row(const struct grant *g, const struct grant_question *q, bool *is_decided)
{
    char text[EXPLAIN_TEXT_MAX], why[EXPLAIN_TEXT_MAX] = "no: ";
    struct text t;
    json_t *row = json_object();
    text_init(&t, text, sizeof(text));
    grant_show(g, q->zone, &t);
    if (t.bad)
        memcpy(text + sizeof(text) - 4, "...", 4);
    control_put_text(row, "rule", text);
    size_t no = strlen(why);
    text_init(&t, why + no, sizeof(why) - no);
    enum grant_miss miss = grant_match(g, q, &t);
    const char *verdict = *is_decided           ? "not reached"
                          : miss != GRANT_MATCH ? why
                          : g->is_deny          ? "denies"
                                                : "yes";
    *is_decided = *is_decided || miss == GRANT_MATCH;
    control_put_text(row, "verdict", verdict);
    return row;
}

static void put_rules(json_t *fields, const struct update_rules *rules,
                      const struct grant_question *q)
{
    json_t *list = json_array();
    bool is_decided = false;
    for (unsigned i = 0; i < rules->grant_count && i < EXPLAIN_RULES_MAX; i++)
        json_array_append_new(list, rule_row(&rules->grants[i], q, &is_decided));
    json_object_set_new(fields, "rules", list);
    control_put_number(fields, "rule_count", rules->grant_count);
}

/* --- the verdict --- */

/* For how long what is added is kept. */
static void put_lease(json_t *fields, const struct grant *g)
{
    struct grant_range range = grant_lease(g);
    control_put_number(fields, "lease_s", grant_lease_s(g));
    control_put_number(fields, "lease_min_s", range.min);
    control_put_number(fields, "lease_max_s", range.max);
}

static void put_verdict(struct asking *a, const struct message *m,
                        const struct update_report *report)
{
    char text[16];
    struct asked *asked = mem_alloc_zero(sizeof(*asked));
    asked_find(m, report, asked);
    struct grant_question q = question_of(a, asked, report);
    a->fields = json_object();
    control_put_text(a->fields, "rcode", rcode_text(report->rcode, text));
    if (asked->owner.len) {
        control_put_name(a->fields, "name", q.owner);
        control_put_text(a->fields, "type", rrtype_text(q.type, text));
        put_rules(a->fields, &a->changing.zone->rules, &q);
    }
    if (report->rule >= 0)
        control_put_number(a->fields, "decided_by", (uint64_t)report->rule);
    if (report->rcode == NOERROR && report->rule >= 0 && q.op == GRANT_ADD)
        put_lease(a->fields, &a->changing.zone->rules.grants[report->rule]);
    json_object_set_new(a->fields, "changed", json_boolean(report->is_changed));
    control_put_number(a->fields, "ignored", report->ignored);
    if (report->reason[0])
        control_put_text(a->fields, "reason", report->reason);
    if (report->rcode == REFUSED) /* to who sends an OPT (RFC 8914) */
        control_put_number(a->fields, "ede", ede_of(report->rcode));
    free(asked);
}

/* True: what grants cover is being counted, a slice of it. */
static bool counts(struct asking *a)
{
    const struct server_zone *z = a->changing.zone;
    const struct version *tip = z->entry->zone->tip;
    struct grant_question who = {
        .key = a->key,
        .from = a->peer.address.any.sa_family == AF_UNSPEC ? NULL : &a->peer.address};
    if (!quota_wants_count(&z->rules, tip, &who))
        return false;
    if (!a->walk)
        a->walk = mem_alloc_zero(sizeof(*a->walk));
    (void)quota_walk_some(a->walk, &z->rules, tip, counting_names(&z->rules));
    return true;
}

/* A slice of the update; true: the verdict is in a->report. */
static bool run(struct asking *a, struct request *q)
{
    struct changing *c = &a->changing;
    struct server_zone *z = c->zone;
    struct update_actor actor = {.key = a->key, .peer = &a->peer, .is_asking = true};
    if (a->update && a->reload != z->reload) { /* as in sliced.c */
        txn_abort(&c->txn);
        c->txn = txn_begin(z->entry->zone, TXN_CHANGE);
        update_again(a->update, &a->report);
    }
    a->reload = z->reload;
    const struct update_given given = {q, &z->rules, &actor, c->txn, &a->report};
    if (!a->update)
        a->update = update_begin(&given);
    ASSERT(a->update); /* the arena was empty */
    return update_some(a->update, &given, SLICED_WORK);
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    struct asking *a = asking_of(c);
    if (counts(a))
        return CHANGING_MORE;
    const struct nsupdate_part *part = &a->script.part[0];
    struct counters none = {0};
    struct request *q = &s->late;
    *q = (struct request){.peer = a->peer, .now_us = s->now_us, .count = &none, .arena = &a->arena};
    bool is_read =
        message_read_header(&q->msg, part->wire, part->len) && message_read(&q->msg) == NOERROR;
    ASSERT(is_read);
    if (!run(a, q))
        return CHANGING_MORE;
    a->rcode = a->report.rcode;
    snprintf(a->reason, sizeof(a->reason), "%s", a->report.reason);
    put_verdict(a, &q->msg, &a->report);
    return CHANGING_GIVE_UP;
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    (void)s;
    struct asking *a = asking_of(c);
    if (why != CHANGING_GAVE_UP) {
        a->rcode = SERVFAIL;
        snprintf(a->reason, sizeof(a->reason), "the zone is not ready to be changed");
    }
    a->is_over = true;
    if (a->call)
        control_resume(a->call);
    release(a);
}

static const struct changing_kind asking_kind = {.apply = apply, .drop = drop};

/* --- the call --- */

static void asking_end(struct control_call *call)
{
    struct asking *a = call->state;
    a->call = NULL;
    release(a);
}

/* The verdict in full, then, if it is a no, that. */
static enum control_next asking_step(struct control_call *call)
{
    struct asking *a = call->state;
    char text[16];
    if (!a->is_over)
        return CONTROL_WAIT;
    json_t *fields = a->fields;
    a->fields = NULL;
    if (a->rcode == NOERROR)
        return control_answer(call, fields);
    if (fields) {
        a->is_told = true;
        return control_more(call, fields);
    }
    return control_fail(call, "%s%s%s", rcode_text(a->rcode, text), a->is_told ? "" : ": ",
                        a->is_told ? "" : a->reason);
}

static enum control_next verdict(struct control_call *call, enum rcode rcode, const char *reason)
{
    struct asking *a = call->state;
    char text[16];
    a->rcode = rcode;
    a->is_over = true;
    a->fields = json_object();
    control_put_text(a->fields, "rcode", rcode_text(rcode, text));
    control_put_text(a->fields, "reason", reason);
    return asking_step(call);
}

bool control_from(struct control_call *call, union address *out, enum control_next *next)
{
    const char *text = control_text(call, "from");
    struct prefix p;
    *out = (union address){.any.sa_family = AF_UNSPEC};
    if (!text)
        return true;
    if (!prefix_scan(text, strlen(text), &p) || p.len != 8 * p.bytes_len) {
        *next = control_fail_usage(call, "\"%.100s\" is no address", text);
        return false;
    }
    bool is_v4 = p.bytes_len == sizeof(out->v4.sin_addr);
    out->any.sa_family = is_v4 ? AF_INET : AF_INET6;
    memcpy(is_v4 ? (void *)&out->v4.sin_addr : (void *)&out->v6.sin6_addr, p.bytes, p.bytes_len);
    return true;
}

/* The text as one message. False: *next is the answer. */
static bool read_asked(struct control_call *call, struct asking *a, struct name zone,
                       enum control_next *next)
{
    const char *text = control_text(call, "update");
    struct diag diag = {0};
    struct nsupdate_options options = {.zone = zone};
    if (strlen(text) > EXPLAIN_ASKED_MAX ||
        nsupdate_read(text, strlen(text), &options, &a->script, &diag) != OK) {
        *next = control_fail_usage(call, "%s", diag.text[0] ? diag.text : "too long a text");
        return false;
    }
    if (a->script.count == 1)
        return true;
    *next = control_fail_usage(call, a->script.count ? "too much for one message"
                                                     : "there is no update in the text");
    return false;
}

/* "-" is who signs nothing. False: *next is the answer. */
static bool find_key(struct control_call *call, struct asking *a, enum control_next *next)
{
    const char *text = control_text(call, "key");
    struct name_buf name;
    if (strcmp(text, "-") == 0)
        return true;
    if (!control_name(call, text, &name, next))
        return false;
    struct tsig_key *key = keyring_find(call->server->keyring, name_of(&name));
    if (!key) {
        char hint[CONTROL_HINT_MAX], reason[CONTROL_HINT_MAX + 64];
        control_key_hint(call->server, name_of(&name), hint);
        snprintf(reason, sizeof(reason), "BADKEY: no such key%s%s%s", hint[0] ? " (" : "", hint,
                 hint[0] ? ")" : "");
        *next = verdict(call, NOTAUTH, reason);
        return false;
    }
    a->key = tsig_key_hold(key);
    return true;
}

enum control_next control_explain_update(struct control_call *call)
{
    enum control_next next;
    struct refusal_cause cause;
    const struct store_entry *e = control_zone_of(call, &next);
    if (!e)
        return next;
    struct asking *a = mem_alloc_zero(sizeof(*a));
    a->call = call;
    a->holders = 1;
    server_arena_init(&a->arena);
    call->state = a;
    call->end = asking_end;
    call->step = asking_step;
    a->peer.transport = TRANSPORT_TCP;
    if (!control_from(call, &a->peer.address, &next) ||
        !read_asked(call, a, name_of(&e->name), &next) || !find_key(call, a, &next))
        return next;
    struct server_zone *z = zone_owner(e);
    if (!update_gate(z, UPDATE_OF_PEER, &cause))
        return verdict(call, cause.rcode, cause.reason);
    a->holders++;
    changing_start(call->server, z, &a->changing, &asking_kind);
    return asking_step(call);
}

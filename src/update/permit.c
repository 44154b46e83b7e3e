/* SPDX-License-Identifier: Apache-2.0
 * Permission (RFC 2136 s3.3): every operation against the grants, in the order of the message.
 *
 * Deletions are measured by what is there before the update: what the update itself has put there
 * and takes away again does nobody harm. An addition that takes the place of another record is a
 * deletion as well. Operations that the prescan will find malformed ask for nothing that could be
 * permitted; who may change nothing at all is refused before that. */
#include "base/check.h"
#include "update/look.h"
#include "update/update_int.h"

struct permit {
    struct update *u;
    struct item *item;
};

static void show_actor(const struct update *u, struct text *t)
{
    char name[NAME_TEXT_MAX];
    if (u->actor->key)
        text_fmt(t, "key %s", name_text(tsig_key_name(u->actor->key), name));
    else
        text_add(t, "unsigned updates");
}

/* The first rule that is for this key, whatever address it is for; -1: none. */
static int rule_of_key(const struct update *u, const struct grant_question *q)
{
    for (unsigned i = 0; i < u->rules->grant_count; i++)
        if (!u->rules->grants[i].is_deny &&
            grant_match(&u->rules->grants[i], q, NULL) > GRANT_OTHER_KEY)
            return (int)i;
    return -1;
}

/* s3.3 for who has no permission at all. */
static enum rcode check_actor(struct update *u)
{
    struct grant_question q = update_question(u, GRANT_ADD, u->apex, TYPE_ANY);
    for (unsigned i = 0; i < u->rules->grant_count; i++)
        if (grant_is_for(&u->rules->grants[i], &q))
            return NOERROR;
    const struct item *first = u->ops.count ? &u->ops.at[0] : NULL;
    u->report->rule = rule_of_key(u, &q);
    if (u->report->rule >= 0)
        return update_say(u, REFUSED, first,
                          "not granted, closest rule updates[%d]: from another address",
                          u->report->rule);
    char who[NAME_TEXT_MAX + 32];
    struct text t;
    text_init(&t, who, sizeof(who));
    show_actor(u, &t);
    return update_say(u, REFUSED, first, "not granted, no rule for %s", who);
}

static enum rcode refuse(const struct permit *p, const struct grant_question *q, int rule)
{
    struct update *u = p->u;
    bool is_replacing = q->op == GRANT_DELETE && op_is_add(p->item);
    const char *what = is_replacing ? "it would replace another record: " : "";
    u->report->rule = rule;
    u->report->op = q->op;
    if (rule < 0)
        return update_say(u, REFUSED, p->item, "%snot granted", what);
    const struct grant *g = &u->rules->grants[rule];
    char why[DIAG_TEXT_MAX / 2];
    struct text t;
    text_init(&t, why, sizeof(why));
    enum grant_miss miss = grant_match(g, q, &t);
    enum rcode rcode =
        miss == GRANT_MATCH
            ? update_say(u, REFUSED, p->item, "%sdenied by updates[%d]", what, rule)
            : update_say(u, REFUSED, p->item, "%snot granted, closest rule updates[%d]: %s", what,
                         rule, why);
    u->report->type = q->type;
    return rcode;
}

static enum rcode ask(struct permit *p, const struct grant_question *q)
{
    int rule;
    if (!grants_allow(p->u->rules->grants, p->u->rules->grant_count, q, &rule))
        return refuse(p, q, rule);
    p->u->is_used[rule] = true;
    if (p->item->rule < 0)
        p->item->rule = rule;
    return NOERROR;
}

/* To delete what is there of one RRset: address by address where a grant looks at them. */
static enum rcode ask_rrset(struct permit *p, struct rrset s)
{
    struct grant_question q = update_question(p->u, GRANT_DELETE, p->item->rr.owner, s.type);
    if (!p->u->by_record || (s.type != TYPE_A && s.type != TYPE_AAAA))
        return ask(p, &q);
    enum rcode rcode = update_work(p->u, p->item, s.count);
    for (struct rdata r = rrset_first(s); r.bytes && rcode == NOERROR; r = rrset_next(s, r)) {
        q.rdata = r;
        rcode = ask(p, &q);
    }
    return rcode;
}

static bool is_asked(const struct permit *p, struct rrset s)
{
    if (!op_is_delete_name(p->item))
        return s.type == p->item->rr.type;
    /* s3.4.2.3: they will stay */
    return !(update_at_apex(p->u, p->item->rr.owner) && (s.type == TYPE_SOA || s.type == TYPE_NS));
}

static enum rcode ask_node(struct permit *p, const struct node *n, unsigned *asked)
{
    enum rcode rcode = update_work(p->u, p->item, n ? n->rrset_count : 0);
    for (struct rrset s = n ? node_first(n) : (struct rrset){0}; s.count && rcode == NOERROR;
         s = node_next(n, s))
        if (is_asked(p, s)) {
            (*asked)++;
            rcode = ask_rrset(p, s);
        }
    return rcode;
}

/* A whole name is inside the grants if each of its RRsets is, those of NSEC3 among them. What is
 * not there has to be granted as well: a refusal does not depend on what the zone holds. */
static enum rcode ask_deletion(struct permit *p)
{
    struct txn *t = p->u->txn;
    const struct rr *rr = &p->item->rr;
    unsigned asked = 0;
    enum rcode rcode = ask_node(p, txn_find(t, rr->owner), &asked);
    if (rcode == NOERROR)
        rcode = ask_node(p, txn_find_nsec3(t, rr->owner), &asked);
    if (asked > 0 || rcode != NOERROR)
        return rcode;
    struct grant_question q = update_question(p->u, GRANT_DELETE, rr->owner, rr->type);
    return ask(p, &q);
}

/* For what an addition takes the place of. */
static enum rcode ask_replaced(struct permit *p)
{
    const struct rr *rr = &p->item->rr;
    if (!look_may_replace(rr->type))
        return NOERROR;
    struct rrset s = node_get(txn_find(p->u->txn, rr->owner), (struct rrset_id){.type = rr->type});
    enum rcode rcode = update_work(p->u, p->item, s.count);
    struct grant_question q = update_question(p->u, GRANT_DELETE, rr->owner, rr->type);
    for (struct rdata r = rrset_first(s); r.bytes && rcode == NOERROR; r = rrset_next(s, r)) {
        q.rdata = r;
        if (look_replaces(rr, r))
            rcode = ask(p, &q);
    }
    return rcode;
}

static enum rcode ask_item(struct permit *p)
{
    const struct rr *rr = &p->item->rr;
    bool is_add = op_is_add(p->item);
    if (!is_add && rr->class == CLASS_ANY)
        return ask_deletion(p);
    struct grant_question q =
        update_question(p->u, is_add ? GRANT_ADD : GRANT_DELETE, rr->owner, rr->type);
    q.ttl = rr->ttl;
    q.rdata = rr->rdata;
    enum rcode rcode = ask(p, &q);
    return rcode == NOERROR && is_add ? ask_replaced(p) : rcode;
}

static bool take_rate(const struct update *u, const struct grant *g)
{
    struct grant_rate before = g->state ? *g->state : (struct grant_rate){0};
    bool is_there = grant_take_rate(g, u->q->now_us);
    if (g->state && u->actor->is_asking)
        *g->state = before;
    return is_there;
}

static bool has_within(const struct update_rules *rules)
{
    for (unsigned i = 0; i < rules->grant_count; i++)
        if (rules->grants[i].within_count)
            return true;
    return false;
}

enum rcode ops_permit(struct update *u)
{
    if (!update_is_peers(u))
        return NOERROR;
    enum rcode rcode = check_actor(u);
    if (rcode != NOERROR)
        return rcode;
    size_t count = u->rules->grant_count;
    u->by_record = has_within(u->rules);
    u->is_used = update_alloc(u, count * sizeof(bool));
    if (!u->is_used)
        return SERVFAIL;
    memset(u->is_used, 0, count * sizeof(bool));
    return NOERROR;
}

enum rcode op_permit(struct update *u, struct item *item)
{
    const char *why;
    if (!update_is_peers(u) || op_fault(u, item, &why) != NOERROR)
        return NOERROR;
    struct permit p = {u, item};
    enum rcode rcode = ask_item(&p);
    if (rcode == NOERROR && u->report->rule < 0)
        u->report->rule = item->rule;
    return rcode;
}

/* Once for each grant that the update makes use of. */
enum rcode ops_take_rates(struct update *u)
{
    for (unsigned i = 0; update_is_peers(u) && i < u->rules->grant_count; i++) {
        const struct grant *g = &u->rules->grants[i];
        if (!u->is_used[i] || take_rate(u, g))
            continue;
        u->report->rule = (int)i;
        return update_say(u, REFUSED, NULL, "over the rate of updates[%u], %u/s", i, g->rate);
    }
    return NOERROR;
}

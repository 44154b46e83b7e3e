/* SPDX-License-Identifier: Apache-2.0
 * The driver of changes that take several turns.
 *
 * The usual course: begun, applied, compared and sealed within one call. A long one leaves its txn
 * open and the loop is woken for the next slice. While a txn is open nobody else may begin one on
 * that zone, which the queue of updates (update.c) and the waiting here see to. */
#include "server/changing.h"

#include "base/check.h"
#include "server/leases.h"
#include "server/server_int.h"

static struct changing *changing_of(struct list *link)
{
    return list_entry(link, struct changing, link);
}

/* It is the changing's turn with the zone, if nobody else has one. */
static void begin(struct server *s, struct changing *c)
{
    if (c->txn || c->zone->changing)
        return;
    c->zone->changing = c;
    c->txn = txn_begin(c->zone->entry->zone, TXN_CHANGE);
    if (c->kind->begin)
        c->kind->begin(s, c);
}

/* Takes it out; updates may come again. */
static void leave(struct server *s, struct changing *c)
{
    list_remove(&c->link);
    if (c->zone->changing != c)
        return;
    c->zone->changing = NULL;
    update_unblock(&s->updates);
    leases_wake(s, c->zone);
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    leave(s, c);
    txn_abort(&c->txn);
    c->kind->drop(s, c, why);
}

/* A slice; true: it is over, and c is freed. */
static bool step(struct server *s, struct changing *c)
{
    s->changing_steps++;
    if (!c->is_applied) {
        enum changing_next next = c->kind->apply(s, c);
        c->is_applied = next == CHANGING_APPLIED;
        c->is_waiting = next == CHANGING_WAIT;
        if (next == CHANGING_GIVE_UP)
            drop(s, c, CHANGING_GAVE_UP);
        return next == CHANGING_GIVE_UP;
    }
    if (txn_is_touched(c->txn) && !txn_diff_some(c->txn, CHANGING_SLICE))
        return false;
    leave(s, c);
    c->kind->seal(s, c);
    return true;
}

static void turn(struct server *s, struct changing *c)
{
    if (!c->zone->is_kept) { /* it is being read again from the log */
        drop(s, c, CHANGING_LOG_FAILED);
        return;
    }
    begin(s, c);
    if (!c->txn)
        return;
    if (!step(s, c) && c->is_applied)
        (void)step(s, c); /* what is small in one go: applied, compared, sealed */
}

/* Is another turn wanted? Those that have no txn wait for one that has. */
static bool has_work(const struct server *s)
{
    LIST_EACH(link, &s->changing) {
        const struct changing *c = changing_of(link);
        if (!c->zone->changing || (c->txn && !c->is_waiting))
            return true;
    }
    return false;
}

static void want_turn(struct server *s)
{
    if (has_work(s))
        helpers_wake(s->helpers);
}

void changing_start(struct server *s, struct server_zone *z, struct changing *c,
                    const struct changing_kind *kind)
{
    ASSERT(z->is_kept && z->entry->zone);
    c->kind = kind;
    c->zone = z;
    list_add_last(&s->changing, &c->link);
    if (s->changing_steps < CHANGING_STEPS)
        turn(s, c);
    want_turn(s);
}

void changing_adopt(struct server *s, struct server_zone *z, struct changing *c,
                    const struct changing_kind *kind, struct txn *txn)
{
    ASSERT(z->is_kept && !z->changing);
    c->kind = kind;
    c->zone = z;
    c->txn = txn;
    z->changing = c;
    list_add_last(&s->changing, &c->link);
    want_turn(s);
}

void changing_turn(struct server *s)
{
    while (s->changing_steps < CHANGING_STEPS && !list_is_empty(&s->changing)) {
        struct list *first = s->changing.next;
        list_remove(first); /* the others are first next time */
        list_add_last(&s->changing, first);
        turn(s, changing_of(first));
    }
    want_turn(s);
}

void changing_abort(struct server *s, struct server_zone *z)
{
    if (z->changing)
        drop(s, z->changing, CHANGING_LOG_FAILED);
}

void changing_forget(struct server *s, struct server_zone *z)
{
    LIST_EACH(link, &s->changing) {
        if (changing_of(link)->zone == z)
            drop(s, changing_of(link), CHANGING_ZONE_GOES);
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * A transfer that has come whole becomes the zone's data: all of it or nothing.
 *
 * The first one is the zone as it came (zone_take()). Later ones are changes like any other
 * (changing.h, commit.h): differences are applied to one txn step by step, and go into the log and
 * on to our own secondaries as they came; of a whole zone, a helper works out the difference to
 * what is served, which is one step. All of a transfer is one batch of the log, so that there is
 * nothing between complete and none whatever happens: of more steps than a batch may have
 * (COMMIT_STEPS_MAX), what goes into the log and on is the one difference that they come to, as if
 * the primary had sent that (RFC 1995 s5), and the line of the transfer says so (`kept`). Where
 * that is too large for the log, the zone is replaced as if it were the first one, and its history
 * begins anew. What does not fit, lacks what every zone has, or loses more than the shrink limit
 * allows is dropped without a trace.
 *
 * Differences that remove what is not there do not fit: the zone is not what they are of. Adding
 * what is there, with the same TTL, leaves the zone as the primary has it, and NSD sends that where
 * other records of the name have changed (4.6.1). BIND takes it (9.18), Knot (3.2) and NSD ask for
 * the whole zone (test_malicious_primary.py); RFC 1995 says nothing of it. It is taken here, but
 * not passed on: what goes into the log is then the one difference that came of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/secondary.h"
#include "zone/contrast.h"

struct taking {
    struct job job;
    struct changing changing;
    struct pending pending;
    struct secondary *owner; /* NULL: nobody wants it any more */
    struct transfer_note note;
    bool is_whole;              /* the steps were made here */
    struct zone *fresh;         /* a zone that came whole */
    const struct version *live; /* pinned until the difference to it is applied */
    struct diff diff;
    struct state *state; /* where the zone is forgotten, */
    uint64_t log_id;     /* and which it is, */
    enum err forgotten;  /* and what came of it */
    struct xfr_steps steps;
    unsigned step_count; /* that came; the steps themselves go on with the change */
    unsigned step;       /* the one being applied */
    struct diff_at at;   /* in it */
    uint32_t serial_from, serial;
    uint64_t records_before;
    uint64_t kept;                   /* as counted in server.secondaries.incoming_kept */
    enum refresh_event_kind verdict; /* of a txn that was given up */
    struct diag diag;
    char primary[PENDING_TEXT_MAX];
};

/* --- what may not be --- */

/* Does the zone lose too much at once? The operator may want just that. */
static bool is_held(struct server *s, struct secondary *sec, uint32_t serial, uint64_t before,
                    uint64_t after)
{
    uint32_t percent = sec->zone->conf->shrink_percent;
    uint64_t lost = before > after ? before - after : 0;
    char zone[NAME_TEXT_MAX];
    bool is_forced = sec->refresh.is_forced && sec->is_unguarded;
    if (percent == 0 || is_forced || lost * 100 <= before * percent)
        return false;
    if (!sec->held.is_set || sec->held.serial != serial)
        log_warn("transfer held back, the zone would shrink too much",
                 {"zone", name_text(name_of(&sec->zone->entry->name), zone)},
                 {"primary", secondary_primary(sec)->text}, {"serial", LOG_U64(serial)},
                 {"records", LOG_U64(before)}, {"lost", LOG_U64(lost)},
                 {"limit_percent", LOG_U64(percent)},
                 {"to_take_it", "reevectl transfer ZONE --force"});
    s->count.transfers_in_held++;
    sec->held = (struct held){true, serial, lost, before, s->now_us, sec->act.primary, percent};
    return true;
}

static bool has_ns(const struct node *apex)
{
    struct rrset set;
    return apex && node_find(apex, TYPE_NS, &set);
}

/* RFC 1034 s4.3.5, RFC 1982: forward only, unless the operator has asked for the zone as the
 * primary has it, or what there is has expired. NULL: the serial is fine. */
static const char *serial_fault(const struct secondary *sec, uint32_t serial)
{
    const struct server_zone *z = sec->zone;
    if (!z->is_kept || sec->refresh.is_expired || (sec->refresh.is_forced && sec->is_unguarded))
        return NULL;
    int order = serial_compare(serial, z->entry->zone->published->serial);
    if (order == 1 || (order == 0 && sec->refresh.is_forced))
        return NULL;
    return "its serial is behind ours";
}

/* --- the outcome --- */

static void log_taken(const struct server *s, const struct taking *t, const struct server_zone *z)
{
    char zone[NAME_TEXT_MAX];
    const struct xfr_in_count *n = &t->note.count;
    bool is_first = !t->pending.done; /* no change of what was there */
    bool is_one = t->step_count > 1 && t->pending.steps.count == 0;
    uint32_t serial_from = t->serial_from;
    log_info("zone transferred", {"zone", name_text(name_of(&z->entry->name), zone)},
             {"primary", t->note.primary}, {"address", t->note.address.text},
             {"kind", t->is_whole ? "AXFR" : "IXFR"},
             {"serial_from", is_first ? NULL : LOG_U64(serial_from)},
             {"serial", LOG_U64(t->serial)}, {"steps", t->is_whole ? NULL : LOG_U64(t->step_count)},
             {"kept", is_one ? "as one difference" : NULL}, {"messages", LOG_U64(n->messages)},
             {"records", LOG_U64(n->records)}, {"bytes", LOG_U64(n->bytes)},
             {"ms", LOG_U64((uint64_t)(s->now_us - t->note.started_us) / 1000)});
    if (!is_first && serial_compare(t->serial, serial_from) != 1)
        log_warn("serial did not go forward, secondaries will not follow", {"zone", zone},
                 {"old", LOG_U64(serial_from)}, {"new", LOG_U64(t->serial)});
}

static void free_here(struct taking *t)
{
    if (t->live)
        version_unpin(t->live);
    zone_free(t->fresh);
    xfr_steps_done(&t->steps);
    diff_done(&t->diff);
    free(t);
}

static void dispose_run(struct job *j)
{
    struct taking *t = container_of(j, struct taking, job);
    xfr_steps_done(&t->steps);
}

static void dispose_done(void *owner, struct job *j)
{
    (void)owner;
    free_here(container_of(j, struct taking, job));
}

static void dispose_drop(struct job *j)
{
    free_here(container_of(j, struct taking, job));
}

static const struct job_kind dispose_kind = {dispose_run, dispose_done, dispose_drop};

/* What is large goes to a helper. */
static void taking_free(struct server *s, struct taking *t)
{
    secondaries_count(s, &t->kept, 0);
    if (t->fresh)
        zone_drop(s->helpers, t->fresh);
    t->fresh = NULL;
    if (t->steps.count > COMMIT_STEPS_MAX)
        helpers_give(s->helpers, &t->job, &dispose_kind, PACE_FIRST);
    else
        free_here(t);
}

/* The owner's question is over; t may be freed before the next one. */
static struct secondary *leave(struct taking *t)
{
    struct secondary *sec = t->owner;
    if (sec)
        sec->taking = NULL;
    t->owner = NULL;
    return sec;
}

static void end_taken(struct server *s, struct taking *t)
{
    struct refresh_event e = {.kind = REFRESH_TAKEN,
                              .serial = t->serial,
                              .has_expire = t->note.has_expire,
                              .expire_s = t->note.expire_s};
    struct secondary *sec = leave(t);
    s->count.transfers_in++;
    taking_free(s, t);
    if (!sec)
        return;
    sec->held = (struct held){0};
    e.timers = secondary_timers(sec->zone->entry->zone->published);
    secondary_step(s, sec, &e);
    secondary_took(s, sec);
}

/* t->verdict and t->diag say why. */
static void end_dropped(struct server *s, struct taking *t)
{
    struct refresh_event e = {.kind = t->verdict,
                              .serial = t->serial,
                              .has_expire = t->note.has_expire,
                              .expire_s = t->note.expire_s};
    struct diag why = t->diag;
    struct secondary *sec = leave(t);
    taking_free(s, t);
    if (!sec)
        return;
    if (e.kind == REFRESH_FAILED || e.kind == REFRESH_UNFIT) {
        s->count.transfers_in_failed++;
        secondary_fail(s, sec, e.kind, why.text);
    } else {
        secondary_step(s, sec, &e);
    }
    secondary_took(s, sec);
}

static void drop_for(struct server *s, struct taking *t, enum refresh_event_kind verdict,
                     const char *reason)
{
    t->verdict = verdict;
    (void)err_say(&t->diag, ERR_INVALID, "%s", reason);
    end_dropped(s, t);
}

void taking_forget(struct taking *t)
{
    t->owner = NULL;
}

/* --- a change of the live zone --- */

static struct taking *taking_of(struct changing *c)
{
    return container_of(c, struct taking, changing);
}

static void on_done(struct server *s, struct pending *p, enum err result)
{
    struct taking *t = container_of(p, struct taking, pending);
    struct server_zone *z = p->zone;
    if (z && result == OK)
        log_taken(s, t, z);
    pending_release(p);
    if (result == OK && z) {
        end_taken(s, t);
    } else if (result == ERR_CANCELED || !z) { /* the server ends, or the zone is gone */
        (void)leave(t);
        taking_free(s, t);
    } else {
        drop_for(s, t, REFRESH_FAILED, "the change log did not take it");
    }
}

static void begin(struct server *s, struct changing *c)
{
    (void)s;
    taking_of(c)->records_before = c->zone->entry->zone->tip->record_count;
}

static enum changing_next give_up(struct taking *t, enum refresh_event_kind verdict,
                                  const char *reason)
{
    t->verdict = verdict;
    if (reason)
        (void)err_say(&t->diag, ERR_INVALID, "%s", reason);
    return CHANGING_GIVE_UP;
}

static bool is_too_costly(const struct server *s, const struct taking *t)
{
    const struct version *v = t->changing.zone->entry->zone->tip;
    uint64_t max = SECONDARY_APPLY_ZONES * v->byte_count + s->secondaries.apply_max;
    return !t->is_whole && txn_bytes(t->changing.txn) > max;
}

/* What one transfer may bring (xfr/in.h) is what many small ones may. */
static bool is_too_large(const struct conf *c, uint64_t records)
{
    return (c->zone_records_max && records > c->zone_records_max) ||
           (c->transfer_records && records > c->transfer_records);
}

/* limits.transfer-size bounds a zone that comes whole, which may take so many times that in memory.
 * A zone that grows beyond it by differences is asked for as a whole: then it is seen whether it is
 * within the limit. */
#define MEMORY_PER_SIZE 4

static bool is_over_size(const struct conf *c, const struct taking *t)
{
    return !t->is_whole &&
           txn_byte_count(t->changing.txn) > (uint64_t)MEMORY_PER_SIZE * c->transfer_size;
}

/* All steps are applied. */
static enum changing_next look_at_it(struct server *s, struct taking *t)
{
    struct txn *txn = t->changing.txn;
    enum refresh_event_kind bad = t->is_whole ? REFRESH_FAILED : REFRESH_UNFIT;
    if (txn_serial(txn) != t->serial)
        return give_up(t, bad, "the differences do not lead to the serial that they are for");
    if (!has_ns(txn_find(txn, name_of(&t->changing.zone->entry->name))))
        return give_up(t, bad, "the zone would have no NS records at its apex");
    if (is_over_size(s->conf, t)) {
        s->count.transfers_in_over_size++;
        return give_up(t, bad, "the zone would be larger than limits.transfer-size allows");
    }
    if (is_too_large(s->conf, txn_record_count(txn)))
        return give_up(t, REFRESH_FAILED, "the zone would have more records than the limits allow");
    if (is_held(s, t->owner, t->serial, t->records_before, txn_record_count(txn)))
        return give_up(t, REFRESH_HELD, NULL);
    return CHANGING_APPLIED;
}

static enum changing_next apply(struct server *s, struct changing *c)
{
    struct taking *t = taking_of(c);
    size_t budget = CHANGING_SLICE;
    if (!t->owner)
        return CHANGING_GIVE_UP;
    if (t->is_whole && t->live != c->zone->entry->zone->tip)
        return give_up(t, REFRESH_FAILED, "the zone was changed while it was compared");
    while (t->step < t->steps.count && budget > 0) {
        const struct diff *d = &t->steps.at[t->step]->diff;
        struct diff_bytes bytes = {d->bytes, d->len, d->added_at};
        if (txn_apply_some(c->txn, &bytes, &t->at, &budget, &t->diag) != OK)
            return give_up(t, t->is_whole ? REFRESH_FAILED : REFRESH_UNFIT, NULL);
        if (is_too_costly(s, t))
            return give_up(t, REFRESH_UNFIT, "the differences cost more than the whole zone");
        if (t->at.bytes < d->len)
            return CHANGING_MORE;
        t->step++;
        t->at.bytes = 0;
    }
    return t->step < t->steps.count ? CHANGING_MORE : look_at_it(s, t);
}

static void seal(struct server *s, struct changing *c)
{
    struct taking *t = taking_of(c);
    struct server_zone *z = c->zone;
    struct pending *p = &t->pending;
    pending_init(p, z, CHANGE_TRANSFER, s->now_us, on_done);
    snprintf(p->actor, sizeof(p->actor), "primary %.200s", t->note.primary);
    snprintf(p->peer, sizeof(p->peer), "%s tcp", t->note.address.text);
    pending_seal(p, &c->txn);
    if (t->steps.count <= COMMIT_STEPS_MAX && t->at.present == 0) {
        p->steps = t->steps;
        t->steps = (struct xfr_steps){0};
    }
    commit_give(s, p);
}

static void drop(struct server *s, struct changing *c, enum changing_end why)
{
    struct taking *t = taking_of(c);
    if (why == CHANGING_LOG_FAILED)
        drop_for(s, t, REFRESH_FAILED, "the change log did not take what was before it");
    else if (why == CHANGING_GAVE_UP)
        end_dropped(s, t);
    else {
        (void)leave(t);
        taking_free(s, t);
    }
}

static const struct changing_kind taking_kind = {begin, apply, seal, drop};

static void change(struct server *s, struct taking *t)
{
    struct server_zone *z = t->owner->zone;
    if (!z->is_kept || !z->is_ready) {
        drop_for(s, t, REFRESH_FAILED, "the zone is being read from the change log");
        return;
    }
    if (t->steps.bytes > s->secondaries.diff_max) { /* of a whole zone it is not so large */
        drop_for(s, t, REFRESH_UNFIT, "the differences are larger than the change log takes");
        return;
    }
    t->serial_from = z->entry->zone->tip->serial;
    t->at.takes_present = !t->is_whole;
    changing_start(s, z, &t->changing, &taking_kind);
}

/* --- the first data that the log gets of a zone --- */

static void take_first(struct server *s, struct taking *t, const struct journal_zone *log)
{
    struct server_zone *z = t->owner->zone;
    struct opening *o = mem_alloc_zero(sizeof(*o));
    name_copy(&o->name, name_of(&z->entry->name));
    o->ticket = ++s->last_ticket;
    o->has_history = true;
    o->log = *log;
    o->zone = t->fresh;
    t->fresh = NULL;
    log_taken(s, t, z);
    zone_take(s, z, o);
    opening_drop(s->helpers, o);
    end_taken(s, t);
}

/* --- a zone in place of what there is --- */

static void forget_run(struct job *j)
{
    struct taking *t = container_of(j, struct taking, job);
    struct journal *log = state_open(t->state, &t->diag);
    diff_done(&t->diff);
    t->forgotten = log ? journal_zone_forget(log, t->log_id, &t->diag) : ERR_IO;
}

static void forget_done(void *owner, struct job *j)
{
    struct server *s = owner;
    struct taking *t = container_of(j, struct taking, job);
    char zone[NAME_TEXT_MAX];
    if (!t->owner) { /* what is left is read from the log, or the zone is gone */
        taking_free(s, t);
        return;
    }
    struct server_zone *z = t->owner->zone;
    name_text(name_of(&z->entry->name), zone);
    if (t->forgotten != OK) {
        struct diag why = t->diag;
        log_error("zone not replaced, it is read again from the change log", {"zone", zone},
                  {"reason", why.text});
        s->count.transfers_in_failed++;
        (void)leave(t);
        taking_free(s, t);
        secondary_close(s, z);
        zone_want_again(s, z);
        return;
    }
    log_notice("zone replaced as a whole, its history begins anew", {"zone", zone},
               {"reason", "the change is larger than the change log takes"});
    uint32_t from = t->serial_from, to = t->serial;
    take_first(s, t, &(struct journal_zone){.id = t->log_id});
    transfer_replaced(z, from, to);
}

static void forget_drop(struct job *j)
{
    struct taking *t = container_of(j, struct taking, job);
    (void)leave(t);
    free_here(t);
}

static const struct job_kind forget_kind = {forget_run, forget_done, forget_drop};

/* What the log has of the zone goes first. It is a copy: if we end before the first snapshot of the
 * new one is there, it is transferred again. Meanwhile nobody can change it. */
static void replace(struct server *s, struct taking *t)
{
    struct server_zone *z = t->owner->zone;
    t->serial_from = z->entry->zone->published->serial;
    t->state = s->state;
    t->log_id = z->log_id;
    z->is_kept = false;
    helpers_give(s->helpers, &t->job, &forget_kind, PACE_LOG);
}

/* --- a whole zone --- */

static void contrast_run(struct job *j)
{
    struct taking *t = container_of(j, struct taking, job);
    contrast_versions(t->live, t->fresh->published, &t->diff);
}

static void contrast_done(void *owner, struct job *j)
{
    struct server *s = owner;
    struct taking *t = container_of(j, struct taking, job);
    if (!t->owner) {
        taking_free(s, t);
        return;
    }
    if (t->diff.len > s->secondaries.diff_max) {
        replace(s, t);
        return;
    }
    zone_drop(s->helpers, t->fresh);
    t->fresh = NULL;
    secondaries_count(s, &t->kept, t->diff.len);
    if (t->diff.len == 0) { /* asked for whatever its serial, and the same */
        t->verdict = REFRESH_CURRENT;
        end_dropped(s, t);
        return;
    }
    xfr_steps_add(&t->steps, xfr_step_new(&t->diff));
    change(s, t);
}

static void contrast_drop(struct job *j)
{
    struct taking *t = container_of(j, struct taking, job);
    (void)leave(t);
    free_here(t);
}

static const struct job_kind contrast_kind = {contrast_run, contrast_done, contrast_drop};

static void contrast(struct server *s, struct taking *t)
{
    t->live = version_pin(t->owner->zone->entry->zone->published);
    helpers_give(s->helpers, &t->job, &contrast_kind, PACE_TAKE);
}

static void take_whole(struct server *s, struct taking *t)
{
    struct secondary *sec = t->owner;
    const struct server_zone *z = sec->zone;
    const struct version *v = t->fresh->published;
    if (!has_ns(v->apex)) {
        drop_for(s, t, REFRESH_FAILED, "the zone has no NS records at its apex");
        return;
    }
    if (!z->is_kept) {
        take_first(s, t,
                   &(struct journal_zone){
                       .id = sec->log_id, .seq_last = sec->log_seq, .flags = sec->log_flags});
        return;
    }
    if (is_held(s, sec, t->serial, z->entry->zone->published->record_count, v->record_count)) {
        t->verdict = REFRESH_HELD;
        end_dropped(s, t);
        return;
    }
    contrast(s, t);
}

void taking_start(struct server *s, struct secondary *sec, struct xfr_in *x, enum xfr_in_next how,
                  const struct transfer_note *note)
{
    struct taking *t = mem_alloc_zero(sizeof(*t));
    t->owner = sec;
    t->note = *note;
    t->is_whole = how == XFR_IN_WHOLE;
    t->serial = xfr_in_serial(x);
    sec->taking = t;
    secondaries_count(s, &t->kept, xfr_in_kept(x));
    if (t->is_whole)
        t->fresh = xfr_in_zone(x);
    else
        t->steps = xfr_in_steps(x);
    t->step_count = t->steps.count;
    const char *fault = serial_fault(sec, t->serial);
    if (fault && sec->zone->entry->zone->published->serial == t->serial)
        t->verdict = REFRESH_CURRENT; /* has what we have */
    if (fault && t->verdict == REFRESH_CURRENT)
        end_dropped(s, t);
    else if (fault)
        drop_for(s, t, REFRESH_FAILED, fault);
    else if (t->is_whole)
        take_whole(s, t);
    else
        change(s, t);
}

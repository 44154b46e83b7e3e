/* SPDX-License-Identifier: Apache-2.0
 * Secondary zones: what the configuration says of them, and the machine that says when to ask.
 *
 * The usual course: the log's state of the zone is in (secondary_opened()), the machine wants a
 * probe (asking.c), its answer is the machine's next event, and so on; a transfer that came whole
 * goes through taking.c, and its end is an event again. Every event ends in follow(), which makes
 * what the machine says of expiry true for those who ask, and has the log note what is to be
 * known after a restart. */
#include "server/secondary.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"

#define US_PER_S        1000000

/* Lines about primaries that begin to fail, or do so no more: one that is down may have ten
 * thousand zones. */
#define LOGS_PER_SECOND 10
/* From so many secondary zones on, their first looks after a start are spread: that many at once
 * are no burst. */
#define SPREAD_FROM     50
#define SPREAD_EACH_US  5000
#define SPREAD_MAX_US   300000000

/* --- primaries as configured --- */

static void primaries_free(struct secondary *sec)
{
    for (unsigned i = 0; i < sec->primary_count; i++) {
        free(sec->primaries[i].text);
        free(sec->primaries[i].addresses);
        free(sec->primaries[i].failing_us);
        free(sec->primaries[i].is_told);
    }
    free(sec->primaries);
    free(sec->address_counts);
    sec->primaries = NULL;
    sec->address_counts = NULL;
    sec->primary_count = 0;
}

static void primary_make(struct primary *p, const struct remote *r)
{
    size_t len = r->address_count * sizeof(union address);
    *p = (struct primary){.address_count = r->address_count, .source = r->source, .key = r->key};
    p->text = mem_string(r->text);
    p->addresses = mem_alloc(len);
    memcpy(p->addresses, r->addresses, len);
    p->failing_us = mem_alloc_zero(r->address_count * sizeof(*p->failing_us));
    p->is_told = mem_alloc_zero(r->address_count * sizeof(*p->is_told));
}

static void primaries_make(struct secondary *sec, const struct conf_zone *c)
{
    sec->primary_count = c->primary_count;
    sec->primaries = mem_alloc(c->primary_count * sizeof(*sec->primaries));
    sec->address_counts = mem_alloc(c->primary_count * sizeof(unsigned));
    for (unsigned i = 0; i < c->primary_count; i++) {
        primary_make(&sec->primaries[i], c->primaries[i]);
        sec->address_counts[i] = c->primaries[i]->address_count;
    }
}

static bool is_same_key(const struct name_buf *a, const struct name_buf *b)
{
    return a->len == b->len && (a->len == 0 || name_is_equal(name_of(a), name_of(b)));
}

static bool is_same_source(const union address *a, const union address *b)
{
    return a->any.sa_family == b->any.sa_family &&
           (a->any.sa_family == AF_UNSPEC || address_is_same(a, b));
}

static bool is_same(const struct primary *p, const struct remote *r)
{
    bool is_alike = strcmp(p->text, r->text) == 0 && p->address_count == r->address_count &&
                    is_same_key(&p->key, &r->key) && is_same_source(&p->source, &r->source);
    for (unsigned i = 0; is_alike && i < p->address_count; i++)
        is_alike = address_is_same(&p->addresses[i], &r->addresses[i]);
    return is_alike;
}

static bool are_same(const struct secondary *sec, const struct conf_zone *c)
{
    bool is_alike = sec->primary_count == c->primary_count;
    for (unsigned i = 0; is_alike && i < c->primary_count; i++)
        is_alike = is_same(&sec->primaries[i], c->primaries[i]);
    return is_alike;
}

static struct refresh_limits limits_of(const struct conf *c)
{
    return (struct refresh_limits){.refresh_min_s = c->refresh_min_s,
                                   .refresh_max_s = c->refresh_max_s,
                                   .retry_min_s = c->retry_min_s,
                                   .retry_max_s = c->retry_max_s,
                                   .expire_max_s = c->expire_max_s};
}

/* --- what follows from the machine's state --- */

static void utc_text(int64_t us, char buf[32])
{
    time_t at = (time_t)(us / US_PER_S);
    struct tm tm;
    if (!gmtime_r(&at, &tm) || strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        buf[0] = '\0';
}

static void log_expiry(struct server *s, const struct secondary *sec, bool is_expired)
{
    char zone[NAME_TEXT_MAX], since[32], checked[32];
    uint64_t suppressed;
    if (!log_rate_is_open(&s->secondaries.expired_rate, LOGS_PER_SECOND, s->now_us, &suppressed))
        return;
    name_text(name_of(&sec->zone->entry->name), zone);
    utc_text(sec->expired_us, since);
    utc_text(sec->refresh.checked_us, checked);
    if (is_expired)
        log_error("zone expired, answered with SERVFAIL", {"zone", zone}, {"since", since},
                  {"checked", checked}, {"suppressed", LOG_SUPPRESSED(suppressed)});
    else
        log_notice("zone is good again", {"zone", zone}, {"expired", since},
                   {"suppressed", LOG_SUPPRESSED(suppressed)});
}

/* RFC 1034 s4.3.5: data that is too old is not served. */
static void follow_expiry(struct server *s, struct secondary *sec)
{
    struct store_entry *e = sec->zone->entry;
    bool is_expired = sec->refresh.is_expired;
    e->expires_us = sec->refresh.expires_us;
    if (is_expired == e->is_expired)
        return;
    e->is_expired = is_expired;
    if (is_expired)
        sec->expired_us = e->expires_us;
    s->count.zones_expired += is_expired;
    log_expiry(s, sec, is_expired);
    if (!is_expired)
        sec->expired_us = 0;
}

static void follow(struct server *s, struct secondary *sec)
{
    follow_expiry(s, sec);
    checked_note(s, sec);
    timer_set(&s->timers, &sec->timer, sec->refresh.wake_us);
}

/* --- failures --- */

/* False: as many lines as there may be in a second have been written. */
static bool log_failing(struct server *s, const struct secondary *sec, const char *reason)
{
    char zone[NAME_TEXT_MAX];
    struct address_text at;
    static const char *const doing[] = {[REFRESH_WAIT] = "",
                                        [REFRESH_PROBE] = "SOA",
                                        [REFRESH_IXFR] = "IXFR",
                                        [REFRESH_AXFR] = "AXFR"};
    uint64_t suppressed;
    if (!log_rate_is_open(&s->secondaries.failing_rate, LOGS_PER_SECOND, s->now_us, &suppressed))
        return false;
    log_warn("primary fails", {"zone", name_text(name_of(&sec->zone->entry->name), zone)},
             {"primary", secondary_primary(sec)->text},
             {"address", address_show(secondary_address(sec), &at)},
             {"asked", doing[sec->act.kind]}, {"reason", reason},
             {"suppressed", LOG_SUPPRESSED(suppressed)});
    return true;
}

/* One line where it begins, or as soon as there is room for it; not one for each try. */
static void note_failure(struct server *s, struct secondary *sec, const char *reason)
{
    struct primary *p = secondary_primary(sec);
    int64_t *failing = &p->failing_us[sec->act.address];
    struct text t;
    p->failed_us = s->now_us;
    text_init(&t, p->error, sizeof(p->error)); /* what is too long is cut */
    text_add(&t, reason);
    s->count.primaries_failed++;
    if (!*failing) {
        *failing = s->now_us;
        p->is_told[sec->act.address] = false;
    }
    if (!p->is_told[sec->act.address])
        p->is_told[sec->act.address] = log_failing(s, sec, reason);
}

static void log_well(struct server *s, const struct secondary *sec, int64_t failing_us)
{
    char zone[NAME_TEXT_MAX], since[32];
    struct address_text at;
    uint64_t suppressed;
    if (!log_rate_is_open(&s->secondaries.failing_rate, LOGS_PER_SECOND, s->now_us, &suppressed))
        return;
    utc_text(failing_us, since);
    log_notice("primary is well again", {"zone", name_text(name_of(&sec->zone->entry->name), zone)},
               {"primary", secondary_primary(sec)->text},
               {"address", address_show(secondary_address(sec), &at)}, {"failed_since", since},
               {"suppressed", LOG_SUPPRESSED(suppressed)});
}

void secondary_heard(struct server *s, struct secondary *sec, uint32_t serial)
{
    struct primary *p = secondary_primary(sec);
    p->has_serial = true;
    p->serial = serial;
    p->heard_us = s->now_us;
    if (sec->held.since_us && serial == sec->held.serial)
        sec->held.is_set = sec->refresh.has_held;
    else if (sec->act.primary == sec->held.primary)
        sec->held.is_set = false; /* what was kept back is not there any more */
}

/* The address asked is of use. */
static void note_success(struct server *s, struct secondary *sec)
{
    struct primary *p = secondary_primary(sec);
    int64_t *failing = &p->failing_us[sec->act.address];
    if (*failing)
        log_well(s, sec, *failing);
    *failing = 0;
    p->error[0] = '\0';
}

/* --- the machine --- */

void secondary_step(struct server *s, struct secondary *sec, const struct refresh_event *e)
{
    struct refresh_event event = *e;
    struct diag diag = {0};
    event.now_us = s->now_us;
    /* whose answer leads to a transfer is of use when that has come */
    bool is_probe = event.kind == REFRESH_ANSWERED;
    if (event.kind == REFRESH_CURRENT || event.kind == REFRESH_TAKEN)
        note_success(s, sec);
    for (;; is_probe = false) {
        struct refresh_act act = refresh_step(&sec->refresh, &event);
        if (act.kind == REFRESH_WAIT && is_probe)
            note_success(s, sec);
        if (act.kind == REFRESH_WAIT)
            break;
        sec->act = act;
        if (asking_start(s, sec, &diag))
            break;
        note_failure(s, sec, diag.text);
        event = (struct refresh_event){.kind = REFRESH_FAILED, .now_us = s->now_us};
    }
    if (!sec->refresh.is_forced)
        sec->is_unguarded = sec->is_unguarded && sec->refresh.is_forced_next;
    follow(s, sec);
}

/* Of several the one with the newest serial; one without a serial may mean any. */
void secondary_tell(struct server *s, struct secondary *sec, const struct refresh_event *e)
{
    struct refresh_event *told = &sec->told;
    if (sec->is_open) {
        secondary_step(s, sec, e);
        return;
    }
    bool is_any = sec->is_told && !told->has_serial;
    if (!sec->is_told || !told->has_serial || !e->has_serial ||
        serial_compare(e->serial, told->serial) == 1)
        *told = *e;
    told->has_serial = told->has_serial && !is_any;
    sec->is_told = true;
}

void secondary_fail(struct server *s, struct secondary *sec, enum refresh_event_kind kind,
                    const char *reason)
{
    char zone[NAME_TEXT_MAX];
    bool is_unfit =
        kind == REFRESH_UNFIT || (kind == REFRESH_DECLINED && sec->refresh.is_declining);
    if (is_unfit && sec->act.kind == REFRESH_IXFR)
        log_info("no differences to be had, the whole zone is asked for",
                 {"zone", name_text(name_of(&sec->zone->entry->name), zone)},
                 {"primary", secondary_primary(sec)->text}, {"reason", reason});
    else
        note_failure(s, sec, reason);
    secondary_step(s, sec, &(struct refresh_event){.kind = kind});
}

static void on_timer(void *arg, struct timer *t)
{
    struct secondary *sec = container_of(t, struct secondary, timer);
    if (!sec->is_open) {
        sec->refresh.is_expired = true;
        follow_expiry(arg, sec);
        return;
    }
    secondary_step(arg, sec, &(struct refresh_event){.kind = REFRESH_TIME});
}

/* --- what is configured --- */

static void reconfigure(struct server *s, struct secondary *sec)
{
    sec->is_stale = false;
    asking_stop(s, sec);
    primaries_free(sec);
    primaries_make(sec, sec->zone->conf);
    sec->limits = limits_of(s->conf);
    sec->told.from = 0;
    if (!sec->is_open)
        return;
    refresh_configure(&sec->refresh, &sec->limits, sec->address_counts, sec->primary_count,
                      s->now_us);
    follow(s, sec);
}

void secondary_took(struct server *s, struct secondary *sec)
{
    if (sec->is_stale)
        reconfigure(s, sec);
}

static void secondary_new(struct server *s, struct server_zone *z)
{
    struct secondary *sec = mem_alloc_zero(sizeof(*sec));
    z->secondary = sec;
    sec->zone = z;
    sec->timer.fire = on_timer;
    list_init(&sec->noting);
    list_init(&sec->call.link);
    s->secondaries.count++;
    reconfigure(s, sec);
}

/* Is there a primary that fails, and may not with the secret that its key has now? */
static bool is_locked_out(const struct server *s, const struct secondary *sec)
{
    for (unsigned i = 0; i < sec->primary_count; i++) {
        const struct primary *p = &sec->primaries[i];
        bool is_failing = false;
        for (unsigned k = 0; k < p->address_count; k++)
            is_failing = is_failing || p->failing_us[k];
        if (is_failing && p->asked_with != keyring_fingerprint(s->keyring, name_of(&p->key)))
            return true;
    }
    return false;
}

/* Does it follow the same primaries in the same way? What one shrink limit has kept back may be
 * within another. */
static bool is_unchanged(const struct server *s, const struct secondary *sec)
{
    const struct conf_zone *c = sec->zone->conf;
    struct refresh_limits limits = limits_of(s->conf);
    bool is_other_limit = sec->refresh.has_held && sec->held.percent != c->shrink_percent;
    return are_same(sec, c) && !is_other_limit && !is_locked_out(s, sec) &&
           memcmp(&limits, &sec->limits, sizeof(limits)) == 0;
}

void secondary_configure(struct server *s, struct server_zone *z)
{
    struct secondary *sec = z->secondary;
    if (z->conf->primary_count == 0) {
        if (sec && z->conf->has_history)
            checked_forget(s, sec);
        secondary_free(s, z);
        return;
    }
    if (!sec)
        secondary_new(s, z);
    else if (is_unchanged(s, sec))
        return;
    else if (sec->taking)
        sec->is_stale = true;
    else
        reconfigure(s, sec);
}

void secondary_close(struct server *s, struct server_zone *z)
{
    struct secondary *sec = z->secondary;
    if (!sec)
        return;
    asking_stop(s, sec);
    if (sec->taking)
        taking_forget(sec->taking);
    sec->taking = NULL;
    if (sec->is_open) /* what is served meanwhile is good for no longer than it was */
        timer_set(&s->timers, &sec->timer, sec->refresh.expires_us);
    sec->is_open = false;
}

void secondary_free(struct server *s, struct server_zone *z)
{
    struct secondary *sec = z->secondary;
    if (!sec)
        return;
    secondary_close(s, z);
    timer_stop(&s->timers, &sec->timer);
    list_remove(&sec->noting);
    primaries_free(sec);
    free(sec);
    z->secondary = NULL;
    z->entry->is_expired = false;
    z->entry->expires_us = INT64_MAX;
    s->secondaries.count--;
}

void secondaries_clock(struct server *s, int64_t by_us)
{
    STORE_EACH(e, &s->store) {
        if (!secondary_is_open(zone_owner(e)))
            continue;
        refresh_shift(&zone_owner(e)->secondary->refresh, by_us);
        zone_owner(e)->secondary->call.started_us += by_us;
        follow(s, zone_owner(e)->secondary);
    }
}

void secondaries_end(struct server *s)
{
    STORE_EACH(e, &s->store)
        secondary_close(s, zone_owner(e));
}

bool secondary_is_held(const struct server_zone *z)
{
    return z->secondary && z->secondary->held.is_set;
}

bool secondary_is_open(const struct server_zone *z)
{
    return z->secondary && z->secondary->is_open;
}

/* --- the start --- */

struct refresh_timers secondary_timers(const struct version *v)
{
    struct soa soa = soa_of(rrset_first(v->soa));
    return (struct refresh_timers){true, soa.refresh, soa.retry, soa.expire};
}

static int64_t spread_us(const struct server *s, const struct server_zone *z)
{
    int64_t spread = (int64_t)s->secondaries.count * SPREAD_EACH_US;
    if (!z->is_kept || s->secondaries.count < SPREAD_FROM)
        return 0;
    return spread < SPREAD_MAX_US ? spread : SPREAD_MAX_US;
}

static void machine_start(struct server *s, struct secondary *sec, const struct journal_zone *log)
{
    const struct server_zone *z = sec->zone;
    struct refresh_setup setup = {.limits = sec->limits,
                                  .address_counts = sec->address_counts,
                                  .primary_count = sec->primary_count,
                                  .has_data = z->is_kept,
                                  .checked_us = log->checked_us,
                                  .expire_s = log->expire_s,
                                  .spread_us = spread_us(s, z)};
    random_bytes(&setup.seed, sizeof(setup.seed));
    if (z->is_kept) {
        setup.serial = z->entry->zone->published->serial;
        setup.timers = secondary_timers(z->entry->zone->published);
        sec->noted_us = log->checked_us;
        sec->noted_expire_s = log->expire_s;
    }
    refresh_init(&sec->refresh, &setup, s->now_us);
    sec->is_open = true;
    follow(s, sec);
}

void secondary_opened(struct server *s, struct server_zone *z, struct opening *o)
{
    struct secondary *sec = z->secondary;
    if (!sec || sec->is_open || (!z->is_kept && !o->log.id))
        return; /* the log could not be read: it will be tried again */
    if (sec->is_stale)
        reconfigure(s, sec);
    sec->log_id = o->log.id;
    sec->log_seq = o->log.seq_last;
    sec->log_flags = o->log.flags;
    machine_start(s, sec, &o->log);
    if (sec->is_told)
        secondary_step(s, sec, &sec->told);
    sec->is_told = false;
}

/* SPDX-License-Identifier: Apache-2.0
 * The timers of a secondary zone.
 *
 * A round goes over the addresses of all primaries, from the first one, or from the one that sent a
 * NOTIFY, or, while the first one fails, from the one that answered last, until one has answered
 * (end_well()) or all have failed (end_badly()); only there the next round is planned. What comes
 * meanwhile is remembered in the is_... members and looked at there. */
#include "xfr/refresh.h"

#include "base/check.h"
#include "dns/rr.h"

#define US_PER_S 1000000

enum state { IDLE, PROBING, TAKING_STEPS, TAKING_WHOLE };

static const struct refresh_act WAIT = {.kind = REFRESH_WAIT};

/* --- times --- */

static uint32_t within(uint32_t v, uint32_t min, uint32_t max)
{
    return v < min ? min : v > max ? max : v;
}

static int64_t us_of(uint32_t seconds)
{
    return (int64_t)seconds * US_PER_S;
}

/* Up to an eighth less, but not less than min. */
static int64_t jittered(struct refresh *r, uint32_t seconds, uint32_t min_s)
{
    int64_t us = us_of(seconds) - (int64_t)jitter_upto(&r->jitter, (uint64_t)us_of(seconds) / 8);
    return us < us_of(min_s) ? us_of(min_s) : us;
}

static uint32_t refresh_s(const struct refresh *r)
{
    return within(r->timers.refresh_s, r->limits.refresh_min_s, r->limits.refresh_max_s);
}

static uint32_t retry_s(const struct refresh *r)
{
    return within(r->timers.is_set ? r->timers.retry_s : 0, r->limits.retry_min_s,
                  r->limits.retry_max_s);
}

/* The SOA's, but long enough for one refresh and one retry: with less, data would expire while its
 * primaries are well. */
static uint32_t expire_s(const struct refresh *r)
{
    uint64_t least = (uint64_t)refresh_s(r) + retry_s(r);
    uint64_t wanted = r->timers.expire_s > least ? r->timers.expire_s : least;
    return wanted > r->limits.expire_max_s ? r->limits.expire_max_s : (uint32_t)wanted;
}

/* The data is good for so long from now. RFC 7314 s4: the SOA's time bounds what the option says.
 */
static int64_t good_until(const struct refresh *r, const struct refresh_event *e)
{
    uint32_t seconds = expire_s(r);
    if (e->has_expire && e->expire_s < seconds)
        seconds = e->expire_s;
    return e->now_us + us_of(seconds);
}

/* The next periodic look. Where the option leaves less time than the SOA's refresh, half of it. */
static int64_t refresh_at(struct refresh *r, int64_t now_us)
{
    int64_t at = now_us + jittered(r, refresh_s(r), r->limits.refresh_min_s);
    int64_t half = now_us + (r->expires_us - now_us) / 2, least = now_us;
    least += us_of(r->limits.refresh_min_s);
    at = at > half ? half : at;
    return at < least ? least : at;
}

/* The next round after one that failed: doubled each time. */
static int64_t retry_at(struct refresh *r, int64_t now_us)
{
    uint64_t wanted = retry_s(r);
    for (unsigned i = 1; i < r->failures && wanted < r->limits.retry_max_s; i++)
        wanted *= 2;
    uint32_t seconds = wanted > r->limits.retry_max_s ? r->limits.retry_max_s : (uint32_t)wanted;
    return now_us + jittered(r, seconds, r->limits.retry_min_s);
}

static void look_at_expiry(struct refresh *r, int64_t now_us)
{
    r->is_expired = r->has_data && now_us >= r->expires_us;
}

/* When REFRESH_TIME is to come: for `at`, and for the moment when the data expires. */
static void set_wake(struct refresh *r, int64_t at_us)
{
    r->wake_us = r->is_expired || at_us < r->expires_us ? at_us : r->expires_us;
}

/* --- rounds --- */

static struct refresh_act ask(struct refresh *r, enum state state)
{
    static const enum refresh_act_kind kinds[] = {
        [PROBING] = REFRESH_PROBE, [TAKING_STEPS] = REFRESH_IXFR, [TAKING_WHOLE] = REFRESH_AXFR};
    r->state = (uint8_t)state;
    r->next_us = INT64_MAX;
    return (struct refresh_act){kinds[state], r->primary, r->address};
}

static struct refresh_act take(struct refresh *r)
{
    bool is_whole = r->is_forced || !r->has_data;
    return ask(r, is_whole ? TAKING_WHOLE : TAKING_STEPS);
}

/* The round's first question to an address. */
static struct refresh_act ask_first(struct refresh *r)
{
    bool is_transfer = r->is_forced || r->is_news || r->is_behind || !r->has_data;
    return is_transfer ? take(r) : ask(r, PROBING);
}

/* The address that the configuration has first. */
static bool is_at_first(const struct refresh *r)
{
    return r->primary == 0 && r->address == 0;
}

static void start_at(struct refresh *r, int64_t now_us)
{
    bool is_operators = r->is_forced_next || r->is_asked;
    bool is_substituted = now_us < r->substitute.until_us && !is_operators;
    r->tried = 0;
    r->primary = is_substituted ? r->substitute.primary : 0;
    r->address = is_substituted ? r->substitute.address : 0;
    r->has_first_failed = r->has_behind = false;
}

static struct refresh_act begin(struct refresh *r, int64_t now_us)
{
    start_at(r, now_us);
    r->is_behind = false;
    r->is_declining = r->is_declining || r->has_declined;
    r->has_declined = false;
    r->is_news = r->is_notified && !r->is_forced_next;
    if (r->is_news && r->news.from && r->news.from <= r->primary_count) {
        r->primary = r->news.from - 1;
        unsigned count = r->address_counts[r->primary];
        r->address = r->news.from_address < count ? r->news.from_address : 0;
    }
    r->is_forced = r->is_forced_next;
    r->is_forced_next = r->is_asked = false;
    r->is_notified = r->is_notified && !r->is_news; /* a forced round goes before */
    return ask_first(r);
}

static bool is_news(const struct refresh *r, uint32_t serial)
{
    return serial_compare(serial, r->serial) == 1 && !(r->has_held && r->held == serial);
}

/* What was remembered may have come with what was taken since. */
static void forget_old_news(struct refresh *r)
{
    if (r->news.has_serial && r->has_data && !r->is_expired && !is_news(r, r->news.serial))
        r->is_notified = false;
}

/* Nothing is under way: what is wanted at once is begun, else it is waited for. */
static struct refresh_act next(struct refresh *r, int64_t now_us)
{
    forget_old_news(r);
    if (r->is_forced_next || r->is_asked)
        return begin(r, now_us);
    if (r->is_notified && r->news_us < r->next_us)
        r->next_us = r->news_us;
    return r->next_us <= now_us ? begin(r, now_us) : WAIT;
}

/* When what could not be had is tried again. News is tried once more soon. */
static int64_t plan_again(struct refresh *r, int64_t now_us)
{
    r->news_us = now_us + us_of(r->limits.retry_min_s);
    if (!r->is_news || r->failures > 1 || r->vain > 1)
        return retry_at(r, now_us);
    r->is_notified = true;
    return r->news_us;
}

/* The address in hand has answered: is it to be asked first from now on? */
static void learn(struct refresh *r, int64_t now_us)
{
    struct refresh_substitute *s = &r->substitute;
    if (is_at_first(r)) {
        *s = (struct refresh_substitute){0};
        return;
    }
    if (!r->has_first_failed && now_us >= s->until_us)
        return;
    s->primary = r->primary;
    s->address = r->address;
    if (!r->has_first_failed)
        return;
    uint64_t seconds = refresh_s(r);
    for (unsigned i = 0; i < s->failures && seconds < REFRESH_SUBSTITUTE_MAX_S; i++)
        seconds *= 2;
    s->failures++;
    s->until_us = now_us + us_of(within((uint32_t)seconds, 0, REFRESH_SUBSTITUTE_MAX_S));
    s->until_us += (s->until_us - now_us) / 8; /* the look at its end is one of them */
}

/* A primary has said that we have what it has, or has given it. */
static struct refresh_act end_well(struct refresh *r, const struct refresh_event *e)
{
    r->state = IDLE;
    r->checked_us = e->now_us;
    look_at_expiry(r, e->now_us);
    r->failures = 0;
    if (e->kind == REFRESH_TAKEN)
        r->is_behind = r->is_news = false;
    if (!r->is_behind) /* else another one has more, and is to be asked again */
        learn(r, e->now_us);
    /* we may have asked one that is as far behind as we are, since another one failed */
    r->vain = r->is_news ? r->vain + 1 : 0;
    r->news_us = r->vain >= REFRESH_VAIN_MAX ? e->now_us + REFRESH_VAIN_WAIT_US : 0;
    r->next_us = r->is_behind ? plan_again(r, e->now_us) : refresh_at(r, e->now_us);
    r->is_behind = r->is_news = r->is_forced = false;
    return next(r, e->now_us);
}

static struct refresh_act end_badly(struct refresh *r, int64_t now_us)
{
    r->state = IDLE;
    r->failures++;
    r->is_asked = false; /* it was tried just now */
    r->next_us = plan_again(r, now_us);
    r->is_news = r->is_forced = r->is_behind = false;
    return next(r, now_us);
}

/* Nobody has more than the one that went back. */
static struct refresh_act ask_behind(struct refresh *r)
{
    r->has_behind = false;
    r->primary = r->behind_primary;
    r->address = r->behind_address;
    return ask(r, TAKING_WHOLE);
}

static struct refresh_act ask_next(struct refresh *r, int64_t now_us)
{
    r->is_behind = r->is_behind || r->state != PROBING;
    r->has_first_failed = r->has_first_failed || is_at_first(r);
    if (++r->tried >= r->total || r->is_forced_next)
        return r->has_behind && !r->is_forced_next ? ask_behind(r) : end_badly(r, now_us);
    if (++r->address >= r->address_counts[r->primary]) {
        r->address = 0;
        r->primary = (r->primary + 1) % r->primary_count;
    }
    return ask_first(r);
}

/* --- events --- */

static void note_news(struct refresh *r, const struct refresh_event *e)
{
    struct refresh_news news = {e->has_serial, e->serial, e->from, e->from_address};
    /* RFC 1996 s3.7: data present, data same; of what has expired we want to hear it again */
    if (e->has_serial && r->has_data && !r->is_expired && !is_news(r, e->serial))
        return;
    bool is_older = r->is_notified && r->news.has_serial && e->has_serial &&
                    serial_compare(e->serial, r->news.serial) != 1;
    if (!is_older) {
        /* the one without a serial may mean any */
        news.has_serial = e->has_serial && !(r->is_notified && !r->news.has_serial);
        r->news = news;
    }
    r->is_notified = true;
}

/* Of the data that we have: it is the newest. RFC 7314 s4: an option never shortens what was known,
 * and without one the SOA's time begins anew (RFC 1034 s4.3.5). */
static struct refresh_act on_current(struct refresh *r, const struct refresh_event *e)
{
    int64_t until = good_until(r, e);
    if (r->has_data && (until > r->expires_us || !e->has_expire))
        r->expires_us = until;
    return end_well(r, e);
}

static struct refresh_act on_behind(struct refresh *r, const struct refresh_event *e)
{
    if (r->is_expired && !r->has_behind) {
        r->has_behind = true;
        r->behind_primary = r->primary;
        r->behind_address = r->address;
    }
    return ask_next(r, e->now_us);
}

static struct refresh_act on_answered(struct refresh *r, const struct refresh_event *e)
{
    ASSERT(r->state == PROBING);
    if (e->serial == r->serial || (r->has_held && r->held == e->serial))
        return on_current(r, e);
    if (!is_news(r, e->serial))
        return on_behind(r, e);
    return take(r);
}

static struct refresh_act on_taken(struct refresh *r, const struct refresh_event *e)
{
    ASSERT(r->state == TAKING_STEPS || r->state == TAKING_WHOLE);
    if (r->state == TAKING_STEPS)
        r->is_declining = r->has_declined = false;
    r->has_data = true;
    r->has_held = false;
    r->serial = e->serial;
    r->timers = e->timers;
    r->expires_us = good_until(r, e);
    return end_well(r, e);
}

static struct refresh_act on_unfit(struct refresh *r, const struct refresh_event *e)
{
    return r->state == TAKING_STEPS ? ask(r, TAKING_WHOLE) : ask_next(r, e->now_us);
}

static struct refresh_act on_declined(struct refresh *r, const struct refresh_event *e)
{
    if (r->is_declining)
        return on_unfit(r, e);
    r->has_declined = true;
    return ask_next(r, e->now_us);
}

static struct refresh_act on_held(struct refresh *r, const struct refresh_event *e)
{
    r->has_held = true;
    r->held = e->serial;
    return on_current(r, e);
}

static struct refresh_act act(struct refresh *r, const struct refresh_event *e)
{
    switch (e->kind) {
    case REFRESH_TIME:
        break;
    case REFRESH_NOTIFIED:
        note_news(r, e);
        break;
    case REFRESH_ASKED:
        r->is_asked = true;
        break;
    case REFRESH_FORCED:
        r->is_forced_next = true;
        break;
    case REFRESH_ANSWERED:
        return on_answered(r, e);
    case REFRESH_CURRENT:
        return on_current(r, e);
    case REFRESH_TAKEN:
        return on_taken(r, e);
    case REFRESH_UNFIT:
        return on_unfit(r, e);
    case REFRESH_DECLINED:
        return on_declined(r, e);
    case REFRESH_FAILED:
        return ask_next(r, e->now_us);
    case REFRESH_BEHIND:
        return on_behind(r, e);
    case REFRESH_HELD:
        return on_held(r, e);
    }
    return r->state == IDLE ? next(r, e->now_us) : WAIT;
}

struct refresh_act refresh_step(struct refresh *r, const struct refresh_event *e)
{
    ASSERT(e->kind < REFRESH_ANSWERED || r->state != IDLE);
    look_at_expiry(r, e->now_us);
    struct refresh_act a = act(r, e);
    ASSERT(a.kind == REFRESH_WAIT || r->state != IDLE);
    set_wake(r, r->next_us);
    return a;
}

/* --- set-up --- */

static void set_primaries(struct refresh *r, const unsigned *address_counts, unsigned count)
{
    ASSERT(count > 0);
    r->address_counts = address_counts;
    r->primary_count = count;
    r->total = 0;
    for (unsigned i = 0; i < count; i++)
        r->total += address_counts[i];
    r->primary = r->address = r->tried = 0;
    r->has_first_failed = r->has_behind = false;
    r->substitute = (struct refresh_substitute){0};
}

void refresh_init(struct refresh *r, const struct refresh_setup *setup, int64_t now_us)
{
    *r = (struct refresh){.limits = setup->limits,
                          .timers = setup->timers,
                          .serial = setup->serial,
                          .has_data = setup->has_data,
                          .expires_us = INT64_MAX,
                          .jitter = jitter_of(setup->seed)};
    set_primaries(r, setup->address_counts, setup->primary_count);
    if (setup->has_data) {
        /* a clock that was ahead does not make data good for longer */
        bool is_known = setup->checked_us > 0 && setup->checked_us < now_us;
        r->checked_us = is_known ? setup->checked_us : now_us;
        uint32_t seconds = expire_s(r);
        if (setup->expire_s && setup->expire_s < seconds)
            seconds = setup->expire_s;
        r->expires_us = r->checked_us + us_of(seconds);
    }
    look_at_expiry(r, now_us);
    r->next_us = now_us + (int64_t)jitter_upto(&r->jitter, (uint64_t)setup->spread_us);
    set_wake(r, r->next_us);
}

/* Times that are none (0, INT64_MAX) stay none. */
static void shift(int64_t *at_us, int64_t by_us)
{
    if (*at_us != 0 && *at_us != INT64_MAX)
        *at_us += by_us;
}

void refresh_shift(struct refresh *r, int64_t by_us)
{
    shift(&r->wake_us, by_us);
    shift(&r->checked_us, by_us);
    shift(&r->expires_us, by_us);
    shift(&r->news_us, by_us);
    shift(&r->next_us, by_us);
    shift(&r->substitute.until_us, by_us);
}

void refresh_configure(struct refresh *r, const struct refresh_limits *limits,
                       const unsigned *address_counts, unsigned primary_count, int64_t now_us)
{
    r->limits = *limits;
    set_primaries(r, address_counts, primary_count);
    r->is_forced_next = r->is_forced_next || r->is_forced;
    r->is_forced = r->is_notified = r->is_news = r->is_behind = false;
    r->is_declining = r->has_declined = r->has_held = false;
    r->state = IDLE;
    r->failures = r->vain = 0;
    r->next_us = now_us;
    set_wake(r, r->next_us);
}

/* SPDX-License-Identifier: Apache-2.0
 * NOTIFY to one secondary about one zone (RFC 1996 s3.6). */
#include "xfr/notify.h"

#include "base/check.h"
#include "dns/rr.h"

/* At the earliest after us, at the latest after a quarter more. */
static int64_t later(struct notify *n, int64_t now_us, int64_t us)
{
    return now_us + us + (int64_t)jitter_upto(&n->jitter, (uint64_t)us / 4);
}

static enum notify_act stop(struct notify *n)
{
    n->is_sent = n->is_resting = false;
    n->wake_us = INT64_MAX;
    return NOTIFY_WAIT;
}

static enum notify_act tell(struct notify *n, int64_t now_us)
{
    n->wake_us = later(n, now_us, (int64_t)NOTIFY_WAIT_US << n->tries);
    n->tries++;
    n->is_sent = true;
    n->is_resting = false;
    n->sent = n->newest;
    return n->tries > NOTIFY_UDP_TRIES ? NOTIFY_SEND_TCP : NOTIFY_SEND_UDP;
}

static enum notify_act begin(struct notify *n, int64_t now_us)
{
    n->tries = 0;
    return tell(n, now_us);
}

/* A round has failed. */
static enum notify_act give_up(struct notify *n, int64_t now_us)
{
    stop(n);
    n->has_given_up = true;
    if (++n->rounds >= NOTIFY_ROUNDS)
        return NOTIFY_WAIT;
    int64_t us = NOTIFY_REST_US;
    for (unsigned i = 1; i < n->rounds && us < NOTIFY_REST_MAX_US; i++)
        us *= 2;
    n->is_resting = true;
    n->wake_us = later(n, now_us, us < NOTIFY_REST_MAX_US ? us : NOTIFY_REST_MAX_US);
    return NOTIFY_WAIT;
}

static enum notify_act on_time(struct notify *n, int64_t now_us)
{
    if (now_us < n->wake_us)
        return NOTIFY_WAIT;
    if (n->is_resting)
        return begin(n, now_us);
    return n->tries > NOTIFY_UDP_TRIES ? give_up(n, now_us) : tell(n, now_us);
}

/* A serial that is newer than ours is none of ours: who has such a one is to look. */
static bool has_newest(const struct notify *n)
{
    return n->is_known && n->has == n->newest;
}

static enum notify_act on_serial(struct notify *n, const struct notify_event *e)
{
    if (n->is_begun && e->serial == n->newest)
        return NOTIFY_WAIT; /* told, or about to be, or given up */
    n->is_begun = true;
    n->newest = e->serial;
    n->rounds = 0;
    if (has_newest(n)) {
        n->is_owed = n->has_given_up = false;
        return stop(n);
    }
    n->is_owed = true;
    return n->is_sent ? NOTIFY_WAIT : begin(n, e->now_us);
}

static enum notify_act on_again(struct notify *n, int64_t now_us)
{
    if (!n->is_begun)
        return NOTIFY_WAIT; /* there is nothing to tell of yet */
    n->is_owed = true;
    n->rounds = 0;
    return begin(n, now_us);
}

static enum notify_act on_answered(struct notify *n, int64_t now_us)
{
    if (!n->is_sent)
        return NOTIFY_WAIT;
    n->has_given_up = false;
    n->rounds = 0;
    n->is_owed = n->sent != n->newest;
    return n->is_owed ? begin(n, now_us) : stop(n);
}

/* Over UDP another try is due anyway; the one over TCP is the round's last. */
static enum notify_act on_failed(struct notify *n, int64_t now_us)
{
    return n->is_sent && n->tries > NOTIFY_UDP_TRIES ? give_up(n, now_us) : NOTIFY_WAIT;
}

static enum notify_act on_has(struct notify *n, const struct notify_event *e)
{
    n->is_known = true;
    n->has = e->serial;
    if (!n->is_begun || !has_newest(n))
        return NOTIFY_WAIT;
    n->is_owed = n->has_given_up = false;
    n->rounds = 0;
    return stop(n);
}

enum notify_act notify_step(struct notify *n, const struct notify_event *e)
{
    switch (e->kind) {
    case NOTIFY_SERIAL:
        return on_serial(n, e);
    case NOTIFY_AGAIN:
        return on_again(n, e->now_us);
    case NOTIFY_ANSWERED:
    case NOTIFY_REFUSED:
        return on_answered(n, e->now_us);
    case NOTIFY_FAILED:
        return on_failed(n, e->now_us);
    case NOTIFY_HAS:
        return on_has(n, e);
    case NOTIFY_TIME:
        return on_time(n, e->now_us);
    }
    return NOTIFY_WAIT;
}

void notify_shift(struct notify *n, int64_t by_us)
{
    if (n->wake_us != INT64_MAX)
        n->wake_us += by_us;
}

void notify_init(struct notify *n, uint64_t seed)
{
    *n = (struct notify){.wake_us = INT64_MAX, .jitter = jitter_of(seed)};
}

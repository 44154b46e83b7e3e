/* SPDX-License-Identifier: Apache-2.0
 * What a secondary zone asks its primaries: transfers over TCP (probing.c: SOA probes).
 *
 * The usual course of a transfer: a small first message is read here, and with small zones and
 * differences that is all. Other messages are gathered, and a helper reads them while the next ones
 * come; when it is behind, the call is paused, so that no more than two buffers are kept. The
 * struct xfr_in, with a key of its own, is the helper's from incoming_read() until its job comes
 * back, and ours at all other times.
 *
 * A connection that is cut does not end the transfer before what has come was read: the closing
 * SOA may be in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/random.h"
#include "server/secondary.h"

/* For a connection, and for each message of a transfer. */
#define TRANSFER_US      30000000
/* Messages that a helper gets at once; as many again may have come until it is done. */
#define BUFFER_LEN       262144
/* A first message that is read here; names that come in no order cost some microseconds each. */
#define HERE_LEN_MAX     4096
#define HERE_RECORDS_MAX 64
#define ANCOUNT_AT       6
/* limits.transfer-progress is looked at so often. Each message, however small, renews the wait for
 * the next one, so that four primaries that send a few bytes now and then would have all places for
 * limits.transfer-time. The default is what a line of 9 kbit/s brings, a quarter of what the
 * slowest modems did, and whoever is slower is cut only while somebody else wants its place. */
#define LOOK_US          60000000
/* A transfer waits no longer than that for the zone's first snapshot. */
#define READY_US         60000000

struct buffer {
    uint8_t *bytes;
    size_t len, cap;
};

/* A transfer under way. */
struct incoming {
    struct job job;
    struct secondary *owner; /* NULL: given up while a helper has it */
    struct xfr_in *x;
    struct transfer_note note;
    bool has_first;
    struct buffer filling;
    bool is_paused;
    /* since it was looked at: bytes that came, was it under way all the time, did we let it wait */
    uint64_t come;
    bool is_timed, was_paused;
    bool is_reading; /* a helper has x and the members below */
    char *broken;    /* the call is over, for this reason; NULL: it is not */
    struct buffer reading;
    int64_t now_us;
    uint64_t kept; /* as counted in server.secondaries.incoming_kept */
    enum xfr_in_next next;
    bool has_rest; /* there is something behind the end */
    struct diag diag;
};

/* --- what is large is freed by a helper --- */

struct xfr_drop {
    struct job job;
    struct xfr_in *x;
};

static void xfr_drop_run(struct job *t)
{
    struct xfr_drop *d = container_of(t, struct xfr_drop, job);
    xfr_in_free(d->x);
    d->x = NULL;
}

static void xfr_drop_free(struct job *t)
{
    struct xfr_drop *d = container_of(t, struct xfr_drop, job);
    xfr_in_free(d->x);
    free(d);
}

static void xfr_drop_done(void *owner, struct job *t)
{
    (void)owner;
    xfr_drop_free(t);
}

static const struct job_kind xfr_drop_kind = {xfr_drop_run, xfr_drop_done, xfr_drop_free};

static void xfr_give_away(struct server *s, struct xfr_in *x)
{
    struct xfr_drop *d = mem_alloc_zero(sizeof(*d));
    d->x = x;
    helpers_give(s->helpers, &d->job, &xfr_drop_kind, PACE_FIRST);
}

/* limits.transfers-memory is of what is being read, and of what is complete until it is taken
 * (taking.c counts that on). */
static bool is_over_memory(struct server *s, struct incoming *in)
{
    secondaries_count(s, &in->kept, xfr_in_kept(in->x));
    return s->secondaries.incoming_kept > s->conf->transfers_memory;
}

/* Its x is somebody else's already, or NULL. */
static void incoming_release(struct incoming *in)
{
    free(in->filling.bytes);
    free(in->reading.bytes);
    free(in->broken);
    free(in);
}

static void incoming_free(struct server *s, struct incoming *in)
{
    secondaries_count(s, &in->kept, 0);
    incoming_release(in);
}

/* --- the end of a question --- */

static void transfer_end(struct server *s, struct secondary *sec, bool may_reuse)
{
    struct incoming *in = sec->incoming;
    call_end(s, &sec->call, may_reuse);
    timer_stop(&s->timers, &sec->limit);
    sec->incoming = NULL;
    if (!in)
        return;
    in->owner = NULL;
    if (in->is_reading)
        return; /* freed when it comes back */
    if (in->x)
        xfr_give_away(s, in->x);
    incoming_free(s, in);
}

void asking_hint(struct secondary *sec, const char *text)
{
    free(sec->hint);
    sec->hint = text ? mem_string(text) : NULL;
}

void asking_stop(struct server *s, struct secondary *sec)
{
    asking_hint(sec, NULL);
    sec->is_waiting = false;
    transfer_end(s, sec, false);
    tsig_session_done(&sec->tsig);
}

/* --- a question --- */

bool asking_key(struct server *s, const struct secondary *sec, struct tsig_key **out,
                struct diag *diag)
{
    struct primary *p = secondary_primary(sec);
    char text[NAME_TEXT_MAX];
    p->asked_with = keyring_fingerprint(s->keyring, name_of(&p->key));
    *out = p->key.len ? keyring_find(s->keyring, name_of(&p->key)) : NULL;
    if (*out || !p->key.len)
        return true;
    (void)err_say(diag, ERR_ABSENT, "its key %.260s has no secret here",
                  name_text(name_of(&p->key), text));
    return false;
}

/* Gives the length of the question, which sec->tsig is to sign. */
static size_t question_write(struct server *s, struct secondary *sec, const struct call_kind *kind,
                             uint8_t bytes[XFR_ASK_MAX])
{
    const struct primary *p = secondary_primary(sec);
    sec->ask.zone = name_of(&sec->zone->entry->name);
    random_bytes(&sec->ask.id, sizeof(sec->ask.id));
    sec->ask.wants_expire = !plain_has(s, secondary_address(sec));
    tsig_session_done(&sec->tsig);
    sec->call.kind = kind;
    sec->call.to = (struct peer){*secondary_address(sec), sec->ask.transport};
    sec->call.source = p->source;
    return xfr_ask_write(&sec->ask, &sec->tsig, bytes);
}

void asking_send(struct server *s, struct secondary *sec, const struct call_kind *kind)
{
    uint8_t bytes[XFR_ASK_MAX];
    size_t len = question_write(s, sec, kind, bytes);
    sec->call.tsig = &sec->tsig;
    call_start(s, &sec->call, bytes, len);
}

/* --- transfers: the end --- */

/* What an error in answer to a transfer is; NOERROR: an answer without what it should have. RFC
 * 1995 s2: one who does not know IXFR is asked for AXFR. What is wrong with the zone or our
 * signature (NOTAUTH) would be so for both. */
static enum refresh_event_kind refusal_kind(const struct secondary *sec, enum rcode rcode)
{
    if (sec->act.kind != REFRESH_IXFR || rcode == NOTAUTH)
        return REFRESH_FAILED;
    return rcode == NOERROR || rcode == FORMERR || rcode == NOTIMP ? REFRESH_UNFIT
                                                                   : REFRESH_DECLINED;
}

static void transfer_begin(struct server *s, struct secondary *sec);

static void transfer_current(struct server *s, struct secondary *sec, const struct xfr_in *x,
                             const struct transfer_note *note)
{
    struct diag diag = {0};
    uint32_t theirs = xfr_in_serial(x), ours = sec->refresh.serial;
    secondary_heard(s, sec, theirs);
    if (theirs != ours) {
        (void)err_say(&diag, ERR_INVALID, "its serial %u is behind ours, %u", theirs, ours);
        secondary_fail(s, sec, REFRESH_BEHIND, diag.text);
        return;
    }
    secondary_step(s, sec,
                   &(struct refresh_event){.kind = REFRESH_CURRENT,
                                           .serial = theirs,
                                           .has_expire = note->has_expire,
                                           .expire_s = note->expire_s});
}

/* The last message has been read, or the first that is no good. in is gone from sec, x stays the
 * caller's. */
static void transfer_over(struct server *s, struct secondary *sec, const struct incoming *in,
                          struct xfr_in *x)
{
    enum refresh_event_kind kind = REFRESH_FAILED;
    switch (in->next) {
    case XFR_IN_WHOLE:
    case XFR_IN_STEPS:
        secondary_heard(s, sec, xfr_in_serial(x));
        taking_start(s, sec, x, in->next, &in->note);
        return;
    case XFR_IN_CURRENT:
        transfer_current(s, sec, x, &in->note);
        return;
    case XFR_IN_REFUSED:
        if (xfr_in_wants_plain(x) && plain_note(s, sec)) {
            transfer_begin(s, sec);
            return;
        }
        kind = refusal_kind(sec, xfr_in_rcode(x));
        break;
    case XFR_IN_BAD:
        s->count.transfers_in_too_large += xfr_in_is_too_large(x);
        kind = sec->act.kind == REFRESH_IXFR ? REFRESH_UNFIT : REFRESH_FAILED;
        break;
    case XFR_IN_MORE:
        break;
    }
    s->count.transfers_in_failed++;
    secondary_fail(s, sec, kind, in->diag.text);
}

/* Others may be the larger ones, but are there already. It is tried again after a while. */
static void incoming_over_memory(struct server *s, struct secondary *sec)
{
    asking_stop(s, sec);
    s->count.transfers_in_failed++;
    s->count.transfers_in_over_memory++;
    secondary_fail(s, sec, REFRESH_FAILED,
                   "all transfers under way take more than limits.transfers-memory");
}

static void incoming_over(struct server *s, struct secondary *sec)
{
    struct incoming *in = sec->incoming;
    struct xfr_in *x = in->x;
    bool is_complete = in->next == XFR_IN_WHOLE || in->next == XFR_IN_STEPS;
    if (is_complete && is_over_memory(s, in)) {
        incoming_over_memory(s, sec);
        return;
    }
    bool is_clean = in->next != XFR_IN_BAD && in->next != XFR_IN_MORE && !in->has_rest &&
                    in->filling.len == 0 && !xfr_in_has_more(x);
    in->note.count = xfr_in_count(x);
    in->note.has_expire = xfr_in_expire(x, &in->note.expire_s);
    call_end(s, &sec->call, is_clean);
    timer_stop(&s->timers, &sec->limit);
    sec->incoming = NULL; /* the next question may be asked in here */
    secondaries_count(s, &in->kept, 0);
    transfer_over(s, sec, in, x);
    xfr_give_away(s, x);
    incoming_release(in);
}

/* --- transfers: messages --- */

static void buffer_add(struct buffer *b, const uint8_t *bytes, size_t len)
{
    size_t need = b->len + 2 + len;
    if (need > b->cap) {
        b->cap = need > BUFFER_LEN ? need : BUFFER_LEN;
        b->bytes = mem_grow(b->bytes, b->cap);
    }
    put_u16(b->bytes + b->len, (uint16_t)len);
    memcpy(b->bytes + b->len + 2, bytes, len);
    b->len = need;
}

static void incoming_run(struct job *t)
{
    struct incoming *in = container_of(t, struct incoming, job);
    size_t at = 0;
    while (at < in->reading.len && in->next == XFR_IN_MORE) {
        size_t len = get_u16(in->reading.bytes + at);
        in->next = xfr_in_message(in->x, in->reading.bytes + at + 2, len, in->now_us, &in->diag);
        at += 2 + len;
    }
    in->has_rest = at < in->reading.len;
}

static const struct job_kind incoming_kind;

static void incoming_read(struct server *s, struct incoming *in)
{
    struct buffer empty = in->reading;
    in->reading = in->filling;
    in->filling = empty;
    in->filling.len = 0;
    in->now_us = s->now_us;
    in->is_reading = true;
    helpers_give(s->helpers, &in->job, &incoming_kind, PACE_TAKE);
}

static void incoming_broke(struct server *s, struct secondary *sec, const char *reason)
{
    struct incoming *in = sec->incoming;
    (void)err_say(&in->diag, ERR_IO, "%s", reason);
    /* RFC 1995 s4: the SOA alone says that there is more than was sent */
    in->next = xfr_in_has_soa_alone(in->x) ? XFR_IN_REFUSED : XFR_IN_MORE;
    incoming_over(s, sec);
}

static void incoming_done(void *owner, struct job *t)
{
    struct server *s = owner;
    struct incoming *in = container_of(t, struct incoming, job);
    struct secondary *sec = in->owner;
    in->is_reading = false;
    if (!sec) {
        xfr_give_away(s, in->x);
        incoming_free(s, in);
        return;
    }
    if (in->next != XFR_IN_MORE) {
        incoming_over(s, sec);
        return;
    }
    if (is_over_memory(s, in)) {
        incoming_over_memory(s, sec);
        return;
    }
    if (in->filling.len > 0) {
        incoming_read(s, in);
    } else if (in->broken) {
        incoming_broke(s, sec, in->broken);
        return;
    }
    if (in->is_paused) {
        in->is_paused = false;
        call_pause(s, &sec->call, false);
    }
}

static void incoming_drop(struct job *t)
{
    struct incoming *in = container_of(t, struct incoming, job);
    if (in->owner)
        in->owner->incoming = NULL;
    xfr_in_free(in->x);
    incoming_release(in); /* the server ends: nothing is counted any more */
}

static const struct job_kind incoming_kind = {incoming_run, incoming_done, incoming_drop};

/* Read here within some 0.1 ms, whatever is in it. */
static bool is_small(const uint8_t *bytes, size_t len)
{
    return len <= HERE_LEN_MAX &&
           (len < DNS_HEADER_LEN || get_u16(bytes + ANCOUNT_AT) <= HERE_RECORDS_MAX);
}

/* Over a connection of our own; what does not fit ends the transfer. */
static enum call_verdict zone_message(struct server *s, struct call *c, const uint8_t *bytes,
                                      size_t len)
{
    struct secondary *sec = container_of(c, struct secondary, call);
    struct incoming *in = sec->incoming;
    bool is_first = !in->has_first;
    in->has_first = true;
    in->come += len;
    if (is_first && is_small(bytes, len)) {
        in->next = xfr_in_message(in->x, bytes, len, s->now_us, &in->diag);
        if (in->next != XFR_IN_MORE)
            incoming_over(s, sec);
        return CALL_HEARD;
    }
    buffer_add(&in->filling, bytes, len);
    if (!in->is_reading)
        incoming_read(s, in);
    if (in->filling.len >= BUFFER_LEN && !in->is_paused) {
        in->is_paused = in->was_paused = true;
        call_pause(s, c, true);
    }
    return CALL_HEARD;
}

static void zone_failed(struct server *s, struct call *c, const char *reason)
{
    struct secondary *sec = container_of(c, struct secondary, call);
    struct incoming *in = sec->incoming;
    if (in->is_reading)
        in->broken = mem_string(reason);
    else
        incoming_broke(s, sec, reason);
}

static const struct call_kind zone_kind = {zone_message, zone_failed};

/* --- transfers: the start --- */

static void limit_set(struct server *s, struct secondary *sec, int64_t at_us);

/* What waits behind others takes no time of its own: from when on its limit counts. */
static int64_t begun_us(const struct server *s, const struct secondary *sec)
{
    return sec->call.state == CALL_QUEUED ? s->now_us : sec->call.started_us;
}

static int64_t least_us(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* Has it brought too little since it was looked at last, and is in the way of another one? */
static bool is_slow(struct server *s, struct secondary *sec)
{
    struct incoming *in = sec->incoming;
    bool is_little = in->is_timed && !in->was_paused && in->come < s->conf->transfer_progress;
    in->come = 0;
    in->is_timed = sec->call.state == CALL_UNDER_WAY;
    in->was_paused = in->is_paused;
    return is_little && call_is_in_the_way(s, &sec->call);
}

static void on_limit(void *arg, struct timer *t)
{
    struct secondary *sec = container_of(t, struct secondary, limit);
    struct server *s = arg;
    const char *reason = NULL;
    int64_t due_us = begun_us(s, sec) + (int64_t)s->conf->transfer_time_ms * 1000;
    if (sec->is_waiting) {
        reason = "the change log has not taken the zone's first snapshot yet";
    } else if (due_us <= s->now_us) {
        reason = "the transfer took longer than limits.transfer-time";
        s->count.transfers_in_too_long++;
    } else if (is_slow(s, sec)) {
        reason = "others wait and it brings less than limits.transfer-progress";
        s->count.transfers_in_slow++;
    } else {
        limit_set(s, sec, due_us);
        return;
    }
    s->count.transfers_in_failed += !sec->is_waiting;
    asking_stop(s, sec);
    secondary_fail(s, sec, REFRESH_FAILED, reason);
}

/* At the latest. A transfer is looked at before that. */
static void limit_set(struct server *s, struct secondary *sec, int64_t at_us)
{
    sec->limit.fire = on_limit;
    if (!sec->is_waiting)
        at_us = least_us(at_us, s->now_us + LOOK_US);
    timer_set(&s->timers, &sec->limit, at_us);
}

/* The least of both, where 0 is none. */
static uint64_t least(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void incoming_new(struct server *s, struct secondary *sec)
{
    const struct conf *conf = s->conf;
    struct incoming *in = mem_alloc_zero(sizeof(*in));
    struct xfr_in_order order = {
        .zone = name_of(&sec->zone->entry->name),
        .id = sec->ask.id,
        .qtype = sec->ask.kind == XFR_ASK_IXFR ? TYPE_IXFR : TYPE_AXFR,
        .serial = sec->zone->is_kept ? sec->zone->entry->zone->published->serial : 0,
        .limits = {least(conf->transfer_records, conf->zone_records_max), conf->transfer_size}};
    in->x = xfr_in_new(&order, &sec->tsig);
    in->owner = sec;
    in->note.asked = sec->act.kind;
    in->note.started_us = s->now_us;
    snprintf(in->note.primary, sizeof(in->note.primary), "%s", secondary_primary(sec)->text);
    (void)address_show(secondary_address(sec), &in->note.address);
    sec->incoming = in;
}

static bool transfer_send(struct server *s, struct secondary *sec, struct diag *diag)
{
    const struct server_zone *z = sec->zone;
    uint8_t bytes[XFR_ASK_MAX];
    struct tsig_key *key;
    if (!asking_key(s, sec, &key, diag))
        return false;
    key = key ? tsig_key_copy(key) : NULL; /* a helper uses it, too */
    sec->ask = (struct xfr_ask){.kind = XFR_ASK_AXFR, .transport = TRANSPORT_TCP, .key = key};
    if (sec->act.kind == REFRESH_IXFR && z->is_kept) {
        const struct version *v = z->entry->zone->published;
        sec->ask.kind = XFR_ASK_IXFR;
        sec->ask.soa = rrset_first(v->soa);
        sec->ask.soa_ttl = v->soa.ttl;
    }
    sec->call.wait_us = TRANSFER_US;
    size_t len = question_write(s, sec, &zone_kind, bytes);
    incoming_new(s, sec);
    sec->call.tsig = xfr_in_tsig(sec->incoming->x);
    call_start(s, &sec->call, bytes, len);
    sec->incoming->is_timed = sec->call.state == CALL_UNDER_WAY;
    sec->ask.key = NULL;
    tsig_key_release(key);
    limit_set(s, sec, s->now_us + (int64_t)s->conf->transfer_time_ms * 1000);
    return true;
}

static void transfer_begin(struct server *s, struct secondary *sec)
{
    struct diag diag = {0};
    if (!transfer_send(s, sec, &diag))
        secondary_fail(s, sec, REFRESH_FAILED, diag.text);
}

bool asking_start(struct server *s, struct secondary *sec, struct diag *diag)
{
    const struct server_zone *z = sec->zone;
    sec->tries = 0;
    asking_hint(sec, NULL);
    if (sec->act.kind == REFRESH_PROBE)
        return probing_start(s, sec, diag);
    if (!z->is_kept || z->is_ready)
        return transfer_send(s, sec, diag);
    sec->is_waiting = true; /* secondary_ready() goes on */
    limit_set(s, sec, s->now_us + READY_US);
    return true;
}

void secondary_ready(struct server *s, struct server_zone *z)
{
    struct secondary *sec = z->secondary;
    if (!sec || !sec->is_waiting)
        return;
    sec->is_waiting = false;
    timer_stop(&s->timers, &sec->limit);
    transfer_begin(s, sec);
}

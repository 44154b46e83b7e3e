/* SPDX-License-Identifier: Apache-2.0
 * Does a secondary serve what it has taken? Asked only while somebody waits for it.
 *
 * The last byte of a transfer is with the secondary some time before its answers are from it:
 * milliseconds in some servers, half a second in others. Who waits for the secondaries (an ACME
 * client's UPDATE) is going to ask them, so what counts is the SOA that they answer with. The
 * questions follow one another as long as it is not there, with pauses that grow. They go over UDP,
 * and over TCP once more where the answer is cut. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/random.h"
#include "dns/rr.h"
#include "server/peers.h"

#define LOOK_WAIT_US      1000000
#define LOOK_PAUSE_US     1000
#define LOOK_PAUSE_MAX_US 100000

/* A SOA query on its way. */
struct looking {
    struct call call;
    struct xfr_ask ask;
    struct tsig_session tsig;
    struct follower *of;
};

bool follower_serves(const struct follower *f, uint32_t serial)
{
    int order = serial_compare(serial, f->served);
    return f->is_served_known && follower_has(f, serial) && (order == 0 || order == -1);
}

static void drop_looking(struct server *s, struct follower *f)
{
    struct looking *l = f->looking;
    if (!l)
        return;
    f->looking = NULL;
    call_end(s, &l->call, false);
    tsig_session_done(&l->tsig);
    free(l);
}

void serving_stop(struct server *s, struct follower *f)
{
    drop_looking(s, f);
    timer_stop(&s->timers, &f->look_timer);
}

/* What is new is followed by something newer soon, so that the pauses are short again. */
void serving_note(struct server *s, struct follower *f, uint32_t serial)
{
    if (!f->is_served_known || f->served != serial)
        f->look_pause_us = 0;
    f->served = serial;
    f->is_served_known = true;
    waiters_check(s, f->zone);
}

static void look_again(struct server *s, struct follower *f)
{
    int64_t pause_us = 2 * f->look_pause_us;
    drop_looking(s, f);
    f->look_pause_us = pause_us < LOOK_PAUSE_US       ? LOOK_PAUSE_US
                       : pause_us > LOOK_PAUSE_MAX_US ? LOOK_PAUSE_MAX_US
                                                      : pause_us;
    timer_set(&s->timers, &f->look_timer, s->now_us + f->look_pause_us);
}

static void ask(struct server *s, struct follower *f, enum transport transport);

static enum call_verdict on_message(struct server *s, struct call *c, const uint8_t *bytes,
                                    size_t len)
{
    struct looking *l = container_of(c, struct looking, call);
    struct follower *f = l->of;
    struct xfr_reply reply;
    xfr_reply_read(&l->ask, &l->tsig, bytes, len, s->now_us, &reply, NULL);
    if (reply.kind == XFR_REPLY_FOREIGN)
        return CALL_STRANGE;
    if (reply.kind == XFR_REPLY_TRUNCATED) {
        drop_looking(s, f);
        ask(s, f, TRANSPORT_TCP);
        return CALL_HEARD;
    }
    if (reply.kind == XFR_REPLY_OK) /* also of an older one: somebody may wait for just that */
        serving_note(s, f, reply.serial);
    if (follower_serves(f, f->notify.has))
        drop_looking(s, f);
    else
        look_again(s, f);
    return CALL_HEARD;
}

static void on_failed(struct server *s, struct call *c, const char *reason)
{
    (void)reason;
    look_again(s, container_of(c, struct looking, call)->of);
}

static const struct call_kind looking_kind = {on_message, on_failed};

static void ask(struct server *s, struct follower *f, enum transport transport)
{
    const struct remote *r = f->remote;
    uint8_t bytes[XFR_ASK_MAX];
    struct tsig_key *key = keyring_find(s->keyring, name_of(&r->key));
    if (r->key.len && !key)
        return; /* revoked: nothing is sent unsigned instead, and who waits does so in vain */
    struct looking *l = mem_alloc_zero(sizeof(*l));
    f->looking = l;
    l->of = f;
    l->ask = (struct xfr_ask){.kind = XFR_ASK_SOA,
                              .transport = transport,
                              .zone = name_of(&f->zone->entry->name),
                              .key = r->key.len ? key : NULL};
    random_bytes(&l->ask.id, sizeof(l->ask.id));
    l->call.kind = &looking_kind;
    l->call.to = (struct peer){r->addresses[f->address % r->address_count], transport};
    l->call.source = r->source;
    l->call.is_urgent = true;
    l->call.wait_us = LOOK_WAIT_US;
    l->call.tsig = &l->tsig;
    call_start(s, &l->call, bytes, xfr_ask_write(&l->ask, &l->tsig, bytes));
}

void serving_look(struct server *s, struct follower *f)
{
    if (list_is_empty(&f->zone->waiters) || !f->notify.is_known || f->looking ||
        follower_serves(f, f->notify.has))
        return;
    timer_stop(&s->timers, &f->look_timer);
    ask(s, f, TRANSPORT_UDP);
}

void serving_on_time(void *arg, struct timer *timer)
{
    serving_look(arg, container_of(timer, struct follower, look_timer));
}

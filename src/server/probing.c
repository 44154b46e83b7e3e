/* SPDX-License-Identifier: Apache-2.0
 * A secondary zone's look at a primary's SOA: over UDP, and over TCP where that is cut or lost. */
#include <stdio.h>

#include "server/secondary.h"

/* It is sent over UDP so many times, then once over TCP. */
#define PROBE_UDP_TRIES 2
#define PROBE_UDP_US    1500000
#define PROBE_TCP_US    8000000

static const struct call_kind probe_kind;

static bool probe_send(struct server *s, struct secondary *sec, enum transport transport,
                       struct diag *diag)
{
    struct tsig_key *key;
    if (!asking_key(s, sec, &key, diag))
        return false;
    sec->ask = (struct xfr_ask){.kind = XFR_ASK_SOA, .transport = transport, .key = key};
    sec->call.wait_us = transport == TRANSPORT_UDP ? PROBE_UDP_US : PROBE_TCP_US;
    asking_send(s, sec, &probe_kind);
    return true;
}

static void probe_again(struct server *s, struct secondary *sec, enum transport transport)
{
    struct diag diag = {0};
    if (!probe_send(s, sec, transport, &diag))
        secondary_fail(s, sec, REFRESH_FAILED, diag.text);
}

static void probe_answered(struct server *s, struct secondary *sec, const struct xfr_reply *r)
{
    struct diag diag = {0};
    uint32_t ours = sec->refresh.serial;
    secondary_heard(s, sec, r->serial);
    if (sec->refresh.has_data && r->serial != ours && serial_compare(r->serial, ours) != 1) {
        (void)err_say(&diag, ERR_INVALID, "its serial %u is behind ours, %u", r->serial, ours);
        secondary_fail(s, sec, REFRESH_BEHIND, diag.text);
        return;
    }
    s->count.probes_answered++;
    secondary_step(s, sec,
                   &(struct refresh_event){.kind = REFRESH_ANSWERED,
                                           .serial = r->serial,
                                           .has_expire = r->has_expire,
                                           .expire_s = r->expire});
}

static enum call_verdict probe_message(struct server *s, struct call *c, const uint8_t *bytes,
                                       size_t len)
{
    struct secondary *sec = container_of(c, struct secondary, call);
    struct diag diag = {0};
    struct xfr_reply r;
    xfr_reply_read(&sec->ask, &sec->tsig, bytes, len, s->now_us, &r, &diag);
    if (r.kind == XFR_REPLY_FOREIGN) {
        if (diag.text[0])
            asking_hint(sec, diag.text);
        return CALL_STRANGE;
    }
    call_end(s, c, true);
    if (r.kind == XFR_REPLY_TRUNCATED)
        probe_again(s, sec, TRANSPORT_TCP);
    else if (r.wants_plain && plain_note(s, sec))
        probe_again(s, sec, sec->ask.transport);
    else if (r.kind == XFR_REPLY_REFUSED)
        secondary_fail(s, sec, REFRESH_FAILED, diag.text);
    else
        probe_answered(s, sec, &r);
    return CALL_HEARD;
}

static void probe_failed(struct server *s, struct call *c, const char *reason)
{
    struct secondary *sec = container_of(c, struct secondary, call);
    char text[DIAG_TEXT_MAX];
    if (c->to.transport == TRANSPORT_TCP) {
        snprintf(text, sizeof(text), "%s", sec->hint ? sec->hint : reason);
        secondary_fail(s, sec, REFRESH_FAILED, text);
    } else {
        probe_again(s, sec, ++sec->tries < PROBE_UDP_TRIES ? TRANSPORT_UDP : TRANSPORT_TCP);
    }
}

static const struct call_kind probe_kind = {probe_message, probe_failed};

bool probing_start(struct server *s, struct secondary *sec, struct diag *diag)
{
    return probe_send(s, sec, TRANSPORT_UDP, diag);
}

/* SPDX-License-Identifier: Apache-2.0
 * Telling one secondary that one zone has changed (RFC 1996): a state machine without sockets.
 *
 * At most one NOTIFY is outstanding, always for the serial that was newest when it was sent;
 * serials that come meanwhile are one more when it is answered. Without an answer it is sent again
 * with back-off and jitter, over UDP first, then over TCP, then given up until the next serial, but
 * said to have failed. A secondary that is known to have the serial is not told. */
#ifndef REEVE_XFR_NOTIFY_H
#define REEVE_XFR_NOTIFY_H

#include "base/jitter.h"

#include <stdbool.h>
#include <stdint.h>

/* Sent over UDP so many times, then once over TCP; the first wait, doubled each time. */
#define NOTIFY_UDP_TRIES   4
#define NOTIFY_WAIT_US     1000000
/* A round that failed is begun anew after so long, doubled each time up to the second. */
#define NOTIFY_REST_US     60000000
#define NOTIFY_REST_MAX_US 3600000000
/* Rounds until the next serial. */
#define NOTIFY_ROUNDS      5

enum notify_event_kind {
    NOTIFY_SERIAL,   /* the zone has `serial` now */
    NOTIFY_AGAIN,    /* the operator wants it told, whatever is known */
    NOTIFY_ANSWERED, /* rcode NOERROR came back */
    NOTIFY_REFUSED,  /* another one: it heard, but does not want it: as answered, for its owner to
                        show */
    NOTIFY_FAILED,   /* could not be sent, or the connection broke */
    NOTIFY_HAS,      /* the secondary is known to have `serial` */
    NOTIFY_TIME      /* the time that it wanted has come */
};

struct notify_event {
    enum notify_event_kind kind;
    int64_t now_us;
    uint32_t serial;
};

enum notify_act { NOTIFY_WAIT, NOTIFY_SEND_UDP, NOTIFY_SEND_TCP };

struct notify {
    int64_t wake_us;   /* when NOTIFY_TIME is to come; INT64_MAX: never */
    bool is_sent;      /* one is outstanding */
    bool has_given_up; /* the last round failed */
    unsigned tries;    /* of this round */
    uint32_t sent;     /* serial told last */
    uint32_t newest;   /* to be told */
    bool is_owed;      /* newest is not told yet */
    bool is_known;     /* what the secondary has is known: */
    uint32_t has;
    /* its own */
    unsigned rounds;
    bool is_begun; /* newest is set */
    bool is_resting;
    struct jitter jitter;
};

void notify_init(struct notify *n, uint64_t seed);
/* The clock was set: what is left of the wait stays as it is. */
void notify_shift(struct notify *n, int64_t by_us);
/* After NOTIFY_SEND_*: it is sent, with the serial in `sent`, a new id, and what came before is not
 * waited for any more. After any step that leaves is_sent false nothing is waited for. A serial
 * that was told already is not told again (a reload says it once more). */
enum notify_act notify_step(struct notify *n, const struct notify_event *e);

#endif

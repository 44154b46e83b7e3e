/* SPDX-License-Identifier: Apache-2.0
 * When a secondary zone asks which primary for what (RFC 1034 s4.3.5, RFC 1996 s3.11, RFC 7314):
 * a state machine without sockets and without a clock of its own.
 *
 * Its owner tells it what happened, with the time, and does the one thing that it then says:
 * probe, transfer, or wait until a time. At most one question is under way. Primaries, and the
 * addresses of each, are asked in order; the next one when one fails, and when all have failed, all
 * again after a back-off that begins at the SOA's retry, with jitter (a failure is never repeated
 * in less than the least retry, unless the operator wants it).
 *
 * A first address that fails is not waited for in every round: whichever answered in its place is
 * asked first for as long as the SOA's refresh, which is one round, then twice as long each time
 * that the first one fails again, up to a day. It is back in its place when it answers, which it
 * may also do to a round that its NOTIFY or the operator began.
 *
 * The periodic look is a probe. A NOTIFY of a newer serial, or without one, leads straight to IXFR
 * at the primary that sent it (RFC 1996 s3.11), one of a serial that is not newer to nothing
 * (s3.7); while a question is under way, or a failure is too fresh, it is remembered once. What was
 * news and failed everywhere is tried once more after the least retry before the SOA's times count.
 *
 * Who answers IXFR with an error may be in trouble, and AXFR would be more of it: the next primary
 * is asked. Where a later round finds the same again, AXFR follows at once, and so from then on
 * until IXFR is had (RFC 1995 says nothing of errors; BIND and Knot ask for AXFR at once, NSD
 * never).
 *
 * The data is good for the SOA's expire after a primary last said that it has no newer serial
 * (ANSWERED with ours, CURRENT, HELD) or gave us one (TAKEN): a primary that has news which cannot
 * be had does not make old data good. A serial behind ours is not taken, but where the data has
 * expired, since then nobody is served it any more: at the end of a round in which nobody had more,
 * the whole zone is asked for where such a serial was seen first. */
#ifndef REEVE_XFR_REFRESH_H
#define REEVE_XFR_REFRESH_H

#include "base/jitter.h"

#include <stdbool.h>
#include <stdint.h>

struct refresh_limits {
    uint32_t refresh_min_s, refresh_max_s, retry_min_s, retry_max_s, expire_max_s;
};

/* The timers of the zone's SOA; none before the first transfer. */
struct refresh_timers {
    bool is_set;
    uint32_t refresh_s, retry_s, expire_s;
};

enum refresh_event_kind {
    REFRESH_TIME,     /* the time that it wanted has come */
    REFRESH_NOTIFIED, /* a primary says that there is news; serial if it said which */
    REFRESH_ASKED,    /* the operator wants a look now */
    REFRESH_FORCED,   /* the operator wants the whole zone now, whatever its serial */
    /* the question under way has ended: */
    REFRESH_ANSWERED, /* probe: the primary has `serial` */
    REFRESH_CURRENT,  /* transfer: there is nothing new, the primary has our serial */
    REFRESH_TAKEN,    /* transfer: the zone is now at `serial`, with `timers` */
    REFRESH_UNFIT,    /* transfer: the differences did not fit, or IXFR is not had here: AXFR from
                         the same primary */
    REFRESH_DECLINED, /* IXFR was answered with an error that says nothing of IXFR: as FAILED; where
                         is_declining, as UNFIT */
    REFRESH_FAILED,   /* no answer, refused, broken: the next primary */
    REFRESH_BEHIND,   /* it has a serial behind ours: the next primary */
    REFRESH_HELD      /* transfer: kept back by the shrink limit: as if current, until forced;
                         `serial` is not asked for again */
};

struct refresh_event {
    enum refresh_event_kind kind;
    int64_t now_us;
    uint32_t serial;
    bool has_serial;       /* NOTIFIED */
    unsigned from;         /* NOTIFIED: 1 + index of the primary that says so; 0: not known */
    unsigned from_address; /* and of its address */
    bool has_expire;       /* ANSWERED, CURRENT, TAKEN: the EXPIRE option, */
    uint32_t expire_s;     /* which bounds how long the data is good (RFC 7314 s4) */
    struct refresh_timers timers; /* TAKEN */
};

enum refresh_act_kind {
    REFRESH_WAIT,  /* until wake_us, or the next event */
    REFRESH_PROBE, /* ask for the SOA */
    REFRESH_IXFR,
    REFRESH_AXFR
};

struct refresh_act {
    enum refresh_act_kind kind;
    unsigned primary, address; /* whom to ask: indexes */
};

struct refresh {
    /* for its owner to read */
    int64_t wake_us;    /* when REFRESH_TIME is to come; INT64_MAX: never */
    int64_t checked_us; /* when our data was last known to be the newest; 0: never */
    int64_t expires_us; /* when the data is good no more; INT64_MAX: there is none */
    bool is_expired;    /* says so from expires_us on, until the next check or transfer */
    bool is_forced;     /* the transfer under way is the operator's: no shrink limit, any serial */
    bool is_declining;  /* IXFR was answered with an error in an earlier round, not had since */
    unsigned failures;  /* rounds of all primaries that failed since the last success */

    /* its own */
    struct refresh_limits limits;
    struct refresh_timers timers;
    uint32_t serial; /* ours */
    bool has_data;
    unsigned primary, address; /* under way, or the next one */
    unsigned tried;            /* addresses that have failed in this round */
    unsigned total;            /* addresses in all */
    uint8_t state;
    bool is_notified, is_asked,
        is_forced_next;   /* came while a question was under way, or in vain */
    struct refresh_news { /* what NOTIFY said */
        bool has_serial;
        uint32_t serial;
        unsigned from, from_address;
    } news;
    bool is_news;          /* the round is about news, not about what time it is */
    bool is_behind;        /* in this round a primary had news that could not be had */
    bool has_declined;     /* in this round IXFR was answered with an error */
    unsigned vain;         /* rounds in a row that NOTIFY began and that found nothing */
    int64_t news_us;       /* no NOTIFY begins a round before */
    int64_t next_us;       /* when the next round begins; INT64_MAX: one is under way */
    bool has_first_failed; /* in this round: the first address of all */
    bool has_behind;       /* in this round one has a serial behind ours, which has expired: */
    unsigned behind_primary, behind_address;
    struct refresh_substitute {
        int64_t until_us; /* it is asked first until then; 0: there is none */
        unsigned primary, address;
        unsigned failures; /* of the first address, since it answered */
    } substitute;
    bool has_held; /* this serial is kept back */
    uint32_t held;
    struct jitter jitter;           /* state of its random numbers */
    const unsigned *address_counts; /* of each primary */
    unsigned primary_count;
};

struct refresh_setup {
    struct refresh_limits limits;
    const unsigned *address_counts; /* lives as long as the machine; see refresh_configure() */
    unsigned primary_count;
    /* what is there already: from the change log */
    bool has_data;
    uint32_t serial;
    struct refresh_timers timers;
    int64_t checked_us; /* 0: not known, counts as now */
    uint32_t expire_s;  /* what was left when it was checked; 0: the SOA's */
    uint64_t seed;
    /* first look: at once, or for many zones spread over so much time */
    int64_t spread_us;
};

/* Of NOTIFYs that turn out to be nothing new so many are followed at once, and then one in so long:
 * they may be forged. */
#define REFRESH_VAIN_MAX         10
#define REFRESH_VAIN_WAIT_US     1000000

/* A primary that has been down for long is tried so often. */
#define REFRESH_SUBSTITUTE_MAX_S 86400

void refresh_init(struct refresh *r, const struct refresh_setup *setup, int64_t now_us);
/* Other primaries, or another shrink limit: what is under way is to be dropped by the owner first,
 * the next question is due at once, and what was held is asked for anew. */
void refresh_configure(struct refresh *r, const struct refresh_limits *limits,
                       const unsigned *address_counts, unsigned primary_count, int64_t now_us);
/* The clock was set, forward (more than 0) or back: what is left of all times stays as it is. */
void refresh_shift(struct refresh *r, int64_t by_us);
/* An event that ends a question is given only while one is under way. The answer stands for what is
 * to be done now; then the owner waits until wake_us or the next event, whatever it was. */
struct refresh_act refresh_step(struct refresh *r, const struct refresh_event *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * A zone that follows its primaries (RFC 1034 s4.3.5): what the files of server/ that do it share.
 *
 * secondary.c drives the machine of xfr/refresh.h: it does what that says, and tells it what became
 * of it. asking.c has the questions and what comes back to them (probing.c: to the one for the
 * SOA; plain.c: who is asked without EDNS), taking.c makes a transfer a change of the zone,
 * checked.c notes in the change log when a primary was last asked, notify_in.c hears NOTIFY. At
 * most one question is under way for a zone, or one transfer is being taken. */
#ifndef REEVE_SERVER_SECONDARY_H
#define REEVE_SERVER_SECONDARY_H

#include "server/server_int.h"
#include "xfr/ask.h"
#include "xfr/in.h"
#include "xfr/refresh.h"

/* A primary: what the configuration says of it, as a copy, and what is known of it. */
struct primary {
    char *text; /* its name in the configuration */
    unsigned address_count;
    union address *addresses;
    int64_t *failing_us; /* of each address: since when; 0: it is well, as far as we know */
    bool *is_told;       /* of each address that fails: the log has said so */
    union address source;
    struct name_buf key; /* len 0: unsigned */
    uint64_t asked_with; /* keyring_fingerprint() of the key, when it was asked last */
    bool has_serial;
    uint32_t serial;  /* that it had at heard_us */
    int64_t heard_us; /* 0: never */
    int64_t failed_us;
    char error[200]; /* of the last failure; "" if it has answered since */
};

/* How a transfer came, for the log. */
struct transfer_note {
    enum refresh_act_kind asked; /* REFRESH_IXFR or REFRESH_AXFR */
    char primary[100];
    struct address_text address;
    int64_t started_us;
    struct xfr_in_count count;
    bool has_expire;
    uint32_t expire_s;
};

struct incoming;
struct taking;

struct secondary {
    struct server_zone *zone;
    struct primary *primaries;
    unsigned primary_count;
    unsigned *address_counts; /* of each, for the machine */
    struct refresh_limits limits;

    struct refresh refresh;
    bool is_open;       /* the log has said what there is: the machine runs */
    bool is_stale;      /* other primaries were configured while something was being taken */
    bool is_waiting;    /* with a transfer, until the zone can be changed */
    bool is_unguarded;  /* the operator wants the transfer whatever the shrink limit says */
    struct timer timer; /* the machine's */
    /* NOTIFY that came before it was open, for the machine's start; from 0: not known any more */
    bool is_told;
    struct refresh_event told;

    /* what the log had of the zone, for the first transfer */
    uint64_t log_id, log_seq;
    uint32_t log_flags;

    /* the question under way */
    struct refresh_act act;
    struct call call;
    struct xfr_ask ask;
    struct tsig_session tsig;
    unsigned tries;
    char *hint;         /* of what came and was no answer; NULL: nothing did */
    struct timer limit; /* of a transfer's time */
    struct incoming *incoming;
    struct taking *taking;

    /* checked.c */
    struct list noting; /* in server.checks, if it is to be noted */
    int64_t noted_us;
    uint32_t noted_expire_s;

    /* a transfer that the shrink limit keeps back */
    struct held {
        bool is_set;
        uint32_t serial;
        uint64_t lost, of;
        int64_t since_us;
        unsigned primary; /* that has it */
        uint32_t percent; /* the limit */
    } held;
    int64_t expired_us; /* since when its data is too old; 0: it is not */
};

/* --- secondary.c --- */

/* Tells the machine of it and does what it says. */
void secondary_step(struct server *s, struct secondary *sec, const struct refresh_event *e);
/* NOTIFY: the same, or where the zone is not open yet, as soon as it is: its first look may be
 * minutes away, and who was answered does not say it again. */
void secondary_tell(struct server *s, struct secondary *sec, const struct refresh_event *e);
/* The address asked has failed with the question: `kind` is REFRESH_FAILED, REFRESH_BEHIND,
 * REFRESH_DECLINED or REFRESH_UNFIT. */
void secondary_fail(struct server *s, struct secondary *sec, enum refresh_event_kind kind,
                    const char *reason);
/* The address asked has answered. */
void secondary_heard(struct server *s, struct secondary *sec, uint32_t serial);
static inline struct primary *secondary_primary(const struct secondary *sec)
{
    return &sec->primaries[sec->act.primary];
}
static inline const union address *secondary_address(const struct secondary *sec)
{
    return &secondary_primary(sec)->addresses[sec->act.address];
}
/* Of a version's SOA. */
struct refresh_timers secondary_timers(const struct version *v);
/* What was being taken is in the zone, or given up. */
void secondary_took(struct server *s, struct secondary *sec);
/* Of limits.transfers-memory: *own is what is counted of one transfer so far. */
static inline void secondaries_count(struct server *s, uint64_t *own, uint64_t bytes)
{
    s->secondaries.incoming_kept += bytes - *own;
    *own = bytes;
}

/* --- asking.c --- */

/* Does what the act says; false: it cannot be asked, diag says why. */
bool asking_start(struct server *s, struct secondary *sec, struct diag *diag);
/* Drops the question under way, if there is one. */
void asking_stop(struct server *s, struct secondary *sec);
/* The key that the primary is asked with (NULL: none); false: it cannot be used. */
bool asking_key(struct server *s, const struct secondary *sec, struct tsig_key **out,
                struct diag *diag);
/* Sends sec->ask, of which kind, transport, key and SOA are set, and so is sec->call.wait_us; with
 * EDNS unless the primary knows none. */
void asking_send(struct server *s, struct secondary *sec, const struct call_kind *kind);
/* What came and was no answer, for the case that nothing better comes; NULL: nothing did. */
void asking_hint(struct secondary *sec, const char *text);

/* --- plain.c --- */

/* Is that address to be asked without EDNS? */
bool plain_has(struct server *s, const union address *at);
/* The answer of the address asked says that it knows no EDNS: that is remembered for a while, for
 * all zones. False: it was asked without. */
bool plain_note(struct server *s, struct secondary *sec);

/* --- probing.c --- */

bool probing_start(struct server *s, struct secondary *sec, struct diag *diag);

/* --- taking.c --- */

/* All has come, and ends so (XFR_IN_WHOLE, XFR_IN_STEPS). Takes in's outcome out of x. */
void taking_start(struct server *s, struct secondary *sec, struct xfr_in *x, enum xfr_in_next how,
                  const struct transfer_note *note);
/* Nobody wants it any more; what is with the change log already is taken all the same. */
void taking_forget(struct taking *t);

/* --- checked.c --- */

void checked_note(struct server *s, struct secondary *sec);
/* The zone is a primary from now on. */
void checked_forget(struct server *s, const struct secondary *sec);
/* At the end: what is to be noted goes to the log at once. True: all of it is there; else to be
 * called again when helpers have been collected. */
bool checked_flush(struct server *s);

#endif

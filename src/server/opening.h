/* SPDX-License-Identifier: Apache-2.0
 * Opening a zone, in a helper: from what the configuration says of it and what the change log knows
 * of it to data that can be served, or to what a live zone has to change.
 *
 * A zone without history comes from its file, whole. One with history that is not live comes from
 * its newest snapshot and the changes behind it; the file is merged on top if it is not the one
 * that was loaded last (DESIGN section 6). For one that is live the outcome is a plan of the merge,
 * which the reactor applies. A file that is broken is said to be so, and what is there stays. */
#ifndef REEVE_SERVER_OPENING_H
#define REEVE_SERVER_OPENING_H

#include "conf/conf.h"
#include "log/journal.h"
#include "server/helpers.h"
#include "server/state.h"
#include "update/lease.h"
#include "zone/base.h"
#include "zone/load.h"
#include "zone/made.h"
#include "zone/merge.h"
#include "zone/zone.h"

/* "root (uid 0)", "signal". */
#define OPENING_BY_MAX 64

struct opening {
    struct job job;

    /* what it is given; all of it is the opening's own */
    struct name_buf name;
    char by[OPENING_BY_MAX]; /* who asked for it; empty: it is the start */
    uint64_t ticket;         /* the reactor's */
    char *path;              /* NULL: soa */
    struct made_soa soa;
    struct name_buf *soa_names; /* what it refers to: mname, rname, ns */
    bool has_history;
    bool is_secondary; /* there is neither: what the log has of it, or nothing yet */
    enum serial_policy serial;
    uint32_t shrink_percent; /* a file that takes away more of the zone is held back; 0: none is */
    struct load_limits limits;
    struct state *state;        /* where the change log is opened from; NULL without history */
    const struct version *live; /* pinned; NULL: the zone is not live, or its data is not kept */
    const struct base *base;    /* of the live zone; held */
    char *identity;             /* of the file that the live zone has merged last */
    struct hash_key lease_key;

    /* who hears of faults and warnings of the file; NULL: the log */
    void (*on_line)(void *arg, enum master_severity severity, const char *line);
    void *on_line_arg;

    /* the outcome */
    struct zone *zone; /* not live: to be served from now on; NULL: failed */
    /* with history */
    struct journal_zone log; /* not live: what the change log has of it; live: its id is given */
    bool has_change;         /* not live: zone's tip is a version that the log has to take first */
    struct diff change;      /* its diff */
    /* not live: what the change log has of leases; those whose records are not in the zone, and all
     * of a secondary, are over */
    struct lease_set leases;
    struct zone *theirs;        /* the file as read; what `plan` refers to */
    struct merge *plan;         /* live: what is to be done; NULL: nothing */
    struct merge_result merged; /* not live: what was done */
    const struct base *new_base;
    uint8_t *base_bytes; /* base_write() of new_base for the change log, where that is to have it */
    size_t base_len;
    char *new_identity;
    bool is_held;      /* the file is, by shrink_percent; it has failed as well */
    bool is_unchanged; /* the file is the one that was loaded last */
    bool is_damaged;   /* a secondary: what the log had could not be read, and is forgotten */

    bool has_failed; /* a sentence is in diag; zone may be there all the same (from the log) */
    bool is_passing; /* it may go better another time: the log could not be read */
    struct load_result result;
    struct diag diag;
    int64_t took_us;
    unsigned lines; /* logged of this file */
};

/* Frees it with all that is still in it; `live` has been unpinned by the reactor. */
void opening_free(struct opening *o);
/* The same on the reactor's thread: what is large is freed by a helper. */
void opening_drop(struct helpers *h, struct opening *o);
/* Copies what a zone without a file is made from. */
void opening_set_soa(struct opening *o, const struct conf_soa *soa);
/* What a job's run() does. */
void opening_run(struct opening *o);

/* Would the zone lose so much of its records that it is not to happen by itself? Then a sentence is
 * in diag, for a file. */
bool opening_is_shrinking(struct opening *o, uint64_t before, uint64_t after);

/* Says a conflict of a merge: both values, in one line of the log. */
void opening_log_conflict(void *zone_name_text, const struct merge_conflict *c);

#endif

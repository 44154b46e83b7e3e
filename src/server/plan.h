/* SPDX-License-Identifier: Apache-2.0
 * What a reload would do, without doing it: two configurations compared, and the files of zones
 * read and merged into copies.
 *
 * Helpers' threads only; what it is given is held, or pinned, by who asks. Nothing is logged and
 * nothing on disk is written. */
#ifndef REEVE_SERVER_PLAN_H
#define REEVE_SERVER_PLAN_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "server/state.h"
#include "zone/base.h"
#include "zone/version.h"

/* Rows of one group; more are counted. Conflicts and faults told of one zone. */
#define PLAN_ROWS_MAX      10000
#define PLAN_CONFLICTS_MAX 20
#define PLAN_FAULTS_MAX    20

/* clang-format off */
/*    name             text */
#define PLAN_GROUP_LIST(X)                                                                         \
    X(PLAN_SETTINGS,   "settings")                                                                 \
    X(PLAN_KEYS,       "keys")                                                                     \
    X(PLAN_REMOTES,    "remotes")                                                                  \
    X(PLAN_ZONES,      "zones")                                                                    \
    X(PLAN_RECORDS,    "records")
/* clang-format on */

enum plan_group {
#define X(name, text) name,
    PLAN_GROUP_LIST(X)
#undef X
        PLAN_GROUPS
};

/* A zone as it is served. */
struct plan_live {
    const struct version *version; /* pinned; NULL: it has no data */
    bool is_kept;                  /* its changes are, in the change log */
    const struct base *base;       /* held; NULL: they are not, or it has no file */
    char *identity;
    uint64_t log_id, seq; /* of its changes: with all of them up to seq; 0: there is none */
};

struct plan {
    /* what it is given */
    const struct conf *old;
    const struct conf *new;
    struct plan_live *live; /* of old's zones, in their order */
    struct state *state;    /* where changes are read */
    const atomic_bool *is_canceled;
    int64_t now_us;
    /* the outcome */
    json_t *rows[PLAN_GROUPS]; /* {"group", "op", "name", "what" ...}; the caller's */
    uint64_t left_out;
    unsigned failed; /* zones that would not load, */
    unsigned held;   /* or whose files would be held back, by `shrink-limit` */
};

void plan_run(struct plan *p);
/* A new row of the group, NULL: there are too many. op: "+", "-", "~". */
json_t *plan_row(struct plan *p, enum plan_group group, const char *op, const char *name);

/* plan_zone.c: "[a, b]", or "none". */
struct text;
void plan_list_show(const struct conf_texts *list, struct text *t);
/* What differs in the settings of a zone, as a sentence; false: nothing. */
bool plan_zone_differs(const struct conf_zone *old, const struct conf_zone *new, struct text *t);
/* The same of a remote. */
bool plan_remote_differs(const struct conf_remote *old, const struct conf_remote *new,
                         struct text *t);
/* plan_file.c: what the zone's file, or `soa`, would do to it; not for a secondary, to which only a
 * transfer does anything. Says how many records it has where the zone is new; else 0. */
uint64_t plan_file(struct plan *p, const struct conf_zone *new, const struct plan_live *live);

#endif

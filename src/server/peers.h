/* SPDX-License-Identifier: Apache-2.0
 * One secondary of a zone, for peers.c and for what shows it. The functions that the rest of
 * server/ calls are in server_int.h. */
#ifndef REEVE_SERVER_PEERS_H
#define REEVE_SERVER_PEERS_H

#include "server/server_int.h"
#include "xfr/ask.h"
#include "xfr/notify.h"

/* clang-format off */
/*    name               text */
#define FOLLOWER_STATE_LIST(X)                                                                     \
    X(FOLLOWER_UNKNOWN,  "unknown")  /* nothing was heard of it yet */                             \
    X(FOLLOWER_TOLD,     "notified") /* it has answered; what it has is not known */               \
    X(FOLLOWER_CURRENT,  "in sync")                                                                \
    X(FOLLOWER_BEHIND,   "behind")                                                                 \
    X(FOLLOWER_AHEAD,    "ahead")    /* of us: what it has did not come from here */               \
    X(FOLLOWER_FAILED,   "failed")   /* it does not answer, and has not what is new */
/* clang-format on */

enum follower_state {
#define X(name, text) name,
    FOLLOWER_STATE_LIST(X)
#undef X
};

struct telling;
struct looking;

struct follower {
    struct server_zone *zone;
    const struct remote *remote; /* of the zone's configuration */
    struct notify notify;        /* also which serial it has */
    struct timer timer;
    struct telling *telling;  /* the NOTIFY under way; NULL: none */
    unsigned address;         /* that answered last */
    uint64_t told_with;       /* keyring_fingerprint() of the key of the last NOTIFY */
    bool is_told;             /* it has been heard of */
    bool is_taking;           /* a transfer to it is under way */
    uint32_t takes;           /* what the one that it began last leads to, */
    int64_t takes_us;         /* and when that was */
    bool is_moved;            /* to be told anew: it is reached in another way than it was */
    enum follower_state said; /* in the log: FOLLOWER_UNKNOWN, or what is wrong */
    int64_t behind_us; /* when the first serial that it has not was published, or before; 0: none */
    int64_t lag_us;    /* how long the last one took */
    int64_t heard_us;  /* 0: never */
    int64_t error_us;
    char *error; /* the last one; NULL: none */
    /* serving.c: the serial of its answers, as far as it was asked */
    bool is_served_known;
    uint32_t served;
    struct looking *looking; /* the question under way; NULL: none */
    struct timer look_timer;
    int64_t look_pause_us;
};

struct peers {
    unsigned count;
    struct follower *list[]; /* in the configuration's order */
};

/* It has what we had under that serial, or something newer of ours. */
bool follower_has(const struct follower *f, uint32_t serial);
/* And its answers are from it. */
bool follower_serves(const struct follower *f, uint32_t serial);
bool follower_is_current(const struct follower *f);
enum follower_state follower_state(const struct follower *f);
const char *follower_state_text(enum follower_state state);

/* serving.c. Asks it what it serves, if somebody waits for that and it is not known. */
void serving_look(struct server *s, struct follower *f);
/* It serves that serial, as it says itself. */
void serving_note(struct server *s, struct follower *f, uint32_t serial);
void serving_stop(struct server *s, struct follower *f);
void serving_on_time(void *arg, struct timer *timer);

#endif

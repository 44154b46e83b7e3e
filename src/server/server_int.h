/* SPDX-License-Identifier: Apache-2.0
 * The server's state, for the files of server/ only. */
#ifndef REEVE_SERVER_SERVER_INT_H
#define REEVE_SERVER_SERVER_INT_H

#include "base/digest.h"
#include "base/log.h"
#include "base/timer.h"
#include "request/limit.h"
#include "edns/edns.h"
#include "server/call.h"
#include "server/changing.h"
#include "server/commit.h"
#include "server/control_int.h"
#include "server/guard.h"
#include "server/helpers.h"
#include "server/opening.h"
#include "server/refused.h"
#include "server/rrl.h"
#include "server/server.h"
#include "server/state.h"
#include "update/update.h"
#include "xfr/recent.h"
#include "xfr/serials.h"
#include "zone/store.h"

/* What the server knows of one zone beside its data; store_entry.owner points here. */
struct server_zone {
    struct store_entry *entry;
    const struct conf_zone *conf; /* of the newest configuration that has come to this zone */
    /* of the opening under way: a result with another one was for a zone since removed */
    uint64_t ticket;
    uint64_t reload;      /* number of the last reload that found it in the configuration */
    uint64_t data_ticket; /* of the opening that its data came from */
    uint64_t source;      /* hash of what the opening under way was given */
    int64_t loaded_us;    /* wall clock: when its data, or its file, came in last */
    bool is_loading;
    bool is_wanted_again; /* asked for again while it loads: one more load when this one is done */
    bool is_stale;        /* the configuration says something else since */
    bool is_held;         /* its file takes away too much of it, see opening_is_shrinking() */
    bool takes_all;       /* the operator wants just that: the next opening has no such limit */
    char *failure;        /* why the last load failed; NULL: it did not */

    /* with history */
    bool is_kept;     /* its live data is what the change log has: the members below are set */
    bool is_ready;    /* its first snapshot is durable: it can be changed */
    bool is_frozen;   /* by the operator: updates are refused */
    bool is_freezing; /* that is on its way into the log, or out of it */
    bool is_snapshotting;
    uint64_t log_id;
    uint64_t seq_given, seq_published; /* changes handed to the log, and durable */
    uint64_t replay_bytes;             /* diffs behind the newest snapshot */
    const struct base *base;
    char *identity;
    struct update_rules rules;
    struct changing *changing;  /* its txn is open; NULL: none */
    bool is_merged;             /* a merge is under way, or what came of it waits for the log */
    bool is_reread;             /* the log was read again, and has taken nothing since */
    struct zone_leases *leases; /* leases.c; NULL: no record of it has one */
    bool is_owed;               /* what its file has is not in: to be read again at retry_us */
    uint16_t iterations_said; /* that there are so many, above the limit, was logged; 0: nothing */
    int64_t retry_us;         /* wall clock: when what failed is tried again; 0: nothing did */
    struct timer aging;       /* when its oldest change is too old to be kept */
    int64_t oldest_us;        /* when the oldest change that is kept was made, or later; 0: none */
    bool is_aging;            /* the log is being looked through for what is too old */
    bool is_aged;             /* something is, and cannot go before there is a newer snapshot */

    /* replication */
    struct recent recent; /* its newest changes, for IXFR */
    uint64_t unreadable; /* a change in the log that could not be read for IXFR; 0: none is known */
    bool is_traced;      /* it is known whether its serial ever went back: */
    unsigned backs;      /* how often it has since the start */
    struct serials *twice; /* those that it had before, and may have had again; NULL: none */
    struct peers *peers;   /* peers.c: its secondaries; NULL: none are configured */
    struct secondary
        *secondary;      /* secondary.c: how it follows its primaries; NULL: it is primary */
    struct list waiters; /* waiting.c: updates and operators that wait for secondaries */
};

/* Primaries that know no EDNS, see plain.c. */
#define PLAIN_MAX 128
struct plain {
    unsigned count;
    struct plain_row {
        union address at;
        int64_t until_us;
    } rows[PLAIN_MAX];
};

/* What all secondary zones have in common, see checked.c. */
struct secondaries {
    unsigned count;
    struct list noting; /* struct secondary: when they were checked is to be noted */
    struct timer timer;
    bool is_noting;
    struct log_rate failing_rate, expired_rate;
    uint64_t incoming_kept;     /* bytes in memory of transfers that are not taken yet */
    size_t diff_max, apply_max; /* SECONDARY_..., but in tests */
    struct plain plain;
};

/* Bytes of changes that one transfer may make. A row of the log holds three times that; what is
 * larger replaces the zone, and is no history. */
#define SECONDARY_DIFF_MAX    ((size_t)256 << 20)
/* Differences are applied as long as that takes no more memory than this and SECONDARY_APPLY_ZONES
 * times the zone that there is: beyond it the whole zone costs less. */
#define SECONDARY_APPLY_MAX   ((size_t)256 << 20)
#define SECONDARY_APPLY_ZONES 2

/* Updates that have come and are not run yet: the messages as they are. */
struct update_queue {
    struct list ready;   /* in the order they came */
    struct list blocked; /* for zones that are changed in slices */
    unsigned count;      /* in both */
    unsigned udp_count;  /* of them over UDP */
    size_t bytes;
    unsigned sliced;            /* those that go on in slices, in none of the lists (sliced.c) */
    uint64_t work;              /* of those that this turn has run, in records looked at */
    struct limit messages, kib; /* of each client */
};

/* Updates that were passed on to primaries and are not answered, see forward.c. */
struct forwards {
    struct list list;
    unsigned count;
    size_t bytes;
};

/* What waits for the log, see commit.h. */
struct commit {
    struct list open, under_way, settled;
    unsigned count; /* in all three */
    bool is_busy;
    struct log_rate failed_rate;
    int64_t took_us; /* the last batch, in the log; 0: none yet */
    struct journal_batch batch;
    struct change changes[COMMIT_BATCH_MAX];
};

/* See cookies.c. The secrets themselves are in struct self. */
struct cookies {
    struct timer rotate, watch;
    bool is_own;      /* drawn here, not the operator's */
    int64_t since_us; /* wall clock: when they were drawn */
    uint64_t udp_before;
    unsigned calm_s; /* seconds without load */
};

/* A configuration that zones may still refer to: until the reload has come to all of them. */
struct old_conf {
    struct old_conf *next;
    struct conf *conf;
};

struct server {
    struct conf *conf;
    struct old_conf *old_confs;
    unsigned conf_holds; /* while there are any, no configuration goes */
    struct keyring *keyring;
    struct server_hooks hooks;
    struct self self;
    struct counters count;
    struct store store;
    struct helpers *helpers;
    struct state *state;
    int64_t started_us;
    uint64_t last_ticket;
    uint64_t reload;                /* number of the newest one */
    char reload_by[OPENING_BY_MAX]; /* who asked for a reload last; empty: nobody since the start */
    unsigned reload_at;             /* the next of conf->zones that it takes in hand */
    bool is_reloading;
    struct controls controls;
    int64_t retry_at_us;     /* the first retry_us of all zones; 0: none */
    struct list changing;    /* struct changing */
    unsigned changing_steps; /* done in this turn */
    unsigned merged;         /* files whose news are being merged, or wait for the log */
    struct update_queue updates;
    struct forwards forwards;
    int64_t now_us; /* wall clock of the newest event */
    struct commit commit;
    struct refused refused;
    struct timers timers;
    struct calls calls;
    struct recents recents;
    struct list waiters_over; /* who is told of it by a timer that is due */
    unsigned waiting;         /* updates that are durable and wait for secondaries */
    struct log_rate waited_rate, following_rate, aging_rate;
    bool is_ending;
    struct secondaries secondaries;
    struct cookies cookies;
    uint64_t lease_count; /* leases of all zones */
    /* answers of many messages under way, or let go of and still being read */
    struct list outflows;
    unsigned outflow_count;
    bool is_asking; /* explain: nothing is counted, logged or remembered */

    /* one batch */
    struct request request[SERVER_BATCH_MAX];
    struct build build;
    struct arena arena;
    struct digest digest;
    struct log_rate refused_rate, ignored_rate, strange_rate;
    struct rrl rrl;
    struct rrl_case rrl_case[SERVER_BATCH_MAX]; /* of the batch's queries, if it is on */
    struct guard guard;

    /* an answer that comes later */
    struct request late;
    uint8_t late_out[DNS_MESSAGE_MAX];
};

static inline struct server_zone *zone_owner(const struct store_entry *e)
{
    return e->owner;
}

/* self.c: what the configuration says of this server. */
void self_from_conf(struct self *self, const struct conf *conf);

/* counting.c: counts first, where the update in q wants to know what grants cover: then the zone is
 * being changed (z->changing) when this returns, or it was a matter of one turn. */
void counting_consider(struct server *s, struct server_zone *z, const struct request *q);
/* Names for one slice. */
unsigned counting_names(const struct update_rules *rules);

/* cookies.c: secrets, if the configuration wants cookies. The first time it waits for the disk. */
void cookies_configure(struct server *s);
/* In a helper: the server's own secrets, if it keeps any (*has), as a new file of dir, 0600. */
enum err cookies_copy(const char *state_dir, const char *dir, bool *has, struct diag *diag);
/* Takes that file away. */
void cookies_copy_undo(const char *dir);

/* zones.c */
/* Begins to make the zones those of s->conf, and is done with it if they are few; else
 * zones_collect() goes on. */
void zones_reload(struct server *s);
/* Reads one zone's file again, if the configuration has it. */
void zones_load(struct server *s, struct name name);
/* The zone's settings; NULL: the configuration is without it. */
const struct conf_zone *zones_configured(const struct server *s, struct name name);
void zones_free(struct server *s);
bool zones_collect(struct server *s);
/* The zone is to be read again when nothing is under way with it. */
void zone_want_again(struct server *s, struct server_zone *z);
/* Something of it failed for a reason that may pass: a snapshot, or (RETRY_FILE) what brings its
 * file in. It is tried again after a while, whatever happens until then. */
enum retry { RETRY_SNAPSHOT, RETRY_FILE };
void zone_retry_later(struct server *s, struct server_zone *z, enum retry what);
/* Those whose time has come. */
void zones_retry(struct server *s);
/* The server ends: no zone is changed any more. */
void zones_settle(struct server *s);
/* Makes the rules of its updates what configuration and base say. */
void zone_rules_set(struct server_zone *z);
/* Says what is wrong with it ("" nothing), for status and `reevectl zone`. */
void zone_fail(struct server_zone *z, const char *why);
/* The zone gets data that it had not, or that the log was read again for: o->zone, from o->log. */
void zone_take(struct server *s, struct server_zone *z, struct opening *o);
/* Has a helper free it: a drop for zone_retire(), whose arg is the helpers. */
void zone_drop(void *helpers, struct zone *zone);
/* base_release() for the reactor's thread: what is large is freed by a helper. */
void base_drop(struct helpers *h, const struct base *base);
extern const struct job_kind opening_kind;

/* merging.c */
/* Takes the opening, whose plan is applied to z's live data in slices. */
void merging_start(struct server *s, struct server_zone *z, struct opening *o);
/* Takes the opening: what is new in its file goes into the log. t: the version is made of it, or
 * there is none where it changes nothing, and only what the file was goes there; NULL: the version
 * is the tip already, and o->change its diff. */
void merging_commit(struct server *s, struct server_zone *z, struct opening *o, struct txn **t);
/* The operator takes a file that is held back; false: none is. */
bool merging_force(struct server *s, struct server_zone *z);
/* The file as it was read is the base of the next merge; or the one before it is. */
void source_adopt(struct server_zone *z, struct opening *o);
void source_take_old(struct server_zone *z, struct opening *o);

/* commit.c */
void commit_init(struct commit *c);
/* The server ends: who still waits is told that nothing is known. */
void commit_drop(struct server *s);

/* snapshot.c: writes a snapshot of what is published and durable, in a helper, if the changes since
 * the last one are worth it or there is none. To be asked whenever something was published. */
void snapshot_consider(struct server *s, struct server_zone *z);

/* aging.c: changes go from the log when they are older than limits.history-age. */
/* The zone has come from the log, a change of it is durable, or the limit may be another one. */
void aging_wake(struct server *s, struct server_zone *z);
/* There is a newer snapshot. */
void aging_snapshot(struct server *s, struct server_zone *z);
/* The zone's data goes. */
void aging_forget(struct server *s, struct server_zone *z);

/* handle.c */
/* A request from that peer, of which nothing was read yet; its TSIG session is left alone. */
void request_init(struct server *s, struct request *q, const struct peer *peer, int64_t now_us);
/* Writes q's answer into out: question, sections (COMPOSE_QUERY), OPT, TSIG. Gives its length. */
enum compose { COMPOSE_DECIDED, COMPOSE_QUERY };
size_t answer_compose(struct server *s, struct request *q, uint8_t *out, enum compose how);
/* An answer NOERROR that handle.c does not make: may it go out, by the rate limits? False: x has
 * what is sent instead, or nothing. */
bool answer_is_within_rate(struct server *s, struct request *q, struct exchange *x);
/* Remembers and logs why q is turned down, and has its answer say so (RFC 8914). name.len 0: the
 * question's. */
struct refusal_cause {
    enum rcode rcode;
    const char *reason;
    enum ede ede;     /* EDE_OTHER: the one of the rcode */
    bool names_rules; /* the reason has names of keys and rules in it: told to holders of a key only
                         (RFC 8914 s2: nothing private in the text) */
    struct name name;
    uint16_t type;
};
void refusal_note(struct server *s, struct request *q, const struct refusal_cause *cause);

/* update.c: opcode UPDATE. */
void update_queue_init(struct update_queue *u);
/* Frees what still waits: its channels are let go of without an answer. */
void update_queue_done(struct server *s);
/* Keeps the message until a turn has time for it; false: there are too many, says *why. */
bool update_take(struct server *s, const struct exchange *x, const char **why);
/* A slice of them; false: more wait. */
bool update_turn(struct server *s);
/* Can the zone be changed now? What freezes it holds up others, not the operator. */
enum update_side { UPDATE_OF_PEER, UPDATE_OF_OPERATOR };
bool update_gate(const struct server_zone *z, enum update_side side, struct refusal_cause *cause);
/* Runs one. True: q->rcode is the answer; false: the answer comes later. */
bool update_handle(struct server *s, struct request *q, struct exchange *x);
/* A change in slices is over: those that waited for it are next. */
void update_unblock(struct update_queue *u);
static inline bool update_is_idle(const struct update_queue *u)
{
    return u->count + u->sliced == 0;
}

/* published.c */
/* The zone shows another version than before, or shows one for the first time: whoever follows it
 * is told. */
void zone_published(struct server *s, struct server_zone *z);
/* Zone or limit may be another one: the log says it once if there are more NSEC3 iterations than
 * are computed here (RFC 9276). */
void zone_look_at_nsec3(const struct server *s, struct server_zone *z);

/* transfer.c: AXFR and IXFR. True: q->rcode is the answer; false: x->outflow, or (IXFR over UDP)
 * x->out_len, is. */
bool transfer_handle(struct server *s, struct request *q, struct exchange *x);
/* The change is durable and published: it is remembered for IXFR. What it needs of p's diff and
 * steps it may take out of it. */
void transfer_changed(struct server *s, struct server_zone *z, struct pending *p);
/* The zone was replaced, and its history with it: its serial was `from`, and is `to`. */
void transfer_replaced(struct server_zone *z, uint32_t from, uint32_t to);
/* The zone's data goes. */
void transfer_forget(struct server *s, struct server_zone *z);

/* peers.c: what is known of the secondaries of a zone, and telling them of news. */
/* Makes z->peers what the configuration says; those that stay keep what is known of them. */
void peers_configure(struct server *s, struct server_zone *z);
void peers_free(struct server *s, struct server_zone *z);
/* zone_published(): NOTIFY goes out. */
void peers_published(struct server *s, struct server_zone *z);
/* The clock was set back (by_us less than 0): what they are told waits no longer for that. */
void peers_clock(struct server_zone *z, int64_t by_us);
/* The operator wants all of them told, whatever is known of them. */
void peers_tell_all(struct server *s, struct server_zone *z);
/* Somebody waits for them: those that have something newer than they are known to serve are asked.
 */
void peers_look(struct server *s, struct server_zone *z);
/* How many of them are known to serve that serial, or a newer one. */
unsigned peers_having(const struct server_zone *z, uint32_t serial);
/* control_peers.c: an array "secondaries", one row each; nothing if it has none. */
void peers_describe(const struct server_zone *z, json_t *out);
/* A secondary (if from and key are one's) asked for the SOA, or has asked for a transfer with that
 * serial, or has taken all up to it. */
enum peer_event { PEER_ASKED_SOA, PEER_HAS, PEER_TAKES, PEER_TAKEN, PEER_BROKE_OFF };
void peers_heard(struct server *s, struct server_zone *z, const struct xfr_question *who,
                 enum peer_event what, uint32_t serial);

/* secondary.c: how a zone follows its primaries. */
/* Makes z->secondary what the configuration says, or nothing. */
void secondary_configure(struct server *s, struct server_zone *z);
void secondary_free(struct server *s, struct server_zone *z);
/* What the change log had of the zone is in (o, which it may take from), or nothing was there: from
 * now on it follows its primaries. */
void secondary_opened(struct server *s, struct server_zone *z, struct opening *o);
/* It has been opened, and follows its primaries. */
bool secondary_is_open(const struct server_zone *z);
/* A shrink limit keeps back what its primaries have. */
bool secondary_is_held(const struct server_zone *z);
/* What the log has of the zone is to be read again: nothing is asked until secondary_opened(). */
void secondary_close(struct server *s, struct server_zone *z);
/* Its data can be changed from now on. */
void secondary_ready(struct server *s, struct server_zone *z);
void secondaries_init(struct secondaries *all);
/* The clock was set back (by_us less than 0): none waits longer for that, and no data lives longer.
 * Some 0.3 us for each zone. */
void secondaries_clock(struct server *s, int64_t by_us);
/* The server ends: nothing is asked any more. */
void secondaries_end(struct server *s);
/* How it stands with each primary and with the zone's data: "primaries", "next_us" and so on. */
void secondary_describe(const struct server_zone *z, json_t *out);
/* NOTIFY has come in (RFC 1996): q->rcode is the answer. */
void notify_handle(struct server *s, struct request *q);

/* forward.c: UPDATE to a secondary (RFC 2136 s6). */
void forwards_init(struct forwards *all);
/* Those under way are given up: their channels are let go of without an answer. */
void forwards_done(struct server *s);
/* Is it an update that is to be passed on? Asked when q's message is read, before anything else:
 * its signature is not ours to check. */
bool forward_is_for(const struct server *s, const struct request *q);
/* Passes it on. True: q->rcode is the answer; false: it comes later, or the client has asked the
 * same before. */
bool forward_handle(struct server *s, struct request *q, struct exchange *x);

/* waiting.c: an UPDATE is answered, or `reevectl wait` ends, when so many secondaries have the
 * serial. */
struct waiter {
    struct list link; /* in server_zone.waiters, then in server.waiters_over */
    struct timer timer;
    struct server_zone *zone; /* NULL: over */
    uint32_t serial;
    unsigned count; /* secondaries that must have it, or all that there are */
    /* has: they have. False: the time is over, or the zone goes. The waiter is out of all lists. */
    void (*done)(struct server *s, struct waiter *w, bool has);
    bool has;
};
/* serial, count, done are set. Done at once (true, without calling done) if they have it; else done
 * is called from server_time(), or when the server ends. */
bool waiter_start(struct server *s, struct server_zone *z, struct waiter *w, int64_t until_us);
void waiter_cancel(struct server *s, struct waiter *w);
/* Some secondary of z has a newer serial, or z has other secondaries. */
void waiters_check(struct server *s, struct server_zone *z);
/* The zone goes. */
void waiters_forget(struct server *s, struct server_zone *z);
/* The server ends: nobody waits any longer. */
void waiters_end(struct server *s);

/* Refusals logged in a second; the rest is counted. */
#define REFUSED_LOGS_PER_SECOND 10

/* server.c: the memory of one request. */
void server_arena_init(struct arena *a);
/* No zone refers to them any more. */
void old_confs_free(struct server *s);
/* The configuration in force, which stays until it is released, also when there is a newer one. */
const struct conf *conf_hold(struct server *s);
void conf_release(struct server *s);

#endif

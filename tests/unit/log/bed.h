/* SPDX-License-Identifier: Apache-2.0
 * A journal to test in: a state directory of its own, commits that are waited for, changes whose
 * content follows from their number. */
#ifndef REEVE_TESTS_LOG_BED_H
#define REEVE_TESTS_LOG_BED_H

#include <pthread.h>

#include "log/journal.h"
#include "unit.h"

enum { BED_NOTICES_LEN = 65536 };

struct bed {
    char dir[128];
    struct journal_options options;
    struct journal *j;
    struct diag diag;
    pthread_mutex_t lock;
    pthread_cond_t is_done;
    unsigned wakes;
    char notices[BED_NOTICES_LEN]; /* each with its severity before it, a newline behind */
    size_t notices_len;
};

/* A directory, no journal in it yet. */
void bed_init(struct bed *b);
/* Closes the journal and removes the directory. */
void bed_done(struct bed *b);
enum err bed_try_open(struct bed *b);
void bed_open(struct bed *b);
void bed_close(struct bed *b);
/* Closes and opens. */
void bed_reopen(struct bed *b);
const char *bed_path(const struct bed *b, const char *file, char out[200]);

/* Change number seq of a zone: serial seq to seq + 1, time seq, a diff of its own of diff_len
 * bytes. The next call with the same slot overwrites its bytes. */
enum { BED_SLOTS = 64, BED_DIFF_MAX = 4096 };
struct bed_change {
    struct change change;
    char actor[40];
    uint8_t diff[BED_DIFF_MAX];
};
void bed_change_make(struct bed_change *c, uint64_t zone, uint64_t seq, size_t diff_len);
/* It is what bed_change_make() makes. */
bool bed_change_is(const struct change *c, uint64_t zone, uint64_t seq);

/* Commits and waits. */
enum err bed_commit(struct bed *b, struct journal_batch *batch);
/* Commits changes first..last of the zone in one batch of at most BED_SLOTS. */
enum err bed_append(struct bed *b, uint64_t zone, uint64_t first, uint64_t last);

/* The zone's id. */
uint64_t bed_zone(struct bed *b, const char *name);
struct name bed_name(const char *text, struct name_buf *out);
void bed_zone_get(struct bed *b, const char *name, struct journal_zone *out);

/* How many of the changes from..to (with step) are given, each checked. */
struct bed_read {
    enum err result;
    unsigned count;
    uint64_t first, last;
};
struct bed_read bed_read(struct bed *b, uint64_t zone, uint64_t from, uint64_t to, int step);

/* The lease of record number `number`, an address of a host. The next call with the same slot
 * overwrites its bytes. */
enum { BED_LEASES_MAX = 1024 };
struct bed_lease {
    struct journal_lease lease;
    uint8_t owner[24], rdata[4];
};
void bed_lease_make(struct bed_lease *l, unsigned number, int64_t expires_us, uint32_t lease_s);
/* Commits change seq of the zone with these leases; or, with bed_renew(), nothing but the
 * leases. */
enum err bed_append_leases(struct bed *b, uint64_t zone, uint64_t seq,
                           const struct bed_lease *leases, unsigned count);
enum err bed_renew(struct bed *b, uint64_t zone, uint64_t seq, const struct bed_lease *leases,
                   unsigned count);
/* All of a zone, by number; lease_s 0: the record has none. */
struct bed_leases {
    enum err result;
    unsigned count;
    uint64_t damaged;
    int64_t expires_us[BED_LEASES_MAX];
    uint32_t lease_s[BED_LEASES_MAX];
};
void bed_leases_read(struct bed *b, uint64_t zone, struct bed_leases *out);

/* A snapshot of `parts` parts, flipped at seq. */
enum err bed_snapshot(struct bed *b, uint64_t zone, uint64_t seq, uint32_t parts);

/* Runs SQL on the closed database. */
void bed_sql(const struct bed *b, const char *sql);
int64_t bed_sql_number(const struct bed *b, const char *sql);
/* Polls with a deadline until the condition holds. */
void bed_until(struct bed *b, bool (*holds)(struct bed *b));

#endif

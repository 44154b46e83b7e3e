/* SPDX-License-Identifier: Apache-2.0
 * Opening zones. The helpers log the faults of a zone file themselves, line by line as they come:
 * there may be many, and the log sink may be used from any thread. */
#include "server/opening.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/leases.h"
#include "zone/image.h"

/* Lines logged of one zone file; the rest is counted in the summary. */
#define OPENING_LINES_MAX 20
/* Bytes of what a file was that are freed at once: some 0.1 ms. */
#define OPENING_SMALL_LEN ((size_t)1 << 20)

static void empty(struct opening *o)
{
    merge_free(o->plan);
    zone_free(o->zone);
    zone_free(o->theirs);
    diff_done(&o->change);
    journal_zone_done(&o->log);
    base_release(o->base);
    base_release(o->new_base);
    lease_set_done(&o->leases);
    free(o->base_bytes);
    free(o->soa_names);
    free(o->path);
    free(o->identity);
    free(o->new_identity);
}

void opening_free(struct opening *o)
{
    if (!o)
        return;
    empty(o);
    free(o);
}

static void drop_run(struct job *t)
{
    struct opening *o = container_of(t, struct opening, job);
    empty(o);
    *o = (struct opening){.job = o->job};
}

static void drop_free(struct job *t)
{
    opening_free(container_of(t, struct opening, job));
}

static void drop_done(void *owner, struct job *t)
{
    (void)owner;
    drop_free(t);
}

static const struct job_kind drop_kind = {drop_run, drop_done, drop_free};

/* What it has may take longer to free than a turn has time. */
static bool is_large(const struct opening *o)
{
    return o->zone || o->theirs || o->plan || !lease_set_is_small(&o->leases) ||
           base_is_large(o->base) || base_is_large(o->new_base) ||
           o->base_len > OPENING_SMALL_LEN || o->log.base_len > OPENING_SMALL_LEN;
}

void opening_drop(struct helpers *h, struct opening *o)
{
    if (is_large(o))
        helpers_give(h, &o->job, &drop_kind, PACE_FIRST);
    else
        opening_free(o);
}

static void on_line(void *arg, enum master_severity severity, const char *line,
                    const char *sentence)
{
    struct opening *o = arg;
    (void)sentence;
    char zone[NAME_TEXT_MAX];
    if (o->on_line) {
        o->on_line(o->on_line_arg, severity, line);
        return;
    }
    if (o->lines++ >= OPENING_LINES_MAX)
        return;
    name_text(name_of(&o->name), zone);
    if (severity == MASTER_ERROR)
        log_error("zone file error", {"zone", zone}, {"at", line});
    else
        log_warn("zone file warning", {"zone", zone}, {"at", line});
}

static void on_identity(void *arg, char *identity)
{
    struct opening *o = arg;
    free(o->new_identity);
    o->new_identity = identity;
}

void opening_set_soa(struct opening *o, const struct conf_soa *soa)
{
    struct name_buf *names = mem_alloc((2 + (size_t)soa->ns_count) * sizeof(*names));
    names[0] = soa->mname;
    names[1] = soa->rname;
    memcpy(names + 2, soa->ns, soa->ns_count * sizeof(*names));
    o->soa_names = names;
    o->soa = (struct made_soa){
        .mname = name_of(&names[0]),
        .rname = name_of(&names[1]),
        .ns = names + 2,
        .ns_count = soa->ns_count,
        .refresh = soa->refresh,
        .retry = soa->retry,
        .expire = soa->expire,
        .minimum = soa->minimum,
        .ttl = soa->ttl,
    };
}

/* What stands for a file's identity where there is none: all that the zone is made from. */
static char *soa_identity(const struct made_soa *soa)
{
    size_t cap = (3 + (size_t)soa->ns_count) * NAME_TEXT_MAX;
    char *text = mem_alloc(cap);
    struct text t;
    text_init(&t, text, cap);
    text_fmt(&t, "soa %u %u %u %u %u", soa->refresh, soa->retry, soa->expire, soa->minimum,
             soa->ttl);
    for (unsigned i = 0; i < 2 + soa->ns_count; i++) {
        text_char(&t, ' ');
        name_show(i == 0 ? soa->mname : i == 1 ? soa->rname : name_of(&soa->ns[i - 2]), &t);
    }
    return text;
}

/* The zone as its file, or its `soa`, has it; NULL with a sentence. */
static struct zone *source_read(struct opening *o)
{
    struct load_sink sink = {.arg = o, .line = on_line, .identity = on_identity};
    if (!o->path && !o->soa_names) {
        err_say(&o->diag, ERR_INVALID, "nothing has come from its primaries so far");
        return NULL;
    }
    if (!o->path) {
        o->new_identity = soa_identity(&o->soa);
        o->soa.serial = serial_next(0, o->serial, clock_wall_us());
        return zone_from_soa(name_of(&o->name), &o->soa);
    }
    return load_zone_file(name_of(&o->name), o->path, &o->limits, &sink, &o->result, &o->diag);
}

/* Whether what the identity was made from is what is there now. */
static bool source_is_same(struct opening *o, const char *identity)
{
    size_t len = o->path ? strlen(o->path) : 0;
    if (!identity)
        return false;
    if (o->path) /* it begins with the zone file's path, which may be another one now */
        return strncmp(identity, o->path, len) == 0 && identity[len] == ' ' &&
               load_source_is_same(identity);
    char *now = soa_identity(&o->soa);
    bool is_same = strcmp(now, identity) == 0;
    free(now);
    return is_same;
}

/* The same, with what the next merge starts from; a file that is broken is to be read again. */
static struct zone *source_take(struct opening *o)
{
    struct zone *z = source_read(o);
    if (z) {
        o->new_base = base_make(z->published);
        if (o->has_history)
            o->base_bytes = base_write(o->new_base, &o->base_len);
        return z;
    }
    o->has_failed = true;
    free(o->new_identity);
    o->new_identity = NULL;
    return NULL;
}

/* --- from the change log --- */

struct replay {
    struct txn *txn;
    struct diag *diag;
    enum err result;
    uint64_t seq;
};

static bool on_change(void *arg, const struct change *c)
{
    struct replay *r = arg;
    struct diff_bytes d = {c->diff, c->diff_len, c->added_at};
    r->result = txn_apply(r->txn, &d, r->diag);
    r->seq = c->seq;
    return r->result == OK;
}

static enum err snapshot_read(struct opening *o, struct journal *j, struct txn *t)
{
    for (uint32_t part = 0; part < o->log.snapshot_parts; part++) {
        uint8_t *bytes = NULL;
        size_t len;
        enum err e = journal_snapshot_read(j, o->log.snapshot, part, &bytes, &len, &o->diag);
        if (e == OK)
            e = image_load(t, bytes, len, &o->diag);
        free(bytes);
        if (e != OK)
            return err_note(&o->diag, e, "snapshot, part %u", part);
    }
    return OK;
}

static enum err changes_read(struct opening *o, struct journal *j, struct txn *t)
{
    struct replay r = {.txn = t, .diag = &o->diag, .seq = o->log.snapshot_seq};
    struct journal_range range = {
        .zone = o->log.id, .from = o->log.snapshot_seq + 1, .to = o->log.seq_last, .step = 1};
    if (o->log.seq_last <= o->log.snapshot_seq)
        return OK;
    enum err e = journal_read(j, &range, on_change, &r, &o->diag);
    if (e == OK && r.result != OK)
        e = err_note(&o->diag, r.result, "change %llu", (unsigned long long)r.seq);
    return e;
}

struct leases_read {
    struct opening *o;
    const struct version *version;
    uint64_t damaged;
};

static bool on_lease(void *arg, const struct journal_lease *row)
{
    struct leases_read *r = arg;
    struct lease lease = {row->owner, row->type, row->rdata, row->expires_us, row->lease_s};
    if (!rdata_check(row->type, row->rdata, NULL)) {
        r->damaged++;
        return true;
    }
    if (r->o->is_secondary || !leases_has_record(r->version, row->owner, row->type, row->rdata))
        lease.expires_us = 0; /* its row is dropped like that of one that is over */
    lease_set_put(&r->o->leases, &lease);
    return true;
}

static enum err leases_read(struct opening *o, struct journal *j, const struct version *v)
{
    struct leases_read r = {.o = o, .version = v};
    uint64_t damaged = 0;
    char zone[NAME_TEXT_MAX];
    lease_set_init(&o->leases, o->lease_key);
    enum err e = journal_leases(j, o->log.id, on_lease, &r, &damaged, &o->diag);
    if (damaged + r.damaged > 0)
        log_error("leases in the change log are damaged, their records stay",
                  {"zone", name_text(name_of(&o->name), zone)},
                  {"leases", LOG_U64(damaged + r.damaged)});
    return e;
}

/* The zone as the log has it: snapshot and what was changed since. NULL with a sentence. */
static struct zone *state_read(struct opening *o, struct journal *j)
{
    o->is_passing = false;
    struct zone *z = zone_new(name_of(&o->name), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    enum err e = snapshot_read(o, j, t);
    if (e == OK)
        e = changes_read(o, j, t);
    if (e != OK) {
        txn_abort(&t);
        zone_free(z);
        o->is_passing = e != ERR_INVALID; /* what is damaged stays so */
        return NULL;
    }
    zone_publish(z, txn_seal(&t, NULL));
    o->result.records = z->published->record_count;
    if (leases_read(o, j, z->published) == OK)
        return z;
    o->is_passing = true;
    zone_free(z);
    return NULL;
}

/* --- merging --- */

void opening_log_conflict(void *zone_name_text, const struct merge_conflict *c)
{
    char owner[NAME_TEXT_MAX], type[16], ours[256], theirs[256];
    struct rrset sets[] = {c->ours, c->theirs};
    char *texts[] = {ours, theirs};
    for (unsigned i = 0; i < ARRAY_LEN(sets); i++) {
        struct text t;
        text_init(&t, texts[i], sizeof(ours));
        if (!sets[i].count)
            text_add(&t, "none");
        for (struct rdata r = rrset_first(sets[i]); r.bytes && !t.bad; r = rrset_next(sets[i], r)) {
            text_add(&t, t.at > t.start ? " | " : "");
            rdata_show(sets[i].type, r, &t);
        }
    }
    log_warn("zone file and updates differ, the file wins", {"zone", zone_name_text},
             {"name", name_text(c->owner, owner)},
             {"type", rrtype_text(c->covered ? c->covered : c->type, type)}, {"file", theirs},
             {"update", ours});
}

bool opening_is_shrinking(struct opening *o, uint64_t before, uint64_t after)
{
    uint64_t lost = before > after ? before - after : 0;
    char zone[NAME_TEXT_MAX];
    if (!o->shrink_percent || lost * 100 <= before * o->shrink_percent)
        return false;
    o->is_held = o->has_failed = true;
    name_text(name_of(&o->name), zone);
    err_say(&o->diag, ERR_INVALID,
            "held back: the zone file takes away %llu of %llu records, more than the shrink limit "
            "of %u%%; `reevectl transfer %s --force` takes it",
            (unsigned long long)lost, (unsigned long long)before, o->shrink_percent, zone);
    return true;
}

/* The same of a plan that is not carried out. */
static bool is_plan_shrinking(struct opening *o, const struct merge *plan, const struct version *v)
{
    int64_t after = (int64_t)v->record_count + merge_growth(plan);
    return opening_is_shrinking(o, v->record_count, after > 0 ? (uint64_t)after : 0);
}

/* The file's news become a version on top of what the log had. */
static void merge_into(struct opening *o, struct zone *z, const struct base *base)
{
    char text[NAME_TEXT_MAX];
    struct merge_sink sink = {.arg = text, .conflict = opening_log_conflict};
    struct merge *plan = merge_plan(base, o->theirs->published, z->published);
    name_text(name_of(&o->name), text);
    if (!is_plan_shrinking(o, plan, z->published) && merge_count(plan) > 0) {
        struct txn *t = txn_begin(z, TXN_CHANGE);
        (void)merge_apply_some(plan, t, SIZE_MAX, o->serial, clock_wall_us(), &sink, &o->merged);
        if (txn_is_touched(t)) {
            (void)txn_seal(&t, &o->change);
            o->has_change = true;
        } else {
            txn_abort(&t);
        }
    }
    merge_free(plan);
}

/* The zone has all of the file already. False: the log does not know that; it is tried again. */
static bool note_source(struct opening *o, struct journal *j)
{
    struct journal_source source = {o->new_identity ? o->new_identity : "", o->base_bytes,
                                    o->base_len};
    enum err e = journal_zone_set_source(j, o->log.id, &source, &o->diag);
    if (e == OK)
        return true;
    err_note(&o->diag, e, "the change log did not take that the zone file was read");
    o->has_failed = o->is_passing = true;
    return false;
}

static void merge_source(struct opening *o, struct journal *j, struct zone *z)
{
    struct diag diag = {0};
    const struct base *base = NULL;
    struct base *read = NULL;
    if (o->log.base && base_read(o->log.base, o->log.base_len, &read, &diag) != OK)
        log_error("what was known of the last zone file is damaged, all of the file counts as new",
                  {"file", o->path}, {"reason", diag.text});
    base = read;
    if (source_is_same(o, o->log.identity) && base) {
        o->is_unchanged = true;
        o->new_base = base;
        o->new_identity = o->log.identity;
        o->log.identity = NULL;
        return;
    }
    o->theirs = source_take(o);
    if (o->theirs)
        merge_into(o, z, base);
    if (o->theirs && !o->is_held && (o->has_change || note_source(o, j))) {
        o->base = base;
    } else {
        /* the file is broken, held back, or not noted: what was known of it before stays */
        base_release(o->new_base);
        o->new_base = base;
        free(o->new_identity);
        o->new_identity = NULL;
    }
    zone_free(o->theirs);
    o->theirs = NULL;
}

/* It is in use again, and a primary: when it was removed, or asked its primaries as a secondary, is
 * of no account any more. */
static void forget_past(const struct opening *o, struct journal *j)
{
    const struct journal_checked none = {.zone = o->log.id};
    if (o->log.removed_us)
        (void)journal_zone_set_removed(j, o->log.id, 0, NULL);
    if (o->log.checked_us)
        (void)journal_zones_set_checked(j, &none, 1, NULL);
}

static void open_with_history(struct opening *o)
{
    struct journal *j = state_open(o->state, &o->diag);
    enum err e = j ? journal_zone_make(j, name_of(&o->name), &o->log, &o->diag) : ERR_IO;
    if (e != OK)
        o->has_failed = o->is_passing = true;
    if (e != OK && j && journal_zone_get(j, name_of(&o->name), &o->log, NULL) == ERR_ABSENT)
        /* the log knows nothing of it and cannot be told of it now: no updates, but its file */
        o->zone = source_read(o);
    if (e != OK)
        return;
    forget_past(o, j);
    if (o->log.snapshot == 0) {
        o->zone = source_take(o);
        return;
    }
    o->zone = state_read(o, j);
    if (o->zone)
        merge_source(o, j, o->zone);
    else
        o->has_failed = true;
}

/* What the log has of a copy is damaged: it goes, and the zone is transferred anew. */
static void forget(struct opening *o, struct journal *j)
{
    char zone[NAME_TEXT_MAX];
    struct diag why = o->diag;
    if (journal_zone_forget(j, o->log.id, &o->diag) != OK) {
        o->has_failed = o->is_passing = true;
        return;
    }
    o->is_damaged = why.text[0] != '\0';
    if (o->is_damaged)
        log_error("what the change log has of the zone is damaged, it is transferred anew",
                  {"zone", name_text(name_of(&o->name), zone)}, {"reason", why.text});
    o->diag.text[0] = '\0';
    o->log.seq_last = o->log.seq_first = o->log.snapshot = o->log.replay_bytes = 0;
    o->log.checked_us = 0;
    o->log.expire_s = 0;
}

/* A secondary comes from the log, or is to be transferred. What was known of the file that it may
 * have had as a primary counts no more. */
static void open_secondary(struct opening *o)
{
    struct journal *j = state_open(o->state, &o->diag);
    enum err e = !j        ? ERR_IO
                 : o->live ? journal_zone_set_source(j, o->log.id, NULL, &o->diag)
                           : journal_zone_make(j, name_of(&o->name), &o->log, &o->diag);
    if (e == OK && o->log.identity)
        e = journal_zone_set_source(j, o->log.id, NULL, &o->diag);
    if (e == OK && o->log.removed_us)
        (void)journal_zone_set_removed(j, o->log.id, 0, NULL);
    if (e != OK)
        o->has_failed = o->is_passing = true;
    if (e != OK || o->live)
        return;
    free(o->log.identity);
    o->log.identity = NULL;
    if (o->log.snapshot)
        o->zone = state_read(o, j);
    if (o->log.snapshot ? !o->zone && !o->is_passing : o->log.seq_first != 0)
        forget(o, j);
    else
        o->has_failed = o->log.snapshot && !o->zone;
}

/* The zone is live: what is new in the file, if anything. */
static void reopen(struct opening *o)
{
    if (source_is_same(o, o->identity)) {
        o->is_unchanged = true;
        return;
    }
    o->theirs = source_take(o);
    if (o->theirs)
        o->plan = merge_plan(o->base, o->theirs->published, o->live);
    if (o->plan && is_plan_shrinking(o, o->plan, o->live)) {
        merge_free(o->plan);
        o->plan = NULL;
    }
}

void opening_run(struct opening *o)
{
    int64_t start = clock_mono_us();
    if (o->is_secondary)
        open_secondary(o);
    else if (o->live)
        reopen(o);
    else if (o->has_history)
        open_with_history(o);
    else {
        o->zone = source_read(o);
        o->has_failed = !o->zone;
    }
    o->took_us = clock_mono_us() - start;
}

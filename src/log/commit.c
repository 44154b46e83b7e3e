/* SPDX-License-Identifier: Apache-2.0
 * A batch becomes one transaction.
 *
 * Every change is held against the newest of its zone as it stands inside the transaction, so what
 * another server or an earlier change of the batch wrote is seen (compare and swap). What becomes
 * of a batch whose commit fails stands in revive.c. */
#include "log/journal_int.h"

#include "base/check.h"
#include "base/clock.h"

/* What the caller promises of each change; change_read() holds rows against the same. */
static void change_check_sane(const struct change *c)
{
    ASSERT(c->zone && c->seq < INT64_MAX);
    ASSERT(c->added_at <= c->diff_len);
    ASSERT(!c->source || c->source->identity);
    ASSERT(!c->lease_count || c->leases);
    if (c->has_no_row)
        ASSERT((c->lease_count || c->source) && !c->diff_len);
    else
        ASSERT(c->seq);
}

static enum err head_get(struct sql *c, uint64_t zone, struct head *out, struct diag *diag)
{
    struct zone_row z;
    enum err e = zone_row_by_id(c, zone, &z, diag);
    if (e == ERR_ABSENT)
        return err_say(diag, ERR_INVALID, "no zone has number %llu", (unsigned long long)zone);
    return e == OK ? head_find(c, &z, out, diag) : e;
}

static enum err append(struct sql *c, const struct change *change, const struct head *head,
                       struct diag *diag)
{
    if (change->diff_len > ROW_BYTES_MAX)
        return err_say(diag, ERR_INVALID, "a change of %zu bytes is too large", change->diff_len);
    if (change->seq != head->seq + 1)
        return err_say(diag, ERR_INVALID, "change %llu does not follow change %llu",
                       (unsigned long long)change->seq, (unsigned long long)head->seq);
    if (head->has_serial && change->serial_from != head->serial)
        return err_say(diag, ERR_INVALID, "change %llu goes from serial %u, the newest has %u",
                       (unsigned long long)change->seq, change->serial_from, head->serial);
    return change_put(c, change, diag);
}

/* What leaves no row behind is held against the newest change all the same. */
static enum err follow(const struct change *change, const struct head *head, struct diag *diag)
{
    if (change->seq == head->seq)
        return OK;
    return err_say(diag, ERR_INVALID,
                   "leases or a source as of change %llu do not follow change %llu",
                   (unsigned long long)change->seq, (unsigned long long)head->seq);
}

static enum err append_leases(struct journal *j, const struct change *change, struct diag *diag)
{
    enum err e = OK;
    for (unsigned i = 0; e == OK && i < change->lease_count; i++)
        e = lease_change(&j->sql, change->zone, &change->leases[i], &j->undo, diag);
    return e;
}

static enum err append_all(struct journal *j, const struct journal_batch *batch, struct diag *diag)
{
    struct sql *c = &j->sql;
    struct head head = {0};
    uint64_t zone = 0;
    enum err e = OK;
    for (unsigned i = 0; e == OK && i < batch->count; i++) {
        const struct change *change = &batch->changes[i];
        change_check_sane(change);
        if (change->zone != zone)
            e = head_get(c, change->zone, &head, diag);
        if (e == OK)
            e = change->has_no_row ? follow(change, &head, diag) : append(c, change, &head, diag);
        if (e == OK && change->source)
            e = source_put(c, change->zone, change->source, diag);
        if (e == OK)
            e = append_leases(j, change, diag);
        zone = change->zone;
        if (!change->has_no_row)
            head = (struct head){change->seq, change->serial_to, true};
    }
    return e;
}

static enum err is_there(struct sql *c, const struct change *change)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_GET);
    sqlite3_bind_int64(s, 1, (int64_t)change->zone);
    sqlite3_bind_int64(s, 2, (int64_t)change->seq);
    enum err e = sql_row(c, s, NULL, "change");
    sqlite3_reset(s);
    return e;
}

/* One that has a row; NULL: nothing but leases and sources, of which nobody can tell whether they
 * are as they are because of the batch. */
static const struct change *witness(const struct journal_batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (!batch->changes[i].has_no_row)
            return &batch->changes[i];
    return NULL;
}

/* The rule at the top of revive.c. */
static enum err decide(struct journal *j, const struct journal_batch *batch, enum err failed)
{
    const struct change *one = witness(batch); /* all or none: one transaction */
    enum err there = revive_now(j, NULL);
    if (there == OK)
        there = one ? is_there(&j->sql, one) : ERR_IO;
    if (there == ERR_ABSENT)
        return failed;
    if (there == OK && revive_settle(j, NULL) == OK)
        return OK;
    revive_doubt_grow(j, batch);
    if (j->sql.is_broken)
        revive_drop(j);
    return failed;
}

static enum err commit(struct journal *j, struct journal_batch *batch)
{
    struct sql *c = &j->sql;
    lease_undo_start(&j->undo);
    enum err e = sql_begin(c, &batch->diag);
    if (e == OK)
        e = sql_end(c, append_all(j, batch, &batch->diag), &batch->diag);
    if (e == OK || !c->is_broken)
        return e;
    if (e == ERR_INVALID) /* damage is not the batch's fault */
        e = ERR_IO;
    return decide(j, batch, e);
}

uint32_t commit_run(struct journal *j, struct journal_batch *batch)
{
    ASSERT(batch->count);
    uint32_t pages = 0;
    int64_t start_us = clock_mono_us();
    batch->diag.text[0] = '\0';
    enum err e = journal_enter(j, NEED_WRITE, &batch->diag);
    bool is_disk = e != OK;
    if (e == OK) {
        e = commit(j, batch);
        is_disk = e != OK && e != ERR_INVALID;
        pages = j->sql.wal_pages;
        journal_leave(j);
    } else if (e == ERR_INVALID) {
        e = ERR_IO;
    }
    batch->result = e;
    batch->took_us = clock_mono_us() - start_us;
    if (is_disk || !j->health.is_well) /* this thread alone sets it */
        journal_set_health(j, is_disk ? e : OK, &batch->diag);
    return pages;
}

void commit_probe(struct journal *j)
{
    struct diag why;
    enum err e = journal_enter(j, NEED_WRITE, &why);
    if (e == OK) {
        e = sql_run(&j->sql, sql_stmt(&j->sql, STMT_PROBE), &why, "change log");
        journal_leave(j);
    }
    journal_set_health(j, e, &why);
}

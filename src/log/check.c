/* SPDX-License-Identifier: Apache-2.0
 * Looking at every row: sums, numbers, serials, parts. What a start does before it trusts the
 * database and what `reevectl journal check` asks for.
 *
 * The gate is left between pieces: a zone may have another snapshot, and less history, than when
 * its row was read. Before anything is said to be missing the row is read again. */
#include "log/journal_int.h"

#include <string.h>

#include "base/check.h"

struct checking {
    struct journal *j;
    struct fault_sink *sink;
    struct journal_check *sums;
    struct zone_row zone;
    char name[NAME_TEXT_MAX];
    uint64_t at; /* the change to look at next */
};

/* Damage is a fault to be told; other failures end the check. */
static enum err fault_or(struct checking *k, enum err e, const struct diag *diag)
{
    if (e != ERR_INVALID)
        return e;
    fault_say(k->sink, "%s%s%s", k->name, k->name[0] ? ": " : "", diag->text);
    return OK;
}

/* The zone's row as it is now, and its oldest change (0: it has none). */
static enum err read_again(struct checking *k, uint64_t *first, struct diag *diag)
{
    enum err e = journal_enter(k->j, NEED_READ, diag);
    if (e != OK)
        return e;
    e = zone_row_by_id(&k->j->sql, k->zone.id, &k->zone, diag);
    sqlite3_stmt *s = sql_stmt(&k->j->sql, STMT_CHANGE_FIRST);
    sqlite3_bind_int64(s, 1, (int64_t)k->zone.id);
    enum err found = e == OK ? sql_row(&k->j->sql, s, diag, "reading changes") : e;
    *first = found == OK ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    journal_leave(k->j);
    return found == ERR_ABSENT ? e : found;
}

/* ERR_ABSENT: it is not there. */
static enum err check_part(struct checking *k, uint32_t part, struct diag *diag)
{
    struct bytes b;
    enum err e = journal_enter(k->j, NEED_READ, diag);
    if (e != OK)
        return e;
    e = part_get(&k->j->sql, k->zone.snapshot, part, &b, diag);
    if (e == OK) {
        k->sums->parts++;
        k->sums->bytes += b.len;
        (void)sql_stmt(&k->j->sql, STMT_PART_GET);
    }
    journal_leave(k->j);
    return fault_or(k, e, diag);
}

/* ERR_CANCELED: the zone has another snapshot by now. */
static enum err miss_part(struct checking *k, uint32_t part, struct diag *diag)
{
    uint64_t snapshot = k->zone.snapshot, first;
    enum err e = read_again(k, &first, diag);
    if (e == OK && k->zone.snapshot != snapshot)
        return ERR_CANCELED;
    if (e == OK)
        e = err_say(diag, ERR_INVALID, "part %u of snapshot %llu is missing", part,
                    (unsigned long long)snapshot);
    return fault_or(k, e, diag);
}

static enum err check_parts(struct checking *k, struct diag *diag)
{
    enum err e = OK;
    uint64_t faults = k->sink->count;
    for (uint32_t i = 0;
         e == OK && k->zone.snapshot && i < k->zone.snapshot_parts && k->sink->count == faults;
         i++) {
        e = check_part(k, i, diag);
        if (e == ERR_ABSENT)
            e = miss_part(k, i, diag);
    }
    return e;
}

static enum err check_snapshot(struct checking *k, struct diag *diag)
{
    enum err e;
    do
        e = check_parts(k, diag);
    while (e == ERR_CANCELED);
    return e;
}

static bool on_change(void *arg, const struct change *c)
{
    struct checking *k = arg;
    const struct zone_row *z = &k->zone;
    k->sums->changes++;
    k->sums->bytes += c->diff_len;
    if (z->snapshot && c->seq == z->snapshot_seq && c->serial_to != z->snapshot_serial)
        fault_say(k->sink, "%s: the snapshot has serial %u, its change %llu leads to %u", k->name,
                  z->snapshot_serial, (unsigned long long)c->seq, c->serial_to);
    if (z->snapshot && c->seq == z->snapshot_seq + 1 && c->serial_from != z->snapshot_serial)
        fault_say(k->sink, "%s: the snapshot has serial %u, change %llu goes from %u", k->name,
                  z->snapshot_serial, (unsigned long long)c->seq, c->serial_from);
    k->at = c->seq + 1;
    return true;
}

/* From k->at on; what is trimmed before it is read is none that is missing. */
static enum err check_rows(struct checking *k, struct diag *diag)
{
    for (;;) {
        struct journal_range range = {k->zone.id, k->at, INT64_MAX, 1};
        struct diag own = {0};
        uint64_t first;
        enum err e = journal_read(k->j, &range, on_change, k, diag);
        if (e != ERR_INVALID || read_again(k, &first, &own) != OK || first <= k->at)
            return e;
        k->at = first;
    }
}

/* All that are there have to follow one another, and reach down to the snapshot (or to the first
 * change of all). */
static enum err check_changes(struct checking *k, struct diag *diag)
{
    uint64_t first;
    enum err e = read_again(k, &first, diag);
    if (e != OK || first == 0)
        return fault_or(k, e, diag);
    if (first > k->zone.snapshot_seq + 1)
        fault_say(k->sink, "%s: changes %llu to %llu are missing", k->name,
                  (unsigned long long)k->zone.snapshot_seq + 1, (unsigned long long)first - 1);
    k->at = first;
    e = check_rows(k, diag);
    if (e == ERR_INVALID && k->at <= k->zone.snapshot_seq) {
        /* the rest, which matters more, from the snapshot on */
        fault_say(k->sink, "%s: %s", k->name, diag->text);
        k->at = k->zone.snapshot_seq + 1;
        e = check_rows(k, diag);
    }
    return fault_or(k, e, diag);
}

static void count_leases(struct checking *k, const struct lease_slice *slice)
{
    k->sums->leases += slice->count;
    k->sums->bytes += slice->len;
    for (unsigned i = 0; i < slice->damaged; i++)
        fault_say(k->sink, "%s: the lease of a record is damaged", k->name);
}

static enum err check_leases(struct checking *k, struct diag *diag)
{
    struct lease_slice *slice = lease_slice_new(k->zone.id);
    enum err e = OK;
    while (e == OK) {
        e = journal_enter(k->j, NEED_READ, diag);
        if (e != OK)
            break;
        e = lease_slice_next(&k->j->sql, slice, diag);
        journal_leave(k->j);
        if (e == OK)
            count_leases(k, slice);
    }
    lease_slice_free(slice);
    return e == ERR_ABSENT ? OK : fault_or(k, e, diag);
}

static enum err check_zone(struct checking *k, struct diag *diag)
{
    struct journal_zone z;
    k->sums->zones++;
    zone_row_text(&k->zone, k->name);
    enum err e = journal_zone_get(k->j, name_of(&k->zone.name), &z, diag);
    if (e != OK)
        return fault_or(k, e, diag);
    k->sums->bytes += z.base_len;
    journal_zone_done(&z);
    e = check_snapshot(k, diag);
    if (e == OK)
        e = check_leases(k, diag);
    return e == OK ? check_changes(k, diag) : e;
}

static enum err next_zone(struct checking *k, struct diag *diag)
{
    enum err e = journal_enter(k->j, NEED_READ, diag);
    if (e != OK)
        return e;
    e = zone_row_after(&k->j->sql, k->zone.id, &k->zone, diag);
    journal_leave(k->j);
    return e;
}

static enum err check_structure(struct checking *k, struct diag *diag)
{
    if (files_size(k->j->path) > STRUCTURE_BYTES_MAX)
        return OK;
    enum err e = journal_enter(k->j, NEED_READ, diag);
    if (e != OK)
        return e;
    e = sql_structure(&k->j->sql, k->sink, diag);
    journal_leave(k->j);
    return e;
}

enum err check_all(struct journal *j, struct fault_sink *sink, struct journal_check *out,
                   struct diag *diag)
{
    struct diag own = {0};
    struct checking k = {.j = j, .sink = sink, .sums = out};
    *out = (struct journal_check){0};
    enum err e = check_structure(&k, &own);
    while (e == OK && (e = next_zone(&k, &own)) == OK)
        if ((e = check_zone(&k, &own)) == ERR_ABSENT)
            e = OK; /* forgotten meanwhile */
    k.name[0] = '\0';
    e = fault_or(&k, e == ERR_ABSENT ? OK : e, &own); /* a damaged zone row ends it */
    out->faults = sink->count;
    return e == OK ? OK : err_say(diag, e, "%s", own.text);
}

enum err journal_check(struct journal *j, void (*fault)(void *arg, const char *sentence), void *arg,
                       struct journal_check *out, struct diag *diag)
{
    return check_all(j, &(struct fault_sink){.fn = fault, .arg = arg}, out, diag);
}

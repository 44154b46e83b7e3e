/* SPDX-License-Identifier: Apache-2.0
 * Looking at every row: sums, numbers, serials, parts. What a start does before it trusts the
 * database and what `reevectl journal check` asks for. */
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
    if (e == ERR_ABSENT)
        e = err_say(diag, ERR_INVALID, "part %u of snapshot %llu is missing", part,
                    (unsigned long long)k->zone.snapshot);
    return fault_or(k, e, diag);
}

static enum err check_snapshot(struct checking *k, struct diag *diag)
{
    enum err e = OK;
    uint64_t faults = k->sink->count;
    for (uint32_t i = 0;
         e == OK && k->zone.snapshot && i < k->zone.snapshot_parts && k->sink->count == faults; i++)
        e = check_part(k, i, diag);
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

/* All that are there have to follow one another, and reach down to the snapshot (or to the first
 * change of all). */
static enum err check_changes(struct checking *k, const struct journal_zone *z, struct diag *diag)
{
    struct journal_range range = {k->zone.id, z->seq_first, INT64_MAX, 1};
    if (z->seq_first == 0)
        return OK;
    if (z->seq_first > k->zone.snapshot_seq + 1)
        fault_say(k->sink, "%s: changes %llu to %llu are missing", k->name,
                  (unsigned long long)k->zone.snapshot_seq + 1,
                  (unsigned long long)z->seq_first - 1);
    k->at = z->seq_first;
    enum err e = journal_read(k->j, &range, on_change, k, diag);
    if (e == ERR_INVALID && k->at <= k->zone.snapshot_seq) {
        /* the rest, which matters more, from the snapshot on */
        fault_say(k->sink, "%s: %s", k->name, diag->text);
        range.from = k->zone.snapshot_seq + 1;
        e = journal_read(k->j, &range, on_change, k, diag);
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
    return e == OK ? check_changes(k, &z, diag) : e;
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
        e = check_zone(&k, &own);
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

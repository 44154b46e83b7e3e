/* SPDX-License-Identifier: Apache-2.0
 * Forgetting a zone: first its snapshot counts no more, in one transaction, so that from then on
 * nothing of it is read as its data; then its changes go, the oldest first, in the steps that
 * trim.c takes. A kill in between leaves changes without a snapshot, which forgetting it again
 * removes. */
#include "log/journal_int.h"

/* The row as a new zone has it, but for what the configuration says. */
static enum err row_clear(struct sql *c, uint64_t zone, struct diag *diag)
{
    struct zone_row row;
    enum err e = zone_row_by_id(c, zone, &row, diag);
    if (e != OK || !row.snapshot)
        return e;
    e = snapshot_drop(c, row.snapshot, diag);
    row.snapshot = row.snapshot_seq = 0;
    row.snapshot_parts = row.snapshot_serial = 0;
    return e == OK ? zone_row_put(c, &row, diag) : e;
}

static enum err begin(struct journal *j, uint64_t zone, struct diag *diag)
{
    enum err e = journal_enter(j, NEED_WRITE_IN_PLACE, diag);
    if (e != OK)
        return e;
    e = sql_begin(&j->sql, diag);
    if (e == OK)
        e = sql_end(&j->sql, row_clear(&j->sql, zone, diag), diag);
    trim_forget(j, zone);
    j->has_garbage = true;
    journal_leave(j);
    journal_want_steps(j);
    return e;
}

enum err journal_zone_forget(struct journal *j, uint64_t zone, struct diag *diag)
{
    const struct trim_cut all = {.zone = zone, .at = INT64_MAX, .bytes = UINT64_MAX};
    enum err e = begin(j, zone, diag);
    while (e == OK) {
        e = journal_enter(j, NEED_WRITE, diag);
        if (e != OK)
            return e;
        e = trim_cut_step(j, &all);
        journal_leave(j);
    }
    if (e != OK && e != ERR_ABSENT)
        return err_say(diag, e, "the zone's old changes could not be removed");
    return e == ERR_ABSENT ? OK : e;
}

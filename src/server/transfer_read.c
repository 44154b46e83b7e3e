/* SPDX-License-Identifier: Apache-2.0
 * Reading steps from the change log. Rows of the log may go while it is read (history is trimmed)
 * or be damaged: then the row of steps has an end before its end, and the transfer breaks off. The
 * next one knows (`unreadable`), so that a client is not given the same again and again. */
#include "server/transfer_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/txn.h"

enum transfer_form transfer_form_of(const struct transfer_size *size)
{
    bool is_much = size->steps >= TRANSFER_CONDENSE_STEPS || size->bytes >= TRANSFER_CONDENSE_BYTES;
    bool is_beyond = size->bytes > size->zone_bytes;
    bool may = size->steps > 1 && size->bytes <= TRANSFER_CONDENSE_ALL &&
               size->largest <= TRANSFER_CONDENSE_MAX;
    if ((is_much || is_beyond) && may)
        return TRANSFER_CONDENSED;
    return is_beyond ? TRANSFER_WHOLE : TRANSFER_AS_MADE;
}

static enum transfer_read_end say(struct transfer_read *r, enum transfer_read_end end,
                                  const char *why)
{
    err_say(&r->diag, ERR_ABSENT, "%s", why);
    return end;
}

static bool is_stopped(const struct transfer_read *r)
{
    return atomic_load(r->is_ending) || atomic_load(&r->is_unwanted);
}

/* --- condensing --- */

static enum transfer_read_end too_large(struct transfer_read *r)
{
    xfr_steps_done(&r->steps);
    return say(r, TRANSFER_READ_USELESS, "differences larger than the zone");
}

/* One step in place of `all`, which may be r->steps, of a row that has so many bytes in all; false:
 * it is none that is sent, and nothing has changed. */
static bool condense(struct transfer_read *r, const struct xfr_steps *all, uint64_t bytes)
{
    uint64_t max = bytes > r->zone_bytes ? r->zone_bytes : bytes / TRANSFER_CONDENSE_SHARE;
    if (max > TRANSFER_CONDENSE_MAX / TRANSFER_CONDENSE_SHARE)
        max = TRANSFER_CONDENSE_MAX / TRANSFER_CONDENSE_SHARE;
    struct xfr_step *one = xfr_condense(all);
    if (!one || one->diff.len > max) {
        xfr_step_release(one);
        return false;
    }
    xfr_steps_done(&r->steps);
    xfr_steps_add(&r->steps, one);
    return true;
}

/* Steps that are in memory. */
static enum transfer_read_end condense_held(struct transfer_read *r)
{
    r->is_condensed = condense(r, &r->held, r->held.bytes);
    if (!r->is_condensed && r->held.bytes > r->zone_bytes)
        return too_large(r);
    return TRANSFER_READ_LAST;
}

/* --- the log --- */

static bool begins_with_soa(const uint8_t *bytes, size_t len)
{
    size_t owner = 0;
    while (owner < len && bytes[owner])
        owner += 1u + bytes[owner];
    return len - owner > 2 && owner < len && get_u16(bytes + owner + 1) == TYPE_SOA;
}

/* A change of which IXFR can make a difference sequence: it has the SOAs that frame one. */
static bool is_step(const struct change *c)
{
    return c->serial_from != c->serial_to && c->added_at <= c->diff_len &&
           begins_with_soa(c->diff, c->added_at) &&
           begins_with_soa(c->diff + c->added_at, c->diff_len - c->added_at);
}

static void step_add(struct transfer_read *r, const struct change *c)
{
    struct diff d = {
        .bytes = mem_alloc(c->diff_len),
        .len = c->diff_len,
        .added_at = c->added_at,
        .removed_count = c->removed_count,
        .added_count = c->added_count,
        .serial_from = c->serial_from,
        .serial_to = c->serial_to,
    };
    memcpy(d.bytes, c->diff, c->diff_len);
    xfr_steps_add(&r->steps, xfr_step_new(&d));
    r->serial = c->serial_to;
    r->seq = c->seq;
}

static bool on_change(void *arg, const struct change *c)
{
    struct transfer_read *r = arg;
    if (c->serial_from != r->serial || !is_step(c)) {
        r->end = say(r, TRANSFER_READ_FAILED, "changes in the log do not follow one another");
        return false;
    }
    step_add(r, c);
    return r->steps.bytes < r->window && !is_stopped(r);
}

static enum transfer_read_end read_window(struct transfer_read *r, struct journal *j,
                                          uint64_t window)
{
    r->window = window;
    struct journal_range range = {r->log_id, r->seq + 1, r->until, 1};
    r->end = TRANSFER_READ_MORE;
    enum err e = journal_read(j, &range, on_change, r, &r->diag);
    if (e != OK || r->end == TRANSFER_READ_FAILED)
        return TRANSFER_READ_FAILED;
    if (r->seq < r->until && r->steps.bytes < r->window)
        return say(r, TRANSFER_READ_FAILED, "changes are not in the log any more");
    if (r->seq == r->until && r->serial != r->serial_to)
        return say(r, TRANSFER_READ_FAILED, "the log leads to another serial");
    return r->seq == r->until ? TRANSFER_READ_LAST : TRANSFER_READ_MORE;
}

/* --- one step for all --- */

/* They are read anew, as they are, if there is a use for that. */
static enum transfer_read_end unfold(struct transfer_read *r, struct journal *j)
{
    r->is_folding = false;
    if (r->size.bytes > r->zone_bytes)
        return too_large(r);
    xfr_steps_done(&r->steps);
    r->seq = r->seq_first;
    r->serial = r->serial_first;
    enum transfer_read_end end = read_window(r, j, TRANSFER_WINDOW_BYTES);
    return end == TRANSFER_READ_FAILED ? TRANSFER_READ_USELESS : end; /* nothing was sent yet */
}

/* What has been read is one step already, which takes in what comes behind it: so they may be more
 * than is in memory at once. */
static enum transfer_read_end fold(struct transfer_read *r, struct journal *j)
{
    enum transfer_read_end end = read_window(r, j, TRANSFER_CONDENSE_MAX);
    if (end == TRANSFER_READ_FAILED)
        return TRANSFER_READ_USELESS;
    if (!condense(r, &r->steps, r->size.bytes))
        return unfold(r, j);
    if (end == TRANSFER_READ_MORE)
        return TRANSFER_READ_AGAIN;
    r->is_folding = false;
    r->is_condensed = true;
    return TRANSFER_READ_LAST;
}

struct oldest {
    uint64_t seq;
    uint32_t serial_from;
};

static bool on_oldest(void *arg, const struct change *c)
{
    struct oldest *o = arg;
    *o = (struct oldest){c->seq, c->serial_from};
    return false;
}

/* ERR_ABSENT: the history does not begin with the client's serial. */
static enum err find_oldest(struct transfer_read *r, struct journal *j)
{
    struct oldest oldest = {0};
    struct journal_zone z;
    enum err e = journal_zone_get(j, name_of(&r->zone), &z, &r->diag);
    if (e != OK)
        return e;
    struct journal_range range = {r->log_id, z.seq_first, z.seq_first, 1};
    if (z.seq_first)
        e = journal_read(j, &range, on_oldest, &oldest, &r->diag);
    journal_zone_done(&z);
    if (e == OK && (!oldest.seq || oldest.serial_from != r->serial))
        e = err_say(&r->diag, ERR_ABSENT, "serial not in the history");
    r->seq = oldest.seq - 1;
    return e;
}

/* The change that led to the client's serial, or the one before the first that is kept. */
static enum err find(struct transfer_read *r, struct journal *j)
{
    enum err e = journal_find_serial(j, r->log_id, r->serial, &r->seq, &r->diag);
    return e == ERR_ABSENT ? find_oldest(r, j) : e;
}

/* --- serials that stand for two states --- */

struct trace {
    const struct transfer_read *read;
    struct serials all, twice;
};

static bool on_serials(void *arg, uint32_t from, uint32_t to)
{
    struct trace *t = arg;
    serials_add(&t->all, from, from);
    if (serial_compare(to, from) != 1)
        t->twice = t->all;
    serials_add(&t->all, to, to);
    return !is_stopped(t->read);
}

static enum err trace(struct transfer_read *r, struct journal *j)
{
    struct trace t = {.read = r};
    enum err e = journal_serials(j, r->log_id, on_serials, &t, &r->diag);
    r->is_traced = e == OK && !is_stopped(r);
    r->twice = t.twice;
    return e;
}

/* --- the first reading --- */

static enum transfer_read_end first(struct transfer_read *r, struct journal *j)
{
    struct journal_history h;
    if (r->wants_trace && trace(r, j) != OK)
        return TRANSFER_READ_USELESS;
    if (serials_has(&r->twice, r->serial))
        return say(r, TRANSFER_READ_USELESS, "the serial was had twice, since it went back");
    if (find(r, j) != OK)
        return TRANSFER_READ_USELESS;
    if (r->seq >= r->until)
        return say(r, TRANSFER_READ_USELESS, "serial not in the history");
    if (r->seq < r->unreadable)
        return say(r, TRANSFER_READ_USELESS, "the history since could not be read");
    if (journal_history_after(j, r->log_id, r->seq, &h, &r->diag) != OK)
        return TRANSFER_READ_USELESS;
    r->size = (struct transfer_size){h.changes, h.bytes, h.largest, r->zone_bytes};
    enum transfer_form form = transfer_form_of(&r->size);
    if (form == TRANSFER_WHOLE)
        return too_large(r);
    if (h.goes_back)
        return say(r, TRANSFER_READ_USELESS, "the serial went back since");
    if (h.largest > TRANSFER_STEP_MAX)
        return say(r, TRANSFER_READ_USELESS, "one of the differences is too large");
    r->seq_first = r->seq;
    r->serial_first = r->serial;
    r->is_folding = form == TRANSFER_CONDENSED;
    return r->is_folding ? fold(r, j) : unfold(r, j);
}

static enum transfer_read_end run(struct transfer_read *r)
{
    if (is_stopped(r))
        return say(r, TRANSFER_READ_FAILED, "not wanted any more");
    if (r->held.count)
        return condense_held(r);
    struct journal *j = state_open(r->state, &r->diag);
    if (!j)
        return r->is_found && !r->is_folding ? TRANSFER_READ_FAILED : TRANSFER_READ_USELESS;
    if (r->is_folding)
        return fold(r, j);
    if (r->is_found)
        return read_window(r, j, TRANSFER_WINDOW_BYTES);
    r->is_found = true;
    return first(r, j);
}

/* --- the job --- */

static struct transfer_read *read_of(struct job *t)
{
    return container_of(t, struct transfer_read, job);
}

static void read_run(struct job *t)
{
    struct transfer_read *r = read_of(t);
    r->end = run(r);
}

static void read_over(void *owner, struct job *t)
{
    struct transfer_read *r = read_of(t);
    r->over(owner, r);
}

static void read_drop(struct job *t)
{
    struct transfer_read *r = read_of(t);
    r->drop(r);
}

static const struct job_kind read_kind = {read_run, read_over, read_drop};

void transfer_read_start(struct transfer_read *r, struct helpers *helpers)
{
    ASSERT((r->steps.count == 0 || r->is_folding) && r->over && r->drop);
    helpers_give(helpers, &r->job, &read_kind, PACE_READ);
}

void transfer_read_here(struct transfer_read *r)
{
    ASSERT(r->held.count > 0 && r->steps.count == 0);
    r->end = run(r);
}

void transfer_read_done(struct transfer_read *r)
{
    xfr_steps_done(&r->steps);
    xfr_steps_done(&r->held);
}

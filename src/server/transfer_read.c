/* SPDX-License-Identifier: Apache-2.0
 * Reading steps from the change log. Rows of the log may go while it is read (history is trimmed)
 * or be damaged: then the row of steps has an end before its end, and the transfer breaks off. The
 * next one knows (`unreadable`), so that a client is not given the same again and again. */
#include "server/transfer_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "zone/txn.h"

enum transfer_form transfer_form_of(uint64_t steps, uint64_t bytes, uint64_t zone_bytes)
{
    bool is_much = steps >= TRANSFER_CONDENSE_STEPS || bytes >= TRANSFER_CONDENSE_BYTES;
    bool is_beyond = bytes > zone_bytes;
    if ((is_much || is_beyond) && steps > 1 && bytes <= TRANSFER_CONDENSE_MAX)
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

/* Into r->steps, where it is short enough; `all` may be just that. USELESS: nor are they. */
static enum transfer_read_end condense(struct transfer_read *r, struct xfr_steps *all)
{
    bool is_beyond = all->bytes > r->zone_bytes;
    uint64_t max = is_beyond ? r->zone_bytes : all->bytes / TRANSFER_CONDENSE_SHARE;
    struct xfr_step *one = xfr_condense(all);
    if (!one || one->diff.len > max) {
        xfr_step_release(one);
        return is_beyond ? too_large(r) : TRANSFER_READ_LAST;
    }
    xfr_steps_done(&r->steps);
    xfr_steps_add(&r->steps, one);
    r->is_condensed = true;
    return TRANSFER_READ_LAST;
}

/* They were read for nothing: what is beyond the first window is not kept for a client that takes
 * it slowly. A zone's changes are numbered without a gap. */
static enum transfer_read_end shorten(struct transfer_read *r, enum transfer_read_end end)
{
    struct xfr_steps *s = &r->steps;
    unsigned kept = 0;
    uint64_t bytes = 0;
    while (kept < s->count && bytes < TRANSFER_WINDOW_BYTES)
        bytes += s->at[kept++]->diff.len;
    if (kept == s->count)
        return end;
    r->seq -= s->count - kept;
    r->serial = s->at[kept - 1]->diff.serial_to;
    while (s->count > kept)
        xfr_step_release(s->at[--s->count]);
    s->bytes = bytes;
    return TRANSFER_READ_MORE;
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

static enum transfer_read_end read_window(struct transfer_read *r, struct journal *j)
{
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
    enum transfer_form form = transfer_form_of(h.changes, h.bytes, r->zone_bytes);
    if (form == TRANSFER_WHOLE)
        return too_large(r);
    if (h.goes_back)
        return say(r, TRANSFER_READ_USELESS, "the serial went back since");
    if (h.largest > TRANSFER_STEP_MAX)
        return say(r, TRANSFER_READ_USELESS, "one of the differences is too large");
    r->window = TRANSFER_WINDOW_BYTES;
    if (form == TRANSFER_CONDENSED)
        r->window += TRANSFER_CONDENSE_MAX;
    enum transfer_read_end end = read_window(r, j);
    r->window = TRANSFER_WINDOW_BYTES;
    if (end == TRANSFER_READ_FAILED)
        return TRANSFER_READ_USELESS; /* nothing was sent yet */
    if (form == TRANSFER_CONDENSED && end == TRANSFER_READ_LAST)
        end = condense(r, &r->steps);
    return r->is_condensed || end == TRANSFER_READ_USELESS ? end : shorten(r, end);
}

static enum transfer_read_end run(struct transfer_read *r)
{
    if (is_stopped(r))
        return say(r, TRANSFER_READ_FAILED, "not wanted any more");
    if (r->held.count)
        return condense(r, &r->held);
    struct journal *j = state_open(r->state, &r->diag);
    if (!j)
        return r->is_found ? TRANSFER_READ_FAILED : TRANSFER_READ_USELESS;
    if (r->is_found)
        return read_window(r, j);
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
    ASSERT(r->steps.count == 0 && r->over && r->drop);
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

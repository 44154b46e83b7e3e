/* SPDX-License-Identifier: Apache-2.0
 * Answer streams: what comes next, and putting it into messages.
 *
 * Both kinds of stream are a row of RRsets (a record of a difference is one of its own), each asked
 * for when the one before is in a message. What does not fit waits in x->set for the next message.
 *
 *   whole         SOA, all else in the order of the walk, SOA            (RFC 5936 s2.2)
 *   differences   SOA, { old SOA, removed, new SOA, added }, SOA         (RFC 1995 s4)
 *
 * The bytes of differences come from the change log: they are not trusted, and what is wrong with
 * them breaks the stream. */
#include "xfr/out.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "xfr/pack.h"
#include "zone/version.h"

/* Nodes that are known, and on their way into the cache, before they are packed. */
#define AHEAD        8
/* RRsets that the filter may hide in one call. */
#define HIDDEN_MAX   1024
/* Of an RDATA: serial and four periods. */
#define SOA_TAIL_LEN 20

enum supply { SUPPLY_SET, SUPPLY_END, SUPPLY_LACK, SUPPLY_HIDDEN, SUPPLY_BROKEN };

enum stage {
    STAGE_OPEN, /* before the first SOA */
    STAGE_BODY,
    STAGE_CLOSE, /* the last SOA has been handed out */
    STAGE_BROKEN
};

struct xfr_out {
    enum supply (*supply)(struct xfr_out *x, struct diag *diag); /* fills x->set anew */
    enum stage stage;
    struct pack_set set;
    struct xfr_out_count count;
    /* head */
    uint16_t id, flags, qtype, qclass;
    struct name_buf qname;
    uint8_t *opt;
    size_t opt_len;
    struct tsig_session tsig;
    /* whole */
    const struct version *v;
    struct xfr_filter filter; /* shows NULL: none */
    const struct node *node, *ahead[AHEAD];
    unsigned ahead_at;
    struct rrset rrset; /* of the node; count 0: behind its last */
    struct walk walk;
    unsigned hidden;
    /* differences */
    struct xfr_steps steps;
    unsigned step_at, step_kept; /* the step in hand; the first that is still held */
    unsigned part;               /* of it: 0 removed, 1 added */
    struct rd left;              /* of the part */
    bool is_ended, has_serial;
    uint32_t serial; /* has_serial: where the steps so far lead */
    struct name_buf apex;
    uint8_t *soa; /* newest: length and rdata */
    uint32_t soa_ttl;
    struct pack pack;
};

static void set_fixed(struct pack_set *s, uint16_t class, uint32_t ttl)
{
    put_u16(s->fixed, s->type);
    put_u16(s->fixed + 2, class);
    put_u32(s->fixed + 4, ttl);
}

/* --- a whole zone --- */

static inline enum supply supply_rrset(struct xfr_out *x, const struct node *n, struct rrset s)
{
    x->set.owner = node_owner(n);
    x->set.type = s.type;
    x->set.data = s.data;
    x->set.end = s.data + s.len;
    set_fixed(&x->set, x->qclass, s.ttl);
    return SUPPLY_SET;
}

static const struct node *node_ahead(struct xfr_out *x)
{
    const struct node *next = walk_next(&x->walk), *n = x->ahead[x->ahead_at];
    if (next) {
        __builtin_prefetch(next);
        __builtin_prefetch((const uint8_t *)next + 64);
    }
    x->ahead[x->ahead_at] = next;
    x->ahead_at = (x->ahead_at + 1) % AHEAD;
    return n;
}

static bool is_hidden(struct xfr_out *x)
{
    if (x->node == x->v->apex && x->rrset.type == TYPE_SOA)
        return true;
    if (!x->filter.shows || x->filter.shows(x->filter.arg, node_owner(x->node), x->rrset))
        return false;
    x->hidden++;
    return true;
}

static enum supply supply_whole(struct xfr_out *x, struct diag *diag)
{
    (void)diag;
    if (x->stage == STAGE_CLOSE)
        return SUPPLY_END;
    if (x->stage == STAGE_OPEN) {
        x->stage = STAGE_BODY;
        return supply_rrset(x, x->v->apex, x->v->soa);
    }
    while (x->hidden < HIDDEN_MAX) {
        if (x->rrset.count)
            x->rrset = node_next(x->node, x->rrset);
        while (!x->rrset.count) {
            x->node = node_ahead(x);
            if (!x->node) {
                x->stage = STAGE_CLOSE;
                return supply_rrset(x, x->v->apex, x->v->soa);
            }
            x->rrset = node_first(x->node);
        }
        if (!is_hidden(x))
            return supply_rrset(x, x->node, x->rrset);
    }
    return SUPPLY_HIDDEN;
}

/* --- differences --- */

static enum supply broken(struct xfr_out *x, struct diag *diag, const char *why)
{
    err_say(diag, ERR_INVALID, "difference from %u to %u %s", x->serial,
            x->step_at < x->steps.count ? x->steps.at[x->step_at]->diff.serial_to : x->serial, why);
    return SUPPLY_BROKEN;
}

static enum supply supply_newest(struct xfr_out *x)
{
    x->set = (struct pack_set){
        .owner = name_of(&x->qname),
        .type = TYPE_SOA,
        .data = x->soa,
        .end = x->soa + 2 + get_u16(x->soa),
    };
    set_fixed(&x->set, x->qclass, x->soa_ttl);
    return SUPPLY_SET;
}

/* The record at the cursor. False: there is none. */
static bool read_record(struct rd *r, struct pack_set *s)
{
    s->owner = rd_name(r);
    const uint8_t *fixed = rd_bytes(r, sizeof(s->fixed));
    s->data = r->at;
    rd_bytes(r, rd_u16(r));
    s->end = r->at;
    if (r->bad)
        return false;
    memcpy(s->fixed, fixed, sizeof(s->fixed));
    s->type = get_u16(fixed);
    return true;
}

static uint32_t serial_of(const struct pack_set *s)
{
    return s->end - s->data < 2 + 2 + SOA_TAIL_LEN ? 0 : get_u32(s->end - SOA_TAIL_LEN);
}

/* The first record of a part: its SOA. */
static enum supply supply_part(struct xfr_out *x, const struct diff *d, struct diag *diag)
{
    bool is_added = x->part == 1;
    if (d->added_at > d->len)
        return broken(x, diag, "is shorter than its first part");
    x->left = is_added ? rd_over(d->bytes + d->added_at, d->len - d->added_at)
                       : rd_over(d->bytes, d->added_at);
    if (!read_record(&x->left, &x->set) || x->set.type != TYPE_SOA ||
        serial_of(&x->set) != (is_added ? d->serial_to : d->serial_from))
        return broken(x, diag, "does not begin with its SOA");
    return SUPPLY_SET;
}

static enum supply supply_next_part(struct xfr_out *x, struct diag *diag)
{
    if (x->part == 0) {
        x->part = 1;
        return supply_part(x, &x->steps.at[x->step_at]->diff, diag);
    }
    x->serial = x->steps.at[x->step_at]->diff.serial_to;
    x->step_at++;
    x->part = 0;
    x->left = (struct rd){0};
    return SUPPLY_LACK;
}

static enum supply supply_record(struct xfr_out *x, struct diag *diag)
{
    if (!read_record(&x->left, &x->set))
        return broken(x, diag, "ends within a record");
    if (x->set.type == TYPE_SOA) /* would be read as where the next part begins */
        return broken(x, diag, "has a second SOA");
    return SUPPLY_SET;
}

static enum supply supply_close(struct xfr_out *x, struct diag *diag)
{
    x->stage = STAGE_CLOSE;
    supply_newest(x);
    if (x->serial != serial_of(&x->set))
        return broken(x, diag, "does not lead to the newest SOA");
    return SUPPLY_SET;
}

static enum supply supply_steps(struct xfr_out *x, struct diag *diag)
{
    if (x->stage == STAGE_CLOSE)
        return SUPPLY_END;
    if (x->stage == STAGE_OPEN) {
        if (x->steps.count == 0 && !x->is_ended)
            return SUPPLY_LACK;
        x->stage = x->steps.count ? STAGE_BODY : STAGE_CLOSE;
        return supply_newest(x);
    }
    if (rd_left(&x->left))
        return supply_record(x, diag);
    if (x->left.start) {
        enum supply next = supply_next_part(x, diag);
        if (next != SUPPLY_LACK)
            return next;
    }
    if (x->step_at == x->steps.count)
        return x->is_ended ? supply_close(x, diag) : SUPPLY_LACK;
    const struct diff *d = &x->steps.at[x->step_at]->diff;
    if (x->has_serial && d->serial_from != x->serial)
        return broken(x, diag, "does not begin where the one before ends");
    x->serial = d->serial_from;
    x->has_serial = true;
    return supply_part(x, d, diag);
}

/* --- streams --- */

static struct xfr_out *new_of(const struct xfr_out_head *head)
{
    struct xfr_out *x = mem_alloc_zero(sizeof(*x));
    x->id = head->id;
    x->flags = head->flags;
    x->qtype = head->qtype;
    x->qclass = head->qclass;
    name_copy(&x->qname, head->qname);
    x->opt_len = head->opt_len;
    if (head->opt_len) {
        x->opt = mem_alloc(head->opt_len);
        memcpy(x->opt, head->opt, head->opt_len);
    }
    tsig_session_copy(&x->tsig, head->tsig);
    return x;
}

struct xfr_out *xfr_out_whole(const struct xfr_out_head *head, const struct version *v,
                              const struct xfr_filter *filter)
{
    ASSERT(v->apex && v->soa.count);
    struct xfr_out *x = new_of(head);
    x->supply = supply_whole;
    x->v = v;
    if (filter)
        x->filter = *filter;
    walk_start(&x->walk, v);
    for (unsigned i = 0; i < AHEAD; i++)
        node_ahead(x);
    pack_init(&x->pack, node_owner(v->apex));
    return x;
}

struct xfr_out *xfr_out_steps(const struct xfr_out_head *head, const struct xfr_out_soa *newest)
{
    struct xfr_out *x = new_of(head);
    x->supply = supply_steps;
    x->soa_ttl = newest->ttl;
    x->soa = mem_alloc(2u + newest->rdata.len);
    put_u16(x->soa, newest->rdata.len);
    memcpy(x->soa + 2, newest->rdata.bytes, newest->rdata.len);
    x->apex = x->qname;
    pack_init(&x->pack, name_of(&x->apex));
    return x;
}

/* The apex as the zone spells it, since names in the differences end in that. */
static void take_apex(struct xfr_out *x, const struct xfr_steps *steps)
{
    if (x->stage != STAGE_OPEN || steps->count == 0)
        return;
    struct rd r = rd_over(steps->at[0]->diff.bytes, steps->at[0]->diff.len);
    struct name owner = rd_name(&r);
    if (!r.bad && name_is_equal(owner, name_of(&x->apex)))
        name_copy(&x->apex, owner);
}

void xfr_out_give(struct xfr_out *x, struct xfr_steps *steps)
{
    ASSERT(x->supply == supply_steps && !x->is_ended);
    take_apex(x, steps);
    if (x->step_at == x->steps.count) { /* all that came before is in messages */
        xfr_steps_done(&x->steps);
        x->steps = *steps;
        x->step_at = x->step_kept = 0;
        *steps = (struct xfr_steps){0};
        return;
    }
    for (unsigned i = 0; i < steps->count; i++)
        xfr_steps_add(&x->steps, xfr_step_hold(steps->at[i]));
    xfr_steps_done(steps);
}

void xfr_out_end(struct xfr_out *x)
{
    ASSERT(x->supply == supply_steps);
    x->is_ended = true;
}

void xfr_out_free(struct xfr_out *x)
{
    if (!x)
        return;
    xfr_steps_done(&x->steps);
    tsig_session_done(&x->tsig);
    free(x->opt);
    free(x->soa);
    free(x);
}

struct xfr_out_count xfr_out_count(const struct xfr_out *x)
{
    return x->count;
}

/* --- messages --- */

/* The first message has two records at least: what a client is to make of the stream is seen by the
 * second one (RFC 1995 s4). */
static void start(struct xfr_out *x, uint8_t *out)
{
    bool is_first = x->count.messages == 0;
    struct pack_room room = {
        .fill = XFR_OUT_FILL,
        .reserved = tsig_room(&x->tsig) + x->opt_len,
        .records_min = is_first ? 2 : 1,
    };
    pack_start(&x->pack, out, &room);
    if (is_first)
        pack_question(&x->pack, name_of(&x->qname), x->qtype, x->qclass);
}

static enum xfr_out_next finish(struct xfr_out *x, int64_t now_us, size_t *len,
                                enum xfr_out_next next)
{
    bool is_first = x->count.messages == 0, has_opt = x->opt_len > 0;
    uint8_t *wire = x->pack.wire;
    *len = x->pack.len;
    put_u16(wire, x->id);
    put_u16(wire + 2, x->flags);
    put_u16(wire + 4, is_first);
    put_u16(wire + 6, (uint16_t)x->pack.records);
    put_u16(wire + 8, 0);
    put_u16(wire + 10, has_opt);
    if (has_opt) {
        memcpy(wire + *len, x->opt, x->opt_len);
        *len += x->opt_len;
    }
    tsig_sign(&x->tsig, wire, len, now_us);
    x->count.messages++;
    x->count.records += x->pack.records;
    x->count.bytes += *len;
    /* no name of these is needed any more */
    for (; x->step_kept < x->step_at; x->step_kept++) {
        xfr_step_release(x->steps.at[x->step_kept]);
        x->steps.at[x->step_kept] = NULL;
    }
    return next;
}

static enum xfr_out_next stop(struct xfr_out *x)
{
    x->stage = STAGE_BROKEN;
    return XFR_OUT_BROKEN;
}

static enum xfr_out_next stop_at(struct xfr_out *x, struct diag *diag, const char *why)
{
    char owner[NAME_TEXT_MAX], type[16];
    err_say(diag, ERR_INVALID, "record %s %s %s", name_text(x->set.owner, owner),
            rrtype_text(x->set.type, type), why);
    return stop(x);
}

/* No set is left, or none can be had now. */
static enum xfr_out_next without(struct xfr_out *x, enum supply why, int64_t now_us, size_t *len)
{
    static const enum xfr_out_next none[] = {
        [SUPPLY_LACK] = XFR_OUT_HUNGRY,
        [SUPPLY_HIDDEN] = XFR_OUT_PAUSE,
    };
    if (why == SUPPLY_BROKEN)
        return stop(x);
    if (why == SUPPLY_END)
        return finish(x, now_us, len, XFR_OUT_LAST);
    return x->pack.records ? finish(x, now_us, len, XFR_OUT_MESSAGE) : none[why];
}

enum xfr_out_next xfr_out_next(struct xfr_out *x, int64_t now_us, uint8_t *out, size_t *len,
                               struct diag *diag)
{
    if (x->stage == STAGE_BROKEN) {
        err_say(diag, ERR_INVALID, "broken before");
        return XFR_OUT_BROKEN;
    }
    start(x, out);
    x->hidden = 0;
    for (;;) {
        if (x->set.data == x->set.end) {
            enum supply next = x->supply(x, diag);
            if (next != SUPPLY_SET)
                return without(x, next, now_us, len);
        }
        switch (pack_records(&x->pack, &x->set)) {
        case PACK_DONE:
            break;
        case PACK_FULL:
            if (x->pack.records == 0)
                return stop_at(x, diag, "is too large for a message");
            return finish(x, now_us, len, XFR_OUT_MESSAGE);
        case PACK_BAD:
            return stop_at(x, diag, "has malformed rdata");
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0
 * Diffs for the operator: both sides record by record. */
#include "server/control_diff.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "dns/print.h"
#include "server/control_int.h"

/* The record at the cursor. */
static struct rr record_read(struct rd *r)
{
    struct rr rr = {.owner = rd_name(r)};
    rr.type = rd_u16(r);
    rr.class = rd_u16(r);
    rr.ttl = rd_u32(r);
    rr.rdata.len = rd_u16(r);
    rr.rdata.bytes = rd_bytes(r, rr.rdata.len);
    ASSERT(!r->bad);
    return rr;
}

static bool is_soa_alike(const struct rr *a, const struct rr *b)
{
    if (a->type != TYPE_SOA || b->type != TYPE_SOA || a->ttl != b->ttl ||
        a->rdata.len != b->rdata.len)
        return false;
    /* mname and rname, serial, then the four times */
    size_t serial_at = a->rdata.len - 5 * sizeof(uint32_t), behind = serial_at + sizeof(uint32_t);
    return memcmp(a->rdata.bytes, b->rdata.bytes, serial_at) == 0 &&
           memcmp(a->rdata.bytes + behind, b->rdata.bytes + behind, 4 * sizeof(uint32_t)) == 0;
}

/* The SOA stands first on both sides (RFC 1995 s4). True: both cursors are behind it. */
static bool skip_serial(struct rd *removed, struct rd *added)
{
    struct rd a = *removed, b = *added;
    if (rd_left(&a) == 0 || rd_left(&b) == 0)
        return false;
    struct rr old = record_read(&a), new = record_read(&b);
    if (!is_soa_alike(&old, &new))
        return false;
    *removed = a;
    *added = b;
    return true;
}

bool control_diff_is_serial_only(const struct diff *diff)
{
    struct rd removed = rd_over(diff->bytes, diff->added_at),
              added = rd_over(diff->bytes + diff->added_at, diff->len - diff->added_at);
    return skip_serial(&removed, &added);
}

void control_diff_init(struct control_diff *d, const struct diff *diff, struct name zone)
{
    *d = (struct control_diff){
        .removed = rd_over(diff->bytes, diff->added_at),
        .added = rd_over(diff->bytes + diff->added_at, diff->len - diff->added_at),
        .zone = zone,
    };
    (void)skip_serial(&d->removed, &d->added);
}

bool control_diff_is_over(const struct control_diff *d)
{
    return rd_left(&d->removed) == 0 && rd_left(&d->added) == 0;
}

static void show_owner(const struct control_diff *d, struct name owner, struct text *t)
{
    size_t start = text_len(t), zone = d->zone.len - 1u;
    if (owner.len == d->zone.len) {
        text_char(t, '@');
        return;
    }
    struct name_buf relative = {.len = (uint8_t)(owner.len - zone)};
    memcpy(relative.wire, owner.wire, relative.len - 1u);
    relative.wire[relative.len - 1] = 0;
    name_show(name_of(&relative), t);
    if (zone && !t->bad && text_len(t) > start)
        *--t->at = '\0'; /* the final dot; below the root names are absolute */
}

static void show_record(const struct control_diff *d, struct rd *r, char sign, struct text *t)
{
    char type[16];
    struct rr rr = record_read(r);
    ASSERT(name_is_under(rr.owner, d->zone));
    text_fmt(t, "%c ", sign);
    show_owner(d, rr.owner, t);
    text_fmt(t, " %u %s ", rr.ttl, rrtype_text(rr.type, type));
    rdata_show(rr.type, rr.rdata, t);
    text_char(t, '\n');
}

/* Room for the next record: its rdata's length stands behind its owner and eight bytes. */
static void make_room(struct control_diff *d, const struct rd *r, struct text *t)
{
    size_t len = text_len(t), owner = name_span(r->at, rd_left(r));
    size_t need = PRINT_RR_MAX(get_u16(r->at + owner + 8)) + 8;
    if (d->text && d->cap - len >= need)
        return;
    d->cap = len + need + CONTROL_SLICE_LEN;
    d->text = mem_grow(d->text, d->cap);
    t->start = d->text;
    t->at = d->text + len;
    t->end = d->text + d->cap - 1;
}

const char *control_diff_some(struct control_diff *d)
{
    struct text t = {.start = d->text, .at = d->text};
    if (d->text)
        text_init(&t, d->text, d->cap);
    while (!control_diff_is_over(d) && text_len(&t) < CONTROL_SLICE_LEN) {
        bool is_removed = rd_left(&d->removed) > 0;
        struct rd *r = is_removed ? &d->removed : &d->added;
        make_room(d, r, &t);
        show_record(d, r, is_removed ? '-' : '+', &t);
    }
    ASSERT(!t.bad);
    return d->text ? d->text : "";
}

void control_diff_done(struct control_diff *d)
{
    free(d->text);
    *d = (struct control_diff){0};
}

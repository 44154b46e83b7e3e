/* SPDX-License-Identifier: Apache-2.0
 * The records of an UPDATE, and which clause each of them is. */
#include "base/check.h"
#include "update/update_int.h"

/* Rdata is kept in pieces of the arena of at least that size. */
#define PIECE_LEN    2048
/* What decompressing may add to a record: no type whose names may be compressed has more than two
 * of them. */
#define GROWTH_MAX   (2 * NAME_LEN_MAX)
#define RR_FRAME_LEN 10 /* type, class, TTL, rdlength */

/* The next record's rdata will fit. */
static bool make_room(struct update *u, struct reading *r)
{
    const struct message *m = r->reader.m;
    size_t end = message_name_end(m->wire, m->len, r->reader.at);
    size_t need = get_u16(m->wire + end + RR_FRAME_LEN - 2) + (size_t)GROWTH_MAX;
    if (r->room.start && wr_left(&r->room) >= need)
        return true;
    if (need < PIECE_LEN)
        need = PIECE_LEN;
    void *piece = update_alloc(u, need);
    if (piece)
        r->room = wr_over(piece, need);
    return piece != NULL;
}

/* A record whose rdata cannot be read: all else of it. False: its owner cannot be read either. */
static bool read_frame(const struct message *m, size_t at, struct name_buf *owner, struct rr *out)
{
    if (!message_name(m->wire, m->len, &at, owner))
        return false;
    const uint8_t *p = m->wire + at;
    *out = (struct rr){name_of(owner), get_u16(p), get_u16(p + 2), get_u32(p + 4), {0}};
    return true;
}

static enum rcode read_item(struct update *u, struct reading *r, const struct item *last,
                            struct item *out)
{
    size_t at = r->reader.at;
    if (!make_room(u, r))
        return SERVFAIL;
    uint8_t *start = r->room.at;
    *out = (struct item){.rule = -1};
    if (rr_read(&r->reader, &r->room, &out->rr) != RR_READ_OK) {
        out->is_malformed = true;
        r->room.at = start;
        r->room.bad = false;
        if (!read_frame(r->reader.m, at, &r->reader.owner, &out->rr))
            return update_say(u, FORMERR, NULL, "malformed owner name");
    }
    if (last && name_is_same(last->rr.owner, out->rr.owner)) {
        out->rr.owner = last->rr.owner;
        return NOERROR;
    }
    uint8_t *owner = update_alloc(u, out->rr.owner.len);
    if (!owner)
        return SERVFAIL;
    memcpy(owner, out->rr.owner.wire, out->rr.owner.len);
    out->rr.owner.wire = owner;
    return NOERROR;
}

static enum rcode start(struct update *u, enum section s, struct items *out)
{
    unsigned count = u->q->msg.count[s];
    u->reading = (struct reading){.reader = rr_reader_of(&u->q->msg, s)};
    if (count == 0)
        return NOERROR;
    out->at = update_alloc(u, count * sizeof(*out->at));
    out->count = out->at ? count : 0;
    return out->at ? NOERROR : SERVFAIL;
}

enum rcode prereqs_start(struct update *u)
{
    return start(u, SECTION_ANSWER, &u->prereqs);
}

enum rcode ops_start(struct update *u)
{
    return start(u, SECTION_AUTHORITY, &u->ops);
}

enum rcode prereq_read(struct update *u, struct item *item)
{
    return read_item(u, &u->reading, item > u->prereqs.at ? item - 1 : NULL, item);
}

enum rcode op_read(struct update *u, struct item *item)
{
    enum rcode rcode = read_item(u, &u->reading, item > u->ops.at ? item - 1 : NULL, item);
    if (rcode == NOERROR)
        item->clause = op_clause(u, &item->rr);
    return rcode;
}

static bool has_class(const struct update *u, const struct clause *c, uint16_t class)
{
    uint16_t wanted = c->class == CLASS_IS_ZONE  ? u->zone->class
                      : c->class == CLASS_IS_ANY ? CLASS_ANY
                                                 : CLASS_NONE;
    return class == wanted;
}

const struct clause *clause_find(const struct update *u, const struct clause *table, size_t count,
                                 const struct rr *rr)
{
    for (size_t i = 0; i < count; i++)
        if (has_class(u, &table[i], rr->class) &&
            (table[i].type == TYPE_IS_ANY ? rr->type == TYPE_ANY : rrtype_is_data(rr->type)))
            return &table[i];
    return NULL;
}

const char *clause_fault(const struct clause *c, const struct item *item)
{
    if ((c->form & TTL_ZERO) && item->rr.ttl != 0)
        return "the TTL is not 0";
    if ((c->form & RDATA_EMPTY) && (item->is_malformed || item->rr.rdata.len > 0))
        return "the rdata is not empty";
    if (item->is_malformed)
        return "malformed rdata";
    /* empty rdata was not looked at so far; a few types may have it */
    if ((c->form & RDATA_VALID) && item->rr.rdata.len == 0 &&
        !rdata_check(item->rr.type, item->rr.rdata, NULL))
        return "empty rdata";
    return NULL;
}

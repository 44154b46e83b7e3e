/* SPDX-License-Identifier: Apache-2.0
 * UPDATE messages, from a table of clauses. */
#include "change.h"

#include "base/attr.h"
#include "base/wire.h"
#include "record.h"

#include <string.h>

#define CHANGE_MESSAGE_MAX 65535
#define OPTION_LEASE       2

/* What stands behind a clause's name. */
enum operand { OPERAND_NAME, OPERAND_RRSET, OPERAND_RECORD };

static const struct clause {
    const char *text;
    enum section section;
    enum operand operand;
    uint16_t class; /* of the record in the message */
    bool has_ttl;
} clauses[] = {
    {"name-in-use", SECTION_ANSWER, OPERAND_NAME, CLASS_ANY, false},      /* s2.4.4 */
    {"name-unused", SECTION_ANSWER, OPERAND_NAME, CLASS_NONE, false},     /* s2.4.5 */
    {"rrset-exists", SECTION_ANSWER, OPERAND_RRSET, CLASS_ANY, false},    /* s2.4.1 */
    {"rrset-absent", SECTION_ANSWER, OPERAND_RRSET, CLASS_NONE, false},   /* s2.4.3 */
    {"rrset-equals", SECTION_ANSWER, OPERAND_RECORD, CLASS_IN, false},    /* s2.4.2 */
    {"add", SECTION_AUTHORITY, OPERAND_RECORD, CLASS_IN, true},           /* s2.5.1 */
    {"delete-rrset", SECTION_AUTHORITY, OPERAND_RRSET, CLASS_ANY, false}, /* s2.5.2 */
    {"delete-name", SECTION_AUTHORITY, OPERAND_NAME, CLASS_ANY, false},   /* s2.5.3 */
    {"delete", SECTION_AUTHORITY, OPERAND_RECORD, CLASS_NONE, false},     /* s2.5.4 */
};

/* A message under construction: its two sections grow apart and are joined at the end. */
struct draft {
    struct words *w;
    struct arena *a;
    struct name zone;
    uint16_t count[SECTION_COUNT];
    struct wr section[SECTION_COUNT];
    unsigned lease_len; /* RFC 9664; 0: no OPT */
    uint32_t lease_s, key_lease_s;
};

static void put(struct draft *d, const struct clause *c, const struct script_record *r)
{
    struct wr *out = &d->section[c->section];
    bool has_rdata = c->operand == OPERAND_RECORD;
    wr_bytes(out, r->owner.wire, r->owner.len);
    wr_u16(out, c->operand == OPERAND_NAME ? TYPE_ANY : r->type);
    wr_u16(out, c->class);
    wr_u32(out, c->has_ttl ? r->ttl : 0);
    wr_u16(out, has_rdata ? r->rdata.len : 0);
    wr_bytes(out, r->rdata.bytes, has_rdata ? r->rdata.len : 0);
    d->count[c->section]++;
}

/* Owner, and a type where the clause has one. */
static struct script_record read_target(struct draft *d, const struct clause *c, struct words *line)
{
    struct script_record r = {.owner = record_name(d->w, d->a, word_next(line), d->zone)};
    struct word type = c->operand == OPERAND_RRSET ? word_next(line) : (struct word){0};
    if (type.len && !rrtype_scan(type.s, type.len, &r.type))
        word_fault_at(d->w, words_line_of(d->w, type.s), "'%.*s' is not a type", (int)type.len,
                      type.s);
    if (c->operand == OPERAND_RRSET && !type.len)
        word_fault_at(d->w, words_line_of(d->w, line->start), "a type is missing");
    return r;
}

static void read_clause(struct draft *d, struct word text)
{
    struct words line = words_over(d->w->path, text.s, text.len, d->w->diag);
    struct word verb = word_next(&line);
    const struct clause *c = clauses, *end = clauses + ARRAY_LEN(clauses);
    if (verb.len == 0)
        return;
    while (c < end && !word_is(verb, c->text))
        c++;
    if (c == end) {
        word_fault_at(d->w, words_line_of(d->w, verb.s), "unknown clause '%.*s'", (int)verb.len,
                      verb.s);
    } else if (c->operand == OPERAND_RECORD) {
        struct word rest = {line.at, (size_t)(line.end - line.at)};
        const struct script_record *r = record_list(d->w, d->a, rest, d->zone);
        if (r)
            put(d, c, r);
        else
            word_fault_at(d->w, words_line_of(d->w, verb.s), "a record is missing");
    } else {
        struct script_record r = read_target(d, c, &line);
        put(d, c, &r);
    }
}

static void read_clauses(struct draft *d, struct word block)
{
    const char *end = block.s + block.len;
    for (const char *s = block.s, *eol; s < end && !d->w->bad; s = eol + 1) {
        eol = memchr(s, '\n', (size_t)(end - s));
        if (!eol)
            eol = end;
        read_clause(d, (struct word){s, (size_t)(eol - s)});
    }
}

#define OPT_LEN 15 /* with the head of one option */

static void write_lease(struct wr *out, const struct draft *d)
{
    wr_u8(out, 0);
    wr_u16(out, TYPE_OPT);
    wr_u16(out, 1232);
    wr_u32(out, 0);
    wr_u16(out, (uint16_t)(4 + d->lease_len));
    wr_u16(out, OPTION_LEASE);
    wr_u16(out, (uint16_t)d->lease_len);
    wr_u32(out, d->lease_s);
    if (d->lease_len > 4)
        wr_u32(out, d->key_lease_s);
}

static void write_message(struct draft *d, uint16_t ident, struct script_step *step)
{
    size_t sections[SECTION_COUNT] = {0}, len = DNS_HEADER_LEN + d->zone.len + 4u;
    len += d->lease_len ? OPT_LEN + d->lease_len : 0;
    for (unsigned s = SECTION_ANSWER; s <= SECTION_AUTHORITY; s++)
        len += sections[s] = wr_len(&d->section[s]);
    uint8_t *wire = arena_alloc(d->a, len);
    struct wr out = wr_over(wire, len);
    wr_u16(&out, ident);
    wr_u16(&out, OPCODE_UPDATE << 11);
    wr_u16(&out, 1);
    wr_u16(&out, d->count[SECTION_ANSWER]);
    wr_u16(&out, d->count[SECTION_AUTHORITY]);
    wr_u16(&out, d->lease_len > 0);
    wr_bytes(&out, d->zone.wire, d->zone.len);
    wr_u16(&out, TYPE_SOA);
    wr_u16(&out, CLASS_IN);
    for (unsigned s = SECTION_ANSWER; s <= SECTION_AUTHORITY; s++)
        wr_bytes(&out, d->section[s].start, sections[s]);
    if (d->lease_len)
        write_lease(&out, d);
    step->wire = wire;
    step->wire_len = len;
}

/* The words between the zone's name and the block. */
static void read_manner(struct draft *d, struct script_step *step)
{
    struct words *w = d->w;
    step->transports = SCRIPT_UDP;
    for (struct word word = word_peek(w); !w->bad && !word_is(word, "{"); word = word_peek(w)) {
        word_next(w);
        if (word_is(word, "udp"))
            step->transports = SCRIPT_UDP;
        else if (word_is(word, "tcp"))
            step->transports = SCRIPT_TCP;
        else if (word_is(word, "key")) {
            word = word_next(w);
            step->key = arena_string(d->a, word.s, word.len);
        } else if (word_is(word, "lease")) {
            d->lease_len = 4;
            d->lease_s = word_number(w, UINT32_MAX);
        } else if (word_is(word, "key-lease")) { /* behind lease */
            d->lease_len = 8;
            d->key_lease_s = word_number(w, UINT32_MAX);
        } else
            word_fault(w, "unknown word '%.*s' in an update", (int)word.len, word.s);
    }
}

void change_scan(struct words *w, struct arena *a, uint16_t ident, struct script_step *step)
{
    struct draft d = {.w = w, .a = a};
    d.zone = record_name(w, a, word_next(w), (struct name){0});
    for (unsigned s = SECTION_ANSWER; s <= SECTION_AUTHORITY; s++) {
        uint8_t *room = arena_alloc(a, CHANGE_MESSAGE_MAX);
        d.section[s] = wr_over(room, CHANGE_MESSAGE_MAX);
    }
    read_manner(&d, step);
    read_clauses(&d, word_block(w));
    if (d.section[SECTION_ANSWER].bad || d.section[SECTION_AUTHORITY].bad)
        word_fault(w, "update too long");
    write_message(&d, ident, step);
    struct word word = word_next(w);
    if (!word_is(word, "expect"))
        word_fault(w, "expect expected, read '%.*s'", (int)word.len, word.s);
}

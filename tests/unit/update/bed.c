/* SPDX-License-Identifier: Apache-2.0
 * A zone to be updated, without a server. */
#include "bed.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "dns/lex.h"
#include "dns/master.h"
#include "zone/lookup.h"

#define ARENA_MAX (4u << 20) /* as server/ has it */

struct name_buf bed_name(const char *text)
{
    struct name_buf apex = {9, "\7example"}, out;
    struct diag diag = {0};
    cr_assert_eq(name_scan(text, strlen(text), name_of(&apex), &out, &diag), OK, "%s: %s", text,
                 diag.text);
    return out;
}

static enum err take_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)where;
    (void)txn_add(arg, rr);
    return OK;
}

static struct zone *zone_of(const char *text)
{
    struct name_buf name = bed_name(BED_ZONE);
    struct zone *z = zone_new(name_of(&name), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct master_options options = {.origin = name_of(&name), .class = CLASS_IN};
    struct master_sink sink = {.arg = t, .record = take_record};
    struct master_result result;
    struct diag diag = {0};
    cr_assert_eq(master_read_bytes("zone", text, strlen(text), &options, &sink, &result, &diag), OK,
                 "%s: %s", text, diag.text);
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

struct bed *bed_new(const char *zone)
{
    struct bed *b = mem_alloc_zero(sizeof(*b));
    b->zone = zone_of(zone);
    arena_init(&b->arena, 65536, ARENA_MAX);
    b->peer.address.v4.sin_family = AF_INET;
    inet_pton(AF_INET, "192.0.2.7", &b->peer.address.v4.sin_addr);
    b->q.arena = &b->arena;
    b->q.count = &b->count;
    b->q.now_us = BED_NOW_US;
    return b;
}

void bed_free(struct bed *b)
{
    arena_done(&b->arena);
    base_release(b->file);
    keyring_free(b->ring);
    zone_free(b->zone);
    free(b);
}

void bed_protect(struct bed *b)
{
    b->file = base_make(b->zone->published);
    b->rules.protect = b->file;
}

void bed_peer(struct bed *b, const char *key, const struct grant *grants, unsigned count)
{
    b->actor = (struct update_actor){.peer = &b->peer};
    b->rules.grants = grants;
    b->rules.grant_count = count;
    if (!key)
        return;
    struct name_buf name = bed_name(key);
    struct tsig_secret secret = {(const uint8_t *)"0123456789abcdef", 16, 0};
    struct diag diag = {0};
    if (!b->ring)
        b->ring = keyring_new();
    if (!keyring_find(b->ring, name_of(&name)))
        cr_assert_eq(keyring_add(b->ring, name_of(&name), "hmac-sha256", &secret, 1, &diag), OK,
                     "%s", diag.text);
    b->actor.key = keyring_find(b->ring, name_of(&name));
}

static void put_rdata(struct wr *w, uint16_t type, const char *text)
{
    struct name_buf apex = bed_name(BED_ZONE);
    struct diag diag = {0};
    struct lex lex;
    uint8_t *len = wr_room(w, 2);
    cr_assert(len);
    if (text[0] == '%')
        cr_assert(base16_scan(text + 1, strlen(text + 1), w), "%s", text);
    else if (text[0]) {
        lex_init(&lex, text, strlen(text));
        cr_assert_eq(rdata_scan(type, &lex, name_of(&apex), w, &diag), OK, "%s: %s", text,
                     diag.text);
    }
    put_u16(len, (uint16_t)(w->at - len - 2));
}

static void put_line(struct wr *w, const char *line, size_t len)
{
    char copy[1024], section, owner[300], class[32], type_text[32];
    unsigned ttl;
    int at = 0;
    uint16_t class_number, type;
    cr_assert_lt(len, sizeof(copy));
    memcpy(copy, line, len);
    copy[len] = 0;
    cr_assert_geq(
        sscanf(copy, "%c %299s %31s %u %31s %n", &section, owner, class, &ttl, type_text, &at), 5,
        "%s", copy);
    if (!strcmp(class, "NONE") || !strcmp(class, "ANY"))
        class_number = class[0] == 'N' ? CLASS_NONE : CLASS_ANY;
    else
        cr_assert(class_scan(class, strlen(class), &class_number), "%s", copy);
    cr_assert(rrtype_scan(type_text, strlen(type_text), &type), "%s", copy);
    struct name_buf name = bed_name(owner);
    wr_bytes(w, name.wire, name.len);
    wr_u16(w, type);
    wr_u16(w, class_number);
    wr_u32(w, ttl);
    put_rdata(w, type, at ? copy + at : "");
}

static void build(struct bed *b, const char *lines)
{
    struct wr w = wr_over(b->wire, sizeof(b->wire));
    struct name_buf apex = bed_name(BED_ZONE);
    uint16_t count[2] = {0};
    memset(wr_room(&w, DNS_HEADER_LEN), 0, DNS_HEADER_LEN);
    wr_bytes(&w, apex.wire, apex.len);
    wr_u16(&w, TYPE_SOA);
    wr_u16(&w, CLASS_IN);
    for (size_t len; *lines; lines += len + (lines[len] == '\n')) {
        len = strcspn(lines, "\n");
        count[lines[0] == 'u']++;
        put_line(&w, lines, len);
    }
    cr_assert_not(w.bad);
    put_u16(b->wire + 2, OPCODE_UPDATE << 11);
    put_u16(b->wire + 4, 1);
    put_u16(b->wire + 6, count[0]);
    put_u16(b->wire + 8, count[1]);
    cr_assert(message_read_header(&b->q.msg, b->wire, wr_len(&w)));
    cr_assert_eq(message_read(&b->q.msg), NOERROR);
}

void bed_seal(struct bed *b, struct txn **t)
{
    struct diff diff = {0};
    struct version *v = txn_seal(t, &diff);
    quota_note(&b->rules, v, &diff);
    diff_done(&diff);
    if (b->keeps_back)
        return;
    zone_publish(b->zone, v);
    quota_published(&b->rules, v);
}

/* The same verdict comes of it record by record, with everything given anew each time; nothing is
 * left of it. */
static void run_sliced(struct bed *b, const char *lines, struct update_report *report)
{
    struct counters count = {0};
    struct update_actor actor = b->actor;
    struct update_rules rules = b->rules;
    struct request q = b->q;
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    unsigned slices = 1;
    q.count = &count;
    actor.is_asking = true;
    const struct update_given first = {&q, &rules, &actor, t, report};
    struct update *u = update_begin(&first);
    cr_assert_not_null(u);
    for (bool is_over = update_some(u, &first, 1); !is_over; slices++) {
        struct update_actor moved_actor = actor;
        struct update_rules moved_rules = rules;
        const struct update_given next = {&q, &moved_rules, &moved_actor, t, report};
        is_over = update_some(u, &next, 1);
        cr_assert_lt(slices, 1000000, "%s: it never ends", lines);
    }
    if (report->rcode == NOERROR && q.msg.count[SECTION_AUTHORITY] > 1)
        cr_assert_gt(slices, 1, "%s: not in slices", lines);
    txn_abort(&t);
    arena_reset(&b->arena);
}

static void reports_are_same(const char *lines, const struct update_report *a,
                             const struct update_report *b)
{
    cr_assert(a->rcode == b->rcode && a->rule == b->rule && a->ignored == b->ignored &&
                  a->work == b->work && a->is_changed == b->is_changed &&
                  a->is_serial_set == b->is_serial_set && a->lease_count == b->lease_count &&
                  a->op == b->op && strcmp(a->reason, b->reason) == 0,
              "%s: in slices rcode %d '%s', as a whole %d '%s'", lines, a->rcode, a->reason,
              b->rcode, b->reason);
}

enum rcode bed_update(struct bed *b, const char *lines)
{
    static struct update_report sliced;
    build(b, lines);
    arena_reset(&b->arena);
    const struct version *tip = b->zone->tip;
    run_sliced(b, lines, &sliced);
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    enum rcode rcode = update_run(&b->q, &b->rules, &b->actor, t, &b->report);
    cr_assert_eq(rcode, b->report.rcode);
    reports_are_same(lines, &sliced, &b->report);
    cr_assert_eq(rcode != NOERROR, b->report.reason[0] != 0, "%s: rcode %u '%s'", lines, rcode,
                 b->report.reason);
    if (rcode == NOERROR && b->report.is_changed && !b->actor.is_asking)
        bed_seal(b, &t);
    else {
        txn_abort(&t);
        cr_assert_eq(b->zone->tip, tip);
    }
    return rcode;
}

static void dump(const struct zone *z, struct text *t)
{
    struct walk w;
    walk_start(&w, z->tip);
    for (const struct node *n = walk_next(&w); n; n = walk_next(&w))
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) {
                char type[16];
                name_show(node_owner(n), t);
                text_fmt(t, " %u %s ", s.ttl, rrtype_text(s.type, type));
                rdata_show(s.type, r, t);
                text_char(t, '\n');
            }
    cr_assert_not(t->bad);
}

const char *bed_dump(struct bed *b)
{
    struct text t;
    text_init(&t, b->text, sizeof(b->text));
    dump(b->zone, &t);
    return b->text;
}

char *bed_dump_of(const char *zone)
{
    struct zone *z = zone_of(zone);
    char *out = mem_alloc(1 << 16);
    struct text t;
    text_init(&t, out, 1 << 16);
    dump(z, &t);
    zone_free(z);
    return out;
}

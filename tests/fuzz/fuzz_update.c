/* SPDX-License-Identifier: Apache-2.0
 * Updates of a small zone, one after the other, and what must hold after each.
 *
 * The input is a program rather than messages, since random bytes rarely name what exists: one byte
 * of modes for the zone, then updates: one byte of how many records it has, one of how many of them
 * are prerequisites, then some bytes for each record that choose a clause, an owner and a sample of
 * rdata. In MODE_WILD some records are made of fields chosen one by one, or of bytes as they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/hash.h"
#include "dns/master.h"
#include "update/update.h"
#include "zone/base.h"
#include "zone/lookup.h"
#include "zone/zone.h"

#define UPDATES_MAX 64
#define RECORDS_MAX 24
#define ARENA_MAX   (4u << 20)

/* bits of the first byte */
enum mode {
    MODE_STRICT = 1,
    MODE_PROTECT = 2,
    MODE_TXT_ONLY = 4,
    MODE_OPERATOR = 8,
    MODE_LIMITS = 16,
    MODE_WILD = 32
};

static const char zone_text[] =
    "$TTL 300\n@ SOA ns h 4294967290 3600 900 1209600 300\n@ NS ns\n@ NS ns2\n@ TXT \"apex\"\n"
    "ns A 192.0.2.53\nwww A 192.0.2.1\nwww A 192.0.2.2\nwww TXT \"x\"\nalias CNAME www\n"
    "d DNAME e\nx.d A 192.0.2.3\n*.w TXT \"wild\"\na.b.c A 192.0.2.4\ncut NS ns.cut\n"
    "ns.cut A 192.0.2.5\nwks WKS 192.0.2.1 6 25\nodd TYPE65280 \\# 2 0102\n"
    "sig A 192.0.2.9\nsig RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
    "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A\n";

#define APEX "\7example"
static const char *const owners[] = {
    APEX,
    "\3www" APEX,
    "\3WWW" APEX,
    "\5alias" APEX,
    "\1d" APEX,
    "\1x\1d" APEX,
    "\1*\1w" APEX,
    "\1y\1w" APEX,
    "\1a\1b\1c" APEX,
    "\1b\1c" APEX,
    "\3cut" APEX,
    "\2ns\3cut" APEX,
    "\3wks" APEX,
    "\3odd" APEX,
    "\3sig" APEX,
    "\3new" APEX,
    "\40"
    "0123456789abcdefghijklmnopqrstuv" APEX,
    "\5other",
    "",
    "\10xexample",
};
#define OWNERS_INSIDE 17 /* the first of them */
static const uint16_t classes[] = {CLASS_IN, CLASS_IN, CLASS_ANY, CLASS_NONE, CLASS_CH, 0, 65535};
static const uint16_t types[] = {
    TYPE_A,    TYPE_ANY, TYPE_TXT,   TYPE_CNAME, TYPE_NS,    TYPE_SOA,  TYPE_DNAME, TYPE_WKS,
    TYPE_AAAA, TYPE_MX,  TYPE_RRSIG, TYPE_NSEC,  TYPE_NSEC3, 65280,     TYPE_AXFR,  TYPE_OPT,
    0,         TYPE_DS,  TYPE_HIP,   TYPE_APL,   TYPE_PTR,   TYPE_NULL,
};
static const uint32_t ttls[] = {0, 0, 300, 60, TTL_MAX, UINT32_MAX};

#define BYTES(s)                            \
    {                                       \
        (const uint8_t *)(s), sizeof(s) - 1 \
    }
static const struct rdata rdatas[] = {
    {NULL, 0},
    BYTES("\300\0\2\1"),
    BYTES("\300\0\2\2"),
    BYTES("\1x"),
    BYTES("\3www" APEX "\0"),
    BYTES("\3WWW" APEX "\0"),
    BYTES("\2ns" APEX "\0"),
    BYTES("\3ns2" APEX "\0"),
    BYTES("\300\14"), /* a pointer to the zone's name */
    BYTES("\300\0\2\1\6\0\0\0\100"),
    BYTES("\300\0\2\1\21\1"),
    BYTES("\1\2"),
    BYTES("\2ns" APEX "\0\1h" APEX "\0\377\377\377\377\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1"),
    BYTES("\2ns" APEX "\0\1h" APEX "\0\0\0\0\5\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1"),
    BYTES("\0\1\15\2\0\0\1,p\333\330\200^\14\341\0\0\1" APEX "\0\0\0\0"),
    BYTES("\0\12\3www" APEX "\0"),
};

/* Well formed, of types that the zone has and others. */
static const struct sample {
    uint16_t type;
    struct rdata rdata;
} samples[] = {
    {TYPE_A, BYTES("\300\0\2\1")},
    {TYPE_A, BYTES("\300\0\2\2")},
    {TYPE_TXT, BYTES("\1x")},
    {TYPE_TXT, BYTES("\4apex")},
    {TYPE_CNAME, BYTES("\3www" APEX "\0")},
    {TYPE_CNAME, BYTES("\3WWW" APEX "\0")},
    {TYPE_NS, BYTES("\2ns" APEX "\0")},
    {TYPE_NS, BYTES("\3ns2" APEX "\0")},
    {TYPE_DNAME, BYTES("\1e" APEX "\0")},
    {TYPE_DNAME, BYTES("\1f" APEX "\0")},
    {TYPE_WKS, BYTES("\300\0\2\1\6\0\0\0\100")},
    {TYPE_WKS, BYTES("\300\0\2\1\6\1")},
    {TYPE_SOA,
     BYTES("\2ns" APEX "\0\1h" APEX "\0\377\377\377\377\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1")},
    {TYPE_SOA, BYTES("\2ns" APEX "\0\1h" APEX "\0\0\0\0\5\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1")},
    {TYPE_MX, BYTES("\0\12\3www" APEX "\0")},
    {TYPE_NSEC, BYTES("\3www" APEX "\0\0\1\100")},
    {TYPE_RRSIG, BYTES("\0\1\15\2\0\0\1,p\333\330\200^\14\341\0\0\1" APEX "\0\0\0\0")},
    {TYPE_APL, {NULL, 0}},
    {65280, BYTES("\1\2")},
};

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

#define PICK(table, in) ((table)[next(in) % ARRAY_LEN(table)])

static enum err take(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)where;
    (void)txn_add(arg, rr);
    return OK;
}

static struct name name_at(const char *wire)
{
    return (struct name){(const uint8_t *)wire, (uint8_t)(strlen(wire) + 1)};
}

static struct zone *open_zone(void)
{
    struct zone *z = zone_new(name_at(APEX), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct master_options options = {.origin = name_at(APEX), .class = CLASS_IN};
    struct master_sink sink = {.arg = t, .record = take};
    struct master_result result;
    ASSERT(master_read_bytes("zone", zone_text, sizeof(zone_text) - 1, &options, &sink, &result,
                             NULL) == OK);
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

static void put(struct wr *w, const struct rr *rr)
{
    wr_bytes(w, rr->owner.wire, rr->owner.len);
    wr_u16(w, rr->type);
    wr_u16(w, rr->class);
    wr_u32(w, rr->ttl);
    wr_u16(w, rr->rdata.len);
    wr_bytes(w, rr->rdata.bytes, rr->rdata.len);
}

static void put_wild(struct input *in, struct wr *w)
{
    uint8_t bytes[32];
    struct rr rr = {name_at(PICK(owners, in)), PICK(types, in), PICK(classes, in), PICK(ttls, in),
                    PICK(rdatas, in)};
    uint8_t choice = next(in);
    if (choice >= 128) {
        rr.rdata = (struct rdata){bytes, choice % sizeof(bytes)};
        for (unsigned i = 0; i < rr.rdata.len; i++)
            bytes[i] = next(in);
    }
    put(w, &rr);
}

enum { PREREQUISITES, UPDATES };

/* The clauses of RFC 2136, some more often than others. */
static const struct shape {
    uint16_t class;
    bool is_any, has_rdata;
} shapes[2][8] = {
    [PREREQUISITES] = {{CLASS_ANY, true, false},
                       {CLASS_ANY, false, false},
                       {CLASS_NONE, true, false},
                       {CLASS_NONE, false, false},
                       {CLASS_IN, false, true},
                       {CLASS_IN, false, true},
                       {CLASS_ANY, false, false},
                       {CLASS_NONE, false, false}},
    [UPDATES] = {{CLASS_IN, false, true},
                 {CLASS_IN, false, true},
                 {CLASS_IN, false, true},
                 {CLASS_ANY, false, false},
                 {CLASS_ANY, true, false},
                 {CLASS_NONE, false, true},
                 {CLASS_NONE, false, true},
                 {CLASS_IN, false, true}},
};

static void put_record(struct input *in, unsigned section, unsigned modes, struct wr *w)
{
    uint8_t choice = next(in);
    if (modes & MODE_WILD && choice >= 192) {
        put_wild(in, w);
        return;
    }
    const struct shape *shape = &shapes[section][choice % 8];
    const struct sample *sample = &PICK(samples, in);
    struct rr rr = {name_at(owners[next(in) % OWNERS_INSIDE]),
                    shape->is_any ? TYPE_ANY : sample->type,
                    shape->class,
                    0,
                    {NULL, 0}};
    if (shape->has_rdata)
        rr.rdata = sample->rdata;
    if (section == UPDATES && shape->class == CLASS_IN)
        rr.ttl = choice & 8 ? 60 : 300;
    put(w, &rr);
}

/* An UPDATE of that many records: as many as bit 7 of the count's neighbours say are prerequisites.
 */
static void build(struct input *in, unsigned count, unsigned modes, struct wr *w)
{
    uint8_t choice = next(in);
    unsigned prereqs = choice < 192 ? 0 : choice % 4u < count ? choice % 4u : count;
    wr_u16(w, 7);
    wr_u16(w, OPCODE_UPDATE << 11);
    wr_u16(w, 1);
    wr_u16(w, (uint16_t)prereqs);
    wr_u16(w, (uint16_t)(count - prereqs));
    wr_u16(w, 0);
    wr_bytes(w, APEX, sizeof(APEX));
    wr_u16(w, TYPE_SOA);
    wr_u16(w, CLASS_IN);
    for (unsigned i = 0; i < count; i++)
        put_record(in, i < prereqs ? PREREQUISITES : UPDATES, modes, w);
    ASSERT(!w->bad);
}

/* --- what must hold --- */

static const struct hash_key key;

enum part { PART_ALL, PART_BUT_TXT_AND_SOA };

static uint64_t zone_hash(const struct version *v, enum part part)
{
    struct walk w;
    uint64_t sum = 0;
    walk_start(&w, v);
    for (const struct node *n = walk_next(&w); n; n = walk_next(&w))
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
            if (part == PART_BUT_TXT_AND_SOA && (s.type == TYPE_TXT || s.type == TYPE_SOA))
                continue;
            sum = sum * 31 + hash_bytes(&key, n->bytes, n->owner_len);
            sum = sum * 31 + hash_bytes(&key, s.data, s.len) + s.type + s.ttl;
        }
    return sum;
}

static void check_node(const struct version *v, const struct node *n)
{
    bool is_apex = name_is_equal(node_owner(n), name_of(&v->zone->name));
    bool has_cname = false, has_other = false;
    unsigned soa = 0, ns = 0;
    ASSERT(name_is_under(node_owner(n), name_of(&v->zone->name)));
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
        ASSERT(rrtype_is_data(s.type));
        ASSERT(s.count == 1 || !rrtype_is(s.type, RRTYPE_SINGLE));
        soa += s.type == TYPE_SOA ? s.count : 0;
        ns += s.type == TYPE_NS ? s.count : 0;
        has_cname |= s.type == TYPE_CNAME;
        has_other |= s.type != TYPE_CNAME && !rrtype_is(s.type, RRTYPE_BESIDE_CNAME);
        for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r))
            ASSERT(rdata_check(s.type, r, NULL));
    }
    ASSERT(!(has_cname && has_other));
    ASSERT(soa == (is_apex ? 1 : 0));
    ASSERT(!is_apex || ns > 0);
}

static void check_zone(const struct version *v)
{
    struct walk w;
    uint64_t records = 0;
    walk_start(&w, v);
    for (const struct node *n = walk_next(&w); n; n = walk_next(&w)) {
        check_node(v, n);
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            records += s.count;
    }
    ASSERT(v->apex && records == v->record_count);
}

/* Names of the zone file, and the apex' RRsets of it, are as they were. */
static void check_protected(const struct version *first, const struct version *now)
{
    struct walk w;
    walk_start(&w, first);
    for (const struct node *n = walk_next(&w); n; n = walk_next(&w)) {
        if (rrset_is_nsec3(rrset_id(node_first(n))))
            continue;
        const struct node *other = lookup_exact(now, node_owner(n));
        ASSERT(other);
        if (n != first->apex) {
            ASSERT(other->size == n->size && memcmp(other, n, n->size) == 0);
            continue;
        }
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
            struct rrset o = node_get(other, rrset_id(s));
            ASSERT(s.type == TYPE_SOA ||
                   (o.len == s.len && o.ttl == s.ttl && memcmp(o.data, s.data, s.len) == 0));
        }
    }
}

static void check_rcode(enum rcode rcode)
{
    static const enum rcode may[] = {NOERROR,  FORMERR, NXDOMAIN, REFUSED,
                                     YXDOMAIN, YXRRSET, NXRRSET,  NOTZONE};
    bool is_known = false;
    for (size_t i = 0; i < ARRAY_LEN(may); i++)
        is_known |= rcode == may[i];
    ASSERT(is_known);
}

struct world {
    struct zone *zone;
    const struct version *first; /* pinned */
    struct request q;
    struct update_rules rules;
    struct update_actor actor;
    unsigned modes;
};

/* As a whole or in slices, which its id decides. */
static enum rcode run_update(struct world *w, struct txn *t, struct update_report *report)
{
    if (!(w->q.msg.id & 1))
        return update_run(&w->q, &w->rules, &w->actor, t, report);
    const struct update_given given = {&w->q, &w->rules, &w->actor, t, report};
    struct update *u = update_begin(&given);
    ASSERT(u);
    while (!update_some(u, &given, w->q.msg.id & 1023))
        ;
    return report->rcode;
}

static void run(struct world *w, const uint8_t *wire, size_t len)
{
    struct version *tip = w->zone->tip;
    struct update_report report;
    uint64_t before = zone_hash(tip, PART_ALL), others = zone_hash(tip, PART_BUT_TXT_AND_SOA);
    if (!message_read_header(&w->q.msg, wire, len) || message_read(&w->q.msg) != NOERROR)
        return; /* an OPT in the wrong place */
    arena_reset(w->q.arena);
    struct txn *t = txn_begin(w->zone, TXN_CHANGE);
    enum rcode rcode = run_update(w, t, &report);
    check_rcode(rcode);
    ASSERT(rcode == report.rcode && (rcode != NOERROR) == (report.reason[0] != 0));
    if (rcode != NOERROR || !report.is_changed) {
        txn_abort(&t);
        ASSERT(w->zone->tip == tip && zone_hash(tip, PART_ALL) == before);
        return;
    }
    struct diff diff;
    struct version *v = txn_seal(&t, &diff);
    ASSERT(serial_compare(v->serial, tip->serial) == 1 && v->serial != 0);
    ASSERT(diff.serial_from == tip->serial && diff.serial_to == v->serial);
    ASSERT(diff.removed_count > 0 && diff.added_count > 0);
    ASSERT(zone_hash(tip, PART_ALL) == before);
    diff_done(&diff);
    check_zone(v);
    if (w->modes & MODE_TXT_ONLY && !(w->modes & MODE_OPERATOR))
        ASSERT(zone_hash(v, PART_BUT_TXT_AND_SOA) == others);
    if (w->modes & MODE_PROTECT && !(w->modes & MODE_OPERATOR))
        check_protected(w->first, v);
    zone_publish(w->zone, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t txt[] = {TYPE_TXT};
    static struct arena arena;
    static struct counters count;
    static uint8_t wire[DNS_MESSAGE_MAX];
    struct input in = {data, data + size};
    struct grant_count counted = {0};
    struct peer peer = {.address.v4.sin_family = AF_INET};
    struct world w = {.zone = open_zone(), .modes = next(&in)};
    if (!arena.limit)
        arena_init(&arena, 65536, ARENA_MAX);
    bool is_txt = w.modes & MODE_TXT_ONLY;
    struct grant grant = {.is_unsigned = true, .where = GRANT_ALL, .counted = &counted};
    uint16_t all[ARRAY_LEN(types)];
    memcpy(all, types, sizeof(all));
    grant.types = is_txt ? txt : all;
    grant.type_count = is_txt ? 1 : ARRAY_LEN(all);
    struct base *file = base_make(w.zone->tip);
    w.first = version_pin(w.zone->tip);
    w.rules = (struct update_rules){.grants = &grant,
                                    .grant_count = 1,
                                    .is_strict = w.modes & MODE_STRICT,
                                    .protect = w.modes & MODE_PROTECT ? file : NULL};
    if (w.modes & MODE_LIMITS) {
        grant.records_max = 24;
        w.rules.limits = (struct update_limits){3, 4, 26, RECORDS_MAX - 4};
    }
    w.actor.peer = w.modes & MODE_OPERATOR ? NULL : &peer;
    w.q.arena = &arena;
    w.q.count = &count;
    for (unsigned i = 0; i < UPDATES_MAX && in.at < in.end; i++) {
        struct wr to = wr_over(wire, sizeof(wire));
        unsigned records = next(&in);
        build(&in, records < 128 ? records % 4u : records % (RECORDS_MAX + 1u), w.modes, &to);
        run(&w, wire, wr_len(&to));
    }
    ASSERT(count.arena_full == 0);
    version_unpin(w.first);
    base_release(file);
    zone_free(w.zone);
    return 0;
}

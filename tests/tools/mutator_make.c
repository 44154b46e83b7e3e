/* SPDX-License-Identifier: Apache-2.0
 * Valid messages of every kind, to begin with. */
#include <string.h>

#include "mutator_int.h"

static const char *const apexes[] = {
    "\7example",         "\7example",          "\7example",       "\7example",
    "\6signed\7example", "\7signed3\7example", "\4copy\7example",
};
#define APEXES_UPDATED 4 /* the first of them */

/* Before an apex; the dynamic ones are few enough for records to meet. */
static const char *const prefixes[] = {
    "",
    "",
    "\2ns",
    "\3www",
    "\4mail",
    "\5alias",
    "\1*\4wild",
    "\1x\4wild",
    "\3cut",
    "\2ns\3cut",
    "\1x\3cut",
    "\5dname",
    "\1x\5dname",
    "\4loop",
    "\4pool",
    "\3big",
    "\3WWW",
    "\4none",
    "\1x\1y\1z",
    "\17_acme-challenge\3www",
    "\2h0",
    "\2h1",
    "\2h2",
    "\2h3",
    "\2h4",
    "\2h5",
    "\2h6",
    "\2h7",
    "\1a\2h0",
    "\1b\2h1",
    "\1*\2h2",
    "\1x\1*\2h2",
    "\4_tcp\2h3",
    "\1.\2h4",
    "\77lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll",
};

void make_fill(struct mutator *m, uint8_t *p, size_t len)
{
    while (len--)
        *p++ = (uint8_t)mutator_draw(m, 256);
}

uint8_t *make_room(struct mutator *m, unsigned *len)
{
    struct draft *d = &m->draft;
    if (*len > POOL_MAX - d->pool_len)
        *len = POOL_MAX - d->pool_len;
    d->pool_len += *len;
    return d->pool + d->pool_len - *len;
}

uint8_t *make_own(struct mutator *m, struct record *r, unsigned more)
{
    unsigned len = r->rdata_len + more;
    uint8_t *p = make_room(m, &len);
    if (r->rdata_len > len)
        r->rdata_len = len;
    if (r->rdata_len)
        memmove(p, r->rdata, r->rdata_len);
    make_fill(m, p + r->rdata_len, len - r->rdata_len);
    r->rdata = p;
    r->rdata_len = len;
    return p;
}

static void owner_add(struct record *r, const void *bytes, size_t len)
{
    if (len > OWNER_MAX - r->owner_len)
        len = OWNER_MAX - r->owner_len;
    memcpy(r->owner + r->owner_len, bytes, len);
    r->owner_len += (unsigned)len;
}

static void owner_set(struct record *r, const char *prefix, const char *apex)
{
    r->owner_len = 0;
    owner_add(r, prefix, strlen(prefix));
    owner_add(r, apex, strlen(apex) + 1); /* its NUL is the root label */
}

void make_owner(struct mutator *m, struct record *r)
{
    owner_set(r, PICK(m, prefixes), PICK(m, apexes));
    if (chance(m, 3)) { /* as deep or as long as a name can be */
        static const uint8_t label[] = "\1d", wide[] = "\77wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
                                                       "wwwwwwwwwwwwwwwwwwwwwwwww";
        bool is_deep = chance(m, 50);
        uint8_t apex[OWNER_MAX];
        unsigned len = r->owner_len, step = is_deep ? 2 : 64;
        memcpy(apex, r->owner, len);
        r->owner_len = 0;
        while (r->owner_len + len + step <= NAME_LEN_MAX)
            owner_add(r, is_deep ? label : wide, step);
        owner_add(r, apex, len);
    }
}

struct record *make_record(struct mutator *m, enum section s, uint16_t type, uint16_t class,
                           uint32_t ttl)
{
    struct draft *d = &m->draft;
    struct record *r = &d->record[d->count < RECORDS_MAX ? d->count++ : RECORDS_MAX - 1];
    *r = (struct record){.section = s, .type = type, .class = class, .ttl = ttl};
    r->owner_len = 1;
    return r;
}

struct record *make_data(struct mutator *m, enum section s)
{
    static const uint32_t ttls[] = {0, 1, 60, 300, 3600, 86400, TTL_MAX};
    const struct sample *sample = &m->sample[mutator_draw(m, m->sample_count)];
    while (!rrtype_is_data(sample->type) || rrtype_is(sample->type, RRTYPE_NOZONE))
        sample = &m->sample[mutator_draw(m, m->sample_count)];
    struct record *r = make_record(m, s, sample->type, CLASS_IN, PICK(m, ttls));
    make_owner(m, r);
    r->rdata = sample->bytes;
    r->rdata_len = sample->len;
    return r;
}

/* --- OPT --- */

/* code, and lengths of payload that are worth sending */
static const struct option {
    uint16_t code;
    uint8_t len[4];
} options[] = {
    {1, {18, 18, 0, 18}},    /* LLQ */
    {2, {4, 8, 4, 8}},       /* Update Lease */
    {3, {0, 0, 0, 5}},       /* NSID */
    {5, {1, 3, 8, 0}},       /* DAU */
    {8, {7, 7, 7, 7}},       /* client subnet */
    {9, {0, 0, 0, 0}},       /* EXPIRE */
    {10, {8, 24, 24, 40}},   /* COOKIE */
    {11, {0, 0, 0, 0}},      /* keepalive */
    {12, {0, 16, 128, 255}}, /* padding */
    {13, {1, 9, 9, 1}},      /* CHAIN */
    {14, {2, 4, 8, 2}},      /* key tag */
    {15, {2, 12, 2, 2}},     /* extended error */
    {16, {2, 2, 2, 2}},      /* client tag */
    {18, {9, 1, 9, 9}},      /* Report-Channel */
    {19, {0, 0, 0, 0}},      /* ZONEVERSION */
    {20, {3, 5, 9, 1}},      /* multiple QTYPEs */
    {65001, {0, 4, 40, 200}},
};

static void option_fill(struct mutator *m, uint16_t code, uint8_t *p, unsigned len)
{
    static const uint8_t subnet[] = {0, 1, 24, 0, 192, 0, 2, 0, 0, 0, 0};
    make_fill(m, p, len);
    if (code == 2 && len >= 4)
        put_u32(p, mutator_draw(m, 4000));
    else if (code == 10 && len == COOKIE_LEN)
        memcpy(p, m->cookie, len);
    else if (code == 8)
        memcpy(p, subnet, len < sizeof(subnet) ? len : sizeof(subnet));
    else if (code == 12 || code == 18 || code == 13)
        memset(p, 0, len);
}

static void add_option(struct mutator *m, struct record *opt, const struct option *o)
{
    unsigned len = PICK(m, o->len);
    uint8_t *p = make_own(m, opt, 4 + len) + opt->rdata_len - 4 - len;
    put_u16(p, o->code);
    put_u16(p + 2, (uint16_t)len);
    option_fill(m, o->code, p + 4, len);
}

static void add_opt(struct mutator *m)
{
    static const uint16_t sizes[] = {0, 512, 1232, 1232, 4096, 65535};
    static const uint8_t shares[] = {0, 5, 10, 30, 100};
    uint32_t flags = chance(m, 50) ? 0x8000 : 0;
    struct record *opt = make_record(m, SECTION_ADDITIONAL, TYPE_OPT, PICK(m, sizes), flags);
    unsigned percent = PICK(m, shares);
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (chance(m, percent))
            add_option(m, opt, &options[i]);
}

/* --- the kinds --- */

static void set_opcode(struct mutator *m, unsigned opcode)
{
    m->draft.flags = (uint16_t)(opcode << 11 | (chance(m, 30) ? FLAG_RD : 0));
}

static struct record *ask(struct mutator *m, uint16_t type, uint16_t class)
{
    struct record *r = make_record(m, SECTION_QUESTION, type, class, 0);
    make_owner(m, r);
    return r;
}

static uint16_t any_type(struct mutator *m)
{
    static const uint16_t odd[] = {0, 41, 128, 249, 250, 251, 252, 253, 254, 255, 65281, 65535};
    static const uint16_t usual[] = {TYPE_A,   TYPE_AAAA, TYPE_NS,     TYPE_SOA,   TYPE_MX,
                                     TYPE_TXT, TYPE_DS,   TYPE_DNSKEY, TYPE_CNAME, TYPE_ANY};
    if (chance(m, 15))
        return PICK(m, odd);
    return chance(m, 50) ? PICK(m, usual) : m->sample[mutator_draw(m, m->sample_count)].type;
}

static void make_query(struct mutator *m)
{
    static const uint16_t classes[] = {CLASS_IN, CLASS_CH, CLASS_HS, CLASS_NONE, CLASS_ANY};
    set_opcode(m, OPCODE_QUERY);
    struct record *r = ask(m, any_type(m), chance(m, 90) ? CLASS_IN : PICK(m, classes));
    if (r->class == CLASS_CH)
        owner_set(r, chance(m, 50) ? "\7version" : "\2id", chance(m, 50) ? "\4bind" : "\6server");
    if (chance(m, 60))
        add_opt(m);
}

static void make_axfr(struct mutator *m)
{
    set_opcode(m, OPCODE_QUERY);
    owner_set(ask(m, TYPE_AXFR, CLASS_IN), "", PICK(m, apexes));
    if (chance(m, 50))
        add_opt(m);
}

/* A SOA record with a serial near those that the zone has had. */
static void add_soa(struct mutator *m, enum section s, const char *apex)
{
    static const uint8_t rdata[] = "\2ns\7example\0\12hostmaster\7example\0\0\0\0\1\0\0\16\20\0\0\3"
                                   "\204\0\22\165\0\0\0\1\54";
    struct record *r = make_record(m, s, TYPE_SOA, CLASS_IN, 300);
    owner_set(r, "", apex);
    r->rdata = rdata;
    r->rdata_len = sizeof(rdata) - 1;
    put_u32(make_own(m, r, 0) + r->rdata_len - SOA_NUMBERS_LEN,
            m->serial + 2 - mutator_draw(m, 40));
}

static void make_ixfr(struct mutator *m)
{
    const char *apex = PICK(m, apexes);
    set_opcode(m, OPCODE_QUERY);
    owner_set(ask(m, TYPE_IXFR, CLASS_IN), "", apex);
    add_soa(m, SECTION_AUTHORITY, apex);
    if (chance(m, 30))
        add_opt(m);
}

static void make_notify(struct mutator *m)
{
    const char *apex = chance(m, 60) ? "\4copy\7example" : PICK(m, apexes);
    set_opcode(m, OPCODE_NOTIFY);
    m->draft.flags |= FLAG_AA;
    owner_set(ask(m, TYPE_SOA, CLASS_IN), "", apex);
    if (chance(m, 50))
        add_soa(m, SECTION_ANSWER, apex);
    if (chance(m, 20))
        add_opt(m);
}

/* Class, type ANY, with rdata: the clauses of RFC 2136 s2.4 and s2.5. */
static const struct clause {
    uint16_t class;
    bool is_any, has_rdata;
} prerequisites[] = {{CLASS_ANY, true, false},   {CLASS_ANY, false, false},
                     {CLASS_NONE, true, false},  {CLASS_NONE, false, false},
                     {CLASS_NONE, false, false}, {CLASS_IN, false, true}},
  operations[] = {{CLASS_IN, false, true},   {CLASS_IN, false, true},  {CLASS_IN, false, true},
                  {CLASS_ANY, false, false}, {CLASS_ANY, true, false}, {CLASS_NONE, false, true}};

static void add_clause(struct mutator *m, enum section s, const struct clause *clause,
                       const char *apex)
{
    struct record *r = make_data(m, s);
    if (chance(m, 95))
        owner_set(r, PICK(m, prefixes), apex);
    r->class = clause->class;
    r->ttl = s == SECTION_ANSWER || clause->class != CLASS_IN ? 0 : r->ttl;
    if (clause->is_any)
        r->type = TYPE_ANY;
    if (!clause->has_rdata)
        r->rdata_len = 0;
}

static void make_update(struct mutator *m)
{
    const char *apex = chance(m, 90) ? apexes[0] : PICK(m, apexes);
    set_opcode(m, OPCODE_UPDATE);
    owner_set(ask(m, TYPE_SOA, CLASS_IN), "", apex);
    if (chance(m, 30))
        for (unsigned n = 1 + mutator_draw(m, 3); n-- > 0;)
            add_clause(m, SECTION_ANSWER, &PICK(m, prerequisites), apex);
    for (unsigned n = mutator_draw(m, 6); n-- > 0;)
        add_clause(m, SECTION_AUTHORITY, &PICK(m, operations), apex);
    if (chance(m, 5))
        make_data(m, SECTION_ADDITIONAL);
    if (chance(m, 30))
        add_opt(m);
}

static void make_response(struct mutator *m)
{
    static const uint8_t opcodes[] = {OPCODE_QUERY, OPCODE_QUERY, OPCODE_NOTIFY, OPCODE_UPDATE};
    set_opcode(m, PICK(m, opcodes));
    m->draft.flags |= (uint16_t)(FLAG_QR | mutator_draw(m, 16));
    ask(m, any_type(m), CLASS_IN);
    for (unsigned s = SECTION_ANSWER; s <= SECTION_ADDITIONAL; s++)
        for (unsigned n = mutator_draw(m, 3); n-- > 0;)
            make_data(m, (enum section)s);
    if (chance(m, 50))
        add_opt(m);
}

/* A message of another kind with a signature by a public key behind it (RFC 2931). */
static void make_sig0(struct mutator *m)
{
    static const uint8_t rdata[] = "\0\0\10\0\0\0\0\0\177\377\377\377\0\0\0\0\22\64\1k\7example";
    if (chance(m, 50))
        make_update(m);
    else
        make_query(m);
    struct record *r = make_record(m, SECTION_ADDITIONAL, TYPE_SIG, CLASS_ANY, 0);
    r->rdata = rdata;
    r->rdata_len = sizeof(rdata);
    make_own(m, r, chance(m, 50) ? 256 : 64);
}

/* RFC 2930 s2; modes 1 to 5. */
static void make_tkey(struct mutator *m)
{
    static const uint8_t rdata[] = "\10gss-tsig\0\0\0\0\1\177\377\377\377\0\3\0\0\0\20"
                                   "0123456789abcdef\0";
    set_opcode(m, OPCODE_QUERY);
    struct record *asked = ask(m, TYPE_TKEY, CLASS_ANY), *r;
    r = make_record(m, chance(m, 80) ? SECTION_ADDITIONAL : SECTION_ANSWER, TYPE_TKEY, CLASS_ANY,
                    0);
    memcpy(r->owner, asked->owner, asked->owner_len);
    r->owner_len = asked->owner_len;
    r->rdata = rdata;
    r->rdata_len = sizeof(rdata);
    make_own(m, r, 0)[19] = (uint8_t)mutator_draw(m, 7);
}

static void make_status(struct mutator *m)
{
    set_opcode(m, OPCODE_STATUS);
    if (chance(m, 50))
        ask(m, any_type(m), CLASS_IN);
    if (chance(m, 30))
        add_opt(m);
}

/* RFC 8490 s5.4: no records at all, TLVs behind the header. */
static void make_dso(struct mutator *m)
{
    static const uint8_t keepalive[] = {0, 1, 0, 8, 0, 0, 0x3a, 0x98, 0, 0, 0x3a, 0x98};
    set_opcode(m, OPCODE_DSO);
    m->draft.tail = keepalive;
    m->draft.tail_len = sizeof(keepalive);
}

static void make_unknown_opcode(struct mutator *m)
{
    static const uint8_t opcodes[] = {OPCODE_IQUERY, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    make_query(m);
    m->draft.flags = (uint16_t)((m->draft.flags & ~FLAG_OPCODE_MASK) | PICK(m, opcodes) << 11);
}

static const struct kind {
    const char *name;
    unsigned weight;
    void (*make)(struct mutator *m);
} kinds[] = {
    {"query", 30, make_query},
    {"update", 36, make_update},
    {"axfr", 4, make_axfr},
    {"ixfr", 5, make_ixfr},
    {"notify", 6, make_notify},
    {"response", 5, make_response},
    {"sig0", 3, make_sig0},
    {"tkey", 3, make_tkey},
    {"status", 2, make_status},
    {"dso", 2, make_dso},
    {"opcode", 4, make_unknown_opcode},
};

const char *make_any(struct mutator *m)
{
    unsigned sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        sum += kinds[i].weight;
    uint32_t drawn = mutator_draw(m, sum);
    const struct kind *kind = kinds;
    for (; drawn >= kind->weight; kind++)
        drawn -= kind->weight;
    struct draft *d = &m->draft;
    d->id = (uint16_t)mutator_draw(m, 65536);
    d->count = d->pool_len = d->tail_len = 0;
    d->is_compressed = chance(m, 50);
    memset(d->count_lie, 0, sizeof(d->count_lie));
    kind->make(m);
    return kind->name;
}

/* SPDX-License-Identifier: Apache-2.0
 * Changes to the structure of a message: one row for each. */
#include <string.h>

#include "mutator_int.h"

static struct record *any_record(struct mutator *m)
{
    struct draft *d = &m->draft;
    return d->count ? &d->record[mutator_draw(m, d->count)] : NULL;
}

static struct record *any_opt(struct mutator *m)
{
    struct draft *d = &m->draft;
    for (unsigned i = 0; i < d->count; i++)
        if (d->record[i].type == TYPE_OPT)
            return &d->record[i];
    return any_record(m);
}

/* --- of the message --- */

static void lie_of_count(struct mutator *m)
{
    static const int lies[] = {-1, 1, 1, 2, 255, 65535};
    m->draft.count_lie[mutator_draw(m, SECTION_COUNT)] = PICK(m, lies);
}

static void flip_flag(struct mutator *m)
{
    m->draft.flags ^= (uint16_t)(1u << mutator_draw(m, 16));
}

static void set_opcode(struct mutator *m)
{
    m->draft.flags &= (uint16_t)~FLAG_OPCODE_MASK;
    m->draft.flags |= (uint16_t)(mutator_draw(m, 16) << 11);
}

static void add_tail(struct mutator *m)
{
    unsigned len = 1 + mutator_draw(m, 40);
    uint8_t *p = make_room(m, &len);
    make_fill(m, p, len);
    m->draft.tail = p;
    m->draft.tail_len = len;
}

/* --- records as a whole --- */

static void drop(struct mutator *m)
{
    struct draft *d = &m->draft;
    if (d->count)
        d->record[mutator_draw(m, d->count)] = d->record[d->count - 1];
    d->count -= d->count > 0;
}

static void twice(struct mutator *m)
{
    struct draft *d = &m->draft;
    if (d->count && d->count < RECORDS_MAX) {
        d->record[d->count] = *any_record(m);
        d->count++;
    }
}

static void move(struct mutator *m)
{
    struct record *r = any_record(m);
    if (r)
        r->section = (enum section)mutator_draw(m, SECTION_COUNT);
}

static void swap(struct mutator *m)
{
    struct record *a = any_record(m), *b = any_record(m);
    if (a && a != b) {
        struct record kept = *a;
        *a = *b;
        *b = kept;
    }
}

static void add_data(struct mutator *m)
{
    make_data(m, (enum section)mutator_draw(m, SECTION_COUNT));
}

/* As many as a draft holds, of one name. */
static void add_many(struct mutator *m)
{
    struct draft *d = &m->draft;
    struct record *first = make_data(m, (enum section)(1 + mutator_draw(m, 3)));
    while (d->count < RECORDS_MAX) {
        struct record *r = &d->record[d->count++];
        const struct sample *sample = &m->sample[mutator_draw(m, m->sample_count)];
        *r = *first;
        if (chance(m, 50)) {
            r->type = sample->type;
            r->rdata = sample->bytes;
            r->rdata_len = sample->len;
        } else {
            make_own(m, r, 1);
        }
    }
}

/* --- parts of a record --- */

static void point(struct mutator *m, struct record *r)
{
    r->pointing = (enum pointing)(1 + mutator_draw(m, POINT_COUNT - 1));
}

static void exchange_owner(struct mutator *m, struct record *r)
{
    make_owner(m, r);
}

/* Labels until the name is longer than one may be, or just as long. */
static void lengthen_owner(struct mutator *m, struct record *r)
{
    static const unsigned lengths[] = {253, 254, 255, 256, 257, OWNER_MAX - 2};
    unsigned want = PICK(m, lengths), kept = r->owner_len;
    while (r->owner_len < want) {
        unsigned label = want - r->owner_len - 1;
        label = label > LABEL_LEN_MAX ? LABEL_LEN_MAX : label ? label : 1;
        if (r->owner_len + label + 1 > OWNER_MAX)
            break;
        memmove(r->owner + label + 1, r->owner, r->owner_len);
        r->owner[0] = (uint8_t)label;
        memset(r->owner + 1, 'l', label);
        r->owner_len += label + 1;
    }
    if (r->owner_len == kept)
        r->owner[0] = 0x40;
}

/* A length byte that is none, or is another one. */
static void break_owner(struct mutator *m, struct record *r)
{
    static const uint8_t edges[] = {0, 1, 0x3f, 0x40, 0x41, 0x80, 0xbf, 0xc0, 0xff};
    unsigned at = 0;
    for (unsigned n = mutator_draw(m, 4); n-- > 0 && at < r->owner_len && r->owner[at];)
        at += r->owner[at] + 1u;
    if (at < r->owner_len)
        r->owner[at] = PICK(m, edges);
}

/* A byte of a label: upper case, NUL, a dot, anything. */
static void respell_owner(struct mutator *m, struct record *r)
{
    static const uint8_t odd[] = {0, '.', '\\', '*', '"', ' ', 0x7f, 0x80, 0xff, '_'};
    unsigned at = mutator_draw(m, r->owner_len);
    r->owner[at] = chance(m, 50) ? r->owner[at] ^ 0x20 : PICK(m, odd);
}

static void set_type(struct mutator *m, struct record *r)
{
    static const uint16_t types[] = {0,  1,   2,   5,   6,   10,  24,  25,  39,  41,    46,   47,
                                     50, 249, 250, 251, 252, 253, 254, 255, 256, 65281, 65535};
    r->type = chance(m, 60) ? PICK(m, types) : m->sample[mutator_draw(m, m->sample_count)].type;
}

static void set_class(struct mutator *m, struct record *r)
{
    static const uint16_t classes[] = {0,          CLASS_IN,  CLASS_CH, CLASS_HS,
                                       CLASS_NONE, CLASS_ANY, 512,      65535};
    r->class = PICK(m, classes);
}

static void set_ttl(struct mutator *m, struct record *r)
{
    static const uint32_t ttls[] = {0, 1, TTL_MAX, TTL_MAX + 1, UINT32_MAX, 0x8000, 0x10000};
    r->ttl = PICK(m, ttls);
}

static void lie_of_length(struct mutator *m, struct record *r)
{
    static const int lies[] = {-1, 1, -2, 2, 12, 255, 65535, -4};
    r->len_lie = PICK(m, lies);
}

static void cut_rdata(struct mutator *m, struct record *r)
{
    if (r->rdata_len)
        r->rdata_len = mutator_draw(m, r->rdata_len);
}

static void grow_rdata(struct mutator *m, struct record *r)
{
    make_own(m, r, 1 + mutator_draw(m, 30));
}

static void swell_rdata(struct mutator *m, struct record *r)
{
    make_own(m, r, chance(m, 50) ? 300 : 1 + mutator_draw(m, 20000));
}

static void change_rdata(struct mutator *m, struct record *r)
{
    static const uint8_t edges[] = {0, 1, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff};
    uint8_t *p = make_own(m, r, 0);
    if (r->rdata_len)
        p[mutator_draw(m, r->rdata_len)] =
            chance(m, 60) ? PICK(m, edges) : (uint8_t)mutator_draw(m, 256);
}

/* Two bytes of it are a pointer, into what lies before or behind. */
static void point_rdata(struct mutator *m, struct record *r)
{
    uint8_t *p = make_own(m, r, 0);
    if (r->rdata_len >= 2)
        put_u16(p + mutator_draw(m, r->rdata_len - 1), (uint16_t)(0xc000 | mutator_draw(m, 200)));
}

static void exchange_rdata(struct mutator *m, struct record *r)
{
    const struct sample *sample = &m->sample[mutator_draw(m, m->sample_count)];
    r->rdata = sample->bytes;
    r->rdata_len = sample->len;
}

/* Of its options one gets another length, code or content. */
static void change_option(struct mutator *m, struct record *r)
{
    static const int lies[] = {-1, 1, 2, 40, 65535};
    uint8_t *p = make_own(m, r, 0);
    unsigned at = 0, len = r->rdata_len;
    for (unsigned n = mutator_draw(m, 4); n-- > 0 && at + 8 < len;)
        at += 4u + get_u16(p + at + 2);
    if (at + 4 > len)
        return;
    if (chance(m, 60))
        put_u16(p + at + 2, (uint16_t)(get_u16(p + at + 2) + PICK(m, lies)));
    else
        put_u16(p + at, (uint16_t)mutator_draw(m, 24));
}

/* One option stands there again. */
static void repeat_options(struct mutator *m, struct record *r)
{
    unsigned len = r->rdata_len;
    uint8_t *p = make_own(m, r, len);
    if (r->rdata_len == 2 * len)
        memcpy(p + len, p, len);
}

static void set_version(struct mutator *m, struct record *r)
{
    r->ttl = mutator_draw(m, 4) << 16 | mutator_draw(m, 65536);
}

static const struct step {
    unsigned weight;
    void (*message)(struct mutator *m); /* or */
    void (*record)(struct mutator *m, struct record *r);
    bool is_of_opt;
} steps[] = {
    {2, lie_of_count, NULL, false},   {3, flip_flag, NULL, false},
    {2, set_opcode, NULL, false},     {1, add_tail, NULL, false},
    {4, drop, NULL, false},           {6, twice, NULL, false},
    {6, move, NULL, false},           {4, swap, NULL, false},
    {6, add_data, NULL, false},       {1, add_many, NULL, false},
    {2, NULL, point, false},          {6, NULL, exchange_owner, false},
    {2, NULL, lengthen_owner, false}, {2, NULL, break_owner, false},
    {6, NULL, respell_owner, false},  {8, NULL, set_type, false},
    {6, NULL, set_class, false},      {4, NULL, set_ttl, false},
    {2, NULL, lie_of_length, false},  {3, NULL, cut_rdata, false},
    {4, NULL, grow_rdata, false},     {1, NULL, swell_rdata, false},
    {10, NULL, change_rdata, false},  {4, NULL, point_rdata, false},
    {6, NULL, exchange_rdata, false}, {6, NULL, change_option, true},
    {3, NULL, repeat_options, true},  {2, NULL, set_version, true},
};

void step_any(struct mutator *m)
{
    unsigned sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        sum += steps[i].weight;
    uint32_t drawn = mutator_draw(m, sum);
    const struct step *step = steps;
    for (; drawn >= step->weight; step++)
        drawn -= step->weight;
    if (step->message) {
        step->message(m);
        return;
    }
    struct record *r = step->is_of_opt ? any_opt(m) : any_record(m);
    if (r)
        step->record(m, r);
}

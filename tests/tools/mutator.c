/* SPDX-License-Identifier: Apache-2.0
 * From a number to a message: a draft, steps, its bytes, a signature. */
#include "mutator.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "mutator_int.h"

#define STEPS_MAX    4
#define LINE_MAX_LEN 8192
#define SEEN_MAX     32 /* names that a pointer may lead to */

/* --- drawing --- */

/* splitmix64: any state is good, so that every number of a message has its own. */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

uint32_t mutator_draw(struct mutator *m, uint32_t below)
{
    return (uint32_t)((mix(&m->state) >> 32) * below >> 32);
}

static uint64_t state_of(uint64_t seed, uint64_t number)
{
    uint64_t state = seed;
    state = mix(&state) + number;
    return mix(&state);
}

/* --- samples of rdata --- */

/* "TYPE | text | hexadecimal | text"; the text may have bars of its own. */
static void take_sample(struct mutator *m, char *line)
{
    char *type = strsep(&line, " "), *shown = line ? strrchr(line, '|') : NULL;
    struct sample *s = &m->sample[m->sample_count];
    if (!shown || line[0] != '|' || m->sample_count == SAMPLES_MAX)
        return;
    while (shown > line && shown[-1] == ' ')
        shown--;
    size_t hex = 0;
    while (shown - hex > line && strchr("0123456789ABCDEF", shown[-(ptrdiff_t)hex - 1]))
        hex++;
    uint8_t *bytes = malloc(hex / 2 + 1);
    struct wr w = wr_over(bytes, hex / 2);
    if (!bytes || !rrtype_scan(type, strlen(type), &s->type) ||
        !base16_scan(shown - hex, hex, &w)) {
        free(bytes);
        return;
    }
    s->bytes = bytes;
    s->len = (uint16_t)wr_len(&w);
    m->sample_count++;
}

static void read_samples(struct mutator *m, const char *path)
{
    static char line[LINE_MAX_LEN];
    FILE *f = fopen(path, "r");
    if (!f)
        err(1, "%s", path);
    while (fgets(line, sizeof(line), f))
        if (line[0] != '#' && line[0] != '\n')
            take_sample(m, line);
    fclose(f);
    if (m->sample_count < 50)
        errx(1, "%s: no samples of rdata", path);
}

struct mutator *mutator_new(uint64_t seed, const char *samples)
{
    struct mutator *m = calloc(1, sizeof(*m));
    if (!m)
        err(1, "mutator");
    m->seed = m->state = seed;
    memset(m->cookie, 'c', sizeof(m->cookie));
    read_samples(m, samples);
    return m;
}

void mutator_free(struct mutator *m)
{
    for (unsigned i = 0; m && i < m->sample_count; i++)
        free(m->sample[i].bytes);
    free(m);
}

static void learn_cookie(struct mutator *m, struct rd r)
{
    static const uint8_t head[] = {0, 10, 0, COOKIE_LEN};
    r.at = memmem(r.start, rd_left(&r), head, sizeof(head));
    if (r.at && rd_bytes(&r, sizeof(head)) && rd_left(&r) >= COOKIE_LEN)
        memcpy(m->cookie, r.at, COOKIE_LEN);
}

/* Behind the first SOA's owner its type and class stand as they do in the question. */
static void learn_serial(struct mutator *m, struct rd r)
{
    static const uint8_t soa[] = {0, TYPE_SOA, 0, CLASS_IN};
    for (unsigned i = 0; i < 2; i++) {
        r.at = memmem(r.at, rd_left(&r), soa, sizeof(soa));
        if (!r.at)
            return;
        rd_bytes(&r, sizeof(soa));
    }
    rd_u32(&r); /* its TTL */
    struct rd rdata = rd_sub(&r, rd_u16(&r));
    if (!rdata.bad && rd_left(&rdata) >= SOA_NUMBERS_LEN)
        m->serial = get_u32(rdata.end - SOA_NUMBERS_LEN);
}

void mutator_learn(struct mutator *m, const uint8_t *answer, size_t len)
{
    learn_cookie(m, rd_over(answer, len));
    learn_serial(m, rd_over(answer, len));
}

/* --- writing --- */

struct seen {
    const uint8_t *name;
    unsigned len, at;
};

struct writing {
    struct wr *w;
    struct seen seen[SEEN_MAX];
    unsigned count;
};

/* Where a name with that end was written; 0: nowhere. */
static unsigned find_end(const struct writing *g, const uint8_t *end, unsigned len)
{
    for (unsigned i = 0; len > 1 && i < g->count; i++) {
        const struct seen *s = &g->seen[i];
        if (s->len >= len && memcmp(s->name + s->len - len, end, len) == 0)
            return s->at + s->len - len;
    }
    return 0;
}

static void write_owner(struct writing *g, const struct record *r, bool is_compressed)
{
    struct wr *w = g->w;
    unsigned at = 0, start = (unsigned)wr_len(w), pointer = 0;
    switch (r->pointing) {
    case POINT_SELF:
        wr_u16(w, (uint16_t)(0xc000 | start));
        return;
    case POINT_AHEAD:
        wr_u16(w, (uint16_t)(0xc000 | (start + 2 + r->owner_len)));
        return;
    case POINT_HEADER:
        wr_u16(w, (uint16_t)(0xc000 | r->owner_len % DNS_HEADER_LEN));
        return;
    case POINT_BACK: /* labels, and a pointer to their own start */
        wr_bytes(w, r->owner, r->owner_len - 1);
        wr_u16(w, (uint16_t)(0xc000 | start));
        return;
    default:
        break;
    }
    while (is_compressed && at < r->owner_len && r->owner[at] && r->owner[at] <= LABEL_LEN_MAX) {
        pointer = find_end(g, r->owner + at, r->owner_len - at);
        if (pointer)
            break;
        at += r->owner[at] + 1u;
    }
    if (!pointer && g->count < SEEN_MAX)
        g->seen[g->count++] = (struct seen){r->owner, r->owner_len, start};
    wr_bytes(w, r->owner, pointer ? at : r->owner_len);
    if (pointer)
        wr_u16(w, (uint16_t)(0xc000 | pointer));
}

static void write_record(struct writing *g, const struct draft *d, const struct record *r)
{
    struct wr *w = g->w;
    write_owner(g, r, d->is_compressed);
    wr_u16(w, r->type);
    wr_u16(w, r->class);
    if (r->section == SECTION_QUESTION)
        return;
    wr_u32(w, r->ttl);
    wr_u16(w, (uint16_t)((int)r->rdata_len + r->len_lie));
    wr_bytes(w, r->rdata, r->rdata_len);
}

/* A draft that is too long for the room ends with its last record that fits; its counts do not
 * say so. */
static void write_draft(const struct draft *d, struct wr *w)
{
    struct writing g = {.w = w};
    int count[SECTION_COUNT] = {0};
    wr_u16(w, d->id);
    wr_u16(w, d->flags);
    wr_u64(w, 0);
    for (unsigned s = SECTION_QUESTION; s < SECTION_COUNT; s++)
        for (unsigned i = 0; i < d->count; i++)
            if (d->record[i].section == s) {
                write_record(&g, d, &d->record[i]);
                count[s]++;
            }
    wr_bytes(w, d->tail, d->tail_len);
    for (unsigned s = SECTION_QUESTION; s < SECTION_COUNT; s++)
        put_u16(w->start + 4 + 2 * s, (uint16_t)(count[s] + d->count_lie[s]));
}

/* --- bytes --- */

size_t mutator_spoil(struct mutator *m, uint8_t *p, size_t len, size_t max)
{
    static const uint8_t edges[] = {0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff, 0x0c};
    for (unsigned steps = 1 + mutator_draw(m, 6); steps-- > 0 && len > 0;) {
        size_t at = mutator_draw(m, (uint32_t)len), n;
        switch (mutator_draw(m, 8)) {
        case 0: /* a bit */
            p[at] ^= (uint8_t)(1u << mutator_draw(m, 8));
            break;
        case 1: /* a byte */
            p[at] = (uint8_t)mutator_draw(m, 256);
            break;
        case 2: /* a byte that means something */
            p[at] = PICK(m, edges);
            break;
        case 3: /* the end is missing */
            len = at;
            break;
        case 4: /* bytes more at the end */
            n = mutator_draw(m, 64);
            n = n < max - len ? n : max - len;
            make_fill(m, p + len, n);
            len += n;
            break;
        case 5: /* counts that lie */
            if (len >= DNS_HEADER_LEN)
                p[4 + mutator_draw(m, 8)] = (uint8_t)mutator_draw(m, 4);
            break;
        case 6: /* a pointer somewhere */
            if (at + 1 < len)
                put_u16(p + at, (uint16_t)(0xc000 | mutator_draw(m, (uint32_t)len + 4)));
            break;
        default: /* a piece once more */
            n = mutator_draw(m, 32) + 1u;
            n = n < len - at ? n : len - at;
            if (len + n <= max) {
                memmove(p + at + n, p + at, len - at);
                len += n;
            }
        }
    }
    return len;
}

size_t mutator_write(struct mutator *m, uint64_t number, int64_t now_s, uint8_t *out, size_t max,
                     struct mutant *what)
{
    uint64_t kept = m->state;
    m->state = state_of(m->seed, number);
    *what = (struct mutant){.kind = make_any(m)};
    bool is_update = (m->draft.flags & FLAG_OPCODE_MASK) >> 11 == OPCODE_UPDATE;
    if (chance(m, 75))
        what->steps = 1 + mutator_draw(m, 1 + mutator_draw(m, STEPS_MAX));
    for (unsigned i = 0; i < what->steps; i++)
        step_any(m);
    if (chance(m, is_update ? 85 : 40))
        what->key = sign_key(mutator_draw(m, KEYS));
    what->is_spoilt = chance(m, 12);

    struct wr w = wr_over(out, max);
    write_draft(&m->draft, &w);
    w.bad = false;
    if (what->is_spoilt)
        w.at = w.start + mutator_spoil(m, w.start, wr_len(&w), max);
    if (what->key)
        what->is_sound = sign_message(m, what->key, now_s, &w);
    m->state = kept;
    return wr_len(&w);
}

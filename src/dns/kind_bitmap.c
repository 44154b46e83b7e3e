/* SPDX-License-Identifier: Apache-2.0
 * Sets of RR types: the window bitmaps of NSEC, NSEC3 and CSYNC (RFC 4034 s4.1.2), and the single
 * bitmap of the old NXT (RFC 2535 s5.2). */
#include <string.h>

#include "dns/kind.h"
#include "dns/rrtype.h"

#define WINDOW_BYTES 32 /* of 256 types */
#define WINDOWS      256
#define NXT_BYTES    16 /* types 0 to 127 */

static inline bool has_bit(const uint8_t *bits, unsigned i)
{
    return bits[i / 8] & 0x80 >> i % 8;
}

static inline void set_bit(uint8_t *bits, unsigned i)
{
    bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

/* Windows in ascending order, none empty, none ended by a zero byte. */
const char *kind_bitmap_opt_span(struct rd *r)
{
    int before = -1;
    while (rd_left(r)) {
        const uint8_t *head = rd_bytes(r, 2);
        if (!head)
            return "type bitmap ends within a window";
        if (head[0] <= before)
            return "type bitmap's windows are not in order";
        if (head[1] == 0 || head[1] > WINDOW_BYTES)
            return "type bitmap's window is not of 1 to 32 bytes";
        const uint8_t *bits = rd_bytes(r, head[1]);
        if (!bits)
            return "type bitmap ends within a window";
        if (bits[head[1] - 1] == 0)
            return "type bitmap's window ends with a zero byte";
        before = head[0];
    }
    return NULL;
}

const char *kind_bitmap_span(struct rd *r)
{
    return rd_left(r) ? kind_bitmap_opt_span(r) : "type bitmap is empty";
}

static const char expected_type[] = "an RR type";

/* Only windows that a type falls into are touched. */
struct type_set {
    uint8_t len[WINDOWS]; /* bytes in use, 0: bits not set up */
    uint8_t bits[WINDOWS][WINDOW_BYTES];
    unsigned window_max;
};

static void add_type(struct type_set *set, uint16_t type)
{
    unsigned window = type / 256, low = type % 256;
    if (set->len[window] == 0)
        memset(set->bits[window], 0, WINDOW_BYTES);
    set_bit(set->bits[window], low);
    if (set->len[window] < low / 8 + 1)
        set->len[window] = (uint8_t)(low / 8 + 1);
    if (set->window_max < window)
        set->window_max = window;
}

enum err kind_bitmap_opt_scan(struct scan *s)
{
    struct type_set set;
    memset(set.len, 0, sizeof(set.len));
    set.window_max = 0;
    while (kind_next(s) == TOKEN_WORD) {
        uint16_t type;
        if (!rrtype_scan(s->tok.s, s->tok.len, &type))
            return kind_fail(s, expected_type);
        add_type(&set, type);
    }
    for (unsigned i = 0; i <= set.window_max; i++) {
        if (set.len[i] == 0)
            continue;
        wr_u8(s->out, (uint8_t)i);
        wr_u8(s->out, set.len[i]);
        wr_bytes(s->out, set.bits[i], set.len[i]);
    }
    return kind_end(s, expected_type);
}

enum err kind_bitmap_scan(struct scan *s)
{
    if (kind_next(s) != TOKEN_WORD)
        return kind_fail(s, expected_type);
    kind_back(s);
    return kind_bitmap_opt_scan(s);
}

/* The types of a bitmap whose first bit is the type `base`; *blank: something stands before. */
static void show_types(const uint8_t *bits, unsigned len, unsigned base, bool *blank,
                       struct text *t)
{
    char buf[16];
    for (unsigned i = 0; i < len * 8; i++) {
        if (!has_bit(bits, i))
            continue;
        if (*blank)
            text_char(t, ' ');
        text_add(t, rrtype_text((uint16_t)(base + i), buf));
        *blank = true;
    }
}

void kind_bitmap_show(struct rd *r, struct text *t)
{
    bool blank = false;
    while (rd_left(r)) {
        unsigned window = rd_u8(r), len = rd_u8(r);
        show_types(rd_bytes(r, len), len, window * 256, &blank, t);
    }
}

/* --- NXT --- */

const char *kind_bitmap_nxt_span(struct rd *r)
{
    size_t len = rd_left(r);
    if (len == 0 || len > NXT_BYTES)
        return "type bitmap is not of 1 to 16 bytes";
    if (has_bit(r->at, 0))
        return "type bitmap of an unknown format"; /* RFC 2535 s5.2: bit 0 says so */
    if (r->end[-1] == 0)
        return "type bitmap ends with a zero byte";
    r->at = r->end;
    return NULL;
}

enum err kind_bitmap_nxt_scan(struct scan *s)
{
    static const char expected[] = "an RR type from 1 to 127";
    uint8_t bits[NXT_BYTES] = {0};
    unsigned len = 0;
    while (kind_next(s) == TOKEN_WORD) {
        uint16_t type;
        if (!rrtype_scan(s->tok.s, s->tok.len, &type) || type == 0 || type >= NXT_BYTES * 8)
            return kind_fail(s, expected);
        set_bit(bits, type);
        if (len < type / 8u + 1)
            len = type / 8u + 1;
    }
    if (len == 0)
        return kind_fail(s, expected);
    wr_bytes(s->out, bits, len);
    return kind_end(s, expected);
}

void kind_bitmap_nxt_show(struct rd *r, struct text *t)
{
    bool blank = false;
    unsigned len = (unsigned)rd_left(r);
    show_types(rd_bytes(r, len), len, 0, &blank, t);
}

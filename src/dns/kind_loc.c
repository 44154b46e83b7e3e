/* SPDX-License-Identifier: Apache-2.0
 * LOC (RFC 1876): a place on earth. In text: degrees [minutes [seconds]] N|S, the same E|W,
 * altitude [size [horizontal precision [vertical precision]]]. */
#include "base/digits.h"
#include "dns/kind.h"

#define LOC_BYTES     16
/* The equator and the prime meridian: thousandths of a second of arc are counted from here. */
#define EQUATOR       0x80000000u
#define DEGREE        3600000u
#define LATITUDE_MAX  (90 * DEGREE)
#define LONGITUDE_MAX (180 * DEGREE)
/* Centimetres below the spheroid that altitudes are counted from. */
#define ALTITUDE_ZERO 10000000u
#define ALTITUDE_MAX  (UINT32_MAX - ALTITUDE_ZERO)
#define SIZE_MAX_CM   9000000000u

/* s3, "defaults": 1 m, 10,000 m, 10 m */
static const uint8_t size_defaults[3] = {0x12, 0x16, 0x13};

/* --- wire --- */

static bool is_size(uint8_t v)
{
    return (v >> 4) <= 9 && (v & 15) <= 9;
}

static bool is_angle(uint32_t v, uint32_t max)
{
    return v >= EQUATOR - max && v <= EQUATOR + max;
}

const char *kind_loc_span(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, LOC_BYTES);
    if (!p)
        return "rdata ends before the altitude";
    if (p[0] != 0)
        return "unknown version of LOC";
    if (!is_size(p[1]) || !is_size(p[2]) || !is_size(p[3]))
        return "size or precision is not of two decimal digits";
    if (!is_angle(get_u32(p + 4), LATITUDE_MAX))
        return "latitude is beyond 90 degrees";
    return is_angle(get_u32(p + 8), LONGITUDE_MAX) ? NULL : "longitude is beyond 180 degrees";
}

/* --- from text --- */

/* A decimal number up to max with up to `places` digits after the point, as an integer in units of
 * the last place. */
static bool read_decimal(const char *p, size_t len, unsigned places, uint64_t max, uint64_t *out)
{
    size_t whole = 0;
    while (whole < len && p[whole] != '.')
        whole++;
    uint64_t v = 0, fraction = 0;
    size_t fraction_len = whole < len ? len - whole - 1 : 0;
    if (!digits_u64(p, whole, max, &v) || fraction_len > places)
        return false;
    if (whole < len && !digits_u64(p + whole + 1, fraction_len, max, &fraction))
        return false;
    for (unsigned i = 0; i < places; i++)
        v *= 10;
    for (size_t i = fraction_len; i < places; i++)
        fraction *= 10;
    if (v + fraction > max)
        return false;
    *out = v + fraction;
    return true;
}

/* The token in hand is one of the two letters; *away: the second. */
static bool is_direction(const struct scan *s, const char letters[2], bool *away)
{
    if (s->tok.kind != TOKEN_WORD || s->tok.len != 1)
        return false;
    char c = (char)(s->tok.s[0] & ~0x20);
    *away = c == letters[1];
    return *away || c == letters[0];
}

struct angle {
    const char *expected, *letters;
    uint64_t degrees_max;
};

static enum err scan_angle(struct scan *s, const struct angle *a)
{
    uint64_t degrees = 0, minutes = 0, thousandths = 0;
    bool away;
    enum err e = kind_number(s, a->degrees_max, a->expected, &degrees);
    if (e != OK)
        return e;
    kind_next(s);
    if (s->tok.kind == TOKEN_WORD && digits_u64(s->tok.s, s->tok.len, 59, &minutes)) {
        kind_next(s);
        if (s->tok.kind == TOKEN_WORD && read_decimal(s->tok.s, s->tok.len, 3, 59999, &thousandths))
            kind_next(s);
    }
    if (!is_direction(s, a->letters, &away))
        return kind_fail(s, a->expected);
    uint64_t v = degrees * DEGREE + minutes * 60000 + thousandths;
    if (v > a->degrees_max * DEGREE)
        return kind_say(s, "an angle beyond the pole or the date line");
    wr_u32(s->out, away ? EQUATOR - (uint32_t)v : EQUATOR + (uint32_t)v);
    return OK;
}

/* A length in metres, also with "m" behind it, in centimetres. */
static bool read_metres(const char *p, size_t len, uint64_t max, uint64_t *out)
{
    if (len && (p[len - 1] | 0x20) == 'm')
        len--;
    return read_decimal(p, len, 2, max, out);
}

static enum err scan_altitude(struct scan *s)
{
    static const char expected[] = "an altitude in metres from -100000.00 to 42849672.95";
    uint64_t v;
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    bool below = s->tok.s[0] == '-';
    if (!read_metres(s->tok.s + below, s->tok.len - below, below ? ALTITUDE_ZERO : ALTITUDE_MAX,
                     &v))
        return kind_fail(s, expected);
    wr_u32(s->out, below ? ALTITUDE_ZERO - (uint32_t)v : ALTITUDE_ZERO + (uint32_t)v);
    return OK;
}

/* s2: one digit and a power of ten; digits after the first are cut off. */
static uint8_t size_of(uint64_t cm)
{
    unsigned exponent = 0;
    for (; cm > 9; cm /= 10)
        exponent++;
    return (uint8_t)(cm << 4 | exponent);
}

enum err kind_loc_scan(struct scan *s)
{
    static const struct angle latitude = {"a latitude: degrees up to 90, minutes, seconds, N or S",
                                          "NS", 90};
    static const struct angle longitude = {
        "a longitude: degrees up to 180, minutes, seconds, E or W", "EW", 180};
    static const char expected[] = "a size or precision in metres up to 90000000.00";
    uint8_t *sizes = wr_room(s->out, 4);
    enum err e = scan_angle(s, &latitude);
    if (e == OK)
        e = scan_angle(s, &longitude);
    if (e == OK)
        e = scan_altitude(s);
    if (e != OK || !sizes)
        return e;
    sizes[0] = 0;
    memcpy(sizes + 1, size_defaults, sizeof(size_defaults));
    for (int i = 1; i < 4 && kind_next(s) == TOKEN_WORD; i++) {
        uint64_t cm;
        if (!read_metres(s->tok.s, s->tok.len, SIZE_MAX_CM, &cm))
            return kind_fail(s, expected);
        sizes[i] = size_of(cm);
        if (i == 3)
            return OK;
    }
    return kind_end(s, expected);
}

/* --- to text --- */

static void show_angle(uint32_t v, const char letters[2], struct text *t)
{
    bool away = v < EQUATOR;
    uint32_t arc = away ? EQUATOR - v : v - EQUATOR;
    text_fmt(t, "%u %u %u.%03u %c ", arc / DEGREE, arc / 60000 % 60, arc / 1000 % 60, arc % 1000,
             letters[away]);
}

static void show_size(uint8_t v, struct text *t)
{
    static const unsigned powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    unsigned digit = v >> 4, exponent = v & 15;
    if (exponent >= 2)
        text_fmt(t, " %um", digit * powers[exponent - 2]);
    else
        text_fmt(t, " 0.%02um", digit * powers[exponent]);
}

void kind_loc_show(struct rd *r, struct text *t)
{
    const uint8_t *p = rd_bytes(r, LOC_BYTES);
    show_angle(get_u32(p + 4), "NS", t);
    show_angle(get_u32(p + 8), "EW", t);
    int64_t cm = (int64_t)get_u32(p + 12) - ALTITUDE_ZERO;
    uint64_t size = (uint64_t)(cm < 0 ? -cm : cm);
    text_fmt(t, "%s%u.%02um", cm < 0 ? "-" : "", (unsigned)(size / 100), (unsigned)(size % 100));
    for (int i = 1; i < 4; i++)
        show_size(p[i], t);
}

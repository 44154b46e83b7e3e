/* SPDX-License-Identifier: Apache-2.0
 * base/digits: numbers, durations, sizes, base 16, 32 and 64 (RFC 4648 s10's vectors and what must
 * be refused). */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/digits.h"
#include "unit.h"

/* --- numbers --- */

struct number_row {
    const char *text;
    uint64_t max;
    bool ok;
    uint64_t value;
};

static const struct number_row numbers[] = {
    {"0", 255, true, 0},
    {"255", 255, true, 255},
    {"256", 255, false, 0},
    {"00000255", 255, true, 255},
    {"7", 7, true, 7},
    {"8", 7, false, 0},
    {"10", 7, false, 0},
    {"0", 0, true, 0},
    {"1", 0, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999999", UINT64_MAX, false, 0},
    {"4294967295", UINT32_MAX, true, UINT32_MAX},
    {"4294967296", UINT32_MAX, false, 0},
    {"", 255, false, 0},
    {"-1", 255, false, 0},
    {"+1", 255, false, 0},
    {" 1", 255, false, 0},
    {"1 ", 255, false, 0},
    {"1a", 255, false, 0},
    {"0x1", 255, false, 0},
};

Test(digits, decimal_numbers_up_to_a_limit)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t v = 4711;
        cr_expect_eq(digits_u64(numbers[i].text, strlen(numbers[i].text), numbers[i].max, &v),
                     numbers[i].ok, "%s", numbers[i].text);
        cr_expect_eq(v, numbers[i].ok ? numbers[i].value : 4711, "%s", numbers[i].text);
    }
}

struct unit_row {
    const char *text;
    bool ok;
    uint64_t value;
};

static const struct unit_row periods[] = {
    {"0", true, 0},
    {"3600", true, 3600},
    {"1h", true, 3600},
    {"1H30M", true, 5400},
    {"1w2d3h4m5s", true, 788645},
    {"5s1w", true, 604805},
    {"4294967295", true, UINT32_MAX},
    {"4294967295s", true, UINT32_MAX},
    {"7101w", true, 4294684800},
    {"7102w", false, 0},
    {"4294967296", false, 0},
    {"4294967295s1s", false, 0},
    {"1h30", false, 0},
    {"h", false, 0},
    {"1y", false, 0},
    {"", false, 0},
    {"1hh", false, 0},
    {"-1h", false, 0},
    {"1.5h", false, 0},
};

Test(digits, periods_have_the_units_of_zone_files)
{
    for (size_t i = 0; i < ARRAY_LEN(periods); i++) {
        uint32_t v = 4711;
        cr_expect_eq(digits_period(periods[i].text, strlen(periods[i].text), &v), periods[i].ok,
                     "%s", periods[i].text);
        cr_expect_eq(v, periods[i].ok ? periods[i].value : 4711, "%s", periods[i].text);
    }
}

static const struct unit_row durations[] = {
    {"5", true, 5000},
    {"0", true, 0},
    {"250ms", true, 250},
    {"2s", true, 2000},
    {"3m", true, 180000},
    {"1h", true, 3600000},
    {"1d", true, 86400000},
    {"1w", true, 604800000},
    {"1MS", true, 1},
    {"ms", false, 0},
    {"", false, 0},
    {"1h30m", false, 0},
    {"1 s", false, 0},
    {"1x", false, 0},
    {"-1s", false, 0},
    {"18446744073709551615", false, 0},
    {"18446744073709551615ms", true, UINT64_MAX},
};

Test(digits, durations_have_one_unit_and_are_seconds_without)
{
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        uint64_t v = 4711;
        cr_expect_eq(digits_duration_ms(durations[i].text, strlen(durations[i].text), &v),
                     durations[i].ok, "%s", durations[i].text);
        cr_expect_eq(v, durations[i].ok ? durations[i].value : 4711, "%s", durations[i].text);
    }
}

static const struct unit_row sizes[] = {
    {"1232", true, 1232},
    {"4K", true, 4096},
    {"4k", true, 4096},
    {"2M", true, 2097152},
    {"1G", true, 1073741824},
    {"0", true, 0},
    {"K", false, 0},
    {"1KB", false, 0},
    {"1T", false, 0},
    {"", false, 0},
    {"17179869184G", false, 0},
    {"17179869183G", true, 18446744072635809792u},
};

Test(digits, sizes_are_powers_of_1024)
{
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        uint64_t v = 4711;
        cr_expect_eq(digits_size(sizes[i].text, strlen(sizes[i].text), &v), sizes[i].ok, "%s",
                     sizes[i].text);
        cr_expect_eq(v, sizes[i].ok ? sizes[i].value : 4711, "%s", sizes[i].text);
    }
}

/* --- RFC 4648 s10; base 32 without its padding and in lower case as it is written here --- */

struct vector {
    const char *bytes, *base16, *base32hex, *base64;
};

static const struct vector vectors[] = {
    {"", "", "", ""},
    {"f", "66", "co", "Zg=="},
    {"fo", "666F", "cpng", "Zm8="},
    {"foo", "666F6F", "cpnmu", "Zm9v"},
    {"foob", "666F6F62", "cpnmuog", "Zm9vYg=="},
    {"fooba", "666F6F6261", "cpnmuoj1", "Zm9vYmE="},
    {"foobar", "666F6F626172", "cpnmuoj1e8", "Zm9vYmFy"},
};

typedef bool scan_fn(const char *s, size_t len, struct wr *w);
typedef void show_fn(const uint8_t *p, size_t len, struct text *t);

static void expect_scan(scan_fn *scan, const char *text, const char *bytes)
{
    uint8_t buf[64] = {0xaa};
    struct wr w = wr_over(buf, sizeof(buf));
    w.at++;
    cr_expect(scan(text, strlen(text), &w), "%s", text);
    cr_expect(wr_len(&w) == strlen(bytes) + 1 && memcmp(buf + 1, bytes, strlen(bytes)) == 0 &&
                  buf[0] == 0xaa,
              "%s", text);
}

static void expect_show(show_fn *show, const char *bytes, const char *want)
{
    char buf[64];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    text_char(&t, '<');
    show((const uint8_t *)bytes, strlen(bytes), &t);
    cr_expect_str_eq(buf + 1, want);
    cr_expect_eq(text_len(&t), strlen(want) + 1);
}

Test(digits, vectors_of_rfc_4648)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        expect_scan(base16_scan, v->base16, v->bytes);
        expect_scan(base32hex_scan, v->base32hex, v->bytes);
        expect_scan(base64_scan, v->base64, v->bytes);
        expect_show(base16_show, v->bytes, v->base16);
        expect_show(base32hex_show, v->bytes, v->base32hex);
        expect_show(base64_show, v->bytes, v->base64);
    }
}

Test(digits, either_case_where_case_means_nothing)
{
    expect_scan(base16_scan, "666f6F", "foo");
    expect_scan(base32hex_scan, "CPNMUoj1E8", "foobar");
}

/* Every byte value at every place of a group, both ways. */
static void expect_round_trips(scan_fn *scan, show_fn *show)
{
    for (size_t len = 1; len <= 11; len++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t bytes[11], back[11];
            char text[32];
            for (size_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)(byte + 37 * i);
            struct text t;
            text_init(&t, text, sizeof(text));
            show(bytes, len, &t);
            struct wr w = wr_over(back, len);
            cr_assert(scan(text, text_len(&t), &w), "%s", text);
            cr_assert(wr_len(&w) == len && memcmp(bytes, back, len) == 0, "%s", text);
        }
    }
}

Test(digits, round_trips)
{
    expect_round_trips(base16_scan, base16_show);
    expect_round_trips(base32hex_scan, base32hex_show);
    expect_round_trips(base64_scan, base64_show);
}

struct bad_row {
    scan_fn *scan;
    const char *text;
};

static const struct bad_row bad[] = {
    {base16_scan, "6"},           {base16_scan, "666"},
    {base16_scan, "6g"},          {base16_scan, "g6"},
    {base16_scan, " 66"},         {base16_scan, "0x66"},
    {base16_scan, "6\37766"},     {base32hex_scan, "c"},
    {base32hex_scan, "cpn"},      {base32hex_scan, "cpnmuo"},
    {base32hex_scan, "cw"},       {base32hex_scan, "co======"},
    {base32hex_scan, "cp"},       {base32hex_scan, "cpnmuoj1e9"},
    {base32hex_scan, "cpnmuoj!"}, {base64_scan, "Z"},
    {base64_scan, "Zg"},          {base64_scan, "Zg="},
    {base64_scan, "Zg==="},       {base64_scan, "Zh=="},
    {base64_scan, "Zm9="},        {base64_scan, "===="},
    {base64_scan, "Z==="},        {base64_scan, "Zg==Zg=="},
    {base64_scan, "Zm9v\n"},      {base64_scan, "Zm-v"},
    {base64_scan, "Zm_v"},        {base64_scan, "Z=9v"},
    {base64_scan, "Zm=v"},        {base64_scan, "Zm9\377"},
};

Test(digits, foreign_characters_lengths_and_padding_are_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t buf[64];
        struct wr w = wr_over(buf, sizeof(buf));
        w.at++;
        cr_expect(!bad[i].scan(bad[i].text, strlen(bad[i].text), &w), "%s", bad[i].text);
        cr_expect_eq(wr_len(&w), 1, "%s", bad[i].text);
    }
}

Test(digits, a_lack_of_room_is_noticed)
{
    uint8_t two[2];
    struct wr w = wr_over(two, sizeof(two));
    cr_expect(!base16_scan("666f6f", 6, &w) && w.bad);
    w = wr_over(two, sizeof(two));
    cr_expect(!base64_scan("Zm9v", 4, &w) && w.bad);
    w = wr_over(two, sizeof(two));
    cr_expect(base64_scan("Zm8=", 4, &w) && !w.bad);
    w = wr_over(two, sizeof(two));
    cr_expect(!base32hex_scan("cpnmu", 5, &w) && w.bad);
    char text[6];
    struct text t;
    text_init(&t, text, sizeof(text));
    base16_show((const uint8_t *)"foo", 3, &t);
    cr_expect(t.bad);
    cr_expect_str_eq(text, "");
}

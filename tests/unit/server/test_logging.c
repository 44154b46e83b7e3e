/* SPDX-License-Identifier: Apache-2.0
 * Whatever is sent to the server, and however much of it, the log stays short: each kind of line
 * that a message can cause has a limit, and says how many of its kind were not written. */
#include "flood.h"

#include "base/digits.h"

#define FLOOD               2000
/* In one second, of any one kind. */
#define LINES_MAX           20

#define HEAD(flags, counts) "1234" flags counts
#define QD1                 "0001000000000000"
#define SOA                 "076578616d706c650000060001" /* example. */
#define OTHER    \
    "0474657374" \
    "0000060001" /* test. */
#define WWW    \
    "03777777" \
    "076578616d706c6500"
/* an unknown key "k.", hmac-sha256, 1970, no MAC (RFC 8945 s4.2) */
#define TSIG                     \
    "016b00"                     \
    "00fa00ff00000000"           \
    "001d"                       \
    "0b686d61632d73686132353600" \
    "000000000001"               \
    "012c"                       \
    "0000"                       \
    "1234"                       \
    "0000"                       \
    "0000"

/* clang-format off */
static const struct row {
    const char *what, *hex;
    enum transport transport;
    bool is_said;                       /* at level info */
} rows[] = {
    {"a query for a zone of others",    HEAD("0000", QD1) OTHER, TRANSPORT_UDP, true},
    {"CH",                              HEAD("0000", QD1) "0776657273696f6e0462696e640000100003",
                                                                 TRANSPORT_UDP, true},
    {"AXFR",                            HEAD("0000", QD1) "076578616d706c65" "0000fc0001", TRANSPORT_TCP, true},
    {"AXFR of a zone of others",        HEAD("0000", QD1) "0474657374" "0000fc0001", TRANSPORT_TCP, true},
    {"an update that no rule allows",   HEAD("2800", "0001000000010000") SOA
                                        WWW "00010001" "0000003c" "0004" "c0000201", TRANSPORT_UDP, true},
    {"an update of a zone of others",   HEAD("2800", "0001000000010000") OTHER
                                        WWW "00010001" "0000003c" "0004" "c0000201", TRANSPORT_TCP, true},
    {"a key that we have not",          HEAD("0000", "0001000000000001") SOA TSIG, TRANSPORT_UDP, true},
    {"NOTIFY from a stranger",          HEAD("2400", QD1) SOA, TRANSPORT_UDP, true},
    {"NOTIFY for a zone of others",     HEAD("2400", QD1) OTHER, TRANSPORT_TCP, true},
    {"a question cut short",            HEAD("0000", QD1) "0765", TRANSPORT_UDP, false},
    {"two questions",                   HEAD("0000", "0002000000000000") SOA SOA, TRANSPORT_UDP, false},
    {"an answer",                       HEAD("8000", QD1) SOA, TRANSPORT_UDP, false},
    {"a header cut short",              "1234", TRANSPORT_UDP, false},
    {"EDNS version 1",                  HEAD("0000", "0001000000000001") SOA "00002904d000010000" "0000",
                                                                 TRANSPORT_UDP, false},
    {"an opcode that there is not",     HEAD("3800", QD1) SOA, TRANSPORT_UDP, false},
};
/* clang-format on */

static unsigned lines;
static bool has_suppressed;

static void sink(enum log_level level, const char *message, const struct log_field *fields,
                 int count)
{
    (void)message;
    lines += level <= LOG_INFO_LEVEL;
    for (int i = 0; i < count; i++)
        has_suppressed |= strcmp(fields[i].key, "suppressed") == 0 && fields[i].value;
}

/* `times` of them in one moment, from as many networks. */
static void flood(struct bed *b, const struct row *row, unsigned times)
{
    uint8_t in[512];
    struct wr w = wr_over(in, sizeof(in));
    cr_assert(base16_scan(row->hex, strlen(row->hex), &w), "%s", row->what);
    for (unsigned i = 0; i < times; i++) {
        char from[32];
        snprintf(from, sizeof(from), "10.%u.%u.1", i >> 8, i & 255);
        (void)flood_ask(b, from, row->transport, in, wr_len(&w));
    }
}

static void expect_few(const char *settings)
{
    struct bed *b = bed_new();
    bed_file(b, "z", BED_TOP, 1);
    bed_start(b, settings, "  example: {file: z}\n");
    bed_settle(b);
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, sink);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        b->now_us += 10 * 1000000;
        lines = 0;
        flood(b, &rows[i], FLOOD);
        cr_expect_leq(lines, LINES_MAX, "%s: %u lines", rows[i].what, lines);
        cr_expect(!rows[i].is_said || lines > 0, "%s: not a line", rows[i].what);
        b->now_us += 2 * 1000000;
        lines = 0;
        has_suppressed = false;
        flood(b, &rows[i], 1);
        cr_expect_eq(lines, rows[i].is_said, "%s", rows[i].what);
        cr_expect(!rows[i].is_said || has_suppressed, "%s: not what was left out", rows[i].what);
    }
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, NULL);
    bed_free(b);
}

Test(logging, a_flood_of_any_kind_leaves_few_lines)
{
    expect_few("");
}

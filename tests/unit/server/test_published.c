/* SPDX-License-Identifier: Apache-2.0
 * What is said of a zone when it has come: NSEC3 iterations above the limit (RFC 9276). */
#include "bed.h"

#define SIGNATURE "7 1 300 20350101000000 20250101000000 1 example. c2lnbmF0dXJl\n"

static unsigned lines;
static char said[200];

static void sink(enum log_level level, const char *message, const struct log_field *fields,
                 int count)
{
    size_t len = 0;
    if (level != LOG_WARN_LEVEL || !strstr(message, "NSEC3"))
        return;
    lines++;
    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(said + len, sizeof(said) - len, "%s=%s ", fields[i].key,
                                fields[i].value);
}

static void zone_write(struct bed *b, unsigned serial, unsigned iterations, const char *signature)
{
    bed_file(b, "z", BED_TOP "@ NSEC3PARAM 1 0 %u -\n%s", serial, iterations, signature);
}

static void again(struct bed *b, unsigned limit)
{
    char settings[64];
    snprintf(settings, sizeof(settings), ", limits: {nsec3-iterations: %u}", limit);
    lines = 0;
    if (b->server)
        bed_reload(b, settings, "  example: {file: z, history: no}\n");
    else
        bed_start(b, settings, "  example: {file: z, history: no}\n");
    bed_settle(b);
}

static struct bed *open_bed(void)
{
    struct bed *b = bed_new();
    log_setup(LOG_WARN_LEVEL, LOG_LOGFMT, false, sink);
    return b;
}

Test(published, one_line_tells_of_too_many_iterations)
{
    struct bed *b = open_bed();
    zone_write(b, 1, 6, "@ RRSIG SOA " SIGNATURE);
    again(b, 5);
    cr_expect_eq(lines, 1);
    cr_expect_str_eq(said, "zone=example. iterations=6 limit=5 ");
    again(b, 5);
    cr_expect_eq(lines, 0, "it is known");
    zone_write(b, 2, 7, "@ RRSIG SOA " SIGNATURE);
    again(b, 5);
    cr_expect_eq(lines, 1);
    cr_expect_str_eq(said, "zone=example. iterations=7 limit=5 ");
    zone_write(b, 3, 5, "@ RRSIG SOA " SIGNATURE);
    again(b, 5);
    cr_expect_eq(lines, 0);
    again(b, 4);
    cr_expect_eq(lines, 1, "the limit is another one, the zone is not");
    bed_free(b);
}

Test(published, of_iterations_that_nobody_computes_nothing_is_said)
{
    struct bed *b = open_bed();
    zone_write(b, 1, 6, "");
    again(b, 5);
    cr_expect_eq(lines, 0, "it is not signed, so no proof is wanted");
    zone_write(b, 2, 6, "@ RRSIG SOA " SIGNATURE);
    again(b, 6);
    cr_expect_eq(lines, 0);
    bed_free(b);
}

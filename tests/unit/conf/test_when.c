/* SPDX-License-Identifier: Apache-2.0
 * Points in time: what is taken, and that it is what other programs make of it. */
#include "conf/when.h"

#include "base/attr.h"
#include "unit.h"

Test(when, reads_days_and_seconds_of_utc)
{
    static const struct row {
        const char *text;
        int64_t seconds; /* date -u -d TEXT +%s */
        const char *shown;
    } rows[] = {
        {"1970-01-01", 0, "1970-01-01T00:00:00Z"},
        {"2026-11-30", 1795996800, "2026-11-30T00:00:00Z"},
        {"2026-11-30T12:00:01Z", 1796040001, "2026-11-30T12:00:01Z"},
        {"2024-02-29T23:59:59Z", 1709251199, "2024-02-29T23:59:59Z"},
        {"2038-01-19T03:14:08Z", 2147483648, "2038-01-19T03:14:08Z"},
        {"9999-12-31T23:59:59Z", 253402300799, "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us = -1;
        char text[WHEN_TEXT_MAX];
        cr_expect(when_scan(rows[i].text, &us), "%s", rows[i].text);
        cr_expect_eq(us, rows[i].seconds * 1000000, "%s: %lld", rows[i].text, (long long)us);
        cr_expect_str_eq(when_show(us, text), rows[i].shown);
    }
}

Test(when, takes_nothing_else)
{
    static const char *const rows[] = {
        "",
        "now",
        "2026",
        "2026-11",
        "2026-11-31",
        "2026-02-29",
        "2026-13-01",
        "2026-1-1",
        "2026-11-30 ",
        " 2026-11-30",
        "2026-11-30T",
        "2026-11-30T12:00Z",
        "2026-11-30T12:00:00",
        "2026-11-30T24:00:00Z",
        "2026-11-30T12:60:00Z",
        "2026-11-30T12:00:61Z",
        "2026-11-30T12:00:00+01:00",
        "2026-11-30T12:00:00Zx",
        "1969-12-31",
        "-2026-11-30",
        "12026-11-30",
        "20261130120000",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us = 42;
        cr_expect_not(when_scan(rows[i], &us), "%s", rows[i]);
        cr_expect_eq(us, 42);
    }
}

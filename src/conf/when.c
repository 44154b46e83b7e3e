/* SPDX-License-Identifier: Apache-2.0
 * Points in time as text. */
#include "conf/when.h"

#include <string.h>
#include <time.h>

#define DAY_FORM  "%Y-%m-%d"
#define LONG_FORM DAY_FORM "T%H:%M:%SZ"

enum { SECOND_US = 1000000 };

bool when_scan(const char *text, int64_t *out)
{
    struct tm tm = {0};
    const char *form = strchr(text, 'T') ? LONG_FORM : DAY_FORM;
    const char *end = strptime(text, form, &tm);
    if (!end || *end)
        return false;
    /* strptime() takes days that a month does not have, short numbers and more: only what would be
     * printed the same is taken. */
    time_t seconds = timegm(&tm);
    char again[WHEN_TEXT_MAX];
    if (seconds < 0 || !gmtime_r(&seconds, &tm) || strftime(again, sizeof(again), form, &tm) == 0 ||
        strcmp(again, text) != 0)
        return false;
    *out = (int64_t)seconds * SECOND_US;
    return true;
}

const char *when_show(int64_t us, char buf[WHEN_TEXT_MAX])
{
    time_t seconds = us / SECOND_US;
    struct tm tm;
    buf[0] = '\0';
    if (gmtime_r(&seconds, &tm) && strftime(buf, WHEN_TEXT_MAX, LONG_FORM, &tm) == 0)
        buf[0] = '\0';
    return buf;
}

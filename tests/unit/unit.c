/* SPDX-License-Identifier: Apache-2.0
 * How a failed assertion gets to Criterion. */
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local const char *texts[2]; /* of the comparison that just failed */

bool unit_is_text(const char *actual, const char *expected)
{
    if (actual && expected && strcmp(actual, expected) == 0)
        return true;
    texts[0] = actual ? actual : "(NULL)";
    texts[1] = expected ? expected : "(NULL)";
    return false;
}

void unit_failed(const char *file, int line, const char *what, const char *fmt, ...)
{
    char *said = NULL, *message = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&said, fmt, args);
    va_end(args);
    if (len < 0)
        said = NULL;
    len =
        asprintf(&message, "%s%s%s%s%s%s%s%s", what, texts[0] ? ": \"" : "",
                 texts[0] ? texts[0] : "", texts[0] ? "\" is not \"" : "", texts[0] ? texts[1] : "",
                 texts[0] ? "\"" : "", said && said[1] ? "\n" : "", said ? said + 1 : "");
    texts[0] = texts[1] = NULL;
    struct criterion_assert_stats stat = {
        .file = file, .line = (unsigned)line, .message = len < 0 ? what : message, .passed = false};
    criterion_send_assert(&stat);
    free(message);
    free(said);
}

/* SPDX-License-Identifier: Apache-2.0
 * Where a failed assertion ends. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "<0>reeved: %s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}

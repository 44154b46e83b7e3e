/* SPDX-License-Identifier: Apache-2.0
 * A directory for the files of a test. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* Makes one, named after what it is for, below TMPDIR, or /tmp where that is not set. The test
 * removes it. */
static inline void scratch_new(const char *what, char *dir, size_t cap)
{
    const char *below = getenv("TMPDIR");
    int len = snprintf(dir, cap, "%s/reeve-%s-XXXXXX", below ? below : "/tmp", what);
    cr_assert_lt((size_t)len, cap, "the name of TMPDIR is too long");
    cr_assert_not_null(mkdtemp(dir));
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Tests of very many cases, in a build where each takes ten times as long. */
#ifndef SLOW_H
#define SLOW_H

#include <stdlib.h>

/* Goes through `all` cases where there is time for them: in an ordinary build, or where REEVE_LONG
 * is set. A build with sanitizers goes through the `few` that a memory fault would show in. */
static inline unsigned cases(unsigned all, unsigned few)
{
#ifdef REEVE_CHECK_SLOW
    return getenv("REEVE_LONG") ? all : few;
#else
    (void)few;
    return all;
#endif
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Assertions about our own code. They are on in every build.
 *
 * ASSERT states what only a bug of ours can break; it is never reached by bytes from the network,
 * the disk, the configuration or the control socket. ASSERT_SLOW is for checks that walk a
 * structure: on where REEVE_CHECK_SLOW is defined (sanitizer and debug builds). */
#ifndef REEVE_BASE_CHECK_H
#define REEVE_BASE_CHECK_H

#include "base/attr.h"

/* Prints where and what to stderr and aborts. */
ATTR_NORETURN ATTR_COLD void check_failed(const char *expr, const char *file, int line);

#define ASSERT(expr)                                 \
    do {                                             \
        if (UNLIKELY(!(expr)))                       \
            check_failed(#expr, __FILE__, __LINE__); \
    } while (0)

#ifdef REEVE_CHECK_SLOW
#define ASSERT_SLOW(expr) ASSERT(expr)
#else
#define ASSERT_SLOW(expr) ((void)sizeof(!!(expr)))
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Small helpers of the language itself: attributes, array lengths, the way back from a member. */
#ifndef REEVE_BASE_ATTR_H
#define REEVE_BASE_ATTR_H

#include <stddef.h>

#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATTR_NORETURN          __attribute__((noreturn))
#define ATTR_COLD              __attribute__((cold))
#define ATTR_NOT_NULL          __attribute__((returns_nonnull))
#define ATTR_USE_RESULT        __attribute__((warn_unused_result))

#define LIKELY(x)              __builtin_expect(!!(x), 1)
#define UNLIKELY(x)            __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a)           (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
/* From a pointer to a member to the struct around it. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
/* clang-format on */

#endif

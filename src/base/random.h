/* SPDX-License-Identifier: Apache-2.0
 * Unpredictable bytes from the kernel. Not for the answer path: a system call each. */
#ifndef REEVE_BASE_RANDOM_H
#define REEVE_BASE_RANDOM_H

#include <stddef.h>

/* Fills the bytes; aborts if the kernel has none, which a running system does not do. */
void random_bytes(void *out, size_t len);

#endif

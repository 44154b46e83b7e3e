/* SPDX-License-Identifier: Apache-2.0
 * In builds with sanitizers: a program that frees all it allocated is not searched for leaks, for
 * it has none. The search reads all that is or could be in memory, and takes as long as a start and
 * an end of the server together. */
#include <sanitizer/allocator_interface.h>
#include <sanitizer/lsan_interface.h>

enum { NOTHING = 1 }; /* what the sanitizer says is allocated where nothing is, or a single byte */

/* Frees what the C library has kept for itself, as the stacks of threads that have ended. */
void __libc_freeres(void);

/* Asked by the sanitizer when all else is over, libraries' own clean-up included. */
int __lsan_is_turned_off(void)
{
    __libc_freeres();
    return __sanitizer_get_current_allocated_bytes() == NOTHING;
}

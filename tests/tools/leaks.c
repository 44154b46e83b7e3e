/* SPDX-License-Identifier: Apache-2.0
 * In builds with sanitizers: a program that frees all it allocated is not searched for leaks, for
 * it has none. The search reads all that is or could be in memory, and takes as long as a start and
 * an end of the server together. */
#include <sanitizer/allocator_interface.h>
#include <sanitizer/lsan_interface.h>

static size_t bytes_at_start;

__attribute__((constructor)) static void note_start(void)
{
    bytes_at_start = __sanitizer_get_current_allocated_bytes();
}

/* Asked by the sanitizer when all else is over, libraries' own clean-up included. */
int __lsan_is_turned_off(void)
{
    return __sanitizer_get_current_allocated_bytes() == bytes_at_start;
}

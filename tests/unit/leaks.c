/* SPDX-License-Identifier: Apache-2.0
 * Leaks of unit tests, in builds with sanitizers. Each test is a process of its own, and what is
 * wrong at the very end of it the framework does not hear of; so the search is made when a test's
 * tear-down is over, and ends the process in a way that it does. As in tests/tools/leaks.c, who
 * frees all that was allocated is spared the search. */
#include <openssl/crypto.h>
#include <sanitizer/allocator_interface.h>
#include <sanitizer/lsan_interface.h>
#include <sqlite3.h>
#include <stdlib.h>

/* The framework keeps so much between the two. */
enum { FRAMEWORK_BYTES = 2 };

void __real_criterion_internal_test_setup(void);
void __real_criterion_internal_test_teardown(void);
void __wrap_criterion_internal_test_setup(void);
void __wrap_criterion_internal_test_teardown(void);

static size_t bytes_before;

void __wrap_criterion_internal_test_setup(void)
{
    bytes_before = __sanitizer_get_current_allocated_bytes();
    __real_criterion_internal_test_setup();
}

/* What libraries free at the end of a process is freed before. */
void __wrap_criterion_internal_test_teardown(void)
{
    __real_criterion_internal_test_teardown();
    sqlite3_shutdown();
    OPENSSL_cleanup();
    size_t after = __sanitizer_get_current_allocated_bytes();
    if (after != bytes_before && after != bytes_before + FRAMEWORK_BYTES &&
        __lsan_do_recoverable_leak_check() != 0)
        abort();
}

/* At the end of the process: it has been made. */
int __lsan_is_turned_off(void)
{
    return 1;
}

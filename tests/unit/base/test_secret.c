/* SPDX-License-Identifier: Apache-2.0
 * base/secret: memory that is locked, wiped and compared. Each test is a process of its own. */
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/secret.h"
#include "unit.h"

Test(secret, lies_in_locked_memory_once_that_is_set_up)
{
    struct diag diag = {0};
    uint8_t *before = secret_alloc(8);
    cr_expect(!secret_is_locked_up(before));
    enum err e = secret_setup(&diag);
    cr_assert(e == OK || e == ERR_LIMIT, "%s", diag.text);
    uint8_t *p = secret_alloc(32);
    cr_expect(secret_is_locked_up(p));
    memset(p, 1, 32);
    secret_free(p, 32);
    secret_free(before, 8);
    secret_free(NULL, 0);
    cr_expect_eq(secret_setup(&diag), ERR_EXISTS);
}

Test(secret, is_had_from_elsewhere_when_the_heap_is_full)
{
    struct diag diag = {0};
    cr_assert_neq(secret_setup(&diag), ERR_SYSTEM);
    uint8_t *p = secret_alloc(SECRET_HEAP_LEN * 2);
    cr_assert(!secret_is_locked_up(p));
    p[0] = p[SECRET_HEAP_LEN * 2 - 1] = 1;
    secret_free(p, SECRET_HEAP_LEN * 2);
    p = secret_alloc(0);
    secret_free(p, 0);
}

/* Who may lock any memory (CAP_IPC_LOCK) is not limited: root becomes somebody else first. */
Test(secret, says_when_memory_cannot_be_locked)
{
    struct diag diag = {0};
    struct rlimit none = {0, 0};
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    cr_assert(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    enum err e = secret_setup(&diag);
    if (e == OK)
        cr_skip_test("may lock memory without limit");
    cr_expect_eq(e, ERR_LIMIT, "%s", diag.text);
    cr_expect(strstr(diag.text, "locked"));
    uint8_t *p = secret_alloc(32);
    p[31] = 1;
    secret_free(p, 32);
}

Test(secret, is_compared_and_wiped)
{
    uint8_t a[4] = {1, 2, 3, 4}, b[4] = {1, 2, 3, 5};
    cr_expect(secret_is_equal(a, b, 3));
    cr_expect(!secret_is_equal(a, b, 4));
    cr_expect(secret_is_equal(a, b, 0));
    secret_wipe(a, 3);
    cr_expect_eq(a[0] | a[1] | a[2], 0);
    cr_expect_eq(a[3], 4);
    secret_wipe(a, 0);
}

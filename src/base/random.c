/* SPDX-License-Identifier: Apache-2.0
 * getrandom, whole or not at all. */
#include "base/random.h"

#include <stdint.h>
#include <sys/random.h>

#include "base/check.h"

void random_bytes(void *out, size_t len)
{
    uint8_t *p = out;
    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0)
            continue; /* EINTR; anything else is not possible with flags 0 */
        ASSERT((size_t)n <= len);
        p += n;
        len -= (size_t)n;
    }
}

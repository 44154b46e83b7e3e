/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a write-ahead log: what walcheck says of it holds together, and what
 * it calls good is whole when it stands alone. */

#include "base/check.h"
#include "log/journal_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wal_report r, again;
    walcheck_bytes(data, size, &r);
    ASSERT(r.good <= r.frames && r.frames <= size / PAGE_LEN);
    ASSERT(r.state != WAL_WHOLE || (r.good == r.frames && r.commits_cut == 0));
    ASSERT(r.state != WAL_DAMAGED || r.commits_cut > 0);
    /* what is good is whole by itself */
    size_t good_len = r.good ? 32 + (size_t)r.good * (PAGE_LEN + 24) : 0;
    walcheck_bytes(data, good_len, &again);
    ASSERT(again.state == WAL_WHOLE && again.good == r.good && again.frames == r.good);
    return 0;
}

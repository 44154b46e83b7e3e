/* SPDX-License-Identifier: Apache-2.0
 * NSID: which server of many this is (RFC 5001). */
#include "edns/edns.h"

static uint16_t nsid_size(const struct request *q)
{
    return q->self->nsid_len ? q->self->nsid_len : EDNS_ABSENT;
}

static void nsid_write(const struct request *q, struct wr *w)
{
    wr_bytes(w, q->self->nsid, q->self->nsid_len);
}

/* s2.2: a payload is ignored. RFC 6891 s6.1.2 leaves repeats to each option and RFC 5001 says
 * nothing: asking twice is asking. */
const struct edns_option edns_nsid = {
    .repeat = EDNS_REPEAT_FIRST,
    .size = nsid_size,
    .write = nsid_write,
};

/* SPDX-License-Identifier: Apache-2.0
 * NSID: which server of many this is (RFC 5001). */
#include "edns/edns.h"

static enum rcode nsid_read(struct request *q, struct rd *payload)
{
    (void)payload; /* s2.2: a payload is ignored */
    q->edns.want_nsid = true;
    return NOERROR;
}

static uint16_t nsid_size(const struct request *q)
{
    return q->edns.want_nsid && q->self->nsid_len ? q->self->nsid_len : EDNS_ABSENT;
}

static void nsid_write(const struct request *q, struct wr *w)
{
    wr_bytes(w, q->self->nsid, q->self->nsid_len);
}

/* RFC 6891 s6.1.2 leaves repeats to each option and RFC 5001 says nothing: asking twice is asking.
 */
const struct edns_option edns_nsid = {
    .code = 3,
    .name = "nsid",
    .repeat = EDNS_REPEAT_FIRST,
    .read = nsid_read,
    .size = nsid_size,
    .write = nsid_write,
};

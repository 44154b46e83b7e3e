/* SPDX-License-Identifier: Apache-2.0
 * Update Lease (RFC 9664): for how long the records that an UPDATE adds are wanted, and, in the
 * answer, for how long they are kept. What is granted is update/'s decision: it puts it in place of
 * what was asked for. */
#include "edns/edns.h"

#define LEASE_LEN     4
#define KEY_LEASE_LEN 8 /* with KEY-LEASE behind it */

static bool is_update(const struct request *q)
{
    return message_opcode(&q->msg) == OPCODE_UPDATE;
}

/* s4: LEASE alone, or LEASE and KEY-LEASE; no other form. It is defined for UPDATE only (s3). */
static enum rcode lease_read(struct request *q, struct rd *payload)
{
    size_t len = rd_left(payload);
    if (!is_update(q))
        return NOERROR;
    if (len != LEASE_LEN && len != KEY_LEASE_LEN)
        return FORMERR;
    q->edns.lease_len = (uint8_t)len;
    q->edns.lease_s = rd_u32(payload);
    /* s4.3: LEASE alone stands for both */
    q->edns.key_lease_s = len == KEY_LEASE_LEN ? rd_u32(payload) : q->edns.lease_s;
    return NOERROR;
}

/* s4.3: in every answer NOERROR to an UPDATE that has it, in the same form. */
static uint16_t lease_size(const struct request *q)
{
    return q->edns.lease_len && q->rcode == NOERROR ? q->edns.lease_len : EDNS_ABSENT;
}

static void lease_write(const struct request *q, struct wr *w)
{
    wr_u32(w, q->edns.lease_s);
    if (q->edns.lease_len == KEY_LEASE_LEN)
        wr_u32(w, q->edns.key_lease_s);
}

/* RFC 9664 says nothing of repeats: the first one counts, and the answer says what it got. */
const struct edns_option edns_lease = {
    .repeat = EDNS_REPEAT_FIRST,
    .read = lease_read,
    .size = lease_size,
    .write = lease_write,
};

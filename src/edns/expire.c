/* SPDX-License-Identifier: Apache-2.0
 * EXPIRE: how long a zone's data is good yet, so that a secondary of a secondary does not keep it
 * for longer (RFC 7314). Whether there is something to say is for who knows the zone (server/). */
#include "edns/edns.h"

#define EXPIRE_LEN 4

/* s2: the option of a query is empty; what is in one all the same is not looked at. */
static enum rcode expire_read(struct request *q, struct rd *payload)
{
    (void)payload;
    q->edns.want_expire = true;
    return NOERROR;
}

/* s3.3: who is not authoritative does not answer it. */
static uint16_t expire_size(const struct request *q)
{
    return q->edns.want_expire && q->edns.has_expire ? EXPIRE_LEN : EDNS_ABSENT;
}

static void expire_write(const struct request *q, struct wr *w)
{
    wr_u32(w, q->edns.expire_s);
}

/* RFC 6891 s6.1.2 leaves repeats to each option and RFC 7314 says nothing: asking twice is asking.
 */
const struct edns_option edns_expire = {
    .code = 9,
    .name = "expire",
    .repeat = EDNS_REPEAT_FIRST,
    .read = expire_read,
    .size = expire_size,
    .write = expire_write,
};

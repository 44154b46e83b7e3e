/* SPDX-License-Identifier: Apache-2.0
 * EXPIRE: how long a zone's data is good yet, so that a secondary of a secondary does not keep it
 * for longer (RFC 7314). */
#include "edns/edns.h"

#include "zone/store.h"

#define EXPIRE_LEN 4
#define US_PER_S   1000000

/* The question's name is in a zone below, whose servers are others. What is asked of a zone itself,
 * as transfers are, need not be looked up. */
static bool is_delegated(const struct request *q)
{
    if (q->msg.qname.len == q->entry->name.len || q->lookup.kind != LOOKUP_CUT)
        return false;
    return q->msg.qtype != TYPE_DS || !q->lookup.is_exact;
}

/* s3.3: who is not authoritative does not answer it. */
static uint16_t expire_size(const struct request *q)
{
    if (!q->entry || !q->version || q->version->soa.count == 0 || is_delegated(q))
        return EDNS_ABSENT;
    return EXPIRE_LEN;
}

/* s3.1, s3.2: the SOA's EXPIRE of a primary, what is left of it of a secondary. */
static void expire_write(const struct request *q, struct wr *w)
{
    int64_t expires_us = q->entry->expires_us, left_us = expires_us - q->now_us;
    if (expires_us == INT64_MAX)
        wr_u32(w, soa_of(rrset_first(q->version->soa)).expire);
    else
        wr_u32(w, left_us > 0 ? (uint32_t)(left_us / US_PER_S) : 0);
}

/* s2: the option of a query is empty; what is in one all the same is not looked at. RFC 6891 s6.1.2
 * leaves repeats to each option and RFC 7314 says nothing: asking twice is asking. */
const struct edns_option edns_expire = {
    .repeat = EDNS_REPEAT_FIRST,
    .size = expire_size,
    .write = expire_write,
};

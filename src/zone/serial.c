/* SPDX-License-Identifier: Apache-2.0
 * The serial of a zone that changes. */
#include "zone/serial.h"

#include <time.h>

#include "base/check.h"
#include "zone/zone.h"

#define SERIAL_FROM_END 20 /* SERIAL, REFRESH, RETRY, EXPIRE, MINIMUM end the rdata */
#define SOA_LEN_MAX     (2 * NAME_LEN_MAX + SERIAL_FROM_END)

static uint32_t increment(uint32_t current)
{
    return current == UINT32_MAX ? 1 : current + 1; /* RFC 2136 s7.11: never 0 */
}

/* YYYYMMDD00, or 0 where that has no place in 32 bits. */
static uint32_t date_of(int64_t now_s)
{
    struct tm tm;
    time_t t = (time_t)now_s;
    if (!gmtime_r(&t, &tm))
        return 0;
    int64_t day = ((tm.tm_year + INT64_C(1900)) * 100 + tm.tm_mon + 1) * 100 + tm.tm_mday;
    int64_t date = day * 100;
    return date > 0 && date <= UINT32_MAX ? (uint32_t)date : 0;
}

uint32_t serial_next(uint32_t current, enum serial_policy policy, int64_t now_us)
{
    int64_t now_s = now_us / 1000000;
    uint32_t wanted = 0;
    if (policy == SERIAL_UNIXTIME)
        wanted = (uint32_t)now_s;
    else if (policy == SERIAL_DATESERIAL)
        wanted = date_of(now_s);
    return wanted != 0 && serial_compare(wanted, current) == 1 ? wanted : increment(current);
}

bool soa_is_alike(struct rdata a, struct rdata b)
{
    size_t head = a.len - (size_t)SERIAL_FROM_END, tail = SERIAL_FROM_END - 4;
    return a.len == b.len && a.len >= SERIAL_FROM_END && memcmp(a.bytes, b.bytes, head) == 0 &&
           memcmp(a.bytes + a.len - tail, b.bytes + b.len - tail, tail) == 0;
}

static bool find_soa(struct txn *t, struct rrset *out)
{
    const struct node *n = txn_find(t, name_of(&txn_zone(t)->name));
    return n && node_find(n, TYPE_SOA, out);
}

void txn_set_serial(struct txn *t, uint32_t serial)
{
    struct name apex = name_of(&txn_zone(t)->name);
    struct rrset soa;
    bool is_there = find_soa(t, &soa);
    ASSERT(is_there);
    struct rdata old = rrset_first(soa);
    uint8_t bytes[SOA_LEN_MAX];
    ASSERT(old.bytes && old.len <= sizeof(bytes));
    memcpy(bytes, old.bytes, old.len);
    put_u32(bytes + old.len - SERIAL_FROM_END, serial);
    struct rr rr = {apex, TYPE_SOA, txn_zone(t)->class, soa.ttl, {bytes, old.len}};
    txn_remove_rrset(t, apex, TYPE_SOA);
    /* one record less than before: there is room */
    enum txn_effect effect = txn_add(t, &rr);
    ASSERT(effect == TXN_DONE);
}

uint32_t txn_serial(struct txn *t)
{
    struct rrset soa;
    return find_soa(t, &soa) ? soa_of(rrset_first(soa)).serial : 0;
}

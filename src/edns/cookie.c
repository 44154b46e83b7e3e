/* SPDX-License-Identifier: Apache-2.0
 * DNS cookies (RFC 7873) in the form that all servers share (RFC 9018): whoever sends one back is
 * at the address that it was sent to.
 *
 * Nothing is kept of clients: a cookie is checked by making it again. Of two secrets the first is
 * used, and what either has made is accepted, so that a rollover disturbs nobody (RFC 9018 s5). */
#include "edns/edns.h"

#include <string.h>

#include "base/hash.h"

#define CLIENT_LEN  8
#define SERVER_LEN  16 /* ours: version, reserved, time, hash */
#define LEN_MAX     40 /* RFC 7873 s4 */
#define VERSION     1
#define HASH_AT     16 /* in the whole cookie */
#define TIME_AT     12
#define AGE_MAX_S   3600 /* RFC 9018 s4.3 */
#define AHEAD_MAX_S 300
#define RENEW_S     1800

static enum rcode cookie_read(struct request *q, struct rd *payload)
{
    size_t len = rd_left(payload);
    if (q->self->cookies.count == 0)
        return NOERROR; /* s5.2.1: as if it were not known */
    if (len != CLIENT_LEN && (len < 2 * CLIENT_LEN || len > LEN_MAX))
        return FORMERR; /* s5.2.2 */
    memcpy(q->edns.cookie, rd_bytes(payload, len), len);
    q->edns.cookie_len = (uint8_t)len;
    return NOERROR;
}

/* The hash over the first TIME_AT + 4 bytes of a cookie and the client's address (RFC 9018 s4.4).
 */
static uint64_t cookie_hash(const struct hash_key *secret, const uint8_t *cookie,
                            const union address *from)
{
    uint8_t bytes[HASH_AT + 16];
    size_t len = from->any.sa_family == AF_INET ? 4 : 16;
    memcpy(bytes, cookie, HASH_AT);
    memcpy(bytes + HASH_AT,
           len == 4 ? (const void *)&from->v4.sin_addr : (const void *)&from->v6.sin6_addr, len);
    return hash_bytes(secret, bytes, HASH_AT + len);
}

static uint64_t hash_at(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;) /* SipHash is little-endian, and so is the cookie */
        v = v << 8 | p[i];
    return v;
}

static void hash_put(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* Made with the i-th secret. */
static bool is_made_with(const struct request *q, unsigned i)
{
    const uint8_t *c = q->edns.cookie;
    return i < q->self->cookies.count &&
           cookie_hash(&q->self->cookies.at[i], c, &q->peer.address) == hash_at(c + HASH_AT);
}

/* Seconds since it was made, in the arithmetic of RFC 1982. */
static int32_t cookie_age(const struct request *q)
{
    return (int32_t)((uint32_t)(q->now_us / 1000000) - get_u32(q->edns.cookie + TIME_AT));
}

/* RFC 7873 s5.2.3, s5.2.4: over UDP a client without a good one is told its cookie and has to ask
 * again, where the configuration or the load wants it so; one that sends none is answered. */
static enum rcode cookie_apply(struct request *q)
{
    struct edns *e = &q->edns;
    if (e->cookie_len == CLIENT_LEN + SERVER_LEN && e->cookie[CLIENT_LEN] == VERSION) {
        int32_t age = cookie_age(q);
        bool is_newest = is_made_with(q, 0);
        bool is_ours = is_newest || is_made_with(q, 1);
        e->has_good_cookie = is_ours && age <= AGE_MAX_S && age >= -AHEAD_MAX_S;
        e->is_cookie_kept = e->has_good_cookie && is_newest && age >= 0 && age < RENEW_S;
    }
    if (!e->cookie_len)
        return NOERROR;
    q->count->cookies_good += e->has_good_cookie;
    q->count->cookies_bad += !e->has_good_cookie && e->cookie_len > CLIENT_LEN;
    bool is_wanted = q->self->wants_cookies && q->peer.transport == TRANSPORT_UDP;
    return is_wanted && !e->has_good_cookie ? BADCOOKIE : NOERROR;
}

enum rcode edns_cookie_rcode(const struct request *q)
{
    if (!q->edns.cookie_len)
        return FORMERR;
    return q->edns.cookie_len == CLIENT_LEN || q->edns.has_good_cookie ? NOERROR : BADCOOKIE;
}

/* Of an answer that comes later the configuration may have no cookies any more. */
static uint16_t cookie_size(const struct request *q)
{
    return q->edns.cookie_len && q->self->cookies.count ? CLIENT_LEN + SERVER_LEN : EDNS_ABSENT;
}

static void cookie_write(const struct request *q, struct wr *w)
{
    uint8_t c[CLIENT_LEN + SERVER_LEN] = {0};
    if (q->edns.is_cookie_kept) {
        wr_bytes(w, q->edns.cookie, sizeof(c)); /* s5.2.5 (a): the same again */
        return;
    }
    memcpy(c, q->edns.cookie, CLIENT_LEN);
    c[CLIENT_LEN] = VERSION;
    put_u32(c + TIME_AT, (uint32_t)(q->now_us / 1000000));
    hash_put(c + HASH_AT, cookie_hash(&q->self->cookies.at[0], c, &q->peer.address));
    wr_bytes(w, c, sizeof(c));
}

/* RFC 7873 s5.2: of several only the first counts. */
const struct edns_option edns_cookie = {
    .repeat = EDNS_REPEAT_FIRST,
    .read = cookie_read,
    .apply = cookie_apply,
    .size = cookie_size,
    .write = cookie_write,
};

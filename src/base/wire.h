/* SPDX-License-Identifier: Apache-2.0
 * Cursors over bytes: rd reads, wr writes, both in network order, both with a sticky failure.
 *
 * Read (write) everything, then ask once: after any step beyond the end `bad` is set, later reads
 * give zero and later writes write nothing. A cursor owns no memory. */
#ifndef REEVE_BASE_WIRE_H
#define REEVE_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "get_ and put_ turn bytes round, and hash.c does not");

/* --- unchecked access, for bytes whose extent the caller has established --- */

static inline uint16_t get_u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}

static inline uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

static inline uint64_t get_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static inline void put_u16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, 2);
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

static inline void put_u64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

/* --- reading --- */

struct rd {
    const uint8_t *start, *at, *end;
    bool bad;
};

static inline struct rd rd_over(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    return (struct rd){.start = p, .at = p, .end = p + len};
}

static inline size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->at);
}

/* The next n bytes, valid as long as what the cursor lies over; NULL (and bad) if fewer are
 * left. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
    if (r->bad || rd_left(r) < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 1);
    return p ? *p : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 2);
    return p ? get_u16(p) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 4);
    return p ? get_u32(p) : 0;
}

static inline uint64_t rd_u48(struct rd *r)
{
    uint64_t high = rd_u16(r);
    return high << 32 | rd_u32(r);
}

static inline uint64_t rd_u64(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 8);
    return p ? get_u64(p) : 0;
}

/* A cursor over the next n bytes, which are stepped over; bad in both if fewer are left. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);
    struct rd sub = rd_over(p ? p : r->end, p ? n : 0);
    sub.bad = r->bad;
    return sub;
}

/* --- writing --- */

struct wr {
    uint8_t *start, *at, *end;
    bool bad;
};

static inline struct wr wr_over(void *bytes, size_t cap)
{
    uint8_t *p = bytes;
    return (struct wr){.start = p, .at = p, .end = p + cap};
}

static inline size_t wr_len(const struct wr *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t wr_left(const struct wr *w)
{
    return (size_t)(w->end - w->at);
}

/* Room for n bytes, which the caller fills; NULL (and bad) if there is less. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
    if (w->bad || wr_left(w) < n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->at;
    w->at += n;
    return p;
}

static inline void wr_bytes(struct wr *w, const void *bytes, size_t n)
{
    uint8_t *p = wr_room(w, n);
    if (p && n)
        memcpy(p, bytes, n);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *p = wr_room(w, 1);
    if (p)
        *p = v;
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
    uint8_t *p = wr_room(w, 2);
    if (p)
        put_u16(p, v);
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_room(w, 4);
    if (p)
        put_u32(p, v);
}

static inline void wr_u48(struct wr *w, uint64_t v)
{
    wr_u16(w, (uint16_t)(v >> 32));
    wr_u32(w, (uint32_t)v);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
    uint8_t *p = wr_room(w, 8);
    if (p)
        put_u64(p, v);
}

#endif

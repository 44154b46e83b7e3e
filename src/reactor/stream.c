/* SPDX-License-Identifier: Apache-2.0
 * Framing and the output queue of one TCP connection. */
#include "reactor/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/wire.h"

/* First size of a buffer from the heap: twice what has proved too small. */
#define IN_CAP_FIRST  (2 * STREAM_SMALL_LEN)
#define OUT_CAP_FIRST 4096

/* The output is bounded by limits.tcp-unsent (64 MB at most) and one batch of answers. */
#define OUT_CAP_MAX   (1u << 27)

static uint8_t *in_bytes(struct stream *s)
{
    return s->in ? s->in : s->small;
}

/* What the message at the front takes with its prefix; 0: too few bytes to tell. */
static size_t front_len(const struct stream *s)
{
    const uint8_t *p = (s->in ? s->in : s->small) + s->in_at;
    return s->in_end - s->in_at < STREAM_PREFIX_LEN ? 0 : STREAM_PREFIX_LEN + (size_t)get_u16(p);
}

void stream_init(struct stream *s)
{
    memset(s, 0, offsetof(struct stream, small));
}

void stream_done(struct stream *s)
{
    free(s->in);
    free(s->out);
    stream_init(s);
}

/* Makes the heap buffer larger, up to `need`: by doubling, so that it stays within twice of what
 * came. */
static void in_grow(struct stream *s, size_t need)
{
    size_t cap = s->in ? 2 * (size_t)s->in_cap : IN_CAP_FIRST;
    if (cap > need)
        cap = need;
    if (s->in) {
        s->in = mem_grow(s->in, cap);
    } else {
        s->in = mem_alloc(cap);
        memcpy(s->in, s->small, s->in_end);
    }
    s->in_cap = (uint32_t)cap;
}

struct stream_room stream_room(struct stream *s)
{
    ASSERT(!stream_has_message(s));
    stream_trim(s);
    if (s->in_at) {
        memmove(in_bytes(s), in_bytes(s) + s->in_at, s->in_end - s->in_at);
        s->in_end -= s->in_at;
        s->in_at = 0;
    }
    size_t need = front_len(s);
    ASSERT(!s->in || need > STREAM_SMALL_LEN);
    if (need <= STREAM_SMALL_LEN)
        return (struct stream_room){s->small + s->in_end, STREAM_SMALL_LEN - s->in_end};
    if (!s->in || s->in_end == s->in_cap)
        in_grow(s, need);
    ASSERT(s->in_end < s->in_cap && s->in_cap <= need);
    return (struct stream_room){s->in + s->in_end, s->in_cap - s->in_end};
}

void stream_received(struct stream *s, size_t n)
{
    ASSERT(n <= (s->in ? s->in_cap : STREAM_SMALL_LEN) - s->in_end);
    s->in_end += (uint32_t)n;
}

bool stream_has_message(const struct stream *s)
{
    size_t need = front_len(s);
    return need && s->in_end - s->in_at >= need;
}

bool stream_next(struct stream *s, struct stream_message *out)
{
    if (!stream_has_message(s))
        return false;
    size_t need = front_len(s);
    *out = (struct stream_message){in_bytes(s) + s->in_at + STREAM_PREFIX_LEN,
                                   need - STREAM_PREFIX_LEN};
    s->in_at += (uint32_t)need;
    return true;
}

bool stream_is_partial(const struct stream *s)
{
    return s->in_at < s->in_end && !stream_has_message(s);
}

void stream_drop(struct stream *s)
{
    s->in_at = s->in_end;
}

void stream_trim(struct stream *s)
{
    if (s->in_at < s->in_end)
        return;
    free(s->in);
    s->in = NULL;
    s->in_at = s->in_end = s->in_cap = 0;
}

/* Room for len more bytes behind out_end. */
static void out_reserve(struct stream *s, size_t len)
{
    if (s->out_cap - s->out_end >= len)
        return;
    if (s->out_at) {
        memmove(s->out, s->out + s->out_at, stream_unsent(s));
        s->out_end -= s->out_at;
        s->out_at = 0;
    }
    size_t cap = s->out_cap ? s->out_cap : OUT_CAP_FIRST;
    while (cap - s->out_end < len)
        cap *= 2;
    ASSERT(cap <= OUT_CAP_MAX);
    if (cap == s->out_cap)
        return;
    s->out = mem_grow(s->out, cap);
    s->out_cap = (uint32_t)cap;
}

void stream_push(struct stream *s, const uint8_t *bytes, size_t len)
{
    if (!len)
        return;
    out_reserve(s, len);
    memcpy(s->out + s->out_end, bytes, len);
    s->out_end += (uint32_t)len;
}

void stream_sent(struct stream *s, size_t n)
{
    ASSERT(n <= stream_unsent(s));
    s->out_at += (uint32_t)n;
    if (s->out_at < s->out_end)
        return;
    free(s->out);
    s->out = NULL;
    s->out_at = s->out_end = s->out_cap = 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * One TCP connection as bytes: messages cut out of what came in, answers waiting to go out. No
 * socket inside.
 *
 * Each message is preceded by its length in two octets (RFC 1035 s4.2.2). What comes in may be cut
 * anywhere and several messages may come at once (RFC 7766 s6.2.1.1, s8). The stream owns its
 * buffers: `small` for the usual case, memory from the heap only for a message that does not fit in
 * it and for answers that the peer has not taken yet. The memory for a long message grows with the
 * bytes that have really come, not with the length that was announced.
 *
 * The order of calls is: stream_room(), fill it, stream_received(); then stream_next() until it
 * says false. Room may be asked for only when there is no whole message left. */
#ifndef REEVE_REACTOR_STREAM_H
#define REEVE_REACTOR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_SMALL_LEN   512 /* about ten queries: also what one connection may ask in one turn */
#define STREAM_PREFIX_LEN  2
#define STREAM_MESSAGE_MAX (STREAM_PREFIX_LEN + 65535)

struct stream {
    uint8_t *in;                    /* for one long message; NULL: `small` is in use */
    uint32_t in_at, in_end, in_cap; /* bytes in_at..in_end are not handed out yet */
    uint32_t out_at, out_end, out_cap;
    uint8_t *out; /* bytes out_at..out_end are not sent yet; NULL: none */
    uint8_t small[STREAM_SMALL_LEN];
};

struct stream_room {
    uint8_t *at;
    size_t len; /* at least 1 */
};

struct stream_message {
    const uint8_t *bytes; /* valid until stream_room(), stream_trim() or stream_done() */
    size_t len;           /* 0..65535 */
};

void stream_init(struct stream *s);
void stream_done(struct stream *s);

/* Where the next bytes go. Never more than what belongs to a message that has outgrown `small`. */
struct stream_room stream_room(struct stream *s);
/* n bytes of that room are filled. */
void stream_received(struct stream *s, size_t n);
/* Takes the next whole message; false: there is none. */
bool stream_next(struct stream *s, struct stream_message *out);
bool stream_has_message(const struct stream *s);
/* Part of a message is here, the rest is not. */
bool stream_is_partial(const struct stream *s);
/* Forgets what has come and is not handed out yet; messages handed out stay valid. */
void stream_drop(struct stream *s);
/* Gives back memory that an idle connection does not need. Messages handed out before are gone. */
void stream_trim(struct stream *s);

/* Puts bytes (prefix and all) behind those that wait to be sent. */
void stream_push(struct stream *s, const uint8_t *bytes, size_t len);
static inline size_t stream_unsent(const struct stream *s)
{
    return s->out_end - s->out_at;
}
/* The first byte that waits to be sent; stream_unsent() of them are there, at least one. */
static inline const uint8_t *stream_unsent_at(const struct stream *s)
{
    return s->out + s->out_at;
}
/* n of them are sent. */
void stream_sent(struct stream *s, size_t n);

/* Bytes of heap in use. */
static inline size_t stream_held(const struct stream *s)
{
    return (size_t)s->in_cap + s->out_cap;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The framing of TCP: whatever way the bytes are cut, the same messages come out, and memory
 * follows what is needed. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "reactor/stream.h"
#include "unit.h"

/* --- a stream of known messages --- */

#define CASE_MESSAGES_MAX 8
#define CASE_LEN_MAX      (4 * STREAM_MESSAGE_MAX)

struct sample {
    uint8_t *bytes; /* the messages with their prefixes */
    size_t len;
    size_t lens[CASE_MESSAGES_MAX];
    size_t count;
};

static uint8_t byte_at(size_t message, size_t i)
{
    return (uint8_t)(message * 31 + i * 7 + i / 256);
}

static struct sample sample_new(const size_t *lens, size_t count)
{
    struct sample s = {.bytes = mem_alloc(CASE_LEN_MAX), .count = count};
    for (size_t m = 0; m < count; m++) {
        s.lens[m] = lens[m];
        s.bytes[s.len++] = (uint8_t)(lens[m] >> 8);
        s.bytes[s.len++] = (uint8_t)lens[m];
        for (size_t i = 0; i < lens[m]; i++)
            s.bytes[s.len++] = byte_at(m, i);
    }
    return s;
}

/* Takes whole messages and compares them with the sample's from number `at` on; the number of the
 * next one. */
static size_t take_all(struct stream *s, const struct sample *want, size_t at)
{
    struct stream_message m;
    while (stream_next(s, &m)) {
        cr_assert_lt(at, want->count, "more messages than were sent");
        cr_assert_eq(m.len, want->lens[at], "message %zu has %zu bytes, not %zu", at, m.len,
                     want->lens[at]);
        for (size_t i = 0; i < m.len; i++)
            cr_assert_eq(m.bytes[i], byte_at(at, i), "message %zu, byte %zu", at, i);
        at++;
    }
    return at;
}

/* A receive call: what is there, but not more than there is room for. */
static size_t feed(struct stream *s, const uint8_t *bytes, size_t len)
{
    struct stream_room room = stream_room(s);
    cr_assert_gt(room.len, 0);
    size_t n = len < room.len ? len : room.len;
    memcpy(room.at, bytes, n);
    stream_received(s, n);
    return n;
}

/* Feeds the part [from, to) as a socket would give it, taking messages after each call. */
static size_t feed_part(struct stream *s, const struct sample *x, size_t from, size_t to, size_t at)
{
    while (from < to) {
        from += feed(s, x->bytes + from, to - from);
        at = take_all(s, x, at);
    }
    return at;
}

static const size_t mixed[] = {12, 0, 45, STREAM_SMALL_LEN - 2, STREAM_SMALL_LEN - 1, 1, 700, 40};

Test(stream, any_two_pieces_give_the_same_messages)
{
    struct sample x = sample_new(mixed, 8);
    for (size_t cut = 0; cut <= x.len; cut++) {
        struct stream s;
        stream_init(&s);
        size_t at = feed_part(&s, &x, 0, cut, 0);
        at = feed_part(&s, &x, cut, x.len, at);
        cr_assert_eq(at, x.count, "cut at %zu", cut);
        cr_assert_not(stream_is_partial(&s));
        stream_done(&s);
    }
    free(x.bytes);
}

Test(stream, any_three_pieces_give_the_same_messages)
{
    static const size_t lens[] = {12, 0, 3, 33};
    struct sample x = sample_new(lens, 4);
    for (size_t a = 0; a <= x.len; a++) {
        for (size_t b = a; b <= x.len; b++) {
            struct stream s;
            stream_init(&s);
            size_t at = feed_part(&s, &x, 0, a, 0);
            at = feed_part(&s, &x, a, b, at);
            at = feed_part(&s, &x, b, x.len, at);
            cr_assert_eq(at, x.count, "cuts at %zu and %zu", a, b);
            stream_done(&s);
        }
    }
    free(x.bytes);
}

Test(stream, single_bytes_give_the_same_messages)
{
    static const size_t lens[] = {12, 65535, 0, 513, 20};
    struct sample x = sample_new(lens, 5);
    struct stream s;
    stream_init(&s);
    size_t at = 0;
    for (size_t i = 0; i < x.len; i++)
        at = feed_part(&s, &x, i, i + 1, at);
    cr_assert_eq(at, x.count);
    stream_done(&s);
    free(x.bytes);
}

Test(stream, two_of_the_longest_messages_follow_each_other)
{
    static const size_t lens[] = {65535, 65535, 17};
    struct sample x = sample_new(lens, 3);
    struct stream s;
    stream_init(&s);
    cr_assert_eq(feed_part(&s, &x, 0, x.len, 0), x.count);
    stream_done(&s);
    free(x.bytes);
}

Test(stream, half_a_length_is_no_message)
{
    struct stream s;
    stream_init(&s);
    feed(&s, (const uint8_t *)"\0", 1);
    cr_assert_not(stream_has_message(&s));
    cr_assert(stream_is_partial(&s));
    feed(&s, (const uint8_t *)"\0", 1);
    struct stream_message m;
    cr_assert(stream_next(&s, &m), "a length of zero is a message");
    cr_assert_eq(m.len, 0);
    cr_assert_not(stream_is_partial(&s));
    stream_done(&s);
}

Test(stream, messages_handed_out_stay_while_more_are_taken)
{
    static const size_t lens[] = {12, 13, 14};
    struct sample x = sample_new(lens, 3);
    struct stream s;
    struct stream_message m[3];
    stream_init(&s);
    cr_assert_eq(feed(&s, x.bytes, x.len), x.len);
    for (size_t i = 0; i < 3; i++)
        cr_assert(stream_next(&s, &m[i]));
    stream_drop(&s);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(m[i].bytes[lens[i] - 1], byte_at(i, lens[i] - 1));
    stream_done(&s);
    free(x.bytes);
}

Test(stream, what_is_dropped_is_not_read)
{
    static const size_t lens[] = {3, 12, 12};
    struct sample x = sample_new(lens, 3);
    struct stream s;
    struct stream_message m;
    stream_init(&s);
    feed(&s, x.bytes, x.len - 1);
    cr_assert(stream_next(&s, &m));
    stream_drop(&s);
    cr_assert_not(stream_next(&s, &m));
    cr_assert_not(stream_is_partial(&s));
    stream_done(&s);
    free(x.bytes);
}

/* --- memory --- */

Test(stream, small_messages_take_no_memory)
{
    static const size_t lens[] = {12, 45, 510, 100};
    struct sample x = sample_new(lens, 4);
    struct stream s;
    stream_init(&s);
    size_t at = 0;
    for (size_t i = 0; i < x.len; i++) {
        at = feed_part(&s, &x, i, i + 1, at);
        cr_assert_eq(stream_held(&s), 0);
    }
    cr_assert_eq(at, x.count);
    free(x.bytes);
}

Test(stream, memory_follows_what_came_and_not_what_was_announced)
{
    static const size_t lens[] = {65535};
    struct sample x = sample_new(lens, 1);
    struct stream s;
    stream_init(&s);
    for (size_t i = 0; i < x.len; i++) {
        feed_part(&s, &x, i, i + 1, 0);
        size_t bound = 2 * (i + 1) > 2 * STREAM_SMALL_LEN ? 2 * (i + 1) : 2 * STREAM_SMALL_LEN;
        cr_assert_leq(stream_held(&s), bound, "%zu bytes came", i + 1);
    }
    stream_trim(&s);
    cr_assert_eq(stream_held(&s), 0, "a long message is forgotten after it was taken");
    stream_done(&s);
    free(x.bytes);
}

Test(stream, room_ends_with_a_long_message)
{
    static const size_t lens[] = {2000, 12};
    struct sample x = sample_new(lens, 2);
    struct stream s;
    struct stream_message m;
    stream_init(&s);
    size_t fed = 0;
    while (!stream_has_message(&s))
        fed += feed(&s, x.bytes + fed, x.len - fed);
    cr_assert_eq(fed, STREAM_PREFIX_LEN + 2000);
    cr_assert(stream_next(&s, &m));
    cr_assert_not(stream_is_partial(&s));
    stream_done(&s);
    free(x.bytes);
}

Test(stream, room_with_a_whole_message_waiting_is_our_bug, .signal = SIGABRT)
{
    struct stream s;
    stream_init(&s);
    feed(&s, (const uint8_t *)"\0\1x", 3);
    (void)stream_room(&s);
}

/* --- output --- */

Test(stream, output_leaves_in_order_however_it_is_cut)
{
    static const size_t lens[] = {12, 0, 300, 65535, 40};
    struct sample x = sample_new(lens, 5);
    for (size_t step = 1; step <= x.len; step = step * 3 / 2 + 1) {
        struct stream s;
        size_t pushed = 0, sent = 0;
        stream_init(&s);
        while (sent < x.len) {
            size_t more = x.len - pushed < 2 * step ? x.len - pushed : 2 * step;
            stream_push(&s, x.bytes + pushed, more);
            pushed += more;
            size_t n = stream_unsent(&s) < step ? stream_unsent(&s) : step;
            cr_assert_eq(stream_unsent(&s), pushed - sent);
            cr_assert_arr_eq(stream_unsent_at(&s), x.bytes + sent, n);
            stream_sent(&s, n);
            sent += n;
        }
        cr_assert_eq(stream_unsent(&s), 0);
        cr_assert_eq(stream_held(&s), 0, "nothing unsent, nothing held");
        stream_done(&s);
    }
    free(x.bytes);
}

Test(stream, output_that_keeps_moving_does_not_grow)
{
    uint8_t bytes[1000] = {0};
    struct stream s;
    stream_init(&s);
    stream_push(&s, bytes, sizeof(bytes));
    for (int i = 0; i < 10000; i++) {
        stream_push(&s, bytes, sizeof(bytes));
        stream_sent(&s, sizeof(bytes));
    }
    cr_assert_eq(stream_unsent(&s), sizeof(bytes));
    cr_assert_leq(stream_held(&s), 4096);
    stream_done(&s);
}

Test(stream, done_frees_what_is_under_way)
{
    static const size_t lens[] = {5000};
    struct sample x = sample_new(lens, 1);
    struct stream s;
    stream_init(&s);
    feed_part(&s, &x, 0, 3000, 0);
    stream_push(&s, x.bytes, 100);
    cr_assert_gt(stream_held(&s), 0);
    stream_done(&s);
    cr_assert_eq(stream_held(&s), 0);
    free(x.bytes);
}

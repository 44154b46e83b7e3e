/* SPDX-License-Identifier: Apache-2.0
 * Sends what no client should: random and mutated datagrams, and odd TCP streams.
 *
 *     abuse PORT SEED DATAGRAMS STREAMS
 *
 * to 127.0.0.1. Between them it asks questions that must be answered (client.h): after every batch
 * over UDP, so that the server is never ahead or behind by more than a batch, and after every few
 * streams over TCP. Prints what it sent and got. Its messages are the mutator's, with nothing that
 * the server would believe: the keys are none of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "mutator.h"

#define DATAGRAM_MAX 1400
#define STREAM_MAX   70000
#define OPEN_MAX     48 /* streams that are left open behind, the oldest is closed for a new one */
#define ASK_EVERY    50 /* streams between two questions */

struct abuse {
    struct client client;
    struct mutator *mutator;
    uint64_t messages;
    int64_t now_s;
    int open[OPEN_MAX];
};

static uint32_t draw(struct abuse *a, uint32_t below)
{
    return mutator_draw(a->mutator, below);
}

static void fill(struct abuse *a, uint8_t *p, size_t len)
{
    while (len--)
        *p++ = (uint8_t)draw(a, 256);
}

static size_t odd_message(struct abuse *a, uint8_t *p, size_t max)
{
    struct mutant what;
    if (draw(a, 5) == 0) {
        size_t len = draw(a, (uint32_t)max + 1);
        fill(a, p, len);
        return len;
    }
    size_t len = mutator_write(a->mutator, a->messages++, a->now_s, p, max, &what);
    return draw(a, 2) ? mutator_spoil(a->mutator, p, len, max) : len;
}

static void send_datagrams(struct abuse *a, unsigned long count)
{
    static uint8_t bytes[CLIENT_BATCH_MAX][DATAGRAM_MAX];
    struct iovec iov[CLIENT_BATCH_MAX];
    while (count > 0) {
        unsigned n = count < CLIENT_BATCH_MAX ? (unsigned)count : CLIENT_BATCH_MAX;
        for (unsigned i = 0; i < n; i++)
            iov[i] = (struct iovec){bytes[i], odd_message(a, bytes[i], DATAGRAM_MAX)};
        client_send(&a->client, iov, n);
        client_ask_udp(&a->client);
        count -= n;
    }
}

/* --- TCP --- */

/* A good question, byte by byte or at once, maybe with the sending side closed behind it (RFC
 * 7766 s6.2.3 leaves that to us: the answer still comes). */
static void ask_tcp(struct abuse *a)
{
    uint8_t out[CLIENT_QUESTION_MAX + 2];
    size_t len = client_frame(out, client_question(&a->client, out + 2));
    int fd = client_dial(&a->client);
    if (draw(a, 2)) {
        for (size_t i = 0; i < len; i++)
            client_push(fd, out + i, 1);
    } else {
        client_push(fd, out, len);
    }
    if (draw(a, 2))
        shutdown(fd, SHUT_WR);
    if (!client_await(&a->client, fd, out + 2, len - 2)) {
        errno = ECONNRESET;
        client_fail("a good question over TCP");
    }
    close(fd);
}

/* What an odd stream says; gives back its length. */
static size_t odd_stream(struct abuse *a, uint8_t *p)
{
    static const char plain[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1\7example\0\0\xff\0\1"
                                "\0\0\x29\x04\xd0\0\0\x80\0\0\0";
    size_t len = 0, n;
    switch (draw(a, 7)) {
    case 0: /* nothing, or half a length */
        p[0] = (uint8_t)draw(a, 256);
        return draw(a, 2);
    case 1: /* a length and less than that */
        n = odd_message(a, p + 2, DATAGRAM_MAX);
        client_frame(p, n + 1 + draw(a, 60000));
        return n + 2;
    case 2: /* empty messages */
        n = 2 * (1 + draw(a, 500));
        memset(p, 0, n);
        return n;
    case 3: /* anything */
        n = draw(a, 5000);
        fill(a, p, n);
        return n;
    case 4: /* a message as long as one can be */
        fill(a, p, 65537);
        memcpy(p + 2, plain, sizeof(plain));
        return client_frame(p, 65535);
    case 5: /* the same good question many times, nobody reads the answers */
        for (n = draw(a, 400); n-- > 0; len += client_frame(p + len, sizeof(plain) - 1))
            memcpy(p + len + 2, plain, sizeof(plain) - 1);
        return len;
    default: /* odd messages in good frames */
        for (n = draw(a, 40); n-- > 0;)
            len += client_frame(p + len, odd_message(a, p + len + 2, DATAGRAM_MAX));
        return len;
    }
}

/* Closed as it is, after the sending side, with a reset, or left open for a while. */
static void leave(struct abuse *a, int fd)
{
    struct linger reset = {1, 0};
    unsigned slot;
    switch (draw(a, 4)) {
    case 0:
        shutdown(fd, SHUT_WR);
        break;
    case 1:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        break;
    case 2:
        slot = draw(a, OPEN_MAX);
        if (a->open[slot] >= 0)
            close(a->open[slot]);
        a->open[slot] = fd;
        return;
    default:
        break;
    }
    close(fd);
}

static void send_streams(struct abuse *a, unsigned long count)
{
    static uint8_t bytes[STREAM_MAX];
    for (unsigned long i = 0; i < count; i++) {
        int fd = client_dial(&a->client);
        size_t len = odd_stream(a, bytes), cut = len ? draw(a, (uint32_t)len) : 0;
        client_push(fd, bytes, cut); /* in two pieces, cut anywhere */
        client_push(fd, bytes + cut, len - cut);
        leave(a, fd);
        if (i % ASK_EVERY == 0)
            ask_tcp(a);
    }
    ask_tcp(a);
    for (unsigned i = 0; i < OPEN_MAX; i++)
        if (a->open[i] >= 0) {
            close(a->open[i]);
            a->open[i] = -1;
        }
}

int main(int argc, char **argv)
{
    struct abuse a = {.now_s = time(NULL)};
    if (argc != 5) {
        fprintf(stderr, "abuse PORT SEED DATAGRAMS STREAMS\n");
        return 2;
    }
    memset(a.open, -1, sizeof(a.open));
    a.mutator = mutator_new(strtoull(argv[2], NULL, 10), TEST_DATA "/rdata.txt");
    client_open(&a.client, (uint16_t)strtoul(argv[1], NULL, 10));
    send_datagrams(&a, strtoul(argv[3], NULL, 10));
    send_streams(&a, strtoul(argv[4], NULL, 10));
    printf("sent %s datagrams and %s streams, %lu good questions; %lu answers\n", argv[3], argv[4],
           a.client.questions, a.client.answers);
    mutator_free(a.mutator);
    return 0;
}

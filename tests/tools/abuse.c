/* SPDX-License-Identifier: Apache-2.0
 * Sends what no client should: random and mutated datagrams, and odd TCP streams.
 *
 *     abuse PORT SEED DATAGRAMS STREAMS
 *
 * to 127.0.0.1. Between them it asks questions that must be answered (example. SOA): after every
 * batch over UDP, so that the server is never ahead or behind by more than a batch, and after
 * every few streams over TCP. Every answer must be one: QR set, a header at least, no longer
 * than a datagram may be. Prints what it sent and got; exit code 1 when a question stays without
 * an answer or an answer is none. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX   1400
#define ANSWER_MAX     1232
#define BATCH          64
#define STREAM_MAX     70000
#define OPEN_MAX       48 /* streams that are left open behind, the oldest is closed for a new one */
#define ASK_EVERY      50 /* streams between two questions */
#define ANSWER_WAIT_MS 20000
#define RESEND_MS      2000

struct abuse {
    struct sockaddr_in to;
    uint64_t random;
    int udp;
    unsigned long answers, questions;
    int open[OPEN_MAX];
};

static void fail(const char *what)
{
    fprintf(stderr, "abuse: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* xorshift64*: fast, and the same for the same seed. */
static uint32_t draw(struct abuse *a, uint32_t below)
{
    a->random ^= a->random >> 12;
    a->random ^= a->random << 25;
    a->random ^= a->random >> 27;
    return (uint32_t)((a->random * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void fill(struct abuse *a, uint8_t *p, size_t len)
{
    while (len--)
        *p++ = (uint8_t)draw(a, 256);
}

/* --- messages --- */

struct seed {
    const char *bytes;
    size_t len;
};

#define SEED(s)          \
    {                    \
        s, sizeof(s) - 1 \
    }
#define HEAD(qd, an, ns, ar) "\x12\x34\1\0\0" qd "\0" an "\0" ns "\0" ar
#define NAME                 "\3www\7example\0"
#define OPT                  "\0\0\x29\x04\xd0\0\0\x80\0\0\0"

static const struct seed seeds[] = {
    SEED(HEAD("\1", "\0", "\0", "\0") NAME "\0\1\0\1"),
    SEED(HEAD("\1", "\0", "\0", "\1") NAME "\0\1\0\1" OPT),
    SEED(HEAD("\1", "\0", "\0", "\1") "\7example\0\0\xff\0\1" OPT),
    SEED(HEAD("\1", "\0", "\0", "\1") "\1*\4wild\7example\0\0\x10\0\1" OPT),
    SEED(HEAD("\1", "\0", "\0", "\1") "\1x\5dname\7example\0\0\1\0\1" OPT),
    SEED(HEAD("\1", "\0", "\0",
              "\1") "\1x\3sub\7example\0\0\1\0\1\0\0\x29\x04\xd0\0\0\x80\0\0\4\0\3\0\0"),
    SEED(HEAD("\1", "\0", "\0", "\2") NAME "\0\1\0\1" OPT "\0\0\xfa\0\xff\0\0\0\0\0\0"),
    SEED(HEAD("\1", "\1", "\1", "\1") NAME "\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
                                           "\xc0\x10\0\2\0\1\0\0\0\1\0\2\xc0\x0c" OPT),
    SEED("\x12\x34\x28\0\0\1\0\0\0\1\0\0\7example\0\0\6\0\1\3new\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3"
         "\4"),
    SEED("\x12\x34\x20\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1"),
    SEED(HEAD("\1", "\0", "\0", "\0") "\7example\0\0\xfc\0\1"),
    SEED(HEAD("\1", "\0", "\0", "\0") "\7version\4bind\0\0\x10\0\3"),
};

/* A few steps of what goes wrong with messages; gives back the new length. */
static size_t mutate(struct abuse *a, uint8_t *p, size_t len, size_t max)
{
    static const uint8_t edges[] = {0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff, 0x0c};
    for (unsigned steps = 1 + draw(a, 6); steps-- > 0 && len > 0;) {
        size_t at = draw(a, (uint32_t)len), n;
        switch (draw(a, 8)) {
        case 0: /* a bit */
            p[at] ^= (uint8_t)(1u << draw(a, 8));
            break;
        case 1: /* a byte */
            p[at] = (uint8_t)draw(a, 256);
            break;
        case 2: /* a byte that means something */
            p[at] = edges[draw(a, sizeof(edges))];
            break;
        case 3: /* the end is missing */
            len = at;
            break;
        case 4: /* bytes more at the end */
            n = draw(a, 64);
            n = n < max - len ? n : max - len;
            fill(a, p + len, n);
            len += n;
            break;
        case 5: /* counts that lie */
            if (len >= 12)
                p[4 + draw(a, 8)] = (uint8_t)draw(a, 4);
            break;
        case 6: /* a pointer somewhere */
            if (at + 1 < len) {
                p[at] = (uint8_t)(0xc0 | draw(a, 2));
                p[at + 1] = (uint8_t)draw(a, (uint32_t)len + 4);
            }
            break;
        default: /* a piece once more */
            n = draw(a, 32) + 1u;
            n = n < len - at ? n : len - at;
            if (len + n <= max) {
                memmove(p + at + n, p + at, len - at);
                len += n;
            }
        }
    }
    return len;
}

static size_t odd_message(struct abuse *a, uint8_t *p, size_t max)
{
    if (draw(a, 5) == 0) {
        size_t len = draw(a, (uint32_t)max + 1);
        fill(a, p, len);
        return len;
    }
    const struct seed *seed = &seeds[draw(a, sizeof(seeds) / sizeof(seeds[0]))];
    memcpy(p, seed->bytes, seed->len);
    p[0] = (uint8_t)draw(a, 256);
    return draw(a, 10) ? mutate(a, p, seed->len, max) : seed->len;
}

/* example. SOA, with an id of its own. */
static size_t question(struct abuse *a, uint8_t p[64])
{
    static const char bytes[] = "\0\0\0\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1";
    uint16_t id = htons((uint16_t)++a->questions);
    memcpy(p, bytes, sizeof(bytes) - 1);
    memcpy(p, &id, 2);
    return sizeof(bytes) - 1;
}

static bool is_answer_to(const uint8_t *answer, size_t len, const uint8_t *asked, size_t asked_len)
{
    return len > asked_len && memcmp(answer, asked, 2) == 0 &&
           memcmp(answer + 12, asked + 12, asked_len - 12) == 0;
}

/* --- UDP --- */

/* Takes all answers that are there; true if one is that to the question. */
static bool drain(struct abuse *a, const uint8_t *asked, size_t asked_len)
{
    uint8_t buf[65536];
    ssize_t len;
    bool is_there = false;
    while ((len = recv(a->udp, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
        if (len < 12 || len > ANSWER_MAX || !(buf[2] & 0x80)) {
            fprintf(stderr, "abuse: %zd bytes, flags %02x%02x, are no answer\n", len, buf[2],
                    buf[3]);
            exit(1);
        }
        a->answers++;
        is_there |= is_answer_to(buf, (size_t)len, asked, asked_len);
    }
    return is_there;
}

static void ask_udp(struct abuse *a)
{
    uint8_t asked[64];
    size_t len = question(a, asked);
    for (int waited = 0; waited < ANSWER_WAIT_MS; waited += RESEND_MS) {
        if (send(a->udp, asked, len, 0) < 0)
            fail("send");
        struct pollfd p = {.fd = a->udp, .events = POLLIN};
        while (poll(&p, 1, RESEND_MS) > 0)
            if (drain(a, asked, len))
                return;
    }
    errno = ETIMEDOUT;
    fail("a good question over UDP");
}

static void send_datagrams(struct abuse *a, unsigned long count)
{
    static uint8_t bytes[BATCH][DATAGRAM_MAX];
    struct mmsghdr batch[BATCH];
    struct iovec iov[BATCH];
    while (count > 0) {
        unsigned n = count < BATCH ? (unsigned)count : BATCH;
        memset(batch, 0, sizeof(batch));
        for (unsigned i = 0; i < n; i++) {
            iov[i] = (struct iovec){bytes[i], odd_message(a, bytes[i], DATAGRAM_MAX)};
            batch[i].msg_hdr.msg_iov = &iov[i];
            batch[i].msg_hdr.msg_iovlen = 1;
        }
        for (unsigned done = 0; done < n;) {
            int sent = sendmmsg(a->udp, batch + done, n - done, 0);
            if (sent < 0)
                fail("sendmmsg");
            done += (unsigned)sent;
        }
        ask_udp(a);
        count -= n;
    }
}

/* --- TCP --- */

static int dial(struct abuse *a)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&a->to, sizeof(a->to)) != 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* As much as the server takes at once; it may have closed already. */
static void push(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

static bool take(int fd, uint8_t *p, size_t len)
{
    while (len > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&ready, 1, ANSWER_WAIT_MS) > 0 ? recv(fd, p, len, 0) : -1;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static size_t frame(uint8_t *p, size_t len)
{
    p[0] = (uint8_t)(len >> 8);
    p[1] = (uint8_t)len;
    return len + 2;
}

/* A good question, byte by byte or at once, maybe with the sending side closed behind it (RFC
 * 7766 s6.2.3 leaves that to us: the answer still comes). */
static void ask_tcp(struct abuse *a)
{
    uint8_t out[66], answer[65536];
    size_t len = frame(out, question(a, out + 2));
    int fd = dial(a);
    if (draw(a, 2)) {
        for (size_t i = 0; i < len; i++)
            push(fd, out + i, 1);
    } else {
        push(fd, out, len);
    }
    if (draw(a, 2))
        shutdown(fd, SHUT_WR);
    size_t answer_len = 0;
    if (take(fd, answer, 2)) {
        answer_len = (size_t)answer[0] << 8 | answer[1];
        if (!take(fd, answer, answer_len))
            answer_len = 0;
    }
    close(fd);
    if (!is_answer_to(answer, answer_len, out + 2, len - 2)) {
        errno = ETIMEDOUT;
        fail("a good question over TCP");
    }
    a->answers++;
}

/* What an odd stream says; gives back its length. */
static size_t odd_stream(struct abuse *a, uint8_t *p)
{
    size_t len = 0, n;
    switch (draw(a, 7)) {
    case 0: /* nothing, or half a length */
        p[0] = (uint8_t)draw(a, 256);
        return draw(a, 2);
    case 1: /* a length and less than that */
        n = odd_message(a, p + 2, DATAGRAM_MAX);
        frame(p, n + 1 + draw(a, 60000));
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
        memcpy(p + 2, seeds[1].bytes, seeds[1].len);
        return frame(p, 65535);
    case 5: /* the same good question many times, nobody reads the answers */
        for (n = draw(a, 400); n-- > 0; len += frame(p + len, seeds[2].len))
            memcpy(p + len + 2, seeds[2].bytes, seeds[2].len);
        return len;
    default: /* odd messages in good frames */
        for (n = draw(a, 40); n-- > 0;)
            len += frame(p + len, odd_message(a, p + len + 2, DATAGRAM_MAX));
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
        int fd = dial(a);
        size_t len = odd_stream(a, bytes), cut = len ? draw(a, (uint32_t)len) : 0;
        push(fd, bytes, cut); /* in two pieces, cut anywhere */
        push(fd, bytes + cut, len - cut);
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
    struct abuse a = {.to = {.sin_family = AF_INET}};
    if (argc != 5) {
        fprintf(stderr, "abuse PORT SEED DATAGRAMS STREAMS\n");
        return 2;
    }
    a.to.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    a.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.random = strtoull(argv[2], NULL, 10) * 2 + 1;
    memset(a.open, -1, sizeof(a.open));
    a.udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (a.udp < 0 || connect(a.udp, (struct sockaddr *)&a.to, sizeof(a.to)) != 0)
        fail("socket");
    send_datagrams(&a, strtoul(argv[3], NULL, 10));
    send_streams(&a, strtoul(argv[4], NULL, 10));
    printf("sent %s datagrams and %s streams, %lu good questions; %lu answers\n", argv[3], argv[4],
           a.questions, a.answers);
    return 0;
}

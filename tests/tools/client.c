/* SPDX-License-Identifier: Apache-2.0
 * Questions that must be answered, and what must be true of every answer. */
#include "client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wire.h"
#include "dns/codes.h"
#include "dns/rrtype.h"

#define DATAGRAM_ANSWER_MAX 1232
#define ANSWER_WAIT_MS      20000
#define RESEND_MS           2000

_Noreturn void client_fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

/* --- answers --- */

/* Behind the name at `at`, whose pointers go back; beyond the end if it is none. */
static size_t name_end(const uint8_t *p, size_t len, size_t at)
{
    size_t end = 0;
    for (unsigned labels = 0; at < len && labels < 130; labels++) {
        if (p[at] == 0)
            return end ? end : at + 1;
        if (p[at] < 0x40) {
            at += 1u + p[at];
            continue;
        }
        size_t target = p[at] >= 0xc0 && at + 1 < len ? get_u16(p + at) & 0x3fffu : len;
        end = end ? end : at + 2;
        if (target >= at)
            return len + 1;
        at = target;
    }
    return len + 1;
}

/* What is wrong with the records from *at on; NULL: nothing. */
static const char *fault_of_section(const uint8_t *p, size_t len, size_t *at, enum section s)
{
    unsigned opts = 0;
    for (unsigned left = get_u16(p + 4 + 2 * s); left-- > 0;) {
        size_t head = name_end(p, len, *at);
        if (head + 10 > len || get_u16(p + head + 8) > len - head - 10)
            return "a record is not whole";
        unsigned type = get_u16(p + head);
        opts += type == TYPE_OPT;
        if (opts > 1 || (type == TYPE_OPT && s != SECTION_ADDITIONAL))
            return "OPT where none may be";
        if (type == TYPE_TSIG && (s != SECTION_ADDITIONAL || left))
            return "TSIG is not the last";
        *at = head + 10 + get_u16(p + head + 8);
    }
    return NULL;
}

static const char *fault_of(const uint8_t *p, size_t len)
{
    size_t at = DNS_HEADER_LEN;
    const char *fault = NULL;
    if (len < DNS_HEADER_LEN || !(p[2] & 0x80))
        return "no response";
    if (get_u16(p + 4) > 1)
        return "more than one question";
    if (get_u16(p + 4))
        at = name_end(p, len, at) + 4;
    for (unsigned s = SECTION_ANSWER; s < SECTION_COUNT && !fault; s++)
        fault = fault_of_section(p, len, &at, (enum section)s);
    return fault || at == len ? fault : "it does not end with its last record";
}

static void take_answer(struct client *c, const uint8_t *p, size_t len, size_t max)
{
    const char *fault = len > max ? "too long" : fault_of(p, len);
    if (fault) {
        fprintf(stderr, "%s: an answer of %zu bytes: %s:", program_invocation_short_name, len,
                fault);
        for (size_t i = 0; i < len && i < 2048; i++)
            fprintf(stderr, "%s%02x", i % 32 ? "" : "\n", p[i]);
        fprintf(stderr, "\n");
        exit(1);
    }
    c->answers++;
    if (c->heard)
        c->heard(c->arg, p, len);
}

/* --- questions --- */

/* example. SOA, with an id of its own. */
size_t client_question(struct client *c, uint8_t p[CLIENT_QUESTION_MAX])
{
    static const char bytes[] = "\0\0\0\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1";
    memcpy(p, bytes, sizeof(bytes) - 1);
    put_u16(p, (uint16_t)++c->questions);
    return sizeof(bytes) - 1;
}

bool client_is_answer(const uint8_t *answer, size_t len, const uint8_t *asked, size_t asked_len)
{
    return len > asked_len && memcmp(answer, asked, 2) == 0 &&
           memcmp(answer + 12, asked + 12, asked_len - 12) == 0;
}

void client_open(struct client *c, uint16_t port)
{
    c->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    c->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (c->udp < 0 || connect(c->udp, (struct sockaddr *)&c->to, sizeof(c->to)) != 0)
        client_fail("socket");
}

/* Takes all answers that are there; true if one is that to the question. */
static bool drain(struct client *c, const uint8_t *asked, size_t asked_len)
{
    static uint8_t buf[65536];
    ssize_t len;
    bool is_there = false;
    while ((len = recv(c->udp, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
        take_answer(c, buf, (size_t)len, DATAGRAM_ANSWER_MAX);
        is_there |= client_is_answer(buf, (size_t)len, asked, asked_len);
    }
    return is_there;
}

void client_ask_udp(struct client *c)
{
    uint8_t asked[CLIENT_QUESTION_MAX];
    size_t len = client_question(c, asked);
    for (int waited = 0; waited < ANSWER_WAIT_MS; waited += RESEND_MS) {
        if (send(c->udp, asked, len, 0) < 0)
            client_fail("send");
        struct pollfd p = {.fd = c->udp, .events = POLLIN};
        while (poll(&p, 1, RESEND_MS) > 0)
            if (drain(c, asked, len))
                return;
    }
    errno = ETIMEDOUT;
    client_fail("a good question over UDP");
}

void client_send(struct client *c, struct iovec *datagrams, unsigned count)
{
    struct mmsghdr batch[CLIENT_BATCH_MAX];
    memset(batch, 0, sizeof(batch));
    for (unsigned i = 0; i < count; i++) {
        batch[i].msg_hdr.msg_iov = &datagrams[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < count;) {
        int sent = sendmmsg(c->udp, batch + done, count - done, 0);
        if (sent < 0)
            client_fail("sendmmsg");
        done += (unsigned)sent;
    }
}

/* --- TCP --- */

int client_dial(struct client *c)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&c->to, sizeof(c->to)) != 0)
        client_fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

size_t client_frame(uint8_t *p, size_t len)
{
    put_u16(p, (uint16_t)len);
    return len + 2;
}

void client_push(int fd, const uint8_t *p, size_t len)
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
        if (poll(&ready, 1, ANSWER_WAIT_MS) == 0) {
            errno = ETIMEDOUT;
            client_fail("an answer over TCP");
        }
        ssize_t n = recv(fd, p, len, 0);
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool client_await(struct client *c, int fd, const uint8_t *asked, size_t asked_len)
{
    static uint8_t answer[65536];
    uint8_t head[2];
    while (take(fd, head, 2) && take(fd, answer, get_u16(head))) {
        size_t len = get_u16(head);
        take_answer(c, answer, len, DNS_MESSAGE_MAX);
        if (client_is_answer(answer, len, asked, asked_len))
            return true;
    }
    return false;
}

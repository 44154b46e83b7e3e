/* SPDX-License-Identifier: Apache-2.0
 * One socket of its own; the message ID is the number of the query, its low bits the slot. */
#include "background.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

#define ANSWER_LEN_MAX 4096
#define SEND_MAX       8 /* of a turn, so that catching up does not hold the rest up */

static uint64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void phase_start(struct background *b)
{
    b->lost = b->answered = 0;
    histogram_init(&b->times);
    histogram_init(&b->late);
}

void background_open(struct background *b, uint16_t port, const char *path, uint64_t rate)
{
    *b = (struct background){.fd = -1, .rate = rate};
    if (!path)
        return;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    queries_open(&b->queries, path);
    b->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int on = 1;
    if (b->fd < 0 || connect(b->fd, (struct sockaddr *)&server, sizeof server) < 0 ||
        setsockopt(b->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
        err(1, "port %u", port);
    phase_start(b);
}

void background_close(struct background *b)
{
    if (b->fd < 0)
        return;
    queries_close(&b->queries);
    close(b->fd);
    b->fd = -1;
}

static void query_send(struct background *b)
{
    uint8_t message[QUERY_LEN_MAX];
    uint32_t from = b->queries.at[b->next], len = b->queries.at[b->next + 1] - from;
    uint64_t *since = &b->since_ns[b->sent % BACKGROUND_SLOTS];
    memcpy(message, b->queries.bytes + from, len);
    message[0] = (uint8_t)(b->sent >> 8);
    message[1] = (uint8_t)b->sent;
    b->lost += *since != 0; /* SLOTS queries later, at least a second */
    *since = wall_ns();
    if (send(b->fd, message, len, 0) < 0 && errno != EAGAIN && errno != ENOBUFS)
        err(1, "query");
    b->sent++;
    b->next = b->next + 1 < b->queries.count ? b->next + 1 : 0;
}

/* When the kernel took the datagram in. */
static uint64_t arrival_ns(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
        }
    return wall_ns();
}

static void answers_take(struct background *b)
{
    uint8_t answer[ANSWER_LEN_MAX];
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec part = {answer, sizeof answer};
    for (;;) {
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ssize_t len = recvmsg(b->fd, &message, MSG_DONTWAIT);
        if (len < 12)
            return;
        uint64_t *since = &b->since_ns[(answer[0] << 8 | answer[1]) % BACKGROUND_SLOTS];
        if (*since == 0 || !(answer[2] & 0x80))
            continue;
        uint64_t now = arrival_ns(&message);
        histogram_add(&b->times, now > *since ? now - *since : 0);
        b->answered++;
        *since = 0;
    }
}

void background_turn(struct background *b, uint64_t now_ns)
{
    if (b->fd < 0)
        return;
    if (b->start_ns == 0)
        b->start_ns = now_ns;
    for (int i = 0; i < SEND_MAX; i++) {
        uint64_t due_ns = b->start_ns + b->sent * SECOND_NS / b->rate;
        if (due_ns > now_ns)
            break;
        histogram_add(&b->late, now_ns - due_ns);
        query_send(b);
    }
    answers_take(b);
}

void background_show(struct background *b)
{
    if (b->fd < 0) {
        printf("null");
        return;
    }
    uint64_t wall = wall_ns();
    for (uint32_t i = 0; i < BACKGROUND_SLOTS; i++)
        if (b->since_ns[i] != 0 && wall > b->since_ns[i] + SECOND_NS) {
            b->since_ns[i] = 0;
            b->lost++;
        }
    printf("{\"answered\": %lu, \"lost\": %lu, \"late_p99\": %.1f, \"p50\": %.1f, \"p99\": %.1f, "
           "\"max\": %.1f}",
           b->answered, b->lost, (double)histogram_get(&b->late, 0.99) / 1e3,
           (double)histogram_get(&b->times, 0.5) / 1e3,
           (double)histogram_get(&b->times, 0.99) / 1e3, (double)b->times.max / 1e3);
    phase_start(b);
}

/* SPDX-License-Identifier: Apache-2.0
 * A server that does nothing: each datagram goes back with the QR bit set, padded to a fixed
 * length.
 *
 * What it costs per answer is what the kernel takes for receiving and sending in batches; no server
 * can be below it.
 *
 * With a file each datagram is written into that, over what is there, and synced before it goes
 * back: what one fdatasync per message allows. */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH            32 /* more does not pay: the cost per call is spread thin enough */
#define DATAGRAM_LEN_MAX 4096
#define FILE_LEN         (1 << 20)

struct file {
    int fd; /* -1: none */
    size_t at;
};

struct batch {
    struct mmsghdr message[BATCH];
    struct iovec part[BATCH];
    struct sockaddr_in peer[BATCH];
    uint8_t bytes[BATCH][DATAGRAM_LEN_MAX];
};

static int socket_open(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons(port)};
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof self) < 0)
        err(1, "port %u", port);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return fd;
}

static struct file file_open(const char *path)
{
    static const uint8_t zeros[FILE_LEN];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, zeros, FILE_LEN) != FILE_LEN || fsync(fd) < 0)
        err(1, "%s", path);
    return (struct file){fd, 0};
}

static void file_sync(struct file *f, const uint8_t *bytes, size_t len)
{
    if (f->at + len > FILE_LEN)
        f->at = 0;
    if (pwrite(f->fd, bytes, len, (off_t)f->at) != (ssize_t)len || fdatasync(f->fd) < 0)
        err(1, "sync");
    f->at += len;
}

/* One turn: what came goes back. The length of an answer is `len`, or that of the query if it is
 * longer. */
static void echo_run(int fd, struct batch *b, size_t len, struct file *f)
{
    for (int i = 0; i < BATCH; i++) {
        b->part[i] = (struct iovec){b->bytes[i], DATAGRAM_LEN_MAX};
        b->message[i].msg_hdr = (struct msghdr){.msg_name = &b->peer[i],
                                                .msg_namelen = sizeof b->peer[i],
                                                .msg_iov = &b->part[i],
                                                .msg_iovlen = 1};
    }
    int count = recvmmsg(fd, b->message, BATCH, MSG_WAITFORONE, NULL);
    for (int i = 0; i < count; i++) {
        if (f->fd >= 0)
            file_sync(f, b->bytes[i], b->message[i].msg_len);
        b->bytes[i][2] |= 0x80;
        b->part[i].iov_len = b->message[i].msg_len > len ? b->message[i].msg_len : len;
    }
    for (int sent = 0; sent < count;) {
        int n = sendmmsg(fd, b->message + sent, (unsigned)(count - sent), 0);
        if (n <= 0)
            break;
        sent += n;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4)
        errx(2, "usage: echo PORT ANSWER-LENGTH [FILE]");
    size_t len = strtoul(argv[2], NULL, 10);
    if (len > DATAGRAM_LEN_MAX)
        errx(2, "answers have at most %d bytes", DATAGRAM_LEN_MAX);
    int fd = socket_open((uint16_t)strtoul(argv[1], NULL, 10));
    struct file f = argc == 4 ? file_open(argv[3]) : (struct file){-1, 0};
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        err(1, "memory");
    for (;;)
        echo_run(fd, b, len, &f);
}

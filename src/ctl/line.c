/* SPDX-License-Identifier: Apache-2.0
 * The client's end of the control socket. */
#include "ctl/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"

#define IN_SMALL 65536

static enum err unreachable(struct diag *diag, const char *path)
{
    const char *hint = errno == ENOENT || errno == ECONNREFUSED ? "; is reeved running?"
                       : errno == EACCES ? "; it is for its group and for root only"
                                         : "";
    return err_say(diag, ERR_SYSTEM, "%s: %s%s", path, strerror(errno), hint);
}

static enum err connect_to(const char *path, unsigned wait_s, int fd, struct diag *diag)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval wait = {.tv_sec = (time_t)wait_s};
    if (strlen(path) >= sizeof(address.sun_path))
        return err_say(diag, ERR_SYSTEM, "%s: too long for a socket's path", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return unreachable(diag, path);
    return OK;
}

enum err ctl_line_open(const char *path, unsigned wait_s, struct ctl_line *out, struct diag *diag)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum err e = connect_to(path, wait_s, fd, diag);
    if (e == OK)
        *out = (struct ctl_line){.fd = fd};
    else if (fd >= 0)
        close(fd);
    return e;
}

void ctl_line_close(struct ctl_line *l)
{
    close(l->fd);
    free(l->in);
    *l = (struct ctl_line){.fd = -1};
}

static enum err fault(struct diag *diag)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return err_say(diag, ERR_SYSTEM, "the server does not answer in time");
    return err_say(diag, ERR_SYSTEM, "the server is gone: %s", strerror(errno));
}

enum err ctl_line_send(struct ctl_line *l, const json_t *request, struct diag *diag)
{
    char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        return err_say(diag, ERR_SYSTEM, "out of memory");
    size_t len = strlen(text);
    text[len++] = '\n'; /* instead of the NUL */
    enum err e = OK;
    for (size_t at = 0; e == OK && at < len;) {
        ssize_t n = send(l->fd, text + at, len - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (errno == EPIPE)
            break; /* it has closed the connection and may have said why */
        else if (errno != EINTR)
            e = fault(diag);
    }
    free(text);
    return e;
}

/* *is_end: there is no more. */
static enum err receive(struct ctl_line *l, bool *is_end, struct diag *diag)
{
    ssize_t n;
    if (l->at) {
        memmove(l->in, l->in + l->at, l->end - l->at);
        l->end -= l->at;
        l->at = 0;
    }
    if (l->end == CTL_ANSWER_MAX)
        return err_say(diag, ERR_SYSTEM, "a line of the answer is too long");
    if (l->end == l->cap) {
        l->cap = l->cap ? 2 * l->cap : IN_SMALL;
        l->in = mem_grow(l->in, l->cap);
    }
    do
        n = recv(l->fd, l->in + l->end, l->cap - l->end, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fault(diag);
    l->end += (size_t)n;
    *is_end = n == 0;
    return OK;
}

enum err ctl_line_read(struct ctl_line *l, json_t **out, struct diag *diag)
{
    const char *stop = NULL;
    bool is_end = false;
    for (size_t seen = 0; !stop;) {
        size_t have = l->end - l->at;
        stop = have > seen ? memchr(l->in + l->at + seen, '\n', have - seen) : NULL;
        seen = have;
        if (!stop && is_end)
            return err_say(diag, ERR_SYSTEM, "the server closed the connection without an answer");
        if (!stop) {
            enum err e = receive(l, &is_end, diag);
            if (e != OK)
                return e;
        }
    }
    size_t len = (size_t)(stop - (l->in + l->at));
    json_t *value = json_loadb(l->in + l->at, len, 0, NULL);
    l->at += len + 1;
    if (!json_is_object(value)) {
        json_decref(value);
        return err_say(diag, ERR_SYSTEM, "the answer is not what a server of this version gives");
    }
    *out = value;
    return OK;
}

enum err ctl_line_wait_end(struct ctl_line *l, struct diag *diag)
{
    bool is_end = false;
    enum err e = OK;
    while (e == OK && !is_end) {
        l->at = l->end = 0;
        e = receive(l, &is_end, diag);
    }
    return e;
}

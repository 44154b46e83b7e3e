/* SPDX-License-Identifier: Apache-2.0
 * The client's end of the control socket: lines out, lines in, each with a deadline. */
#ifndef REEVE_CTL_LINE_H
#define REEVE_CTL_LINE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* Longest line of an answer that is read. */
#define CTL_ANSWER_MAX ((size_t)256 << 20)

struct ctl_line {
    int fd;
    char *in;
    size_t at, end, cap; /* at..end is not handed out yet */
};

/* ERR_SYSTEM: nobody listens there, or one may not. wait_s: how long each later call waits for the
 * server. */
enum err ctl_line_open(const char *path, unsigned wait_s, struct ctl_line *out, struct diag *diag);
void ctl_line_close(struct ctl_line *l);
enum err ctl_line_send(struct ctl_line *l, const json_t *request, struct diag *diag);
/* The next line as an object, the caller's. ERR_SYSTEM: the server is gone, or does not answer. */
enum err ctl_line_read(struct ctl_line *l, json_t **out, struct diag *diag);
/* Waits until the server closes the connection. */
enum err ctl_line_wait_end(struct ctl_line *l, struct diag *diag);

#endif

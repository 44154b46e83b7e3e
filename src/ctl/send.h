/* SPDX-License-Identifier: Apache-2.0
 * The text that goes ahead of a request, from a file or standard input, as it comes. */
#ifndef REEVE_CTL_SEND_H
#define REEVE_CTL_SEND_H

#include <stdio.h>

#include "ctl/line.h"

/* Sends all of `in` in parts, of which one is in memory at a time. ERR_SYNTAX: it is not text
 * (UTF-8 without NUL), diag says in which line; ERR_IO: it cannot be read; else what
 * ctl_line_send() says. After a failure the request is not to be sent. */
enum err ctl_send_text(struct ctl_line *l, FILE *in, struct diag *diag);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The control socket as a place in the file system: made safely, taken away when we end.
 *
 * A socket that a server left behind when it was killed is replaced; one that somebody listens on,
 * and a file that is no socket, are never touched. Two servers that start at once do not take it
 * from each other: the directory is locked meanwhile. */
#ifndef REEVE_REACTOR_CONTROL_SOCKET_H
#define REEVE_REACTOR_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct control_socket {
    int fd;     /* listening, non-blocking; -1: closed */
    char *path; /* NULL: none */
    dev_t dev;
    ino_t ino;
};

#define CONTROL_SOCKET_NONE ((struct control_socket){.fd = -1})

/* Makes the socket, mode 0660, for the members of `group` (NULL: the process's own). ERR_EXISTS:
 * another server, or something that is no socket, is there. ERR_SYSTEM: everything else. */
enum err control_socket_open(const char *path, const char *group, struct control_socket *out,
                             struct diag *diag);
/* Another group for the file (NULL: the process's own). ERR_ABSENT: there is no such group.
 * ERR_SYSTEM: the server's user may not give the file to it. */
enum err control_socket_regroup(struct control_socket *s, const char *group, struct diag *diag);
/* Is it still the file at its path, and ours? */
bool control_socket_is_there(const struct control_socket *s);
/* Closes it, and removes the file if it is still ours. */
void control_socket_close(struct control_socket *s);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The control socket's file. */
#include "reactor/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"

#define MODE         0660
/* Clients that may wait to be accepted: the scripts of a busy machine. */
#define BACKLOG      128
/* Room for a group's members when it is looked up. */
#define GROUP_BUFFER 65536

static enum err system_fault(struct diag *diag, const char *what)
{
    return err_say(diag, ERR_SYSTEM, "%s: %s", what, strerror(errno));
}

static enum err address_make(const char *path, struct sockaddr_un *out, struct diag *diag)
{
    size_t len = strlen(path);
    if (len >= sizeof(out->sun_path))
        return err_say(diag, ERR_LIMIT, "a socket's path has at most %zu bytes",
                       sizeof(out->sun_path) - 1);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, path, len);
    return OK;
}

/* OK with *gid unchanged: no group is wanted. */
static enum err group_find(const char *group, gid_t *gid, struct diag *diag)
{
    struct group found, *result = NULL;
    if (!group)
        return OK;
    char *buffer = mem_alloc(GROUP_BUFFER);
    int error = getgrnam_r(group, &found, buffer, GROUP_BUFFER, &result);
    if (result)
        *gid = result->gr_gid;
    free(buffer);
    if (result)
        return OK;
    return err_say(diag, ERR_ABSENT, "group \"%s\": %s", group,
                   error ? strerror(error) : "there is none");
}

/* The directory that the socket is in, locked; -1: diag says why. */
static int directory_lock(const char *path, struct diag *diag)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    char *dir = memcpy(mem_alloc(len + 2), path, len);
    memcpy(dir + len, slash ? (len ? "" : "/") : ".", len ? 1 : 2);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        (void)err_say(diag, ERR_SYSTEM, "directory %s: %s", dir, strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        (void)err_say(diag, ERR_SYSTEM, "directory %s is locked: another server starts", dir);
        close(fd);
        fd = -1;
    }
    free(dir);
    return fd;
}

/* Does somebody listen at the address? */
static enum err check_dead(const struct sockaddr_un *address, struct diag *diag)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_fault(diag, "socket");
    bool is_dead = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    if (is_dead)
        return OK;
    return err_say(diag, ERR_EXISTS, "in use: another server listens on it");
}

/* Takes away what a dead server left. */
static enum err path_clear(const struct sockaddr_un *address, struct diag *diag)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? OK : system_fault(diag, "stat");
    if (!S_ISSOCK(st.st_mode))
        return err_say(diag, ERR_EXISTS, "there is a file that is no socket");
    enum err e = check_dead(address, diag);
    if (e == OK && unlink(address->sun_path) < 0 && errno != ENOENT)
        return system_fault(diag, "the socket of a server that has ended cannot be removed");
    return e;
}

/* A service that may not change groups at all may still have the right one. */
static enum err group_set(const char *path, gid_t gid, struct diag *diag)
{
    struct stat st;
    if (gid == (gid_t)-1 || (lstat(path, &st) == 0 && st.st_gid == gid) ||
        lchown(path, (uid_t)-1, gid) == 0)
        return OK;
    return err_say(diag, ERR_SYSTEM,
                   "its group cannot be set, of which the server's user has to be a member: %s",
                   strerror(errno));
}

enum err control_socket_regroup(struct control_socket *s, const char *group, struct diag *diag)
{
    gid_t gid = getegid();
    enum err e = group_find(group, &gid, diag);
    if (e == OK)
        e = group_set(s->path, gid, diag);
    return e == OK ? OK : err_note(diag, e, "control socket %s", s->path);
}

/* The socket is bound: its file gets owner and mode before anybody can connect. */
static enum err file_set_up(struct control_socket *s, gid_t gid, struct diag *diag)
{
    struct stat st;
    if (lstat(s->path, &st) < 0)
        return system_fault(diag, "stat");
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    enum err e = group_set(s->path, gid, diag);
    if (e != OK)
        return e;
    if (chmod(s->path, MODE) < 0)
        return system_fault(diag, "chmod");
    return listen(s->fd, BACKLOG) < 0 ? system_fault(diag, "listen") : OK;
}

static enum err bind_steps(const struct sockaddr_un *address, gid_t gid, struct control_socket *s,
                           struct diag *diag)
{
    enum err e = path_clear(address, diag);
    if (e != OK)
        return e;
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return system_fault(diag, "socket");
    /* the file is made with it: nobody else can connect before the mode is set */
    if (fchmod(s->fd, 0600) < 0)
        return system_fault(diag, "fchmod");
    if (bind(s->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return system_fault(diag, "bind");
    return file_set_up(s, gid, diag);
}

enum err control_socket_open(const char *path, const char *group, struct control_socket *out,
                             struct diag *diag)
{
    struct control_socket s = CONTROL_SOCKET_NONE;
    struct sockaddr_un address;
    gid_t gid = (gid_t)-1;
    enum err e = address_make(path, &address, diag);
    if (e == OK)
        e = group_find(group, &gid, diag);
    int lock = e == OK ? directory_lock(path, diag) : -1;
    if (lock >= 0) {
        s.path = memcpy(mem_alloc(strlen(path) + 1), path, strlen(path) + 1);
        e = bind_steps(&address, gid, &s, diag);
        if (e != OK)
            control_socket_close(&s);
        close(lock);
    } else if (e == OK) {
        e = ERR_SYSTEM;
    }
    if (e != OK)
        return err_note(diag, e, "control socket %s", path);
    *out = s;
    return OK;
}

bool control_socket_is_there(const struct control_socket *s)
{
    struct stat st;
    return s->fd >= 0 && s->ino && lstat(s->path, &st) == 0 && st.st_dev == s->dev &&
           st.st_ino == s->ino;
}

void control_socket_close(struct control_socket *s)
{
    if (control_socket_is_there(s))
        (void)unlink(s->path); /* fails where we have given up the right to: replaced next time */
    if (s->fd >= 0)
        close(s->fd);
    free(s->path);
    *s = CONTROL_SOCKET_NONE;
}

/* SPDX-License-Identifier: Apache-2.0
 * The operator's requests (ctl/verb.h says what goes over the line), without sockets: a line in,
 * lines out.
 *
 * Everything here is on the reactor's thread. A client has one request at a time; between its
 * steps everything else goes on, and no step takes longer than about a millisecond. What takes long
 * runs in a helper thread (server/task.h). */
#ifndef REEVE_SERVER_CONTROL_H
#define REEVE_SERVER_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"

struct server;

/* The kernel's word on who is at the other end. */
struct control_peer {
    uint32_t uid, gid;
    int32_t pid;
};

/* Where answers go. */
struct control_port {
    void *arg;
    /* Bytes of the answer, to be queued behind those before; may be called from control_begin() and
     * control_step() only. */
    void (*reply)(void *arg, const char *bytes, size_t len);
    /* A request that said CONTROL_WAIT goes on: control_step() is to be called, from the loop and
     * not from here. */
    void (*wake)(void *arg);
};

enum control_next {
    CONTROL_DONE, /* answered: give the next line */
    CONTROL_MORE, /* call control_step() when what was given to reply() is mostly gone */
    CONTROL_WAIT  /* until wake() */
};

/* Text that one client, and all together, may have sent ahead of a request. */
#define CONTROL_BODY_MAX   ((size_t)64 << 20)
#define CONTROL_BODIES_MAX ((size_t)128 << 20)

struct control_client;

/* One who may ask. */
struct control_client *control_new(struct server *s, const struct control_peer *peer,
                                   const struct control_port *port);
/* Gives up what is under way. NULL is fine. */
void control_free(struct control_client *c);
/* One request without its newline; whatever the bytes are, the answer is well formed. The last one
 * is answered. */
enum control_next control_begin(struct control_client *c, const char *line, size_t len);
enum control_next control_step(struct control_client *c);
/* The answer to what was not read as a request: a line for reply(). */
void control_refuse(const struct control_port *port, const char *why);

/* What only the reactor can do. Without hooks the verbs that need them are refused. */
struct control_hooks {
    void *arg;
    /* Begins what SIGHUP begins, in the name of `who`; control_reload_over() is called when it is
     * over. */
    enum err (*reload)(void *arg, const char *who, struct diag *diag);
    /* Begins what SIGTERM begins. */
    void (*stop)(void *arg);
    /* Brings those counters up to date that the kernel keeps. */
    void (*count)(void *arg);
};
void control_set_hooks(struct server *s, const struct control_hooks *hooks);
/* No reload is under way any more. error NULL: the last one took effect and its zones are loaded or
 * given up; else nothing changed, for that reason. faults: of the configuration, warnings too. */
void control_reload_over(struct server *s, const char *error, const struct conf_faults *faults);

#endif

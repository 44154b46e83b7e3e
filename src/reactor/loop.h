/* SPDX-License-Identifier: Apache-2.0
 * The reactor: one thread, one libev loop, everything that happens.
 *
 * SIGTERM, SIGINT   stop: nothing new is taken, what is there is answered, then exit 0; a second
 * one does not wait: exit 1 SIGHUP            reads the configuration again, all of it or nothing,
 * then every zone SIGUSR1           writes the counters to the log */
#ifndef REEVE_REACTOR_LOOP_H
#define REEVE_REACTOR_LOOP_H

#include <stdio.h>

#include "base/err.h"
#include "conf/conf.h"

struct loop;

/* Takes conf. Opens the sockets, then becomes the configured user. ERR_EXISTS: something else has
 * an address. */
enum err loop_new(struct conf *conf, struct loop **out, struct diag *diag);
/* Loads the zones and serves until a signal says stop; gives the exit code. What is asked before
 * the zones are there waits in the sockets, for some seconds at most; then it gets SERVFAIL. */
int loop_run(struct loop *l);
/* NULL is fine. */
void loop_free(struct loop *l);

/* "libev 4.33" */
void loop_libraries_show(FILE *out);

#endif

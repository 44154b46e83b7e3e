/* SPDX-License-Identifier: Apache-2.0
 * What the process may do: its user, its privileges, its descriptors.
 *
 * Called once, at start, while there is one thread, but for process_be_prompt(). */
#ifndef REEVE_REACTOR_PROCESS_H
#define REEVE_REACTOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum process_dumps { PROCESS_DUMPS_OFF, PROCESS_DUMPS_ON };

/* For every start: no socket or file can take the number of a standard stream that was closed, no
 * privileges to gain by exec, no core dump (it would hold keys) unless asked for, files that we
 * make are not for others, a closed pipe is an error and not a signal. What asks the server to
 * stop, to reload or to show its counters waits until process_hear_signals(): nothing of it is
 * lost, and none of it ends a process that has only begun. */
void process_secure(enum process_dumps dumps);

/* Once there are handlers for SIGTERM, SIGINT, SIGHUP and SIGUSR1: they may come from here on. */
void process_hear_signals(void);

/* Called by the reactor's thread once the others are there, which stay as they are, as will be all
 * that it starts. On a processor that it shares with them (or with anybody) it should run as soon
 * as something comes, instead of when their slice of some 3 ms is over. It asks the scheduler for
 * short slices; these have no effect before Linux 6.12, and even there a thread that has just run
 * waits for a tick of the clock. So with `is_realtime` it goes before all ordinary threads
 * (SCHED_RR, priority 1), if it may: ERR_SYSTEM with the reason else. */
enum err process_be_prompt(bool is_realtime, struct diag *diag);

/* Makes room for `want` open descriptors, as far as allowed; gives how many there may be. */
uint64_t process_descriptors(uint64_t want);

/* Started as root: becomes `user` with its groups and no capability, and makes sure that there is
 * no way back; ports below 1024 cannot be opened any more. Otherwise it checks that we are that
 * user already. */
enum err process_become(const char *user, struct diag *diag);

#endif

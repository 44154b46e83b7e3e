/* SPDX-License-Identifier: Apache-2.0
 * The service manager: what it is told about us, sockets it has opened for us, and the journal.
 *
 * Everything here does nothing, or says "none", when systemd is not there. */
#ifndef REEVE_REACTOR_SYSTEMD_H
#define REEVE_REACTOR_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

/* Sockets passed by the service manager: descriptors *first .. *first + count - 1. Asked once;
 * children do not see them. */
int systemd_sockets(int *first);

/* Type=notify and notify-reload: each sends the state with a sentence for "systemctl status". */
void systemd_ready(const char *status);
void systemd_reloading(const char *status);
void systemd_stopping(const char *status);
void systemd_status(const char *status);
/* We are still starting (stopping, reloading): the time-out for it is to count from now, and be
 * usec. */
void systemd_extend(uint64_t usec);

/* How often the watchdog wants to hear from us; 0: never. */
uint64_t systemd_watchdog_us(void);
void systemd_ping(void);

/* Makes the log what conf says: to stderr, with "<priority>" in front of a line if that goes to the
 * journal, or to the journal itself, one entry with the fields of the event as REEVE_KEY=value. */
void systemd_log_setup(const struct conf *conf);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Points in time as people write them: 2026-11-30, or 2026-11-30T12:00:00Z; always UTC. */
#ifndef REEVE_CONF_WHEN_H
#define REEVE_CONF_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_TEXT_MAX sizeof("9999-12-31T23:59:59Z")

/* Wall clock microseconds, from 1970 to 9999. False leaves *out alone. */
bool when_scan(const char *text, int64_t *out);
/* The long form, seconds cut. */
const char *when_show(int64_t us, char buf[WHEN_TEXT_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Time. Below reactor/ it is an argument, so that a test can set it; only the reactor and the
 * helpers read a clock. */
#ifndef REEVE_BASE_CLOCK_H
#define REEVE_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970, UTC. */
int64_t clock_wall_us(void);
/* Microseconds since some point in the past; never goes back. */
int64_t clock_mono_us(void);

#endif

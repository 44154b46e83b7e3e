/* SPDX-License-Identifier: Apache-2.0
 * For the tests of xfr/refresh: a machine with primaries, limits and timers. */
#ifndef REFRESH_UTIL_H
#define REFRESH_UTIL_H

#include "xfr/refresh.h"
#include "unit.h"

#define S     1000000LL
#define START (1700000000 * S)

static const unsigned one_address[] = {1}, three_addresses[] = {2, 1};
static const struct refresh_limits limits = {30, 86400, 5, 3600, 86400000};
static const struct refresh_timers timers = {true, 3600, 600, 86400};

static inline void set_up(struct refresh *r, bool has_data, const unsigned *addresses,
                          unsigned count)
{
    struct refresh_setup setup = {.limits = limits,
                                  .address_counts = addresses,
                                  .primary_count = count,
                                  .has_data = has_data,
                                  .serial = 100,
                                  .timers = timers,
                                  .seed = 42};
    if (!has_data)
        setup.timers = (struct refresh_timers){0};
    refresh_init(r, &setup, START);
}

#endif

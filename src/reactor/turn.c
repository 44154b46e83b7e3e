/* SPDX-License-Identifier: Apache-2.0
 * The tripwire: names callbacks that hold up the loop. Empty in release builds. */
#include "reactor/turn.h"

#ifdef REEVE_TRIPWIRE

#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* What this thread has used: a callback that took long but used little was put aside by the system,
 * or has blocked. */
static int64_t cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct turn_watch turn_watch_start(const char *name)
{
    return (struct turn_watch){name, clock_mono_us(), cpu_us()};
}

void turn_watch_end(struct turn_watch *w)
{
    int64_t took_us = clock_mono_us() - w->start_us;
    if (took_us > TURN_SLOW_US)
        log_debug("slow callback", {"callback", w->name}, {"us", LOG_U64((uint64_t)took_us)},
                  {"cpu-us", LOG_U64((uint64_t)(cpu_us() - w->start_cpu_us))});
}

#else

/* A translation unit has at least one declaration (C17 s6.9). */
extern int turn_unused;

#endif

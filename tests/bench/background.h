/* SPDX-License-Identifier: Apache-2.0
 * Queries at a fixed rate beside another load, from the same thread: how long do answers take
 * meanwhile?
 *
 * The queries go out by the clock, whatever the server does. An answer's time is from the moment
 * the query was handed to the kernel until the kernel received the answer, so that what the thread
 * does between is not in it; how late a query went out is kept apart (`late`): it is this program's
 * fault, not the server's. A query without an answer after a second counts as lost. */
#ifndef BENCH_BACKGROUND_H
#define BENCH_BACKGROUND_H

#include <stdint.h>

#include "histogram.h"
#include "queries.h"

#define BACKGROUND_SLOTS \
    4096 /* queries on their way at most: the rate is at most that per second */

struct background {
    int fd; /* -1: there are no queries */
    uint64_t rate, start_ns, sent;
    uint32_t next; /* query of the file */
    struct queries queries;
    uint64_t since_ns[BACKGROUND_SLOTS]; /* by wall clock; 0: the slot is free */
    uint64_t lost, answered;
    struct histogram times, late;
};

/* Ends the program if the file cannot be read. `path` NULL: every other function does nothing. */
void background_open(struct background *b, uint16_t port, const char *path, uint64_t rate);
void background_close(struct background *b);
/* Sends what is due and takes what came; to be called all the time. */
void background_turn(struct background *b, uint64_t now_ns);
/* Prints the figures of the phase as a JSON object and starts the next one. */
void background_show(struct background *b);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Queries for the load generator: a text file of "name type [do]" lines made into ready datagrams.
 *
 * Every query has one question and an OPT record that offers QUERIES_PAYLOAD bytes; "do" sets its
 * DO bit. The message ID is zero, the sender fills it in. Names are plain host names: no escapes.
 */
#ifndef BENCH_QUERIES_H
#define BENCH_QUERIES_H

#include <stddef.h>
#include <stdint.h>

#define QUERIES_PAYLOAD 1232
#define QUERY_LEN_MAX   300 /* header 12, name 255, type and class 4, OPT 11, rounded up */

struct queries {
    uint8_t *bytes; /* the datagrams one after the other */
    uint32_t *at;   /* count + 1 positions; at[count] is the end */
    uint32_t count;
};

/* Prints what is wrong and exits if the file cannot be used: the generator has nothing else to do
 * then. */
void queries_open(struct queries *q, const char *path);
void queries_close(struct queries *q);

#endif

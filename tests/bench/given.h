/* SPDX-License-Identifier: Apache-2.0
 * The zone that a benchmark's first two arguments name: ZONE FILE. */
#ifndef REEVE_BENCH_GIVEN_H
#define REEVE_BENCH_GIVEN_H

#include "zone/zone.h"

/* Loaded from the file; else the program ends, having said why or how it is called. */
struct zone *given_zone(int argc, char **argv, const char *usage);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The statement `expect sent`: what the server is to have sent, and what comes back. */
#ifndef REEVE_SCENARIO_EXPECT_H
#define REEVE_SCENARIO_EXPECT_H

#include "script.h"
#include "word.h"

/* Reads it behind `expect`. */
void expect_scan(struct words *w, struct arena *a, struct name origin, struct script_sent *out);

#endif

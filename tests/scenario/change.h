/* SPDX-License-Identifier: Apache-2.0
 * From the words of `update` to the message that is sent (RFC 2136 s2). */
#ifndef REEVE_SCENARIO_CHANGE_H
#define REEVE_SCENARIO_CHANGE_H

#include "script.h"
#include "word.h"

/* Reads what follows `update`, up to and including `expect`, into step. */
void change_scan(struct words *w, struct arena *a, uint16_t ident, struct script_step *step);

#endif

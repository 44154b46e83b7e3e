/* SPDX-License-Identifier: Apache-2.0
 * Names and records of a scenario, from text. */
#ifndef REEVE_SCENARIO_RECORD_H
#define REEVE_SCENARIO_RECORD_H

#include "base/arena.h"
#include "dns/name.h"
#include "script.h"
#include "word.h"

/* A name, relative to origin unless it ends in a dot; a fault and the root if it is none. Lives
 * in the arena. */
struct name record_name(struct words *w, struct arena *a, struct word text, struct name origin);
/* The records of a section's block, one on a line. */
struct script_record *record_list(struct words *w, struct arena *a, struct word block,
                                  struct name origin);
/* A class's mnemonic or CLASSnnn. */
bool record_class(struct word word, uint16_t *out);

#endif

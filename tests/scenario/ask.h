/* SPDX-License-Identifier: Apache-2.0
 * From the words of `query` and `message` to the bytes that are sent. */
#ifndef REEVE_SCENARIO_ASK_H
#define REEVE_SCENARIO_ASK_H

#include "script.h"
#include "word.h"

/* Reads what follows `query`, up to and including `expect`, into step. ident: the id unless the
 * words say one. */
void ask_query(struct words *w, struct arena *a, struct name origin, uint16_t ident,
               struct script_step *step);
/* The same for what follows `message`. */
void ask_message(struct words *w, struct arena *a, struct script_step *step);
/* A header flag by name; 0: none of that name. */
uint16_t ask_flag(struct word word);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * Answers for people. Whatever texts they hold, a terminal gets no control characters from them. */
#ifndef REEVE_CTL_SHOW_H
#define REEVE_CTL_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/verb.h"

/* One line of the answer to that verb: one before the last, or the last. */
void ctl_show(enum verb_id verb, const json_t *line, FILE *out);
/* The text, with everything escaped that a terminal would obey; newlines and tabs too. */
void ctl_show_text(const char *text, FILE *out);
/* The usage of all verbs. */
void ctl_show_help(FILE *out);

#endif

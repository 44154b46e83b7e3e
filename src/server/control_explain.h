/* SPDX-License-Identifier: Apache-2.0
 * What the verbs that say why have in common. */
#ifndef REEVE_SERVER_CONTROL_EXPLAIN_H
#define REEVE_SERVER_CONTROL_EXPLAIN_H

#include "request/request.h"
#include "server/control_int.h"

#define CONTROL_HINT_MAX (2 * NAME_TEXT_MAX)

/* What would help with a key that we do not know under that name and algorithm: "did you mean
 * k-node?", "" nothing. */
void control_key_hint(const struct server *s, struct name key, char out[CONTROL_HINT_MAX]);
/* The argument "from" as an address; of the family AF_UNSPEC where it is left out. False: *next is
 * an answer that says what is wrong. */
bool control_from(struct control_call *call, union address *out, enum control_next *next);

#endif

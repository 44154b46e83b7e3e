/* SPDX-License-Identifier: Apache-2.0
 * From what a new key is for ("acme www apex") to the rule that grants it, as the configuration has
 * it: {key: web1, acme: [www, apex]}. */
#ifndef REEVE_SERVER_KEYRULE_H
#define REEVE_SERVER_KEYRULE_H

#include "base/err.h"
#include "dns/name.h"

#define KEYRULE_TEXT_MAX 4096

/* Where first, then its names, between blanks; for one that takes no names nothing else. The
 * configuration would take the rule: ERR_INVALID with what it would say. */
enum err keyrule_show(const char *wanted, struct name key, char out[KEYRULE_TEXT_MAX],
                      struct diag *diag);
/* The key's name as text without its final dot. */
const char *keyrule_key_text(struct name key, char room[NAME_TEXT_MAX]);

#endif

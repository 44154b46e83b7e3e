/* SPDX-License-Identifier: Apache-2.0
 * One value: from text to the typed member that the table names. */
#ifndef REEVE_CONF_VALUE_H
#define REEVE_CONF_VALUE_H

#include "conf/fill.h"

/* Checks and stores the value of any kind but LISTEN and LATER, and where it came from. What is not
 * a value of the setting is a fault and stores nothing. entry: see fill_map(). */
void value_read(struct fill *f, const struct setting *s, const struct item *n, void *entry);
/* C0, C1, DEL, line ends of Unicode, and what YAML cannot hold: in no text that is kept. */
bool value_has_control(const char *text);

#endif

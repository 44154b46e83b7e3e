/* SPDX-License-Identifier: Apache-2.0
 * Lists of addresses and prefixes: `from`, `within`. */
#ifndef REEVE_CONF_PREFIXES_H
#define REEVE_CONF_PREFIXES_H

#include "conf/fill.h"
#include "request/prefix.h"

/* Those of the list that are any, counted in *count (0 before); a fault for each other. */
const struct prefix *prefixes_build(struct fill *f, const struct conf_texts *list, unsigned *count);

#endif

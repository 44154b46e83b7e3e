/* SPDX-License-Identifier: Apache-2.0
 * `updates` of a zone: who may change what in it. */
#ifndef REEVE_CONF_UPDATES_H
#define REEVE_CONF_UPDATES_H

#include "conf/fill.h"

/* The list as written, into the struct conf_zone whose `updates` member is. See value.c. */
bool updates_read(struct fill *f, const struct setting *s, const struct item *n, void *member);
/* The grants of a zone from what was written, once all keys are known. */
void updates_build(struct fill *f, struct conf_zone *z);

#endif

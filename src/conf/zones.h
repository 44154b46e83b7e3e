/* SPDX-License-Identifier: Apache-2.0
 * The map of zones: its keys are zone names, absolute with or without the final dot. */
#ifndef REEVE_CONF_ZONES_H
#define REEVE_CONF_ZONES_H

#include "conf/fill.h"

void zones_read(struct fill *f, const struct item *n);
/* `soa` of one zone. See value.c. */
bool zones_read_soa(struct fill *f, const struct setting *s, const struct item *n, void *member);
/* Names and grants of all zones, once all keys are known. */
void zones_build(struct fill *f);

#endif

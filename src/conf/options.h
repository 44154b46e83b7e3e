/* SPDX-License-Identifier: Apache-2.0
 * What EDNS options are made of: the secrets of cookies. */
#ifndef REEVE_CONF_OPTIONS_H
#define REEVE_CONF_OPTIONS_H

#include "conf/fill.h"

/* Once all is read: reads the file of secrets. */
void options_build(struct fill *f);

#endif
